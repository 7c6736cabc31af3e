"""Checks of constructor parameters: errors name the parameter, its value, what is allowed."""

from collections.abc import Sequence
from math import isfinite
from numbers import Integral, Real


def check_option(name, value, options):
    """Raise ValueError unless `value` is one of `options`.

    Examples
    --------
    >>> check_option("gate", "open", ("hard", "soft"))
    Traceback (most recent call last):
    ValueError: gate must be one of ('hard', 'soft'), got 'open'.
    """
    if not any(value is option or value == option for option in options):
        raise ValueError(f"{name} must be one of {tuple(options)}, got {value!r}.")


def check_number(name, value, *, low, high=None, integer=False, open_low=False):
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
    too_low = value <= low if open_low else value < low
    if too_low or not isfinite(value) or (high is not None and value > high):
        raise ValueError(f"{wanted}, got {value!r}.")


def check_sizes(name, value):
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


def check_widths(estimator, X, widths):
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
