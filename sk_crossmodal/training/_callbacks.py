"""Callbacks of the skorch net, scikit-learn's callbacks, and Ctrl-C during a fit."""

import sys
import warnings
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import numpy as np
import torch
from sklearn.callback import with_callbacks
from skorch.callbacks import Callback

from ._defaults import own_defaults

JOBLIB = "joblib.parallel"  # the module through which searches call each fit


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


def fit_method(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a fit method: scikit-learn's callbacks, Ctrl-C, and torch's global settings."""

    @wraps(method)
    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = vars(self).get("net_")
        try:
            with own_defaults(), torch.enable_grad():
                return method(self, *args, **kwargs)
        except KeyboardInterrupt as error:
            if error.args or vars(self).get("net_") is not before:
                raise
            name = f"{type(self).__name__}.{method.__name__.lstrip('_')}"
            text = f"{name} was interrupted before its network was trained"
            raise KeyboardInterrupt(f"{text}; the estimator is unchanged.") from error

    wrapped: Callable[..., Any] = with_callbacks(fit)
    return wrapped


class InterruptionNotice(Callback):
    """Warns after Ctrl-C, or raises KeyboardInterrupt where the weights are of no use."""

    def __init__(self, *, resumable: bool) -> None:
        self.resumable = resumable

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Raise before the first batch, or in a search, which would continue; else warn."""
        if not net.interrupted:
            return
        epochs, batches = len(net.finished_epochs()), net.n_unfinished_batches()
        text = f"Training of {net.owner} was interrupted after {epochs} epochs of {net.max_epochs}"
        text += f" and {batches} batches of the next" if batches else ""
        if not epochs and not batches:
            raise KeyboardInterrupt(f"{text}; the estimator is unchanged.")
        if is_in_search():
            raise KeyboardInterrupt(f"{text}, and so were the other fits of the search.")
        best = net.kept_epoch()
        warnings.warn(
            f"{text}; the estimator is fitted with the weights reached"
            + (f", which are those of epoch {best['epoch']}, the best one" if best else "")
            + ("; resume=True continues from the last checkpoint." if self.resumable else "."),
            UserWarning,
            stacklevel=2,
        )


def is_in_search() -> bool:
    """Whether a search, a cross-validation or another joblib job calls this fit."""
    # scikit-learn calls every fit of a search through joblib, also with n_jobs=None.
    frame = sys._getframe()
    while (caller := frame.f_back) is not None:
        frame = caller
        if frame.f_globals.get("__name__") == JOBLIB:
            return True
    return False
