"""Ctrl-C: a fit keeps the weights reached, and a search ends."""

import sys
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from sklearn.callback import with_callbacks
from skorch.callbacks import Callback

from ._defaults import own_defaults

JOBLIB = "joblib.parallel"  # the module through which searches call each fit


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
