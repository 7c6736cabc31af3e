"""`NegativeWeightDisplay`: what the weight of mismatched pairs does to a correlation tower."""

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.model_selection import ShuffleSplit

from .._types import Array, Floats
from ..multimodal import as_multimodal
from ..training import check_y
from ._intervals import mean, reach
from ._style import BLUE, GREEN, ORANGE, check_has, check_positive, new_figure

RATES = {
    "error": ("all pairs judged wrongly", BLUE, "o-"),
    "fpr": ("mismatched pairs judged correlated (FPR)", ORANGE, "s--"),
    "fnr": ("matching pairs judged uncorrelated (FNR)", GREEN, "^:"),
}
WEIGHTS = (0.5, 1.0, 2.0, 4.0, 8.0)


class NegativeWeightDisplay:
    """Error rates of a correlation tower against the weight of mismatched pairs.

    Figure 8 of Goyal et al. (2020): the heavier mismatched pairs weigh in training, the fewer of
    them are judged correlated, and the more matching ones are not. Make one with
    :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    negative_weights : array-like of shape (n_weights,)
        Weights of a mismatched pair against a matching one.
    rates : dict of str to array-like of shape (n_weights,) or (n_weights, n_repeats)
        "error", "fpr" and "fnr", or some of them, as shares from 0 to 1. Of several repeats the
        mean is drawn with its 95 % interval by Student's t.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.

    Examples
    --------
    >>> from sk_crossmodal.inspection import NegativeWeightDisplay
    >>> rates = {"fpr": [0.2, 0.1, 0.05], "fnr": [0.1, 0.15, 0.3]}
    >>> display = NegativeWeightDisplay.from_predictions([1, 2, 4], rates)
    >>> display.ax_.get_ylabel()
    'held-out pairs in %'
    """

    def __init__(self, negative_weights: ArrayLike, rates: Mapping[str, ArrayLike]) -> None:
        self.negative_weights = negative_weights
        self.rates = rates

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        negative_weights: Sequence[float] = WEIGHTS,
        test_size: float = 0.25,
        n_repeats: int = 1,
        random_state: int | np.random.RandomState | None = 0,
        ax: Any = None,
    ) -> Self:
        """Train a tower with each weight, measure it on held-out videos and draw it.

        Parameters
        ----------
        estimator : CorrelationTower
            The tower; clones of it are trained, it stays as it is.
        X : MultimodalArray or any form that becomes one
            The videos.
        y : array-like or sparse
            Their labels: multilabel indicators or classes.
        negative_weights : sequence of float, default=(0.5, 1.0, 2.0, 4.0, 8.0)
            Weights to try.
        test_size : float, default=0.25
            Share of the videos that are held out.
        n_repeats : int, default=1
            Number of random splits; each trains a tower with each weight. From two on there are
            intervals.
        random_state : int, RandomState or None, default=0
            Decides the splits, and how held-out videos are paired.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        NegativeWeightDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If `estimator` is no tower, or a parameter of the wrong type.
        ValueError
            If X or y does not fit, or a parameter is not one of those above.
        """
        for method in ("fit", "pair_error_rates", "set_params"):
            check_has(estimator, method)
        negative_weights = _check_weights(negative_weights).tolist()
        _check_split(test_size, n_repeats)
        X = as_multimodal(X)
        y = check_y(y, len(X))
        splitter = ShuffleSplit(n_repeats, test_size=test_size, random_state=random_state)
        found: dict[str, list[list[float]]] = {name: [] for name in RATES}
        splits = list(splitter.split(np.arange(len(X))))
        for weight in negative_weights:
            of_splits = [
                clone(estimator)
                .set_params(negative_weight=weight)
                .fit(X[train], y[train])
                .pair_error_rates(X[test], y[test], random_state=number)
                for number, (train, test) in enumerate(splits)
            ]
            for name, rates in found.items():
                rates.append([of_split[name] for of_split in of_splits])
        return cls.from_predictions(negative_weights, found, ax=ax)

    @classmethod
    def from_predictions(
        cls, negative_weights: ArrayLike, rates: Mapping[str, ArrayLike], *, ax: Any = None
    ) -> Self:
        """Draw rates that are already there.

        Parameters
        ----------
        negative_weights : array-like of shape (n_weights,)
            Weights of a mismatched pair against a matching one.
        rates : dict of str to array-like of shape (n_weights,) or (n_weights, n_repeats)
            "error", "fpr" and "fnr", or some of them, as shares from 0 to 1.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        NegativeWeightDisplay
            The drawn display.
        """
        return cls(negative_weights, rates).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        NegativeWeightDisplay
            The display itself.

        Raises
        ------
        TypeError
            If `rates` is no dict.
        ValueError
            If weights or rates are not those above.
        """
        weights = _check_weights(self.negative_weights)
        rates = _check_rates(self.rates, len(weights))
        self.ax_ = new_figure(1, 6.0, 4.2)[0] if ax is None else ax
        self.figure_ = self.ax_.figure
        order = np.argsort(weights)
        for name, values in rates.items():
            label, color, form = RATES[name]
            middle, ends = _mean_and_reach(100 * values[order])
            self.ax_.errorbar(
                weights[order], middle, yerr=ends, fmt=form, color=color, capsize=3, label=label
            )
        self.ax_.set_xscale("log", base=2)
        self.ax_.set_xticks(weights, [f"{weight:g}" for weight in weights])
        self.ax_.minorticks_off()
        self.ax_.set_ylim(0)
        several = any(values.shape[1] > 1 for values in rates.values())
        self.ax_.set_xlabel("weight of mismatched pairs in training")
        self.ax_.set_ylabel("held-out pairs in %" + (", 95 % intervals" if several else ""))
        self.ax_.spines[["top", "right"]].set_visible(False)
        self.ax_.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0))
        return self


def _mean_and_reach(values: Floats) -> tuple[Floats, Floats | None]:
    """Mean over repeats, and how far its 95 % interval reaches if there are several."""
    middle = mean(values.T)
    if values.shape[1] == 1:
        return middle, None
    # No rate is below 0 or above 100.
    return middle, np.minimum(reach(values.T), [middle, 100 - middle])


def _check_weights(weights: Any) -> Floats:
    wanted = "negative_weights must hold different finite numbers > 0"
    try:
        given: Array = np.asarray(weights)
    except ValueError:
        raise ValueError(f"{wanted}, got {weights!r:.80}.") from None
    if given.ndim != 1 or not given.size or given.dtype.kind not in "iuf":
        raise ValueError(f"{wanted}, got {weights!r:.80}.")
    apart = len(np.unique(given)) == len(given)
    if not (np.isfinite(given).all() and (given > 0).all() and apart):
        raise ValueError(f"{wanted}, got {weights!r:.80}.")
    return given.astype(float)


def _check_split(test_size: Any, n_repeats: Any) -> None:
    check_positive("n_repeats", n_repeats, Integral)
    if isinstance(test_size, bool) or not isinstance(test_size, Real):
        raise TypeError(f"test_size must be a number between 0 and 1, got {test_size!r}.")
    if not 0 < float(test_size) < 1:
        raise ValueError(f"test_size must be a number between 0 and 1, got {test_size!r}.")


def _check_rates(rates: Any, n_weights: int) -> dict[str, Floats]:
    if not isinstance(rates, Mapping):
        raise TypeError(f"rates must be a dict of {list(RATES)}, got {type(rates).__name__}.")
    if not rates or not set(rates) <= set(RATES):
        raise ValueError(f"rates must hold some of {list(RATES)}, got {list(rates)}.")
    checked = {}
    for name, given in rates.items():
        try:
            values = np.asarray(given, dtype=float)
        except (TypeError, ValueError):
            raise ValueError(
                f"rates[{name!r}] must be numbers from 0 to 1, as many of each weight, got "
                f"{given!r:.80}."
            ) from None
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or len(values) != n_weights or not values.size:
            raise ValueError(
                f"rates[{name!r}] must hold one value or several repeats for each of {n_weights} "
                f"weights, got shape {np.shape(given)}."
            )
        if not ((values >= 0) & (values <= 1)).all():
            raise ValueError(f"rates[{name!r}] must be shares from 0 to 1, got {given!r:.80}.")
        checked[name] = values
    return {name: checked[name] for name in RATES if name in checked}
