"""Unusual but right forms of X, y and weights are taken, and mean what the plain ones mean."""

import numpy as np
import pytest
from estimator_cases import make_classifier, make_labels, make_tower
from scipy.sparse import csr_array
from sklearn.model_selection import GridSearchCV, KFold, PredefinedSplit, cross_validate

from sk_crossmodal.metrics import map_scorer

N = 24
# Whole numbers that float16 and uint8 have, too.
FRAMES = np.random.RandomState(0).randint(0, 9, size=(N, 5, 6)).astype(np.float32)
Y = np.arange(N) % 3
WEIGHT = np.arange(N) % 2 + 1.0


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def memory_map(array, path):
    mapped = np.memmap(path, array.dtype, "w+", shape=array.shape)
    mapped[:] = array
    return mapped


FORMS_OF_X = {
    "read-only": read_only,
    "Fortran order": np.asfortranarray,
    "every second of more": lambda x: np.repeat(x, 2, axis=0)[::2],
    "backwards twice": lambda x: x[:, :, ::-1].copy()[:, :, ::-1],
    "big-endian": lambda x: x.astype(">f4"),
    "big-endian float64": lambda x: x.astype(">f8"),
    "float64": lambda x: x.astype(np.float64),
    "float16": lambda x: x.astype(np.float16),
    "int64": lambda x: x.astype(np.int64),
    "big-endian int16": lambda x: x.astype(">i2"),
    "uint8": lambda x: x.astype(np.uint8),
    "objects that are numbers": lambda x: x.astype(object),
    "lists": lambda x: x.tolist(),
    "tuples": lambda x: tuple(map(tuple, x.tolist())),
    "a list of arrays": list,
    "a list of read-only arrays": lambda x: list(map(read_only, x)),
    "a list of big-endian arrays": lambda x: [row.astype(">f4") for row in x],
    "a list of Fortran arrays": lambda x: list(map(np.asfortranarray, x)),
    "a masked array without masks": np.ma.masked_array,
}
FORMS_OF_Y = {
    "read-only": read_only,
    "big-endian": lambda y: y.astype(">i4"),
    "every second of more": lambda y: np.repeat(y, 2)[::2],
    "objects": lambda y: y.astype(object),
    "floats": lambda y: y.astype(np.float32),
    "uint8": lambda y: y.astype(np.uint8),
    "a list": lambda y: y.tolist(),
}
FORMS_OF_WEIGHT = {
    "read-only": read_only,
    "big-endian": lambda w: w.astype(">f8"),
    "ints": lambda w: w.astype(int),
    "objects": lambda w: w.astype(object),
    "a list": lambda w: w.tolist(),
    "a tuple": tuple,
}


def small(make, **params):
    params = {"max_epochs": 1, **params}
    if make is make_classifier:
        params = {"fusion": "late", **params}
    return make(**params)


def said(estimator, X=FRAMES, y=Y, weight=WEIGHT):
    return estimator.fit(X, y, sample_weight=weight).predict_proba(FRAMES)


both = pytest.mark.parametrize("make", [make_classifier, make_tower], ids=["classifier", "tower"])


@pytest.mark.parametrize("form", FORMS_OF_X)
@both
def test_forms_of_x(make, form):
    X = FORMS_OF_X[form](FRAMES)
    estimator = small(make)
    np.testing.assert_allclose(said(estimator, X=X), said(small(make)), rtol=1e-5)
    np.testing.assert_allclose(estimator.predict_proba(X), said(small(make)), rtol=1e-5)


def test_memory_maps(tmp_path):
    X = memory_map(FRAMES, tmp_path / "x")
    y, weight = memory_map(Y, tmp_path / "y"), memory_map(WEIGHT, tmp_path / "w")
    expected = said(small(make_classifier))
    np.testing.assert_array_equal(said(small(make_classifier), X, y, weight), expected)


@pytest.mark.parametrize("form", FORMS_OF_Y)
@both
def test_forms_of_y(make, form):
    expected = said(small(make))
    np.testing.assert_array_equal(said(small(make), y=FORMS_OF_Y[form](Y)), expected)


@pytest.mark.parametrize("form", FORMS_OF_WEIGHT)
@both
def test_forms_of_weights(make, form):
    expected = said(small(make))
    weight = FORMS_OF_WEIGHT[form](WEIGHT)
    np.testing.assert_array_equal(said(small(make), weight=weight), expected)


NUMPY = {
    "lr": np.float32(2.0**-10),
    "batch_size": np.int64(16),
    "max_epochs": np.uint8(1),
    "max_frames": np.int32(300),
    "dropout": np.float64(0.0),
    "weight_decay": np.float32(0.0),
    "lr_patience": np.int16(2),
    "mask_padding": np.True_,
    "compile": np.False_,
    "early_stopping": np.False_,
    "frame_scaling": np.str_("modality"),
    "precision": np.str_("float32"),
    "random_state": np.int64(0),
    "validation_fraction": np.float32(0.5),
    "verbose": np.int64(0),
    "resume": np.False_,
    "checkpoint_interval": np.int64(1),
}
OWN = {
    make_classifier: {
        "d_model": np.int64(16),
        "n_heads": np.int8(2),
        "n_layers": np.int64(1),
        "cross_modal_layer_sizes": [np.int64(4)],
        "modality_dropout": np.float32(0.0),
        "label_smoothing": np.float64(0.0),
        "warm_start": np.False_,
        "fusion": np.str_("late"),
        "class_weight": {np.int64(0): np.float32(2.0)},
    },
    make_tower: {
        "encoder_params": {"d_model": np.int64(8)},
        "hidden_layer_sizes": (np.int64(8),),
        "negative_weight": np.float32(2.0),
    },
}


@both
def test_numbers_of_numpy(make):
    """Every parameter that is a number, text or a bool may be one of NumPy's."""
    params = {**NUMPY, **OWN[make]}
    plain = {name: value.item() for name, value in params.items() if hasattr(value, "item")}
    plain |= {"class_weight": {0: 2.0}} if make is make_classifier else {}
    np.testing.assert_array_equal(said(small(make, **params)), said(small(make, **plain)))


# Folds that lack something ----------------------------------------------------------------------

FOLDS = PredefinedSplit(np.repeat([0, 1], N // 2))
IN_HALVES = np.repeat([0, 1], N // 2)  # one class in the rows to train on, in both folds


@pytest.mark.parametrize("make", [make_classifier, make_tower], ids=["classifier", "tower"])
def test_one_class_in_a_fold(make):
    scoring = None if make is make_classifier else lambda *args: 0.0
    search = GridSearchCV(
        small(make), {"lr": [1e-3]}, cv=FOLDS, scoring=scoring, error_score="raise"
    )
    with pytest.raises(ValueError, match=r"only one class is present.*got \[1\]|No two videos"):
        search.fit(FRAMES, IN_HALVES)
    assert not hasattr(search, "best_estimator_")


def test_a_class_in_no_training_fold():
    """It is not learned, and its videos count as wrong."""
    y = np.where(np.arange(N) < N // 2, np.arange(N) % 2, np.arange(N) % 2 + 1)
    got = cross_validate(
        small(make_classifier), FRAMES, y, cv=FOLDS, return_estimator=True, error_score="raise"
    )
    assert [fitted.classes_.tolist() for fitted in got["estimator"]] == [[1, 2], [0, 1]]
    assert np.isfinite(got["test_score"]).all()
    assert (got["test_score"] <= 0.5).all()


def test_a_label_in_no_training_fold():
    """Its column is all 0; it gets a probability like any other, and scores stay finite."""
    M = np.zeros((N, 3), int)
    M[np.arange(N), np.arange(N) % 2] = 1
    M[:6, 2] = 1  # only in the first half
    got = cross_validate(
        small(make_classifier),
        FRAMES,
        M,
        cv=FOLDS,
        scoring={"map": map_scorer},
        return_estimator=True,
        error_score="raise",
    )
    probability = got["estimator"][0].predict_proba(FRAMES)
    sparse = small(make_classifier).fit(FRAMES[N // 2 :], csr_array(M[N // 2 :]))
    np.testing.assert_array_equal(sparse.predict_proba(FRAMES), probability)
    assert probability.shape == (N, 3)
    assert ((probability > 0) & (probability < 1)).all()
    assert np.isfinite(got["test_map"]).all()


def test_a_search_over_wrong_values_says_which():
    grid = {"lr": [1e-3, -1.0]}
    search = GridSearchCV(small(make_classifier), grid, cv=KFold(2), error_score="raise")
    with pytest.raises(ValueError, match=r"lr must be a number > 0.*got -1.0"):
        search.fit(FRAMES, Y)


def test_one_row_of_everything():
    with pytest.raises(ValueError, match=r"only one class is present.*got \[0\]"):
        small(make_classifier).fit(FRAMES[:1], Y[:1])
    one = small(make_classifier).fit(FRAMES[:1], np.array([[1, 0]]))
    assert one.predict_proba(FRAMES[:1]).shape == (1, 2)


def test_hierarchy_labels_of_unusual_videos():
    """A binarizer's indicators of few videos have columns that are all 0."""
    labels, M = make_labels()
    few = M[:4]
    assert not few.any(axis=0).all()
    classifier = small(make_classifier, hierarchy=labels.hierarchy_).fit(FRAMES[:4], few)
    assert classifier.predict_proba(FRAMES[:4]).shape == few.shape
