"""`CorrelationDisplay`: how well the tower tells matching from mismatched."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np

from .._types import Floats
from ._inner import inner_estimator
from ._style import BLUE, GREY, ORANGE, check_positive, new_figure


class CorrelationDisplay:
    """Distribution of a correlation tower's output on matching and mismatched pairs.

    The picture of Figure 9 of Goyal et al. (2020), with mismatched pairs beside the matching
    ones, and what the tower gets wrong: matching pairs up to the threshold (FNR) and mismatched
    ones above it (FPR) are filled. Make one with :meth:`from_estimator` or
    :meth:`from_predictions`.

    Parameters
    ----------
    matching, mismatched : ndarray of shape (n,) and (m,)
        Probabilities that the modalities of a pair are correlated.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    """

    def __init__(self, matching: Floats, mismatched: Floats) -> None:
        self.matching = matching
        self.mismatched = mismatched

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        random_state: int | np.random.RandomState | None = 0,
        threshold: float = 0.5,
        ax: Any = None,
    ) -> Self:
        """Pair videos, compute the tower's output and draw it.

        Parameters
        ----------
        estimator : fitted CorrelationTower
            The tower.
        X : MultimodalArray or any form that becomes one
            Videos, best ones that the tower was not trained on.
        y : array-like
            Their labels.
        random_state : int, RandomState or None, default=0
            Decides which videos are paired.
        threshold : float, default=0.5
            Probability above which a pair is called matching, as by the hard gate.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        CorrelationDisplay
            The drawn display. With several pairs of modalities all are counted together.
        """
        estimator, X = inner_estimator(estimator, "pair_probabilities", X)
        pairs = estimator.pair_probabilities(X, y, random_state=random_state)
        return cls.from_predictions(*pairs, threshold=threshold, ax=ax)

    @classmethod
    def from_predictions(
        cls, matching: Any, mismatched: Any, *, threshold: float = 0.5, ax: Any = None
    ) -> Self:
        """Draw outputs that are already there.

        Parameters
        ----------
        matching, mismatched : array-like
            Probabilities that the modalities of a pair are correlated.
        threshold : float, default=0.5
            Probability above which a pair is called matching, as by the hard gate.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        CorrelationDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If they are no probabilities.
        """
        parts = {"matching": matching, "mismatched": mismatched}
        display = cls(*(_probabilities(name, part) for name, part in parts.items()))
        return display.plot(threshold=threshold, ax=ax)

    def plot(self, *, threshold: float = 0.5, ax: Any = None, bins: int = 25) -> Self:
        """Draw.

        Parameters
        ----------
        threshold : float, default=0.5
            Probability above which a pair is called matching, as by the hard gate.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        bins : int, default=25
            Bars of the histogram.

        Returns
        -------
        CorrelationDisplay
            The display itself.

        Raises
        ------
        ValueError
            If `threshold` is no number from 0 to 1, or `bins` is not above 0.
        """
        _check_threshold(threshold)
        check_positive("bins", bins, Integral)
        self.ax_ = new_figure(1, 7.0, 3.8)[0] if ax is None else ax
        self.figure_ = self.ax_.figure
        fnr, fpr = _rate(self.matching <= threshold), _rate(self.mismatched > threshold)
        error = f"{fnr} below {threshold:g} (FNR)"
        share = self._plot_kind("matching", self.matching, error, BLUE, bins)
        _mark(self.ax_, share, (0.0, threshold), BLUE, f"FNR {fnr}", "left")
        error = f"{fpr} above {threshold:g} (FPR)"
        share = self._plot_kind("mismatched", self.mismatched, error, ORANGE, bins)
        _mark(self.ax_, share, (threshold, 1.0), ORANGE, f"FPR {fpr}", "right")
        high = self.ax_.dataLim.ymax or 100.0
        self.ax_.set_ylim(0, 1.2 * high)  # room for the two rates
        self.ax_.vlines(threshold, 0, 1.06 * high, color=GREY, lw=1.2, ls=":")
        self.ax_.set_xlim(0, 1)
        self.ax_.set_xlabel("tower's probability that the modalities are correlated")
        self.ax_.set_ylabel("pairs in %")
        self.ax_.spines[["top", "right"]].set_visible(False)
        self.ax_.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1)
        return self

    def _plot_kind(self, name: str, values: Floats, error: str, color: str, bins: int) -> Floats:
        """Draw the histogram of one kind of pairs; return its bars, in percent."""
        share, edges = np.histogram(values, bins, (0, 1))
        share = 100 * share / max(len(values), 1)
        label = f"{name}, {len(values)} pairs: {error}"
        self.ax_.stairs(share, edges, fill=True, color=color, alpha=0.1)
        self.ax_.stairs(share, edges, color=color, lw=1.8, label=label)
        return share


def _rate(wrong: Any) -> str:
    return f"{wrong.sum() / max(len(wrong), 1):.1%}"


def _mark(
    ax: Any, share: Floats, side: tuple[float, float], color: str, text: str, edge: str
) -> None:
    """Fill the part of a histogram that lies on the wrong side of the threshold, and name it."""
    edges = np.linspace(0, 1, len(share) + 1)
    inside = edges[(edges > side[0]) & (edges < side[1])]
    x = np.array([side[0], *inside, side[1]])
    bars = np.minimum(np.searchsorted(edges, x, side="right") - 1, len(share) - 1)
    ax.fill_between(x, share[bars], step="post", color=color, alpha=0.45, lw=0)
    place: dict[str, Any] = {"ha": edge, "va": "top", "transform": ax.transAxes}
    ax.text(0.01 if edge == "left" else 0.99, 0.99, text, color=color, weight="bold", **place)


def _check_threshold(threshold: Any) -> None:
    wanted = f"threshold must be a number from 0 to 1, got {threshold!r}."
    if isinstance(threshold, bool) or not isinstance(threshold, Real):
        raise TypeError(wanted)
    if not 0 <= float(threshold) <= 1:
        raise ValueError(wanted)


def _probabilities(name: str, values: Any) -> Floats:
    """Return probabilities as a flat array; ValueError if they are none."""
    given = np.ravel(values)
    if given.dtype.kind not in "fiub" or not ((given >= 0) & (given <= 1)).all():
        raise ValueError(f"{name} must hold numbers from 0 to 1, got {values!r}.")
    return given.astype(np.result_type(given, np.float32))
