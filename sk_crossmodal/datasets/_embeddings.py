"""load_embeddings: Parquet and Arrow files of embeddings as a MultimodalArray."""

import os
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._types import Array, Ints
from ..multimodal import MultimodalArray
from ._columns import holds_frames
from ._description import Description, describe
from ._embedding_store import convert_tables
from ._tables import Table, open_tables


def load_embeddings(
    files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    modalities: Sequence[str] | None = None,
    labels: str | None = "labels",
    ids: str | None = "id",
    return_X_y: bool = False,
    store: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
) -> Any:
    """Load embeddings of your own from Parquet or Arrow files, one row a video.

    A column is a modality: in each row a list of frames, each of them a list of as many numbers;
    or one list of numbers, a video of one frame. What a file is, is told by looking: Parquet,
    Arrow's IPC file (also Feather, version 2) or IPC stream. It needs pyarrow, the extra
    ``tables`` of this package.

    Parameters
    ----------
    files : str, path-like, or iterable of these
        Files; a folder stands for its files that end in ``.parquet``, ``.pq``, ``.arrow``,
        ``.feather`` or ``.ipc``, a pattern such as ``"part*.parquet"`` for those that match it.
    modalities : sequence of str, default=None
        Columns that are modalities, in this order. None takes all columns of lists of numbers,
        but for `labels` and `ids`.
    labels : str, default="labels"
        Column of the labels: strings such as ``"Transport:Land:Car"`` or whole numbers, or a
        list of these a video. A column of the default name may be missing. None reads none.
    ids : str, default="id"
        Column that names the videos, strings or whole numbers. A column of the default name may
        be missing. None reads none.
    return_X_y : bool, default=False
        Give ``(data, target)`` alone.
    store : path-like, default=None
        Folder of a store on disk. The files are converted to it, in constant memory but for
        labels and ids, and `data` stays there. The same call again goes on where it was
        interrupted, and only opens the store when it is finished. None reads everything into
        memory.
    progress : bool, default=None
        Whether to show a progress bar. None shows it if there is a terminal.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        With n videos in the order of the files:

        - ``data``: :class:`~sk_crossmodal.multimodal.MultimodalArray` of shape (n,). Frames of
          float32, float16 and uint8 are kept as they are; other numbers become float32, in
          which the networks compute.
        - ``target``: list of n tuples, the labels of each video, or None. In a store they are
          columns of an indicator, which its attribute ``labels`` names; :func:`load_store`
          gives them back.
        - ``ids``: ndarray of str of shape (n,), or None.

    Raises
    ------
    TypeError
        If a parameter has the wrong type.
    ImportError
        If pyarrow is not installed.
    FileNotFoundError
        If a file does not exist.
    ValueError
        If a file is of another kind or damaged; if a column is missing, or not of lists of
        numbers; if files do not fit each other, or frames of a modality are not all of one
        width; if something is missing (null) or not finite; or if `store` is something else, or
        made from other files.

    See Also
    --------
    load_store : Open the store again.
    sk_crossmodal.multimodal.as_multimodal : Arrays, lists and data frames in memory.

    Examples
    --------
    >>> import os, tempfile
    >>> import pyarrow as pa, pyarrow.parquet as pq
    >>> from sk_crossmodal.datasets import load_embeddings
    >>> table = pa.table(
    ...     {
    ...         "clip": [[[0.0, 1.0], [0.5, 0.5]], [[1.0, 0.0]]],  # two frames, and one
    ...         "clap": [[[0.1, 0.2, 0.3]], [[0.3, 0.2, 0.1]]],
    ...         "labels": [["Transport:Land"], ["Sport", "Transport"]],
    ...         "id": ["a4Xk", "zz9P"],
    ...     }
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pq.write_table(table, os.path.join(folder, "videos.parquet"))
    ...     videos = load_embeddings(folder)
    >>> videos.data
    MultimodalArray(2 videos, clip: 1-2 frames of 2 float32, clap: 1 frames of 3 float32)
    >>> videos.target
    [('Transport:Land',), ('Sport', 'Transport')]
    """
    _check_names(modalities, labels, ids)
    if not isinstance(return_X_y, bool | np.bool_):
        raise TypeError(f"return_X_y must be True or False, got {return_X_y!r}.")
    if not isinstance(progress, bool | np.bool_ | None):
        raise TypeError(f"progress must be True, False or None, got {progress!r}.")
    if not isinstance(store, str | os.PathLike | None):
        raise TypeError(f"store must be a str, path-like or None, got {store!r}.")
    tables = open_tables(files)
    columns = _modalities(tables[0], modalities, {labels, ids})
    label_column = _optional("labels", labels, tables[0])
    about = describe(tables, columns, label_column, _optional("ids", ids, tables[0]))
    if store is None:
        bunch = Bunch(data=_read(tables, about, progress), target=about.labels, ids=_ids(about))
    else:
        bunch = convert_tables(tables, about, store, progress)
    return (bunch.data, bunch.target) if return_X_y else bunch


def _check_names(modalities: Any, labels: Any, ids: Any) -> None:
    for name, value in (("labels", labels), ("ids", ids)):
        if not isinstance(value, str | None):
            raise TypeError(f"{name} must be the name of a column or None, got {value!r}.")
    if modalities is None:
        return
    if isinstance(modalities, str | bytes) or not isinstance(modalities, Sequence):
        raise TypeError(f"modalities must be a list of columns or None, got {modalities!r}.")
    if not all(isinstance(name, str) for name in modalities):
        raise TypeError(f"modalities must be names of columns, got {modalities!r}.")
    if not modalities or len(set(modalities)) < len(modalities):
        raise ValueError(
            f"modalities must name at least one column, each once, got {modalities!r}."
        )


def _modalities(table: Table, given: Sequence[str] | None, others: set[str | None]) -> list[str]:
    """Columns that are modalities; ValueError if there are none."""
    schema = table.schema
    if given is not None:
        return list(given)
    found = [
        field.name for field in schema if field.name not in others and holds_frames(field.type)
    ]
    if not found:
        raise ValueError(
            f"{table.path} has no column of lists of numbers, which a modality is; its columns "
            f"are {_told(table)}."
        )
    return found


def _optional(parameter: str, name: str | None, table: Table) -> str | None:
    """Name of a column; None if it is not there and need not be."""
    if name is None or name in table.schema.names:
        return name
    if name == {"labels": "labels", "ids": "id"}[parameter]:
        return None
    raise ValueError(
        f"{table.path} has no column {name!r} for {parameter}; its columns are {_told(table)}."
    )


def _told(table: Table) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in table.schema)


def _ids(about: Description) -> Array | None:
    return None if about.ids is None else np.array(about.ids, dtype=str)


def _read(tables: Sequence[Table], about: Description, progress: bool | None) -> MultimodalArray:
    """Read all frames into memory."""
    # They grow in place; a list of arrays would need all the memory twice at the end.
    flat = {name: bytearray() for name in about.widths}
    lengths: dict[str, list[Ints]] = {name: [] for name in about.widths}
    with about.bar(progress) as bar:
        for block in chain.from_iterable(about.blocks(table, bar) for table in tables):
            for name, (frames, sizes) in block.items():
                flat[name] += np.ascontiguousarray(frames).reshape(-1).view(np.uint8).data
                lengths[name].append(sizes)
    return MultimodalArray.from_frames(
        {
            name: np.frombuffer(each, about.dtypes[name]).reshape(-1, about.widths[name])
            for name, each in flat.items()
        },
        {name: np.concatenate(each) for name, each in lengths.items()},
    )
