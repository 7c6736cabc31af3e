"""The videos of a container are written to a store, block by block."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from .._types import Ints
from ._frames import Frames
from ._given import as_array, check_path, check_several
from ._writer import StoreWriter, describe, start, under_way

BLOCK_BYTES = 1 << 24  # frames that are held in memory while videos are saved


def save(
    parts: dict[str, Frames], path: str | os.PathLike[str], y: Any = None, ids: Any = None
) -> None:
    """Write the frames of a container, see `MultimodalArray.save`."""
    n = _n_videos(parts)
    path = check_path(path)
    if os.path.lexists(path):
        raise ValueError(f"{path} exists already; a store is written to a new folder.")
    y, ids = _check_y(y, n), _check_all_ids(ids, n)
    with under_way(path) as hidden:
        _write(parts, hidden, y, ids)
        os.rename(hidden, path)


def _write(
    parts: dict[str, Frames], path: str, y: csr_array | None, ids: list[Any] | None
) -> None:
    about = {
        name: {
            "width": part.width,
            "dtype": part.values.dtype.name,
            "scale": part.scale,
            "shift": part.shift,
        }
        for name, part in parts.items()
    }
    start(path, describe(about, None))
    writer = StoreWriter(path, about)
    with writer.part("0") as part:
        for rows in _row_blocks(parts):
            part.append(
                {n: (p.gather(rows), p.lengths[rows]) for n, p in parts.items()},
                labels=None if y is None else np.split(*_of_rows(y, rows)),
                ids=None if ids is None else ids[rows.start : rows.stop],
            )
    writer.finish(["0"], None if y is None else y.shape[1])


def _n_videos(parts: dict[str, Frames]) -> int:
    return len(next(iter(parts.values())).lengths)


def _row_blocks(parts: dict[str, Frames]) -> Iterator[slice]:
    """Yield slices of rows whose frames are about `BLOCK_BYTES`, or one video that is larger."""
    each = [p.lengths * p.width * p.values.dtype.itemsize for p in parts.values()]
    sizes = np.sum(each, axis=0)
    ends, first = np.cumsum(sizes), 0
    while first < _n_videos(parts):
        limit = ends[first] - sizes[first] + BLOCK_BYTES
        last = max(first + 1, int(np.searchsorted(ends, limit, side="right")))
        yield slice(first, last)
        first = last


def _of_rows(y: csr_array, rows: slice) -> tuple[Ints, Ints]:
    """Labels of some rows behind each other, and where to split them."""
    indptr = y.indptr[rows.start : rows.stop + 1]
    return y.indices[indptr[0] : indptr[-1]], indptr[1:-1] - indptr[0]


def _check_y(y: Any, n: int) -> csr_array | None:
    if y is None:
        return None
    y = y if issparse(y) else as_array("y", y)
    if y.ndim != 2 or y.shape[0] != n or y.dtype.kind not in "biuf":
        raise ValueError(
            f"y must be a multilabel indicator of shape ({n}, n_labels), dense or sparse, got "
            f"shape {y.shape} and dtype {y.dtype}. Of a vector of classes "
            "sklearn.preprocessing.OneHotEncoder makes an indicator; or keep the vector in a "
            "file of its own."
        )
    y = csr_array(y, copy=True)
    y.sum_duplicates()
    y.eliminate_zeros()
    if len(y.data) and not (y.data == 1).all():
        raise ValueError("y must be a multilabel indicator of 0 and 1, and has other numbers.")
    return y


def _check_all_ids(ids: Any, n: int) -> list[Any] | None:
    if ids is None:
        return None
    names = [
        str(each) if isinstance(each, np.str_) else each for each in check_several("ids", ids)
    ]
    if len(names) != n:
        raise ValueError(f"ids must name each of {n} videos, got {len(names)}.")
    return names
