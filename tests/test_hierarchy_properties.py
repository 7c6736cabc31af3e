"""Properties of label hierarchies and of the binarizer for any graph and any labels."""

import pickle
from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sk_crossmodal.hierarchy import HierarchyLabelBinarizer, LabelHierarchy

NODES = {
    "text": lambda i: f"n{i}",
    "numbers": lambda i: i - 3,
    "tuples": lambda i: (i, "of any kind"),
    "mixed": lambda i: [None, "one", 2, (3,), frozenset("4"), 5.5, b"6", "7", 8, "nine"][i],
}


@st.composite
def graphs(draw, least=1):
    """Parents of every node of a directed acyclic graph, in random order."""
    count = draw(st.integers(least, 9))
    node = NODES[draw(st.sampled_from(list(NODES)))]
    above = [draw(st.lists(st.integers(0, i - 1), max_size=3)) if i else [] for i in range(count)]
    order = draw(st.permutations(range(count)))
    return {node(i): [node(parent) for parent in above[i]] for i in order}


def with_ancestors(parents, node):
    return {node}.union(*(with_ancestors(parents, parent) for parent in parents[node]))


def close(parents, labels):
    return set().union(*(with_ancestors(parents, label) for label in labels))


def level(parents, node):
    return max((level(parents, parent) + 1 for parent in parents[node]), default=0)


def label_sets(nodes):
    return st.lists(st.lists(st.sampled_from(list(nodes)), max_size=4), min_size=1, max_size=6)


def as_sets(Y, columns):
    return [{columns[i] for i in np.flatnonzero(row)} for row in np.asarray(Y)]


@given(graphs())
def test_hierarchy_of_any_graph_has_the_right_ancestors_and_levels(parents):
    hierarchy = LabelHierarchy(parents)
    above = {node: with_ancestors(parents, node) for node in parents}
    assert hierarchy.nodes == tuple(parents)
    assert hierarchy.levels.tolist() == [level(parents, node) for node in parents]
    assert hierarchy.n_levels == 1 + max(level(parents, node) for node in parents)
    assert hierarchy.roots == tuple(node for node in parents if not parents[node])
    for node in parents:
        assert hierarchy.parents(node) == tuple(dict.fromkeys(parents[node]))
        assert hierarchy.children(node) == tuple(n for n in parents if node in parents[n])
        assert hierarchy.ancestors(node) == tuple(
            n for n in parents if n in above[node] and n != node
        )
        assert hierarchy.descendants(node) == tuple(
            n for n in parents if node in above[n] and n != node
        )
    under = hierarchy.root_matrix().toarray()
    assert [
        [root in above[node] for root in hierarchy.roots] for node in parents
    ] == under.tolist()


@given(graphs(), st.data())
def test_indicator_of_any_labels_has_all_ancestors(parents, data):
    hierarchy = LabelHierarchy(parents)
    closure = hierarchy.closure_matrix().toarray().astype(int)
    np.testing.assert_array_equal(closure @ closure > 0, closure > 0)  # once is enough
    sets = data.draw(label_sets(parents))
    closed = as_sets(hierarchy.indicator_matrix(sets).toarray(), hierarchy.nodes)
    assert closed == [close(parents, labels) for labels in sets]
    again = hierarchy.indicator_matrix([list(labels) for labels in closed])
    assert as_sets(again.toarray(), hierarchy.nodes) == closed
    more = [[*labels, data.draw(st.sampled_from(list(parents)))] for labels in sets]
    wider = as_sets(hierarchy.indicator_matrix(more).toarray(), hierarchy.nodes)
    assert all(narrow <= wide for narrow, wide in zip(closed, wider, strict=True))


@given(graphs(), st.data(), st.booleans())
def test_inverse_transform_of_an_indicator_returns_the_deepest_labels(parents, data, sparse):
    sets = data.draw(label_sets(parents))
    binarizer = HierarchyLabelBinarizer(hierarchy=LabelHierarchy(parents), sparse_output=sparse)
    Y = binarizer.fit(sets).transform(sets)
    deepest = binarizer.inverse_transform(Y)
    for labels, given_ in zip(deepest, sets, strict=True):
        others = [close(parents, [other]) - {other} for other in given_]
        assert set(labels) == set(given_) - set().union(*others)
        assert list(labels) == sorted(labels, key=list(parents).index)
    back = binarizer.transform([list(labels) for labels in deepest])
    difference = back != Y
    assert not (difference.toarray() if sparse else difference).any()


@given(graphs(), st.data())
def test_inverse_transform_without_ancestors_returns_the_deepest_labels(parents, data):
    Y = data.draw(arrays(bool, (data.draw(st.integers(1, 4)), len(parents))))
    binarizer = HierarchyLabelBinarizer(hierarchy=LabelHierarchy(parents)).fit([[]])
    for labels, true in zip(
        binarizer.inverse_transform(Y), as_sets(Y, list(parents)), strict=True
    ):
        above = set().union(*(with_ancestors(parents, node) - {node} for node in true))
        assert set(labels) == true - above


@given(graphs(), st.data())
def test_subset_of_any_nodes_keeps_the_ancestors(parents, data):
    hierarchy = LabelHierarchy(parents)
    kept = data.draw(st.lists(st.sampled_from(list(parents)), min_size=1, unique=True))
    part = hierarchy.subset(kept)
    assert part.nodes == tuple(kept)
    for node in kept:
        assert set(part.ancestors(node)) == set(hierarchy.ancestors(node)) & set(kept)
        for parent in part.parents(node):  # no kept node is on the only path between them
            assert parent in hierarchy.ancestors(node)
    sets = data.draw(label_sets(parents))
    expected = [close(parents, labels) & set(kept) for labels in sets]
    assert as_sets(part.indicator_matrix(sets).toarray(), part.nodes) == expected
    fewer = data.draw(st.lists(st.sampled_from(kept), min_size=1, unique=True))
    twice = part.subset(fewer)
    assert as_sets(twice.indicator_matrix(sets).toarray(), twice.nodes) == [
        labels & set(fewer) for labels in expected
    ]
    for one in (hierarchy, part, twice):
        same = pickle.loads(pickle.dumps(one))
        assert same == one
        assert hash(same) == hash(one)


@given(graphs(least=2), st.data())
def test_hierarchy_with_a_cycle_raises_and_shows_it(parents, data):
    below = [node for node in parents if with_ancestors(parents, node) != {node}]
    assume(below)
    node = data.draw(st.sampled_from(below))
    top = data.draw(st.sampled_from([n for n in parents if n in with_ancestors(parents, node)]))
    parents[top] = [*parents[top], node]
    with pytest.raises(ValueError, match="form a cycle: ") as caught:
        LabelHierarchy(parents)
    shown = str(caught.value).partition(": ")[2].split(" -> ")
    edges = {(repr(child), repr(parent)) for child in parents for parent in parents[child]}
    assert shown[0] == shown[-1]
    assert set(pairwise(shown)) <= edges


paths = st.lists(st.text("ab c", min_size=1, max_size=2), min_size=1, max_size=4).map(tuple)


@given(st.lists(paths, min_size=1, max_size=8), st.sampled_from([":", "::"]), st.data())
def test_from_paths_of_any_paths_makes_the_tree(given_, separator, data):
    tree = LabelHierarchy.from_paths(given_, separator=separator)
    assert set(tree.nodes) == {path[:i] for path in given_ for i in range(1, len(path) + 1)}
    assert list(tree.nodes) == sorted(
        tree.nodes
    )  # a parent, then its descendants, siblings sorted
    assert tree.levels.tolist() == [len(path) - 1 for path in tree.nodes]
    assert all(tree.parents(path) == ((path[:-1],) if path[1:] else ()) for path in tree.nodes)
    assert (
        LabelHierarchy.from_paths(data.draw(st.permutations(given_)), separator=separator) == tree
    )
    joined = LabelHierarchy.from_paths(map(separator.join, given_), separator=separator)
    assert list(joined.nodes) == tree.display_names == [separator.join(p) for p in tree.nodes]
    assert joined.levels.tolist() == tree.levels.tolist()


@given(graphs(), st.data())
def test_min_frequency_of_any_value_keeps_the_frequent_labels(parents, data):
    sets = data.draw(label_sets(parents))
    least = data.draw(st.one_of(st.integers(1, 6), st.sampled_from([0.01, 0.2, 1 / 3, 0.5, 0.9])))
    closed = [close(parents, labels) for labels in sets]
    count = {node: sum(node in labels for labels in closed) for node in parents}
    enough = least if isinstance(least, int) else least * len(sets) - 1e-9
    kept = [node for node in parents if count[node] >= enough]
    binarizer = HierarchyLabelBinarizer(hierarchy=LabelHierarchy(parents), min_frequency=least)
    if not kept:
        with pytest.raises(ValueError, match="leaves no label"):
            binarizer.fit(sets)
        return
    Y = binarizer.fit(sets).transform(sets)
    assert binarizer.classes_.tolist() == kept
    assert as_sets(Y, kept) == [labels & set(kept) for labels in closed]
    assert all(close(parents, [node]) <= set(kept) for node in kept)  # ancestors stay
    assert binarizer.levels_.tolist() == [level(parents, node) for node in kept]


@given(graphs(), st.data())
def test_unknown_nodes_raise_or_are_ignored(parents, data):
    sets = data.draw(label_sets(parents))
    where = data.draw(st.integers(0, len(sets) - 1))
    strange = [[*labels, "strange"] if i == where else labels for i, labels in enumerate(sets)]
    hierarchy = LabelHierarchy(parents)
    strict = HierarchyLabelBinarizer(hierarchy=hierarchy)
    with pytest.raises(ValueError, match=f"sample {where} has the unknown label 'strange'"):
        strict.fit(strange)
    assert not vars(strict).keys() & {"hierarchy_", "classes_", "levels_"}
    with pytest.raises(ValueError, match=f"sample {where} has the label 'strange'"):
        hierarchy.indicator_matrix(strange)
    lenient = HierarchyLabelBinarizer(hierarchy=hierarchy, handle_unknown="ignore")
    np.testing.assert_array_equal(
        lenient.fit(strange).transform(strange), strict.fit(sets).transform(sets)
    )


@given(st.lists(paths, min_size=1, max_size=6), st.lists(paths, min_size=1, max_size=6))
def test_unknown_paths_ignored_count_for_their_deepest_known_ancestor(known, later):
    binarizer = HierarchyLabelBinarizer(handle_unknown="ignore").fit([known])
    nodes = set(binarizer.hierarchy_.nodes)
    prefixes = [{p[:i] for p in [path] for i in range(1, len(p) + 1)} & nodes for path in later]
    assert as_sets(binarizer.transform([[path] for path in later]), binarizer.classes_) == prefixes


@given(graphs(), st.data())
def test_feature_names_of_equal_display_names_are_unique(parents, data):
    names = data.draw(st.dictionaries(st.sampled_from(list(parents)), st.sampled_from("xyz")))
    hierarchy = LabelHierarchy(parents, names=names)
    assert hierarchy.display_names == [names.get(node, str(node)) for node in parents]
    shown = HierarchyLabelBinarizer(hierarchy=hierarchy).fit([[]]).get_feature_names_out()
    assert len(set(shown)) == len(parents)
    for name, node in zip(shown, parents, strict=True):
        alone = hierarchy.display_names.count(names.get(node, str(node))) == 1
        assert name == names.get(node, str(node)) + ("" if alone else f" ({node})")


@given(st.lists(st.lists(st.integers(-9, 9), min_size=2, max_size=2), min_size=1, max_size=6))
def test_binarizer_of_any_array_format_is_equal(rows):
    labels = sorted(set(chain(*rows)))
    assume(not set(labels) <= {0, 1})
    plain = HierarchyLabelBinarizer().fit(rows)
    expected = plain.transform(rows)
    table = np.array(rows)
    frozen = table.copy()
    frozen.setflags(write=False)
    forms = [table, table.tolist(), frozen, np.asfortranarray(table), table.astype(">i4")]
    forms += [table.astype(object), table.astype(float), np.repeat(table, 2, axis=1)[:, ::2]]
    for form in [*forms, [frozenset(row) for row in rows], [np.array(row) for row in rows]]:
        binarizer = HierarchyLabelBinarizer().fit(form)
        assert binarizer.classes_.tolist() == labels
        np.testing.assert_array_equal(binarizer.transform(form), expected)
    for dtype in (">i2", "f2", "g", bool, object):
        back = plain.inverse_transform(np.asfortranarray(expected).astype(dtype))
        assert [set(labels) for labels in back] == [set(row) for row in rows]
