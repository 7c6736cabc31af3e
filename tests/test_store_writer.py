"""A store is written completely or not at all, continues after a crash, and finds damage."""

import contextlib
import json
import os
import re
import shutil
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from scipy.sparse import csr_array
from store_cases import (
    IDS,
    MODALITIES,
    PARTS,
    Y,
    content,
    files,
    flat,
    in_child,
    write_all,
    write_part,
)
from test_multimodal import assert_content, container, picked, videos

from sk_crossmodal._files import locked
from sk_crossmodal.multimodal import MultimodalArray, Store, StoreWriter
from sk_crossmodal.store._parts import PartWriter

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
ONE = {"video": {"width": 4, "dtype": "float32"}}
FLAT = np.ones((3, 4), np.float32)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A store that one run wrote, to copy and compare."""
    path = tmp_path_factory.mktemp("whole") / "store"
    write_all(path)
    return path


# Crashes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_part_that_fails_is_removed(error, whole, tmp_path):
    writer = StoreWriter(tmp_path / "store", MODALITIES, Store.open(whole).attributes)
    write_part(writer, "b")
    with pytest.raises(error, match="halfway"), writer.part("a") as part:  # noqa: PT012
        part.append({n: flat(each, [4]) for n, each in content().items()})
        raise error("halfway")
    assert writer.done("b")
    assert not writer.done("a")
    assert os.listdir(tmp_path / "store/parts") == ["b"]
    write_all(tmp_path / "store")
    assert files(tmp_path / "store") == files(whole)


def no_space_left(values):
    raise OSError(28, "No space left on device")


def test_full_disk_error_names_the_file(tmp_path, monkeypatch):
    """An ignored error still fails the part, which may have frames without lengths."""
    writer = StoreWriter(tmp_path / "store", ONE)
    for swallow in (contextlib.nullcontext(), contextlib.suppress(OSError)):
        with pytest.raises((OSError, ValueError)), writer.part("a") as part:  # noqa: PT012
            part.append({"video": (FLAT, [3])})
            full = part._files["video.lengths.npy"]
            monkeypatch.setattr(full, "append", no_space_left)
            with swallow:
                part.append({"video": (FLAT, [3])})
        assert not writer.done("a")
        assert os.listdir(tmp_path / "store/parts") == []


STEPS = ("fsync", "rename", "replace", "unlink", "mkdir", "makedirs")


def write_and_be_killed(path, count):
    """Write a store, and kill the process at the given step that changes the disk."""
    left = iter(range(count, 0, -1))

    def killing(original):
        def call(*args, **kwargs):
            if next(left) == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **kwargs)

        return call

    for name in STEPS:
        setattr(os, name, killing(getattr(os, name)))
    PartWriter.append = killing(PartWriter.append)
    write_all(path)


def test_writer_killed_at_any_step_can_continue(whole, tmp_path):
    """The next run completes the store of a single run, byte for byte."""
    expected, ended, done = files(whole), [], []
    for count in range(1, 200):
        path = tmp_path / str(count)
        ended.append(in_child(write_and_be_killed, path, count))
        done.append(len(list(path.glob("parts/[ab]"))))
        if ended[-1] == 0:
            break
        with contextlib.suppress(ValueError, FileNotFoundError):
            Store.open(path)
            assert all((path / "parts" / name).is_dir() for name in PARTS)
        write_all(path)
        assert files(path) == expected, count
    assert ended[-1] == 0
    assert set(ended[:-1]) == {-signal.SIGKILL}
    assert done == sorted(done)
    assert set(done) == {0, 1, 2}
    assert len(ended) > 40


def test_finish_removes_files_of_killed_writers_only(tmp_path):
    writer = StoreWriter(tmp_path / "store", ONE)
    parts = tmp_path / "store/parts"
    (parts / ".dead.part").mkdir()
    (parts / ".dead.part/video.frames.npy").write_bytes(b"half")
    (parts / ".gone.lock").touch()
    with writer.part("alive") as part:
        part.append({"video": (FLAT, [1, 2])})
        StoreWriter(tmp_path / "store", ONE).finish([])
        assert sorted(os.listdir(parts)) == [".alive.lock", ".alive.part"]
    writer.finish(["alive"])
    assert MultimodalArray.open(tmp_path / "store").lengths("video").tolist() == [1, 2]
    assert os.listdir(parts) == ["alive"]


def test_save_that_fails_is_removed(tmp_path):
    bad = container({"video": [FLAT, np.full((1, 4), np.inf)]})
    with pytest.raises(ValueError, match=r"infinity in modality 'video', row 1"):
        bad.save(tmp_path / "store")
    assert os.listdir(tmp_path) == []


# Several writers --------------------------------------------------------------------------


def write_one(path, name):
    writer = StoreWriter(path, MODALITIES, {"source": "synthetic", "sizes": [1, 2.5]})
    write_part(writer, name)


def test_processes_write_parts_at_the_same_time(whole, tmp_path):
    """All processes may create the store at once."""
    for trial in range(5):
        path = tmp_path / str(trial)
        with ProcessPoolExecutor(3, mp_context=get_context("fork")) as pool:
            list(pool.map(write_one, [path] * 3, PARTS))
        with pytest.raises(ValueError, match="not finished"):
            Store.open(path)
        write_all(path)
        assert files(path) == files(whole)
    assert sorted(os.listdir(tmp_path)) == list("01234")


def test_writer_waits_for_a_short_lock(tmp_path):
    writer = StoreWriter(tmp_path / "store", ONE)
    lock = str(tmp_path / "store" / "parts" / ".a.lock")
    held, enough = threading.Event(), threading.Event()

    def look():
        with locked(lock) as alone:
            assert alone
            held.set()
            enough.wait(0.2)

    looking = threading.Thread(target=look)
    looking.start()
    assert held.wait(10)
    with writer.part("a") as part:
        part.append({"video": (FLAT, [3])})
    looking.join()
    assert writer.done("a")


def test_writer_with_invalid_modalities_raises(tmp_path):
    with pytest.raises(TypeError, match="modalities must be a dict"):
        StoreWriter(tmp_path / "store", ["video"])
    for about in (4, {"width": 4}, {"width": 4, "dtype": "uint8", "scal": 1.0}):
        with pytest.raises(TypeError, match=r"modalities\['video'\] must be a dict of width"):
            StoreWriter(tmp_path / "store", {"video": about})
    assert os.listdir(tmp_path) == []


def test_part_with_two_writers_raises(tmp_path):
    first, second = (StoreWriter(tmp_path / "store", ONE) for _ in range(2))
    with first.part("a") as part:
        part.append({"video": (FLAT, [3])})
        with (
            pytest.raises(ValueError, match="parts/a is being written by another writer"),
            second.part("a"),
        ):
            pass
        assert not second.done("a")
    with pytest.raises(ValueError, match=r"'a' .* is complete already"), second.part("a"):
        pass
    second.finish(["a"])
    assert_content(MultimodalArray.open(tmp_path / "store"), {"video": [FLAT]})


def test_writer_adds_parts_to_a_finished_store(whole, tmp_path):
    writer = StoreWriter(tmp_path / "store", MODALITIES, Store.open(whole).attributes)
    write_part(writer, "b")
    writer.finish(["b"], n_labels=4)
    before = MultimodalArray.open(tmp_path / "store")
    again = StoreWriter(tmp_path / "store", MODALITIES, Store.open(whole).attributes)
    write_part(again, "empty")
    write_part(again, "a")
    assert len(Store.open(tmp_path / "store").data) == 2
    again.finish(PARTS, n_labels=5)
    assert files(tmp_path / "store") == files(whole)
    assert_content(before, {n: picked(rows, [1, 0]) for n, rows in content().items()})


def test_finish_in_another_order_reorders_videos(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "store")
    StoreWriter(tmp_path / "store", MODALITIES, Store.open(whole).attributes).finish(["a", "b"], 9)
    store, order = Store.open(tmp_path / "store"), [4, 2, 3, 1, 0]
    assert_content(store.data, {n: picked(rows, order) for n, rows in content().items()})
    np.testing.assert_array_equal(store.target.toarray()[:, :5], Y[order])
    assert store.target.shape == (5, 9)
    assert store.ids.tolist() == picked(IDS, order)


# Invalid input -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("modalities", "attributes", "message"),
    [
        ({"video": MODALITIES["video"]}, {}, "has other modalities: they are"),
        (dict(reversed(MODALITIES.items())), {}, "has other modalities: they are"),
        (
            {**MODALITIES, "audio": {"width": 3, "dtype": "float16"}},
            {},
            "has other modalities: they are",
        ),
        (
            {**MODALITIES, "audio": {"width": 3, "dtype": "uint8", "scale": 2}},
            {},
            "has other modalities: they are",
        ),
        (
            MODALITIES,
            {"source": "another"},
            r"has other attributes: they are .*'synthetic'.*got .*another",
        ),
    ],
)
def test_writer_with_another_description_raises(modalities, attributes, message, whole):
    before = files(whole)
    attributes = {"source": "synthetic", "sizes": [1, 2.5]} | attributes
    with pytest.raises(ValueError, match=message):
        StoreWriter(whole, modalities, attributes)
    assert files(whole) == before


def test_writer_with_equivalent_description_is_accepted(whole):
    modalities = {
        n: {**m, "scale": 1, "width": np.int64(m["width"])} for n, m in MODALITIES.items()
    }
    writer = StoreWriter(str(whole), modalities, {"sizes": (1, 2.5), "source": "synthetic"})
    assert all(map(writer.done, PARTS))


@pytest.mark.parametrize(
    ("modalities", "attributes", "error", "message"),
    [
        ({}, None, ValueError, "at least one modality"),
        (
            {"video": {"width": 0, "dtype": "uint8"}},
            None,
            ValueError,
            "width of modality 'video' must be an integer >= 1",
        ),
        (
            {"video": {"width": 2.5, "dtype": "uint8"}},
            None,
            ValueError,
            "width of modality 'video' must be an integer >= 1",
        ),
        (
            {"video": {"width": 2, "dtype": "int16"}},
            None,
            ValueError,
            r"must be one of .*, got 'int16'",
        ),
        ({"video": {"width": 2, "dtype": "nonsense"}}, None, ValueError, "nonsense"),
        ({"video": {"width": 2}}, None, TypeError, "dtype"),
        (
            {"video": {**ONE["video"], "scale": np.nan}},
            None,
            ValueError,
            "scale of modality 'video' must be a number > -inf and < inf, got nan",
        ),
        ({"video": {**ONE["video"], "length": 3}}, None, TypeError, "length"),
        ({3: ONE["video"]}, None, TypeError, "must be str, got 3"),
        (ONE, {"a": {1, 2}}, TypeError, "set"),
        (ONE, {"a": float("nan")}, ValueError, "JSON"),
        (ONE, {"a": "\udc80"}, ValueError, "surrogates"),  # fails only as it is written
        (ONE, [1], TypeError, "attributes must be a dict"),
    ],
)
def test_writer_with_invalid_description_raises(modalities, attributes, error, message, tmp_path):
    with pytest.raises(error, match=message):
        StoreWriter(tmp_path / "store", modalities, attributes)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["", ".a", "a/b", "..", 3, "a\0b"])
def test_part_with_invalid_name_raises(name, tmp_path):
    writer = StoreWriter(tmp_path / "store", ONE)
    for call in (writer.done, lambda name: writer.part(name).__enter__()):
        with pytest.raises(ValueError, match="name of a part"):
            call(name)


BAD_VIDEOS = [
    ({}, {}, r"\['video'\] are needed, got \[\]"),
    ({"audio": (FLAT, [3])}, {}, r"\['video'\] are needed, got \['audio'\]"),
    ({"video": (FLAT, [3]), "text": (FLAT, [3])}, {}, r"\['video'\] are needed.*'text'"),
    ({"video": (FLAT[0], [4])}, {}, r"'video' must be float32 .*\(n_frames, 4\).*\(4,\)"),
    ({"video": (FLAT[:, :3], [3])}, {}, r"'video' must be float32 .*\(3, 3\)"),
    ({"video": (FLAT.astype(float), [3])}, {}, "'video' must be float32.*got float64"),
    ({"video": (FLAT, [2])}, {}, "'video' must be >= 0 and add up to its 3 frames"),
    ({"video": (FLAT, [4, -1])}, {}, "'video' must be >= 0"),
    ({"video": (FLAT, [3.0])}, {}, "'video' must be integers"),
    ({"video": (FLAT * [np.nan, 1, 1, 1], [1, 2])}, {}, "float64"),
    ({"video": (np.float32([[1] * 4, [np.nan] * 4]), [1, 1])}, {}, "'video', row 3 of the part"),
    ({"video": (FLAT, [3])}, {"labels": [(1,), (2,)]}, "each of 1 videos, got 2"),
    (
        {"video": (FLAT, [3])},
        {"labels": [(-1, 2)]},
        r"from 0 to 2147483647, got array\(\[-1,  2\]\)",
    ),
    ({"video": (FLAT, [3])}, {"labels": [(2**31,)]}, r"got array\(\[2147483648\]\)"),
    ({"video": (FLAT, [3])}, {"labels": [(1.5,)]}, r"integers .*, got array\(\[1\.5\]"),
    (
        {"video": (FLAT, [3])},
        {"labels": [("1",)]},
        r"integers .*, got array\(\['1'\], dtype='<U1'",
    ),
    ({"video": (FLAT, [3])}, {"ids": ["a", "b"]}, "ids must be 1 str"),
    ({"video": (FLAT, [3])}, {"ids": [b"a"]}, r"ids must be 1 str .*, got \[b'a'\]"),
    ({"video": (FLAT, [3])}, {"labels": [(1,)], "ids": None}, "ids must be given for all"),
    ({"video": (FLAT, [3])}, {"labels": None, "ids": ["a"]}, "labels must be given for all"),
]


@pytest.mark.parametrize(("frames", "lists", "message"), BAD_VIDEOS)
def test_append_invalid_videos_raises_and_writes_nothing(frames, lists, message, tmp_path):
    """Nothing of the call is written, so that other videos can follow."""
    writer, good = StoreWriter(tmp_path / "store", ONE), {"video": (FLAT, [1, 2])}
    with writer.part("a") as part:
        part.append(good, labels=[(1,), ()], ids=["a", "b"])
        with pytest.raises(ValueError, match=message):
            part.append(frames, **{"labels": [(1,)], "ids": ["a"], **lists})
        part.append(good, labels=[(0,), ()], ids=["c", "d"])
    writer.finish(["a"], n_labels=2)
    store = Store.open(tmp_path / "store")
    assert_content(store.data, {"video": [FLAT[:1], FLAT[1:]] * 2})
    assert store.ids.tolist() == list("abcd")
    assert store.target.toarray().tolist() == [[0, 1], [0, 0], [1, 0], [0, 0]]


def test_finish_with_invalid_parts_raises(whole, tmp_path):
    path = tmp_path / "store"
    shutil.copytree(whole, path)
    writer = StoreWriter(path, MODALITIES, Store.open(whole).attributes)
    with writer.part("plain") as part:
        part.append({n: flat(each, [0]) for n, each in content().items()})
    before = files(path)
    for parts, n_labels, message in (
        (["a", "c", "d"], 5, r"\['c', 'd'\] .* not complete"),
        (["a", "a"], 5, "must be named once"),
        (["a", "b"], None, "required with labels.*n_labels=None and labels"),
        (["a", "b"], 4, "'a' has label 4, must be below n_labels=4"),
        (["plain"], 4, "None without, got n_labels=4 and no labels"),
        (["a", "plain"], 5, "Some parts .* have labels, others have none"),
    ):
        with pytest.raises(ValueError, match=message):
            writer.finish(parts, n_labels)
    assert files(path) == before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"y": ["car"] * 5},
            r"\(5, n_labels\), got <U3 of shape \(5,\); OneHotEncoder .* vector of classes",
        ),
        ({"y": Y[:4]}, r"of shape \(4, 5\)"),
        ({"y": Y * 2}, "indicator of 0 and 1"),
        ({"y": csr_array(Y * 0.5)}, "indicator of 0 and 1"),
        ({"ids": ["a"] * 4}, "each of 5 videos, got 4"),
        ({"ids": [1] * 5}, r"ids must be 5 str .*, got \[1, 1, 1, 1, 1\]"),
        ({"ids": ["a\0"] * 5}, "character 0"),
    ],
)
def test_save_with_invalid_labels_or_ids_raises(more, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        container(videos()).save(tmp_path / "store", **more)
    assert os.listdir(tmp_path) == []


def test_save_to_existing_path_raises(tmp_path):
    X = container(videos())
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/mine").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "folder", "link"):
        with pytest.raises(ValueError, match=f"{name} exists already"):
            X.save(tmp_path / name)
    for name in ("file", "folder"):
        with pytest.raises(ValueError, match=name):
            StoreWriter(tmp_path / name, ONE)
        with pytest.raises((ValueError, FileNotFoundError), match=name):
            Store.open(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder", "link"]
    assert (tmp_path / "file").read_text() == "mine"


def test_save_creates_parent_folders(tmp_path):
    StoreWriter(tmp_path / "a/b/store", ONE).finish([])
    (tmp_path / "empty").mkdir()
    StoreWriter(tmp_path / "empty", ONE).finish([])
    assert len(MultimodalArray.open(tmp_path / "empty")) == 0


# Damage -----------------------------------------------------------------------------------

NPY = (
    "video.frames",
    "audio.frames",
    "video.lengths",
    "labels.indptr",
    "labels.indices",
    "ids.indptr",
    "ids.text",
)


def rewrite(path, change):
    np.save(path, change(np.load(path)))


DAMAGE = {
    "missing": os.remove,
    "cut off": lambda path: os.truncate(path, os.path.getsize(path) - 1),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "cut header": lambda path: os.truncate(path, 50),
    "empty": lambda path: os.truncate(path, 0),
    "text": lambda path: path.write_text("hello" * 50),
    "dtype": lambda path: rewrite(path, lambda values: values.astype(">i2")),
    "axes": lambda path: rewrite(path, lambda values: values[None]),
    "object": lambda path: np.save(path, np.array([{}]), allow_pickle=True),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("name", NPY)
def test_open_damaged_file_error_names_it(name, damage, whole, tmp_path):
    path = tmp_path / "store" / "parts" / "a" / f"{name}.npy"
    shutil.copytree(whole, tmp_path / "store")
    damage(path)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        Store.open(tmp_path / "store")


@pytest.mark.parametrize(
    ("name", "change", "named"),
    [
        ("video.lengths", lambda lengths: lengths + 1, "video.lengths.npy should add up"),
        ("video.lengths", lambda lengths: lengths - lengths.max(), "video.lengths.npy"),
        ("video.lengths", lambda lengths: np.append(lengths, 0), "parts/a differ"),
        ("audio.frames", lambda frames: frames[:-1], "audio.lengths.npy"),
        ("labels.indptr", lambda indptr: indptr[::-1], "labels.indptr.npy should rise"),
        ("labels.indices", lambda labels: labels + 1, "below 5, but are from 1 to 5"),
        ("labels.indices", lambda labels: labels[:-1], "labels.indptr.npy should rise"),
        ("ids.indptr", lambda indptr: indptr - 1, "ids.indptr.npy should rise"),
    ],
)
def test_open_inconsistent_lists_raises(name, change, named, whole, tmp_path):
    shutil.copytree(whole, tmp_path / "store")
    rewrite(tmp_path / "store" / "parts" / "a" / f"{name}.npy", change)

    def read():
        store = Store.open(tmp_path / "store")
        return store.target, store.ids

    with pytest.raises(ValueError, match=f"Damaged store: .*{named}"):
        read()


def test_open_with_part_of_another_store_raises(whole, tmp_path):
    """The part is complete, but the header describes another one."""
    shutil.copytree(whole, tmp_path / "store")
    shutil.rmtree(tmp_path / "store/parts/a")
    shutil.copytree(tmp_path / "store/parts/b", tmp_path / "store/parts/a")
    with pytest.raises(ValueError, match="parts/a should be"):
        Store.open(tmp_path / "store")
    shutil.rmtree(tmp_path / "store/parts/a")
    with pytest.raises(ValueError, match=r"parts/a/video.lengths.npy is missing"):
        Store.open(tmp_path / "store")


def test_open_with_missing_labels_or_ids_raises(whole, tmp_path):
    for what in ("labels", "ids"):
        shutil.copytree(whole, tmp_path / what)
        for path in (tmp_path / what / "parts/a").glob(f"{what}.*"):
            path.unlink()
        with pytest.raises(ValueError, match=f"{what} are missing in .*parts/a"):
            Store.open(tmp_path / what)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: {**h, "version": 2}, "version 2 of the format, expected 1"),
        (lambda h: {**h, "format": "zip"}, '"format": "sk_crossmodal.store"'),
        (lambda h: [h], '"format": "sk_crossmodal.store"'),
        (lambda h: {k: v for k, v in h.items() if k != "parts"}, "parts"),
        (lambda h: {**h, "parts": None}, "not finished.*StoreWriter.finish"),
        (
            lambda h: {**h, "parts": [{"name": "../a", "videos": 0, "frames": {}}]},
            "name of a part",
        ),
        (lambda h: {**h, "modalities": [{"name": "video"}]}, "width"),
        (lambda h: {**h, "modalities": 3}, "cannot be read"),
    ],
)
def test_open_with_invalid_header_raises(change, message, whole, tmp_path):
    shutil.copytree(whole, tmp_path / "store")
    header = tmp_path / "store/store.json"
    header.write_text(json.dumps(change(json.loads(header.read_text()))))
    with pytest.raises(ValueError, match=message) as caught:
        Store.open(tmp_path / "store")
    assert str(tmp_path / "store") in str(caught.value)


def test_open_without_store_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"no store at {tmp_path}/nowhere"):
        MultimodalArray.open(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"is no store: .*store.json is missing"):
        MultimodalArray.open(tmp_path)
    (tmp_path / "store.json").write_text("{")
    with pytest.raises(ValueError, match=r"store.json cannot be read"):
        MultimodalArray.open(tmp_path)
