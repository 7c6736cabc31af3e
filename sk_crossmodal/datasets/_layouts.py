"""Layouts of named arrays: videos as rows of columns, or groups by modality and video."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._types import Array
from ..hierarchy import indicator_width
from ..multimodal import ColumnKind, guess_modalities

Content = Mapping[str, Any]  # arrays, lists of arrays, or further mappings, by name
LENGTHS = ("_length", "_lengths")  # suffixes of the numbers of frames of a modality
_DEFAULTS = {"labels": ("labels", "label", "y", "Y"), "id": ("id", "ids")}
_LABEL_NAMES = ("label_names", "classes", "labels")  # of the columns of an indicator


@dataclass
class Videos:
    """The videos of one shard: per modality a function that returns the frames of video i."""

    n: int
    frames: dict[str, Callable[[int], Any]]
    kinds: dict[str, ColumnKind]  # of all arrays but those of labels and ids
    ids: list[str] | None = None
    labels: list[tuple[Any, ...]] | None = None
    aliases: dict[str, str] = field(default_factory=dict)  # other names of videos: their ids


def find_key(content: Iterable[str], name: str | None) -> str | None:
    """Return the key of labels or ids, which may be missing under its default name."""
    keys = set(content)
    candidates = () if name is None else _DEFAULTS.get(name, (name,))
    return next((key for key in candidates if key in keys), None)


def is_nested(content: Content) -> bool:
    """Whether there are groups."""
    return any(isinstance(value, Mapping) for value in content.values())


def unwrapped(content: Content, where: str) -> Content:
    """Return the arrays of groups beside the others, if they have all videos each."""
    groups = [value for value in content.values() if isinstance(value, Mapping)]
    if not any(_has_all_videos(each) for group in groups for each in group.values()):
        return content
    flat = {key: value for key, value in content.items() if not isinstance(value, Mapping)}
    for key in (key for group in groups for key in group if key in flat):
        raise ValueError(f"{where} has two arrays named {key!r}.")
    return flat | {key: value for group in groups for key, value in group.items()}


def _has_all_videos(value: Any) -> bool:
    return isinstance(value, list) or getattr(value, "ndim", 0) == 3


def as_columns(
    content: Content, where: str, labels: str | None, ids: str | None, modalities: Any
) -> Videos:
    """Return the videos of arrays with one row, or of lists with one item, per video."""
    key = find_key(content, labels)
    if key is not None and not isinstance(rows := _stacked_rows(content[key]), list):
        content = {**content, key: rows}
    label_key, names = _find_labels(content, labels)
    id_key = find_key(content, ids)
    others = {label_key, names, id_key, *(key for key in content if key.endswith(LENGTHS))}
    columns = {
        key: _column(value, _lengths(content, key), f"{where}, {key!r}")
        for key, value in content.items()
        if key not in others
    }
    kinds = {key: kind for key, (_, _, kind) in columns.items() if kind.has_numbers}
    wanted = guess_modalities(kinds).chosen if modalities is None else modalities
    counts = {key: columns[key][0] for key in wanted if key in columns}
    given = None if id_key is None else [text_of(each) for each in content[id_key][:]]
    read = None
    if label_key is not None:
        value = _split(content[label_key], _lengths(content, label_key))
        read = read_labels(value, f"{where}, {label_key!r}", content.get(names or ""))
        counts[label_key] = len(read)
    if given is not None:
        counts[str(id_key)] = len(given)
    if len(set(counts.values())) > 1:
        raise ValueError(f"{where} has different numbers of videos: {counts}.")
    frames = {key: get for key, (_, get, _) in columns.items()}
    return Videos(next(iter(counts.values()), 0), frames, kinds, given, read)


def as_groups(content: Content, where: str, labels: str | None, modalities: Any) -> Videos:
    """Return the videos of groups: of modalities with an array per video, or the other way."""
    while len(content) == 1 and is_nested(inner := next(iter(content.values()))):
        content = inner
    groups = {key: value for key, value in content.items() if isinstance(value, Mapping)}
    largest_first = sorted(groups.values(), key=len, reverse=True)  # it has most of the names
    outer, inner = list(groups), list(dict.fromkeys(key for g in largest_first for key in g))
    first = len(outer) <= len(inner)
    if modalities is not None and set(modalities) <= {*outer, *inner}:
        first = set(modalities) <= set(outer)
    else:
        known = [find_key(each, labels or "labels") is not None for each in (outer, inner)]
        first = known[0] if any(known) and not all(known) else first
    names, ids = (outer, inner) if first else (inner, outer)
    label_key = find_key(names, labels)

    def get(name: str, video: str) -> Any:
        return groups[name].get(video) if first else groups[video].get(name)

    def getter(name: str) -> Callable[[int], Any]:
        return lambda i: get(name, ids[i])

    read = None
    if label_key is not None:
        names.remove(label_key)
        values = [() if (v := get(label_key, each)) is None else _plain(v) for each in ids]
        read = read_labels(_stacked(values), f"{where}, {label_key!r}")
    kinds = {}
    for name in names:
        found = next((v for each in ids if (v := get(name, each)) is not None), None)
        if (kind := _kind(found, 2)).has_numbers:
            kinds[name] = kind
    return Videos(len(ids), {name: getter(name) for name in names}, kinds, ids, read)


def as_frames(value: Any, where: str, width: int | None = None) -> Array:
    """Return the frames of one video (T, d); a vector is one frame, None is no frames."""
    array = np.empty((0, width or 0)) if value is None else np.asarray(value)
    if array.ndim == 1:
        array = array[None] if array.size else np.empty((0, width or 0))
    wanted = f"{where} must be numbers of shape (T, {width or 'd'})"
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise ValueError(f"{wanted}, got {array.dtype} of shape {array.shape}.")
    if width is not None and array.shape[1] != width:
        if not array.size:
            return np.empty((0, width), array.dtype)
        raise ValueError(f"{wanted}, got {array.shape}.")
    return array


def read_labels(value: Any, where: str, names: Any = None) -> list[tuple[Any, ...]]:
    """Return the labels of each video: one, a list, or those of a row of an indicator."""
    if not isinstance(value, list) and value.ndim == 2 and value.dtype.kind in "biuf":
        return _read_indicator(np.asarray(value), where, names)
    rows = value if isinstance(value, list) else list(np.asarray(value))
    read = [_labels_of(row) for row in rows]
    wrong = next((x for row in read for x in row if not isinstance(x, str | int)), None)
    if wrong is not None:
        wanted = "strings or integers, one or a list per video, or an indicator (n, n_labels)"
        raise ValueError(f"{where} must be {wanted}, got {type(wrong).__name__} {wrong!r:.80}.")
    return read


def text_of(value: Any) -> str:
    """Return a name; HDF5 has strings as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)


def _read_indicator(rows: Array, where: str, names: Any) -> list[tuple[Any, ...]]:
    width = _width(rows)
    if width is None:
        other = rows[~np.isin(rows, (0, 1))][:1]
        given = f", got {other[0]}" if len(other) else "; lists of labels have shape (n,)"
        raise ValueError(f"{where} of shape {rows.shape} must be an indicator of 0 and 1{given}.")
    known = list(range(width)) if names is None else [text_of(each) for each in names[:]]
    if len(known) != width:
        raise ValueError(f"{where} has {width} columns, but {len(known)} names of labels.")
    return [tuple(known[j] for j in np.flatnonzero(row)) for row in rows]


def _width(rows: Array) -> int | None:
    """Return the number of columns of an indicator; integers in one column may be labels."""
    least = 2 if rows.dtype.kind in "iu" else 1
    return indicator_width({rows.shape[1]}, set(np.unique(rows).tolist()), least=least)


def _labels_of(row: Any) -> tuple[Any, ...]:
    """Return the labels of a video as Python values; an empty text is none."""
    items = [row] if isinstance(row, str | bytes) or np.ndim(row) == 0 else list(row)
    plain = (_plain(item) for item in items)
    return tuple(item for item in plain if not (isinstance(item, str) and not item))


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return _plain(value.item())
    if hasattr(value, "shape"):
        return value[()] if value.shape else _plain(value[()])
    return value.decode() if isinstance(value, bytes) else value


def _stacked_rows(value: Any) -> Any:
    """Do the same as `_stacked` with a list, or an array of arrays."""
    are_objects = getattr(value, "ndim", 0) == 1 and value.dtype.kind == "O"
    return _stacked(list(value[:])) if are_objects or isinstance(value, list) else value


def _stacked(values: list[Any]) -> Any:
    """Return the labels of each video in one array if they are the rows of an indicator."""
    rows = [
        np.asarray(v)[0] if np.shape(v)[:1] == (1,) == (np.ndim(v) - 1,) else v for v in values
    ]
    if any(isinstance(row, str) or np.ndim(row) != 1 for row in rows):
        return rows
    if len({len(row) for row in rows}) != 1:
        return rows
    array = np.asarray(rows)
    return rows if array.dtype.kind not in "biuf" or _width(array) is None else array


def _find_labels(content: Content, labels: str | None) -> tuple[str | None, str | None]:
    """Return the keys of the labels, and of the names of the columns of an indicator."""
    key = find_key(content, labels)
    if key is None or isinstance(content[key], list):
        return key, None
    indicators = [key] if content[key].ndim == 2 else []
    indicators += [k for k in ("y", "Y") if key == "labels" and np.ndim(content.get(k, ())) == 2]
    for each in indicators:
        width = content[each].shape[1]
        names = (k for k in _LABEL_NAMES if k != each and np.shape(content.get(k, ())) == (width,))
        if name := next(names, None):
            return each, name
    return key, None


def _lengths(content: Content, key: str) -> Any:
    """Return the lengths of an array, or those of all arrays that have so many frames."""
    own = [key + suffix for suffix in LENGTHS if key + suffix in content]
    shared = [name.lstrip("_") for name in LENGTHS if name.lstrip("_") in content]
    for name in own or shared:
        given = np.asarray(content[name])
        lengths = given.astype(np.int64)
        if own or _are_lengths(content, content[key], given):
            return lengths
    return None


def _are_lengths(content: Content, value: Any, lengths: Array) -> bool:
    """Whether these are the numbers of frames in flat or padded frames.

    If modalities are padded to different lengths, they are those of the one that they fill.
    """
    if isinstance(value, list) or lengths.ndim != 1 or lengths.dtype.kind not in "iu":
        return False
    if np.ndim(value) != 3:
        return np.ndim(value) == 2 and bool(lengths.sum() == len(value))
    arrays = [each for each in content.values() if not isinstance(each, Mapping | list)]
    steps = {each.shape[1] for each in arrays if np.ndim(each) == 3 and len(each) == len(value)}
    fits = len(steps) == 1 or max(lengths, default=0) == value.shape[1]
    return fits and len(lengths) == len(value) and bool((lengths >= 0).all())


def _split(value: Any, lengths: Any) -> Any:
    """Return the labels of each video; with lengths they are in one flat array, or padded."""
    if lengths is None:
        return value
    if value.ndim == 2:
        return [list(row[:k]) for row, k in zip(np.asarray(value), lengths, strict=True)]
    return [list(part) for part in np.split(np.asarray(value), np.cumsum(lengths)[:-1])]


def _column(value: Any, lengths: Any, where: str) -> tuple[int, Callable[[int], Any], ColumnKind]:
    """Return the number of videos, a function that returns the frames of one, and the kind."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        first = next((v for v in value if v is not None and np.size(v)), None)
        return len(value), value.__getitem__, _kind(first, 2)
    if getattr(value, "ndim", 0) == 0:  # one number or text
        return 1, lambda i: None, ColumnKind(0, "")
    if lengths is not None and value.ndim == 2:  # all frames, one video after the other
        if lengths.sum() != len(value):
            given = f"{lengths.sum()} frames in all, but it has {len(value)}"
            raise ValueError(f"the lengths of {where} say {given}.")
        ends = np.cumsum(lengths)
        return len(lengths), lambda i: value[ends[i] - lengths[i] : ends[i]], _kind(value, 2)
    if lengths is not None:  # padded
        if max(lengths, default=0) > value.shape[1]:
            given = f"{max(lengths)} frames, but it has {value.shape[1]}"
            raise ValueError(f"the lengths of {where} say {given}.")
        return len(value), lambda i: value[i, : lengths[i]], _kind(value, value.ndim - 1)
    return len(value), lambda i: value[i], _kind(value, value.ndim - 1)


def _kind(value: Any, depth: int) -> ColumnKind:
    """Describe an array for the rule that guesses the modalities."""
    if value is None or isinstance(value, str | bytes):
        return ColumnKind(0, "")
    kind = getattr(
        value, "dtype", np.asarray(value).dtype if np.ndim(value) else np.dtype(object)
    ).kind
    kind = "f" if kind == "f" else "i" if kind in "biu" else ""
    return ColumnKind(min(depth, np.ndim(value)), kind)
