"""Checks of constructor parameters: errors name the parameter, its value, what is allowed."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from numbers import Integral, Real
from typing import Any

import numpy as np

from .._types import Floats
from ..multimodal import MultimodalArray

LARGEST = 2**31 - 1  # of whole numbers, beyond which some part of torch has none
GREATEST = 1e30  # number that a network in float32 computes with
WIDEST = 2**20  # layer, so that the product of three has a size
MOST = 100  # layers of a kind


def check_option(name: str, value: Any, options: Iterable[Any]) -> None:
    """Raise ValueError unless `value` is one of `options`, and of its type."""
    options = tuple(options)
    if not any(_is(value, option) for option in options):
        raise ValueError(f"{name} must be one of {options}, got {value!r}.")


def _is(value: Any, option: Any) -> bool:
    kinds = (bool, np.bool_) if isinstance(option, bool) else type(option)
    return isinstance(value, kinds) and bool(value == option)


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
    number: Any = value  # the classes of the module numbers are not known to have an order
    too_low = number <= low if open_low else number < low
    too_high = high is not None and (number >= high if open_high else number > high)
    if too_low or too_high or not _is_finite(number):
        raise ValueError(f"{wanted}, got {short(value)}.")


def _is_finite(value: Any) -> bool:
    try:
        return isfinite(value)
    except OverflowError:  # an int beyond all floats
        return False


def short(value: Any) -> str:
    """Return the `repr` of a value, or its beginning if it is long or cannot be made."""
    try:
        text = repr(value)
    except ValueError:  # an int of thousands of digits
        text = f"{type(value).__name__} of {value.bit_length()} bits"
    return text if len(text) <= 200 else f"{text[:200]}..."


def surely_same(value: Any, before: Any) -> bool:
    """Whether a value is what another was: False too for one list that may have changed since."""
    if type(value) is not type(before):
        return False
    if isinstance(value, dict | list | np.ndarray) and value is before:
        return False
    if isinstance(value, dict):
        return value.keys() == before.keys() and all(
            surely_same(each, before[key]) for key, each in value.items()
        )
    if isinstance(value, list | tuple):
        return len(value) == len(before) and all(map(surely_same, value, before))
    if isinstance(value, np.ndarray):
        return value.dtype == before.dtype != object and np.array_equal(value, before)
    if isinstance(value, str | bytes | Real | np.bool_):
        return bool(value == before)
    return value is before


def check_sizes(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` is a sequence of 1 to 100 layer sizes."""
    if isinstance(value, str | bytes | bytearray) or not isinstance(value, Sequence):
        raise TypeError(
            f"{name} must be a sequence of integers, got {short(value)}; one layer of 64 is (64,)."
        )
    if not value:
        raise ValueError(f"{name} must hold at least one size, got {value!r}.")
    if len(value) > MOST:
        raise ValueError(f"{name} must hold at most {MOST} sizes, got {len(value)}.")
    for size in value:
        check_size(f"Each of {name}", size)


def check_size(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` may be the width of a layer."""
    check_number(name, value, low=1, high=WIDEST, integer=True)


def check_weight(sample_weight: Any, X: MultimodalArray) -> Floats:
    """Return `sample_weight` as float64 (n,); raise TypeError or ValueError if it is none of X."""
    wanted = "sample_weight must be numbers, finite and at least 0, one a video"
    given = np.asarray(sample_weight)
    if given.dtype.kind not in "biufO" or np.ma.is_masked(sample_weight):
        what = "a masked array" if np.ma.is_masked(sample_weight) else f"dtype {given.dtype}"
        raise ValueError(f"{wanted}, got {what}.")
    try:
        weight: Floats = given.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{wanted}, got {type(sample_weight).__name__}: {error}.") from error
    if weight.shape != X.shape:
        raise ValueError(
            f"sample_weight.shape == {weight.shape}, expected {X.shape}: one a video."
        )
    bad = np.flatnonzero(~np.isfinite(weight) | (weight < 0) | (weight > GREATEST))
    if len(bad):
        most = f" and at most {GREATEST}" if weight[bad[0]] > GREATEST else ""
        raise ValueError(f"{wanted}{most}, got {weight[bad[0]]} in row {bad[0]}.")
    if not weight.any():
        raise ValueError("All values of sample_weight are zero; expected one above 0 at least.")
    if weight.max() < 1 / GREATEST:
        raise ValueError(f"{wanted}, and one at least {1 / GREATEST}, got {weight.max()} at most.")
    return weight


def check_widths(estimator: object, X: MultimodalArray, widths: Mapping[str, int]) -> None:
    """Raise ValueError unless frames are as wide as those that an estimator was fitted with."""
    same = sorted(X.n_features.values()) == sorted(widths.values())
    swapped = f" Are the modalities mixed up? Their order is {list(widths)}." if same else ""
    for name, width in widths.items():
        if X.n_features[name] != width:
            raise ValueError(
                f"Modality {name!r} has frames of {X.n_features[name]} features, but "
                f"{type(estimator).__name__} was fitted with {width}.{swapped}"
            )
