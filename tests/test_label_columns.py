"""Columns of labels are matched by name: tables of scores, a hierarchy, and y of an estimator."""

import functools
import pickle
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from estimator_cases import make_classifier, make_videos
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MultiLabelBinarizer

from sk_crossmodal.compose import TransformedTargetClassifier
from sk_crossmodal.correlation import CorrelationTower
from sk_crossmodal.hierarchy import HierarchyLabelBinarizer, LabelHierarchy
from sk_crossmodal.inspection import (
    ErrorRatesDisplay,
    HierarchyDisplay,
    compare_predictions,
    error_examples,
)
from sk_crossmodal.metrics import (
    gap_score,
    gap_scorer,
    hierarchy_report,
    hierarchy_scorers,
    hit_at_1_score,
    map_score,
    map_scorer,
    perr_score,
)
from sk_crossmodal.persistence import load_model, save_model
from sk_crossmodal.report._inputs import make_inputs

TREE = LabelHierarchy(
    {"Vehicle": [], "Truck": ["Vehicle"], "Animal": [], "Cat": ["Animal"], "Ape": ["Animal"]},
    names={"Ape": "Great ape"},
)
NODES = list(TREE.nodes)
SHUFFLED = [4, 2, 3, 1, 0]  # "Ape", "Animal", "Cat", "Truck", "Vehicle"


@dataclass
class PolarsLike:
    """A table whose columns are a list of strings, as those of polars."""

    values: np.ndarray
    columns: list

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)

    def __len__(self):
        return len(self.values)


@dataclass
class ArrowLike(PolarsLike):
    """A table with the names in `column_names`, and the columns themselves in `columns`."""

    @property
    def column_names(self):
        return self.names

    @classmethod
    def make(cls, values, names):
        table = cls(values, list(values.T))
        table.names = names
        return table


FRAMES = {
    "pandas": lambda values, names: pd.DataFrame(values, columns=names),
    "polars": lambda values, names: PolarsLike(np.asarray(values), [str(n) for n in names]),
    "arrow": lambda values, names: ArrowLike.make(np.asarray(values), names),
}


def make_tables(n=40, seed=0):
    """Labels with their ancestors, and scores whose error differs by label."""
    rng = np.random.default_rng(seed)
    sets = [[label] for label in rng.choice(["Truck", "Cat", "Ape"], n)]
    Y = TREE.indicator_matrix(sets).toarray()
    S = Y * [0.9, 0.5, 0.8, 0.3, 0.2] + rng.random(Y.shape) * 0.6
    return sets, Y, S


def shuffled(table, make=FRAMES["pandas"], order=SHUFFLED, names=NODES):
    return make(np.asarray(table)[:, order], [names[i] for i in order])


def numbers(report):
    return {name: column for name, column in report.to_dict().items() if name != "rows"}


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize(
    "arrays", ["none", "y_score in its order", "y_true in its order", "another order of y_score"]
)
def test_hierarchy_report_of_frames_in_any_order_is_that_of_the_nodes_order(kind, arrays):
    _, Y, S = make_tables()
    expected = numbers(hierarchy_report(Y, S, TREE))
    truth, scores = shuffled(Y, FRAMES[kind]), shuffled(S, FRAMES[kind])
    if arrays == "y_score in its order":
        scores = S[:, SHUFFLED]
    elif arrays == "y_true in its order":
        truth = csr_array(Y[:, SHUFFLED])
    elif arrays == "another order of y_score":
        scores = shuffled(S, FRAMES[kind], [1, 0, 4, 2, 3])
    assert numbers(hierarchy_report(truth, scores, TREE)) == expected
    assert numbers(hierarchy_report(truth, scores, TREE, by_group=True)) == numbers(
        hierarchy_report(Y, S, TREE, by_group=True)
    )


def test_label_sets_with_scores_by_name_equal_those_in_the_nodes_order():
    sets, Y, S = make_tables()
    assert numbers(hierarchy_report(sets, shuffled(S), TREE)) == numbers(
        hierarchy_report(Y, S, TREE)
    )


@pytest.mark.parametrize("form", ["display names", "strings of numbers", "levels in a Series"])
def test_hierarchy_report_finds_columns_by_other_names_of_the_labels(form):
    _, Y, S = make_tables()
    hierarchy, names = TREE, TREE.display_names
    if form == "strings of numbers":
        hierarchy = LabelHierarchy({7: [], 1: [7], 3: [], 0: [3], 5: [3]})
        names = [str(node) for node in hierarchy.nodes]
    elif form == "levels in a Series":
        hierarchy, names = pd.Series(TREE.levels, index=NODES), NODES
    found = hierarchy_report(shuffled(Y, names=names), shuffled(S, names=names), hierarchy)
    assert numbers(found) == numbers(hierarchy_report(Y, S, TREE.levels))


@pytest.mark.parametrize("names", [range(5), [f"column_{i}" for i in range(5)], list("01234")])
def test_hierarchy_report_takes_default_names_as_positions(names):
    _, Y, S = make_tables()
    frames = [pd.DataFrame(each, columns=list(names)) for each in (Y, S)]
    assert numbers(hierarchy_report(*frames, TREE)) == numbers(hierarchy_report(Y, S, TREE))
    numbered = LabelHierarchy({0: [], 1: [0], 2: [], 3: [2], 4: [2]})  # nodes that are positions
    named = [pd.DataFrame(each, columns=NODES) for each in (Y, S)]
    assert numbers(hierarchy_report(*named, numbered)) == numbers(hierarchy_report(Y, S, TREE))


def test_hierarchy_report_refuses_default_numbers_that_may_be_labels():
    _, Y, S = make_tables()
    numbered = LabelHierarchy({4: [], 0: [4], 1: [], 2: [1], 3: [1]})
    with pytest.raises(ValueError, match="0 to 4 of y_true may be labels or positions"):
        hierarchy_report(pd.DataFrame(Y), S, numbered)
    ints = pd.DataFrame(Y[:, [1, 2, 3, 4, 0]], columns=[0, 1, 2, 3, 4])  # no default: a list
    expected = numbers(hierarchy_report(Y, S, numbered))
    assert numbers(hierarchy_report(ints, S[:, [1, 2, 3, 4, 0]], numbered)) == expected


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["Ape", "Animal", "Cats", "Truck", "Vehicle"], "column 'Cats', .* and lacks 'Cat'"),
        (["Ape", "Animal", "Ape", "Truck", "Vehicle"], "column 'Ape' twice and lacks 'Cat'"),
    ],
)
def test_hierarchy_report_names_the_first_column_that_differs(names, message):
    _, Y, S = make_tables()
    wrong = pd.DataFrame(Y, columns=names)
    with pytest.raises(ValueError, match=f"y_true must be the labels of hierarchy.*{message}"):
        hierarchy_report(wrong, S, TREE)
    with pytest.raises(ValueError, match=f"y_score must be the labels of hierarchy.*{message}"):
        hierarchy_report(Y, pd.DataFrame(S, columns=names), TREE)


@pytest.mark.parametrize("score", [gap_score, map_score, perr_score, hit_at_1_score])
def test_score_of_frames_in_different_orders_matches_them_by_name(score):
    _, Y, S = make_tables()
    frame = pd.DataFrame(Y, columns=NODES)
    assert score(frame, shuffled(S)) == score(Y, S)
    with pytest.raises(ValueError, match="y_score must be the labels of y_true"):
        score(frame, pd.DataFrame(S, columns=[*NODES[:4], "Bird"]))


@functools.cache
def fitted_in_another_order(form):
    """Videos, the indicator in the order of TREE, and an estimator of other columns."""
    X = make_videos(n=24).data
    Y = np.random.default_rng(3).integers(0, 2, (24, 5))
    classifier = make_classifier(fusion="late", max_epochs=3)
    if form == "frame":
        return X, Y, classifier.fit(X, shuffled(Y))
    if form == "hierarchy":
        other = TREE.subset([NODES[i] for i in SHUFFLED])
        return X, Y, classifier.set_params(hierarchy=other).fit(X, Y[:, SHUFFLED])
    if form == "pipeline":
        return X, Y, make_pipeline(FunctionTransformer(), classifier).fit(X, shuffled(Y))
    if form == "search":
        search = GridSearchCV(classifier, {}, cv=2, scoring="accuracy")
        return X, Y, search.fit(X, shuffled(Y))
    other = HierarchyLabelBinarizer(hierarchy=TREE.subset([NODES[i] for i in SHUFFLED]))
    target = TransformedTargetClassifier(classifier, transformer=other)
    return X, Y, target.fit(X, [[NODES[i] for i in np.flatnonzero(row)] for row in Y])


@pytest.mark.parametrize("form", ["frame", "hierarchy", "pipeline", "search", "label sets"])
def test_scorers_match_the_labels_of_the_estimator_by_name(form):
    X, Y, estimator = fitted_in_another_order(form)
    S = estimator.predict_proba(X)[:, np.argsort(SHUFFLED)]
    report = hierarchy_report(Y, S, TREE)
    for columns in (list(range(5)), SHUFFLED, [1, 0, 4, 2, 3]):
        y = shuffled(Y, order=columns)
        assert gap_scorer(estimator, X, y) == pytest.approx(gap_score(Y, S))
        assert map_scorer(estimator, X, y) == pytest.approx(map_score(Y, S))
        for hierarchy in (TREE, pd.Series(TREE.levels, index=NODES), TREE.levels[columns]):
            scorers = pickle.loads(pickle.dumps(hierarchy_scorers(hierarchy)))
            assert scorers["map_level_0"](estimator, X, y) == pytest.approx(report.map[1])
            assert scorers["gap_level_1"](estimator, X, y) == pytest.approx(report.gap[2])
    as_fitted = hierarchy_scorers(TREE)["gap_level_1"](estimator, X, Y[:, SHUFFLED])
    assert as_fitted == pytest.approx(report.gap[2])
    wrong = shuffled(Y, names=[*NODES[:4], "Bird"])
    with pytest.raises(ValueError, match=r"y_true must be the labels of the estimator.*'Bird'"):
        gap_scorer(estimator, X, wrong)


def test_scorers_of_other_estimators_take_the_columns_of_y():
    _, Y, S = make_tables()

    class Stub(ClassifierMixin, BaseEstimator):
        classes_ = np.tile([0, 1], (5, 1))

        def fit(self, X, y):
            return self

        def predict_proba(self, X):
            return S[:, SHUFFLED]

        def __sklearn_is_fitted__(self):
            return True

    report = hierarchy_report(Y, S, TREE)
    assert hierarchy_scorers(TREE)["map_level_0"](Stub(), Y, shuffled(Y)) == report.map[1]


def test_comparison_of_models_in_different_orders_matches_them_by_name():
    _, Y, S = make_tables()
    noisy = np.clip(S + np.random.default_rng(1).random(S.shape), 0, None)
    expected = compare_predictions(Y, {"a": S, "b": noisy}, TREE, n_resamples=20)
    models = {"a": shuffled(S, order=[1, 0, 4, 2, 3]), "b": noisy[:, SHUFFLED]}
    found = compare_predictions(shuffled(Y), models, TREE, n_resamples=20)
    for name in ("gap", "map"):
        np.testing.assert_array_equal(found.mean[name], expected.mean[name])
        np.testing.assert_array_equal(found.high[name], expected.high[name])


def test_hierarchy_display_of_frames_is_in_the_order_of_the_nodes():
    _, Y, S = make_tables()
    expected = HierarchyDisplay.from_predictions(Y, S, TREE)
    found = HierarchyDisplay.from_predictions(shuffled(Y), shuffled(S), TREE)
    np.testing.assert_array_equal(found.support, Y.sum(0))
    np.testing.assert_array_equal(found.error, expected.error)
    by_label = HierarchyDisplay(TREE, shuffled(Y).sum(), expected.error).plot()
    assert [bar.get_width() for bar in by_label.ax_.patches] == [
        bar.get_width() for bar in expected.ax_.patches
    ]


@pytest.mark.parametrize("given", ["frames", "label_names", "frames with other names to show"])
def test_error_examples_name_the_labels_of_the_columns(given):
    _, Y, S = make_tables()
    S = S / S.max()
    expected = error_examples(Y, S, TREE, baseline=S**2)
    truth, scores, baseline = shuffled(Y), shuffled(S), shuffled(S**2)
    names = None
    if given == "label_names":
        truth, scores, baseline = (np.asarray(each) for each in (truth, scores, baseline))
        names = [NODES[i] for i in SHUFFLED]
        expected = error_examples(Y, S, TREE, baseline=S**2, label_names=NODES)
    elif given == "frames with other names to show":
        names = [NODES[i].upper() for i in SHUFFLED]
        expected = error_examples(
            Y, S, TREE, baseline=S**2, label_names=[n.upper() for n in NODES]
        )
    assert error_examples(truth, scores, TREE, baseline=baseline, label_names=names) == expected


def test_binarizer_finds_the_columns_of_a_frame_by_name():
    sets, Y, _ = make_tables()
    binarizer = HierarchyLabelBinarizer(hierarchy=TREE).fit(sets)
    assert binarizer.inverse_transform(shuffled(Y)) == [tuple(each) for each in sets]
    names = binarizer.get_feature_names_out().tolist()
    assert binarizer.inverse_transform(shuffled(Y, names=names)) == [tuple(s) for s in sets]


# Estimators: the columns stay in the order of the first y, and its names decide.


@functools.cache
def make_data(n=40):
    sets, Y, _ = make_tables(n)
    return make_videos(n).data, sets, Y


@functools.cache
def fitted_on_frame(fusion="late"):
    X, _, Y = make_data()
    return make_classifier(fusion=fusion, hierarchy=TREE, max_epochs=2).fit(X, shuffled(Y))


def test_classifier_fitted_on_a_frame_names_its_columns():
    X, _, Y = make_data()
    classifier = fitted_on_frame()
    assert classifier.label_names_ == ["Great ape", "Animal", "Cat", "Truck", "Vehicle"]
    assert list(classifier.hierarchy_.nodes) == [NODES[i] for i in SHUFFLED]
    assert [classifier.hierarchy_.parents(node) for node in NODES] == [
        TREE.parents(node) for node in NODES
    ]
    in_order = make_classifier(
        fusion="late", hierarchy=TREE.subset(classifier.hierarchy_.nodes), max_epochs=2
    )
    in_order.fit(X, Y[:, SHUFFLED])
    np.testing.assert_array_equal(classifier.predict_proba(X), in_order.predict_proba(X))
    with pytest.raises(ValueError, match="column 'a', which is none of them, and lacks 'Vehicle'"):
        make_classifier(fusion="late", hierarchy=TREE).fit(X, pd.DataFrame(Y, columns=[*"abcde"]))


def test_classifier_fitted_on_a_frame_without_hierarchy_knows_its_labels():
    X, _, Y = make_data()
    classifier = make_classifier(fusion="late", max_epochs=1).fit(
        X, pd.DataFrame(Y, columns=NODES)
    )
    assert classifier.label_names_ == NODES
    assert classifier.score(X, shuffled(Y)) == classifier.score(X, Y)
    assert (
        make_classifier(fusion="late", max_epochs=1).fit(X, pd.DataFrame(Y)).label_names_ is None
    )


@pytest.mark.parametrize("method", ["score", "eval_set", "warm_start", "partial_fit"])
def test_later_labels_in_another_order_are_matched_by_name(method):
    X, _, Y = make_data()
    later = pd.DataFrame(Y, columns=NODES)
    results = []
    for frame in (shuffled(Y), later):
        classifier = make_classifier(fusion="late", hierarchy=TREE, max_epochs=1, warm_start=True)
        if method == "eval_set":
            classifier.fit(X, shuffled(Y), eval_set=(X, frame))
            results.append([row["valid_loss"] for row in classifier.history_])
        else:
            fit = classifier.partial_fit if method == "partial_fit" else classifier.fit
            fit(X, shuffled(Y))
            if method != "score":
                fit(X, frame)
            results.append(classifier.score(X, frame))
            results.append(classifier.predict_proba(X).tolist())
    half = len(results) // 2
    assert results[:half] == results[half:]
    with pytest.raises(ValueError, match="lacks 'Cat'"):
        fitted_on_frame().score(X, later.rename(columns={"Cat": "Dog"}))


def test_tower_takes_the_top_level_of_the_named_columns():
    X, _, Y = make_data()
    spy = []

    class Spy(CorrelationTower):
        def _pairs(self, *args, **kwargs):
            dataset, level = super()._pairs(*args, **kwargs)
            spy.append(dataset.top_level.toarray())
            return dataset, level

    tower = Spy(encoder="mean", max_epochs=1, random_state=0, hierarchy=TREE)
    tower.fit(X, shuffled(Y))
    classifier = make_classifier(
        fusion="cross_modal_gated", hierarchy=TREE, max_epochs=1, correlation_tower=tower
    )
    with pytest.warns(UserWarning, match="a copy of it is trained"):
        classifier.fit(X, shuffled(Y))
    for top in spy:  # the roots are in the order of their columns: "Animal", "Vehicle"
        np.testing.assert_array_equal(top, Y[:, [2, 0]])
    error = tower.pair_error_rates(X, shuffled(Y))
    assert error == tower.pair_error_rates(X, pd.DataFrame(Y, columns=NODES))


def test_classifier_fitted_on_a_frame_keeps_its_order_in_a_file(tmp_path):
    X, _, Y = make_data()
    classifier = fitted_on_frame()
    save_model(classifier, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert loaded.label_names_ == classifier.label_names_
    assert loaded.hierarchy_ == classifier.hierarchy_
    assert loaded.score(X, pd.DataFrame(Y, columns=NODES)) == classifier.score(X, shuffled(Y))


def test_display_and_report_of_a_classifier_use_its_own_order(tmp_path):
    X, sets, Y = make_data()
    classifier = fitted_on_frame()
    scores = np.empty(Y.shape)
    scores[:, SHUFFLED] = classifier.predict_proba(X)
    expected = compare_predictions(Y, {"m": scores}, TREE, n_resamples=0).mean["gap"]
    for y in (sets, shuffled(Y), pd.DataFrame(Y, columns=NODES)):
        shown = ErrorRatesDisplay.from_estimator({"m": classifier}, X, y, TREE, n_resamples=0)
        np.testing.assert_array_equal(shown.report.mean["gap"], expected)
        inputs = make_inputs(classifier, X, y, None, 0)
        np.testing.assert_array_equal(inputs.labels.toarray(), Y[:, SHUFFLED])
        assert inputs.hierarchy == classifier.hierarchy_


@pytest.mark.parametrize("transformer", [HierarchyLabelBinarizer(), MultiLabelBinarizer()])
def test_hierarchy_of_the_classifier_follows_the_classes_of_the_transformer(transformer):
    X, _, Y = make_data()
    tree = LabelHierarchy.from_paths(["B:y", "A:x"])
    tree = tree.subset(["B", "B:y", "A", "A:x"])
    paths = [["B", "B:y"] if video[0] else ["A", "A:x"] for video in Y]
    tower = CorrelationTower(encoder="mean", max_epochs=1, hierarchy=tree)
    inner = make_classifier(
        fusion="cross_modal_gated", hierarchy=tree, max_epochs=1, correlation_tower=tower
    )
    on_paths = TransformedTargetClassifier(inner, transformer=transformer).fit(X, paths)
    assert (
        on_paths.label_names_ == ["A", "A:x", "B", "B:y"] == list(on_paths.transformer_.classes_)
    )
    assert on_paths.classifier_.correlation_tower_.hierarchy.nodes == ("A", "A:x", "B", "B:y")
    assert inner.hierarchy is tree
    inner = make_classifier(fusion="late", hierarchy=LabelHierarchy.from_paths(["A:x", "C:y"]))
    with pytest.raises(ValueError, match="column 'B', which is none of them, and lacks 'C'"):
        TransformedTargetClassifier(inner, transformer=transformer).fit(X, paths)
