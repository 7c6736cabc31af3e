"""Ranks of the true labels among all scores, by counting instead of sorting.

No score needs an argsort of the whole table. Average precision is the mean over the positives of
(positives at or above its score) / (all at or above its score), and both numbers can be looked up
in sorted *values*. A label is among the best k of its video if it reaches the k-th largest value
of the row.
"""

import numpy as np

from .._types import Array, Bools, Floats


def largest(block: Floats, depth: int) -> Floats:
    """Return the `depth` largest values of each row, in ascending order."""
    if depth == 1 < block.shape[1]:
        best: Floats = block.max(axis=1, keepdims=True)
        return best
    below = block.shape[1] - depth
    if below > 0:
        block = np.partition(block, below, axis=1)[:, below:]
    return np.sort(block, axis=1)


def among_best(block: Floats, best: Floats, k: int | Array) -> Bools:
    """Mark the best k labels of each video; of tied ones those with the lowest index."""
    rows = np.arange(len(block))
    place = best.shape[1] - np.broadcast_to(k, len(block))
    kth = best[rows, place]
    mask: Bools = block >= kth[:, None]
    # There are more candidates than places only where the next value equals the k-th one.
    crowded = np.flatnonzero((place > 0) & (best[rows, place - 1] == kth))
    if crowded.size:
        kth = kth[crowded, None]
        tied = block[crowded] == kth
        places = np.broadcast_to(k, len(block))[crowded] - (block[crowded] > kth).sum(axis=1)
        mask[crowded] &= ~tied | (np.cumsum(tied, axis=1) <= places[:, None])
    return mask


def are_among_best(
    block: Floats, best: Floats, k: Array, at: tuple[Array, Array], scores: Floats
) -> Bools:
    """Return whether the labels `at` (rows, columns) are among the best k of their video."""
    all_rows, place = np.arange(len(block)), best.shape[1] - k
    kth = best[all_rows, place]
    limit = kth[at[0]]
    hits: Bools = scores >= limit
    # The value alone decides unless the next value equals the k-th one.
    crowded = (place > 0) & (best[all_rows, place - 1] == kth)
    tied = np.flatnonzero(crowded[at[0]] & (scores == limit))
    if tied.size:
        rows, where = np.unique(at[0][tied], return_inverse=True)
        hits[tied] = among_best(block[rows], best[rows], k[rows])[where, at[1][tied]]
    return hits


def at_or_above(values: Floats, thresholds: Floats, weights: Floats | None = None) -> Array:
    """Return the number, or weight, of `values` at or above each threshold."""
    if weights is None:
        # Only values above the lowest score of a positive count; a good model has few of them.
        values = values[values >= thresholds[0]] if thresholds.size else values[:0].copy()
        values.sort()
        return values.size - np.searchsorted(values, thresholds)
    order = np.argsort(values)
    # Summed from the top, so that the first ranks, which count most, have no rounding error.
    above = np.append(np.cumsum(weights[order][::-1])[::-1], 0.0)
    return above[np.searchsorted(values[order], thresholds)]


def thresholds_of(scores: Floats, weights: Floats | None = None) -> tuple[Floats, Array]:
    """Return the distinct scores of the positives, and the weight at or above each."""
    thresholds, counts = np.unique(scores, return_counts=True)
    if weights is None:
        return thresholds, np.cumsum(counts[::-1])[::-1]
    return thresholds, at_or_above(scores, thresholds, weights)


def average_precision(found: Array, pooled: Array, total: float) -> float:
    """Return the non-interpolated average precision; tied scores share one threshold."""
    gained = found - np.append(found[1:], 0)
    return float(np.sum(gained * (found / pooled)) / total)
