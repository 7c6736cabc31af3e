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
    wanted = 'device must be "auto", "accelerate" or a device that torch can use here'
    if not isinstance(device, str | torch.device):
        raise TypeError(f"{wanted}, got {device!r}.")
    try:
        kind, index = torch.device(device).type, torch.device(device).index
        if kind != "cuda":  # which would start something, where processes may yet be forked
            torch.empty(0, device=device)
    except (RuntimeError, AssertionError, ImportError) as error:
        raise ValueError(f"{wanted}, got {device!r}.") from error
    if kind == "meta":
        raise ValueError(f"{wanted}, got {device!r}, where there are no numbers.")
    if kind == "cuda" and (index or 0) >= (found := torch.cuda.device_count()):
        raise ValueError(f"{wanted}, got {device!r}, but torch finds {found} CUDA devices here.")
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
