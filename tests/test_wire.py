"""Reading records without parsing gives the same result as parsing them with protobuf."""

import numpy as np
import pytest
from test_youtube8m import WRONG, WRONG_FRAMES
from youtube8m_writer import (
    block,
    bytes_feature,
    float_feature,
    frame_level,
    int_feature,
    mapping,
    sequence_example,
    varint,
    video_level,
)

from sk_crossmodal.datasets import _records
from sk_crossmodal.datasets._records import RecordError, RecordFormat
from sk_crossmodal.datasets._wire import UnusualError, find_frames

RECORDS = RecordFormat()
WIDTHS = {"rgb": 1024, "audio": 128}
RNG = np.random.default_rng(0)


def frames(n, width):
    return [RNG.bytes(width) for _ in range(n)]


def entry(name, value):
    return block(1, block(1, name) + block(2, value))


def floats(seed, width):
    return np.random.default_rng(seed).normal(size=width)


SEGMENTS = {
    "segment_labels": int_feature([9] * 40),
    "segment_scores": float_feature([1.0] * 40),
}
USUAL = {
    "many frames": frame_level(b"abcd", (3, 3861), frames(300, 1024), frames(300, 128)),
    "one frame": frame_level(b"abcd", (), frames(1, 1024), frames(1, 128)),
    "no sound": frame_level(rgb=frames(7, 1024), audio=[]),
    "no frames": frame_level(),
    "more sound": frame_level(rgb=frames(2, 1024), audio=frames(9, 128)),
    "segments": frame_level(rgb=frames(2, 1024), audio=frames(2, 128), context=SEGMENTS),
    "means among frames": frame_level(
        rgb=frames(2, 1024), audio=frames(2, 128), context={"mean_rgb": float_feature([1.0] * 3)}
    ),
    "sound first": sequence_example(
        {"id": bytes_feature(b"a"), "labels": int_feature([1])},
        {
            "audio": [bytes_feature(f) for f in frames(3, 128)],
            "rgb": [bytes_feature(f) for f in frames(3, 1024)],
        },
    ),
}
head = mapping({"id": bytes_feature(b"abcd"), "labels": int_feature([5])})
rgb, audio = (
    b"".join(block(1, bytes_feature(f)) for f in frames(3, width)) for width in (1024, 128)
)
lists = entry(b"rgb", rgb) + entry(b"audio", audio)
long = b"\x0a" + varint(len(head))[:-1] + bytes([varint(len(head))[-1] | 0x80, 0]) + head
ODD = {
    "context behind": block(2, lists) + block(1, head),
    "context in two": block(1, head)
    + block(1, entry(b"id", bytes_feature(b"b")))
    + block(2, lists),
    "lists in two": block(1, head) + block(2, entry(b"rgb", rgb)) + block(2, lists),
    "value twice": block(1, head)
    + block(2, block(1, block(1, b"rgb") + block(2, rgb) * 2) + entry(b"audio", audio)),
    "unknown field": block(1, head) + block(2, lists) + block(5, b"who knows"),
    "unknown field in front": block(5, b"who knows") + block(1, head) + block(2, lists),
    "third list": block(1, head) + block(2, lists + entry(b"text", audio)),
    "list twice": block(1, head) + block(2, lists + entry(b"rgb", rgb[: len(rgb) // 3])),
    "list without value": block(1, head) + block(2, block(1, block(1, b"rgb")) + lists),
    "value before its key": block(1, head)
    + block(2, block(1, block(2, rgb) + block(1, b"rgb")) + entry(b"audio", audio)),
    "long form of a length": long + block(2, lists),
    "list twice, first with nonsense": block(1, head) + block(2, entry(b"rgb", b"\xff") + lists),
    "list in disguise": block(1, head)
    + block(2, lists + block(1, block(1, b"x") + block(1, b"rgb") + block(2, audio))),
    "means": video_level(rgb=floats(0, 1024), audio=floats(1, 128)),
    "means and an empty list of lists": video_level() + block(2, b""),
    "frame of doubled kind": block(1, head)
    + block(2, entry(b"rgb", rgb + block(1, bytes_feature(b"") + bytes_feature(bytes(1024))))
            + entry(b"audio", audio)),
    "length beyond the end": block(1, head) + b"\x12\xff\xff\xff\xff\x7f",
    "length without end": b"\x0a" + b"\xff" * 11,
    "cut off": (block(1, head) + block(2, lists))[:-1],
    "one byte": b"\x0a",
}  # fmt: skip


def outcome(read, payload):
    try:
        video = read(payload)
    except RecordError as error:
        return str(error)
    arrays = {name: (a.dtype, a.shape, a.tobytes()) for name, a in video.frames.items()}
    return video._replace(frames=arrays)


def check(payload):
    assert outcome(RECORDS.read, payload) == outcome(RECORDS.parse, payload)


@pytest.mark.parametrize("name", USUAL)
def test_usual_records_need_no_parsing(name):
    arrays, _ = find_frames(USUAL[name], WIDTHS)
    assert not any(array.flags.owndata for array in arrays.values())
    assert isinstance(outcome(RECORDS.read, USUAL[name]), _records.Video)
    check(USUAL[name])


@pytest.mark.parametrize("name", ODD)
def test_unusual_records_are_parsed_the_same(name):
    check(ODD[name])


@pytest.mark.parametrize("name", ODD)
def test_unusual_records_are_left_to_protobuf(name):
    with pytest.raises(UnusualError):
        find_frames(ODD[name], WIDTHS)


@pytest.mark.parametrize(
    "payload",
    [
        *(case[0] for case in [*WRONG.values(), *WRONG_FRAMES.values()]),
        block(1, b"nonsense") + block(2, lists),
        block(1, mapping({"labels": int_feature([5])})) + block(2, lists),
        block(1, mapping({"id": bytes_feature(b"a"), "labels": int_feature([-5])}))
        + block(2, lists),
    ],
)
def test_wrong_records_give_the_same_error(payload):
    check(payload)


def structure(payload):
    """Bytes that are no numbers of frames."""
    arrays, _ = find_frames(payload, WIDTHS)
    base = np.frombuffer(payload, np.uint8)
    address = base.__array_interface__["data"][0]
    kept = np.ones(len(payload), bool)
    for array in arrays.values():
        first = array.__array_interface__["data"][0] - address
        step, width = array.strides[0], array[:1].nbytes
        for i in range(len(array)):
            kept[first + i * step : first + i * step + width] = False
    return np.flatnonzero(kept)


@pytest.mark.parametrize("name", USUAL)
def test_damaged_records_give_the_same_result(name):
    rng = np.random.default_rng(len(name))
    places = structure(USUAL[name])
    assert 9 < len(places) < 6200
    for _ in range(300):
        damaged = bytearray(USUAL[name])
        for place in rng.choice(places, rng.integers(1, 3)):
            damaged[place] = rng.choice([damaged[place] ^ 1 << rng.integers(8), rng.integers(256)])
        check(bytes(damaged))


@pytest.mark.parametrize("name", ["segments", "sound first", "no frames"])
def test_truncated_records_give_the_same_result(name):
    payload = USUAL[name]
    for size in [
        *range(200),
        *range(200, len(payload), 37),
        *range(len(payload) - 30, len(payload)),
    ]:
        check(payload[:size])


@pytest.mark.parametrize("name", ["segments", "more sound"])
def test_inserted_or_removed_bytes_give_the_same_result(name):
    rng = np.random.default_rng(1)
    payload = USUAL[name]
    for place in rng.choice(structure(payload), 150):
        check(payload[:place] + rng.bytes(rng.integers(1, 4)) + payload[place:])
        check(payload[:place] + payload[place + rng.integers(1, 4) :])
