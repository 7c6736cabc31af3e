"""Wrong input raises an error that names it, before anything has changed."""

import pickle

import numpy as np
import pytest
from estimator_cases import (
    FORMS,
    fitted,
    fitted_tower,
    from_rows,
    make_classifier,
    make_labels,
    make_tower,
    make_videos,
    make_y,
    rows_of,
)
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from skorch.callbacks import Callback

from sk_crossmodal import LabelHierarchy

X = make_videos().data
Y = make_y("classes")
VIDEO, AUDIO = rows_of(X, "video"), rows_of(X, "audio")

ESTIMATORS = {"classifier": make_classifier, "tower": make_tower}
both = pytest.mark.parametrize("make", ESTIMATORS.values(), ids=ESTIMATORS)
wrong = (ValueError, TypeError)


@pytest.mark.parametrize("fusion", ["middle", "", None, 3, "Late", ["late"]])
def test_unknown_fusion_raises_with_the_known_ones(fusion):
    with pytest.raises(ValueError, match=r"fusion must be one of .*'late'.*'cross_modal_gated'"):
        make_classifier(fusion=fusion).fit(X, Y)


@pytest.mark.parametrize(
    ("encoder", "allowed"),
    [("mean", "'d_model', 'dropout'"), ("transformer", "'d_model', 'dropout', 'n_heads'")],
)
def test_unknown_encoder_params_raise_with_the_known_ones(encoder, allowed):
    message = rf"encoder_params of '{encoder}' may be \[{allowed}.*\], got \['foo'\]"
    with pytest.raises(ValueError, match=message):
        make_tower(encoder=encoder, encoder_params={"foo": 1}).fit(X, Y)


# X --------------------------------------------------------------------------------------------


def damaged(name, row, value):
    rows = {"video": rows_of(X, "video"), "audio": rows_of(X, "audio")}
    rows[name][row][1, 2] = value
    return from_rows(**rows)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("name", "row"), [("video", 0), ("audio", 31)])
@both
def test_frames_that_are_not_finite(make, name, row, value):
    X_bad = damaged(name, row, value)
    message = f"modality '{name}', row {row}"
    with pytest.raises(ValueError, match=message):
        make().fit(X_bad, Y)
    estimator = fitted_tower() if make is make_tower else fitted("cross_modal_gated")
    with pytest.raises(ValueError, match=message):
        estimator.predict_proba(X_bad)
    with pytest.raises(ValueError, match=message):
        estimator.predict_proba(rows_of(X_bad, "video"), rows_of(X_bad, "audio"))


@both
def test_modalities_of_different_numbers_of_rows(make):
    for given in (
        (VIDEO, AUDIO[:-1], Y),
        ({"video": VIDEO, "audio": AUDIO[:-1]}, Y),
    ):
        with pytest.raises(ValueError, match=r"'video': 48.*'audio': 47"):
            make().fit(*given)


@pytest.mark.parametrize(
    "X_empty",
    [X[:0], [], np.zeros((0, 4)), {"video": [], "audio": []}],
    ids=["container", "list", "array", "dict"],
)
@both
def test_empty_x(make, X_empty):
    with pytest.raises(ValueError, match=r"0 sample|empty"):
        make().fit(X_empty, Y[:0])
    estimator = fitted_tower() if make is make_tower else fitted("late")
    with pytest.raises(ValueError, match=r"0 sample|empty"):
        estimator.predict_proba(X_empty)


@both
def test_sparse_x(make):
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        make().fit(csr_array(np.eye(4)), [0, 1, 0, 1])


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function", "score"])
def test_predict_with_other_widths_is_refused(method):
    wide = [np.hstack([frames, frames[:, :1]]) for frames in AUDIO]
    labels = (Y,) if method == "score" else ()
    message = r"X has frames of .*'audio': 7}, but .* was fitted with .*'audio': 6}"
    for given in ((VIDEO, wide), ({"video": VIDEO, "audio": wide},)):
        with pytest.raises(ValueError, match=message):
            getattr(fitted("late"), method)(*given, *labels)
    with pytest.raises(ValueError, match=r"13 features|frames of 13"):
        getattr(fitted("late"), method)(np.zeros((48, 13)), *labels)


def test_predict_with_other_modalities_is_refused():
    classifier = fitted("late")
    with pytest.raises(
        ValueError, match=r"must have the modalities \['video', 'audio'\], got 3 arrays"
    ):
        classifier.predict(VIDEO, AUDIO, AUDIO)
    with pytest.raises(ValueError, match=r"\['audio'\] are missing"):
        classifier.predict(X.select(["video"]))
    with pytest.raises(ValueError, match="8 features"):
        classifier.predict(VIDEO)


def test_modalities_missing_in_x_are_refused():
    with pytest.raises(ValueError, match=r"\['text'\] are missing; X has \['video', 'audio'\]"):
        make_classifier(modalities=["video", "text"]).fit(X, Y)
    with pytest.raises(ValueError, match=r"'video' has frames of 8 features.*says 9"):
        make_classifier(modalities={"video": 9, "audio": 6}).fit(X, Y)


def test_frames_of_text_are_refused():
    with pytest.raises(wrong, match=r"float|numbers|numeric"):
        make_classifier().fit(np.array([["a", "b"]] * 4), [0, 1, 0, 1])


# y --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@both
def test_labels_of_another_length_are_refused(make, form):
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[48, 47\]"):
        make().fit(X, make_y(form)[:47])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "y is None"),
        (np.full((48, 2), 2), "an indicator has 0 and 1, got 2"),
        (np.linspace(0, 1, 48), "continuous"),
        (np.where(np.arange(48) == 3, np.nan, 1.0), "NaN"),
        (np.ones(48, int), "one class|no negative pairs"),
        (np.zeros((48, 2, 2), int), "dim 3"),
    ],
    ids=["none", "twos", "continuous", "nan", "one class", "3-D"],
)
@both
def test_wrong_labels_are_refused(make, y, message):
    with pytest.raises(ValueError, match=message):
        make().fit(X, y)


LABEL_SETS = {
    "lists": [["Food", "new"] if i % 2 else ["Music"] for i in range(48)],
    "tuples": [("Food", "new") if i % 2 else ("Music",) for i in range(48)],
    "numbers": [[3, 7] if i % 2 else [5] for i in range(48)],
    "with empty ones": [["Food"] if i % 2 else [] for i in range(48)],
}


@pytest.mark.parametrize("labels", LABEL_SETS)
@both
def test_label_sets_are_refused(make, labels):
    with pytest.raises(ValueError, match=r"y holds label sets .* HierarchyLabelBinarizer"):
        make().fit(X, LABEL_SETS[labels])
    with pytest.raises(ValueError, match=r"y holds label sets .* HierarchyLabelBinarizer"):
        make().fit(VIDEO, AUDIO, LABEL_SETS[labels])


@pytest.mark.parametrize("cut", [False, True], ids=["ragged", "3-D"])
@both
def test_fit_without_labels_is_refused(make, cut):
    """The last modality is given in place of y."""
    given = [VIDEO, AUDIO]
    if cut:
        given = [np.stack([frames[:6] for frames in rows]) for rows in given]
    with pytest.raises(ValueError, match="like frames, but y comes last, as in fit"):
        make().fit(*given)


@both
def test_labels_outside_the_hierarchy_are_refused(make):
    hierarchy = LabelHierarchy({name: [] for name in np.unique(Y)[1:].tolist()})
    with pytest.raises(ValueError, match=rf"outside the hierarchy: \['{np.unique(Y)[0]}'\]"):
        make(hierarchy=hierarchy).fit(X, Y)
    hierarchy = make_labels()[0].hierarchy_
    with pytest.raises(
        ValueError, match=f"one column per node of hierarchy, {len(hierarchy)}, got 3"
    ):
        make(hierarchy=hierarchy).fit(X, np.eye(3, dtype=int)[np.arange(48) % 3])


# The tower's modalities -----------------------------------------------------------------------

OTHERS = {
    "names": from_rows(video=VIDEO, sound=AUDIO),
    "order": X.select(["audio", "video"]),
    "width": from_rows(video=VIDEO, audio=[frames[:, :4] for frames in AUDIO]),
    "number": from_rows(video=VIDEO, audio=AUDIO, text=AUDIO),
}


@pytest.mark.parametrize("fusion", ["cross_modal_gated", "cross_modal_concat"])
@pytest.mark.parametrize("other", OTHERS)
def test_tower_of_other_modalities_is_refused(other, fusion):
    tower = FrozenEstimator(make_tower(max_epochs=1).fit(OTHERS[other], Y))
    with pytest.raises(
        ValueError,
        match=r"correlation_tower was fitted on .*; names, widths and order must be .* X, {",
    ):
        make_classifier(fusion=fusion, correlation_tower=tower).fit(X, Y)
    # A fusion without a tower ignores it.
    make_classifier(fusion="late", correlation_tower=tower, max_epochs=1).fit(X, Y)


# Failed fits ---------------------------------------------------------------------------------


class Fail(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise RuntimeError("in the midst of it")


FAILURES = {
    "parameter": ({"lr": -1}, X, Y),
    "fusion": ({"fusion": "middle"}, X, Y),
    "nan": ({}, damaged("audio", 5, np.nan), Y),
    "length": ({}, X, Y[:-1]),
    "other x": ({}, from_rows(a=VIDEO, b=VIDEO), Y[:-1]),
    "one class": ({}, X.select(["audio"]), np.ones(48, int)),
    "hierarchy": ({"hierarchy": LabelHierarchy({"nowhere": []})}, X, Y),
    "tower": ({"correlation_tower": make_tower(lr=-1)}, X, Y),
    "class weight": ({"class_weight": {"nowhere": 1}}, X, Y),
    "device": ({"device": "nonsense"}, X, Y),
    "training": ({"callbacks": [Fail()]}, from_rows(a=VIDEO, b=VIDEO), np.arange(48) % 2),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_failed_fit_keeps_the_fit_before(failure):
    params, X_bad, y_bad = FAILURES[failure]
    classifier = pickle.loads(pickle.dumps(fitted("cross_modal_concat")))
    expected = classifier.predict_proba(X)
    state = {name: value for name, value in vars(classifier).items() if name.endswith("_")}
    classifier.set_params(**params)
    with pytest.raises((ValueError, RuntimeError)):
        classifier.fit(X_bad, y_bad)
    for name, value in state.items():
        assert getattr(classifier, name) is value, name
    assert classifier.predict_proba(X).tobytes() == expected.tobytes()


@pytest.mark.parametrize("failure", ["parameter", "nan", "length", "one class", "training"])
def test_failed_fit_keeps_the_tower_before(failure):
    params, X_bad, y_bad = FAILURES[failure]
    tower = pickle.loads(pickle.dumps(fitted_tower()))
    expected = tower.transform(X)
    tower.set_params(**params)
    with pytest.raises((ValueError, RuntimeError)):
        tower.fit(X_bad, y_bad)
    assert tower.transform(X).tobytes() == expected.tobytes()


def test_failed_first_fit_leaves_no_attributes():
    classifier = make_classifier()
    with pytest.raises(ValueError, match="row 5"):
        classifier.fit(damaged("audio", 5, np.nan), Y)
    assert not [name for name in vars(classifier) if name.endswith("_")]
    with pytest.raises(NotFittedError):
        classifier.score(X, Y)


def test_single_video_is_refused_as_many():
    classifier = fitted("late")
    video = X[3]
    for given in [(video,), tuple(video.values())]:
        with pytest.raises(
            ValueError, match=r"2-D arrays.*up to \d+ frames: give \[frames\] or X\[\[i\]\]"
        ):
            classifier.predict(*given)
    one = classifier.predict_proba(*([frames] for frames in video.values()))
    np.testing.assert_allclose(one, classifier.predict_proba(X[[3]]), rtol=1e-5)
