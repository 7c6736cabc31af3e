"""Building a network from a description and weights that may both be forged."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as torch_module

from .._types import Array
from ..validation import check_number

MAX_PADDING = 100_000  # frames that every video is padded to; no weight depends on it


def build_network(
    cls: type[nn.Module],
    params: Mapping[str, Any],
    frame_stats: Mapping[str, tuple[Array, Any]],
    weights: dict[str, torch.Tensor],
    dtype: torch.dtype,
) -> nn.Module:
    """Return a network with these weights; ValueError unless they are exactly those it needs."""
    if params.get("pad_to") is not None:
        check_number("pad_to", params["pad_to"], low=1, high=MAX_PADDING, integer=True)
    with torch.device("meta"), at_most(weights):
        network = cls(frame_stats, **params).to(dtype)
    for name, wanted in network.state_dict().items():
        given = weights[name]
        if given.dtype != wanted.dtype:
            raise ValueError(f"{name!r} must be of {wanted.dtype}, and there is {given.dtype}.")
        if name.endswith("running_var") and bool((given < 0).any()):
            raise ValueError(f"the tensor {name!r} has variances below 0.")
    network.load_state_dict(weights, assign=True)  # also checks names and shapes
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
