"""Computing independently of torch's global settings, and in forked processes."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any, ClassVar

import torch


class _DefaultDtype:
    """float32 as torch's default type, which all threads of a process share."""

    lock = Lock()
    n_uses = 0
    users: ClassVar[torch.dtype] = torch.float32  # before the first of these uses

    def __enter__(self) -> None:
        kind = _DefaultDtype
        with kind.lock:
            if not kind.n_uses:
                kind.users = torch.get_default_dtype()
            kind.n_uses += 1
            torch.set_default_dtype(torch.float32)

    def __exit__(self, *error: object) -> None:
        kind = _DefaultDtype
        with kind.lock:
            kind.n_uses -= 1
            if not kind.n_uses:
                torch.set_default_dtype(kind.users)


class _Fork:
    """Whether this process was forked and has not computed since."""

    is_new = False

    @classmethod
    def begin(cls) -> None:
        """Note the fork; threads of the parent do not exist here, nor their locks' owners."""
        cls.is_new = True
        _DefaultDtype.lock, _DefaultDtype.n_uses = Lock(), 0

    @classmethod
    def use_one_thread(cls) -> None:
        """Compute in one thread: the parent's pool of threads, which torch uses, is gone."""
        if cls.is_new:
            cls.is_new = False
            torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Fork.begin)


@contextmanager
def own_defaults() -> Iterator[None]:
    """Compute with torch's defaults: float32, the CPU, no autocast, no inference mode.

    What the user has set holds again afterwards.
    """
    _Fork.use_one_thread()
    contexts: list[Any] = []
    if torch.get_default_dtype() != torch.float32 or _DefaultDtype.n_uses:
        contexts.append(_DefaultDtype())
    if torch.get_default_device().type != "cpu":
        contexts.append(torch.device("cpu"))
    if torch.is_inference_mode_enabled():
        contexts += [torch.inference_mode(False), torch.set_grad_enabled(torch.is_grad_enabled())]
    contexts += [
        torch.autocast(kind, enabled=False)
        for kind in ("cpu", "cuda")
        if torch.is_autocast_enabled(kind)
    ]
    with ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        yield
