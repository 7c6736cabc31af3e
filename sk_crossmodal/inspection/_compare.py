"""The functions that make a `ComparisonReport`, from reports of several runs or predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..metrics import (
    SCORES,
    HierarchyReport,
    draw_weights,
    hierarchy_report,
    match_columns,
    prepare,
    resampled_scores,
    row_columns,
)
from ..validation import check_number
from ._checks import check_mapping, check_models
from ._comparison import ComparisonReport
from ._intervals import differences, interval_of_resamples, interval_of_runs, mean, std, summarize


def compare_report(
    reports: Mapping[str, HierarchyReport | Sequence[HierarchyReport]],
    *,
    baseline: str | None = None,
) -> ComparisonReport:
    """Compare reports of several models.

    With several runs of a model each error rate has a 95 % interval by Student's t over the
    runs. With a baseline, and as many runs of every model, the differences to it have *paired*
    intervals, which are far narrower if a seed or a fold is hard or easy for all models.

    Parameters
    ----------
    reports : dict of str to HierarchyReport or sequence of HierarchyReport
        The report of each model, or one per run (a seed, a fold). For paired intervals the runs
        of every model must have the same seeds and folds, in the same order.
    baseline : str, default=None
        The model to which the others are compared.

    Returns
    -------
    ComparisonReport
        Error rates by score, level and model.

    Raises
    ------
    TypeError
        If a value is not a report.
    ValueError
        If there is no model, reports have different rows, `baseline` is not among the models, or
        with one the models have different numbers of runs.

    See Also
    --------
    compare_predictions : Intervals from a single run, by resampling its videos.

    Notes
    -----
    An interval over folds is too narrow, because they share training videos; one over seeds does
    not cover other test videos. No interval is corrected for the number of comparisons.

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
    runs = _as_runs(reports)
    check_models(runs, baseline)
    every = [report for reports in runs.values() for report in reports]
    rows = {tuple(report.rows) for report in every}
    if len(rows) != 1:
        raise ValueError(f"Reports must have the same rows, got {sorted(rows)}.")
    errors = {
        score: {n: np.array([100 * (1 - getattr(r, score)) for r in rs]) for n, rs in runs.items()}
        for score in SCORES
        if all(hasattr(report, score) for report in every)
    }
    counts = [np.mean([report.n_videos for report in rs], axis=0) for rs in runs.values()]
    report = ComparisonReport(
        tuple(runs),
        rows.pop(),
        summarize(mean, errors),
        summarize(std, errors),
        n_videos=np.stack(counts, axis=-1),
    )
    n_runs = {name: len(reports) for name, reports in runs.items()}
    several = max(n_runs.values()) > 1
    if several:
        low, high = interval_of_runs(errors)
        counted = " or ".join(map(str, sorted(set(n_runs.values()))))
        report = replace(report, low=low, high=high, basis=f"Student's t over {counted} runs")
    if baseline is None:
        return report
    if len(set(n_runs.values())) > 1:
        raise ValueError(f"A baseline needs the same runs (seeds, folds) of all, got {n_runs}.")
    paired = differences(errors, baseline)
    report = replace(report, baseline=baseline, difference=summarize(mean, paired))
    if several:
        low, high = interval_of_runs(paired)
        report = replace(report, difference_low=low, difference_high=high)
    return report


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
    """Compare several models' predictions for the same videos, with intervals.

    The videos are resampled with replacement `n_resamples` times. The ends of a 95 % interval are
    as far from the error rate as the 2.5th and the 97.5th percentile of the resamples are from
    their mean. All models are scored on the same resamples, so that the intervals of differences
    are paired.

    Parameters
    ----------
    y_true : {array-like, sparse array or matrix} of shape (n_videos, n_labels), or label sets
        A multilabel indicator of zeros and ones; or, with a LabelHierarchy, one collection of its
        labels per video, to which it adds their ancestors.
    y_scores : dict of str to array-like of shape (n_videos, n_labels)
        Scores, probabilities or logits of each model; higher means more likely.
    hierarchy : LabelHierarchy or array-like of shape (n_labels,)
        The hierarchy of the labels, in the order of the columns, or just the level of each. The
        columns of data frames are found by name.
    baseline : str, default=None
        The model to which the others are compared.
    by_group : bool, default=False
        Whether the rows are the roots of the hierarchy, each with its descendants, in place of
        the levels.
    top_k, rows, threshold : int or None, str, float
        As in :func:`~sk_crossmodal.metrics.hierarchy_report`.
    n_resamples : int, default=1000
        Number of resamples; 0 for no intervals.
    random_state : int, RandomState or None, default=0
        Random seed of the resamples.

    Returns
    -------
    ComparisonReport
        Error rates by score, level or group, and model.

    Raises
    ------
    TypeError
        If `y_scores` is not a dict, or a parameter has the wrong type.
    ValueError
        If there is no model, `baseline` is not among them, or `hierarchy_report` does not accept
        the input.

    See Also
    --------
    compare_report : Intervals from several runs of each model.

    Notes
    -----
    The intervals cover other test videos of the same kind, not other seeds of the models. They
    are centred on the error rate and not on the mean of the resamples, because MAP is biased: if
    a rare label's only video is drawn twice, its average precision is higher.

    With ``rows="either"``, the default, a row below the first also counts the videos for which a
    model predicts a label of the row; ``rows="truth"`` counts the same videos for all models.

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
    check_mapping("y_scores", y_scores, "scores by model, such as {'late': scores}")
    if not y_scores:
        raise ValueError("y_scores must hold the scores of at least one model, got none.")
    check_number("n_resamples", n_resamples, low=0, integer=True)
    check_models(y_scores, baseline)
    y_true, matched, _ = match_columns(y_true, y_scores, hierarchy)
    y_scores = dict(zip(y_scores, matched, strict=True))
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
    drawn = draw_weights(y_true.shape[0], n_resamples, random_state)
    errors: dict[str, dict[str, Any]] = {score: {} for score in report.mean}
    for name, scores in y_scores.items():
        inputs = prepare(y_true, scores)
        columns = [labels for _, labels in row_columns(hierarchy, inputs.n_labels, by_group)]
        found = resampled_scores(inputs, columns, tuple(errors), drawn, **options)
        for score, models in errors.items():
            models[name] = 100 * (1 - found[score].T)
    low, high = interval_of_resamples(errors, report.mean)
    basis = f"{n_resamples} resamples of {len(drawn)} videos"
    report = replace(report, low=low, high=high, basis=basis)
    if baseline is None or report.difference is None:
        return report
    low, high = interval_of_resamples(differences(errors, baseline), report.difference)
    return replace(report, difference_low=low, difference_high=high)


def _as_runs(reports: Any) -> dict[str, list[Any]]:
    """Return a list of reports per model."""
    check_mapping("reports", reports, "reports by model")
    runs = {
        name: list(report) if isinstance(report, list | tuple) else [report]
        for name, report in reports.items()
    }
    if not runs or not all(runs.values()):
        raise ValueError(f"Each model needs at least one report, got {reports!r}.")
    types = {type(report) for some in runs.values() for report in some}
    if wrong := sorted(t.__name__ for t in types if not issubclass(t, HierarchyReport)):
        raise TypeError(f"Each model needs reports of `hierarchy_report`, got {wrong}.")
    return runs
