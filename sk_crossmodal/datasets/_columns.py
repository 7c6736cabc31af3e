"""Columns of Arrow tables as frames and ids."""

from typing import Any

import numpy as np

from .._arrow import import_pyarrow, nesting
from .._types import Array, Ints
from ..multimodal import ColumnKind, cut_padding

_KEPT = ("uint8", "float16", "float32")  # other numbers become float32


def is_modality(kind: Any) -> bool:
    """Whether a column can be a modality: lists of numbers, or lists of these."""
    types = import_pyarrow().types
    depth, value = nesting(kind)
    return depth in (1, 2) and bool(types.is_floating(value) or types.is_integer(value))


def column_kind(kind: Any) -> ColumnKind:
    """Describe an Arrow type for the rule that guesses the modalities of a table."""
    types = import_pyarrow().types
    depth, value = nesting(kind)
    if types.is_floating(value):
        return ColumnKind(depth, "f")
    return ColumnKind(depth, "i" if types.is_integer(value) or types.is_boolean(value) else "")


def frames_dtype(kind: Any) -> np.dtype[Any]:
    """Return the dtype of the frames of a column: float32, float16 and uint8 are kept."""
    given = np.dtype(nesting(kind)[1].to_pandas_dtype())
    return given if given.name in _KEPT else np.dtype("float32")


def read_frames(
    column: Any, where: str, first: int, width: int | None = None
) -> tuple[Array, Ints]:
    """Concatenate the frames of a column; return them and their number in each video."""
    dtype, rows = frames_dtype(column.type), np.arange(first, first + len(column))
    check_no_null(column, where, rows)
    lengths = None
    if nesting(column.type)[0] == 2:
        lengths = sizes(column)
        column, rows = column.flatten(), np.repeat(rows, lengths)
        check_no_null(column, where, rows)
    widths = sizes(column)
    if lengths is None:
        lengths, rows, widths = (widths > 0).astype(np.int64), rows[widths > 0], widths[widths > 0]
    if width is None:
        width = int(widths[0]) if len(widths) else 0
    bad = np.flatnonzero((widths != width) | (widths == 0))
    if bad.size:
        row, other = rows[bad[0]], widths[bad[0]]
        raise ValueError(f"{where}, row {row}: a frame of {other} numbers, not {width} as before.")
    numbers = column.flatten()
    check_no_null(numbers, where, np.repeat(rows, width))
    with np.errstate(over="ignore"):
        frames = numbers.to_numpy(zero_copy_only=False).astype(dtype, copy=False)
    frames = frames.reshape(len(widths), width)
    if dtype.kind == "f" and not np.isfinite(frames).all():
        frames, lengths = cut_padding(frames, lengths)
        rows = np.repeat(np.arange(first, first + len(lengths)), lengths)
    if dtype.kind == "f" and not np.isfinite(frames).all():
        bad = rows[~np.isfinite(frames).all(axis=1)][0]
        raise ValueError(f"{where}, row {bad}: a number is NaN, or infinite as {dtype}.")
    return frames, lengths


def read_ids(column: Any, where: str, first: int) -> list[str]:
    """Read the names of videos."""
    if not is_name(column.type):
        raise ValueError(f"{where} is of type {column.type}; names are strings or integers.")
    rows = np.arange(first, first + len(column))
    check_no_null(column, where, rows, "either all videos have names or none")
    return [str(name) for name in column.to_pylist()]


def is_name(kind: Any) -> bool:
    """Whether an Arrow type is that of strings or integers."""
    types = import_pyarrow().types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_integer(kind))


def sizes(column: Any) -> Ints:
    """Return the lengths of the lists of a column without nulls."""
    import pyarrow.compute

    lengths = pyarrow.compute.list_value_length(column).to_numpy(zero_copy_only=False)
    return np.asarray(lengths, np.int64)


def check_no_null(
    column: Any, where: str, rows: Ints, advice: str = "a video without frames has an empty list"
) -> None:
    """Raise ValueError if a value is null; `rows` are the rows of the values in the file."""
    if column.null_count:
        row = rows[np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0]]
        raise ValueError(f"{where}, row {row}: a value is missing (null); {advice}.")
