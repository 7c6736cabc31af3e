"""TFRecord framing: which bytes of a shard are a record, and whether they are intact.

A record is its length (uint64, little-endian), the masked CRC32C of these eight bytes, the
payload, and the masked CRC32C of the payload (both uint32, little-endian). The format is described
at https://www.tensorflow.org/tutorials/load_data/tfrecord.
"""

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

from google_crc32c import value as crc32c

from ._resync import HeaderSearch

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
#: Bytes of a payload; those of six minutes of frames, the most in YouTube-8M, are 0.4 MB. It
#: bounds the memory that a forged length can take, and what a parser makes of many tiny fields.
LARGEST_RECORD = 1 << 24
# What damaged records of a shard may cost, so that forged lengths cannot have it read again and
# again, or noted without end: their payloads and a bit for each, in multiples of the file.
_EFFORT, _COST = 4, 1 << 10
_MAGIC = {b"\x1f\x8b": "gzip", b"\x78\x01": "zlib", b"\x78\x9c": "zlib", b"\x78\xda": "zlib"}


class DamageLog:
    """What to do about damage: raise at once, or note it and go on."""

    def __init__(self, on_error: str) -> None:
        if not isinstance(on_error, str) or on_error not in ("raise", "skip"):
            raise ValueError(f"on_error must be 'raise' or 'skip', got {on_error!r}.")
        self.on_error = on_error
        self.entries: list[tuple[str, int, str]] = []

    def report(self, path: str | os.PathLike[str], offset: int, reason: str) -> None:
        """Raise or note."""
        if self.on_error == "raise":
            raise ValueError(
                f"{path}, byte {offset}: {reason} (on_error='skip' leaves such parts out)."
            )
        self.entries.append((str(path), offset, reason))


def masked_crc32c(data: bytes) -> int:
    """Checksum of bytes, as TFRecord stores it."""
    crc: int = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def read_records(path: str | os.PathLike[str], damage: DamageLog) -> Iterator[tuple[int, bytes]]:
    """Read the records of one shard, one after the other."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            damage.report(path, 0, "the shard is empty")
        offset, effort, headers = 0, _EFFORT * size + LARGEST_RECORD, HeaderSearch(file, size)
        while offset < size:
            file.seek(offset)
            payload, reason = _read_record(file, size - offset)
            after = offset + _HEADER.size + len(payload or b"") + _FOOTER.size
            if payload is not None and not reason:
                yield offset, payload
            elif damage.on_error == "raise":
                damage.report(path, offset, reason)
            else:
                effort -= _COST + len(payload or b"")
                # Also inside of what claims to be the payload: the length may be wrong.
                found = headers.find(offset + 1) if effort > 0 else size
                if effort <= 0:
                    reason += "; so much before it is damaged that the search ends here"
                if payload is None or found != after:
                    reason += f"; {found - offset} bytes cannot be read"
                damage.report(path, offset, reason)
                after = found
            offset = after


def _read_record(file: BinaryIO, remaining: int) -> tuple[bytes | None, str]:
    """Payload of the record that begins here, if one can be read, and what is wrong with it."""
    if remaining < _HEADER.size + _FOOTER.size:
        return None, "the file ends inside a record"
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None, "the file has become shorter while it was read"
    length, checksum = _HEADER.unpack(header)
    if checksum != masked_crc32c(header[:8]):
        begins = file.tell() == _HEADER.size
        compressed = _MAGIC.get(header[:2]) if begins else None
        hint = "; is it a TFRecord file?" if begins else ""
        hint = f"; it looks {compressed}-compressed, decompress it first" if compressed else hint
        return None, f"the checksum of the length does not fit{hint}"
    if length > remaining - _HEADER.size - _FOOTER.size:
        return None, f"the file ends inside a record, which claims {length} bytes"
    if length > LARGEST_RECORD:
        return None, f"a record claims {length} bytes, more than the {LARGEST_RECORD} allowed"
    payload, footer = file.read(length), file.read(_FOOTER.size)
    if len(footer) < _FOOTER.size:
        return None, "the file has become shorter while it was read"
    if _FOOTER.unpack(footer) != (masked_crc32c(payload),):
        return payload, "the checksum of the payload does not fit"
    return payload, ""
