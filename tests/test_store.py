"""Stored videos are equal to videos in memory, and are used in the same ways."""

import builtins
import copy
import os
import pickle
import resource
import shutil
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
from estimator_cases import make_classifier, make_tower, make_videos, make_y
from scipy.sparse import csr_array, csr_matrix
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import GridSearchCV, train_test_split
from store_cases import IDS, ORDER, Y, content, files, in_child, write_all
from test_multimodal import (
    KEYS,
    LENGTHS,
    QUANTIZATION,
    WIDTHS,
    assert_content,
    container,
    padded,
    picked,
    videos,
)

from sk_crossmodal.multimodal import (
    MultimodalArray,
    StatsRequest,
    Store,
    StoreWriter,
    _frames,
    _save,
    as_multimodal,
    scan_frames,
)
from sk_crossmodal.store import _stored
from sk_crossmodal.store._parts import PartWriter

DTYPES = (np.uint8, np.float16, np.float32, np.float64)
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def stored(parts, folder, quantization=None, **more):
    container(parts, quantization).save(folder / "store", **more)
    return MultimodalArray.open(folder / "store")


# Save and open ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("quantization", [None, QUANTIZATION])
def test_save_and_open_content_is_equal(dtype, quantization, tmp_path):
    parts = videos(dtype)
    X, again = container(parts, quantization), stored(parts, tmp_path, quantization)
    assert again.quantization == X.quantization
    assert repr(again) == repr(X)
    assert_content(again, {n: [X[i][n] for i in range(len(X))] for n in parts})
    assert again.pad([0])[0]["video"].dtype == dtype


def test_store_has_labels_ids_and_attributes(tmp_path):
    write_all(tmp_path / "store")
    store = Store.open(str(tmp_path / "store"))
    assert_content(store.data, {n: picked(rows, ORDER) for n, rows in content().items()})
    assert isinstance(store.target, csr_array)
    assert store.target.dtype == np.int64
    assert store.target.has_canonical_format
    np.testing.assert_array_equal(store.target.toarray(), Y[ORDER])
    assert store.ids.dtype.kind == "U"
    assert store.ids.tolist() == [IDS[i] for i in ORDER]
    assert store.attributes == {"source": "synthetic", "sizes": [1, 2.5]}
    assert len(store) == 5
    assert repr(store).startswith(f"Store('{tmp_path}/store', MultimodalArray(5 videos, ")


def test_store_without_labels_and_ids_has_none(tmp_path):
    X = stored(content(), tmp_path)
    store = Store.open(tmp_path / "store")
    assert_content(X, content())
    assert (store.target, store.ids, store.attributes) == (None, None, {})


@pytest.mark.parametrize(
    "form", [np.asarray, csr_array, csr_matrix, np.ndarray.tolist, lambda y: y.astype(bool)]
)
def test_save_labels_of_any_form_are_equal(form, tmp_path):
    stored(videos(), tmp_path, y=form(Y), ids=np.array(IDS))
    store = Store.open(tmp_path / "store")
    np.testing.assert_array_equal(store.target.toarray(), Y)
    assert store.ids.tolist() == IDS


def test_save_unused_labels_stay_columns(tmp_path):
    stored(videos(), tmp_path, y=csr_array((5, 7)))
    assert Store.open(tmp_path / "store").target.shape == (5, 7)
    assert Store.open(tmp_path / "store").target.nnz == 0


def test_store_without_videos_is_empty(tmp_path):
    container(videos())[[]].save(tmp_path / "nothing", y=Y[:0], ids=[])
    store = Store.open(tmp_path / "nothing")
    assert store.data.n_features == WIDTHS
    assert len(store) == 0
    assert store.data.pad([])[0]["video"].shape == (0, 1, 4)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_save_selection_writes_its_rows(key, tmp_path):
    parts = videos(np.float64)
    rows = np.arange(5)[key]
    stored(parts, tmp_path)[key].save(tmp_path / "some", y=csr_array(Y)[rows])
    store = Store.open(tmp_path / "some")
    assert_content(store.data, {name: picked(each, key) for name, each in parts.items()})
    if len(rows):
        np.testing.assert_array_equal(store.target.toarray(), Y[rows])


def test_save_in_blocks_of_any_size_is_equal(tmp_path, monkeypatch):
    """Blocks of any size write the same store, and at most one block is in memory."""
    X, appended, append = container(videos()), [], PartWriter.append
    X.save(tmp_path / "one", y=Y, ids=IDS)

    def noting(self, frames, **more):
        appended.append(sum(values.nbytes for values, _ in frames.values()))
        append(self, frames, **more)

    monkeypatch.setattr(PartWriter, "append", noting)
    sizes = [16 * v + 12 * a for v, a in zip(*LENGTHS.values(), strict=True)]
    for block in (1, 100, 150):
        monkeypatch.setattr(_save, "BLOCK_BYTES", block)
        X.save(tmp_path / str(block), y=Y, ids=IDS)
        assert files(tmp_path / str(block)) == files(tmp_path / "one")
        assert max(appended) <= max(block, *sizes)
        assert sum(appended) == sum(sizes)
        appended.clear()


@pytest.mark.parametrize("names", [["only"], ["a", "b", "c"], ["é/..", ".", "a b", "", "%2E"]])
def test_save_modalities_of_any_name(names, tmp_path):
    parts = {name: videos(seed=i)["video"] for i, name in enumerate(names)}
    assert_content(stored(parts, tmp_path), parts)


def test_store_files_are_npy_files(tmp_path):
    write_all(tmp_path / "store")
    found = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    arrays = [path for path in found if path.suffix == ".npy"]
    assert [path.name for path in found if path not in arrays] == ["store.json"]
    assert len(arrays) == 3 * 4 + 2 * 4  # an empty part has no labels and no ids
    for path in arrays:
        np.save(tmp_path / "again.npy", np.load(path, allow_pickle=False))
        assert (tmp_path / "again.npy").read_bytes() == path.read_bytes()


# Stored frames are equal to frames in memory ------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_pad_of_a_store_is_equal_to_memory(seed, tmp_path):
    rng = np.random.default_rng(seed)
    lengths = {name: rng.integers(0, 40, size=8) for name in WIDTHS}
    parts = videos(DTYPES[seed % 4], lengths=lengths, seed=seed)
    X = stored(parts, tmp_path)
    rows, most = rng.integers(-8, 8, size=6), [None, 7, rng.integers(1, 50, size=6)][seed % 3]
    for result, expected in zip(X.pad(rows, most), padded(parts, rows, most), strict=True):
        for name in parts:
            np.testing.assert_array_equal(result[name], expected[name])
            assert result[name].dtype == expected[name].dtype


FORMS = {
    "flat": lambda frames, folder: frames,
    "Fortran": lambda frames, folder: np.asfortranarray(frames),
    "columns": lambda frames, folder: np.repeat(frames, 2, axis=1)[:, ::2],
    "map": lambda frames, folder: mapped(frames, folder),
}


def mapped(frames, folder):
    np.save(folder / "frames.npy", frames)
    return np.load(folder / "frames.npy", mmap_mode="r")


@pytest.mark.parametrize("small", [0, 10**9])
@pytest.mark.parametrize("most", [None, 5])
@pytest.mark.parametrize("form", [*FORMS, "store"])
@pytest.mark.parametrize(
    "lengths", [[6] * 9, [6, 5, 6, 0, 6, 6, 0, 2, 6], [0] * 8 + [3], [4] + [0] * 8]
)
def test_pad_both_ways_of_reading_are_equal(lengths, form, most, small, tmp_path, monkeypatch):
    """Both ways of reading give equal batches, for every form of frames."""
    monkeypatch.setattr(_frames, "SMALL", small)
    rows_of = videos(lengths={"video": lengths})["video"]
    frames = FORMS.get(form, FORMS["flat"])(np.concatenate(rows_of), tmp_path)
    X = MultimodalArray.from_frames({"video": frames}, {"video": lengths})
    if form == "store":
        X.save(tmp_path / "store")
        X = MultimodalArray.open(tmp_path / "store")
    for rows in ([0, 4, 1], [8, 0, 8, 3], [2, 5], [6], [], [-1, 0]):
        kept = [rows_of[row][:most] for row in rows]
        width = max([1, *map(len, kept)])
        batch, masks = X.pad(rows, most)
        assert batch["video"].shape == (len(rows), width, 4)
        assert batch["video"].flags.c_contiguous
        for b, each in enumerate(kept):
            np.testing.assert_array_equal(batch["video"][b, : len(each)], each)
            assert not batch["video"][b, len(each) :].any()
            assert masks["video"][b].tolist() == [t < len(each) for t in range(width)]


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_selections_of_a_store_are_equal_to_memory(key, tmp_path):
    parts = videos(np.uint8)
    X, memory = stored(parts, tmp_path, QUANTIZATION)[key], container(parts, QUANTIZATION)[key]
    assert X.digest() == memory.digest()
    for name in parts:
        blocks = (list(each.frame_blocks(name, 2)) for each in (X, memory))
        for ours, theirs in zip(*blocks, strict=True):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype
    if len(X):
        for stats in zip(*(x.frame_stats().values() for x in (X, memory)), strict=True):
            np.testing.assert_array_equal(*(mean for mean, _ in stats))
            assert len({scale for _, scale in stats}) == 1


@pytest.mark.parametrize(
    "columns", [slice(1, 3), slice(None, None, -1), slice(2, 3), slice(None), slice(3, 0, -2)]
)
def test_columns_of_a_store_are_equal_to_memory(columns, tmp_path):
    wide = videos()["video"]
    X = stored({"wide": wide}, tmp_path).select({"a": columns, "rest": slice(0, 4)})
    some = [rows[:, columns] for rows in wide]
    assert_content(X, {"a": some, "rest": wide})
    np.testing.assert_array_equal(X.pad([4])[0]["a"][0], some[4])
    again = X.select(["a"]).select({"b": slice(None, None, -1), "c": slice(1)})
    assert_content(again, {"b": [r[:, ::-1] for r in some], "c": [r[:, :1] for r in some]})
    sent = pickle.loads(pickle.dumps(again))[[1]].select(["c"])
    assert_content(sent, {"c": [some[1][:, :1]]})
    again.save(tmp_path / "columns")
    assert MultimodalArray.open(tmp_path / "columns").digest() == again.digest()


def test_replace_frames_beside_stored_frames(tmp_path):
    parts = videos()
    X = stored(parts, tmp_path)[::-1]
    replaced = X.replace_frames({"video": next(X.frame_blocks("video")) * 2})
    doubled = [2 * rows for rows in parts["video"][::-1]]
    assert_content(replaced, {"video": doubled, "audio": parts["audio"][::-1]})
    replaced.save(tmp_path / "replaced")
    assert MultimodalArray.open(tmp_path / "replaced").digest() == replaced.digest()


@pytest.mark.parametrize("size", [1, 3, 4, None])
def test_frame_blocks_continue_across_parts(size, tmp_path):
    write_all(tmp_path / "store")
    X, parts = MultimodalArray.open(tmp_path / "store"), content()
    for name in parts:
        blocks = list(X.frame_blocks(name, size))
        expected = np.concatenate(picked(parts[name], ORDER))
        np.testing.assert_array_equal(np.concatenate(blocks), expected)
    assert X.digest() == container({n: picked(p, ORDER) for n, p in parts.items()}).digest()


def test_read_frames_of_a_store_are_copies(tmp_path):
    X = stored(videos(), tmp_path)
    before = files(tmp_path)
    X[0]["video"][:] = -1
    X.pad([0])[0]["video"][:] = -1
    next(X.frame_blocks("video"))[:] = -1
    assert files(tmp_path) == before


def test_check_finite_of_checked_store_reads_nothing(tmp_path, monkeypatch):
    X = stored(videos(), tmp_path)
    header = tmp_path / "store/store.json"
    header.write_text(header.read_text().replace('"finite": true', '"finite": false'))
    with open(tmp_path / "store/parts/0/audio.frames.npy", "r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(np.float32(np.nan).tobytes())
    with pytest.raises(ValueError, match=r"'audio', row 4"):
        MultimodalArray.open(tmp_path / "store").check_finite()
    monkeypatch.setattr(os, "preadv", None)
    X.check_finite()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scan_frames_of_a_store_reads_every_byte_once(dtype, tmp_path, monkeypatch):
    X = stored(
        {name: [r.astype(dtype) for r in rows] for name, rows in videos().items()}, tmp_path
    )
    expected = [X.frame_stats(), X[::2].frame_stats(per_feature=True)]
    read = []
    preadv = os.preadv
    monkeypatch.setattr(
        os,
        "preadv",
        lambda fd, out, at: read.append((fd, at, out[0].nbytes)) or preadv(fd, out, at),
    )
    monkeypatch.setattr("sk_crossmodal.multimodal._frames.BLOCK", 8)
    requests = [StatsRequest(), StatsRequest(np.arange(0, len(X), 2), per_feature=True)]
    given = scan_frames(X, "float32", requests)
    assert len(read) > len(X.modality_names)
    assert len({(fd, at) for fd, at, _ in read}) == len(read)
    size = np.dtype(dtype).itemsize
    total = sum(X.lengths(name).sum() * width * size for name, width in X.n_features.items())
    assert sum(n_bytes for *_, n_bytes in read) == total
    for ours, theirs in zip(given, expected, strict=True):
        for name in ours:
            np.testing.assert_allclose(ours[name][0], theirs[name][0], rtol=1e-12)
            np.testing.assert_allclose(ours[name][1], theirs[name][1], rtol=1e-12)


# scikit-learn and joblib ----------------------------------------------------------------


class Peek(ClassifierMixin, BaseEstimator):
    """A classifier that records the type of its frames, and needs no training."""

    def __init__(self, shift=0):
        self.shift = shift

    def fit(self, X, y):
        self.classes_, self.pickled_ = np.unique(y), len(pickle.dumps(X))
        self.kinds_ = {type(part.values).__name__ for part in X._frames.values()}
        return self

    def predict(self, X):
        first = [X[i]["video"][0].sum() + self.shift for i in range(len(X))]
        return self.classes_[np.array(first).astype(int) % len(self.classes_)]


@pytest.fixture
def larger(tmp_path):
    """A megabyte of frames, in memory and in a store."""
    rng = np.random.default_rng(0)
    frames = {name: rng.normal(size=(60 * 50, 32)) for name in ("video", "audio")}
    X = MultimodalArray.from_frames(frames, dict.fromkeys(frames, [50] * 60))
    X.save(tmp_path / "store")
    return X, MultimodalArray.open(tmp_path / "store")


def test_pickle_of_a_store_has_no_frames(larger):
    memory, X = larger
    assert len(pickle.dumps(memory)) > 1_000_000
    assert len(pickle.dumps(X)) < 5_000
    assert len(pickle.dumps(X[::2].select(["audio"]))) < 5_000
    assert pickle.loads(pickle.dumps(X[::-1])).digest() == memory[::-1].digest()


def test_searches_with_a_store_are_equal_to_memory(larger):
    """Workers receive paths, and get the results of frames in memory."""
    memory, X = larger
    y = np.arange(60) % 3
    search = GridSearchCV(Peek(), {"shift": [0, 1]}, cv=3, error_score="raise")
    ours = clone(search).set_params(n_jobs=2).fit(X, y)
    theirs = clone(search).fit(memory, y)
    for i in range(3):
        key = f"split{i}_test_score"
        np.testing.assert_array_equal(ours.cv_results_[key], theirs.cv_results_[key])
    assert ours.best_estimator_.pickled_ < 5_000
    assert ours.best_estimator_.kinds_ == {"StoredFrames"}
    splits = (train_test_split(each, test_size=20, random_state=0) for each in (X, memory))
    for ours, theirs in zip(*splits, strict=True):
        assert ours.digest() == theirs.digest()


def sent(X):
    return len(pickle.dumps(X)), {type(p.values).__name__ for p in X._frames.values()}, X.digest()


def test_workers_receive_paths(larger):
    memory, X = larger
    rows = np.arange(0, 60, 7)
    for size, kinds, digest in joblib.Parallel(2)(joblib.delayed(sent)(X[rows]) for _ in range(3)):
        assert size < 5_000
        assert kinds == {"StoredFrames"}
        assert digest == memory[rows].digest()


def test_copy_and_hash_of_a_store_read_nothing(larger, tmp_path, monkeypatch):
    X = larger[1]
    again = MultimodalArray.open(tmp_path / "store")
    monkeypatch.setattr(os, "preadv", None)
    assert joblib.hash(X) == joblib.hash(again)
    assert joblib.hash(X) != joblib.hash(X[::-1])
    assert copy.deepcopy(X).shape == clone(X, safe=False).shape == (60,)
    joblib.dump(X, tmp_path / "X.joblib")
    assert joblib.hash(joblib.load(tmp_path / "X.joblib")) == joblib.hash(X)


def test_estimators_on_a_store_are_equal_to_memory(tmp_path):
    """Predictions after a fit on a store are those of the same videos in memory."""
    made, y = make_videos(), make_y("csr")
    made.data.save(tmp_path / "store", y=y)
    store = Store.open(tmp_path / "store")
    classifier = make_classifier(
        fusion="cross_modal_concat",
        correlation_tower=make_tower(max_epochs=1),
        max_epochs=1,
        memory=str(tmp_path / "kept"),
    )
    ours = clone(classifier).fit(store.data, store.target).predict_proba(store.data)
    kept = files(tmp_path / "kept").keys()
    theirs = clone(classifier).fit(made.data, store.target).predict_proba(made.data)
    np.testing.assert_array_equal(ours, theirs)
    assert files(tmp_path / "kept").keys() == kept  # one tower serves both


# Processes, paths and memory --------------------------------------------------------------


def test_threads_and_forks_read_at_the_same_time(tmp_path, monkeypatch):
    """More files than may be open are read by all at the same time."""
    monkeypatch.setattr(_stored, "MAX_OPEN_FILES", 2)
    writer = StoreWriter(tmp_path / "store", {"video": {"width": 2, "dtype": "float64"}})
    names = [f"{i:02}" for i in range(12)]
    for i, name in enumerate(names):
        with writer.part(name) as part:
            part.append({"video": (np.full((5, 2), i, float), [2, 3])})
    writer.finish(names)
    X = MultimodalArray.open(tmp_path / "store")

    def all_right(seed):
        rows = np.random.default_rng(seed).permutation(24).tolist() * 20
        assert all((X[i]["video"] == i // 2).all() for i in rows)
        return True

    before = len(os.listdir("/proc/self/fd"))
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(all_right, range(8)))
    assert len(os.listdir("/proc/self/fd")) <= before + 2
    assert in_child(all_right, 99) == 0  # with files open already
    assert all_right(7)
    files_read = X._frames.pop("video")
    del files_read
    assert len(os.listdir("/proc/self/fd")) <= before


def test_python_exit_with_open_store_is_silent(tmp_path):
    """Open files are closed without a message."""
    container(videos()).save(tmp_path / "store")
    script = f"""
        import os
        from sk_crossmodal.multimodal import Store
        os.kept = Store.open({str(tmp_path / "store")!r})  # goes after nearly all else
        os.kept.data.pad([0, 1])
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("", "")


def test_read_from_moved_or_changed_store_raises(tmp_path):
    X = stored(videos(), tmp_path)
    sent = pickle.dumps(X)
    X[0]
    frames = tmp_path / "store/parts/0/video.frames.npy"
    with open(frames, "ab") as file:
        file.write(b"more")
    with pytest.raises(ValueError, match=r"video.frames.npy has .*, not .*: it was changed"):
        pickle.loads(sent).pad([0])
    os.truncate(frames, 200)
    with pytest.raises(ValueError, match=r"video.frames.npy has 200 bytes"):
        X.pad([4])
    shutil.move(tmp_path / "store", tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match=r"video.frames.npy is gone: .* moved"):
        pickle.loads(sent)[0]


def test_store_written_again_is_read_again(tmp_path):
    first = stored(videos(), tmp_path)
    first[0]
    shutil.rmtree(tmp_path / "store")
    parts = videos(seed=1)
    assert_content(stored(parts, tmp_path), parts)
    assert_content(first, videos())  # its files are still open


def test_changed_link_reads_the_opened_store(tmp_path):
    for name, value in (("old", 1.0), ("new", 2.0)):
        frames = np.full((3, 4), value, np.float32)
        MultimodalArray.from_frames({"video": frames}, {"video": [3]}).save(tmp_path / name)
    (tmp_path / "current").symlink_to("old")
    X = MultimodalArray.open(tmp_path / "current")
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to("new")
    assert (X[0]["video"] == 1).all()


def test_as_multimodal_store_raises(tmp_path):
    MultimodalArray.from_frames({"video": np.ones((3, 4))}, {"video": [3]}).save(tmp_path / "a")
    with pytest.raises(TypeError, match=r"X is a Store.*store\.data"):
        as_multimodal(Store.open(tmp_path / "a"))


def test_large_batches_are_read_by_threads(tmp_path, monkeypatch):
    rng, lengths = np.random.default_rng(0), np.arange(1, 40)
    frames = rng.integers(256, size=(lengths.sum(), 7), dtype=np.uint8)
    X = MultimodalArray.from_frames({"video": frames}, {"video": lengths})
    X.save(tmp_path / "store")
    stored, rows = MultimodalArray.open(tmp_path / "store"), rng.permutation(39)
    expected = X.pad(rows)[0]["video"]
    names, read = set(), os.preadv

    def preadv(*args):
        names.add(threading.current_thread().name)
        return read(*args)

    monkeypatch.setattr(os, "preadv", preadv)
    np.testing.assert_array_equal(stored.pad(rows)[0]["video"], expected)
    assert names == {"MainThread"}
    monkeypatch.setattr("sk_crossmodal.store._stored.MIN_THREADED", 1)
    np.testing.assert_array_equal(stored.pad(rows)[0]["video"], expected)
    assert len(names) > 1
    assert not [t for t in threading.enumerate() if t.name.startswith("store_reader")]


def test_relative_path_stays_valid_after_chdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    container(videos()).save("store")
    X = MultimodalArray.open("store")
    monkeypatch.chdir("/")
    assert_content(X, videos())


def test_reading_opens_no_file_for_writing(tmp_path, monkeypatch):
    write_all(tmp_path / "store")
    expected = container({n: picked(p, ORDER) for n, p in content().items()}).digest()
    for path in (tmp_path / "store").rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    os_open, builtin_open = os.open, builtins.open

    def reading(path, mode="r", *args, **kwargs):
        assert set(mode) <= {"r", "b"}
        return builtin_open(path, mode, *args, **kwargs)

    def os_reading(path, flags, *args, **kwargs):
        assert flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC) == 0
        return os_open(path, flags, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(builtins, "open", reading)
        patched.setattr(os, "open", os_reading)
        store = Store.open(tmp_path / "store")
        found = store.data.digest(), store.target.sum(), len(store.ids)
    assert found == (expected, Y.sum(), 5)
    for path in (tmp_path / "store").rglob("*"):
        path.chmod(0o755)


def test_store_larger_than_memory_is_read(tmp_path):
    """8 GB of frames with a limit of 200 MB, in which a memory map is impossible."""
    writer = StoreWriter(tmp_path / "store", {"video": {"width": 1024, "dtype": "uint8"}})
    with writer.part("0") as part:
        part.append({"video": (np.ones((1, 1024), np.uint8), [1])})
    writer.finish(["0"])
    n, path = 1 << 23, tmp_path / "store/parts/0/video.frames.npy"
    with open(path, "r+b") as file:
        about = {"descr": "|u1", "fortran_order": False, "shape": (n, 1024)}
        np.lib.format.write_array_header_1_0(file, about)
        file.truncate(file.tell() + n * 1024)
        file.seek(-1024, os.SEEK_END)
        file.write(bytes(range(256)) * 4)
    np.save(tmp_path / "store/parts/0/video.lengths.npy", np.full(n // 256, 256))
    header = tmp_path / "store/store.json"
    text = header.read_text().replace('"videos": 1', f'"videos": {n // 256}')
    header.write_text(text.replace('"video": 1', f'"video": {n}'))

    def read():
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (200 << 20),) * 2)
        with pytest.raises((OSError, MemoryError)):
            np.load(path, mmap_mode="r")
        X = MultimodalArray.open(tmp_path / "store")
        batch = X.pad(np.arange(len(X))[::300])[0]["video"]
        assert batch.shape == (110, 256, 1024)
        assert batch.sum() == 1024  # the values of the first frame
        assert X[-1]["video"][-1].sum() == 4 * sum(range(256))

    assert in_child(read) == 0
