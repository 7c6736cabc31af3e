"""Checks of what modules are built with: errors name the argument, its value, what is allowed."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any


def check_size(name: str, value: Any, low: int = 1) -> None:
    """Raise TypeError or ValueError unless `value` is an integer from `low` on."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer >= {low}, got {value!r}.")
    if int(value) < low:
        raise ValueError(f"{name} must be an integer >= {low}, got {value!r}.")


def check_sizes(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` is a sequence of some positive integers."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be a sequence of integers, got {value!r}.")
    if not value:
        raise ValueError(f"{name} must hold at least one size, got {value!r}.")
    for size in value:
        check_size(f"Each of {name}", size)


def check_option(name: str, value: Any, options: Sequence[str]) -> None:
    """Raise ValueError unless `value` is one of `options`."""
    if value not in options:
        raise ValueError(f"{name} must be one of {options}, got {value!r}.")
