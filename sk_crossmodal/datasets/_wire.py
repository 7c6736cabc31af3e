"""The frames of a record where they lie in its bytes, found without parsing them.

Protobuf makes an object of every frame, 300 a modality and video. But a frame is always as long
as the next, so that tag and length of all of them are the same few bytes at a constant stride:
one comparison checks them, and a strided view is the frames. All writers known to us write
records like that; whatever looks different in any way is left to protobuf.
"""

from functools import cache

import numpy as np

from .._types import Array

_BLOCK_1, _BLOCK_2 = 0x0A, 0x12  # tags of fields 1 and 2 with a length and as many bytes


class UnusualError(Exception):
    """These bytes do not look as expected. Protobuf knows whether they are good all the same."""


def find_frames(payload: bytes, widths: dict[str, int]) -> tuple[dict[str, Array], bytes]:
    """Find the frames of a `tf.train.SequenceExample`."""
    _, context_end = _block(payload, 0, len(payload), _BLOCK_1)
    start, end = _block(payload, context_end, len(payload), _BLOCK_2)
    _expect(end == len(payload))
    places: dict[str, tuple[int, int]] = {}
    while start < end:
        inside, entry_end = _block(payload, start, end, _BLOCK_1)
        key_start, key_end = _block(payload, inside, entry_end, _BLOCK_1)
        name = payload[key_start:key_end].decode("ascii", "replace")
        _expect(name in widths and name not in places)
        places[name] = _block(payload, key_end, entry_end, _BLOCK_2)
        _, start = places[name]
        _expect(start == entry_end)
    _expect(len(places) == len(widths))
    arrays = {name: _strings(payload, *places[name], width) for name, width in widths.items()}
    return arrays, payload[:context_end]


def _strings(payload: bytes, start: int, end: int, width: int) -> Array:
    """Frames of a FeatureList: each is a Feature of one BytesList of one string of `width`."""
    prefix = _prefix(width)
    stride = len(prefix) + width
    n_frames, left_over = divmod(end - start, stride)
    _expect(left_over == 0)
    table = np.frombuffer(payload, np.uint8, end - start, start).reshape(n_frames, stride)
    _expect(table[:, : len(prefix)].tobytes() == prefix * n_frames)
    return table[:, len(prefix) :]


@cache
def _prefix(width: int) -> bytes:
    """What stands in front of a string of `width` bytes that is a frame."""
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
    """Where the content of a field with a length begins and ends."""
    if start + 2 > end or payload[start] != tag:
        raise UnusualError
    length, place, shift = payload[start + 1], start + 2, 0
    while length >> shift > 0x7F:  # seven bits a byte, the eighth says that there are more
        shift += 7
        # Protobuf takes no message above 2 GB, and no writer puts needless zeros at the end.
        if place == end or shift > 28 or not payload[place]:
            raise UnusualError
        length += (payload[place] - 1) << shift
        place += 1
    if place + length > end:
        raise UnusualError
    return place, place + length


def _expect(as_usual: bool) -> None:
    if not as_usual:
        raise UnusualError
