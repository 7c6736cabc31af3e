"""The four scores under many resamples of the videos, for which a table is ranked only once.

A resample is integer weights of the videos: how often each was drawn. So every number here is
what `part_scores` gives for the same weights; the tests hold the two against each other.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .._types import Array, Bools, Floats, Ints
from ._hits import hits_of_videos
from ._parts import Part, Ranked, rank_parts
from ._problem import Problem

WEIGHTS_AT_A_TIME = 2**20  # that are looked up for one pool; they stay in the cache


def draw_weights(n_videos: int, n_resamples: int, random_state: Any) -> Array:
    """Draw videos with replacement, as many as there are, many times."""
    rng = check_random_state(random_state)
    drawn = np.empty((n_videos, n_resamples), np.uint16)
    for resample in range(n_resamples):
        drawn[:, resample] = np.bincount(rng.randint(n_videos, size=n_videos), minlength=n_videos)
    return drawn


def resampled_scores(
    problem: Problem,
    columns: Sequence[Ints | None],
    scores: Collection[str],
    drawn: Array,
    *,
    top_k: int | None,
    rows: str,
    threshold: float,
) -> dict[str, Floats]:
    """Compute scores of parts of the labels for each resample."""
    parts = [Part(problem, own) for own in columns]
    rules = ["all" if own is None else rows for own in columns]
    ranked = rank_parts(parts, scores, top_k, rules, threshold)
    table = {}
    for score in scores:
        found = [_STATISTICS[score](one, drawn) if one.part.n_labels else None for one in ranked]
        nothing = np.full(drawn.shape[1], np.nan)
        table[score] = np.stack([nothing if one is None else one for one in found])
    return table


def _hits(score: str) -> Callable[[Ranked, Array], Floats]:
    def resampled(ranked: Ranked, drawn: Array) -> Floats:
        values = hits_of_videos(ranked, score).astype(float)
        if score == "perr":
            values /= np.maximum(ranked.part.n_true, 1)
        stay = _counted(ranked)
        return _ratio(drawn[stay].T @ values[stay], drawn[stay].sum(0))

    return resampled


def _gap(ranked: Ranked, drawn: Array) -> Floats:
    part, stay = ranked.part, _counted(ranked)
    videos, scores, pool = part.videos, ranked.scores, ranked.pool
    if pool.shape[1]:
        hits = ranked.hits["gap"]
        videos, scores = videos[hits], scores[hits]
    else:
        pool = np.concatenate([block for _, block in ranked.row_blocks(2**22)])
    pooled = np.repeat(np.flatnonzero(stay), pool.shape[1])
    gained = _gained((videos, scores), (pooled, pool.ravel()), drawn)
    total = part.n_true.astype(float) @ drawn
    # Without a true label it is 0, without a video it is not defined.
    gap = np.where(total > 0, gained / np.maximum(total, 1), 0.0)
    return np.where(drawn[stay].sum(0) > 0, gap, np.nan)


def _map(ranked: Ranked, drawn: Array) -> Floats:
    part, stay = ranked.part, np.flatnonzero(_counted(ranked))
    columns = np.arange(part.n_labels) if part.columns is None else part.columns
    order = np.argsort(part.places, kind="stable")
    bounds = np.searchsorted(part.places[order], np.arange(part.n_labels + 1))
    summed, n_labels = np.zeros(drawn.shape[1]), np.zeros(drawn.shape[1])
    for place in np.flatnonzero(np.diff(bounds)):
        own = order[bounds[place] : bounds[place + 1]]
        values = part.problem.scores[stay, columns[place]]
        gained = _gained((part.videos[own], ranked.scores[own]), (stay, values), drawn)
        total = drawn[part.videos[own]].sum(0)
        n_labels += total > 0
        summed += gained / np.maximum(total, 1)
    return _ratio(summed, n_labels)


def _gained(positives: tuple[Array, Floats], pool: tuple[Array, Floats], drawn: Array) -> Floats:
    """Sum the precision at each positive, weighted; see `average_precision`."""
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
    gained, step = np.empty(drawn.shape[1]), max(1, WEIGHTS_AT_A_TIME // len(pooled))
    for start in range(0, drawn.shape[1], step):
        weights = drawn[:, start : start + step].astype(np.int32)
        found = np.cumsum(weights[videos], axis=0)[last_found]
        precision = found / np.maximum(np.cumsum(weights[pool[0][pooled]], axis=0)[last], 1)
        gained[start : start + step] = (weights[videos] * precision).sum(0)
    return gained


def _counted(ranked: Ranked) -> Bools:
    return np.ones(ranked.part.problem.n_videos, bool) if ranked.stay is None else ranked.stay


def _ratio(part: Array, whole: Array) -> Floats:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


_STATISTICS = {"gap": _gap, "map": _map, "perr": _hits("perr"), "hit_at_1": _hits("hit_at_1")}
