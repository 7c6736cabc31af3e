"""Pairs of videos for the correlation tower: matching and mismatched modalities."""

from collections.abc import Callable, Iterable
from typing import Self

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

BLOCK = 64  # videos whose partners are looked for in one go
ROUNDS = 20  # of blind drawing among all, before partners are looked for one by one


def draw_partners(
    top_level: csr_array, rows: Ints, randint: Randint, lengths: Ints | None = None
) -> Ints:
    """Draw for each row another video whose top-level labels share nothing with its own.

    Parameters
    ----------
    top_level : CSR of bool, shape (n, n_top_level_labels)
        Top-level labels of all videos. Videos without any can be of any kind, so they neither
        get a partner nor are one.
    rows : ndarray of shape (B,)
        The videos that want a partner.
    randint : callable
        ``randint(high, size)`` gives that many random integers, each below its `high`.
    lengths : ndarray of shape (n,), optional
        Lengths of the videos; partners of the same length are tried first.

    Returns
    -------
    ndarray of shape (B,)
        The partners, -1 where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> top_level = csr_array(np.array([[True, False], [False, True], [False, True]]))
    >>> rng = np.random.default_rng(0)
    >>> randint = lambda high, size: rng.integers(high, size=size)
    >>> draw_partners(top_level, np.array([1, 2]), randint)
    array([0, 0])
    """
    counts = top_level.astype(np.int32)
    labelled = np.flatnonzero(counts.sum(axis=1))
    partners = np.full(len(rows), -1)
    waiting = np.flatnonzero(np.isin(rows, labelled))
    if lengths is not None:
        by_length = labelled[np.argsort(lengths[labelled], kind="stable")]
        in_order = lengths[by_length]
    tries = [lengths] * ROUNDS * (lengths is not None) + [None] * ROUNDS
    for among_same in tries:
        if not len(waiting):
            return partners
        wanted = rows[waiting]
        if among_same is not None:
            # A random one of the labelled videos of its length, maybe itself.
            first = np.searchsorted(in_order, among_same[wanted], side="left")
            last = np.searchsorted(in_order, among_same[wanted], side="right")
            drawn = by_length[first + randint(2**31, len(wanted)) % (last - first)]
        else:
            drawn = labelled[randint(len(labelled), len(waiting))]
        shared = np.asarray((counts[wanted] * counts[drawn]).sum(axis=1)).ravel()
        partners[waiting[shared == 0]] = drawn[shared == 0]
        waiting = waiting[shared > 0]
    for same_labels in _by_labels(counts[rows[waiting]]):
        group = waiting[same_labels]
        shared = (counts[labelled] @ counts[[rows[group[0]]]].T).toarray().ravel()
        candidates = labelled[shared == 0]
        if len(candidates):
            partners[group] = candidates[randint(len(candidates), len(group))]
    return partners


def _by_labels(counts: csr_array) -> list[Ints]:
    """Rows of a CSR in groups of the same columns, a list of ndarrays."""
    counts.sort_indices()
    sets = np.split(counts.indices, counts.indptr[1:-1])
    groups: dict[bytes, list[int]] = {}
    for row, columns in enumerate(sets if counts.shape[0] else ()):
        groups.setdefault(columns.tobytes(), []).append(row)
    return [np.array(group) for group in groups.values()]


def all_partners(
    top_level: csr_array, lengths: Ints, most: int | None = None
) -> list[Ints] | None:
    """List for each video all others whose top-level labels share nothing with its own.

    Parameters
    ----------
    top_level : CSR of bool, shape (n, n_top_level_labels)
        Top-level labels of all videos; those without any have no partners and are none.
    lengths : ndarray of shape (n,)
        Lengths of the videos; where some partners are as long as a video, those are its only
        ones.
    most : int, optional
        Give up as soon as there are more pairs than that.

    Returns
    -------
    list of n ndarrays of int, or None
        The partners of each; None for too many.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> top_level = csr_array(np.array([[True, False], [False, True], [False, True]]))
    >>> [partners.tolist() for partners in all_partners(top_level, np.array([5, 5, 6]))]
    [[1], [0], [0]]
    """
    counts = top_level.astype(np.int32)
    labelled = np.asarray(counts.sum(axis=1)).ravel() > 0
    partners: list[Ints] = []
    n_pairs = 0
    for first in range(0, len(lengths), BLOCK):  # a matrix of all with all is large
        rows = slice(first, first + BLOCK)
        shared = (counts[rows] @ counts.T).toarray()
        possible = (shared == 0) & labelled & labelled[rows, None]
        same = possible & (lengths == lengths[rows, None])
        chosen = np.where(same.any(axis=1, keepdims=True), same, possible)
        partners += [np.flatnonzero(row) for row in chosen]
        n_pairs += int(chosen.sum())
        if most is not None and n_pairs > most:
            return None
    return partners


def cut_lengths(lengths: Ints, rows: Ints, partners: Ints) -> Ints:
    """Number of moments to read of both videos of each pair.

    All of them where both are equally long. Else both videos lose more than what the longer has
    beyond the shorter: the last tenth of the shorter one too, and at least one moment. So in a
    matching pair as in a mismatched one no modality, or every modality, shows how its video ends.

    Parameters
    ----------
    lengths : ndarray of shape (n,)
        Lengths of all videos.
    rows, partners : ndarray of shape (B,)
        The pairs.

    Returns
    -------
    ndarray of shape (B,)
        The lengths to read, at least 1 where a video has any frame.

    Examples
    --------
    >>> import numpy as np
    >>> cut_lengths(np.array([20, 20, 30]), np.array([0, 0]), np.array([1, 2]))
    array([20, 18])
    """
    shorter = np.minimum(lengths[rows], lengths[partners])
    equal = lengths[rows] == lengths[partners]
    return np.where(equal, shorter, np.maximum(np.minimum(shorter, 1), 9 * shorter // 10))


def _torch_randint(high: int, size: int, generator: torch.Generator) -> Ints:
    return torch.randint(high, (size,), generator=generator).numpy()


def known_pairs(X: MultimodalArray, rows: Ints, partners: Ints) -> Bools:
    """Pairs of which both sides have frames.

    Parameters
    ----------
    X : MultimodalArray of shape (n,)
        The videos.
    rows, partners : ndarray of shape (B,)
        Videos that give the first and the second modality of each pair.

    Returns
    -------
    bool ndarray of shape (B, n_pairs)
        True where there is something on both sides.
    """
    lengths = [X.lengths(name) for name in X.modality_names]
    pairs = unordered_pairs(len(lengths))
    known = [(lengths[a][rows] > 0) & (lengths[b][partners] > 0) for a, b in pairs]
    return np.stack(known, axis=1)


class PairDataset(FrameDataset):
    """Each video with itself (matching) and with a partner (mismatched).

    Partners are of the same length where there are such; else both videos are cut, see
    `cut_lengths`, so that neither lengths nor endings give a mismatched pair away. Pairs with
    nothing on one side weigh nothing.

    Parameters
    ----------
    X : MultimodalArray of shape (n,)
        The videos.
    top_level : CSR of bool, shape (n, n_top_level_labels)
        Their top-level labels.
    sample_weight : ndarray of shape (n,)
        Their weights.
    negative_weight : float
        Factor of the mismatched pairs' weight.
    max_frames : int
        Only that many first moments are read.

    Attributes
    ----------
    partners : ndarray of shape (n,)
        Each video's partner, -1 for none.
    listed : list of n ndarrays, or None
        All possible partners of each video, which are used in place of one if they are listed.
    drawn : bool
        Whether partners are drawn afresh as an epoch begins.
    """

    def __init__(
        self,
        X: MultimodalArray,
        top_level: csr_array,
        sample_weight: Floats,
        *,
        negative_weight: float = 1.0,
        max_frames: int | None = None,
    ) -> None:
        super().__init__(X, sample_weight=sample_weight, max_frames=max_frames)
        self.weights = sample_weight
        self.top_level, self.negative_weight = top_level, negative_weight
        self.partners: Ints = np.full(len(X), -1)
        self.listed: list[Ints] | None = None
        self.drawn = False

    def fix_partners(self, random_state: RandomState) -> Self:
        """Draw every video's partner once for all."""
        rng = check_random_state(random_state)
        return self._draw(lambda high, size: rng.randint(high, size=size))

    def begin_epoch(self, generator: torch.Generator) -> None:
        """Draw every video's partner for an epoch, unless all of them are listed."""
        if self.drawn:
            self._draw(lambda high, size: _torch_randint(high, size, generator))

    def _draw(self, randint: Randint) -> Self:
        rows = np.arange(len(self))
        self.partners = draw_partners(self.top_level, rows, randint, self.lengths())
        return self

    def list_partners(self, most: int) -> Self:
        """Give every video all its partners where that is at most so many pairs; else draw."""
        few = len(self) <= most
        self.listed = all_partners(self.top_level, self.lengths(), most) if few else None
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
        batch.extra["partners"] = torch.from_numpy(where.reshape(2, -1))
        # A video weighs in statistics as much as the pairs whose second side it gives.
        sides = np.concatenate([weight, weight * ~alone])
        batch.extra["sample_weight"] = torch.from_numpy(np.bincount(where.ravel(), sides))
        return batch, self.pair_targets(first, second, weight[:, None], alone[:, None])

    def videos(self, first: Ints, second: Ints) -> tuple[Ints, Ints]:
        """Return rows and lengths to read, (2, B), and where each side of the pairs is there."""
        cut = cut_lengths(self.lengths(), first, second)
        videos = np.stack([np.concatenate([first, second]), np.concatenate([cut, cut])])
        if self.listed is not None:  # each video is part of many pairs, but read once
            return np.unique(videos, axis=1, return_inverse=True)
        return videos, np.arange(videos.shape[1])

    def pairs(self, rows: Ints) -> tuple[Ints, Ints, Floats, Bools]:
        """Return the mismatched pairs of some videos.

        Returns
        -------
        first, second : ndarray of shape (P,)
            Rows of the pairs; the same row twice for a video without partners.
        weight : ndarray of shape (P,)
            The first one's weight, over its pairs in the ratio of the seconds' weights.
        alone : bool ndarray of shape (P,)
            True for a video without partners.
        """
        if self.listed is not None:
            return self.listed_pairs(rows, self.listed)
        partners = self.partners[rows]
        alone = partners < 0
        return rows, np.where(alone, rows, partners), self.weights[rows], alone

    def listed_pairs(self, rows: Ints, partners: list[Ints]) -> tuple[Ints, Ints, Floats, Bools]:
        """Do the same as `pairs`, of all partners of each video."""
        lists = [partners[row] if len(partners[row]) else [row] for row in rows]
        first, second = np.repeat(rows, [len(part) for part in lists]), np.concatenate(lists)
        own, other = self.weights[first], self.weights[second]
        share = other / np.bincount(first, other)[first]
        return first, second, own * share, first == second

    def pair_targets(
        self, first: Ints, second: Ints, weight: Floats, alone: Bools
    ) -> dict[str, torch.Tensor]:
        """Targets and weights, (P, 2 n_pairs): of matching pairs, then of mismatched ones."""
        positive = weight * known_pairs(self.X, first, first)
        negative = weight * known_pairs(self.X, first, second) * ~alone
        target = np.concatenate([np.ones_like(positive), np.zeros_like(negative)], axis=1)
        weight = np.concatenate([positive, self.negative_weight * negative], axis=1)
        return {"y": torch.from_numpy(target), "weight": torch.from_numpy(weight)}
