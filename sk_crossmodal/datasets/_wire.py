"""Find the frames in the bytes of a record without parsing them.

Protobuf makes an object of every frame, 300 per modality and video. But all frames have one
length, so their tags and lengths are the same few bytes at a constant stride: one comparison
checks them, and the frames are a strided view. All known writers write such records; any record
that looks different is left to protobuf.
"""

from functools import cache

import numpy as np

from .._types import Array

_BLOCK_1, _BLOCK_2 = 0x0A, 0x12  # tags of fields 1 and 2 with a length and as many bytes


class UnusualError(Exception):
    """The bytes do not look as expected; protobuf decides whether they are valid."""


def find_frames(payload: bytes, widths: dict[str, int]) -> tuple[dict[str, Array], bytes]:
    """Find the frames of a `tf.train.SequenceExample`."""
    _, context_end = _block(payload, 0, len(payload), _BLOCK_1)
    start, end = _block(payload, context_end, len(payload), _BLOCK_2)
    _expect(end == len(payload))
    spans: dict[str, tuple[int, int]] = {}
    while start < end:
        inside, entry_end = _block(payload, start, end, _BLOCK_1)
        key_start, key_end = _block(payload, inside, entry_end, _BLOCK_1)
        name = payload[key_start:key_end].decode("ascii", "replace")
        _expect(name in widths and name not in spans)
        spans[name] = _block(payload, key_end, entry_end, _BLOCK_2)
        _, start = spans[name]
        _expect(start == entry_end)
    _expect(len(spans) == len(widths))
    arrays = {name: _strings(payload, *spans[name], width) for name, width in widths.items()}
    return arrays, payload[:context_end]


def _strings(payload: bytes, start: int, end: int, width: int) -> Array:
    """View a FeatureList as frames: Features of a BytesList of one string of `width` bytes."""
    prefix = _prefix(width)
    stride = len(prefix) + width
    n_frames, left_over = divmod(end - start, stride)
    _expect(left_over == 0)
    table = np.frombuffer(payload, np.uint8, end - start, start).reshape(n_frames, stride)
    _expect(table[:, : len(prefix)].tobytes() == prefix * n_frames)
    return table[:, len(prefix) :]


@cache
def _prefix(width: int) -> bytes:
    """Return the bytes before a frame of `width` bytes."""
    prefix = b""
    for _ in range(3):  # the string, the list around it, the feature around that
        prefix = bytes([_BLOCK_1]) + _varint(width + len(prefix)) + prefix
    return prefix


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _block(payload: bytes, start: int, end: int, tag: int) -> tuple[int, int]:
    """Return begin and end of the content of a field with a length."""
    _expect(start + 2 <= end and payload[start] == tag)
    length, position, shift = payload[start + 1], start + 2, 0
    while length >> shift > 0x7F:  # seven bits per byte, the eighth marks that more follow
        shift += 7
        # Protobuf accepts no message above 2 GB, and no writer appends needless zeros.
        _expect(position < end and shift <= 28 and payload[position] != 0)
        length += (payload[position] - 1) << shift
        position += 1
    _expect(position + length <= end)
    return position, position + length


def _expect(condition: bool) -> None:
    if not condition:
        raise UnusualError
