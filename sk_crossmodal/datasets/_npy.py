"""Reader of .npy files, one per modality, and of folders with a file per video and modality."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ._arrays import BARE, ArrayReader
from ._layouts import Content, Videos, as_columns, as_groups
from ._loading import has_suffix
from ._npz import load
from ._torch_files import TorchReader

SEPARATORS = "_-. "
TREE = (".npy", ".pt")  # suffixes of the files of arrays in a folder of folders


class NpyReader(ArrayReader):
    """Reads .npy files, arrays (n, T, d) per modality, or folders of arrays (T, d) per video."""

    suffixes: ClassVar[tuple[str, ...]] = (".npy",)

    @classmethod
    def matches(cls, path: Path) -> bool:
        """Whether this is a .npy file, or a folder of folders with files of arrays."""
        return path.suffix.lower() in cls.suffixes or path.is_dir()

    def shards(self, source: Sequence[Path]) -> list[Path]:
        """Return the folder that all files are in, or the first file; all files are one shard."""
        tree = any(path.is_dir() for path in source)
        if tree and len(source) > 1:
            raise ValueError(f"give one folder, got {', '.join(map(str, source))}.")
        self._files = sorted(files_below(source[0])) if tree else list(source)
        if not self._files:
            raise ValueError(f"{source[0]} has no files of arrays but those of stores.")
        shard = source[0] if tree else self._files[0]
        parents = [str(file.parent) for file in self._files]
        self._root = Path(os.path.commonpath(parents))
        self._given = source[0] if tree else self._root  # that paths in a table may begin at
        self._groups = {shard: self._files}
        return [shard]

    @contextmanager
    def open(self, path: Path) -> Iterator[Content]:
        """Open one file."""
        yield {path.stem: read(path)}

    @contextmanager
    def open_videos(self, shard: Path) -> Iterator[Videos]:
        """Open the videos of all files."""
        if self._are_columns():
            content = {file.stem: read(file) for file in self._files}
            yield as_columns(content, str(self._root), self.labels, self.ids, self.modalities)
            return
        pairs = self._pairs()
        content = {name: FilesOf(files) for name, files in pairs.items()}
        videos = as_groups(content, str(self._root), None, list(pairs))
        videos.aliases = self._aliases(pairs)
        yield videos

    def _are_columns(self) -> bool:
        """Whether each file has all videos of a modality."""
        if self._files[0] not in self._groups or {f.parent for f in self._files} != {self._root}:
            return False  # a folder of folders, or files of several folders
        shapes = [read(file).shape for file in self._files[:100]]
        if len(shapes[0]) == 3 or len(self._files) == 1:
            return True
        widths = {shape[1:] for shape in shapes if len(shape) == 2}
        return len(widths) > 1 and len({shape[0] for shape in shapes}) == 1

    def _pairs(self) -> dict[str, dict[str, Path]]:
        """Return the files by modality and video: a part of the path is the modality."""
        parts = {f: f.relative_to(self._root).with_suffix("").parts for f in self._files}
        whole = {"/".join(each): file for file, each in parts.items()}
        levels = [*range(min(map(len, parts.values())) - 1), -1]
        options = [_grouped(parts, level) for level in levels]
        if self.modalities is not None:
            given = [each for each in options if set(self.modalities) <= set(each)]
            if given or len(self.modalities) == 1:
                return given[0] if given else {self.modalities[0]: whole}
        shared = [each for each in options if _is_shared(each)]
        default = {self._root.resolve().name: whole}
        return min(shared, key=lambda each: (len(each), _widths_differ(each)), default=default)

    def _aliases(self, pairs: Mapping[str, Mapping[str, Path]]) -> dict[str, str]:
        """Return the ids by the names that a table may have for files: paths, names and stems."""
        found: dict[str, set[str]] = {}
        for files in pairs.values():
            for video, file in files.items():
                paths = (file.relative_to(self._root), file.relative_to(self._given), file)
                names = [*paths, *(path.with_suffix("") for path in paths), Path(file.name)]
                for each in (*names, Path(file.stem)):
                    found.setdefault(each.as_posix(), set()).add(video)
                found.setdefault(video.rpartition("/")[2], set()).add(video)
        return {name: next(iter(ids)) for name, ids in found.items() if len(ids) == 1}


class FilesOf(Mapping[str, Any]):
    """The arrays of one modality by video, each read when it is needed."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    def __getitem__(self, video: str) -> Any:
        return read(self._files[video])

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def read(path: Path) -> Any:
    """Map the array of a .npy file, or read the tensor of a .pt file."""
    if path.suffix.lower() != ".npy":
        with TorchReader().open(path) as content:
            if set(content) != {BARE} or isinstance(content[BARE], list):
                raise ValueError(
                    f"{path} must have one tensor, as a file in a folder of modalities."
                )
            return content[BARE]
    with open(path, "rb") as file:
        if file.read(6) != b"\x93NUMPY":
            raise ValueError(f"{path} is damaged, or no .npy file.")
    try:
        return load(partial(np.load, mmap_mode="r", allow_pickle=False), path, str(path))
    except (OSError, EOFError) as error:
        raise ValueError(f"{path} is damaged, or no .npy file: {error}.") from error


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files of arrays in a folder and those below it, but not those of stores."""
    for path, folders, names in os.walk(folder):
        if "store.json" in names:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(path, name) for name in names if has_suffix(Path(name), TREE))


def _common_ending(texts: Sequence[str]) -> str:
    """Return the longest ending of all texts."""
    columns = zip(*(text[::-1] for text in texts), strict=False)
    return "".join(c[0] for c in takewhile(lambda c: len(set(c)) == 1, columns))[::-1]


def _grouped(parts: Mapping[Path, Sequence[str]], level: int) -> dict[str, dict[str, Path]]:
    """Return the files by modality and video if this part of their paths is the modality."""
    pairs: dict[str, dict[str, Path]] = {}
    for file, each in parts.items():
        rest = [part for i, part in enumerate(each) if i != level % len(each)]
        pairs.setdefault(each[level], {})["/".join(rest)] = file
    return _without_endings(pairs)


def _is_shared(pairs: Mapping[str, Mapping[str, Path]]) -> bool:
    """Whether videos have several of the modalities, which are not more than the videos."""
    videos = {video for files in pairs.values() for video in files}
    return len(pairs) <= len(videos) < sum(map(len, pairs.values()))


def _widths_differ(pairs: Mapping[str, Mapping[str, Path]]) -> bool:
    """Whether the first two videos of a modality have frames of different widths."""
    firsts = [list(files.values())[:2] for files in pairs.values()]
    return any(len({read(file).shape[1:] for file in files}) > 1 for files in firsts)


def _without_endings(pairs: dict[str, dict[str, Path]]) -> dict[str, dict[str, Path]]:
    """Remove the ending that all files of a modality have, unless names are equal without."""
    counts = Counter(video for files in pairs.values() for video in files)
    if len(pairs) < 2 or max(counts.values()) > 1:
        return pairs
    shorter: dict[str, dict[str, Path]] = {}
    for name, files in pairs.items():
        ending = _common_ending(list(files))
        start = next((i for i, char in enumerate(ending) if char in SEPARATORS), len(ending))
        length = len(ending) - start
        shorter[name] = {v[: len(v) - length]: file for v, file in files.items()}
        if len(shorter[name]) < len(files) or "" in shorter[name]:
            return pairs
    return shorter
