"""The frames of one modality: flat, one video behind the other."""

from dataclasses import dataclass, replace

import numpy as np

BLOCK = 1 << 18  # numbers looked at in one go when all frames are walked through


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames of one modality of n videos.

    Parameters
    ----------
    values : ndarray of shape (n_frames_total, n_features)
        All frames, uint8 or floating, in memory or memory-mapped. Never copied.
    starts, lengths : ndarray of shape (n,), int64
        Video i is ``values[starts[i] : starts[i] + lengths[i]]``.
    scale, shift : float
        A stored number q means ``q * scale + shift``.
    """

    values: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    scale: float = 1.0
    shift: float = 0.0

    @classmethod
    def from_lengths(cls, values, lengths, scale=1.0, shift=0.0):
        """Frames whose videos lie directly behind each other."""
        lengths = np.asarray(lengths, dtype=np.int64)
        return cls(values, np.cumsum(lengths) - lengths, lengths, float(scale), float(shift))

    @property
    def width(self):
        """Number of features of a frame."""
        return self.values.shape[1]

    @property
    def is_quantised(self):
        """Whether stored numbers differ from what they mean."""
        return (self.scale, self.shift) != (1.0, 0.0)

    def take(self, rows):
        """The same frames for a selection of videos; no frame is touched."""
        return replace(self, starts=self.starts[rows], lengths=self.lengths[rows])

    def columns(self, columns):
        """The same videos with a selection of features."""
        return replace(self, values=self.values[:, columns])

    def stored(self, row):
        """The frames of one video as they are stored, (T, n_features)."""
        start = self.starts[row]
        return self.values[start : start + self.lengths[row]]

    def dequantise(self, stored):
        """What stored numbers mean, as float32 (float64 stays float64)."""
        dtype = np.float64 if stored.dtype == np.float64 else np.float32
        if not self.is_quantised:
            return stored.astype(dtype)
        return stored.astype(dtype) * dtype(self.scale) + dtype(self.shift)

    def blocks(self):
        """Yield (rows, their stored frames) in blocks of bounded size."""
        per_block = max(1, BLOCK // max(1, self.width))
        n = len(self.lengths)
        ends = np.cumsum(self.lengths)
        first = 0
        while first < n:
            taken = ends[first] - self.lengths[first]
            last = max(first + 1, int(np.searchsorted(ends, taken + per_block, side="right")))
            rows = np.arange(first, last)
            yield rows, np.concatenate([self.stored(row) for row in rows])
            first = last

    def between(self, first, last):
        """Stored frames `first` to `last`, counted over all videos one behind the other."""
        ends = np.cumsum(self.lengths)
        places = np.arange(first, last)
        rows = np.searchsorted(ends, places, side="right")
        shifts = (self.starts - ends + self.lengths)[rows]
        if len(places) and (shifts == shifts[0]).all():  # nothing to pick together, or to copy
            return self.values[first + shifts[0] : last + shifts[0]]
        return self.values[places + shifts]

    def first_bad_row(self):
        """Index of the first video with NaN or infinity among its frames, or None."""
        if self.values.dtype.kind != "f":
            return None
        for rows, block in self.blocks():
            # The sum is one pass without a temporary; only a bad or a huge sum asks for more.
            with np.errstate(over="ignore", invalid="ignore"):
                fine = np.isfinite(block.sum(dtype=np.float64))
            if fine or (good := np.isfinite(block).all(axis=1)).all():
                continue
            bad_frame = int(np.argmin(good))
            return int(rows[np.searchsorted(np.cumsum(self.lengths[rows]), bad_frame, "right")])
        return None
