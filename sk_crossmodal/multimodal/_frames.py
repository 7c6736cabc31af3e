"""The frames of one modality: those of all videos in one flat array."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from .._types import Array, Bools, Floats, Ints
from ..store import StoredFrames, StoreFiles
from ._timeline import Steps

BLOCK = 1 << 18  # numbers in a block of frames
SMALL = 1 << 16  # bytes of a video, up to which one copy of all is faster than a loop


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames of one modality; video i has ``values[starts[i] : starts[i] + lengths[i]]``."""

    values: Array | StoredFrames
    starts: Ints
    lengths: Ints
    scale: float = 1.0
    shift: float = 0.0
    rate: float | None = None  # frames per second, if known

    @classmethod
    def from_lengths(
        cls,
        values: Array | StoredFrames,
        lengths: ArrayLike,
        scale: float = 1.0,
        shift: float = 0.0,
        rate: float | None = None,
    ) -> "Frames":
        """Return the frames of consecutive videos."""
        counts = np.asarray(lengths, dtype=np.int64)
        return cls(values, np.cumsum(counts) - counts, counts, float(scale), float(shift), rate)

    @property
    def width(self) -> int:
        """Number of features of a frame."""
        return int(self.values.shape[1])

    @property
    def is_quantised(self) -> bool:
        """Whether stored numbers differ from their values."""
        return (self.scale, self.shift) != (1.0, 0.0)

    def take(self, rows: Ints) -> "Frames":
        """Return the frames of some videos, without reading them."""
        return replace(self, starts=self.starts[rows], lengths=self.lengths[rows])

    def without_padding(self) -> "Frames":
        """Return the videos without frames at their end that are NaN throughout."""
        if isinstance(self.values, StoredFrames) or self.values.dtype.kind != "f":
            return self
        lengths = self.lengths.copy()
        rows = np.flatnonzero(lengths)
        while len(rows):
            last = self.starts[rows] + lengths[rows] - 1
            rows = rows[np.isnan(self.values[last, 0])]  # few, before whole frames are read
            last = self.starts[rows] + lengths[rows] - 1
            rows = rows[np.isnan(self.values[last]).all(axis=1)]
            lengths[rows] -= 1
            rows = rows[lengths[rows] > 0]
        return replace(self, lengths=lengths)

    def columns(self, columns: slice) -> "Frames":
        """Return the same videos with some features."""
        return replace(self, values=self.values[:, columns])

    def stored(self, row: int) -> Array:
        """Return the frames of one video as they are stored, (T, n_features)."""
        start = self.starts[row]
        return self.values[start : start + self.lengths[row]]

    def dequantise(self, stored: Array) -> Floats:
        """Return the values of stored numbers as float32, those of float64 as float64."""
        dtype = np.dtype(self._float_dtype())
        numbers: Floats = stored.astype(dtype)
        if self.is_quantised:
            numbers = numbers * dtype.type(self.scale) + dtype.type(self.shift)
        return numbers

    def _float_dtype(self) -> type[np.floating[Any]]:
        return np.float64 if self.values.dtype == np.float64 else np.float32

    def padded(self, steps: Steps, mask: Bools) -> Array:
        """Read the frames of each masked time step, zeros elsewhere; means are floats."""
        plain, dense = steps.is_plain, steps.is_dense & mask[:, 0]
        out = self._windows(mask.shape[1])
        if out is None:
            out = np.empty((*mask.shape, self.width), self.values.dtype)
            self._read_plain(out, plain, mask)
        elif not mask.all():
            out[~mask] = 0
        counts = mask.sum(axis=1)
        for b in np.flatnonzero(~plain & ~dense & mask[:, 0]).tolist():
            nearest, start = steps.nearest(b, counts[b]), self.starts[b]
            out[b, : counts[b]] = self.values[start : start + nearest[-1] + 1][nearest]
        if dense.any():
            out = out.astype(self._float_dtype(), copy=False)
            for b in np.flatnonzero(dense).tolist():
                self._read_means(out[b, : counts[b]], self.starts[b], *steps.windows(b, counts[b]))
        return out

    def _windows(self, width: int) -> Array | None:
        """Copy `width` frames from each start, also beyond the video; None if this is slow."""
        values = self.values
        n_windows = len(values) - width + 1
        if isinstance(values, StoredFrames) or width * self.width * values.itemsize > SMALL:
            return None
        if self.starts.max(initial=0) >= n_windows:
            return None
        shape, steps = (n_windows, width, self.width), (values.strides[0], *values.strides)
        windows = as_strided(values, shape, steps, writeable=False)
        return np.ascontiguousarray(windows[self.starts])

    def _read_plain(self, out: Array, plain: Bools, mask: Bools) -> None:
        """Read the videos with one frame per time step, and set all padding to zero."""
        n_read = mask.sum(axis=1)
        for padded, k in zip(out, n_read.tolist(), strict=True):
            padded[k:] = 0
        rows = np.flatnonzero(plain & (n_read > 0))
        places = [out[b, :k] for b, k in zip(rows.tolist(), n_read[rows].tolist(), strict=True)]
        if isinstance(self.values, StoredFrames):
            self.values.read_each(places, self.starts[rows])
            return
        for place, start in zip(places, self.starts[rows].tolist(), strict=True):
            place[:] = self.values[start : start + len(place)]

    def _read_means(self, out: Array, start: int, begins: Ints, ends: Ints) -> None:
        """Read the means of windows of frames of one video, block by block."""
        for block in row_blocks(ends - begins, max(1, BLOCK // self.width)):
            first, last = begins[block.start], ends[block.stop - 1]
            values = self.values[start + first : start + last]
            out[block] = window_means(values, begins[block] - first, ends[block] - first)

    def gather(self, rows: Ints | slice) -> Array:
        """Return the frames of some videos in one array, a view if they are adjacent in memory."""
        lengths = self.lengths[rows]
        begins, lengths = self.starts[rows][lengths > 0], lengths[lengths > 0]
        return _joined(self.values, begins, lengths)

    def blocks(self) -> Iterator[tuple[Ints, Array]]:
        """Yield (rows, stored frames) in blocks of whole videos: one video or `BLOCK` numbers."""
        for block in row_blocks(self.lengths, max(1, BLOCK // max(1, self.width))):
            rows = np.arange(block.start, block.stop)
            yield rows, self.gather(rows)

    def between(self, first: int, last: int) -> Array:
        """Return stored frames `first` to `last`, counted over all videos."""
        ends = np.cumsum(self.lengths)
        begin, end = np.searchsorted(ends, (first, last - 1), side="right")
        rows = slice(begin, end + 1)
        ends, lengths = ends[rows], self.lengths[rows]
        skipped = np.maximum(0, first - (ends - lengths))  # at the start of the first video
        left = lengths - skipped - np.maximum(0, ends - last)
        return _joined(self.values, (self.starts[rows] + skipped)[left > 0], left[left > 0])

    def may_be_bad(self, dtype: np.dtype[Any]) -> bool:
        """Whether some frame may be infinite or NaN in this dtype."""
        known = isinstance(self.values, StoredFrames) and self.values.finite
        given = self.values.dtype
        return given.kind == "f" and not (known and given.itemsize <= dtype.itemsize)


def window_means(values: Array, begins: Ints, ends: Ints) -> Floats:
    """Return the mean of each window of frames, computed in float64."""
    counts = ends - begins
    stops = np.cumsum(counts)
    columns = np.arange(stops[-1]) + np.repeat(begins - (stops - counts), counts)
    inside = (np.ones(len(columns)), columns, np.append(0, stops))
    sums: Floats = csr_array(inside, shape=(len(counts), len(values))) @ values.astype(float)
    return sums / counts[:, None]


def cut_padding(values: Array, lengths: Ints) -> tuple[Array, Ints]:
    """Return the frames of consecutive videos without those of only NaN at their end."""
    part = Frames.from_lengths(values, lengths)
    cut = part.without_padding().lengths
    if (cut == part.lengths).all():
        return values, lengths
    place = np.arange(len(values)) - np.repeat(part.starts, part.lengths)
    return values[place < np.repeat(cut, part.lengths)], cut


def row_blocks(sizes: Ints, limit: int) -> Iterator[slice]:
    """Yield slices of rows whose sizes add up to at most `limit`, or of one larger row."""
    ends, first = np.cumsum(sizes), 0
    while first < len(ends):
        most = ends[first] - sizes[first] + limit
        last = max(first + 1, int(np.searchsorted(ends, most, side="right")))
        yield slice(first, last)
        first = last


def _joined(values: Array | StoredFrames, begins: Ints, lengths: Ints) -> Array:
    """Read several non-empty ranges of frames; adjacent ranges are read as one."""
    breaks = np.flatnonzero(begins[1:] != begins[:-1] + lengths[:-1]) + 1
    firsts = np.append(0, breaks) if len(begins) else breaks
    begins, lengths = begins[firsts], np.add.reduceat(lengths, firsts) if len(begins) else lengths
    if len(begins) == 1:
        return values[begins[0] : begins[0] + lengths[0]]
    out, place = np.empty((lengths.sum(), values.shape[1]), values.dtype), 0
    for begin, length in zip(begins.tolist(), lengths.tolist(), strict=True):
        here, place = out[place : place + length], place + length
        if isinstance(values, StoredFrames):
            values.read_into(here, begin)
        else:
            here[:] = values[begin : begin + length]
    return out


def stored_frames(files: StoreFiles) -> dict[str, Frames]:
    """Return the frames of a store by modality; they stay on the disk."""
    return {
        m.name: Frames.from_lengths(*files.frames(m), m.scale, m.shift, m.rate)
        for m in files.header.modalities
    }
