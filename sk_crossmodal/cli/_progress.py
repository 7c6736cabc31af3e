"""Progress of a training: a bar on a terminal, one line per epoch where output is piped."""

import sys
import time
from typing import Any

from tqdm import tqdm


class EpochProgress:
    """A callback of scikit-learn that shows the epochs and losses of each estimator."""

    max_propagation_depth = None

    def __init__(self, show_bar: bool | None = None) -> None:
        self.show_bar = sys.stderr.isatty() if show_bar is None else show_bar
        self.bars: list[Any] = []  # of the classifier, and of its tower while that is trained

    def setup(self, estimator: Any, context: Any) -> None:
        """Do nothing; the protocol requires this method."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Close the bars that an interruption left open."""
        while self.bars:
            self.bars.pop().close()

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Open a bar when an estimator starts to train."""
        if context.task_name != "fit" or not hasattr(estimator, "max_epochs"):
            return
        self.start = time.perf_counter()
        options = {"total": estimator.max_epochs, "unit": " epochs", "disable": not self.show_bar}
        self.bars.append(tqdm(desc=type(estimator).__name__, **options))

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """Show the losses of an epoch; close the bar after the last one."""
        if context.task_name == "epoch":
            self._show_epoch(fitted_estimator)
        elif context.task_name == "fit" and hasattr(estimator, "max_epochs") and self.bars:
            self.bars.pop().close()

    def _show_epoch(self, fitted: Any) -> None:
        history = fitted.net_.history  # history_ does not have the current epoch yet
        losses = {
            name: f"{loss:.4f}"
            for part, name in (("train", "loss"), ("valid", "validation loss"))
            if (loss := mean_loss(history[-1]["batches"], part)) is not None
        }
        if self.show_bar:
            self.bars[-1].set_postfix(losses, refresh=False)
            self.bars[-1].update()
        else:
            text = ", ".join(f"{name} {loss}" for name, loss in losses.items())
            print(
                f"{type(fitted).__name__}: epoch {len(history)} of {fitted.max_epochs}, {text}, "
                f"{time.perf_counter() - self.start:.1f} s",
                flush=True,
            )


def mean_loss(batches: list[dict[str, Any]], part: str) -> float | None:
    """Return the mean loss per video of the "train" or "valid" batches; None without any."""
    loss, size = f"{part}_loss", f"{part}_batch_size"
    rows = [row for row in batches if loss in row]
    n_videos = sum(row[size] for row in rows)
    return sum(row[loss] * row[size] for row in rows) / n_videos if n_videos else None
