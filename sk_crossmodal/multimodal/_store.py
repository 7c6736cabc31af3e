"""`Store`: a finished store, opened without reading its frames."""

import os
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from .._types import Array
from ..store import Header, StoreFiles, read_ids, read_labels
from ._array import MultimodalArray
from ._frames import stored_frames


class Store:
    """A finished store of videos; :meth:`open` returns one.

    Its frames stay on the disk; labels and ids are read when they are first used.

    Parameters
    ----------
    path : str
        The folder.
    header : Header
        The content of its header.
    data : MultimodalArray of shape (n,)
        The videos.

    Attributes
    ----------
    path : str
        The folder.
    data : MultimodalArray of shape (n,)
        The videos.
    attributes : dict of str to JSON values
        The attributes given to its writer.
    parts : tuple of str
        Names of its parts, in the order of their videos.
    """

    def __init__(self, path: str, header: Header, data: MultimodalArray) -> None:
        self.path, self.data, self.attributes = path, data, dict(header.attributes)
        self.parts = tuple(entry.name for entry in header.parts or ())
        self._header = header

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "Store":
        """Open a store, and check that all its files are complete.

        Parameters
        ----------
        path : str or path-like
            The folder.

        Returns
        -------
        Store
            The store. Of the files of its modalities only lengths are read.

        Raises
        ------
        FileNotFoundError
            If there is no such folder.
        ValueError
            If it is not a store, not finished, damaged, or has a newer version of the format.
        """
        files = StoreFiles(path)
        return cls(files.path, files.header, MultimodalArray(stored_frames(files)))

    @cached_property
    def target(self) -> csr_array | None:
        """Labels as an indicator, csr_array of int64 of shape (n, n_labels), or None."""
        if self._header.n_labels is None:
            return None
        sizes, labels = read_labels(self.path, self._header)
        indptr = np.append(0, np.cumsum(sizes))
        ones = np.ones(len(labels), np.int64)
        return csr_array((ones, labels, indptr), shape=(len(self.data), self._header.n_labels))

    @cached_property
    def ids(self) -> Array | None:
        """Names of the videos, ndarray of str of shape (n,), or None."""
        return np.array(read_ids(self.path, self._header), str) if self._header.ids else None

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"Store({self.path!r}, {self.data!r})"
