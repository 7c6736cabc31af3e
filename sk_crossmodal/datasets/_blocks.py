"""The videos of a shard, a bounded number of bytes at a time."""

import os
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np

from .._types import Array, Ints
from ._records import WIDTHS, RecordError, Video, read_video
from ._tfrecord import DamageLog, read_records

# Some videos at 300 frames. Larger ones would not be in a processor's cache any more when they
# are written, smaller ones cost more calls.
_BLOCK_BYTES = 1 << 21

#: Type of the numbers of a frame.
DTYPES: dict[str, np.dtype[Any]] = {"video": np.dtype(np.float32), "frame": np.dtype(np.uint8)}
#: YouTube-8M cuts features to [-2, 2] and stores them in 8 bits, in the middle of their steps.
SCALING = {"video": (1.0, 0.0), "frame": (4 / 255, 4 / 512 - 2)}


class Block(NamedTuple):
    """Some videos behind each other."""

    ids: list[str]
    labels: list[tuple[int, ...]]
    frames: dict[str, tuple[Array, Ints]]


def read_blocks(
    shard: str | os.PathLike[str], level: str, damage: DamageLog, max_frames: int | None = None
) -> Iterator[Block]:
    """Read the videos of one shard."""
    buffers = cycle((_Buffer(level), _Buffer(level)))
    buffer = next(buffers)
    seen: dict[str, int] = {}
    for offset, video in read_videos(shard, damage):
        # No damage but a mistake in the call, so it cannot be skipped.
        if video.level != level:
            raise ValueError(
                f"{shard}, byte {offset}: a {video.level}-level record among {level}-level ones; "
                "load them in two calls."
            )
        if (first := seen.setdefault(video.name, offset)) != offset:
            damage.report(
                shard, offset, f"the video {video.name!r} stands at byte {first} already"
            )
            continue
        frames = {name: values[:max_frames] for name, values in video.frames.items()}
        if not buffer.has_room(frames):
            yield buffer.take()
            buffer = next(buffers)
        buffer.add(video, frames)
    if buffer.ids:
        yield buffer.take()


def find_level(shards: Sequence[str | os.PathLike[str]], on_error: str) -> str:
    """Look which kind of records there are."""
    damage = DamageLog(on_error)
    for shard in shards:
        for _, video in read_videos(shard, damage):
            return video.level
    first = "; first: {}, byte {}: {}".format(*damage.entries[0]) if damage.entries else ""
    raise ValueError(f"no video could be read from {len(shards)} shard(s){first}.")


def read_videos(shard: str | os.PathLike[str], damage: DamageLog) -> Iterator[tuple[int, Video]]:
    """Read the good records of one shard."""
    for offset, payload in read_records(shard, damage):
        try:
            video = read_video(payload)
        except RecordError as error:
            reason = str(error)
        else:
            yield offset, video
            continue
        # Outside of the handler, so that no error of the parser's stands above that of the shard.
        damage.report(shard, offset, reason)


class _Buffer:
    """A block that is being filled, always in the same memory."""

    def __init__(self, level: str) -> None:
        size = _BLOCK_BYTES // (sum(WIDTHS.values()) * DTYPES[level].itemsize)
        self._frames = {
            name: np.empty((size, width), DTYPES[level]) for name, width in WIDTHS.items()
        }
        self._clear()

    def has_room(self, frames: dict[str, Array]) -> bool:
        return all(
            self._ends[name] + len(values) <= len(self._frames[name])
            for name, values in frames.items()
        )

    def add(self, video: Video, frames: dict[str, Array]) -> None:
        """Copy a video; only into an empty block one for which there is no room."""
        self.ids.append(video.name)
        self._labels.append(video.labels)
        for name, values in frames.items():
            first, last = self._ends[name], self._ends[name] + len(values)
            if last > len(self._frames[name]):
                self._frames[name] = np.empty_like(values, order="C")
            self._frames[name][first:last] = values
            self._ends[name] = last
            self._lengths[name].append(len(values))

    def take(self) -> Block:
        """Return the block, and empty it."""
        frames = {
            name: (self._frames[name][:end], np.array(self._lengths[name], np.int64))
            for name, end in self._ends.items()
        }
        block = Block(self.ids, self._labels, frames)
        self._clear()
        return block

    def _clear(self) -> None:
        self.ids: list[str] = []
        self._labels: list[tuple[int, ...]] = []
        self._ends = dict.fromkeys(WIDTHS, 0)
        self._lengths: dict[str, list[int]] = {name: [] for name in WIDTHS}
