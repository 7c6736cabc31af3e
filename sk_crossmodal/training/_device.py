"""Where to compute, in which precision, and with which random numbers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import torch

from ._processes import launched_device, shares

PRECISIONS = ("auto", "float32", "float64", "bfloat16")


class _Turn:
    """Whose turn it is to draw from torch's random numbers, of which a process has only one set.

    A thread that has it may ask again, as a callback does that fits something.
    """

    lock = RLock()

    @classmethod
    def renew(cls) -> None:
        """In a process that was forked, nobody would give back what another thread had."""
        cls.lock = RLock()


if hasattr(os, "register_at_fork"):  # where processes can be forked at all
    os.register_at_fork(after_in_child=_Turn.renew)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run with torch's random numbers seeded, and leave the user's as they were.

    Threads take turns, as each would draw from the other's numbers.
    """
    with _Turn.lock, torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


def resolve_device(device: Any) -> str:
    """Return the name of the device that "auto" means here, or the one asked for.

    Examples
    --------
    >>> resolve_device("cpu")
    'cpu'
    """
    if shares(device):
        device = launched_device() or "auto"
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f'device must be "auto", "accelerate" or a device that torch knows, got {device!r}.'
        ) from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device is {device!r}, but torch finds no CUDA device here.")
    return str(device)


def resolve_precision(precision: str, device: str) -> str:
    """Return the precision that "auto" means: bfloat16 on CUDA, float32 elsewhere.

    Examples
    --------
    >>> resolve_precision("auto", "cpu")
    'float32'
    """
    if precision != "auto":
        return precision
    return "bfloat16" if device.startswith("cuda") else "float32"
