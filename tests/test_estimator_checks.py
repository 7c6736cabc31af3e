"""`check_multimodal_estimator`: all estimators pass, and each broken one fails its check."""

import copy
import importlib
import random

import numpy as np
import pytest
import torch
from discovery import kind_of, small_instances
from estimator_cases import make_classifier
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from test_docs import blocks

from sk_crossmodal import CorrelationTower, ModalityTransformer, TransformedTargetClassifier
from sk_crossmodal.multimodal import as_multimodal
from sk_crossmodal.utils.estimator_checks import (
    CHECKS,
    check_multimodal_estimator,
    yield_multimodal_checks,
)

pytestmark = pytest.mark.one_version

LATE = make_classifier(fusion="late", max_epochs=1)
# HierarchyLabelBinarizer transforms labels; TransformedTargetClassifier needs a classifier.
NOT_OF_VIDEOS = ("HierarchyLabelBinarizer", "TransformedTargetClassifier")
INSTANCES = {
    **{name: e for name, e in small_instances(max_epochs=1) if name not in NOT_OF_VIDEOS},
    "TransformedTargetClassifier": TransformedTargetClassifier(LATE),
    "ModalityTransformer-PCA": ModalityTransformer({"video": PCA(2)}, remainder=StandardScaler()),
    "Pipeline": make_pipeline(ModalityTransformer({"video": PCA(2)}), LATE),
}
FORMS = {name for name in CHECKS if name.startswith("check_form")}
# Checks that compare two fits.
OF_TWO_FITS = FORMS | {
    "check_positional_modalities",
    "check_modality_order_in_fit",
    "check_fit_twice",
    "check_n_jobs",
    "check_clone_of_fitted",
}


def statuses(estimator, status):
    results = check_multimodal_estimator(estimator, on_fail=None)
    return {result["check_name"] for result in results if result["status"] == status}


@pytest.mark.sample(1, by=("kind",))
@pytest.mark.parametrize(("kind", "name"), [(kind_of(name), name) for name in INSTANCES])
def test_check_each_estimator_passes(kind, name):
    estimator = INSTANCES[name]
    results = check_multimodal_estimator(estimator)
    assert len(results) == (2 if hasattr(estimator, "predict") else 1) * len(CHECKS)
    skipped = {r["check_name"].split("[")[0] for r in results if r["status"] == "skipped"}
    expected = set()
    if isinstance(estimator, ModalityTransformer | Pipeline):  # fit takes one X
        expected.add("check_positional_modalities")
    if "modalities" not in estimator.get_params(deep=False):
        expected.add("check_modality_order_in_fit")
    assert skipped == expected


class ToContainer(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.widths_ = as_multimodal(X).n_features
        return self

    def transform(self, X):
        return as_multimodal(X, modalities=self.widths_)


def test_check_transformer_of_videos_passes():
    assert not statuses(ToContainer(), "failed")


def test_check_pipeline_passes():
    pipeline = make_pipeline(ToContainer(), make_classifier(fusion="late", max_epochs=1))
    assert not statuses(pipeline, "failed")
    one_x = ("check_positional_modalities", "check_modality_order_in_fit")
    kinds = ("classes", "indicator")
    assert statuses(pipeline, "skipped") == {f"{check}[{k}]" for check in one_x for k in kinds}


def test_check_family_of_docs_passes(tmp_path, monkeypatch):
    """The family of docs/extending.md, in a module so that it can be pickled."""
    sources = [source for _, source in blocks("docs/extending.md")[1:3]]
    (tmp_path / "convolution_family.py").write_text("\n".join(sources))
    monkeypatch.syspath_prepend(tmp_path)
    family = importlib.import_module("convolution_family").CrossModalConvolutionClassifier
    for name, check in yield_multimodal_checks(family(n_channels=4, max_epochs=1)):
        if "n_jobs" not in name:  # other processes cannot import the module
            check()


class Means(ClassifierMixin, BaseEstimator):
    """A correct classifier of mean frames; each class below breaks one convention."""

    def __init__(self, modalities=None, noise=1e-3, random_state=None):
        self.modalities, self.noise, self.random_state = modalities, noise, random_state

    def fit(self, X, y=None, *more, sample_weight=None):
        *arrays, y = (X, y, *more)
        array = as_multimodal(*arrays, modalities=self.modalities)
        self.widths_ = array.n_features
        self.classes_, encoded = np.unique(y, return_inverse=True)
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        one_hot = np.eye(len(self.classes_))[encoded] * weight[:, None]
        self.coef_ = self.features(array).T @ one_hot + self.draw(one_hot.shape[1])
        return self

    def draw(self, n_classes):
        return check_random_state(self.random_state).randn(9, n_classes) * self.noise

    def features(self, array):
        return np.array([np.concatenate([f.mean(0) for f in row.values()]) for row in array])

    def predict_proba(self, X, *more):
        array = as_multimodal(X, *more, modalities=self.widths_)
        return softmax(self.features(array) @ self.coef_ / 10, axis=1)

    def predict(self, X, *more):
        return self.classes_[self.predict_proba(X, *more).argmax(axis=1)]


class NumpyRandom(Means):
    def fit(self, X, y=None, *more, sample_weight=None):
        np.random.rand()  # noqa: NPY002
        return super().fit(X, y, *more, sample_weight=sample_weight)


class PlainRandom(Means):
    def predict_proba(self, X, *more):
        random.random()
        return super().predict_proba(X, *more)


class TorchRandom(Means):
    def fit(self, X, y=None, *more, sample_weight=None):
        torch.manual_seed(0)
        torch.rand(1)
        return super().fit(X, y, *more, sample_weight=sample_weight)


class IgnoresRandomState(Means):
    def draw(self, n_classes):
        return np.random.RandomState().randn(9, n_classes)


class LeakyPadding(Means):
    def features(self, array):
        longest = array.timeline_lengths().max()
        return np.array(
            [np.concatenate([f.sum(0) / longest for f in row.values()]) for row in array]
        )


class RowOrder(Means):
    def features(self, array):
        return super().features(array) + np.arange(len(array))[:, None] % 2


class BatchMean(Means):
    def features(self, array):
        return super().features(array) - super().features(array).mean(axis=0)


class ChangesX(Means):
    def fit(self, X, y=None, *more, sample_weight=None):
        super().fit(X, y, *more, sample_weight=sample_weight)
        if isinstance(X, dict):
            for frames in X["audio"]:
                frames.sort(axis=0)  # their mean stays
        return self


class ChangesY(Means):
    def fit(self, X, y=None, *more, sample_weight=None):
        super().fit(X, y, *more, sample_weight=sample_weight)
        (more[-1] if more else y)[:] = "a"
        return self


class ChangesWeight(Means):
    def fit(self, X, y=None, *more, sample_weight=None):
        super().fit(X, y, *more, sample_weight=sample_weight)
        if sample_weight is not None:
            sample_weight /= sample_weight.sum()
        return self


class ForgetsInPickle(Means):
    def __getstate__(self):
        state = super().__getstate__()
        return {**state, "coef_": 0 * state["coef_"]} if "coef_" in state else state


class AccumulatesFits(Means):
    def fit(self, X, y=None, *more, sample_weight=None):
        before = getattr(self, "coef_", 0)
        super().fit(X, y, *more, sample_weight=sample_weight)
        self.coef_ += before
        return self


class DoublesSecondModality(Means):
    def fit(self, X, y=None, *more, sample_weight=None):
        if more:
            y = [2 * frames for frames in y]
        return super().fit(X, y, *more, sample_weight=sample_weight)


class ForgetsNames(Means):
    def predict_proba(self, X, *more):
        array = as_multimodal(X, *more, modalities=None if more else self.modalities)
        features = self.features(array)
        if features.shape[1] != len(self.coef_):  # a wide array
            return super().predict_proba(X)
        return softmax(features @ self.coef_ / 10, axis=1)


class IgnoresOrderInFit(Means):
    def fit(self, X, y=None, *more, sample_weight=None):
        given, self.modalities = self.modalities, None
        super().fit(X, y, *more, sample_weight=sample_weight)
        self.modalities = given
        return self


class ForgetsQuantisation(Means):
    def features(self, array):
        def mean(name, row):
            frames, masks = array.pad([row])
            return frames[name][0][masks[name][0]].mean(axis=0)

        names = array.modality_names
        return np.array(
            [np.concatenate([mean(n, row) for n in names]) for row in range(len(array))]
        )


class DependsOnProcess(Means):
    scale = 2  # the test sets 1 in its own process

    def features(self, array):
        return super().features(array) * self.scale


class LosesParams(Means):
    def set_params(self, **params):
        params.pop("noise", None)
        return super().set_params(**params)


class TakesUnknownParams(Means):
    def set_params(self, **params):
        known = self.get_params()
        return super().set_params(**{n: v for n, v in params.items() if n in known})


class CloneIsFitted(Means):
    def __sklearn_clone__(self):
        return copy.deepcopy(self)


class LosesAColumn(TransformerMixin, BaseEstimator):
    """A transformer that drops the last column of a wide array."""

    def fit(self, X, y=None):
        self.widths_ = as_multimodal(X).n_features
        return self

    def transform(self, X):
        if getattr(X, "ndim", 0) == 3:
            X = X[:, :, :-1]
        array = as_multimodal(X)
        return np.array([[f.sum() for f in row.values()] for row in array])


BROKEN = {
    NumpyRandom: {"check_global_random_state"},
    PlainRandom: {"check_global_random_state"},
    TorchRandom: {"check_global_random_state"},
    IgnoresRandomState: OF_TWO_FITS,
    LeakyPadding: {"check_padding", "check_row_subset"},
    RowOrder: {"check_row_order", "check_row_subset"},
    BatchMean: {"check_padding", "check_row_subset"},
    ChangesX: {"check_input_unchanged"},
    ChangesY: {"check_input_unchanged"},
    ChangesWeight: {"check_input_unchanged"},
    ForgetsInPickle: {"check_pickle", "check_joblib", "check_deepcopy"},
    AccumulatesFits: {"check_fit_twice"},
    DoublesSecondModality: {"check_positional_modalities"},
    ForgetsNames: {"check_modality_order_in_predict"},
    IgnoresOrderInFit: {"check_modality_order_in_fit"},
    ForgetsQuantisation: {"check_form[quantised]"},
    DependsOnProcess: {"check_n_jobs"},
    LosesParams: {"check_params"},
    TakesUnknownParams: {"check_unknown_params"},
    CloneIsFitted: {"check_clone_of_fitted"},
}


def of_classes(names):
    return {f"{name}[classes]".replace("][", "-") for name in names}


def test_check_correct_classifier_passes():
    assert statuses(Means(), "passed") == of_classes(CHECKS)


@pytest.mark.parametrize("broken", BROKEN)
def test_check_broken_estimator_fails_its_checks(broken, monkeypatch):
    if broken is DependsOnProcess:
        monkeypatch.setattr(broken, "scale", 1)
    assert statuses(broken(), "failed") == of_classes(BROKEN[broken])


def test_checks_each_fails_for_one_broken_estimator():
    assert set.union(*BROKEN.values()) == set(CHECKS)


def test_check_broken_transformer_fails_its_checks():
    failed = statuses(LosesAColumn(), "failed")
    assert failed >= of_classes(["check_form[wide]"])
    assert not failed & of_classes(["check_form[lists]", "check_pickle", "check_row_order"])


def test_check_first_failure_is_raised():
    with pytest.raises(AssertionError, match=r"predicting with X as quantised: predict.* in row"):
        check_multimodal_estimator(ForgetsQuantisation())
    with pytest.raises(AssertionError, match="changes the global random state of numpy"):
        check_multimodal_estimator(NumpyRandom())


def test_check_without_methods_raises():
    with pytest.raises(AssertionError, match="has none of the methods"):
        check_multimodal_estimator(_NoMethods())


class _NoMethods(BaseEstimator):
    def fit(self, X, y=None):
        return self


def test_on_fail_wrong_option_raises():
    with pytest.raises(ValueError, match="on_fail must be"):
        check_multimodal_estimator(Means(), on_fail="warn")


def test_check_does_not_fit_given_estimator():
    estimator = CorrelationTower(encoder="mean", max_epochs=1)
    before = dict(vars(estimator))
    next(check for name, check in yield_multimodal_checks(estimator))()
    assert vars(estimator) == before
