"""load_embeddings and load_store return the videos that were written, in memory and on disk."""

import builtins
import itertools
import re
import signal
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from estimator_cases import make_videos, rows_of
from table_cases import FRAMES, ragged_rows, table_of, write, write_videos

from sk_crossmodal import HierarchyLabelBinarizer
from sk_crossmodal.datasets import (
    READERS,
    Block,
    Description,
    Reader,
    load_embeddings,
    load_store,
)
from sk_crossmodal.datasets._tables import TableReader
from sk_crossmodal.multimodal import MultimodalArray, Store, StoreWriter

SUFFIXES = (".parquet", ".feather", ".arrow")
KINDS = {
    "lists": FRAMES,
    "large": pa.large_list(pa.large_list(pa.float32())),
    "fixed inner": pa.list_(pa.list_(pa.float32(), 4)),
    "fixed inner, large outer": pa.large_list(pa.list_(pa.float32(), 4)),
}


def frames_of(X, name):
    return [frames.tolist() for frames in rows_of(X, name)]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_frames_equal_the_written_ones(kind, suffix, tmp_path):
    rows = ragged_rows()  # more than are read at once
    path = write(pa.table({"clip": pa.array(rows, kind)}), tmp_path / f"a{suffix}")
    videos = load_embeddings(path)
    assert frames_of(videos.data, "clip") == [[list(map(float, f)) for f in row] for row in rows]
    assert videos.target is None
    assert videos.ids is None
    stored = load_embeddings(path, store=tmp_path / "store")
    assert stored.data.digest() == videos.data.digest()
    assert (stored.target, stored.ids) == (None, None)


def test_one_list_of_numbers_is_one_frame(tmp_path):
    rows = [np.float16([1, 2]), np.float16([]), np.float16([3, 4])]
    column = pa.array(rows, pa.list_(pa.float16()))
    fixed = pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.uint8(), 2))
    path = write(pa.table({"a": column, "b": fixed}), tmp_path / "a.parquet")
    X = load_embeddings(path, modalities=["a", "b"]).data
    assert frames_of(X, "a") == [[[1.0, 2.0]], [], [[3.0, 4.0]]]
    assert frames_of(X, "b") == [[[1, 2]], [[3, 4]], [[5, 6]]]
    assert "float16" in repr(X)
    assert "uint8" in repr(X)


@pytest.mark.parametrize("kind", [pa.float64(), pa.int64(), pa.uint16()], ids=str)
def test_other_numbers_become_float32(kind, tmp_path):
    column = pa.array([[[1, 2], [3, 300]]], pa.list_(pa.list_(kind)))
    path = write(pa.table({"a": column}), tmp_path / "a.parquet")
    X = load_embeddings(path, modalities=["a"]).data
    assert "float32" in repr(X)
    assert frames_of(X, "a") == [[[1.0, 2.0], [3.0, 300.0]]]


def test_frames_of_nan_at_the_end_are_padding(tmp_path):
    nan = [np.nan, np.nan]
    rows = [[[1.0, 2.0], nan, nan], [nan], [[3.0, np.nan], [4.0, 5.0]], []]
    path = write(pa.table({"a": pa.array(rows[:2] + rows[3:], FRAMES)}), tmp_path / "a.parquet")
    assert frames_of(load_embeddings(path).data, "a") == [[[1.0, 2.0]], [], []]
    path = write(pa.table({"a": pa.array(rows, FRAMES)}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="'a', row 2: a number is NaN"):
        load_embeddings(path)


MULTI_HOT = pa.array([[0, 1, 1], [1, 0, 0]] * 4)
SOFT = pa.array([[0.1, 0.9], [1.0, 0.0]] * 4)
BOXES = pa.array([[[0.0, 0.0, 0.5, 0.5]]] * 8)


@pytest.mark.parametrize(
    ("columns", "left_out"),
    [
        ({"labels": MULTI_HOT}, "'labels' (named like labels, ids, weights or times)"),
        ({"Label_IDs": SOFT}, "'Label_IDs' (named like labels, ids, weights or times)"),
        ({"targetVector": SOFT}, "'targetVector' (named like labels, ids, weights or times)"),
        ({"frame_timestamps": SOFT}, "'frame_timestamps' (named like"),
        ({"bbox": BOXES}, "'bbox' (named like labels, ids, weights or times)"),
        ({"codes": MULTI_HOT}, "'codes' (integers)"),
        ({"codes": MULTI_HOT.cast(pa.list_(pa.uint8()))}, "'codes' (integers)"),
        ({"flags": MULTI_HOT.cast(pa.list_(pa.bool_()))}, "'flags' (integers)"),
        ({"maps": pa.array([[[[1.0]]]] * 8)}, "'maps' (lists nested 3 deep)"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_columns_that_look_like_labels_are_no_modalities(columns, left_out, tmp_path):
    table = table_of(make_videos(8)).rename_columns(["clip", "clap", "tags", "id"])
    for name, column in columns.items():
        table = table.append_column(name, column)
    path = write(table, tmp_path / "a.parquet")
    wanted = r"The modalities of .*a\.parquet are \['clip', 'clap'\]; left out are "
    with pytest.warns(UserWarning, match=wanted + re.escape(left_out)) as caught:
        videos = load_embeddings(path, labels="tags")
    assert len(caught) == 1
    assert videos.data.modality_names == ("clip", "clap")
    assert [set(labels) for labels in videos.target] == [set(t) for t in make_videos(8).target]


def test_named_columns_of_any_numbers_are_modalities(tmp_path):
    table = table_of(make_videos(8)).append_column("label_ids", MULTI_HOT)
    path = write(table, tmp_path / "a.parquet")
    named = load_embeddings(path, modalities=["label_ids", "clip"])
    assert named.data.n_features == {"label_ids": 3, "clip": 8}


def test_labels_that_are_not_read_are_no_modality(tmp_path):
    table = table_of(make_videos(8)).drop_columns(["labels"])
    path = write(table.append_column("labels", MULTI_HOT), tmp_path / "a.parquet")
    with pytest.warns(UserWarning, match="left out are 'labels'"):
        videos = load_embeddings(path, labels=None)
    assert videos.target is None
    assert videos.data.modality_names == ("clip", "clap")


@pytest.mark.parametrize("name", ["codes", "labels"])
def test_table_without_float_frames_raises_with_the_way_out(name, tmp_path):
    path = write(pa.table({name: MULTI_HOT}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=rf"no column of float frames: '{name}' .*in modalities"):
        load_embeddings(path, labels=None)
    assert load_embeddings(path, labels=None, modalities=[name]).data.n_features == {name: 3}


def test_videos_of_several_files_keep_their_order(tmp_path):
    parts = [make_videos(8, seed) for seed in (0, 1, 2)]
    for name, videos in zip(("b.parquet", "a.feather", "c.arrow"), parts, strict=True):
        write(table_of(videos, ids=name), tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a table")
    videos = load_embeddings(tmp_path)  # a folder is sorted
    expected = [parts[1], parts[0], parts[2]]
    assert videos.target == [tuple(labels) for part in expected for labels in part.target]
    assert frames_of(videos.data, "clip") == list(
        itertools.chain.from_iterable(frames_of(part.data, "video") for part in expected)
    )
    assert videos.ids[:2].tolist() == ["a.feather0", "a.feather1"]
    given = [tmp_path / "c.arrow", str(tmp_path / "b*")]
    assert load_embeddings(given).target == [*map(tuple, parts[2].target + parts[0].target)]


def test_only_the_requested_columns_are_read(tmp_path):
    videos = make_videos(8)
    table = table_of(videos).rename_columns(["clip", "clap", "tags", "name"])
    table = table.append_column("title", pa.array(["x"] * 8))
    path = write(table, tmp_path / "a.parquet")
    plain = load_embeddings(path)
    assert plain.data.modality_names == ("clip", "clap")
    assert (plain.target, plain.ids) == (None, None)
    X, y = load_embeddings(path, modalities=["clap"], labels="tags", return_X_y=True)
    assert X.modality_names == ("clap",)
    assert y == list(map(tuple, videos.target))
    assert load_embeddings(path, ids="title").ids.tolist() == ["x"] * 8
    with_all = write(table_of(videos), tmp_path / "b.parquet")
    without = load_embeddings(with_all, labels=None, ids=None)
    assert (without.target, without.ids) == (None, None)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array(["A:B", "C"]), [("A:B",), ("C",)]),
        (pa.array(["A:B", "C"]).dictionary_encode(), [("A:B",), ("C",)]),
        (pa.array([["A"], []]), [("A",), ()]),
        (pa.array([[7, 3], [7]]), [(7, 3), (7,)]),
        (pa.array([2, 5], pa.uint8()), [(2,), (5,)]),
    ],
    ids=["strings", "categories", "lists", "lists of numbers", "numbers"],
)
def test_labels_come_back_from_a_store(column, expected, tmp_path):
    table = pa.table({"a": pa.array([[1.0], [2.0]]), "labels": column, "id": [1, 2]})
    path = write(table, tmp_path / "a.parquet")
    videos = load_embeddings(path)
    assert videos.target == expected
    assert videos.ids.tolist() == ["1", "2"]
    load_embeddings(path, store=tmp_path / "store")
    store = load_store(tmp_path / "store")
    assert [set(labels) for labels in store.target] == [set(labels) for labels in expected]
    assert {type(x) for labels in store.target for x in labels} == {type(expected[0][0])}
    assert store.ids.tolist() == ["1", "2"]
    known = sorted({label for labels in expected for label in labels})
    assert store.attributes["labels"] == known
    assert Store.open(tmp_path / "store").target.shape == (2, len(known))


def test_second_call_only_opens_the_store(tmp_path, monkeypatch):
    path = write_videos(tmp_path / "a.parquet")
    first = load_embeddings(path, store=tmp_path / "store")
    labels = HierarchyLabelBinarizer()
    np.testing.assert_array_equal(
        labels.fit_transform(first.target), labels.transform(make_videos().target)
    )
    monkeypatch.setattr(StoreWriter, "part", None)
    assert load_embeddings(path, store=tmp_path / "store").data.digest() == first.data.digest()


def test_interrupted_conversion_resumes(tmp_path, monkeypatch):
    files = [write_videos(tmp_path / f"{i}.parquet", 8, i) for i in range(3)]
    blocks, calls = TableReader.blocks, []

    def interrupt(*args):
        calls.append(args)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGINT)
        return blocks(*args)

    monkeypatch.setattr(TableReader, "blocks", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_embeddings(files, store=tmp_path / "store")
    done = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "store" / "parts").iterdir()}
    assert list(done) == ["00000-0.parquet"]
    stored = load_embeddings(files, store=tmp_path / "store")
    assert len(calls) == 4  # the first part was not written again
    assert stored.data.digest() == load_embeddings(files).data.digest()


def test_changed_file_raises_an_error_for_its_store(tmp_path):
    path = write_videos(tmp_path / "a.parquet", 8)
    load_embeddings(path, store=tmp_path / "store")
    write_videos(path, 12)
    with pytest.raises(ValueError, match=r"store is made from other files, .* another folder"):
        load_embeddings(path, store=tmp_path / "store")
    assert len(load_store(tmp_path / "store").data) == 8


def test_store_without_label_names_returns_column_numbers(tmp_path):
    X = MultimodalArray.from_frames({"a": np.ones((3, 2))}, {"a": [1, 1, 1]})
    X.save(tmp_path / "store", y=[[0, 1], [0, 0], [1, 1]])
    store = load_store(tmp_path / "store")
    assert store.target == [(1,), (), (0, 1)]
    assert (store.ids, store.attributes) == (None, {})


def test_progress_bar_of_tables_is_shown_if_requested(tmp_path, capsys):
    path = write_videos(tmp_path / "a.parquet", 8)
    load_embeddings(path)
    assert capsys.readouterr().err == ""
    load_embeddings(path, progress=True)
    assert "8/8" in capsys.readouterr().err


def test_missing_pyarrow_raises_import_error(tmp_path, monkeypatch):
    path = write_videos(tmp_path / "a.parquet", 8)
    importing = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return importing(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"need pyarrow: pip install 'sk_crossmodal\[tables\]'"):
        load_embeddings(path)


# Readers of other formats -----------------------------------------------------------------


class ArchiveReader(Reader):
    """Reads ``.npz`` files with frames, lengths and label paths."""

    suffixes = (".npz",)

    def describe(self, source):
        self.names = self.modalities or ["clip"]
        archives = [np.load(path) for path in source]
        labels = sorted({label for archive in archives for label in archive["labels"].tolist()})
        widths = {name: archives[0][name].shape[1] for name in self.names}
        return Description(
            {name: {"width": width, "dtype": "float32"} for name, width in widths.items()}, labels
        )

    def blocks(self, shard):
        archive = np.load(shard)
        yield Block(
            {name: archive[name] for name in self.names},
            dict.fromkeys(self.names, archive["lengths"]),
            [(label,) for label in archive["labels"].tolist()],
            [f"{shard.stem}{i}" for i in range(len(archive["labels"]))],
        )


class NumberReader(ArchiveReader):
    """The same with integers as labels."""

    incremental = True

    def describe(self, source):
        return replace(super().describe(source), labels=None, n_labels=0)


@pytest.fixture
def readers(monkeypatch):
    monkeypatch.setattr(READERS, "_parts", dict(READERS))
    return READERS


def write_archive(path, labels, seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 4, len(labels))
    clip, clap = (rng.normal(size=(lengths.sum(), n)).astype(np.float32) for n in (4, 2))
    np.savez(path, clip=clip, clap=clap, lengths=lengths, labels=labels)
    return path


def test_registered_reader_loads_in_memory_and_to_a_store(tmp_path, readers):
    readers.register("archive", ArchiveReader)
    for i, labels in enumerate((["B", "A:C"], ["A:C"])):
        write_archive(tmp_path / f"{i}.npz", labels, i)
    videos = load_embeddings(tmp_path, modalities=["clap", "clip"])
    assert videos.data.n_features == {"clap": 2, "clip": 4}
    assert videos.target == [("B",), ("A:C",), ("A:C",)]
    assert videos.ids.tolist() == ["00", "01", "10"]
    first = np.load(tmp_path / "0.npz")
    np.testing.assert_array_equal(videos.data[0]["clip"], first["clip"][: first["lengths"][0]])
    for _ in range(2):
        stored = load_embeddings(tmp_path, modalities=["clap", "clip"], store=tmp_path / "store")
        assert stored.data.digest() == videos.data.digest()
        assert (stored.target, stored.ids.tolist()) == (videos.target, videos.ids.tolist())
    assert stored.attributes["labels"] == ["A:C", "B"]


def test_incremental_reader_adds_files_to_a_store(tmp_path, readers):
    readers.register("numbers", NumberReader)
    files = [write_archive(tmp_path / f"{i}.npz", [i, 7 * i], i) for i in range(3)]
    load_embeddings(files[:2], store=tmp_path / "store")
    videos = load_embeddings(files, store=tmp_path / "store")
    assert videos.target == load_embeddings(files).target == [(0,), (0,), (1,), (7,), (2,), (14,)]
    assert Store.open(tmp_path / "store").target.shape == (6, 15)
    (tmp_path / "copy").mkdir()
    copy = write_archive(tmp_path / "copy" / "0.npz", [3])
    for store in (None, tmp_path / "other"):
        with pytest.raises(ValueError, match=r"copy/0\.npz: the video '00' is in .*0\.npz, too"):
            load_embeddings([*files, copy], store=store)


def test_files_of_two_formats_raise_an_error(tmp_path, readers):
    readers.register("archive", ArchiveReader)
    archive = write_archive(tmp_path / "a.npz", ["A"])
    table = write_videos(tmp_path / "b.parquet", 8)
    with pytest.raises(ValueError, match=r"a\.npz and .*b\.parquet have different formats"):
        load_embeddings([archive, table])


def test_rates_are_those_given_in_memory_and_in_a_store(tmp_path):
    """A store without them gets them; a call without them keeps those of the store."""
    path, store, rates = (
        write_videos(tmp_path / "a.parquet"),
        tmp_path / "store",
        {"clip": 1, "clap": 5},
    )
    assert load_embeddings(path).data.rates is None
    assert load_embeddings(path, rates=rates).data.rates == rates
    assert load_embeddings(path, store=store).data.rates is None
    assert load_embeddings(path, store=store, rates=rates).data.rates == rates
    assert load_embeddings(path, store=store).data.rates == rates
    assert load_store(store).data.rates == rates
    with pytest.raises(ValueError, match="has other modalities"):
        load_embeddings(path, store=store, rates={"clip": 1, "clap": 4})
