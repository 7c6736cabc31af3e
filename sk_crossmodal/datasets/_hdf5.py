"""Reader of HDF5 files: named arrays, and groups of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ._arrays import ArrayReader
from ._layouts import Content


class Hdf5Reader(ArrayReader):
    """Reads HDF5 files with h5py, an optional dependency."""

    suffixes: ClassVar[tuple[str, ...]] = (".h5", ".hdf5")

    @contextmanager
    def open(self, path: Path) -> Iterator[Content]:
        """Open a file; its arrays stay on the disk until they are sliced."""
        try:
            import h5py
        except ImportError as error:
            hint = "pip install 'sk_crossmodal[hdf5]'"
            raise ImportError(f"HDF5 files need h5py: {hint}.") from error
        try:
            file = h5py.File(path, "r")
        except OSError as error:
            raise ValueError(f"{path} is damaged, or no HDF5 file: {error}.") from error
        with file:
            yield Group(file, str(path))


class Group(Mapping[str, Any]):
    """The arrays of a group, and further groups."""

    def __init__(self, group: Any, where: str) -> None:
        self._group, self._where = group, where

    def __getitem__(self, key: str) -> Any:
        if key not in self._group and key in self._attributes():
            return np.asarray(self._group.attrs[key])
        value = self._group[key]
        if isinstance(value, type(self._group)) or hasattr(value, "keys"):
            return Group(value, self._where)
        if value.dtype == object and not _is_text(value):
            given = "arrays of different lengths; save all frames in one array, and their lengths"
            raise ValueError(f"{self._where}, {value.name!r} has {given}.")
        return value if value.shape and not _is_text(value) else _as_array(value)

    def __iter__(self) -> Iterator[str]:
        yield from self._group
        yield from self._attributes()

    def __len__(self) -> int:
        return len(self._group) + len(self._attributes())

    def _attributes(self) -> list[str]:
        """Return labels that are attributes of the group and not arrays."""
        return [
            key
            for key in ("label", "labels")
            if key in self._group.attrs and key not in self._group
        ]


def _is_text(dataset: Any) -> bool:
    import h5py

    return h5py.check_string_dtype(dataset.dtype) is not None


def _as_array(dataset: Any) -> Any:
    """Read a number, or texts."""
    return np.asarray(dataset.asstr()[()] if _is_text(dataset) else dataset[()])
