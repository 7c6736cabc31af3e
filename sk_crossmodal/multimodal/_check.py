"""The one door for multi-modal input: every accepted form becomes a `MultimodalArray`."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array

from .._types import Array
from ._array import MultimodalArray
from ._given import check_columns
from ._store import Store

DEFAULT_NAMES = ("video", "audio", "text")
YOUTUBE8M_WIDTHS = {"video": 1024, "audio": 128}


def as_multimodal(
    X: Any, *more: Any, modalities: Mapping[str, int | slice] | Sequence[str] | None = None
) -> MultimodalArray:
    """Turn any accepted form of X into a `MultimodalArray`.

    Parameters
    ----------
    X : MultimodalArray, dict, SliceDict, data frame, array or list
        One of

        - a `MultimodalArray`;
        - a dict (or ``skorch.helper.SliceDict``) of name to one modality's frames;
        - a data frame with one object column a modality, each cell (T_i, d) or (d,);
        - one modality's frames, followed by those of the others in `more`;
        - one wide array or list whose columns are split as `modalities` says.

        One modality's frames are an array (n, T, d), an array (n, d) of one frame a video, or a
        list of n arrays (T_i, d), with None or an empty one for a video without frames.
    *more : array or list
        Frames of the second, third, … modality when X is the first one's.
    modalities : dict of str to int or slice, or sequence of str, optional
        For one wide array: the widths, or the column slices, of its modalities. By default 1152
        columns are YouTube-8M's 1024 of video and 128 of audio, other arrays are cut in halves,
        and a single column is one modality. For every other form: the names of the modalities
        to use, in order. Positional modalities are called "video", "audio", "text",
        "modality_3", … by default.

    Returns
    -------
    MultimodalArray
        The frames, shared with the input where its form allows.

    Raises
    ------
    ValueError
        If X is empty, or shapes, numbers of rows, widths or names do not fit.
    TypeError
        If X is sparse or of a form that is not in the list.

    Examples
    --------
    >>> import numpy as np
    >>> as_multimodal(np.zeros((2, 5)), modalities={"video": 3, "audio": 2}).n_features
    {'video': 3, 'audio': 2}
    >>> as_multimodal([np.zeros((7, 3)), np.zeros((2, 3))], [np.zeros((1, 2))] * 2)
    MultimodalArray(2 videos, video: 2-7 frames of 3 float64, audio: 1 frames of 2 float64)
    """
    _check_names(modalities)
    if issparse(X):
        raise TypeError(
            "Sparse data was passed for X, but dense data is required: frames are dense."
        )
    if isinstance(X, Store):
        raise TypeError("X is a Store; its videos are an attribute of it, store.data.")
    if more:
        names = _positional_names(1 + len(more), modalities)
        array = _from_mapping(dict(zip(names, (X, *more), strict=True)))
    elif isinstance(X, MultimodalArray):
        array = X
    elif isinstance(X, Mapping):
        array = _from_mapping(X)
    elif (columns := _object_columns(X)) is not None:
        array = _from_mapping(columns)
    else:
        return _non_empty(_from_wide(X, modalities))
    if modalities is not None:
        _check_widths(array, modalities)
        array = array.select(list(modalities))
    return _non_empty(array)


def has_named_modalities(X: Any) -> bool:
    """Tell whether X itself says which modality is which.

    Parameters
    ----------
    X : any form that `as_multimodal` takes
        The videos.

    Returns
    -------
    bool
        True for a container, a dict and a data frame of one column a modality.

    Examples
    --------
    >>> has_named_modalities({"video": [[1.0]]}), has_named_modalities([[1.0]])
    (True, False)
    """
    return isinstance(X, MultimodalArray | Mapping) or _object_columns(X) is not None


def _check_names(modalities: Any) -> None:
    """Raise unless `modalities` names each modality once, by a str."""
    if modalities is None:
        return
    if isinstance(modalities, str) or not isinstance(modalities, Mapping | Sequence | np.ndarray):
        raise TypeError(f"modalities must be a dict or a sequence of names, got {modalities!r}.")
    names = list(modalities)
    if not names:
        raise ValueError("modalities must name at least one modality, got none.")
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"Names of modalities must be str, got {names}.")
    if len(set(names)) < len(names):
        raise ValueError(f"modalities must name each modality once, got {names}.")


def _non_empty(array: MultimodalArray) -> MultimodalArray:
    if not len(array):
        raise ValueError(
            "Found array with 0 sample(s) while a minimum of 1 is required: X is empty."
        )
    return array


def _positional_names(count: int, modalities: Iterable[str] | None) -> list[str]:
    if modalities is None:
        return [
            DEFAULT_NAMES[i] if i < len(DEFAULT_NAMES) else f"modality_{i}" for i in range(count)
        ]
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
                f"modalities gives columns of {name!r}, {width}, but X is no wide array: its "
                "modalities are apart already."
            )
        if given is not None and width != given:
            raise ValueError(
                f"Modality {name!r} has frames of {given} features, but modalities says {width}."
            )


def _from_mapping(parts: Mapping[Any, Any]) -> MultimodalArray:
    if not list(parts):
        raise ValueError("X must name at least one modality, got none.")
    flat = {}
    for name, part in parts.items():
        if not isinstance(name, str):
            raise TypeError(f"Names of modalities must be str, got {name!r}.")
        flat[name] = _flatten(part, f"modality {name!r}")
    counts = {name: len(lengths) for name, (_, lengths) in flat.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(f"Modalities have different numbers of rows: {counts}.")
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
        # As equal as can be, the first ones wider, as np.array_split does.
        names = list(modalities)
        modalities = {n: (width + len(names) - 1 - i) // len(names) for i, n in enumerate(names)}
    if all(isinstance(size, slice) for size in modalities.values()):
        slices: dict[str, slice] = dict(modalities)
    elif not all(_is_width(size) for size in modalities.values()):
        raise TypeError(
            "modalities must give every modality of a wide array its width (an int), or every "
            f"one its columns (a slice), got {dict(modalities)}."
        )
    else:
        ends = np.cumsum(list(modalities.values()))
        if min(modalities.values()) < 1:
            raise ValueError(
                f"X has {width} features, too few for a width >= 1 of each modality in "
                f"modalities={dict(modalities)}."
            )
        if ends[-1] != width:
            raise ValueError(
                f"X has {width} features, but modalities={dict(modalities)} expects {ends[-1]}: "
                "give all modalities side by side, or each as an array of its own."
            )
        slices = {
            name: slice(int(end - size), int(end))
            for (name, size), end in zip(modalities.items(), ends, strict=True)
        }
    return {name: check_columns(name, columns, width) for name, columns in slices.items()}


def _is_width(size: Any) -> bool:
    return isinstance(size, Integral) and not isinstance(size, bool)


def _default_widths(width: int) -> dict[str, int]:
    if width == sum(YOUTUBE8M_WIDTHS.values()):
        return YOUTUBE8M_WIDTHS
    if width == 1:
        return {"video": 1}
    return {"video": width - width // 2, "audio": width // 2}


def _object_columns(X: Any) -> dict[Any, list[Any]] | None:
    """Columns of a data frame whose cells are frames, or None for anything else."""
    if not (hasattr(X, "columns") and hasattr(X, "__getitem__")):
        return None
    if len(set(X.columns)) < len(list(X.columns)):
        raise ValueError(f"The data frame X has several columns of one name: {list(X.columns)}.")
    columns = {name: X[name] for name in X.columns}
    plain = [name for name, column in columns.items() if np.ndim(_first(column)) == 0]
    if plain and len(plain) < len(columns):
        raise ValueError(
            f"Columns {plain} of the data frame X hold no frames, and others do; each cell must "
            "be an array (T_i, d) or (d,), or None."
        )
    if plain:
        return None
    return {
        name: [
            cell if np.ndim(cell) != 1 or _is_empty(cell) else np.atleast_2d(cell) for cell in c
        ]
        for name, c in columns.items()
    }


def _flatten(part: Any, what: str) -> tuple[Array, Array]:
    """One modality's frames as ((n_frames, d) values, (n,) lengths)."""
    if issparse(part):
        raise TypeError(f"Sparse data was passed for {what}, but dense data is required.")
    if isinstance(part, Sequence) and not len(part):
        raise ValueError(
            f"Found array with 0 sample(s) while a minimum of 1 is required: {what} is empty."
        )
    if isinstance(part, MultimodalArray):
        raise TypeError(
            f"A MultimodalArray was passed for {what}; it holds all, and stands alone."
        )
    if _is_ragged(part):
        return _flatten_ragged(part, what)
    objects = isinstance(part, np.ndarray) and part.dtype == object and part.ndim == 1
    if (objects or isinstance(part, list | tuple)) and len(part) and all(map(_is_empty, part)):
        raise ValueError(
            f"{what} has frames in none of its {len(part)} videos, and nothing that says how wide "
            "they are: expected an array (T_i, d) for at least one of them."
        )
    values = _as_numbers(part, what)
    if values.ndim == 2:
        return values, np.ones(len(values), np.int64)
    n, n_frames, width = values.shape
    return values.reshape(n * n_frames, width), np.full(n, n_frames)


def _as_numbers(part: Any, what: str) -> Array:
    """Frames (n, d) or (n, T, d) as an array of floats or uint8."""
    wanted = f"{what} must be an array of numbers (n, d) or (n, T, d), or a list of (T_i, d)"
    try:
        array = part if hasattr(part, "dtype") or hasattr(part, "columns") else np.asarray(part)
        _check_numbers(array, wanted)
        with np.errstate(over="ignore"):  # what overflows is infinite, and refused as such
            values: Array = check_array(
                array,
                dtype=[np.float32, np.float64, np.float16, np.uint8],
                allow_nd=True,
                ensure_all_finite=False,
                input_name=what,
            )
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:  # gradients, too
        if str(error).startswith((wanted, "Complex data")):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{error}\n{wanted}, got {type(part).__name__}.{_meant(part)}") from error
    if values.ndim not in (2, 3):
        raise ValueError(f"{wanted}, got shape {values.shape}.{_meant(part)}")
    return values


def _meant(part: Any) -> str:
    """Say what is to be done about a list of modalities or file names; "" of all else."""
    if isinstance(part, list | tuple) and len(part) and len(_shape(part[0])) in (1, 3):
        return (
            " If these are several modalities, give each as an argument of its own, (X_video, "
            "X_audio), or as_multimodal({name: X, ...})."
        )
    return ""


def _check_numbers(array: Any, wanted: str) -> None:
    """Raise ValueError where an array holds no numbers, or not all of them."""
    dtype = getattr(array, "dtype", None)
    if getattr(dtype, "kind", "O") not in "biufcO":  # objects may be numbers, complex is refused
        files = dtype is not None and dtype.kind in "US"
        hint = " Files are not opened here: load their frames first. y comes last." * files
        raise ValueError(f"{wanted}, got dtype {dtype}.{hint}")
    if getattr(dtype, "kind", "O") == "c":  # check_array would print all of it
        raise ValueError(f"Complex data not supported: {wanted}, got dtype {dtype}.")
    if np.ma.is_masked(array):
        raise ValueError(f"{wanted}, got a masked array; fill in what is masked.")


def _is_ragged(part: Any) -> bool:
    if isinstance(part, np.ndarray):
        return part.dtype == object and part.ndim == 1 and len(_shape(_first(part))) == 2
    return isinstance(part, Sequence) and len(_shape(_first(part))) == 2


def _is_empty(row: Any) -> bool:
    """Tell whether a video has nothing in a modality: None, NaN, or an empty list or array."""
    if row is None or (isinstance(row, float) and np.isnan(row)):
        return True
    return _shape(row) == (0,)


def _shape(row: Any) -> tuple[int, ...]:
    """Shape of what may be no array: (-1,) for lists of unequal lengths."""
    try:
        return np.shape(row)
    except ValueError:
        return (-1,)


def _first(part: Iterable[Any]) -> Any:
    """Return the first video that has something, else the first that says how wide it is."""
    candidates = (row for row in part if not _is_empty(row))
    first = next(candidates, None)
    if first is None or 0 not in _shape(first):
        return first
    return next((row for row in candidates if 0 not in _shape(row)), first)


def _flatten_ragged(part: Iterable[Any], what: str) -> tuple[Array, Array]:
    first = np.asarray(_first(part))
    width = first.shape[1]
    nothing = np.empty((0, width), first.dtype)
    rows = [
        nothing if _is_empty(row) else _as_row(row, i, nothing, what) for i, row in enumerate(part)
    ]
    return np.concatenate(rows), np.array([len(row) for row in rows])


def _as_row(row: Any, i: int, nothing: Array, what: str) -> Array:
    """Frames of one video as an array of numbers (T_i, width)."""
    width = nothing.shape[1]
    wanted = f"Row {i} of {what} must be an array of numbers (T_i, {width})"
    try:
        array = np.asarray(row)
    except ValueError as error:
        raise ValueError(f"{wanted}, got {type(row).__name__}: {error}") from error
    if array.shape == nothing.shape:  # an empty float64 array must not make float64 of all others
        return nothing
    if array.ndim != 2 or array.shape[1] != width:
        raise ValueError(
            f"Row {i} of {what} has shape {array.shape}, expected (T_i, {width}) as in the rows "
            "before, or None where a video has no frames. Several modalities are several "
            "arguments."
        )
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{wanted}, got dtype {array.dtype}.")
    if np.ma.is_masked(row):
        raise ValueError(f"{wanted}, got a masked array; fill in what is masked.")
    return array
