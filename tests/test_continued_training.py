"""Continued training: warm start and `partial_fit`, as MLPClassifier has them."""

import copy
import pickle

import numpy as np
import pytest
import torch
from estimator_cases import (
    make_classifier,
    make_labels,
    make_tower,
    make_videos,
    make_y,
    recording_tower,
)
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import shuffle

from sk_crossmodal.modules import FUSIONS

X, Y = make_videos().data, make_y("multilabel")
CLASSES = make_y("classes")
FOOD_OR_MUSIC = np.flatnonzero(CLASSES != "Transport")


def weights(classifier):
    return {name: w.numpy().copy() for name, w in classifier.module_.state_dict().items()}


def same(first, second):
    return all(np.array_equal(first[name], second[name]) for name in first)


# warm_start -------------------------------------------------------------------------------


@pytest.mark.parametrize("fusion", FUSIONS)
def test_warm_start_continues_training(fusion):
    tower = recording_tower()
    classifier = make_classifier(
        fusion=fusion, correlation_tower=tower, warm_start=True, max_epochs=5, lr=5e-3
    )
    first = classifier.fit(X, Y).loss_curve_
    tower_before, first_module = classifier.correlation_tower_, classifier.module_
    classifier.fit(X, Y)
    assert classifier.n_iter_ == 10
    assert classifier.loss_curve_[:5] == first
    assert classifier.loss_curve_[5] < first[1]
    assert [row["epoch"] for row in classifier.history_] == list(range(1, 11))
    assert classifier.correlation_tower_ is tower_before
    assert len(tower.fits) == (tower_before is not None)
    assert classifier.module_ is not first_module


def test_warm_start_with_tiny_learning_rate_keeps_the_weights():
    """With a tiny learning rate the network is nearly unchanged."""
    classifier = make_classifier(fusion="late", warm_start=True).fit(X, Y)
    before = weights(classifier)
    after = weights(classifier.set_params(lr=1e-30).fit(X, Y))
    assert same(before, after)
    scaled = weights(clone(classifier).set_params(lr=1e-30).fit(X, Y))
    assert not same(before, scaled)


def test_fit_without_warm_start_starts_from_scratch():
    classifier = make_classifier(fusion="late").fit(X, Y)
    before, losses = weights(classifier), classifier.loss_curve_
    classifier.fit(X, Y)
    assert same(before, weights(classifier))
    assert classifier.loss_curve_ == losses


def test_warm_start_scales_frames_as_the_first_fit_did():
    classifier = make_classifier(fusion="late", warm_start=True).fit(X, Y)
    before = classifier.predict_proba(X)
    classifier.set_params(lr=1e-30).fit(X[:20], Y[:20])
    np.testing.assert_array_equal(classifier.predict_proba(X), before)


@pytest.mark.parametrize(
    ("change", "data", "match"),
    [
        ({}, (X, CLASSES), "must have the classes of the fit before"),
        ({}, (X, Y[:, :5]), "must have the classes of the fit before"),
        ({}, (X.select(["video"]), Y), "features, but .* is expecting"),
        ({"d_model": 32}, (X, Y), "that change the network's shape must stay the same"),
        (
            {"cross_modal_layer_sizes": (5,)},
            (X, Y),
            "that change the network's shape must stay the same",
        ),
        (
            {"correlation_features": "embedding"},
            (X, Y),
            "that change the network's shape must stay the same",
        ),
    ],
)
def test_warm_start_with_other_data_is_refused_and_keeps_the_fit(change, data, match):
    classifier = make_classifier(correlation_tower=make_tower(), warm_start=True).fit(X, Y)
    before = classifier.predict_proba(X)
    with pytest.raises(ValueError, match=match):
        classifier.set_params(**change).fit(*data)
    np.testing.assert_array_equal(classifier.predict_proba(X), before)
    assert classifier.n_iter_ == 2


# partial_fit ------------------------------------------------------------------------------


@pytest.mark.parametrize("fusion", FUSIONS)
def test_partial_fit_learns(fusion):
    """On all videos it learns about as fast as fit, and can be repeated."""
    tower = FrozenEstimator(make_tower().fit(X, Y))
    settings = {"fusion": fusion, "correlation_tower": tower, "lr": 5e-3, "dropout": 0.0}
    classifier, again = make_classifier(**settings), make_classifier(**settings)
    for _ in range(6):
        assert classifier.partial_fit(X, Y) is classifier
        again.partial_fit(X, Y)
    whole = make_classifier(**settings, max_epochs=6, lr_schedule=None).fit(X, Y)
    assert classifier.n_iter_ == 6
    assert classifier.loss_curve_[-1] < classifier.loss_curve_[0]
    np.testing.assert_allclose(classifier.loss_curve_, whole.loss_curve_, rtol=0.2)
    np.testing.assert_array_equal(classifier.predict_proba(X), again.predict_proba(X))


def test_partial_fit_keeps_the_state_of_adam():
    """With one batch per epoch and no dropout, partial fits equal one fit."""
    settings = {"fusion": "late", "dropout": 0.0, "batch_size": 100, "precision": "float64"}
    whole = make_classifier(**settings, max_epochs=5, lr_schedule=None).fit(X, Y)
    parts = make_classifier(**settings, lr_schedule=None)
    for _ in range(5):
        parts.partial_fit(X, Y)
    np.testing.assert_allclose(parts.predict_proba(X), whole.predict_proba(X), rtol=1e-9)
    warm = make_classifier(**settings, warm_start=True, max_epochs=1, lr_schedule=None)
    for _ in range(5):
        warm.fit(X, Y)
    assert np.abs(warm.predict_proba(X) - whole.predict_proba(X)).max() > 1e-6


def test_partial_fit_continues_a_fit_and_a_pickle():
    classifier = make_classifier(fusion="late", lr_schedule="cosine").fit(X, Y)
    other = pickle.loads(pickle.dumps(classifier))
    before = weights(classifier)
    for each in (classifier, other):
        each.partial_fit(X, Y)
        assert each.n_iter_ == 3
    assert same(weights(classifier), weights(other))
    assert not same(weights(classifier), before)  # though a cosine had ended at 0


def test_partial_fit_learns_from_each_chunk():
    """Classes of the second chunk alone are learned."""
    order = np.argsort(CLASSES, kind="stable")
    first, second = order[:24], order[24:]
    classifier = make_classifier(fusion="late", lr=3e-3, d_model=32)
    classes = np.unique(CLASSES)
    assert set(CLASSES[first]) < set(classes)
    for seed in range(60):
        for rows in shuffle([first, second], random_state=seed):
            classifier.partial_fit(X[rows], CLASSES[rows], classes=classes)
    np.testing.assert_array_equal(classifier.classes_, classes)
    assert classifier.score(X, CLASSES) > 0.9


def test_partial_fit_accepts_positional_modalities_weights_and_longer_videos():
    video, audio = ([X[i][name] for i in range(48)] for name in X.modality_names)
    short = [frames[:2] for frames in video], [frames[:2] for frames in audio]
    classifier = make_classifier(fusion="cross_modal", max_frames=30)
    weight = np.ones(48)
    classifier.partial_fit(*short, Y, sample_weight=weight).partial_fit(video, audio, Y)
    other = make_classifier(fusion="cross_modal", max_frames=30)
    other.partial_fit(*short, Y).partial_fit(X, Y, sample_weight=weight)
    np.testing.assert_allclose(classifier.predict_proba(X), other.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize(
    ("params", "calls", "match"),
    [
        ({"early_stopping": True}, [(X, Y)], "early_stopping cannot be True"),
        (
            {"class_weight": "balanced"},
            [(X, Y)],
            "class_weight must be a dict in partial_fit, got 'balanced'",
        ),
        ({}, [(X, Y), (X, CLASSES)], "y must be an indicator of .* labels, got classes"),
        ({}, [(X, Y), (X, Y[:, :4])], "y must be an indicator of .* labels, got shape"),
        ({}, [(X, Y), (X.select(["audio"]), Y)], "features, but .* is expecting"),
        ({}, [(X[FOOD_OR_MUSIC], CLASSES[FOOD_OR_MUSIC]), (X, CLASSES)], "y must be a vector of"),
    ],
)
def test_partial_fit_with_other_data_is_refused(params, calls, match):
    classifier = make_classifier(fusion="late", **params)
    *before, last = calls
    for call in before:
        classifier.partial_fit(*call)
    with pytest.raises(ValueError, match=match):
        classifier.partial_fit(*last)
    assert getattr(classifier, "n_iter_", 0) == len(before)


@pytest.mark.parametrize("y", [CLASSES, Y])
def test_partial_fit_with_other_classes_is_refused(y):
    classifier = make_classifier(fusion="late").partial_fit(X, y)
    with pytest.raises(ValueError, match="classes must be as before"):
        classifier.partial_fit(X, y, classes=["zzz"])
    right = np.unique(y) if y.ndim == 1 else np.arange(y.shape[1])
    assert classifier.partial_fit(X, y, classes=right).n_iter_ == 2


@pytest.mark.parametrize("method", ["partial_fit", "fit"])
@pytest.mark.parametrize("family", ["transformer", "netvlad"])
def test_continued_fit_with_another_order_of_modalities_is_the_same(family, method):
    params = {"n_clusters": {"video": 5, "audio": 3}} if family == "netvlad" else {}
    there, back = (make_classifier(family, fusion="late", warm_start=True, **params) for _ in "ab")
    turned = X.select(["audio", "video"])
    for classifier, again in ((there, X), (back, turned)):
        classifier.fit(X, Y)
        getattr(classifier, method)(again, Y)
    assert back.modality_names_in_ == ("video", "audio")
    for name, pair in there.attention_weights(X).items():
        np.testing.assert_array_equal(back.attention_weights(X)[name].after, pair.after)
    np.testing.assert_array_equal(back.predict_proba(X), there.predict_proba(X))


def test_partial_fit_leaves_an_earlier_copy_unchanged():
    classifier, other = (make_classifier(fusion="late").partial_fit(X, Y) for _ in "ab")
    copy.copy(classifier).partial_fit(X, Y)
    for each in (classifier, other):
        each.partial_fit(X, Y)
    np.testing.assert_array_equal(classifier.predict_proba(X), other.predict_proba(X))


def test_partial_fit_with_another_optimizer():
    classifier = make_classifier(fusion="late").partial_fit(X, Y)
    classifier.set_params(net_params={"optimizer": torch.optim.RMSprop}).partial_fit(X, Y)
    assert classifier.n_iter_ == 2


def test_warm_start_with_a_fusion_without_tower_drops_the_tower():
    classifier = make_classifier(fusion="cross_modal_gated", warm_start=True)
    classifier.set_params(correlation_tower=make_tower()).fit(X, Y)
    assert classifier.set_params(fusion="cross_modal").fit(X, Y).correlation_tower_ is None


def test_validation_scores_without_held_out_videos_are_nan():
    classifier = make_classifier(fusion="late", warm_start=True)
    for eval_set in ((X, Y), None, (X, Y)):
        classifier.fit(X, Y, eval_set=eval_set)
    np.testing.assert_array_equal(np.isnan(classifier.validation_scores_), [0, 0, 1, 1, 0, 0])


def test_partial_fit_with_classes_that_lack_some_of_y_is_refused():
    with pytest.raises(ValueError, match="y must be a vector of the classes"):
        make_classifier(fusion="late").partial_fit(X, CLASSES, classes=np.unique(CLASSES)[1:])


def test_partial_fit_with_wrong_hierarchy_is_refused():
    with pytest.raises(ValueError, match="hierarchy"):
        make_classifier(fusion="late", hierarchy=make_labels()[0].hierarchy_).partial_fit(
            X, Y[:, :3]
        )
