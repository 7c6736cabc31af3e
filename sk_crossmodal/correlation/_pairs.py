"""Pairs of videos for the correlation tower: matching and mismatched modalities."""

import numpy as np
import torch

from ..training import FrameDataset

ROUNDS = 20  # of blind drawing before partners are looked for one by one


def draw_partners(top_level, rows, randint):
    """Draw for each row another video whose top-level labels share nothing with its own.

    Parameters
    ----------
    top_level : CSR of bool, shape (n, n_top_level_labels)
        Top-level labels of all videos. Videos without any can be of any kind, so they neither
        get a partner nor are one.
    rows : ndarray of shape (B,)
        The videos that want a partner.
    randint : callable
        ``randint(high, size)`` gives that many random integers below `high`.

    Returns
    -------
    ndarray of shape (B,)
        The partners, -1 where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> top_level = csr_array(np.array([[True, False], [False, True], [False, True]]))
    >>> randint = np.random.RandomState(0).randint
    >>> draw_partners(top_level, np.array([1, 2]), lambda high, size: randint(high, size=size))
    array([0, 0])
    """
    counts = top_level.astype(np.int32)
    labelled = np.flatnonzero(counts.sum(axis=1))
    partners = np.full(len(rows), -1)
    waiting = np.flatnonzero(np.isin(rows, labelled))
    for _ in range(ROUNDS):
        if not len(waiting):
            return partners
        drawn = labelled[randint(len(labelled), len(waiting))]
        shared = (counts[rows[waiting]] * counts[drawn]).sum(axis=1)
        fine = np.asarray(shared).ravel() == 0
        partners[waiting[fine]] = drawn[fine]
        waiting = waiting[~fine]
    for i in waiting:
        shared = (counts[labelled] @ counts[[rows[i]]].T).toarray().ravel()
        candidates = labelled[shared == 0]
        if len(candidates):
            partners[i] = candidates[int(randint(len(candidates), 1)[0])]
    return partners


def _torch_randint(high, size):
    return torch.randint(high, (size,)).numpy()


class PairDataset(FrameDataset):
    """Each video with itself (matching) and with a partner (mismatched).

    A batch holds the frames of B videos and then those of their B partners. Both are cut to the
    length of the shorter of the two: so a mismatched pair is neither of unequal length nor
    shorter than a matching one, and length tells nothing.

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
    partners : ndarray of shape (n,), optional
        Partners to use always (-1 for none); by default they are drawn afresh for each batch,
        from torch's random numbers.
    """

    def __init__(
        self, X, top_level, sample_weight, *, negative_weight=1.0, max_frames=None, partners=None
    ):
        super().__init__(X, sample_weight=sample_weight, max_frames=max_frames)
        self.top_level, self.negative_weight, self.partners = top_level, negative_weight, partners
        n_modalities = len(X.modality_names)
        self.n_pairs = n_modalities * (n_modalities - 1) // 2

    def __getitems__(self, rows):
        rows = np.asarray(rows)
        if self.partners is None:
            partners = draw_partners(self.top_level, rows, _torch_randint)
        else:
            partners = self.partners[rows]
        alone = partners < 0
        partners = np.where(alone, rows, partners)
        lengths = self.lengths()
        cut = np.minimum(lengths[rows], lengths[partners])
        batch = self.read(np.concatenate([rows, partners]), np.concatenate([cut, cut]))
        batch.extra["paired"] = True
        positive = np.repeat(self.sample_weight[rows, None], self.n_pairs, axis=1)
        negative = positive * self.negative_weight * ~alone[:, None]
        target = np.concatenate([np.ones_like(positive), np.zeros_like(negative)], axis=1)
        weight = np.concatenate([positive, negative], axis=1)
        return batch, {"y": torch.from_numpy(target), "weight": torch.from_numpy(weight)}
