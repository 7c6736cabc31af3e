"""Differences between models; positive if the claim is right."""

import numpy as np
import paper_numbers
import settings
from intervals import ENOUGH_SEEDS, Statistic, combine, estimate, share
from plan import SHARED_TOWER


def gain(results, worse, better, columns=None):
    """Return error differences of two models, one `Statistic` per seed that has both."""
    seeds = results.seeds(worse, better)
    pair = (results.errors(name, seeds, columns) for name in (worse, better))
    return combine(lambda a, b: a - b, *pair)


def slope(levels, values):
    """Return the least-squares slope of values over levels."""
    levels = np.asarray(levels, float) - np.mean(levels)
    return float(levels @ np.asarray(values) / (levels @ levels))


def gain_by_depth(results, family):
    """Return the slope over levels of the gain of CM-C over L."""
    names = f"{family}-L", f"{family}-CM-C"
    if len(results.levels) < 2 or not results.seeds(*names):
        return None
    gains = [gain(results, *names, columns) for columns in results.levels.values()]
    steps = range(len(gains))
    return estimate(combine(lambda *values: slope(steps, values), *gains))


def paper_gain(family, worse, better):
    """Return the paper's gain in overall GAP error, or None."""
    errors = [paper_numbers.gap(family, row) for row in (worse, better)]
    return None if None in errors else errors[0] - errors[1]


def paper_gain_by_depth(family):
    """Return the slope of the paper's gains over levels, or None."""
    if family not in paper_numbers.SCORES:
        return None
    levels = paper_numbers.LEVELS[1:]
    pairs = [[paper_numbers.gap(family, row, level) for row in ("L", "CM-C")] for level in levels]
    return slope(range(len(levels)), [late - concat for late, concat in pairs])


def lead_of_transformer(results):
    """Return the error of late fusion, NetVLAD minus Transformer."""
    return estimate(gain(results, "NV-L", "TM-L"))


def gain_beyond_quarter(results, family):
    """Return 0.75 times the error of L minus the error of CM-C."""
    names = f"{family}-L", f"{family}-CM-C"
    pair = (results.errors(name, results.seeds(*names)) for name in names)
    return estimate(combine(lambda late, concat: 0.75 * late - concat, *pair))


def gain_by_third_layer(results):
    """Return the error of TM-CM-C with two hidden layers of F minus three, over folds."""
    sizes = [tuple(size) for size in settings.F_SIZES]
    if not results.seeds("search TM") or not {(64, 64), (64, 64, 64)} <= set(sizes):
        return None
    errors = results.arrays("search TM", results.seeds("search TM")[0])["errors"]
    if len(errors) < ENOUGH_SEEDS:
        return None
    gains = errors[:, sizes.index((64, 64))] - errors[:, sizes.index((64, 64, 64))]
    return estimate([Statistic(1, lambda _, value=value: value) for value in gains])


def gain_between_families(results):
    """Return the gain of CM-C over L, NetVLAD minus Transformer."""
    names = [f"{family}-{row}" for family in ("NV", "TM") for row in ("L", "CM-C")]
    seeds = results.seeds(*names)
    if not seeds:
        return None
    errors = (results.errors(name, seeds) for name in names)
    return estimate(combine(lambda a, b, c, d: (a - b) - (c - d), *errors))


def category_spread(results, family):
    """Return the largest gain of a category minus the smallest.

    The two categories are selected on other data than the gains are measured on: on the other
    seeds or, if there are fewer than two or they share test videos, on every second test video.
    """
    names = f"{family}-L", f"{family}-CM-C"
    if len(results.categories) < 2 or not results.seeds(*names):
        return None
    gains = [gain(results, *names, columns) for columns in results.categories.values()]
    by_seed = list(zip(*gains, strict=True))
    if len(by_seed) < ENOUGH_SEEDS or results.shares_test_videos:
        return estimate([_spread_in_halves(row) for row in by_seed])
    values = np.array([[one() for one in row] for row in by_seed])
    chosen = []
    for seed, row in enumerate(by_seed):
        others = np.delete(values, seed, axis=0).mean(axis=0)
        chosen.append((row[np.nanargmax(others)], row[np.nanargmin(others)]))
    return estimate(combine(lambda most, least: most - least, *zip(*chosen, strict=True)))


def _spread_in_halves(row):
    half = np.arange(row[0].n) % 2 == 0
    values = [one(half.astype(float)) for one in row]
    most, least = row[np.nanargmax(values)], row[np.nanargmin(values)]
    return Statistic(row[0].n, lambda w: most(w * ~half) - least(w * ~half))


def tower_rate(results, name, rate, seeds=None):
    """Return a rate of a tower in percent, one `Statistic` over held-out pairs per seed.

    `rate` is "error", "fpr" or "fnr".
    """
    rates = []
    for seed in results.seeds(name) if seeds is None else seeds:
        arrays = results.arrays(name, seed)
        wrong = {"fnr": arrays["matching"] <= 0.5, "fpr": arrays["mismatched"] > 0.5}
        rates.append(share(wrong[rate] if rate in wrong else np.concatenate([*wrong.values()])))
    return rates


def tower_change(results, rate, one, other):
    """Return the rate of one tower minus that of another, for seeds with both."""
    seeds = results.seeds(one, other)
    pair = (tower_rate(results, name, rate, seeds) for name in (one, other))
    return combine(lambda a, b: a - b, *pair)


def irrelevant_called(results):
    """Return the share with p < 0.5 of videos with irrelevant audio, per seed."""
    known = (p[flags["irrelevant_audio"]] for p, flags in tower_probabilities(results))
    return [share(p < 0.5) for p in known if len(p)]


def false_alarms(results):
    """Return the share with p < 0.5 of videos without irrelevant parts, per seed."""
    known = (p[~np.any(list(flags.values()), axis=0)] for p, flags in tower_probabilities(results))
    return [share(p < 0.5) for p in known if len(p)]


def true_negatives(results):
    """Return the share of irrelevant audio for p < 0.5 minus that of all videos, per seed."""
    return [
        _excess(p < 0.5, flags["irrelevant_audio"].astype(float))
        for p, flags in tower_probabilities(results)
    ]


def _excess(negative, irrelevant):
    def value(weights):
        among_negatives = weights * negative
        if not among_negatives.any():
            return np.nan
        rate = among_negatives @ irrelevant / among_negatives.sum()
        return 100 * (rate - weights @ irrelevant / weights.sum())

    return Statistic(len(negative), value)


def tower_probabilities(results):
    """Yield the tower's p of the test videos and their flags, for each seed with flags."""
    for seed in results.seeds("videos", SHARED_TOWER):
        if flags := results.videos[seed]["flags"]:
            yield results.arrays(SHARED_TOWER, seed)["p"], flags
