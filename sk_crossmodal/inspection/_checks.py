"""Validation of the inputs that several displays and tables share."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from .._types import Array
from ..hierarchy import LabelHierarchy
from ..validation import check_number, number, short

check_positive = partial(check_number, low=0, open_low=True)
check_count = partial(check_positive, integer=True)
check_share = number(0, 1)


def as_numbers(
    name: str,
    given: Any,
    *shape: int | str,
    kinds: str = "biuf",
    finite: bool = True,
    low: float = -np.inf,
    high: float = np.inf,
) -> Array:
    """Return an array of numbers; a str in `shape` names a dimension of any length but 0."""
    named = f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(map(str, shape))})"
    within = f" from {low:g} to {high:g}" if high < np.inf else f" >= {low:g}" * (low > -np.inf)
    wanted = f"{name} must be {'finite ' * finite}numbers{within} of shape {named}"
    try:
        array = np.asarray(given)
    except ValueError as error:  # lists of different lengths
        raise ValueError(f"{wanted}, got {short(given)}.") from error
    fits = len(shape) == array.ndim and all(
        n == length or (isinstance(length, str) and n > 0)
        for n, length in zip(array.shape, shape, strict=True)
    )
    if not fits or array.dtype.kind not in kinds:
        raise ValueError(f"{wanted}, got shape {array.shape} and dtype {array.dtype}.")
    if finite and not (np.isfinite(array) & (array >= low) & (array <= high)).all():
        raise ValueError(f"{wanted}, got {short(given)}.")
    return array


def as_names(name: str, given: Any, kind: str, count: int) -> list[str]:
    """Return `count` names as a list of str; without any they are `kind` and a number."""
    if given is None:
        return [f"{kind} {i}" for i in range(count)]
    if isinstance(given, str) or not hasattr(given, "__len__"):
        raise TypeError(f"{name} must be a sequence of {count} names, got {short(given)}.")
    if len(given) != count:
        raise ValueError(f"{name} must be {count} names, one per {kind}, got {len(given)}.")
    return [str(each) for each in given]


def check_mapping(name: str, given: Any, content: str) -> None:
    """Raise TypeError unless a value is a dict."""
    if not isinstance(given, Mapping):
        raise TypeError(f"{name} must be a dict of {content}, got {type(given).__name__}.")


def check_has(estimator: Any, name: str) -> None:
    """Raise TypeError unless an estimator, and not its class, has a method or attribute."""
    if isinstance(estimator, type) or not hasattr(estimator, name):
        given = (estimator if isinstance(estimator, type) else type(estimator)).__name__
        kind = "attribute" if name.endswith("_") else "method"
        raise TypeError(f"estimator must be a fitted one with the {kind} `{name}`, got {given}.")


def check_hierarchy(hierarchy: Any, n_labels: int | None = None) -> None:
    """Raise TypeError or ValueError unless `hierarchy` is a LabelHierarchy of so many labels."""
    if not isinstance(hierarchy, LabelHierarchy):
        raise TypeError(f"hierarchy must be a LabelHierarchy, got {type(hierarchy).__name__}.")
    if n_labels is not None and len(hierarchy) != n_labels:
        given = f"{len(hierarchy)} nodes for {n_labels} labels"
        raise ValueError(f"hierarchy must have one node per label, got {given}.")


def check_models(models: Sequence[Any] | Mapping[Any, Any], baseline: Any) -> None:
    """Raise TypeError or ValueError unless all names are str, and the baseline is one of them."""
    if wrong := [name for name in models if not isinstance(name, str)]:
        raise TypeError(f"Names of models must be strings, got {short(wrong[0])}.")
    if baseline is not None and baseline not in models:
        raise ValueError(f"baseline must be one of {list(models)} or None, got {short(baseline)}.")
