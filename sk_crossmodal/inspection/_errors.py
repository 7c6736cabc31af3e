"""`ErrorRatesDisplay`: the error rates of several models at every level."""

from typing import Any, Self

import numpy as np

from ..metrics import SCORES
from ..validation import check_registered
from ._compare import compare_predictions
from ._comparison import ComparisonReport, check_report, excludes_zero
from ._display import BLUE, GREY, ORANGE, Display, draw_grid, draw_rows, hide_spines
from ._outputs import scores_by_model, shortened

# Marker, edge and face by the difference to the baseline.
STYLES = {
    "baseline": {"marker": "s", "ls": "none", "color": GREY, "mfc": GREY},
    "plain": {"marker": "o", "ls": "none", "color": BLUE, "mfc": BLUE},
    "better": {"marker": "o", "ls": "none", "color": BLUE, "mfc": BLUE},
    "worse": {"marker": "o", "ls": "none", "color": ORANGE, "mfc": ORANGE},
    "noise": {"marker": "o", "ls": "none", "color": GREY, "mfc": "white"},
}


class ErrorRatesDisplay(Display):
    r"""Error rates of several models, level by level, with their intervals.

    Table 4 of Goyal et al. (2020) as a plot. With a baseline, a dot is filled if the paired
    interval of the difference to it excludes 0. Make one with :meth:`from_estimator`,
    :meth:`from_predictions` or :meth:`from_report`.

    Parameters
    ----------
    report : ComparisonReport
        The error rates, such as those over several runs.
    score : {"gap", "map", "perr", "hit_at_1"}, default="gap"
        Score of the error rates.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_crossmodal.inspection import ErrorRatesDisplay
    >>> rng = np.random.RandomState(0)
    >>> y = rng.randint(2, size=(99, 4))
    >>> scores = {"late": y + 2 * rng.randn(99, 4), "concat": y + rng.randn(99, 4)}
    >>> display = ErrorRatesDisplay.from_predictions(y, scores, [0, 0, 1, 1], n_resamples=99)
    >>> display.ax_.get_xlabel()
    'GAP error in %\n95 % intervals: 99 resamples of 99 videos'
    """

    def __init__(self, report: ComparisonReport, *, score: str = "gap") -> None:
        self.report = report
        self.score = score

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, hierarchy: Any, *, ax: Any = None, **params: Any
    ) -> Self:
        """Predict with one or several fitted classifiers, compare them and draw the error rates.

        Parameters
        ----------
        estimator : fitted classifier, or dict of str to fitted classifier
            One, or several by name, with `predict_proba` of the labels of `hierarchy`.
        hierarchy : LabelHierarchy or array-like of shape (n_labels,)
            The hierarchy of the labels, in the order of the columns, or the level of each.
        **params : dict
            `score`, and the parameters of :func:`compare_predictions`.
        """
        return cls.from_predictions(y, scores_by_model(estimator, X), hierarchy, ax=ax, **params)

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_scores: Any,
        hierarchy: Any,
        *,
        score: str = "gap",
        ax: Any = None,
        **params: Any,
    ) -> Self:
        """Compare predictions and draw their error rates.

        Parameters
        ----------
        y_scores : dict of str to array-like of shape (n_videos, n_labels)
            Scores of each model, higher means more likely.
        hierarchy : LabelHierarchy or array-like of shape (n_labels,)
            The hierarchy of the labels, in the order of the columns, or the level of each.
        **params : dict
            Other parameters of :func:`compare_predictions`, such as `baseline` and `n_resamples`.
        """
        check_registered("score", score, SCORES)
        report = compare_predictions(y_true, y_scores, hierarchy, **params)
        return cls(report, score=score).plot(ax=ax)

    @classmethod
    def from_report(cls, report: ComparisonReport, *, score: str = "gap", ax: Any = None) -> Self:
        """Draw a given report."""
        return cls(report, score=score).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Draw.

        A new figure is as high as the number of models and levels requires.

        Raises
        ------
        TypeError
            If the report is not a ComparisonReport.
        ValueError
            If there is no such score.
        """
        check_report(self.report)
        check_registered("score", self.score, SCORES)
        models, rows = self.report.models, self.report.rows
        block = len(models) + 1  # a heading, and one line per model
        ax = self._use_ax(ax, 7.0, 1.5 + 0.19 * block * len(rows))
        drawn = {kind for row in range(len(rows)) for kind in self._plot_level(row, block * row)}
        at = [block * row + 1 + model for row in range(len(rows)) for model in range(len(models))]
        draw_rows(ax, block * len(rows), [shortened(name) for name in models] * len(rows), at)
        intervals = "" if self.report.low is None else f"\n95 % intervals: {self.report.basis}"
        ax.set_xlabel(f"{SCORES[self.score].heading} error in %{intervals}")
        draw_grid(ax)
        hide_spines(ax, "left")
        self._add_legend(drawn)
        return self

    def _plot_level(self, row: int, top: int) -> list[str]:
        """Draw a heading and one dot per model; return the styles of the dots."""
        report, score, ax = self.report, self.score, self.ax_
        ax.axhspan(top - 0.45, top + 0.45, color="#eeeeee", lw=0, zorder=0)
        text = {"va": "center", "fontsize": "small", "fontweight": "bold"}
        heading = shortened(report.rows[row], 60)
        ax.text(0.01, top, heading, transform=ax.get_yaxis_transform(), **text)
        drawn = [self._style(row, column) for column in range(len(report.models))]
        for column, style in enumerate(drawn):
            mean, bars = report.mean[score][row, column], None
            if report.low is not None and report.high is not None:
                low, high = report.low[score][row, column], report.high[score][row, column]
                bars = None if np.isnan(low) else [[mean - low], [high - mean]]
            ax.errorbar(mean, top + 1 + column, xerr=bars, capsize=2.5, **STYLES[style])
        return drawn

    def _style(self, row: int, column: int) -> str:
        """Name of the style for a model's difference to the baseline."""
        report = self.report
        if report.difference_low is None or report.difference_high is None:
            return "plain"
        if report.models[column] == report.baseline:
            return "baseline"
        low = report.difference_low[self.score][row, column]
        high = report.difference_high[self.score][row, column]
        if not excludes_zero(low, high):
            return "noise"
        return "better" if high < 0 else "worse"

    def _add_legend(self, styles: set[str]) -> None:
        baseline = shortened(self.report.baseline)
        labels = {
            "better": f"better than {baseline}",
            "worse": f"worse than {baseline}",
            "noise": "difference within noise",
        }
        handles = [
            self.ax_.plot([], [], label=label, **STYLES[name])[0]
            for name, label in labels.items()
            if name in styles
        ]
        if handles:
            place = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "borderaxespad": 0.2}
            self.ax_.legend(handles=handles, frameon=False, fontsize="small", **place)
