"""`TrainingConfig`: the settings that a network is trained with."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from skorch.callbacks import EarlyStopping, LRScheduler
from torch.optim.lr_scheduler import CosineAnnealingLR, ReduceLROnPlateau

from ._callbacks import ValidationAccuracy
from ._device import available_device, resolve_device, resolve_precision
from ._processes import Processes

OWN = "own_"  # prefix of the names of the package's callbacks


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a network is trained: the parameters of an estimator, resolved on this machine."""

    name: str  # class of the estimator, in messages
    is_classifier: bool
    device: str
    precision: str
    processes: Processes
    lr: float
    batch_size: int
    max_epochs: int
    n_cosine_epochs: int
    lr_schedule: str | None
    lr_patience: int
    weight_decay: float
    stops_early: bool  # where there are videos held out
    compile: bool
    verbose: int
    callbacks: tuple[Any, ...] = ()
    net_params: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, estimator: Any, *, is_classifier: bool, one_epoch: bool, device: str | None = None
    ) -> "TrainingConfig":
        """Resolve the parameters of an estimator; `one_epoch` is for `partial_fit`."""
        device = device or resolve_device(estimator.device)
        processes = Processes.of(estimator.device)
        net_params = dict(estimator.net_params or {})
        max_epochs = net_params.pop("max_epochs", estimator.max_epochs)
        if isinstance(net_params.get("criterion"), str):  # the name of a registered loss
            net_params["criterion__kind"] = net_params.pop("criterion")
        return cls(
            name=type(estimator).__name__,
            is_classifier=is_classifier,
            device=device,
            precision=resolve_precision(estimator.precision, device),
            processes=processes,
            lr=float(estimator.lr),
            batch_size=int(estimator.batch_size),
            max_epochs=1 if one_epoch else int(max_epochs),
            n_cosine_epochs=estimator.max_epochs,
            lr_schedule=None if one_epoch else estimator.lr_schedule,
            lr_patience=estimator.lr_patience,
            weight_decay=float(estimator.weight_decay),
            stops_early=bool(estimator.early_stopping),
            compile=bool(estimator.compile),
            verbose=estimator.verbose if processes.index == 0 else 0,
            callbacks=tuple(estimator.callbacks or ()),
            net_params=net_params,
        )

    @classmethod
    def restored(cls, estimator: Any, batch_size: int, precision: str) -> "TrainingConfig":
        """Return the config of an estimator that was fitted with these, perhaps elsewhere."""
        device = available_device(estimator.device)
        if estimator.precision == "auto" and precision != "float64":
            precision = resolve_precision("auto", device)
        return replace(
            cls.of(estimator, is_classifier=False, one_epoch=False, device=device),
            batch_size=batch_size,
            precision=precision,
            lr_schedule=None,
            compile=False,
            callbacks=(),
            net_params={},
        )

    def net_arguments(self, *, validates: bool) -> dict[str, Any]:
        """Return the arguments of the skorch net; `validates` if videos are held out."""
        arguments = {
            "optimizer": torch.optim.AdamW,
            "optimizer__weight_decay": self.weight_decay,
            "lr": self.lr,
            "batch_size": self.batch_size,
            "max_epochs": self.max_epochs,
            "device": self.device,
            "precision": self.precision,
            "compile": self.compile,
            "verbose": self.verbose,
            "callbacks": [*self.own_callbacks(validates=validates), *self.callbacks],
            **self.net_params,
        }
        callbacks = list(arguments["callbacks"] or ())  # a copy, as skorch appends to the list
        return {**arguments, "callbacks": callbacks, "train_split": None, "owner": self.name}

    def own_callbacks(self, *, validates: bool) -> list[tuple[str, Any]]:
        """Return the package's callbacks: learning rate, accuracy and early stopping."""
        callbacks: list[tuple[str, Any]] = []
        if self.lr_schedule == "plateau":
            monitor = "valid_loss" if validates else "train_loss"
            schedule = LRScheduler(ReduceLROnPlateau, monitor=monitor, patience=self.lr_patience)
            callbacks.append((f"{OWN}lr_schedule", schedule))
        elif self.lr_schedule == "cosine":
            schedule = LRScheduler(CosineAnnealingLR, T_max=self.n_cosine_epochs)
            callbacks.append((f"{OWN}lr_schedule", schedule))
        if validates and self.is_classifier:
            callbacks.append((f"{OWN}accuracy", ValidationAccuracy()))
        if validates and self.stops_early:
            sink = print if self.verbose else _silent
            stopping = EarlyStopping(patience=5, load_best=True, sink=sink)
            callbacks.append((f"{OWN}early_stopping", stopping))
        return callbacks


def _silent(*args: Any, **kwargs: Any) -> None:
    pass
