"""Paths of users, files that are written completely or not at all, and lock files."""

import glob
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

with suppress(ImportError):  # not on Windows, where stores can be neither written nor read
    import fcntl

PARTIAL = ".part"  # suffix of a file that is being written


def user_path(path: str | os.PathLike[str]) -> str:
    """Return a path with the home folder for a ~ at its beginning."""
    text = os.fspath(path)
    return text if os.path.lexists(text) else os.path.expanduser(text)


def match_pattern(pattern: str) -> list[str]:
    """List what matches a pattern; brackets in the names of existing folders are no pattern."""
    *folders, name = Path(pattern).parts
    known = Path()
    while folders and (known / folders[0]).is_dir():
        known /= folders.pop(0)
    rest = os.path.join(*folders, name)
    for each in (rest, rest.replace("[", "[[]")):
        found = glob.glob(os.path.join(glob.escape(str(known)), each), recursive=True)
        if found := found or glob.glob(pattern, recursive=True):
            return sorted(found)
    return []


@contextmanager
def atomic_path(path: str | os.PathLike[str], *, hidden: bool = False) -> Iterator[Path]:
    """Yield the path of a new file that replaces `path` if the block ends without an error."""
    target = Path(os.path.realpath(path))
    part = target.with_name(f"{'.' * hidden}{target.name[:100]}.{uuid4().hex}{PARTIAL}")
    try:
        yield part
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        if target.exists():  # who could not read the old file cannot read the new one
            part.chmod(stat.S_IMODE(target.stat().st_mode))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    with suppress(OSError):  # some file systems cannot synchronise folders
        sync_folder(target.parent)


def write_atomic(path: str | os.PathLike[str], data: bytes | memoryview) -> None:
    """Write a file so that at any moment the old or the new content is there, complete."""
    with atomic_path(path) as part, open(part, "xb") as file:
        file.write(data)


def sync_folder(path: str | os.PathLike[str]) -> None:
    """Flush the names in a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with naming(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Add the file's name to an OSError without one, such as that of a full disk."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror or str(error), os.fspath(path)) from error


@contextmanager
def locked(path: str, patience: float = 0.0) -> Iterator[bool]:
    """Hold a lock file, and yield whether it could be locked within `patience` seconds."""
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
        os.close(descriptor)  # the last holder removed the file in between


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
