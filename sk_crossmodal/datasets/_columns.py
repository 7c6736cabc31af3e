"""Columns of Arrow tables as frames, labels and ids."""

from typing import Any

import numpy as np

from .._types import Array, Ints
from ._tables import import_pyarrow

_KEPT = ("uint8", "float16", "float32")  # other numbers become float32


def is_list(kind: Any) -> bool:
    """Whether an Arrow type is one of lists."""
    types = import_pyarrow().types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def innermost(kind: Any) -> tuple[int, Any]:
    """Tell how deep lists are nested in an Arrow type, and what they hold."""
    depth = 0
    while is_list(kind):
        depth, kind = depth + 1, kind.value_type
    return depth, kind


def holds_frames(kind: Any) -> bool:
    """Whether a column can be a modality: lists of numbers, or lists of these."""
    types = import_pyarrow().types
    depth, value = innermost(kind)
    return depth in (1, 2) and bool(types.is_floating(value) or types.is_integer(value))


def frames_dtype(kind: Any) -> np.dtype[Any]:
    """Tell what the frames of a column become: float32, float16 and uint8 stay."""
    given = np.dtype(innermost(kind)[1].to_pandas_dtype())
    return given if given.name in _KEPT else np.dtype("float32")


def read_frames(column: Any, where: str, first: int) -> tuple[Array, Ints]:
    """Lay the frames of a column flat behind each other."""
    dtype = frames_dtype(column.type)
    _check_no_null(column, where, np.arange(first, first + len(column)))
    rows, lengths = np.arange(first, first + len(column)), None
    if innermost(column.type)[0] == 2:
        lengths = _sizes(column)
        column, rows = column.flatten(), np.repeat(rows, lengths)
        _check_no_null(column, where, rows)
    widths = _sizes(column)
    if lengths is None:
        lengths, rows, widths = (widths > 0).astype(np.int64), rows[widths > 0], widths[widths > 0]
    if not len(widths):
        return np.empty((0, 0), dtype), lengths
    if (other := np.flatnonzero((widths != widths[0]) | (widths == 0))).size:
        raise ValueError(
            f"{where}, row {rows[other[0]]}: a frame of {widths[other[0]]} numbers; frames before "
            f"it have {widths[0]}, and all frames of a modality must be of one width."
        )
    numbers = column.flatten()
    _check_no_null(numbers, where, np.repeat(rows, widths[0]))
    with np.errstate(over="ignore"):
        frames = numbers.to_numpy(zero_copy_only=False).astype(dtype, copy=False)
    frames = frames.reshape(-1, widths[0])
    if dtype.kind == "f" and not np.isfinite(frames).all():
        bad = rows[~np.isfinite(frames).all(axis=1)][0]
        raise ValueError(
            f"{where}, row {bad}: a number that is NaN, or infinite as {dtype}; leave such frames "
            "out, or put a number in its place."
        )
    return frames, lengths


def read_labels(column: Any, where: str, first: int) -> list[tuple[Any, ...]]:
    """Read the labels of videos."""
    types = import_pyarrow().types
    depth, value = innermost(column.type)
    value = value.value_type if types.is_dictionary(value) else value
    if depth > 1 or not (_is_text(value) or types.is_integer(value)):
        raise ValueError(
            f"{where} is of type {column.type}; labels are strings such as "
            "'Transport:Land:Car' or whole numbers, or a list of these a video."
        )
    rows = np.arange(first, first + len(column))
    advice = "an empty list says that a video has no label"
    _check_no_null(column, where, rows, advice)
    if not depth:
        return [(label,) for label in column.to_pylist()]
    _check_no_null(column.flatten(), where, np.repeat(rows, _sizes(column)), advice)
    return [tuple(labels) for labels in column.to_pylist()]


def read_ids(column: Any, where: str, first: int) -> list[str]:
    """Read the names of videos."""
    types = import_pyarrow().types
    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    if not (_is_text(kind) or types.is_integer(kind)):
        raise ValueError(
            f"{where} is of type {column.type}; the name of a video is a string or a whole number."
        )
    rows = np.arange(first, first + len(column))
    _check_no_null(column, where, rows, "every video needs a name, or none has one")
    return [str(name) for name in column.to_pylist()]


def _is_text(kind: Any) -> bool:
    types = import_pyarrow().types
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _sizes(column: Any) -> Ints:
    """Lengths of the lists of a column that misses none."""
    import pyarrow.compute

    lengths = pyarrow.compute.list_value_length(column).to_numpy(zero_copy_only=False)
    return np.asarray(lengths, np.int64)


def _check_no_null(
    column: Any,
    where: str,
    rows: Ints,
    advice: str = "an empty list says that there are no frames",
) -> None:
    """Raise ValueError if something is missing; `rows` says of each where it stands."""
    if column.null_count:
        row = rows[np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0]]
        raise ValueError(f"{where}, row {row}: something is missing (null); {advice}.")
