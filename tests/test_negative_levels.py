"""The labels in which the videos of a negative pair differ, and classifiers without a tower."""

import itertools

import numpy as np
import pytest
from estimator_cases import fitted_tower, make_classifier, make_tower, make_videos
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import KFold, cross_val_score

from sk_crossmodal import HierarchyLabelBinarizer, TransformedTargetClassifier
from sk_crossmodal.correlation._pairs import choose_labels, share_of_negatives, without_common
from sk_crossmodal.persistence import export_model, load_model, save_model
from sk_crossmodal.training import Targets

X = make_videos().data
N = len(X)
NO_TOWER = "needs a correlation tower, which cannot be trained. No two videos differ"


def binarized(paths):
    labels = HierarchyLabelBinarizer()
    return labels.fit_transform(paths), labels.hierarchy_


def chosen(paths):
    """Level and labels, by name, of each video that `choose_labels` gives for label paths."""
    Y, hierarchy = binarized(paths)
    targets = Targets(Y, hierarchy)
    encoded = targets.encode(Y)
    level, labels = choose_labels(targets.top_level(encoded, i) for i in range(targets.n_levels))
    nodes, children = hierarchy.nodes, hierarchy.children
    names = [
        node
        for node, at in zip(nodes, hierarchy.levels, strict=True)
        if at == level or (level and at < level and not children(node))
    ]
    return level, [{names[i] for i in np.flatnonzero(row)} for row in labels.toarray()]


def cycle(*labels):
    return [[labels[i % len(labels)]] for i in range(60)]


def test_one_category_leaves_the_level_below():
    level, labels = chosen(cycle("Music:Rock:a", "Music:Jazz:b", "Music:Jazz:c"))
    assert level == 1
    assert labels[:3] == [{"Music:Rock"}, {"Music:Jazz"}, {"Music:Jazz"}]


def test_several_levels_of_one_label_are_skipped():
    level, labels = chosen(cycle("A:b:c:x", "A:b:c:y"))
    assert (level, labels[:2]) == (3, [{"A:b:c:x"}, {"A:b:c:y"}])


def test_one_video_of_another_category_is_not_enough():
    level, labels = chosen([["Speech"], *cycle("Music:Rock", "Music:Jazz")[1:]])
    assert level == 1
    assert labels[:2] == [{"Speech"}, {"Music:Jazz"}]  # a leaf of a higher level counts


@pytest.mark.parametrize("n_without", [0, 1, 2])
def test_label_of_all_or_nearly_all_videos_does_not_count(n_without):
    paths = [["Speech", *labels] for labels in cycle("Car", "Dog", "Bird")]
    for i in range(n_without):
        paths[i].remove("Speech")
    assert chosen(paths) == (0, [set(labels) - {"Speech"} for labels in paths])


@pytest.mark.parametrize("count", [1, 20])
def test_top_level_labels_of_usual_videos_all_count(count):
    paths = [["Speech"] * (i % 3 > 0) + [f"c{i % 4}:x"] for i in range(60)]
    assert chosen(paths) == (0, [{path.split(":")[0] for path in some} for some in paths])
    rare = [["a"]] * (60 - count) + [["b"]] * count  # the best that there is, if only one level
    assert chosen(rare) == (0, [set(some) for some in rare])


@pytest.mark.parametrize("paths", [[["A:b"]] * 60, [["A"]] * 30 + [["A:b"]] * 30])
def test_no_level_is_chosen_without_pairs(paths):
    Y, hierarchy = binarized(paths)
    targets = Targets(Y, hierarchy)
    assert choose_labels(targets.top_level(targets.encode(Y), i) for i in range(2)) is None


@pytest.mark.parametrize("seed", range(3))
def test_share_of_negatives_counts_pairs_without_a_common_label(seed):
    labels = np.random.RandomState(seed).rand(30, 5) < 0.2
    pairs = itertools.product(labels, labels)
    expected = np.mean([a.any() and b.any() and not (a & b).any() for a, b in pairs])
    assert share_of_negatives(csr_array(labels)) == expected
    common = without_common(csr_array(np.column_stack([labels, np.ones(30, bool)])), 1.0)
    np.testing.assert_array_equal(common.toarray()[:, :5], labels)
    assert not common.toarray()[:, 5].any()


def test_tower_of_one_category_is_evaluated_on_its_level(tmp_path):
    Y, hierarchy = binarized([[f"Music:{'Rock' if i % 3 else 'Jazz'}"] for i in range(N)])
    tower = make_tower(hierarchy=hierarchy).fit(X, Y)
    assert tower.negative_level_ == 1
    assert fitted_tower().negative_level_ == 0
    positive, negative = tower.pair_probabilities(X, Y)
    assert len(positive) == len(negative) == N
    save_model(tower, tmp_path / "tower")
    loaded = load_model(tmp_path / "tower")
    assert loaded.negative_level_ == 1
    assert loaded.pair_error_rates(X, Y) == tower.pair_error_rates(X, Y)


@pytest.mark.parametrize("fusion", ["cross_modal_gated", "cross_modal_concat"])
def test_classifier_on_one_category_has_a_tower(fusion):
    paths = [frozenset([f"Music:{'Rock' if i % 2 else 'Jazz'}:{i % 3}"]) for i in range(N)]
    classifier = TransformedTargetClassifier(
        make_classifier(fusion=fusion, max_epochs=1), transformer=HierarchyLabelBinarizer()
    ).fit(X, paths)
    assert classifier.classifier_.correlation_tower_.negative_level_ == 1


ALIKE = {
    "one column": (np.arange(N) % 2)[:, None],
    "the same labels": np.tile([1, 0, 1], (N, 1)),
    "no labels": np.zeros((N, 2), int),
}


@pytest.mark.parametrize("labels", ALIKE)
@pytest.mark.parametrize(
    ("fusion", "influence", "expected"),
    [
        ("cross_modal_gated", "cross", "cross_modal"),
        ("cross_modal_concat", "cross", "cross_modal"),
        ("cross_modal_concat", "none", "cross_modal"),
    ],
)
def test_classifier_on_videos_that_are_alike_is_that_without_a_tower(
    labels, fusion, influence, expected
):
    y = ALIKE[labels]
    classifier = make_classifier(fusion=fusion, influence=influence, max_epochs=1)
    with pytest.warns(UserWarning, match=NO_TOWER) as warned:
        classifier.fit(X, y)
    assert len(warned) == 1
    assert f"the network is that of fusion={expected!r}" in str(warned[0].message)
    assert classifier.correlation_tower_ is None
    plain = make_classifier(fusion=expected, influence=influence, max_epochs=1).fit(X, y)
    np.testing.assert_array_equal(classifier.predict_proba(X), plain.predict_proba(X))


def test_classifier_without_its_tower_is_used_like_any_other(tmp_path):
    y = ALIKE["one column"]
    classifier = make_classifier(
        fusion="cross_modal_concat", correlation_features="embedding", max_epochs=1
    )
    with pytest.warns(UserWarning, match=NO_TOWER):
        classifier.fit(X, y)
    expected = classifier.predict_proba(X)
    save_model(classifier, tmp_path / "model")
    np.testing.assert_array_equal(load_model(tmp_path / "model").predict_proba(X), expected)
    export_model(classifier, tmp_path / "program")
    assert set(classifier.attention_weights(X)) == {"video", "audio"}
    assert classifier.influence_response(X)
    # It continues without a tower, also with videos that a tower could be trained on.
    differ = np.stack([y[:, 0], 1 - y[:, 0]], axis=1)
    classifier.partial_fit(X, y).set_params(warm_start=True).fit(X, y)
    assert classifier.correlation_tower_ is None
    assert classifier.n_iter_ == 3
    # A given tower needs no negative pairs, and another fit that has them trains one.
    frozen = clone(classifier).set_params(
        correlation_tower=FrozenEstimator(fitted_tower()), correlation_features="probability"
    )
    assert frozen.fit(X, y).correlation_tower_ is fitted_tower()
    assert clone(classifier).fit(X, differ).correlation_tower_ is not None


def test_folds_of_one_label_are_scored():
    Y, hierarchy = binarized([["A:x"]] * (N // 2) + [["B:y"]] * (N // 2))
    classifier = make_classifier(hierarchy=hierarchy, max_epochs=1)
    with pytest.warns(UserWarning, match=NO_TOWER) as warned:
        scores = cross_val_score(classifier, X, Y, cv=KFold(2), error_score="raise")
    assert (len(scores), len(warned)) == (2, 2)
