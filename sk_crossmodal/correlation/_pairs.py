"""Pairs of videos for the correlation tower: matching and mismatched modalities."""

import numpy as np
import torch
from sklearn.utils import check_random_state

from ..modules import unordered_pairs
from ..training import FrameDataset

ROUNDS = 20  # of blind drawing among all, before partners are looked for one by one


def draw_partners(top_level, rows, randint, lengths=None):
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
    for same_length in [True] * ROUNDS * (lengths is not None) + [False] * ROUNDS:
        if not len(waiting):
            return partners
        wanted = rows[waiting]
        if same_length:
            drawn = _of_same_length(lengths, labelled, wanted, randint)
        else:
            drawn = labelled[randint(len(labelled), len(waiting))]
        shared = np.asarray((counts[wanted] * counts[drawn]).sum(axis=1)).ravel()
        partners[waiting[shared == 0]] = drawn[shared == 0]
        waiting = waiting[shared > 0]
    for i in waiting:
        shared = (counts[labelled] @ counts[[rows[i]]].T).toarray().ravel()
        candidates = labelled[shared == 0]
        if len(candidates):
            partners[i] = candidates[int(randint(len(candidates), 1)[0])]
    return partners


def _of_same_length(lengths, labelled, rows, randint):
    """For each row a random one of the labelled videos of its length, maybe itself."""
    order = labelled[np.argsort(lengths[labelled], kind="stable")]
    first = np.searchsorted(lengths[order], lengths[rows], side="left")
    last = np.searchsorted(lengths[order], lengths[rows], side="right")
    return order[first + randint(2**31, len(rows)) % (last - first)]


def cut_lengths(lengths, rows, partners):
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


def _torch_randint(high, size):
    return torch.randint(high, (size,)).numpy()


def known_pairs(X, rows, partners):
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
    present = [X.lengths(name) > 0 for name in X.modality_names]
    pairs = unordered_pairs(len(present))
    return np.stack([present[a][rows] & present[b][partners] for a, b in pairs], axis=1)


class PairDataset(FrameDataset):
    """Each video with itself (matching) and with a partner (mismatched).

    A batch holds the frames of B videos and then those of their B partners. Partners are of the
    same length where there are such; else both videos are cut, see `cut_lengths`, so that neither
    lengths nor endings give a mismatched pair away. Pairs with nothing on one side weigh nothing.

    Parameters
    ----------
    X : MultimodalArray of shape (n,)
        The videos.
    top_level : CSR of bool, shape (n, n_top_level_labels)
        Their top-level labels.
    sample_weight : ndarray of shape (n,)
        Weight of each video in the loss.
    negative_weight : float
        Factor of the mismatched pairs' weight.
    max_frames : int
        Only that many first moments are read.

    Attributes
    ----------
    partners : ndarray of shape (n,) or None
        Each video's partner, -1 for none; None draws them afresh for every batch, from torch's
        random numbers.
    """

    def __init__(self, X, top_level, sample_weight, *, negative_weight=1.0, max_frames=None):
        super().__init__(X, sample_weight=sample_weight, max_frames=max_frames)
        self.top_level, self.negative_weight, self.partners = top_level, negative_weight, None

    def fix_partners(self, random_state):
        """Draw every video's partner once for all, in place of afresh for every batch."""
        rng = check_random_state(random_state)
        self.partners = draw_partners(
            self.top_level,
            np.arange(len(self)),
            lambda high, size: rng.randint(high, size=size),
            self.lengths(),
        )
        return self

    def __getitems__(self, rows):
        rows = np.asarray(rows)
        if self.partners is None:
            partners = draw_partners(self.top_level, rows, _torch_randint, self.lengths())
        else:
            partners = self.partners[rows]
        alone = partners < 0
        partners = np.where(alone, rows, partners)
        cut = cut_lengths(self.lengths(), rows, partners)
        batch = self.read(np.concatenate([rows, partners]), np.concatenate([cut, cut]))
        batch.extra["paired"] = True
        weight = self.sample_weight[rows, None]
        positive = weight * known_pairs(self.X, rows, rows)
        negative = weight * known_pairs(self.X, rows, partners) * ~alone[:, None]
        target = np.concatenate([np.ones_like(positive), np.zeros_like(negative)], axis=1)
        weight = np.concatenate([positive, self.negative_weight * negative], axis=1)
        return batch, {"y": torch.from_numpy(target), "weight": torch.from_numpy(weight)}
