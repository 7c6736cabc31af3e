"""Ctrl-C: what was reached is kept and said, or passed on where further fits would follow."""

import sys
import warnings
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from sklearn.callback import with_callbacks

if TYPE_CHECKING:
    from ._net import MultimodalNet

JOBS = "joblib.parallel"  # the module by which searches and cross-validations call each fit


def fit_method(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a fit method: run scikit-learn's callbacks and explain Ctrl-C."""

    @wraps(method)
    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = vars(self).get("net_")
        try:
            return method(self, *args, **kwargs)
        except KeyboardInterrupt as error:
            if error.args or vars(self).get("net_") is not before:
                raise
            raise KeyboardInterrupt(
                f"{type(self).__name__}.{method.__name__} was interrupted before its network was "
                "trained; the estimator is as it was before."
            ) from error

    wrapped: Callable[..., Any] = with_callbacks(fit)
    return wrapped


def end_interrupted(net: "MultimodalNet", name: str) -> None:
    """Warn that training was interrupted; or raise, where its weights are of no use to anybody."""
    done, n_epochs = len(net.finished_epochs()), net.max_epochs
    batches = _batches_of_the_next(net)
    words = f"Training of {name} was interrupted after {done} epochs of {n_epochs}"
    words += f" and {batches} batches of the next" if batches else ""
    if not done and not batches:
        raise KeyboardInterrupt(f"{words}; the estimator is as it was before.")
    if is_one_of_several():
        raise KeyboardInterrupt(f"{words}, and with it the fits of which it is one.")
    best = net.kept_epoch()
    warnings.warn(
        f"{words}; the estimator is fitted with the weights reached"
        + (f", which are those of epoch {best['epoch']}, the best one" if best else "")
        + ("." if net.checkpoint is None else "; resume=True goes on from the last checkpoint."),
        UserWarning,
        stacklevel=2,
    )


def _batches_of_the_next(net: "MultimodalNet") -> int:
    """Count the batches that were trained on in an epoch that did not come to its end."""
    if not net.history or "dur" in net.history[-1]:
        return 0
    return sum("train_loss" in row for row in net.history[-1]["batches"])


def is_one_of_several() -> bool:
    """Whether a fit is called by a search, a cross-validation, or other jobs of joblib's."""
    frame = sys._getframe()
    while (caller := frame.f_back) is not None:
        frame = caller
        if frame.f_globals.get("__name__") == JOBS:
            return True
    return False
