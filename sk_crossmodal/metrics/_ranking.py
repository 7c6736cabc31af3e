"""Counting instead of sorting: where the true labels stand among all scores.

No argsort of a whole table is needed for any score here. Average precision is the mean over
the positives of (positives at or above its score) / (all at or above its score), and both
numbers can be looked up in sorted *values*. Whether a label is among the best k of its video
follows from the k-th largest value of the row.
"""

import numpy as np


def largest(block, depth):
    """Return the `depth` largest values of each row, in ascending order.

    Parameters
    ----------
    block : ndarray of shape (n, n_labels)
        Scores.
    depth : int
        From 1 to n_labels.

    Returns
    -------
    ndarray of shape (n, depth)
        The values, the largest last.
    """
    below = block.shape[1] - depth
    if below:
        block = np.partition(block, below, axis=1)[:, below:]
    return np.sort(block, axis=1)


def among_best(block, best, k):
    """Say which labels are among the best k of their video, ties to the lowest index.

    Parameters
    ----------
    block : ndarray of shape (n, n_labels)
        Scores.
    best : ndarray of shape (n, depth)
        ``largest(block, depth)``, where depth is above every k or all labels.
    k : int or ndarray of shape (n,)
        At least 1 and at most n_labels.

    Returns
    -------
    ndarray of shape (n, n_labels)
        Boolean, k true values in each row.
    """
    rows = np.arange(len(block))
    place = best.shape[1] - np.broadcast_to(k, len(block))
    kth = best[rows, place]
    mask = block >= kth[:, None]
    # Only where the next value equals the k-th one are there more candidates than places.
    crowded = np.flatnonzero((place > 0) & (best[rows, place - 1] == kth))
    if crowded.size:
        kth = kth[crowded, None]
        tied = block[crowded] == kth
        places = np.broadcast_to(k, len(block))[crowded] - (block[crowded] > kth).sum(axis=1)
        mask[crowded] &= ~tied | (np.cumsum(tied, axis=1) <= places[:, None])
    return mask


def rank_positives(problem, cutoffs, pool_size=0):
    """Say which true labels are among the best k of their video, for several k at once.

    Parameters
    ----------
    problem : Problem
        Labels and scores.
    cutoffs : list of int or ndarray of shape (n_videos,)
        The values of k; those out of 1 .. n_labels are moved to the nearest end.
    pool_size : int, default=0
        How many of the largest values of each video to collect as well.

    Returns
    -------
    hits : list of ndarray of shape (n_positives,)
        For each cutoff, boolean, in the order of ``problem.positives``.
    pool : ndarray of shape (n_videos, min(pool_size, n_labels))
        The largest values.
    """
    n_videos, n_labels = problem.n_videos, problem.n_labels
    cutoffs = [np.broadcast_to(np.clip(k, 1, n_labels), n_videos) for k in cutoffs]
    pool = np.empty((n_videos, min(pool_size, n_labels)), problem.scores.dtype)
    videos, columns = problem.positives
    hits = [np.empty(videos.size, bool) for _ in cutoffs]
    for first, block in problem.row_blocks():
        rows = slice(first, first + len(block))
        depth = min(n_labels, 1 + max(k[rows].max() for k in cutoffs))
        best = largest(block, max(depth, pool.shape[1]))
        pool[rows] = best[:, best.shape[1] - pool.shape[1] :]
        own = slice(*problem.labels.indptr[[rows.start, rows.stop]])
        for hit, k in zip(hits, cutoffs, strict=True):
            hit[own] = among_best(block, best, k[rows])[videos[own] - first, columns[own]]
    return hits, pool


def at_or_above(values, thresholds, weights=None):
    """Return how much of `values` lies at or above each threshold.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Scores.
    thresholds : ndarray of shape (m,)
        Of the same dtype.
    weights : ndarray of shape (n,), default=None
        Weights of the values; 1 each if None.

    Returns
    -------
    ndarray of shape (m,)
        Numbers, or sums of weights.
    """
    if weights is None:
        return values.size - np.searchsorted(np.sort(values), thresholds)
    order = np.argsort(values)
    # Summed from the top, so that the first ranks, which count most, are exact to the last bit.
    above = np.append(np.cumsum(weights[order][::-1])[::-1], 0.0)
    return above[np.searchsorted(values[order], thresholds)]


def average_precision(hits, pool, total):
    """Return the non-interpolated average precision; tied scores share one threshold.

    Parameters
    ----------
    hits : tuple of ndarray
        Scores of the positives in the pool, and their weights or None.
    pool : iterable of tuple of ndarray
        Parts of the pool: scores, and their weights or None.
    total : float
        Weight of all positives, in the pool or not; above zero.

    Returns
    -------
    float
        From 0 to 1.
    """
    scores, weights = hits
    thresholds = np.unique(scores)
    found = at_or_above(scores, thresholds, weights)
    pooled = sum(at_or_above(part, thresholds, weight) for part, weight in pool)
    gained = found - np.append(found[1:], 0)
    return float(np.sum(gained * found / pooled) / total)
