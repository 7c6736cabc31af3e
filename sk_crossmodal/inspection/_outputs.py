"""Fitted estimators inside wrappers, their predictions, and names that fit into a plot."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from ..validation import NamedColumns
from ._checks import check_has

FITTED_INSIDE = ("best_estimator_", "classifier_")  # of a search, of TransformedTargetClassifier
MAX_CHARACTERS = 34  # of a name in a plot


def unwrap(estimator: Any, wanted: str, X: Any = None) -> tuple[Any, Any]:
    """Return the inner estimator that has an attribute, and X transformed by the steps before."""
    inside = estimator
    while not hasattr(inside, wanted) and (inner := wrapped_estimator(inside)) is not None:
        if isinstance(inside, Pipeline) and X is not None and len(inside.steps) > 1:
            X = inside[:-1].transform(X)
        inside = inner
    check_has(inside, wanted)
    return inside, X


def wrapped_estimator(estimator: Any) -> Any:
    """Return the fitted estimator inside a wrapper; None if the estimator is no wrapper."""
    if isinstance(estimator, FrozenEstimator):  # first, as it has the attributes of its own
        return estimator.estimator
    if isinstance(estimator, Pipeline):
        return estimator.steps[-1][1]
    name = next((name for name in FITTED_INSIDE if hasattr(estimator, name)), None)
    return None if name is None else getattr(estimator, name)


def label_scores(estimator: Any, X: Any) -> Any:
    """Probability of every label, with the names of the labels if the estimator knows them."""
    check_has(estimator, "predict_proba")
    given = estimator.predict_proba(X)
    if isinstance(given, list):  # an array of two columns per label, as of forests
        given = np.stack([columns[:, -1] for columns in given], axis=1)
    scores = np.asarray(given)
    names = _label_names(estimator)
    fits = names is not None and scores.shape[1:] == (len(names),)
    return NamedColumns(scores, names) if fits else scores


def _label_names(estimator: Any) -> Any:
    """Return the labels of the columns of `predict_proba`, None if they are not known."""
    hierarchy = classes = None
    while estimator is not None and hierarchy is None:
        hierarchy, classes = (
            getattr(estimator, name, None) for name in ("hierarchy_", "classes_")
        )
        estimator = wrapped_estimator(estimator)
    if isinstance(classes, np.ndarray) and classes.ndim == 1 and classes.dtype.kind in "UO":
        return classes  # numbers may be those of the columns of an indicator
    return None if hierarchy is None else hierarchy.nodes


def scores_by_model(estimators: Any, X: Any) -> dict[str, Any]:
    """Probabilities of several fitted estimators by name; of one by the name of its class."""
    if not isinstance(estimators, Mapping):
        estimators = {type(estimators).__name__: estimators}
    for estimator in estimators.values():  # all of them, before the first predicts
        check_has(estimator, "predict_proba")
    return {name: label_scores(estimator, X) for name, estimator in estimators.items()}


def trimmed(name: Any, longest: int = MAX_CHARACTERS) -> str:
    """Return a name on one line, cut if it is too long."""
    text = " ".join(str(name).split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def literal(text: str) -> str:
    """Escape dollars, between which matplotlib would read a formula."""
    return text.replace("$", r"\$")


def shortened(name: Any, longest: int = MAX_CHARACTERS) -> str:
    """Return a trimmed name with its dollars escaped."""
    return literal(trimmed(name, longest))
