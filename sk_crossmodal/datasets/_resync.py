"""Where a record of a damaged shard can begin: wherever a length fits its checksum."""

from bisect import bisect_left
from functools import cache
from typing import BinaryIO

import numpy as np
from google_crc32c import value as crc32c

from .._types import Array

_HEADER_BYTES = 12
_WINDOW = 1 << 16  # bytes that are searched at once


class HeaderSearch:
    """Intact headers of records in a file, from ever later places on."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._places: list[int] = []  # those in the last stretch, ascending
        self._end = 0  # of this stretch: headers that begin here are not looked for yet

    def find(self, start: int) -> int:
        """Find the next intact header."""
        while (i := bisect_left(self._places, start)) == len(self._places):
            if not self._search(max(start, self._end)):
                return self._size
        return self._places[i]

    def _search(self, start: int) -> bool:
        """Look at the next stretch; False if no header can begin there."""
        self._file.seek(start)
        window = self._file.read(min(_WINDOW + _HEADER_BYTES - 1, self._size - start))
        if len(window) < _HEADER_BYTES:  # the end, or the file has become shorter
            return False
        self._places = (start + _headers(window)).tolist()
        self._end = start + len(window) - _HEADER_BYTES + 1
        return True


def _headers(window: bytes) -> Array:
    """Places of all intact headers."""
    values = np.frombuffer(window, np.uint8)
    n = max(0, len(values) - _HEADER_BYTES + 1)
    crc = np.full(n, crc32c(bytes(8)), np.uint32)
    for i, table in enumerate(_tables()):
        crc ^= table[values[i : n + i]]
    masked = (crc >> 15 | crc << 17) + np.uint32(0xA282EAD8)
    stored = np.zeros(n, np.uint32)
    for i in range(4):
        stored |= values[8 + i : 8 + i + n].astype(np.uint32) << np.uint32(8 * i)
    return np.flatnonzero(masked == stored)


@cache
def _tables() -> Array:
    """What each byte of a length adds to its CRC32C; an exclusive or of them all is the CRC."""
    zero = crc32c(bytes(8))
    return np.array(
        [
            [crc32c(bytes(i) + bytes([value]) + bytes(7 - i)) ^ zero for value in range(256)]
            for i in range(8)
        ],
        np.uint32,
    )
