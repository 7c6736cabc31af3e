"""Behaviour that all families of classifiers share, and the parameters of each."""

import inspect
import io
import pickle
import re

import joblib
import numpy as np
import pytest
import torch
from estimator_cases import (
    FAMILIES,
    WITH_TOWER,
    Recorder,
    RecordingTower,
    fitted,
    from_rows,
    make_classifier,
    make_tower,
    make_videos,
    make_y,
    ragged,
    recording_tower,
    rows_of,
)
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss

from sk_crossmodal import CorrelationTower, CrossModalNetVLADClassifier
from sk_crossmodal._docs import inherit_entries
from sk_crossmodal.classification import CrossModalClassifier
from sk_crossmodal.modules import (
    FUSIONS,
    MeanEncoder,
    NetVLADEncoder,
    RNNEncoder,
    TransformerEncoder,
    build_loss,
)
from sk_crossmodal.training import NetworkEstimator

pytestmark = [pytest.mark.sample(0.34), pytest.mark.one_version]

X = make_videos().data
Y = make_y("classes")
NEW = ("netvlad", "rnn")
ENCODERS = {"transformer": TransformerEncoder, "netvlad": NetVLADEncoder, "rnn": RNNEncoder}

new_families = pytest.mark.parametrize("family", NEW)
families = pytest.mark.parametrize("family", FAMILIES)
fusions = pytest.mark.parametrize("fusion", FUSIONS)


# fit and predict ------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["multilabel", "classes"])
@fusions
@new_families
def test_fit_and_predict(family, fusion, form):
    classifier, y = fitted(fusion, form, family=family), make_y(form)
    p, predicted = classifier.predict_proba(X), classifier.predict(X)
    assert p.shape == (48, y.shape[1] if y.ndim == 2 else 4)
    assert ((p > 0) & (p < 1)).all()
    expected = np.unique(y)[p.argmax(1)] if y.ndim == 1 else (p > 0.5).astype(int)
    np.testing.assert_array_equal(predicted, expected)
    assert len({row.tobytes() for row in p.round(4)}) > 40  # videos differ
    assert (classifier.correlation_tower_ is not None) == (fusion in WITH_TOWER)


@fusions
@new_families
def test_three_modalities_some_without_frames(family, fusion):
    videos = ragged(n=24, widths={"video": 4, "audio": 3, "text": 2}, lengths=(0, 6))
    classifier = make_classifier(family, fusion=fusion).fit(videos, np.arange(24) % 3)
    assert np.isfinite(classifier.decision_function(videos)).all()
    attention = classifier.attention_weights(videos)
    assert len(attention) == (1 if fusion == "early" else 3)
    for pair in attention.values():
        assert pair.before.shape == pair.after.shape == (24, 5)
        assert np.isfinite(pair.after).all()


@fusions
@new_families
def test_attention_of_clusters(family, fusion):
    attention = fitted(fusion, family=family).attention_weights(X)
    lengths = X.timeline_lengths()
    padding = np.arange(lengths.max()) >= lengths[:, None]
    for pair in attention.values():
        np.testing.assert_allclose(pair.before.sum(1), 1, atol=1e-5)
        assert not pair.before[padding].any()
        assert not pair.after[padding].any()
        if fusion in ("early", "late"):
            np.testing.assert_array_equal(pair.before, pair.after)
    if fusion == "cross_modal":
        assert all(np.abs(pair.after - pair.before).max() > 1e-5 for pair in attention.values())


@new_families
def test_learns(family):
    params = {"lr": 1e-2, "max_epochs": 40, "dropout": 0.0, "lr_schedule": None}
    classifier = make_classifier(family, **params).fit(X, Y)
    losses = [row["train_loss"] for row in classifier.history_]
    assert losses[-1] < 0.3 * losses[0]
    assert classifier.score(X, Y) > 0.8


@fusions
@new_families
def test_predictions_do_not_depend_on_other_rows(family, fusion):
    """BatchNorm included, which has seen the statistics of the training."""
    classifier = fitted(fusion, family=family)
    rows = [40, 2, 2, 17]
    expected = classifier.decision_function(X)[rows]
    np.testing.assert_allclose(classifier.decision_function(X[rows]), expected, atol=1e-5)


@fusions
@new_families
def test_same_random_state_gives_the_same_classifier(family, fusion):
    expected = fitted(fusion, family=family).predict_proba(X)
    torch.manual_seed(7)
    again = make_classifier(family, fusion=fusion).fit(X, Y)
    assert again.predict_proba(X).tobytes() == expected.tobytes()
    assert again.fit(X, Y).predict_proba(X).tobytes() == expected.tobytes()
    other = make_classifier(family, fusion=fusion, random_state=1).fit(X, Y)
    assert np.abs(other.predict_proba(X) - expected).max() > 1e-4


@pytest.mark.parametrize("fusion", ["cross_modal", "cross_modal_concat"])
@new_families
def test_influence_controls_and_combinations_give_different_classifiers(family, fusion):
    """Each changes the model."""
    tower = FrozenEstimator(make_tower().fit(X, Y))
    options = [
        {},
        {"influence": "self"},
        {"influence": "none"},
        {"cross_modal_combine": "multiply"},
        {"cross_modal_layer_sizes": (4, 3)},
    ]
    results = [
        make_classifier(family, fusion=fusion, correlation_tower=tower, **params)
        .fit(X, Y)
        .predict_proba(X)
        for params in options
    ]
    for i, one in enumerate(results):
        for other in results[:i]:
            assert np.abs(one - other).max() > 1e-6


@new_families
def test_embedding_of_the_tower(family):
    classifier = make_classifier(family, correlation_features="embedding").fit(X, Y)
    assert classifier.correlation_tower_.embed(X).shape == (48, 1, 16)
    plain = fitted("cross_modal_concat", family=family)
    assert np.abs(classifier.predict_proba(X) - plain.predict_proba(X)).max() > 1e-5


# Parameters of a family -----------------------------------------------------------------------


def clusters_of(classifier):
    return [len(centres) for centres in classifier.module_.encoder.centres]


def netvlad(X=X, **params):
    """A NetVLAD classifier fitted for an epoch."""
    params = {"hidden_size": 4, "fusion": "late", "max_epochs": 1, **params}
    return make_classifier("netvlad", **params).fit(X, np.arange(len(X)) % 2)


THREE = ragged(widths={"audio": 3, "video": 4, "text": 2})


@pytest.mark.parametrize(
    ("n_clusters", "expected", "largest"),
    [
        (None, [64, 128, 64], 128),
        (5, [5, 5, 5], 5),
        ({"video": 3, "audio": 6, "text": 2}, [6, 3, 2], 6),
        ({"video": 3, "audio": 6, "text": 2, "other": 9}, [6, 3, 2], 6),
    ],
    ids=["None", "number", "dict", "dict with more"],
)
def test_clusters(n_clusters, expected, largest):
    assert clusters_of(netvlad(THREE, n_clusters=n_clusters)) == expected
    assert clusters_of(netvlad(THREE, n_clusters=n_clusters, fusion="early")) == [largest]


def test_default_clusters_without_video():
    assert clusters_of(netvlad(THREE.select(["audio", "text"]), n_clusters=None)) == [64, 64]


def test_clusters_of_the_tower_are_the_classifiers():
    clusters = {"video": 3, "audio": 6}
    classifier = netvlad(n_clusters=clusters, fusion="cross_modal_concat")
    assert clusters_of(classifier) == clusters_of(classifier.correlation_tower_) == [3, 6]


@pytest.mark.parametrize("fusion", ["early", "late", "cross_modal_concat"])
def test_clusters_without_one_modality_are_refused(fusion):
    recorder, tower = Recorder(), recording_tower()
    classifier = make_classifier(
        "netvlad",
        n_clusters={"video": 3},
        fusion=fusion,
        correlation_tower=tower,
        callbacks=[recorder],
    )
    with pytest.raises(ValueError, match=r"n_clusters.*'audio'"):
        classifier.fit(X, Y)
    assert RecordingTower.fits == []
    assert not hasattr(recorder, "train_")


@pytest.mark.parametrize(
    ("family", "params", "message"),
    [
        ("netvlad", {"n_clusters": 0}, "n_clusters"),
        ("netvlad", {"n_clusters": 2.5}, "n_clusters"),
        ("netvlad", {"n_clusters": {"video": 4, "audio": 0}}, r"n_clusters\['audio'\]"),
        ("netvlad", {"hidden_size": 0}, "hidden_size"),
        ("rnn", {"n_clusters": 0}, "n_clusters"),
        ("rnn", {"hidden_size": 0}, "hidden_size"),
        ("rnn", {"hidden_size": 15}, "hidden_size must be even.*15"),
        ("rnn", {"hidden_size": 15, "rnn_type": "lstm"}, "hidden_size must be even.*15"),
        ("rnn", {"rnn_type": "elman"}, "rnn_type"),
    ],
)
@pytest.mark.parametrize("fusion", ["late", "cross_modal_concat"])
def test_wrong_parameters_of_a_family_are_refused(fusion, family, params, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make_classifier(family, fusion=fusion, **params).fit(X, Y)


@pytest.mark.parametrize(
    ("rnn_type", "layer"), [("gru", torch.nn.GRU), ("lstm", torch.nn.LSTM), (None, None)]
)
def test_rnn_types(rnn_type, layer):
    classifier = make_classifier("rnn", rnn_type=rnn_type).fit(X, Y)
    for module in (classifier.module_, classifier.correlation_tower_.module_):
        rnns = module.encoder.rnns
        assert rnns is None if layer is None else {type(rnn) for rnn in rnns} == {layer}
    assert ((p := classifier.predict_proba(X)) > 0).all()
    if rnn_type != "gru":
        assert np.abs(p - fitted("cross_modal_concat", family="rnn").predict_proba(X)).max() > 1e-5


def test_odd_width_without_recurrence_is_accepted():
    classifier = make_classifier("rnn", rnn_type=None, hidden_size=15, fusion="late").fit(X, Y)
    assert classifier.module_.encoder.out_features == 15


# Constructor and docstrings -------------------------------------------------------------------

ESTIMATORS = (*(kind for kind, _ in FAMILIES.values()), CorrelationTower)
estimators = pytest.mark.parametrize("kind", ESTIMATORS, ids=lambda kind: kind.__name__)
TRAINING = [
    "modalities",
    "frame_scaling",
    "mask_padding",
    "max_frames",
    "long_videos",
    "dropout",
    "lr",
    "batch_size",
    "max_epochs",
    "lr_schedule",
    "lr_patience",
    "weight_decay",
    "early_stopping",
    "validation_fraction",
    "device",
    "precision",
    "compile",
    "callbacks",
    "net_params",
    "random_state",
    "verbose",
    "checkpoint",
    "checkpoint_interval",
    "resume",
]
CLASSIFIER = [
    "fusion",
    "correlation_tower",
    "hierarchy",
    "cross_modal_layer_sizes",
    "cross_modal_transform",
    "cross_modal_max_lag",
    "cross_modal_combine",
    "gate",
    "correlation_features",
    "influence",
    "modality_dropout",
    "class_weight",
    "label_smoothing",
    "warm_start",
    "pretrained",
    "freeze_towers",
    "memory",
]
OWN = {
    "CrossModalTransformerClassifier": ["d_model", "n_heads", "n_layers"],
    "CrossModalNetVLADClassifier": ["n_clusters", "hidden_size"],
    "CrossModalRNNClassifier": ["rnn_type", "n_clusters", "hidden_size"],
    "CorrelationTower": [
        "encoder",
        "encoder_params",
        "hidden_layer_sizes",
        "negative_weight",
        "hierarchy",
    ],
}


def expected_params(kind):
    shared = TRAINING + CLASSIFIER * issubclass(kind, CrossModalClassifier)
    return shared + OWN[kind.__name__]


def section(doc, name):
    """Names of the entries of a section of a docstring, in order."""
    text = inspect.cleandoc(doc)
    match = re.search(rf"^{name}\n-+\n(.*?)(?=\n\n[^\n]+\n-{{3,}}\n|\Z)", text, re.S | re.M)
    return re.findall(r"^(\w+) :", match[1], re.M)


@estimators
def test_signature(kind):
    parameters = inspect.signature(kind).parameters
    assert sorted(parameters) == sorted(expected_params(kind))
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters.values())
    assert sorted(kind().get_params(deep=False)) == sorted(parameters)


def test_families_share_all_but_their_own_parameters():
    defaults = [
        {name: p.default for name, p in inspect.signature(kind).parameters.items()}
        for kind, _ in FAMILIES.values()
    ]
    for shared in TRAINING + CLASSIFIER:
        assert len({repr(default[shared]) for default in defaults}) == 1, shared


def test_defaults_are_those_of_the_paper():
    params = CrossModalNetVLADClassifier().get_params()
    expected = {
        "lr": 2e-4,
        "batch_size": 128,
        "max_epochs": 10,
        "lr_patience": 2,
        "max_frames": 300,
        "gate": "hard",
        "cross_modal_combine": "add",
        "cross_modal_layer_sizes": (64,),
        "cross_modal_transform": "dense",
        "n_clusters": None,
    }
    assert {name: params[name] for name in expected} == expected
    assert CorrelationTower().negative_weight == 2.0


@estimators
def test_every_parameter_is_documented_once_with_own_parameters_first(kind):
    documented = section(kind.__doc__, "Parameters")
    assert sorted(documented) == sorted(expected_params(kind))
    own = [name for name in documented if name in OWN[kind.__name__]]
    assert documented[: len(own)] == own


@estimators
def test_every_attribute_is_documented_and_set(kind):
    documented = section(kind.__doc__, "Attributes")
    assert len(documented) == len(set(documented))
    estimator = make_tower() if kind is CorrelationTower else kind(max_epochs=1, fusion="late")
    estimator.fit(X[:8], np.arange(8) % 2)
    properties = {name for name in dir(kind) if isinstance(getattr(kind, name), property)}
    names = {*vars(estimator), *properties}
    public = {name for name in names if name.endswith("_") and name[0] != "_"}
    assert public == set(documented)
    assert set(section(NetworkEstimator.__doc__, "Attributes")) <= public


@families
def test_params_and_copies(family):
    classifier = fitted("cross_modal_concat", family=family)
    params = classifier.get_params(deep=False)
    copied = clone(classifier)
    assert copied.get_params(deep=False) == params
    assert not hasattr(copied, "classes_")
    assert copied.set_params(fusion="late", weight_decay=0.1) is copied
    assert (copied.fusion, copied.weight_decay, classifier.fusion) == (
        "late",
        0.1,
        "cross_modal_concat",
    )
    with pytest.raises(ValueError, match="Invalid parameter 'wrong'"):
        copied.set_params(wrong=1)
    with pytest.raises(TypeError, match="wrong"):
        type(classifier)(wrong=1)


@families
def test_representations(family):
    classifier = fitted("cross_modal_concat", family=family)
    kind, size = FAMILIES[family]
    assert repr(kind()) == f"{kind.__name__}()"
    for name, value in size.items():
        assert f"{name}={value}" in repr(classifier)
    assert kind.__name__ in classifier._repr_html_()


def joblib_trip(classifier):
    file = io.BytesIO()
    joblib.dump(classifier, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize("trip", [lambda c: pickle.loads(pickle.dumps(c)), joblib_trip])
@fusions
@new_families
def test_round_trip(family, fusion, trip):
    classifier = fitted(fusion, family=family)
    again = trip(classifier)
    assert again.predict_proba(X).tobytes() == classifier.predict_proba(X).tobytes()
    assert again.history_ == classifier.history_


@new_families
def test_fit_changes_no_parameter(family):
    clusters = {"video": 3, "audio": 4} if family == "netvlad" else 3
    given = {"n_clusters": clusters, "cross_modal_layer_sizes": [4], "net_params": {}}
    classifier = make_classifier(family, **given)
    before = {name: (value, repr(value)) for name, value in vars(classifier).items()}
    classifier.fit(X, Y)
    for name, (value, text) in before.items():
        assert getattr(classifier, name) is value
        assert repr(getattr(classifier, name)) == text


BASE = """Base of all.

    Parameters
    ----------
    lr : float
        Rate of the base.
    size : int
        Size of the base.

        In two paragraphs.

    Attributes
    ----------
    net_ : object
        Net of the base.
    """


def test_own_entries_win_and_come_first():
    own = "Own.\n\nParameters\n----------\nsize : str\n    Own size.\n\nNotes\n-----\nA note."
    doc = inherit_entries(own, BASE)
    assert section(doc, "Parameters") == ["size", "lr"]
    assert "Own size." in doc
    assert "Size of the base." not in doc
    assert "Rate of the base." in doc
    assert doc.rstrip().endswith("A note.")


def test_attributes_are_inserted_behind_the_parameters():
    own = "Own.\n\nParameters\n----------\nsize : int\n    Own size.\n\nNotes\n-----\nA note."
    doc = inherit_entries(own, BASE)
    headings = re.findall(r"^(\w+)\n-+$", doc, re.M)
    assert headings == ["Parameters", "Attributes", "Notes"]
    assert section(doc, "Attributes") == ["net_"]


def test_own_attributes_are_completed():
    own = (
        "Own.\n\nParameters\n----------\nsize : int\n    Own size.\n\n"
        "Attributes\n----------\npairs_ : list\n    Own pairs.\n\nNotes\n-----\nA note."
    )
    assert section(inherit_entries(own, BASE), "Attributes") == ["pairs_", "net_"]


def test_entries_of_several_paragraphs_stay_whole():
    own = "Own.\n\nParameters\n----------\nother : int\n    Own."
    doc = inherit_entries(own, BASE)
    assert section(doc, "Parameters") == ["other", "lr", "size"]
    assert doc.index("Size of the base.") < doc.index("In two paragraphs.")


@pytest.mark.parametrize("doc", ["One line.", "One line.\n\nAnd a paragraph."])
def test_subclass_whose_docstring_has_no_sections(doc):
    kind = type("Mine", (CrossModalNetVLADClassifier,), {"__doc__": doc})
    assert inspect.cleandoc(kind.__doc__).startswith(doc)
    assert kind().get_params() == CrossModalNetVLADClassifier().get_params()


def test_subclass_without_docstring():
    kind = type("Mine", (CrossModalNetVLADClassifier,), {})
    assert kind(max_epochs=1, fusion="late", n_clusters=2).fit(X, Y).n_iter_ == 1


# Frames: scaling and padding ------------------------------------------------------------------


def even_videos(seed=0, n=24, lengths=(2, 9)):
    """Videos whose modalities are equally long, in float64."""
    rng = np.random.RandomState(seed)
    lengths = rng.randint(*lengths, size=n)
    return {
        name: [rng.randn(length, width) for length in lengths]
        for name, width in (("video", 4), ("audio", 3))
    }


def rescaled(rows, factors, shift=0.0):
    return {
        name: [frames * factors[name] + shift for frames in videos]
        for name, videos in rows.items()
    }


RESCALED = {
    "per feature": {"video": np.array([0.1, 1, 5, 30]), "audio": np.array([2, 0.3, 1])},
    "per modality": {"video": 5.0, "audio": 0.3},
    "shifted": {"video": 1.0, "audio": 1.0},
}
BITS = np.arange(24) % 2


@pytest.mark.parametrize(
    ("frame_scaling", "kind", "invariant"),
    [
        ("feature", "per feature", True),
        ("feature", "per modality", True),
        ("feature", "shifted", True),
        ("modality", "per feature", False),
        ("modality", "per modality", True),
        ("modality", "shifted", True),
        (None, "per feature", False),
        (None, "per modality", False),
        (None, "shifted", False),
    ],
)
@families
def test_frame_scaling(family, frame_scaling, kind, invariant):
    rows = even_videos()
    other = rescaled(rows, RESCALED[kind], 3.0 * (kind == "shifted"))
    params = {"frame_scaling": frame_scaling, "precision": "float64", "lr": 1e-2}
    results = [
        make_classifier(family, **params).fit(videos, BITS).predict_proba(videos)
        for videos in (from_rows(**rows), from_rows(**other))
    ]
    change = np.abs(results[1] - results[0]).max()
    assert change < 1e-6 if invariant else change > 1e-3


def test_frame_scaling_of_the_network():
    videos = from_rows(**even_videos())
    frames = np.concatenate(even_videos()["video"])
    expected = {
        "feature": (frames.mean(0), frames.std(0)),
        "modality": (frames.mean(0), np.full((), np.sqrt((frames.std(0) ** 2).mean()))),
        None: (np.zeros(4), np.ones(())),
    }
    for frame_scaling, (mean, scale) in expected.items():
        classifier = make_classifier(frame_scaling=frame_scaling, max_epochs=1).fit(videos, BITS)
        for network in (classifier.module_, classifier.correlation_tower_.module_):
            scaler = network.scalers[0]
            np.testing.assert_allclose(scaler.mean, mean, atol=1e-6)
            np.testing.assert_allclose(1 / scaler.inverse, scale, atol=1e-6)


def test_feature_without_variance_is_scaled_by_one():
    rows = even_videos()
    for frames in rows["video"]:
        frames[:, 1] = 7.0
    videos = from_rows(**rows)
    for frame_scaling in ("feature", "modality"):
        classifier = make_classifier(frame_scaling=frame_scaling).fit(videos, BITS)
        assert np.isfinite(classifier.decision_function(videos)).all()
        assert float(classifier.module_.scalers[0].inverse.max()) < 3


def zero_padded(rows, n_frames):
    out = {}
    for name, videos in rows.items():
        out[name] = [np.zeros((n_frames, frames.shape[1])) for frames in videos]
        for padded, frames in zip(out[name], videos, strict=True):
            padded[: len(frames)] = frames[:n_frames]
    return from_rows(**out)


EXACT = {
    "frame_scaling": None,
    "precision": "float64",
    "batch_size": 100,  # whole, so that the order of rows does not matter
    "dropout": 0.0,
    "lr": 1e-2,
}


@pytest.mark.filterwarnings("ignore:.* cuts ")
@pytest.mark.parametrize("max_frames", [5, 12])
@fusions
@families
def test_zero_padding_is_explicit_zero_frames(family, fusion, max_frames):
    """Also where it cuts: the frames beyond `max_frames` are gone before."""
    rows = even_videos()
    params = {"fusion": fusion, "max_frames": max_frames, "long_videos": "cut", **EXACT}
    if fusion in WITH_TOWER:  # the tower must predict the same for both
        params["correlation_tower"] = FrozenEstimator(Constant().fit(from_rows(**rows), BITS))
    short, padded = from_rows(**rows), zero_padded(rows, max_frames)
    implicit = make_classifier(family, mask_padding=False, **params).fit(short, BITS)
    explicit = make_classifier(family, **params).fit(padded, BITS)
    expected = explicit.predict_proba(padded)
    np.testing.assert_allclose(implicit.predict_proba(short), expected, atol=1e-6)
    np.testing.assert_allclose(implicit.predict_proba(padded), expected, atol=1e-6)
    attention = implicit.attention_weights(short)
    for name, pair in explicit.attention_weights(padded).items():
        assert attention[name].after.shape == (24, max_frames)
        np.testing.assert_allclose(attention[name].after, pair.after, atol=1e-6)


class Constant(CorrelationTower):
    """A tower that predicts the same for every video."""

    def __init__(self):
        super().__init__(encoder="mean", encoder_params={"d_model": 4}, max_epochs=1)

    def predict_proba(self, X, *more):
        return np.full((len(X), 1), 0.8)


@pytest.mark.parametrize("encoder", ["transformer", "netvlad", "rnn", "mean"])
def test_zero_padding_of_a_tower(encoder):
    rows = even_videos()
    params = {"encoder": encoder, "encoder_params": SMALL[encoder], "max_frames": 12, **EXACT}
    implicit = make_tower(mask_padding=False, **params).fit(from_rows(**rows), BITS)
    expected = implicit.transform(from_rows(**rows))
    np.testing.assert_allclose(implicit.transform(zero_padded(rows, 12)), expected, atol=1e-6)
    masked = make_tower(**params).fit(from_rows(**rows), BITS)
    assert np.abs(masked.transform(from_rows(**rows)) - expected).max() > 1e-4


@fusions
@families
def test_length_of_zero_padding(family, fusion):
    """Without a mask the padding counts; with one, only real frames do."""
    videos = from_rows(**even_videos())

    def predictions(**params):
        classifier = make_classifier(family, fusion=fusion, max_epochs=1, **params)
        return classifier.fit(videos, BITS).predict_proba(videos)

    one, other = (predictions(mask_padding=False, max_frames=n) for n in (10, 20))
    assert np.abs(one - other).max() > 1e-5
    one, other = (predictions(max_frames=n) for n in (10, 20))
    np.testing.assert_array_equal(one, other)


@families
def test_zero_padding_of_a_single_video(family):
    """Its padding does not depend on the videos beside it."""
    videos = from_rows(**even_videos())
    classifier = make_classifier(family, mask_padding=False, max_frames=12).fit(videos, BITS)
    whole = classifier.predict_proba(videos)
    for row in (0, 7):
        np.testing.assert_allclose(
            classifier.predict_proba(videos[[row]]), whole[[row]], atol=1e-5
        )


# Weight decay, label smoothing ----------------------------------------------------------------


def weights_of(estimator):
    return torch.cat([p.detach().ravel() for p in estimator.module_.parameters()])


@families
def test_weight_decay_shrinks_weights(family):
    params = {"fusion": "late", "max_epochs": 5}
    decayed = make_classifier(family, weight_decay=20.0, **params).fit(X, Y)
    assert decayed.net_.optimizer_.param_groups[0]["weight_decay"] == 20.0
    plain = make_classifier(family, **params).fit(X, Y)
    assert weights_of(decayed).norm() < 0.9 * weights_of(plain).norm()
    by_net = make_classifier(family, net_params={"optimizer__weight_decay": 20.0}, **params)
    assert torch.equal(weights_of(by_net.fit(X, Y)), weights_of(decayed))


def test_weight_decay_is_decoupled():
    """A step shrinks weights by lr * weight_decay, beside Adam's step."""
    recorder = Recorder()
    params = {
        "fusion": "late",
        "batch_size": 100,
        "max_epochs": 1,
        "lr_schedule": None,
        "dropout": 0.0,
        "precision": "float64",
    }
    decayed = make_classifier(weight_decay=20.0, callbacks=[recorder], **params).fit(X, Y)
    plain = make_classifier(**params).fit(X, Y)
    for name, p in plain.module_.named_parameters():
        shrunk = p.detach() - 1e-3 * 20.0 * recorder.initial_[name]
        torch.testing.assert_close(decayed.module_.get_parameter(name).detach(), shrunk)


def test_weight_decay_of_the_tower():
    tower = fitted("cross_modal_concat", weight_decay=0.5).correlation_tower_
    assert tower.weight_decay == 0.5
    assert tower.net_.optimizer_.param_groups[0]["weight_decay"] == 0.5


@pytest.mark.parametrize("weight_decay", [-1.0, "much", None])
def test_wrong_weight_decay(weight_decay):
    with pytest.raises((ValueError, TypeError), match="weight_decay"):
        make_classifier(weight_decay=weight_decay).fit(X, Y)


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, "some"])
def test_wrong_label_smoothing(smoothing):
    with pytest.raises((ValueError, TypeError), match="label_smoothing"):
        make_classifier(label_smoothing=smoothing).fit(X, Y)


def loss(kind, logits, y, weight, class_weight=None, smoothing=0.0):
    target = {"y": torch.from_numpy(y), "weight": torch.from_numpy(weight)}
    criterion = build_loss(kind, class_weight, label_smoothing=smoothing)
    return float(criterion(torch.from_numpy(logits), target))


smoothings = pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5, 1.0])


@smoothings
def test_smoothed_loss_of_classes(smoothing):
    """Of every target a share is spread over all classes, as sklearn weighs them."""
    rng = np.random.RandomState(0)
    logits, y, weight = rng.randn(20, 4), rng.randint(4, size=20), rng.uniform(0.5, 2, 20)
    p, classes = softmax(logits, axis=1), np.arange(4)
    own = log_loss(y, p, sample_weight=weight, labels=classes)
    spread = np.mean(
        [log_loss(np.full(20, c), p, sample_weight=weight, labels=classes) for c in classes]
    )
    expected = (1 - smoothing) * own + smoothing * spread
    assert loss("classes", logits, y, weight, None, smoothing) == pytest.approx(expected, rel=1e-9)
    factors = np.array([1.0, 3.0, 0.5, 2.0])
    target = (1 - smoothing) * np.eye(4)[y] + smoothing / 4
    losses = -(target * log_softmax(logits, axis=1)).sum(1)
    expected = np.average(losses, weights=weight * factors[y])
    result = loss("classes", logits, y, weight, factors, smoothing)
    assert result == pytest.approx(expected, rel=1e-9)


@smoothings
def test_smoothed_loss_of_labels(smoothing):
    """Half of the share goes to yes, half to no, as sklearn weighs them."""
    rng = np.random.RandomState(0)
    logits, y, weight = rng.randn(20, 3), rng.randint(2, size=(20, 3)), rng.uniform(0.5, 2, 20)
    p = expit(logits)
    yes, no = (
        np.mean(
            [log_loss(truth[:, j], p[:, j], sample_weight=weight, labels=[0, 1]) for j in range(3)]
        )
        for truth in (y, 1 - y)
    )
    expected = (1 - smoothing / 2) * yes + smoothing / 2 * no
    assert loss("binary", logits, y, weight, None, smoothing) == pytest.approx(expected, rel=1e-9)
    factors = np.array([1.0, 3.0, 0.5])
    target = (1 - smoothing) * y + smoothing / 2
    losses = -(target * log_expit(logits) + (1 - target) * log_expit(-logits))
    losses[y == 1] *= np.broadcast_to(factors, y.shape)[y == 1]
    expected = np.average(losses.mean(1), weights=weight)
    result = loss("binary", logits, y, weight, factors, smoothing)
    assert result == pytest.approx(expected, rel=1e-9)


def test_smoothing_and_weights_keep_absent_labels_improbable():
    """With any weight, the best probability of an absent label is the smoothed 0."""
    logits = torch.zeros(4, 1, dtype=torch.float64, requires_grad=True)
    criterion = build_loss("binary", [50.0], label_smoothing=0.1)
    target = {"y": torch.zeros(4, 1), "weight": torch.ones(4)}
    for _ in range(2000):
        (gradient,) = torch.autograd.grad(criterion(logits, target), logits)
        logits = (logits - 10 * gradient).detach().requires_grad_()
    assert torch.sigmoid(logits).detach().numpy() == pytest.approx(0.05, abs=1e-3)


@pytest.mark.parametrize("form", ["classes", "multilabel"])
def test_label_smoothing_makes_predictions_less_certain(form):
    y, params = make_y(form), {"fusion": "late", "lr": 1e-2, "max_epochs": 25, "dropout": 0.0}
    sharp, smooth = (
        make_classifier(label_smoothing=share, **params).fit(X, y).predict_proba(X)
        for share in (0.0, 0.4)
    )
    assert smooth.max() < sharp.max() - 0.05
    assert smooth.min() > sharp.min()


def test_label_smoothing_is_part_of_the_loss_of_an_epoch():
    """The first epoch's, of one batch, is that of the weights before any step."""
    params = {"fusion": "late", "batch_size": 100, "dropout": 0.0, "precision": "float64"}
    recorder = Recorder()
    classifier = make_classifier(label_smoothing=0.3, callbacks=[recorder], **params).fit(X, Y)
    first = classifier.history_[0]["train_loss"]
    classifier.module_.load_state_dict(recorder.initial_)
    log_p = log_softmax(classifier.decision_function(X), axis=1)
    own = log_p[np.arange(48), np.searchsorted(classifier.classes_, Y)]
    assert first == pytest.approx(-(0.7 * own + 0.3 * log_p.mean(1)).mean(), rel=1e-6)


def test_pairs_of_the_tower_are_not_smoothed():
    classifier = make_classifier(label_smoothing=0.3, max_epochs=1).fit(X, Y)
    assert classifier.net_.criterion_.label_smoothing == 0.3
    assert classifier.correlation_tower_.net_.criterion_.label_smoothing == 0.0


# Towers ---------------------------------------------------------------------------------------

SMALL = {
    "transformer": {"d_model": 8, "n_heads": 2},
    "netvlad": {"n_clusters": 3, "hidden_size": 8},
    "rnn": {"n_clusters": 3, "hidden_size": 8},
    "mean": {"d_model": 8},
}
KINDS = {**ENCODERS, "mean": MeanEncoder}


@pytest.mark.parametrize("encoder", SMALL)
def test_tower_with_every_encoder_can_be_used(encoder):
    tower = make_tower(encoder=encoder, encoder_params=SMALL[encoder]).fit(X, Y)
    assert type(tower.module_.encoder) is KINDS[encoder]
    p = tower.transform(X)
    assert p.shape == (48, 1)
    assert ((p > 0) & (p < 1)).all()
    assert len(np.unique(p)) > 40
    assert tower.embed(X).shape == (48, 1, 8)
    rows = [30, 3, 17]
    np.testing.assert_allclose(tower.transform(X[rows]), p[rows], atol=1e-5)
    again = pickle.loads(pickle.dumps(tower))
    assert again.transform(X).tobytes() == p.tobytes()
    params = {"encoder": KINDS[encoder], "encoder_params": SMALL[encoder]}
    by_class = make_tower(**params).fit(X, Y)
    assert by_class.transform(X).tobytes() == p.tobytes()


@pytest.mark.parametrize("encoder", SMALL)
def test_tower_has_the_defaults_of_its_encoder(encoder):
    tower = make_tower(encoder=encoder, encoder_params=None, max_epochs=1).fit(X, Y)
    assert type(tower.module_.encoder) is KINDS[encoder]
    assert tower.module_.encoder.out_features >= 256


class FirstFrame(torch.nn.Module):
    """The first frame of each modality through a linear layer: a user's encoder."""

    influences = None

    def __init__(self, widths, spec=None, *, size=4, dropout=0.1):
        super().__init__()
        self.out_features = size
        self.layers = torch.nn.ModuleList(torch.nn.Linear(width, size) for width in widths)

    def forward(self, frames, masks, links=None, sample_weight=None):
        return [layer(x[:, 0]) for layer, x in zip(self.layers, frames, strict=True)]


def test_tower_with_a_users_encoder_can_be_used():
    tower = make_tower(encoder=FirstFrame, encoder_params={"size": 5}).fit(X, Y)
    assert isinstance(tower.module_.encoder, FirstFrame)
    firsts = from_rows(**{n: [frames[:1] for frames in rows_of(X, n)] for n in ("video", "audio")})
    # Of whole videos the encoder sees the first frame.
    np.testing.assert_allclose(tower.transform(firsts), tower.transform(X), atol=1e-6)


@pytest.mark.parametrize(
    ("encoder", "params", "message"),
    [
        ("netvlad", {"d_model": 8}, "encoder_params of 'netvlad' may be .*n_clusters.*'d_model'"),
        ("transformer", {"n_clusters": 8}, "encoder_params of 'transformer'.*'n_clusters'"),
        ("mean", {"n_heads": 8}, "encoder_params of 'mean'.*'n_heads'"),
        ("rnn", {"widths": [3]}, "encoder_params of 'rnn'.*'widths'"),
        ("rnn", {"spec": None}, "encoder_params of 'rnn'.*'spec'"),
        (FirstFrame, {"n_heads": 8}, "encoder_params of .*FirstFrame.*'size'.*'n_heads'"),
        ("rnn", {"hidden_size": 7}, "hidden_size must be even"),
        ("netvlad", {"n_clusters": (3, 4, 5)}, r"n_clusters must be .* 2 of them.*\(3, 4, 5\)"),
        (
            "netvlad",
            {"n_clusters": {"video": 4, "audio": 2}},
            r"n_clusters'\] must be .*'video': 4",
        ),
        ("netvlad", {"n_clusters": 0}, r"n_clusters'\] must be an integer >= 1.*got 0"),
        ("rnn", {"rnn_type": "elman"}, r"rnn_type'\] must be one of .*'gru'.*got 'elman'"),
        ("lstm", None, "encoder must be one of.*'netvlad'"),
    ],
)
def test_wrong_encoders_are_refused(encoder, params, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make_tower(encoder=encoder, encoder_params=params).fit(X, Y)


@pytest.mark.parametrize("fusion", WITH_TOWER)
@families
def test_default_tower_has_the_encoder_of_the_classifier(family, fusion):
    classifier = fitted(fusion, family=family)
    tower = classifier.correlation_tower_
    assert tower.encoder is ENCODERS[family]
    assert type(tower.module_.encoder) is type(classifier.module_.encoder) is ENCODERS[family]
    assert tower.hidden_layer_sizes == (16,)
    assert tower.module_.encoder.out_features == classifier.module_.encoder.out_features == 16
    shared = set(TRAINING) - {"modalities", "callbacks", "net_params", "random_state"}
    for name in shared:
        assert getattr(tower, name) == getattr(classifier, name), name


@pytest.mark.parametrize("encoder", SMALL)
@new_families
def test_tower_with_another_encoder_can_be_used(family, encoder):
    tower = make_tower(encoder=encoder, encoder_params=SMALL[encoder])
    classifier = make_classifier(family, correlation_tower=tower, max_epochs=1).fit(X, Y)
    assert type(classifier.correlation_tower_.module_.encoder) is KINDS[encoder]


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("precisions", [("float32", "float64"), ("float64", "float32")])
@pytest.mark.parametrize("features", ["probability", "embedding"])
@pytest.mark.parametrize("fusion", WITH_TOWER)
def test_tower_of_another_precision_can_be_used(fusion, features, precisions, frozen):
    tower = make_tower(precision=precisions[0])
    tower = FrozenEstimator(tower.fit(X, Y)) if frozen else tower
    params = {"fusion": fusion, "correlation_features": features, "precision": precisions[1]}
    classifier = make_classifier(correlation_tower=tower, **params).fit(X, Y)
    assert classifier.predict_proba(X).dtype == precisions[1]
    assert classifier.attention_weights(X)["video"].after.shape[0] == 48
