"""Validation of parameters that take one of a few values."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from ._text import short


def check_option(name: str, value: Any, options: Iterable[Any]) -> None:
    """Raise ValueError unless `value` equals one of `options` and has its type."""
    options = tuple(options)
    if not any(_equals(value, option) for option in options):
        raise ValueError(f"{name} must be one of {options}, got {short(value)}.")


def check_flag(name: str, value: Any) -> None:
    """Raise ValueError unless `value` is True or False."""
    check_option(name, value, (True, False))


def _equals(value: Any, option: Any) -> bool:
    # NumPy's own str and bool are accepted, but 1 is not True.
    types = (bool, np.bool_) if isinstance(option, bool) else type(option)
    return isinstance(value, types) and bool(value == option)
