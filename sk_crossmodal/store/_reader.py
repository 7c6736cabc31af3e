"""A finished store, opened without reading its frames."""

import os

import numpy as np

from .._types import Array, Ints
from ._checks import as_path, damaged
from ._layout import PARTS, Header, StoredModality, StoredPart, read_header
from ._parts import IDS, LABELS, PartContent, read_lists, read_part
from ._stored import FrameFiles, StoredFrames


class StoreFiles:
    """The files of a finished store, all of them checked."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        # Without links, which may lead elsewhere when frames are read.
        self.path = os.path.realpath(as_path(path))
        self.header = read_header(self.path)
        if self.header.parts is None:
            advice = "run its program again, or call StoreWriter.finish with all parts"
            raise ValueError(f"The store at {self.path} is not finished: {advice}.")
        self._contents = [self._read_part(entry) for entry in self.header.parts]

    def frames(self, modality: StoredModality) -> tuple[StoredFrames, Ints]:
        """Return the frames of a modality, which stay on the disk, and their lengths."""
        folder, name = os.path.join(self.path, PARTS), modality.name
        parts = [
            (os.path.join(folder, each.entry.name), each.entry.frames[name], each.offsets[name])
            for each in self._contents
        ]
        files = FrameFiles(parts, modality)
        lengths = [each.lengths[modality.name] for each in self._contents]
        return StoredFrames(files), np.concatenate([*lengths, np.empty(0, np.int64)])

    def _read_part(self, entry: StoredPart) -> PartContent:
        folder = os.path.join(self.path, PARTS, entry.name)
        content = read_part(folder, self.header.modalities)
        if content.entry != entry:
            raise damaged(f"{folder} should be {entry}, but is {content.entry}")
        expected = {"labels": self.header.n_labels is not None, "ids": self.header.ids}
        for what, there in expected.items():
            if entry.videos and there and not getattr(content, what):
                raise damaged(f"{what} are missing in {folder}")
        return content


def read_labels(path: str, header: Header) -> tuple[Ints, Array]:
    """Return the numbers of labels of the videos of a store, and all labels."""
    sizes, labels = _read_all(path, header, LABELS)
    low, high = (labels.min(), labels.max()) if len(labels) else (0, -1)
    if low < 0 or high >= (header.n_labels or 0):
        n = header.n_labels
        raise damaged(f"labels in {path} should be below {n}, but are from {low} to {high}")
    return sizes, labels


def read_ids(path: str, header: Header) -> list[str]:
    """Return the ids of the videos of a store."""
    sizes, text = _read_all(path, header, IDS)
    ends, coded = np.cumsum(sizes).tolist(), text.tobytes()
    try:
        return [coded[end - size : end].decode() for end, size in zip(ends, sizes, strict=True)]
    except UnicodeDecodeError as error:
        raise damaged(f"ids in {path} are not text: {error}") from None


def _read_all(path: str, header: Header, files: tuple[str, str]) -> tuple[Ints, Array]:
    """Read the labels or ids of all parts: their number or bytes per video, and all of them."""
    folders = [os.path.join(path, PARTS, p.name) for p in header.parts or () if p.videos]
    lists = [read_lists(folder, files) for folder in folders]
    sizes = [np.diff(indptr) for indptr, _ in lists]
    flat = np.concatenate([each for _, each in lists]) if lists else np.empty(0, np.int32)
    return np.concatenate([*sizes, np.empty(0, int)]), flat
