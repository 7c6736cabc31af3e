"""From what wraps an estimator to the estimator that a picture is drawn of."""

from typing import Any

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from ._style import check_has

FITTED_INSIDE = ("best_estimator_", "classifier_")  # of a search, of TransformedTargetClassifier


def inner_estimator(estimator: Any, wanted: str, X: Any = None) -> tuple[Any, Any]:
    """Find what has an attribute inside searches, Pipelines and the like; TypeError if nothing."""
    inside = estimator
    while not hasattr(inside, wanted) and (inner := wrapped_in(inside)) is not None:
        if isinstance(inside, Pipeline) and X is not None and len(inside.steps) > 1:
            X = inside[:-1].transform(X)
        inside = inner
    check_has(inside, wanted)
    return inside, X


def wrapped_in(estimator: Any) -> Any:
    """Return the fitted estimator that one wraps; None if it wraps none."""
    if isinstance(estimator, FrozenEstimator):  # first, as it has the attributes of its own
        return estimator.estimator
    if isinstance(estimator, Pipeline):
        return estimator.steps[-1][1]
    name = next((name for name in FITTED_INSIDE if hasattr(estimator, name)), None)
    return None if name is None else getattr(estimator, name)
