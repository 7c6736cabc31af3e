"""Reading of TFRecord shards: framing with checksums, search after damage, blocks of videos.

A record is its length (uint64, little-endian), the masked CRC32C of these eight bytes, the
payload, and the masked CRC32C of the payload (both uint32, little-endian). The format is described
at https://www.tensorflow.org/tutorials/load_data/tfrecord.
"""

import os
import struct
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, cycle
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
from google_crc32c import value as crc32c

from .._types import Array
from ._formats import YOUTUBE8M
from ._reader import Block, Description, ErrorLog, Reader
from ._records import SEGMENT_FRAMES, RecordError, RecordFormat, Video

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
#: Maximum bytes of a payload; the largest ones in YouTube-8M, six minutes of frames, have 0.4 MB.
#: It bounds the memory that a forged length or a payload of many tiny fields can take.
MAX_RECORD_BYTES = 1 << 24
# Bounds on the work for damaged records, so that forged lengths cannot cause endless reading and
# endless lists of errors: their payloads and 1 kB for each, as a multiple of the file size.
_MAX_EFFORT, _RECORD_COST = 4, 1 << 10
_MAGIC = {b"\x1f\x8b": "gzip", b"\x78\x01": "zlib", b"\x78\x9c": "zlib", b"\x78\xda": "zlib"}
_WINDOW = 1 << 16  # bytes that are searched at once
# Some videos of 300 frames. Larger blocks would have left the processor's cache before they are
# written, smaller ones cost more calls.
_BLOCK_BYTES = 1 << 21


class TFRecordReader(Reader):
    """Reads TFRecord shards of video-level or frame-level features, by default YouTube-8M's."""

    suffixes: ClassVar[tuple[str, ...]] = (".tfrecord",)
    incremental: ClassVar[bool] = True

    def __init__(
        self,
        on_error: str = "raise",
        max_frames: int | None = None,
        record_format: RecordFormat = YOUTUBE8M,
    ) -> None:
        self.errors = ErrorLog(on_error)
        self.record_format = record_format
        self.max_frames = None if max_frames is None else int(max_frames)
        self.level = ""
        self._started: dict[Path, Iterator[tuple[int, Video]]] = {}  # by `describe`, still open

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_started": {}}  # another process opens its shards itself

    def describe(self, source: Sequence[Path]) -> Description:
        """Read the first video, which says whether records are video-level or frame-level."""
        for shard in source:
            videos = _read_videos(shard, self.record_format, self.errors)
            first = next(videos, None)
            self._started[shard] = videos if first is None else chain([first], videos)
            if first is not None:
                self.level = first[1].level
                break
        else:
            raise ValueError(self._nothing_read(source))
        if self.record_format.segments and self.level == "video":
            raise ValueError(f"segments need frame-level shards, {shard} is video-level.")
        about = self.record_format.encoding(self.level)
        return Description(
            {name: {"width": width, **about} for name, width in self.record_format.widths.items()},
            n_labels=self.record_format.n_labels,
            attributes={
                **self.record_format.attributes(self.level),
                "max_frames": self.max_frames,
            },
        )

    def _nothing_read(self, source: Sequence[Path]) -> str:
        errors = self.errors.entries
        reason = "; first: {}, byte {}: {}".format(*errors[0]) if errors else ""
        if not errors and self.record_format.segments == "rated":
            reason = "; none has rated segments, segments='all' cuts every video into segments"
        return f"no video could be read from {len(source)} shard(s){reason}."

    def blocks(self, shard: Path) -> Iterator[Block]:
        """Read the videos of one shard."""
        dtype = self.record_format.encoding(self.level)["dtype"]
        buffers = cycle([_Buffer(self.record_format.widths, dtype) for _ in range(2)])
        buffer = next(buffers)
        for video in self._checked_videos(shard):
            if not buffer.add(video):
                yield buffer.take()
                buffer = next(buffers)
                buffer.add(video)
        if buffer.videos:
            yield buffer.take()

    def locate(self, shard: Path, name: str) -> str:
        """Tell in which byte of a shard the record of a video begins."""
        found = _read_videos(shard, self.record_format, ErrorLog("skip"))
        if self.record_format.segments:
            name = name.rpartition(":")[0]
        offset = next((offset for offset, video in found if video.name == name), 0)
        return f"{shard}, byte {offset}"

    def _checked_videos(self, shard: Path) -> Iterator[Video]:
        """Read videos of one level, each name once, and cut them after `max_frames` frames."""
        started, seen = self._started.pop(shard, None), dict[str, int]()
        for offset, video in started or _read_videos(shard, self.record_format, self.errors):
            if video.level != self.level:  # a mistake in the call, so it cannot be skipped
                levels = f"{video.level}-level record among {self.level}-level ones"
                raise ValueError(f"{shard}, byte {offset}: a {levels}; load them in two calls.")
            if (first := seen.setdefault(video.name, offset)) == offset:
                for each in _split(video) if self.record_format.segments else (video,):
                    frames = {name: all_[: self.max_frames] for name, all_ in each.frames.items()}
                    yield each._replace(frames=frames)
            else:
                reason = f"the video {video.name!r} is at byte {first} already"
                self.errors.report(shard, offset, reason)


def _split(video: Video) -> Iterator[Video]:
    """Split a video into its segments."""
    for start, labels in video.segments.items():
        frames = {
            name: each[start : start + SEGMENT_FRAMES] for name, each in video.frames.items()
        }
        yield Video(video.level, f"{video.name}:{start}", labels, frames, {})


class _Buffer:
    """A block that is filled, always in the same memory, while records are in the cache."""

    def __init__(self, widths: Mapping[str, int], dtype: str) -> None:
        size = _BLOCK_BYTES // (sum(widths.values()) * np.dtype(dtype).itemsize)
        self._frames = {name: np.empty((size, width), dtype) for name, width in widths.items()}
        self._ends = dict.fromkeys(widths, 0)
        self._lengths: dict[str, list[int]] = {name: [] for name in widths}
        self.videos: list[tuple[str, tuple[int, ...]]] = []

    def add(self, video: Video) -> bool:
        """Copy a video and return True; return False if it does not fit beside the others."""
        ends = {name: end + len(video.frames[name]) for name, end in self._ends.items()}
        if self.videos and any(end > len(self._frames[name]) for name, end in ends.items()):
            return False
        for name, end in ends.items():
            values = video.frames[name]
            if end > len(self._frames[name]):
                self._frames[name] = np.empty_like(values, order="C")
            self._frames[name][self._ends[name] : end] = values
            self._lengths[name].append(len(values))
        self.videos.append((video.name, video.labels))
        self._ends = ends
        return True

    def take(self) -> Block:
        """Return the block, and empty the buffer."""
        lengths = {name: np.array(each, np.int64) for name, each in self._lengths.items()}
        frames = {name: self._frames[name][:end] for name, end in self._ends.items()}
        ids, labels = [name for name, _ in self.videos], [each for _, each in self.videos]
        self._ends, self.videos = dict.fromkeys(lengths, 0), []
        self._lengths = {name: [] for name in lengths}
        return Block(frames, lengths, labels, ids)


def _read_videos(
    shard: str | os.PathLike[str], record_format: RecordFormat, errors: ErrorLog
) -> Iterator[tuple[int, Video]]:
    """Read the intact records of one shard."""
    for offset, payload in read_records(shard, errors):
        try:
            video = record_format.read(payload)
        except RecordError as error:
            reason = str(error)
        else:
            if video.segments or record_format.segments is None or video.level == "video":
                yield offset, video
            continue
        # Outside of the handler, so that the traceback does not show the parser's error, too.
        errors.report(shard, offset, reason)


def masked_crc32c(data: bytes) -> int:
    """Checksum of bytes, as TFRecord stores it."""
    crc: int = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def read_records(path: str | os.PathLike[str], errors: ErrorLog) -> Iterator[tuple[int, bytes]]:
    """Read the records of one shard in order, each with its offset."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            errors.report(path, 0, "the shard is empty")
        offset, effort, search = 0, _MAX_EFFORT * size + MAX_RECORD_BYTES, None
        while offset < size:
            file.seek(offset)
            payload, reason = _read_record(file, size - offset)
            end = offset + _HEADER.size + len(payload or b"") + _FOOTER.size
            if payload is not None and not reason:
                yield offset, payload
            elif errors.on_error == "raise":
                errors.report(path, offset, reason)
            else:
                search = search or HeaderSearch(file, size)
                effort -= _RECORD_COST + len(payload or b"")
                # The search also covers the alleged payload: the length may be wrong.
                found = search.find(offset + 1) if effort > 0 else size
                if effort <= 0:
                    reason += "; too much before it is damaged, so the search ends here"
                if payload is None or found != end:
                    reason += f"; {found - offset} bytes cannot be read"
                errors.report(path, offset, reason)
                end = found
            offset = end


def _read_record(file: BinaryIO, remaining: int) -> tuple[bytes | None, str]:
    """Read the payload of the record that begins here, if possible, and the error, if any."""
    if remaining < _HEADER.size + _FOOTER.size:
        return None, "the file ends inside a record"
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None, "the file has become shorter while it was read"
    length, checksum = _HEADER.unpack(header)
    if checksum != masked_crc32c(header[:8]):
        hint = ""
        if file.tell() == _HEADER.size:
            hint = "; is it a TFRecord file?"
            if compressed := _MAGIC.get(header[:2]):
                hint = f"; it looks {compressed}-compressed, decompress it first"
        return None, f"the checksum of the length does not fit{hint}"
    if length > remaining - _HEADER.size - _FOOTER.size:
        return None, f"the file ends inside a record, which claims {length} bytes"
    if length > MAX_RECORD_BYTES:
        return None, f"a record claims {length} bytes, more than the {MAX_RECORD_BYTES} allowed"
    payload, footer = file.read(length), file.read(_FOOTER.size)
    if len(footer) < _FOOTER.size:
        return None, "the file has become shorter while it was read"
    if _FOOTER.unpack(footer) != (masked_crc32c(payload),):
        return payload, "the checksum of the payload does not fit"
    return payload, ""


class HeaderSearch:
    """Search for the next intact header, that is a length that fits its checksum."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self._offsets: list[int] = []  # of the headers in the last window, ascending
        self._end = 0  # of that window: the search continues here

    def find(self, start: int) -> int:
        """Return the offset of the next intact header; `start` must never decrease."""
        while (i := bisect_left(self._offsets, start)) == len(self._offsets):
            if not self._search(max(start, self._end)):
                return self._size
        return self._offsets[i]

    def _search(self, start: int) -> bool:
        """Search the next window; return False if no header can begin there."""
        self._file.seek(start)
        window = self._file.read(min(_WINDOW + _HEADER.size - 1, self._size - start))
        if len(window) < _HEADER.size:  # the end, or the file has become shorter
            return False
        self._offsets = (start + _find_headers(window)).tolist()
        self._end = start + len(window) - _HEADER.size + 1
        return True


def _find_headers(window: bytes) -> Array:
    """Return the positions of all intact headers."""
    values = np.frombuffer(window, np.uint8)
    n = max(0, len(values) - _HEADER.size + 1)
    crc = np.full(n, crc32c(bytes(8)), np.uint32)
    for i, table in enumerate(_crc_tables()):
        crc ^= table[values[i : n + i]]
    masked = (crc >> 15 | crc << 17) + np.uint32(0xA282EAD8)
    stored = np.zeros(n, np.uint32)
    for i in range(4):
        stored |= values[8 + i : 8 + i + n].astype(np.uint32) << np.uint32(8 * i)
    return np.flatnonzero(masked == stored)


@cache
def _crc_tables() -> Array:
    """Return the contribution of each byte of a length to its CRC32C, which is their xor."""
    zero = crc32c(bytes(8))
    return np.array(
        [
            [crc32c(bytes(i) + bytes([value]) + bytes(7 - i)) ^ zero for value in range(256)]
            for i in range(8)
        ],
        np.uint32,
    )
