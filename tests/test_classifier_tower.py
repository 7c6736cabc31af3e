"""The correlation tower of a classifier, and its output as input of the network."""

import pickle

import numpy as np
import pytest
import torch
from estimator_cases import (
    TOWER,
    WITH_TOWER,
    WITHOUT_TOWER,
    Recorder,
    RecordingTower,
    fitted,
    fitted_tower,
    make_classifier,
    make_labels,
    make_tower,
    make_videos,
    make_y,
    numbered_videos,
    numbers_of,
    recording_tower,
)
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_validate

from sk_crossmodal import CorrelationTower
from sk_crossmodal.modules import TransformerEncoder

X = make_videos().data
Y = make_y("classes")
with_tower = pytest.mark.parametrize("fusion", WITH_TOWER)


def new_tower(**params):
    """A newly fitted tower, which a test may change."""
    return make_tower(**params).fit(X, Y)


def weights_of(tower):
    return {name: value.clone() for name, value in tower.module_.state_dict().items()}


@with_tower
def test_default_tower_has_the_encoder_and_size_of_the_classifier(fusion):
    tower = fitted(fusion).correlation_tower_
    assert isinstance(tower, CorrelationTower)
    assert tower.encoder is TransformerEncoder
    assert tower.encoder_params["d_model"] == 16
    assert (tower.lr, tower.max_epochs, tower.batch_size) == (1e-3, 2, 16)
    assert make_classifier(fusion=fusion).fit(X, Y).correlation_tower is None


@pytest.mark.parametrize("fusion", WITHOUT_TOWER)
def test_fusions_without_tower(fusion):
    recorder = recording_tower()
    classifier = make_classifier(fusion=fusion, correlation_tower=recorder)
    classifier.fit(numbered_videos(), Y)
    assert classifier.correlation_tower_ is None
    assert RecordingTower.fits == []


@with_tower
def test_unfitted_tower_is_cloned(fusion):
    tower = recording_tower()
    classifier = make_classifier(fusion=fusion, correlation_tower=tower)
    classifier.fit(numbered_videos(), Y)
    assert classifier.correlation_tower is tower
    assert not hasattr(tower, "net_")
    assert tower.hierarchy is None
    assert isinstance(classifier.correlation_tower_, RecordingTower)
    assert RecordingTower.fits == [list(range(48))]


def test_unfitted_tower_gets_hierarchy_and_seed():
    hierarchy = make_labels()[0].hierarchy_
    classifier = make_classifier(
        correlation_tower=make_tower(random_state=None), hierarchy=hierarchy
    )
    classifier.fit(X, make_y("multilabel"))
    assert classifier.correlation_tower_.hierarchy is hierarchy
    again = clone(classifier).fit(X, make_y("multilabel"))
    assert again.predict_proba(X).tobytes() == classifier.predict_proba(X).tobytes()


@with_tower
def test_tower_trained_inside_fit_equals_one_fitted_before(fusion):
    inside = make_classifier(fusion=fusion, correlation_tower=make_tower()).fit(X, Y)
    before = make_classifier(fusion=fusion, correlation_tower=FrozenEstimator(new_tower()))
    assert before.fit(X, Y).predict_proba(X).tobytes() == inside.predict_proba(X).tobytes()


@with_tower
def test_frozen_tower_is_used_as_it_is(fusion):
    tower = new_tower()
    weights, frozen = weights_of(tower), FrozenEstimator(tower)
    classifier = make_classifier(fusion=fusion, correlation_tower=frozen, max_epochs=4).fit(X, Y)
    assert classifier.correlation_tower_ is tower
    assert classifier.correlation_tower is frozen
    assert clone(classifier).correlation_tower.estimator is tower
    for name, value in weights_of(tower).items():
        assert torch.equal(value, weights[name]), name
    again = pickle.loads(pickle.dumps(classifier))
    assert again.predict_proba(X).tobytes() == classifier.predict_proba(X).tobytes()


def test_frozen_tower_survives_a_search():
    numbered, tower = numbered_videos(), recording_tower()
    tower.fit(numbered, Y)
    weights = weights_of(tower)
    search = GridSearchCV(
        make_classifier(correlation_tower=FrozenEstimator(tower), max_epochs=1),
        {"fusion": WITH_TOWER},
        cv=3,
        error_score="raise",
    ).fit(numbered, Y)
    assert len(RecordingTower.fits) == 1
    assert search.best_estimator_.correlation_tower_ is tower
    assert all(torch.equal(value, weights[name]) for name, value in weights_of(tower).items())


def test_unfitted_tower_in_a_search_sees_only_each_folds_training_rows():
    cv = KFold(3, shuffle=True, random_state=0)
    search = GridSearchCV(
        make_classifier(correlation_tower=recording_tower(), max_epochs=1),
        {"correlation_tower__negative_weight": [1.0]},
        cv=cv,
        error_score="raise",
    ).fit(numbered_videos(), Y)
    expected = [train.tolist() for train, _ in cv.split(Y)] + [list(range(48))]
    assert RecordingTower.fits == expected
    assert search.best_estimator_.correlation_tower_.negative_weight == 1.0


def test_tower_in_cross_validation():
    cv = KFold(4)
    cross_validate(
        make_classifier(correlation_tower=recording_tower(), max_epochs=1),
        numbered_videos(),
        Y,
        cv=cv,
        error_score="raise",
    )
    assert RecordingTower.fits == [train.tolist() for train, _ in cv.split(Y)]


def test_tower_does_not_see_videos_held_out():
    recorder = Recorder()
    make_classifier(
        correlation_tower=recording_tower(),
        early_stopping=True,
        validation_fraction=0.25,
        callbacks=[recorder],
    ).fit(numbered_videos(), Y)
    (rows,) = RecordingTower.fits
    assert len(rows) == 36
    assert rows == numbers_of(recorder.train_.X)
    assert not set(rows) & set(numbers_of(recorder.valid_.X))


def test_tower_does_not_see_videos_of_no_weight():
    weight = np.arange(48) % 2
    make_classifier(correlation_tower=recording_tower()).fit(
        numbered_videos(), Y, sample_weight=weight
    )
    assert RecordingTower.fits == [list(range(1, 48, 2))]


@pytest.mark.parametrize(
    "other",
    [
        lambda: X.select(["audio", "video"]),
        lambda: X.select(["video", "audio"])[:, ...],
    ],
    ids=["order", "same"],
)
def test_frozen_tower_with_another_order_of_modalities_is_refused(other):
    tower = FrozenEstimator(make_tower().fit(other(), Y))
    classifier = make_classifier(correlation_tower=tower)
    if other().modality_names == X.modality_names:
        classifier.fit(X, Y)
    else:
        with pytest.raises(ValueError, match="correlation_tower was fitted on"):
            classifier.fit(X, Y)


@pytest.mark.parametrize(
    ("tower", "error", "message"),
    [
        ("mean", TypeError, "correlation_tower must be"),
        (make_classifier(), TypeError, "correlation_tower must be"),
        (FrozenEstimator(make_classifier()), TypeError, "correlation_tower must be"),
        (FrozenEstimator(make_tower()), NotFittedError, "not fitted"),
    ],
    ids=["str", "classifier", "frozen classifier", "frozen unfitted tower"],
)
@with_tower
def test_wrong_correlation_tower_is_refused(fusion, tower, error, message):
    with pytest.raises(error, match=message):
        make_classifier(fusion=fusion, correlation_tower=tower).fit(X, Y)


@pytest.mark.parametrize(
    "make",
    [lambda: fitted("late"), lambda: LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])],
    ids=["classifier", "linear"],
)
def test_frozen_estimator_that_is_not_a_tower_is_refused(make):
    with pytest.raises(TypeError, match="correlation_tower must be"):
        make_classifier(correlation_tower=FrozenEstimator(make())).fit(X, Y)


# Input of the network ---------------------------------------------------------------------------


class FixedTower(CorrelationTower):
    """A tower that predicts the probability p for every video."""

    p = 0.5

    def predict_proba(self, X, *more):
        return np.full((len(X), 1), self.p, np.float32)


def with_probability(tower, p):
    tower.p = p
    return tower


def logits_by_probability(probabilities, **params):
    """Outputs of one classifier for several probabilities of its tower."""
    tower = FixedTower(**TOWER).fit(X, Y)
    classifier = make_classifier(
        correlation_tower=FrozenEstimator(with_probability(tower, 0.9)),
        lr=1e-2,
        max_epochs=4,
        **params,
    ).fit(X, Y)
    out = {}
    for p in probabilities:
        with_probability(classifier.correlation_tower_, p)
        out[p] = classifier.decision_function(X)
    return out


def test_hard_gate():
    logits = logits_by_probability([0.1, 0.5, 0.51, 0.9], fusion="cross_modal_gated", gate="hard")
    np.testing.assert_array_equal(logits[0.1], logits[0.5])
    np.testing.assert_array_equal(logits[0.51], logits[0.9])
    assert np.abs(logits[0.1] - logits[0.9]).max() > 1e-5


def test_soft_gate():
    logits = logits_by_probability([0.1, 0.4, 0.9], fusion="cross_modal_gated", gate="soft")
    assert np.abs(logits[0.1] - logits[0.4]).max() > 1e-6
    assert np.abs(logits[0.4] - logits[0.9]).max() > 1e-6


def test_gated_attention_with_low_probability_is_unchanged():
    tower = FixedTower(**TOWER).fit(X, Y)
    classifier = make_classifier(
        fusion="cross_modal_gated",
        correlation_tower=FrozenEstimator(with_probability(tower, 0.9)),
        lr=1e-2,
        max_epochs=4,
    ).fit(X, Y)
    moved = {}
    for p in (0.1, 0.9):
        with_probability(classifier.correlation_tower_, p)
        pair = classifier.attention_weights(X)["video"]
        moved[p] = np.abs(pair.after - pair.before).max()
    assert moved[0.1] < 1e-6 < 1e-4 < moved[0.9]


@pytest.mark.parametrize("influence", ["cross", "self", "none"])
def test_concatenation_with_other_probabilities_changes_the_logits(influence):
    probabilities = [0.1, 0.4, 0.9]
    logits = logits_by_probability(probabilities, fusion="cross_modal_concat", influence=influence)
    assert np.abs(logits[0.1] - logits[0.4]).max() > 1e-6
    assert np.abs(logits[0.4] - logits[0.9]).max() > 1e-6


@with_tower
def test_training_inputs_are_the_probabilities_of_the_tower(fusion):
    recorder, tower = Recorder(), new_tower()
    make_classifier(
        fusion=fusion, correlation_tower=FrozenEstimator(tower), callbacks=[recorder]
    ).fit(X, Y)
    given = recorder.train_.extra["correlation"]
    np.testing.assert_array_equal(given, tower.transform(X)[:, :, None])


def test_correlation_features_embedding_gives_embeddings_to_the_network():
    recorder, tower = Recorder(), new_tower()
    classifier = make_classifier(
        correlation_features="embedding",
        correlation_tower=FrozenEstimator(tower),
        callbacks=[recorder],
    ).fit(X, Y)
    np.testing.assert_array_equal(recorder.train_.extra["correlation"], tower.embed(X))
    p = classifier.predict_proba(X)
    assert p.shape == (48, 4)
    plain = make_classifier(correlation_tower=FrozenEstimator(tower)).fit(X, Y)
    assert np.abs(p - plain.predict_proba(X)).max() > 1e-5


def test_gated_fusion_with_embedding_uses_the_probability():
    one, other = (
        make_classifier(fusion="cross_modal_gated", correlation_features=features)
        for features in ("probability", "embedding")
    )
    np.testing.assert_array_equal(one.fit(X, Y).predict_proba(X), other.fit(X, Y).predict_proba(X))


@pytest.mark.parametrize("fusion", ["cross_modal", "cross_modal_gated", "cross_modal_concat"])
def test_influence_and_its_controls_give_different_classifiers(fusion):
    tower = FrozenEstimator(fitted_tower())
    p = {
        influence: make_classifier(fusion=fusion, influence=influence, correlation_tower=tower)
        .fit(X, Y)
        .predict_proba(X)
        for influence in ("cross", "self", "none")
    }
    for a, b in (("cross", "self"), ("self", "none"), ("cross", "none")):
        assert np.abs(p[a] - p[b]).max() > 1e-6, (a, b)


def test_attention_without_influence_is_unchanged():
    classifier = make_classifier(influence="none").fit(X, Y)
    for pair in classifier.attention_weights(X).values():
        np.testing.assert_array_equal(pair.before, pair.after)


def test_cross_modal_without_influence_is_late_fusion():
    none = make_classifier(fusion="cross_modal", influence="none").fit(X, Y)
    assert none.predict_proba(X).tobytes() == fitted("late").predict_proba(X).tobytes()


@pytest.mark.parametrize(
    "params",
    [{"cross_modal_combine": "multiply"}, {"cross_modal_layer_sizes": (4, 3)}, {"n_layers": 2}],
    ids=str,
)
def test_options_of_the_influence_change_the_model(params):
    p = make_classifier(fusion="cross_modal", **params).fit(X, Y).predict_proba(X)
    assert np.abs(p - fitted("cross_modal").predict_proba(X)).max() > 1e-6


def test_modality_dropout_is_for_training_only():
    classifier = make_classifier(fusion="late", modality_dropout=0.9).fit(X, Y)
    assert np.abs(classifier.predict_proba(X) - fitted("late").predict_proba(X)).max() > 1e-5
    np.testing.assert_array_equal(classifier.predict_proba(X), classifier.predict_proba(X))


@pytest.mark.parametrize("class_weight", ["even", {99: 1.0}, 3, {0: -1.0}])
def test_wrong_class_weight_is_refused_before_a_tower_is_trained(class_weight):
    tower = recording_tower()
    classifier = make_classifier(correlation_tower=tower, class_weight=class_weight)
    with pytest.raises((ValueError, TypeError), match="class_weight"):
        classifier.fit(make_videos().data, make_y("multilabel"))
    assert not RecordingTower.fits


def test_gated_fusion_without_influence_needs_no_tower():
    tower = recording_tower()
    params = {"fusion": "cross_modal_gated", "influence": "none", "correlation_tower": tower}
    classifier = make_classifier(**params).fit(make_videos().data, make_y("classes"))
    assert classifier.correlation_tower_ is None
    assert not RecordingTower.fits
    late = make_classifier(fusion="late").fit(make_videos().data, make_y("classes"))
    np.testing.assert_array_equal(
        classifier.predict_proba(make_videos().data), late.predict_proba(make_videos().data)
    )
