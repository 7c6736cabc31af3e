"""Wrong calls of the metrics and of the hierarchy.

`CASES` is a list of ``(id, call, errors, pattern)``. The pattern matches a message with the given
and the expected value.
"""

from fractions import Fraction
from functools import partial

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError

from sk_crossmodal.hierarchy import HierarchyLabelBinarizer, LabelHierarchy
from sk_crossmodal.metrics import (
    HierarchyReport,
    gap_score,
    hierarchy_report,
    hierarchy_scorers,
    hit_at_1_score,
    map_score,
    perr_score,
)

Y = np.array([[1, 0, 1], [0, 0, 1]])
S = np.array([[0.9, 0.8, 0.1], [0.3, 0.7, 0.2]])
TREE = LabelHierarchy.from_paths(["a:b", "c"])
SETS = [["a:b"], ["c"]]
HUGE = 10**400  # too large for float64
WRONG = (ValueError, TypeError)


def report(y_true, y_score, hierarchy=(0, 1, 0), **options):
    return hierarchy_report(y_true, y_score, list(hierarchy), **options)


def score_of(name, **options):
    """One of `hierarchy_scorers` as a function of labels and scores."""

    def score(y_true, y_score, sample_weight=None):
        class Known(ClassifierMixin, BaseEstimator):
            classes_ = np.tile([0, 1], (3, 1))

            def predict_proba(self, X):
                return X

        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        return hierarchy_scorers([0, 1, 0], **options)[name](Known(), y_score, y_true, **weight)

    return score


SCORES = {
    "gap": gap_score,
    "map": map_score,
    "perr": perr_score,
    "hit_at_1": hit_at_1_score,
    "report": report,
    "scorer": score_of("gap_level_1"),
}


def damaged(kind):
    """Labels in a sparse array whose indices point beyond it."""
    labels = sp.coo_array(Y).asformat(kind)
    labels.indices[0] = 999_999_999
    return labels


def masked(array):
    return np.ma.masked_array(array, np.eye(*np.shape(array), dtype=bool))


META = torch.empty(2, 3, device="meta")  # a tensor without numbers


TABLES = [
    ("no scores", Y, None, r"y_score must be scores of shape .*got shape \(\)"),
    ("sparse scores", Y, sp.csr_array(S), "y_score must be dense, got a sparse"),
    ("ragged scores", Y, [[0.1, 0.2, 0.3], [0.1]], "y_score must be scores of shape .*got a list"),
    ("text as scores", Y, S.astype(str), "y_score must be numbers or booleans, got dtype <U"),
    ("text as a score", Y, [[0, 1, 2], [None, 1, 2]], "y_score must be .*dtype object with None"),
    ("complex scores", Y, S * 1j, "y_score must be numbers or booleans, got dtype complex128"),
    ("NaN", Y, np.where(S == 0.8, np.nan, S), "y_score must not contain NaN, got 1 of them"),
    ("masked scores", Y, masked(S), "y_score must be scores .*masked array; fill its values"),
    ("no float", Y, [[HUGE, 0, 0], [0, 0, 0]], "y_score must be numbers .*no float64 can hold"),
    ("meta tensor", Y, META, "y_score must have numbers, got a tensor on the device 'meta'"),
    ("dates", Y, np.zeros((2, 3), "M8[s]"), r"y_score must be numbers .*dtype datetime64\[s\]"),
    ("other shape", Y, S[:, :2], r"y_score must have one shape, got \(2, 3\), \(2, 2\)"),
    ("fewer rows", Y, S[:1], r"y_true and y_score must have one shape, got \(2, 3\), \(1, 3\)"),
    ("no rows", Y[:0], S[:0], r"must be .*both at least 1; got shape \(0, 3\)"),
    ("one row", Y[0], S, r"y_true must be a multilabel indicator .*got shape \(3,\)"),
    ("three axes", Y[None], S[None], r"must be .*got shape \(1, 2, 3\)"),
    ("negative labels", -Y, S, "y_true must contain 0 and 1 only, got -1"),
    ("half a label", Y / 2, S, "y_true must contain 0 and 1 only, got 0.5"),
    ("NaN label", Y * np.nan, S, "y_true must contain 0 and 1 only, got nan"),
    ("infinite label", Y + np.inf, S, "y_true must contain 0 and 1 only, got inf"),
    ("masked labels", masked(Y), S, "y_true must be a multilabel .*masked array; fill its values"),
    ("text as labels", Y.astype(str), S, "y_true must be numbers or booleans, got dtype <U"),
    ("complex labels", Y * 1j, S, "y_true must be numbers or booleans, got dtype complex128"),
    ("objects", np.full((2, 3), None), S, "y_true must be numbers .*got dtype object with None"),
    ("sparse 2", sp.csr_array(2 * Y), S, "y_true must contain 0 and 1 only, got 2"),
    ("in parts", sp.csr_array(([1, 1], [0, 0], [0, 2, 2]), (2, 3)), S, "0 and 1 only, got 2"),
    ("many", [[2, 3, 4], [5, 1, 0]], S, "y_true must contain 0 and 1 only, got 2, 3, 4$"),
    ("sparse complex", sp.csr_array(Y * 1j), S, "y_true must be numbers .*dtype complex128"),
    ("meta labels", META, S, "y_true must have numbers, got a tensor on the device 'meta'"),
    ("no labels", None, S, r"y_true must be a multilabel .*got shape \(\)"),
    ("no objects", np.array([], object), S, r"y_true must be a multilabel .*shape \(0,\)"),
    ("damaged csr", damaged("csr"), S, "y_true is a damaged csr array: "),
    ("damaged csc", damaged("csc"), S, "y_true is a damaged csc array: "),
    ("damaged bsr", damaged("bsr"), S, "y_true is a damaged bsr array: "),
]
WEIGHTS = [
    ("shape", [1, 1, 1], r"sample_weight must be 2 numbers, one for each video, got shape \(3,\)"),
    ("column", [[1], [1]], r"sample_weight must be 2 numbers, .*got shape \(2, 1\)"),
    ("number", 1.0, r"sample_weight must be 2 numbers, .*got shape \(\)"),
    ("ragged", [[1], [1, 1]], "sample_weight must be 2 numbers, .*got a list"),
    ("negative", [1, -1], r"sample_weight must be finite, at least 0 .*got .* -1.0"),
    ("NaN", [1, np.nan], "sample_weight must be finite, .*got values from nan"),
    ("infinite", [1, np.inf], "sample_weight must be finite, .*to inf"),
    ("zero", [0, 0], "sample_weight must be .* not all 0, got values from 0.0 to 0.0"),
    ("text", ["a", "b"], "sample_weight must be numbers or booleans, got dtype <U1"),
    ("None", [1, None], "sample_weight must be numbers .*dtype object with None"),
    ("complex", [1j, 1], "sample_weight must be numbers .*dtype complex128"),
    ("masked", np.ma.masked_array([1, 1], [0, 1]), "sample_weight must be 2 numbers.*masked"),
    ("huge", [HUGE, 1], "sample_weight must be numbers .*no float64 can hold"),
]
OPTIONS = [
    (gap_score, "top_k", [0, -1, 2.0, True, "20", np.nan, [20]]),
    (map_score, "top_k", [0, np.float32(3), np.True_]),
    (report, "top_k", [0, Fraction(20)]),
    (map_score, "empty_classes", ["nan", None, 0, ["skip"]]),
    (perr_score, "empty_videos", ["ignore", True]),
    (hit_at_1_score, "empty_videos", ["ignore", np.array(["zero", "skip"])]),
    (perr_score, "positive_scores_only", ["no", 1, None]),
    (report, "rows", ["some", None, {"all"}]),
    (report, "by_group", ["yes", 1, None]),
    (report, "threshold", ["half", None, np.nan, True, 1j, HUGE, [0.5]]),
]
EXPECTED = {
    "top_k": "None or an integer of at least 1",
    "empty_classes": r"one of \('skip', 'zero'\)",
    "empty_videos": r"one of \('zero', 'skip'\)",
    "positive_scores_only": r"one of \(True, False\)",
    "rows": r"one of \('either', 'truth', 'all'\)",
    "by_group": r"one of \(True, False\)",
    "threshold": "a number that float64 can hold",
}
LEVELS = [
    ("fewer", [0, 1], "hierarchy must have one node for each label, got 2 nodes for 3 labels"),
    ("more", [0] * 4, "hierarchy must have one node for each label, got 4 nodes for 3 labels"),
    ("two axes", [[0, 1, 1]], r"hierarchy must be .*got list with levels of shape \(1, 3\)"),
    ("floats", [0.0, 1.0, 1.0], "hierarchy must be .*got list .*dtype float64"),
    ("booleans", [True, False, True], "hierarchy must be .*got list .*dtype bool"),
    ("negative", [0, -1, 1], "hierarchy must be .* from 0, .*got list"),
    (
        "ragged",
        [[0], [0, 1]],
        "hierarchy must be a label hierarchy or the level of every label, got a list",
    ),
    ("text", "011", "hierarchy must be .*got str"),
    ("nothing", None, "hierarchy must be .*got NoneType"),
    ("empty", [], r"hierarchy must be .*shape \(0,\)"),
    ("masked", np.ma.masked_array([0, 1, 1], [0, 0, 1]), "hierarchy must be .*masked array"),
    ("binarizer", HierarchyLabelBinarizer(), "hierarchy must be .*got HierarchyLabelBinarizer"),
]
PARENTS = [
    ("none", None, TypeError, "parents must map nodes to their parents, got NoneType"),
    ("list", ["a"], TypeError, "parents must map nodes to their parents, got list"),
    ("empty", {}, ValueError, "a hierarchy needs at least one node, got {}"),
    ("no parents", {"a": None}, TypeError, "parents of 'a' must be an iterable .*got None"),
    ("number", {"a": 3}, TypeError, "parents of 'a' must be an iterable .*got 3"),
    ("text", {"a": [], "b": "a"}, TypeError, "parents of 'b' must be an iterable .*got 'a'"),
    ("scalar", {"a": np.array(1)}, TypeError, "parents of 'a' must be an iterable"),
    (
        "unhashable",
        {"a": [], "b": [["a"]]},
        TypeError,
        r"such as a list, got \[\['a'\]\]",
    ),
    ("unknown", {"a": ["x"]}, ValueError, "'x', a parent of 'a', is not among the nodes"),
    ("bytes", {"a": b"x"}, ValueError, "120, a parent of 'a', is not among the nodes"),
    ("itself", {"a": ["a"]}, ValueError, "form a cycle: 'a' -> 'a'"),
    ("cycle", {1: [3], 2: [1], 3: [2], 4: []}, ValueError, "form a cycle: 1 -> 3 -> 2 -> 1"),
]
NAMES = [
    ("text", "ab", TypeError, "names must map nodes to str or be None, got 'ab'"),
    ("number", 0, TypeError, "names must map nodes to str or be None, got 0"),
    ("empty list", [], TypeError, r"names must map nodes to str or be None, got \[\]"),
    ("unknown", {"x": "X"}, ValueError, "names has 'x', which is not among the nodes"),
    ("no text", {"a": 1}, TypeError, "the name of 'a' must be a str, got 1"),
]
PATHS = [
    ("text", "a:b", TypeError, "iterable of paths, got the single string 'a:b'"),
    ("nothing", None, TypeError, "paths must be an iterable of paths, got None"),
    ("number", 5, TypeError, "paths must be an iterable of paths, got 5"),
    ("empty", [], ValueError, "at least one node, got {}"),
    ("empty name", ["a::b"], ValueError, "label path 'a::b' has an empty name"),
    ("empty tuple", [()], ValueError, r"label path \(\) has an empty name"),
    ("both forms", ["a", ("a",)], ValueError, "all strings or all tuples, got both"),
    ("list", [["a", "b"]], TypeError, r"a str or a tuple of str, got \['a', 'b'\]"),
    ("numbers", [("a", 1)], TypeError, r"a str or a tuple of str, got \('a', 1\)"),
    ("bytes", b"a:b", TypeError, "a str or a tuple of str, got 97"),
    ("table", np.array([["a", "b"]]), TypeError, "a str or a tuple of str, got array"),
    ("NaN", [np.nan], TypeError, "a str or a tuple of str, got nan"),
]
LABEL_SETS = [
    ("nothing", None, TypeError, "one collection of labels per sample, got None"),
    ("text", "a:b", TypeError, "one collection of labels per sample, got 'a:b'"),
    ("dict", {"a": 1}, TypeError, "one collection of labels per sample, got {'a': 1}"),
    ("set", {"a"}, TypeError, "one collection of labels per sample, got {'a'}"),
    ("generator", (s for s in SETS), TypeError, "collection of labels per sample, got <gen"),
    ("number", 3, TypeError, "collection of labels per sample, got 3"),
    ("empty", [], ValueError, "collection of labels per sample, got no samples"),
    ("sparse", sp.csr_array(Y), TypeError, "labels per sample, not a table; got a sparse array"),
    ("frame", pd.DataFrame(Y), TypeError, "labels per sample, not a table; got a DataFrame"),
    ("scalar", np.array(3), ValueError, r"labels per sample, got an array of shape \(\)"),
    ("three axes", Y[None], ValueError, r"labels per sample, got an array of shape \(1, 2, 3\)"),
    ("numbers", np.arange(3), ValueError, r"per sample, got an array of shape \(3,\) and dtype i"),
    ("tensor", torch.arange(3), ValueError, r"per sample, got an array of shape \(3,\)"),
    ("complex", np.ones(3) * 1j, ValueError, r"per sample, got an array of shape \(3,\)"),
    ("scores", S, ValueError, r"per sample, got an array of shape \(2, 3\) and dtype float64"),
    ("NaN", S * np.nan, ValueError, "Input X contains NaN"),
    ("complex table", S * 1j, ValueError, "[Cc]omplex"),
    ("booleans", Y > 0, ValueError, "labels per sample, got an array .*dtype bool"),
    ("masked", masked(Y + 5), ValueError, "labels per sample, got a masked array"),
    ("None in it", [["c"], None], TypeError, "sample 1 must be a collection .*got None"),
    ("a number", [["c"], 3], TypeError, "sample 1 must be a collection .*got 3"),
    ("bytes in it", [b"c"], TypeError, "sample 0 must be a collection .*got b'c'"),
    ("a dict in it", [{"c": 1}], TypeError, "sample 0 must be a collection .*got {'c': 1}"),
    ("an iterator", [iter("c")], TypeError, "sample 0 must be a collection .*got <"),
    ("an array", [np.array(3)], TypeError, r"sample 0 must be a collection .*got array\(3\)"),
    ("unhashable", [[["a", "b"]]], TypeError, "sample 0 has a label that cannot be hashed"),
]
KNOWN = [
    ("other", [[3]], ValueError, "label 3(, which is not a node of|; handle_unknown=)"),
    ("unknown", [["c"], ["x"]], ValueError, "sample 1 has the (unknown )?label 'x'"),
]
FIRST = [
    ("no label", [[], []], ValueError, "no sample has a label"),
    ("mixed", [["a"], [1]], TypeError, "a label path is a str or a tuple of str, got 1"),
    ("fraction", [[1.5]], TypeError, "a label path is a str or a tuple of str, got 1.5"),
    ("infinite", [[np.inf]], TypeError, "a label path is a str or a tuple of str, got inf"),
    ("boolean", [["a"], [True]], TypeError, "a label path is a str or a tuple of str, got True"),
    ("empty name", [["a:"]], ValueError, "label path 'a:' has an empty name"),
    ("both forms", [["a"], [("a",)]], ValueError, "all strings or all tuples, got both"),
]
PARAMETERS = [
    ("separator", [None, 3, b":"], TypeError, "a str"),
    ("separator", [""], ValueError, "a str and not be empty, got ''"),
    ("hierarchy", [[0, 1], {"a": []}, LabelHierarchy, "tree"], TypeError, "a LabelHierarchy or"),
    ("min_frequency", [True, "2", np.True_, 1j], TypeError, "None, an int from 1 or a float"),
    (
        "min_frequency",
        [0, -1, 1.0, 0.0, 1.5, np.nan, np.inf],
        ValueError,
        "None, an int from 1 or a float",
    ),
    ("sparse_output", [1, None, "no"], TypeError, "True or False"),
    (
        "handle_unknown",
        ["skip", None, ["error"], np.array(["error", "ignore"])],
        ValueError,
        r"one of \('e",
    ),
]
NODES = [
    ("nothing", None, TypeError, "nodes must be an iterable of nodes, got None"),
    ("text", "c", TypeError, "nodes must be an iterable of nodes, got 'c'"),
    ("empty", [], ValueError, "a hierarchy needs at least one node, got {}"),
    ("unknown", ["c", "x"], ValueError, "'x' is not a node of LabelHierarchy"),
    ("twice", ["c", "a", "c"], ValueError, "nodes must be different, got 'c' twice"),
    ("unhashable", [["c"]], TypeError, r"a node must be hashable, got \['c'\]"),
]
INDICATORS = [
    ("nothing", None, ".*"),
    ("one axis", [1, 0, 1], "2D array"),
    ("columns", Y[:, :2], "Y has 2 columns, expected 3"),
    ("twos", 2 * Y, "Y must contain 0 and 1 only"),
    ("negative", -Y, "Y must contain 0 and 1 only"),
    ("scores", S, "Y must contain 0 and 1 only"),
    ("NaN", Y * np.nan, "Y contains NaN"),
    ("infinite", Y + np.inf, "Y contains infinity"),
    ("text", [["a", "b", "c"]], "Y must"),
    ("complex", Y * 1j, "[Cc]omplex"),
    ("no rows", Y[:0], r"0 sample\(s\)"),
    ("ragged", [[1, 0, 1], [1]], "Y must"),
    ("sparse twos", sp.csr_array(2 * Y), "Y must contain 0 and 1 only"),
    ("damaged", damaged("csr"), "Y must"),
    ("damaged csc", damaged("csc"), "Y must"),
    ("damaged bsr", damaged("bsr"), "Y must"),
    ("masked", masked(Y), "Y must"),
]
REPORTS = [
    (
        "a list",
        {"gap": [0.5]},
        TypeError,
        "gap must be an array of 1 numbers, one per row, got list",
    ),
    ("too long", {"map": np.ones(2)}, ValueError, r"map must be .* of 1 numbers.* shape \(2,\)"),
    ("text", {"n_videos": np.array(["a"])}, ValueError, "n_videos must be .*dtype <U1"),
    ("rows", {"rows": "a"}, TypeError, "rows must be a tuple of str, got 'a'"),
]


def tables():
    for name, score in SCORES.items():
        for form, y_true, y_score, pattern in TABLES:
            if name == "scorer" and isinstance(y_score, list):
                continue  # estimators return no lists of rows, and scikit-learn would split them
            yield f"{name}-{form}", partial(score, y_true, y_score), ValueError, pattern
        for form, weight, pattern in WEIGHTS:
            call = partial(score, Y, S, sample_weight=weight)
            yield f"{name}-sample_weight-{form}", call, ValueError, pattern
    for form, sets, error, pattern in LABEL_SETS[-1:] + KNOWN:
        call = partial(hierarchy_report, sets, S[: len(sets)], TREE)
        yield f"report-label sets-{form}", call, error, pattern


def options():
    for score, option, values in OPTIONS:
        for value in values:
            pattern = f"{option} must be {EXPECTED[option]}, got "
            call = partial(score, Y, S, **{option: value})
            yield f"{score.__name__}-{option}-{value!r:.20}", call, ValueError, pattern
    for option in ("top_k", "rows", "threshold"):
        call = partial(hierarchy_scorers, TREE, **{option: "x"})
        pattern = f"{option} must be {EXPECTED[option]}, got 'x'"
        yield f"hierarchy_scorers-{option}", call, ValueError, pattern
    for form, levels, pattern in LEVELS:
        yield f"report-levels-{form}", partial(hierarchy_report, Y, S, levels), ValueError, pattern
        if form not in ("fewer", "more"):
            yield f"scorers-{form}", partial(hierarchy_scorers, levels), ValueError, pattern
    call = partial(hierarchy_report, Y, S, [0, 1, 1], by_group=True)
    yield "report-groups of levels", call, ValueError, "by_group=True needs a Label.*, got list"
    call = partial(hierarchy_report, Y, S, LabelHierarchy({"a": []}), by_group=True)
    yield "report-fewer groups", call, ValueError, "got 1 nodes for 3 labels"
    call = partial(hierarchy_report, [1, 0], S, TREE)
    yield "report-one list", call, ValueError, r"y_true must be .*got shape \(2,\)"
    call = partial(hierarchy_report, Y[:, :2], S, TREE)
    yield "report-fewer columns", call, ValueError, r"must have one shape, got \(2, 2\), \(2, 3\)"
    for form, given, error, pattern in REPORTS:
        arrays = {name: np.ones(1) for name in ("n_videos", "n_labels", *SCORES)[:6]}
        call = partial(HierarchyReport, **{"rows": ("a",), **arrays, **given})
        yield f"HierarchyReport-{form}", call, error, pattern


def hierarchies():
    for form, parents, error, pattern in PARENTS:
        yield f"LabelHierarchy-{form}", partial(LabelHierarchy, parents), error, pattern
    for form, names, error, pattern in NAMES:
        call = partial(LabelHierarchy, {"a": []}, names=names)
        yield f"LabelHierarchy-names-{form}", call, error, pattern
    for form, paths, error, pattern in PATHS:
        yield f"from_paths-{form}", partial(LabelHierarchy.from_paths, paths), error, pattern
    for method in ("index", "parents", "children", "ancestors", "descendants"):
        call = getattr(TREE, method)
        yield f"{method}-unknown", partial(call, "x"), ValueError, "'x' is not a node of Label"
        yield f"{method}-unhashable", partial(call, ["c"]), TypeError, r"hashable, got \['c'\]"
    for form, nodes, error, pattern in NODES:
        yield f"subset-{form}", partial(TREE.subset, nodes), error, pattern
    for form, sets, error, pattern in LABEL_SETS + KNOWN:
        yield f"indicator_matrix-{form}", partial(TREE.indicator_matrix, sets), error, pattern


def binarizers():
    fitted = HierarchyLabelBinarizer().fit([["a:b"], ["c"]])
    given = HierarchyLabelBinarizer(hierarchy=TREE)
    for form, sets, error, pattern in LABEL_SETS + FIRST:
        yield f"fit-{form}", partial(HierarchyLabelBinarizer().fit, sets), error, pattern
    for form, sets, error, pattern in LABEL_SETS + KNOWN:
        yield f"fit-hierarchy-{form}", partial(given.fit, sets), error, pattern
        yield f"transform-{form}", partial(fitted.transform, sets), error, pattern
    for name, values, error, expected in PARAMETERS:
        for value in values:
            call = partial(HierarchyLabelBinarizer(**{name: value}).fit, SETS)
            yield f"fit-{name}-{value!r:.20}", call, error, f"{name} must (be )?{expected}"
    for form, indicator, pattern in INDICATORS:
        yield f"inverse-{form}", partial(fitted.inverse_transform, indicator), WRONG, pattern
    unfitted = HierarchyLabelBinarizer()
    for method, *arguments in (
        ("transform", SETS),
        ("inverse_transform", Y),
        ("get_feature_names_out",),
    ):
        call = partial(getattr(unfitted, method), *arguments)
        yield f"{method}-unfitted", call, NotFittedError, "This HierarchyLabelBinarizer .* fit"
    call = partial(HierarchyLabelBinarizer(min_frequency=9).fit, SETS)
    yield "fit-nothing left", call, ValueError, "min_frequency=9 leaves no label"
    columns = HierarchyLabelBinarizer().fit(np.array([["a", "b"]]))
    call = partial(columns.transform, np.array([["a"]]))
    yield "transform-columns", call, ValueError, "X has 1 features, but .* is expecting 2"
    yield "fit-indicator", partial(given.fit, Y), ValueError, "looks like an indicator matrix"


CASES = [*tables(), *options(), *hierarchies(), *binarizers()]
