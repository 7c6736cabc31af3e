"""Labels, scores and weights, checked once and read in blocks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from .._types import Array, Bools, Floats, Ints
from ..validation import NamedColumns, column_orders, take_columns
from ._label_sets import as_indicator
from ._validation import as_labels, as_scores, as_weights

SampleWeight: TypeAlias = ArrayLike | None

ROW_BLOCK = 2**20  # scores per block of rows: few, so that they stay in the cache
# Bytes per block of columns: many, so that each cache line of a row is used completely. The block
# is filled a few rows at a time, because each row is on a different page of memory.
COLUMN_BLOCK = 2**25
TRANSPOSED_ROWS = 512


@dataclass(frozen=True, eq=False)
class ScoringInput:
    """Scores, true labels and weights; `keep` selects some of the rows of `scores`."""

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
        """Yield the scores of each label, shape (n_videos,); the next one overwrites them."""
        width = max(1, COLUMN_BLOCK // max(1, self.n_videos * self.scores.itemsize))
        width = min(width, self.n_labels)
        block = np.empty((width, self.n_videos), self.scores.dtype)
        for start in range(0, self.n_labels, width):
            columns = slice(start, min(start + width, self.n_labels))
            filled = block[: columns.stop - start]
            self._transpose(columns, filled)
            yield from filled

    def select(self, included: Bools) -> "ScoringInput":
        """Return the input of some of the videos, given by a boolean array."""
        keep = np.ones(len(self.scores), bool) if self.keep is None else self.keep.copy()
        keep[keep] = included
        return ScoringInput(self.scores, self.labels[included], self.weights_of(included), keep)

    def _read(self, rows: slice, columns: slice) -> Floats:
        block = self.scores[rows, columns]
        return block if self.keep is None else block[self.keep[rows]]

    def _transpose(self, columns: slice, out: Floats) -> None:
        # Rows have an odd length: rows of a power of two would all compete for the same place in
        # the cache, where they must stay while columns are read.
        padded = np.empty((TRANSPOSED_ROWS, len(out) | 1), out.dtype)
        first = 0
        for start in range(0, len(self.scores), TRANSPOSED_ROWS):
            rows = self._read(slice(start, start + TRANSPOSED_ROWS), columns)
            copied = padded[: len(rows), : len(out)]
            copied[...] = rows
            out[:, first : first + len(rows)] = copied.T
            first += len(rows)


def prepare(
    y_true: Any, y_score: ArrayLike, sample_weight: SampleWeight = None, hierarchy: Any = None
) -> ScoringInput:
    """Check the inputs of every score, match columns by name, and drop videos of weight zero."""
    labels, (scores,), _ = match_columns(y_true, {"y_score": y_score}, hierarchy)
    inputs = ScoringInput(scores, labels, as_weights(sample_weight, len(scores)))
    if inputs.weights is None or inputs.weights.all():
        return inputs
    return inputs.select(inputs.weights > 0)


def match_columns(
    y_true: Any, y_scores: Mapping[str, ArrayLike], hierarchy: Any = None, names: Any = None
) -> tuple[sp.csr_array, list[Floats], Ints | None]:
    """Return the indicator and each model's scores in one order of the labels, by name.

    It is the order of `hierarchy`, if one is given; `names` are those of the columns of arrays.
    The last result is the position of the columns in `y_true`, None if they stay in place.
    """
    first = next(iter(y_scores.values()))
    indicator = y_true if hierarchy is None else as_indicator(y_true, first, hierarchy)
    labels = as_labels(indicator)
    scores = [as_scores(each, labels.shape) for each in y_scores.values()]
    of_sets = indicator is not y_true  # made from label sets, in the order of the hierarchy
    truth = NamedColumns(labels, hierarchy.nodes) if of_sets else y_true
    orders = column_orders({"y_true": truth, **y_scores}, hierarchy, names)
    matched = [
        take_columns(each, orders[name]) for name, each in zip(y_scores, scores, strict=True)
    ]
    return take_columns(labels, orders["y_true"]), matched, orders["y_true"]
