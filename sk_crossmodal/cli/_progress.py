"""Tells of a training: a bar an estimator on a terminal, a line an epoch where output is piped."""

import sys
import time
from typing import Any

from tqdm import tqdm


class EpochProgress:
    """A callback of scikit-learn's that shows how far a fit is."""

    max_propagation_depth = None

    def __init__(self, show_bar: bool | None = None) -> None:
        self.show_bar = sys.stderr.isatty() if show_bar is None else show_bar
        self.bars: list[Any] = []  # the classifier's, and above it its tower's

    def setup(self, estimator: Any, context: Any) -> None:
        """Do nothing; the protocol asks for it."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Close what an interruption left open."""
        while self.bars:
            self.bars.pop().close()

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Begin a bar with the first epoch of an estimator."""
        if context.task_name != "fit" or not hasattr(estimator, "max_epochs"):
            return
        self.began = time.perf_counter()
        bar = tqdm(
            desc=type(estimator).__name__,
            total=estimator.max_epochs,
            unit=" epochs",
            disable=not self.show_bar,
        )
        self.bars.append(bar)

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """Show the losses of an epoch; end the bar with the last one."""
        if context.task_name == "epoch":
            self._tell_epoch(fitted_estimator)
        elif context.task_name == "fit" and hasattr(estimator, "max_epochs") and self.bars:
            self.bars.pop().close()

    def _tell_epoch(self, fitted: Any) -> None:
        history = fitted.net_.history  # as history_ lacks the epoch that ends just now
        parts = {"train": "loss", "valid": "validation loss"}
        losses = {
            words: f"{loss:.4f}"
            for part, words in parts.items()
            if (loss := mean_loss(history[-1]["batches"], part)) is not None
        }
        if self.show_bar:
            self.bars[-1].set_postfix(losses, refresh=False)
            self.bars[-1].update()
        else:
            told = ", ".join(f"{words} {loss}" for words, loss in losses.items())
            print(
                f"{type(fitted).__name__}: epoch {len(history)} of {fitted.max_epochs}, {told}, "
                f"{time.perf_counter() - self.began:.1f} s",
                flush=True,
            )


def mean_loss(batches: list[dict[str, Any]], part: str) -> float | None:
    """Mean loss of the videos of an epoch, trained on or held out; None without any."""
    pairs = [
        (row[f"{part}_loss"], row[f"{part}_batch_size"])
        for row in batches
        if f"{part}_loss" in row
    ]
    n_videos = sum(size for _, size in pairs)
    return sum(loss * size for loss, size in pairs) / n_videos if n_videos else None
