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

UNKNOWN = "TFRecord"  # the name of the format of other data sets
LABELS, IDS = ("labels", "label"), ("video_id", "id")  # features of data sets in general
SEGMENT_FRAMES = 5
SEGMENT_FEATURES = {
    "segment_start_times": "int64_list",
    "segment_labels": "int64_list",
    "segment_scores": "float_list",
}
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
    segments: dict[int, tuple[int, ...]]  # start and labels of each, if they are read


def _mapping(**items: Any) -> Any:
    return field(default_factory=lambda: items)


@dataclass(frozen=True)
class RecordFormat:
    """Names, widths and encoding of the features of a record, by default YouTube-8M's."""

    name: str = "YouTube-8M"
    widths: Mapping[str, int] = _mapping(video=1024, audio=128)
    video_features: Mapping[str, str] = _mapping(video="mean_rgb", audio="mean_audio")
    frame_features: Mapping[str, str] = _mapping(video="rgb", audio="audio")
    #: The range to which frames are cut before each number is stored in a byte, which then stands
    #: for the middle of one of 256 intervals. None for frames of floats.
    range: tuple[float, float] | None = (-2.0, 2.0)
    label_features: tuple[str, ...] = ("labels",)
    id_features: tuple[str, ...] = ("id", "video_id")  # the second until 2017
    n_labels: int = 3862  # the vocabulary since 2018; the one before was larger
    rate: float | None = 1.0  # frames per second, if it is known
    segments: str | None = None  # "rated" or "all" instead of whole videos

    def encoding(self, level: str) -> dict[str, Any]:
        """Return dtype, scale and shift of the numbers of a frame, and the rate of frames."""
        if level == "video" or self.range is None:
            about = {"dtype": "float32", "scale": 1.0, "shift": 0.0}
        else:
            low, high = self.range
            scale, shift = (high - low) / 255, (high - low) / 512 + low
            about = {"dtype": "uint8", "scale": scale, "shift": shift}
        return about if level == "video" else {**about, "rate": self.rate}

    def attributes(self, level: str) -> dict[str, Any]:
        """Describe the records for the header of a store."""
        about: dict[str, Any] = {"source": self.name, "level": level}
        if self.segments is not None:
            about |= {"level": "segment", "segments": self.segments}
        if self.name == UNKNOWN:
            about["features"] = dict(self.frame_features)
        if self.label_features not in (RecordFormat.label_features, LABELS):
            about["label_features"] = list(self.label_features)
        return about

    def read(self, payload: bytes) -> Video:
        """Read and check a record of either level."""
        if self.range is None:
            return self.parse(payload)
        try:
            arrays, context = find_frames(payload, self._frame_widths)
        except UnusualError:
            return self.parse(payload)
        features = parse_record(context).context.feature
        frames = {name: arrays[key] for name, key in self.frame_features.items()}
        return self._video("frame", features, frames)

    def parse(self, payload: bytes) -> Video:
        """Read and check a record of either level, however it is written."""
        record = parse_record(payload)
        context, lists = record.context.feature, record.feature_lists.feature_list
        # Not whether the field is there: video-level shards of 2018 have an empty one.
        means = [key for key in self.video_features.values() if key in context]
        level = "frame" if lists and (self._has_frames(lists) or not means) else "video"
        if level == "frame":
            read_frames = _read_bytes if self.range is not None else _read_floats
            keys, read = self.frame_features, partial(read_frames, lists)
        else:
            keys, read = self.video_features, partial(_read_mean, context)
        frames = {name: read(keys[name], width) for name, width in self.widths.items()}
        return self._video(level, context, frames)

    def _has_frames(self, lists: Any) -> bool:
        return any(key in lists for key in self.frame_features.values())

    def _video(self, level: str, context: Any, frames: dict[str, Array]) -> Video:
        name = _read_id(context, self.id_features)
        labels = _read_labels(context, self.label_features)
        segments = {}
        if self.segments is not None and level == "frame":
            n_frames = max(len(each) for each in frames.values())
            rated = self.segments == "rated"
            segments = _read_segments(context, n_frames) if rated else _all_segments(n_frames)
        return Video(level, name, labels, frames, segments)

    @cached_property
    def _frame_widths(self) -> dict[str, int]:
        return {key: self.widths[name] for name, key in self.frame_features.items()}


def parse_record(payload: bytes) -> Any:
    """Parse a tf.train.Example or SequenceExample."""
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


def _read_labels(context: Any, names: tuple[str, ...]) -> tuple[int, ...]:
    if not (name := next((name for name in names if name in context), None)):
        return ()  # as in the test partition, where the list may also be empty
    feature = context[name]
    if feature.WhichOneof("kind") not in (None, "int64_list"):
        raise RecordError(f"feature {name!r} is not a list of int64")
    labels = tuple(sorted(set(feature.int64_list.value)))
    if wrong := [label for label in labels if not 0 <= label <= _MAX_LABEL]:
        raise RecordError(f"feature {name!r} has a label below 0 or beyond 32 bits: {wrong[0]}")
    return labels


def _all_segments(n_frames: int) -> dict[int, tuple[int, ...]]:
    """Return segments that cover all frames, without labels; the last one may be shorter."""
    return dict.fromkeys(range(0, n_frames, SEGMENT_FRAMES), ())


def _read_segments(context: Any, n_frames: int) -> dict[int, tuple[int, ...]]:
    """Return the rated segments of a video, each with the labels that are rated 1."""
    lists = {name: _read_numbers(context, name) for name in SEGMENT_FEATURES}
    if len({len(each) for each in lists.values()}) > 1:
        sizes = ", ".join(f"{len(each)} in {name!r}" for name, each in lists.items())
        raise RecordError(f"the features of segments differ in their numbers of values: {sizes}")
    segments: dict[int, set[int]] = {}
    for start, label, score in zip(*lists.values(), strict=True):
        if not 0 <= start < n_frames:
            raise RecordError(f"a segment starts at {start}, the video has {n_frames} frames")
        if not 0 <= label <= _MAX_LABEL:
            raise RecordError(f"'segment_labels' has a label below 0 or beyond 32 bits: {label}")
        if score not in (0, 1):
            raise RecordError(f"'segment_scores' has {score}, expected 0 or 1")
        segments.setdefault(start, set()).update({label} if score else ())
    return {start: tuple(sorted(segments[start])) for start in sorted(segments)}


def _read_numbers(context: Any, name: str) -> Any:
    if name not in context:
        return ()
    feature, kind = context[name], SEGMENT_FEATURES[name]
    if feature.WhichOneof("kind") not in (None, kind):
        raise RecordError(f"feature {name!r} is not an {kind}")
    return getattr(feature, kind).value


def _check_present(features: Any, name: str, noun: str) -> None:
    if name not in features:
        found = ", ".join(f"{key:.40}" for key in sorted(features)[:8]) or "none"
        found += ", ..." if len(features) > 8 else ""
        advice = "load_tfrecords(..., features=...) reads others"
        raise RecordError(f"{noun} {name!r} is missing; the record has {found}: {advice}")


def _read_mean(context: Any, name: str, width: int) -> Array:
    _check_present(context, name, "feature")
    return _as_floats(context[name].float_list.value, f"feature {name!r}", width)[None]


def _as_floats(floats: Any, what: str, width: int) -> Array:
    if len(floats) != width:
        raise RecordError(f"{what} has {len(floats)} floats, expected {width}")
    values = np.array(floats, dtype=np.float32)
    if not np.isfinite(values).all():
        raise RecordError(f"{what} has numbers that are not finite")
    return values


def _read_floats(lists: Any, name: str, width: int) -> Array:
    _check_present(lists, name, "feature list")
    frames = [
        _as_floats(feature.float_list.value, f"frame {t} of {name!r}", width)
        for t, feature in enumerate(lists[name].feature)
    ]
    return np.array(frames, np.float32).reshape(-1, width)


def _read_bytes(lists: Any, name: str, width: int) -> Array:
    _check_present(lists, name, "feature list")
    frames = []
    for t, feature in enumerate(lists[name].feature):
        values = feature.bytes_list.value
        if len(values) != 1 or len(values[0]) != width:
            sizes = [len(value) for value in values[:3]] + ["..."] * (len(values) > 3)
            raise RecordError(f"frame {t} of {name!r} has {sizes} bytes, expected [{width}]")
        frames.append(values[0])
    return np.frombuffer(b"".join(frames), np.uint8).reshape(-1, width)
