"""Validation of parameters that take one of a few values."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ._text import short


def check_option(name: str, value: Any, options: Iterable[Any]) -> None:
    """Raise ValueError unless `value` equals one of `options` and has its type."""
    options = tuple(options)
    if not any(_equals(value, option) for option in options):
        raise ValueError(f"{name} must be one of {options}, got {short(value)}.")


def check_registered(name: str, value: Any, parts: Mapping[str, Any]) -> None:
    """Raise ValueError unless `value` is the name of one of the registered `parts`."""
    if not isinstance(value, str) or value not in parts:
        raise ValueError(
            f"{name} must be one of {tuple(parts)}, got {short(value)}; register your own before "
            "it is used or loaded."
        )


def check_flag(name: str, value: Any) -> None:
    """Raise ValueError unless `value` is True or False."""
    check_option(name, value, (True, False))


def _equals(value: Any, option: Any) -> bool:
    # NumPy's own str and bool are accepted, but 1 is not True.
    types = (bool, np.bool_) if isinstance(option, bool) else type(option)
    return isinstance(value, types) and bool(value == option)
