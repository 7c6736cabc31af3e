"""What a command writes: nothing is overwritten unawares, and a file is whole or not there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


def check_free(path: str, *, overwrite: bool = False) -> None:
    """Raise unless a file can be written, before hours are spent on what is to be in it."""
    where = Path(path)
    if where.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file.")
    if where.exists() and not overwrite:
        raise FileExistsError(f"{path} exists already; --overwrite replaces it.")
    folder = Path(os.path.realpath(where)).parent
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {where.parent}; create it first.")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"the folder {where.parent} cannot be written to.")


@contextmanager
def written_whole(path: str) -> Iterator[str]:
    """Give the path of a file beside `path` that takes its place when the block ends well."""
    real = Path(os.path.realpath(path))
    part = real.with_name(f".{real.name[:100]}.{uuid4().hex}.part")
    try:
        yield os.fspath(part)
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        part.replace(real)
    finally:
        part.unlink(missing_ok=True)
