"""`Store`: a finished store is opened without reading its frames."""

import os
import shutil
from functools import cached_property
from uuid import uuid4

import numpy as np
from scipy.sparse import csr_array

from ._array import MultimodalArray
from ._frames import Frames
from ._layout import PARTS, read_header, sync_folder
from ._parts import IDS, LABELS, read_lists, read_part
from ._stored import FrameFiles, StoredFrames
from ._writer import StoreWriter

BLOCK_BYTES = 1 << 24  # frames that are held in memory while videos are saved


class Store:
    """A finished store of videos; :meth:`open` gives one.

    Its frames stay on the disk, and labels and ids too until they are asked for.

    Parameters
    ----------
    path : str
        The folder.
    header : Header
        What it says of itself.
    data : MultimodalArray of shape (n,)
        The videos.

    Attributes
    ----------
    path : str
        The folder.
    data : MultimodalArray of shape (n,)
        The videos.
    attributes : dict of str to JSON values
        What else was noted when the store was written.
    parts : tuple of str
        Names of its parts, in the order of their videos.
    """

    def __init__(self, path, header, data):
        self.path, self.data, self.attributes = path, data, dict(header.attributes)
        self.parts = tuple(entry.name for entry in header.parts)
        self._header = header

    @classmethod
    def open(cls, path):
        """Open a store, and check that all its files are there and whole.

        Parameters
        ----------
        path : str or path-like
            The folder.

        Returns
        -------
        Store
            The store. Of its files only lengths are read.

        Raises
        ------
        FileNotFoundError
            If there is no such folder.
        ValueError
            If it is no store, not finished, damaged, or written in a newer version of the
            format.
        """
        path = os.path.realpath(path)  # a link may lead elsewhere by the time frames are read
        header = read_header(path)
        if header.parts is None:
            raise ValueError(
                f"The store at {path} is not finished: write the parts that are missing, and call "
                "StoreWriter.finish."
            )
        contents = [_check_part(path, header, entry) for entry in header.parts]
        frames = {m.name: _stored_frames(path, m, contents) for m in header.modalities}
        return cls(path, header, MultimodalArray(frames))

    @cached_property
    def target(self):
        """Labels as an indicator, csr_array of int64 of shape (n, n_labels), or None."""
        if self._header.n_labels is None:
            return None
        sizes, labels = self._lists(LABELS)
        n_labels = self._header.n_labels
        if len(labels) and not 0 <= labels.min() <= labels.max() < n_labels:
            raise ValueError(
                f"Damaged store: labels in {self.path} should be below {n_labels}, and are from "
                f"{labels.min()} to {labels.max()}."
            )
        indptr = np.append(0, np.cumsum(sizes))
        ones = np.ones(len(labels), np.int64)
        return csr_array((ones, labels, indptr), shape=(len(self.data), n_labels))

    @cached_property
    def ids(self):
        """Names of the videos, ndarray of str of shape (n,), or None."""
        if not self._header.ids:
            return None
        sizes, text = self._lists(IDS)
        ends, text = np.cumsum(sizes).tolist(), text.tobytes()
        return np.array(
            [text[end - size : end].decode() for end, size in zip(ends, sizes, strict=True)], str
        )

    def __len__(self):
        return len(self.data)

    def __repr__(self):
        return f"Store({self.path!r}, {self.data!r})"

    def _lists(self, files):
        """Numbers of labels, or bytes of ids, of each video, and all behind each other."""
        folders = [os.path.join(self.path, PARTS, p.name) for p in self._header.parts if p.videos]
        lists = [read_lists(folder, files) for folder in folders]
        sizes = [np.diff(indptr) for indptr, _ in lists]
        flat = [values for _, values in lists]
        return np.concatenate([*sizes, np.empty(0, int)]), (
            np.concatenate(flat) if flat else np.empty(0, np.int32)
        )


def save(X, path, y=None, ids=None):
    """Write the videos of a container, see `MultimodalArray.save`."""
    path = os.path.abspath(path)
    if os.path.lexists(path):
        raise ValueError(f"{path} exists already; a store is written to a new folder.")
    y, ids = _check_y(y, len(X)), _check_all_ids(ids, len(X))
    parent, name = os.path.split(path)
    hidden = os.path.join(parent, f".{name}.{uuid4().hex}")
    try:
        _write(X, hidden, y, ids)
        os.rename(hidden, path)
        sync_folder(parent)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise


def _write(X, path, y, ids):
    parts = X._frames
    about = {
        name: {
            "width": part.width,
            "dtype": part.values.dtype.name,
            "scale": part.scale,
            "shift": part.shift,
        }
        for name, part in parts.items()
    }
    writer = StoreWriter(path, about)
    with writer.part("0") as part:
        for rows in _row_blocks(X):
            part.append(
                {n: (p.gather(rows), p.lengths[rows]) for n, p in parts.items()},
                labels=None if y is None else np.split(*_of_rows(y, rows)),
                ids=None if ids is None else ids[rows.start : rows.stop],
            )
    writer.finish(["0"], None if y is None else y.shape[1])


def _row_blocks(X):
    """Yield slices of rows whose frames are about `BLOCK_BYTES`, or one video that is larger."""
    sizes = sum(p.lengths * p.width * p.values.dtype.itemsize for p in X._frames.values())
    ends, first = np.cumsum(sizes), 0
    while first < len(X):
        limit = ends[first] - sizes[first] + BLOCK_BYTES
        last = max(first + 1, int(np.searchsorted(ends, limit, side="right")))
        yield slice(first, last)
        first = last


def _of_rows(y, rows):
    """Labels of some rows behind each other, and where to split them."""
    indptr = y.indptr[rows.start : rows.stop + 1]
    return y.indices[indptr[0] : indptr[-1]], indptr[1:-1] - indptr[0]


def _check_y(y, n):
    if y is None:
        return None
    shape = np.shape(y)
    if len(shape) != 2 or shape[0] != n:
        raise ValueError(
            f"y must be a multilabel indicator of shape ({n}, n_labels), dense or sparse, got "
            f"shape {shape}. Of a vector of classes sklearn.preprocessing.OneHotEncoder makes an "
            "indicator; or keep the vector in a file of its own."
        )
    y = csr_array(y, copy=True)
    y.sum_duplicates()
    y.eliminate_zeros()
    if len(y.data) and not (y.data == 1).all():
        raise ValueError("y must be a multilabel indicator of 0 and 1, and has other numbers.")
    return y


def _check_all_ids(ids, n):
    if ids is None:
        return None
    ids = [str(each) if isinstance(each, np.str_) else each for each in ids]
    if len(ids) != n:
        raise ValueError(f"ids must name each of {n} videos, got {len(ids)}.")
    return ids


def _check_part(path, header, entry):
    """Read a part's lengths; ValueError unless it is as the header says."""
    folder = os.path.join(path, PARTS, entry.name)
    content = read_part(folder, header.modalities)
    if content.entry != entry:
        raise ValueError(f"Damaged store: {folder} should be {entry}, and is {content.entry}.")
    for what, expected in (("labels", header.n_labels is not None), ("ids", header.ids)):
        if entry.videos and expected and not getattr(content, what):
            raise ValueError(f"Damaged store: {what} are missing in {folder}.")
    return content


def _stored_frames(path, modality, contents):
    entries = [each.entry for each in contents]
    files = FrameFiles(
        os.path.join(path, PARTS),
        tuple(entry.name for entry in entries),
        modality.file("frames"),
        tuple(entry.frames[modality.name] for entry in entries),
        tuple(each.offsets[modality.name] for each in contents),
        modality.stored_dtype,
        modality.width,
        modality.finite,
    )
    lengths = [each.lengths[modality.name] for each in contents]
    lengths = np.concatenate([*lengths, np.empty(0, np.int64)])
    return Frames.from_lengths(StoredFrames(files), lengths, modality.scale, modality.shift)
