"""The two doors to a `ComparisonReport`: reports of several runs, or predictions of one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np

from .._types import Ints
from ..metrics import (
    HierarchyReport,
    as_indicator,
    draw_weights,
    group_columns,
    hierarchy_report,
    level_columns,
    prepare,
    resampled_scores,
)
from ._comparison import SCORES, ComparisonReport
from ._intervals import (
    Runs,
    by_model,
    differences,
    interval_of_resamples,
    interval_of_runs,
    mean,
    spread,
)


def compare_report(
    reports: Mapping[str, HierarchyReport | Sequence[HierarchyReport]],
    *,
    baseline: str | None = None,
) -> ComparisonReport:
    """Put several models' reports side by side.

    With several runs of a model each error rate has a 95 % interval by Student's t over the
    runs. With a baseline, and as many runs of every model, the differences to it have *paired*
    intervals, which are far narrower where a seed or a fold is hard or easy for all models.

    Parameters
    ----------
    reports : dict of str to HierarchyReport or sequence of HierarchyReport
        Per model its report, or one for each run (a seed, a fold). For paired intervals the
        runs of every model must be of the same seeds and folds, in the same order.
    baseline : str, default=None
        The model that the others are compared to; None compares none.

    Returns
    -------
    ComparisonReport
        Error rates by score, level and model.

    Raises
    ------
    TypeError
        If there is anything else than reports.
    ValueError
        If there is no model, reports have different rows, `baseline` is not among the models, or
        with one the models have different numbers of runs.

    See Also
    --------
    compare_predictions : Intervals from a single run, by resampling its videos.

    Notes
    -----
    An interval over cross-validation folds is too narrow, because the folds share training
    videos; over seeds it says nothing of other test videos. None is corrected for how many
    models, levels and scores are compared.

    Examples
    --------
    >>> from sk_crossmodal.inspection import compare_report
    >>> from sk_crossmodal.metrics import hierarchy_report
    >>> y = [[1, 0], [0, 1]]
    >>> good = hierarchy_report(y, [[0.9, 0.1], [0.2, 0.8]], [0, 0])
    >>> bad = hierarchy_report(y, [[0.9, 0.1], [0.8, 0.2]], [0, 0])
    >>> comparison = compare_report({"good": good, "bad": bad}, baseline="bad")
    >>> print(*str(comparison).splitlines()[:5], sep=chr(10))
    error rates in percent, lower is better; mean ± std over runs
    <BLANKLINE>
    GAP       good    bad
    overall   0.00  16.67
    level 0   0.00  16.67
    >>> print(comparison.difference["gap"].round(2)[0])
    [-16.67   0.  ]
    """
    runs = _check_reports(reports)
    _check_baseline(baseline, runs)
    rows = {tuple(report.rows) for reports in runs.values() for report in reports}
    if len(rows) != 1:
        raise ValueError(f"Reports must have the same rows, got {sorted(rows)}.")
    errors: Runs = {
        score: {n: np.array([100 * (1 - getattr(r, score)) for r in rs]) for n, rs in runs.items()}
        for score in SCORES
    }
    counts = [np.mean([report.n_videos for report in rs], axis=0) for rs in runs.values()]
    report = ComparisonReport(
        tuple(runs),
        rows.pop(),
        {score: by_model(mean, of) for score, of in errors.items()},
        {score: by_model(spread, of) for score, of in errors.items()},
        n_videos=np.stack(counts, axis=-1),
    )
    n_runs = {len(reports) for reports in runs.values()}
    if max(n_runs) > 1:
        counted = " or ".join(map(str, sorted(n_runs)))
        low, high = interval_of_runs(errors)
        report = replace(report, low=low, high=high, basis=f"Student's t over {counted} runs")
    return report if baseline is None else _with_differences(report, errors, baseline)


def compare_predictions(
    y_true: Any,
    y_scores: Mapping[str, Any],
    hierarchy: Any,
    *,
    baseline: str | None = None,
    by_group: bool = False,
    top_k: int | None = 20,
    rows: str = "either",
    threshold: float = 0.5,
    n_resamples: int = 1000,
    random_state: int | np.random.RandomState | None = 0,
) -> ComparisonReport:
    """Put several models' predictions for the same videos side by side, with intervals.

    The videos are drawn anew, with replacement, `n_resamples` times; how far the 2.5th and the
    97.5th percentile of an error rate over these resamples are from their mean is how far the
    ends of its 95 % interval are from the error rate. All models see the same resamples, so that
    the intervals of differences are paired.

    Parameters
    ----------
    y_true : {array-like, sparse array or matrix} of shape (n_videos, n_labels), or label sets
        True labels as a multilabel indicator of zeros and ones; or, if `hierarchy` is a
        LabelHierarchy, as a collection of its labels a video, which it closes upward.
    y_scores : dict of str to array-like of shape (n_videos, n_labels)
        Per model the scores, probabilities or logits; higher means more likely.
    hierarchy : LabelHierarchy or array-like of shape (n_labels,)
        The hierarchy of the labels, in the order of the columns, or just the level of each.
    baseline : str, default=None
        The model that the others are compared to; None compares none.
    by_group : bool, default=False
        Whether the rows are the roots of the hierarchy, each with all that is below it, in place
        of the levels.
    top_k, rows, threshold : int or None, str, float
        As in :func:`~sk_crossmodal.metrics.hierarchy_report`.
    n_resamples : int, default=1000
        Number of resamples; 0 for no intervals.
    random_state : int, RandomState or None, default=0
        Decides the resamples.

    Returns
    -------
    ComparisonReport
        Error rates by score, level or group, and model.

    Raises
    ------
    TypeError
        If `y_scores` is no dict, or a parameter is of the wrong type.
    ValueError
        If there is no model, `baseline` is not among them, or what is given is not what
        `hierarchy_report` takes.

    See Also
    --------
    compare_report : Intervals from several runs of each model.

    Notes
    -----
    The intervals are those of other test videos of the same kind, for models as they were
    trained: how much a model varies with its seed is not in them. They stand around the error
    rate and not around the mean of the resamples, because MAP is not the same on average: where
    a rare label's only video is drawn twice, its average precision is higher.

    With ``rows="either"``, the default, a row below the first also counts for each model the
    videos that it predicts something for, so those of two models are not quite the same;
    ``rows="truth"`` counts the same ones for all.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_crossmodal.inspection import compare_predictions
    >>> rng = np.random.RandomState(0)
    >>> y = rng.randint(2, size=(200, 4))
    >>> scores = {"late": y + 2 * rng.randn(200, 4), "concat": y + rng.randn(200, 4)}
    >>> report = compare_predictions(y, scores, [0, 0, 1, 1], baseline="late", n_resamples=200)
    >>> print(*str(report).splitlines()[-19:-15], sep=chr(10))
    GAP                        concat
    overall  -16.79 [-22.40, -11.63]*
    level 0   -13.48 [-20.13, -7.36]*
    level 1  -19.21 [-26.22, -12.52]*
    """
    _check_scores(y_scores, n_resamples)
    _check_baseline(baseline, y_scores)
    first = next(iter(y_scores.values()))
    y_true = as_indicator(y_true, first, hierarchy)
    options: dict[str, Any] = {"top_k": top_k, "rows": rows, "threshold": threshold}
    report = compare_report(
        {
            name: hierarchy_report(y_true, scores, hierarchy, by_group=by_group, **options)
            for name, scores in y_scores.items()
        },
        baseline=baseline,
    )
    if n_resamples == 0:
        return report
    drawn = draw_weights(len(first), n_resamples, random_state)
    errors: Runs = {score: {} for score in SCORES}
    for name, scores in y_scores.items():
        problem = prepare(y_true, scores)
        columns = _columns(hierarchy, problem.n_labels, by_group)
        found = resampled_scores(problem, columns, tuple(SCORES), drawn, **options)
        for score in SCORES:
            errors[score][name] = 100 * (1 - found[score].T)
    low, high = interval_of_resamples(errors, report.mean)
    basis = f"{n_resamples} resamples of {len(drawn)} videos"
    report = replace(report, low=low, high=high, basis=basis)
    if baseline is None or report.difference is None:
        return report
    low, high = interval_of_resamples(differences(errors, baseline), report.difference)
    return replace(report, difference_low=low, difference_high=high)


def _columns(hierarchy: Any, n_labels: int, by_group: bool) -> list[Ints | None]:
    if by_group:
        return [columns for _, columns in group_columns(hierarchy, n_labels)]
    return [None, *level_columns(hierarchy, n_labels).values()]


def _with_differences(report: ComparisonReport, errors: Runs, baseline: str) -> ComparisonReport:
    n_runs = {name: len(runs) for name, runs in errors["gap"].items()}
    if len(set(n_runs.values())) > 1:
        raise ValueError(
            "With a baseline every model needs the same runs (seeds, folds), in the same order; "
            f"got the numbers {n_runs}. Leave runs out, or set baseline=None."
        )
    apart = differences(errors, baseline)
    report = replace(
        report,
        baseline=baseline,
        difference={score: by_model(mean, of) for score, of in apart.items()},
    )
    if max(n_runs.values()) == 1:
        return report
    low, high = interval_of_runs(apart)
    return replace(report, difference_low=low, difference_high=high)


def _check_reports(reports: Any) -> dict[str, list[Any]]:
    if not isinstance(reports, Mapping):
        raise TypeError(f"reports must be a dict by model, got {type(reports).__name__}.")
    runs = {
        name: list(report) if isinstance(report, list | tuple) else [report]
        for name, report in reports.items()
    }
    if not runs or not all(runs.values()):
        raise ValueError(f"Each model needs at least one report, got {reports!r}.")
    wrong = [r for rs in runs.values() for r in rs if not isinstance(r, HierarchyReport)]
    if wrong:
        raise TypeError(
            "Each model needs reports of `hierarchy_report`, got "
            f"{sorted({type(report).__name__ for report in wrong})}."
        )
    return runs


def _check_scores(y_scores: Any, n_resamples: Any) -> None:
    if not isinstance(y_scores, Mapping):
        raise TypeError(
            "y_scores must be a dict of scores by model, such as {'late': scores}, got "
            f"{type(y_scores).__name__}."
        )
    if not y_scores:
        raise ValueError("y_scores must hold the scores of at least one model, got none.")
    if isinstance(n_resamples, bool) or not isinstance(n_resamples, Integral):
        raise TypeError(f"n_resamples must be an integer >= 0, got {n_resamples!r}.")
    if n_resamples < 0:
        raise ValueError(f"n_resamples must be an integer >= 0, got {n_resamples!r}.")


def _check_baseline(baseline: Any, models: Mapping[str, Any]) -> None:
    wrong = [name for name in models if not isinstance(name, str)]
    if wrong:
        raise TypeError(f"Names of models must be strings, got {wrong[0]!r}.")
    if baseline is not None and baseline not in models:
        raise ValueError(f"baseline must be one of {list(models)} or None, got {baseline!r}.")
