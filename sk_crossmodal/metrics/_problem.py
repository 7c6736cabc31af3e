"""Labels and scores, checked once and read in blocks."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from ._validation import (
    check_labels,
    check_option,
    check_scores,
    check_threshold,
    check_weights,
)

# What is copied at a time. Row blocks, in scores, are small and stay in the cache. Column blocks,
# in bytes, are wide, so that a cache line of a row is used whole; they are filled a few rows at a
# time, since every row is on another page of memory.
ROW_BLOCK = 2**20
COLUMN_BLOCK = 2**25
ROWS_AT_A_TIME = 1024
ROWS = ("either", "truth", "all")


@dataclass(frozen=True, eq=False)
class Problem:
    """What is scored: some videos (rows) and some labels (columns) of a table of scores.

    A selection is only noted: scores are copied block by block when they are read.

    Parameters
    ----------
    scores : ndarray of shape (all_videos, all_labels)
        The whole table, float32 or float64.
    labels : csr_array of shape (n_videos, n_labels)
        Boolean truth of the selection.
    weights : ndarray of shape (n_videos,) or None
        Weights of the selected videos, all above zero.
    keep : ndarray of shape (all_videos,) or None
        Boolean, the selected videos; None for all of them.
    columns : ndarray of shape (n_labels,) or None
        Indices of the selected labels; None for all of them.
    """

    scores: np.ndarray
    labels: sp.csr_array
    weights: np.ndarray | None = None
    keep: np.ndarray | None = None
    columns: np.ndarray | None = None

    @property
    def n_videos(self):
        """Number of selected videos."""
        return self.labels.shape[0]

    @property
    def n_labels(self):
        """Number of selected labels."""
        return self.labels.shape[1]

    @property
    def n_true(self):
        """Number of true labels of each video, shape (n_videos,)."""
        return np.diff(self.labels.indptr)

    @property
    def positives(self):
        """Video and label of every true label, ordered by video, then label."""
        return np.repeat(np.arange(self.n_videos), self.n_true), self.labels.indices

    def positive_scores(self):
        """Return the score of every true label, in the order of `positives`."""
        videos, columns = self.positives
        if self.keep is not None:
            videos = np.flatnonzero(self.keep)[videos]
        if self.columns is not None:
            columns = self.columns[columns]
        return self.scores[videos, columns]

    def weights_of(self, videos, times=1):
        """Return the weights of some videos, each repeated, or None if all weigh the same."""
        return None if self.weights is None else np.repeat(self.weights[videos], times)

    def row_blocks(self, size=ROW_BLOCK):
        """Yield (number of the first video, scores of some videos), in order."""
        step = max(1, size // max(1, self.n_labels))
        columns = slice(None) if self.columns is None else self.columns
        first = 0
        for start in range(0, len(self.scores), step):
            block = self._read(slice(start, start + step), columns)
            if len(block):
                yield first, block
            first += len(block)

    def column_blocks(self, size=COLUMN_BLOCK):
        """Yield the scores of some labels, label first: shape (some labels, n_videos)."""
        width = max(1, size // max(1, self.n_videos * self.scores.itemsize))
        for start in range(0, self.n_labels, width):
            near = slice(start, min(start + width, self.n_labels))
            columns = near if self.columns is None else self.columns[near]
            yield self._transposed(columns, near.stop - near.start)

    def select(self, columns, rows="either", threshold=0.5):
        """Return the problem of some labels, and of the videos that have to do with them.

        Parameters
        ----------
        columns : ndarray of int
            The labels, as columns of the whole table; only for a problem of all labels.
        rows : {"either", "truth", "all"}, default="either"
            Which videos stay: with a true or a predicted label among `columns`, with a true
            one, or all.
        threshold : float, default=0.5
            A label is predicted if its score is above this.

        Returns
        -------
        Problem
            The selection.
        """
        check_option("rows", rows, ROWS)
        check_threshold(threshold)
        every = Problem(self.scores, self.labels[:, columns], self.weights, self.keep, columns)
        if rows == "all":
            return every
        stay = every.n_true > 0
        if rows == "either" and every.n_labels:
            for first, block in every.row_blocks():
                stay[first : first + len(block)] |= block.max(axis=1) > threshold
        return every._videos(stay)

    def _videos(self, stay):
        keep = np.ones(len(self.scores), bool) if self.keep is None else self.keep.copy()
        keep[keep] = stay
        weights = None if self.weights is None else self.weights[stay]
        return Problem(self.scores, self.labels[stay], weights, keep, self.columns)

    def _read(self, rows, columns):
        if isinstance(columns, slice):
            block = self.scores[rows, columns]
        else:
            block = self.scores[rows].take(columns, axis=1)
        return block if self.keep is None else block[self.keep[rows]]

    def _transposed(self, columns, width):
        block = np.empty((width, self.n_videos), self.scores.dtype)
        first = 0
        for start in range(0, len(self.scores), ROWS_AT_A_TIME):
            piece = self._read(slice(start, start + ROWS_AT_A_TIME), columns)
            block[:, first : first + len(piece)] = piece.T
            first += len(piece)
        return block


def prepare(y_true, y_score, sample_weight=None):
    """Check the three inputs of every score.

    Parameters
    ----------
    y_true : array-like or sparse array of shape (n_videos, n_labels)
        Multilabel indicator.
    y_score : array-like of shape (n_videos, n_labels)
        Scores.
    sample_weight : array-like of shape (n_videos,), default=None
        Weights; a video of weight zero is left out altogether.

    Returns
    -------
    Problem
        All labels, all videos of a weight above zero.
    """
    labels = check_labels(y_true)
    scores = check_scores(y_score, labels.shape)
    problem = Problem(scores, labels, check_weights(sample_weight, len(scores)))
    if problem.weights is None or problem.weights.all():
        return problem
    return problem._videos(problem.weights > 0)
