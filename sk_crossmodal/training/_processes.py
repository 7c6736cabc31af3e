"""Distributed training: the processes of a launch, and how they exchange values."""

import atexit
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import distributed

from .._types import Array, Ints

if TYPE_CHECKING:
    from accelerate import PartialState

Value = TypeVar("Value")


@dataclass(frozen=True)
class Processes:
    """Processes that run the same program and divide each batch among them; see docs/scale.md."""

    index: int = 0
    count: int = 1

    @classmethod
    def of(cls, device: Any) -> "Processes":
        """Return the processes that train an estimator with this `device`."""
        if not is_distributed(device):
            return cls()
        state = launch_state()
        return cls(state.process_index, state.num_processes)

    def share(self, n: int) -> slice:
        """Return the slice of n items that belongs to this process; it may be empty."""
        return slice(n * self.index // self.count, n * (self.index + 1) // self.count)

    def divide(self, rows: Ints) -> tuple[Ints, bool]:
        """Return this process's share of some rows, and whether they count in the loss."""
        mine = rows[self.share(len(rows))] if self.count > 1 else rows
        return (mine, True) if len(mine) else (rows[:1], False)

    def agree(self, value: Value) -> Value:
        """Return the value of the first process, in all of them."""
        if self.count == 1:
            return value
        values = [value]
        distributed.broadcast_object_list(values)
        return values[0]

    def gather(self, value: Value) -> list[Value]:
        """Return the values of all processes, a list."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        distributed.all_gather_object(values, value)
        return values

    def check_same(self, data: str) -> None:
        """Raise ValueError in all processes unless their data have the same description."""
        parts = self.gather(data)
        if any(part != data for part in parts):
            raise ValueError(f"The processes of a fit must be given the same data, got {parts}.")

    def sum(self, x: Any) -> Any:
        """Sum a tensor, or numbers, over all processes; gradients go to every process."""
        if self.count == 1:
            return x
        if isinstance(x, torch.Tensor):
            return _Sum.apply(x)  # type: ignore[no-untyped-call]  # torch gives it no type
        return np.sum(self.gather(x), axis=0)

    def apply(self, function: Callable[[Any], Array], X: Any) -> Array:
        """Return ``function(X)``, one row per video, each process computing its share."""
        if len(X) < self.count or self.count == 1:
            return function(X)
        return np.concatenate(self.gather(function(X[self.share(len(X))])))


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return _summed(x)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        return _summed(grad)


def _summed(x: torch.Tensor) -> torch.Tensor:
    total = x.clone(memory_format=torch.contiguous_format)
    distributed.all_reduce(total)
    return total


def is_distributed(device: Any) -> bool:
    """Whether `device` asks for distributed training."""
    return isinstance(device, str) and device == "accelerate"


def launched_device() -> str | None:
    """Return the device of this process, or None without several processes."""
    state = launch_state()
    if state.num_processes == 1:
        return None
    # torch can save a tensor on "cpu:0", but not load it.
    return "cpu" if state.device.type == "cpu" else str(state.device)


def launch_state() -> "PartialState":
    """Return accelerate's `PartialState`, with a process group if there are several processes."""
    try:
        from accelerate import PartialState
        from accelerate.utils import parse_flag_from_env
    except ImportError as error:
        install = 'pip install "sk_crossmodal[distributed]"'
        raise ImportError(f'device="accelerate" needs accelerate: {install}.') from error
    before = distributed.is_initialized()
    # Without this argument accelerate counts one process where there is no GPU.
    cpu = parse_flag_from_env("ACCELERATE_USE_CPU") or not torch.cuda.is_available()
    state = PartialState(cpu=cpu)
    launched = int(os.environ.get("WORLD_SIZE", 1))
    if launched > 1 and state.num_processes == 1:
        hint = "for one of them; on CPUs set it up by PartialState(cpu=True)"
        raise RuntimeError(f"{launched} processes were launched, but accelerate is set up {hint}.")
    if distributed.is_initialized() and not before:
        atexit.register(_leave)
    return state


def _leave() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()
