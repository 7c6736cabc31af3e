"""95 % intervals of error rates and of their differences, over runs or over resamples."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from scipy import stats

from .._types import Floats
from ._comparison import Table

Runs = dict[str, dict[str, Floats]]  # by score and model, errors of shape (n_runs, n_rows)


def differences(errors: Runs, baseline: str) -> Runs:
    """Errors minus those of the baseline, run by run."""
    return {
        score: {name: runs - of[baseline] for name, runs in of.items()}
        for score, of in errors.items()
    }


def interval_of_runs(errors: Runs) -> tuple[Table, Table]:
    """Ends of 95 % intervals of means, by Student's t."""
    return (
        {score: by_model(lambda e: mean(e) - reach(e), of) for score, of in errors.items()},
        {score: by_model(lambda e: mean(e) + reach(e), of) for score, of in errors.items()},
    )


def interval_of_resamples(errors: Runs, estimates: Table) -> tuple[Table, Table]:
    """Ends of 95 % intervals, by percentiles around the estimates, which they always hold."""
    low, high = (
        {
            # Where all resamples agree, rounding is not to put an end beyond the estimate.
            score: estimates[score] + beyond(0.0, by_model(partial(_percentile, q=q), of))
            for score, of in errors.items()
        }
        for q, beyond in ((2.5, np.minimum), (97.5, np.maximum))
    )
    return low, high


def by_model(function: Any, errors: Mapping[str, Floats]) -> Floats:
    """Apply a function to the errors of each model, one column a model."""
    return np.stack([function(runs) for runs in errors.values()], axis=-1)


def mean(errors: Floats) -> Floats:
    """Mean over runs."""
    of_runs: Floats = errors.mean(axis=0)
    return of_runs


def spread(errors: Floats) -> Floats:
    """Standard deviation over runs; NaN for a single run."""
    return errors.std(0, ddof=1) if len(errors) > 1 else np.full(errors.shape[1], np.nan)


def reach(errors: Floats) -> Floats:
    """Half the width of the 95 % interval of a mean, by Student's t; NaN for a single run."""
    n_runs = len(errors)
    half: Floats = spread(errors) * stats.t.ppf(0.975, max(n_runs - 1, 1)) / np.sqrt(n_runs)
    return half


def _percentile(errors: Floats, q: float) -> Floats:
    """Percentile of how far resamples are from their mean."""
    known = ~np.isnan(errors).all(axis=0)
    ends = np.full(errors.shape[1], np.nan)
    errors = errors[:, known]
    ends[known] = np.nanpercentile(errors, q, axis=0) - np.nanmean(errors, axis=0)
    return ends
