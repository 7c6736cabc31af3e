"""Checks of constructor parameters: errors name the parameter, its value, what is allowed."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from numbers import Integral, Real
from typing import Any

from ..multimodal import MultimodalArray


def check_option(name: str, value: Any, options: Iterable[Any]) -> None:
    """Raise ValueError unless `value` is one of `options`.

    Examples
    --------
    >>> check_option("gate", "open", ("hard", "soft"))
    Traceback (most recent call last):
    ValueError: gate must be one of ('hard', 'soft'), got 'open'.
    """
    options = tuple(options)
    if not any(value is option or value == option for option in options):
        raise ValueError(f"{name} must be one of {options}, got {value!r}.")


def check_number(
    name: str,
    value: Any,
    *,
    low: float,
    high: float | None = None,
    integer: bool = False,
    open_low: bool = False,
) -> None:
    """Raise TypeError or ValueError unless `value` is a finite number from `low` to `high`.

    Examples
    --------
    >>> check_number("lr", 0.0, low=0, open_low=True)
    Traceback (most recent call last):
    ValueError: lr must be a number > 0, got 0.0.
    """
    kind = "an integer" if integer else "a number"
    wanted = f"{name} must be {kind} {'>' if open_low else '>='} {low}"
    if high is not None:
        wanted += f" and <= {high}"
    if isinstance(value, bool) or not isinstance(value, Integral if integer else Real):
        raise TypeError(f"{wanted}, got {value!r}.")
    number = float(value)
    too_low = number <= low if open_low else number < low
    if too_low or not isfinite(number) or (high is not None and number > high):
        raise ValueError(f"{wanted}, got {value!r}.")


def check_sizes(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` is a non-empty sequence of positive integers.

    Examples
    --------
    >>> check_sizes("cross_modal_layer_sizes", ())
    Traceback (most recent call last):
    ValueError: cross_modal_layer_sizes must hold at least one size, got ().
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be a sequence of integers, got {value!r}.")
    if not value:
        raise ValueError(f"{name} must hold at least one size, got {value!r}.")
    for size in value:
        check_number(f"Each of {name}", size, low=1, integer=True)


def check_widths(estimator: object, X: MultimodalArray, widths: Mapping[str, int]) -> None:
    """Raise ValueError unless frames are as wide as those that an estimator was fitted with.

    Examples
    --------
    >>> from sk_crossmodal.multimodal import as_multimodal
    >>> check_widths(object(), as_multimodal({"video": [[1.0, 2.0]]}), {"video": 3})
    Traceback (most recent call last):
    ValueError: Modality 'video' has frames of 2 features, but object was fitted with 3.
    """
    for name, width in widths.items():
        if X.n_features[name] != width:
            raise ValueError(
                f"Modality {name!r} has frames of {X.n_features[name]} features, but "
                f"{type(estimator).__name__} was fitted with {width}."
            )
