"""`as_multimodal`: every accepted form of X becomes a `MultimodalArray`."""

import warnings
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import accumulate
from numbers import Integral
from typing import Any

from scipy.sparse import issparse

from ..store import as_names
from ._array import MultimodalArray, with_rates, without_padding
from ._guess import ColumnKind, bears_usual_name, guess_modalities
from ._nested import EMPTY, column_kind, flatten, is_multi_hot, plain
from ._store import Store

DEFAULT_NAMES = ("video", "audio", "text")
ADVICE = "give all side by side, or each as an array"


def as_multimodal(
    X: Any,
    *more: Any,
    modalities: Mapping[str, int | slice] | Sequence[str] | None = None,
    rates: Mapping[str, float] | None = None,
) -> MultimodalArray:
    """Convert any accepted form of X to a `MultimodalArray`.

    Parameters
    ----------
    X : MultimodalArray, dict, SliceDict, data frame, array or list
        One of

        - a `MultimodalArray`;
        - a dict (or ``skorch.helper.SliceDict``, or an open .npz file) of the frames of each
          modality by name;
        - a data frame or Arrow table with one column per modality, each cell (T_i, d) or (d,);
        - the frames of the first modality, followed by those of the others in `more`;
        - one wide array or list, whose columns `modalities` splits into several modalities.

        The frames of a modality are an array (n, T, d), an array (n, d) of one frame per video,
        or a list of n arrays (T_i, d), with None or an empty array for a video without frames.
        Arrays may be nested lists, object arrays, series or tensors. Frames of only NaN at the
        end of a video, or masked ones of a masked array, are padding, and left out.
    *more : array or list
        Frames of the second, third, … modality if X has those of the first one.
    modalities : dict of str to int or slice, or sequence of str, optional
        For one wide array: the widths, or the column slices, of its modalities. Several names
        without widths split it into equal parts, with a warning. By default an array is one
        modality, whatever its width. For every other form: the names of the modalities to use,
        in order. By default these are, of a dict or table, the columns of floats whose names are
        not usual for labels, ids, weights or times; others are left out, with a warning. Frames
        of integers, also of uint8, must be named, unless they are in a `MultimodalArray`.
        Positional modalities, also a single one, are called "video", "audio", "text",
        "modality_3", … by default.
    rates : dict of str to float, optional
        Frames per second of each modality, which then need not cover the same time, see
        :meth:`MultimodalArray.pad`. None keeps those of a container.

    Returns
    -------
    MultimodalArray
        The videos, which share memory with the input where its form allows.

    Raises
    ------
    ValueError
        If X is empty, or shapes, numbers of rows, widths or names do not match.

    TypeError
        If X is sparse, or has none of these forms.

    Warns
    -----
    UserWarning
        If columns of numbers in a dict or table are left out, or one wide array is split into
        equal parts.

    Examples
    --------
    >>> import numpy as np
    >>> as_multimodal(np.zeros((2, 5)), modalities={"video": 3, "audio": 2}).n_features
    {'video': 3, 'audio': 2}
    >>> as_multimodal([np.zeros((7, 3)), np.zeros((2, 3))], [np.zeros((1, 2))] * 2)
    MultimodalArray(2 videos, video: 2-7 frames of 3 float64, audio: 1 frames of 2 float64)
    """
    array = read_known(X, *more, modalities=modalities)
    return array if rates is None else with_rates(array, rates)


def read_known(
    X: Any, *more: Any, modalities: Any = None, widths: Mapping[str, int] | None = None
) -> MultimodalArray:
    """Do the same as `as_multimodal`; `widths` are those of modalities that may have no frames."""
    array = read_videos(X, *more, modalities=modalities, widths=widths)
    return array if isinstance(X, MultimodalArray) else without_padding(array)


def read_videos(
    X: Any, *more: Any, modalities: Any = None, widths: Mapping[str, int] | None = None
) -> MultimodalArray:
    """Do the same as `read_known`, but keep frames of only NaN."""
    check_modalities(modalities)
    if isinstance(X, Store):
        raise TypeError("X is a Store; pass its videos, store.data.")
    if not more and isinstance(X, MultimodalArray):
        array = X
    elif (parts := _named_parts(X, more, modalities, widths or ())) is not None:
        named = modalities if isinstance(modalities, Mapping) else widths
        array = _from_parts(parts, widths=named)
    else:
        whole = {"X": sum(widths.values())} if widths else None
        array = _split(_from_parts({"X": X}, "X", whole), modalities)
        modalities = None
    if isinstance(modalities, Mapping):
        _check_widths(array, modalities)
    if not len(array):
        raise ValueError(EMPTY.format("X"))
    return array if modalities is None else array.select(list(modalities))


def as_fitted(
    X: Any,
    *more: Any,
    widths: Mapping[str, int],
    modalities: Mapping[str, int | slice] | Sequence[str] | None,
    name: str,
    keep_nan: bool = False,
) -> MultimodalArray:
    """Convert X to the modalities that the estimator `name` was fitted with, in order.

    `modalities` is the estimator's parameter; one wide array is split as in `fit`.
    """
    array = _read_fitted(X, more, widths, modalities, name)
    return array if keep_nan or isinstance(X, MultimodalArray) else without_padding(array)


def _read_fitted(
    X: Any, more: Sequence[Any], widths: Mapping[str, int], modalities: Any, name: str
) -> MultimodalArray:
    if more and 1 + len(more) != len(widths):
        raise ValueError(f"X must have the modalities {list(widths)}, got {1 + len(more)} arrays.")
    if more or has_named_modalities(X):
        array = _as_named(X, more, widths)
        if array.n_features != dict(widths):
            given = f"X has frames of {array.n_features}"
            hint = _axes_hint(array, widths)
            raise ValueError(f"{given}, but {name} was fitted with {dict(widths)}.{hint}")
        return array
    whole = _split(_from_parts({"X": X}, "X", {"X": sum(widths.values())}), None)
    if not len(whole):
        raise ValueError(EMPTY.format("X"))
    (width,) = whole.n_features.values()
    sizes = modalities if isinstance(modalities, Mapping) else widths
    is_sliced = all(isinstance(size, slice) for size in sizes.values())
    columns = sizes if is_sliced else _side_by_side(widths)
    everywhere = range(width)
    found = {n: len(everywhere[part]) for n, part in columns.items() if isinstance(part, slice)}
    if found != dict(widths) or (not is_sliced and sum(widths.values()) != width):
        # scikit-learn's words, which its checks look for.
        expected = f"{name} is expecting {sum(widths.values())} features as input"
        hint = _axes_hint(whole, {DEFAULT_NAMES[0]: sum(widths.values())})
        raise ValueError(
            f"X has {width} features, but {expected}: {dict(widths)}, {ADVICE}.{hint}"
        )
    return whole.select(columns)


def _as_named(X: Any, more: Sequence[Any], widths: Mapping[str, int]) -> MultimodalArray:
    """Convert named or positional modalities, which may have no frames in any video."""
    if not more and isinstance(X, MultimodalArray):
        array = X.select(list(widths))
    else:
        parts: Any = _named_parts(X, more, list(widths))
        array = _from_parts(parts, widths=widths)
    if not len(array):
        raise ValueError(EMPTY.format("X"))
    return array


def has_named_modalities(X: Any) -> bool:
    """Whether the form of X assigns frames to modalities.

    Parameters
    ----------
    X : any form that `as_multimodal` accepts
        The videos.

    Returns
    -------
    bool
        True for a container, a dict, and a data frame with one column per modality.

    Examples
    --------
    >>> has_named_modalities({"video": [[1.0]]}), has_named_modalities([[1.0]])
    (True, False)
    """
    if isinstance(X, MultimodalArray | Mapping):
        return not issparse(X)
    columns = _columns(X)
    return columns is not None and (not columns or _has_frames(columns))


def _named_parts(
    X: Any, more: Sequence[Any], modalities: Any, known: Container[str] = ()
) -> Mapping[Any, Any] | None:
    """Return the frames of X by name of modality, or None for one wide array.

    Columns with the names of `known` modalities are these, also without frames in any video.
    """
    if more:
        return dict(zip(_positional_names(1 + len(more), modalities), (X, *more), strict=True))
    if not (columns := _columns(X)):
        return columns
    is_dict = isinstance(X, Mapping)
    title = "X" if is_dict else "the data frame X"
    if modalities is None:
        return _guessed_parts(columns, title, is_dict, known)
    names = list(modalities)
    missing = [name for name in names if name not in columns]
    if is_dict or _has_frames(columns):
        if missing:
            raise ValueError(f"Modalities {missing} are missing; X has {list(columns)}.")
        return {name: _read_column(columns, name) for name in names}
    return None


def _guessed_parts(
    columns: Mapping[Any, Any], title: str, is_dict: bool, modalities: Container[str]
) -> Mapping[Any, Any] | None:
    """Return the columns that are modalities; None for a table of single numbers."""
    parts = {n: None if bears_usual_name(n) else _read_column(columns, n) for n in columns}
    kinds = {
        n: _kind_of_label(columns, n) if p is None else column_kind(p) for n, p in parts.items()
    }
    if not is_dict and all(kind is not None and kind.depth < 1 for kind in kinds.values()):
        return None
    # Without frames in any video, or no column at all: errors where frames are read.
    frames = ColumnKind(2, "f")
    known = {n: k if k is not None and k.depth >= 0 else frames for n, k in kinds.items()}
    named = {n for n, k in known.items() if n in modalities and k.depth == 0}
    known |= {n: frames for n in named if parts[n] is not None}
    guess = guess_modalities(known)
    binary = [n for n in guess.chosen if n not in modalities and known[n].depth == 1]
    binary = [n for n in binary if is_multi_hot(parts[n])]
    if len(binary) < len(guess.chosen):
        guess = guess_modalities(known | {n: ColumnKind(1, "i") for n in binary})
    guess.require(title).warn(title)
    return {name: parts[name] for name in guess.chosen}


def _check_form(X: Any) -> None:
    """Raise TypeError for forms that are one step from an accepted one."""
    kind = type(X).__name__
    if kind == "LazyFrame":
        raise TypeError("X is a LazyFrame, which has no values yet: write X.collect().")
    if kind in ("DatasetDict", "IterableDatasetDict"):
        raise TypeError(
            f"X has several splits, {list(X)}: give one, such as X[{next(iter(X))!r}]."
        )
    if isinstance(X, list | tuple) and len(X) and isinstance(X[0], dict):
        advice = "{name: [video[name] for video in X] for name in X[0]}"
        raise TypeError(f"X is a list of dicts, one per video: write {advice}.")


def _columns(X: Any) -> Mapping[Any, Any] | None:
    """Return the columns of a dict or table by name, or None for anything else."""
    _check_form(X)
    if isinstance(X, Mapping) and not issparse(X):  # some sparse matrices are dicts
        return X
    names = getattr(X, "column_names", None)  # of Arrow tables, and data sets of Hugging Face
    names = getattr(X, "columns", None) if names is None else names
    if names is None or not hasattr(X, "__getitem__"):
        return None
    if len(set(names)) < len(list(names)):
        raise ValueError(f"The data frame X has several columns of one name: {list(names)}.")
    return {name: X[name] for name in names}


def _read_column(columns: Mapping[Any, Any], name: Any) -> Any:
    return plain(columns[name], f"modality {name!r}")


def _kind_of_label(columns: Mapping[Any, Any], name: Any) -> ColumnKind | None:
    """Describe a column that is no modality, and may be anything, also unreadable."""
    try:
        return column_kind(_read_column(columns, name))
    except (TypeError, ValueError):  # such as objects of an .npz file
        return ColumnKind(0, "")


def _has_frames(columns: Mapping[Any, Any]) -> bool:
    """Whether some column of a table has, or may have, frames instead of numbers."""
    kinds = (column_kind(_read_column(columns, name)) for name in columns)
    return any(kind is None or kind.depth > 0 for kind in kinds)


def check_modalities(modalities: Any) -> None:
    """Raise TypeError or ValueError unless `modalities` names each modality once, by a str."""
    if modalities is None:
        return
    is_sequence = isinstance(modalities, Sequence) or getattr(modalities, "ndim", 0) > 0
    if isinstance(modalities, str) or not (is_sequence or isinstance(modalities, Mapping)):
        raise TypeError(f"modalities must be a dict or sequence of names, got {modalities!r}.")
    if not as_names(modalities):
        raise ValueError("modalities must name at least one modality, got none.")


def _positional_names(count: int, modalities: Iterable[str] | None) -> list[str]:
    default = [*DEFAULT_NAMES, *(f"modality_{i}" for i in range(3, count))][:count]
    names = default if modalities is None else list(modalities)
    if len(names) != count:
        raise ValueError(f"modalities must name {count} modalities, got {names}.")
    return names


def _check_widths(array: MultimodalArray, modalities: Mapping[str, Any]) -> None:
    for name, width in modalities.items():
        d = array.n_features.get(name, width)
        if isinstance(width, slice):
            raise TypeError(f"modalities has columns of {name!r}, {width}, but X is not wide.")
        if width != d:
            given = f"{name!r} has frames of {d} features"
            hint = _axes_hint(array, {name: width})
            raise ValueError(f"{given}, but modalities says {width}.{hint}")


def _axes_hint(array: MultimodalArray, widths: Mapping[str, int]) -> str:
    """Return the next step if frames would have these widths with their axes swapped, or ""."""
    for name, width in widths.items():
        lengths = set(array.lengths(name).tolist()) - {0}
        if array.n_features[name] != width and lengths == {width} and width > 1:
            rule = f"{name!r} looks like (n, d, T), features before frames"
            return f" {rule}: write X.transpose(0, 2, 1), or [x.T for x in X] for a list."
    return ""


def _from_parts(
    parts: Mapping[Any, Any], title: str = "modality {!r}", widths: Any = None
) -> MultimodalArray:
    """Read frames by name; `widths` has those of modalities without frames in any video."""
    known = widths if isinstance(widths, Mapping) else {}
    sizes = {n: None if isinstance(known.get(n), slice) else known.get(n) for n in parts}
    flat = {n: flatten(p, title.format(n), sizes[n]) for n, p in parts.items() if p is not None}
    counts = [len(lengths) for _, lengths in flat.values()]
    for n in [name for name, part in parts.items() if part is None]:
        missing = [None] * counts[0] if counts else None
        flat[n] = flatten(missing, title.format(n), sizes[n])
    flat = {n: flat[n] for n in parts}
    frames, lengths = ({name: each[i] for name, each in flat.items()} for i in range(2))
    return MultimodalArray.from_frames(frames, lengths)


def _split(whole: MultimodalArray, modalities: Any) -> MultimodalArray:
    """Split the columns of one wide array into the modalities that the user names."""
    (width,) = whole.n_features.values()
    if modalities is None:
        return whole.select({DEFAULT_NAMES[0]: slice(0, width)})
    if not isinstance(modalities, Mapping):
        modalities = _equal_widths(width, list(modalities))
    return whole.select(_column_slices(width, modalities))


def _equal_widths(width: int, names: list[str]) -> dict[str, int]:
    """Return widths as equal as possible, the first ones larger, like np.array_split."""
    count = len(names)
    if width < count:
        raise ValueError(f"X has {width} feature(s), but modalities names {count}: {names}.")
    widths = {name: (width + count - 1 - i) // count for i, name in enumerate(names)}
    if count > 1:
        warnings.warn(
            f"modalities={names} names no widths, so the {width} features of X are split into "
            f"equal parts: write modalities={widths}, or the right widths.",
            UserWarning,
            stacklevel=2,
        )
    return widths


def _column_slices(width: int, modalities: Mapping[str, Any]) -> dict[str, slice]:
    sizes = dict(modalities)
    if all(isinstance(size, slice) for size in sizes.values()):
        return sizes
    if not all(isinstance(s, Integral) and not isinstance(s, bool) for s in sizes.values()):
        raise TypeError(f"modalities must have only widths (int) or only slices, got {sizes}.")
    if min(sizes.values()) < 1:
        raise ValueError(f"X has {width} features, each width must be >= 1, got {sizes}.")
    if (total := sum(sizes.values())) != width:
        expected = f"modalities={sizes} expects {total}"
        raise ValueError(f"X has {width} features, but {expected}: {ADVICE}.")
    return _side_by_side(sizes)


def _side_by_side(widths: Mapping[str, int]) -> dict[str, slice]:
    """Return the columns of modalities in one wide array that has them one after the other."""
    ends = list(accumulate(map(int, widths.values())))
    return {n: slice(end - int(w), end) for end, (n, w) in zip(ends, widths.items(), strict=True)}
