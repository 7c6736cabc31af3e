"""Labels given by name, as one collection per video, in place of an indicator."""

from collections.abc import Collection
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from ._arrays import as_array

SCORES_FORM = "scores of shape (n_videos, n_labels)"


def holds_label_sets(y_true: Any, n_labels: int | None = None) -> bool:
    """Whether labels are given by name, as one collection per video, not as an indicator."""
    if sp.issparse(y_true):
        return False
    try:
        given = np.asarray(y_true)
    except ValueError:  # lists of different lengths
        return True
    except (TypeError, RuntimeError):  # tensors that NumPy cannot read
        return False
    if given.ndim == 0 or given.shape[0] == 0:
        return False
    if given.dtype.kind in "biufc":
        of_lists = isinstance(y_true, list | tuple) and given.ndim == 2
        return of_lists and n_labels is not None and given.shape[1] != n_labels
    if given.ndim == 2 and given is y_true and n_labels is None:
        return False
    return isinstance(given.flat[0], str | Collection)


def as_indicator(y_true: Any, y_score: ArrayLike, hierarchy: Any) -> Any:
    """Turn label sets into an indicator by the hierarchy; return an indicator unchanged."""
    # Sparse scores raise an error later.
    shape = () if sp.issparse(y_score) else as_array("y_score", y_score, SCORES_FORM).shape
    n_labels = shape[1] if len(shape) == 2 else None
    makes_indicators = hasattr(hierarchy, "indicator_matrix")
    if not holds_label_sets(y_true, n_labels if makes_indicators else None):
        return y_true
    if not makes_indicators:
        raise ValueError("y_true holds label sets, which need a LabelHierarchy itself, not levels")
    if n_labels is not None and n_labels != len(hierarchy):
        given = f"y_score has {n_labels} labels, but hierarchy has {len(hierarchy)}"
        raise ValueError(f"{given}; HierarchyLabelBinarizer(hierarchy=...) fixes the labels")
    return hierarchy.indicator_matrix(y_true)
