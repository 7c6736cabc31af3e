"""Wrong calls of `load_embeddings` and `load_store`: the call, its error and the message."""

import atexit
import os
import shutil
import tempfile
from functools import cache, partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from table_cases import FRAMES, write

from sk_crossmodal.datasets import load_embeddings, load_store
from sk_crossmodal.multimodal import MultimodalArray, StoreWriter

GOOD = {"a": pa.array([[[1.0, 2.0]], [[3.0, 4.0]]], FRAMES), "labels": [["x"], ["y"]]}


@cache
def folder():
    """Create files for the wrong calls, until this process ends."""
    place = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    write(pa.table(GOOD), place / "good.parquet")
    wide = {**GOOD, "a": pa.array([[[1.0] * 3], []], FRAMES)}
    write(pa.table(wide), place / "wide.parquet")
    half = {**GOOD, "a": pa.array([[[1.0]], []], pa.list_(pa.list_(pa.float16())))}
    write(pa.table(half), place / "half.parquet")
    write(pa.table({**GOOD, "labels": [[1], [2]]}), place / "numbers.parquet")
    write(pa.table({"title": ["x"]}), place / "title.parquet")
    write(pa.table({"a": pa.array([], FRAMES)}), place / "none.parquet")
    whole = (place / "good.parquet").read_bytes()
    (place / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    write(pa.table(GOOD), place / "good.arrow")
    (place / "cut.arrow").write_bytes((place / "good.arrow").read_bytes()[:-200])
    (place / "empty.parquet").touch()
    (place / "text.parquet").write_text("a,b\n1,2\n")
    (place / "bare").mkdir()
    (place / "busy").mkdir()
    (place / "busy" / "thesis.txt").write_text("all of it")
    os.mkfifo(place / "pipe")
    StoreWriter(place / "unfinished", {"a": {"width": 2, "dtype": "float32"}})
    X = MultimodalArray.from_frames({"a": np.ones((1, 2))}, {"a": [1]})
    X.save(place / "store", y=[[1, 1]])
    writer = StoreWriter(
        place / "misnamed", {"a": {"width": 1, "dtype": "float32"}}, {"labels": ["only one"]}
    )
    with writer.part("0") as part:
        part.append({"a": (np.ones((1, 1), "f"), [1])}, labels=[(1,)])
    writer.finish(["0"], 2)
    return place


def tables(*names, **options):
    return load_embeddings([folder() / name for name in names], **options)


def column(values, name="a", **options):
    """Load a table in which all other columns are correct."""
    kind = options.pop("kind", None)
    made = pa.array(values, FRAMES if kind is None and name == "a" else kind)
    with tempfile.TemporaryDirectory() as place:
        path = write(pa.table({**GOOD, name: made}), Path(place) / "wrong.parquet")
        return load_embeddings(path, **options)


def calls():
    """Rows for `load_embeddings`: files and parameters."""
    for name, value in {"None": None, "int": 3, "bytes": b"a", "list of int": [3]}.items():
        yield f"files {name}", partial(load_embeddings, value), TypeError, r"path.* got .+"
    yield "files empty", partial(load_embeddings, []), ValueError, "give at least one file"
    for name, error, message in (
        ("missing.parquet", FileNotFoundError, r"no file at .*missing\.parquet"),
        ("missing*", ValueError, r"pattern .*missing\* matches no files"),
        ("bare", ValueError, r"bare has no \*\.parquet or .*\*\.npy files"),
        ("pipe", ValueError, r"must be a file or a folder of files, .*pipe is neither"),
        ("empty.parquet", ValueError, r"empty\.parquet is not Parquet or Arrow; readers: "),
        ("text.parquet", ValueError, r"text\.parquet is not Parquet or Arrow; readers: "),
        ("cut.parquet", ValueError, r"cut\.parquet is damaged, copy it again"),
        ("cut.arrow", ValueError, r"cut\.arrow is damaged, copy it again"),
        ("title.parquet", ValueError, r"no column of lists of numbers, only title \(string\)"),
        ("none.parquet", ValueError, r"no videos in .*none\.parquet"),
    ):
        yield f"file {name}", partial(tables, name), error, message
    for other, message in {
        "good.parquet": r"good\.parquet is listed twice",
        "wide.parquet": r"wide\.parquet, column 'a', row 0: a frame of 3 numbers, not 2 as before",
        "half.parquet": r"half\.parquet, column 'a' has float16, files before it float32",
        "numbers.parquet": r"'labels' must have strings or numbers in all files",
        "title.parquet": r"title\.parquet has no column 'a'; its columns are \['title'\]",
    }.items():
        yield f"good and {other}", partial(tables, "good.parquet", other), ValueError, message
    for name in ("labels", "ids"):
        for value in (3, ["labels"], b"labels", True):
            message = rf"{name} must be the name of a column or None, got "
            call = partial(tables, "good.parquet", **{name: value})
            yield f"{name} {value!r}", call, TypeError, message
        call = partial(tables, "good.parquet", **{name: "tags"})
        message = rf"no column 'tags' for {name}, only a \(list.*labels \(list"
        yield f"{name} missing", call, ValueError, message
    for value, error, message in (
        ("a", TypeError, "modalities must be None or a list of .* columns?, each once, got 'a'"),
        ({"a"}, TypeError, "modalities must be None or a list of"),
        ([1], TypeError, r"at least one column, each once, got \[1\]"),
        ([], ValueError, "at least one column, each once"),
        (["a", "a"], ValueError, "at least one column, each once"),
        (["b"], ValueError, r"no column 'b'; its columns are \['a', 'labels'\]"),
        (["labels"], ValueError, r"column 'labels' is of type list<.*string>; a modality has"),
    ):
        call = partial(tables, "good.parquet", modalities=value)
        yield f"modalities {value!r}", call, error, message
    for value, error, message in (
        (25, TypeError, "rates must be a dict by name of modality, got 25"),
        ({"clip": 1}, ValueError, r"rates must be of all modalities, \['a'\], got \['clip'\]"),
        ({"a": -1}, ValueError, "The rate of modality 'a' must be a number >= 1e-06"),
    ):
        call = partial(tables, "good.parquet", rates=value)
        yield f"rates {value!r}", call, error, message
    for name in ("return_X_y", "progress"):
        for value in (1, "yes"):
            call = partial(tables, "good.parquet", **{name: value})
            yield f"{name} {value!r}", call, TypeError, rf"{name} must be True.*got "
    for value in (3, b"store", ["store"]):
        call = partial(tables, "good.parquet", store=value)
        yield f"store {value!r}", call, TypeError, "store must be a str, path-like or None, got "
    for name, message in {
        "busy": r"busy is no store",
        "good.arrow": r"A store is a folder, but .*good\.arrow is a file",
        "store": r"store is made from other files",
    }.items():
        yield f"in {name}", lambda n=name: tables("good.parquet", store=folder() / n), (
            ValueError
        ), message  # fmt: skip


def contents():
    """Rows for `load_embeddings`: content of the columns."""
    where = r"wrong\.parquet, column 'a', row 1: "
    missing = where + r"a value is missing \(null\); a video without frames has an empty list"
    for name, values, message in (
        (
            "ragged",
            [[[1.0, 2.0]], [[1.0, 2.0], [3.0]]],
            where + "a frame of 1 numbers, not 2",
        ),
        ("frame of nothing", [[[1.0]], [[]]], where + "a frame of 0 numbers"),
        ("no video", [[[1.0]], None], missing),
        ("no frame", [[[1.0]], [[1.0], None]], missing),
        ("no number", [[[1.0, 1.0]], [[1.0, None]]], missing),
        ("NaN", [[[1.0]], [[np.nan], [1.0]]], where + "a number is NaN"),
        ("infinite", [[[1.0]], [[-np.inf]]], where + "a number is NaN, or infinite"),
        ("no frames", [[], []], r"column 'a' has no frames in any video"),
    ):
        yield f"frames {name}", partial(column, values), ValueError, message
    large = partial(column, [[[1.0]], [[1e300]]], kind=pa.list_(pa.list_(pa.float64())))
    yield "frames too large", large, ValueError, where + ".*infinite as float32"
    for name, kind, values in (
        ("of strings", pa.list_(pa.list_(pa.string())), [[["1"]], [["2"]]]),
        ("no lists", pa.float32(), [1.0, 2.0]),
        ("lists of lists of lists", pa.list_(FRAMES), [[[[1.0]]], [[[2.0]]]]),
        ("of booleans", pa.list_(pa.bool_()), [[True], [False]]),
    ):
        call = partial(column, values, kind=kind, modalities=["a"])
        yield (
            f"frames {name}",
            call,
            ValueError,
            r"column 'a' is of type .*; a modality has a list",
        )
    for name, values in (
        ("floats", [1.5, 2.5]),
        ("lists of floats", [[1.5], [2.5]]),
        ("lists of lists", [[["x"]], [["y"]]]),
        ("booleans", [True, False]),
    ):
        call = partial(column, values, name="labels")
        yield f"labels {name}", call, ValueError, r"column 'labels' is of type .*; labels are str"
    for name, values in (("video without", [["x"], None]), ("missing", [["x"], ["y", None]])):
        call = partial(column, values, name="labels")
        yield (
            f"labels null {name}",
            call,
            ValueError,
            "row 1: a value is missing .* without labels",
        )
    call = partial(column, [1.5, 2.5], name="id")
    yield (
        "ids floats",
        call,
        ValueError,
        "column 'id' is of type double; names are strings",
    )
    call = partial(column, ["x", None], name="id")
    yield (
        "ids null",
        call,
        ValueError,
        "column 'id', row 1: .* all videos have names or none",
    )


def stores():
    """Rows for `load_store`."""
    for value in (None, 3, b"store", ["store"]):
        yield f"path {value!r}", partial(load_store, value), TypeError, "must be a str or path"
    for name, error, message in (
        ("missing", FileNotFoundError, "missing"),
        ("busy", ValueError, "busy is no store"),
        ("unfinished", ValueError, "unfinished is not finished"),
        (
            "misnamed",
            ValueError,
            "misnamed does not name all its 2 labels",
        ),
    ):
        yield f"stored {name}", lambda n=name: load_store(folder() / n), error, message


CASES = [*calls(), *contents(), *stores()]
