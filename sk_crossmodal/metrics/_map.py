"""Mean average precision."""

import numpy as np
import scipy.sparse as sp

from ._problem import prepare
from ._ranking import among_best, average_precision, largest
from ._validation import check_option, check_top_k

EMPTY_CLASSES = ("skip", "zero")


def map_score(y_true, y_score, *, top_k=None, empty_classes="skip", sample_weight=None):
    """Compute the mean average precision (MAP).

    The average precision of each label over all videos, without interpolation and with one
    threshold for tied scores, averaged over the labels.

    Parameters
    ----------
    y_true : {array-like, sparse array or matrix} of shape (n_videos, n_labels)
        True labels as a multilabel indicator of zeros and ones.
    y_score : array-like of shape (n_videos, n_labels)
        Scores, probabilities or logits; higher means more likely. Infinite scores are
        allowed, NaN is not.
    top_k : int or None, default=None
        None ranks all videos for each label. An integer ranks only those videos that have
        the label among their `top_k` best, true labels elsewhere counting as missed; 20 is
        what Google's evaluator computes.
    empty_classes : {"skip", "zero"}, default="skip"
        Labels that no video has are left out of the mean, or count 0.
    sample_weight : array-like of shape (n_videos,), default=None
        Weights of the videos: an integer weight counts as so many copies, a video of weight
        zero is absent. Every label counts the same in the mean.

    Returns
    -------
    float
        From 0 to 1, higher is better; NaN if `empty_classes="skip"` leaves no label.

    Raises
    ------
    ValueError
        If the inputs do not have one 2-D shape, `y_true` holds anything but 0 and 1,
        `y_score` holds NaN, or a parameter is not one of those above.

    See Also
    --------
    gap_score : Average precision of all labels pooled.

    References
    ----------
    Section 4.2 of P. Goyal, S. Sahu, S. Ghosh and C. Lee, "Cross-modal Learning for
    Multi-modal Video Categorization", 2020; the evaluator of google/youtube-8m.

    Examples
    --------
    >>> from sk_crossmodal.metrics import map_score
    >>> y_true = [[1, 0, 1], [0, 0, 1]]
    >>> y_score = [[0.9, 0.8, 0.1], [0.3, 0.7, 0.2]]
    >>> map_score(y_true, y_score)
    1.0
    >>> print(f"{map_score(y_true, y_score, empty_classes='zero'):.4f}")
    0.6667
    """
    check_top_k(top_k)
    check_option("empty_classes", empty_classes, EMPTY_CLASSES)
    scores = class_scores(prepare(y_true, y_score, sample_weight), top_k)
    return mean_over_classes(scores, empty_classes)


def class_scores(problem, top_k=None):
    """Compute the average precision of every label, NaN for those that no video has.

    Parameters
    ----------
    problem : Problem
        Labels and scores.
    top_k : int or None, default=None
        Size of each video's part of the pools.

    Returns
    -------
    ndarray of shape (n_labels,)
        Average precisions.
    """
    truncated = top_k is not None and top_k < problem.n_labels
    pools = _truncated_pools(problem, top_k) if truncated else _full_pools(problem)
    weights = problem.weights
    total = problem.labels.sum(axis=0) if weights is None else weights @ problem.labels
    scores = np.full(problem.n_labels, np.nan)
    for label, (hits, pool) in enumerate(pools):
        if total[label]:
            scores[label] = average_precision(hits, [pool], total[label])
    return scores


def mean_over_classes(scores, empty_classes="skip"):
    """Average over the labels.

    Parameters
    ----------
    scores : ndarray of shape (n_labels,)
        Average precisions, NaN for empty labels.
    empty_classes : {"skip", "zero"}, default="skip"
        What to do with those.

    Returns
    -------
    float
        The mean; NaN if nothing is left.
    """
    empty = np.isnan(scores)
    if empty_classes == "zero":
        return float(np.where(empty, 0.0, scores).mean())
    return float("nan") if empty.all() else float(scores[~empty].mean())


def _full_pools(problem):
    """Yield, for each label, scores and weights of its positives, and of all videos."""
    truth = problem.labels.tocsc()
    label = 0
    for block in problem.column_blocks():
        for scores in block:
            videos = truth.indices[slice(*truth.indptr[[label, label + 1]])]
            hits = (scores[videos], problem.weights_of(videos))
            yield hits, (scores, problem.weights)
            label += 1


def _truncated_pools(problem, top_k):
    """Yield, for each label, scores and weights of its positives and all in the top-k pool."""
    found, pooled = [], []
    for first, block in problem.row_blocks():
        mask = among_best(block, largest(block, top_k + 1), top_k)
        true = problem.labels[first : first + len(block)].toarray()
        for entries, chosen in ((pooled, mask), (found, mask & true)):
            videos, labels = (index.astype(np.int32) for index in np.nonzero(chosen))
            entries.append((block[chosen], videos + np.int32(first), labels))
    sides = []
    for entries in (found, pooled):
        scores, videos, labels = map(np.concatenate, zip(*entries, strict=True))
        sides.append(sp.csc_array((scores, (videos, labels)), shape=problem.labels.shape))
    for label in range(problem.n_labels):
        own = [slice(*side.indptr[[label, label + 1]]) for side in sides]
        yield tuple(
            (side.data[part], problem.weights_of(side.indices[part]))
            for side, part in zip(sides, own, strict=True)
        )
