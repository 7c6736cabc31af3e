"""Invalid calls of the container and the store, and the error that each must raise."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from sk_crossmodal.multimodal import MultimodalArray, Store, StoreWriter, as_multimodal

X = MultimodalArray.from_frames(
    {"video": np.ones((5, 4), np.float32), "audio": np.ones((3, 2), np.float32)},
    {"video": [2, 3], "audio": [1, 2]},
)
one = X.select(["video"])
F = {"video": (np.ones((5, 4), np.uint8), [2, 3])}


class Stores:
    """A folder of a finished store, of one with a part, and of a file."""

    def __init__(self, folder):
        self.folder, self.ok, self.file = folder, folder / "ok", folder / "file"
        X.save(self.ok, y=[[1, 0], [0, 1]], ids=["a", "b"])
        self.file.write_text("no store")
        with self.writer().part("good") as part:
            part.append(F, labels=[[1], [2]])

    def writer(self):
        return StoreWriter(self.folder / "w", {"video": {"width": 4, "dtype": "uint8"}})

    def append(self, *args, **more):
        with self.writer().part("new") as part:
            part.append(*args, **more)

    def closed_part(self):
        with self.writer().part("closed") as part:
            part.append(F)
        return part


def frame_moments():
    with pytest.warns(DeprecationWarning, match="use frame_stats"):
        X.frame_moments(max_videos=0)


@cache
def stores():
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    return Stores(Path(folder))


def with_stores(call):
    return lambda: call(stores())


CASES = [
    (
        "concatenate-none",
        lambda: MultimodalArray.concatenate([]),
        ValueError,
        "at least one Multi",
    ),
    ("concatenate-X", lambda: MultimodalArray.concatenate(3), TypeError, "arrays must be a sequ"),
    ("concatenate-dict", lambda: MultimodalArray.concatenate([X, {}]), TypeError, "got dict"),
    (
        "concatenate-names",
        lambda: MultimodalArray.concatenate([X, one]),
        ValueError,
        r"same modalities, \['video', 'audio'\], got \['video'\]",
    ),
    (
        "concatenate-width",
        lambda: MultimodalArray.concatenate([one, one.select({"video": slice(0, 2)})]),
        ValueError,
        r"'video' must have the same width in all containers, got \[4, 2\]",
    ),
    (
        "save-attributes",
        with_stores(lambda s: X.save(s.folder / "a", attributes={"a": X})),
        TypeError,
        "attributes must be a dict of JSON values",
    ),
    (
        "init-none",
        lambda: MultimodalArray(None),
        TypeError,
        r"frames must be a dict by name of modality, got None\.",
    ),
    (
        "init-arr",
        lambda: MultimodalArray({"a": np.ones((2, 3))}),
        TypeError,
        r"A MultimodalArray is built by from_frames, as_multimodal or open\.",
    ),
    (
        "init-list",
        lambda: MultimodalArray([1, 2]),
        TypeError,
        r"frames must be a dict by name of modality, got \[1, 2\]\.",
    ),
    (
        "init-names",
        lambda: MultimodalArray({}),
        ValueError,
        r"MultimodalArray needs at least one modality, got none\.",
    ),
    (
        "init-int",
        lambda: MultimodalArray(3),
        TypeError,
        r"frames must be a dict by name of modality, got 3\.",
    ),
    (
        "init-name",
        lambda: MultimodalArray({3: X._frames["video"]}),
        TypeError,
        r"Names of modalities must be str, got 3\.",
    ),
    (
        "ff-none",
        lambda: MultimodalArray.from_frames(None, None),
        TypeError,
        r"frames must be a dict by name of modality, got None\.",
    ),
    (
        "ff-list",
        lambda: MultimodalArray.from_frames([np.ones((2, 3))], [[1, 1]]),
        TypeError,
        r"frames must be a dict by name of modality, got ",
    ),
    (
        "ff-empty",
        lambda: MultimodalArray.from_frames({}, {}),
        ValueError,
        r"MultimodalArray needs at least one modality, got none\.",
    ),
    (
        "ff-lens",
        lambda: MultimodalArray.from_frames({"a": np.ones((2, 3))}, [1, 1]),
        TypeError,
        r"lengths must be a dict by name of modality, got \[1, 1\]\.",
    ),
    (
        "ff-mixed",
        lambda: MultimodalArray.from_frames(
            {"a": np.ones((2, 3)), 1: np.ones((2, 3))}, {"a": [1, 1]}
        ),
        TypeError,
        r"Names of modalities must be str, got 1\.",
    ),
    (
        "ff-str",
        lambda: MultimodalArray.from_frames({"a": "text"}, {"a": [1]}),
        ValueError,
        r"Frames of modality 'a' must have shape \(n_frames, n_features\), g",
    ),
    (
        "ff-strarr",
        lambda: MultimodalArray.from_frames({"a": np.array([["a", "b"]])}, {"a": [1]}),
        ValueError,
        r"Frames of modality 'a' must be numbers, got dtype <U1\.",
    ),
    (
        "ff-complex",
        lambda: MultimodalArray.from_frames({"a": np.ones((2, 2), complex)}, {"a": [2]}),
        ValueError,
        r"Frames of modality 'a' must be numbers, got dtype complex128\.",
    ),
    (
        "ff-obj",
        lambda: MultimodalArray.from_frames({"a": np.array([[1, None]])}, {"a": [1]}),
        ValueError,
        r"Frames of modality 'a' must be numbers, got dtype object\.",
    ),
    (
        "ff-ragged",
        lambda: MultimodalArray.from_frames({"a": [[1, 2], [3]]}, {"a": [2]}),
        ValueError,
        r"Frames of modality 'a' must be an array of numbers",
    ),
    (
        "ff-1d",
        lambda: MultimodalArray.from_frames({"a": [1, 2]}, {"a": [2]}),
        ValueError,
        r"Frames of modality 'a' must have shape \(n_frames, n_features\), g",
    ),
    (
        "ff-0w",
        lambda: MultimodalArray.from_frames({"a": np.ones((2, 0))}, {"a": [2]}),
        ValueError,
        r"Frames of modality 'a' must have shape \(n_frames, n_features\), g",
    ),
    (
        "ff-neg",
        lambda: MultimodalArray.from_frames({"a": np.ones((2, 3))}, {"a": [3, -1]}),
        ValueError,
        r"Lengths of modality 'a' must be >= 0 and add up to its 2 frames, got 2\.",
    ),
    (
        "ff-float",
        lambda: MultimodalArray.from_frames({"a": np.ones((2, 3))}, {"a": [1.5, 0.5]}),
        ValueError,
        r"Lengths of modality 'a' must be integers of shape \(n,\), got \[",
    ),
    (
        "ff-nan",
        lambda: MultimodalArray.from_frames({"a": np.ones((2, 3))}, {"a": [np.nan, 2]}),
        ValueError,
        r"Lengths of modality 'a' must be integers of shape \(n,\), got \[",
    ),
    (
        "ff-boollen",
        lambda: MultimodalArray.from_frames({"a": np.ones((2, 3))}, {"a": [True, True]}),
        ValueError,
        r"Lengths of modality 'a' must be integers of shape \(n,\), got \[",
    ),
    (
        "ff-huge",
        lambda: MultimodalArray.from_frames({"a": np.ones((2, 3))}, {"a": [2**63, 2]}),
        ValueError,
        r"Lengths of modality 'a' must be integers of shape \(n,\), got \[",
    ),
    (
        "ff-ovf",
        lambda: MultimodalArray.from_frames(
            {"a": np.ones((2, 3))}, {"a": [2**62, 2**62, 2**62, 2**62, 2]}
        ),
        ValueError,
        r"Lengths of modality 'a' must be >= 0 and add up to its 2 frames, got",
    ),
    (
        "ff-2dlen",
        lambda: MultimodalArray.from_frames({"a": np.ones((2, 3))}, {"a": [[2]]}),
        ValueError,
        r"Lengths of modality 'a' must be integers of shape \(n,\), got \[",
    ),
    (
        "ff-raggedlen",
        lambda: MultimodalArray.from_frames({"a": np.ones((2, 3))}, {"a": [[2], [1, 2]]}),
        ValueError,
        r"Lengths of modality 'a' must be an array of numbers",
    ),
    (
        "ff-strlen",
        lambda: MultimodalArray.from_frames({"a": np.ones((2, 3))}, {"a": "2"}),
        ValueError,
        r"Lengths of modality 'a' must be integers of shape \(n,\), got '2",
    ),
    (
        "ff-sum",
        lambda: MultimodalArray.from_frames({"a": np.ones((2, 3))}, {"a": [1]}),
        ValueError,
        r"Lengths of modality 'a' must be >= 0 and add up to its 2 frames, got 1\.",
    ),
    (
        "ff-int-name",
        lambda: MultimodalArray.from_frames({1: np.ones((2, 3))}, {1: [2]}),
        TypeError,
        r"Names of modalities must be str, got 1\.",
    ),
    (
        "ff-rows",
        lambda: MultimodalArray.from_frames(
            {"a": np.ones((2, 3)), "b": np.ones((2, 3))}, {"a": [2], "b": [1, 1]}
        ),
        ValueError,
        r"Modalities have different numbers of rows: \{'a': 1, 'b': 2\}\.",
    ),
    (
        "ff-rates-some",
        lambda: MultimodalArray.from_frames(
            {"a": np.ones((2, 3)), "b": np.ones((2, 3))}, {"a": [2], "b": [2]}, rates={"a": 1}
        ),
        ValueError,
        r"rates must be of all modalities, \['a', 'b'\], got \['a'\]\.",
    ),
    (
        "ff-rates-zero",
        lambda: MultimodalArray.from_frames({"a": np.ones((2, 3))}, {"a": [2]}, rates={"a": 0}),
        ValueError,
        r"The rate of modality 'a' must be a number >= 1e-06 and <= 1000000\.0, got 0\.",
    ),
    (
        "ff-rates-number",
        lambda: MultimodalArray.from_frames({"a": np.ones((2, 3))}, {"a": [2]}, rates=25.0),
        TypeError,
        r"rates must be a dict by name of modality, got 25\.0\.",
    ),
    (
        "am-rates-str",
        lambda: as_multimodal({"video": [[1.0]]}, rates={"video": "1"}),
        TypeError,
        r"The rate of modality 'video' must be a number >= 1e-06 .*, got '1'\.",
    ),
    (
        "ff-quant-unknown",
        lambda: MultimodalArray.from_frames(
            {"a": np.ones((2, 3))}, {"a": [2]}, quantization={"b": (1, 0)}
        ),
        ValueError,
        r"quantization names unknown modalities \['b'\]\.",
    ),
    (
        "ff-quant-str",
        lambda: MultimodalArray.from_frames(
            {"a": np.ones((2, 3))}, {"a": [2]}, quantization={"a": "ab"}
        ),
        TypeError,
        r"The quantization of modality 'a' must be a pair \(scale, shift\),",
    ),
    (
        "ff-quant-one",
        lambda: MultimodalArray.from_frames(
            {"a": np.ones((2, 3))}, {"a": [2]}, quantization={"a": 1.0}
        ),
        TypeError,
        r"The quantization of modality 'a' must be a pair \(scale, shift\),",
    ),
    (
        "ff-quant-three",
        lambda: MultimodalArray.from_frames(
            {"a": np.ones((2, 3))}, {"a": [2]}, quantization={"a": (1, 2, 3)}
        ),
        TypeError,
        r"The quantization of modality 'a' must be a pair \(scale, shift\),",
    ),
    (
        "ff-quant-nan",
        lambda: MultimodalArray.from_frames(
            {"a": np.ones((2, 3))}, {"a": [2]}, quantization={"a": (np.nan, 0)}
        ),
        ValueError,
        r"The quantization of modality 'a' must be finite, got \(nan, 0\)\.",
    ),
    (
        "ff-quant-inf",
        lambda: MultimodalArray.from_frames(
            {"a": np.ones((2, 3))}, {"a": [2]}, quantization={"a": (1, np.inf)}
        ),
        ValueError,
        r"The quantization of modality 'a' must be finite, got \(1, inf\)\.",
    ),
    (
        "ff-quant-list",
        lambda: MultimodalArray.from_frames(
            {"a": np.ones((2, 3))}, {"a": [2]}, quantization=[(1, 0)]
        ),
        TypeError,
        r"quantization must be a dict by name of modality, got \[\(1, 0\)\]",
    ),
    (
        "ff-sparse",
        lambda: MultimodalArray.from_frames({"a": csr_array(np.ones((2, 3)))}, {"a": [2]}),
        ValueError,
        r"Frames of modality 'a' must have shape \(n_frames, n_features\), g",
    ),
    (
        "open-none",
        lambda: MultimodalArray.open(None),
        TypeError,
        r"The path of a store must be a str or path\-like, got None\.",
    ),
    (
        "open-int",
        lambda: MultimodalArray.open(3),
        TypeError,
        r"The path of a store must be a str or path\-like, got 3\.",
    ),
    (
        "open-missing",
        with_stores(lambda s: MultimodalArray.open(s.folder / "missing")),
        FileNotFoundError,
        r"There is no store at .*/missing: expected a folder\.",
    ),
    (
        "open-file",
        with_stores(lambda s: MultimodalArray.open(s.file)),
        FileNotFoundError,
        r"There is no store at .*/file: expected a folder\.",
    ),
    (
        "open-dir",
        with_stores(lambda s: MultimodalArray.open(s.folder)),
        ValueError,
        r".* is no store: .*/store\.json is missing\.",
    ),
    (
        "open-bytes",
        lambda: MultimodalArray.open(b"x"),
        TypeError,
        r"The path of a store must be a str or path\-like, got b'x'\.",
    ),
    (
        "open-nul",
        lambda: MultimodalArray.open("a\x00b"),
        ValueError,
        r"The path of a store must name a folder, got 'a\\x00b'\.",
    ),
    (
        "sopen-none",
        lambda: Store.open(None),
        TypeError,
        r"The path of a store must be a str or path\-like, got None\.",
    ),
    (
        "sopen-list",
        lambda: Store.open([1]),
        TypeError,
        r"The path of a store must be a str or path\-like, got \[1\]\.",
    ),
    (
        "save-none",
        lambda: X.save(None),
        TypeError,
        r"The path of a store must be a str or path\-like, got None\.",
    ),
    (
        "save-exists",
        with_stores(lambda s: X.save(s.ok)),
        ValueError,
        r".*/ok exists already; expected a new folder\.",
    ),
    (
        "save-below-file",
        with_stores(lambda s: X.save(s.file / "x")),
        FileExistsError,
        r"\[Errno 17\] File exists: '.*/file'",
    ),
    (
        "save-empty",
        lambda: X.save(""),
        ValueError,
        r"The path of a store must name a folder, got ''\.",
    ),
    (
        "save-nul",
        lambda: X.save("a\x00b"),
        ValueError,
        r"The path of a store must name a folder, got 'a\\x00b'\.",
    ),
    (
        "save-y1",
        with_stores(lambda s: X.save(s.folder / "y", y=[1, 0])),
        ValueError,
        r"y must be a multilabel indicator \(2, n_labels\), got int64 of shape \(2,\);",
    ),
    (
        "save-yn",
        with_stores(lambda s: X.save(s.folder / "y", y=[[1, 0]])),
        ValueError,
        r"y must be a multilabel indicator \(2, n_labels\), got int64 of shape \(1, 2\);",
    ),
    (
        "save-y2",
        with_stores(lambda s: X.save(s.folder / "y", y=[[1, 2], [0, 0]])),
        ValueError,
        r"y must be a multilabel indicator of 0 and 1, got other numbers\.",
    ),
    (
        "save-ynan",
        with_stores(lambda s: X.save(s.folder / "y", y=[[1, np.nan], [0, 0]])),
        ValueError,
        r"y must be a multilabel indicator of 0 and 1, got other numbers\.",
    ),
    (
        "save-yneg",
        with_stores(lambda s: X.save(s.folder / "y", y=[[1, -1], [0, 0]])),
        ValueError,
        r"y must be a multilabel indicator of 0 and 1, got other numbers\.",
    ),
    (
        "save-ystr",
        with_stores(lambda s: X.save(s.folder / "y", y=[["a", "b"], ["c", "d"]])),
        ValueError,
        r"y must be a multilabel indicator \(2, n_labels\), got <U1 of shape \(2, 2\);",
    ),
    (
        "save-yragged",
        with_stores(lambda s: X.save(s.folder / "y", y=[[1], [1, 2]])),
        ValueError,
        r"y must be an array of numbers",
    ),
    (
        "save-yset",
        with_stores(lambda s: X.save(s.folder / "y", y="ab")),
        ValueError,
        r"y must be a multilabel indicator \(2, n_labels\), got <U2 of shape \(\); OneHotEncoder",
    ),
    (
        "save-yobj",
        with_stores(lambda s: X.save(s.folder / "y1", y=np.array([[1, None], [0, 0]], object))),
        ValueError,
        r"y must be a multilabel indicator \(2, n_labels\), got object of shape \(2, 2\);",
    ),
    (
        "save-idsn",
        with_stores(lambda s: X.save(s.folder / "y", ids=["a"])),
        ValueError,
        r"ids must name each of 2 videos, got 1\.",
    ),
    (
        "save-idsi",
        with_stores(lambda s: X.save(s.folder / "y", ids=[1, 2])),
        ValueError,
        r"ids must be 2 str without the character 0, got \[1, 2\]\.",
    ),
    (
        "save-idss",
        with_stores(lambda s: X.save(s.folder / "y", ids="ab")),
        TypeError,
        r"ids must be a sequence, got 'ab'\.",
    ),
    (
        "save-ids5",
        with_stores(lambda s: X.save(s.folder / "y", ids=5)),
        TypeError,
        r"ids must be a sequence, got 5\.",
    ),
    (
        "save-idsnul",
        with_stores(lambda s: X.save(s.folder / "y", ids=["a\x00", "b"])),
        ValueError,
        r"ids must be 2 str without the character 0, got \['a\\x00', 'b'\]\.",
    ),
    (
        "save-idssur",
        with_stores(lambda s: X.save(s.folder / "y", ids=["\ud800", "b"])),
        ValueError,
        r"ids must be text that UTF\-8 can encode, got '\\ud800'\.",
    ),
    (
        "save-idsb",
        with_stores(lambda s: X.save(s.folder / "y", ids=[b"a", b"b"])),
        ValueError,
        r"ids must be 2 str without the character 0, got \[b'a', b'b'\]\.",
    ),
    (
        "save-name-sur",
        with_stores(
            lambda s: (
                X.replace_frames({})
                .__class__({"\ud800": X._frames["video"]})
                .save(s.folder / "sur")
            )
        ),
        ValueError,
        r"The name of a modality must be text that UTF\-8 can encode, got ",
    ),
    (
        "lengths-unknown",
        lambda: X.lengths("text"),
        ValueError,
        r"There is no modality 'text'; X has \['video', 'audio'\]\.",
    ),
    (
        "lengths-none",
        lambda: X.lengths(None),
        ValueError,
        r"There is no modality None; X has \['video', 'audio'\]\.",
    ),
    (
        "lengths-list",
        lambda: X.lengths(["video"]),
        ValueError,
        r"There is no modality \['video'\]; X has \['video', 'audio'\]\.",
    ),
    ("get-str", lambda: X["video"], IndexError, r"Rows of 2 videos cannot be selected by 'video'"),
    ("get-float", lambda: X[1.5], IndexError, r"Rows of 2 videos cannot be selected by 1\.5"),
    (
        "get-none",
        lambda: X[None],
        IndexError,
        r"MultimodalArray is one\-dimensional, got the index None\.",
    ),
    (
        "get-2d",
        lambda: X[[[0]]],
        IndexError,
        r"MultimodalArray is one\-dimensional, got the index \[\[0\]\]\.",
    ),
    (
        "get-tuple",
        lambda: X[0, 1],
        IndexError,
        r"Rows of 2 videos cannot be selected by \(0, 1\): too many indices",
    ),
    (
        "get-big",
        lambda: X[7],
        IndexError,
        r"Rows of 2 videos cannot be selected by 7: range object index out of range",
    ),
    ("get-bigl", lambda: X[[7]], IndexError, r"Rows of 2 videos cannot be selected by \[7\]"),
    (
        "get-bool",
        lambda: X[True],
        IndexError,
        r"MultimodalArray is one-dimensional, got the index True\.",
    ),
    (
        "get-mask",
        lambda: X[[True]],
        IndexError,
        r"Rows of 2 videos cannot be selected by \[True\]",
    ),
    (
        "get-mask3",
        lambda: X[np.array([True, True, False])],
        IndexError,
        r"Rows of 2 videos cannot be selected by ",
    ),
    (
        "get-farr",
        lambda: X[np.array([0.5])],
        IndexError,
        r"Rows of 2 videos cannot be selected by ",
    ),
    (
        "get-slicef",
        lambda: X[0.5:1],
        TypeError,
        r"Rows of 2 videos cannot be selected by slice\(0\.5, 1, None\)",
    ),
    (
        "get-step0",
        lambda: X[::0],
        ValueError,
        r"Rows of 2 videos cannot be selected by slice\(None, None, 0\): sli",
    ),
    ("get-dict", lambda: X[{}], IndexError, r"Rows of 2 videos cannot be selected by \{\}"),
    ("get-np0f", lambda: X[np.array(1.0)], IndexError, r"Rows of 2 videos cannot be selected by "),
    (
        "get-obj",
        lambda: X[np.array([0, 1], object)],
        IndexError,
        r"Rows of 2 videos cannot be selected by ",
    ),
    ("get-strs", lambda: X[["a"]], IndexError, r"Rows of 2 videos cannot be selected by \['a'\]"),
    ("sel-none", lambda: X.select(None), TypeError, r"modalities must be a sequence, got None\."),
    ("sel-int", lambda: X.select(3), TypeError, r"modalities must be a sequence, got 3\."),
    (
        "sel-str",
        lambda: X.select("video"),
        TypeError,
        r"modalities must be a sequence, got 'video'\.",
    ),
    (
        "sel-unknown",
        lambda: X.select(["text"]),
        ValueError,
        r"Modalities \['text'\] are missing; X has \['video', 'audio'\]\.",
    ),
    (
        "sel-empty",
        lambda: X.select([]),
        ValueError,
        r"MultimodalArray needs at least one modality, got none\.",
    ),
    (
        "sel-dup",
        lambda: X.select(["video", "video"]),
        ValueError,
        r"Each modality must be named once, got \['video', 'video'\]\.",
    ),
    (
        "sel-dict2",
        lambda: X.select({"a": slice(1)}),
        ValueError,
        r"Columns need one modality, X has \['video', 'audio'\]\.",
    ),
    (
        "sel-unhash",
        lambda: X.select([["a"]]),
        TypeError,
        r"Names of modalities must be str, got \['a'\]\.",
    ),
    (
        "sel-dict-int",
        lambda: one.select({"a": 2}),
        TypeError,
        r"Columns of modality 'a' must be a slice, got 2\.",
    ),
    (
        "sel-dict-list",
        lambda: one.select({"a": [0, 1]}),
        TypeError,
        r"Columns of modality 'a' must be a slice, got \[0, 1\]\.",
    ),
    (
        "sel-dict-empty",
        lambda: one.select({}),
        ValueError,
        r"MultimodalArray needs at least one modality, got none\.",
    ),
    (
        "sel-dict-none",
        lambda: one.select({"a": slice(9, 9)}),
        ValueError,
        r"Modality 'a' is empty: slice\(9, 9, None\) of 4 feature\(s\) of X\.",
    ),
    (
        "sel-dict-name",
        lambda: one.select({3: slice(2)}),
        TypeError,
        r"Names of modalities must be str, got 3\.",
    ),
    (
        "sel-dict-f",
        lambda: one.select({"a": slice(0.5)}),
        TypeError,
        r"Modality 'a' has invalid columns slice\(None, 0\.5, None\)",
    ),
    (
        "sel-dict-0",
        lambda: one.select({"a": slice(None, None, 0)}),
        ValueError,
        r"Modality 'a' has invalid columns slice\(None, None, 0\): slice step",
    ),
    (
        "pad-none",
        lambda: X.pad(None),
        TypeError,
        r"rows must be integers of shape \(B,\), got None\.",
    ),
    (
        "pad-str",
        lambda: X.pad("ab"),
        TypeError,
        r"rows must be integers of shape \(B,\), got 'ab'\.",
    ),
    (
        "pad-float",
        lambda: X.pad([0.5]),
        TypeError,
        r"rows must be integers of shape \(B,\), got \[0\.5\]\.",
    ),
    (
        "pad-2d",
        lambda: X.pad([[0]]),
        TypeError,
        r"rows must be integers of shape \(B,\), got \[\[0\]\]\.",
    ),
    ("pad-scalar", lambda: X.pad(0), TypeError, r"rows must be integers of shape \(B,\), got 0\."),
    ("pad-big", lambda: X.pad([9]), IndexError, r"rows must be rows of 2 videos, got 9 to 9\."),
    (
        "pad-mask",
        lambda: X.pad([True, False]),
        TypeError,
        r"rows must be integers of shape \(B,\), got \[True, False\]\.",
    ),
    (
        "pad-mfneg",
        lambda: X.pad([0], -1),
        ValueError,
        r"max_frames must be one number or 1, all >= 0, got -1\.",
    ),
    ("pad-mff", lambda: X.pad([0], 1.5), TypeError, r"max_frames must be integers, got 1\.5\."),
    (
        "pad-mfn",
        lambda: X.pad([0, 1], [1, 2, 3]),
        ValueError,
        r"max_frames must be one number or 2, all >= 0, got \[1, 2, 3\]\.",
    ),
    ("pad-mfstr", lambda: X.pad([0], "a"), TypeError, r"max_frames must be integers, got 'a'\."),
    (
        "pad-mfnan",
        lambda: X.pad([0], np.nan),
        TypeError,
        r"max_frames must be integers, got nan\.",
    ),
    (
        "pad-mfbool",
        lambda: X.pad([0], True),
        TypeError,
        r"max_frames must be integers, got True\.",
    ),
    (
        "pad-long",
        lambda: X.pad([0], 1, long_videos="mean"),
        ValueError,
        r"long_videos must be one of \('pool', 'cut'\), got 'mean'\.",
    ),
    (
        "pad-long-name",
        lambda: X.pad([0], 1, long_videos={"clip": "cut"}),
        ValueError,
        r"long_videos must be of the modalities \[.*\], got \['clip'\]\.",
    ),
    (
        "pad-steps",
        lambda: X.pad([0], n_steps=[1, 2]),
        ValueError,
        r"n_steps must be one number or 1, all >= 0, got \[1, 2\]\.",
    ),
    (
        "fb-unknown",
        lambda: list(X.frame_blocks("text")),
        ValueError,
        r"There is no modality 'text'; X has \['video', 'audio'\]\.",
    ),
    (
        "fb-0",
        lambda: list(X.frame_blocks("video", 0)),
        ValueError,
        r"block_size must be an integer >= 1, got 0\.",
    ),
    (
        "fb-neg",
        lambda: list(X.frame_blocks("video", -2)),
        ValueError,
        r"block_size must be an integer >= 1, got \-2\.",
    ),
    (
        "fb-f",
        lambda: list(X.frame_blocks("video", 1.5)),
        TypeError,
        r"block_size must be an integer >= 1, got 1\.5\.",
    ),
    (
        "fb-str",
        lambda: list(X.frame_blocks("video", "a")),
        TypeError,
        r"block_size must be an integer >= 1, got 'a'\.",
    ),
    (
        "rf-unknown",
        lambda: X.replace_frames({"text": np.ones((5, 2))}),
        ValueError,
        r"There is no modality 'text'; X has \['video', 'audio'\]\.",
    ),
    (
        "rf-n",
        lambda: X.replace_frames({"video": np.ones((4, 2))}),
        ValueError,
        r"Modality 'video' needs 5 new frames, got 4\.",
    ),
    (
        "rf-list",
        lambda: X.replace_frames([np.ones((5, 2))]),
        TypeError,
        r"frames must be a dict by name of modality, got ",
    ),
    (
        "rf-none",
        lambda: X.replace_frames(None),
        TypeError,
        r"frames must be a dict by name of modality, got None\.",
    ),
    (
        "rf-1d",
        lambda: X.replace_frames({"video": np.ones(5)}),
        ValueError,
        r"Frames of modality 'video' must have shape \(n_frames, n_features\)",
    ),
    (
        "rf-str",
        lambda: X.replace_frames({"video": np.array([["a"]] * 5)}),
        ValueError,
        r"Frames of modality 'video' must be numbers, got dtype <U1\.",
    ),
    (
        "fm-swn",
        lambda: X.frame_stats(sample_weight=np.ones(3)),
        ValueError,
        r"sample_weight must be \(2,\) finite numbers >= 0, got array\(\[1\., 1\., 1\.\]\)\.",
    ),
    (
        "fm-swneg",
        lambda: X.frame_stats(sample_weight=np.array([-1.0, 1.0])),
        ValueError,
        r"sample_weight must be \(2,\) finite numbers >= 0, got array\(\[-1\.,  1\.\]\)\.",
    ),
    (
        "fm-swnan",
        lambda: X.frame_stats(sample_weight=np.array([np.nan, 1.0])),
        ValueError,
        r"sample_weight must be \(2,\) finite numbers >= 0, got array\(\[nan,  1\.\]\)\.",
    ),
    (
        "fm-mv0",
        lambda: X.frame_stats(max_videos=0),
        ValueError,
        r"max_videos must be an integer >= 1, got 0\.",
    ),
    (
        "fm-mvneg",
        lambda: X.frame_stats(max_videos=-1),
        ValueError,
        r"max_videos must be an integer >= 1, got \-1\.",
    ),
    (
        "fm-mvs",
        lambda: X.frame_stats(max_videos="a"),
        TypeError,
        r"max_videos must be an integer >= 1, got 'a'\.",
    ),
    (
        "fm-mvn",
        lambda: X.frame_stats(max_videos=None),
        TypeError,
        r"max_videos must be an integer >= 1, got None\.",
    ),
    (
        "fm-mvf",
        lambda: X.frame_stats(max_videos=1.5),
        TypeError,
        r"max_videos must be an integer >= 1, got 1\.5\.",
    ),
    (
        "fm-old",
        frame_moments,
        ValueError,
        r"max_videos must be an integer >= 1, got 0\.",
    ),
    ("am-none", lambda: as_multimodal(None), ValueError, r"X must be an array of numbers"),
    ("am-int", lambda: as_multimodal(3), ValueError, r"X must be an array of numbers"),
    ("am-str", lambda: as_multimodal("abc"), ValueError, r"X must be an array of numbers"),
    ("am-strs", lambda: as_multimodal(["a", "b"]), ValueError, r"X must be an array of numbers"),
    ("am-bytes", lambda: as_multimodal(b"abc"), ValueError, r"X must be an array of numbers"),
    ("am-set", lambda: as_multimodal({1, 2}), TypeError, r"X must be an array of numbers"),
    ("am-gen", lambda: as_multimodal(x for x in [1]), TypeError, r"X must be an array of numbers"),
    (
        "am-sparse",
        lambda: as_multimodal(csr_array(np.ones((2, 2)))),
        TypeError,
        r"Sparse data was passed for X, but dense data is required\.",
    ),
    (
        "am-store",
        with_stores(lambda s: as_multimodal(Store.open(s.ok))),
        TypeError,
        r"X is a Store; pass its videos, store\.data\.",
    ),
    (
        "am-empty",
        lambda: as_multimodal([]),
        ValueError,
        r"Found array with 0 sample\(s\) while a minimum of 1 is required:",
    ),
    (
        "am-emptyd",
        lambda: as_multimodal({}),
        ValueError,
        r"MultimodalArray needs at least one modality, got none\.",
    ),
    ("am-1d", lambda: as_multimodal(np.ones(3)), ValueError, r"X must be an array of numbers"),
    (
        "am-4d",
        lambda: as_multimodal(np.ones((2, 2, 2, 2))),
        ValueError,
        r"X must be an array of numbers .*, got shape \(2, 2, 2, 2\)\.",
    ),
    ("am-0d", lambda: as_multimodal(np.array(1.0)), ValueError, r"X must be an array of numbers"),
    (
        "am-complex",
        lambda: as_multimodal(np.ones((2, 2), complex)),
        ValueError,
        r"X must be an array of numbers",
    ),
    (
        "am-obj",
        lambda: as_multimodal(np.array([["a", 1]], object)),
        ValueError,
        r"X must be an array of numbers",
    ),
    (
        "am-ragged",
        lambda: as_multimodal([np.ones((2, 3)), np.ones((2, 4))]),
        ValueError,
        r"Row 1 of X has shape \(2, 4\), expected \(T_i, 3\) as in the ",
    ),
    (
        "am-ragged1",
        lambda: as_multimodal([[1, 2], [3]]),
        ValueError,
        r"X must be an array of numbers",
    ),
    (
        "am-nones",
        lambda: as_multimodal({"a": [None, None]}),
        ValueError,
        r"modality 'a' has frames in none of its",
    ),
    (
        "am-nones-obj",
        lambda: as_multimodal({"a": np.array([None, None], object)}),
        ValueError,
        r"modality 'a' has frames in none of its",
    ),
    (
        "am-mixed",
        lambda: as_multimodal({"a": [np.ones((2, 3)), "x"]}),
        ValueError,
        r"Row 1 of modality 'a' has shape \(\), expected \(T_i, 3\) as in",
    ),
    (
        "am-mixed2",
        lambda: as_multimodal({"a": [np.ones((2, 3)), 3]}),
        ValueError,
        r"Row 1 of modality 'a' has shape \(\), expected \(T_i, 3\) as in",
    ),
    ("am-dictrow", lambda: as_multimodal([{"a": 1}]), TypeError, r"X is a list of dicts, one per"),
    (
        "am-rows",
        lambda: as_multimodal(np.ones((2, 3)), np.ones((3, 3))),
        ValueError,
        r"Modalities have different numbers of rows: \{'video': 2, 'audio': ",
    ),
    (
        "am-pos-sparse",
        lambda: as_multimodal(np.ones((2, 3)), csr_array(np.ones((2, 3)))),
        TypeError,
        r"Sparse data was passed for modality 'audio', but dense data is r",
    ),
    (
        "am-pos-store",
        lambda: as_multimodal(X, X),
        TypeError,
        r"A MultimodalArray was passed for modality 'video'; pass it alone, as X",
    ),
    (
        "am-pos-none",
        lambda: as_multimodal(np.ones((2, 3)), None),
        ValueError,
        r"modality 'audio' has frames in none of its 2 videos, .*give its width",
    ),
    (
        "am-keys",
        lambda: as_multimodal({1: np.ones((2, 3))}),
        TypeError,
        r"Names of modalities must be str, got 1\.",
    ),
    (
        "am-m-str",
        lambda: as_multimodal(np.ones((2, 3)), modalities="video"),
        TypeError,
        r"modalities must be a dict or sequence of names, got 'video'\.",
    ),
    (
        "am-m-int",
        lambda: as_multimodal(np.ones((2, 3)), modalities=3),
        TypeError,
        r"modalities must be a dict or sequence of names, got 3\.",
    ),
    (
        "am-m-empty",
        lambda: as_multimodal(np.ones((2, 3)), modalities=[]),
        ValueError,
        r"modalities must name at least one modality, got none\.",
    ),
    (
        "am-m-dup",
        lambda: as_multimodal(np.ones((2, 3)), modalities=["a", "a"]),
        ValueError,
        r"Each modality must be named once, got \['a', 'a'\]\.",
    ),
    (
        "am-m-w",
        lambda: as_multimodal(np.ones((2, 3)), modalities={"a": 1, "b": 1}),
        ValueError,
        r"X has 3 features, but modalities=\{'a': 1, 'b': 1\} expects 2: give all side by side",
    ),
    (
        "am-m-neg",
        lambda: as_multimodal(np.ones((2, 3)), modalities={"a": 4, "b": -1}),
        ValueError,
        r"X has 3 features, each width must be >= 1, got \{'a': 4, 'b': -1\}",
    ),
    (
        "am-m-f",
        lambda: as_multimodal(np.ones((2, 3)), modalities={"a": 1.5, "b": 1.5}),
        TypeError,
        r"modalities must have only widths \(int\) or only slices, got \{'a': 1\.5, 'b': 1\.5\}\.",
    ),
    (
        "am-m-bool",
        lambda: as_multimodal(np.ones((2, 2)), modalities={"a": True, "b": True}),
        TypeError,
        r"modalities must have only widths \(int\) or only slices, got \{'a': True, 'b': True\}\.",
    ),
    (
        "am-m-mixed",
        lambda: as_multimodal(np.ones((2, 3)), modalities={"a": 1, "b": slice(1, 3)}),
        TypeError,
        r"modalities must have only widths \(int\) or only slices, got \{'a': 1, 'b': slice\(1,",
    ),
    (
        "am-m-sl",
        lambda: as_multimodal(np.ones((2, 3)), modalities={"a": slice(5, 6)}),
        ValueError,
        r"Modality 'a' is empty: slice\(5, 6, None\) of 3 feature\(s\) of X\.",
    ),
    (
        "am-m-unknown",
        lambda: as_multimodal(X, modalities=["text"]),
        ValueError,
        r"Modalities \['text'\] are missing; X has \['video', 'audio'\]\.",
    ),
    (
        "am-m-width",
        lambda: as_multimodal(X, modalities={"video": 9, "audio": 2}),
        ValueError,
        r"'video' has frames of 4 features, but modalities says 9\.",
    ),
    (
        "am-m-slx",
        lambda: as_multimodal(X, modalities={"video": slice(1), "audio": 2}),
        TypeError,
        r"modalities has columns of 'video', slice\(None, 1, None\), but X",
    ),
    (
        "am-m-count",
        lambda: as_multimodal(np.ones((2, 3)), np.ones((2, 3)), modalities=["a"]),
        ValueError,
        r"modalities must name 2 modalities, got \['a'\]\.",
    ),
    (
        "am-m-names",
        lambda: as_multimodal(np.ones((2, 3)), modalities=[1, 2]),
        TypeError,
        r"Names of modalities must be str, got 1\.",
    ),
    (
        "am-m-many",
        lambda: as_multimodal(np.ones((2, 3)), modalities=list("abcd")),
        ValueError,
        r"X has 3 feature\(s\), but modalities names 4: \['a', 'b', 'c', 'd'\]",
    ),
    (
        "am-m-unhash",
        lambda: as_multimodal(np.ones((2, 3)), modalities=[["a"], ["b"]]),
        TypeError,
        r"Names of modalities must be str, got \['a'\]\.",
    ),
    (
        "am-m-slf",
        lambda: as_multimodal(np.ones((2, 3)), modalities={"a": slice(0.5)}),
        TypeError,
        r"Modality 'a' has invalid columns slice\(None, 0\.5, None\)",
    ),
    (
        "am-m-huge",
        lambda: as_multimodal(np.ones((2, 3)), modalities={"a": 2**70}),
        ValueError,
        r"X has 3 features, but modalities=\{'a': 1180591620717411303424\} exp",
    ),
    (
        "am-zero-width",
        lambda: as_multimodal(np.ones((2, 0))),
        ValueError,
        r"Found array with 0 feature\(s\) \(shape=\(2, 0\)\)",
    ),
    (
        "am-zero-n",
        lambda: as_multimodal(np.ones((0, 3))),
        ValueError,
        r"Found array with 0 sample\(s\) \(shape=\(0, 3\)\)",
    ),
    (
        "am-df-empty",
        lambda: as_multimodal(pd.DataFrame()),
        ValueError,
        r"MultimodalArray needs at least one modality, got none\.",
    ),
    (
        "am-df-str",
        lambda: as_multimodal(pd.DataFrame({"a": ["x", "y"]})),
        ValueError,
        r"X must be an array of numbers",
    ),
    (
        "am-df-dup",
        lambda: as_multimodal(
            pd.DataFrame([[np.ones((1, 2)), np.ones((1, 2))]], columns=["a", "a"])
        ),
        ValueError,
        r"The data frame X has several columns of one name: \['a', 'a'\]\.",
    ),
    (
        "am-df-ints",
        lambda: as_multimodal(pd.DataFrame({"a": [[1, 2], [3, 4]], "b": [1, 2]})),
        ValueError,
        r"data frame X has no column of float frames: 'a' \(integers\), 'b' \(no frames\)\. Name",
    ),
    (
        "am-dict-labels",
        lambda: as_multimodal({"labels": np.eye(3)}),
        ValueError,
        r"X has no column of float frames: 'labels' \(named like labels, ids, weights or times\)",
    ),
    (
        "am-datetime",
        lambda: as_multimodal(np.array([["2020-01-01"]], "M8[D]")),
        ValueError,
        r"X must be an array of numbers .*, got dtype datetime64\[D\]\.",
    ),
    (
        "am-empty-X",
        lambda: as_multimodal(X[[]]),
        ValueError,
        r"Found array with 0 sample\(s\) while a minimum of 1 is required:",
    ),
    (
        "am-listobj",
        lambda: as_multimodal([object(), object()]),
        TypeError,
        r"X must be an array of numbers",
    ),
    (
        "am-ragged-str",
        lambda: as_multimodal([[["a", "b"]], [["c", "d"]]]),
        ValueError,
        r"Row 0 of X must be an array of numbers \(T_i, 2\), got dtype <U1\.",
    ),
    (
        "am-ragged-obj",
        lambda: as_multimodal({"v": [np.array([[None, 1]]), np.ones((1, 2))]}),
        ValueError,
        r"Row 0 of modality 'v' must be an array of numbers \(T_i, 2\), got dtype object\.",
    ),
    (
        "am-ragged-c",
        lambda: as_multimodal({"v": [np.ones((1, 2), complex)]}),
        ValueError,
        r"Row 0 of modality 'v' must be an array of numbers \(T_i, 2\), got dtype complex128\.",
    ),
    (
        "am-maskarr",
        lambda: as_multimodal(np.ma.masked_array(np.ones((2, 2)), mask=[[1, 0], [0, 0]])),
        ValueError,
        r"X must be masked only in whole frames at the end .*write \.filled\(np\.nan\)",
    ),
    (
        "sw-path",
        lambda: StoreWriter(None, {"a": {"width": 1, "dtype": "uint8"}}),
        TypeError,
        r"The path of a store must be a str or path\-like, got None\.",
    ),
    (
        "sw-mod",
        with_stores(lambda s: StoreWriter(s.folder / "q", [1])),
        TypeError,
        r"modalities must be a dict of dict by name, got \[1\]\.",
    ),
    (
        "sw-none",
        with_stores(lambda s: StoreWriter(s.folder / "q", None)),
        TypeError,
        r"modalities must be a dict of dict by name, got None\.",
    ),
    (
        "sw-empty",
        with_stores(lambda s: StoreWriter(s.folder / "q", {})),
        ValueError,
        r"A store needs at least one modality, got none\.",
    ),
    (
        "sw-nodict",
        with_stores(lambda s: StoreWriter(s.folder / "q", {"a": 3})),
        TypeError,
        r"modalities\['a'\] must be a dict of width, dtype and perhaps scale, shift, rate, got 3",
    ),
    (
        "sw-missing",
        with_stores(lambda s: StoreWriter(s.folder / "q", {"a": {"width": 1}})),
        TypeError,
        r"modalities\['a'\] must be a dict of width, dtype and perhaps scale, shift, rate, got",
    ),
    (
        "sw-extra",
        with_stores(
            lambda s: StoreWriter(s.folder / "q", {"a": {"width": 1, "dtype": "uint8", "x": 1}})
        ),
        TypeError,
        r"modalities\['a'\] must be a dict of width, dtype and perhaps scale, shift, rate, got",
    ),
    (
        "sw-w0",
        with_stores(lambda s: StoreWriter(s.folder / "q", {"a": {"width": 0, "dtype": "uint8"}})),
        ValueError,
        r"The width of modality 'a' must be an integer >= 1, got 0\.",
    ),
    (
        "sw-wf",
        with_stores(
            lambda s: StoreWriter(s.folder / "q", {"a": {"width": 1.5, "dtype": "uint8"}})
        ),
        ValueError,
        r"The width of modality 'a' must be an integer >= 1, got 1\.5\.",
    ),
    (
        "sw-ws",
        with_stores(
            lambda s: StoreWriter(s.folder / "q", {"a": {"width": "1", "dtype": "uint8"}})
        ),
        ValueError,
        r"The width of modality 'a' must be an integer >= 1, got '1'\.",
    ),
    (
        "sw-wn",
        with_stores(
            lambda s: StoreWriter(s.folder / "q", {"a": {"width": None, "dtype": "uint8"}})
        ),
        ValueError,
        r"The width of modality 'a' must be an integer >= 1, got None\.",
    ),
    (
        "sw-wnan",
        with_stores(
            lambda s: StoreWriter(s.folder / "q", {"a": {"width": np.nan, "dtype": "uint8"}})
        ),
        ValueError,
        r"The width of modality 'a' must be an integer >= 1, got nan\.",
    ),
    (
        "sw-winf",
        with_stores(
            lambda s: StoreWriter(s.folder / "q", {"a": {"width": np.inf, "dtype": "uint8"}})
        ),
        ValueError,
        r"The width of modality 'a' must be an integer >= 1, got inf\.",
    ),
    (
        "sw-wtrue",
        with_stores(
            lambda s: StoreWriter(s.folder / "q1", {"a": {"width": True, "dtype": "uint8"}})
        ),
        ValueError,
        r"The width of modality 'a' must be an integer >= 1, got True\.",
    ),
    (
        "sw-wbig",
        with_stores(
            lambda s: StoreWriter(s.folder / "q3", {"a": {"width": 2**70, "dtype": "uint8"}})
        ),
        ValueError,
        r"The width of modality 'a' must be an integer >= 1, got 1180591620717411303424\.",
    ),
    (
        "sw-d",
        with_stores(lambda s: StoreWriter(s.folder / "q", {"a": {"width": 1, "dtype": "int8"}})),
        ValueError,
        r"The dtype of modality 'a' must be one of \('uint8', 'float16', .*\), got 'int8'\.",
    ),
    (
        "sw-dx",
        with_stores(
            lambda s: StoreWriter(s.folder / "q", {"a": {"width": 1, "dtype": "nonsense"}})
        ),
        ValueError,
        r"The dtype of modality 'a' must be one of \('uint8', 'float16', .*\), got 'nonsense'\.",
    ),
    (
        "sw-dn",
        with_stores(lambda s: StoreWriter(s.folder / "q", {"a": {"width": 1, "dtype": None}})),
        ValueError,
        r"The dtype of modality 'a' must be one of \('uint8', 'float16', .*\), got None\.",
    ),
    (
        "sw-d3",
        with_stores(lambda s: StoreWriter(s.folder / "q", {"a": {"width": 1, "dtype": 3}})),
        ValueError,
        r"The dtype of modality 'a' must be one of \('uint8', 'float16', .*\), got 3\.",
    ),
    (
        "sw-sc",
        with_stores(
            lambda s: StoreWriter(
                s.folder / "q", {"a": {"width": 1, "dtype": "uint8", "scale": np.nan}}
            )
        ),
        ValueError,
        r"The scale of modality 'a' must be a number > -inf and < inf, got nan\.",
    ),
    (
        "sw-scs",
        with_stores(
            lambda s: StoreWriter(
                s.folder / "q", {"a": {"width": 1, "dtype": "uint8", "scale": "1"}}
            )
        ),
        TypeError,
        r"The scale of modality 'a' must be a number > -inf and < inf, got '1'\.",
    ),
    (
        "sw-scn",
        with_stores(
            lambda s: StoreWriter(
                s.folder / "q", {"a": {"width": 1, "dtype": "uint8", "scale": None}}
            )
        ),
        TypeError,
        r"The scale of modality 'a' must be a number > -inf and < inf, got None\.",
    ),
    (
        "sw-name",
        with_stores(lambda s: StoreWriter(s.folder / "q", {3: {"width": 1, "dtype": "uint8"}})),
        TypeError,
        r"Names of modalities must be str, got 3\.",
    ),
    (
        "sw-att",
        with_stores(
            lambda s: StoreWriter(s.folder / "q", {"a": {"width": 1, "dtype": "uint8"}}, [1])
        ),
        TypeError,
        r"attributes must be a dict of JSON values, got \[1\]: 'list' object is not a mapping",
    ),
    (
        "sw-attobj",
        with_stores(
            lambda s: StoreWriter(
                s.folder / "q", {"a": {"width": 1, "dtype": "uint8"}}, {"x": object()}
            )
        ),
        TypeError,
        r"attributes must be a dict of JSON values, got \{'x': ",
    ),
    (
        "sw-attnan",
        with_stores(
            lambda s: StoreWriter(
                s.folder / "q", {"a": {"width": 1, "dtype": "uint8"}}, {"x": np.nan}
            )
        ),
        ValueError,
        r"attributes must be a dict of JSON values, got \{'x': nan\}: Out of range float values",
    ),
    (
        "sw-attkey",
        with_stores(
            lambda s: StoreWriter(
                s.folder / "q2", {"a": {"width": 1, "dtype": "uint8"}}, {(1, 2): 3}
            )
        ),
        TypeError,
        r"attributes must be a dict of JSON values, got \{\(1, 2\): 3\}: keys must be str",
    ),
    (
        "sw-rates-some",
        with_stores(
            lambda s: StoreWriter(
                s.folder / "q3",
                {
                    "a": {"width": 1, "dtype": "uint8", "rate": 1.0},
                    "b": {"width": 1, "dtype": "uint8"},
                },
            )
        ),
        ValueError,
        r"rates must be of all modalities, \['a', 'b'\], got \['a'\]\.",
    ),
    (
        "sw-other",
        with_stores(lambda s: StoreWriter(s.ok, {"a": {"width": 1, "dtype": "uint8"}})),
        ValueError,
        r".*/ok has other modalities: they are \(StoredModality\(name='video', width=4,",
    ),
    (
        "sw-file",
        with_stores(lambda s: StoreWriter(s.file, {"a": {"width": 1, "dtype": "uint8"}})),
        ValueError,
        r"A store is a folder, but .*/file is a file\.",
    ),
    (
        "sw-belowfile",
        with_stores(lambda s: StoreWriter(s.file / "b", {"a": {"width": 1, "dtype": "uint8"}})),
        FileExistsError,
        r"\[Errno 17\] File exists: '.*/file'",
    ),
    (
        "sw-dir",
        with_stores(lambda s: StoreWriter(s.folder, {"a": {"width": 1, "dtype": "uint8"}})),
        ValueError,
        r".* is no store: .*/store\.json is missing\.",
    ),
    (
        "sw-nul",
        lambda: StoreWriter("a\x00b", {"a": {"width": 1, "dtype": "uint8"}}),
        ValueError,
        r"The path of a store must name a folder, got 'a\\x00b'\.",
    ),
    (
        "sw-sur",
        with_stores(
            lambda s: StoreWriter(s.folder / "q4", {"\ud800": {"width": 1, "dtype": "uint8"}})
        ),
        ValueError,
        r"The name of a modality must be text that UTF\-8 can encode, got ",
    ),
    (
        "sw-attsur",
        with_stores(
            lambda s: StoreWriter(
                s.folder / "q5", {"a": {"width": 1, "dtype": "uint8"}}, {"a": "\ud800"}
            )
        ),
        ValueError,
        r"attributes must be a dict of JSON values, got \{'a': '\\ud800'\}: 'utf-8' codec can't",
    ),
    (
        "done-none",
        with_stores(lambda s: s.writer().done(None)),
        ValueError,
        r"The name of a part must be a file name, not hidden, got None\.",
    ),
    (
        "done-dot",
        with_stores(lambda s: s.writer().done(".x")),
        ValueError,
        r"The name of a part must be a file name, not hidden, got '\.x'\.",
    ),
    (
        "done-sl",
        with_stores(lambda s: s.writer().done("a/b")),
        ValueError,
        r"The name of a part must be a file name, not hidden, got 'a/b'\.",
    ),
    (
        "part-none",
        with_stores(lambda s: s.writer().part(None).__enter__()),
        ValueError,
        r"The name of a part must be a file name, not hidden, got None\.",
    ),
    (
        "part-dots",
        with_stores(lambda s: s.writer().part("..").__enter__()),
        ValueError,
        r"The name of a part must be a file name, not hidden, got '\.\.'\.",
    ),
    (
        "part-int",
        with_stores(lambda s: s.writer().part(3).__enter__()),
        ValueError,
        r"The name of a part must be a file name, not hidden, got 3\.",
    ),
    (
        "part-sl",
        with_stores(lambda s: s.writer().part("../../x").__enter__()),
        ValueError,
        r"The name of a part must be a file name, not hidden, got '\.\./\.\./x'\.",
    ),
    (
        "part-nul",
        with_stores(lambda s: s.writer().part("a\x00").__enter__()),
        ValueError,
        r"The name of a part must be a file name, not hidden, got 'a\\x00'\.",
    ),
    (
        "part-sur",
        with_stores(lambda s: s.writer().part("\ud800").__enter__()),
        ValueError,
        r"The name of a part must be text that UTF\-8 can encode, got '\\u",
    ),
    (
        "ap-none",
        with_stores(lambda s: s.append(None)),
        TypeError,
        r"frames must be a dict by name of modality, got None\.",
    ),
    (
        "ap-list",
        with_stores(lambda s: s.append([1])),
        TypeError,
        r"frames must be a dict by name of modality, got \[1\]\.",
    ),
    (
        "ap-missing",
        with_stores(lambda s: s.append({})),
        ValueError,
        r"Frames of \['video'\] are needed, got \[\]\.",
    ),
    (
        "ap-extra",
        with_stores(lambda s: s.append({**F, "audio": F["video"]})),
        ValueError,
        r"Frames of \['video'\] are needed, got \['video', 'audio'\]\.",
    ),
    (
        "ap-arr",
        with_stores(lambda s: s.append({"video": np.ones((5, 4), np.uint8)})),
        TypeError,
        r"Frames and lengths of modality 'video' must be a pair, got ",
    ),
    (
        "ap-one",
        with_stores(lambda s: s.append({"video": (np.ones((5, 4), np.uint8),)})),
        TypeError,
        r"Frames and lengths of modality 'video' must be a pair, got ",
    ),
    (
        "ap-int",
        with_stores(lambda s: s.append({"video": 3})),
        TypeError,
        r"Frames and lengths of modality 'video' must be a pair, got ",
    ),
    (
        "ap-dtype",
        with_stores(lambda s: s.append({"video": (np.ones((5, 4)), [2, 3])})),
        ValueError,
        r"Frames of modality 'video' must be uint8 of shape \(n_frames, 4\)",
    ),
    (
        "ap-width",
        with_stores(lambda s: s.append({"video": (np.ones((5, 3), np.uint8), [2, 3])})),
        ValueError,
        r"Frames of modality 'video' must be uint8 of shape \(n_frames, 4\)",
    ),
    (
        "ap-1d",
        with_stores(lambda s: s.append({"video": (np.ones(5, np.uint8), [2, 3])})),
        ValueError,
        r"Frames of modality 'video' must be uint8 of shape \(n_frames, 4\)",
    ),
    (
        "ap-len",
        with_stores(lambda s: s.append({"video": (np.ones((5, 4), np.uint8), [2, 2])})),
        ValueError,
        r"Lengths of modality 'video' must be >= 0 and add up to its 5 frames, got 4\.",
    ),
    (
        "ap-lenf",
        with_stores(lambda s: s.append({"video": (np.ones((5, 4), np.uint8), [2.0, 3.0])})),
        ValueError,
        r"Lengths of modality 'video' must be integers of shape \(n,\), got",
    ),
    (
        "ap-lenn",
        with_stores(lambda s: s.append({"video": (np.ones((5, 4), np.uint8), None)})),
        ValueError,
        r"Lengths of modality 'video' must be integers of shape \(n,\), got",
    ),
    (
        "ap-lab-n",
        with_stores(lambda s: s.append(F, labels=[[1]])),
        ValueError,
        r"labels must have an entry for each of 2 videos, got 1\.",
    ),
    (
        "ap-lab-f",
        with_stores(lambda s: s.append(F, labels=[[1.5], []])),
        ValueError,
        r"labels must be integers from 0 to 2147483647, got array\(\[1\.5\]\)\.",
    ),
    (
        "ap-lab-s",
        with_stores(lambda s: s.append(F, labels=[["a"], []])),
        ValueError,
        r"labels must be integers from 0 to 2147483647, got array\(\['a'\], dtype='<U1'\)\.",
    ),
    (
        "ap-lab-neg",
        with_stores(lambda s: s.append(F, labels=[[-1], []])),
        ValueError,
        r"labels must be integers from 0 to 2147483647, got array\(\[-1\]\)\.",
    ),
    (
        "ap-lab-int",
        with_stores(lambda s: s.append(F, labels=[1, 2])),
        TypeError,
        r"labels of a video must be a sequence, got 1\.",
    ),
    (
        "ap-lab-x",
        with_stores(lambda s: s.append(F, labels=3)),
        TypeError,
        r"labels must be a sequence, got 3\.",
    ),
    (
        "ap-lab-big",
        with_stores(lambda s: s.append(F, labels=[[2**40], []])),
        ValueError,
        r"labels must be integers from 0 to 2147483647, got array\(\[1099511627776\]\)\.",
    ),
    (
        "ap-lab-huge",
        with_stores(lambda s: s.append(F, labels=[[2**70], []])),
        ValueError,
        r"labels must be integers from 0 to 2147483647, got array\(\[1180591620717411303424\],",
    ),
    (
        "ap-lab-bool",
        with_stores(lambda s: s.append(F, labels=[[True], []])),
        ValueError,
        r"labels must be integers from 0 to 2147483647, got array\(\[ True\]\)\.",
    ),
    (
        "ap-lab-nest",
        with_stores(lambda s: s.append(F, labels=[[[1]], []])),
        ValueError,
        r"labels must be integers from 0 to 2147483647, got array\(\[\[1\]\]\)\.",
    ),
    (
        "ap-lab-nest2",
        with_stores(lambda s: s.append(F, labels=[[[1], [1, 2]], []])),
        ValueError,
        r"labels must be an array of numbers",
    ),
    (
        "ap-ids-n",
        with_stores(lambda s: s.append(F, ids=["a"])),
        ValueError,
        r"ids must be 2 str without the character 0, got \['a'\]\.",
    ),
    (
        "ap-ids-i",
        with_stores(lambda s: s.append(F, ids=[1, 2])),
        ValueError,
        r"ids must be 2 str without the character 0, got \[1, 2\]\.",
    ),
    (
        "ap-ids-x",
        with_stores(lambda s: s.append(F, ids=3)),
        TypeError,
        r"ids must be a sequence, got 3\.",
    ),
    (
        "ap-ids-sur",
        with_stores(lambda s: s.append(F, ids=["\ud800", "a"])),
        ValueError,
        r"ids must be text that UTF\-8 can encode, got '\\ud800'\.",
    ),
    (
        "ap-ids-str",
        with_stores(lambda s: s.append(F, ids="ab")),
        TypeError,
        r"ids must be a sequence, got 'ab'\.",
    ),
    (
        "ap-after",
        with_stores(lambda s: s.closed_part().append(F)),
        ValueError,
        r"Videos cannot be added to .*/w/parts/\.closed\.part: the part i",
    ),
    (
        "fin-none",
        with_stores(lambda s: s.writer().finish(None)),
        TypeError,
        r"parts must be a sequence, got None\.",
    ),
    (
        "fin-str",
        with_stores(lambda s: s.writer().finish("abc")),
        TypeError,
        r"parts must be a sequence, got 'abc'\.",
    ),
    (
        "fin-int",
        with_stores(lambda s: s.writer().finish([3])),
        ValueError,
        r"The name of a part must be a file name, not hidden, got 3\.",
    ),
    (
        "fin-missing",
        with_stores(lambda s: s.writer().finish(["nope"])),
        ValueError,
        r"Parts \['nope'\] of .*/w are not complete\.",
    ),
    (
        "fin-dup",
        with_stores(lambda s: s.writer().finish(["good", "good"], 3)),
        ValueError,
        r"Each part of a store must be named once, got \['good', 'good'\]\.",
    ),
    (
        "fin-nl",
        with_stores(lambda s: s.writer().finish(["good"])),
        ValueError,
        r"n_labels is required with labels .* got n_labels=None and labels",
    ),
    (
        "fin-nl0",
        with_stores(lambda s: s.writer().finish(["good"], 0)),
        ValueError,
        r"Part 'good' has label 2, must be below n_labels=0\.",
    ),
    (
        "fin-nls",
        with_stores(lambda s: s.writer().finish(["good"], "5")),
        TypeError,
        r"n_labels must be an integer >= 0 and <= 2147483648, got '5'\.",
    ),
    (
        "fin-nlf",
        with_stores(lambda s: s.writer().finish(["good"], 5.5)),
        TypeError,
        r"n_labels must be an integer >= 0 and <= 2147483648, got 5\.5\.",
    ),
    (
        "fin-nlneg",
        with_stores(lambda s: s.writer().finish(["good"], -5)),
        ValueError,
        r"n_labels must be an integer >= 0 and <= 2147483648, got \-5\.",
    ),
    (
        "fin-nlt",
        with_stores(lambda s: s.writer().finish(["good"], True)),
        TypeError,
        r"n_labels must be an integer >= 0 and <= 2147483648, got True\.",
    ),
    (
        "fin-nlbig",
        with_stores(lambda s: s.writer().finish(["good"], 2**80)),
        ValueError,
        r"n_labels must be an integer >= 0 and <= 2147483648, got 1208925819614629174706176\.",
    ),
    (
        "fin-nlnan",
        with_stores(lambda s: s.writer().finish(["good"], np.nan)),
        TypeError,
        r"n_labels must be an integer >= 0 and <= 2147483648, got nan\.",
    ),
    (
        "fin-unhash",
        with_stores(lambda s: s.writer().finish([["a"]])),
        ValueError,
        r"The name of a part must be a file name, not hidden, got \['a'\]\.",
    ),
    (
        "fin-empty-nl",
        with_stores(lambda s: s.writer().finish([], "x")),
        TypeError,
        r"n_labels must be an integer >= 0 and <= 2147483648, got 'x'\.",
    ),
    (
        "ma-check-finite-dtype",
        lambda: X.check_finite("nonsense"),
        TypeError,
        r"data type 'nonsense' not understood",
    ),
]
