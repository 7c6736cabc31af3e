"""`CategoryGainDisplay`: the categories in which one model is better than another."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._types import Array, Floats
from ..metrics import SCORES
from ..validation import check_registered
from ._checks import as_numbers, check_count
from ._compare import compare_predictions
from ._comparison import ComparisonReport, check_report, excludes_zero
from ._display import BLUE, GREY, ORANGE, Display, draw_grid, draw_rows, hide_spines
from ._outputs import scores_by_model, shortened


class CategoryGainDisplay(Display):
    """Gain of one model over another in each top-level category, the largest first.

    Tables 5 and 9 of Goyal et al. (2020) as a plot. A bar is pale if its 95 % interval contains
    0. Make one with :meth:`from_estimator`, :meth:`from_predictions` or :meth:`from_report`.

    Parameters
    ----------
    categories : sequence of str
        Names of the categories.
    gain : array-like of shape (n_categories,)
        By how much the error rate is lower, in percentage points; NaN where it is not defined.
    low, high : array-like of shape (n_categories,), default=None
        Ends of its interval.
    n_videos : array-like of shape (n_categories,), default=None
        Number of videos in each category.
    models : (str, str), default=("baseline", "model")
        The baseline, and the model that is compared to it.
    score : {"gap", "map", "perr", "hit_at_1"}, default="gap"
        Score of the error rates.

    Examples
    --------
    >>> from sk_crossmodal.inspection import CategoryGainDisplay
    >>> display = CategoryGainDisplay(["Games", "Food"], [1.5, -0.5], n_videos=[80, 20]).plot()
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['Games (80)', 'Food (20)']
    """

    def __init__(
        self,
        categories: Any,
        gain: ArrayLike,
        low: ArrayLike | None = None,
        high: ArrayLike | None = None,
        *,
        n_videos: ArrayLike | None = None,
        models: tuple[str, str] = ("baseline", "model"),
        score: str = "gap",
    ) -> None:
        self.categories, self.gain, self.low, self.high = categories, gain, low, high
        self.n_videos, self.models, self.score = n_videos, models, score

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, hierarchy: Any, *, ax: Any = None, **params: Any
    ) -> Self:
        """Predict with two fitted classifiers, compare them by category and draw the gains.

        Parameters
        ----------
        estimator : dict of str to fitted classifier
            Two classifiers by name, the baseline first.
        **params : dict
            Other parameters of :meth:`from_predictions`.
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
        max_categories: int = 24,
        ax: Any = None,
        **params: Any,
    ) -> Self:
        """Compare two models' predictions by category and draw the gains.

        Parameters
        ----------
        y_scores : dict of str to array-like of shape (n_videos, n_labels)
            Scores of two models, the baseline first.
        **params : dict
            Other parameters of :func:`compare_predictions`, such as `n_resamples` and `rows`.

        Raises
        ------
        ValueError
            If there are not two models, or the other arguments do not fit them.
        """
        check_registered("score", score, SCORES)
        check_count("max_categories", max_categories)
        if hasattr(y_scores, "keys"):
            if len(y_scores) != 2:
                given = list(y_scores)
                raise ValueError(f"y_scores must be two models, the baseline first, got {given}.")
            params["baseline"] = next(iter(y_scores))
        report = compare_predictions(y_true, y_scores, hierarchy, by_group=True, **params)
        return cls.from_report(report, score=score, max_categories=max_categories, ax=ax)

    @classmethod
    def from_report(
        cls,
        report: ComparisonReport,
        *,
        model: str | None = None,
        score: str = "gap",
        max_categories: int = 24,
        ax: Any = None,
    ) -> Self:
        """Draw the differences of a report whose rows are categories.

        Parameters
        ----------
        report : ComparisonReport
            A report with a baseline, of reports or predictions with ``by_group=True``.
        model : str, default=None
            The model to compare to the baseline; None takes the only other one.

        Raises
        ------
        TypeError
            If the report is not a ComparisonReport.
        ValueError
            If it has no baseline, or `model` is not one of the others.
        """
        check_report(report)
        check_registered("score", score, SCORES)
        if report.difference is None or report.baseline is None:
            raise ValueError("report must have differences: make it with baseline=...")
        others = [name for name in report.models if name != report.baseline]
        model = others[0] if model is None and len(others) == 1 else model
        if model not in others:
            raise ValueError(f"model must be one of {others}, got {model!r}.")
        column = report.models.index(model)
        low, high = (  # a gain is the negative difference
            None if ends is None else -ends[score][:, column]
            for ends in (report.difference_high, report.difference_low)
        )
        return cls(
            report.rows,
            -report.difference[score][:, column],
            low,
            high,
            n_videos=None if report.n_videos is None else report.n_videos[:, column],
            models=(report.baseline, model),
            score=score,
        ).plot(max_categories=max_categories, ax=ax)

    def plot(self, *, max_categories: int = 24, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        max_categories : int, default=24
            Maximum number of categories to draw: of more, the largest gains and the largest
            losses, and between them the number of the others.

        Raises
        ------
        ValueError
            If the arrays differ in length, or a parameter is not valid.
        """
        check_count("max_categories", max_categories)
        check_registered("score", self.score, SCORES)
        gain, low, high, n_videos = self._arrays()
        order = np.argsort(-gain, kind="stable")
        order = order[~np.isnan(gain[order])]
        n_between = max(0, len(order) - int(max_categories))
        n_first = len(order) if not n_between else -(-int(max_categories) // 2)
        lines: list[int | None] = [*order[:n_first].tolist()]
        if n_between:
            lines += [None, *order[n_first + n_between :].tolist()]
        ax = self._use_ax(ax, 7.0, 1.3 + 0.24 * max(len(lines), 1))
        for y, line in enumerate(lines):
            if line is not None:
                self._plot_bar(y, gain[line], low[line], high[line])
        more = f"… {n_between} more between …"
        names = [more if i is None else self._name(i, n_videos[i]) for i in lines]
        draw_rows(ax, len(lines), names)
        self._add_labels(bool(np.isfinite(low).any()), int(np.isnan(gain).sum()))
        return self

    def _arrays(self) -> list[Floats]:
        """Return gain, its ends and numbers of videos as arrays, NaN where they are unknown."""
        n, arrays = len(self.categories), []
        for name in ("gain", "low", "high", "n_videos"):
            given = getattr(self, name)
            array: Array = np.full(n, np.nan) if given is None else given
            arrays.append(as_numbers(name, array, n, kinds="iuf", finite=False).astype(float))
        return arrays

    def _plot_bar(self, y: int, gain: float, low: float, high: float) -> None:
        noise = not np.isnan(low) and not excludes_zero(low, high)
        color = BLUE if gain >= 0 else ORANGE
        self.ax_.barh(y, gain, height=0.7, color=color, alpha=0.3 if noise else 0.9)
        if not np.isnan(low):
            bars = [[gain - low], [high - gain]]
            self.ax_.errorbar(gain, y, xerr=bars, fmt="none", color="#222222", capsize=2.5, lw=1)

    def _name(self, category: int, n_videos: float) -> str:
        name = shortened(self.categories[category])
        return name if np.isnan(n_videos) else f"{name} ({n_videos:,.0f})"

    def _add_labels(self, with_intervals: bool, n_unknown: int) -> None:
        ax, (baseline, model) = self.ax_, self.models
        ax.axvline(0, color=GREY, lw=1)
        ax.set_xlabel(f"lower {SCORES[self.score].heading} error, in percentage points")
        ax.set_ylabel("category (videos)" if self.n_videos is not None else "category")
        title = f"gain of {shortened(model)} over {shortened(baseline)}"
        if with_intervals:
            title += "\npale: the 95 % interval contains 0"
        if n_unknown:
            title += f"; {n_unknown} without videos left out"
        ax.set_title(title, loc="left", fontsize="medium")
        draw_grid(ax)
        hide_spines(ax, "left")
