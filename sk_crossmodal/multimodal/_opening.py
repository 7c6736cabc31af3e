"""The frames of a finished store, where they lie."""

import os

import numpy as np

from ._frames import Frames
from ._given import check_path
from ._layout import PARTS, Header, StoredModality, StoredPart, read_header
from ._parts import PartContent, read_part
from ._stored import FrameFiles, StoredFrames


def open_frames(path: str | os.PathLike[str]) -> tuple[str, Header, dict[str, Frames]]:
    """Open the frames of a store, see `Store.open`."""
    path = os.path.realpath(
        check_path(path)
    )  # a link may lead elsewhere by the time frames are read
    header = read_header(path)
    if header.parts is None:
        raise ValueError(
            f"The store at {path} is not finished: run again what wrote it, as sk-crossmodal "
            "convert goes on where it stopped; or write the parts that are missing, and call "
            "StoreWriter.finish."
        )
    contents = [_check_part(path, header, entry) for entry in header.parts]
    return path, header, {m.name: _stored_frames(path, m, contents) for m in header.modalities}


def _check_part(path: str, header: Header, entry: StoredPart) -> PartContent:
    """Read a part's lengths; ValueError unless it is as the header says."""
    folder = os.path.join(path, PARTS, entry.name)
    content = read_part(folder, header.modalities)
    if content.entry != entry:
        raise ValueError(f"Damaged store: {folder} should be {entry}, and is {content.entry}.")
    for what, expected in (("labels", header.n_labels is not None), ("ids", header.ids)):
        if entry.videos and expected and not getattr(content, what):
            raise ValueError(f"Damaged store: {what} are missing in {folder}.")
    return content


def _stored_frames(path: str, modality: StoredModality, contents: list[PartContent]) -> Frames:
    entries = [each.entry for each in contents]
    files = FrameFiles(
        os.path.join(path, PARTS),
        tuple(entry.name for entry in entries),
        modality.file("frames"),
        tuple(entry.frames[modality.name] for entry in entries),
        tuple(each.offsets[modality.name] for each in contents),
        modality.stored_dtype,
        modality.width,
        modality.finite,
    )
    lengths = [each.lengths[modality.name] for each in contents]
    every = np.concatenate([*lengths, np.empty(0, np.int64)])
    return Frames.from_lengths(StoredFrames(files), every, modality.scale, modality.shift)
