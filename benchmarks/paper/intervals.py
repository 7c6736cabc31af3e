"""Estimates with 95 % intervals, and error rates that can be resampled."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

ENOUGH_SEEDS = 3  # with fewer seeds, test videos are resampled
N_RESAMPLES = 1000


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float

    def outcome(self, threshold=0.0):
        """Return whether the claim holds that the true value is above a threshold."""
        if self.low > threshold:
            return "holds"
        return "does not hold" if self.high < threshold else "within noise"


@dataclass(frozen=True)
class Statistic:
    """A number computed from n weighted units (videos or pairs) of one seed.

    `value` takes the weights; a unit with weight 2 counts twice, with weight 0 not at all.
    """

    n: int
    value: object

    def __call__(self, weights=None):
        """Compute the number; without weights, each unit counts once."""
        return self.value(np.ones(self.n) if weights is None else weights)


def estimate(per_seed, n_resamples=N_RESAMPLES):
    """Estimate the mean over seeds of a statistic, given one `Statistic` per seed.

    With three or more seeds, the interval is Student's t over the values of the seeds, so that
    differences of two models are paired. With fewer, it is a percentile bootstrap over the units
    of each seed; seeds with equally many units share the resamples, as the units may be the same
    test videos. Seeds with NaN are ignored; the estimate is None if all are NaN.
    """
    per_seed = [statistic for statistic in per_seed if not np.isnan(statistic())]
    if not per_seed:
        return None
    values = np.array([statistic() for statistic in per_seed])
    if len(values) >= ENOUGH_SEEDS:
        half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
        return Estimate(values.mean(), values.mean() - half, values.mean() + half)
    rng = np.random.default_rng(0)
    sizes = dict.fromkeys(one.n for one in per_seed)
    drawn = []
    for _ in range(n_resamples):
        weights = {n: _resampled(rng, n) for n in sizes}
        drawn.append(np.mean([one(weights[one.n]) for one in per_seed]))
    return Estimate(values.mean(), *np.nanpercentile(drawn, [2.5, 97.5]))


def combine(function, *columns):
    """Combine statistics of the same units per seed, to ``function(a, b, ...)``."""
    return [_combined(function, row) for row in zip(*columns, strict=True)]


def _combined(function, row):
    return Statistic(row[0].n, lambda weights: function(*(one(weights) for one in row)))


def _resampled(rng, n):
    """Return how often each of n units occurs in n draws with replacement."""
    return np.bincount(rng.integers(n, size=n), minlength=n).astype(float)


def share(hits):
    """Return the percentage of units with a property, as a `Statistic`."""
    hits = np.asarray(hits, float)
    return Statistic(len(hits), lambda weights: 100 * (weights @ hits) / weights.sum())


def gap_error(y, probability, columns=slice(None), top_k=20):
    """Return the GAP error in percent of the labels `columns`, as a `Statistic` over videos.

    It equals ``100 * (1 - gap_score(..., sample_weight=weights))``, but sorts only once for all
    resamples. With `columns`, only videos with a true or predicted label among them count.
    """
    n = len(y)
    y, probability = y[:, columns], probability[:, columns]
    counted = np.ones(n, bool)
    if columns != slice(None):
        counted = y.any(axis=1) | (probability > 0.5).any(axis=1)
    n_true = y.sum(axis=1) * counted
    videos, scores, hits = _ranked(y, probability, np.flatnonzero(counted), top_k)
    hit = np.flatnonzero(hits)
    # Tied scores share one threshold, the last position.
    last = np.searchsorted(-scores, -scores[hit], side="right") - 1
    found_at = np.searchsorted(hit, last, side="right")

    def value(weights):
        gained = weights[videos[hit]]
        found = np.append(0, np.cumsum(gained))[found_at]
        pooled = np.cumsum(weights[videos])[last]
        precision = np.divide(found, pooled, np.zeros_like(found), where=pooled > 0)
        total = weights @ n_true
        return 100 * (1 - gained @ precision / total) if total else np.nan

    return Statistic(n, value)


def _ranked(y, probability, videos, top_k):
    """Return video, score and truth of the top labels of each video, by decreasing score."""
    top = np.argsort(-probability[videos], axis=1, kind="stable")[:, :top_k]
    entries = np.repeat(videos, top.shape[1]), top.ravel()
    order = np.argsort(-probability[entries], kind="stable")
    return entries[0][order], probability[entries][order], y[entries][order]
