"""Segments of YouTube-8M as samples, and the submission of the challenge of 2019."""

import csv

import numpy as np
import pytest
from test_convert import tree
from youtube8m_writer import (
    float_feature,
    frame_level,
    framed,
    int_feature,
    video_level,
    write_shard,
)

from sk_crossmodal.cli import main
from sk_crossmodal.cli._writers import SegmentsWriter
from sk_crossmodal.datasets import load_store, load_youtube8m


def rated(name=b"abcd", n_frames=12, starts=(), labels=(), scores=None, **changes):
    """A frame-level record with rated segments, whose frame t consists of the byte t."""
    context = {
        "segment_start_times": int_feature(starts),
        "segment_end_times": int_feature([start + 5 for start in starts]),
        "segment_labels": int_feature(labels),
        "segment_scores": float_feature([1.0] * len(starts) if scores is None else scores),
        **changes,
    }
    rgb, audio = ([bytes([t % 256] * width) for t in range(n_frames)] for width in (1024, 128))
    return frame_level(name, (3, 7), rgb, audio, context)


def first_bytes(X, row):
    """The bytes that the frames of a video consist of, in each modality."""
    return [
        np.rint((X[row][name][:, 0] + 2 - 4 / 512) * 255 / 4).astype(int).tolist()
        for name in X.modality_names
    ]


def test_rated_segments_are_samples(tmp_path):
    # Two ratings of one segment, a negative one, one that the end of the video cuts off.
    payloads = [
        rated(b"a", 12, (5, 0, 5, 10), (9, 8, 4, 6), (1, 0, 1, 1)),
        rated(b"none", 12),
        frame_level(b"old", rgb=[bytes(1024)], audio=[bytes(128)]),
        rated(b"b", 300, (295,), (1,)),
    ]
    path = write_shard(tmp_path / "a.tfrecord", payloads)
    bunch = load_youtube8m(path, segments=True)
    assert bunch.ids.tolist() == ["a:0", "a:5", "a:10", "b:295"]
    assert bunch.target == [(), (4, 9), (6,), (1,)]
    assert first_bytes(bunch.data, 0) == [[0, 1, 2, 3, 4]] * 2
    assert first_bytes(bunch.data, 1) == [[5, 6, 7, 8, 9]] * 2
    assert first_bytes(bunch.data, 2) == [[10, 11]] * 2
    assert (bunch.level, bunch.n_skipped) == ("segment", 0)
    assert load_youtube8m(path, segments="rated").ids.tolist() == bunch.ids.tolist()
    assert load_youtube8m(path, segments=True, max_frames=2).data.lengths("audio").max() == 2


def test_all_segments_cover_each_video(tmp_path):
    path = write_shard(tmp_path / "a.tfrecord", [rated(b"a", 12, (5,), (9,)), rated(b"b", 5)])
    bunch = load_youtube8m(path, segments="all")
    assert bunch.ids.tolist() == ["a:0", "a:5", "a:10", "b:0"]
    assert bunch.target == [()] * 4
    assert bunch.data.lengths("video").tolist() == [5, 5, 2, 5]


def test_store_of_segments_equals_memory(tmp_path):
    paths = [
        write_shard(tmp_path / f"{name}.tfrecord", [rated(name.encode(), 9, (5, 0), (2, 3))])
        for name in "ab"
    ]
    loaded = load_youtube8m(paths, segments=True)
    stored = load_youtube8m(paths, segments=True, store=tmp_path / "store")
    assert stored.data.digest() == loaded.data.digest()
    assert (stored.target, stored.ids.tolist()) == (loaded.target, loaded.ids.tolist())
    assert load_store(tmp_path / "store").attributes["level"] == "segment"
    for segments in (False, "all"):
        with pytest.raises(ValueError, match="store has other attributes"):
            load_youtube8m(paths, segments=segments, store=tmp_path / "store")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (rated(starts=(0, 5), labels=(1,)), "differ in their numbers of values: 2 in 'segment_st"),
        (rated(starts=(12,), labels=(1,)), "a segment starts at 12, the video has 12 frames"),
        (rated(starts=(-5,), labels=(1,)), "a segment starts at -5"),
        (rated(starts=(0,), labels=(2**31,)), "'segment_labels' has a label below 0 or beyond 32"),
        (
            rated(starts=(0,), labels=(1,), scores=(0.5,)),
            "'segment_scores' has 0.5, expected 0 or",
        ),
        (rated(segment_labels=float_feature([1.0])), "'segment_labels' is not an int64_list"),
    ],
)
def test_wrong_segments_are_damage(tmp_path, payload, reason):
    good = rated(b"a", 5, (0,), (1,))
    path = write_shard(tmp_path / "a.tfrecord", [good, payload, rated(b"b", 5, (0,), (1,))])
    with pytest.raises(ValueError, match=rf"byte {len(framed(good))}: .*{reason}"):
        load_youtube8m(path, segments=True)
    assert load_youtube8m(path, segments=True, on_error="skip").ids.tolist() == ["a:0", "b:0"]


def test_videos_twice_and_shards_without_segments_raise_an_error(tmp_path):
    paths = [
        write_shard(tmp_path / f"{name}.tfrecord", [rated(b"a", 9, (5,), (2,))]) for name in "ab"
    ]
    with pytest.raises(ValueError, match=r"b\.tfrecord, byte 0: the video 'a:5' is in .*a\.tf"):
        load_youtube8m(paths, segments=True)
    means = write_shard(tmp_path / "means.tfrecord", [video_level()])
    with pytest.raises(ValueError, match=r"segments need frame-level shards, .*means"):
        load_youtube8m(means, segments=True)
    plain = write_shard(tmp_path / "plain.tfrecord", [frame_level(rgb=[], audio=[])])
    with pytest.raises(ValueError, match=r"none has rated segments, segments='all'"):
        load_youtube8m(plain, segments=True)


# The submission -----------------------------------------------------------------------------


def read(path):
    with open(path, newline="") as file:
        heading, *rows = csv.reader(file)
    return heading, {label: segments.split(" ") for label, segments in rows}


@pytest.mark.parametrize("top_k", [None, 4])
def test_submission_ranks_segments_by_class(tmp_path, top_k):
    rng = np.random.default_rng(0)
    probability = rng.integers(0, 8, (30, 3)) / 8  # with ties
    ids = np.array([f"v{i // 5}:{i % 5 * 5}" for i in range(30)])
    labels = ["Games", 7, 12]  # verticals of YouTube-8M do not belong to the challenge
    with SegmentsWriter(tmp_path / "a.csv", labels, ["Games", "Seven", "Twelve"], top_k) as writer:
        for first in range(0, 30, 3):
            rows = slice(first, first + 3)
            writer.write(ids[rows].tolist(), probability[rows])
    heading, segments = read(tmp_path / "a.csv")
    assert heading == ["Class", "Segments"]
    expected = {
        str(labels[j]): [ids[i] for i in sorted(range(30), key=lambda i: -probability[i, j])][
            :top_k
        ]
        for j in (1, 2)
    }
    assert segments == expected


def test_segments_from_shards_to_submission(tmp_path, capsys):
    starts, labels, scores = (0, 5, 10), (2, 4, 4), (1, 1, 0)
    for shard, n in (("validate0", 4), ("validate1", 4)):
        payloads = [rated(f"{shard}{i}".encode(), 15, starts, labels, scores) for i in range(n)]
        write_shard(tmp_path / f"{shard}.tfrecord", payloads)
    test = write_shard(tmp_path / "test.tfrecord", [rated(b"x", 7), rated(b"y", 3)])

    def run(*arguments):
        return main([str(argument) for argument in arguments])

    pattern, small = (
        f"{tmp_path}/val*",
        ["--epochs", "1", "--fusion", "late", "--set", "d_model=8"],
    )
    assert run("convert", pattern, tmp_path / "store", "--segments", "rated") == 0
    assert len(load_store(tmp_path / "store").data) == 24
    assert run("train", tmp_path / "store", tmp_path / "model", *small, "--set", "n_heads=2") == 0
    assert run("convert", test, tmp_path / "all", "--segments", "all") == 0
    for data in (test, tmp_path / "all"):
        out = tmp_path / f"{data.name}.csv"
        options = (out, "--format", "kaggle-segments")
        assert run("predict", tmp_path / "model", data, *options) == 0
        _, segments = read(out)
        assert set(segments) == {"2", "4"}
        assert all(sorted(each) == ["x:0", "x:5", "y:0"] for each in segments.values())
    assert tree(tmp_path)["test.tfrecord.csv"] == tree(tmp_path)["all.csv"]
    capsys.readouterr()
    load_youtube8m(test, store=tmp_path / "whole")
    out = tmp_path / "none.csv"
    assert (
        run("predict", tmp_path / "model", tmp_path / "whole", out, "--format", "kaggle-segments")
        == 1
    )
    assert (
        "needs ids video:start, got 'x': convert shards with --segments" in capsys.readouterr().err
    )
    assert not out.exists()
