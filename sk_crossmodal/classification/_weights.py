"""`class_weight` as factors of the loss."""

from collections.abc import Hashable, Mapping

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from .._types import Floats
from ..training import Targets, Videos, check_number, check_option


def class_factors(
    class_weight: Mapping[Hashable, float] | str | None, targets: Targets, videos: Videos
) -> Floats | None:
    """Turn a `class_weight` into factors of the loss.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        The parameter of a classifier.
    targets : Targets
        The form of the labels.
    videos : Videos
        Those trained on, for "balanced".

    Returns
    -------
    ndarray of shape (n_outputs,) or None
        A factor for each class, or for the yes of each label.

    Raises
    ------
    ValueError, TypeError
        If it is none of these, names an unknown label or holds a wrong factor.
    """
    if class_weight is None:
        return None
    n = len(targets.classes)
    encoded, weight = targets.encode(videos.y), videos.weight
    if isinstance(class_weight, str):
        check_option("class_weight", class_weight, ("balanced",))
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
    if not isinstance(class_weight, Mapping):
        raise TypeError(f'class_weight must be None, "balanced" or a dict, got {class_weight!r}.')
    for key, factor in class_weight.items():
        check_number(f"class_weight[{key!r}]", factor, low=0)
    if unknown := [key for key in class_weight if key not in keys]:
        raise ValueError(f"class_weight names unknown labels {unknown}; known are {keys}.")
    return np.array([float(class_weight.get(key, 1.0)) for key in keys])
