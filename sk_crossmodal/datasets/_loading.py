"""The common steps of loading: check arguments, find files, find duplicates, fill the memory."""

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch
from tqdm import tqdm

from .._files import match_pattern, user_path
from .._types import Ints
from ..multimodal import MultimodalArray
from ..store import as_rates
from ._reader import Description, Reader


def check_arguments(return_X_y: Any, progress: Any, store: Any) -> None:
    """Check the parameters that all load functions have."""
    for name, value, types, wanted in (
        ("return_X_y", return_X_y, bool | np.bool_, "True or False"),
        ("progress", progress, bool | np.bool_ | None, "True, False or None"),
        ("store", store, str | os.PathLike | None, "a str, path-like or None"),
    ):
        if not isinstance(value, types):
            raise TypeError(f"{name} must be {wanted}, got {value!r}.")


def find_files(
    paths: Any, suffixes: Iterable[str | Sequence[str]], noun: str, *, tree: Sequence[str] = ()
) -> list[Path]:
    """List the files that paths, folders and patterns stand for.

    Of a folder, those with the first of the suffixes, or groups of suffixes, that a file has are
    taken; without any, the folder itself if files with a suffix in `tree` are in folders below it.
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    elif isinstance(paths, bytes) or not hasattr(paths, "__iter__"):
        raise TypeError(f"paths must be a path or an iterable of paths, got {paths!r}.")
    groups = [(each,) if isinstance(each, str) else tuple(each) for each in suffixes]
    files = [file for path in paths for file in _expand(path, groups, noun, tree)]
    if not files:
        raise ValueError(f"paths is empty; give at least one {noun}.")
    counts = Counter(file.resolve() for file in files)
    if twice := [file for file in files if counts[file.resolve()] > 1]:
        raise ValueError(f"the {noun} {twice[-1]} is listed twice.")
    return files


def _expand(
    path: Any, groups: Sequence[tuple[str, ...]], noun: str, tree: Sequence[str]
) -> list[Path]:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"a path must be a str or path-like, got {path!r}.")
    given = Path(user_path(path))
    if given.is_file():
        return [given]
    if given.is_dir():
        names = [[f"*{suffix}" for suffix in group] for group in groups]
        inside = [file for file in given.iterdir() if file.is_file()]
        every = ([file for file in inside if has_suffix(file, group)] for group in groups)
        found = next(filter(None, every), [])
        if not found and any(any(given.rglob(f"*{suffix}")) for suffix in tree):
            return [given]
        message = f"the folder {given} has no {' or '.join(chain(*names))} files."
    elif given.exists():  # reading a pipe or a device may block, or never end
        raise ValueError(f"a {noun} must be a file or a folder of files, {given} is neither.")
    elif glob.has_magic(os.fspath(path)):
        found = [Path(file) for file in match_pattern(os.fspath(given))]
        message = f"the pattern {path} matches no files."
    else:
        raise FileNotFoundError(f"no {noun} at {path}.")
    if not (files := sorted(file for file in found if file.is_file())):
        raise ValueError(message)
    return files


def has_suffix(file: Path, suffixes: Iterable[str]) -> bool:
    """Whether a file, which is not hidden, has one of the suffixes, in any case of letters."""
    return file.name.lower().endswith(tuple(suffixes)) and not file.name.startswith(".")


class DuplicateVideoError(ValueError):
    """A video in two shards, the second of which has this number."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


class DuplicateChecker:
    """Check shard by shard that no video is in two of them."""

    def __init__(
        self, reader: Reader, shards: Sequence[Path], read_ids: Callable[[int], Iterable[str]]
    ) -> None:
        self._reader, self._shards, self._read_ids = reader, shards, read_ids
        # Sorted hashes and the shards that they are from. Each table has at least twice the
        # length of the next one, so there are few tables, and hashes are rarely merged.
        self._tables: list[tuple[Ints, Ints]] = []

    def add(self, number: int) -> None:
        """Compare a shard with all shards added before; the order does not matter."""
        ids = list(self._read_ids(number))
        if not ids:
            return
        hashes = np.fromiter(map(hash, ids), np.int64, len(ids))
        for known, owners in self._tables:
            first, last = (np.searchsorted(known, hashes, side) for side in ("left", "right"))
            for i in np.flatnonzero(first < last):
                for owner in owners[first[i] : last[i]].tolist():
                    self._compare(ids[i], number, owner)
        self._tables.append((np.sort(hashes), np.full(len(ids), number, np.int32)))
        while len(self._tables) > 1 and len(self._tables[-2][0]) < 2 * len(self._tables[-1][0]):
            hashes, owners = map(np.concatenate, zip(*self._tables[-2:], strict=True))
            order = np.argsort(hashes, kind="stable")
            self._tables[-2:] = [(hashes[order], owners[order])]

    def _compare(self, name: str, number: int, owner: int) -> None:
        """Raise if both shards have the video; two names may have one hash."""
        if name not in self._read_ids(owner):
            return
        first, second = (self._shards[i] for i in sorted((number, owner)))
        raise DuplicateVideoError(
            f"{self._reader.locate(second, name)}: the video {name!r} is in {first}, too; leave "
            f"{second} out (a store continues without it), or load the two in two calls.",
            max(number, owner),
        )


def describe(reader: Reader, shards: Sequence[Path], rates: Any = None) -> Description:
    """Describe the videos of shards, with the frames per second that the user gives."""
    about = reader.describe(shards)
    if rates is None:
        return about
    known = as_rates(rates, about.modalities)
    modalities = {name: {**each, "rate": known[name]} for name, each in about.modalities.items()}
    return replace(about, modalities=modalities)


def collect(
    reader: Reader, files: Sequence[Path], progress: bool | None = None, rates: Any = None
) -> Bunch:
    """Read all shards into memory, as data, target and ids."""
    shards = reader.shards(files)
    about = describe(reader, shards, rates)
    # They grow in place; a list of arrays would need all the memory twice at the end.
    flat = {name: bytearray() for name in about.modalities}
    lengths: dict[str, list[Ints]] = {name: [] for name in flat}
    target, ids, edges = list[tuple[object, ...]](), list[str](), [0]
    has_labels, has_ids = False, False
    checker = DuplicateChecker(reader, shards, lambda i: ids[edges[i] : edges[i + 1]])
    with tqdm(
        desc="reading",
        total=sum(about.n_videos) if about.n_videos else None,
        unit=" videos",
        disable=None if progress is None else not progress,
    ) as bar:
        for i, shard in enumerate(shards):
            for block in reader.blocks(shard):
                for name in flat:
                    frames = np.ascontiguousarray(block.frames[name])
                    flat[name] += frames.reshape(-1).view(np.uint8).data
                    lengths[name].append(block.lengths[name])
                target += block.labels or ()
                ids += block.ids or ()
                has_labels, has_ids = block.labels is not None, block.ids is not None
                bar.update(len(lengths[name][-1]))
            edges.append(len(ids))
            if reader.incremental:
                checker.add(i)
    rates = {name: each.get("rate") for name, each in about.modalities.items()}
    data = MultimodalArray.from_frames(
        {
            name: np.frombuffer(flat[name], each["dtype"]).reshape(-1, each["width"])
            for name, each in about.modalities.items()
        },
        {name: np.concatenate(each) for name, each in lengths.items()},
        quantization={
            name: (each.get("scale", 1.0), each.get("shift", 0.0))
            for name, each in about.modalities.items()
        },
        rates=rates if None not in rates.values() else None,
    )
    return Bunch(
        data=data,
        target=target if has_labels else None,
        ids=np.array(ids, dtype=str) if has_ids else None,
    )
