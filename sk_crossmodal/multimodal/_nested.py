"""Frames in nested lists, arrays, tensors and columns of tables, as flat frames and lengths."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array

from .._arrow import is_arrow, plain_column
from .._types import Array, Bools, Ints
from ..validation import from_tensor
from ._array import MultimodalArray
from ._guess import ColumnKind

_FILL = "write .filled(np.nan)"
EMPTY = "Found array with 0 sample(s) while a minimum of 1 is required: {} is empty."


def flatten(part: Any, name: str, width: int | None = None) -> tuple[Array, Ints]:
    """Return the frames of one modality as (n_frames, d) values and (n,) lengths.

    `width` is that of a modality which may have no frames in any video.
    """
    if issparse(part):
        raise TypeError(f"Sparse data was passed for {name}, but dense data is required.")
    if isinstance(part, MultimodalArray):
        raise TypeError(f"A MultimodalArray was passed for {name}; pass it alone, as X.")
    part = plain(part, name)
    if _is_empty(part) and part is not None:
        raise ValueError(EMPTY.format(name))
    if _is_nan(part):  # a column of missing values, which pandas converts to floats
        return _no_frames(len(part), name, width)
    if _is_list(part):
        if (first := _first(part)) is None:
            return _no_frames(len(part), name, width)
        frames = _frames(first, name)
        shape = _shape(frames)
        uneven = shape == (-1,) and len(_shape(frames[0])) == 1
        if uneven or len(shape) == 2 or (len(shape) == 1 and _needs_rows(part)):
            return _flatten_ragged(part, name)
    values = _as_numbers(_unmasked(part, name), name)
    if values.ndim == 2:
        return values, np.ones(len(values), np.int64)
    n, n_frames, width = values.shape
    return values.reshape(n * n_frames, width), np.full(n, n_frames)


def column_kind(part: Any) -> ColumnKind | None:
    """Describe one column of a table, see `plain`; None if it has no frames in any video."""
    if issparse(part) or isinstance(part, MultimodalArray):
        return ColumnKind(2, "f")  # the error is raised where frames are read
    found = _describe(part)
    return None if found is None else ColumnKind(found[0] - 1, found[1])


def is_multi_hot(part: Any) -> bool:
    """Whether the one frame of each video has only 0 and 1, and both are there."""
    found: set[float] = set()
    for row in part:
        if not _is_empty(row):
            found |= set(np.unique(np.asarray(plain(row, "row"))).tolist())
        if not found <= {0, 1}:
            return False
    return len(found) == 2


def _describe(value: Any) -> tuple[int, str] | None:
    """Return the number of axes of nested values and the kind of the numbers in them."""
    if _is_empty(value):
        return None
    dtype = getattr(value, "dtype", None)
    ndim = getattr(value, "ndim", None)
    if isinstance(ndim, int) and dtype is not None and (kind := _kind(dtype)) != "O":
        return ndim, kind
    if isinstance(value, bool | int | np.bool_ | np.integer):
        return 0, "i"
    if isinstance(value, float):
        return 0, "f"
    if hasattr(value, "columns"):  # a data frame
        return 2, "f"
    if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__iter__"):
        return 0, ""
    found = None
    for each in value:
        inner = _describe(each)
        if inner is not None and (found is None or inner[1] == "f"):
            found = inner[0] + 1, inner[1]
        if found is not None and found[1] != "i":
            break
    return found


def _kind(dtype: Any) -> str:
    """Return "f", "i", "" for others, or "O" for objects and types of other packages."""
    if isinstance(dtype, np.dtype):
        kinds = {"f": "f", "c": "f", "i": "i", "u": "i", "b": "i", "O": "O", "V": "O"}
        return kinds.get(dtype.kind, "")  # complex frames are an error, where they are read
    if hasattr(dtype, "is_floating_point"):  # torch
        return "f" if dtype.is_floating_point else "i"
    return "O"


def plain(part: Any, name: str) -> Any:
    """Return tensors, series and other columns as arrays or lists."""
    part = from_tensor(name, part)
    if isinstance(part, np.ndarray | Sequence | Mapping) or hasattr(part, "columns"):
        return part
    if type(getattr(part, "dtype", None)).__name__ == "ArrowDtype":  # of pandas
        part = getattr(part, "array", part).__arrow_array__()
    if is_arrow(part):
        return plain_column(part).to_numpy(zero_copy_only=False)
    if hasattr(part, "to_numpy"):
        return part.to_numpy()
    is_sequence = hasattr(part, "__len__") and hasattr(part, "__getitem__")
    is_array = hasattr(part, "dtype") or hasattr(part, "__array__")
    return list(part) if is_sequence and not is_array else part


def _is_list(part: Any) -> bool:
    """Whether this has one object per video."""
    if isinstance(part, np.ndarray):
        return part.dtype == object and part.ndim == 1
    return isinstance(part, Sequence) and not isinstance(part, str | bytes)


def _is_nan(part: Any) -> bool:
    """Whether this is one NaN per video."""
    is_floats = isinstance(part, np.ndarray) and part.ndim == 1 and part.dtype.kind == "f"
    return is_floats and bool(np.isnan(part).all())


def _needs_rows(part: Iterable[Any]) -> bool:
    """Whether single frames cannot be converted at once: some are missing, or in objects."""
    missing = (row is None or _is_empty(row) or np.ma.is_masked(row) for row in part)
    return isinstance(part, np.ndarray) or any(missing)


def _no_frames(n: int, name: str, width: int | None) -> tuple[Array, Ints]:
    if width is None:
        videos = f"{n} videos, expected an array (T_i, d)"
        advice = "leave it out, or give its width, such as modalities={'audio': 128}"
        raise ValueError(f"{name} has frames in none of its {videos}: {advice}.")
    return np.empty((0, width), np.float32), np.zeros(n, np.int64)


def _frames(row: Any, name: str) -> Any:
    """Return one video as an array if it consists of numbers."""
    row = plain(row, name)
    if isinstance(row, np.ndarray) and row.dtype == object and row.ndim == 1:
        row = row.tolist()  # of arrays
    if isinstance(row, list | tuple) and any(_needs_conversion(each) for each in row):
        row = [_frames(each, f"{name}, frame {i},") for i, each in enumerate(row)]
    return row


def _needs_conversion(frame: Any) -> bool:
    """Whether NumPy cannot convert a frame in a list by itself."""
    known = isinstance(frame, list | tuple | float | int | np.generic) or frame is None
    return not known and not (isinstance(frame, np.ndarray) and frame.dtype != object)


def _flatten_ragged(part: Iterable[Any], name: str) -> tuple[Array, Ints]:
    frames = _frames(_first(part), name)
    if _shape(frames) == (-1,):
        raise ValueError(f"{name} must be a list of arrays (T_i, d), got {_widths(frames)}.")
    first = np.asarray(frames)
    first, is_frame = np.atleast_2d(first), first.ndim == 1
    empty = np.empty((0, first.shape[1]), first.dtype)
    try:
        rows = [
            empty
            if _is_empty(row)
            else _as_row(row, empty, f"Row {i} of {name}", is_frame=is_frame)
            for i, row in enumerate(part)
        ]
    except ValueError as error:
        if hint := _axes_hint(part):
            raise ValueError(f"{error} {hint}") from error
        raise
    return np.concatenate(rows), np.array([len(row) for row in rows])


def _as_row(row: Any, empty: Array, name: str, *, is_frame: bool) -> Array:
    """Return the frames of one video as an array of numbers (T_i, width)."""
    width = empty.shape[1]
    wanted = f"{name} must be an array of numbers (T_i, {width})"
    if np.ma.is_masked(row) and row.ndim in (1, 2):
        row = _unmasked(np.ma.atleast_2d(row)[None], name)[0].reshape(row.shape)
    frames = _frames(row, name)
    try:
        array = np.asarray(frames)
    except ValueError as error:
        raise ValueError(f"{wanted}, got {_widths(frames) or error}.") from error
    if array.shape == empty.shape:  # its dtype, often float64, must not change that of all others
        return empty
    if is_frame and array.shape == (width,):
        array = array[None]
    if array.ndim != 2 or array.shape[1] != width:
        expected = f"(T_i, {width}) as in the rows before, or None for no frames"
        raise ValueError(f"{name} has shape {array.shape}, expected {expected}.")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{wanted}, got dtype {array.dtype}.")
    return array


def _unmasked(part: Any, name: str) -> Any:
    """Return frames with NaN for masked ones, which only the last of a video may be."""
    if not np.ma.is_masked(part) or part.ndim not in (2, 3) or part.dtype.kind not in "biuf":
        return part
    mask: Bools = np.ma.getmaskarray(part)
    frames: Bools = np.all(mask, axis=-1)
    if part.ndim == 3:
        frames = np.logical_and.accumulate(frames[:, ::-1], axis=1)[:, ::-1]
    if (mask != frames[..., None]).any():
        wanted = "masked only in whole frames at the end of videos"
        raise ValueError(f"{name} must be {wanted}, got others: {_FILL}.")
    return part.astype(np.result_type(part.dtype, np.float16)).filled(np.nan)


def _axes_hint(part: Iterable[Any]) -> str:
    """Return the next step if videos seem to be (d, T_i), "" otherwise."""
    shapes = {_shape(row) for row in part if not _is_empty(row)}
    sides = {shape[0] for shape in shapes if len(shape) == 2}
    if len(shapes) < 2 or len(sides) != 1 or any(len(shape) != 2 for shape in shapes):
        return ""
    found = f"The arrays all have {sides.pop()} rows and various numbers of columns"
    return f"{found}, so they look like (d, T_i): write [x.T for x in X]."


def _widths(frames: Iterable[Any]) -> str:
    """Say how the frames of a video differ, "" if they do not."""
    shapes = [_shape(frame) for frame in frames]
    other = next((i for i, shape in enumerate(shapes) if shape != shapes[0]), None)
    return (
        ""
        if other is None
        else f"frames of shapes {shapes[0]} and, frame {other}, {shapes[other]}"
    )


def _as_numbers(part: Any, name: str) -> Array:
    """Return frames (n, d) or (n, T, d) as an array of floats or uint8."""
    wanted = f"{name} must be an array of numbers (n, d) or (n, T, d), or a list of (T_i, d)"
    problem = ""
    try:
        array = part if hasattr(part, "dtype") or hasattr(part, "columns") else np.asarray(part)
        if problem := _not_numbers(array):
            raise ValueError(problem)
        with np.errstate(over="ignore"):  # overflow gives infinity, which is an error later
            values: Array = check_array(
                array,
                dtype=[np.float32, np.float64, np.float16, np.uint8],
                allow_nd=True,
                ensure_all_finite=False,
                input_name=name,
            )
        if values.ndim > 3:
            raise ValueError(problem := f"shape {values.shape}")
    except (TypeError, ValueError, OverflowError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        given = problem or f"{type(part).__name__}: {error}"
        raise kind(f"{wanted}, got {given}.{_hint(part)}") from error
    return values


def _hint(part: Any) -> str:
    """Return the next step for a list of modalities, "" for anything else."""
    several = isinstance(part, list | tuple) and len(part) and len(_shape(part[0])) in (1, 3)
    return " Give each modality as an argument of its own, (X_video, X_audio)." if several else ""


def _not_numbers(array: Any) -> str:
    """Return why an array cannot hold numbers, "" if it may."""
    dtype = getattr(array, "dtype", None)
    kind = getattr(dtype, "kind", "O")
    if kind == "c":  # the message of check_array would print all of it
        return f"dtype {dtype}. Complex data not supported"
    if kind not in "biufO":  # objects may be numbers
        return f"dtype {dtype}{'; load files first; y comes last' if kind in 'US' else ''}"
    return f"a masked array: {_FILL}" if np.ma.is_masked(array) else ""


def _is_empty(row: Any) -> bool:
    """Whether a video has no frames in a modality: None, NaN, or an empty list or array."""
    if row is None or type(row).__name__ == "NAType":  # of pandas
        return True
    if isinstance(row, float) and np.isnan(row):
        return True
    if isinstance(row, list | tuple):  # np.shape would convert all of it
        return not row
    return not isinstance(row, str | Mapping) and _shape(row) == (0,)


def _shape(row: Any) -> tuple[int, ...]:
    """Return the shape of anything, (-1,) for lists of unequal lengths."""
    if isinstance(shape := getattr(row, "shape", None), tuple):
        return tuple(map(int, shape))
    try:
        return np.shape(row)
    except (ValueError, RuntimeError, TypeError):
        return (-1,)


def _first(part: Iterable[Any]) -> Any:
    """Return the first video with frames, or else the first whose shape has a width."""
    candidates = (row for row in part if not _is_empty(row))
    first = next(candidates, None)
    if first is None or 0 not in _shape(first):
        return first
    return next((row for row in candidates if 0 not in _shape(row)), first)
