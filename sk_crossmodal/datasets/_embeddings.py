"""load_embeddings: files of embeddings as a MultimodalArray."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ._conversion import convert
from ._hdf5 import Hdf5Reader
from ._loading import check_arguments, collect, find_files
from ._npy import TREE, NpyReader
from ._npz import NpzReader
from ._reader import READERS, Reader
from ._stored import load_store
from ._tables import TableReader
from ._torch_files import TorchReader

# In the order in which they are tried: files of a folder are of the first format that it has.
OWN_READERS: dict[str, type[Reader]] = {
    "tables": TableReader,
    "numpy_archives": NpzReader,
    "torch": TorchReader,
    "hdf5": Hdf5Reader,
    "numpy_files": NpyReader,
}
_PICKLES = (".pkl", ".pickle", ".joblib")
for _name, _reader in OWN_READERS.items():
    READERS.register(_name, _reader)


def load_embeddings(
    files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    modalities: Sequence[str] | None = None,
    labels: str | None = "labels",
    ids: str | None = "id",
    rates: Mapping[str, float] | None = None,
    return_X_y: bool = False,
    store: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
) -> Any:
    """Load your own embeddings from Parquet, Arrow, NumPy, torch or HDF5 files.

    The format is detected automatically.

    - **Parquet**, Arrow's IPC file (also Feather, version 2) or IPC stream: one row per video. A
      column is a modality: each row has a list of frames, and each frame is a list of numbers, all
      of one length. A row may also be one list of numbers, for a video of one frame. These need
      pyarrow, the extra ``tables`` of this package.
    - **Named arrays** in ``.npz``, ``.pt``, ``.pth`` (dicts of tensors), ``.h5`` or ``.hdf5``
      files (with h5py, the extra ``hdf5``): per modality an array (n, T, d) or (n, d), a list of n
      arrays (T_i, d), or all frames (sum of T_i, d) and their number in each video in an array
      ``<name>_lengths``. Or groups: per modality an array (T, d) for each video, or the other way
      round. Or files of one video each, whose names are the ids unless the files
      have an ``id``, and which may have the ``label`` of their video.
    - **.npy** files: one array (n, T, d) per modality; or a folder with one file (T, d) per video
      and modality, ``<modality>/<id>.npy`` or ``<id>/<modality>.npy``, or as ``.pt`` with one
      tensor each.
    - Another format that has a reader in :data:`READERS`.

    Pickled objects are never read.

    Parameters
    ----------
    files : str, path-like, or iterable of these
        Files; a folder stands for its files of one format (of several formats, the first of
        ``READERS``), or for ``.npy`` files in folders below it; a pattern such as
        ``"part*.parquet"`` for the files that match.
    modalities : sequence of str, default=None
        The columns or arrays that are modalities, in this order. None takes all those of floats,
        except `labels`, `ids`, and columns whose names are usual for labels, ids, weights or
        times, such as "tags", "label_ids" or "timestamps". A warning lists the columns of numbers
        that are left out. Integers, also quantised frames of uint8, must be named.
    labels : str, default="labels"
        Column of the labels: strings such as ``"Transport:Land:Car"`` or integers, one or a list
        of them per video. Lists of one length (2 or more) that contain only 0 and 1, or False and
        True, in all rows are an indicator: the labels of a video are the numbers of the columns
        that have a 1. A column of the default name may be missing. None reads none. Of arrays, the
        name of an array (n,) or an indicator (n, n_labels), whose columns an array ``label_names``
        may name; by default also "label" or "y". Or, for arrays, the path of a CSV file whose
        columns ``id`` or ``file``, and ``labels``, say which video has which label: a row per
        label, or JSON lists. A file ``labels.csv`` in a folder of videos is read by default.
    ids : str, default="id"
        Column of the names of the videos, strings or integers. A column of the default name may
        be missing. None reads none.
    rates : dict of str to float, default=None
        Frames per second of each modality, see
        :meth:`~sk_crossmodal.multimodal.MultimodalArray.pad`. None keeps those of the store.
    return_X_y : bool, default=False
        Whether to return only ``(data, target)``.
    store : path-like, default=None
        Folder of a store on disk. The files are converted to it in little memory, and `data` stays
        on disk. The same call again resumes an interrupted conversion, or opens the finished
        store. None reads everything into memory.
    progress : bool, default=None
        Whether to show a progress bar. None shows it in a terminal.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        With n videos in the order of the files:

        - ``data``: :class:`~sk_crossmodal.multimodal.MultimodalArray` of shape (n,). Frames of
          float32, float16 and uint8 are kept; other numbers become float32, the type that the
          networks compute in.
        - ``target``: list of n tuples, the labels of each video, or None. A store contains them
          as columns of an indicator, whose names are its attribute ``labels``;
          :func:`load_store` returns the names.
        - ``ids``: ndarray of str of shape (n,), or None.

    Raises
    ------
    TypeError
        If a parameter has the wrong type.
    ImportError
        If pyarrow or h5py is needed and not installed.
    FileNotFoundError
        If a file does not exist.
    ValueError
        If a file has another format, is damaged or contains pickled objects, a column is missing
        or of another type, files or the widths of a modality differ, a value is missing (null) or
        not finite, lists of 0 and 1 are neither labels nor an indicator, a table of labels lacks a
        video, or `store` is something else, or made from other files.

    Warns
    -----
    UserWarning
        If texts look like lists of labels, such as "a,b".

    See Also
    --------
    load_store : Open the store again.
    Reader : Base class for readers of other formats.
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
    _check_columns(modalities, labels, ids)
    check_arguments(return_X_y, progress, store)
    suffixes = [each.suffixes for each in _ordered_readers().values()]
    paths = find_files(files, suffixes, "file", tree=TREE)
    reader = _find_reader(paths)(modalities, labels, ids)
    if store is None:
        bunch = collect(reader, paths, progress, rates)
    else:
        bunch = load_store(convert(reader, paths, store, progress=progress, rates=rates).path)
    return (bunch.data, bunch.target) if return_X_y else bunch


def _check_columns(modalities: Any, labels: Any, ids: Any) -> None:
    for name, value in (("labels", labels), ("ids", ids)):
        if not isinstance(value, str | None):
            raise TypeError(f"{name} must be the name of a column or None, got {value!r}.")
    if modalities is None:
        return
    wanted = "modalities must be None or a list of at least one column, each once"
    is_list = isinstance(modalities, Sequence) and not isinstance(modalities, str | bytes)
    if not is_list or not all(isinstance(name, str) for name in modalities):
        raise TypeError(f"{wanted}, got {modalities!r}.")
    if not modalities or len(set(modalities)) < len(modalities):
        raise ValueError(f"{wanted}, got {modalities!r}.")


def _ordered_readers() -> dict[str, type[Reader]]:
    """Return the readers in the order in which they are tried: those of users first."""
    added = {name: reader for name, reader in READERS.items() if name not in OWN_READERS}
    return {**added, **OWN_READERS}


def _find_reader(files: Sequence[Path]) -> type[Reader]:
    """Return the reader that matches all files."""
    readers = _ordered_readers()
    names = [next((n for n, each in readers.items() if each.matches(file)), "") for file in files]
    for file, name in zip(files, names, strict=True):
        if not name:
            if file.suffix.lower() in _PICKLES:
                advice = "it may run code when it is read. Save numbers, such as by np.savez"
                raise ValueError(f"{file} is a pickle and is not read, as {advice}.")
            known = ", ".join(f"{n} ({' '.join(r.suffixes)})" for n, r in readers.items())
            raise ValueError(f"{file} is not Parquet or Arrow; readers: {known}.")
        if name != names[0]:
            raise ValueError(f"{files[0]} and {file} have different formats: load each alone.")
    return READERS[names[0]]
