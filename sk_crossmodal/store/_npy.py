"""`.npy` files: written piece by piece, and checked before they are read."""

import os

import numpy as np
from numpy.lib import format as npy
from numpy.typing import ArrayLike, DTypeLike

from .._files import naming
from .._types import Array


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


def check_npy(
    path: str, dtype: DTypeLike, shape: tuple[int | None, ...]
) -> tuple[int, tuple[int, ...]]:
    """Return offset and shape of the array in a file; ValueError unless it is as expected."""
    if os.path.exists(path) and not os.path.isfile(path):  # a device has no end, a pipe may block
        raise ValueError(f"Damaged store: {path} is no file.")
    try:
        with open(path, "rb") as file:
            if npy.read_magic(file) != (1, 0):
                raise ValueError("it does not have version 1.0 of the .npy format")
            given, fortran, found = npy.read_array_header_1_0(file)
            offset, size = file.tell(), os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise ValueError(f"Damaged store: {path} is missing.") from None
    except OSError:
        raise
    except Exception as error:  # NumPy parses Python, which raises errors of many types
        raise ValueError(f"Damaged store: {path} is no .npy file of a store: {error}.") from None
    fits = len(given) == len(shape) and all(
        e in (None, g) for e, g in zip(shape, given, strict=True)
    )
    if fortran or found != dtype or not fits:
        raise ValueError(
            f"Damaged store: {path} should have {np.dtype(dtype)} of shape {shape} in C order, "
            f"but has {found} of shape {given}{' in Fortran order' * fortran}."
        )
    expected = offset + found.itemsize * int(np.prod(given, dtype=object))
    if size != expected:
        raise ValueError(f"Damaged store: {path} has {size} bytes, but should have {expected}.")
    return offset, given


def load_npy(path: str, dtype: DTypeLike, shape: tuple[int | None, ...]) -> Array:
    """Check a file and read all of it."""
    check_npy(path, dtype, shape)
    array: Array = np.load(path, allow_pickle=False)
    return array
