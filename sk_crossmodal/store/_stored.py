"""Frames that stay on the disk, in the files of a store, and are read by position."""

import os
from bisect import bisect_right
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from .._types import Array, Ints
from ._layout import StoredModality

N_READERS = 4  # threads that read a large batch
MIN_THREADED = 1 << 22  # bytes; below, one thread is faster
MAX_OPEN_FILES = 64  # per modality of a store; a process may often open 1024 in all


class StoredFrames:
    """The frames of one modality of a store, as an array that can be sliced."""

    ndim = 2

    def __init__(self, files: "FrameFiles", columns: slice = slice(None)) -> None:
        self.files, self.columns = files, columns
        self.dtype, self.finite = files.dtype, files.finite  # see `StoredModality`
        self.shape = (files.ends[-1], len(range(files.width)[columns]))

    def __len__(self) -> int:
        return self.files.ends[-1]

    def __getitem__(self, key: slice | tuple[slice, slice]) -> Any:
        """Read frames, ``[start:stop]``, or select features without reading, ``[:, slice]``."""
        if isinstance(key, tuple):
            columns = _slice_of_slice(self.columns, key[1], self.files.width)
            return StoredFrames(self.files, columns)
        start, stop, _ = key.indices(len(self))
        out = np.empty((max(0, stop - start), self.shape[1]), self.dtype)
        self.read_into(out, start)
        return out

    def read_into(self, out: Array, start: int) -> None:
        """Fill C-contiguous `out` (k, n_features) with the k frames from `start` on."""
        if self._is_whole():
            self.files.read_into(out, start)
        else:
            whole = np.empty((len(out), self.files.width), self.dtype)
            self.files.read_into(whole, start)
            out[:] = whole[:, self.columns]

    def read_each(self, outs: Sequence[Array], starts: Ints) -> None:
        """Fill several non-empty arrays, each with frames of one part, from its start on."""
        if self._is_whole():
            self.files.read_each(outs, starts)
        else:
            for out, start in zip(outs, starts.tolist(), strict=True):
                self.read_into(out, start)

    def _is_whole(self) -> bool:
        return self.shape[1] == self.files.width and self.columns.step in (None, 1)


class FrameFiles:
    """The files of one modality, one per part, read as one array."""

    # `os.preadv` reads into the buffer of the caller: the pages of a memory map would count
    # against memory limits. A pickle has the paths of the files, not their content. `parts` has
    # the folder of each part, its number of frames, and the offset of the first in its file.

    def __init__(self, parts: Sequence[tuple[str, int, int]], modality: StoredModality) -> None:
        self.parts, self.modality = list(parts), modality
        self.dtype, self.width = modality.stored_dtype, modality.width
        self.finite, name = modality.finite, modality.file("frames")
        counts, offsets = np.reshape([each[1:] for each in parts], (-1, 2)).T.astype(int)
        self.ends: list[int] = [0, *np.cumsum(counts).tolist()]  # the n-th part begins at ends[n]
        self._row_bytes = self.width * self.dtype.itemsize
        self._files = [
            (os.path.join(folder, name), offset + count * self._row_bytes)
            for folder, count, offset in parts
        ]
        # The file position at which frame 0 of the whole array would be.
        self._places = offsets - np.array(self.ends[:-1]) * self._row_bytes
        # A reader holds the file, so that it stays open when the cache drops it.
        self._open = lru_cache(MAX_OPEN_FILES)(_OpenFile)

    def __reduce__(self) -> tuple[Callable[..., "FrameFiles"], tuple[Any, ...]]:
        return FrameFiles, (self.parts, self.modality)

    def read_into(self, out: Array, start: int) -> None:
        """Fill C-contiguous `out` (k, width) with the k frames from `start` on."""
        part = bisect_right(self.ends, start) - 1
        while len(out):
            here = out[: self.ends[part + 1] - start]
            if len(here):
                self.read_each([here], np.array([start]))
            out, start, part = out[len(here) :], start + len(here), part + 1

    def read_each(self, outs: Sequence[Array], starts: Ints) -> None:
        """Fill several non-empty arrays, each with frames of one part, from its start on."""
        parts = np.searchsorted(self.ends, starts, side="right") - 1
        places = self._places[parts] + starts * self._row_bytes
        wanted = list(zip(outs, parts.tolist(), places.tolist(), strict=True))
        if sum(out.nbytes for out in outs) < MIN_THREADED:
            self._read(wanted)
            return
        with ThreadPoolExecutor(N_READERS, "store_reader") as readers:
            list(readers.map(self._read, (wanted[i::N_READERS] for i in range(N_READERS))))

    def _read(self, wanted: list[tuple[Array, int, int]]) -> None:
        for out, part, place in wanted:
            file = self._open(*self._files[part])
            if (done := os.preadv(file.fd, [out.data], place)) < out.nbytes:
                file.read_rest(out, place, done)


class _OpenFile:
    """A file descriptor that is closed when its last reference is gone."""

    def __init__(self, path: str, size: int) -> None:
        self.path, self.size, self.fd = path, size, -1
        try:
            self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise FileNotFoundError(f"{path} is gone: its store was moved or deleted.") from None
        self._check_size()

    def read_rest(self, out: Array, place: int, done: int) -> None:
        """Read the rest after `done` bytes: one call reads at most 2 GB."""
        rest = out.reshape(-1).view(np.uint8)
        while done < len(rest):
            self._check_size()
            done += os.preadv(self.fd, [rest[done:].data], place + done)

    def _check_size(self) -> None:
        if (size := os.fstat(self.fd).st_size) != self.size:
            raise ValueError(f"{self.path} has {size} bytes, not {self.size}: it was changed.")

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        # When Python exits, `os` may be gone already.
        if self.fd >= 0:
            close(self.fd)


def join_stored(name: str, parts: Sequence[StoredFrames]) -> tuple[StoredFrames, list[int]]:
    """Return the frames of one modality of several stores as one array, and where each begins."""
    if len({(part.dtype, part.columns.indices(part.files.width)) for part in parts}) > 1:
        given = [f"{part.dtype} of columns {part.columns}" for part in parts]
        raise ValueError(
            f"{name!r} must have the same dtype and columns in all stores, got {given}."
        )
    joined: list[tuple[str, int, int]] = []
    offsets: list[int] = []
    for i, part in enumerate(parts):
        same = next((j for j in range(i) if parts[j].files.parts == part.files.parts), None)
        offsets.append(sum(n for _, n, _ in joined) if same is None else offsets[same])
        joined += part.files.parts if same is None else ()
    modality = replace(parts[0].files.modality, finite=all(part.finite for part in parts))
    return StoredFrames(FrameFiles(joined, modality), parts[0].columns), offsets


def _slice_of_slice(outer: slice, inner: slice, length: int) -> slice:
    """Return the slice that is equal to `[outer][inner]` of `length` columns."""
    picked = range(length)[outer][inner]
    stop = None if picked.stop < 0 else picked.stop  # reversed, to the first column
    return slice(picked.start, stop, picked.step)
