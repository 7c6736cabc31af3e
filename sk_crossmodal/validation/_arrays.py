"""Validation of arrays that users give."""

from typing import Any

import numpy as np

from .._types import Array, Floats
from ._numbers import MAX_FLOAT
from ._tensors import from_tensor


def as_array(name: str, value: Any) -> Array:
    """Return `value` as an array of any dtype; a masked array is a TypeError."""
    value = from_tensor(name, value)
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must be a plain array, got a masked one; fill it first.")
    try:
        return value if type(value) is np.ndarray else np.asarray(value)
    except (TypeError, ValueError) as error:  # lists of different lengths
        raise type(error)(f"{name} must be an array of numbers: {error}") from error


def check_sample_weight(sample_weight: Any, n_samples: int) -> Floats:
    """Return weights as float64 (n_samples,), finite, not negative and not all zero."""
    wanted = "sample_weight must be numbers, finite and at least 0, one per video"
    sample_weight = from_tensor("sample_weight", sample_weight)
    given = np.asarray(sample_weight)
    if given.dtype.kind not in "biufO" or np.ma.is_masked(sample_weight):
        what = "a masked array" if np.ma.is_masked(sample_weight) else f"dtype {given.dtype}"
        raise ValueError(f"{wanted}, got {what}.")
    try:
        weight: Floats = given.astype(np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{wanted}, got {type(sample_weight).__name__}: {error}.") from error
    if weight.shape != (n_samples,):
        raise ValueError(
            f"sample_weight.shape == {weight.shape}, expected {(n_samples,)}: one per video."
        )
    bad = np.flatnonzero(~np.isfinite(weight) | (weight < 0) | (weight > MAX_FLOAT))
    if len(bad):
        most = f" and at most {MAX_FLOAT}" if weight[bad[0]] > MAX_FLOAT else ""
        raise ValueError(f"{wanted}{most}, got {weight[bad[0]]} in row {bad[0]}.")
    if not weight.any():
        raise ValueError("All values of sample_weight are zero; expected one above 0 at least.")
    if weight.max() < 1 / MAX_FLOAT:
        least = f"one at least {1 / MAX_FLOAT}"
        raise ValueError(f"{wanted}, and {least}, got {weight.max()} at most.")
    return weight
