"""The large features of a record where they lie in its bytes, found without parsing them.

Protobuf makes an object of every frame, 300 a modality and video. But a frame is always as long
as the next, so that tag and length of all of them are the same few bytes at a constant stride:
one comparison checks them, and a strided view is the frames. All writers known to us write
records like that; whatever looks different in any way is left to protobuf.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

_BLOCK_1, _BLOCK_2 = 0x0A, 0x12  # tags of fields 1 and 2 with a length and as many bytes


class UnusualError(Exception):
    """These bytes do not look as expected. Protobuf knows whether they are good all the same."""


class Pieces(NamedTuple):
    """A record taken apart.

    Parameters
    ----------
    level : {"video", "frame"}
        Whether the arrays are means of whole videos, or frames.
    arrays : dict of str to ndarray of shape (n_frames, width), float32 or uint8
        The large features, as views of the payload.
    rest : bytes
        A serialised `tf.train.Features`: what else was said of the video.
    """

    level: str
    arrays: dict[str, np.ndarray]
    rest: bytes


def take_apart(payload, means, frames):
    """Find the large features of a `tf.train.Example` or `tf.train.SequenceExample`.

    Parameters
    ----------
    payload : bytes
        The serialised message.
    means : dict of str to int
        Names and widths of the features that a video-level record has.
    frames : dict of str to int
        Names and widths of the feature lists that a frame-level record has.

    Returns
    -------
    pieces : Pieces
        All of the payload; nothing in it is left unchecked, but for `rest`.

    Raises
    ------
    UnusualError
        If anything is not as usual; this is no verdict on the payload.
    """
    context_start, context_end = _block(payload, 0, len(payload), _BLOCK_1)
    if context_end == len(payload):
        lists = (context_end, context_end)
    else:
        lists = _block(payload, context_end, len(payload), _BLOCK_2)
        _expect(lists[1] == len(payload))
    if lists[0] == lists[1]:  # video-level shards of 2018 carry an empty one
        found, rest = _entries(payload, context_start, context_end, means)
        arrays = {name: _floats(payload, *found[name], width) for name, width in means.items()}
        return Pieces("video", arrays, rest)
    found, others = _entries(payload, *lists, frames)
    _expect(not others)
    arrays = {name: _strings(payload, *found[name], width) for name, width in frames.items()}
    return Pieces("frame", arrays, payload[context_start:context_end])


def _entries(payload, start, end, names):
    """Places of the values that `names` have in a map, and all its other entries."""
    found, others = {}, []
    while start < end:
        inside, entry_end = _block(payload, start, end, _BLOCK_1)
        key_start, key_end = _block(payload, inside, entry_end, _BLOCK_1)
        name = payload[key_start:key_end].decode("ascii", "replace")
        if name in names:
            value = _block(payload, key_end, entry_end, _BLOCK_2)
            _expect(value[1] == entry_end and name not in found)
            found[name] = value
        else:
            others.append(payload[start:entry_end])
        start = entry_end
    _expect(len(found) == len(names))
    return found, b"".join(others)


def _floats(payload, start, end, width):
    """A Feature of one FloatList of `width` packed numbers, as one frame."""
    start, list_end = _block(payload, start, end, _BLOCK_2)
    first, last = _block(payload, start, list_end, _BLOCK_1)
    _expect(last == list_end == end and last - first == 4 * width)
    return np.frombuffer(payload, "<f4", width, first)[None]


def _strings(payload, start, end, width):
    """Frames of a FeatureList: each is a Feature of one BytesList of one string of `width`."""
    prefix = _prefix(width)
    stride = len(prefix) + width
    n_frames, left_over = divmod(end - start, stride)
    _expect(left_over == 0)
    table = np.frombuffer(payload, np.uint8, end - start, start).reshape(n_frames, stride)
    _expect(table[:, : len(prefix)].tobytes() == prefix * n_frames)
    return table[:, len(prefix) :]


@cache
def _prefix(width):
    """What stands in front of a string of `width` bytes that is a frame."""
    prefix = b""
    for _ in range(3):  # the string, the list around it, the feature around that
        prefix = bytes([_BLOCK_1]) + _varint(width + len(prefix)) + prefix
    return prefix


def _varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _block(payload, start, end, tag):
    """Where the content of a field with a length begins and ends."""
    _expect(start + 2 <= end and payload[start] == tag)
    length, shift, place = 0, 0, start + 1
    while (byte := payload[place]) > 0x7F:
        length |= (byte & 0x7F) << shift
        shift, place = shift + 7, place + 1
        _expect(place < end and shift <= 28)  # protobuf takes no message above 2 GB
    _expect(byte or not shift)  # a length with needless zeros at its end
    length, place = length | byte << shift, place + 1
    _expect(place + length <= end)
    return place, place + length


def _expect(as_usual):
    if not as_usual:
        raise UnusualError
