"""Building a network from a description and weights that may both be forged."""

import reprlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as torch_module

from .._types import Array
from ..validation import check_params


def build_network(
    cls: type[nn.Module],
    params: Mapping[str, Any],
    frame_stats: Mapping[str, tuple[Array, Any]],
    weights: dict[str, torch.Tensor],
    dtype: torch.dtype,
) -> nn.Module:
    """Return a network with these weights; ValueError unless they are exactly those it needs."""
    _check_arguments(cls, params, 1)
    encoder: Any = params["encoder"]
    if not isinstance(encoder, type) or not issubclass(encoder, nn.Module):
        raise ValueError(f"encoder must be a class of encoders, got {reprlib.repr(encoder)}.")
    _check_arguments(encoder, params["encoder_params"], 2)
    with torch.device("meta"), at_most(weights):
        network = cls(frame_stats, **params).to(dtype)
    needed = network.state_dict()
    for name, wanted in needed.items():
        given = weights.get(name)
        if (found := _form(given)) != _form(wanted):
            raise ValueError(f"the tensor {name!r} must be {_form(wanted)}, got {found}.")
        if name.endswith("running_var") and bool((weights[name] < 0).any()):
            raise ValueError(f"the tensor {name!r} has variances below 0.")
    if unknown := sorted(set(weights) - set(needed)):
        raise ValueError(f"the network has no tensors {reprlib.repr(unknown)}.")
    network.load_state_dict(weights, assign=True)
    return network


def _form(tensor: torch.Tensor | None) -> str:
    return "none" if tensor is None else f"of shape {tuple(tensor.shape)} of {tensor.dtype}"


@contextmanager
def at_most(weights: Mapping[str, torch.Tensor]) -> Iterator[None]:
    """Raise ValueError as soon as a network gets more tensors, or larger ones, than these."""
    left = {"tensors": len(weights), "numbers": sum(w.numel() for w in weights.values())}
    thread = threading.get_ident()

    def count(module: Any, name: str, tensor: torch.Tensor | None) -> None:
        if tensor is None or threading.get_ident() != thread:
            return
        left["tensors"] -= 1
        left["numbers"] -= tensor.numel()
        if min(left.values()) < 0:
            raise ValueError(f"the network is larger than the {len(weights)} tensors of the file.")

    hooks = [
        torch_module.register_module_parameter_registration_hook(count),
        torch_module.register_module_buffer_registration_hook(count),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _check_arguments(cls: Any, params: Any, n_positional: int) -> None:
    """Raise ValueError or TypeError unless `cls` accepts these after some positional arguments."""
    try:
        signature(cls).bind(*[None] * n_positional, **params)
    except TypeError as error:
        raise ValueError(f"{cls.__name__} cannot be built of these arguments: {error}.") from error
    check_params(params, getattr(cls, "constraints", {}))
