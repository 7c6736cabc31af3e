"""load_tfrecords: shards of AudioSet and of other features, and the hierarchy of AudioSet."""

import json
import re

import numpy as np
import pytest
from test_convert import tree
from youtube8m_writer import (
    bytes_feature,
    example,
    float_feature,
    frame_level,
    framed,
    int_feature,
    sequence_example,
    video_level,
    write_shard,
)

from sk_crossmodal import HierarchyLabelBinarizer, load_model
from sk_crossmodal.cli import main
from sk_crossmodal.datasets import (
    audioset_hierarchy,
    load_store,
    load_tfrecords,
    load_youtube8m,
)
from sk_crossmodal.multimodal import Store

RNG = np.random.default_rng(0)


def audioset(name, labels=(0, 137), frames=None, label_key="labels", key="audio_embedding"):
    """A record of AudioSet: ten seconds of 128 bytes."""
    context = {
        "video_id": bytes_feature(name),
        "start_time_seconds": float_feature([30.0]),
        "end_time_seconds": float_feature([40.0]),
        label_key: int_feature(labels),
    }
    frames = [RNG.bytes(128) for _ in range(10)] if frames is None else frames
    return sequence_example(context, {key: [bytes_feature(frame) for frame in frames]})


@pytest.fixture
def sounds(tmp_path):
    """Two shards of AudioSet, of 6 and 3 videos; names as the real ones."""
    (tmp_path / "bal").mkdir()
    for shard, n in (("-0", 6), ("zz", 3)):
        payloads = [audioset(f"{shard}{i}".encode(), (i, 526 - i % 2)) for i in range(n)]
        write_shard(tmp_path / "bal" / f"{shard}.tfrecord", payloads)
    return tmp_path / "bal"


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.mark.parametrize("features", [None, {"audio": ("audio_embedding", 128)}])
@pytest.mark.parametrize("label_key", ["labels", "label"])
def test_audioset_shards_return_the_written_frames(tmp_path, features, label_key):
    frames = [bytes([0] * 127 + [255]), bytes(range(128))]
    payloads = [audioset(b"a", (399, 0), frames, label_key), audioset(b"b", (), [], label_key)]
    bunch = load_tfrecords(write_shard(tmp_path / "a.tfrecord", payloads), features=features)
    # Bytes are the middles of 256 intervals of [-2, 2].
    expected = np.array([list(frame) for frame in frames]) * (4 / 255) - 2 + 4 / 512
    np.testing.assert_allclose(bunch.data[0]["audio"], expected, atol=1e-6)
    assert bunch.data.lengths("audio").tolist() == [2, 0]
    assert bunch.data.rates == {"audio": 1.0}
    assert "uint8" in repr(bunch.data)
    assert bunch.target == [(0, 399), ()]
    assert (bunch.ids.tolist(), bunch.level, bunch.n_skipped) == (["a", "b"], "frame", 0)


def test_audioset_store_equals_memory_and_grows(sounds, tmp_path):
    shards = sorted(sounds.iterdir())
    load_tfrecords(shards[:1], store=tmp_path / "store")
    stored, loaded = load_tfrecords(shards, store=tmp_path / "store"), load_tfrecords(shards)
    assert stored.data.digest() == loaded.data.digest()
    assert (stored.target, stored.ids.tolist()) == (loaded.target, loaded.ids.tolist())
    store = Store.open(tmp_path / "store")
    assert store.target.shape == (9, 527)
    assert store.attributes == {"source": "AudioSet", "level": "frame", "max_frames": None}
    load_tfrecords(shards, store=tmp_path / "whole", n_jobs=2)
    assert tree(tmp_path / "store") == tree(tmp_path / "whole")


def test_damaged_audioset_records_are_skipped_or_raise(sounds):
    shard = sounds / "zz.tfrecord"
    good = load_tfrecords(sounds)
    size = shard.stat().st_size
    with open(shard, "ab") as file:
        file.write(framed(audioset(b"zz0")) + framed(audioset(b"x", frames=[bytes(64)]))[:-1])
    with pytest.raises(ValueError, match=rf"zz\.tfrecord, byte {size}: the video 'zz0' is at"):
        load_tfrecords(sounds)
    bunch = load_tfrecords(sounds, on_error="skip")
    assert bunch.data.digest() == good.data.digest()
    assert bunch.n_skipped == 2
    again = write_shard(sounds / "zzz.tfrecord", [audioset(b"-03")])
    with pytest.raises(ValueError, match=rf"{again}, byte 0: the video '-03' is in .*-0\.tf"):
        load_tfrecords(sounds, on_error="skip")


@pytest.mark.parametrize("names", [("rgb",), ("audio",), ("rgb", "audio")])
def test_youtube8m_features_are_detected(tmp_path, names):
    lists = {"rgb": [RNG.bytes(1024)] * 3, "audio": [RNG.bytes(128)] * 3}
    given = {name: lists[name] if name in names else None for name in lists}
    path = write_shard(tmp_path / "a.tfrecord", [frame_level(**given)])
    X = load_tfrecords(path).data
    assert X.modality_names == tuple("video" if name == "rgb" else name for name in names)
    whole = load_youtube8m(write_shard(tmp_path / "b.tfrecord", [frame_level(**lists)])).data
    for name in X.modality_names:
        np.testing.assert_array_equal(X[0][name], whole[0][name])


@pytest.mark.parametrize("payload", [video_level(), frame_level(rgb=[bytes(1024)], audio=[])])
def test_youtube8m_shards_give_the_store_of_load_youtube8m(tmp_path, payload):
    other = frame_level(b"b", rgb=[bytes(1024)], audio=[bytes(128)])
    payloads = [payload, *([other] if payload != video_level() else [])]
    path = write_shard(tmp_path / "a.tfrecord", payloads)
    load_youtube8m(path, store=tmp_path / "store")
    load_tfrecords(path, store=tmp_path / "general")
    assert tree(tmp_path / "store") == tree(tmp_path / "general")


def test_given_features_select_and_rename(tmp_path):
    path = write_shard(
        tmp_path / "a.tfrecord",
        [frame_level(rgb=[bytes(1024)] * 2, audio=[bytes([255] * 128)] * 2)],
    )
    bunch = load_tfrecords(
        path, features={"sound": ("audio", 128)}, quantization=(0, 1), labels=None, ids="id"
    )
    assert bunch.data.n_features == {"sound": 128}
    np.testing.assert_allclose(bunch.data[0]["sound"], 1 + 1 / 512)
    assert (bunch.target, bunch.ids.tolist()) == ([()], ["abcd"])


@pytest.mark.parametrize("features", [None, {"pose": ("pose", 3), "face": ("face", 2)}])
def test_frames_of_floats_are_read(tmp_path, features):
    context = {"video_id": bytes_feature(b"a"), "classes": int_feature([5])}
    lists = {
        "pose": [float_feature([1, 2, 3]), float_feature([4, 5, 6])],
        "face": [float_feature([0.5, -0.5])],
    }
    path = write_shard(tmp_path / "a.tfrecord", [sequence_example(context, lists)])
    bunch = load_tfrecords(path, features=features, quantization=None, labels="classes")
    assert bunch.data[0]["pose"].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert bunch.data[0]["face"].tolist() == [[0.5, -0.5]]
    assert bunch.target == [(5,)]
    if features is None:
        assert (
            load_tfrecords(path).data.digest()
            == load_tfrecords(path, quantization=None).data.digest()
        )


def test_examples_with_lists_of_floats_are_videos_of_one_frame(tmp_path):
    features = {
        "id": bytes_feature(b"a"),
        "clip": float_feature([1, 2, 3]),
        "duration": float_feature([9.5]),
        "label": int_feature([1]),
    }
    bunch = load_tfrecords(write_shard(tmp_path / "a.tfrecord", [example(features)]))
    assert bunch.data[0]["clip"].tolist() == [[1, 2, 3]]
    assert (bunch.data.modality_names, bunch.target, bunch.level) == (("clip",), [(1,)], "video")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": {"a": ("rgb", 1024)}}, r"byte 0: feature list 'rgb' is missing; the "
         r"record has audio_embedding: load_tfrecords\(\.\.\., features=\.\.\.\)"),
        ({"features": {"a": ("audio_embedding", 64)}}, r"has \[128\] bytes, expected \[64\]"),
        ({"features": {"a": ("audio_embedding", 128)}, "quantization": None}, "has 0 floats"),
        ({"ids": "name"}, "feature 'name' is missing"),
        ({"labels": "video_id"}, "'video_id' is not a list of int64"),
    ],
)  # fmt: skip
def test_wrong_features_raise_an_error_with_those_there_are(sounds, options, message):
    with pytest.raises(ValueError, match=message):
        load_tfrecords(sounds, **options)


def test_youtube8m_loader_names_the_loader_of_other_features(sounds):
    message = r"'rgb' is missing; the record has audio_embedding: load_tfrecords"
    with pytest.raises(ValueError, match=message):
        load_youtube8m(sounds)


def test_store_of_other_features_raises_an_error(sounds, tmp_path):
    load_tfrecords(sounds, store=tmp_path / "store")
    for options in ({"labels": "label"}, {"max_frames": 3}, {"quantization": (0, 1)}):
        with pytest.raises(ValueError, match=r"store has other (attributes|modalities)"):
            load_tfrecords(sounds, store=tmp_path / "store", **options)


def test_shards_without_frames_need_features(tmp_path):
    path = write_shard(tmp_path / "a.tfrecord", [audioset(b"a", frames=[])])
    with pytest.raises(ValueError, match=r"'audio_embedding'\] have no frames .* give features="):
        load_tfrecords(path)
    assert len(load_tfrecords(path, features={"audio": ("audio_embedding", 128)}).data) == 1


# The command line ---------------------------------------------------------------------------


def test_commands_take_audioset_shards(sounds, tmp_path, capsys, monkeypatch):
    assert run("info", sounds) == 0
    assert "audio: 128 features, 10 to 10 frames per video" in capsys.readouterr().out
    assert run("convert", sounds, tmp_path / "store") == 0
    assert load_store(tmp_path / "store").data.digest() == load_tfrecords(sounds).data.digest()
    monkeypatch.chdir(sounds)  # where a shell puts -0.tfrecord for *.tfrecord
    assert run("info", "-0.tfrecord", "zz.tfrecord") == 0
    assert "videos: 9" in capsys.readouterr().out
    ontology = [
        {"id": "/m/a", "name": "Sounds", "child_ids": [f"/m/{i}" for i in range(527)]},
        *({"id": f"/m/{i}", "name": f"Sound {i}", "child_ids": []} for i in range(527)),
    ]
    (tmp_path / "ontology.json").write_text(json.dumps(ontology))
    rows = "".join(f'{i},/m/{i},"Sound, {i}"\n' for i in range(527))
    (tmp_path / "classes.csv").write_text("index,mid,display_name\n" + rows)
    small = ["--epochs", "1", "--fusion", "late", "--set", "d_model=8", "--set", "n_heads=2"]
    files = [
        "--min-frequency",
        "2",
        "--vocabulary",
        tmp_path / "ontology.json",
        "--class-labels",
        tmp_path / "classes.csv",
    ]
    assert run("train", ".", tmp_path / "model", *small, *files[:4]) == 1
    message = "labels are indices, but those of ontology.json are ids .*; give --class-labels"
    assert re.search(message, capsys.readouterr().err)
    assert run("train", ".", tmp_path / "model", *small, *files) == 0
    labels = list(load_model(tmp_path / "model").hierarchy_.nodes)
    assert labels == ["/m/a", 0, 1, 2, 525, 526]
    assert run("predict", tmp_path / "model", "-0.tfrecord", tmp_path / "out.csv") == 0


# The hierarchy ------------------------------------------------------------------------------

ONTOLOGY = [
    {"id": "/m/a", "name": "Animal", "child_ids": ["/m/b", "/m/c"], "restrictions": ["abstract"]},
    {"id": "/m/c", "name": "Dog", "child_ids": ["/m/d"]},
    {"id": "/m/b", "name": "Cat", "child_ids": ["/m/d"]},
    {"id": "/m/d", "name": "Growling", "child_ids": []},
]
HEAD = "index,mid,display_name\n"


@pytest.fixture
def files(tmp_path):
    """Write an ontology and class labels."""

    def write(ontology=ONTOLOGY, rows='0,/m/d,Growling\n1,/m/b,"Cat, small"\n', head=HEAD):
        text = ontology if isinstance(ontology, str) else json.dumps(ontology)
        (tmp_path / "ontology.json").write_text(text)
        (tmp_path / "classes.csv").write_text(head + rows)
        return tmp_path / "ontology.json", tmp_path / "classes.csv"

    return write


def test_hierarchy_of_ids_and_of_indices(files):
    ontology, classes = files()
    ids = audioset_hierarchy(ontology)
    assert ids.nodes == ("/m/a", "/m/c", "/m/b", "/m/d")
    assert set(ids.parents("/m/d")) == {"/m/c", "/m/b"}
    hierarchy = audioset_hierarchy(ontology, classes)
    assert hierarchy.nodes == ("/m/a", "/m/c", 0, 1)
    assert (set(hierarchy.parents(0)), hierarchy.parents(1)) == ({"/m/c", 1}, ("/m/a",))
    assert hierarchy.display_names == ["Animal", "Dog", "Growling", "Cat"]
    binarizer = HierarchyLabelBinarizer(hierarchy=hierarchy)
    assert binarizer.fit_transform([(0,), (1,)]).tolist() == [[1, 1, 1, 1], [1, 0, 0, 1]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ontology": "not JSON"}, r"ontology\.json is not JSON in utf-8-sig"),
        ({"ontology": {"a": 1}}, "must be a list of nodes"),
        ({"ontology": [{"id": "/m/a", "name": "A"}]}, "node 0 must have id, name and child_ids"),
        ({"ontology": [*ONTOLOGY, ONTOLOGY[0]]}, "node 4: the id '/m/a' is given twice"),
        ({"ontology": ONTOLOGY[:1], "rows": "0,/m/a,A\n"}, "'/m/a' has the child '/m/b', no node"),
        (
            {"ontology": [{"id": "a", "name": "A", "child_ids": ["a"]}], "rows": "0,a,A\n"},
            "cycle|parent",
        ),
        ({"rows": "0,/m/x,X\n"}, r"classes\.csv has '/m/x', which .*ontology\.json lacks"),
        ({"rows": "0,/m/a,A\n0,/m/b,B\n"}, "line 3: the index 0 is given twice"),
        ({"rows": "0,/m/a,A\n1,/m/a,A\n"}, "line 3: the mid '/m/a' is given twice"),
        ({"rows": "x,/m/a,A\n"}, "line 2: the index must be .* got 'x'"),
        ({"rows": ""}, "has no classes"),
        ({"head": "Index,MID\n"}, "lacks the columns index, mid, display_name"),
    ],
)
def test_wrong_ontologies_and_class_labels_raise_an_error(files, changes, message):
    with pytest.raises(ValueError, match=message):
        audioset_hierarchy(*files(**changes))


# Real data ----------------------------------------------------------------------------------


def test_real_audioset_shards(data_dir):
    if not (folder := data_dir / "audioset").is_dir():
        pytest.skip(f"no shards of AudioSet in {folder}")
    bunch = load_tfrecords(folder)
    assert len(bunch.data) == len(set(bunch.ids)) == 37
    assert set(bunch.data.lengths("audio")) == {10}
    assert bunch.ids[0] == "--cB2ZVjpnA"
    assert bunch.target[:2] == [(399,), (0, 451)]
    raw = sorted(folder.glob("*.tfrecord"))[0].read_bytes()
    first = raw.index(b"audio_embedding")
    # 128 bytes follow the tag of a string and its length, as a varint.
    start = raw.index(b"\x0a\x80\x01", first) + 3
    stored = np.frombuffer(raw[start : start + 128], np.uint8)
    np.testing.assert_allclose(
        bunch.data[0]["audio"][0], stored * (4 / 255) + 4 / 512 - 2, atol=1e-6
    )


def test_real_ontology(data_dir):
    if not (path := data_dir / "audioset" / "ontology.json").is_file():
        pytest.skip(f"no ontology of AudioSet at {path}")
    hierarchy = audioset_hierarchy(path)
    assert (len(hierarchy), len(hierarchy.roots)) == (632, 7)
    assert sum(len(hierarchy.parents(node)) > 1 for node in hierarchy.nodes) == 38
    assert hierarchy.display_names[hierarchy.index("/m/09x0r")] == "Speech"
