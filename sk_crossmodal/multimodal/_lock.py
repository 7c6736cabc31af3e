"""Locks that are gone with the process that held them, and errors that say of which file."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

with suppress(ImportError):  # Windows, where stores can be neither written nor read
    import fcntl


@contextmanager
def locked(path: str, patience: float = 0.0) -> Iterator[bool]:
    """Hold a lock file."""
    deadline = time.monotonic() + patience
    while (descriptor := _lock(path)) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.unlink(path)
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # also for children that were forked since
            os.close(descriptor)


@contextmanager
def naming(path: str) -> Iterator[None]:
    """Add the file to an OSError that names none, as those of a full disk do not."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror or str(error), path) from error


def _lock(path: str) -> int | None:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if _is_at(descriptor, path):
            return descriptor
        os.close(descriptor)  # its last holder removed it in between: this is no lock any more


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
