"""Validation of the inputs and options of scores; each error is a ValueError."""

import math
from contextlib import suppress
from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from .._types import Array, Floats
from ..validation import check_option
from ._arrays import as_array, as_numbers
from ._label_sets import SCORES_FORM, holds_label_sets

LABELS = "a multilabel indicator of shape (n_videos, n_labels)"
ROWS = ("either", "truth", "all")


def as_labels(y_true: Any) -> sp.csr_array:
    """Return a multilabel indicator as a canonical boolean CSR array."""
    if holds_label_sets(y_true):
        hint = "hierarchy_report, hierarchy_scorers, hierarchy.indicator_matrix or label_binarize"
        raise ValueError(f"y_true must be {LABELS}, got label sets; use {hint}")
    if sp.issparse(y_true):
        return _sparse_labels(y_true)
    given = as_array("y_true", y_true, LABELS)
    _check_shape("y_true", given, LABELS)
    given = as_numbers("y_true", given)
    videos, columns = np.nonzero(given)
    _check_ones(given[videos, columns])
    return sp.csr_array((np.ones(videos.size, bool), (videos, columns)), shape=given.shape)


def as_scores(y_score: ArrayLike, shape: tuple[int, ...]) -> Floats:
    """Return scores as a dense array of float32 or float64 of the given shape."""
    if sp.issparse(y_score):
        raise ValueError("y_score must be dense, got a sparse array: every label needs a score")
    scores = as_array("y_score", y_score, SCORES_FORM)
    _check_shape("y_score", scores, SCORES_FORM)
    if scores.shape != shape:
        raise ValueError(f"y_true and y_score must have one shape, got {shape}, {scores.shape}")
    scores = as_numbers("y_score", scores)
    # float16 becomes float32, because numpy sorts it slowly; all other dtypes become float64.
    narrow = scores.dtype.kind == "f" and scores.dtype.itemsize <= 4
    scores = scores.astype(np.float32 if narrow else np.float64, copy=False)
    if np.isnan(scores.min()):  # the minimum is NaN if any is, and needs no temporary array
        raise ValueError(f"y_score must not contain NaN, got {np.isnan(scores).sum()} of them")
    return scores


def as_weights(sample_weight: ArrayLike | None, n_videos: int) -> Floats | None:
    """Return weights as float64 of shape (n_videos,), or None."""
    if sample_weight is None:
        return None
    expected = f"{n_videos} numbers, one for each video"
    weights = as_array("sample_weight", sample_weight, expected)
    if weights.shape != (n_videos,):
        raise ValueError(f"sample_weight must be {expected}, got shape {weights.shape}")
    weights = as_numbers("sample_weight", weights).astype(np.float64)
    if not np.isfinite(weights).all() or weights.min() < 0 or not weights.any():
        given = f"values from {weights.min()} to {weights.max()}"
        raise ValueError(f"sample_weight must be finite, at least 0 and not all 0, got {given}")
    # Scaled by a power of two, which is exact, so that no sum overflows. Weights have no unit.
    scaled: Floats = np.ldexp(weights, -np.frexp(weights.max())[1])
    return scaled


def as_top_k(top_k: Any) -> int | None:
    """Return `top_k` as an int from 1, or None."""
    if top_k is None:
        return None
    is_integer = isinstance(top_k, Integral) and not isinstance(top_k, bool)
    if not (is_integer and top_k >= 1):
        raise ValueError(f"top_k must be None or an integer of at least 1, got {top_k!r}")
    return int(top_k)


def as_threshold(threshold: Any) -> float:
    """Return `threshold` as a float; it may be infinite."""
    if isinstance(threshold, Real) and not isinstance(threshold, bool):
        with suppress(OverflowError):
            if not math.isnan(threshold):
                return float(threshold)
    raise ValueError(f"threshold must be a number that float64 can hold, got {threshold!r}")


def as_row_options(top_k: Any, rows: Any, threshold: Any) -> dict[str, Any]:
    """Check the options of reports and scorers, and return them by name."""
    check_option("rows", rows, ROWS)
    return {"top_k": as_top_k(top_k), "rows": rows, "threshold": as_threshold(threshold)}


def _sparse_labels(given: Any) -> sp.csr_array:
    _check_shape("y_true", given, LABELS)
    as_numbers("y_true", given)
    if given.format in ("csr", "csc", "bsr"):
        given = given.copy()  # the check may change the dtype of the indices
        try:  # with wrong indices SciPy would access memory outside the arrays
            given.check_format()
        except ValueError as error:
            raise ValueError(f"y_true is a damaged {given.format} array: {error}") from error
    labels = sp.csr_array(given)
    labels.sum_duplicates()
    labels.eliminate_zeros()
    _check_ones(labels.data)
    return labels.astype(bool)


def _check_shape(name: str, table: Any, expected: str) -> None:
    if table.ndim != 2 or 0 in table.shape:
        is_vector = expected == LABELS and table.ndim == 1
        hint = "; use sklearn.preprocessing.label_binarize for classes" if is_vector else ""
        given = f"got shape {table.shape}{hint}"
        raise ValueError(f"{name} must be {expected}, both at least 1; {given}")


def _check_ones(values: Array) -> None:
    wrong = np.unique(values[values != 1])
    if wrong.size:
        shown = ", ".join(map(str, wrong[:3]))
        hint = "; y_score is the second argument" if ((wrong > 0) & (wrong < 1)).any() else ""
        raise ValueError(f"y_true must contain 0 and 1 only, got {shown}{hint}")
