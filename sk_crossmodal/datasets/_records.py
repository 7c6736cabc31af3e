"""From the payload of a TFRecord of videos to a checked video."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError

from .._types import Array
from ._messages import Record
from ._wire import UnusualError, find_frames

_MAX_LABEL = 2**31 - 1
_MAX_ID_BYTES = 255  # every string in an array of str takes the memory of the longest


class RecordError(ValueError):
    """An intact record whose content is not as expected."""


class Video(NamedTuple):
    """One checked record."""

    level: str
    name: str
    labels: tuple[int, ...]
    frames: dict[str, Array]


def _mapping(**items: Any) -> Any:
    return field(default_factory=lambda: items)


@dataclass(frozen=True)
class RecordFormat:
    """Names, widths and encoding of the features of a record, by default YouTube-8M's."""

    widths: Mapping[str, int] = _mapping(video=1024, audio=128)
    video_features: Mapping[str, str] = _mapping(video="mean_rgb", audio="mean_audio")
    frame_features: Mapping[str, str] = _mapping(video="rgb", audio="audio")
    #: YouTube-8M cuts frames to [-2, 2] and stores the middle of one of 256 intervals.
    quantization: tuple[float, float] = (4 / 255, 4 / 512 - 2)
    label_feature: str = "labels"
    id_features: tuple[str, ...] = ("id", "video_id")  # the second until 2017

    def encoding(self, level: str) -> dict[str, Any]:
        """Return dtype, scale and shift of the numbers of a frame."""
        if level == "video":
            return {"dtype": "float32", "scale": 1.0, "shift": 0.0}
        return {"dtype": "uint8", "scale": self.quantization[0], "shift": self.quantization[1]}

    def read(self, payload: bytes) -> Video:
        """Read and check a record of either level."""
        try:
            arrays, context = find_frames(payload, self._frame_widths)
        except UnusualError:
            return self.parse(payload)
        features = _parse(context).context.feature
        frames = {name: arrays[key] for name, key in self.frame_features.items()}
        return self._video("frame", features, frames)

    def parse(self, payload: bytes) -> Video:
        """Read and check a record of either level, however it is written."""
        record = _parse(payload)
        context, lists = record.context.feature, record.feature_lists.feature_list
        # Not whether the field is there: video-level shards of 2018 have an empty one.
        if lists:
            keys, read = self.frame_features, partial(_read_frames, lists)
        else:
            keys, read = self.video_features, partial(_read_mean, context)
        frames = {name: read(keys[name], width) for name, width in self.widths.items()}
        return self._video("frame" if lists else "video", context, frames)

    def _video(self, level: str, context: Any, frames: dict[str, Array]) -> Video:
        name = _read_id(context, self.id_features)
        return Video(level, name, _read_labels(context, self.label_feature), frames)

    @cached_property
    def _frame_widths(self) -> dict[str, int]:
        return {key: self.widths[name] for name, key in self.frame_features.items()}


def _parse(payload: bytes) -> Any:
    record = Record()
    try:
        record.ParseFromString(payload)
    except (DecodeError, UnicodeDecodeError):  # the second from protobuf's pure Python form
        raise RecordError("no tf.train.Example or SequenceExample can be parsed") from None
    return record


def _read_id(context: Any, names: tuple[str, ...]) -> str:
    if not (name := next((name for name in names if name in context), None)):
        raise RecordError(f"feature {names[0]!r} is missing")
    values = context[name].bytes_list.value
    if len(values) != 1 or not values[0]:
        raise RecordError(f"feature {name!r} is not one string of bytes")
    if (n := len(values[0])) > _MAX_ID_BYTES:
        raise RecordError(f"feature {name!r} has {n} bytes, expected {_MAX_ID_BYTES} at most")
    if b"\0" in values[0]:  # an array of str may lose it
        raise RecordError(f"feature {name!r} contains a null character: {values[0]!r}")
    try:
        return str(values[0], "utf-8")
    except UnicodeDecodeError:
        raise RecordError(f"feature {name!r} is not UTF-8") from None


def _read_labels(context: Any, name: str) -> tuple[int, ...]:
    if name not in context:  # as in the test partition, where the list may also be empty
        return ()
    feature = context[name]
    if feature.WhichOneof("kind") not in (None, "int64_list"):
        raise RecordError(f"feature {name!r} is not a list of int64")
    labels = tuple(sorted(set(feature.int64_list.value)))
    if wrong := [label for label in labels if not 0 <= label <= _MAX_LABEL]:
        raise RecordError(f"feature {name!r} has a label below 0 or beyond 32 bits: {wrong[0]}")
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
            sizes = [len(value) for value in values[:3]] + ["..."] * (len(values) > 3)
            raise RecordError(f"frame {t} of {name!r} has {sizes} bytes, expected [{width}]")
        frames.append(values[0])
    return np.frombuffer(b"".join(frames), np.uint8).reshape(-1, width)
