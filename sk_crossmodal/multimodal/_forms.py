"""`as_multimodal`: every accepted form of X becomes a `MultimodalArray`."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array

from .._types import Array
from ._array import MultimodalArray
from ._checks import check_names
from ._store import Store

DEFAULT_NAMES = ("video", "audio", "text")
YOUTUBE8M_WIDTHS = {"video": 1024, "audio": 128}
EMPTY = "Found array with 0 sample(s) while a minimum of 1 is required: {} is empty."


def as_multimodal(
    X: Any, *more: Any, modalities: Mapping[str, int | slice] | Sequence[str] | None = None
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
        - one wide array or list, whose columns are split as described by `modalities`.

        The frames of a modality are an array (n, T, d), an array (n, d) of one frame per video,
        or a list of n arrays (T_i, d), with None or an empty array for a video without frames.
    *more : array or list
        Frames of the second, third, … modality if X has those of the first one.
    modalities : dict of str to int or slice, or sequence of str, optional
        For one wide array: the widths, or the column slices, of its modalities. By default 1152
        columns are YouTube-8M's 1024 of video and 128 of audio, other arrays are split into
        halves, and a single column is one modality. For every other form: the names of the
        modalities to use, in order. Positional modalities are called "video", "audio", "text",
        "modality_3", … by default.

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
        return _non_empty(_from_wide(X, modalities))
    if modalities is not None:
        _check_widths(array, modalities)
        array = array.select(list(modalities))
    return _non_empty(array)


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
        parts = (X, *more)
        return dict(zip(_positional_names(len(parts), modalities), parts, strict=True))
    # Some sparse matrices are dicts.
    return X if isinstance(X, Mapping) and not issparse(X) else _object_columns(X)


def check_modalities(modalities: Any) -> None:
    """Raise unless `modalities` names each modality once, by a str."""
    if modalities is None:
        return
    if isinstance(modalities, str) or not isinstance(modalities, Mapping | Sequence | np.ndarray):
        raise TypeError(f"modalities must be a dict or a sequence of names, got {modalities!r}.")
    names = list(modalities)
    if not names:
        raise ValueError("modalities must name at least one modality, got none.")
    check_names(names)


def _non_empty(array: MultimodalArray) -> MultimodalArray:
    if not len(array):
        raise ValueError(EMPTY.format("X"))
    return array


def _positional_names(count: int, modalities: Iterable[str] | None) -> list[str]:
    if modalities is None:
        return [*DEFAULT_NAMES, *(f"modality_{i}" for i in range(3, count))][:count]
    names = list(modalities)
    if len(names) != count:
        raise ValueError(
            f"modalities names {len(names)} modalities {names}, but {count} were given."
        )
    return names


def _check_widths(array: MultimodalArray, modalities: Any) -> None:
    if not isinstance(modalities, Mapping):
        return
    for name, width in modalities.items():
        given = array.n_features.get(name)
        if isinstance(width, slice):
            raise TypeError(
                f"modalities has columns of {name!r}, {width}, but X is not one wide array."
            )
        if given is not None and width != given:
            raise ValueError(
                f"Modality {name!r} has frames of {given} features, but modalities says {width}."
            )


def _from_parts(parts: Mapping[Any, Any]) -> MultimodalArray:
    if not list(parts):
        raise ValueError("X must name at least one modality, got none.")
    check_names(list(parts))
    flat = {name: _flatten(part, f"modality {name!r}") for name, part in parts.items()}
    return MultimodalArray.from_frames(
        {name: values for name, (values, _) in flat.items()},
        {name: lengths for name, (_, lengths) in flat.items()},
    )


def _from_wide(X: Any, modalities: Any) -> MultimodalArray:
    values, lengths = _flatten(X, "X")
    whole = MultimodalArray.from_frames({"X": values}, {"X": lengths})
    return whole.select(_column_slices(values.shape[1], modalities))


def _column_slices(width: int, modalities: Any) -> dict[str, slice]:
    if modalities is None:
        modalities = _default_widths(width)
    if not isinstance(modalities, Mapping):
        # As equal as possible, the first ones wider, like np.array_split.
        names = list(modalities)
        modalities = {n: (width + len(names) - 1 - i) // len(names) for i, n in enumerate(names)}
    sizes = dict(modalities)
    if all(isinstance(size, slice) for size in sizes.values()):
        return sizes
    if not all(isinstance(s, Integral) and not isinstance(s, bool) for s in sizes.values()):
        raise TypeError(
            "modalities must give every modality of a wide array its width (an int), or every "
            f"one its columns (a slice), got {sizes}."
        )
    if min(sizes.values()) < 1:
        raise ValueError(
            f"X has {width} features, too few for a width >= 1 of each modality in "
            f"modalities={sizes}."
        )
    ends = np.cumsum(list(sizes.values())).tolist()
    if ends[-1] != width:
        raise ValueError(
            f"X has {width} features, but modalities={sizes} expects {ends[-1]}: pass all "
            "modalities side by side, or each as an array of its own."
        )
    starts = [0, *ends]
    return {name: slice(starts[i], ends[i]) for i, name in enumerate(sizes)}


def _default_widths(width: int) -> dict[str, int]:
    if width == sum(YOUTUBE8M_WIDTHS.values()):
        return YOUTUBE8M_WIDTHS
    return {"video": 1} if width == 1 else {"video": width - width // 2, "audio": width // 2}


def _object_columns(X: Any) -> dict[Any, list[Any]] | None:
    """Return the columns of a data frame whose cells are frames, or None for anything else."""
    if not (hasattr(X, "columns") and hasattr(X, "__getitem__")):
        return None
    if len(set(X.columns)) < len(list(X.columns)):
        raise ValueError(f"The data frame X has several columns of one name: {list(X.columns)}.")
    columns = {name: X[name] for name in X.columns}
    plain = [name for name, column in columns.items() if np.ndim(_first(column)) == 0]
    if plain and len(plain) < len(columns):
        raise ValueError(
            f"Columns {plain} of the data frame X have no frames, others do; each cell must be an "
            "array (T_i, d) or (d,), or None."
        )
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
    if isinstance(part, Sequence) and not len(part):
        raise ValueError(EMPTY.format(name))
    if _is_ragged(part):
        return _flatten_ragged(part, name)
    objects = isinstance(part, np.ndarray) and part.dtype == object and part.ndim == 1
    if (objects or isinstance(part, list | tuple)) and len(part) and all(map(_is_empty, part)):
        raise ValueError(
            f"{name} has frames in none of its {len(part)} videos, so that their width is "
            "unknown: expected an array (T_i, d) for at least one of them."
        )
    values = _as_numbers(part, name)
    if values.ndim == 2:
        return values, np.ones(len(values), np.int64)
    n, n_frames, width = values.shape
    return values.reshape(n * n_frames, width), np.full(n, n_frames)


def _as_numbers(part: Any, name: str) -> Array:
    """Return frames (n, d) or (n, T, d) as an array of floats or uint8."""
    wanted = f"{name} must be an array of numbers (n, d) or (n, T, d), or a list of (T_i, d)"
    try:
        array = part if hasattr(part, "dtype") or hasattr(part, "columns") else np.asarray(part)
        _check_numbers(array, wanted)
        with np.errstate(over="ignore"):  # overflow gives infinity, which is an error later
            values: Array = check_array(
                array,
                dtype=[np.float32, np.float64, np.float16, np.uint8],
                allow_nd=True,
                ensure_all_finite=False,
                input_name=name,
            )
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:  # torch's, of gradients
        if str(error).startswith((wanted, "Complex data")):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{error}\n{wanted}, got {type(part).__name__}.{_hint(part)}") from error
    if values.ndim not in (2, 3):
        raise ValueError(f"{wanted}, got shape {values.shape}.{_hint(part)}")
    return values


def _hint(part: Any) -> str:
    """Return the next step for a list of modalities, "" for anything else."""
    if isinstance(part, list | tuple) and len(part) and len(_shape(part[0])) in (1, 3):
        return (
            " If these are several modalities, give each as an argument of its own, (X_video, "
            "X_audio), or as_multimodal({name: X, ...})."
        )
    return ""


def _check_numbers(array: Any, wanted: str) -> None:
    """Raise ValueError unless all items of an array may be numbers."""
    dtype = getattr(array, "dtype", None)
    kind = getattr(dtype, "kind", "O")
    if kind not in "biufcO":  # objects may be numbers
        hint = " Files are not opened here: load their frames first. y comes last."
        raise ValueError(f"{wanted}, got dtype {dtype}.{hint if kind in 'US' else ''}")
    if kind == "c":  # the message of check_array would print all of it
        raise ValueError(f"Complex data not supported: {wanted}, got dtype {dtype}.")
    if np.ma.is_masked(array):
        raise ValueError(f"{wanted}, got a masked array; fill it first.")


def _is_ragged(part: Any) -> bool:
    if isinstance(part, np.ndarray):
        return part.dtype == object and part.ndim == 1 and len(_shape(_first(part))) == 2
    return isinstance(part, Sequence) and len(_shape(_first(part))) == 2


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


def _flatten_ragged(part: Iterable[Any], name: str) -> tuple[Array, Array]:
    first = np.asarray(_first(part))
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
        raise ValueError(
            f"{name} has shape {array.shape}, expected (T_i, {width}) as in the rows before, or "
            "None for a video without frames. Pass several modalities as separate arguments."
        )
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{wanted}, got dtype {array.dtype}.")
    if np.ma.is_masked(row):
        raise ValueError(f"{wanted}, got a masked array; fill it first.")
    return array
