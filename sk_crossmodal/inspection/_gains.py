"""`CategoryGainDisplay`: in which categories one model is better than another."""

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._types import Array, Floats
from ._compare import compare_predictions
from ._comparison import SCORES, ComparisonReport, leaves_out_zero
from ._errors import check_report
from ._outputs import check_score, scores_by_model, shortened
from ._style import BLUE, GREY, ORANGE, check_positive, new_figure


class CategoryGainDisplay:
    """Gain of one model over another in each top-level category, the largest first.

    Tables 5 and 9 of Goyal et al. (2020) as a picture. Pale bars are those whose 95 % interval
    holds 0. Make one with :meth:`from_estimator`, :meth:`from_predictions` or
    :meth:`from_report`.

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
        The model that is compared to, and the one that is compared.
    score : {"gap", "map", "perr", "hit_at_1"}, default="gap"
        Whose error rate it is.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.

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
        self.categories = categories
        self.gain = gain
        self.low = low
        self.high = high
        self.n_videos = n_videos
        self.models = models
        self.score = score

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, hierarchy: Any, *, ax: Any = None, **params: Any
    ) -> Self:
        """Predict with two fitted classifiers, compare them by category and draw it.

        Parameters
        ----------
        estimator : dict of str to fitted classifier
            Two of them, the first is the one that is compared to.
        X : MultimodalArray, or whatever the classifiers take
            The videos.
        y : array-like, sparse, or label sets
            Their labels, see :meth:`from_predictions`.
        hierarchy : LabelHierarchy
            The hierarchy of the labels, in the order of the columns; its roots are the
            categories.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **params : dict
            What else :meth:`from_predictions` takes.

        Returns
        -------
        CategoryGainDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If an estimator has no `predict_proba`.
        ValueError
            If there are not two, or what is given does not fit them.
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
        """Compare two models' predictions by category and draw it.

        Parameters
        ----------
        y_true : array-like or sparse of shape (n_videos, n_labels), or label sets
            True labels, as in :func:`compare_predictions`.
        y_scores : dict of str to array-like of shape (n_videos, n_labels)
            Scores of two models; the first is the one that is compared to.
        hierarchy : LabelHierarchy
            The hierarchy of the labels, in the order of the columns; its roots are the
            categories.
        score : {"gap", "map", "perr", "hit_at_1"}, default="gap"
            Whose error rate to compare.
        max_categories : int, default=24
            How many categories are drawn at most.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **params : dict
            What else :func:`compare_predictions` takes, such as `n_resamples` and `rows`.

        Returns
        -------
        CategoryGainDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If there are not two models, or what is given does not fit.
        """
        check_score(score)
        check_positive("max_categories", max_categories, Integral)
        if hasattr(y_scores, "keys") and len(y_scores) != 2:
            raise ValueError(
                "y_scores must hold two models, first the one that is compared to, got "
                f"{list(y_scores)}."
            )
        params["baseline"] = next(iter(y_scores), None) if hasattr(y_scores, "keys") else None
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
            One with a baseline; the reports or predictions it is made of by ``by_group=True``.
        model : str, default=None
            Which model is compared to the baseline; None takes the only other one.
        score : {"gap", "map", "perr", "hit_at_1"}, default="gap"
            Whose error rate to compare.
        max_categories : int, default=24
            How many categories are drawn at most.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        CategoryGainDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If the report is none.
        ValueError
            If it has no baseline, or `model` is not one of the others.
        """
        check_report(report)
        check_score(score)
        if report.difference is None or report.baseline is None:
            raise ValueError("report must have differences: make it with baseline=...")
        others = [name for name in report.models if name != report.baseline]
        model = others[0] if model is None and len(others) == 1 else model
        if model not in others:
            raise ValueError(f"model must be one of {others}, got {model!r}.")
        column = report.models.index(model)
        low = high = None
        if report.difference_low is not None and report.difference_high is not None:
            # A gain is a difference the other way round.
            low, high = (
                -ends[score][:, column] for ends in (report.difference_high, report.difference_low)
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
            How many categories are drawn at most: of more only the largest gains and the largest
            losses, and how many are between them.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        CategoryGainDisplay
            The display itself.

        Raises
        ------
        ValueError
            If the arrays are not of one length, or a parameter is none of those above.
        """
        check_positive("max_categories", max_categories, Integral)
        check_score(self.score)
        gain, low, high, n_videos = self._check()
        order = np.argsort(-gain, kind="stable")
        order = order[~np.isnan(gain[order])]
        n_between = max(0, len(order) - int(max_categories))
        n_first = len(order) if not n_between else -(-int(max_categories) // 2)
        lines: list[int | None] = [*order[:n_first].tolist()]
        if n_between:
            lines += [None, *order[n_first + n_between :].tolist()]
        if ax is None:
            ax = new_figure(1, 7.0, 1.3 + 0.24 * max(len(lines), 1))[0]
        self.ax_, self.figure_ = ax, ax.figure
        for y, line in enumerate(lines):
            if line is not None:
                self._plot_bar(y, gain[line], low[line], high[line])
        more = f"… {n_between} more between …"
        names = [more if i is None else self._name(i, n_videos[i]) for i in lines]
        ax.set_yticks(range(len(lines)), names)
        ax.set_ylim(max(len(lines), 1) - 0.4, -0.6)
        self._finish(bool(np.isfinite(low).any()), int(np.isnan(gain).sum()))
        return self

    def _check(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Return gain, its ends and numbers of videos as arrays, NaN where not known."""
        n, arrays = len(self.categories), []
        for name in ("gain", "low", "high", "n_videos"):
            given = getattr(self, name)
            array: Array = np.full(n, np.nan) if given is None else np.asarray(given)
            if array.shape != (n,) or array.dtype.kind not in "iuf":
                raise ValueError(
                    f"{name} must hold {n} numbers, one a category, got shape {array.shape} and "
                    f"dtype {array.dtype}."
                )
            arrays.append(array.astype(float))
        gain, low, high, n_videos = arrays
        return gain, low, high, n_videos

    def _plot_bar(self, y: int, gain: float, low: float, high: float) -> None:
        noise = not np.isnan(low) and not leaves_out_zero(low, high)
        color = BLUE if gain >= 0 else ORANGE
        self.ax_.barh(y, gain, height=0.7, color=color, alpha=0.3 if noise else 0.9)
        if not np.isnan(low):
            reach = [[gain - low], [high - gain]]
            self.ax_.errorbar(gain, y, xerr=reach, fmt="none", color="#222222", capsize=2.5, lw=1)

    def _name(self, category: int, n_videos: float) -> str:
        name = shortened(self.categories[category])
        return name if np.isnan(n_videos) else f"{name} ({n_videos:,.0f})"

    def _finish(self, with_intervals: bool, n_unknown: int) -> None:
        ax, (baseline, model) = self.ax_, self.models
        ax.axvline(0, color=GREY, lw=1)
        ax.set_xlabel(f"lower {SCORES[self.score]} error, in percentage points")
        ax.set_ylabel("category (videos)" if self.n_videos is not None else "category")
        title = f"gain of {shortened(model)} over {shortened(baseline)}"
        if with_intervals:
            title += "\npale: the 95 % interval holds 0"
        if n_unknown:
            title += f"; {n_unknown} without videos left out"
        ax.set_title(title, loc="left", fontsize="medium")
        ax.grid(axis="x", color="#dddddd", lw=0.6)
        ax.set_axisbelow(True)
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right", "left"]].set_visible(False)
