"""95 % intervals of error rates and of their differences, over runs or over resamples."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

import numpy as np
from scipy import stats

from .._types import Floats

Runs: TypeAlias = Mapping[str, Mapping[str, Floats]]  # by score and model, (n_runs, n_rows)
Table: TypeAlias = Mapping[str, Floats]  # by score, (n_rows, n_models)


def summarize(function: Callable[[Floats], Floats], errors: Runs) -> dict[str, Floats]:
    """Apply a function to the runs of each model; return a table with one column per model."""
    return {
        score: np.stack([function(runs) for runs in models.values()], axis=-1)
        for score, models in errors.items()
    }


def differences(errors: Runs, baseline: str) -> Runs:
    """Errors minus those of the baseline, run by run."""
    return {
        score: {name: runs - models[baseline] for name, runs in models.items()}
        for score, models in errors.items()
    }


def interval_of_runs(errors: Runs) -> tuple[Table, Table]:
    """Ends of 95 % intervals of means, by Student's t."""
    return (
        summarize(lambda runs: mean(runs) - half_width(runs), errors),
        summarize(lambda runs: mean(runs) + half_width(runs), errors),
    )


def interval_of_resamples(errors: Runs, estimates: Table) -> tuple[Table, Table]:
    """Ends of 95 % intervals by percentiles around the estimates, which they always contain."""
    low, high = (summarize(partial(_percentile, q=q), errors) for q in (2.5, 97.5))
    # If all resamples agree, rounding must not put an end beyond the estimate.
    return (
        {score: estimate + np.minimum(0.0, low[score]) for score, estimate in estimates.items()},
        {score: estimate + np.maximum(0.0, high[score]) for score, estimate in estimates.items()},
    )


def mean(errors: Floats) -> Floats:
    """Mean over runs."""
    of_runs: Floats = errors.mean(axis=0)
    return of_runs


def std(errors: Floats) -> Floats:
    """Standard deviation over runs; NaN for a single run."""
    return errors.std(0, ddof=1) if len(errors) > 1 else np.full(errors.shape[1], np.nan)


def half_width(errors: Floats) -> Floats:
    """Half the width of the 95 % interval of a mean, by Student's t; NaN for a single run."""
    n_runs = len(errors)
    half: Floats = std(errors) * stats.t.ppf(0.975, max(n_runs - 1, 1)) / np.sqrt(n_runs)
    return half


def _percentile(errors: Floats, q: float) -> Floats:
    """Percentile of the distance of resamples from their mean; resamples with NaN do not count."""
    known = ~np.isnan(errors).all(axis=0)
    ends = np.full(errors.shape[1], np.nan)
    errors = errors[:, known]
    ends[known] = np.nanpercentile(errors, q, axis=0) - np.nanmean(errors, axis=0)
    return ends
