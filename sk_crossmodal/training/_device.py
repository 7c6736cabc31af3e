"""Where to compute, in which precision, and with which random numbers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock, local
from typing import Any, ClassVar
from weakref import WeakSet

import torch

from ._processes import launched_device, shares
from ._state_file import random_state, set_random_state

PRECISIONS = ("auto", "float32", "float64", "bfloat16")


class _Fit:
    """One use of `seeded`; what holds it weakly forgets it, wherever Ctrl-C ends the use."""


class _Fits(local):
    """Those of one thread that have their turn, as a callback may fit something, too."""

    def __init__(self) -> None:
        self.all: WeakSet[_Fit] = WeakSet()


class _Turn:
    """Lock on torch's global random state, which all threads of a process share."""

    lock = RLock()
    mine = _Fits()
    fits: ClassVar[WeakSet[_Fit]] = WeakSet()
    users: ClassVar[dict[str, Any]] = {}

    @classmethod
    def renew(cls) -> None:
        """In a process that was forked, nobody would give back what another thread had."""
        cls.lock, cls.fits = RLock(), WeakSet(cls.mine.all)
        for _ in cls.mine.all:
            cls.lock.acquire()

    @classmethod
    def take_again(cls, times: int) -> None:
        """Wait for the turn; who is interrupted meanwhile has it all the same, to give it back."""
        taken, interrupted = 0, None
        while taken < times:
            try:
                taken += cls.lock.acquire()
            except KeyboardInterrupt as error:
                interrupted = error
        if interrupted is not None:
            raise interrupted


if hasattr(os, "register_at_fork"):  # where processes can be forked at all
    os.register_at_fork(after_in_child=_Turn.renew)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run with torch's random numbers seeded, and leave the user's as they were."""
    with _Turn.lock:
        fit, before = _Fit(), random_state()
        if not _Turn.fits:
            _Turn.users = before
        try:
            _Turn.fits.add(fit)
            _Turn.mine.all.add(fit)
            torch.manual_seed(seed)
            yield
        finally:
            _Turn.mine.all.discard(fit)
            _Turn.fits.discard(fit)
            set_random_state(before if _Turn.fits else _Turn.users)


@contextmanager
def others_turn() -> Iterator[None]:
    """Within `seeded`: let other threads have their turn, and go on with the same numbers."""
    fits, state = list(_Turn.mine.all), random_state()
    _Turn.mine.all.clear()
    for _ in fits:
        _Turn.lock.release()
    try:
        yield
    finally:
        try:
            _Turn.take_again(len(fits))
        finally:
            _Turn.mine.all.update(fits)
            if fits:
                set_random_state(state)


def resolve_device(device: Any) -> str:
    """Return the name of the device that "auto" means here, or the one asked for."""
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
        raise ValueError(f'{wanted}, got {device!r}. "auto" takes what there is.') from error
    if kind == "meta":
        raise ValueError(f"{wanted}, got {device!r}, where there are no numbers.")
    if kind == "cuda" and (index or 0) >= (found := torch.cuda.device_count()):
        raise ValueError(
            f"{wanted}, got {device!r}, but torch finds {found} CUDA devices here. "
            '"auto" takes what there is.'
        )
    return str(device)


def resolve_precision(precision: str, device: str) -> str:
    """Return the precision that "auto" means: bfloat16 on CUDA, float32 elsewhere."""
    if precision != "auto":
        return precision
    return "bfloat16" if device.startswith("cuda") else "float32"
