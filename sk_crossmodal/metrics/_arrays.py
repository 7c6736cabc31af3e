"""Conversion of inputs to arrays of numbers."""

from numbers import Real
from typing import Any

import numpy as np

from .._types import Array
from ..validation import from_tensor


def as_array(name: str, value: Any, expected: str) -> Array:
    """Return `value` as an array of any dtype."""
    value = from_tensor(name, value)
    if np.ma.is_masked(value):
        raise ValueError(f"{name} must be {expected}, got a masked array; fill its values")
    try:
        return np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:  # ragged lists, tensors with gradients
        given = f"a {type(value).__name__} of another form"
        raise ValueError(f"{name} must be {expected}, got {given}: {error}") from error


def as_numbers(name: str, array: Array) -> Array:
    """Return an array of numbers or booleans; objects that are numbers become float64."""
    if array.dtype.kind in "biuf":
        return array
    got = f"dtype {array.dtype}"
    if array.dtype.kind == "O":
        others = [item for item in array.flat if not isinstance(item, Real | np.bool_)]
        try:
            if not others:
                return array.astype(np.float64)
            got += f" with {others[0]!r:.40}"
        except OverflowError:
            got += " with a number that no float64 can hold"
    raise ValueError(f"{name} must be numbers or booleans, got {got}")
