"""`ErrorRatesDisplay`: the error rates of several models at every level."""

from typing import Any, Self

import numpy as np

from ._compare import compare_predictions
from ._comparison import SCORES, ComparisonReport, leaves_out_zero
from ._outputs import check_score, scores_by_model, shortened
from ._style import BLUE, GREY, ORANGE, new_figure

# A difference to the baseline by colour and by whether the dot is filled.
KINDS = {
    "baseline": ("s", GREY, GREY),
    "plain": ("o", BLUE, BLUE),
    "noise": ("o", GREY, "white"),
    "better": ("o", BLUE, BLUE),
    "worse": ("o", ORANGE, ORANGE),
}


class ErrorRatesDisplay:
    r"""Error rates of several models, level by level, with their intervals.

    Table 4 of Goyal et al. (2020) as a picture. With a baseline, dots are filled where the
    paired interval of the difference to it leaves out 0. Make one with :meth:`from_estimator`,
    :meth:`from_predictions` or :meth:`from_report`.

    Parameters
    ----------
    report : ComparisonReport
        The error rates.
    score : {"gap", "map", "perr", "hit_at_1"}, default="gap"
        Which of them to draw.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.

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
        """Predict with one or several fitted classifiers, compare them and draw it.

        Parameters
        ----------
        estimator : fitted classifier, or dict of str to fitted classifier
            One, or several by name. Anything with `predict_proba` of the labels of `hierarchy`.
        X : MultimodalArray, or whatever the classifiers take
            The videos.
        y : array-like, sparse, or label sets
            Their labels, see :meth:`from_predictions`.
        hierarchy : LabelHierarchy or array-like of shape (n_labels,)
            The hierarchy of the labels, in the order of the columns, or the level of each.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **params : dict
            `score`, and what :func:`compare_predictions` takes.

        Returns
        -------
        ErrorRatesDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If there is no `predict_proba`.
        ValueError
            If an estimator is not fitted, or y and the hierarchy do not fit its labels.
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
        """Compare predictions and draw it.

        Parameters
        ----------
        y_true : array-like or sparse of shape (n_videos, n_labels), or label sets
            True labels, as in :func:`compare_predictions`.
        y_scores : dict of str to array-like of shape (n_videos, n_labels)
            Per model the scores, higher means more likely.
        hierarchy : LabelHierarchy or array-like of shape (n_labels,)
            The hierarchy of the labels, in the order of the columns, or the level of each.
        score : {"gap", "map", "perr", "hit_at_1"}, default="gap"
            Which error rate to draw.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **params : dict
            What else :func:`compare_predictions` takes, such as `baseline` and `n_resamples`.

        Returns
        -------
        ErrorRatesDisplay
            The drawn display.
        """
        check_score(score)
        report = compare_predictions(y_true, y_scores, hierarchy, **params)
        return cls(report, score=score).plot(ax=ax)

    @classmethod
    def from_report(cls, report: ComparisonReport, *, score: str = "gap", ax: Any = None) -> Self:
        """Draw a report that is already there, such as one over several runs.

        Parameters
        ----------
        report : ComparisonReport
            The error rates.
        score : {"gap", "map", "perr", "hit_at_1"}, default="gap"
            Which of them to draw.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        ErrorRatesDisplay
            The drawn display.
        """
        return cls(report, score=score).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure, which is higher the more there is to show.

        Returns
        -------
        ErrorRatesDisplay
            The display itself.

        Raises
        ------
        TypeError
            If the report is no ComparisonReport.
        ValueError
            If there is no such score.
        """
        check_report(self.report)
        check_score(self.score)
        models, rows = self.report.models, self.report.rows
        block = len(models) + 1  # a heading, then a line a model
        if ax is None:
            ax = new_figure(1, 7.0, 1.5 + 0.19 * block * len(rows))[0]
        self.ax_, self.figure_ = ax, ax.figure
        drawn = [self._plot_level(row, block * row) for row in range(len(rows))]
        at = [block * row + 1 + model for row in range(len(rows)) for model in range(len(models))]
        ax.set_yticks(at, [shortened(name) for name in models] * len(rows))
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(block * len(rows) - 0.4, -0.6)
        intervals = "" if self.report.low is None else f"\n95 % intervals: {self.report.basis}"
        ax.set_xlabel(f"{SCORES[self.score]} error in %{intervals}")
        ax.grid(axis="x", color="#dddddd", lw=0.6)
        ax.set_axisbelow(True)
        ax.spines[["top", "right", "left"]].set_visible(False)
        self._explain({kind for kinds in drawn for kind in kinds})
        return self

    def _plot_level(self, row: int, top: int) -> list[str]:
        """Draw a heading and a dot a model; return what the dots say."""
        report, score = self.report, self.score
        self.ax_.axhspan(top - 0.45, top + 0.45, color="#eeeeee", lw=0, zorder=0)
        place = self.ax_.get_yaxis_transform()
        heading = shortened(report.rows[row], 60)
        text = {"va": "center", "fontsize": "small", "fontweight": "bold"}
        self.ax_.text(0.01, top, heading, transform=place, **text)
        kinds = [self._kind(row, column) for column in range(len(report.models))]
        for column, kind in enumerate(kinds):
            mean, reach = report.mean[score][row, column], None
            if report.low is not None and report.high is not None:
                ends = [table[score][row, column] for table in (report.low, report.high)]
                reach = None if np.isnan(ends[0]) else [[mean - ends[0]], [ends[1] - mean]]
            marker, color, face = KINDS[kind]
            self.ax_.errorbar(
                mean, top + 1 + column, xerr=reach, fmt=marker, color=color, mfc=face, capsize=2.5
            )
        return kinds

    def _kind(self, row: int, column: int) -> str:
        """What the dot of a model says of its difference to the baseline."""
        report, score = self.report, self.score
        if report.difference_low is None or report.difference_high is None:
            return "plain"
        if report.models[column] == report.baseline:
            return "baseline"
        low, high = (
            d[score][row, column] for d in (report.difference_low, report.difference_high)
        )
        if not leaves_out_zero(low, high):
            return "noise"
        return "better" if high < 0 else "worse"

    def _explain(self, kinds: set[str]) -> None:
        words = {
            "better": f"better than {shortened(self.report.baseline)}",
            "worse": f"worse than {shortened(self.report.baseline)}",
            "noise": "difference within noise",
        }
        handles = [
            self.ax_.plot([], [], KINDS[k][0], color=KINDS[k][1], mfc=KINDS[k][2], label=words[k])[
                0
            ]
            for k in words
            if k in kinds
        ]
        if handles:
            self.ax_.legend(
                handles=handles,
                frameon=False,
                loc="lower left",
                bbox_to_anchor=(0.0, 1.0),
                borderaxespad=0.2,
                fontsize="small",
            )


def check_report(report: Any) -> None:
    """Raise TypeError unless `report` is a ComparisonReport."""
    if not isinstance(report, ComparisonReport):
        raise TypeError(
            "report must be a ComparisonReport, as of compare_report or compare_predictions, got "
            f"{type(report).__name__}."
        )
