"""A skorch net around a network that is trained already."""

from typing import Any

import torch

from ..modules import build_loss
from ._device import resolve_device, resolve_precision
from ._net import MultimodalNet


def device_here(device: str) -> str:
    """Return what a device means here, or what "auto" means where there is no such device."""
    try:
        name: str = resolve_device(device)
        torch.empty(0, device=name)
    except (ValueError, RuntimeError, AssertionError, NotImplementedError):
        name = resolve_device("auto")
    return name


def net_around(
    network: torch.nn.Module,
    params: dict[str, Any],
    loss: dict[str, Any],
    estimator: Any,
    *,
    batch_size: int,
    precision: str,
    epochs: list[dict[str, Any]],
) -> MultimodalNet:
    """Return the net of an estimator that was not fitted in this process."""
    device = device_here(estimator.device)
    if estimator.precision == "auto" and precision != "float64":
        precision = resolve_precision("auto", device)
    net = MultimodalNet(
        type(network),
        criterion=build_loss,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=float(estimator.weight_decay),
        lr=float(estimator.lr),
        batch_size=batch_size,
        max_epochs=estimator.max_epochs,
        device=device,
        precision=precision,
        verbose=estimator.verbose,
        train_split=None,
        **{f"module__{name}": value for name, value in params.items()},
        **{f"criterion__{name}": value for name, value in loss.items()},
    )
    net.module = lambda **_: network  # there is no need to build another
    net.initialize()
    net.module = type(network)
    for row in epochs:
        net.history.new_epoch()
        for key, value in row.items():
            net.history.record(key, value)
    return net
