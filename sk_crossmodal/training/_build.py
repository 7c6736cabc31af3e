"""Building the skorch net around a network, for training and for loading."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback
from torch.nn.modules.module import register_module_parameter_registration_hook

from ..modules import build_loss
from ..validation import short
from ._config import OWN, TrainingConfig
from ._device import device_memory, random_state, seeded
from ._distributed import DistributedNet
from ._net import MultimodalNet

TRAINING_COPIES = 4  # of each weight: itself, its gradient, and two averages of Adam
OWN_CALLBACKS = tuple(OWN + name for name in ("lr_schedule", "accuracy", "early_stopping"))


@dataclass(frozen=True)
class NetworkSpec:
    """A network to build: its class, its arguments, and those of the loss."""

    cls: type[torch.nn.Module]
    params: dict[str, Any]
    loss: dict[str, Any] = field(default_factory=dict)

    def net_arguments(self) -> dict[str, Any]:
        """Return the arguments of the skorch net."""
        return {
            "criterion": build_loss,
            **{f"module__{name}": value for name, value in self.params.items()},
            **{f"criterion__{name}": value for name, value in self.loss.items()},
        }


def build_net(
    config: TrainingConfig, spec: NetworkSpec, seed: int, *, validates: bool
) -> tuple[MultimodalNet, dict[str, Any]]:
    """Build the net of a fit; return it and the random state after drawing its weights."""
    arguments = {**spec.net_arguments(), **config.net_arguments(validates=validates)}
    if config.processes.count == 1:
        net = MultimodalNet(spec.cls, **arguments)
    else:
        net = DistributedNet(spec.cls, processes=config.processes, **arguments)
    given = {name: spec.params.get(name) for name in ("encoder", "encoder_params")}
    given |= {"net_params": dict(config.net_params), "callbacks": list(config.callbacks)}
    with seeded(seed), _naming_arguments(config.name, given):
        _check_callbacks(net, arguments)
        with memory_limit(config.device, net):
            net.initialize()
        return net, random_state()


def restore_net(
    config: TrainingConfig, spec: NetworkSpec, network: torch.nn.Module, history: list[Any]
) -> MultimodalNet:
    """Return the net of a fitted estimator around its network, which is not compiled."""
    arguments = {**spec.net_arguments(), **config.net_arguments(validates=False)}
    net = MultimodalNet(spec.cls, **{**arguments, "callbacks": []})
    net.module = lambda **_: network
    net.initialize()
    net.start_callbacks()
    net.module = spec.cls
    for row in history:
        net.history.new_epoch()
        for key, value in row.items():
            net.history.record(key, value)
    return net


@contextmanager
def _naming_arguments(name: str, given: Mapping[str, Any]) -> Iterator[None]:
    """Name the arguments in the errors of whatever cannot be built of them."""
    try:
        yield
    except (MemoryError, ImportError):
        raise
    except Exception as error:
        text = ", ".join(
            f"{key}={getattr(value, '__name__', short(value))}"
            for key, value in given.items()
            if value
        )
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name} cannot build its network with {text}: {error}") from error


@contextmanager
def memory_limit(device: str, net: MultimodalNet) -> Iterator[None]:
    """Raise ValueError as soon as the weights of a network need more memory than there is."""
    limit, thread = device_memory(device), threading.get_ident()
    sizes: dict[tuple[int, str], int] = {}

    def count(module: torch.nn.Module, name: str, weight: torch.Tensor | None) -> None:
        # Called before a weight is filled with numbers, and so before memory is used.
        if weight is None or limit is None or threading.get_ident() != thread:
            return
        sizes[id(module), name] = weight.numel()
        if TRAINING_COPIES * net.dtype.itemsize * sum(sizes.values()) > limit:
            raise _too_large(f"{sum(sizes.values()):.3g}", limit, device)

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    except RuntimeError as error:
        if limit is not None and ("alloc" in str(error) or "overflow" in str(error)):
            raise _too_large("too many", limit, device) from error
        raise
    finally:
        hook.remove()


def _too_large(weights: str, limit: int, device: str) -> ValueError:
    size = f"{limit / 2**30:.0f} GiB"
    return ValueError(
        f"The network would have {weights} weights, expected at most {size} in training, the "
        f"memory of {device}: make layers, clusters or max_frames smaller."
    )


def check_padding(max_frames: int, width: int, device: str) -> None:
    """Raise ValueError if one video, padded to `max_frames`, needs more memory than there is."""
    needed, limit = 4 * width * max_frames / 2**30, (device_memory(device) or np.inf) / 2**30
    if needed > limit:
        given = f"max_frames={max_frames} with mask_padding=False"
        raise ValueError(f"{given} pads videos to {needed:.0f} GiB, {device} has {limit:.0f}.")


def _check_callbacks(net: MultimodalNet, arguments: Mapping[str, Any]) -> None:
    """Raise TypeError or ValueError if callbacks cannot be built; none is started or changed."""
    known = dict(net._uniquely_named_callbacks())  # ValueError if two have one name
    start = "callbacks__"
    given = {k.removeprefix(start): v for k, v in arguments.items() if k.startswith(start)}
    for key in given:
        if not any(key == n or key.startswith(f"{n}__") for n in (*known, *OWN_CALLBACKS)):
            raise ValueError(f"net_params name a callback {key!r}, expected one of {[*known]}.")
    for name, callback in known.items():
        prefix = f"{name}__"
        params = [key.removeprefix(prefix) for key in given if key.startswith(prefix)]
        _check_callback(name, given.get(name, callback), params)


def _check_callback(name: str, callback: Any, params: list[str]) -> None:
    if isinstance(callback, type) and issubclass(callback, Callback):
        try:
            signature(callback).bind(**dict.fromkeys(params))
        except TypeError as error:
            raise TypeError(f"the callback {name!r} of {callback}: {error}") from error
        return
    if not isinstance(callback, Callback | None):
        raise TypeError(f"callbacks__{name} must be a skorch callback, got {short(callback)}")
    known = [] if callback is None else sorted(callback.get_params())
    if unknown := [key for key in params if key.partition("__")[0] not in known]:
        raise ValueError(f"the callback {name!r} has the parameters {known}, got {unknown}")
