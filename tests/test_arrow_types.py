"""load_embeddings reads the values of a column, however Arrow types and encodes them."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
import pytest

from sk_crossmodal.datasets import load_embeddings, load_store
from sk_crossmodal.multimodal import as_multimodal

ROWS = [[[0.0, 1.0], [2.0, 3.0]], [[4.0, 5.0], [6.0, 7.0]], [[8.0, 9.0], [0.5, 1.5]]]
NAMES = ["a", "b", "a"]


class Matrix(pa.ExtensionType):
    """A type that pyarrow knows only while it is registered."""

    def __init__(self):
        super().__init__(pa.list_(pa.list_(pa.float32())), "test.matrix")

    def __arrow_ext_serialize__(self):
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type, serialized):
        return cls()


def tensors(values, permutation=None):
    values = np.asarray(values, "f")
    kind = pa.fixed_shape_tensor(pa.float32(), values.shape[1:], permutation=permutation)
    storage = pa.array(values.reshape(len(values), -1).tolist(), kind.storage_type)
    return pa.ExtensionArray.from_storage(kind, storage)


def halves(values):
    """Lists of np.float16, as older versions of pyarrow need them."""
    return [halves(each) if isinstance(each, list) else np.float16(each) for each in values]


def in_lists(values, size):
    return pa.ListArray.from_arrays(pa.array(range(0, len(values) + 1, size), pa.int32()), values)


def categories(values, unique):
    numbers = [unique.index(value) for value in values]
    return pa.DictionaryArray.from_arrays(numbers, pa.array(unique))


FRAMES = {
    "list_view": pa.array(ROWS, pa.list_view(pa.list_view(pa.float32()))),
    "large_list_view": pa.array(ROWS, pa.large_list_view(pa.list_(pa.float32(), 2))),
    "float16": pa.array(halves(ROWS), pa.list_(pa.list_(pa.float16()))),
    "float64": pa.array(ROWS, pa.large_list(pa.list_(pa.float64()))),
    "fixed lists": pa.array(ROWS, pa.list_(pa.list_(pa.float32(), 2), 2)),
    "tensors": tensors(ROWS),
    "tensors, axes exchanged": tensors(np.swapaxes(ROWS, 1, 2), permutation=[1, 0]),
    "lists of tensors": in_lists(tensors(np.reshape(ROWS, (6, 2))), 2),
    "extension": pa.ExtensionArray.from_storage(Matrix(), pa.array(ROWS, Matrix().storage_type)),
    "categories of lists": categories(ROWS, ROWS[::-1]),
}
STRINGS = {
    "string": pa.array(NAMES),
    "large_string": pa.array(NAMES, pa.large_string()),
    "string_view": pa.array(NAMES, pa.string_view()),
    "categories": pa.array(NAMES).dictionary_encode(),
    "categories of views": pa.DictionaryArray.from_arrays(
        [0, 1, 0], pa.array(["a", "b"], pa.string_view())
    ),
    "runs": pa.compute.run_end_encode(pa.array(NAMES)),
}
ONLY_IPC = (
    "categories of lists",
    "list_view",
    "large_list_view",
    "string_view",
    "categories of views",
    "runs",
)


def write(columns, path, name=""):
    """Write Parquet, an Arrow file or a stream, as the suffix says."""
    table = pa.table(columns)
    if path.suffix == ".parquet":
        if name in ONLY_IPC:
            pytest.skip("Parquet does not store this type")
        pq.write_table(table, path)
        return path
    make = pa.ipc.new_file if path.suffix == ".arrow" else pa.ipc.new_stream
    with make(str(path), table.schema) as file:
        file.write_table(table, max_chunksize=2)
    return path


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".ipc"])
@pytest.mark.parametrize("name", FRAMES)
def test_frames_of_each_type_are_equal(name, suffix, tmp_path):
    path = write({"clip": FRAMES[name]}, tmp_path / f"a{suffix}", name)
    X = load_embeddings(path).data
    assert [video["clip"].tolist() for video in X] == ROWS
    assert ("float16" in repr(X)) == (name == "float16")


FORMS = {
    "table": lambda column: pa.table({"clip": column}),
    "array": lambda column: column,
    "chunks": lambda column: pa.chunked_array([column[:1], column[1:]]),
    "pandas": lambda column: {"clip": pd.Series(pd.arrays.ArrowExtensionArray(column))},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", FRAMES)
def test_columns_of_each_type_are_the_frames_of_a_file(name, form):
    X = as_multimodal(FORMS[form](FRAMES[name]))
    (modality,) = X.modality_names
    assert [video[modality].tolist() for video in X] == ROWS


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".ipc"])
@pytest.mark.parametrize("name", STRINGS)
def test_labels_and_ids_of_each_type_are_equal(name, suffix, tmp_path):
    column = STRINGS[name]
    columns = {"clip": FRAMES["float64"], "labels": column, "id": column}
    videos = load_embeddings(write(columns, tmp_path / f"a{suffix}", name))
    assert (videos.target, videos.ids.tolist()) == ([("a",), ("b",), ("a",)], NAMES)
    if name != "runs":  # lists of runs are not made by any library
        columns["labels"] = in_lists(column, 1)
        path = write(columns, tmp_path / f"b{suffix}", name)
        assert load_embeddings(path).target == videos.target


def test_extension_type_reads_the_same_whether_it_is_known(tmp_path):
    for suffix in (".parquet", ".arrow"):
        path = write({"clip": FRAMES["extension"]}, tmp_path / f"a{suffix}")
        unknown = load_embeddings(path).data.digest()
        pa.register_extension_type(Matrix())
        try:
            assert load_embeddings(path).data.digest() == unknown
        finally:
            pa.unregister_extension_type("test.matrix")


@pytest.mark.parametrize("name", ["list_view", "tensors", "lists of tensors"])
def test_missing_frames_of_each_type_name_their_row(name, tmp_path):
    column = FRAMES[name]
    nulls = pa.concat_arrays([column[:1], pa.nulls(1, column.type), column[2:]])
    with pytest.raises(ValueError, match=r"a\.arrow, column 'clip', row 1: a value is missing"):
        load_embeddings(write({"clip": nulls}, tmp_path / "a.arrow"))


@pytest.mark.parametrize("first", [True, False])
def test_file_with_only_empty_lists_has_the_types_of_the_others(first, tmp_path):
    empty = {"clip": [[], []], "more": [[], []], "labels": [[], []]}
    full = {
        "clip": pa.array(halves(ROWS[:2]), pa.list_(pa.list_(pa.float16()))),
        "more": pa.array(halves([[1, 2], [3, 4]]), pa.list_(pa.float16(), 2)),
        "labels": [["a"], ["b"]],
    }
    names = ("a", "b") if first else ("b", "a")
    paths = [tmp_path / f"{name}.parquet" for name in names]
    write(empty, paths[0])
    write(full, paths[1])
    videos = load_embeddings(tmp_path)
    assert [video["clip"].tolist() for video in videos.data] == [
        *([[], []] if first else []),
        *ROWS[:2],
        *([] if first else [[], []]),
    ]
    assert repr(videos.data).count("float16") == 2
    assert sorted(videos.target) == [(), (), ("a",), ("b",)]
    stored = load_embeddings(tmp_path, store=tmp_path / "store")
    assert stored.data.digest() == videos.data.digest()
    assert stored.target == videos.target


# Indicators --------------------------------------------------------------------------------


INDICATOR = [[0, 1, 0], [1, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.int64()),
        pa.list_(pa.uint8(), 3),
        pa.large_list(pa.bool_()),
        pa.list_(pa.float32()),
    ],
    ids=str,
)
def test_labels_that_are_an_indicator_are_the_numbers_of_its_columns(kind, tmp_path):
    labels = pa.array(np.array(INDICATOR).astype(kind.value_type.to_pandas_dtype()).tolist(), kind)
    path = write({"clip": FRAMES["float64"], "labels": labels}, tmp_path / "a.parquet")
    assert load_embeddings(path).target == [(1,), (0, 1), ()]
    load_embeddings(path, store=tmp_path / "store")
    store = load_store(tmp_path / "store")
    assert store.target == [(1,), (0, 1), ()]
    assert store.attributes["labels"] == [0, 1, 2]


def test_one_hot_pairs_and_tensors_are_an_indicator(tmp_path):
    for name, labels in (
        ("a", [[0, 1], [1, 0], [0, 1]]),
        ("b", tensors([[0, 1], [1, 0], [0, 1]])),
    ):
        path = write({"clip": FRAMES["float64"], "labels": labels}, tmp_path / f"{name}.parquet")
        assert load_embeddings(path).target == [(1,), (0,), (1,)]


def test_indicator_is_decided_by_all_files(tmp_path):
    """The rows of one file alone could be of either kind."""
    columns = {"clip": FRAMES["float64"]}
    write({**columns, "labels": [[0, 1], [1, 0], [0, 1]]}, tmp_path / "a.parquet")
    write({**columns, "labels": [[0, 2], [1], [2]]}, tmp_path / "b.parquet")
    expected = [(0, 1), (1, 0), (0, 1), (0, 2), (1,), (2,)]
    assert load_embeddings(tmp_path).target == expected


@pytest.mark.parametrize(
    "labels", [[[0], [1], [1]], [[0, 1], [1], []], [[2, 0], [1, 0], [0, 1]]], ids=str
)
def test_lists_of_numbers_that_are_no_indicator_are_labels(labels, tmp_path):
    path = write({"clip": FRAMES["float64"], "labels": labels}, tmp_path / "a.parquet")
    assert load_embeddings(path).target == [tuple(each) for each in labels]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[0, 1, 0], [1, 0], [1]], "lists of 0 and 1 of 1 to 3 numbers. All rows of an indicator"),
        ([[0, 1, 0], [1, 0, 0], []], "of 0 to 3 numbers"),
        ([[True], [True, False], [True]], "of 1 to 2 numbers"),
        ([[0.25, 1.0]] * 3, "with 0.25 in row 0; labels are strings or integers, one"),
        ([True, False, True], "of type bool; labels are .* rows of an indicator: lists of one"),
    ],
)
def test_labels_that_are_neither_names_nor_an_indicator_raise(labels, message, tmp_path):
    path = write({"clip": FRAMES["float64"], "labels": labels}, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=message):
        load_embeddings(path)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (['["a", "b"]'] * 3, "look like lists that were written as text"),
        (["a,b", "a", "b"], "'a,b' look like several labels in one text"),
        ([["a, b"], ["c"], ["a, b"]], None),
    ],
)
def test_lists_as_text_warn(labels, message, tmp_path, recwarn):
    path = write({"clip": FRAMES["float64"], "labels": labels}, tmp_path / "a.parquet")
    load_embeddings(path)
    found = [str(warning.message) for warning in recwarn]
    assert len(found) == (message is not None)
    assert all(message in each for each in found)
