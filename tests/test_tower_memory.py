"""`memory=`: fitted towers are cached by their parameters and training data."""

import numpy as np
import pytest
from estimator_cases import (
    Interrupt,
    RecordingTower,
    from_rows,
    make_classifier,
    make_tower,
    make_y,
    numbered_videos,
    recording_tower,
    rows_of,
)
from joblib import Memory
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

X, Y = numbered_videos(), make_y("multilabel")


def gated(memory, **params):
    params = {"correlation_tower": recording_tower(), "fusion": "cross_modal_gated", **params}
    return make_classifier(**params, memory=memory, max_epochs=1)


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "towers")


def test_search_trains_the_tower_of_each_fold_once(folder):
    grid = {"lr": [1e-3, 1e-2], "gate": ["hard", "soft"], "cross_modal_layer_sizes": [(3,), (5,)]}
    plain = GridSearchCV(gated(None), grid, cv=3, return_train_score=True).fit(X, Y)
    assert len(RecordingTower.fits) == 3 * 8 + 1
    kept = GridSearchCV(gated(folder), grid, cv=3, return_train_score=True).fit(X, Y)
    rows = RecordingTower.fits
    assert len(rows) == 3 + 1
    assert rows[-1] == list(range(48))
    for name in ("mean_test_score", "mean_train_score"):
        np.testing.assert_array_equal(kept.cv_results_[name], plain.cv_results_[name])


def test_cached_tower_is_the_same(folder):
    classifier = gated(folder, fusion="cross_modal_concat").fit(X, Y)
    again = clone(classifier).fit(X, Y)
    assert len(RecordingTower.fits) == 1
    assert again.correlation_tower_ is not classifier.correlation_tower_
    np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))
    plain = clone(classifier).set_params(memory=None).fit(X, Y)
    np.testing.assert_array_equal(plain.predict_proba(X), classifier.predict_proba(X))


def changed_frame():
    video = rows_of(X, "video")
    video[7][0, 1] += 1e-3
    return from_rows(video=video, audio=rows_of(X, "audio"))


OTHER_Y = np.array(Y)
OTHER_Y[0] = 1 - OTHER_Y[0]


@pytest.mark.parametrize(
    ("params", "data", "weight"),
    [
        ({"correlation_tower__lr": 1e-4}, (X, Y), None),
        ({"correlation_tower__random_state": 1}, (X, Y), None),
        ({}, (X[1:], Y[1:]), None),
        ({}, (X[::-1], Y), None),
        ({}, (X, OTHER_Y), None),
        ({}, (X, Y), np.linspace(1, 2, 48)),
        ({}, (changed_frame(), Y), None),
    ],
    ids=["parameter", "seed", "rows", "order", "labels", "weights", "a frame"],
)
def test_tower_with_other_inputs_is_trained_again(folder, params, data, weight):
    classifier = gated(folder).fit(X, Y)
    clone(classifier).set_params(**params).fit(*data, sample_weight=weight)
    assert len(RecordingTower.fits) == 2


@pytest.mark.parametrize(
    "params", [{"lr": 1e-4}, {"d_model": 8}, {"gate": "soft"}, {"cross_modal_combine": "multiply"}]
)
def test_tower_with_the_same_inputs_is_found(folder, params):
    classifier = gated(folder).fit(X, Y)
    # The same videos in another container.
    elsewhere = from_rows(**{name: rows_of(X, name) for name in X.modality_names})
    clone(classifier).set_params(**params).fit(elsewhere, Y)
    assert len(RecordingTower.fits) == 1


def test_joblib_memory_is_accepted(folder):
    classifier = gated(Memory(folder, verbose=0)).fit(X, Y)
    clone(classifier).fit(X, Y)
    assert len(RecordingTower.fits) == 1


def test_interrupted_tower_is_not_cached(folder):
    tower = recording_tower(max_epochs=3, callbacks=[Interrupt(epoch=1)])
    classifier = gated(folder, correlation_tower=tower)
    for _ in range(2):
        with pytest.warns(UserWarning, match="interrupted after 1 epochs"):
            classifier.fit(X, Y)
        assert classifier.correlation_tower_.n_iter_ == 1
    assert len(RecordingTower.fits) == 2


def test_search_with_two_jobs_uses_one_cache(folder):
    classifier = make_classifier(
        fusion="cross_modal_gated", correlation_tower=make_tower(), memory=folder
    )
    grid = {"lr": [1e-3, 1e-2]}
    parallel = GridSearchCV(classifier, grid, cv=2, n_jobs=2).fit(X, Y)
    serial = GridSearchCV(clone(classifier).set_params(memory=None), grid, cv=2).fit(X, Y)
    scores = [search.cv_results_["mean_test_score"] for search in (parallel, serial)]
    np.testing.assert_allclose(*scores)


def test_wrong_memory_is_refused():
    with pytest.raises(TypeError, match="memory must be the path of a folder"):
        gated(3).fit(X, Y)


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(0)])
def test_tower_without_seed_is_not_cached(folder, random_state):
    tower = recording_tower(random_state=random_state)
    classifier = gated(folder, correlation_tower=tower, random_state=random_state)
    for _ in range(2):
        with pytest.warns(
            UserWarning, match="memory keeps no tower without an int as random_state"
        ):
            classifier.fit(X, Y)
    assert len(RecordingTower.fits) == 2
