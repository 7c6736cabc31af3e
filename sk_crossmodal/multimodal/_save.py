"""Write the videos of a container to a store, block by block."""

import os
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from ..store import as_list, as_path, new_store
from ..validation import as_array
from ._frames import Frames, row_blocks

BLOCK_BYTES = 1 << 24  # frames in memory while videos are saved


def save(
    parts: dict[str, Frames],
    path: str | os.PathLike[str],
    y: Any = None,
    ids: Any = None,
    attributes: Any = None,
) -> None:
    """Write the frames of a container, see `MultimodalArray.save`."""
    path, n = as_path(path), len(next(iter(parts.values())).lengths)
    if os.path.lexists(path):
        raise ValueError(f"{path} exists already; expected a new folder.")
    y, ids = _as_indicator(y, n), None if ids is None else as_list("ids", ids)
    if ids is not None and len(ids) != n:
        raise ValueError(f"ids must name each of {n} videos, got {len(ids)}.")
    about: dict[str, dict[str, Any]] = {
        name: {"width": p.width, "dtype": p.values.dtype.name, "scale": p.scale, "shift": p.shift}
        for name, p in parts.items()
    }
    if all(part.rate is not None for part in parts.values()):
        about = {name: {**each, "rate": parts[name].rate} for name, each in about.items()}
    each = [p.lengths * p.width * p.values.dtype.itemsize for p in parts.values()]
    with new_store(path, about, attributes) as writer:
        with writer.part("0") as out:
            for rows in row_blocks(np.sum(each, axis=0), BLOCK_BYTES):
                frames = {name: (p.gather(rows), p.lengths[rows]) for name, p in parts.items()}
                some = None if y is None else y[rows]
                labels = None if some is None else np.split(some.indices, some.indptr[1:-1])
                out.append(frames, labels=labels, ids=None if ids is None else ids[rows])
        writer.finish(["0"], None if y is None else y.shape[1])


def _as_indicator(y: Any, n: int) -> csr_array | None:
    if y is None:
        return None
    y = y if issparse(y) else as_array("y", y)
    if y.ndim != 2 or y.shape[0] != n or y.dtype.kind not in "biuf":
        given = f"{y.dtype} of shape {y.shape}; OneHotEncoder converts a vector of classes"
        raise ValueError(f"y must be a multilabel indicator ({n}, n_labels), got {given}.")
    y = csr_array(y, copy=True)
    y.sum_duplicates()
    y.eliminate_zeros()
    if len(y.data) and not (y.data == 1).all():
        raise ValueError("y must be a multilabel indicator of 0 and 1, got other numbers.")
    return y
