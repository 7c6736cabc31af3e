"""No video may be in two shards."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from .._types import Ints
from ._blocks import read_videos
from ._tfrecord import DamageLog


class VideoTwiceError(ValueError):
    """A video in two shards."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


class Uniqueness:
    """Check shard by shard that no video is in two of them."""

    def __init__(self, shards: Sequence[Path], read_ids: Callable[[int], Iterable[str]]) -> None:
        self._shards = shards
        self._read_ids = read_ids
        # Hashes, ascending, and the shards they are from, in tables that are each at least twice
        # as long as the next. So there are few to look into, and a hash is seldom moved.
        self._tables: list[tuple[Ints, Ints]] = []

    def add(self, number: int) -> None:
        """Compare a shard with those that were added before, in any order."""
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

    def _compare(self, name: str, *numbers: int) -> None:
        """Raise if both shards have the video, and not just one hash for two names."""
        if name not in self._read_ids(numbers[1]):
            return
        first, shard = (self._shards[number] for number in sorted(numbers))
        found = read_videos(shard, DamageLog("skip"))
        offset = next((offset for offset, video in found if video.name == name), 0)
        raise VideoTwiceError(
            f"{shard}, byte {offset}: the video {name!r} is in {first}, too. A video may be in "
            f"one shard only: leave {shard} out, with which the same store goes on if there is "
            "one, or load these shards in two calls.",
            max(numbers),
        )
