"""`as_multimodal`: every accepted form of X becomes a `MultimodalArray`."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array

from .._types import Array
from ..store import as_names
from ._array import MultimodalArray, with_rates
from ._store import Store

DEFAULT_NAMES = ("video", "audio", "text")
ADVICE = "give all side by side, or each as an array"
EMPTY = "Found array with 0 sample(s) while a minimum of 1 is required: {} is empty."


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
        - a dict (or ``skorch.helper.SliceDict``) of the frames of each modality by name;
        - a data frame with one object column per modality, each cell (T_i, d) or (d,);
        - the frames of the first modality, followed by those of the others in `more`;
        - one wide array or list, whose columns `modalities` splits into several modalities.

        The frames of a modality are an array (n, T, d), an array (n, d) of one frame per video,
        or a list of n arrays (T_i, d), with None or an empty array for a video without frames.
    *more : array or list
        Frames of the second, third, … modality if X has those of the first one.
    modalities : dict of str to int or slice, or sequence of str, optional
        For one wide array: the widths, or the column slices, of its modalities. Several names
        without widths split it into equal parts, with a warning. By default an array is one
        modality, whatever its width. For every other form: the names of the modalities to use,
        in order. Positional modalities, also a single one, are called "video", "audio", "text",
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

    Examples
    --------
    >>> import numpy as np
    >>> as_multimodal(np.zeros((2, 5)), modalities={"video": 3, "audio": 2}).n_features
    {'video': 3, 'audio': 2}
    >>> as_multimodal([np.zeros((7, 3)), np.zeros((2, 3))], [np.zeros((1, 2))] * 2)
    MultimodalArray(2 videos, video: 2-7 frames of 3 float64, audio: 1 frames of 2 float64)
    """
    check_modalities(modalities)
    if isinstance(X, Store):
        raise TypeError("X is a Store; pass its videos, store.data.")
    if not more and isinstance(X, MultimodalArray):
        array = X
    elif (parts := _named_parts(X, more, modalities)) is not None:
        array = _from_parts(parts)
    else:
        array = _split(_from_parts({"X": X}, "X"), modalities)
        modalities = None
    if isinstance(modalities, Mapping):
        _check_widths(array, modalities)
    if not len(array):
        raise ValueError(EMPTY.format("X"))
    array = array if modalities is None else array.select(list(modalities))
    return array if rates is None else with_rates(array, rates)


def as_fitted(
    X: Any,
    *more: Any,
    widths: Mapping[str, int],
    modalities: Mapping[str, int | slice] | Sequence[str] | None,
    name: str,
) -> MultimodalArray:
    """Convert X to the modalities that the estimator `name` was fitted with, in order.

    `modalities` is the estimator's parameter; one wide array is split as in `fit`.
    """
    if more and 1 + len(more) != len(widths):
        raise ValueError(f"X must have the modalities {list(widths)}, got {1 + len(more)} arrays.")
    if more or has_named_modalities(X):
        array = as_multimodal(X, *more, modalities=list(widths))
        if array.n_features != dict(widths):
            given = f"X has frames of {array.n_features}"
            raise ValueError(f"{given}, but {name} was fitted with {dict(widths)}.")
        return array
    whole = as_multimodal(X)
    (width,) = whole.n_features.values()
    sizes = modalities if isinstance(modalities, Mapping) else widths
    is_sliced = all(isinstance(size, slice) for size in sizes.values())
    columns = sizes if is_sliced else _side_by_side(widths)
    if {n: len(range(width)[part]) for n, part in columns.items()} != dict(widths) or (
        not is_sliced and sum(widths.values()) != width
    ):
        # scikit-learn's words, which its checks look for.
        expected = f"{name} is expecting {sum(widths.values())} features as input"
        raise ValueError(f"X has {width} features, but {expected}: {dict(widths)}, {ADVICE}.")
    return whole.select(columns)


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
    return isinstance(X, MultimodalArray) or _named_parts(X) is not None


def _named_parts(
    X: Any, more: Sequence[Any] = (), modalities: Any = None
) -> Mapping[Any, Any] | None:
    """Return the frames of X by name of modality, or None for one wide array."""
    if more:
        return dict(zip(_positional_names(1 + len(more), modalities), (X, *more), strict=True))
    # Some sparse matrices are dicts.
    return X if isinstance(X, Mapping) and not issparse(X) else _object_columns(X)


def check_modalities(modalities: Any) -> None:
    """Raise TypeError or ValueError unless `modalities` names each modality once, by a str."""
    if modalities is None:
        return
    if isinstance(modalities, str) or not isinstance(modalities, Mapping | Sequence | np.ndarray):
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
            raise ValueError(f"{name!r} has frames of {d} features, but modalities says {width}.")


def _from_parts(parts: Mapping[Any, Any], title: str = "modality {!r}") -> MultimodalArray:
    flat = {name: _flatten(part, title.format(name)) for name, part in parts.items()}
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


def _object_columns(X: Any) -> dict[Any, list[Any]] | None:
    """Return the columns of a data frame whose cells are frames, or None for anything else."""
    if not (hasattr(X, "columns") and hasattr(X, "__getitem__")):
        return None
    if len(set(X.columns)) < len(list(X.columns)):
        raise ValueError(f"The data frame X has several columns of one name: {list(X.columns)}.")
    columns = {name: X[name] for name in X.columns}
    plain = [name for name, column in columns.items() if np.ndim(_first(column)) == 0]
    if plain and len(plain) < len(columns):
        raise ValueError(f"Columns {plain} of the data frame X have no frames, but others have.")
    if plain:
        return None
    return {name: [_as_frames(cell) for cell in column] for name, column in columns.items()}


def _as_frames(cell: Any) -> Any:
    return np.atleast_2d(cell) if np.ndim(cell) == 1 and not _is_empty(cell) else cell


def _flatten(part: Any, name: str) -> tuple[Array, Array]:
    """Return the frames of one modality as (n_frames, d) values and (n,) lengths."""
    if issparse(part):
        raise TypeError(f"Sparse data was passed for {name}, but dense data is required.")
    if isinstance(part, MultimodalArray):
        raise TypeError(f"A MultimodalArray was passed for {name}; pass it alone, as X.")
    objects = isinstance(part, np.ndarray) and part.dtype == object and part.ndim == 1
    if objects or isinstance(part, Sequence):
        if not len(part):
            raise ValueError(EMPTY.format(name))
        if (first := _first(part)) is None:
            videos = f"{len(part)} videos, expected an array (T_i, d)"
            raise ValueError(f"{name} has frames in none of its {videos}.")
        if len(_shape(first)) == 2:
            return _flatten_ragged(part, np.asarray(first), name)
    values = _as_numbers(part, name)
    if values.ndim == 2:
        return values, np.ones(len(values), np.int64)
    n, n_frames, width = values.shape
    return values.reshape(n * n_frames, width), np.full(n, n_frames)


def _as_numbers(part: Any, name: str) -> Array:
    """Return frames (n, d) or (n, T, d) as an array of floats or uint8."""
    wanted = f"{name} must be an array of numbers (n, d) or (n, T, d), or a list of (T_i, d)"
    problem = ""
    try:
        array = part if hasattr(part, "dtype") or hasattr(part, "columns") else np.asarray(part)
        if problem := _not_numbers(array):
            raise ValueError(problem)
        with np.errstate(over="ignore"):  # overflow gives infinity, which is an error later
            values: Array = check_array(
                array,
                dtype=[np.float32, np.float64, np.float16, np.uint8],
                allow_nd=True,
                ensure_all_finite=False,
                input_name=name,
            )
        if values.ndim > 3:
            raise ValueError(problem := f"shape {values.shape}")
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:  # torch's, of gradients
        kind = TypeError if isinstance(error, TypeError) else ValueError
        given = problem or f"{type(part).__name__}: {error}"
        raise kind(f"{wanted}, got {given}.{_hint(part)}") from error
    return values


def _hint(part: Any) -> str:
    """Return the next step for a list of modalities, "" for anything else."""
    several = isinstance(part, list | tuple) and len(part) and len(_shape(part[0])) in (1, 3)
    return " Give each modality as an argument of its own, (X_video, X_audio)." if several else ""


def _not_numbers(array: Any) -> str:
    """Return why an array cannot hold numbers, "" if it may."""
    dtype = getattr(array, "dtype", None)
    kind = getattr(dtype, "kind", "O")
    if kind == "c":  # the message of check_array would print all of it
        return f"dtype {dtype}. Complex data not supported"
    if kind not in "biufO":  # objects may be numbers
        return f"dtype {dtype}{'; load files first; y comes last' if kind in 'US' else ''}"
    return "a masked array; fill it first" if np.ma.is_masked(array) else ""


def _is_empty(row: Any) -> bool:
    """Whether a video has no frames in a modality: None, NaN, or an empty list or array."""
    if row is None or (isinstance(row, float) and np.isnan(row)):
        return True
    return _shape(row) == (0,)


def _shape(row: Any) -> tuple[int, ...]:
    """Return the shape of anything, (-1,) for lists of unequal lengths."""
    try:
        return np.shape(row)
    except ValueError:
        return (-1,)


def _first(part: Iterable[Any]) -> Any:
    """Return the first video with frames, or else the first whose shape has a width."""
    candidates = (row for row in part if not _is_empty(row))
    first = next(candidates, None)
    if first is None or 0 not in _shape(first):
        return first
    return next((row for row in candidates if 0 not in _shape(row)), first)


def _flatten_ragged(part: Iterable[Any], first: Array, name: str) -> tuple[Array, Array]:
    empty = np.empty((0, first.shape[1]), first.dtype)
    rows = [
        empty if _is_empty(row) else _as_row(row, empty, f"Row {i} of {name}")
        for i, row in enumerate(part)
    ]
    return np.concatenate(rows), np.array([len(row) for row in rows])


def _as_row(row: Any, empty: Array, name: str) -> Array:
    """Return the frames of one video as an array of numbers (T_i, width)."""
    width = empty.shape[1]
    wanted = f"{name} must be an array of numbers (T_i, {width})"
    try:
        array = np.asarray(row)
    except ValueError as error:
        raise ValueError(f"{wanted}, got {type(row).__name__}: {error}") from error
    if array.shape == empty.shape:  # its dtype, often float64, must not change that of all others
        return empty
    if array.ndim != 2 or array.shape[1] != width:
        expected = f"(T_i, {width}) as in the rows before, or None for no frames"
        raise ValueError(f"{name} has shape {array.shape}, expected {expected}.")
    masked = np.ma.is_masked(row)
    if masked or array.dtype.kind not in "biuf":
        problem = "a masked array; fill it first" if masked else f"dtype {array.dtype}"
        raise ValueError(f"{wanted}, got {problem}.")
    return array
