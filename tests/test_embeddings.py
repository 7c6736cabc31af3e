"""load_embeddings and load_store: tables are what they were made of, in memory and on the disk."""

import builtins
import itertools
import signal

import numpy as np
import pyarrow as pa
import pytest
from estimator_cases import make_videos, rows_of
from table_cases import FRAMES, ragged_rows, table_of, write, write_videos

from sk_crossmodal import HierarchyLabelBinarizer
from sk_crossmodal.datasets import load_embeddings, load_store
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
def test_frames_are_those_that_were_written(kind, suffix, tmp_path):
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
    X = load_embeddings(path).data
    assert frames_of(X, "a") == [[[1.0, 2.0]], [], [[3.0, 4.0]]]
    assert frames_of(X, "b") == [[[1, 2]], [[3, 4]], [[5, 6]]]
    assert "float16" in repr(X)
    assert "uint8" in repr(X)


@pytest.mark.parametrize("kind", [pa.float64(), pa.int64(), pa.uint16()], ids=str)
def test_other_numbers_become_float32(kind, tmp_path):
    column = pa.array([[[1, 2], [3, 300]]], pa.list_(pa.list_(kind)))
    X = load_embeddings(write(pa.table({"a": column}), tmp_path / "a.parquet")).data
    assert "float32" in repr(X)
    assert frames_of(X, "a") == [[[1.0, 2.0], [3.0, 300.0]]]


def test_videos_of_several_files_stand_in_their_order(tmp_path):
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


def test_columns_are_those_that_are_asked_for(tmp_path):
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


def test_a_store_is_only_opened_the_second_time(tmp_path, monkeypatch):
    path = write_videos(tmp_path / "a.parquet")
    first = load_embeddings(path, store=tmp_path / "store")
    labels = HierarchyLabelBinarizer()
    np.testing.assert_array_equal(
        labels.fit_transform(first.target), labels.transform(make_videos().target)
    )
    monkeypatch.setattr(StoreWriter, "part", None)
    assert load_embeddings(path, store=tmp_path / "store").data.digest() == first.data.digest()


def test_an_interrupted_conversion_goes_on(tmp_path, monkeypatch):
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


def test_other_files_need_another_store(tmp_path):
    path = write_videos(tmp_path / "a.parquet", 8)
    load_embeddings(path, store=tmp_path / "store")
    write_videos(path, 12)
    with pytest.raises(ValueError, match=r"store is made from other files .* another folder"):
        load_embeddings(path, store=tmp_path / "store")
    assert len(load_store(tmp_path / "store").data) == 8


def test_a_store_without_names_gives_columns(tmp_path):
    X = MultimodalArray.from_frames({"a": np.ones((3, 2))}, {"a": [1, 1, 1]})
    X.save(tmp_path / "store", y=[[0, 1], [0, 0], [1, 1]])
    store = load_store(tmp_path / "store")
    assert store.target == [(1,), (), (0, 1)]
    assert (store.ids, store.attributes) == (None, {})


def test_progress_is_shown_where_it_is_asked_for(tmp_path, capsys):
    path = write_videos(tmp_path / "a.parquet", 8)
    load_embeddings(path)
    assert capsys.readouterr().err == ""
    load_embeddings(path, progress=True)
    assert "8/8" in capsys.readouterr().err


def test_pyarrow_is_asked_for(tmp_path, monkeypatch):
    path = write_videos(tmp_path / "a.parquet", 8)
    importing = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return importing(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"need pyarrow: pip install 'sk_crossmodal\[tables\]'"):
        load_embeddings(path)
