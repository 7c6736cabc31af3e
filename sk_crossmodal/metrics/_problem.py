"""Labels and scores, checked once and read in blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from .._types import Array, Bools, Floats
from ._validation import check_labels, check_scores, check_weights

# What is copied at a time. Row blocks, in scores, are small and stay in the cache. Column blocks,
# in bytes, are wide, so that a cache line of a row is used whole; they are filled a few rows at a
# time, since every row is on another page of memory.
ROW_BLOCK = 2**20
COLUMN_BLOCK = 2**25
ROWS_AT_A_TIME = 512
ROWS = ("either", "truth", "all")


@dataclass(frozen=True, eq=False)
class Problem:
    """What is scored: a table of scores, some videos (rows) of which may be left out."""

    scores: Floats
    labels: sp.csr_array
    weights: Floats | None = None
    keep: Bools | None = None

    @property
    def n_videos(self) -> int:
        """Number of selected videos."""
        return int(self.labels.shape[0])

    @property
    def n_labels(self) -> int:
        """Number of labels."""
        return int(self.labels.shape[1])

    @cached_property
    def positives(self) -> tuple[Array, Array]:
        """Video and label of every true label, ordered by video, then label."""
        n_true = np.diff(self.labels.indptr)
        return np.repeat(np.arange(self.n_videos, dtype=np.int32), n_true), self.labels.indices

    def weights_of(self, videos: Array | slice) -> Floats | None:
        """Return the weights of some videos, or None if all weigh the same."""
        return None if self.weights is None else self.weights[videos]

    def row_blocks(self, size: int | None = None) -> Iterator[tuple[int, Floats]]:
        """Yield (number of the first video, scores of some videos), in order."""
        step = max(1, (size or ROW_BLOCK) // self.n_labels)
        first = 0
        for start in range(0, len(self.scores), step):
            block = self._read(slice(start, start + step), slice(None))
            if len(block):
                yield first, block
            first += len(block)

    def columns(self) -> Iterator[Floats]:
        """Yield the scores of each label, shape (n_videos,), to be used before the next."""
        width = max(1, COLUMN_BLOCK // max(1, self.n_videos * self.scores.itemsize))
        width = min(width, self.n_labels)
        block = np.empty((width, self.n_videos), self.scores.dtype)
        for start in range(0, self.n_labels, width):
            columns = slice(start, min(start + width, self.n_labels))
            near = block[: columns.stop - start]
            self._transpose(columns, near)
            yield from near

    def among(self, stay: Bools) -> "Problem":
        """Return the problem of some of the videos, given by a boolean array."""
        keep = np.ones(len(self.scores), bool) if self.keep is None else self.keep.copy()
        keep[keep] = stay
        return Problem(self.scores, self.labels[stay], self.weights_of(stay), keep)

    def _read(self, rows: slice, columns: slice) -> Floats:
        block = self.scores[rows, columns]
        return block if self.keep is None else block[self.keep[rows]]

    def _transpose(self, columns: slice, out: Floats) -> None:
        # Rows of an odd length: those of a power of two would all compete for one place in the
        # cache, where they have to stay while columns are read.
        padded = np.empty((ROWS_AT_A_TIME, len(out) | 1), out.dtype)
        first = 0
        for start in range(0, len(self.scores), ROWS_AT_A_TIME):
            piece = self._read(slice(start, start + ROWS_AT_A_TIME), columns)
            near = padded[: len(piece), : len(out)]
            near[...] = piece
            out[:, first : first + len(piece)] = near.T
            first += len(piece)


def prepare(y_true: Any, y_score: ArrayLike, sample_weight: ArrayLike | None = None) -> Problem:
    """Check the three inputs of every score."""
    labels = check_labels(y_true)
    scores = check_scores(y_score, labels.shape)
    problem = Problem(scores, labels, check_weights(sample_weight, len(scores)))
    if problem.weights is None or problem.weights.all():
        return problem
    return problem.among(problem.weights > 0)
