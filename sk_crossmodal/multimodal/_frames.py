"""The frames of one modality: flat, one video behind the other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import ArrayLike, DTypeLike

from .._types import Array, Bools, Floats, Ints
from ._given import as_array
from ._stored import StoredFrames

BLOCK = 1 << 18  # numbers looked at in one go when all frames are walked through
SMALL = 1 << 16  # bytes of a video; less is copied sooner than Python has turned to the next


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames of one modality of n videos."""

    values: Array | StoredFrames
    starts: Ints
    lengths: Ints
    scale: float = 1.0
    shift: float = 0.0

    @classmethod
    def from_lengths(
        cls,
        values: Array | StoredFrames,
        lengths: ArrayLike,
        scale: float = 1.0,
        shift: float = 0.0,
    ) -> "Frames":
        """Frames whose videos lie directly behind each other."""
        counts = np.asarray(lengths, dtype=np.int64)
        return cls(values, np.cumsum(counts) - counts, counts, float(scale), float(shift))

    @property
    def width(self) -> int:
        """Number of features of a frame."""
        return int(self.values.shape[1])

    @property
    def is_quantised(self) -> bool:
        """Whether stored numbers differ from what they mean."""
        return (self.scale, self.shift) != (1.0, 0.0)

    def take(self, rows: Ints) -> "Frames":
        """The same frames for a selection of videos; no frame is touched."""
        return replace(self, starts=self.starts[rows], lengths=self.lengths[rows])

    def columns(self, columns: slice) -> "Frames":
        """The same videos with a selection of features."""
        return replace(self, values=self.values[:, columns])

    def stored(self, row: int) -> Array:
        """The frames of one video as they are stored, (T, n_features)."""
        start = self.starts[row]
        return self.values[start : start + self.lengths[row]]

    def dequantise(self, stored: Array) -> Floats:
        """What stored numbers mean, as float32 (float64 stays float64)."""
        dtype = np.dtype(np.float64 if stored.dtype == np.float64 else np.float32)
        numbers: Floats = stored.astype(dtype)
        if self.is_quantised:
            numbers = numbers * dtype.type(self.scale) + dtype.type(self.shift)
        return numbers

    def padded(self, line: Ints, mask: Bools) -> Array:
        """Read the first moments of each video; the rest is zero."""
        straight = self.lengths == line
        out = self._windows(mask.shape[1])
        if out is None:
            out = np.empty((*mask.shape, self.width), self.values.dtype)
            self._read_straight(out, straight, mask)
        elif not mask.all():
            out[~mask] = 0
        if not straight.all():
            self._read_nearest(out, line, mask)
        return out

    def _windows(self, width: int) -> Array | None:
        """`width` frames from each start on, also beyond the video; None if that is not quick."""
        values = self.values
        many = len(values) - width + 1
        if isinstance(values, StoredFrames) or width * self.width * values.itemsize > SMALL:
            return None
        if self.starts.max(initial=0) >= many:
            return None
        shape, steps = (many, width, self.width), (values.strides[0], *values.strides)
        windows = as_strided(values, shape, steps, writeable=False)
        return np.ascontiguousarray(windows[self.starts])

    def _read_straight(self, out: Array, straight: Bools, mask: Bools) -> None:
        """Read the videos that are as long as their time line; zero behind what is read of any."""
        n_read = mask.sum(axis=1)
        for padded, k in zip(out, n_read.tolist(), strict=True):
            padded[k:] = 0
        rows = np.flatnonzero(straight & (n_read > 0))
        places = [out[b, :k] for b, k in zip(rows.tolist(), n_read[rows].tolist(), strict=True)]
        if isinstance(self.values, StoredFrames):
            self.values.read_each(places, self.starts[rows])
            return
        for place, start in zip(places, self.starts[rows].tolist(), strict=True):
            place[:] = self.values[start : start + len(place)]

    def _read_nearest(self, out: Array, line: Ints, mask: Bools) -> None:
        """Read the videos that are shorter than their time line, at each moment the nearest."""
        for b in np.flatnonzero((self.lengths != line) & mask[:, 0]):
            moments, start = np.arange(mask[b].sum()), self.starts[b]
            nearest = (2 * moments + 1) * self.lengths[b] // (2 * line[b])
            out[b, : len(moments)] = self.values[start : start + nearest[-1] + 1][nearest]

    def gather(self, rows: Ints | slice) -> Array:
        """The frames of some videos behind each other; in memory, a view if they lie so."""
        lengths = self.lengths[rows]
        begins, lengths = self.starts[rows][lengths > 0], lengths[lengths > 0]
        return joined(self.values, begins, lengths)

    def blocks(self) -> Iterator[tuple[Ints, Array]]:
        """Yield (rows, their stored frames) in blocks of bounded size."""
        per_block = max(1, BLOCK // max(1, self.width))
        n = len(self.lengths)
        ends = np.cumsum(self.lengths)
        first = 0
        while first < n:
            taken = ends[first] - self.lengths[first]
            last = max(first + 1, int(np.searchsorted(ends, taken + per_block, side="right")))
            rows = np.arange(first, last)
            yield rows, self.gather(rows)
            first = last

    def between(self, first: int, last: int) -> Array:
        """Stored frames `first` to `last`, counted over all videos one behind the other."""
        ends = np.cumsum(self.lengths)
        begin, end = np.searchsorted(ends, (first, last - 1), side="right")
        rows = slice(begin, end + 1)
        ends, lengths = ends[rows], self.lengths[rows]
        skipped = np.maximum(0, first - (ends - lengths))  # at the beginning of the first
        left = lengths - skipped - np.maximum(0, ends - last)
        return joined(self.values, (self.starts[rows] + skipped)[left > 0], left[left > 0])

    def may_be_bad(self, dtype: np.dtype[Any]) -> bool:
        """Whether some frame may not be finite in this dtype."""
        known = isinstance(self.values, StoredFrames) and self.values.finite
        given = self.values.dtype
        return given.kind == "f" and not (known and given.itemsize <= dtype.itemsize)


def first_bad_frame(frames: Array, dtype: DTypeLike = np.float64) -> int | None:
    """Return the index of the first frame that is not finite in this dtype, or None."""
    if frames.dtype.kind != "f":
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        if frames.dtype.itemsize > np.dtype(dtype).itemsize:
            frames = frames.astype(dtype)
        # The sum needs no temporary array; only a bad or a huge sum asks for more.
        if np.isfinite(frames.sum(dtype=np.float64)):
            return None
    good = np.isfinite(frames).all(axis=1)
    return None if good.all() else int(np.argmin(good))


def copy_frames(out: Array, values: Array | StoredFrames, start: int) -> None:
    """Fill `out` (k, n_features) with k frames, of which `start` is the first."""
    if isinstance(values, StoredFrames):
        values.read_into(out, start)
    else:
        out[:] = values[start : start + len(out)]


def joined(values: Array | StoredFrames, begins: Ints, lengths: Ints) -> Array:
    """Read stretches of frames, none of them empty; what is one stretch is one slice."""
    breaks = np.flatnonzero(begins[1:] != begins[:-1] + lengths[:-1]) + 1
    firsts = np.append(0, breaks) if len(begins) else breaks
    begins, lengths = begins[firsts], np.add.reduceat(lengths, firsts) if len(begins) else lengths
    if len(begins) == 1:
        return values[begins[0] : begins[0] + lengths[0]]
    out, place = np.empty((lengths.sum(), values.shape[1]), values.dtype), 0
    for begin, length in zip(begins.tolist(), lengths.tolist(), strict=True):
        copy_frames(out[place : place + length], values, begin)
        place += length
    return out


def check_lengths(name: str, lengths: Any, n_frames: int) -> Array:
    """Return numbers of frames as an array; ValueError if they do not fit the frames."""
    given = as_array(f"Lengths of modality {name!r}", lengths)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise ValueError(
            f"Lengths of modality {name!r} must be integers of shape (n,), got {lengths!r}."
        )
    if (given < 0).any() or (given > n_frames).any() or given.sum() != n_frames:
        raise ValueError(
            f"Lengths of modality {name!r} must be non-negative and add up to its {n_frames} "
            f"frames, got a sum of {given.sum(dtype=object)}."
        )
    return given
