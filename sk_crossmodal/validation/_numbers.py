"""Validation of numbers and of sizes of layers."""

from collections.abc import Sequence
from math import isfinite
from numbers import Integral, Real
from typing import Any

from ._text import short

MAX_INT = 2**31 - 1  # some parts of torch take no larger integer
MAX_FLOAT = 1e30  # larger numbers overflow in a float32 network
MAX_WIDTH = 2**20  # of a layer, so that the product of three widths fits an int64
MAX_LAYERS = 100


def check_number(
    name: str,
    value: Any,
    *,
    low: float,
    high: float | None = None,
    integer: bool = False,
    open_low: bool = False,
    open_high: bool = False,
) -> None:
    """Raise TypeError or ValueError unless `value` is a finite number from `low` to `high`."""
    kind = "an integer" if integer else "a number"
    wanted = f"{name} must be {kind} {'>' if open_low else '>='} {low}"
    if high is not None:
        wanted += f" and {'<' if open_high else '<='} {high}"
    if isinstance(value, bool) or not isinstance(value, Integral if integer else Real):
        raise TypeError(f"{wanted}, got {short(value)}.")
    number: Any = value  # the abstract types of numbers define no order
    too_low = number <= low if open_low else number < low
    too_high = high is not None and (number >= high if open_high else number > high)
    if too_low or too_high or not _is_finite(number):
        raise ValueError(f"{wanted}, got {short(value)}.")


def _is_finite(value: Any) -> bool:
    try:
        return isfinite(value)
    except OverflowError:  # an int larger than any float
        return False


def check_size(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` may be the width of a layer."""
    check_number(name, value, low=1, high=MAX_WIDTH, integer=True)


def check_sizes(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` is a sequence of 1 to 100 layer sizes."""
    if isinstance(value, str | bytes | bytearray) or not isinstance(value, Sequence):
        raise TypeError(
            f"{name} must be a sequence of integers, got {short(value)}; one layer of 64 is (64,)."
        )
    if not value:
        raise ValueError(f"{name} must hold at least one size, got {value!r}.")
    if len(value) > MAX_LAYERS:
        raise ValueError(f"{name} must hold at most {MAX_LAYERS} sizes, got {len(value)}.")
    for size in value:
        check_size(f"Each of {name}", size)
