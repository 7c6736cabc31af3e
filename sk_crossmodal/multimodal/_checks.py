"""Conversion and validation of the arguments of `MultimodalArray`."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .._types import Array, Floats, Ints
from ..validation import as_array, check_option

LONG_VIDEOS = ("pool", "cut")


def as_columns(name: str, columns: Any, width: int) -> slice:
    """Return `columns` if it is a slice that selects some of `width` columns."""
    if not isinstance(columns, slice):
        raise TypeError(f"Columns of modality {name!r} must be a slice, got {columns!r}.")
    try:
        picked = range(width)[columns]
    except (TypeError, ValueError) as error:
        raise type(error)(f"Modality {name!r} has invalid columns {columns!r}: {error}") from None
    if not picked:
        raise ValueError(f"Modality {name!r} is empty: {columns} of {width} feature(s) of X.")
    return columns


def as_rows(rows: Any, n: int) -> Ints:
    """Return rows of n videos as integers (B,)."""
    array = as_array("rows", rows)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise TypeError(f"rows must be integers of shape (B,), got {rows!r}.")
    if array.size and not -n <= array.min() <= array.max() < n:
        raise IndexError(f"rows must be rows of {n} videos, got {array.min()} to {array.max()}.")
    return array.astype(np.intp, copy=False)


def as_counts(name: str, counts: Any, n: int) -> Ints:
    """Return one number of time steps, or n, as integers."""
    array = as_array(name, counts)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"{name} must be integers, got {counts!r}.")
    if array.shape not in ((), (n,)) or (array < 0).any():
        raise ValueError(f"{name} must be one number or {n}, all >= 0, got {counts!r}.")
    return array.astype(np.int64, copy=False)


def check_long_videos(name: str, value: Any) -> None:
    """Raise ValueError unless `value` is "pool", "cut" or a dict of these by modality."""
    if not isinstance(value, Mapping):
        check_option(name, value, LONG_VIDEOS)
    for modality, how in value.items() if isinstance(value, Mapping) else ():
        check_option(f"{name}[{modality!r}]", how, LONG_VIDEOS)


def as_long_videos(value: Any, names: Iterable[str]) -> dict[str, str]:
    """Return "pool" or "cut" for each modality; those that a dict does not name are pooled."""
    check_long_videos("long_videos", value)
    names = list(names)
    given = {} if isinstance(value, str) else dict(value)
    if unknown := [name for name in given if name not in names]:
        raise ValueError(f"long_videos must be of the modalities {names}, got {unknown}.")
    return dict.fromkeys(names, value if isinstance(value, str) else LONG_VIDEOS[0]) | given


def as_weights(sample_weight: Any, n: int) -> Floats:
    """Return weights as float64 (n,); all of them may be zero, unlike in `fit`."""
    weights = as_array("sample_weight", sample_weight)
    if weights.dtype.kind not in "biuf":
        raise TypeError(f"sample_weight must be numbers, got {sample_weight!r}.")
    if weights.shape != (n,) or not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(f"sample_weight must be ({n},) finite numbers >= 0, got {weights!r}.")
    return weights.astype(np.float64, copy=False)


def as_quantization(name: str, pair: Any) -> tuple[float, float]:
    """Return the scale and shift of a modality as floats."""
    what = f"The quantization of modality {name!r}"
    numbers = as_array(what, pair)
    if numbers.shape != (2,) or numbers.dtype.kind not in "iuf":
        raise TypeError(f"{what} must be a pair (scale, shift), got {pair!r}.")
    if not np.isfinite(numbers).all():
        raise ValueError(f"{what} must be finite, got {tuple(pair)}.")
    return float(pair[0]), float(pair[1])


def as_frames(name: str, values: Any) -> Array:
    """Return frames (n_frames, n_features) as uint8, float16, float32 or float64."""
    what = f"Frames of modality {name!r}"
    array = as_array(what, values)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"{what} must have shape (n_frames, n_features), got {array.shape}.")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{what} must be numbers, got dtype {array.dtype}.")
    known = array.dtype in (np.uint8, np.float16, np.float32, np.float64)
    return array if known else array.astype(np.float32)
