"""A network as it is described, built around the weights of a file."""

import reprlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import Parameter, signature
from typing import Any

import torch
from torch.nn.modules import module as torch_module

from .._types import Array
from ..correlation import ENCODERS
from ..modules import FUSIONS, RNN_TYPES, NetVLADEncoder
from ..training import check_number, check_option, check_sizes
from ._kinds import check_dict

LONGEST_PADDING = 100_000  # frames that every video is padded to, of which no weight knows
# Arguments of the networks and encoders, by what they may be.
SIZES = {"n_outputs", "n_frames", "n_correlation", "hidden_size", "d_model", "n_heads", "n_layers"}
SHARES = {"dropout", "modality_dropout"}
LISTS = {"layer_sizes", "hidden_layer_sizes"}
CHOICES = {
    "fusion": FUSIONS,
    "gate": ("hard", "soft"),
    "influence": ("cross", "self", "none"),
    "combine": ("add", "multiply"),
    "rnn_type": (*RNN_TYPES, None),
    "frozen": (True, False),
}


def build_network(
    cls: type,
    params: Any,
    moments: dict[str, tuple[Array, Any]],
    weights: dict[str, torch.Tensor],
    dtype: torch.dtype,
) -> torch.nn.Module:
    """Build a network around weights; ValueError unless they are exactly the ones it needs."""
    check_arguments(cls, params, ("self", "moments"))
    params = {
        **params,
        "encoder_params": check_dict(params.get("encoder_params"), "encoder_params"),
    }
    check_arguments(params["encoder"], params["encoder_params"], ("widths", "spec"))
    with torch.device("meta"), at_most(weights):
        network: torch.nn.Module = cls(moments, **params).to(dtype)
    for name, wanted in network.state_dict().items():
        given = weights.get(name)
        if given is None or given.shape != wanted.shape or given.dtype != wanted.dtype:
            found = "none" if given is None else f"{tuple(given.shape)} of {given.dtype}"
            raise ValueError(
                f"the network needs the tensor {name!r} of shape {tuple(wanted.shape)} of "
                f"{wanted.dtype}, and there is {found}."
            )
        if name.endswith("running_var") and bool((given < 0).any()):
            raise ValueError(f"the tensor {name!r} holds variances below 0.")
    if unknown := sorted(set(weights) - set(network.state_dict())):
        raise ValueError(f"the network has no tensors {reprlib.repr(unknown)}.")
    network.load_state_dict(weights, assign=True)
    return network


@contextmanager
def at_most(weights: dict[str, torch.Tensor]) -> Iterator[None]:
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


def check_arguments(cls: Any, params: Any, given: tuple[str, ...]) -> None:
    """Raise ValueError or TypeError unless these are arguments for a network or an encoder."""
    known = {n: p.default for n, p in signature(cls).parameters.items() if n not in given}
    if unknown := sorted(set(check_dict(params, cls.__name__)) - set(known)):
        raise ValueError(f"{cls.__name__} has no arguments {unknown}.")
    needed = [name for name, default in known.items() if default is Parameter.empty]
    if missing := [name for name in needed if name not in params]:
        raise ValueError(f"{cls.__name__} needs the arguments {missing}.")
    for name, value in params.items():
        if name in SIZES:
            check_number(name, value, low=1, integer=True)
        elif name in SHARES:
            check_number(name, value, low=0, high=1)
        elif name in LISTS:
            check_sizes(name, value)
        elif name in CHOICES:
            check_option(name, value, CHOICES[name])
        elif name == "n_clusters" and cls is NetVLADEncoder and not isinstance(value, int):
            check_sizes(name, value)
        elif name == "n_clusters":
            check_number(name, value, low=1, integer=True)
        elif name == "encoder":
            check_option(name, value, tuple(ENCODERS.values()))
        elif name == "pad_to" and value is not None:
            check_number(name, value, low=1, high=LONGEST_PADDING, integer=True)


def check_device(device: str) -> None:
    """Raise ValueError unless it is the name of a device, which need not be there."""
    if device in ("auto", "accelerate"):
        return
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise ValueError(f"device must be one that torch knows, got {device!r:.80}.") from error
    if kind == "meta":
        raise ValueError("device cannot be 'meta', where numbers are not kept.")
