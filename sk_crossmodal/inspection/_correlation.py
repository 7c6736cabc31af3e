"""`CorrelationDisplay`: how well a correlation tower separates positive from negative pairs."""

from typing import Any, Self

import numpy as np

from .._types import Floats
from ._checks import as_numbers, check_count, check_share
from ._display import BLUE, GREY, ORANGE, Display, hide_spines
from ._outputs import unwrap


class CorrelationDisplay(Display):
    """Distribution of a correlation tower's output on positive and negative pairs.

    The plot of Figure 9 of Goyal et al. (2020), with negative pairs beside the positive ones.
    Errors are filled: positive pairs up to the threshold (FNR) and negative pairs above it (FPR).
    Make one with :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    matching : array-like
        Probabilities that the modalities of positive pairs are correlated.
    mismatched : array-like
        The same for negative pairs.
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

        All pairs of modalities are counted together.

        Parameters
        ----------
        estimator : fitted CorrelationTower
            The tower.
        X : MultimodalArray or any form that becomes one
            Videos, best ones that are not in the tower's training set.
        y : array-like
            Their labels.
        random_state : int, RandomState or None, default=0
            Random seed of the pairs.
        """
        estimator, X = unwrap(estimator, "pair_probabilities", X)
        pairs = estimator.pair_probabilities(X, y, random_state=random_state)
        return cls.from_predictions(*pairs, threshold=threshold, ax=ax)

    @classmethod
    def from_predictions(
        cls, matching: Any, mismatched: Any, *, threshold: float = 0.5, ax: Any = None
    ) -> Self:
        """Draw probabilities that were computed before."""
        pairs = {"matching": np.ravel(matching), "mismatched": np.ravel(mismatched)}
        for name, given in pairs.items():
            given = as_numbers(name, given, len(given), low=0, high=1)
            pairs[name] = given.astype(np.result_type(given, np.float32))
        return cls(*pairs.values()).plot(threshold=threshold, ax=ax)

    def plot(self, *, threshold: float = 0.5, ax: Any = None, bins: int = 25) -> Self:
        """Draw.

        Parameters
        ----------
        threshold : float, default=0.5
            Pairs with a higher probability are predicted to be positive, as by the hard gate.
        bins : int, default=25
            Number of bars of each histogram.

        Raises
        ------
        ValueError
            If probabilities or `threshold` are not from 0 to 1, or `bins` is not above 0.
        """
        check_share("threshold", threshold)
        check_count("bins", bins)
        ax = self._use_ax(ax, 7.0, 3.8)
        for name, pairs, color, rate, side, limits in (
            ("positive", self.matching, BLUE, "FNR", "below", (0.0, threshold)),
            ("negative", self.mismatched, ORANGE, "FPR", "above", (threshold, 1.0)),
        ):
            wrong = pairs <= threshold if side == "below" else pairs > threshold
            error = f"{wrong.sum() / max(len(wrong), 1):.1%}"
            share, edges = np.histogram(pairs, bins, (0, 1))
            share = 100 * share / max(len(pairs), 1)
            label = f"{name}, {len(pairs)} pairs: {error} {side} {threshold:g} ({rate})"
            ax.stairs(share, edges, fill=True, color=color, alpha=0.1)
            ax.stairs(share, edges, color=color, lw=1.8, label=label)
            _fill(ax, share, *limits, color)
            x, edge = (0.01, "left") if side == "below" else (0.99, "right")
            place = {"ha": edge, "va": "top", "transform": ax.transAxes}
            ax.text(x, 0.99, f"{rate} {error}", color=color, weight="bold", **place)
        high = ax.dataLim.ymax or 100.0
        ax.set_ylim(0, 1.2 * high)  # leaves space for the two rates
        ax.vlines(threshold, 0, 1.06 * high, color=GREY, lw=1.2, ls=":")
        ax.set_xlim(0, 1)
        ax.set_xlabel("tower's probability that the modalities are correlated")
        ax.set_ylabel("pairs in %")
        hide_spines(ax)
        ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1)
        return self


def _fill(ax: Any, share: Floats, low: float, high: float, color: str) -> None:
    """Fill the part of a histogram that lies between two probabilities."""
    edges = np.linspace(0, 1, len(share) + 1)
    x = np.array([low, *edges[(edges > low) & (edges < high)], high])
    bars = np.minimum(np.searchsorted(edges, x, side="right") - 1, len(share) - 1)
    ax.fill_between(x, share[bars], step="post", color=color, alpha=0.45, lw=0)
