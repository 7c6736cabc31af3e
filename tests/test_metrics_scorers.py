"""The scorers in scikit-learn's own tools."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import MultiLabelBinarizer

from sk_crossmodal.hierarchy import LabelHierarchy
from sk_crossmodal.metrics import (
    gap_score,
    gap_scorer,
    hierarchy_report,
    hierarchy_scorers,
    hit_at_1_score,
    hit_at_1_scorer,
    map_score,
    map_scorer,
    perr_score,
    perr_scorer,
)

LEVELS = [0, 0, 1, 1]
PAIRS = [
    (gap_scorer, gap_score),
    (map_scorer, map_score),
    (perr_scorer, perr_score),
    (hit_at_1_scorer, hit_at_1_score),
]


class Stub(ClassifierMixin, BaseEstimator):
    """The features are the logits; `slope` blurs them."""

    def __init__(self, slope=1.0):
        self.slope = slope

    def fit(self, X, y):
        self.classes_ = np.tile([0, 1], (y.shape[1], 1))
        self.calls_ = 0
        return self

    def predict_proba(self, X):
        self.calls_ += 1
        wave = np.sin(40 * X)
        return 1 / (1 + np.exp(-self.slope * X - (1 - self.slope) * wave))


def make(n_labels=4, n_videos=60, seed=0):
    rng = np.random.default_rng(seed)
    y = (rng.random((n_videos, n_labels)) < 0.3).astype(int)
    return rng.normal(size=y.shape) + 2 * y - 1, y


@pytest.mark.parametrize(("scorer", "score"), PAIRS)
@pytest.mark.parametrize("n_labels", [1, 2, 3])
def test_scorer_of_predictions_equals_the_score(scorer, score, n_labels):
    X, y = make(n_labels)
    stub = Stub().fit(X, y)
    assert scorer(stub, X, y) == score(y, stub.predict_proba(X))
    weight = np.arange(len(X))
    weighted = scorer(stub, X, y, sample_weight=weight)
    assert weighted == score(y, stub.predict_proba(X), sample_weight=weight)
    assert pickle.loads(pickle.dumps(scorer))(stub, X, y) == scorer(stub, X, y)


@pytest.mark.parametrize(
    ("estimator", "n_labels"),
    [
        (RandomForestClassifier(n_estimators=5, random_state=0), 2),
        (RandomForestClassifier(n_estimators=5, random_state=0), 3),
        (MLPClassifier(4, solver="lbfgs", random_state=0, tol=1.0), 3),
    ],
)
def test_scorers_of_scikit_learn_estimators_equal_the_scores(estimator, n_labels):
    X, y = make(n_labels)
    estimator.fit(X, y)
    proba = estimator.predict_proba(X)
    if isinstance(proba, list):
        proba = np.stack([column[:, 1] for column in proba], axis=1)
    for scorer, score in PAIRS:
        assert scorer(estimator, X, y) == score(y, proba)


@pytest.mark.parametrize("rows", ["either", "truth", "all"])
@pytest.mark.parametrize("top_k", [1, 20])
def test_hierarchy_scorers_equal_the_report(rows, top_k):
    X, y = make()
    stub = Stub().fit(X, y)
    options = {"top_k": top_k, "rows": rows, "threshold": 0.6}
    scorers = hierarchy_scorers(LEVELS, **options)
    weight = np.arange(len(X)) % 4
    for sample_weight in (None, weight):
        proba = stub.predict_proba(X)
        report = hierarchy_report(y, proba, LEVELS, sample_weight=sample_weight, **options)
        for row, suffix in enumerate(("", "_level_0", "_level_1")):
            for name in ("gap", "map", "perr", "hit_at_1"):
                got = scorers[name + suffix](stub, X, y, sample_weight=sample_weight)
                assert got == pytest.approx(getattr(report, name)[row], abs=1e-12)
    assert len(scorers) == 12


def test_hierarchy_scorers_by_default_pool_twenty_labels():
    rng = np.random.default_rng(5)
    X, y = rng.random((30, 40)), rng.random((30, 40)) < 0.5
    stub = Stub().fit(X, y)
    usual, twenty, more = (
        hierarchy_scorers([0] * 40, **options)["gap"](stub, X, y)
        for options in ({}, {"top_k": 20}, {"top_k": 21})
    )
    assert usual == twenty != more


def test_hierarchy_scorers_names_have_the_existing_levels():
    names = hierarchy_scorers(np.array([3, 0]))
    assert set(names) == {
        f"{score}{suffix}"
        for score in ("gap", "map", "perr", "hit_at_1")
        for suffix in ("", "_level_0", "_level_3")
    }


def test_hierarchy_scorers_without_indicators_keep_only_levels():
    class Unpicklable:
        levels = np.array(LEVELS)

        def __reduce__(self):
            raise TypeError

    X, y = make()
    stub = Stub().fit(X, y)
    for name, scorer in pickle.loads(pickle.dumps(hierarchy_scorers(Unpicklable()))).items():
        assert scorer(stub, X, y) == hierarchy_scorers(LEVELS)[name](stub, X, y)


TREE = LabelHierarchy.from_paths(["A:b", "A:c:d", "E"])  # A, A:b, A:c, A:c:d, E
NUMBERS = LabelHierarchy({7: [], 3: [7], 5: [3], 9: [7], 2: []})


def make_sets(hierarchy=TREE, n_videos=40, seed=0):
    """Frames of a Stub, label sets, and the indicator that MultiLabelBinarizer makes of them."""
    rng = np.random.default_rng(seed)
    sets = [
        [hierarchy.nodes[i] for i in rng.choice(5, rng.integers(1, 4), replace=False)]
        for _ in range(n_videos)
    ]
    closed = [{*s}.union(*map(hierarchy.ancestors, s)) for s in sets]
    y = MultiLabelBinarizer(classes=hierarchy.nodes).fit_transform(closed)
    return rng.normal(size=y.shape) + y, sets, y


def objects(sets):
    out = np.empty(len(sets), dtype=object)
    out[:] = sets
    return out


FORMS = {
    "lists": list,
    "tuples": lambda sets: [tuple(s) for s in sets],
    "frozensets": lambda sets: [frozenset(s) for s in sets],
    "object array": objects,
    "series": pd.Series,
    "first paths": lambda sets: [s[:1] for s in sets],
}


@pytest.mark.parametrize("hierarchy", [TREE, NUMBERS], ids=["paths", "numbers"])
@pytest.mark.parametrize("form", FORMS)
def test_scorers_of_label_sets_equal_those_of_their_indicator(form, hierarchy):
    X, sets, y = make_sets(hierarchy)
    if form == "first paths":  # a rectangular list, which numpy would take for a table
        y = hierarchy.indicator_matrix([s[:1] for s in sets]).toarray()
    stub = Stub().fit(X, y)
    weight = np.arange(len(X)) % 3
    given = FORMS[form](sets)
    scorers = pickle.loads(pickle.dumps(hierarchy_scorers(hierarchy)))
    assert len(scorers) == 16
    for scorer in scorers.values():
        expected = scorer(stub, X, y)
        assert scorer(stub, X, given) == expected
        weighted = scorer(stub, X, given, sample_weight=weight)
        assert weighted == scorer(stub, X, y, sample_weight=weight) != expected
    proba = stub.predict_proba(X)
    pd.testing.assert_frame_equal(
        hierarchy_report(given, proba, hierarchy).to_frame(),
        hierarchy_report(y, proba, hierarchy).to_frame(),
    )


def test_scorer_of_strings_reads_them_as_label_sets():
    X, sets, _ = make_sets()
    names = [s[0] for s in sets]
    y = TREE.indicator_matrix(names).toarray()
    scorer = hierarchy_scorers(TREE)["gap_level_1"]
    stub = Stub().fit(X, y)
    for given in (names, np.array(names), np.array(names)[:, None], np.array(names, dtype=object)):
        assert scorer(stub, X, given) == scorer(stub, X, y)


def test_report_of_one_label_set_equals_that_of_its_indicator():
    y_score = np.linspace(0.9, 0.1, len(TREE))[None]
    for label in TREE.nodes:
        expected = hierarchy_report(TREE.indicator_matrix([[label]]), y_score, TREE).to_dict()
        got = hierarchy_report([[label]], y_score, TREE).to_dict()
        np.testing.assert_equal(got, expected)


def test_scorer_of_lists_of_the_right_length_reads_an_indicator():
    X, _, y = make_sets(LabelHierarchy({i: [] for i in range(5)}))
    scorer = hierarchy_scorers(LabelHierarchy({i: [] for i in range(5)}))["gap"]
    stub = Stub().fit(X, y)
    assert scorer(stub, X, y.tolist()) == scorer(stub, X, y)
    assert scorer(stub, X, [[0, 1, 1]] * len(X)) == scorer(stub, X, [[1, 0]] * len(X))


@pytest.mark.parametrize("name", ["gap", "perr_level_1"])
def test_scorer_of_wrong_label_sets_raises(name):
    X, sets, y = make_sets()
    stub = Stub().fit(X, y)
    scorer = hierarchy_scorers(TREE)[name]
    with pytest.raises(ValueError, match=r"y_true holds label sets, .* LabelHierarchy itself"):
        hierarchy_scorers(TREE.levels)[name](stub, X, sets)
    with pytest.raises(ValueError, match="sample 1 has the label 'A:x', which is not a node"):
        scorer(stub, X[:2], [["A"], ["A:x"]])
    fewer = Stub().fit(X[:, :3], y[:, :3])
    with pytest.raises(
        ValueError,
        match=r"has 3 labels, but hierarchy has 5.*HierarchyLabelBinarizer\(hierarchy=\.\.\.\)",
    ):
        scorer(fewer, X[:, :3], sets)


@pytest.mark.parametrize(("scorer", "score"), PAIRS)
@pytest.mark.parametrize("form", FORMS)
def test_score_of_label_sets_raises_with_a_hint(scorer, score, form):
    X, sets, y = make_sets()
    given = FORMS[form](sets)
    stub = Stub().fit(X, y)
    for call in (lambda: scorer(stub, X, given), lambda: score(given, stub.predict_proba(X))):
        with pytest.raises(ValueError, match=r"got label sets; .* hierarchy_scorers"):
            call()


def test_cross_validate_with_all_scorers_predicts_once():
    X, y = make()
    result = cross_validate(
        Stub(), X, y, scoring=hierarchy_scorers(LEVELS), cv=3, return_estimator=True
    )
    assert [stub.calls_ for stub in result["estimator"]] == [1, 1, 1]
    assert len([name for name in result if name.startswith("test_")]) == 12


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_grid_search_with_scorers_finds_the_best(n_jobs):
    X, y = make()
    search = GridSearchCV(
        Stub(),
        {"slope": [0.0, 1.0]},
        scoring=hierarchy_scorers(LEVELS),
        refit="gap",
        cv=3,
        n_jobs=n_jobs,
    ).fit(X, y)
    assert search.best_params_ == {"slope": 1.0}
    assert search.best_score_ == search.cv_results_["mean_test_gap"].max()
    for name in hierarchy_scorers(LEVELS):
        assert np.isfinite(search.cv_results_[f"mean_test_{name}"]).all()
    alone = GridSearchCV(Stub(), {"slope": [0.0, 1.0]}, scoring=gap_scorer, cv=3).fit(X, y)
    assert alone.best_score_ == pytest.approx(search.best_score_)


@pytest.mark.parametrize("rows", ["truth", "either", "all"])
def test_scorer_of_a_level_without_positives_is_nan_and_warns_once(rows):
    X, y = make()
    y[:, 2:] = 0
    stub = Stub().fit(X, y)
    scorers = hierarchy_scorers(LEVELS, rows=rows)
    with pytest.warns(UserWarning, match="Level 1 has 0 positives among the 60 videos"):
        assert np.isnan(scorers["gap_level_1"](stub, X, y))
    for name in ("gap", "map", "perr", "hit_at_1"):  # without another warning
        assert np.isnan(scorers[f"{name}_level_1"](stub, X, y))
        assert np.isfinite(scorers[f"{name}_level_0"](stub, X, y))
    nothing = hierarchy_scorers(LEVELS)
    with pytest.warns(UserWarning, match="All labels have 0 positives among the 60 videos"):
        assert np.isnan(nothing["gap"](stub, X, np.zeros_like(y)))


@pytest.mark.parametrize(("scorer", "score"), PAIRS)
def test_plain_scorer_without_positives_is_nan_and_warns(scorer, score):
    X, y = make()
    stub = Stub().fit(X, y)
    with pytest.warns(UserWarning, match="All labels have 0 positives among the 60") as caught:
        assert np.isnan(scorer(stub, X, np.zeros_like(y)))
    assert len(caught) == 1


def test_search_with_a_fold_without_positives_warns_once_and_scores_the_others():
    X, y = make(n_videos=90)
    y[:30, 2:] = 0  # the first fold has no label of level 1

    def best_mean(results):
        folds = [results[f"split{i}_test_map_level_1"] for i in range(3)]
        assert np.isnan(folds[0]).all()
        return int(np.nanmean(folds, axis=0).argmax())

    search = GridSearchCV(
        Stub(), {"slope": [0.2, 0.9]}, scoring=hierarchy_scorers(LEVELS), refit=best_mean, cv=3
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")  # scikit-learn warns of means that are NaN
        search.fit(X, y)
    texts = [str(each.message) for each in caught if "positives" in str(each.message)]
    assert [text.partition(" that")[0] for text in texts] == [
        "Level 1 has 0 positives among the 30 videos"
    ]
    means = {}
    for slope in (0.2, 0.9):
        stub = Stub(slope).fit(X, y)
        rows = [slice(30, 60), slice(60, 90)]
        scores = [hierarchy_report(y[r], stub.predict_proba(X[r]), LEVELS).map[2] for r in rows]
        means[slope] = np.mean(scores)
    assert search.best_params_ == {"slope": max(means, key=means.get)}


def test_scorer_with_wrong_number_of_levels_raises():
    X, y = make(3)
    with pytest.raises(ValueError, match="got 4 nodes for 3 labels"):
        hierarchy_scorers(LEVELS)["gap_level_0"](Stub().fit(X, y), X, y)
