"""TFRecord framing: which bytes of a shard are a record, and whether they are intact.

A record is its length (uint64, little-endian), the masked CRC32C of these eight bytes, the
payload, and the masked CRC32C of the payload (both uint32, little-endian). The format is described
at https://www.tensorflow.org/tutorials/load_data/tfrecord.
"""

import os
import struct
from collections.abc import Iterator

from google_crc32c import value as crc32c

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
_MAGIC = {b"\x1f\x8b": "gzip", b"\x78\x01": "zlib", b"\x78\x9c": "zlib", b"\x78\xda": "zlib"}


class DamageLog:
    """What to do about damage: raise at once, or note it and go on.

    Parameters
    ----------
    on_error : {"raise", "skip"}
        What `report` does.

    Attributes
    ----------
    entries : list of (str, int, str)
        File, byte offset and reason of everything that was skipped.
    """

    def __init__(self, on_error: str) -> None:
        if on_error not in ("raise", "skip"):
            raise ValueError(f"on_error must be 'raise' or 'skip', got {on_error!r}.")
        self.on_error = on_error
        self.entries: list[tuple[str, int, str]] = []

    def report(self, path: str | os.PathLike[str], offset: int, reason: str) -> None:
        """Raise or note.

        Parameters
        ----------
        path : path-like
            The shard.
        offset : int
            Byte offset of the record in it.
        reason : str
            What is wrong with it.

        Raises
        ------
        ValueError
            If `on_error` is "raise"; it names all three.
        """
        if self.on_error == "raise":
            raise ValueError(
                f"{path}, byte {offset}: {reason} (on_error='skip' leaves such parts out)."
            )
        self.entries.append((str(path), offset, reason))


def masked_crc32c(data: bytes) -> int:
    """Checksum of bytes, as TFRecord stores it.

    Parameters
    ----------
    data : bytes
        The bytes.

    Returns
    -------
    checksum : int
        CRC32C, rotated right by 15 bits, plus a constant, modulo 2**32.
    """
    crc: int = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def read_records(path: str | os.PathLike[str], damage: DamageLog) -> Iterator[tuple[int, bytes]]:
    """Read the records of one shard, one after the other.

    After a payload that fails its checksum, reading goes on with the next record. After a broken
    length nothing in the file can be trusted any more, and its rest is given up.

    Parameters
    ----------
    path : path-like
        The shard.
    damage : DamageLog
        Told of all damage.

    Yields
    ------
    offset : int
        Byte offset of the record in the file.
    payload : bytes
        The intact payload.

    Raises
    ------
    ValueError
        At damage, if `damage` raises.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            damage.report(path, 0, "the shard is empty")
        offset = 0
        while offset < size:
            header = file.read(_HEADER.size)
            length, reason = _check_header(header, size - offset)
            if reason:
                if offset == 0 and header[:2] in _MAGIC:
                    reason += f"; it looks {_MAGIC[header[:2]]}-compressed, decompress it first"
                damage.report(path, offset, f"{reason}; {size - offset} bytes cannot be read")
                return
            payload = file.read(length)
            (checksum,) = _FOOTER.unpack(file.read(_FOOTER.size))
            if checksum == masked_crc32c(payload):
                yield offset, payload
            else:
                damage.report(path, offset, "the checksum of the payload does not fit")
            offset += _HEADER.size + length + _FOOTER.size


def _check_header(header: bytes, remaining: int) -> tuple[int, str]:
    """Length of the payload, and what is wrong with it if anything is.

    The length is compared with the rest of the file before anyone allocates that much.
    """
    if remaining < _HEADER.size + _FOOTER.size:
        return 0, "the file ends inside a record"
    length, checksum = _HEADER.unpack(header)
    if checksum != masked_crc32c(header[:8]):
        return length, "the checksum of the length does not fit"
    if length > remaining - _HEADER.size - _FOOTER.size:
        return length, f"the file ends inside a record, which claims {length} bytes"
    return length, ""
