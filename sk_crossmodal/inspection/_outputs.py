"""What fitted estimators say of videos, and words that fit into a picture."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._types import Floats
from ._comparison import SCORES
from ._style import check_has

LONGEST_NAME = 34  # characters of a name in a picture


def label_scores(estimator: Any, X: Any) -> Floats:
    """Probability of every label, from `predict_proba` in either of scikit-learn's forms."""
    check_has(estimator, "predict_proba")
    given = estimator.predict_proba(X)
    if isinstance(given, list):  # an array of two columns a label, as of forests
        given = np.stack([columns[:, -1] for columns in given], axis=1)
    scores: Floats = np.asarray(given)
    return scores


def scores_by_model(estimators: Any, X: Any) -> dict[str, Floats]:
    """Probabilities of several fitted estimators by name; of one by the name of its class."""
    if not isinstance(estimators, Mapping):
        check_has(estimators, "predict_proba")
        estimators = {type(estimators).__name__: estimators}
    for estimator in estimators.values():
        check_has(estimator, "predict_proba")
    return {name: label_scores(estimator, X) for name, estimator in estimators.items()}


def check_score(score: Any) -> None:
    """Raise ValueError unless `score` is the name of one."""
    if not isinstance(score, str) or score not in SCORES:
        raise ValueError(f"score must be one of {list(SCORES)}, got {score!r}.")


def trimmed(name: Any, longest: int = LONGEST_NAME) -> str:
    """Return a name that is not longer than fits into a picture."""
    text = " ".join(str(name).split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def literal(text: str) -> str:
    """Return what matplotlib shows as the text, and not, between two dollars, as a formula."""
    return text.replace("$", r"\$")


def shortened(name: Any, longest: int = LONGEST_NAME) -> str:
    """Return a trimmed name that is shown literally."""
    return literal(trimmed(name, longest))
