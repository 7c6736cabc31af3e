"""The input of a report: a classifier, its wrappers, and labelled videos."""

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
from ..inspection import as_names, wrapped_estimator
from ..metrics import as_indicator, as_labels, holds_label_sets, prepare
from ..multimodal import MultimodalArray, as_fitted, as_multimodal
from ..validation import column_orders, short, take_columns


@dataclass(frozen=True, eq=False)
class ReportInputs:
    """A model, its videos and their labels."""

    wrappers: list[Any]  # the outermost first
    classifier: Any
    X: MultimodalArray
    y: Any  # in the form that the classifier itself takes
    labels: csr_array  # boolean indicator
    hierarchy: LabelHierarchy  # in the order of the columns; a flat one if none is known
    ids: list[str]
    random_state: Any

    @cached_property
    def probability(self) -> Floats:
        """Probabilities of the labels, computed once."""
        model = self.wrappers[0] if self.wrappers else self.classifier
        scores: Floats = prepare(self.labels, model.predict_proba(self.X)).scores
        return scores

    @property
    def multilabel(self) -> bool:
        """Whether a video can have several labels, in place of one class."""
        return np.ndim(self.classifier.classes_) == 2

    def transformed(self, rows: Array | Sequence[int]) -> Any:
        """Some videos in the form that the classifier itself gets from the other steps."""
        X = self.X[np.asarray(rows)]
        for wrapper in self.wrappers:
            if isinstance(wrapper, Pipeline) and len(wrapper) > 1:
                X = wrapper[:-1].transform(X)
        return X

    def sample(self, count: int) -> Array:
        """Rows of a random sample of the videos, in order; all of them if they are few."""
        n = len(self.X)
        if n <= count:
            return np.arange(n)
        rows: Array = check_random_state(self.random_state).choice(n, count, replace=False)
        return np.sort(rows)


def make_inputs(estimator: Any, X: Any, y: Any, ids: Any, random_state: Any) -> ReportInputs:
    """Validate the input of a report, before anything is computed."""
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        raise TypeError(f"estimator must be a fitted classifier, got {short(estimator)}.")
    check_is_fitted(estimator)
    wrappers, classifier = [], estimator
    while (inner := wrapped_estimator(classifier)) is not None:
        wrappers.append(classifier)
        classifier = inner
    if not is_classifier(classifier) or not hasattr(classifier, "predict_proba"):
        given = type(classifier).__name__
        raise TypeError(f"estimator must be a classifier with `predict_proba`, got {given}.")
    X = _as_container(X, wrappers, classifier)
    for wrapper in wrappers:
        if isinstance(wrapper, TransformedTargetClassifier) and wrapper.transformer_ is not None:
            y = wrapper.transformer_.transform(y)
    hierarchy = _find_hierarchy(classifier, wrappers)
    labels = _as_indicator(y, classifier, hierarchy)
    if labels.shape[0] != len(X):
        raise ValueError(f"X has {len(X)} videos, but y has {labels.shape[0]}.")
    return ReportInputs(
        wrappers,
        classifier,
        X,
        y if np.ndim(classifier.classes_) == 1 else labels.astype(np.int64),
        labels,
        _hierarchy_of_columns(classifier, hierarchy, labels.shape[1]),
        as_names("ids", ids, "video", len(X)),
        random_state,
    )


def _as_container(X: Any, wrappers: list[Any], classifier: Any) -> MultimodalArray:
    """Convert X as the estimator that it is given to, which knows its modalities."""
    pipelines = (each for each in wrappers if isinstance(each, Pipeline) and len(each) > 1)
    first = next((pipeline[0] for pipeline in pipelines), classifier)
    widths = getattr(first, "_widths_in", getattr(first, "_n_features", None))
    if widths is None:
        return as_multimodal(X)
    modalities = getattr(first, "modalities", None)
    return as_fitted(X, widths=widths, modalities=modalities, name=type(first).__name__)


def _find_hierarchy(classifier: Any, wrappers: list[Any]) -> LabelHierarchy | None:
    given = [getattr(classifier, name, None) for name in ("hierarchy_", "hierarchy")]
    given += [getattr(wrapper, "hierarchy_", None) for wrapper in reversed(wrappers)]
    return next((each for each in given if isinstance(each, LabelHierarchy)), None)


def _as_indicator(y: Any, classifier: Any, hierarchy: LabelHierarchy | None) -> csr_array:
    """Labels as a boolean indicator; ValueError if they do not have the classifier's form."""
    classes = np.asarray(classifier.classes_)
    if classes.ndim == 1:
        return _classes_as_indicator(y, classes)
    wanted = f"y must be an indicator of the {len(classes)} labels of `fit`"
    if y is None:
        raise ValueError(f"{wanted}, got None.")
    if hierarchy is None and holds_label_sets(y):
        raise ValueError(f"{wanted}, got label sets or classes, and no hierarchy is known.")
    indicator = as_indicator(y, np.empty((0, len(classes))), hierarchy)
    labels = as_labels(indicator)
    if labels.shape[1] != len(classes):
        raise ValueError(f"{wanted}, got {labels.shape[1]} columns.")
    order = column_orders({"y": y}, hierarchy)["y"] if indicator is y else None
    ordered: csr_array = take_columns(labels, order)
    return ordered


def _classes_as_indicator(y: Any, classes: Array) -> csr_array:
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


def _hierarchy_of_columns(
    classifier: Any, known: LabelHierarchy | None, n_labels: int
) -> LabelHierarchy:
    """The hierarchy whose nodes are the columns; without one a flat one."""
    one_class = np.ndim(classifier.classes_) == 1
    if known is not None and len(known) == n_labels and not one_class:
        return known
    names = getattr(classifier, "label_names_", None)
    if names is None:
        names = classifier.classes_ if one_class else [f"label {i}" for i in range(n_labels)]
    parents: dict[int, list[int]] = {i: [] for i in range(n_labels)}
    return LabelHierarchy(parents, names={i: str(name) for i, name in enumerate(names)})
