"""Subsets of the labels, such as levels, and the ranks of their true labels."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import scipy.sparse as sp

from .._types import Bools, Floats, Ints
from ._inputs import ScoringInput
from ._ranking import are_among_best, largest

Columns: TypeAlias = Sequence[Ints | None]  # of each subset; None is all labels
# The best labels of a video: so many, `top_k`, or as many as the video has true labels.
Cutoff: TypeAlias = int | Literal["top_k", "n_true"]


class LabelSubset:
    """Some labels of the input; `places` are the columns of its true labels in the subset."""

    def __init__(self, inputs: ScoringInput, columns: Ints | None = None) -> None:
        self.inputs, self.columns = inputs, columns
        self.videos, self.places = inputs.positives
        if columns is not None:
            place = np.full(inputs.n_labels, -1, self.places.dtype)
            place[columns] = np.arange(len(columns))
            places = place[self.places]
            inside = places >= 0
            self.videos, self.places = self.videos[inside], places[inside]
        self.n_true = np.bincount(self.videos, minlength=inputs.n_videos)
        self.n_labels = inputs.n_labels if columns is None else len(columns)

    def take(self, block: Floats) -> Floats:
        """Return the columns of the subset from some rows of the scores."""
        if self.columns is None:
            return block
        first, last = self.columns[[0, -1]] if self.n_labels else (0, -1)
        if last - first + 1 == self.n_labels:  # neighbours need no copy
            return block[:, first : last + 1]
        return block.take(self.columns, axis=1, mode="clip")  # "clip" skips a check of each index


@dataclass(frozen=True, eq=False)
class RankedSubset:
    """The true labels of a subset, with their scores and ranks."""

    # `included` selects the videos that count (None: all). `scores` are those of the true labels;
    # `hits` marks, for each cutoff, those among the best labels of their video. `pool` has the
    # `top_k` best scores of each included video, or no columns if every score is in the pool.

    subset: LabelSubset
    included: Bools | None
    scores: Floats
    hits: dict[Cutoff, Bools]
    pool: Floats

    @property
    def n_videos(self) -> int:
        """Number of included videos."""
        return self.subset.inputs.n_videos if self.included is None else int(self.included.sum())

    @property
    def weights(self) -> Floats | None:
        """Weights of the included videos, or None if all weigh the same."""
        rows = slice(None) if self.included is None else self.included
        return self.subset.inputs.weights_of(rows)

    def row_blocks(self, size: int | None = None) -> Iterator[tuple[Floats | None, Floats]]:
        """Yield (weights or None, scores) of some of the included videos, in order."""
        for first, block in self.subset.inputs.row_blocks(size):
            rows = slice(first, first + len(block))
            block, weights = self.subset.take(block), self.subset.inputs.weights_of(rows)
            if self.included is not None:
                block = block[self.included[rows]]
                weights = weights if weights is None else weights[self.included[rows]]
            yield weights, block

    def arrays(self) -> tuple[Bools, Floats]:
        """Return the labels and scores of the included videos as dense arrays."""
        labels: sp.csr_array = self.subset.inputs.labels
        labels = labels if self.included is None else labels[self.included]
        labels = labels if self.subset.columns is None else labels[:, self.subset.columns]
        return labels.toarray(), np.concatenate([block for _, block in self.row_blocks()])


def rank(subset: LabelSubset, cutoff: Cutoff, top_k: int | None = None) -> RankedSubset:
    """Rank the labels of one subset for one cutoff, including all videos."""
    return rank_subsets([subset], [cutoff], top_k, ["all"])[0]


def rank_subsets(
    subsets: list[LabelSubset],
    cutoffs: Collection[Cutoff],
    top_k: int | None,
    rules: list[str],
    threshold: float = 0.5,
) -> list[RankedSubset]:
    """Rank the labels of several subsets in one pass over the scores."""
    readers = [
        _Reader(subset, cutoffs, top_k, rule, threshold)
        for subset, rule in zip(subsets, rules, strict=True)
    ]
    rest_is_partition = _rest_is_partition(subsets)
    for first, block in subsets[0].inputs.row_blocks():
        depth = max(reader.depth(first, len(block)) for reader in readers)
        own = [subset.take(block) for subset in subsets]
        best = [largest(piece, depth) for piece in own[1:]]
        # The best of all labels are among the best of each part of a partition.
        whole = np.concatenate(best, axis=1) if rest_is_partition else own[0]
        best = [largest(whole, depth), *best]
        for reader, *read in zip(readers, own, best, strict=True):
            reader.read(first, *read)
    return [reader.ranked() for reader in readers]


def _rest_is_partition(subsets: list[LabelSubset]) -> bool:
    """Whether the first subset has all labels, and the others together each of them once."""
    whole, *others = (subset.columns for subset in subsets)
    own = [columns for columns in others if columns is not None]
    if whole is not None or not others or len(own) < len(others):
        return False
    times = np.bincount(np.concatenate(own), minlength=subsets[0].n_labels)
    return bool((times == 1).all())


class _Reader:
    """Collects the contents of a `RankedSubset`, block by block."""

    def __init__(
        self,
        subset: LabelSubset,
        cutoffs: Collection[Cutoff],
        top_k: int | None,
        rule: str,
        threshold: float,
    ) -> None:
        self.subset, self.includes_predicted = subset, rule == "either"
        self.included: Bools | None = None if rule == "all" else subset.n_true > 0
        n_labels, n_videos = subset.n_labels, subset.inputs.n_videos
        self.pool_size = 0
        if "top_k" in cutoffs and top_k is not None and top_k < n_labels:
            self.pool_size = top_k
        named: dict[Cutoff, int | Ints] = {"top_k": self.pool_size, "n_true": subset.n_true}
        self.cutoffs = {
            cutoff: np.broadcast_to(np.clip(named.get(cutoff, cutoff), 1, n_labels), n_videos)
            for cutoff in cutoffs
            if n_labels
        }
        dtype = subset.inputs.scores.dtype
        with np.errstate(over="ignore"):  # beyond float32 it becomes infinite
            self.threshold = dtype.type(threshold)
        self.pool = [np.empty((0, self.pool_size), dtype)]
        self.bounds = np.append(0, np.cumsum(subset.n_true))
        self.scores = np.empty(len(subset.videos), dtype)
        self.hits = {cutoff: np.empty(len(subset.videos), bool) for cutoff in self.cutoffs}

    def depth(self, first: int, count: int) -> int:
        """Return how many of the best scores these videos need: one beyond each cutoff."""
        cutoffs = self.cutoffs.values()
        return 1 + max((int(k[first : first + count].max()) for k in cutoffs), default=0)

    def read(self, first: int, block: Floats, best: Floats) -> None:
        if not self.subset.n_labels:
            return
        rows = slice(first, first + len(block))
        if self.includes_predicted and self.included is not None:
            self.included[rows] |= best[:, -1] > self.threshold
        if self.pool_size:
            pool = best[:, best.shape[1] - self.pool_size :]
            self.pool.append(pool.copy() if self.included is None else pool[self.included[rows]])
        own = slice(*self.bounds[[rows.start, rows.stop]])
        at = self.subset.videos[own] - first, self.subset.places[own]
        self.scores[own] = block[at]
        for cutoff, k in self.cutoffs.items():
            self.hits[cutoff][own] = are_among_best(block, best, k[rows], at, self.scores[own])

    def ranked(self) -> RankedSubset:
        pool = np.concatenate(self.pool)
        self.pool.clear()  # saves memory
        return RankedSubset(self.subset, self.included, self.scores, self.hits, pool)
