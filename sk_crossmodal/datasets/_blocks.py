"""The videos of a shard, a bounded number of bytes at a time."""

from typing import NamedTuple

import numpy as np

from ._records import WIDTHS, RecordError, read_video
from ._tfrecord import DamageLog, read_records

# A few videos at 300 frames: what a processor still has in its cache when it is written.
_BLOCK_BYTES = 1 << 20

#: Type of the numbers of a frame.
DTYPES = {"video": np.dtype(np.float32), "frame": np.dtype(np.uint8)}
#: YouTube-8M cuts features to [-2, 2] and stores them in 8 bits, in the middle of their steps.
SCALING = {"video": (1.0, 0.0), "frame": (4 / 255, 4 / 512 - 2)}


class Block(NamedTuple):
    """Some videos behind each other.

    Parameters
    ----------
    ids : list of str
        Names of the videos.
    labels : list of tuple of int
        Vocabulary indices of each.
    frames : dict of str to (ndarray of shape (n_frames_total, width), ndarray of shape (n,))
        Per modality the frames of all videos behind each other, and the number of each one's.
    """

    ids: list[str]
    labels: list[tuple[int, ...]]
    frames: dict[str, tuple[np.ndarray, np.ndarray]]


def read_blocks(shard, level, damage, max_frames=None):
    """Read the videos of one shard.

    Parameters
    ----------
    shard : path-like
        The shard.
    level : {"video", "frame"}
        What its records must be.
    damage : DamageLog
        Told of all damage.
    max_frames : int, optional
        How many first frames of each video to keep.

    Yields
    ------
    block : Block
        Videos of about a megabyte together, or one of more than that.

    Raises
    ------
    ValueError
        At a record of the other level; at damage, if `damage` raises.
    """
    block, size = [], 0
    for offset, video in _read_videos(shard, damage):
        # No damage but a mistake in the call, so it cannot be skipped.
        if video.level != level:
            raise ValueError(
                f"{shard}, byte {offset}: a {video.level}-level record among {level}-level ones; "
                "load them in two calls."
            )
        video = video._replace(frames={k: v[:max_frames] for k, v in video.frames.items()})
        added = sum(frames.nbytes for frames in video.frames.values())
        if block and size + added > _BLOCK_BYTES:
            yield _join(block)
            block, size = [], 0
        block.append(video)
        size += added
    if block:
        yield _join(block)


def find_level(shards, on_error):
    """Look which kind of records there are.

    Parameters
    ----------
    shards : list of path-like
        Read until the first good record.
    on_error : {"raise", "skip"}
        What to do about damage in front of it.

    Returns
    -------
    level : {"video", "frame"}
        That of the first good record.

    Raises
    ------
    ValueError
        If there is none; at damage, if `on_error` says so.
    """
    damage = DamageLog(on_error)
    for shard in shards:
        for _, video in _read_videos(shard, damage):
            return video.level
    first = "; first: {}, byte {}: {}".format(*damage.entries[0]) if damage.entries else ""
    raise ValueError(f"no video could be read from {len(shards)} shard(s){first}.")


def _read_videos(shard, damage):
    """Yield byte offset and video of every good record."""
    for offset, payload in read_records(shard, damage):
        try:
            video, reason = read_video(payload), None
        except RecordError as error:
            video, reason = None, str(error)
        if reason:
            damage.report(shard, offset, reason)
        else:
            yield offset, video


def _join(videos):
    frames = {}
    for name in WIDTHS:
        parts = [video.frames[name] for video in videos]
        frames[name] = np.concatenate(parts), np.array([len(part) for part in parts], np.int64)
    return Block([video.name for video in videos], [video.labels for video in videos], frames)
