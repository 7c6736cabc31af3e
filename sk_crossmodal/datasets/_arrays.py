"""The base of readers of files with named arrays: NumPy, torch and HDF5."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .._files import user_path
from .._types import Array
from ..multimodal import cut_padding, guess_modalities
from ..store import first_bad_frame
from ._label_table import LabelTable
from ._layouts import (
    Content,
    Videos,
    as_columns,
    as_frames,
    as_groups,
    find_key,
    is_nested,
    text_of,
    unwrapped,
)
from ._one_video import are_one_video_each
from ._reader import Block, Description, Reader

KEPT = ("uint8", "float16", "float32")  # other numbers become float32
_BLOCK_BYTES = 1 << 24
BARE = ""  # the name of an array without a name: it is that of its file, or of their folder
_FIRST = 8  # files that are opened to see whether each is one video
_GROUP = 1000  # files of one video each that become one part of a store


class ArrayReader(Reader):
    """Reads files with named arrays. A subclass opens one file."""

    @abstractmethod
    def open(self, path: Path) -> AbstractContextManager[Content]:
        """Open a file as a mapping of names to arrays, lists of arrays, or further mappings."""

    def shards(self, source: Sequence[Path]) -> list[Path]:
        """List the files, or the first of each group of files that are one video each."""
        self._groups = {path: [path] for path in source}
        contents = self._contents(source[:_FIRST])
        if len(source) > 1 and are_one_video_each(contents, self.labels, self.ids):
            starts = range(0, len(source), _GROUP)
            self._groups = {source[i]: list(source[i : i + _GROUP]) for i in starts}
        return list(self._groups)

    def _contents(self, files: Sequence[Path]) -> Iterator[Content]:
        for file in files:
            with self.open(file) as content:
                yield content

    def size(self, shard: Path) -> int:
        """Return the bytes of the files of a shard, and of the table of labels."""
        table = self._label_path(shard)
        files = self._groups[shard] if table is None else [*self._groups[shard], table]
        return sum(file.stat().st_size for file in files)

    def describe(self, source: Sequence[Path]) -> Description:
        """Read ids, labels, and the first frames of each modality."""
        self._names = [] if self.modalities is None else list(self.modalities)
        self._known: dict[Path, tuple[list[str] | None, list[Any] | None]] = {}
        self._about: dict[str, dict[str, Any]] = {}
        counts = []
        for shard in source:
            with self.open_videos(shard) as videos:
                if not self._names:
                    guess = guess_modalities(videos.kinds)
                    guess.require(str(shard)).warn(str(shard))
                    self._names = guess.chosen
                counts.append(videos.n)
                self._known[shard] = videos.ids, self._labels_of(videos, shard)
                self._describe_frames(videos, shard)
        if not sum(counts):
            raise ValueError(f"There are no videos in {', '.join(map(str, source))}.")
        if missing := [name for name in self._names if name not in self._about]:
            raise ValueError(f"{missing[0]!r} has no frames in any video; leave it out.")
        self._about = {name: self._about[name] for name in self._names}
        return Description(self._about, labels=self._all_labels(), n_videos=counts)

    def blocks(self, shard: Path) -> Iterator[Block]:
        """Read one shard, some megabytes at a time."""
        ids, labels = self._known[shard]
        with self.open_videos(shard) as videos:
            first, size, rows = 0, 0, list[dict[str, Array]]()
            for i in range(videos.n):
                rows.append({name: self._frames(videos, name, i, shard) for name in self._names})
                size += sum(each.nbytes for each in rows[-1].values())
                if size >= _BLOCK_BYTES or i == videos.n - 1:
                    yield Block(
                        {name: np.concatenate([r[name] for r in rows]) for name in self._names},
                        {name: np.array([len(r[name]) for r in rows]) for name in self._names},
                        None if labels is None else labels[first : i + 1],
                        None if ids is None else ids[first : i + 1],
                    )
                    first, size, rows = i + 1, 0, []

    @contextmanager
    def open_videos(self, shard: Path) -> Iterator[Videos]:
        """Open the videos of a shard."""
        files = self._groups[shard]
        if len(files) > 1:
            yield self._open_each(files)
            return
        with self.open(shard) as content:
            if are_one_video_each([content], self.labels, self.ids, alone=True):
                yield self._open_each(files)
                return
            named = {key or shard.stem: value for key, value in content.items()}
            opened = unwrapped(named, str(shard))
            if is_nested(opened):
                yield as_groups(opened, str(shard), self.labels, self.modalities)
            else:
                yield as_columns(opened, str(shard), self.labels, self.ids, self.modalities)

    def _open_each(self, files: Sequence[Path]) -> Videos:
        """Open files of one video each, whose ids are in the files, or else the names of these."""
        opened = {path: LazyFile(self, path) for path in files}
        keys = {path: find_key(each, self.ids) for path, each in opened.items()}
        names = {p: p.stem if k is None else text_of(opened[p][k]) for p, k in keys.items()}
        if twice := [name for name, count in Counter(names.values()).items() if count > 1]:
            where = files[0].parent
            raise ValueError(f"files of {where} and others have one name, {twice[0]!r}.")
        content = {names[path]: each for path, each in opened.items()}
        videos = as_groups(content, str(files[0]), self.labels, self.modalities)
        if videos.ids == list(content):
            videos.aliases = {path.stem: name for path, name in names.items()}
        return videos

    def _label_path(self, shard: Path) -> Path | None:
        """Return the CSV file of labels that the user names, or ``labels.csv`` beside videos."""
        if self.labels is None:
            return None
        if self.labels.lower().endswith((".csv", ".tsv")):
            return Path(user_path(self.labels))
        folder = shard if shard.is_dir() else shard.parent
        beside = folder / "labels.csv"
        many = shard.is_dir() or len(self._groups[shard]) > 1
        return beside if many and self.labels == "labels" and beside.is_file() else None

    def _labels_of(self, videos: Videos, shard: Path) -> list[Any] | None:
        if (path := self._label_path(shard)) is not None:
            return LabelTable(path, self.ids).labels(videos.ids, videos.aliases, str(shard))
        if videos.labels is None and self.labels not in (None, "labels"):
            known = ", ".join(videos.kinds)
            raise ValueError(f"{shard} has no labels {self.labels!r}, only {known}.")
        return videos.labels

    def _all_labels(self) -> list[Any] | None:
        for what, each in zip(
            ("ids", "labels"), zip(*self._known.values(), strict=True), strict=True
        ):
            if len({values is None for values in each}) > 1:
                raise ValueError(f"Some files have {what}, others none; load each alone.")
        every = [labels for _, labels in self._known.values()]
        if every[0] is None:
            return None
        known = {label for labels in every for row in labels or () for label in row}
        if len({isinstance(label, str) for label in known}) > 1:
            raise ValueError("labels must be all strings or all numbers.")
        return sorted(known)

    def _describe_frames(self, videos: Videos, shard: Path) -> None:
        """Find width and dtype of modalities that had no frames in the shards before."""
        for name in self._names:
            if name not in videos.frames:
                given = ", ".join(videos.frames)
                raise ValueError(f"{shard} has no modality {name!r}, only {given}.")
            if name in self._about:
                continue
            for i in range(videos.n):
                if len(
                    frames := as_frames(videos.frames[name](i), _where(shard, videos, name, i))
                ):
                    dtype = frames.dtype.name if frames.dtype.name in KEPT else "float32"
                    self._about[name] = {"width": frames.shape[1], "dtype": dtype}
                    break

    def _frames(self, videos: Videos, name: str, i: int, shard: Path) -> Array:
        about, where = self._about[name], _where(shard, videos, name, i)
        frames = as_frames(videos.frames[name](i), where, about["width"])
        if about["dtype"] == "uint8" and frames.dtype != np.uint8 and len(frames):
            raise ValueError(f"{where} has {frames.dtype}, videos before it uint8.")
        with np.errstate(over="ignore"):
            frames = frames.astype(about["dtype"], copy=False)
        frames, _ = cut_padding(frames, np.array([len(frames)]))
        if first_bad_frame(frames) is not None:
            raise ValueError(f"{where}: a number is NaN, or infinite as {about['dtype']}.")
        return frames


class LazyFile(Mapping[str, Any]):
    """The arrays of a file, which is open only while one of them is read."""

    def __init__(self, reader: ArrayReader, path: Path) -> None:
        self._reader, self._path = reader, path
        with reader.open(path) as content:
            self._keys = {key or path.resolve().parent.name: key for key in content}

    def __getitem__(self, key: str) -> Any:
        own = self._keys[key]
        with self._reader.open(self._path) as content:
            value = content[own]
            return value[()] if hasattr(value, "shape") else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def _where(shard: Path, videos: Videos, name: str, i: int) -> str:
    video = f"video {i}" if videos.ids is None else f"video {videos.ids[i]!r}"
    return f"{shard}, {name!r}, {video}"
