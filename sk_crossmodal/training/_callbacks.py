"""Callbacks of the skorch net: accuracy, the batches of an epoch, and scikit-learn's callbacks."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from skorch.callbacks import Callback


class LoopCallback(Callback):
    """A callback that also sees the start of the loop over epochs, and the batches."""

    def on_loop_begin(self, net: Any) -> None:
        """Act after all callbacks' `on_train_begin`, before the first epoch."""

    def batches(self, net: Any, loader: Any) -> Iterator[Any]:
        """Return the training batches of an epoch."""
        return iter(loader)


class ValidationAccuracy(Callback):
    """Records each epoch's weighted accuracy on the held-out videos, as `score` computes it."""

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Reset the counts."""
        self.right_ = self.total_ = 0.0

    def on_batch_end(
        self,
        net: Any,
        batch: Any = None,
        training: bool | None = None,
        y_pred: Any = None,
        **kwargs: Any,
    ) -> None:
        """Count the videos with all labels right."""
        if training:
            return
        y, weight = (batch[1][key].to(y_pred.device) for key in ("y", "weight"))
        right = y_pred.argmax(1) == y if y.ndim == 1 else ((y_pred > 0) == y).all(1)
        self.right_ += float((weight * right).sum())
        self.total_ += float(weight.sum())

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the accuracy."""
        right, total = net.processes.sum(np.array([self.right_, self.total_]))
        net.history.record("valid_accuracy", float(right / total))


class SklearnCallbackBridge(Callback):
    """Announces every epoch to scikit-learn's callbacks, any of which may stop training."""

    def __init__(
        self, context: Any, task: dict[str, Any], fitted: Callable[[Any], dict[str, Any]]
    ) -> None:
        self.context, self.task, self.fitted = context, task, fitted

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Announce the start of an epoch."""
        epoch = self.context.subcontext(task_name="epoch")
        self.epoch_ = epoch.call_on_fit_task_begin(**self.task)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Announce the end of an epoch, and stop if a callback of any process asks for it."""
        stop = self.epoch_.call_on_fit_task_end(
            **self.task, reconstruction_attributes=lambda: self.fitted(net)
        )
        net.stop_training = bool(net.processes.sum(float(bool(stop))))

    def end_fit(self, net: Any) -> None:
        """Announce the end of the fit."""
        self.context.call_on_fit_task_end(
            **self.task, reconstruction_attributes=lambda: self.fitted(net)
        )
