"""Values in error messages, and comparison of parameter values."""

from numbers import Real
from typing import Any

import numpy as np


def short(value: Any) -> str:
    """Return the `repr` of a value, cut after 200 characters."""
    try:
        text = repr(value)
    except ValueError:  # an int of thousands of digits
        text = f"{type(value).__name__} of {value.bit_length()} bits"
    return text if len(text) <= 200 else f"{text[:200]}..."


def unchanged(value: Any, before: Any) -> bool:
    """Whether a value equals an earlier one; False for one mutable object given twice."""
    if type(value) is not type(before):
        return False
    if isinstance(value, dict | list | np.ndarray) and value is before:
        return False
    if isinstance(value, dict):
        return value.keys() == before.keys() and all(
            unchanged(each, before[key]) for key, each in value.items()
        )
    if isinstance(value, list | tuple):
        return len(value) == len(before) and all(map(unchanged, value, before))
    if isinstance(value, np.ndarray):
        return value.dtype == before.dtype != object and np.array_equal(value, before)
    if isinstance(value, str | bytes | Real | np.bool_):
        return bool(value == before)
    return value is before
