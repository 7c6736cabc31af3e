"""`.npy` files: written piece by piece, and checked before they are read."""

import os
from math import prod

import numpy as np
from numpy.lib import format as npy
from numpy.typing import ArrayLike, DTypeLike

from .._files import naming
from .._types import Array
from ._checks import damaged, open_file


class GrowingNpy:
    """Write an array of unknown length, piece by piece, in constant memory."""

    def __init__(self, path: str, dtype: DTypeLike, shape: tuple[int, ...] = ()) -> None:
        self.dtype, self.shape, self.length = np.dtype(dtype), tuple(shape), 0
        self._path = path
        self._file = open(path, "xb")  # noqa: SIM115, it is closed by `close`
        with naming(path):
            self._write_header()  # NumPy leaves room in it for a first axis of any length

    def append(self, values: ArrayLike) -> None:
        """Write further entries, (k, *shape)."""
        array = np.ascontiguousarray(values, self.dtype)
        with naming(self._path):
            self._file.write(array.reshape(-1).view(np.uint8).data)
        self.length += len(array)

    def close(self, keep: bool = True) -> None:
        """Complete the header and flush the file to the disk; without `keep` only close it."""
        with naming(self._path), self._file:
            if keep:
                self._file.seek(0)
                self._write_header()
                self._file.flush()
                os.fsync(self._file.fileno())

    def _write_header(self) -> None:
        about = {"descr": npy.dtype_to_descr(self.dtype), "fortran_order": False}
        npy.write_array_header_1_0(self._file, {**about, "shape": (self.length, *self.shape)})


def npy_layout(
    path: str, dtype: DTypeLike, shape: tuple[int | None, ...]
) -> tuple[int, tuple[int, ...]]:
    """Return offset and shape of the array in a file; ValueError unless it is as expected."""
    with open_file(path) as file:
        try:
            if npy.read_magic(file) != (1, 0):
                raise ValueError("expected version 1.0")
            given, fortran, found = npy.read_array_header_1_0(file)
        except OSError:
            raise
        except Exception as error:  # NumPy parses Python, which raises errors of many types
            raise damaged(f"{path} is no .npy file of a store: {error}") from None
        offset, size = file.tell(), os.fstat(file.fileno()).st_size
    expected, dtype = offset + found.itemsize * prod(given), np.dtype(dtype)
    differs = any(n not in (None, k) for n, k in zip(shape, given, strict=False))
    if fortran or found != dtype or len(given) != len(shape) or differs:
        order = " in Fortran order" * fortran
        raise damaged(f"{path} should have {dtype} of {shape}, but has {found} of {given}{order}")
    if size != expected:
        raise damaged(f"{path} has {size} bytes, but should have {expected}")
    return offset, given


def load_npy(path: str, dtype: DTypeLike, shape: tuple[int | None, ...]) -> Array:
    """Check a file and read all of it."""
    npy_layout(path, dtype, shape)
    array: Array = np.load(path, allow_pickle=False)
    return array
