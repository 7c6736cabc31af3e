"""Conversion and validation of what users give to a store or a container, and of its files."""

import os
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike

from .._files import user_path
from .._types import Array
from ..validation import as_array, check_number


def as_path(path: Any) -> str:
    """Return the absolute path of a folder."""
    given = path if isinstance(path, str) else getattr(path, "__fspath__", lambda: None)()
    if not isinstance(given, str):
        raise TypeError(f"The path of a store must be a str or path-like, got {path!r}.")
    if not given or "\0" in given:
        raise ValueError(f"The path of a store must name a folder, got {given!r}.")
    return os.path.abspath(user_path(given))


def as_mapping(name: str, value: Any) -> Mapping[str, Any]:
    """Return a dict by name of modality."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a dict by name of modality, got {value!r}.")
    as_names(value)
    return value


def as_names(names: Iterable[Any]) -> list[str]:
    """Return names of modalities as a list of str, each once."""
    names = list(names)
    if others := [name for name in names if not isinstance(name, str)]:
        raise TypeError(f"Names of modalities must be str, got {others[0]!r}.")
    if len(set(names)) < len(names):
        raise ValueError(f"Each modality must be named once, got {names}.")
    return names


def as_list(name: str, value: Any) -> list[Any]:
    """Return a list of the items of any iterable but a str."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a sequence, got {value!r}.")
    return list(value)


def as_rates(rates: Any, names: Iterable[str]) -> dict[str, float]:
    """Return the frames per second of each modality; a time line needs those of all."""
    names = list(names)
    if set(as_mapping("rates", rates)) != set(names):
        raise ValueError(f"rates must be of all modalities, {names}, got {list(rates)}.")
    return {name: check_rate(name, rates[name]) for name in names}


def check_rate(name: str, rate: Any) -> float:
    """Return frames per second as a float; TypeError or ValueError if they cannot be a rate."""
    check_number(f"The rate of modality {name!r}", rate, low=1e-6, high=1e6)
    return float(rate)


def as_lengths(name: str, lengths: Any, n_frames: int) -> Array:
    """Return the number of frames of each video as an array; their sum must be `n_frames`."""
    wanted = f"Lengths of modality {name!r} must"
    given = as_array(f"Lengths of modality {name!r}", lengths)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise ValueError(f"{wanted} be integers of shape (n,), got {lengths!r}.")
    if (given < 0).any() or (given > n_frames).any() or given.sum() != n_frames:
        total = given.sum(dtype=object)  # exact
        raise ValueError(f"{wanted} be >= 0 and add up to its {n_frames} frames, got {total}.")
    return given


def as_utf8(name: str, text: str) -> bytes:
    """Return a text as UTF-8."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} must be text that UTF-8 can encode, got {text!r}.") from None


def open_file(path: str, problem: str = "Damaged store") -> BinaryIO:
    """Open a file of a store to read it."""
    if not os.path.isfile(path):  # a device has no end, a pipe may block
        state = "no file" if os.path.exists(path) else "missing"
        raise ValueError(f"{problem}: {path} is {state}.")
    return open(path, "rb")


def damaged(message: str) -> ValueError:
    """Return an error that says what is wrong in a store."""
    return ValueError(f"Damaged store: {message}.")


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
