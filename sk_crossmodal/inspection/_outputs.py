"""Predictions of fitted estimators, and names that fit into a plot."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._types import Floats
from ._checks import check_has

MAX_CHARACTERS = 34  # of a name in a plot


def label_scores(estimator: Any, X: Any) -> Floats:
    """Probability of every label, from `predict_proba` in either of scikit-learn's forms."""
    check_has(estimator, "predict_proba")
    given = estimator.predict_proba(X)
    if isinstance(given, list):  # an array of two columns per label, as of forests
        given = np.stack([columns[:, -1] for columns in given], axis=1)
    scores: Floats = np.asarray(given)
    return scores


def scores_by_model(estimators: Any, X: Any) -> dict[str, Floats]:
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
