"""Validation videos that users give, and the scores on them."""

import numpy as np
import pytest
from estimator_cases import (
    FORMS,
    make_classifier,
    make_tower,
    make_videos,
    make_y,
    rows_of,
)
from sklearn import config_context
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

X = make_videos().data
X_VAL = make_videos(20, 1).data


def late(**params):
    return make_classifier(**{"fusion": "late", "lr": 1e-2, "d_model": 32, **params})


def labels(form):
    # Rows of other videos, so that validation differs from training.
    return make_y(form), make_y(form)[:20]


@pytest.mark.parametrize("form", FORMS)
def test_validation_score_is_that_of_the_restored_weights(form):
    y, y_val = labels(form)
    classifier = late(max_epochs=12).fit(X, y, eval_set=(X_VAL, y_val))
    best = int(np.argmin([row["valid_loss"] for row in classifier.history_]))
    assert len(classifier.validation_scores_) == classifier.n_iter_
    assert classifier.best_validation_score_ == classifier.validation_scores_[best]
    assert classifier.best_validation_score_ == pytest.approx(classifier.score(X_VAL, y_val))
    predicted = classifier.predict(X_VAL)
    assert classifier.best_validation_score_ == pytest.approx(accuracy_score(y_val, predicted))


def test_validation_loss_is_that_of_the_restored_weights():
    y, y_val = labels("classes")
    classifier = late(max_epochs=12).fit(X, y, eval_set=(X_VAL, y_val))
    probability = classifier.predict_proba(X_VAL)
    column = np.searchsorted(classifier.classes_, y_val)
    loss = -np.log(probability[np.arange(20), column]).mean()
    assert loss == pytest.approx(min(row["valid_loss"] for row in classifier.history_), rel=1e-5)


def test_fit_with_eval_set_trains_on_all_videos():
    """No training video is held out: the first step equals that without early stopping."""
    y, y_val = labels("multilabel")
    whole = late(early_stopping=False, max_epochs=1).fit(X, y)
    for early_stopping in ("auto", True, False):
        classifier = late(early_stopping=early_stopping, max_epochs=1)
        classifier.fit(X, y, eval_set=(X_VAL, y_val))
        np.testing.assert_array_equal(classifier.predict_proba(X), whole.predict_proba(X))


def test_eval_set_without_early_stopping_only_records_scores():
    y = make_y("classes")
    wrong = np.roll(np.unique(y), 1)[np.searchsorted(np.unique(y), y)]
    settings = {"max_epochs": 20, "lr_schedule": None}
    held_out = (X, wrong)  # the better it learns, the worse it does
    stopped = late(**settings).fit(X, y, eval_set=held_out)
    watched = late(**settings, early_stopping=False).fit(X, y, eval_set=held_out)
    assert stopped.n_iter_ < watched.n_iter_ == 20
    assert watched.best_validation_score_ is None
    assert watched.validation_scores_[: stopped.n_iter_] == stopped.validation_scores_
    assert watched.score(X, y) > stopped.score(X, y)


def test_fit_without_held_out_videos_has_no_validation_scores():
    classifier = late().fit(X, labels("classes")[0])
    assert classifier.validation_scores_ is None
    assert classifier.best_validation_score_ is None
    assert classifier.loss_curve_ == [row["train_loss"] for row in classifier.history_]


def test_weights_count_in_the_score():
    y = make_y("classes")
    weight = np.random.RandomState(0).rand(48)
    classifier = late(early_stopping=True, validation_fraction=0.5, max_epochs=3)
    classifier.fit(X, y, sample_weight=weight)
    held_out = np.sort(np.random.RandomState(classifier._seeds(1)[0]).permutation(48)[:24])
    score = classifier.score(X[held_out], y[held_out], sample_weight=weight[held_out])
    assert classifier.best_validation_score_ == pytest.approx(score, abs=1e-6)


def test_eval_set_with_another_order_of_modalities_is_the_same():
    y, y_val = labels("classes")
    given = late().fit(X, y, eval_set=(X_VAL.select(["audio", "video"]), y_val))
    expected = late().fit(X, y, eval_set=(X_VAL, y_val))
    assert same_curves(given, expected)


def test_eval_set_with_positional_modalities_is_the_same():
    y, y_val = labels("multilabel")
    parts = [[rows_of(array, name) for name in X.modality_names] for array in (X, X_VAL)]
    given = late().fit(*parts[0], y, eval_set=(*parts[1], y_val))
    expected = late().fit(X, y, eval_set=(X_VAL, y_val))
    np.testing.assert_array_equal(given.predict_proba(X), expected.predict_proba(X))
    assert given.history_[-1]["valid_loss"] == expected.history_[-1]["valid_loss"]


def test_tower_accepts_an_eval_set():
    y, y_val = labels("classes")
    tower = make_tower(max_epochs=8).fit(X, y, eval_set=(X_VAL, y_val))
    assert all("valid_loss" in row for row in tower.history_)
    assert tower.loss_curve_ == [row["train_loss"] for row in tower.history_]


@pytest.mark.parametrize("make", [make_tower, late])
@pytest.mark.parametrize(
    ("eval_set", "error", "match"),
    [
        (X_VAL, TypeError, "tuple"),
        ((X_VAL,), TypeError, "tuple"),
        ([(X_VAL, make_y("classes")[:20])] * 2, TypeError, "tuple"),
        ("validation", TypeError, "tuple"),
        ((X_VAL, make_y("classes")), ValueError, "inconsistent numbers of samples"),
        ((X_VAL, np.repeat("Sport", 20)), ValueError, "y of eval_set must be a vector"),
        ((X_VAL, make_y("multilabel")[:20]), ValueError, "y of eval_set must be a vector"),
        ((X_VAL.select(["audio"]), make_y("classes")[:20]), ValueError, "X of eval_set"),
        ((X_VAL, None), ValueError, "y"),
    ],
)
def test_wrong_eval_set_is_refused_before_training(make, eval_set, error, match):
    estimator = make()
    with pytest.raises(error, match=match):
        estimator.fit(X, make_y("classes"), eval_set=eval_set)
    assert not hasattr(estimator, "net_")


# Metadata routing -------------------------------------------------------------------------


def same_curves(first, second):
    return first.validation_scores_ == second.validation_scores_ and (
        first.loss_curve_ == second.loss_curve_
    )


def test_search_passes_eval_set_to_fit():
    y, held_out = make_y("classes"), (X_VAL, make_y("classes")[:20])
    search = GridSearchCV(late(), {"lr": [1e-3]}, cv=2).fit(X, y, eval_set=held_out)
    expected = late(lr=1e-3).fit(X, y, eval_set=held_out)
    assert same_curves(search.best_estimator_, expected)
    with config_context(enable_metadata_routing=True):
        routed = late().set_fit_request(eval_set=True, sample_weight=True)
        routed.set_score_request(sample_weight=False)
        search = GridSearchCV(routed, {"lr": [1e-3]}, cv=2)
        weight = np.random.RandomState(0).rand(48)
        search.fit(X, y, eval_set=held_out, sample_weight=weight)
        expected = late(lr=1e-3).fit(X, y, eval_set=held_out, sample_weight=weight)
        assert same_curves(search.best_estimator_, expected)
        pipeline = make_pipeline(FunctionTransformer(), routed)
        assert same_curves(
            pipeline.fit(X, y, eval_set=held_out, sample_weight=weight)[-1],
            late().fit(X, y, eval_set=held_out, sample_weight=weight),
        )


def test_weights_are_routed_to_fit_and_score():
    """A video of weight 0 in fit and score is as if it were not there."""
    y = make_y("classes")
    weight = np.ones(48)
    weight[::4] = 0
    kept = np.flatnonzero(weight)
    halves = [(np.arange(24), np.arange(24, 48)), (np.arange(24, 48), np.arange(24))]
    of_kept = [tuple(np.searchsorted(kept, np.intersect1d(h, kept)) for h in s) for s in halves]
    with config_context(enable_metadata_routing=True):
        routed = late().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        scores = cross_val_score(routed, X, y, cv=halves, params={"sample_weight": weight})
    expected = cross_val_score(late(), X[kept], y[kept], cv=of_kept)
    np.testing.assert_allclose(scores, expected)
    assert len(set(expected)) > 1 or 0 < expected[0] < 1
