"""Positive and negative pairs of modalities for the correlation tower."""

from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy as np
import torch
from scipy.sparse import csr_array
from sklearn.utils import check_random_state

from .._types import Bools, Floats, Ints
from ..modules import unordered_pairs
from ..multimodal import MultimodalArray
from ..training import Batch, FrameDataset

RandomState = int | np.random.RandomState | None
Randint = Callable[[int, int], Ints]

BLOCK = 64  # videos whose negatives are listed at once
ENOUGH = 0.05  # share of pairs without a common label with which a level is chosen
COMMON = 0.95  # share of the videos from which on a label is that of nearly all
SAMPLED = 1000  # videos from which shares of pairs are estimated
ROUNDS = 20  # of drawing at random, before possible negatives are listed


def choose_labels(levels: Iterable[csr_array]) -> tuple[int, csr_array] | None:
    """Choose the labels in which the videos of a negative pair differ, and their level.

    It is the highest level on which enough pairs of videos have no label in common. Labels of all
    videos do not count, nor, if too few pairs are left otherwise, labels of nearly all videos.
    None if no pair differs on any level.
    """
    found = []
    for level, labels in enumerate(levels):
        for common in (1.0, COMMON):
            kept = without_common(labels, common)
            share = share_of_negatives(kept)
            if share >= ENOUGH:
                return level, kept
            found.append((share, level, kept))
    for _, level, kept in sorted(found, key=lambda each: -each[0]):
        if (draw_negatives(kept, np.arange(kept.shape[0]), randint_of(0)) >= 0).any():
            return level, kept
    return None


def without_common(labels: csr_array, share: float) -> csr_array:
    """Return the labels without those that at least this share of the videos has."""
    counts = np.bincount(labels.indices, minlength=labels.shape[1])
    kept: csr_array = labels.multiply(counts < share * labels.shape[0]).tocsr()
    kept.eliminate_zeros()
    return kept


def share_of_negatives(labels: csr_array) -> float:
    """Return the share of pairs of videos, of at most `SAMPLED`, that have no label in common."""
    n = labels.shape[0]
    counts = labels[np.unique(np.linspace(0, n - 1, min(n, SAMPLED)).astype(int))].astype(np.int32)
    labelled = int((np.diff(counts.indptr) > 0).sum())
    return float((labelled**2 - (counts @ counts.T).nnz) / counts.shape[0] ** 2)


def draw_negatives(
    top_level: csr_array, rows: Ints, randint: Randint, lengths: Ints | None = None
) -> Ints:
    """Draw for each row another video whose top-level labels share nothing with its own."""
    counts = top_level.astype(np.int32)
    labelled = np.flatnonzero(counts.sum(axis=1))
    negatives = np.full(len(rows), -1)
    waiting = np.flatnonzero(np.isin(rows, labelled))
    if lengths is not None:
        by_length = labelled[np.argsort(lengths[labelled], kind="stable")]
        in_order = lengths[by_length]
    tries = [lengths] * ROUNDS * (lengths is not None) + [None] * ROUNDS
    for among_same in tries:
        if not len(waiting):
            return negatives
        wanted = rows[waiting]
        if among_same is not None:
            # A random one of the labelled videos of its length, maybe itself.
            first = np.searchsorted(in_order, among_same[wanted], side="left")
            last = np.searchsorted(in_order, among_same[wanted], side="right")
            drawn = by_length[first + randint(2**31, len(wanted)) % (last - first)]
        else:
            drawn = labelled[randint(len(labelled), len(waiting))]
        shared = np.asarray((counts[wanted] * counts[drawn]).sum(axis=1)).ravel()
        negatives[waiting[shared == 0]] = drawn[shared == 0]
        waiting = waiting[shared > 0]
    for same_labels in _by_labels(counts[rows[waiting]]):
        group = waiting[same_labels]
        shared = (counts[labelled] @ counts[[rows[group[0]]]].T).toarray().ravel()
        candidates = labelled[shared == 0]
        if len(candidates):
            negatives[group] = candidates[randint(len(candidates), len(group))]
    return negatives


def _by_labels(counts: csr_array) -> list[Ints]:
    """Rows of a CSR in groups of the same columns, a list of ndarrays."""
    counts.sort_indices()
    sets = np.split(counts.indices, counts.indptr[1:-1])
    groups: dict[bytes, list[int]] = {}
    for row, columns in enumerate(sets if counts.shape[0] else ()):
        groups.setdefault(columns.tobytes(), []).append(row)
    return [np.array(group) for group in groups.values()]


def all_negatives(
    top_level: csr_array, lengths: Ints, most: int | None = None
) -> list[Ints] | None:
    """List for each video all others whose top-level labels share nothing with its own."""
    counts = top_level.astype(np.int32)
    labelled = np.asarray(counts.sum(axis=1)).ravel() > 0
    negatives: list[Ints] = []
    n_pairs = 0
    for first in range(0, len(lengths), BLOCK):  # a matrix of all with all is large
        rows = slice(first, first + BLOCK)
        shared = (counts[rows] @ counts.T).toarray()
        possible = (shared == 0) & labelled & labelled[rows, None]
        same = possible & (lengths == lengths[rows, None])
        chosen = np.where(same.any(axis=1, keepdims=True), same, possible)
        negatives += [np.flatnonzero(row) for row in chosen]
        n_pairs += int(chosen.sum())
        if most is not None and n_pairs > most:
            return None
    return negatives


def cut_lengths(lengths: Ints, rows: Ints, negatives: Ints) -> Ints:
    """Number of time steps to read of both videos of each pair."""
    shorter = np.minimum(lengths[rows], lengths[negatives])
    equal = lengths[rows] == lengths[negatives]
    return np.where(equal, shorter, np.maximum(np.minimum(shorter, 1), 9 * shorter // 10))


def _torch_randint(high: int, size: int, generator: torch.Generator) -> Ints:
    return torch.randint(high, (size,), generator=generator).numpy()


def randint_of(random_state: RandomState) -> Randint:
    """Return a function that draws a number of integers below another number."""
    rng = check_random_state(random_state)
    return lambda high, size: rng.randint(high, size=size)


def known_pairs(X: MultimodalArray, rows: Ints, negatives: Ints) -> Bools:
    """Whether both sides of each pair have frames, (n, n_pairs)."""
    lengths = [X.lengths(name) for name in X.modality_names]
    pairs = unordered_pairs(len(lengths))
    known = [(lengths[a][rows] > 0) & (lengths[b][negatives] > 0) for a, b in pairs]
    return np.stack(known, axis=1)


class PairDataset(FrameDataset):
    """Positive pairs, the modalities of one video, and negative pairs with another video."""

    def __init__(
        self,
        X: MultimodalArray,
        top_level: csr_array,
        sample_weight: Floats,
        *,
        negative_weight: float = 1.0,
        **reading: Any,
    ) -> None:
        super().__init__(X, sample_weight=sample_weight, **reading)
        self.weights = sample_weight
        self.top_level, self.negative_weight = top_level, negative_weight
        self.negatives: Ints = np.full(len(X), -1)
        self.listed: list[Ints] | None = None
        self.drawn = False

    def fix_negatives(self, random_state: RandomState) -> Self:
        """Draw the negative of every video, for all epochs."""
        return self._draw(randint_of(random_state))

    def begin_epoch(self, generator: torch.Generator) -> None:
        """Draw the negative of every video for an epoch, unless all negatives are listed."""
        if self.drawn:
            self._draw(lambda high, size: _torch_randint(high, size, generator))

    def _draw(self, randint: Randint) -> Self:
        rows = np.arange(len(self))
        self.negatives = draw_negatives(self.top_level, rows, randint, self.lengths())
        return self

    def list_negatives(self, most: int) -> Self:
        """List all negatives of every video if these are at most `most` pairs, else draw."""
        few = len(self) <= most
        self.listed = all_negatives(self.top_level, self.lengths(), most) if few else None
        self.drawn = self.listed is None
        return self

    def __getitems__(self, rows: Iterable[int]) -> tuple[Batch, dict[str, torch.Tensor]]:
        pairs, whole = self.pairs(np.asarray(rows)), None
        if self.processes.count > 1:
            whole = self.videos(*pairs[:2])[0].shape[1]
        mine, counts = self.processes.divide(np.arange(len(pairs[0])))
        first, second = pairs[0][mine], pairs[1][mine]
        weight, alone = pairs[2][mine] * counts, pairs[3][mine]
        (videos, cut), where = self.videos(first, second)
        batch = self.read(videos, cut if counts else 0, whole)
        batch.extra["negatives"] = torch.from_numpy(where.reshape(2, -1))
        # A video weighs in statistics as much as the pairs whose second side it gives.
        sides = np.concatenate([weight, weight * ~alone])
        batch.extra["sample_weight"] = torch.from_numpy(np.bincount(where.ravel(), sides))
        return batch, self.pair_targets(first, second, weight[:, None], alone[:, None])

    def videos(self, first: Ints, second: Ints) -> tuple[Ints, Ints]:
        """Return rows and lengths to read, (2, B), and the column of each side of the pairs."""
        cut = cut_lengths(self.lengths(), first, second)
        videos = np.stack([np.concatenate([first, second]), np.concatenate([cut, cut])])
        if self.listed is not None:  # each video is part of many pairs, but read once
            return np.unique(videos, axis=1, return_inverse=True)
        return videos, np.arange(videos.shape[1])

    def pairs(self, rows: Ints) -> tuple[Ints, Ints, Floats, Bools]:
        """Return the negative pairs of some videos: rows, weights, and whether one is missing."""
        if self.listed is not None:
            return self.listed_pairs(rows, self.listed)
        negatives = self.negatives[rows]
        alone = negatives < 0
        return rows, np.where(alone, rows, negatives), self.weights[rows], alone

    def listed_pairs(self, rows: Ints, negatives: list[Ints]) -> tuple[Ints, Ints, Floats, Bools]:
        """Do the same as `pairs`, with all negatives of each video."""
        lists = [negatives[row] if len(negatives[row]) else [row] for row in rows]
        first, second = np.repeat(rows, [len(part) for part in lists]), np.concatenate(lists)
        own, other = self.weights[first], self.weights[second]
        share = other / np.bincount(first, other)[first]
        return first, second, own * share, first == second

    def pair_targets(
        self, first: Ints, second: Ints, weight: Floats, alone: Bools
    ) -> dict[str, torch.Tensor]:
        """Targets and weights, (P, 2 n_pairs): positive pairs, then negative pairs."""
        positive = weight * known_pairs(self.X, first, first)
        negative = weight * known_pairs(self.X, first, second) * ~alone
        target = np.concatenate([np.ones_like(positive), np.zeros_like(negative)], axis=1)
        weight = np.concatenate([positive, self.negative_weight * negative], axis=1)
        return {"y": torch.from_numpy(target), "weight": torch.from_numpy(weight)}
