"""`TrainingCurveDisplay`: how a training went, epoch by epoch."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any, Self, TypeAlias

import numpy as np

from .._types import Floats
from ._inner import inner_estimator
from ._style import BLUE, GREEN, GREY, ORANGE, new_figure

History: TypeAlias = Sequence[Mapping[str, Any]]

FEW = 30  # epochs: so many are drawn with a dot each
MANY_RATES = 3  # changes of the learning rate: so many are drawn, each with a line


class TrainingCurveDisplay:
    """Losses and score of each epoch, the epoch that was kept, changes of the learning rate.

    Make one with :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    history : list of dict
        One row an epoch, as in an estimator's `history_`: ``train_loss``, and where they are
        known ``valid_loss``, ``event_lr`` (the learning rate) and scores.
    kept_epoch : int, default=None
        Number of the epoch, from 1 on, whose weights early stopping kept.
    score : str, default=None
        Name of the score to draw beside the losses; None takes ``"valid_accuracy"`` where it is
        known.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the losses.
    score_ax_ : matplotlib Axes or None
        The axes of the score, on the same place; None without a score.
    figure_ : matplotlib Figure
        The figure.

    Examples
    --------
    >>> from sk_crossmodal.inspection import TrainingCurveDisplay
    >>> history = [{"train_loss": 0.7, "valid_loss": 0.8}, {"train_loss": 0.5, "valid_loss": 0.7}]
    >>> display = TrainingCurveDisplay.from_predictions(history, kept_epoch=2)
    >>> display.ax_.get_xlabel()
    'epoch'
    """

    def __init__(
        self, history: History, *, kept_epoch: int | None = None, score: str | None = None
    ) -> None:
        self.history = history
        self.kept_epoch = kept_epoch
        self.score = score

    @classmethod
    def from_estimator(cls, estimator: Any, *, score: str | None = None, ax: Any = None) -> Self:
        """Draw how a fitted estimator was trained.

        Parameters
        ----------
        estimator : fitted classifier or CorrelationTower
            Anything with `history_`, or a search, a Pipeline or a `TransformedTargetClassifier`
            around it; of a search the estimator that it refitted.
        score : str, default=None
            Name of the score to draw beside the losses, such as that of a skorch
            `EpochScoring`; None takes ``"valid_accuracy"`` where it is known.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        TrainingCurveDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If there is no `history_`.
        ValueError
            If no epoch was finished, or has no such score.
        """
        estimator, _ = inner_estimator(estimator, "history_")
        history = estimator.history_
        display = cls(history, kept_epoch=_kept_epoch(estimator, len(history)), score=score)
        return display.plot(ax=ax)

    @classmethod
    def from_predictions(
        cls,
        history: History,
        *,
        kept_epoch: int | None = None,
        score: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw a history that is already there.

        Parameters
        ----------
        history : list of dict
            One row an epoch, with ``train_loss``, see the class.
        kept_epoch : int, default=None
            Number of the epoch, from 1 on, whose weights were kept.
        score : str, default=None
            Name of the score to draw beside the losses; None takes ``"valid_accuracy"`` where it
            is known.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        TrainingCurveDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If the history is no list of dict.
        ValueError
            If it is empty, or has no such epoch or score.
        """
        return cls(history, kept_epoch=kept_epoch, score=score).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        TrainingCurveDisplay
            The display itself.

        Raises
        ------
        ValueError
            If the history is empty, or has no such epoch or score.
        """
        score = self._check()
        self.ax_ = new_figure(1, 7.0, 3.8)[0] if ax is None else ax
        self.figure_ = self.ax_.figure
        self.ax_.set_xlabel("epoch")
        self.ax_.set_ylabel("loss")
        self._plot_curve(self.ax_, "train_loss", BLUE, "-", "loss, training videos")
        if self._has("valid_loss"):
            self._plot_curve(self.ax_, "valid_loss", ORANGE, "-", "loss, videos held out")
        self._mark_rates()
        if self.kept_epoch is not None:
            label = f"epoch {self.kept_epoch}, whose weights were kept"
            self.ax_.axvline(self.kept_epoch, color=GREY, lw=1.6, ls="--", label=label)
        self.score_ax_ = None if score is None else self._plot_score(score)
        self._finish()
        return self

    def _plot_score(self, score: str) -> Any:
        ax = self.ax_.twinx()
        name = score.replace("valid_", "").replace("_", " ")
        self._plot_curve(ax, score, GREEN, "-.", name)
        # In the one legend that there is.
        self.ax_.plot([], [], color=GREEN, ls="-.", lw=1.8, label=f"{name}, on the right")
        ax.set_ylabel(name, color=GREEN)
        ax.tick_params(axis="y", colors=GREEN)
        ax.spines[["top", "left"]].set_visible(False)
        return ax

    def _plot_curve(self, ax: Any, key: str, color: str, style: str, label: str) -> None:
        values = self._values(key)
        dot = "o" if len(values) <= FEW else None
        epochs = np.arange(1, len(values) + 1)
        ax.plot(epochs, values, color=color, ls=style, lw=1.8, marker=dot, ms=4, label=label)

    def _mark_rates(self) -> None:
        """Mark where the learning rate changes: it is that of an epoch from its beginning on."""
        rates = self._values("event_lr")
        steps = [i for i, (a, b) in enumerate(pairwise(rates), start=1) if abs(a - b) > 0]
        if not steps:
            return
        few = len(steps) <= MANY_RATES
        told = [rates[0], *(rates[i] for i in steps)] if few else [rates[0], rates[-1]]
        label = f"learning rate {' → '.join(f'{rate:.2g}' for rate in told)}"
        label += "" if few else f" in {len(steps)} steps"
        self.ax_.plot([], [], color=GREY, lw=1.0 * few, ls=":", label=label)
        for i in steps if few else ():
            self.ax_.axvline(i + 0.5, color=GREY, lw=1.0, ls=":")

    def _finish(self) -> None:
        n_epochs = len(self.history)
        self.ax_.set_xlim(0.5, n_epochs + 0.5)
        if n_epochs > 1:
            self.ax_.xaxis.get_major_locator().set_params(integer=True)
        else:
            self.ax_.set_xticks([1])
        self.ax_.spines[["top", "right"]].set_visible(False)
        self.ax_.legend(
            frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2
        )

    def _values(self, key: str) -> Floats:
        """Return one number an epoch, NaN where there is none."""
        return np.array([row.get(key, np.nan) for row in self.history], float)

    def _has(self, key: str) -> bool:
        return not bool(np.isnan(self._values(key)).all())

    def _check(self) -> str | None:
        """Refuse what is no history, epoch or score; return the score to draw, if any."""
        rows = self.history
        if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
            raise TypeError(
                f"history must be a list of dict, one an epoch, got {type(rows).__name__}."
            )
        if not rows or not self._has("train_loss"):
            raise ValueError("history must hold an epoch with its train_loss, got none.")
        kept = self.kept_epoch
        if kept is not None and not (isinstance(kept, Integral) and 1 <= kept <= len(rows)):
            raise ValueError(f"kept_epoch must be from 1 to {len(rows)}, got {kept!r}.")
        if self.score is None:
            return "valid_accuracy" if self._has("valid_accuracy") else None
        known = sorted({key for row in rows for key in row})
        if self.score not in known:
            raise ValueError(f"score must be one of {known}, got {self.score!r}.")
        return self.score


def _kept_epoch(estimator: Any, n_epochs: int) -> int | None:
    """Return the number of the epoch that early stopping kept; fits before it count, too."""
    net: Any = getattr(estimator, "net_", None)
    if not hasattr(net, "kept_epoch"):
        return None
    row, epochs = net.kept_epoch(), net.finished_epochs()
    own = "callbacks" not in (estimator.net_params or {})
    if row is None and own and estimator.early_stopping:
        row = _best_epoch(epochs)  # a net from a file remembers no more than its history
    return None if row is None else int(row["epoch"]) + n_epochs - len(epochs)


def _best_epoch(epochs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the row that early stopping kept: less by no more than 0.01 % is not lower."""
    best = None
    for row in epochs:
        loss = row.get("valid_loss", np.nan)
        if loss < (np.inf if best is None else best["valid_loss"] * (1 - 1e-4)):
            best = row
    return best
