"""The scorers in scikit-learn's own tools."""

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neural_network import MLPClassifier

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
def test_scorers_alone(scorer, score, n_labels):
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
def test_estimators_of_scikit_learn(estimator, n_labels):
    X, y = make(n_labels)
    estimator.fit(X, y)
    proba = estimator.predict_proba(X)
    if isinstance(proba, list):
        proba = np.stack([column[:, 1] for column in proba], axis=1)
    for scorer, score in PAIRS:
        assert scorer(estimator, X, y) == score(y, proba)


@pytest.mark.parametrize("rows", ["either", "truth", "all"])
@pytest.mark.parametrize("top_k", [1, 20])
def test_hierarchy_scorers_are_the_report(rows, top_k):
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


def test_names_follow_the_levels_that_exist():
    names = hierarchy_scorers(np.array([3, 0]))
    assert set(names) == {
        f"{score}{suffix}"
        for score in ("gap", "map", "perr", "hit_at_1")
        for suffix in ("", "_level_0", "_level_3")
    }


def test_only_the_levels_are_kept_of_a_hierarchy():
    class Unpicklable:
        levels = np.array(LEVELS)

        def __reduce__(self):
            raise TypeError

    X, y = make()
    stub = Stub().fit(X, y)
    for name, scorer in pickle.loads(pickle.dumps(hierarchy_scorers(Unpicklable()))).items():
        assert scorer(stub, X, y) == hierarchy_scorers(LEVELS)[name](stub, X, y)


def test_one_predict_proba_serves_all():
    X, y = make()
    result = cross_validate(
        Stub(), X, y, scoring=hierarchy_scorers(LEVELS), cv=3, return_estimator=True
    )
    assert [stub.calls_ for stub in result["estimator"]] == [1, 1, 1]
    assert len([name for name in result if name.startswith("test_")]) == 12


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_grid_search(n_jobs):
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


def test_no_video_at_a_level_is_nan():
    X, y = make()
    y[:, 2:] = 0
    stub = Stub().fit(X, y)
    scorers = hierarchy_scorers(LEVELS, rows="truth")
    for name in ("gap", "map", "perr", "hit_at_1"):
        assert np.isnan(scorers[f"{name}_level_1"](stub, X, y))
        assert np.isfinite(scorers[f"{name}_level_0"](stub, X, y))


def test_levels_must_fit_the_labels():
    X, y = make(3)
    with pytest.raises(ValueError, match="got 4 nodes for 3 labels"):
        hierarchy_scorers(LEVELS)["gap_level_0"](Stub().fit(X, y), X, y)
