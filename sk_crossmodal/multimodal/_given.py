"""What users give, checked; errors say what was given and what was expected."""

import os
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any

import numpy as np

from .._types import Array


def check_path(path: Any) -> str:
    """Return the absolute path of a folder."""
    given = path if isinstance(path, str) else getattr(path, "__fspath__", lambda: None)()
    if not isinstance(given, str):
        raise TypeError(f"The path of a store must be a str or path-like, got {path!r}.")
    if not given or "\0" in given:
        raise ValueError(f"The path of a store must name a folder, got {given!r}.")
    return os.path.abspath(given)


def check_mapping(what: str, given: Any) -> None:
    """Raise TypeError unless it is a dict by name of modality."""
    if not isinstance(given, Mapping):
        raise TypeError(f"{what} must be a dict by name of modality, got {given!r}.")
    if others := [name for name in given if not isinstance(name, str)]:
        raise TypeError(f"Names of modalities must be str, {what} has {others}.")


def check_count(what: str, given: Any, least: int) -> int:
    """Return an integer that is large enough."""
    if isinstance(given, bool | np.bool_) or not isinstance(given, Integral):
        raise TypeError(f"{what} must be an int, got {given!r}.")
    if given < least:
        raise ValueError(f"{what} must be at least {least}, got {given!r}.")
    return int(given)


def check_several(what: str, given: Any) -> list[Any]:
    """Return a list of what is no str; TypeError if it cannot be gone through."""
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise TypeError(f"{what} must be a sequence, got {given!r}.")
    return list(given)


def as_array(what: str, given: Any) -> Array:
    """Return an array of what may be none."""
    if isinstance(given, np.ma.MaskedArray):
        raise TypeError(f"{what} must be a plain array, got a masked one; fill it first.")
    try:
        return given if type(given) is np.ndarray else np.asarray(given)
    except (TypeError, ValueError) as error:  # lists of different lengths
        raise type(error)(f"{what} must be an array of numbers: {error}") from error


def check_columns(name: str, columns: Any, width: int) -> slice:
    """Return a slice that picks some of the columns."""
    if not isinstance(columns, slice):
        raise TypeError(
            f"Modality {name!r} is made of a slice of columns, as slice(0, 4), got {columns!r}."
        )
    try:
        picked = range(width)[columns]
    except (TypeError, ValueError) as error:
        raise type(error)(f"Modality {name!r} cannot be made of {columns!r}: {error}") from None
    if not picked:
        raise ValueError(f"Modality {name!r} is empty: {columns} of {width} columns of X.")
    return columns
