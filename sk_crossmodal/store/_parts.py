"""One part of a store: its files are written and checked together."""

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .._types import Array, Ints
from ..validation import as_array, short
from ._checks import as_lengths, as_list, as_mapping, as_utf8, damaged, first_bad_frame
from ._layout import LABEL, LENGTH, TEXT, StoredModality, StoredPart
from ._npy import GrowingNpy, load_npy, npy_layout

Lists = tuple[Ints, Array]  # sizes or ends of the list of each video, and all items in one array
MAX_LABEL = np.iinfo(LABEL).max
LABELS, IDS = ("labels.indptr.npy", "labels.indices.npy"), ("ids.indptr.npy", "ids.text.npy")


class PartWriter:
    """A part of a store that is being written; `StoreWriter.part` returns one."""

    def __init__(self, folder: str, modalities: tuple[StoredModality, ...]) -> None:
        self._folder, self._modalities = folder, modalities
        self._files: dict[str, GrowingNpy] = {}
        self._videos, self._failed, self._closed = 0, False, False
        for modality in modalities:
            frames, lengths = modality.file("frames"), modality.file("lengths")
            self._open(frames, modality.stored_dtype, (modality.width,))
            self._open(lengths, LENGTH)

    def append(
        self,
        frames: Mapping[str, tuple[ArrayLike, ArrayLike]],
        *,
        labels: Iterable[Iterable[int]] | None = None,
        ids: Iterable[str] | None = None,
    ) -> None:
        """Write further videos: all of them, or nothing if an argument is not valid."""
        if self._closed:
            raise ValueError(f"Videos cannot be added to {self._folder}: the part is complete.")
        as_mapping("frames", frames)
        names = [m.name for m in self._modalities]
        if set(frames) != set(names):
            raise ValueError(f"Frames of {names} are needed, got {list(frames)}.")
        arrays = {m.name: self._as_arrays(m, frames[m.name]) for m in self._modalities}
        counts = {name: len(lengths) for name, (_, lengths) in arrays.items()}
        if len(set(counts.values())) > 1:
            raise ValueError(f"Modalities must have equally many videos, got {counts}.")
        n = counts[names[0]]
        if not n:
            return
        lists = {LABELS: _label_lists(labels, n), IDS: _id_lists(ids, n)}
        for files, what in ((LABELS, "labels"), (IDS, "ids")):
            if self._videos and (files[0] in self._files) != (lists[files] is not None):
                raise ValueError(f"{what} must be given for all videos of a part or for none.")
        self._failed = True
        self._write(arrays, lists)
        self._videos, self._failed = self._videos + n, False

    def __enter__(self) -> "PartWriter":
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._closed = True
        with ExitStack() as stack:  # closes the other files if one fails
            for file in self._files.values():
                stack.callback(file.close, error is None)
        if error is None and self._failed:
            raise ValueError(f"Writing to {self._folder} failed before: it is incomplete.")

    def _open(self, name: str, dtype: DTypeLike, shape: tuple[int, ...] = ()) -> None:
        self._files[name] = GrowingNpy(os.path.join(self._folder, name), dtype, shape)

    def _as_arrays(self, modality: StoredModality, pair: Any) -> tuple[Array, Array]:
        """Return frames and lengths of one modality as arrays."""
        name = f"modality {modality.name!r}"
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            kind = type(pair).__name__
            raise TypeError(f"Frames and lengths of {name} must be a pair, got {kind}.")
        values = as_array(f"Frames of {name}", pair[0])
        if (values.dtype.name, values.shape[1:]) != (modality.dtype, (modality.width,)):
            wanted = f"{modality.dtype} of shape (n_frames, {modality.width})"
            given = f"{values.dtype} of shape {values.shape}"
            raise ValueError(f"Frames of {name} must be {wanted}, got {given}.")
        lengths = as_lengths(modality.name, pair[1], len(values))
        if (bad := first_bad_frame(values)) is not None:
            row = self._videos + np.searchsorted(np.cumsum(lengths), bad, side="right")
            raise ValueError(f"NaN or infinity in {name}, row {row} of the part.")
        return values, lengths

    def _write(
        self, arrays: dict[str, tuple[Array, Array]], lists: dict[tuple[str, str], Lists | None]
    ) -> None:
        for modality in self._modalities:
            values, lengths = arrays[modality.name]
            self._files[modality.file("frames")].append(values)
            self._files[modality.file("lengths")].append(lengths)
        for (indptr, flat), given in lists.items():
            if given is None:
                continue
            sizes, values = given
            if indptr not in self._files:
                self._open(indptr, LENGTH)
                self._open(flat, values.dtype)
                self._files[indptr].append([0])
            self._files[indptr].append(self._files[flat].length + np.cumsum(sizes))
            self._files[flat].append(values)


@dataclass(frozen=True)
class PartContent:
    """The content of a part: its entry in the header, lengths by video, offsets in files."""

    entry: StoredPart
    lengths: dict[str, Ints]
    offsets: dict[str, int]
    labels: bool
    ids: bool


def read_part(folder: str, modalities: tuple[StoredModality, ...]) -> PartContent:
    """Read lengths, and check that all files of a part are complete and consistent."""
    lengths, counts, offsets = {}, {}, {}
    for m in modalities:
        frames, file = (os.path.join(folder, m.file(kind)) for kind in ("frames", "lengths"))
        lengths[m.name] = each = load_npy(file, LENGTH, (None,))
        offsets[m.name], (counts[m.name], _) = npy_layout(frames, m.stored_dtype, (None, m.width))
        if each.min(initial=0) < 0 or each.sum() != counts[m.name]:
            raise damaged(f"{file} should add up to the {counts[m.name]} frames in {frames}")
    (n, *more) = {len(each) for each in lengths.values()}
    if more:
        raise damaged(f"modalities in {folder} differ in their numbers of videos")
    has = []
    for files in (LABELS, IDS):
        indptr, flat = (os.path.join(folder, name) for name in files)
        has.append(os.path.exists(indptr) or os.path.exists(flat))
        if has[-1]:
            npy_layout(indptr, LENGTH, (n + 1,))
            npy_layout(flat, LABEL if files == LABELS else TEXT, (None,))
    return PartContent(StoredPart(os.path.basename(folder), n, counts), lengths, offsets, *has)


def read_lists(folder: str, files: tuple[str, str]) -> Lists:
    """Read the labels or ids of a part: those of video i are flat[indptr[i] : indptr[i + 1]]."""
    indptr_file, flat_file = (os.path.join(folder, name) for name in files)
    indptr = load_npy(indptr_file, LENGTH, (None,))
    flat = load_npy(flat_file, LABEL if files == LABELS else TEXT, (None,))
    if indptr[0] != 0 or (np.diff(indptr) < 0).any() or indptr[-1] != len(flat):
        raise damaged(f"{indptr_file} should rise from 0 to the length of {flat_file}")
    return indptr, flat


def _label_lists(labels: Any, n: int) -> Lists | None:
    """Return numbers of labels, (n,), and all labels, sorted, each once per video."""
    if labels is None:
        return None
    labels = [as_list("labels of a video", each) for each in as_list("labels", labels)]
    if len(labels) != n:
        raise ValueError(f"labels must have an entry for each of {n} videos, got {len(labels)}.")
    flat = as_array("labels", list(chain.from_iterable(labels)))
    integers = flat.ndim == 1 and flat.dtype.kind in "iu"
    if flat.size and not (integers and 0 <= flat.min() <= flat.max() <= MAX_LABEL):
        raise ValueError(f"labels must be integers from 0 to {MAX_LABEL}, got {short(flat)}.")
    rows = np.repeat(np.arange(n), [len(each) for each in labels])
    order = np.lexsort((flat, rows))
    rows, flat = rows[order], flat[order]
    new = np.ones(len(flat), bool)
    new[1:] = (rows[1:] != rows[:-1]) | (flat[1:] != flat[:-1])
    return np.bincount(rows[new], minlength=n), flat[new].astype(LABEL)


def _id_lists(ids: Any, n: int) -> Lists | None:
    """Return numbers of bytes, (n,), and all ids as UTF-8."""
    if ids is None:
        return None
    ids = as_list("ids", ids)
    # An array of str may lose the character 0.
    if len(ids) != n or not all(isinstance(each, str) and "\0" not in each for each in ids):
        raise ValueError(f"ids must be {n} str without the character 0, got {short(ids)}.")
    coded = [as_utf8("ids", each) for each in ids]
    return np.array([len(each) for each in coded]), np.frombuffer(b"".join(coded), TEXT)
