"""Formats of records: those of known data sets, given ones, and detection from a record."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any

from ..store import as_names
from ..validation import number
from ._records import IDS, LABELS, UNKNOWN, RecordError, RecordFormat, parse_record

YOUTUBE8M = RecordFormat()
AUDIOSET = RecordFormat(
    name="AudioSet",
    widths={"audio": 128},
    video_features={"audio": "audio_embedding"},
    frame_features={"audio": "audio_embedding"},
    label_features=LABELS,
    id_features=IDS,
    n_labels=527,
)
_BOUND = number(-1e30, 1e30)
# Modalities of features that other data sets took over; any other has the name of its feature.
_NAMES = {"rgb": "video", "mean_rgb": "video", "mean_audio": "audio", "audio_embedding": "audio"}


def make_format(
    features: Any, quantization: Any, labels: Any, ids: Any
) -> tuple[RecordFormat | None, RecordFormat]:
    """Check the parameters of `load_tfrecords`; return its format, or None, and the defaults."""
    given = RecordFormat(
        name=UNKNOWN,
        range=None if quantization is None else _as_range(quantization),
        label_features=() if labels is None else _as_names("labels", labels),
        id_features=_as_names("ids", ids),
        n_labels=0,
        rate=None,
    )
    if features is None:
        return None, given
    return _with_features(given, _as_features(features)), given


def detect_format(payloads: Iterable[bytes], given: RecordFormat) -> RecordFormat | None:
    """Find the features of the first records, until each has a width; None without records."""
    found: dict[str, tuple[int, bool]] = {}
    for payload in payloads:
        try:
            each = _find_features(payload)
        except RecordError:  # reported when it is read again
            continue
        found = {**each, **{key: pair for key, pair in found.items() if pair[0]}}
        if found and all(width for width, _ in found.values()):
            break
    if not found:
        return None
    if empty := sorted(key for key, (width, _) in found.items() if not width):
        raise ValueError(f"features {empty} have no frames in any record; give features=.")
    keys = sorted(found, key=lambda key: (_NAMES.get(key, key) != "video", key))
    names = [_NAMES.get(key, key) for key in keys]
    names = names if len(set(names)) == len(names) else keys
    if all(is_float for _, is_float in found.values()) and not keys[0].startswith("mean_"):
        given = replace(given, range=None)
    pairs = zip(names, keys, strict=True)
    return _with_features(given, {name: (key, found[key][0]) for name, key in pairs})


def _with_features(given: RecordFormat, features: dict[str, tuple[str, int]]) -> RecordFormat:
    """Return a format with these features, with the name of a known data set that has them."""
    widths = {name: width for name, (_, width) in features.items()}
    keys = {name: key for name, (key, _) in features.items()}
    for known in (YOUTUBE8M, AUDIOSET):
        named = keys in (known.frame_features, known.video_features)
        if named and (widths, given.range) == (known.widths, known.range):
            default = given.label_features == LABELS
            return replace(
                known,
                label_features=known.label_features if default else given.label_features,
                id_features=given.id_features,
            )
    return replace(given, widths=widths, video_features=keys, frame_features=keys)


def _find_features(payload: bytes) -> dict[str, tuple[int, bool]]:
    """Return per feature the width of a frame, or of a mean, and whether it consists of floats."""
    record = parse_record(payload)
    lists = record.feature_lists.feature_list.items()
    if lists:
        return {
            key: _width(each.feature[0]) if each.feature else (0, False) for key, each in lists
        }
    widths = {key: _width(feature) for key, feature in record.context.feature.items()}
    return {
        key: (width, True) for key, (width, is_float) in widths.items() if is_float and width > 1
    }


def _width(feature: Any) -> tuple[int, bool]:
    values = feature.bytes_list.value
    if values:
        return len(values[0]), False
    return len(feature.float_list.value), True


def _as_features(features: Any) -> dict[str, tuple[str, int]]:
    wanted = "features must be a dict of modality: (feature, width)"
    if not isinstance(features, Mapping):
        raise TypeError(f"{wanted}, got {features!r}.")
    as_names(features)
    if not features:
        raise ValueError(f"{wanted} with at least one modality, got {features!r}.")
    for name, pair in features.items():
        valid = isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str)
        if not valid or not isinstance(pair[1], Integral) or isinstance(pair[1], bool):
            raise TypeError(f"{wanted}, got {pair!r} for {name!r}.")
        if pair[1] < 1:
            raise ValueError(f"{wanted}, a width must be >= 1, got {pair!r} for {name!r}.")
    keys = [key for key, _ in features.values()]
    if len(set(keys)) < len(keys):
        raise ValueError(f"{wanted}, each feature once, got {dict(features)!r}.")
    return {name: (key, int(width)) for name, (key, width) in features.items()}


def _as_range(quantization: Any) -> tuple[float, float]:
    wanted = "quantization must be None or a pair (low, high) of numbers"
    if not isinstance(quantization, tuple | list) or len(quantization) != 2:
        raise TypeError(f"{wanted}, got {quantization!r}.")
    for each in quantization:
        _BOUND("quantization", each)
    low, high = map(float, quantization)
    if low >= high:
        raise ValueError(f"{wanted} with low < high, got {quantization!r}.")
    return low, high


def _as_names(parameter: str, names: Any) -> tuple[str, ...]:
    wanted = f"{parameter} must be the name of a feature, or several of which one is used"
    given = (names,) if isinstance(names, str) else names
    if not isinstance(given, Sequence) or not all(isinstance(name, str) for name in given):
        raise TypeError(f"{wanted}, got {names!r}.")
    if not given or not all(given):
        raise ValueError(f"{wanted}, got {names!r}.")
    return tuple(given)
