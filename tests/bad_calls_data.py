"""Wrong forms of X, y and weights, with the message of each error; see test_bad_calls."""

import numpy as np
import pandas as pd
from estimator_cases import from_rows, make_videos, make_y, rows_of
from scipy.sparse import coo_array, csr_array, dok_array

from sk_crossmodal import MultimodalArray

N = 48
X, Y, M = make_videos().data, make_y("classes"), make_y("multilabel")
VIDEO, AUDIO = rows_of(X, "video"), rows_of(X, "audio")
CYCLE = np.arange(N) % 4
WIDE = np.random.RandomState(0).randn(N, 14)  # one frame per video, both modalities side by side


def with_row(value, row=3):
    return [value if i == row else frames for i, frames in enumerate(VIDEO)]


def damaged(name, row, value, dtype=np.float32):
    """The videos with one value that is not a number."""
    rows = {"video": rows_of(X, "video"), "audio": rows_of(X, "audio")}
    rows = {key: [frames.astype(dtype) for frames in part] for key, part in rows.items()}
    rows[name][row][1, 2] = value
    return from_rows(**rows)


def column(rows):
    out = np.empty(len(rows), dtype=object)
    out[:] = rows
    return out


ARRAY = r"must be an array of numbers \(n, d\) or \(n, T, d\), or a list of \(T_i, d\)"
OR_ONE = "|needs two modalities"  # the tower, which a single array is not enough for
ROW = r"Row 3 of X must be an array of numbers \(T_i, 8\), got "
FRAME = pd.DataFrame({"video": column(VIDEO), "audio": column(AUDIO)})
# By name: X, or a tuple of all modalities, and the message of every method.
BAD_X = {
    "None": (None, rf"X {ARRAY}, got NoneType"),
    "a number": (3, rf"X {ARRAY}, got int"),
    "text": ("videos", rf"X {ARRAY}, got dtype <U6"),
    "bytes": (b"videos", rf"X {ARRAY}, got dtype \|S6"),
    "a set": ({1, 2}, rf"X {ARRAY}, got set"),
    "a class": (MultimodalArray, rf"X {ARRAY}, got type"),
    "a slice": (slice(0, 3), rf"X {ARRAY}, got slice"),
    "a generator": ((frames for frames in VIDEO), rf"X {ARRAY}, got generator"),
    "0-D": (np.array(3.0), rf"X {ARRAY}, got ndarray"),
    "1-D": (np.zeros(N), rf"X {ARRAY}, got ndarray: Expected 2D array, got 1D array"),
    "a list of numbers": ([1.0] * N, rf"X {ARRAY}, got list: Expected 2D array, got 1D array"),
    "a series": (pd.Series(np.zeros(N)), rf"X {ARRAY}, got ndarray: Expected 2D"),
    "4-D": (np.zeros((N, 2, 3, 14)), rf"X {ARRAY}, got shape \(48, 2, 3, 14\)"),
    "a list of 3-D": ([np.zeros((2, 3, 14))] * N, rf"X {ARRAY}, got shape \(48, 2, 3, 14\)"),
    "rows of 1-D that differ": ([[1.0, 2.0], [1.0]], rf"X {ARRAY}, got list"),
    "a list of dicts": ([{"video": frames} for frames in VIDEO], r"X is a list of dicts.*: write"),
    "a row 1-D": (with_row(np.zeros(8)), r"Row 3 of X has shape \(8,\), expected \(T_i, 8\)"),
    "a row 3-D": (with_row(np.zeros((2, 3, 8))), r"Row 3 of X has shape \(2, 3, 8\), expected"),
    "a row wider": (with_row(np.zeros((4, 9))), r"Row 3 of X has shape \(4, 9\), expected"),
    "a row of text": (with_row("car"), r"Row 3 of X has shape \(\), expected \(T_i, 8\)"),
    "a row of a number": (with_row(7), r"Row 3 of X has shape \(\), expected \(T_i, 8\)"),
    "a ragged row": (
        with_row([[1.0] * 8, [1.0]]),
        ROW + r"frames of shapes \(8,\) and, frame 1, \(1,\)",
    ),
    "a row of str": (with_row(np.full((2, 8), "a")), ROW + "dtype <U1"),
    "a row of objects": (with_row(np.full((2, 8), None)), ROW + "dtype object"),
    "a row of complex": (with_row(np.zeros((2, 8), complex)), ROW + "dtype complex128"),
    "a row of dates": (with_row(np.zeros((2, 8), "M8[s]")), ROW + r"dtype datetime64\[s\]"),
    "a masked row": (
        with_row(np.ma.masked_less(VIDEO[3], 0)),
        r"Row 3 of .* must be masked only in whole frames .*: write \.filled\(np\.nan\)",
    ),
    "strings": (WIDE.astype("U8"), rf"X {ARRAY}, got dtype <U8"),
    "byte strings": (WIDE.astype("S8"), rf"X {ARRAY}, got dtype \|S8"),
    "dates": (np.zeros((N, 14), "M8[s]"), rf"X {ARRAY}, got dtype datetime64\[s\]"),
    "time spans": (np.zeros((N, 14), "m8[s]"), rf"X {ARRAY}, got dtype timedelta64\[s\]"),
    "records": (np.zeros((N, 14), [("a", float)]), rf"X {ARRAY}, got dtype .*'a', '<f8'"),
    "complex": (WIDE * 1j, rf"X {ARRAY}, got dtype complex128. Complex data not supported"),
    "objects that are none": (np.full((N, 14), "a", dtype=object), rf"X {ARRAY}, got ndarray"),
    "int beyond floats": ([[10**400] * 14] * N, rf"X {ARRAY}, got list"),
    "int beyond float32": (
        [[10**40] * 14] * N,
        rf"infinity in modality 'video', row 0.*finite{OR_ONE}",
    ),
    "long double": (
        np.full((N, 14), np.longdouble(10) ** 4000),
        f"infinity .*row 0.*be finite{OR_ONE}",
    ),
    "a masked array": (
        np.ma.masked_less(WIDE, 0),
        r"X must be masked only in whole frames .*: write \.filled\(np\.nan\)",
    ),
    "a data frame of text": (pd.DataFrame({i: ["a"] * N for i in range(14)}), rf"X {ARRAY}.*Data"),
    "a data frame without columns": (
        pd.DataFrame(),
        "MultimodalArray needs at least one modality, got none",
    ),
    "a data frame of one name twice": (
        pd.concat([FRAME, FRAME], axis=1),
        r"several columns of one name",
    ),
    "CSR": (csr_array(WIDE), "Sparse data was passed for X, but dense data is required"),
    "COO": (coo_array(WIDE), "Sparse data was passed for X, but dense data is required"),
    "DOK": (dok_array(WIDE), "Sparse data was passed for X, but dense data is required"),
    "a sparse modality": (
        {"video": csr_array(WIDE), "audio": AUDIO},
        "Sparse data was passed for modality 'video', but dense data is required",
    ),
    "NaN": (damaged("video", 0, np.nan), "NaN or infinity in modality 'video', row 0; frames"),
    "NaN later": (damaged("audio", 31, np.nan), "in modality 'audio', row 31; frames must be fin"),
    "infinity": (damaged("video", 0, np.inf), "in modality 'video', row 0; frames must be finite"),
    "minus infinity": (damaged("audio", 5, -np.inf), "modality 'audio', row 5; frames must be fi"),
    "NaN in lists": (
        [*with_row(np.stack([np.full(8, np.nan), np.ones(8)]))],
        rf"NaN|8 features.*expecting 14{OR_ONE}",
    ),
    "beyond float32": (
        damaged("video", 2, 1e39, np.float64),
        "NaN or infinity in modality 'video', row 2; frames must be finite as float32",
    ),
    "empty container": (X[:0], r"0 sample\(s\) while a minimum of 1 is required: X is empty"),
    "empty list": ([], r"0 sample\(s\) while a minimum of 1 is required: X is empty"),
    "empty array": (np.zeros((0, 14)), r"0 sample\(s\) \(shape=\(0, 14\)\) while a minimum of 1"),
    "empty modalities": (
        {"video": [], "audio": []},
        r"0 sample\(s\) .* modality 'video' is empty",
    ),
    "no features": (np.zeros((N, 0)), r"0 feature\(s\).*while a minimum of 1|X has 0 features"),
    "no features, 3-D": (np.zeros((N, 3, 0)), r"shape \(n_frames, n_features\), got \(144, 0\)"),
    "no modalities": ({}, "MultimodalArray needs at least one modality, got none"),
    "names that are no str": (
        {1: VIDEO, 2: AUDIO},
        r"Names of modalities must be str, got 1|are missing; X has \[1, 2\]",
    ),
    "only modalities that are None": (
        {"video": None, "audio": None},
        rf"'video' {ARRAY}, got NoneType",
    ),
    "a modality that is a number": ({"video": 3, "audio": AUDIO}, rf"'video' {ARRAY}, got int"),
    "a modality that is text": ({"video": "abc", "audio": AUDIO}, rf"'video' {ARRAY}, got dtype"),
    "modalities of other numbers of rows": (
        {"video": VIDEO, "audio": AUDIO[:-1]},
        "Modalities have different numbers of rows: {'video': 48, 'audio': 47}",
    ),
    "positional modalities of other numbers of rows": (
        (VIDEO, AUDIO[:-1]),
        "Modalities have different numbers of rows: {'video': 48, 'audio': 47}",
    ),
}
NO_AUDIO = [np.zeros((0, 6))] * N
# Only wrong in methods that train.
BAD_X_FOR_FIT = {
    "a modality of None alone": (
        {"video": VIDEO, "audio": [None] * N},
        r"modality 'audio' has frames in none of its 48 videos.*expected an array \(T_i, d\)",
    ),
    "no frame of a modality": (
        {"video": VIDEO, "audio": NO_AUDIO},
        r"no frames of \['audio'\] in",
    ),
    "no frame at all": (
        {"video": [np.zeros((0, 8))] * N, "audio": NO_AUDIO},
        r"no frames of \['video', 'audio'\] in any video: leave these out",
    ),
    "videos of no length": (np.zeros((N, 0, 14)), rf"no frames of \['video'\] in any{OR_ONE}"),
}
# Only wrong after fit.
BAD_X_LATER = {
    "frames too wide": (
        {"video": VIDEO, "audio": [np.hstack([f, f[:, :1]]) for f in AUDIO]},
        r"X has frames of .*'audio': 7}, but .* was fitted with .*'audio': 6}",
    ),
    "one wide array too wide": (np.zeros((N, 13)), "X has 13 features.*expecting 14 features"),
    "one modality of two": (X.select(["video"]), r"\['audio'\] are missing"),
    "other names": (from_rows(a=VIDEO, b=AUDIO), r"Modalities \['video', 'audio'\] are missing"),
    "a third modality": (
        (VIDEO, AUDIO, AUDIO),
        r"X must have the modalities \['video', 'audio'\], got 3 arrays",
    ),
    "the first modality alone": (VIDEO, r"X has 8 features, .* expects 14"),
    "2-D modalities": (
        {"video": np.zeros((N, 8)), "audio": np.zeros((N, 6))},
        r"2-D arrays.*fitted on up to \d+ frames: give \[frames\] or X\[\[i\]\]",
    ),
    "one video": (X[3], r"2-D arrays.*fitted on up to \d+ frames: give \[frames\] or X\[\[i\]\]"),
}

LABELS = r"y must be a multilabel indicator \(n, n_labels\) or a vector of classes \(n,\), after"
INDICATOR = (
    "Unknown label type: y must be a multilabel indicator .* an indicator has 0 and 1, got "
)
FRAMES = "like frames, but y comes last, as in fit"
SETS = "y holds label sets such as .*make indicators with HierarchyLabelBinarizer"
BAD_Y = {
    "None": (None, r"the target y is None. y must be a multilabel indicator \(n, n_labels\)"),
    "a number": (3, rf"{LABELS}.*got int"),
    "text": ("Food", rf"{LABELS}.*got str"),
    "a generator": ((label for label in Y), rf"{LABELS}.*got generator"),
    "a set": ({1, 2}, rf"{LABELS}.*got set"),
    "a dict": ({"Food": 1}, rf"{LABELS}.*got dict"),
    "a function": (len, rf"{LABELS}.*got builtin_function"),
    "0-D": (np.array(3), rf"{LABELS}.*got ndarray"),
    "empty": ([], rf"0 sample\(s\)[^$]*{LABELS}.*got list"),
    "too short": (Y[:-1], r"inconsistent numbers of samples: \[48, 47\]"),
    "too long": (np.r_[Y, Y], r"inconsistent numbers of samples: \[48, 96\]"),
    "indicators too short": (M[:-1], r"inconsistent numbers of samples: \[48, 47\]"),
    "CSR too short": (csr_array(M[:-1]), r"inconsistent numbers of samples: \[48, 47\]"),
    "3-D": (np.zeros((N, 2, 2), int), rf"dim 3[^$]*{FRAMES}"),
    "nested": ([[[1]]] * N, rf"dim 3[^$]*{LABELS}.*got list"),
    "NaN": (np.where(CYCLE == 0, np.nan, 1.0), rf"y contains NaN[^$]*{LABELS}"),
    "infinity": (np.where(CYCLE == 0, np.inf, 1.0), rf"y contains infinity[^$]*{LABELS}"),
    "NaN among objects": (np.array(["a", np.nan] * 24, object), rf"contains NaN[^$]*{LABELS}"),
    "NaN in indicators": (np.where(M > 0, np.nan, 0.0), rf"y contains NaN[^$]*{LABELS}"),
    "no value in a data frame": (
        pd.DataFrame({"a": pd.array([1, None] * 24, dtype="Int64"), "b": 1}),
        rf"y contains NaN[^$]*{LABELS}",
    ),
    "no value in a category": (pd.Series(pd.Categorical(["a", None] * 24)), rf"NaN[^$]*{LABELS}"),
    "continuous": (np.linspace(0, 1, N), rf"continuous[^$]*{LABELS}.*got \['float'\]"),
    "halves": (CYCLE + 0.5, rf"continuous[^$]*{LABELS}.*all str or all int, got \['float'\]"),
    "negative indicators": (-M, INDICATOR),
    "twos": (M * 2, INDICATOR),
    "fractions": (M * 0.5, INDICATOR),
    "indicators of text": (M.astype(str), INDICATOR),
    "one row": (Y[None], INDICATOR),
    "negative CSR": (csr_array(-M), INDICATOR),
    "CSR of twos": (csr_array(M * 2), INDICATOR),
    "CSR of NaN": (csr_array(M * np.nan), INDICATOR),
    "complex CSR": (csr_array(M * 1j), INDICATOR),
    "1-D sparse": (coo_array(CYCLE), rf"{LABELS}.*got a sparse array of shape \(48,\)"),
    "no labels": (np.zeros((N, 0)), rf"0 feature\(s\)[^$]*{LABELS}"),
    "CSR without labels": (csr_array((N, 0)), "y has no labels: .* at least one column"),
    "complex": (CYCLE * 1j, rf"Complex data[^$]*{LABELS}"),
    "byte strings": (Y.astype("S"), rf"bytes is not supported[^$]*{LABELS}"),
    "dates": (
        CYCLE.astype("M8[D]"),
        rf"{LABELS}.*got dtype datetime64\[D\]; convert classes to str",
    ),
    "time spans": (
        CYCLE.astype("m8[D]"),
        rf"{LABELS}.*got dtype timedelta64\[D\]; convert classes to str",
    ),
    "records": (np.zeros(N, [("a", int)]), rf"{LABELS}.*got dtype .*'a', '<i8'"),
    "a masked vector": (np.ma.masked_equal(CYCLE, 0), rf"{LABELS}.*got a masked array"),
    "a masked indicator": (np.ma.masked_equal(M, 0), rf"{LABELS}.*got a masked array"),
    "text and numbers": (np.array([1, "a"] * 24, object), rf"{LABELS}.*got \['int', 'str'\]"),
    "text and None": (np.array(["a", None] * 24, object), rf"{LABELS}.*got \['NoneType', 'str'\]"),
    "objects": (np.array([object() for _ in CYCLE]), rf"{LABELS}.*got \['object'\]"),
    "huge ints": ([10**30, 1] * 24, rf"{LABELS}.*got \['int'\]"),
    "label sets": ([["Food"], ["Music", "new"]] * 24, SETS),
    "label sets as tuples": ([("Food",), ("Music", "new")] * 24, SETS),
    "label sets of numbers": ([[5], [3, 7]] * 24, SETS),
    "label sets, some empty": ([["Food"], []] * 24, SETS),
    "label sets as sets": ([{"Food"}, {"Music"}] * 24, SETS),
    "label sets as dicts": ([{"Food": 1}] * N, SETS),
    "the last modality": (AUDIO, FRAMES),
    "the last modality, 3-D": (np.zeros((N, 6, 6)), rf"dim 3[^$]*{FRAMES}"),
}
SECOND = "the hierarchy whose nodes are the columns|no negative pairs|only one class|differ"
BAD_Y_FOR_FIT = {"one class": (np.ones(N, int), rf"only one class is present.*got \[1\]|{SECOND}")}
# Of another form than in the fit before, on classes of type str.
BAD_Y_LATER = {
    "indicators": (M, r"y must be a vector of the .*'Food'.*got shape \(48, 28\)"),
    "numbers": (CYCLE, r"y must be a vector of .*'Food'.*got (shape \(48,\) of int|classes \[0)"),
}

WEIGHT = "sample_weight must be numbers, finite and at least 0, one per video"
BAD_WEIGHT = {
    "zeros": (np.zeros(N), "values of sample_weight are zero; expected one above 0"),
    "too short": (np.ones(N - 1), r"sample_weight.shape == \(47,\), expected \(48,\)"),
    "2-D": (np.ones((N, 1)), r"sample_weight.shape == \(48, 1\), expected \(48,\)"),
    "one number": (1.0, r"sample_weight.shape == \(\), expected \(48,\)"),
    "empty": ([], r"sample_weight.shape == \(0,\), expected \(48,\)"),
    "negative": (np.r_[1.0, np.full(N - 1, -2.0)], f"{WEIGHT}, got -2.0 in row 1"),
    "NaN": (np.full(N, np.nan), f"{WEIGHT}, got nan in row 0"),
    "infinity": (np.full(N, np.inf), f"{WEIGHT}.*, got inf in row 0"),
    "huge": (np.full(N, 1e300), rf"{WEIGHT} and at most 1e\+30, got 1e\+300 in row 0"),
    "tiny": (np.full(N, 1e-300), f"{WEIGHT}, and one at least .*, got 1e-300 at most"),
    "text": (["a"] * N, f"{WEIGHT}, got dtype <U1"),
    "numbers as text": (["1"] * N, f"{WEIGHT}, got dtype <U1"),
    "balanced": ("balanced", f"{WEIGHT}, got dtype <U8"),
    "bytes": ([b"1"] * N, rf"{WEIGHT}, got dtype \|S1"),
    "complex": (np.ones(N) * 1j, f"{WEIGHT}, got dtype complex128"),
    "dates": (np.zeros(N, "M8[s]"), f"{WEIGHT}, got dtype datetime64"),
    "None": ([None] * N, f"{WEIGHT}, got nan in row 0"),
    "masked": (np.ma.masked_equal(CYCLE, 0), f"{WEIGHT}, got a masked array"),
    "sparse": (csr_array(np.ones((1, N))), f"{WEIGHT}, got csr_array"),
    "a dict": ({0: 1.0}, f"{WEIGHT}, got dict"),
    "a generator": ((1.0 for _ in CYCLE), f"{WEIGHT}, got generator"),
    "beyond floats": ([10**400] * N, f"{WEIGHT}, got list"),
}
TUPLE = r"eval_set must be a tuple \(X_val, y_val\), got "
BAD_EVAL_SET = {
    "a number": (3, TUPLE + "3"),
    "a share": (0.2, TUPLE + "0.2"),
    "a bool": (True, TUPLE + "True"),
    "text": ("auto", TUPLE + "'auto'"),
    "a list": ([X, Y], TUPLE + r"\["),
    "a dict": ({"X": X, "y": Y}, TUPLE + "{"),
    "no y": ((X,), TUPLE + r"\("),
    "nothing": ((), TUPLE + r"\(\)"),
    "y None": ((X, None), "In eval_set: .*y is None. y must be a multilabel"),
    "X None": ((None, Y), rf"In eval_set: [^$]*X {ARRAY}, got NoneType"),
    "y too short": ((X, Y[:-1]), r"In eval_set: .*inconsistent numbers of samples: \[48, 47\]"),
    "swapped": ((Y, X), rf"In eval_set: X {ARRAY}, got dtype <U9"),
    "empty": ((X[:0], Y[:0]), r"In eval_set: .*0 sample\(s\) while a minimum of 1"),
    "NaN": ((damaged("video", 1, np.nan), Y), "In eval_set: .*'video', row 1; frames must be fin"),
    "other classes": (
        (X, np.where(CYCLE == 0, "x", "y")),
        r"The y of eval_set must be a vector of the classes \['Food', .*got classes \['x', 'y'\]",
    ),
    "indicators": ((X, M), r"The y of eval_set must be a vector of the .*got shape \(48, 28\)"),
    "other widths": (
        (from_rows(video=VIDEO, audio=[frames[:, :4] for frames in AUDIO]), Y),
        "X of eval_set must have .*'audio': 6}, got {'video': 8, 'audio': 4}",
    ),
    "other names": (
        (from_rows(a=VIDEO, b=AUDIO), Y),
        "X of eval_set must have {'video': 8.*, got {'a': 8, 'b': 6}",
    ),
    "a third modality": (
        (VIDEO, AUDIO, AUDIO, Y),
        "X of eval_set must have {'video': 8, 'audio': 6}, got .*'text': 6}",
    ),
}
CLASSES = r"classes must be a sequence of the classes \(n_classes,\), all str or all int, got "
BAD_CLASSES = {
    "a number": (3, CLASSES + "3"),
    "text": ("Food", CLASSES + "str"),
    "a set": ({"Food"}, CLASSES + "set"),
    "a dict": ({"Food": 0}, CLASSES + "dict"),
    "sparse": (csr_array(M), CLASSES + "csr_array"),
    "2-D": ([["Food", "Music"]], CLASSES + r"\[\['Food', 'Music'\]\]"),
    "0-D": (np.array(1), CLASSES + r"array\(1\)"),
    "a generator": ((name for name in ("Food", "Music")), CLASSES + "<generator"),
    "None inside": (["Food", None], CLASSES + r"\['Food', None\]"),
    "too few": (["Food"], r"\['Food'(\], got classes.*'Music'|, .*got \['Food'\])"),
    "empty": ([], r"classes \[\], got classes \['Food'|\['Food', .*got \[\]"),
    "numbers": (
        [0, 1, 2, 3],
        r"classes \[0, 1, 2, 3\], got cl.*'Food'|'Food'.*got \[0, 1, 2, 3\]",
    ),
}
