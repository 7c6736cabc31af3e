"""How an estimator's network is trained, from new or from where it was."""

from collections.abc import Callable, Sized
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.base import is_classifier
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from skorch.helper import predefined_split

from ..modules import build_loss
from ._data import FrameDataset, Videos
from ._device import resolve_device, resolve_precision, seeded
from ._distributed import build_net
from ._interruption import end_interrupted
from ._net import MultimodalNet
from ._processes import Processes
from ._rehearsal import uncompiled

if TYPE_CHECKING:
    from ._checkpoint import Checkpoint
    from ._estimator import NetworkEstimator


class EpochTasks:
    """Tells scikit-learn's callbacks of every epoch."""

    def __init__(
        self,
        context: Any,
        estimator: Any,
        videos: Videos,
        fitted: Callable[[MultimodalNet], dict[str, Any]],
    ):
        self.context, self.fitted, self.name = context, fitted, type(estimator).__name__
        self.fit = {"estimator": estimator, **videos.callback_arguments()}

    def begin(self) -> None:
        """Announce an epoch."""
        self.task = self.context.subcontext(task_name="epoch").call_on_fit_task_begin(**self.fit)

    def end(self, net: MultimodalNet) -> bool:
        """Announce the end of the epoch; True if a callback asks to stop."""
        stop = self.task.call_on_fit_task_end(
            **self.fit, reconstruction_attributes=lambda: self.fitted(net)
        )
        return bool(stop)

    def end_fit(self, net: MultimodalNet) -> None:
        """Announce the end of the fit."""
        self.context.call_on_fit_task_end(
            **self.fit, reconstruction_attributes=lambda: self.fitted(net)
        )


class ValidationAccuracy(Callback):
    """Records each epoch's weighted accuracy on the videos held out, as `score` has it."""

    def on_epoch_begin(self, net: MultimodalNet, **kwargs: Any) -> None:
        """Start to count."""
        self.right_ = self.total_ = 0.0

    def on_batch_end(
        self,
        net: MultimodalNet,
        batch: Any = None,
        training: bool | None = None,
        y_pred: Any = None,
        **kwargs: Any,
    ) -> None:
        """Count the videos of which everything is right."""
        if training:
            return
        y, weight = (batch[1][key].to(y_pred.device) for key in ("y", "weight"))
        right = y_pred.argmax(1) == y if y.ndim == 1 else ((y_pred > 0) == y).all(1)
        self.right_ += float((weight * right).sum())
        self.total_ += float(weight.sum())

    def on_epoch_end(self, net: MultimodalNet, **kwargs: Any) -> None:
        """Record the share."""
        right, total = net.processes.sum(np.array([self.right_, self.total_]))
        net.history.record("valid_accuracy", float(right / total))


def train(
    estimator: "NetworkEstimator",
    module: tuple[type[torch.nn.Module], dict[str, Any]],
    loss: dict[str, Any],
    data: tuple[FrameDataset, FrameDataset | None],
    seed: int,
    tasks: EpochTasks,
    *,
    previous: MultimodalNet | None = None,
    pretrained: MultimodalNet | None = None,
    partial: bool = False,
    checkpoint: "Checkpoint | None" = None,
) -> MultimodalNet:
    """Train a network as the parameters of an estimator say."""
    train_set, valid_set = data
    processes = Processes.of(estimator.device)
    arguments = net_arguments(estimator, module[1], loss, valid_set, partial)
    net = build_net(processes, module[0], **arguments)
    with seeded(seed):
        net.initialize()
        if previous is not None:
            _resume(net, previous, optimizer=partial)
        elif pretrained is not None:
            network: Any = uncompiled(net)
            network.start_from(uncompiled(pretrained))
        if processes.index:  # each drops other numbers
            torch.manual_seed(seed + processes.index)
        net.tasks, net.checkpoint = tasks, checkpoint
        net.partial_fit(train_set, y=None)
    if net.interrupted:
        end_interrupted(net, tasks.name)
    net.check_weights()
    # The net would keep the data held out, and what scikit-learn's callbacks hold.
    net.train_split = net.tasks = net.checkpoint = None
    return net


def net_arguments(
    estimator: "NetworkEstimator",
    module_params: dict[str, Any],
    loss: dict[str, Any],
    valid_set: Sized | None,
    partial: bool,
) -> dict[str, Any]:
    """Return the arguments of the net, but for the class of its network; see `train`."""
    device = resolve_device(estimator.device)
    first = Processes.of(estimator.device).index == 0
    arguments = {
        "criterion": build_loss,
        "optimizer": torch.optim.AdamW,
        "optimizer__weight_decay": float(estimator.weight_decay),
        "lr": float(estimator.lr),
        "batch_size": int(estimator.batch_size),
        "max_epochs": int(estimator.max_epochs),
        "device": device,
        "precision": resolve_precision(estimator.precision, device),
        "compile": bool(estimator.compile),
        "verbose": estimator.verbose if first else 0,
        "train_split": None if valid_set is None else predefined_split(valid_set),
        "callbacks": _callbacks(estimator, valid_set, partial),
        **{f"module__{name}": value for name, value in module_params.items()},
        **{f"criterion__{name}": value for name, value in loss.items()},
        **(estimator.net_params or {}),
        **({"max_epochs": 1} if partial else {}),
    }
    return {**arguments, "callbacks": list(arguments["callbacks"] or ())}  # skorch adds to a list


def _callbacks(estimator: "NetworkEstimator", valid_set: Sized | None, partial: bool) -> list[Any]:
    """Skorch's callbacks: the estimator's own, then the user's."""
    callbacks: list[Any] = []
    policy: type[torch.optim.lr_scheduler.LRScheduler]
    params: dict[str, Any]
    schedule = None if partial else estimator.lr_schedule
    if schedule == "plateau":
        policy = torch.optim.lr_scheduler.ReduceLROnPlateau
        params = {
            "monitor": "train_loss" if valid_set is None else "valid_loss",
            "patience": estimator.lr_patience,
        }
    elif schedule == "cosine":
        policy = torch.optim.lr_scheduler.CosineAnnealingLR
        params = {"T_max": estimator.max_epochs}
    if schedule is not None:
        callbacks.append(("own_lr_schedule", LRScheduler(policy, **params)))
    if valid_set is not None and is_classifier(estimator):
        callbacks.append(("own_accuracy", ValidationAccuracy()))
    if valid_set is not None and estimator.early_stopping:
        first = Processes.of(estimator.device).index == 0
        sink = print if estimator.verbose and first else _silent
        stopping = EarlyStopping(patience=5, load_best=True, sink=sink)
        callbacks.append(("own_early_stopping", stopping))
    return callbacks + list(estimator.callbacks or [])


def _resume(net: MultimodalNet, previous: MultimodalNet, optimizer: bool) -> None:
    """Give a new net the weights of another, and the optimizer's state if asked to."""
    try:
        uncompiled(net).load_state_dict(uncompiled(previous).state_dict())
    except RuntimeError as error:
        raise ValueError(
            "Training goes on with the network of the fit before, so parameters that change its "
            f"shape must stay as they were: {error}"
        ) from error
    if optimizer and _learn_alike(net.optimizer_, previous.optimizer_):
        state = deepcopy(previous.optimizer_.state_dict()["state"])  # the old net stays as it is
        net.optimizer_.load_state_dict({**net.optimizer_.state_dict(), "state": state})


def _learn_alike(optimizer: Any, other: Any) -> bool:
    """Whether one optimizer's state is one for another: of its kind, for as many weights."""
    counts = [[len(group["params"]) for group in each.param_groups] for each in (optimizer, other)]
    return type(optimizer) is type(other) and counts[0] == counts[1]


def _silent(*args: Any, **kwargs: Any) -> None:
    pass
