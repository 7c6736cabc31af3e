import numpy as np
import pandas as pd
import pytest
from scipy.sparse import coo_matrix, csc_array, csr_array, csr_matrix, issparse
from sklearn.exceptions import DataConversionWarning

from sk_crossmodal import LabelHierarchy
from sk_crossmodal.training import Targets, check_y

INDICATOR = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1], [1, 1, 1]])
DAG = LabelHierarchy(
    {
        "a": [],
        "b": [],
        "ab": ["a", "b"],
        "c": [],
        "a1": ["a"],
        "deep": ["a1", "c"],
        "lone": [],
        "ab1": ["ab"],
    }
)


def round_trip(y):
    """The predictions of a classifier that is always right."""
    checked = check_y(y, len(y) if not issparse(y) else y.shape[0])
    targets = Targets(checked)
    encoded = targets.encode(checked)
    if targets.multilabel:
        probability = encoded.toarray() if issparse(encoded) else encoded
        return targets.decode(probability.astype(float)), targets
    return targets.decode(np.eye(len(targets.classes))[encoded]), targets


@pytest.mark.parametrize("dtype", [int, np.int8, np.uint8, bool, float, np.float32])
def test_dense_indicator_keeps_its_form(dtype):
    y = INDICATOR.astype(dtype)
    predicted, targets = round_trip(y)
    assert targets.multilabel
    assert isinstance(predicted, np.ndarray)
    assert predicted.dtype == dtype
    np.testing.assert_array_equal(predicted, y)


@pytest.mark.parametrize("dtype", [int, np.int8, bool, float])
@pytest.mark.parametrize("form", [csr_array, csr_matrix, csc_array, coo_matrix])
def test_sparse_indicator_keeps_its_form(form, dtype):
    predicted, targets = round_trip(form(INDICATOR.astype(dtype)))
    assert targets.multilabel
    assert predicted.format == "csr"
    assert predicted.dtype == dtype
    np.testing.assert_array_equal(predicted.toarray(), INDICATOR)


@pytest.mark.parametrize(
    "y",
    [
        pd.DataFrame(INDICATOR, columns=["a", "b", "c"]),
        pd.DataFrame(INDICATOR.astype(bool)),
        INDICATOR.tolist(),
    ],
    ids=["frame", "bool frame", "lists"],
)
def test_other_indicators_become_arrays(y):
    predicted, targets = round_trip(y)
    assert targets.multilabel
    np.testing.assert_array_equal(predicted, INDICATOR)


@pytest.mark.parametrize("dtype", [int, bool, float])
def test_column_of_zeros_and_ones_is_one_label(dtype):
    y = np.array([[1], [0], [0]], dtype=dtype)
    predicted, targets = round_trip(y)
    assert targets.classes.tolist() == [[0, 1]]
    assert predicted.shape == (3, 1)
    assert predicted.dtype == dtype
    np.testing.assert_array_equal(predicted, y)


@pytest.mark.parametrize(
    "y",
    [
        ["b", "a", "c", "a"],
        np.array(["b", "a", "c", "a"], dtype=object),
        np.array([7, -1, 3, 3]),
        np.array([1, 0, 0], dtype=np.int8),
        np.array([True, False]),
        np.array([2.0, 1.0, 2.0]),
        pd.Series(["x", "y", "x"]),
        pd.Series(["x", "y", "x"], dtype="category"),
    ],
    ids=str,
)
def test_classes_keep_their_form(y):
    predicted, targets = round_trip(y)
    assert not targets.multilabel
    assert predicted.shape == (len(y),)
    np.testing.assert_array_equal(predicted, np.asarray(y))
    if isinstance(y, np.ndarray):
        assert predicted.dtype == y.dtype
    np.testing.assert_array_equal(targets.classes, sorted(set(y)))
    assert targets.names == [str(c) for c in sorted(set(y))]


def test_column_of_classes_is_flattened_with_a_warning():
    with pytest.warns(DataConversionWarning, match="column-vector"):
        y = check_y(np.array([[3], [1], [2]]), 3)
    np.testing.assert_array_equal(y, [3, 1, 2])


def test_decode_threshold_is_strict():
    targets = Targets(np.array([[1, 0, 1]]))
    np.testing.assert_array_equal(targets.decode(np.array([[0.5, 0.51, 0.49]])), [[0, 1, 0]])


def brute_force_top_level(labels_of_samples, hierarchy):
    """Column j is True if root j is a label of the sample, or an ancestor of one."""
    return [
        [
            any(root == node or root in hierarchy.ancestors(node) for node in nodes)
            for root in hierarchy.roots
        ]
        for nodes in labels_of_samples
    ]


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_top_level_of_indicators(seed, sparse):
    y = (np.random.RandomState(seed).rand(20, len(DAG)) < 0.2).astype(int)
    targets = Targets(csr_array(y) if sparse else y, DAG)
    result = targets.top_level(targets.encode(csr_array(y) if sparse else y))
    labels = [[DAG.nodes[j] for j in np.flatnonzero(row)] for row in y]
    assert result.dtype == bool
    np.testing.assert_array_equal(result.toarray(), brute_force_top_level(labels, DAG))


def test_top_level_of_classes():
    y = np.array(["deep", "a", "ab1", "lone", "a", "c"])
    targets = Targets(y, DAG)
    result = targets.top_level(targets.encode(y)).toarray()
    np.testing.assert_array_equal(result, brute_force_top_level([[c] for c in y], DAG))


def test_top_level_without_hierarchy_is_the_label_itself():
    targets = Targets(INDICATOR)
    result = targets.top_level(targets.encode(INDICATOR))
    np.testing.assert_array_equal(result.toarray(), INDICATOR.astype(bool))
    y = np.array(["b", "a", "b"])
    targets = Targets(y)
    result = targets.top_level(targets.encode(y)).toarray()
    np.testing.assert_array_equal(result, [[False, True], [True, False], [False, True]])


def test_names_come_from_the_hierarchy():
    named = LabelHierarchy({0: [], 1: [0], 2: []}, names={0: "Music", 1: "Guitar"})
    assert Targets(INDICATOR, named).names == ["Music", "Guitar", "2"]
    assert Targets(INDICATOR).names is None


def test_names_of_classes_come_from_the_hierarchy():
    named = LabelHierarchy({0: [], 1: [0], 2: []}, names={0: "Music", 1: "Guitar"})
    assert Targets(np.array([1, 2, 1]), named).names == ["Guitar", "2"]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "y is None"),
        ([0, 1, 0], r"inconsistent numbers of samples: \[4, 3\]"),
        (INDICATOR[:3], r"inconsistent numbers of samples: \[4, 3\]"),
        (csr_array(INDICATOR[:3]), r"inconsistent numbers of samples: \[4, 3\]"),
        (2 * INDICATOR, "an indicator has 0 and 1, got"),
        (0.5 * INDICATOR, "an indicator has 0 and 1, got"),
        (csr_array(3 * INDICATOR), "an indicator has 0 and 1, got"),
        (np.where(INDICATOR, np.nan, 0.0), "NaN"),
        (csr_array(np.where(INDICATOR, np.nan, 0.0)), "NaN|an indicator has 0 and 1, got nan"),
        ([0.1, 0.2, 0.7, 0.4], "continuous"),
        ([np.nan, 1.0, 0.0, 1.0], "NaN"),
        (np.zeros((4, 2, 2), int), "dim 3"),
        (np.zeros((4, 0)), r"0 feature\(s\)|no labels"),
        (csr_array((4, 0)), r"0 feature\(s\)|no labels"),
        (np.array(["a", 1, "b", 2], dtype=object), "mixed|str"),
    ],
)
def test_wrong_y_is_refused(y, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Targets(check_y(y, 4))


def test_labels_outside_the_hierarchy_are_named():
    with pytest.raises(ValueError, match=r"outside the hierarchy: \['nowhere'\]"):
        Targets(np.array(["a", "nowhere"]), DAG)


def test_hierarchy_of_another_size_is_refused():
    with pytest.raises(ValueError, match="one column per node of hierarchy, 8, got 3"):
        Targets(INDICATOR, DAG)


def test_duplicate_entries_of_sparse_y_are_refused():
    # Two stored ones at one place are a 2.
    twice = csr_array((np.array([1, 1]), np.array([0, 0]), np.array([0, 2])), shape=(1, 2))
    with pytest.raises(ValueError, match="an indicator has 0 and 1, got 2"):
        check_y(twice, 1)


def test_indicators_of_objects_are_numbers():
    """As of a data frame whose columns might lack values."""
    Y = np.array([[1, 0], [0, 1]])
    for given in (Y.astype(object), pd.DataFrame(Y).astype("Int64")):
        checked = check_y(given, 2)
        assert checked.dtype.kind in "if"
        np.testing.assert_array_equal(checked, Y)


@pytest.mark.parametrize("make", [frozenset, set])
def test_label_sets_raise_an_error_that_names_the_wrapper(make):
    with pytest.raises(ValueError, match="TransformedTargetClassifier"):
        check_y([make(["A:B"]), make(["C", "D"])], 2)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([("a",), ("b",)], "y holds label sets such as .*TransformedTargetClassifier"),
        (np.array(["a", None, "b"], object), "y lacks the class of 1 videos: leave these out"),
    ],
)
def test_labels_that_are_no_classes_raise_with_the_next_step(y, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check_y(y, len(y))
