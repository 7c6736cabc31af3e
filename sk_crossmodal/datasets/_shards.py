"""From what a user calls the data to the list of its files."""

import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

_SUFFIXES = ("*.tfrecord",)


def find_shards(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    suffixes: Sequence[str] = _SUFFIXES,
    noun: str = "shard",
) -> list[Path]:
    """List the shards, or other files, that paths stand for."""
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    elif isinstance(paths, bytes) or not hasattr(paths, "__iter__"):
        raise TypeError(f"paths must be a path or an iterable of paths, got {paths!r}.")
    shards = [shard for path in paths for shard in _expand(path, suffixes, noun)]
    if not shards:
        raise ValueError(f"paths is empty; give at least one {noun}.")
    seen = set()
    for shard in shards:
        # Its videos would stand in the data twice, maybe on both sides of a split.
        if (real := shard.resolve()) in seen:
            raise ValueError(f"the {noun} {shard} is listed twice.")
        seen.add(real)
    return shards


def _expand(path: Any, suffixes: Sequence[str], noun: str) -> list[Path]:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"a path must be a str or path-like, got {path!r}.")
    found = Path(path)
    if found.is_dir():
        each = (shard for suffix in suffixes for shard in found.glob(suffix))
        shards = sorted(shard for shard in each if shard.is_file())
        if not shards:
            raise ValueError(f"the folder {found} has no {' or '.join(suffixes)} files.")
        return shards
    if found.is_file():
        return [found]
    if found.exists():  # a pipe or a device: it may keep one waiting, or never end
        raise ValueError(f"a {noun} must be a file or a folder of files, {found} is neither.")
    if glob.has_magic(os.fspath(path)):
        shards = sorted(map(Path, glob.glob(os.fspath(path), recursive=True)))
        shards = [shard for shard in shards if shard.is_file()]
        if not shards:
            raise ValueError(f"the pattern {path} matches no files.")
        return shards
    raise FileNotFoundError(f"no {noun} at {path}.")
