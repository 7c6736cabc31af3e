"""The four scores under many resamples of the videos, from one ranking.

A resample is a column of integer weights: how often each video was drawn. The results equal the
scores with these weights as `sample_weight`.
"""

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .._types import Array, Bools, Floats
from ._hits import hits_of_videos, precision_of_videos
from ._subsets import RankedSubset

POOL_BLOCK = 2**22  # scores per block when every score is in the pool
WEIGHT_BLOCK = 2**20  # weights that are looked up for one pool, few enough for the cache


def draw_weights(n_videos: int, n_resamples: int, random_state: Any) -> Array:
    """Draw as many videos as there are, with replacement, `n_resamples` times."""
    rng = check_random_state(random_state)
    drawn = np.empty((n_videos, n_resamples), np.uint16)
    for resample in range(n_resamples):
        drawn[:, resample] = np.bincount(rng.randint(n_videos, size=n_videos), minlength=n_videos)
    return drawn


def resampled_perr(ranked: RankedSubset, drawn: Array) -> Floats:
    """Compute PERR for each resample."""
    return _mean_over_videos(ranked, precision_of_videos(ranked), drawn)


def resampled_hit_at_1(ranked: RankedSubset, drawn: Array) -> Floats:
    """Compute Hit@1 for each resample."""
    return _mean_over_videos(ranked, hits_of_videos(ranked).astype(float), drawn)


def resampled_gap(ranked: RankedSubset, drawn: Array) -> Floats:
    """Compute GAP for each resample."""
    subset, included = ranked.subset, included_videos(ranked)
    videos, scores, pool = subset.videos, ranked.scores, ranked.pool
    if pool.shape[1]:
        hits = ranked.hits["top_k"]
        videos, scores = videos[hits], scores[hits]
    else:
        pool = np.concatenate([block for _, block in ranked.row_blocks(POOL_BLOCK)])
    pooled = np.repeat(np.flatnonzero(included), pool.shape[1])
    gained = _gained((videos, scores), (pooled, pool.ravel()), drawn)
    total = subset.n_true.astype(float) @ drawn
    # Without a true label it is 0, without a video it is not defined.
    gap = np.where(total > 0, gained / np.maximum(total, 1), 0.0)
    return np.where(drawn[included].sum(0) > 0, gap, np.nan)


def resampled_map(ranked: RankedSubset, drawn: Array) -> Floats:
    """Compute MAP for each resample."""
    subset, included = ranked.subset, np.flatnonzero(included_videos(ranked))
    columns = np.arange(subset.n_labels) if subset.columns is None else subset.columns
    order = np.argsort(subset.places, kind="stable")
    bounds = np.searchsorted(subset.places[order], np.arange(subset.n_labels + 1))
    summed, n_labels = np.zeros(drawn.shape[1]), np.zeros(drawn.shape[1])
    for place in np.flatnonzero(np.diff(bounds)):
        own = order[bounds[place] : bounds[place + 1]]
        values = subset.inputs.scores[included, columns[place]]
        gained = _gained((subset.videos[own], ranked.scores[own]), (included, values), drawn)
        total = drawn[subset.videos[own]].sum(0)
        n_labels += total > 0
        summed += gained / np.maximum(total, 1)
    return _ratio(summed, n_labels)


def included_videos(ranked: RankedSubset) -> Bools:
    """Return which videos are included, also if all are."""
    if ranked.included is None:
        return np.ones(ranked.subset.inputs.n_videos, bool)
    return ranked.included


def _gained(positives: tuple[Array, Floats], pool: tuple[Array, Floats], drawn: Array) -> Floats:
    """Sum the weighted precision at each positive; see `average_precision`."""
    videos, scores = positives
    order = np.argsort(-scores)
    videos, scores = videos[order], scores[order]
    if not len(videos):
        return np.zeros(drawn.shape[1])
    reached = np.flatnonzero(pool[1] >= scores[-1])
    pooled = reached[np.argsort(-pool[1][reached])]
    # Tied scores share one threshold: the last of them.
    last = np.searchsorted(-pool[1][pooled], -scores, side="right") - 1
    last_found = np.searchsorted(-scores, -scores, side="right") - 1
    gained, step = np.empty(drawn.shape[1]), max(1, WEIGHT_BLOCK // len(pooled))
    for start in range(0, drawn.shape[1], step):
        weights = drawn[:, start : start + step].astype(np.int32)
        found = np.cumsum(weights[videos], axis=0)[last_found]
        precision = found / np.maximum(np.cumsum(weights[pool[0][pooled]], axis=0)[last], 1)
        gained[start : start + step] = (weights[videos] * precision).sum(0)
    return gained


def _mean_over_videos(ranked: RankedSubset, values: Floats, drawn: Array) -> Floats:
    included = included_videos(ranked)
    return _ratio(drawn[included].T @ values[included], drawn[included].sum(0))


def _ratio(part: Array, whole: Array) -> Floats:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
