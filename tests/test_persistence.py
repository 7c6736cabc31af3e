"""Models as files: a saved model is restored, and damaged or forged files are refused."""

import copy
import errno
import json
import os
import pickle
import sys
import threading
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from estimator_cases import (
    FAMILIES,
    FORMS,
    RandomStates,
    make_classifier,
    make_labels,
    make_tower,
    make_videos,
    make_y,
    ragged,
)
from safetensors import safe_open
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, Normalizer, StandardScaler
from stored_models import FOLDER
from stored_models import X as STORED_X

from sk_crossmodal import (
    CorrelationTower,
    CrossModalTransformerClassifier,
    HierarchyLabelBinarizer,
    LabelHierarchy,
    ModalityTransformer,
    TransformedTargetClassifier,
    _files,
    load_model,
    save_model,
)
from sk_crossmodal.modules import FUSIONS
from sk_crossmodal.persistence import _file
from sk_crossmodal.training._state import at_most

X = make_videos().data
SMALL = {"max_epochs": 1, "n_epochs": 1}
COMPARED_SEPARATELY = (
    "net_",
    "module_",
    "_targets",
    "correlation_tower",
    "correlation_tower_",
    "hierarchy",
)


def through_file(model, tmp_path, **kwargs):
    """Save and load a model."""
    path = tmp_path / "model.safetensors"
    save_model(model, path)
    states = RandomStates()
    loaded = load_model(path, **kwargs)
    assert states.unchanged()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert type(loaded) is type(model)
    return loaded


def assert_same_attributes(one, other):
    """All attributes are equal, except for objects that are compared separately."""
    assert set(vars(one)) == set(vars(other))
    for name, value in vars(one).items():
        if name not in COMPARED_SEPARATELY:
            np.testing.assert_equal(vars(other)[name], value, err_msg=name)
            plain = value.item() if isinstance(value, np.generic) else value
            assert type(vars(other)[name]) is type(plain)


def assert_same_classifier(one, other, videos=X):
    assert_same_attributes(one, other)
    for method in ("predict_proba", "decision_function"):
        np.testing.assert_array_equal(getattr(other, method)(videos), getattr(one, method)(videos))
    mine, theirs = one.predict(videos), other.predict(videos)
    assert mine.dtype == theirs.dtype
    assert issparse(mine) == issparse(theirs)
    dense = [m.toarray() if issparse(m) else m for m in (mine, theirs)]
    np.testing.assert_array_equal(*dense)
    for name, pair in one.attention_weights(videos).items():
        again = other.attention_weights(videos)[name]
        np.testing.assert_array_equal(again.before, pair.before)
        np.testing.assert_array_equal(again.after, pair.after)


CASES = [
    ("transformer", {"fusion": fusion}, form)
    for fusion, form in zip(FUSIONS, (*FORMS, "multilabel"), strict=True)
]
CASES += [
    (family, {"fusion": fusion}, form)
    for family in ("netvlad", "rnn")
    for fusion, form in (
        ("early", "binary"),
        ("late", "multilabel"),
        ("cross_modal_gated", "csr"),
        ("cross_modal_concat", "classes"),
    )
]
CASES += [
    ("transformer", {"correlation_features": "embedding"}, "classes"),
    ("transformer", {"influence": "none"}, "classes"),
    ("transformer", {"fusion": "cross_modal", "cross_modal_combine": "multiply"}, "csr"),
    ("transformer", {"precision": "float64", "frame_scaling": "feature"}, "classes"),
    ("netvlad", {"precision": "bfloat16", "fusion": "late"}, "multilabel"),
    ("netvlad", {"fusion": "late", "class_weight": "balanced"}, "multilabel"),
    ("netvlad", {"n_clusters": {"audio": 2, "video": 3}}, "classes"),
    ("rnn", {"rnn_type": "lstm", "early_stopping": True}, "classes"),
    ("rnn", {"rnn_type": None, "mask_padding": False, "max_frames": 9}, "classes"),
    ("rnn", {"fusion": "late", "frame_scaling": None, "label_smoothing": 0.1}, "classes"),
    (
        "transformer",
        {"net_params": {"optimizer__betas": (0.8, 0.9)}, "lr": np.float32(0.001)},
        "csr",
    ),
]


@pytest.mark.parametrize(("family", "params", "form"), CASES, ids=str)
def test_saved_classifier_predicts_the_same(family, params, form, tmp_path):
    tower = make_tower(max_epochs=1)
    params = {"max_epochs": 2, "correlation_tower": tower, "batch_size": 32, **params}
    classifier = make_classifier(family, **params).fit(X, make_y(form))
    loaded = through_file(classifier, tmp_path)
    assert_same_classifier(classifier, loaded)
    if classifier.correlation_tower_ is not None:
        mine, theirs = classifier.correlation_tower_, loaded.correlation_tower_
        assert_same_attributes(mine, theirs)
        np.testing.assert_array_equal(theirs.embed(X), mine.embed(X))
    assert loaded.net_.history[:, "train_loss"] == loaded.loss_curve_


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("widths", [{"only": 4}, {"a": 3, "../b": 4, "c.weight": 2}], ids=len)
@pytest.mark.filterwarnings("ignore:fusion='cross_modal_concat' needs two modalities")
def test_saved_classifier_of_one_or_three_modalities_predicts_the_same(family, widths, tmp_path):
    videos = ragged(widths=widths, n=16)
    y = np.arange(16) % 3
    classifier = make_classifier(family, correlation_tower=make_tower(max_epochs=1), max_epochs=1)
    classifier.fit(videos, y)
    loaded = through_file(classifier, tmp_path)
    assert_same_classifier(classifier, loaded, videos)
    assert loaded.modality_names_in_ == tuple(widths)


@pytest.mark.parametrize(
    "classes",
    [
        np.array(["a", "an élan", "\ud800b"]),
        np.array(["a", "b", "c"], dtype=object),
        np.array([3, 5, 2**40]),
        np.array([3, 5, 7], dtype=np.uint8),
        np.array([3, 5, 7], dtype=">i4"),
        np.array([1.0, 2.0, 4.0], dtype=np.float32),
        np.array([1.0, 2.0, 4.0], dtype=">f8"),
        np.array([False, True]),
    ],
    ids=lambda classes: str(classes.dtype),
)
def test_classes_of_any_dtype_are_restored(classes, tmp_path):
    y = classes[np.arange(48) % len(classes)]
    classifier = make_classifier(fusion="late", max_epochs=1).fit(X, y)
    loaded = through_file(classifier, tmp_path)
    assert loaded.classes_.dtype == classifier.classes_.dtype
    np.testing.assert_array_equal(loaded.classes_, classifier.classes_)
    assert loaded.label_names_ == classifier.label_names_
    assert loaded.predict(X).tolist() == classifier.predict(X).tolist()


@pytest.mark.parametrize("encoder", ["mean", "transformer", "netvlad", "rnn"])
def test_saved_tower_transforms_the_same(encoder, tmp_path):
    hierarchy = make_labels()[0].hierarchy_
    tower = make_tower(encoder=encoder, encoder_params=None, hierarchy=hierarchy, max_epochs=1)
    tower.fit(X, make_y("multilabel"))
    loaded = through_file(tower, tmp_path)
    assert_same_attributes(tower, loaded)
    np.testing.assert_array_equal(loaded.transform(X), tower.transform(X))
    y = make_y("multilabel")
    assert loaded.pair_error_rates(X, y) == tower.pair_error_rates(X, y)
    assert loaded.get_feature_names_out() == tower.get_feature_names_out()
    assert loaded.hierarchy == hierarchy


def test_frozen_tower_is_restored_as_one_object(tmp_path):
    tower = make_tower(max_epochs=1).fit(X, make_y("classes"))
    classifier = make_classifier(correlation_tower=FrozenEstimator(tower), max_epochs=1)
    classifier.fit(X, make_y("classes"))
    loaded = through_file(classifier, tmp_path)
    assert loaded.correlation_tower.estimator is loaded.correlation_tower_
    assert_same_classifier(classifier, loaded)
    again = clone(loaded).fit(X, make_y("classes"))
    np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))


def test_default_tower_keeps_the_encoder_class(tmp_path):
    classifier = make_classifier("netvlad", max_epochs=1).fit(X, make_y("classes"))
    loaded = through_file(classifier, tmp_path)
    assert loaded.correlation_tower_.encoder is classifier.correlation_tower_.encoder
    assert_same_classifier(classifier, loaded)


def test_loaded_model_scores_pickles_and_continues_as_the_fitted_one(tmp_path):
    labels, Y = make_labels()
    params = {"hierarchy": labels.hierarchy_, "warm_start": True, "modalities": ("video", "audio")}
    classifier = make_classifier("netvlad", correlation_tower=make_tower(max_epochs=1), **params)
    classifier.fit(X, Y)
    loaded = through_file(classifier, tmp_path)
    assert loaded.hierarchy is loaded._targets.hierarchy
    assert loaded.score(X, Y) == classifier.score(X, Y)
    assert loaded._repr_html_().count("netvlad") == classifier._repr_html_().count("netvlad")
    mine, theirs = clone(classifier).get_params(), clone(loaded).get_params()
    assert {k: v for k, v in mine.items() if k != "correlation_tower"} == {
        k: v for k, v in theirs.items() if k != "correlation_tower"
    }
    again = pickle.loads(pickle.dumps(loaded))
    assert_same_classifier(again, copy.deepcopy(loaded))
    # Both continue to the same weights; each starts with a new optimizer.
    for one in (classifier, loaded):
        one.set_params(max_epochs=1).fit(X, Y)
    assert_same_weights(classifier, loaded)
    assert loaded.n_iter_ == 3
    through_file(loaded, tmp_path).partial_fit(X, Y)


def assert_same_weights(one, other):
    mine, theirs = one.module_.state_dict(), other.module_.state_dict()
    assert list(mine) == list(theirs)
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_partial_fit_of_loaded_model_continues_with_the_weights(tmp_path):
    """The state of the optimizer is not saved."""
    y = make_y("classes")
    classifier = make_classifier(fusion="late").partial_fit(X, y)
    loaded = through_file(classifier, tmp_path)
    classifier.net_.optimizer_.state.clear()
    for one in (classifier, loaded):
        one.partial_fit(X, y)
    assert_same_weights(classifier, loaded)


@pytest.mark.parametrize("classifier", [None, "late"])
def test_pipeline_with_target_transformer_is_restored(classifier, tmp_path):
    paths = [frozenset(sets) for sets in make_videos().target]
    features = ModalityTransformer(
        {"video": PCA(3), "audio": IncrementalPCA(2)}, remainder="drop", block_size=64
    )
    late = make_classifier(fusion="late", max_epochs=1)
    last = late if classifier else make_classifier("rnn", max_epochs=1)
    model = TransformedTargetClassifier(
        make_pipeline(features, last), transformer=HierarchyLabelBinarizer(min_frequency=3)
    ).fit(X, paths)
    loaded = through_file(model, tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert loaded.predict(X).tolist() == model.predict(X).tolist()
    assert loaded.hierarchy_ == model.hierarchy_
    assert loaded.score(X, paths) == model.score(X, paths)
    assert loaded.label_names_ == model.label_names_
    assert not hasattr(loaded.classifier[0], "transformers_")
    clone(loaded).fit(X, paths)


def test_single_label_is_restored(tmp_path):
    y = [{"Music"} if i % 2 else set() for i in range(48)]
    model = TransformedTargetClassifier(
        make_classifier(fusion="late"), transformer=HierarchyLabelBinarizer()
    ).fit(make_videos().data, y)
    save_model(model, tmp_path / "m")
    X = make_videos(24, 1).data
    np.testing.assert_array_equal(
        load_model(tmp_path / "m").predict_proba(X), model.predict_proba(X)
    )


def test_label_encoder_and_scalers_of_tables_are_restored(tmp_path):
    rng = np.random.RandomState(0)
    table, y = rng.randn(40, 7), np.array(["b", "a"] * 20)
    late = make_classifier(
        fusion="late", max_epochs=1, modalities={"l": slice(0, 3), "r": slice(3, 7)}
    )
    model = TransformedTargetClassifier(
        make_pipeline(StandardScaler(), Normalizer(), late), transformer=LabelEncoder()
    ).fit(table, y)
    loaded = through_file(model, tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(table), model.predict_proba(table))
    assert loaded.predict(table).tolist() == model.predict(table).tolist()
    assert loaded.classes_.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    "part",
    [PCA(2, whiten=True), IncrementalPCA(2), StandardScaler(with_std=False), Normalizer("l1")],
    ids=lambda part: type(part).__name__,
)
def test_scikit_learn_transformer_is_restored(part, tmp_path):
    table = np.random.RandomState(0).randn(30, 5).astype(np.float32)
    model = ModalityTransformer(remainder=part, modalities={"x": 3, "y": 2}).fit(table)
    loaded = through_file(model, tmp_path)
    assert_same_attributes(model.transformers_["x"], loaded.transformers_["x"])
    np.testing.assert_array_equal(loaded.transform(table), model.transform(table))
    names = loaded.get_feature_names_out()
    assert names.tolist() == model.get_feature_names_out().tolist()


def test_output_and_metadata_settings_are_restored(tmp_path):
    labels = HierarchyLabelBinarizer().fit([["a:b"], ["c"]]).set_output(transform="pandas")
    assert through_file(labels, tmp_path).transform([["c"]]).columns.tolist() == ["a", "a:b", "c"]
    late = make_classifier(fusion="late", max_epochs=1)
    with config_context(enable_metadata_routing=True):
        late.set_fit_request(sample_weight=True).set_score_request(sample_weight="w")
    loaded = through_file(late.fit(X, make_y("classes")), tmp_path)
    requests = loaded.get_metadata_routing()
    assert requests.fit.requests["sample_weight"] is True
    assert requests.score.requests["sample_weight"] == "w"


@pytest.mark.parametrize("sparse", [False, True])
def test_binarizer_is_restored(sparse, tmp_path):
    labels = HierarchyLabelBinarizer(min_frequency=0.4, sparse_output=sparse, separator="/")
    paths = [["a/x/1", "b"], ["a/x"], ["b/y"], ["a", "b"]]
    labels.fit(paths)
    loaded = through_file(labels, tmp_path)
    assert_same_attributes(labels, loaded)
    assert loaded.hierarchy_ == labels.hierarchy_  # with what was left out
    assert (loaded.transform(paths) != labels.transform(paths)).sum() == 0
    known = loaded.hierarchy_._left_out
    assert known
    given = HierarchyLabelBinarizer(hierarchy=labels.hierarchy_).fit(np.array([["b"], ["a"]]))
    again = through_file(given, tmp_path)
    assert again.hierarchy == given.hierarchy
    assert again.n_features_in_ == 1


NODES = ("é", "", 3, -1, 2**40, None, True, ("a", 1), (("a", None), ()), np.int64(9))


def test_hierarchy_with_nodes_of_any_type_is_restored(tmp_path):
    parents = {node: NODES[:i][-2:] for i, node in enumerate(NODES)}
    hierarchy = LabelHierarchy(parents, names={3: "three", ("a", 1): "a\ud800"})
    loaded = through_file(hierarchy, tmp_path)
    assert loaded == hierarchy
    assert hash(loaded) == hash(hierarchy)
    assert [type(node) for node in loaded.nodes][:-1] == [type(node) for node in NODES][:-1]
    part = hierarchy.subset([3, ("a", 1)])
    assert through_file(part, tmp_path) == part
    with pytest.raises(TypeError, match=r"frozenset.* is a node of the hierarchy"):
        save_model(LabelHierarchy({frozenset("a"): []}), tmp_path / "m")
    with pytest.raises(TypeError, match=r"1.5\) is a node"):
        save_model(LabelHierarchy({("a", 1.5): []}), tmp_path / "m")


@pytest.mark.parametrize("name", json.loads((FOLDER / "expected.json").read_text()))
def test_models_of_earlier_versions_predict_the_same(name):
    """Never rewrite these files: they stand for files of users."""
    expected = json.loads((FOLDER / "expected.json").read_text())[name]
    model = load_model(FOLDER / f"{name}.safetensors")
    np.testing.assert_allclose(model.predict_proba(STORED_X[:3]), expected, atol=2e-5)
    clone(model)


@pytest.mark.parametrize("name", json.loads((FOLDER / "expected.json").read_text()))
def test_models_of_earlier_versions_split_one_wide_array_by_their_widths(name):
    model = load_model(FOLDER / f"{name}.safetensors")
    wide = np.random.RandomState(0).randn(4, 3, sum(STORED_X.n_features.values()))
    width = STORED_X.n_features["video"]
    parts = {"video": wide[..., :width], "audio": wide[..., width:]}
    np.testing.assert_array_equal(model.predict_proba(wide), model.predict_proba(parts))


def test_same_model_gives_the_same_bytes(tmp_path):
    model = make_classifier(fusion="late", max_epochs=1).fit(X, make_y("classes"))
    for name in ("a", "b"):
        save_model(model, tmp_path / name)
    save_model(load_model(tmp_path / "a"), str(tmp_path / "c"))
    data = {(tmp_path / name).read_bytes() for name in "abc"}
    assert len(data) == 1
    with safe_open(tmp_path / "a", "numpy") as file:  # any tool reads it
        assert json.loads(file.metadata()["sk_crossmodal"])["format"] == 1
        weight = file.get_tensor("0.module.head.4.weight")
    np.testing.assert_array_equal(weight, model.module_.head[4].weight.detach().numpy())


def test_loaded_model_shares_no_memory(tmp_path):
    """Changing the weights of a loaded model changes no other model."""
    model = make_classifier(fusion="late", max_epochs=1).fit(X, make_y("classes"))
    before = model.predict_proba(X)
    loaded = through_file(model, tmp_path)
    with torch.no_grad():
        for parameter in loaded.module_.parameters():
            assert parameter.requires_grad
            parameter.zero_()
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert (load_model(tmp_path / "model.safetensors").predict_proba(X) == before).all()


def test_history_of_warm_start_is_restored(tmp_path):
    model = make_classifier(fusion="late", warm_start=True, early_stopping=True)
    model.fit(X, make_y("classes")).fit(X, make_y("classes"))
    loaded = through_file(model, tmp_path)
    assert loaded.history_ == model.history_
    assert len(loaded.net_.history) == len(model.net_.history) == 2
    assert loaded.validation_scores_ == model.validation_scores_
    assert loaded.best_validation_score_ == model.best_validation_score_ is not None


def test_device_that_is_missing_here_is_replaced(tmp_path):
    late = make_classifier(fusion="late", max_epochs=1).fit(X, make_y("classes"))
    expected = late.predict_proba(X)
    late.device = "cuda:7"  # as if it had been trained there
    loaded = through_file(late, tmp_path)
    assert loaded.device == "cuda:7"
    if not torch.cuda.is_available():
        assert loaded.net_.device == "cpu"
        np.testing.assert_array_equal(loaded.predict_proba(X), expected)
    here = through_file(late, tmp_path, device="cpu")
    assert here.device == here.net_.device == "cpu"
    here.fit(X, make_y("classes"))


def test_paths_of_the_machine_are_dropped_with_a_warning(tmp_path):
    params = {"checkpoint": str(tmp_path / "runs"), "memory": str(tmp_path / "towers")}
    model = make_classifier(max_epochs=1, correlation_tower=make_tower(max_epochs=1), **params)
    model.fit(X, make_y("classes"))
    path = tmp_path / "model"
    with pytest.warns(UserWarning, match=r"memory.*correlation_tower_.checkpoint"):
        save_model(model, path)
    assert str(tmp_path).encode() not in path.read_bytes()
    loaded = load_model(path)
    assert loaded.checkpoint is None
    assert loaded.memory is None
    assert loaded.correlation_tower_.resume is False
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_pickle_and_joblib_predict_the_same(tmp_path):
    model = make_classifier(max_epochs=1).fit(X, make_y("classes"))
    joblib.dump(model, tmp_path / "model.joblib")
    for again in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model.joblib")):
        np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


# Models that cannot be saved.


def unsupported_values():
    """(parameter, value, pattern of the message) of classifiers that cannot be saved."""
    yield (
        "callbacks",
        [ProgressBar()],
        r"callbacks\[0\] is .*of the class ProgressBar.* cannot contain",
    )
    yield "net_params", {"optimizer": torch.optim.SGD}, r"net_params\['optimizer'\] is <class"
    yield "random_state", np.random.RandomState(0), r"random_state is RandomState"
    yield "class_weight", {0: 1 << 70}, r"class_weight\[0\] must have less than 64 bits"
    yield "batch_size", np.longdouble(3), r"batch_size is np.longdouble"
    yield "note", 3, r"note is 3: an attribute that a model file"


@pytest.mark.parametrize(
    ("name", "value", "words"), list(unsupported_values()), ids=lambda value: str(value)[:20]
)
def test_value_without_a_form_in_files_raises(name, value, words, tmp_path):
    model = copy.deepcopy(make_classifier(fusion="late", max_epochs=1).fit(X, make_y("binary")))
    setattr(model, name, value)
    path = tmp_path / "model"
    path.write_bytes(b"old")
    with pytest.raises(TypeError, match=words):
        save_model(model, path)
    assert path.read_bytes() == b"old"


class OwnEncoder(CorrelationTower):
    """A class that is not registered."""


def test_other_classes_raise(tmp_path):
    path = tmp_path / "model"
    own = OwnEncoder(encoder="mean", max_epochs=1).fit(X, make_y("classes"))
    with pytest.raises(TypeError, match=r"model is OwnEncoder.*joblib"):
        save_model(own, path)
    frozen = make_classifier(correlation_tower=FrozenEstimator(own), max_epochs=1)
    with pytest.raises(TypeError, match=r"correlation_tower.estimator is .*OwnEncoder"):
        save_model(frozen.fit(X, make_y("classes")), path)
    linear = TransformedTargetClassifier(LogisticRegression()).fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(TypeError, match=r"classifier is LogisticRegression\(\)"):
        save_model(linear, path)
    late = make_classifier(fusion="late", max_epochs=1).fit(X, make_y("classes"))
    late.set_callbacks(ProgressBar())
    with pytest.raises(TypeError, match=r"set_callbacks was given .*ProgressBar"):
        save_model(late, path)
    save_model(late.set_callbacks(), path)


def test_model_changed_since_fit_raises(tmp_path):
    late = make_classifier(fusion="late", max_epochs=1).fit(X, make_y("classes"))
    late.fusion = "early"
    with pytest.raises(
        ValueError, match=r"fitted with fusion='late', and fusion is now 'early'; refit"
    ):
        save_model(late, tmp_path / "m")
    late.fusion = "late"
    with torch.no_grad():
        late.module_.head[1].bias[0] = torch.nan
    with pytest.raises(ValueError, match=r"head.1.bias holds NaN or infinity"):
        save_model(late, tmp_path / "m")
    assert not list(tmp_path.iterdir())


# Files and folders.

LABELS = LabelHierarchy({"a": [], "b": ["a"]})


def test_save_follows_links(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "model")
    for _ in range(2):
        save_model(LABELS, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert load_model(tmp_path / "real" / "model") == LABELS
    assert len(list((tmp_path / "real").iterdir())) == 1
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(OSError, match="not saved"):
        save_model(LABELS, tmp_path / "loop")


def test_path_that_is_no_regular_file_raises(tmp_path):
    with pytest.raises(IsADirectoryError, match=r"folder; the model is not saved.*test_path"):
        save_model(LABELS, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"not saved.*missing"):
        save_model(LABELS, tmp_path / "missing" / "model")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError, match="not saved"):
        save_model(LABELS, tmp_path / "file" / "model")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        save_model(LABELS, tmp_path / "pipe")
    with pytest.raises(ValueError, match=r"pipe' cannot be loaded: it is no regular file"):
        load_model(tmp_path / "pipe")
    with pytest.raises(IsADirectoryError):
        load_model(tmp_path)
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "missing")
    assert {p.name for p in tmp_path.iterdir()} == {"file", "pipe"}


@pytest.mark.parametrize("step", ["write", "fsync", "replace", "open"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES], ids=os.strerror)
def test_failing_disk_keeps_the_earlier_file(step, code, tmp_path, monkeypatch):
    path = tmp_path / "model"
    save_model(LABELS, path)
    old = path.read_bytes()

    def fails(*args, **kwargs):
        raise OSError(code, os.strerror(code), "elsewhere")

    if step in ("fsync", "replace"):
        monkeypatch.setattr(_files.os, step, fails)
    else:
        opened = fails if step == "open" else full_disk(fails)
        monkeypatch.setattr(_files, "open", opened, raising=False)
    with pytest.raises(
        OSError, match=r"the model is not saved, and any earlier file is unchanged"
    ):
        save_model(LabelHierarchy({"c": []}), path)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def full_disk(fails):
    """An `open` whose files fail after half of the data."""

    def opened(path, mode):
        file = open(path, mode)  # noqa: SIM115, closed by its user
        write = file.write

        class Full:
            def __enter__(self):
                return self

            def __exit__(self, *args):
                file.close()

            def write(self, data):
                write(data[: len(data) // 2])
                fails()

        return Full()

    return opened


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folder_raises(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match="not saved"):
            save_model(LABELS, tmp_path / "model")
    finally:
        tmp_path.chmod(0o700)


# Files of strangers: a short campaign of benchmarks/robustness/forged_models.py.

ROBUSTNESS = Path(__file__).resolve().parents[1] / "benchmarks" / "robustness"


@pytest.fixture
def forgeries(monkeypatch):
    monkeypatch.syspath_prepend(str(ROBUSTNESS))
    yield __import__("forged_models")
    for name in ("campaign", "forged_models", "model_forgeries", "machine"):
        sys.modules.pop(name, None)


def test_damaged_and_forged_files_raise_or_work(forgeries):
    figures = forgeries.forged_models(damages=150, forgeries=150, seed=1)
    assert not figures["failures"]
    assert figures["failed"] == 0
    outcomes = figures["outcomes"]
    assert sum(outcomes.values()) == 300
    assert sum(n for kind, n in outcomes.items() if kind.endswith("refused")) > 200


def test_campaign_detects_each_kind_of_failure(forgeries, tmp_path, monkeypatch):
    """A checksum that is not verified, and code that is run."""
    save_model(
        make_classifier(fusion="late", max_epochs=1).fit(X, make_y("classes")), tmp_path / "m"
    )
    data = (tmp_path / "m").read_bytes()
    trial = forgeries.Trial(tmp_path)
    trial.learn(data)
    assert trial.check("same", data, may_load=False) is None
    monkeypatch.setattr(forgeries, "load_model", lambda path: eval("1 + 1"))  # noqa: S307
    assert trial.check("run", data, may_load=True) is None
    monkeypatch.setattr(forgeries, "load_model", lambda path: {}["x"])
    assert trial.check("other error", data, may_load=True) is None
    monkeypatch.undo()
    monkeypatch.setattr(forgeries, "SECONDS", -1)
    assert trial.check("slow", b"", may_load=True) is None
    failures = "".join(trial.failures)
    assert "damaged file was loaded" in failures
    assert "it did [('compile'" in failures
    assert "KeyError" in failures
    assert "it took" in failures


def reseal(path, change):
    """Change the document and the tensors of a file, and correct its checksum."""
    document, tensors = _file.from_bytes(path.read_bytes())
    change(document, tensors)
    kept = {name: document[name] for name in ("package", "objects", "model")}
    path.write_bytes(_file.to_bytes(kept, tensors))


FORGED = {
    "class": (
        lambda o, t: o.update({"class": "os.system"}),
        "No model class is registered as 'os.system', only",
    ),
    "entry": (lambda o, t: o.update(x=1), r"entries may be .* got \['x'\]"),
    "parameter": (lambda o, t: o["params"].update(x=1), r"unexpected keyword argument 'x'"),
    "value": (lambda o, t: o["params"].update(lr=-1.0), r"lr must be a number > 0.*, got -1.0"),
    "callbacks": (
        lambda o, t: o["params"].update(callbacks=["os.system"]),
        "callbacks and pretrained must be None in",
    ),
    "memory": (lambda o, t: o["params"].update(memory="../x"), "memory must be None in a model"),
    "checkpoint": (lambda o, t: o["params"].update(checkpoint="/x"), "checkpoint must be None"),
    "device": (lambda o, t: o["params"].update(device="meta"), "device cannot be 'meta'"),
    "d_model": (
        lambda o, t: o["fitted"]["network"]["encoder_params"].update(d_model=10**6),
        "larger than the",
    ),
    "n_layers": (
        lambda o, t: o["fitted"]["network"]["encoder_params"].update(n_layers=100),
        "larger than the",
    ),
    "n_outputs": (lambda o, t: o["fitted"]["network"].update(n_outputs=10**6), "larger than the"),
    "encoder": (
        lambda o, t: o["fitted"]["network"].update(encoder={"!encoder": "os.system"}),
        "No encoder is registered as 'os.system', only .*register yours",
    ),
    "classes": (lambda o, t: o["fitted"]["targets"].update(classes=10**12), "28 outputs"),
    "missing": (lambda o, t: t.pop("0.module.head.1.bias"), "larger than the"),
    "extra": (lambda o, t: t.update(x=torch.ones(1)), r"nothing uses the tensors \['x'\]"),
    "more": (
        lambda o, t: t.update({"0.module.x": torch.ones(1)}),
        r'Unexpected key\(s\) in state_dict: "x"',
    ),
    "half": (
        lambda o, t: t.update({"0.module.head.1.bias": t["0.module.head.1.bias"].half()}),
        "must be of torch.float32, and there is torch.float16",
    ),
    "nan": (
        lambda o, t: t["0.module.head.1.bias"].fill_(torch.nan),
        "'0.module.head.1.bias' must hold finite numbers",
    ),
    "frame_stats": (lambda o, t: t.update({"0.mean.1": t["0.mean.0"].clone()}), "larger than the"),
    "names": (lambda o, t: o["fitted"].update(modalities=["a", "a"]), "must be different names"),
    "long padding": (lambda o, t: o["fitted"]["network"].update(pad_to=10**9), "<= 100000"),
    "padding": (
        lambda o, t: o["fitted"]["network"].update(pad_to=9),
        "fitted with mask_padding=False, and mask_padding is now True; refit",
    ),
    "tower": (
        lambda o, t: o["params"].update(correlation_tower="os.system"),
        r"correlation_tower must be .*[tT]ower",
    ),
    "itself": (
        lambda o, t: o["params"].update(correlation_tower={"!object": 0}),
        "object 0 is not among the 0 before",
    ),
    "int": (
        lambda o, t: o["params"].update(max_epochs=2**63),
        "at most 63 bits, got 9223372036854775808",
    ),
    "settings": (lambda o, t: o.update(settings={"x": 1}), r"entries may be .* got \['x'\]"),
    "output": (
        lambda o, t: o.update(settings={"output": "os"}),
        "output must be one of .* got 'os'",
    ),
    "requests": (
        lambda o, t: o.update(settings={"requests": {"x": {}}}),
        "a method in requests must be one of .* got 'x'",
    ),
    "history": (lambda o, t: o["fitted"].update(history=[{}]), "needs train_loss"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_entry_is_named(name, tmp_path):
    change, words = FORGED[name]
    path = tmp_path / "model"
    save_model(fitted_late(), path)
    reseal(path, lambda document, tensors: change(document["objects"][0], tensors))
    with pytest.raises(ValueError, match=words) as caught:
        load_model(path)
    assert str(path) in str(caught.value)


def fitted_late(cache=[]):  # noqa: B006, fitted once
    if not cache:
        cache.append(make_classifier(fusion="late", max_epochs=1).fit(X, make_y("multilabel")))
    return cache[0]


def test_forged_document_is_named(tmp_path):
    path = tmp_path / "model"
    save_model(LABELS, path)
    good = path.read_bytes()
    for change, words in [
        (lambda d: d.update(objects={}), "object 0 is not among the 0 before"),
        (lambda d: d.update(objects=[3]), "an object: 'int' object is not subscriptable"),
        (lambda d: d.update(model=5), "object 5 is not among the 1"),
        (lambda d: d["objects"][0].update(parents=[[1], [0]]), "form a cycle"),
        (
            lambda d: d["objects"][0].update(nodes=["a", "a"]),
            r"nodes must differ, got \['a', 'a'\]",
        ),
        (lambda d: d["objects"][0].update(nodes=["a", 1.5]), "1.5 is a node"),
        (
            lambda d: d["objects"][0].update(left_out=[["a", [0]]]),
            r"nodes must differ, got \['a', 'b', 'a'\]",
        ),
        (lambda d: d["objects"][0].update(names=[[0, 3]]), "must be a str, got 3"),
    ]:
        path.write_bytes(good)
        reseal(path, lambda document, tensors, change=change: change(document))
        with pytest.raises(ValueError, match=words):
            load_model(path)


def test_exponential_nesting_raises(tmp_path):
    """Forty levels of two steps each would take 2 ** 40 operations."""
    path = tmp_path / "model"
    save_model(make_pipeline(StandardScaler()).fit(np.eye(3)), path)

    def nest(document, tensors):
        first = document["objects"][-1]
        for i in range(1, 41):
            steps = [{"!tuple": [name, {"!object": i}]} for name in "ab"]
            params = {**first["params"], "steps": steps}
            document["objects"].append({**first, "params": params})
        document["model"] = 41

    reseal(path, nest)
    with pytest.raises(ValueError, match="a Pipeline cannot be inside this"):
        load_model(path)
    nested = make_pipeline(make_pipeline(StandardScaler())).fit(np.eye(3))
    with pytest.raises(TypeError, match=r"steps.*of the class Pipeline, .* cannot contain there"):
        save_model(nested, path)


def test_any_flipped_bit_raises(tmp_path):
    path = tmp_path / "model"
    save_model(LabelHierarchy({"a": [], 1: ["a"]}), path)
    good = path.read_bytes()
    for i in range(len(good)):
        for bit in range(8):
            data = bytearray(good)
            data[i] ^= 1 << bit
            with pytest.raises(ValueError, match=r"^its? "):
                _file.from_bytes(bytes(data))
    assert load_model(path) == LabelHierarchy({"a": [], 1: ["a"]})


def test_size_limit_ignores_networks_of_other_threads():
    built = []
    with at_most({}):
        thread = threading.Thread(target=lambda: built.append(torch.nn.Linear(3, 2)))
        thread.start()
        thread.join()
        with pytest.raises(ValueError, match="larger than the 0 tensors"):
            torch.nn.Linear(3, 2)
    assert len(built) == 1
    torch.nn.Linear(3, 2)


def test_compiled_network_is_saved_uncompiled(tmp_path):
    late = copy.deepcopy(make_classifier(fusion="late", max_epochs=1).fit(X, make_y("classes")))
    expected = late.predict_proba(X)
    late.module_ = late.net_.module_ = torch.compile(late.module_, backend="eager")
    late.compile = True
    loaded = through_file(late, tmp_path)
    assert loaded.compile is True
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)


def test_other_file_formats_are_named(tmp_path):
    path = tmp_path / "model"
    from safetensors.torch import save_file

    save_file({"x": torch.ones(2)}, path)
    with pytest.raises(ValueError, match="no model file of sk_crossmodal"):
        load_model(path)
    for data, words in [
        (b"", "it is empty; copy or download it again"),
        (pickle.dumps(LABELS), "it is a pickle, as written by joblib"),
        (b"PK\x03\x04" * 9, "it is a zip archive"),
        (b"<!DOCTYPE html>", "it is a web page; the download failed"),
        (b"version https://git-lfs", "a pointer of git-lfs"),
        ((2**62).to_bytes(8, "little") + b"{}", "damaged, or no safetensors file"),
        ((4).to_bytes(8, "little") + b"\xff\xfe{}", "not valid JSON"),
        ((2).to_bytes(8, "little") + b"[]", "no model file"),
    ]:
        path.write_bytes(data)
        with pytest.raises(ValueError, match=words):
            load_model(path)


def test_later_format_or_version_is_named(tmp_path, monkeypatch):
    path = tmp_path / "model"
    monkeypatch.setattr(_file, "FORMAT", 2)
    save_model(LABELS, path)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="format 2, but this version reads 1"):
        load_model(path)
    save_model(fitted_late(), path)

    def later(document, tensors):
        document["package"] = "9.0"
        document["objects"][0]["params"]["new"] = 1

    reseal(path, later)
    with pytest.raises(ValueError, match=r"argument 'new'.*written by version '9.0'"):
        load_model(path)


def test_missing_parameters_get_defaults(tmp_path):
    path = tmp_path / "model"
    save_model(fitted_late(), path)

    def earlier(document, tensors):
        del document["objects"][0]["params"]["weight_decay"]
        del document["objects"][0]["fitted"]["network"]["modality_dropout"]

    reseal(path, earlier)
    loaded = load_model(path)
    assert loaded.weight_decay == CrossModalTransformerClassifier().weight_decay
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted_late().predict_proba(X))


def test_too_long_document_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(_file, "MAX_HEADER", 200)
    with pytest.raises(ValueError, match="bytes as JSON, more than the 200"):
        save_model(LABELS, tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_file_keeps_its_mode_and_device_becomes_its_name(tmp_path):
    X, y = make_videos().data, make_y("classes")
    model = make_classifier(fusion="late", max_epochs=1, device=torch.device("cpu")).fit(X, y)
    path = tmp_path / "model"
    save_model(model, path)
    path.chmod(0o600)
    save_model(model, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_model(path).device == "cpu"
