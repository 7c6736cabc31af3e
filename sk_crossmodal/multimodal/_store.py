"""`Store`: a finished store is opened without reading its frames."""

import os
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from .._types import Array, Ints
from ._array import MultimodalArray
from ._layout import PARTS, Header
from ._opening import open_frames
from ._parts import IDS, LABELS, read_lists


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

    def __init__(self, path: str, header: Header, data: MultimodalArray) -> None:
        self.path, self.data, self.attributes = path, data, dict(header.attributes)
        self._entries = header.parts or ()
        self.parts = tuple(entry.name for entry in self._entries)
        self._header = header

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "Store":
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
        path, header, frames = open_frames(path)
        return cls(path, header, MultimodalArray(frames))

    @cached_property
    def target(self) -> csr_array | None:
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
    def ids(self) -> Array | None:
        """Names of the videos, ndarray of str of shape (n,), or None."""
        if not self._header.ids:
            return None
        sizes, text = self._lists(IDS)
        ends, coded = np.cumsum(sizes).tolist(), text.tobytes()
        each = zip(ends, sizes, strict=True)
        try:
            return np.array([coded[end - size : end].decode() for end, size in each], str)
        except UnicodeDecodeError as error:
            raise ValueError(f"Damaged store: ids in {self.path} are no text: {error}.") from None

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"Store({self.path!r}, {self.data!r})"

    def _lists(self, files: tuple[str, str]) -> tuple[Ints, Array]:
        """Numbers of labels, or bytes of ids, of each video, and all behind each other."""
        folders = [os.path.join(self.path, PARTS, p.name) for p in self._entries if p.videos]
        lists = [read_lists(folder, files) for folder in folders]
        sizes = [np.diff(indptr) for indptr, _ in lists]
        flat = [values for _, values in lists]
        return np.concatenate([*sizes, np.empty(0, int)]), (
            np.concatenate(flat) if flat else np.empty(0, np.int32)
        )
