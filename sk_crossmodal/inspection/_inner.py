"""From what wraps an estimator to the estimator that a picture is drawn of."""

from typing import Any

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from ._style import check_has

FITTED_INSIDE = ("best_estimator_", "classifier_")  # of a search, of TransformedTargetClassifier


def inner_estimator(estimator: Any, wanted: str, X: Any = None) -> tuple[Any, Any]:
    """Find what has an attribute inside searches, Pipelines and the like; TypeError if nothing.

    Parameters
    ----------
    estimator : fitted estimator
        What has it, or wraps what has it.
    wanted : str
        Name of the attribute or method.
    X : object, default=None
        Input of `estimator`.

    Returns
    -------
    estimator, X
        What has the attribute, and X as it arrives there: transformed by a Pipeline's steps.
    """
    inside = estimator
    while not hasattr(inside, wanted):
        name = next((name for name in FITTED_INSIDE if hasattr(inside, name)), None)
        if name is not None:
            inside = getattr(inside, name)
        elif isinstance(inside, FrozenEstimator):
            inside = inside.estimator
        elif isinstance(inside, Pipeline):
            if X is not None and len(inside.steps) > 1:
                X = inside[:-1].transform(X)
            inside = inside.steps[-1][1]
        else:
            break
    check_has(inside, wanted)
    return inside, X
