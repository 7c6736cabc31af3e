"""`class_weight` as factors of the loss."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from .._types import Floats
from ..training import Targets, Videos
from ..validation import MAX_FLOAT, check_number, check_option, short


def check_class_weight(class_weight: Any) -> None:
    """Raise TypeError or ValueError unless this can be a `class_weight`, whatever the labels."""
    if isinstance(class_weight, str):
        check_option("class_weight", class_weight, ("balanced",))
    elif not isinstance(class_weight, Mapping | None):
        wanted = 'class_weight must be None, "balanced" or a dict'
        raise TypeError(f"{wanted}, got {short(class_weight)}.")
    for key, factor in class_weight.items() if isinstance(class_weight, Mapping) else ():
        check_number(f"class_weight[{key!r}]", factor, low=0, high=MAX_FLOAT)


def class_factors(
    class_weight: Mapping[Hashable, float] | str | None, targets: Targets, videos: Videos
) -> Floats | None:
    """Turn a `class_weight` into factors of the loss."""
    if class_weight is None:
        return None
    n = len(targets.classes)
    encoded, weight = targets.encode(videos.y), videos.weight
    if isinstance(class_weight, str):
        if targets.multilabel:
            positive = np.asarray(weight @ encoded).ravel()
            # A label that nobody has needs no weight.
            factors, found = np.ones(n), positive > 0
            factors[found] = (weight.sum() - positive[found]) / positive[found]
            return factors
        return np.asarray(
            compute_class_weight("balanced", classes=np.arange(n), y=encoded, sample_weight=weight)
        )
    keys = list(range(n)) if targets.multilabel else targets.classes.tolist()
    if unknown := [key for key in class_weight if key not in keys]:
        raise ValueError(f"class_weight names unknown labels {unknown}; known are {keys}.")
    factors = np.array([float(class_weight.get(key, 1.0)) for key in keys])
    if not factors.any():
        raise ValueError(f"class_weight must have a number above 0, got {short(class_weight)}.")
    return factors
