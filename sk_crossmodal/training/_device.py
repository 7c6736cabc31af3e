"""Where to compute, in which precision, and with which random numbers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock, local
from typing import Any, ClassVar
from weakref import WeakSet

import torch

from ._processes import is_distributed, launched_device

PRECISIONS = ("auto", "float32", "float64", "bfloat16")


def random_state() -> dict[str, Any]:
    """Return torch's random states."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def set_random_state(state: dict[str, Any]) -> None:
    """Set torch's random states; those of CUDA only if the number of devices is the same."""
    torch.set_rng_state(state["cpu"])
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])


class _Section:
    """One use of `seeded`; kept in weak sets, so that Ctrl-C anywhere ends it."""


class _ThreadSections(local):
    """The sections of this thread; several if a callback fits a model."""

    def __init__(self) -> None:
        self.all: WeakSet[_Section] = WeakSet()


class RngLock:
    """Lock on torch's global random state, which all threads of a process share."""

    lock = RLock()
    mine = _ThreadSections()
    sections: ClassVar[WeakSet[_Section]] = WeakSet()  # of all threads
    users_state: ClassVar[dict[str, Any]] = {}  # before the first of these sections

    @classmethod
    def renew(cls) -> None:
        """Replace the lock in a forked process, where other threads cannot release it."""
        cls.lock, cls.sections = RLock(), WeakSet(cls.mine.all)
        for _ in cls.mine.all:
            cls.lock.acquire()

    @classmethod
    def acquire_again(cls, times: int) -> None:
        """Acquire the lock even if Ctrl-C interrupts, and raise KeyboardInterrupt afterwards."""
        taken, interrupted = 0, None
        while taken < times:
            try:
                taken += cls.lock.acquire()
            except KeyboardInterrupt as error:
                interrupted = error
        if interrupted is not None:
            raise interrupted


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=RngLock.renew)


@contextmanager
def seeded(seed: int | dict[str, Any]) -> Iterator[None]:
    """Run with torch's random state set from a seed or a state; restore the user's at the end."""
    with RngLock.lock:
        section, before = _Section(), random_state()
        if not RngLock.sections:
            RngLock.users_state = before
        try:
            RngLock.sections.add(section)
            RngLock.mine.all.add(section)
            if isinstance(seed, dict):
                set_random_state(seed)
            else:
                torch.manual_seed(seed)
            yield
        finally:
            RngLock.mine.all.discard(section)
            RngLock.sections.discard(section)
            set_random_state(before if RngLock.sections else RngLock.users_state)


@contextmanager
def release_rng() -> Iterator[None]:
    """Within `seeded`: release the lock for a user's callback, which may wait for other fits."""
    sections, state = list(RngLock.mine.all), random_state()
    RngLock.mine.all.clear()
    for _ in sections:
        RngLock.lock.release()
    try:
        yield
    finally:
        try:
            RngLock.acquire_again(len(sections))
        finally:
            RngLock.mine.all.update(sections)
            if sections:
                set_random_state(state)


def resolve_device(device: Any) -> str:
    """Return the name of the given device, or of the one that "auto" stands for."""
    if is_distributed(device):
        device = launched_device() or "auto"
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    wanted = 'device must be "auto", "accelerate" or a device that torch can use here'
    if not isinstance(device, str | torch.device):
        raise TypeError(f"{wanted}, got {device!r}.")
    try:
        kind, index = torch.device(device).type, torch.device(device).index
        if kind != "cuda":  # CUDA would be started, and processes may still be forked
            torch.empty(0, device=device)
    except (RuntimeError, AssertionError, ImportError) as error:
        raise ValueError(f"{wanted}, got {device!r}.") from error
    # The device "meta" stores no numbers.
    if kind == "meta" or (kind == "cuda" and (index or 0) >= torch.cuda.device_count()):
        raise ValueError(f"{wanted}, got {device!r}.")
    return str(device)


def available_device(device: str) -> str:
    """Return a device if it is available here, otherwise the one that "auto" stands for."""
    try:
        name: str = resolve_device(device)
        torch.empty(0, device=name)
    except (ValueError, RuntimeError, AssertionError, NotImplementedError):
        name = resolve_device("auto")
    return name


def resolve_precision(precision: str, device: str) -> str:
    """Return the precision; "auto" is bfloat16 on CUDA and float32 elsewhere."""
    if precision != "auto":
        return precision
    return "bfloat16" if device.startswith("cuda") else "float32"


def device_memory(device: str) -> int | None:
    """Return the bytes of memory of a device, or None if they are unknown."""
    if device.startswith("cuda"):
        return int(torch.cuda.get_device_properties(device).total_memory)
    if device.startswith("cpu") and "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None
