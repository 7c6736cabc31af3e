"""Columns of Arrow tables as the labels of videos: names of labels, or rows of an indicator."""

from typing import Any

import numpy as np

from .._arrow import import_pyarrow, nesting
from .._types import Array
from ..hierarchy import indicator_width, warn_of_lists
from ._columns import check_no_null, is_name, sizes

_WANTED = (
    "labels are strings or integers, one or a list of them per video, or the rows of an "
    "indicator: lists of one length with only 0 and 1, or False and True"
)
_ADVICE = "a video without labels has an empty list"


class LabelColumn:
    """The column of labels of some tables; `scan` all of it before `known` and `read`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._width: int | None = None  # of the indicator, if it is one
        self._labels: set[Any] = set()
        self._alone: set[Any] = set()  # labels that are not in lists
        self._lengths: set[int] = set()
        self._only_indicator = False  # the numbers are booleans or floats
        self._repeats = False

    def scan(self, column: Any, where: str, first: int) -> None:
        """Collect the labels of some rows, and check their types."""
        depth, value = nesting(column.type)
        types = import_pyarrow().types
        numbers = types.is_boolean(value) or types.is_floating(value) or types.is_integer(value)
        if depth > 1 or not (is_name(value) or (depth and (numbers or types.is_null(value)))):
            raise ValueError(f"{where} is of type {column.type}; {_WANTED}.")
        rows = np.arange(first, first + len(column))
        check_no_null(column, where, rows, _ADVICE)
        if not depth:
            self._alone.update(column.to_pylist())
            return
        lengths = sizes(column)
        rows, values = np.repeat(rows, lengths), column.flatten()
        check_no_null(values, where, rows, _ADVICE)
        self._lengths.update(np.unique(lengths).tolist())
        if numbers:
            about = f"{where} is of type {column.type}"
            self._scan_numbers(values.to_numpy(zero_copy_only=False), about, rows)
        else:
            self._labels.update(values.to_pylist())

    def _scan_numbers(self, values: Array, about: str, rows: Array) -> None:
        """Collect the labels of lists of numbers; `rows` are the rows of the values."""
        binary = np.isin(values, (0, 1))
        if values.dtype.kind not in "iu":
            self._only_indicator = True
            if not binary.all():
                row, number = rows[~binary][0], values[~binary][0]
                raise ValueError(f"{about}, with {number} in row {row}; {_WANTED}.")
        self._labels.update(np.unique(values.astype(np.int64, copy=False)).tolist())
        if binary.all() and len(rows):
            twice = np.unique(2 * rows + values.astype(np.int64), return_counts=True)[1].max() > 1
            self._repeats = self._repeats or bool(twice)

    def known(self) -> list[Any]:
        """Decide whether the column is an indicator, and return all labels, sorted."""
        labels = self._labels | self._alone
        if len({isinstance(label, str) for label in labels}) > 1:
            raise ValueError(f"column {self.name!r} must have strings or numbers in all files.")
        if self._lengths and not self._alone:
            # Lists of one number are labels, but those of one boolean are an indicator.
            least = 1 if self._only_indicator else 2
            self._width = indicator_width(self._lengths, labels, least=least)
        if self._width is not None:
            return list(range(self._width))
        if self._only_indicator or (self._repeats and labels <= {0, 1}):
            given = f"lists of 0 and 1 of {min(self._lengths)} to {max(self._lengths)} numbers"
            raise ValueError(
                f"column {self.name!r} has {given}. All rows of an indicator have one length, and "
                "a list of labels has each label once; write one of the two."
            )
        warn_of_lists(labels, self._alone)
        return sorted(labels)

    def read(self, column: Any) -> list[tuple[Any, ...]]:
        """Read the labels of some rows; those of an indicator are the numbers of its columns."""
        if self._width is not None:
            rows = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, self._width)
            return [tuple(np.flatnonzero(row).tolist()) for row in rows]
        if not nesting(column.type)[0]:
            return [(label,) for label in column.to_pylist()]
        return [tuple(labels) for labels in column.to_pylist()]
