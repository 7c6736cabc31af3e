"""From tables of embeddings to a store on disk: a part a file, and on from where it stopped."""

import os
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from sklearn.utils import Bunch

from ..multimodal import Store, StoreWriter
from ..store import HEADER, read_header
from ._description import Description
from ._stored import LABELS, load_store
from ._tables import Table

FILES = "files"  # the attribute that says of which files, of how many bytes, a store is made


def convert_tables(
    tables: Sequence[Table],
    about: Description,
    path: str | os.PathLike[str],
    progress: bool | None,
) -> Bunch:
    """Convert tables to a store, or what is not converted yet."""
    parts = {f"{i:05d}-{table.path.name}"[:200]: table for i, table in enumerate(tables)}
    known = sorted({label for each in about.labels or () for label in each})
    attributes: dict[str, Any] = {
        FILES: {name: table.path.stat().st_size for name, table in parts.items()}
    }
    if about.labels is not None:
        attributes[LABELS] = known
    _check_same_files(path, attributes)
    modalities = {
        name: {"width": width, "dtype": about.dtypes[name].name}
        for name, width in about.widths.items()
    }
    writer = StoreWriter(path, modalities, attributes)
    if not _is_finished(path, parts):
        numbers = {label: i for i, label in enumerate(known)}
        _write(writer, parts, about, numbers, progress)
        writer.finish(parts, None if about.labels is None else len(known))
    return load_store(path)


def _write(
    writer: StoreWriter,
    parts: dict[str, Table],
    about: Description,
    numbers: dict[Any, int],
    progress: bool | None,
) -> None:
    """Write the parts that are missing."""
    starts = accumulate(about.videos, initial=0)
    with about.bar(progress) as bar:
        for (name, table), start in zip(parts.items(), starts, strict=False):
            if writer.done(name):
                bar.update(about.videos[list(parts).index(name)])
                continue
            with writer.part(name) as part:
                for block in about.blocks(table, bar):
                    rows = slice(start, start + len(next(iter(block.values()))[1]))
                    part.append(
                        block, labels=_columns(about, rows, numbers), ids=_ids(about, rows)
                    )
                    start = rows.stop


def _columns(about: Description, rows: slice, numbers: dict[Any, int]) -> list[set[int]] | None:
    """Columns of the indicator of labels, of some videos."""
    if about.labels is None:
        return None
    return [{numbers[label] for label in labels} for labels in about.labels[rows]]


def _ids(about: Description, rows: slice) -> list[str] | None:
    return None if about.ids is None else about.ids[rows]


def _is_finished(path: str | os.PathLike[str], parts: dict[str, Table]) -> bool:
    try:
        return Store.open(path).parts == tuple(parts)
    except ValueError:  # not finished; of damage `finish` complains in the same words
        return False


def _check_same_files(path: str | os.PathLike[str], attributes: dict[str, Any]) -> None:
    """Raise ValueError if there is a store that was made of other files."""
    if not os.path.exists(os.path.join(path, HEADER)):
        return
    there = read_header(os.path.abspath(path)).attributes
    if there != attributes:
        raise ValueError(
            f"The store at {os.fspath(path)} is made from other files than those given now, or "
            "they have changed since: give another folder as store, or remove this one."
        )
