"""`TrainingCurveDisplay`: training curves, epoch by epoch."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any, Self, TypeAlias

import numpy as np

from .._types import Floats
from ..validation import short
from ._display import BLUE, GREEN, GREY, ORANGE, Display, hide_spines
from ._outputs import unwrap

History: TypeAlias = Sequence[Mapping[str, Any]]

MAX_DOTS = 30  # with more epochs, curves have no dots
MAX_RATE_LINES = 3  # more changes of the learning rate are only counted


class TrainingCurveDisplay(Display):
    """Losses and score of each epoch, the epoch that was kept, changes of the learning rate.

    Make one with :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    history : list of dict
        One row per epoch, as in an estimator's `history_`: ``train_loss``, and if known
        ``valid_loss``, ``event_lr`` (the learning rate) and scores.
    kept_epoch : int, default=None
        Number of the epoch, from 1, whose weights early stopping kept.
    score : str, default=None
        Name of the score to draw beside the losses, such as that of a skorch `EpochScoring`; None
        takes ``"valid_accuracy"`` if it is known.

    Attributes
    ----------
    score_ax_ : matplotlib Axes or None
        The axes of the score, at the same place as those of the losses; None without a score.

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
        self.history, self.kept_epoch, self.score = history, kept_epoch, score

    @classmethod
    def from_estimator(cls, estimator: Any, *, score: str | None = None, ax: Any = None) -> Self:
        """Draw the training curves of a fitted estimator.

        Parameters
        ----------
        estimator : fitted classifier or CorrelationTower
            Any estimator with `history_`, or a search, a Pipeline or a
            `TransformedTargetClassifier` around one; of a search the refitted estimator.
        """
        estimator, _ = unwrap(estimator, "history_")
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
        """Draw a given history."""
        return cls(history, kept_epoch=kept_epoch, score=score).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Draw.

        Raises
        ------
        TypeError
            If the history is not a list of dict.
        ValueError
            If the history is empty, or has no such epoch or score.
        """
        score = self._score_to_draw()
        ax = self._use_ax(ax, 7.0, 3.8)
        ax.set_xlabel("epoch")
        ax.set_ylabel("loss")
        self._plot_curve(ax, "train_loss", BLUE, "-", "training loss")
        if self._has("valid_loss"):
            self._plot_curve(ax, "valid_loss", ORANGE, "-", "validation loss")
        self._mark_rates()
        if self.kept_epoch is not None:
            label = f"weights of epoch {self.kept_epoch} were kept"
            ax.axvline(self.kept_epoch, color=GREY, lw=1.6, ls="--", label=label)
        self.score_ax_ = None if score is None else self._plot_score(score)
        ax.set_xlim(0.5, len(self.history) + 0.5)
        if len(self.history) > 1:
            ax.xaxis.get_major_locator().set_params(integer=True)
        else:
            ax.set_xticks([1])
        hide_spines(ax)
        place = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "ncols": 2}
        ax.legend(frameon=False, fontsize="small", **place)
        return self

    def _plot_score(self, score: str) -> Any:
        ax = self.ax_.twinx()
        name = score.replace("valid_", "").replace("_", " ")
        self._plot_curve(ax, score, GREEN, "-.", name)
        # An empty line adds the score to the legend of the losses.
        self.ax_.plot([], [], color=GREEN, ls="-.", lw=1.8, label=f"{name}, on the right")
        ax.set_ylabel(name, color=GREEN)
        ax.tick_params(axis="y", colors=GREEN)
        ax.spines[["top", "left"]].set_visible(False)
        return ax

    def _plot_curve(self, ax: Any, key: str, color: str, style: str, label: str) -> None:
        values = self._values(key)
        dot = "o" if len(values) <= MAX_DOTS else None
        epochs = np.arange(1, len(values) + 1)
        ax.plot(epochs, values, color=color, ls=style, lw=1.8, marker=dot, ms=4, label=label)

    def _mark_rates(self) -> None:
        """Mark the changes of the learning rate, each before the first epoch with the new one."""
        rates = self._values("event_lr")
        steps = [i for i, (a, b) in enumerate(pairwise(rates), start=1) if abs(a - b) > 0]
        if not steps:
            return
        few = len(steps) <= MAX_RATE_LINES
        shown = [rates[0], *(rates[i] for i in steps)] if few else [rates[0], rates[-1]]
        label = f"learning rate {' → '.join(f'{rate:.2g}' for rate in shown)}"
        label += "" if few else f" in {len(steps)} steps"
        self.ax_.plot([], [], color=GREY, lw=1.0 * few, ls=":", label=label)
        for i in steps if few else ():
            self.ax_.axvline(i + 0.5, color=GREY, lw=1.0, ls=":")

    def _values(self, key: str) -> Floats:
        """Return one number per epoch, NaN where the history has none."""
        return np.array([row.get(key, np.nan) for row in self.history], float)

    def _has(self, key: str) -> bool:
        return not bool(np.isnan(self._values(key)).all())

    def _score_to_draw(self) -> str | None:
        """Validate history, epoch and score; return the score to draw, if any."""
        rows, kept = self.history, self.kept_epoch
        if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
            raise TypeError(f"history must be a list of dict, got {type(rows).__name__}.")
        if not rows or not self._has("train_loss"):
            raise ValueError("history must hold an epoch with its train_loss, got none.")
        if kept is not None and not (isinstance(kept, Integral) and 1 <= kept <= len(rows)):
            raise ValueError(f"kept_epoch must be from 1 to {len(rows)}, got {short(kept)}.")
        if self.score is None:
            return "valid_accuracy" if self._has("valid_accuracy") else None
        known = sorted({key for row in rows for key in row})
        if self.score not in known:
            raise ValueError(f"score must be one of {known}, got {short(self.score)}.")
        return self.score


def _kept_epoch(estimator: Any, n_epochs: int) -> int | None:
    """Return the number of the epoch that early stopping kept, earlier fits included."""
    net: Any = getattr(estimator, "net_", None)
    if not hasattr(net, "kept_epoch"):
        return None
    row, epochs = net.kept_epoch(), net.finished_epochs()
    own = "callbacks" not in (estimator.net_params or {})
    if row is None and own and estimator.early_stopping:
        row = _best_epoch(epochs)  # a net that was loaded from a file has only its history
    return None if row is None else int(row["epoch"]) + n_epochs - len(epochs)


def _best_epoch(epochs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the row that early stopping kept; a loss lower by 0.01 % at most is not lower."""
    best = None
    for row in epochs:
        loss = row.get("valid_loss", np.nan)
        if loss < (np.inf if best is None else best["valid_loss"] * (1 - 1e-4)):
            best = row
    return best
