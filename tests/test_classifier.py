"""Predictions and fitted attributes of a classifier, for every form of X and y."""

import io
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from estimator_cases import (
    FORMS,
    WITH_TOWER,
    RandomStates,
    fitted,
    from_rows,
    make_classifier,
    make_labels,
    make_videos,
    make_y,
    ragged,
    rows_of,
)
from scipy.sparse import issparse
from scipy.special import expit, softmax
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict, cross_validate
from skorch.helper import SliceDict

from sk_crossmodal import MultimodalArray
from sk_crossmodal.metrics import gap_scorer, hierarchy_scorers
from sk_crossmodal.modules import FUSIONS

pytestmark = pytest.mark.sample(0.34)

X = make_videos().data
every_fusion = pytest.mark.parametrize("fusion", FUSIONS)
every_form = pytest.mark.parametrize("form", FORMS)


def dense(y):
    return y.toarray() if issparse(y) else y


@every_form
@every_fusion
def test_probabilities(fusion, form):
    classifier, y = fitted(fusion, form), make_y(form)
    n_columns = y.shape[1] if y.ndim == 2 else len(np.unique(y))
    p = classifier.predict_proba(X)
    assert p.shape == (len(X), n_columns)
    assert p.dtype == np.float32
    assert ((p > 0) & (p < 1)).all()
    if y.ndim == 1:
        np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)
        np.testing.assert_array_equal(classifier.classes_, np.unique(y))
    else:
        assert classifier.classes_.tolist() == [[0, 1]] * n_columns


@every_form
@every_fusion
def test_predictions_follow_from_probabilities(fusion, form):
    classifier, y = fitted(fusion, form), make_y(form)
    p, predicted = classifier.predict_proba(X), classifier.predict(X)
    expected = np.unique(y)[p.argmax(1)] if y.ndim == 1 else (p > 0.5).astype(int)
    np.testing.assert_array_equal(dense(predicted), expected)
    assert predicted.shape == y.shape
    assert predicted.dtype == y.dtype
    assert issparse(predicted) == issparse(y)
    assert classifier.score(X, y) == accuracy_score(y, predicted)


@every_form
@every_fusion
def test_decision_function(fusion, form):
    classifier, y = fitted(fusion, form), make_y(form)
    logits, p = classifier.decision_function(X), classifier.predict_proba(X)
    assert logits.dtype == np.float32
    if form == "binary":
        assert logits.shape == (len(X),)
        np.testing.assert_allclose(p[:, 1], expit(logits), atol=1e-6)
        np.testing.assert_array_equal(classifier.predict(X), np.unique(y)[(logits > 0) * 1])
    else:
        assert logits.shape == p.shape
        expected = softmax(logits, axis=1) if form == "classes" else expit(logits)
        np.testing.assert_allclose(p, expected, atol=1e-6)


def test_predict_proba_of_extreme_logits_is_strictly_between_0_and_1():
    """Even where a float32 sigmoid would be 0 or 1."""
    for form in ("multilabel", "classes"):
        classifier = pickle.loads(pickle.dumps(fitted("late", form)))
        with torch.no_grad():
            classifier.module_.head[-1].bias.copy_(
                torch.linspace(-500, 500, len(classifier.module_.head[-1].bias))
            )
        p = classifier.predict_proba(X)
        assert ((p > 0) & (p < 1)).all()


def test_float64():
    classifier = make_classifier(fusion="late", precision="float64").fit(X, make_y("classes"))
    assert classifier.predict_proba(X).dtype == np.float64
    assert {p.dtype for p in classifier.module_.parameters()} == {torch.float64}


@pytest.mark.parametrize("dtype", [bool, np.int8, float])
def test_one_label(dtype):
    y = make_y("multilabel")[:, :1].astype(dtype)
    classifier = make_classifier(fusion="late").fit(X, y)
    assert classifier.classes_.tolist() == [[0, 1]]
    assert classifier.predict_proba(X).shape == classifier.decision_function(X).shape == (48, 1)
    assert classifier.predict(X).shape == (48, 1)
    assert classifier.predict(X).dtype == dtype


@every_form
def test_fitted_attributes(form):
    classifier = fitted("cross_modal_concat", form)
    assert classifier.modality_names_in_ == ("video", "audio")
    assert classifier.n_features_in_ == 14
    assert classifier.n_iter_ == len(classifier.history_) == 2
    assert classifier.module_ is classifier.net_.module_
    assert classifier.correlation_tower_.modality_names_in_ == ("video", "audio")
    assert fitted("late", form).correlation_tower_ is None


def test_label_names():
    hierarchy = make_labels()[0].hierarchy_
    classifier = make_classifier(fusion="late", hierarchy=hierarchy, max_epochs=1)
    assert classifier.fit(X, make_y("multilabel")).label_names_ == hierarchy.display_names
    assert classifier.fit(X, make_y("classes")).label_names_ == sorted(set(make_y("classes")))
    assert fitted("late", "multilabel").label_names_ is None
    assert fitted("late", "binary").label_names_ == ["3", "7"]


# Forms of X -----------------------------------------------------------------------------------


@every_form
@every_fusion
def test_modalities_one_by_one(fusion, form):
    """fit(X_video, X_audio, y) is fit(X, y), bit by bit, and so are the others."""
    video, audio, y = rows_of(X, "video"), rows_of(X, "audio"), make_y(form)
    classifier, reference = make_classifier(fusion=fusion), fitted(fusion, form)
    assert classifier.fit(video, audio, y) is classifier
    expected = reference.predict_proba(X).tobytes()
    assert classifier.predict_proba(video, audio).tobytes() == expected
    assert classifier.predict_proba(X).tobytes() == expected
    np.testing.assert_array_equal(
        dense(reference.predict(video, audio)), dense(reference.predict(X))
    )
    logits = reference.decision_function(video, audio)
    np.testing.assert_array_equal(logits, reference.decision_function(X))
    assert reference.score(video, audio, y) == reference.score(X, y)
    attention = reference.attention_weights(video, audio)
    for name, pair in reference.attention_weights(X).items():
        np.testing.assert_array_equal(pair.after, attention[name].after)


VIDEO, AUDIO = (np.random.RandomState(i).randn(40, width) for i, width in ((0, 3), (1, 2)))
BITS = np.arange(40) % 2
OBJECTS = {
    "object frame": pd.DataFrame({"video": list(VIDEO), "audio": list(AUDIO)}),
    "dict": {"video": VIDEO, "audio": AUDIO},
    "SliceDict": SliceDict(video=VIDEO, audio=AUDIO),
    "dict of frames": {"video": VIDEO[:, None], "audio": AUDIO[:, None]},
    "dict of lists": {"video": list(VIDEO[:, None]), "audio": list(AUDIO[:, None])},
    "container": from_rows(video=list(VIDEO[:, None]), audio=list(AUDIO[:, None])),
}
WIDE = np.hstack([VIDEO, AUDIO])
WIDES = {
    "wide": WIDE,
    "wide list": WIDE.tolist(),
    "wide frames": WIDE[:, None],
    "wide ragged": list(WIDE[:, None]),
    "wide frame": pd.DataFrame(WIDE),
}


@pytest.fixture(scope="module")
def positional():
    return make_classifier(fusion="cross_modal").fit(VIDEO, AUDIO, BITS)


@pytest.mark.parametrize(
    ("form", "modalities"),
    [(form, None) for form in OBJECTS]
    + [(form, {"video": 3, "audio": 2}) for form in (*OBJECTS, *WIDES)],
)
def test_forms_of_x(positional, form, modalities):
    given = {**OBJECTS, **WIDES}[form]
    classifier = make_classifier(fusion="cross_modal", modalities=modalities)
    p = classifier.fit(given, BITS).predict_proba(given)
    assert p.tobytes() == positional.predict_proba(VIDEO, AUDIO).tobytes()


@pytest.mark.parametrize("form", WIDES)
@pytest.mark.parametrize(
    "modalities",
    [
        {"video": 4, "audio": 1},
        {"a": slice(0, 1), "b": slice(1, 5)},
        {"a": slice(0, 5, 2), "b": slice(1, 5, 2)},
    ],
    ids=str,
)
def test_wide_forms_are_split_as_in_fit(form, modalities):
    classifier = make_classifier(fusion="late", modalities=modalities).fit(WIDES[form], BITS)
    p = classifier.predict_proba(WIDES[form])
    reference = make_classifier(fusion="late", modalities=modalities).fit(WIDE, BITS)
    assert p.tobytes() == reference.predict_proba(WIDE).tobytes()


@pytest.mark.parametrize("fusion", ["cross_modal", "cross_modal_gated", "cross_modal_concat"])
@pytest.mark.parametrize("form", ["list", "array", "table"])
def test_one_array_is_one_modality_with_one_warning(fusion, form):
    frames = np.random.RandomState(0).randn(len(WIDE), 3, 6)
    given = {"list": list(frames), "array": frames, "table": frames[:, 0]}[form]
    classifier = make_classifier(fusion=fusion)
    wanted = rf"fusion='{fusion}' needs two .* 'video' with 6 features.* modalities={{'video': 10"
    with pytest.warns(UserWarning, match=wanted) as caught:
        p = classifier.fit(given, BITS).predict_proba(given)
    assert len(caught) == 1
    assert classifier._n_features == {"video": 6}
    assert classifier.correlation_tower_ is None
    late = make_classifier(fusion="late").fit(given, BITS)
    assert p.tobytes() == late.predict_proba(given).tobytes()


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_continued_fit_on_a_wide_array_splits_it_as_the_fit_before(method):
    """Also after loading a model of a version that split such arrays into halves."""
    classifier = make_classifier(fusion="cross_modal", warm_start=True).fit(VIDEO, AUDIO, BITS)
    assert getattr(classifier, method)(WIDE, BITS)._n_features == {"video": 3, "audio": 2}
    with pytest.raises(ValueError, match=r"X has 4 features, but .* is expecting 5 features"):
        getattr(classifier, method)(WIDE[:, :4], BITS)


def test_wide_array_after_positional_fit_is_split_into_modalities(positional):
    """A classifier fitted on two arrays accepts one array with the columns of both."""
    expected = positional.predict_proba(VIDEO, AUDIO)
    assert positional.predict_proba(WIDE).tobytes() == expected.tobytes()


def test_predict_with_modalities_in_another_order_is_the_same(positional):
    swapped = {"audio": AUDIO, "text": VIDEO, "video": VIDEO}
    expected = positional.predict_proba(VIDEO, AUDIO)
    assert positional.predict_proba(swapped).tobytes() == expected.tobytes()


ONE = "ignore:fusion=.* needs two modalities:UserWarning"


@pytest.mark.filterwarnings(ONE)
@pytest.mark.parametrize("modalities", [["audio"], ["audio", "video"]])
def test_selected_modalities(modalities):
    classifier = make_classifier(modalities=modalities).fit(X, make_y("classes"))
    assert classifier.modality_names_in_ == tuple(modalities)
    reference = make_classifier().fit(X.select(modalities), make_y("classes"))
    np.testing.assert_array_equal(classifier.predict_proba(X), reference.predict_proba(X))


THREE = ragged(n=30, widths={"video": 4, "audio": 3, "text": 2})


@every_fusion
def test_three_modalities(fusion):
    rows = [rows_of(THREE, name) for name in THREE.modality_names]
    y = np.arange(30) % 3
    classifier = make_classifier(fusion=fusion).fit(*rows, y)
    assert classifier.modality_names_in_ == ("video", "audio", "text")
    assert classifier.predict_proba(*rows).shape == (30, 3)
    if fusion in WITH_TOWER:
        assert classifier.correlation_tower_.transform(THREE).shape == (30, 3)
    attention = classifier.attention_weights(THREE)
    assert len(attention) == (1 if fusion == "early" else 3)


@pytest.mark.filterwarnings(ONE)
@every_fusion
def test_one_modality(fusion):
    alone = make_classifier(fusion=fusion).fit(X.select(["video"]), make_y("classes"))
    assert alone.correlation_tower_ is None
    assert alone.predict_proba(X.select(["video"])).shape == (48, 4)
    assert list(alone.attention_weights(X)) == ["video"]


@every_fusion
def test_quantised_videos(fusion):
    """uint8 frames, dequantised on the device, and the same frames as floats."""
    rng, n = np.random.RandomState(0), 30
    lengths = {"video": rng.randint(1, 6, n), "audio": rng.randint(1, 6, n)}
    stored = {
        name: rng.randint(256, size=(lengths[name].sum(), width)).astype(np.uint8)
        for name, width in (("video", 5), ("audio", 3))
    }
    codes = {"video": (4 / 255, -2.0), "audio": (0.1, 3.0)}
    quantised = MultimodalArray.from_frames(stored, lengths, quantization=codes)
    floats = MultimodalArray.from_frames(
        {
            name: (q * np.float64(codes[name][0]) + codes[name][1]).astype(np.float32)
            for name, q in stored.items()
        },
        lengths,
    )
    y = np.arange(n) % 3
    one, other = (make_classifier(fusion=fusion).fit(part, y) for part in (quantised, floats))
    expected = one.predict_proba(quantised)
    np.testing.assert_allclose(one.predict_proba(floats), expected, atol=1e-5)
    np.testing.assert_allclose(other.predict_proba(quantised), expected, atol=1e-3)


@pytest.mark.parametrize("rows", [[5], [40, 2, 2, 17], slice(10, 20), np.arange(48)[::-1]])
@every_fusion
def test_subset_of_rows(fusion, rows):
    classifier = fitted(fusion)
    expected = classifier.predict_proba(X)[rows]
    np.testing.assert_allclose(classifier.predict_proba(X[rows]), expected, atol=1e-5)
    logits = classifier.decision_function(X)[rows]
    np.testing.assert_allclose(classifier.decision_function(X[rows]), logits, atol=1e-5)


def test_videos_without_frames():
    rows = {name: rows_of(X, name) for name in X.modality_names}
    rows["audio"][3] = rows["audio"][3][:0]
    for name in rows:
        rows[name][7] = rows[name][7][:0]
    gaps = from_rows(**rows)
    for fusion in FUSIONS:
        classifier = make_classifier(fusion=fusion).fit(gaps, make_y("classes"))
        assert np.isfinite(classifier.decision_function(gaps)).all()


# Attention ------------------------------------------------------------------------------------


@every_fusion
def test_attention_weights(fusion):
    X = ragged(n=12, lengths=(0, 7))
    classifier = make_classifier(fusion=fusion, cross_modal_layer_sizes=(8,), lr=0.05)
    classifier.fit(X, np.arange(12) % 2)
    attention = classifier.attention_weights(X)
    lengths, names = X.timeline_lengths(), ("video", "audio")
    present = {name: X.lengths(name) > 0 for name in names}
    if fusion == "early":
        names, present = ("video+audio",), {"video+audio": lengths > 0}
    assert tuple(attention) == names
    for name in names:
        before, after = attention[name].before, attention[name].after
        assert before.shape == after.shape == (12, lengths.max())
        for weights in (before, after):
            np.testing.assert_allclose(weights.sum(1), present[name], atol=1e-5)
            assert (weights >= 0).all()
            padding = np.arange(lengths.max()) >= lengths[:, None]
            assert not weights[padding].any()
        if fusion in ("early", "late"):
            np.testing.assert_array_equal(before, after)
    if fusion == "cross_modal":
        both = (X.lengths("video") > 1) & (X.lengths("audio") > 1)
        for pair in attention.values():
            assert (np.abs(pair.after - pair.before)[both].max(1) > 1e-5).all()


def test_attention_of_one_video_is_its_row():
    classifier = fitted("cross_modal_concat")
    whole = classifier.attention_weights(X)["video"].after
    for row in (0, 17):
        alone = classifier.attention_weights(X[[row]])["video"].after[0]
        np.testing.assert_allclose(whole[row, : len(alone)], alone, atol=1e-5)


def with_other_ends(X, start):
    """The same videos with other, and more, frames from `start` on."""
    rng = np.random.RandomState(0)
    rows = {
        name: [np.vstack([f[:start], rng.randn(9 - start, f.shape[1])]) for f in rows_of(X, name)]
        for name in X.modality_names
    }
    return from_rows(**rows)


@every_fusion
def test_max_frames(fusion):
    classifier = make_classifier(fusion=fusion, max_frames=4, long_videos="cut")
    with pytest.warns(UserWarning, match="cuts 100% of the videos at max_frames=4"):
        classifier.fit(X, make_y("classes"))
    other = with_other_ends(X, 4)
    with pytest.warns(UserWarning, match="cuts 100% of the videos at max_frames=4"):
        pairs = [classifier.predict_proba(each) for each in (other, X)]
    with pytest.warns(UserWarning, match="cuts 100% of the videos at max_frames=4"):
        weights = classifier.attention_weights(X)
    np.testing.assert_allclose(*pairs, atol=1e-6)
    for pair in weights.values():
        assert pair.after.shape == (48, 4)
    longer = fitted(fusion).predict_proba(other) - fitted(fusion).predict_proba(X)
    assert np.abs(longer).max() > 1e-4


# Randomness, copies ---------------------------------------------------------------------------


@every_fusion
def test_same_random_state_gives_the_same_classifier(fusion):
    y, expected = make_y("classes"), fitted(fusion).predict_proba(X)
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002, the global state must not matter
    again = make_classifier(fusion=fusion).fit(X, y)
    assert again.predict_proba(X).tobytes() == expected.tobytes()
    assert again.fit(X, y).predict_proba(X).tobytes() == expected.tobytes()
    other = make_classifier(fusion=fusion, random_state=1).fit(X, y).predict_proba(X)
    assert np.abs(other - expected).max() > 1e-3


def test_random_state_objects():
    y = make_y("classes")
    one, two = (
        make_classifier(random_state=np.random.RandomState(5)).fit(X, y).predict_proba(X)
        for _ in range(2)
    )
    assert one.tobytes() == two.tobytes()


@every_fusion
def test_fit_leaves_the_global_random_state_unchanged(fusion):
    states = RandomStates()
    make_classifier(fusion=fusion, early_stopping=True).fit(X, make_y("classes"))
    assert states.unchanged()


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "decision_function", "attention_weights", "score"]
)
@pytest.mark.parametrize("fusion", ["late", "cross_modal_gated"])
def test_prediction_leaves_the_global_random_state_unchanged(fusion, method):
    classifier = fitted(fusion)
    states = RandomStates()
    getattr(classifier, method)(*((X, make_y("classes")) if method == "score" else (X,)))
    assert states.unchanged()


def joblib_trip(classifier):
    file = io.BytesIO()
    joblib.dump(classifier, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize("trip", [lambda c: pickle.loads(pickle.dumps(c)), joblib_trip])
@every_fusion
def test_round_trip(fusion, trip):
    classifier = fitted(fusion)
    again = trip(classifier)
    assert again.predict_proba(X).tobytes() == classifier.predict_proba(X).tobytes()
    assert again.history_ == classifier.history_


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("fusion", ["late", "cross_modal_concat"])
def test_pickle_contains_no_training_data(fusion, early_stopping):
    """A pickle is no larger with ten times the videos."""
    sizes = []
    for n in (48, 480):
        classifier = make_classifier(
            fusion=fusion, batch_size=1000, early_stopping=early_stopping, max_epochs=1
        ).fit(make_videos(n, n_frames=(9, 9)).data, make_y("classes", n))
        sizes.append(len(pickle.dumps(classifier)))
    assert abs(sizes[1] - sizes[0]) < 500


def test_clone_and_params():
    classifier = fitted("cross_modal_concat")
    params = classifier.get_params(deep=False)
    assert params["fusion"] == "cross_modal_concat"
    assert params["d_model"] == 16
    copied = clone(classifier)
    assert not hasattr(copied, "classes_")
    assert copied.get_params(deep=False) == params
    assert copied.set_params(fusion="late", lr=0.5) is copied
    assert (copied.fusion, copied.lr, classifier.fusion) == ("late", 0.5, "cross_modal_concat")


def test_fit_changes_no_parameter():
    classifier = make_classifier(
        cross_modal_layer_sizes=[4], class_weight={"Food": 2.0}, callbacks=[], net_params={}
    )
    before = {name: (value, repr(value)) for name, value in vars(classifier).items()}
    classifier.fit(X, make_y("classes"))
    for name, (value, text) in before.items():
        assert getattr(classifier, name) is value
        assert repr(getattr(classifier, name)) == text


METHODS = ("predict", "predict_proba", "decision_function", "attention_weights", "score")


@pytest.mark.parametrize("method", METHODS)
def test_unfitted(method):
    with pytest.raises(NotFittedError):
        getattr(make_classifier(), method)(*((X, [0, 1]) if method == "score" else (X,)))


def test_representations():
    assert "d_model=16" in repr(make_classifier())
    for classifier in (make_classifier(), fitted("cross_modal_concat", "multilabel")):
        html = classifier._repr_html_()
        assert "CrossModalTransformerClassifier" in html
        assert "d_model" in html
    assert "n_iter_" in fitted("late")._repr_html_()


# scikit-learn's utilities ---------------------------------------------------------------------


def test_cross_validate_by_groups():
    labels, y = make_labels()
    groups = np.arange(48) % 6
    result = cross_validate(
        make_classifier(hierarchy=labels.hierarchy_),
        X,
        y,
        groups=groups,
        cv=GroupKFold(3),
        scoring=hierarchy_scorers(labels.hierarchy_),
        error_score="raise",
    )
    for name in ("gap", "map", "perr", "hit_at_1", "gap_level_0", "hit_at_1_level_1"):
        scores = result[f"test_{name}"]
        assert scores.shape == (3,)
        assert ((scores >= 0) & (scores <= 1)).all(), name


@pytest.mark.parametrize("form", ["multilabel", "csr", "classes"])
def test_grid_search(form):
    search = GridSearchCV(
        make_classifier(max_epochs=1),
        {"fusion": ["early", "late", "cross_modal_concat"]},
        scoring=None if form == "classes" else gap_scorer,
        cv=2,
        error_score="raise",
    ).fit(X, make_y(form))
    assert search.best_params_["fusion"] in FUSIONS
    np.testing.assert_array_equal(search.predict_proba(X), search.best_estimator_.predict_proba(X))


@pytest.mark.parametrize("form", ["multilabel", "classes"])
def test_cross_val_predict(form):
    p = cross_val_predict(
        make_classifier(fusion="late"), X, make_y(form), cv=3, method="predict_proba"
    )
    assert np.shape(p) == fitted("late", form).predict_proba(X).shape


@pytest.mark.parametrize("fusion", WITH_TOWER)
def test_predict_with_pandas_output_configured_is_unchanged(fusion):
    with config_context(transform_output="pandas"):
        p = make_classifier(fusion=fusion).fit(X, make_y("classes")).predict_proba(X)
    np.testing.assert_array_equal(p, fitted(fusion).predict_proba(X))


@pytest.mark.parametrize(
    "form", [lambda Y: Y.astype(object), lambda Y: pd.DataFrame(Y, dtype="Int64")]
)
def test_score_of_labels_in_other_types(form):
    X, Y = make_videos().data, make_y("multilabel")
    classifier = fitted(form="multilabel")
    assert classifier.score(X, form(Y)) == classifier.score(X, Y)
    assert make_classifier(fusion="late").fit(X, form(Y)).score(X, form(Y)) == classifier.score(
        X, Y
    )
