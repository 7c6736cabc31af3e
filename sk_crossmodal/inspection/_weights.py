"""`NegativeWeightDisplay`: the effect of the weight of negative pairs on a correlation tower."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.model_selection import ShuffleSplit

from .._types import Floats
from ..multimodal import as_multimodal
from ..training import check_y
from ..validation import check_number, column_names, order_hierarchy, short
from ._checks import as_numbers, check_count, check_has, check_mapping
from ._display import BLUE, GREEN, ORANGE, Display, hide_spines
from ._intervals import half_width, mean

RATES = {
    "error": ("wrong predictions among all pairs", BLUE, "o-"),
    "fpr": ("negative pairs predicted to be correlated (FPR)", ORANGE, "s--"),
    "fnr": ("positive pairs predicted to be uncorrelated (FNR)", GREEN, "^:"),
}
WEIGHTS = (0.5, 1.0, 2.0, 4.0, 8.0)


class NegativeWeightDisplay(Display):
    """Error rates of a correlation tower against the weight of negative pairs.

    Figure 8 of Goyal et al. (2020): the higher the weight of negative pairs in training, the
    fewer of them are predicted to be correlated, and the more positive pairs are not. Make one
    with :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    negative_weights : array-like of shape (n_weights,)
        Weights of a negative pair relative to a positive one.
    rates : dict of str to array-like of shape (n_weights,) or (n_weights, n_repeats)
        "error", "fpr" and "fnr", or some of them, from 0 to 1. Of several repeats the mean is
        drawn with its 95 % interval by Student's t.

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
        """Train a tower with each weight, evaluate it on held-out videos and draw its error rates.

        Parameters
        ----------
        estimator : CorrelationTower
            The tower; clones of it are trained, and it does not change.
        X : MultimodalArray or any form that becomes one
            The videos.
        y : array-like or sparse
            Their labels: multilabel indicators or classes.
        negative_weights : sequence of float, default=(0.5, 1.0, 2.0, 4.0, 8.0)
            Weights to compare.
        test_size : float, default=0.25
            Share of the videos that are held out.
        n_repeats : int, default=1
            Number of random splits, on each of which one tower per weight is trained. With two or
            more, intervals are drawn.
        random_state : int, RandomState or None, default=0
            Random seed of the splits and of the pairs of held-out videos.

        Raises
        ------
        TypeError
            If `estimator` is not a tower, or a parameter has the wrong type.
        ValueError
            If X or y does not fit, or a parameter is out of range.
        """
        for method in ("fit", "pair_error_rates", "set_params"):
            check_has(estimator, method)
        weights = _as_weights(negative_weights).tolist()
        check_count("n_repeats", n_repeats)
        check_number("test_size", test_size, low=0, high=1, open_low=True, open_high=True)
        if (modalities := getattr(estimator, "modalities", None)) is not None:
            X = as_multimodal(X, modalities=modalities)
            estimator = clone(estimator).set_params(modalities=X.modality_names)
        X = as_multimodal(X)
        names, y = column_names(y), check_y(y, len(X))
        if y.ndim == 2:
            ordered = order_hierarchy(getattr(estimator, "hierarchy", None), names)
            estimator = clone(estimator).set_params(hierarchy=ordered)
        splitter = ShuffleSplit(n_repeats, test_size=test_size, random_state=random_state)
        splits = list(splitter.split(np.arange(len(X))))
        found: dict[str, list[list[float]]] = {name: [] for name in RATES}
        for weight in weights:
            of_splits = [
                clone(estimator)
                .set_params(negative_weight=weight)
                .fit(X[train], y[train])
                .pair_error_rates(X[test], y[test], random_state=number)
                for number, (train, test) in enumerate(splits)
            ]
            for name, rates in found.items():
                rates.append([of_split[name] for of_split in of_splits])
        return cls.from_predictions(weights, found, ax=ax)

    @classmethod
    def from_predictions(
        cls, negative_weights: ArrayLike, rates: Mapping[str, ArrayLike], *, ax: Any = None
    ) -> Self:
        """Draw rates that were computed before."""
        return cls(negative_weights, rates).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Draw.

        Raises
        ------
        TypeError
            If `rates` is not a dict.
        ValueError
            If the weights or rates are not valid.
        """
        weights = _as_weights(self.negative_weights)
        rates = _as_rates(self.rates, len(weights))
        ax = self._use_ax(ax, 6.0, 4.2)
        order = np.argsort(weights)
        for name, values in rates.items():
            label, color, form = RATES[name]
            values = 100 * values[order].T
            middle, bars = mean(values), None
            if len(values) > 1:  # no rate is below 0 or above 100 %
                bars = np.minimum(half_width(values), [middle, 100 - middle])
            style: dict[str, Any] = {"fmt": form, "color": color, "capsize": 3, "label": label}
            ax.errorbar(weights[order], middle, yerr=bars, **style)
        ax.set_xscale("log", base=2)
        ax.set_xticks(weights, [f"{weight:g}" for weight in weights])
        ax.minorticks_off()
        ax.set_ylim(0)
        several = any(values.shape[1] > 1 for values in rates.values())
        ax.set_xlabel("weight of negative pairs in training")
        ax.set_ylabel("held-out pairs in %" + (", 95 % intervals" if several else ""))
        hide_spines(ax)
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0))
        return self


def _as_weights(weights: Any) -> Floats:
    given = as_numbers("negative_weights", weights, "n_weights", kinds="iuf")
    if (given <= 0).any() or len(np.unique(given)) < len(given):
        raise ValueError(f"negative_weights must be > 0 and all different, got {short(weights)}.")
    return given.astype(float)


def _as_rates(rates: Any, n_weights: int) -> dict[str, Floats]:
    check_mapping("rates", rates, str(list(RATES)))
    if not rates or not set(rates) <= set(RATES):
        raise ValueError(f"rates must hold some of {list(RATES)}, got {list(rates)}.")
    checked = {}
    for name in RATES:
        if name in rates:
            shape = (n_weights, "n_repeats")[: 1 + (np.ndim(rates[name]) != 1)]
            values = as_numbers(f"rates[{name!r}]", rates[name], *shape, low=0, high=1)
            checked[name] = values.astype(float).reshape(n_weights, -1)
    return checked
