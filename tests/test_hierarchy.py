import pickle
import time

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import coo_array, csr_array, issparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MultiLabelBinarizer, OneHotEncoder
from sklearn.utils import get_tags

from sk_crossmodal.datasets import youtube8m_hierarchy
from sk_crossmodal.hierarchy import HierarchyLabelBinarizer, LabelHierarchy

DIAMOND = {"top": [], "left": ["top"], "right": ["top"], "bottom": ["left", "right"], "lone": []}


def random_dag(seed, n=40):
    """Parents among earlier nodes, then all shuffled, so that the order is random."""
    rng = np.random.default_rng(seed)
    parents = {i: rng.choice(i, size=min(i, rng.integers(0, 4)), replace=False) for i in range(n)}
    return {f"n{i}": [f"n{p}" for p in parents[i]] for i in rng.permutation(n)}


def brute_ancestors(parents, node):
    return {node}.union(*(brute_ancestors(parents, parent) for parent in parents[node]))


def brute_level(parents, node):
    return max((brute_level(parents, parent) + 1 for parent in parents[node]), default=0)


# LabelHierarchy ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_hierarchy_of_a_random_graph_equals_brute_force(seed):
    parents = random_dag(seed)
    hierarchy = LabelHierarchy(parents)
    assert hierarchy.nodes == tuple(parents)
    assert hierarchy.levels.tolist() == [brute_level(parents, node) for node in parents]
    assert hierarchy.levels.dtype.kind == "i"
    assert hierarchy.n_levels == max(hierarchy.levels) + 1
    assert hierarchy.roots == tuple(node for node in parents if not parents[node])
    closure = hierarchy.closure_matrix()
    above = {node: brute_ancestors(parents, node) for node in parents}
    expected = [[other in above[node] for other in parents] for node in parents]
    assert isinstance(closure, csr_array)
    assert closure.dtype == bool
    assert closure.has_canonical_format
    np.testing.assert_array_equal(closure.toarray(), expected)
    for node in parents:
        assert hierarchy.parents(node) == tuple(parents[node])
        assert hierarchy.children(node) == tuple(n for n in parents if node in parents[n])
        assert hierarchy.ancestors(node) == tuple(
            n for n in parents if n in above[node] and n != node
        )
        assert hierarchy.descendants(node) == tuple(
            n for n in parents if node in above[n] and n != node
        )
        assert hierarchy.nodes[hierarchy.index(node)] == node
    roots = hierarchy.root_matrix()
    expected = [[root in above[node] for root in hierarchy.roots] for node in parents]
    np.testing.assert_array_equal(roots.toarray(), expected)


@pytest.mark.parametrize("seed", range(5))
def test_subset_of_random_nodes_keeps_the_ancestors(seed):
    hierarchy = LabelHierarchy(random_dag(seed), names={"n1": "One", "n2": "Two"})
    rng = np.random.default_rng(seed)
    kept = [hierarchy.nodes[i] for i in rng.permutation(len(hierarchy))[:15]]
    part = hierarchy.subset(kept)
    rows = [hierarchy.index(node) for node in kept]
    assert part.nodes == tuple(kept)
    np.testing.assert_array_equal(
        part.closure_matrix().toarray(), hierarchy.closure_matrix().toarray()[np.ix_(rows, rows)]
    )
    assert part.display_names == [hierarchy.display_names[row] for row in rows]


def test_subset_parents_are_the_nearest_kept_ancestors():
    hierarchy = LabelHierarchy({"a": [], "b": ["a"], "c": ["b", "a"], "d": ["c"], "e": ["d"]})
    assert hierarchy.subset(hierarchy.nodes) == hierarchy
    part = hierarchy.subset(["e", "b", "a"])
    assert part.parents("e") == ("b", "a")  # c had an edge to a besides the one to b
    assert part.parents("b") == ("a",)
    assert hierarchy.subset(["d"]).roots == ("d",)
    with pytest.raises(KeyError, match="'x' is not a node"):
        hierarchy.subset(["x"])
    with pytest.raises(ValueError, match="must be different, got 'a' twice"):
        hierarchy.subset(["a", "a"])
    with pytest.raises(ValueError, match="at least one node"):
        hierarchy.subset([])


def test_subset_given_equal_nodes_keeps_the_original_ones():
    part = LabelHierarchy({0: [], 1: [0]}).subset(np.array([1, 0]))
    assert [type(node) for node in part.nodes] == [int, int]


def test_levels_with_several_paths_are_the_longest_one():
    hierarchy = LabelHierarchy({"a": [], "b": ["a"], "c": ["a", "b"]})
    assert hierarchy.levels.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="read-only"):
        hierarchy.levels[0] = 1


def test_hierarchy_with_a_cycle_raises_and_shows_it():
    with pytest.raises(ValueError, match="cycle: 'b' -> 'd' -> 'c' -> 'b'"):
        LabelHierarchy({"a": [], "x": ["b"], "b": ["a", "d"], "c": ["b"], "d": ["c"]})
    with pytest.raises(ValueError, match="cycle: 'a' -> 'a'"):
        LabelHierarchy({"a": ["a"]})


@pytest.mark.parametrize(
    ("parents", "names", "error", "message"),
    [
        ({"a": ["b"]}, None, ValueError, "'b', a parent of 'a', is not among the nodes"),
        ({}, None, ValueError, "at least one node"),
        (["a"], None, TypeError, "must map nodes to their parents, got list"),
        ({"a": [], "b": "a"}, None, TypeError, "parents of 'b' must be an iterable"),
        ({"a": None}, None, TypeError, "parents of 'a' must be an iterable"),
        ({"a": []}, {"b": "B"}, ValueError, "names has 'b'"),
        ({"a": []}, {"a": 3}, TypeError, "name of 'a' must be a str"),
    ],
)
def test_hierarchy_of_wrong_input_raises(parents, names, error, message):
    with pytest.raises(error, match=message):
        LabelHierarchy(parents, names=names)


@pytest.mark.parametrize("method", ["index", "parents", "children", "ancestors", "descendants"])
def test_method_with_an_unknown_node_raises(method):
    with pytest.raises(KeyError, match="'nowhere' is not a node"):
        getattr(LabelHierarchy(DIAMOND), method)("nowhere")


def test_hierarchy_special_methods_compare_and_describe():
    hierarchy = LabelHierarchy(DIAMOND, names={"top": "Top"})
    assert len(hierarchy) == 5
    assert "left" in hierarchy
    assert "nowhere" not in hierarchy
    assert repr(hierarchy) == "LabelHierarchy(n_nodes=5, n_roots=2, n_levels=3)"
    assert hierarchy.display_names == ["Top", "left", "right", "bottom", "lone"]
    same = LabelHierarchy(dict(DIAMOND, bottom=["right", "left", "right"]), names={"top": "Top"})
    assert hierarchy == same
    assert hash(hierarchy) == hash(same)
    assert hierarchy != LabelHierarchy(DIAMOND)
    assert hierarchy != LabelHierarchy(dict(DIAMOND, lone=["top"]), names={"top": "Top"})
    assert hierarchy != LabelHierarchy(dict(reversed(DIAMOND.items())), names={"top": "Top"})
    assert (hierarchy == "hierarchy") is False
    assert hierarchy.__eq__("hierarchy") is NotImplemented


def test_hierarchy_after_pickling_is_equal():
    hierarchy = LabelHierarchy(random_dag(1), names={"n3": "Three"})
    copy = pickle.loads(pickle.dumps(hierarchy))
    assert copy == hierarchy
    assert not copy.levels.flags.writeable
    assert copy.descendants("n0") == hierarchy.descendants("n0")


@pytest.mark.parametrize("form", [str, tuple])
def test_from_paths_of_leaves_makes_ancestors_in_tree_order(form):
    paths = ["b:c:d", "a b", "a:z", "a:b", "b"]
    expected = ["a", "a:b", "a:z", "a b", "b", "b:c", "b:c:d"]
    as_form = (lambda path: path) if form is str else (lambda path: tuple(path.split(":")))
    hierarchy = LabelHierarchy.from_paths(map(as_form, paths))
    assert hierarchy.nodes == tuple(map(as_form, expected))
    assert hierarchy.display_names == expected
    assert hierarchy.levels.tolist() == [0, 1, 1, 0, 0, 1, 2]
    assert hierarchy.parents(as_form("b:c:d")) == (as_form("b:c"),)


def test_from_paths_with_another_separator_splits_by_it():
    hierarchy = LabelHierarchy.from_paths(["a:b > c"], separator=" > ")
    assert hierarchy.nodes == ("a:b", "a:b > c")


@pytest.mark.parametrize(
    ("paths", "separator", "error", "message"),
    [
        ("a:b", ":", TypeError, "single string 'a:b'"),
        (["a::b"], ":", ValueError, "'a::b' has an empty name"),
        ([":a"], ":", ValueError, "':a' has an empty name"),
        ([""], ":", ValueError, "'' has an empty name"),
        ([()], ":", ValueError, r"\(\) has an empty name"),
        (["a", ("a",)], ":", ValueError, "all strings or all tuples"),
        ([3], ":", TypeError, "a str or a tuple of str, got 3"),
        ([["a", "b"]], ":", TypeError, "a str or a tuple of str, got"),
        ([("a", 1)], ":", TypeError, "a str or a tuple of str, got"),
        ([], ":", ValueError, "at least one node"),
        (["a"], "", ValueError, "separator must be a str and not be empty, got ''"),
        (["a"], None, TypeError, "separator must be a str"),
    ],
)
def test_from_paths_of_wrong_paths_raises(paths, separator, error, message):
    with pytest.raises(error, match=message):
        LabelHierarchy.from_paths(paths, separator=separator)


def test_hierarchy_of_a_deep_chain_needs_no_recursion():
    n = 5000
    chain = LabelHierarchy({i: [i + 1] if i < n - 1 else [] for i in range(n)})
    assert chain.n_levels == n
    assert chain.closure_matrix().nnz == n * (n + 1) // 2
    assert len(chain.descendants(n - 1)) == n - 1
    assert chain.subset([0, n - 1]).parents(0) == (n - 1,)
    assert pickle.loads(pickle.dumps(chain)) == chain


def test_hierarchy_of_thousands_of_nodes_is_fast():
    rng = np.random.default_rng(0)
    parents = {i: rng.integers(i, size=3).tolist() if i > 20 else [] for i in range(4000)}
    start = time.perf_counter()
    hierarchy = LabelHierarchy(parents)
    hierarchy.root_matrix()
    hierarchy.subset(range(0, 4000, 2))
    assert time.perf_counter() - start < 2  # takes 0.3 s


@pytest.mark.parametrize("seed", range(3))
def test_indicator_matrix_of_random_labels_equals_brute_force(seed):
    parents = random_dag(seed)
    hierarchy = LabelHierarchy(parents)
    y = random_label_sets(hierarchy.nodes, 30, seed)
    closed = [set().union(*(brute_ancestors(parents, label) for label in s)) for s in y]
    Y = hierarchy.indicator_matrix(y)
    assert (Y.dtype, Y.format, Y.has_canonical_format) == (np.int64, "csr", True)
    np.testing.assert_array_equal(Y.toarray(), [[n in s for n in hierarchy.nodes] for s in closed])
    # Removed nodes, also in two steps, count for their kept ancestors.
    part = hierarchy.subset(hierarchy.nodes[::-2]).subset(hierarchy.nodes[::-6])
    for known in (part, pickle.loads(pickle.dumps(part))):
        expected = [[node in s for node in part.nodes] for s in closed]
        np.testing.assert_array_equal(known.indicator_matrix(y).toarray(), expected)
        assert known == part
    with pytest.raises(ValueError, match="sample 1 has the label 'x', which is not a node of"):
        hierarchy.indicator_matrix([[], ["x"]])
    with pytest.raises(TypeError, match="sample 0 must be a collection"):
        hierarchy.indicator_matrix([3])


def test_binarizer_with_a_fitted_hierarchy_knows_rare_labels():
    y = [["A:b:c"], ["A:b"], ["A:b"], ["R"], ["A:d:e"]]
    rare = HierarchyLabelBinarizer(min_frequency=2).fit(y)
    other = HierarchyLabelBinarizer(hierarchy=rare.hierarchy_).fit(y)
    assert other.classes_.tolist() == ["A", "A:b"]
    np.testing.assert_array_equal(other.transform(y), rare.transform(y))
    np.testing.assert_array_equal(rare.hierarchy_.indicator_matrix(y).toarray(), rare.transform(y))


# HierarchyLabelBinarizer ------------------------------------------------------------------

PATHS = [["A:b:c", "D"], [], ["A:e"], {"A:b:c"}, ("D", "D"), ["A"]]


def random_label_sets(nodes, n_samples, seed):
    rng = np.random.default_rng(seed)
    return [
        [nodes[i] for i in rng.choice(len(nodes), size=rng.integers(0, 4))]
        for _ in range(n_samples)
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("min_frequency", [None, 1, 12, 0.1])
def test_binarizer_of_random_labels_equals_brute_force(seed, min_frequency):
    parents = random_dag(seed)
    hierarchy = LabelHierarchy(parents)
    y = random_label_sets(hierarchy.nodes, 100, seed)
    closed = [set().union(*(brute_ancestors(parents, label) for label in s)) for s in y]
    least = {None: 0, 0.1: 10}.get(min_frequency, min_frequency)
    kept = [node for node in parents if sum(node in s for s in closed) >= least]
    binarizer = HierarchyLabelBinarizer(hierarchy=hierarchy, min_frequency=min_frequency)
    Y = binarizer.fit_transform(y)
    assert binarizer.classes_.tolist() == kept
    assert binarizer.hierarchy_.nodes == tuple(kept)
    np.testing.assert_array_equal(binarizer.levels_, binarizer.hierarchy_.levels)
    np.testing.assert_array_equal(Y, [[node in s for node in kept] for s in closed])
    # A kept node keeps all its ancestors, also in a graph.
    assert all(brute_ancestors(parents, node) <= set(kept) for node in kept)
    deepest = binarizer.inverse_transform(Y)
    for labels, given in zip(deepest, closed, strict=True):
        true = given & set(kept)
        covered = set().union(*(brute_ancestors(parents, n) - {n} for n in true))
        assert labels == tuple(n for n in kept if n in true - covered)
    np.testing.assert_array_equal(binarizer.transform(deepest), Y)


@pytest.mark.parametrize("form", ["str", "tuple"])
def test_binarizer_of_paths_has_columns_in_tree_order(form):
    y = PATHS
    if form == "tuple":
        y = [[tuple(path.split(":")) for path in s] for s in y]
    binarizer = HierarchyLabelBinarizer().fit(y)
    expected = ["A", "A:b", "A:b:c", "A:e", "D"]
    assert binarizer.get_feature_names_out().tolist() == expected
    assert binarizer.classes_.shape == (5,)
    assert binarizer.classes_.dtype == object
    assert all(isinstance(node, str if form == "str" else tuple) for node in binarizer.classes_)
    assert binarizer.levels_.tolist() == [0, 1, 2, 1, 0]
    np.testing.assert_array_equal(
        binarizer.transform(y),
        [
            [1, 1, 1, 0, 1],
            [0, 0, 0, 0, 0],
            [1, 0, 0, 1, 0],
            [1, 1, 1, 0, 0],
            [0, 0, 0, 0, 1],
            [1, 0, 0, 0, 0],
        ],
    )


def test_binarizer_of_flat_labels_equals_multilabel_binarizer():
    y = [["a", "c"], ["b"], []]
    for sparse in (False, True):
        ours = HierarchyLabelBinarizer(sparse_output=sparse).fit_transform(y)
        theirs = MultiLabelBinarizer(sparse_output=sparse).fit_transform(y)
        assert ours.dtype == theirs.dtype == np.int64
        assert issparse(ours) == issparse(theirs) == sparse
        difference = ours - theirs
        assert not (difference.nnz if sparse else difference.any())


def test_binarizer_sparse_output_equals_dense():
    hierarchy = LabelHierarchy(random_dag(7))
    y = random_label_sets(hierarchy.nodes, 50, 7)
    dense = HierarchyLabelBinarizer(hierarchy=hierarchy).fit(y)
    sparse = clone(dense).set_params(sparse_output=True).fit(y)
    Y = sparse.transform(y)
    assert Y.format == "csr"
    assert Y.has_canonical_format
    np.testing.assert_array_equal(Y.toarray(), dense.transform(y))
    assert sparse.inverse_transform(Y) == dense.inverse_transform(Y.toarray())
    assert sparse.inverse_transform(Y.tocoo()) == sparse.inverse_transform(Y)


def test_inverse_transform_of_a_sparse_array_does_not_change_it():
    binarizer = HierarchyLabelBinarizer().fit(PATHS)
    # Out of order, and with a zero that is stored.
    Y = csr_array(([1, 1, 0], [4, 0, 2], [0, 3]), shape=(1, 5))
    assert binarizer.inverse_transform(Y) == [("A", "D")]
    assert (Y.data.tolist(), Y.indices.tolist()) == ([1, 1, 0], [4, 0, 2])


def test_binarizer_of_single_strings_reads_one_label():
    names = np.array(["cat:tom", "dog", "cat:tom"])
    expected = [[1, 1, 0], [0, 0, 1], [1, 1, 0]]
    for y in (names, names.tolist(), pd.Series(names), [["cat:tom"], "dog", ["cat:tom"]]):
        np.testing.assert_array_equal(HierarchyLabelBinarizer().fit_transform(y), expected)


def test_binarizer_of_a_2d_array_reads_label_sets():
    y = np.array([["a", "b"], ["b", "c"]])
    np.testing.assert_array_equal(
        HierarchyLabelBinarizer().fit_transform(y), [[1, 1, 0], [0, 1, 1]]
    )


def test_binarizer_unseen_nodes_are_columns_of_zeros():
    hierarchy = LabelHierarchy(DIAMOND, names={"top": "The top"})
    binarizer = HierarchyLabelBinarizer(hierarchy=hierarchy)
    Y = binarizer.fit_transform([["left"], []])
    assert binarizer.hierarchy_ == hierarchy
    assert binarizer.get_feature_names_out()[0] == "The top"
    np.testing.assert_array_equal(Y, [[1, 1, 0, 0, 0], [0] * 5])


def test_min_frequency_rare_labels_count_for_their_ancestors():
    y = [["A:b:c"], ["A:b"], ["A:b"], ["R"], ["A:d:e"]]
    binarizer = HierarchyLabelBinarizer(min_frequency=2).fit(y)
    assert binarizer.classes_.tolist() == ["A", "A:b"]
    Y = binarizer.transform([["A:b:c"], ["A:d:e"], ["R"], ["A:d", "A:b"]])
    np.testing.assert_array_equal(Y, [[1, 1], [1, 0], [0, 0], [1, 1]])
    with pytest.raises(ValueError, match="unknown label 'A:b:x'"):
        binarizer.transform([["A:b:x"]])


def test_min_frequency_of_a_float_equals_the_exact_share():
    assert 0.07 * 100 > 7
    y = [["a"]] * 7 + [["b"]] * 6 + [[]] * 87
    binarizer = HierarchyLabelBinarizer(min_frequency=0.07).fit(y)
    assert binarizer.classes_.tolist() == ["a"]


def test_unknown_labels_by_default_raise_with_their_sample():
    binarizer = HierarchyLabelBinarizer().fit(PATHS)
    with pytest.raises(ValueError, match="sample 1 has the unknown label 'A:b:x'"):
        binarizer.transform([["A"], ["D", "A:b:x"]])
    with pytest.raises(ValueError, match="sample 0 has the unknown label 'nowhere'"):
        HierarchyLabelBinarizer(hierarchy=LabelHierarchy(DIAMOND)).fit([["nowhere"]])


@pytest.mark.parametrize("form", ["str", "tuple"])
def test_unknown_paths_ignored_keep_their_known_ancestors(form):
    def as_form(y):
        return y if form == "str" else [[tuple(path.split(":")) for path in s] for s in y]

    binarizer = HierarchyLabelBinarizer(handle_unknown="ignore").fit(as_form(PATHS))
    y = as_form([["A:b:c:deeper:still", "X:b"], ["A:x"], ["X"], ["D:x", "A:e"]])
    np.testing.assert_array_equal(
        binarizer.transform(y),
        [[1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [1, 0, 0, 1, 1]],
    )
    with pytest.raises(ValueError, match="empty name"):
        binarizer.transform([["A::b"]])
    with pytest.raises(TypeError, match="a str or a tuple of str, got 3"):
        binarizer.transform([[3]])


def test_unknown_nodes_ignored_get_no_column():
    hierarchy = LabelHierarchy({1: [], 2: [1]})
    binarizer = HierarchyLabelBinarizer(hierarchy=hierarchy, handle_unknown="ignore")
    np.testing.assert_array_equal(binarizer.fit_transform([[2, 9], ["x"]]), [[1, 1], [0, 0]])


@pytest.mark.parametrize("method", ["fit", "transform"])
@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (None, TypeError, "got None"),
        ("A:b", TypeError, "got 'A:b'"),
        (3, TypeError, "per sample, got 3"),
        ({"A": 1}, TypeError, "one collection of labels per sample"),
        ([], ValueError, "got no samples"),
        (np.array([]), ValueError, "got no samples"),
        ((s for s in [["A"]]), TypeError, "got <generator"),
        (np.eye(3), ValueError, r"array of shape \(3, 3\)"),
        (np.array("A"), ValueError, r"array of shape \(\)"),
        (csr_array(np.eye(3)), TypeError, "not a table; got a sparse array"),
        (pd.DataFrame({"y": [["A"]]}), TypeError, "not a table; got a DataFrame"),
        ([["A"], None], TypeError, "sample 1 must be a collection of labels, got None"),
        ([["A"], 3], TypeError, "sample 1 must be"),
        ([["A"], float("nan")], TypeError, "sample 1 must be .* got nan"),
        ([["A"], b"A"], TypeError, "sample 1 must be"),
        ([["A"], iter(["A"])], TypeError, "sample 1 must be"),
        ([["A"], {"A": 1}], TypeError, "sample 1 must be"),
        ([["A"], [["A", "b"]]], TypeError, "sample 1 has a label that cannot be hashed"),
        ([["A"], [3]], (TypeError, ValueError), "3"),
        ([["A"], [None]], (TypeError, ValueError), "None"),
    ],
)
def test_wrong_label_sets_raise_and_change_nothing(method, y, error, message):
    binarizer = HierarchyLabelBinarizer().fit(PATHS)
    before = dict(vars(binarizer))
    with pytest.raises(error, match=message):
        getattr(binarizer, method)(y)
    assert vars(binarizer) == before


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"separator": ""}, ValueError, "separator"),
        ({"separator": 3}, TypeError, "separator"),
        ({"hierarchy": DIAMOND}, TypeError, "hierarchy must be a LabelHierarchy"),
        ({"handle_unknown": "warn"}, ValueError, "handle_unknown must be"),
        ({"min_frequency": 0}, ValueError, "min_frequency must be None, an int from 1"),
        ({"min_frequency": 1.0}, ValueError, "min_frequency must be None, an int from 1"),
        ({"min_frequency": float("nan")}, ValueError, "min_frequency must be None, an int from 1"),
        ({"min_frequency": True}, TypeError, "min_frequency must be None, an int from 1"),
        ({"min_frequency": "2"}, TypeError, "min_frequency must be None, an int from 1"),
        ({"min_frequency": 7}, ValueError, "min_frequency=7 leaves no label"),
    ],
)
def test_fit_with_wrong_parameters_raises(params, error, message):
    binarizer = HierarchyLabelBinarizer(**params)
    with pytest.raises(error, match=message):
        binarizer.fit(PATHS)
    assert not hasattr(binarizer, "classes_")


def test_fit_without_labels_needs_a_hierarchy():
    with pytest.raises(ValueError, match="no sample has a label"):
        HierarchyLabelBinarizer().fit([[], []])
    binarizer = HierarchyLabelBinarizer(hierarchy=LabelHierarchy(DIAMOND)).fit([[], []])
    assert binarizer.inverse_transform(binarizer.transform([[]])) == [()]


def test_inverse_transform_without_ancestors_returns_the_deepest_labels():
    binarizer = HierarchyLabelBinarizer().fit(PATHS)
    Y = np.array([[1, 0, 1, 0, 0], [0, 1, 0, 1, 1]])
    expected = [("A:b:c",), ("A:b", "A:e", "D")]
    assert binarizer.inverse_transform(Y) == expected
    assert binarizer.inverse_transform(Y.astype(bool)) == expected
    assert binarizer.inverse_transform(pd.DataFrame(Y.astype(float))) == expected


@pytest.mark.parametrize(
    ("Y", "message"),
    [
        (np.zeros((2, 4)), "Y has 4 columns, expected 5"),
        (np.full((2, 5), 0.5), "0 and 1 only"),
        (csr_array(np.full((2, 5), 2)), "0 and 1 only"),
        (np.full((2, 5), np.nan), "NaN"),
        (np.zeros(5), "2D array"),
    ],
)
def test_inverse_transform_of_wrong_indicators_raises(Y, message):
    with pytest.raises(ValueError, match=message):
        HierarchyLabelBinarizer().fit(PATHS).inverse_transform(Y)


def test_inverse_transform_of_split_sparse_entries_adds_them():
    binarizer = HierarchyLabelBinarizer().fit([["a:b"], ["c"]])
    halves = coo_array(([0.5, 0.5, 0.0, 1.0], ([0, 0, 0, 0], [0, 0, 1, 2])), shape=(1, 3))
    for form in ("coo", "csr", "csc"):
        assert binarizer.inverse_transform(halves.asformat(form)) == [("a", "c")]
    for twice in (
        coo_array(([1, 1], ([0, 0], [0, 0])), shape=(1, 3)),
        csr_array(([1, 1], [0, 0], [0, 2]), shape=(1, 3)),
    ):
        with pytest.raises(ValueError, match="0 and 1 only, got 2"):
            binarizer.inverse_transform(twice)


def test_binarizer_of_whole_floats_makes_integers():
    binarizer = HierarchyLabelBinarizer().fit([[2.0], [3, np.float32(4)]])
    assert binarizer.classes_.tolist() == [2, 3, 4]
    assert all(type(label) is int for label in binarizer.classes_)


def test_binarizer_of_an_array_like_without_len_reads_a_table():
    class Lazy:
        def __array__(self, dtype=None, copy=None):
            return np.array([["a", "b"], ["b", "c"]])

    binarizer = HierarchyLabelBinarizer().fit(Lazy())
    assert binarizer.n_features_in_ == 2
    assert binarizer.transform(Lazy()).tolist() == [[1, 1, 0], [0, 1, 1]]


def test_binarizer_with_another_separator_splits_by_it():
    binarizer = HierarchyLabelBinarizer(separator="/").fit([["a/b:c"]])
    assert binarizer.classes_.tolist() == ["a", "a/b:c"]
    with pytest.raises(ValueError, match="separator must be a str and not be empty, got ''"):
        binarizer.set_params(separator="", hierarchy=LabelHierarchy({"a": []})).fit([["a"]])


def test_binarizer_tags_describe_categorical_strings():
    binarizer = HierarchyLabelBinarizer().fit([["a"]])
    assert binarizer.get_feature_names_out().dtype == binarizer.classes_.dtype == object
    tags = get_tags(binarizer)
    assert tags.input_tags.categorical
    assert tags.input_tags.string
    assert tags.transformer_tags.preserves_dtype == []


def test_binarizer_unfitted_raises():
    binarizer = HierarchyLabelBinarizer()
    for call in (
        lambda: binarizer.transform(PATHS),
        lambda: binarizer.inverse_transform(np.zeros((1, 1))),
        binarizer.get_feature_names_out,
    ):
        with pytest.raises(NotFittedError):
            call()


@pytest.mark.parametrize("alone", [True, False])
def test_set_output_pandas_names_the_columns(alone):
    y = pd.Series(PATHS, index=list("uvwxyz"))
    transformer = HierarchyLabelBinarizer() if alone else make_pipeline(HierarchyLabelBinarizer())
    frame = transformer.set_output(transform="pandas").fit_transform(y)
    assert frame.columns.tolist() == ["A", "A:b", "A:b:c", "A:e", "D"]
    assert frame.index.tolist() == list("uvwxyz")
    assert frame.loc["x"].tolist() == [1, 1, 1, 0, 0]
    with config_context(transform_output="pandas"):
        fresh = HierarchyLabelBinarizer().fit_transform(y)
    pd.testing.assert_frame_equal(fresh, frame)


def test_set_output_pandas_of_sparse_output_raises_like_one_hot_encoder():
    binarizer = HierarchyLabelBinarizer(sparse_output=True).set_output(transform="pandas")
    theirs = OneHotEncoder().set_output(transform="pandas")
    for transformer, X in ((binarizer, PATHS), (theirs, [["a"], ["b"]])):
        with pytest.raises(ValueError, match=r"set_output\(transform='default'\)|sparse"):
            transformer.fit_transform(X)
    binarizer.set_output(transform="default")
    assert binarizer.fit_transform(PATHS).format == "csr"


@pytest.mark.parametrize("sparse", [False, True])
def test_pipeline_of_a_binarizer_equals_the_binarizer(sparse):
    binarizer = HierarchyLabelBinarizer(sparse_output=sparse)
    pipeline = make_pipeline(binarizer)
    Y = pipeline.fit_transform(PATHS)
    expected = clone(binarizer).fit_transform(PATHS)
    assert issparse(Y) == sparse
    np.testing.assert_array_equal(*((M.toarray() if sparse else M) for M in (Y, expected)))
    assert pipeline.inverse_transform(Y) == binarizer.fit(PATHS).inverse_transform(Y)
    assert pipeline.get_feature_names_out().tolist() == ["A", "A:b", "A:b:c", "A:e", "D"]
    assert pipeline[-1].hierarchy_.n_levels == 3


def test_feature_names_of_equal_display_names_are_unique():
    hierarchy = LabelHierarchy({"g": [], 7: ["g"], 8: ["g"]}, names={"g": "Games", 7: "Games"})
    binarizer = HierarchyLabelBinarizer(hierarchy=hierarchy).fit([[7]])
    assert binarizer.get_feature_names_out().tolist() == ["Games (g)", "Games (7)", "8"]


def test_pipeline_with_a_binarizer_step_fits():
    y = [["A:b"], ["D"], ["A:e", "D"], []] * 5
    target = [int("D" in labels) for labels in y]
    pipeline = make_pipeline(
        FunctionTransformer(lambda sets: [list(s) for s in sets]),
        HierarchyLabelBinarizer(sparse_output=True),
        LogisticRegression(),
    ).fit(y, target)
    assert pipeline.score(y, target) == 1


def test_binarizer_after_clone_and_pickle_is_equal():
    hierarchy = LabelHierarchy(random_dag(2))
    binarizer = HierarchyLabelBinarizer(hierarchy=hierarchy, min_frequency=2)
    assert clone(binarizer).get_params() == binarizer.get_params()
    y = random_label_sets(hierarchy.nodes, 30, 0)
    binarizer.fit(y)
    copy = pickle.loads(pickle.dumps(binarizer))
    np.testing.assert_array_equal(copy.transform(y), binarizer.transform(y))
    assert copy.hierarchy_ == binarizer.hierarchy_
    assert binarizer._repr_html_()


@pytest.mark.parametrize("form", [np.array, list, "float", "object", "ragged"])
def test_binarizer_of_whole_numbers_makes_roots(form):
    y = [[10, 9, 9], [2, 10, 2], [9, 9, 9]]
    given = {
        "float": np.array(y, dtype=np.float32),
        "object": np.array(y, dtype=object),
        "ragged": [[10, 9], [2, 10.0], [np.int32(9)]],
    }.get(form, y if form is list else np.array(y))
    binarizer = HierarchyLabelBinarizer().fit(given)
    theirs = MultiLabelBinarizer().fit(y)
    assert binarizer.classes_.tolist() == theirs.classes_.tolist()  # sorted as numbers
    assert all(type(node) is int for node in binarizer.classes_)
    assert binarizer.levels_.tolist() == [0, 0, 0]
    np.testing.assert_array_equal(binarizer.transform(given), theirs.transform(y))
    with pytest.raises(ValueError, match="unknown label 7"):
        binarizer.transform([[7]])
    binarizer.set_params(handle_unknown="ignore")
    np.testing.assert_array_equal(binarizer.transform([[7, 2]]), [[1, 0, 0]])


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (np.eye(3), ValueError, r"array of shape \(3, 3\).*whole numbers"),
        (np.eye(3, dtype=bool), ValueError, r"array of shape \(3, 3\) and dtype bool"),
        (np.full((2, 2), 0.7), ValueError, "whole numbers"),
        (np.array([[3, np.nan]]), ValueError, "NaN"),
        (np.array([[3, 1j]]), ValueError, "Complex data not supported"),
        (np.zeros((2, 0), int), ValueError, "0 feature"),
        (np.zeros((2, 2, 2), int), ValueError, r"array of shape \(2, 2, 2\)"),
        (np.arange(3), ValueError, "Reshape your data.*cross_val_predict"),
        ([[3], ["a"]], TypeError, "got 3"),
        ([[3], [0.5]], TypeError, "a str or a tuple of str"),
        ([[3], [float("inf")]], TypeError, "a str or a tuple of str"),
        ([[3], [True, None]], TypeError, "a str or a tuple of str"),
    ],
)
def test_binarizer_of_wrong_numbers_raises(y, error, message):
    with pytest.raises(error, match=message):
        HierarchyLabelBinarizer().fit(y)


def test_binarizer_of_arrays_of_nodes_has_their_ancestors():
    hierarchy = LabelHierarchy({5: [], 0: [5], 1: [5], 7: []})
    y = np.array([[0, 7], [1, 0], [5, 5]], dtype=np.uint16)
    binarizer = HierarchyLabelBinarizer(hierarchy=hierarchy)
    expected = [[1, 1, 0, 1], [1, 1, 1, 0], [1, 0, 0, 0]]
    np.testing.assert_array_equal(binarizer.fit_transform(y), expected)
    np.testing.assert_array_equal(binarizer.transform(y[[1]]), expected[1:2])
    np.testing.assert_array_equal(hierarchy.indicator_matrix(y).toarray(), expected)


def test_binarizer_of_an_indicator_raises_or_warns():
    Y = np.eye(3, dtype=int)
    numbers = LabelHierarchy({0: [], 1: [], 2: []})
    with pytest.raises(ValueError, match=r"shape \(3, 3\).*It looks like an indicator matrix"):
        HierarchyLabelBinarizer(hierarchy=numbers).fit(Y)
    for given in (Y, [[0], [1], [0]]):
        with pytest.warns(
            UserWarning, match="If it is an indicator matrix, give it to the classifier as it is"
        ):
            HierarchyLabelBinarizer().fit(given)
    for fitted_on in ([[0], [2, 1]], PATHS):
        with pytest.raises(ValueError, match="It looks like an indicator matrix"):
            HierarchyLabelBinarizer().fit(fitted_on).transform(Y)
    # Rows with the labels 0 and 1 are accepted if other rows have other labels.
    binarizer = HierarchyLabelBinarizer().fit([[0, 1], [2, 1]])
    assert HierarchyLabelBinarizer().fit(np.array([[0, 1], [2, 1]])).n_features_in_ == 2
    table = HierarchyLabelBinarizer().fit(np.array([[0, 1], [2, 1]]))
    np.testing.assert_array_equal(table.transform(Y[:2, :2]), binarizer.transform([[0, 1]] * 2))


@pytest.mark.parametrize("known", [None, LabelHierarchy({0: [], 1: [], 2: []})])
@pytest.mark.parametrize(
    "rows",
    [
        [[0, 1, 0], [1, 1, 0]],
        [(True, True), (False, False)],
        [np.array([0, 0, 1])] * 2,
        [torch.tensor([0, 0, 1])] * 2,
        torch.tensor([[0, 1, 0], [1, 1, 0]]),
        pd.Series([np.array([0, 0, 1])] * 2),
    ],
    ids=["lists", "booleans", "arrays", "tensors", "one tensor", "series"],
)
def test_binarizer_of_lists_that_are_an_indicator_raises(rows, known):
    wanted = "looks like an indicator matrix.*classifier as it is, without a binarizer.*as a set"
    with pytest.raises(ValueError, match=wanted):
        HierarchyLabelBinarizer(hierarchy=known).fit(rows)
    with pytest.raises(ValueError, match=wanted):
        HierarchyLabelBinarizer().fit([[0], [2, 1]]).transform(rows)


@pytest.mark.parametrize("y", [[{0, 1}, {1, 0}], [[0], [0, 1]], [[1], [0, 1], []]])
def test_binarizer_of_sets_and_of_unequal_lists_reads_labels(y):
    assert HierarchyLabelBinarizer().fit(y).classes_.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (['["a", "b"]', "c"], "look like lists that were written as text; give each video a list"),
        ([["['a']"], ["c"]], "look like lists that were written as text"),
        (["[0 1 0]"], "look like lists that were written as text"),
        (["a,b", "c"], r"'a,b' look like several labels .* or \['a,b'\] if it is one label"),
        (["a", "b; c"], "'b; c' look like several labels in one text"),
        ([["https://x.org/y"]], r"is split at ':' into the names 'https', '//x\.org/y'\. If ':'"),
        (
            ["Mission: Impossible"],
            "choose another separator, such as separator=' > ', or .*tuples",
        ),
    ],
)
def test_binarizer_of_labels_that_look_like_something_else_warns_once(y, message):
    with pytest.warns(UserWarning, match=message) as caught:
        HierarchyLabelBinarizer().fit(y)
    assert len(caught) == 1


@pytest.mark.parametrize(
    "y",
    [
        [["Male speech, man speaking"], ["Siren"]],
        ["[Music]", "(a)", "a b", "Land:Car"],
        [[("https://x.org",)], [("Mission: Impossible", "Part, 1")]],
        [[3], [7]],
    ],
)
def test_binarizer_of_usual_labels_does_not_warn(y):
    HierarchyLabelBinarizer().fit(y)


def test_separator_in_a_name_is_an_error_that_says_how_to_write_it():
    with pytest.raises(ValueError, match=r"'std::vector' has an empty name.*such as separator="):
        HierarchyLabelBinarizer().fit([["std::vector"]])
    labels = HierarchyLabelBinarizer(separator=" > ").fit([["C++ > std::vector"]])
    assert labels.classes_.tolist() == ["C++", "C++ > std::vector"]


def test_transform_of_other_columns_raises():
    binarizer = HierarchyLabelBinarizer().fit(np.array([["a", "b"], ["b", "c"]]))
    assert binarizer.n_features_in_ == 2
    with pytest.raises(ValueError, match="X has 1 features, but HierarchyLabelBinarizer is exp"):
        binarizer.transform(np.array([["a"]]))
    np.testing.assert_array_equal(binarizer.transform([["a"], []]), [[1, 0, 0], [0, 0, 0]])
    assert not hasattr(binarizer.fit([["a"]]), "n_features_in_")


def test_binarizer_of_many_videos_is_fast(data_dir):
    hierarchy = youtube8m_hierarchy(data_dir / "youtube8m" / "labels" / "vocabulary.csv")
    y = np.random.default_rng(0).integers(3862, size=(17_499, 3)).tolist()
    binarizer = HierarchyLabelBinarizer(hierarchy=hierarchy, sparse_output=True)
    start = time.perf_counter()
    Y = binarizer.fit(y).transform(y)
    assert time.perf_counter() - start < 1.5  # takes 0.1 s
    for i in range(0, 17_499, 500):
        expected = set(y[i]).union(*(hierarchy.ancestors(label) for label in y[i]))
        assert {hierarchy.nodes[j] for j in Y[[i]].indices} == expected


def test_hierarchies_with_other_removed_nodes_are_unequal():
    small = LabelHierarchy.from_paths(["A", "C"])
    part = LabelHierarchy.from_paths(["A:B", "C"]).subset(["A", "C"])
    assert part.nodes == small.nodes
    assert part != small
    assert part == LabelHierarchy.from_paths(["A:B", "C"]).subset(["A", "C"])
