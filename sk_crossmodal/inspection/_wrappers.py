"""Fitted estimators inside searches, Pipelines and other wrappers."""

from typing import Any

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from ._checks import check_has

FITTED_INSIDE = ("best_estimator_", "classifier_")  # of a search, of TransformedTargetClassifier


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
