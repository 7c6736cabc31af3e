"""What tables of embeddings hold: widths, labels and ids, read before any more of the frames."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from .._types import Array, Ints
from ._columns import frames_dtype, holds_frames, read_frames, read_ids, read_labels
from ._tables import Table

Block = dict[str, tuple[Array, Ints]]  # by modality the frames of some videos, and their lengths


@dataclass(frozen=True)
class Description:
    """What tables hold beside their frames."""

    dtypes: dict[str, np.dtype[Any]]
    widths: dict[str, int]
    videos: list[int]
    labels: list[tuple[Any, ...]] | None
    ids: list[str] | None

    def bar(self, progress: bool | None) -> Any:
        """Make the progress bar of all videos, to be moved by `blocks`."""
        hidden = None if progress is None else not progress
        return tqdm(desc="reading", total=sum(self.videos), unit=" videos", disable=hidden)

    def blocks(self, table: Table, bar: Any) -> Iterator[Block]:
        """Read the frames of a table, some videos at a time."""
        for first, batch in table.batches(list(self.widths)):
            yield {name: self._frames(table, name, batch, first) for name in self.widths}
            bar.update(batch.num_rows)

    def _frames(self, table: Table, name: str, batch: Any, first: int) -> tuple[Array, Ints]:
        where = _where(table, name)
        frames, lengths = read_frames(batch.column(name), where, first)
        width = self.widths[name]
        if len(frames) and frames.shape[1] != width:
            row = first + int(np.flatnonzero(lengths)[0])
            raise ValueError(
                f"{where}, row {row}: a frame of {frames.shape[1]} numbers; frames before it have "
                f"{width}, and all frames of a modality must be of one width."
            )
        return frames if len(frames) else np.empty((0, width), self.dtypes[name]), lengths


def describe(
    tables: Sequence[Table], modalities: Sequence[str], labels: str | None, ids: str | None
) -> Description:
    """Read all of tables but most of their frames."""
    dtypes: dict[str, np.dtype[Any]] = {}
    for table in tables:
        _check_columns(table, [*modalities, *filter(None, (labels, ids))])
        for name in modalities:
            _check_modality(table, name, dtypes)
    videos, all_labels, all_ids = [], list[tuple[Any, ...]](), list[str]()
    for table in tables:
        # Without either a column of frames tells how many rows there are.
        rows, columns = 0, [name for name in (labels, ids) if name] or list(modalities[:1])
        for first, batch in table.batches(columns):
            rows += batch.num_rows
            if labels:
                all_labels += read_labels(batch.column(labels), _where(table, labels), first)
            if ids:
                all_ids += read_ids(batch.column(ids), _where(table, ids), first)
        videos.append(rows)
    if not sum(videos):
        raise ValueError(f"There are no videos in {', '.join(str(t.path) for t in tables)}.")
    _check_one_kind(all_labels, labels)
    widths = {name: _find_width(tables, name) for name in modalities}
    return Description(
        dtypes, widths, videos, all_labels if labels else None, all_ids if ids else None
    )


def _where(table: Table, column: str) -> str:
    return f"{table.path}, column {column!r}"


def _check_columns(table: Table, columns: Sequence[str]) -> None:
    names = table.schema.names
    if missing := [name for name in columns if name not in names]:
        raise ValueError(f"{table.path} has no column {missing[0]!r}; its columns are {names}.")
    if twice := [name for name in columns if names.count(name) > 1]:
        raise ValueError(f"{table.path} has more than one column {twice[0]!r}.")


def _check_modality(table: Table, name: str, dtypes: dict[str, np.dtype[Any]]) -> None:
    kind = table.schema.field(name).type
    if not holds_frames(kind):
        raise ValueError(
            f"{_where(table, name)} is of type {kind}; a modality is a list of frames a video, "
            "each a list of numbers, or one list of numbers. For example "
            "pyarrow.array(videos, pyarrow.list_(pyarrow.list_(pyarrow.float32()))) makes it."
        )
    dtype = frames_dtype(kind)
    if dtypes.setdefault(name, dtype) != dtype:
        raise ValueError(
            f"{_where(table, name)} holds {dtype}, and in files before it {dtypes[name]}; write "
            "all files with one type."
        )


def _check_one_kind(labels: Sequence[tuple[Any, ...]], column: str | None) -> None:
    kinds = {type(label) for each in labels for label in each}
    if len(kinds) > 1:
        raise ValueError(
            f"column {column!r} holds strings in one file and numbers in another; labels must be "
            "all of one type."
        )


def _find_width(tables: Sequence[Table], name: str) -> int:
    """Width of the first frame of a modality."""
    for table in tables:
        for first, batch in table.batches([name]):
            frames, _ = read_frames(batch.column(name), _where(table, name), first)
            if len(frames):
                return int(frames.shape[1])
    raise ValueError(
        f"column {name!r} has no frames in any of its videos; leave it out of modalities."
    )
