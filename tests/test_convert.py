"""Shards are converted to a store with the same videos as loading them returns."""

import os
import signal
import struct
import subprocess
import sys
import textwrap
import tracemalloc
from unittest.mock import Mock

import numpy as np
import pytest
from youtube8m_writer import frame_level, framed, masked, video_level, write_shard

from sk_crossmodal.datasets import _conversion, _loading, _tfrecord, load_youtube8m
from sk_crossmodal.datasets._tfrecord import TFRecordReader
from sk_crossmodal.multimodal import Store, StoreWriter


def frames(rng, lengths):
    return (
        [rng.bytes(width) for _ in range(n)] for n, width in zip(lengths, (1024, 128), strict=True)
    )


def frame_shard(path, n_videos, seed=0):
    rng = np.random.default_rng(seed)
    payloads = []
    for i in range(n_videos):
        rgb, audio = frames(rng, rng.integers(0, 5, size=2))
        labels = rng.integers(3000, size=rng.integers(0, 4)).tolist()
        payloads.append(frame_level(b"%s%d" % (path.stem.encode(), i), labels, rgb, audio))
    return write_shard(path, payloads)


@pytest.fixture
def shards(tmp_path):
    """Three shards of frames with damage in two of them."""
    (tmp_path / "shards").mkdir()
    paths = [frame_shard(tmp_path / "shards" / f"{c}.tfrecord", 7, ord(c)) for c in "cab"]
    with open(paths[0], "ab") as file:
        file.write(framed(b"junk") + framed(frame_level(b"more", (1, 2), [bytes(1024)], [])))
    with open(paths[2], "ab") as file:
        file.write(b"cut off")
    return paths


@pytest.fixture
def good(tmp_path):
    """Three shards of frames without damage."""
    (tmp_path / "good").mkdir()
    return [frame_shard(tmp_path / "good" / f"{i}.tfrecord", 5, i) for i in range(3)]


def tree(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def check_same(bunch, other):
    assert bunch.keys() == other.keys()
    for key in ("target", "level", "n_skipped", "skipped"):
        assert bunch[key] == other[key]
    assert bunch.ids.dtype == other.ids.dtype
    assert bunch.ids.tolist() == other.ids.tolist()
    assert bunch.data.digest() == other.data.digest()  # names, lengths, frames, scaling, types


# The same videos --------------------------------------------------------------------------


def test_store_contains_the_frames_of_the_shards(shards, tmp_path):
    loaded = load_youtube8m(shards, on_error="skip")
    assert (len(loaded.ids), loaded.n_skipped) == (22, 2)
    converted = load_youtube8m(shards, on_error="skip", store=tmp_path / "store")
    check_same(converted, loaded)
    assert not any(isinstance(p.values, np.ndarray) for p in converted.data._frames.values())
    again = load_youtube8m(shards, on_error="skip", store=tmp_path / "store")
    check_same(again, loaded)


def test_store_contains_video_level_features(tmp_path):
    rng = np.random.default_rng(0)
    path = write_shard(
        tmp_path / "a.tfrecord",
        [
            video_level(b"v%d" % i, (i,), rng.normal(size=1024), rng.normal(size=128))
            for i in range(9)
        ],
    )
    check_same(load_youtube8m(path, store=tmp_path / "store"), load_youtube8m(path))


def test_store_of_real_video_level_shards_equals_loading(data_dir, tmp_path):
    shards = sorted((data_dir / "youtube8m" / "video_level").glob("*.tfrecord"))[:3]
    converted = load_youtube8m(shards, store=tmp_path / "store")
    check_same(converted, load_youtube8m(shards))
    assert len(converted.data) > 600


def test_max_frames_cuts_videos_in_a_store(good, tmp_path):
    for max_frames in (1, np.int64(3)):
        converted = load_youtube8m(good, max_frames=max_frames, store=tmp_path / f"{max_frames}")
        check_same(converted, load_youtube8m(good, max_frames=max_frames))
        assert converted.data.lengths("video").max() == max_frames


def test_data_and_target_alone(good, tmp_path):
    X, y = load_youtube8m(good, return_X_y=True, store=tmp_path / "store")
    assert len(X) == len(y) == 15


def test_store_opens_without_the_shards(good, tmp_path):
    loaded = load_youtube8m(good, store=tmp_path / "store")
    for shard in good:
        shard.unlink()
    store = Store.open(tmp_path / "store")
    assert store.data.digest() == loaded.data.digest()
    assert store.ids.tolist() == loaded.ids.tolist()
    assert store.target.shape == (15, 3862)
    assert [tuple(np.flatnonzero(row)) for row in store.target.toarray()] == loaded.target


def test_labels_beyond_the_vocabulary_are_kept(tmp_path):
    labels = [(4715, 3), (), (0,)]
    payloads = [video_level(b"%d" % i, each) for i, each in enumerate(labels)]
    path = write_shard(tmp_path / "a.tfrecord", payloads)
    assert load_youtube8m(path, store=tmp_path / "store").target == [(3, 4715), (), (0,)]
    assert Store.open(tmp_path / "store").target.shape == (3, 4716)


def test_shards_of_one_name_become_two_parts(tmp_path):
    for folder in "ab":
        (tmp_path / folder).mkdir()
        write_shard(tmp_path / folder / "x.tfrecord", [video_level(folder.encode())])
    paths = [tmp_path / "b", tmp_path / "a"]
    assert load_youtube8m(paths, store=tmp_path / "store").ids.tolist() == ["b", "a"]


@pytest.mark.parametrize("store", [None, "store"])
def test_each_shard_is_opened_once(shards, tmp_path, monkeypatch, store):
    opened = []

    def counting(path, *args):
        opened.append(path)
        return open(path, *args)

    monkeypatch.setattr(_tfrecord, "open", counting, raising=False)
    load_youtube8m(shards, on_error="skip", store=store and tmp_path / store)
    assert opened == shards


# Resuming ---------------------------------------------------------------------------------


def test_second_call_writes_nothing(good, tmp_path):
    load_youtube8m(good, store=tmp_path / "store")
    before = tree(tmp_path / "store")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*")}
    load_youtube8m(good, store=tmp_path / "store")
    assert tree(tmp_path / "store") == before
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*")} == times


def test_only_new_shards_are_converted(good, tmp_path, monkeypatch):
    load_youtube8m(good[:2], store=tmp_path / "store")
    with monkeypatch.context() as patch:
        patch.setattr(_conversion, "_convert_shard", only(good[2], _conversion._convert_shard))
        check_same(load_youtube8m(good, store=tmp_path / "store"), load_youtube8m(good))
    load_youtube8m(good, store=tmp_path / "whole")
    assert tree(tmp_path / "store") == tree(tmp_path / "whole")


def only(shard, convert):
    def checked(number, reader, about, writer, name, given, parent):
        assert given == shard
        return convert(number, reader, about, writer, name, given)

    return checked


def test_new_shards_with_larger_labels_are_added(tmp_path):
    paths = [write_shard(tmp_path / f"{n}.x", [video_level(b"%d" % n, (n,))]) for n in (7, 9000)]
    load_youtube8m(paths[:1], store=tmp_path / "store")
    assert load_youtube8m(paths, store=tmp_path / "store").target == [(7,), (9000,)]


@pytest.mark.parametrize("stop", ["block", "note", "finish"])
def test_killed_conversion_resumes(good, tmp_path, stop):
    # The second shard is being read; has been written, but is not in place; all are in place.
    script = f"""
    import os, signal
    from sk_crossmodal.datasets import _conversion, load_youtube8m
    from sk_crossmodal.datasets._tfrecord import TFRecordReader
    from sk_crossmodal.multimodal import StoreWriter

    def kill(*args):
        print("killed", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

    def second(function, kill=kill):
        def call(path, *args):
            return kill() if calls.append(path) or len(calls) == 2 else function(path, *args)
        calls = []
        return call

    def cut_off(function):
        def blocks(*args):
            yield from function(*args)
            kill_second(*args)
        kill_second = second(lambda *args: None)
        return blocks

    if {stop!r} == "block":
        TFRecordReader.blocks = cut_off(TFRecordReader.blocks)
    elif {stop!r} == "note":
        _conversion._write_note = second(_conversion._write_note)
    else:
        StoreWriter.finish = kill
    load_youtube8m({[str(p) for p in good]}, store={str(tmp_path / "store")!r})
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    killed = subprocess.run(command, capture_output=True, text=True)
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "killed\n"), killed.stderr
    with pytest.raises(ValueError, match="not finished"):
        Store.open(tmp_path / "store")
    done = {path.name for path in (tmp_path / "store" / "parts").glob("[!.]*")}
    assert len(done) == (3 if stop == "finish" else 1)
    load_youtube8m(good, store=tmp_path / "store")
    load_youtube8m(good, store=tmp_path / "whole")
    assert tree(tmp_path / "store") == tree(tmp_path / "whole")


def test_damage_stops_conversion_unless_it_is_skipped(shards, tmp_path):
    for _ in range(2):
        with pytest.raises(ValueError, match=r"c\.tfrecord, byte \d+: no tf.train.Example"):
            load_youtube8m(shards, store=tmp_path / "store")
    check_same(
        load_youtube8m(shards, store=tmp_path / "store", on_error="skip"),
        load_youtube8m(shards, on_error="skip"),
    )
    # What was left out stays damage, as if the shards were read again.
    with pytest.raises(ValueError, match=r"c\.tfrecord, byte \d+: no tf.train.Example"):
        load_youtube8m(shards, store=tmp_path / "store")


def test_shard_without_intact_records_becomes_an_empty_part(good, tmp_path):
    write_shard(good[1], [b"junk"])
    options = {"on_error": "skip", "store": tmp_path / "store"}
    check_same(load_youtube8m(good, **options), load_youtube8m(good, on_error="skip"))


# Errors --------------------------------------------------------------------------------


def check_error(message, shards, store, **options):
    before = tree(store)
    with pytest.raises(ValueError, match=message):
        load_youtube8m(shards, store=store, **options)
    assert tree(store) == before


def test_store_of_another_call_raises_an_error(good, tmp_path):
    load_youtube8m(good, store=tmp_path / "store")
    check_error("'max_frames': None.*'max_frames': 3", good, tmp_path / "store", max_frames=3)
    check_error("has 0.tfrecord as its shard 0", good[::-1], tmp_path / "store")
    check_error("has 2.tfrecord as its shard 2", good[:2], tmp_path / "store")
    means = write_shard(tmp_path / "means.tfrecord", [video_level()])
    check_error("'level': 'frame'.*'level': 'video'", means, tmp_path / "store")
    check_error("a video-level record among frame-level ones", [*good, means], tmp_path / "store")
    with open(good[1], "ab") as file:
        file.write(framed(frame_level(rgb=[], audio=[])))
    check_error(r"1\.tfrecord has \d+ bytes; had \d+ when", good, tmp_path / "store")


def test_unfinished_store_of_other_shards_raises_an_error(good, tmp_path):
    data = good[1].read_bytes()
    good[1].write_bytes(data[:-1])
    with pytest.raises(ValueError, match="ends inside a record"):
        load_youtube8m(good, store=tmp_path / "store")
    check_error("has 0.tfrecord as its shard 0", good[1:], tmp_path / "store")


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_video_in_two_shards_is_found_early_and_the_store_continues(good, tmp_path, n_jobs):
    # The third shard has a video of the first; many are behind it.
    with open(good[2], "ab") as file:
        file.write(framed(frame_level(b"02", rgb=[], audio=[])))
    later = [frame_shard(tmp_path / f"later{i}.tfrecord", 2, i) for i in range(20)]
    later[-1].write_bytes(b"damage that is not come to")
    shards, store = [*good, *later], tmp_path / "store"
    message = rf"{good[2]}, byte \d+: the video '02' is in {good[0]}, too.*leave {good[2]} out"
    with pytest.raises(ValueError, match=message):
        load_youtube8m(shards, store=store, n_jobs=n_jobs)
    kept = {f"0000{i}-{i}.tfrecord" for i in range(2)}
    assert {path.name for path in (store / "parts").iterdir() if path.name[0] != "."} == kept
    assert {path.stem for path in (store / "shards").glob("*.json")} == kept
    before = tree(store / "parts" / "00000-0.tfrecord")
    without = [*good[:2], *later[:-1]]
    check_same(load_youtube8m(without, store=store, n_jobs=n_jobs), load_youtube8m(without))
    assert tree(store / "parts" / "00000-0.tfrecord") == before
    assert not list((store / "parts").glob(".*.part"))


def test_finished_store_is_kept_if_a_new_shard_has_one_of_its_videos(good, tmp_path):
    loaded = load_youtube8m(good, store=tmp_path / "store")
    again = write_shard(tmp_path / "again.tfrecord", [frame_level(b"12", rgb=[], audio=[])])
    with pytest.raises(ValueError, match=r"again\.tfrecord, byte 0: the video '12' is in"):
        load_youtube8m([*good, again], store=tmp_path / "store")
    check_same(load_youtube8m(good, store=tmp_path / "store"), loaded)


def test_duplicate_video_in_existing_parts_is_found(good, tmp_path, monkeypatch):
    # As if the conversion had been killed before they were compared.
    with open(good[2], "ab") as file:
        file.write(framed(frame_level(b"02", rgb=[], audio=[])))
    with monkeypatch.context() as patched:
        patched.setattr(_loading.DuplicateChecker, "add", lambda *_: None)
        patched.setattr(StoreWriter, "finish", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            load_youtube8m(good, store=tmp_path / "store")
    with pytest.raises(ValueError, match="the video '02' is in"):
        load_youtube8m(good, store=tmp_path / "store")
    check_same(load_youtube8m(good[:2], store=tmp_path / "store"), load_youtube8m(good[:2]))


@pytest.mark.parametrize("n_hashes", [2**61, 7])
def test_duplicate_checker_finds_the_same_videos_as_a_set(tmp_path, monkeypatch, n_hashes):
    monkeypatch.setattr(_loading, "hash", lambda name: int(name) % n_hashes, raising=False)
    rng = np.random.default_rng(0)
    shards = [write_shard(tmp_path / f"{i}.tfrecord", []) for i in range(40)]
    found = 0
    for _ in range(30):
        ids = [
            rng.choice(30_000, rng.integers(0, 30), replace=False).astype(str).tolist()
            for _ in shards
        ]
        checker, seen = (
            _loading.DuplicateChecker(TFRecordReader(), shards, ids.__getitem__),
            set(),
        )
        for i in rng.permutation(40).tolist():
            if seen.isdisjoint(ids[i]):
                checker.add(i)
                seen.update(ids[i])
                continue
            with pytest.raises(ValueError, match=r"the video .* is in .*, too"):
                checker.add(i)
            found += 1
            break
    assert 5 < found <= 30


def test_other_folders_and_stores_are_not_changed(good, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("all of it")
    check_error("is no store", good, tmp_path / "precious")
    loaded = load_youtube8m(good)
    loaded.data.save(tmp_path / "own", ids=loaded.ids)
    check_error(r"own has other attributes: they are \{\}, got", good, tmp_path / "own")


def test_invalid_calls_write_nothing(good, tmp_path):
    with pytest.raises(TypeError, match="max_frames"):
        load_youtube8m(good, max_frames="3", store=tmp_path / "store")
    with pytest.raises(FileNotFoundError):
        load_youtube8m([*good, "missing"], store=tmp_path / "store")
    junk = write_shard(tmp_path / "junk.tfrecord", [b"junk"])
    with pytest.raises(ValueError, match="no video could be read from 1 shard"):
        load_youtube8m(junk, on_error="skip", store=tmp_path / "store")
    assert not (tmp_path / "store").exists()


# Size -------------------------------------------------------------------------------------


def test_block_size_does_not_change_the_result(good, tmp_path, monkeypatch):
    load_youtube8m(good, store=tmp_path / "large")
    expected = load_youtube8m(good)
    for size in (1152, 5000):  # one frame, so that most videos are larger than a block; four
        monkeypatch.setattr(_tfrecord, "_BLOCK_BYTES", size)
        load_youtube8m(good, store=tmp_path / str(size))
        assert tree(tmp_path / str(size)) == tree(tmp_path / "large")
        check_same(load_youtube8m(good), expected)


def test_memory_does_not_grow_with_the_shard(tmp_path, monkeypatch):
    block = 1 << 16
    rgb, audio = [bytes(1024)] * 8, [bytes(128)] * 8
    monkeypatch.setattr(_tfrecord, "_BLOCK_BYTES", block)
    peaks = []
    for n in (10, 2000):
        path = tmp_path / f"{n}.tfrecord"
        write_shard(path, (frame_level(b"%d" % i, rgb=rgb, audio=audio) for i in range(n)))
        reader = TFRecordReader()
        about = reader.describe([path])
        writer = StoreWriter(tmp_path / f"store{n}", about.modalities)
        tracemalloc.start()
        _conversion._convert_shard(0, reader, about, writer, "0-x", path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert path.stat().st_size > 16e6
    # Of each video only its id is remembered.
    assert peaks[1] - peaks[0] < 2.5 * block + 200 * 2000


def test_forged_length_allocates_nothing(good, tmp_path):
    head = struct.pack("<Q", 2**40)
    with open(good[1], "ab") as file:
        file.write(head + masked(head) + b"a few bytes")
    with pytest.raises(ValueError, match=f"claims {2**40} bytes"):
        load_youtube8m(good, store=tmp_path / "store")
    assert load_youtube8m(good, store=tmp_path / "store", on_error="skip").n_skipped == 1


# Processes --------------------------------------------------------------------------------


def test_processes_write_the_same_store(shards, tmp_path):
    options = {"on_error": "skip", "progress": False}
    for n_jobs in (1, 2):
        bunch = load_youtube8m(shards, n_jobs=n_jobs, store=tmp_path / f"{n_jobs}", **options)
        check_same(bunch, load_youtube8m(shards, on_error="skip"))
    assert tree(tmp_path / "1") == tree(tmp_path / "2")
    with pytest.raises(ValueError, match=r"byte \d+: (no tf\.train|the file ends)"):
        load_youtube8m(shards, n_jobs=2, store=tmp_path / "3", progress=False)
    # Whoever was at work on another shard was stopped, and what it left is cleared up.
    load_youtube8m(shards, store=tmp_path / "3", on_error="skip")
    assert tree(tmp_path / "3") == tree(tmp_path / "1")


@pytest.mark.parametrize(("progress", "shown"), [(None, False), (True, True), (False, False)])
def test_progress_bar_is_shown_if_requested(good, tmp_path, capfd, progress, shown):
    load_youtube8m(good[:1], store=tmp_path / "store", progress=False)
    load_youtube8m(good, store=tmp_path / "store", progress=progress)
    text = capfd.readouterr().err
    total = sum(os.path.getsize(path) for path in good)
    assert bool(text) == shown
    assert not shown or ("100%" in text and f"{total / 1e3:.1f}k/{total / 1e3:.1f}k" in text)
