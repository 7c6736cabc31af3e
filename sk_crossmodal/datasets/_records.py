"""From the payload of a YouTube-8M record to a checked video."""

from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError

from .._types import Array
from ._messages import Record
from ._wire import UnusualError, find_frames

#: Width of a frame of each modality, in the order of the modalities.
WIDTHS = {"video": 1024, "audio": 128}
_VIDEO_LEVEL = {"video": "mean_rgb", "audio": "mean_audio"}
_FRAME_LEVEL = {"video": "rgb", "audio": "audio"}
_LISTS = {name: WIDTHS[key] for key, name in _FRAME_LEVEL.items()}
_LARGEST_LABEL = 2**31 - 1
_LONGEST_ID = 255  # bytes; an array of str is as wide as its longest everywhere
_ID_NAMES = ("id", "video_id")  # the second until 2017


class RecordError(ValueError):
    """An intact record that is not what YouTube-8M says it is."""


class Video(NamedTuple):
    """One checked record."""

    level: str
    name: str
    labels: tuple[int, ...]
    frames: dict[str, Array]


def read_video(payload: bytes) -> Video:
    """Parse and check a record of either kind."""
    try:
        arrays, context = find_frames(payload, _LISTS)
    except UnusualError:
        return _parse_video(payload)
    context = _parse(context).context.feature
    frames = {key: arrays[name] for key, name in _FRAME_LEVEL.items()}
    return Video("frame", _read_id(context), _read_labels(context), frames)


def _parse_video(payload: bytes) -> Video:
    """Read any record."""
    record = _parse(payload)
    context = record.context.feature
    lists = record.feature_lists.feature_list
    # Not whether the field is there: video-level shards of 2018 carry an empty one.
    if lists:
        level = "frame"
        frames = {key: _read_frames(lists, _FRAME_LEVEL[key], WIDTHS[key]) for key in WIDTHS}
    else:
        level = "video"
        frames = {key: _read_mean(context, _VIDEO_LEVEL[key], WIDTHS[key]) for key in WIDTHS}
    return Video(level, _read_id(context), _read_labels(context), frames)


def _parse(payload: bytes) -> Any:
    record = Record()
    try:
        record.ParseFromString(payload)
    except (DecodeError, UnicodeDecodeError):  # the second from protobuf's pure Python form
        raise RecordError("no tf.train.Example or SequenceExample can be parsed") from None
    return record


def _read_id(context: Any) -> str:
    for name in _ID_NAMES:
        if name in context:
            values = context[name].bytes_list.value
            if len(values) != 1 or not values[0]:
                raise RecordError(f"feature {name!r} is not one string of bytes")
            if len(values[0]) > _LONGEST_ID:
                raise RecordError(
                    f"feature {name!r} has {len(values[0])} bytes, expected {_LONGEST_ID} at most"
                )
            if b"\0" in values[0]:  # which an array of str may lose
                raise RecordError(f"feature {name!r} has a character 0 in it: {values[0]!r}")
            try:
                return str(values[0], "utf-8")
            except UnicodeDecodeError:
                raise RecordError(f"feature {name!r} is no UTF-8") from None
    raise RecordError("feature 'id' is missing")


def _read_labels(context: Any) -> tuple[int, ...]:
    # The test partition comes without labels, as an empty list or none at all.
    if "labels" not in context:
        return ()
    feature = context["labels"]
    if feature.WhichOneof("kind") not in (None, "int64_list"):
        raise RecordError("feature 'labels' is not a list of int64")
    labels = tuple(sorted(set(feature.int64_list.value)))
    if labels and labels[0] < 0:
        raise RecordError(f"feature 'labels' has a negative label: {labels[0]}")
    if labels and labels[-1] > _LARGEST_LABEL:
        raise RecordError(f"feature 'labels' has a label beyond 32 bits: {labels[-1]}")
    return labels


def _read_mean(context: Any, name: str, width: int) -> Array:
    if name not in context:
        raise RecordError(f"feature {name!r} is missing")
    floats = context[name].float_list.value
    if len(floats) != width:
        raise RecordError(f"feature {name!r} has {len(floats)} floats, expected {width}")
    values = np.array(floats, dtype=np.float32)
    if not np.isfinite(values).all():
        raise RecordError(f"feature {name!r} has numbers that are not finite")
    return values[None]


def _read_frames(lists: Any, name: str, width: int) -> Array:
    if name not in lists:
        raise RecordError(f"feature list {name!r} is missing")
    frames = []
    for t, feature in enumerate(lists[name].feature):
        values = feature.bytes_list.value
        if len(values) != 1 or len(values[0]) != width:
            given = [len(value) for value in values[:3]]
            more = f" and {len(values) - 3} more" if len(values) > 3 else ""
            raise RecordError(
                f"frame {t} of {name!r} has strings of {given} bytes{more}, "
                f"expected one of {width}"
            )
        frames.append(values[0])
    return np.frombuffer(b"".join(frames), np.uint8).reshape(-1, width)
