"""Where a record of a damaged shard can begin: wherever a length fits its checksum."""

from functools import cache
from typing import BinaryIO

import numpy as np
from google_crc32c import value as crc32c

from .._types import Array

_HEADER_BYTES = 12
_WINDOW = 1 << 20  # bytes that are searched at once


def find_header(file: BinaryIO, start: int, end: int) -> int:
    """Find the next intact header of a record.

    By chance a place looks like one once in four billions, and its payload has a checksum, too.

    Parameters
    ----------
    file : binary file
        Left where the search ended.
    start, end : int
        The bytes that are searched.

    Returns
    -------
    place : int
        Where the header begins; `end` if there is none.
    """
    while start + _HEADER_BYTES <= end:
        file.seek(start)
        window = file.read(min(_WINDOW + _HEADER_BYTES - 1, end - start))
        places = _headers(window)
        if len(places):
            return start + int(places[0])
        if len(window) < _HEADER_BYTES:  # the file has become shorter
            break
        start += len(window) - _HEADER_BYTES + 1
    return end


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
