"""A network built from a description and weights, both of which may be forged."""

import reprlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import Parameter, signature
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as torch_module

from .._types import Array
from ..validation import check_number, check_params

MAX_PADDING = 100_000  # frames that every video is padded to; no weight depends on it


def build_network(
    cls: type[nn.Module],
    params: Mapping[str, Any],
    frame_stats: Mapping[str, tuple[Array, Any]],
    weights: dict[str, torch.Tensor],
    dtype: torch.dtype,
) -> nn.Module:
    """Return a network with these weights; ValueError unless they are exactly those it needs."""
    _check_arguments(cls, params, 1)
    if params.get("pad_to") is not None:
        check_number("pad_to", params["pad_to"], low=1, high=MAX_PADDING, integer=True)
    encoder: Any = params["encoder"]
    if not isinstance(encoder, type) or not issubclass(encoder, nn.Module):
        raise ValueError(f"encoder must be a class of encoders, got {reprlib.repr(encoder)}.")
    _check_arguments(encoder, params["encoder_params"], 2)
    with torch.device("meta"), at_most(weights):
        network = cls(frame_stats, **params).to(dtype)
    needed = network.state_dict()
    for name, wanted in needed.items():
        given = weights.get(name)
        if given is None or given.shape != wanted.shape or given.dtype != wanted.dtype:
            found = "none" if given is None else f"{tuple(given.shape)} of {given.dtype}"
            raise ValueError(
                f"the network needs the tensor {name!r} of shape {tuple(wanted.shape)} of "
                f"{wanted.dtype}, and there is {found}."
            )
        if name.endswith("running_var") and bool((given < 0).any()):
            raise ValueError(f"the tensor {name!r} has variances below 0.")
    if unknown := sorted(set(weights) - set(needed)):
        raise ValueError(f"the network has no tensors {reprlib.repr(unknown)}.")
    network.load_state_dict(weights, assign=True)
    return network


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
            raise ValueError(
                f"the network that is described is larger than the {len(weights)} tensors of the "
                "file."
            )

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
    """Raise ValueError or TypeError unless `cls` takes these, after some positional ones."""
    if not isinstance(params, Mapping):
        raise ValueError(f"arguments must be a dict by name, got {reprlib.repr(params)}.")
    known = dict(list(signature(cls).parameters.items())[n_positional:])
    variable = [name for name, each in known.items() if each.kind is Parameter.VAR_KEYWORD]
    if (unknown := sorted(set(params) - set(known))) and not variable:
        raise ValueError(f"{cls.__name__} has no arguments {unknown}.")
    needed = [name for name, each in known.items() if each.default is Parameter.empty]
    if missing := [name for name in needed if name not in (*params, *variable)]:
        raise ValueError(f"{cls.__name__} needs the arguments {missing}.")
    check_params(params, getattr(cls, "constraints", {}))
