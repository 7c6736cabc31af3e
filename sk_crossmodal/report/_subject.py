"""What a report is about: the classifier inside of whatever it is wrapped in, and its data."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._types import Array, Floats
from ..compose import TransformedTargetClassifier
from ..hierarchy import LabelHierarchy
from ..inspection._inner import wrapped_in
from ..metrics import as_indicator, check_labels, holds_label_sets, prepare
from ..multimodal import MultimodalArray, as_multimodal, has_named_modalities
from ..training import short


@dataclass(frozen=True, eq=False)
class Subject:
    """A model, its videos, and what is true of them."""

    wrappers: list[Any]
    classifier: Any
    X: MultimodalArray
    y: Any
    labels: csr_array
    hierarchy: LabelHierarchy
    ids: list[str]
    seed: Any

    @cached_property
    def probability(self) -> Floats:
        """Probabilities of the labels, computed once."""
        model = self.wrappers[0] if self.wrappers else self.classifier
        scores: Floats = prepare(self.labels, model.predict_proba(self.X)).scores
        return scores

    @property
    def multilabel(self) -> bool:
        """Whether labels are told apart one by one, and not as classes."""
        return np.ndim(self.classifier.classes_) == 2

    @property
    def names(self) -> list[str]:
        """Names of the labels."""
        return self.hierarchy.display_names

    def inner(self, rows: Array | Sequence[int]) -> Any:
        """Some videos as the classifier itself sees them, behind all other steps."""
        X = self.X[np.asarray(rows)]
        for wrapper in self.wrappers:
            if isinstance(wrapper, Pipeline) and len(wrapper) > 1:
                X = wrapper[:-1].transform(X)
        return X

    def draw(self, count: int) -> Array:
        """Rows of some videos, all of them if they are few, in order."""
        n = len(self.X)
        if n <= count:
            return np.arange(n)
        rows: Array = check_random_state(self.seed).choice(n, count, replace=False)
        return np.sort(rows)


def make_subject(estimator: Any, X: Any, y: Any, ids: Any, seed: Any) -> Subject:
    """Check what a report is to be about, before anything is computed."""
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        raise TypeError(f"estimator must be a fitted classifier, got {short(estimator)}.")
    check_is_fitted(estimator)
    wrappers, classifier = _unwrapped(estimator)
    if not is_classifier(classifier) or not hasattr(classifier, "predict_proba"):
        raise TypeError(
            "estimator must be a fitted classifier with `predict_proba`, got "
            f"{type(classifier).__name__}."
        )
    modalities = None if has_named_modalities(X) else getattr(classifier, "modalities", None)
    X = as_multimodal(X, modalities=modalities)
    for wrapper in wrappers:
        if isinstance(wrapper, TransformedTargetClassifier) and wrapper.transformer_ is not None:
            y = wrapper.transformer_.transform(y)
    hierarchy = _hierarchy(classifier, wrappers)
    labels = _indicator(y, classifier, hierarchy)
    if labels.shape[0] != len(X):
        raise ValueError(f"X has {len(X)} videos, but y is of {labels.shape[0]}.")
    return Subject(
        wrappers,
        classifier,
        X,
        y if np.ndim(classifier.classes_) == 1 else labels.astype(np.int64),
        labels,
        _of_columns(classifier, hierarchy, labels.shape[1]),
        _ids(ids, len(X)),
        seed,
    )


def _unwrapped(estimator: Any) -> tuple[list[Any], Any]:
    """What a classifier is wrapped in, from the outside, and the classifier."""
    wrappers: list[Any] = []
    while (inner := wrapped_in(estimator)) is not None:
        wrappers.append(estimator)
        estimator = inner
    return wrappers, estimator


def _hierarchy(classifier: Any, wrappers: list[Any]) -> LabelHierarchy | None:
    given = [getattr(classifier, "hierarchy", None)]
    given += [getattr(wrapper, "hierarchy_", None) for wrapper in reversed(wrappers)]
    return next((each for each in given if isinstance(each, LabelHierarchy)), None)


def _indicator(y: Any, classifier: Any, hierarchy: LabelHierarchy | None) -> csr_array:
    """Labels as a boolean indicator; ValueError if they are not of the classifier's form."""
    classes = np.asarray(classifier.classes_)
    if classes.ndim == 2:
        n_labels = len(classes)
        wanted = f"y must be an indicator of the {n_labels} labels of `fit`"
        if y is None:
            raise ValueError(f"{wanted}, got None.")
        if hierarchy is None and holds_label_sets(y):
            raise ValueError(f"{wanted}, got label sets or classes, and no hierarchy is known.")
        given = as_indicator(y, np.empty((0, n_labels)), hierarchy)
        labels = check_labels(given)
        if labels.shape[1] != n_labels:
            raise ValueError(f"{wanted}, got {labels.shape[1]} columns.")
        return labels
    given = np.asarray(y)
    if given.dtype == object:  # of a data frame
        given = np.asarray(given.tolist())
    wanted = f"y must be a vector of the {len(classes)} classes of `fit`"
    kinds = [each.dtype.kind.replace("u", "i") for each in (given, classes)]
    if given.ndim != 1 or kinds[0] != kinds[1]:
        raise ValueError(f"{wanted}, got shape {given.shape} of {given.dtype}.")
    if unknown := np.setdiff1d(given, classes).tolist():
        raise ValueError(f"{wanted}, got others, too: {short(unknown[:5])}.")
    columns = np.searchsorted(classes, given)
    ones, rows = np.ones(len(given), bool), np.arange(len(given))
    return csr_array((ones, (rows, columns)), shape=(len(given), len(classes)))


def _of_columns(classifier: Any, known: LabelHierarchy | None, n_labels: int) -> LabelHierarchy:
    """The hierarchy whose nodes are the columns; without one a flat one."""
    if known is not None and len(known) == n_labels and np.ndim(classifier.classes_) == 2:
        return known
    names = getattr(classifier, "label_names_", None)
    if names is None and np.ndim(classifier.classes_) == 1:
        names = [str(name) for name in classifier.classes_]
    names = [f"label {i}" for i in range(n_labels)] if names is None else list(names)
    parents: dict[int, list[int]] = {i: [] for i in range(n_labels)}
    return LabelHierarchy(parents, names=dict(enumerate(names)))


def _ids(ids: Any, n: int) -> list[str]:
    if ids is None:
        return [f"video {i}" for i in range(n)]
    if isinstance(ids, str) or not hasattr(ids, "__len__"):
        raise TypeError(f"ids must be a sequence of {n} names, got {short(ids)}.")
    if len(ids) != n:
        raise ValueError(f"ids must be {n} names, one a video, got {len(ids)}.")
    return [str(each) for each in ids]
