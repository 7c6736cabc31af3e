"""Validation of what users give to a store or a container."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .._types import Array
from ..validation import as_array


def check_path(path: Any) -> str:
    """Return the absolute path of a folder."""
    given = path if isinstance(path, str) else getattr(path, "__fspath__", lambda: None)()
    if not isinstance(given, str):
        raise TypeError(f"The path of a store must be a str or path-like, got {path!r}.")
    if not given or "\0" in given:
        raise ValueError(f"The path of a store must name a folder, got {given!r}.")
    return os.path.abspath(given)


def check_mapping(name: str, value: Any) -> None:
    """Raise TypeError unless `value` is a dict by name of modality."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a dict by name of modality, got {value!r}.")
    if others := [each for each in value if not isinstance(each, str)]:
        raise TypeError(f"Names of modalities must be str, {name} has {others}.")


def check_several(name: str, value: Any) -> list[Any]:
    """Return a list of the items of any iterable but a str."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a sequence, got {value!r}.")
    return list(value)


def check_lengths(name: str, lengths: Any, n_frames: int) -> Array:
    """Return the number of frames of each video as an array; their sum must be `n_frames`."""
    wanted = f"Lengths of modality {name!r} must be"
    given = as_array(f"Lengths of modality {name!r}", lengths)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise ValueError(f"{wanted} integers of shape (n,), got {lengths!r}.")
    if (given < 0).any() or (given > n_frames).any() or given.sum() != n_frames:
        total = given.sum(dtype=object)
        raise ValueError(
            f"{wanted} non-negative and add up to its {n_frames} frames, got a sum of {total}."
        )
    return given


def first_bad_frame(frames: Array, dtype: DTypeLike = np.float64) -> int | None:
    """Return the index of the first frame that is not finite in this dtype, or None."""
    if frames.dtype.kind != "f":
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        if frames.dtype.itemsize > np.dtype(dtype).itemsize:
            frames = frames.astype(dtype)
        # The sum needs no temporary array; if it is not finite, each frame is checked.
        if np.isfinite(frames.sum(dtype=np.float64)):
            return None
    good = np.isfinite(frames).all(axis=1)
    return None if good.all() else int(np.argmin(good))
