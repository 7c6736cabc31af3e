"""`CorrelationDisplay`: how well the tower tells matching from mismatched."""

from numbers import Integral
from typing import Any, Self

import numpy as np

from .._types import Floats
from ._style import BLUE, GREY, ORANGE, check_has, check_positive, new_figure


class CorrelationDisplay:
    """Distribution of a correlation tower's output on matching and mismatched pairs.

    The picture of Figure 9 of Goyal et al. (2020), with mismatched pairs beside the matching
    ones. Make one with :meth:`from_estimator` or :meth:`from_predictions`.

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
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        CorrelationDisplay
            The drawn display. With several pairs of modalities all are counted together.
        """
        check_has(estimator, "pair_probabilities")
        pairs = estimator.pair_probabilities(X, y, random_state=random_state)
        return cls.from_predictions(*pairs, ax=ax)

    @classmethod
    def from_predictions(cls, matching: Any, mismatched: Any, *, ax: Any = None) -> Self:
        """Draw outputs that are already there.

        Parameters
        ----------
        matching, mismatched : array-like
            Probabilities that the modalities of a pair are correlated.
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
        return cls(*(_probabilities(name, part) for name, part in parts.items())).plot(ax=ax)

    def plot(self, *, ax: Any = None, bins: int = 25) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        bins : int, default=25
            Bars of the histogram.

        Returns
        -------
        CorrelationDisplay
            The display itself.
        """
        check_positive("bins", bins, Integral)
        self.ax_ = new_figure(1, 7.0, 3.8)[0] if ax is None else ax
        self.figure_ = self.ax_.figure
        edges = np.linspace(0, 1, bins + 1)
        kinds = (
            ("matching", self.matching, self.matching <= 0.5, BLUE, "below 0.5 (FNR)"),
            ("mismatched", self.mismatched, self.mismatched > 0.5, ORANGE, "above 0.5 (FPR)"),
        )
        for name, values, wrong, color, side in kinds:
            count = max(len(values), 1)
            share = 100 * np.histogram(values, edges)[0] / count
            label = f"{name}, {len(values)} pairs: {wrong.sum() / count:.1%} {side}"
            self.ax_.stairs(share, edges, fill=True, color=color, alpha=0.25)
            self.ax_.stairs(share, edges, color=color, lw=1.8, label=label)
        self.ax_.axvline(0.5, color=GREY, lw=1, ls=":")
        self.ax_.set_xlim(0, 1)
        self.ax_.set_xlabel("tower's probability that the modalities are correlated")
        self.ax_.set_ylabel("pairs in %")
        self.ax_.spines[["top", "right"]].set_visible(False)
        self.ax_.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1)
        return self


def _probabilities(name: str, values: Any) -> Floats:
    """Return probabilities as a flat array; ValueError if they are none."""
    given = np.ravel(values)
    if given.dtype.kind not in "fiub" or not ((given >= 0) & (given <= 1)).all():
        raise ValueError(f"{name} must hold numbers from 0 to 1, got {values!r}.")
    return given.astype(np.result_type(given, np.float32))
