"""Parquet and Arrow files, recognised by their first bytes, with one row per video."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from .._arrow import completed, has_no_values, import_pyarrow, plain_column, plain_type
from ..multimodal import guess_modalities
from ._columns import column_kind, frames_dtype, is_modality, read_frames, read_ids
from ._labels import LabelColumn
from ._loading import find_files
from ._reader import Block, Description, Reader

_FORMATS = {b"PAR1": "parquet", b"ARRO": "file", b"\xff\xff\xff\xff": "stream"}
_ROWS = 128  # videos that are read at once: 177 MB, if they have 300 frames of 1152 float32
_DEFAULT_COLUMNS = {"labels": "labels", "ids": "id"}  # may be missing


class Table:
    """One Parquet or Arrow file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._arrow = import_pyarrow()
        self._format = _find_format(path)
        with self._open() as source:
            schema = source.schema_arrow if self._format == "parquet" else source.schema
        fields = [(field.name, plain_type(field.type)) for field in schema]
        self.schema = self._arrow.schema(fields)

    def batches(self, columns: Sequence[str]) -> Iterator[tuple[int, Any]]:
        """Read some columns in record batches, each with the number of its first row."""
        first = 0
        with self._open() as source:
            for batch in self._read(source, list(columns)):
                for start in range(0, batch.num_rows, _ROWS):
                    part = batch.slice(start, _ROWS)
                    yield first, self._plain_batch(part)
                    first += part.num_rows

    def where(self, column: str) -> str:
        """Name a column in error messages."""
        return f"{self.path}, column {column!r}"

    def _plain_batch(self, batch: Any) -> Any:
        """Convert columns to the plain types of the schema."""
        columns = [plain_column(column) for column in batch.columns]
        for i, name in enumerate(batch.schema.names):
            if has_no_values(columns[i].type):
                columns[i] = columns[i].cast(self.schema.field(name).type)
        return self._arrow.record_batch(columns, batch.schema.names)

    def _read(self, source: Any, columns: list[str]) -> Iterator[Any]:
        try:
            if self._format == "parquet":
                yield from source.iter_batches(_ROWS, columns=columns)
            elif self._format == "file":
                for i in range(source.num_record_batches):
                    yield source.get_batch(i).select(columns)
            else:
                for batch in source:
                    yield batch.select(columns)
        except (self._arrow.ArrowException, OSError) as error:
            raise self._damaged(error) from error

    def _open(self) -> Any:
        """Open the file, as a context."""
        try:
            if self._format == "parquet":
                return self._arrow.parquet.ParquetFile(self.path, memory_map=True)
            mapped = self._arrow.memory_map(os.fspath(self.path))
            ipc = self._arrow.ipc
            return (ipc.open_file if self._format == "file" else ipc.open_stream)(mapped)
        except (self._arrow.ArrowException, OSError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> ValueError:
        return ValueError(f"{self.path} is damaged, copy it again: {str(error)[:200]}")


class TableReader(Reader):
    """Reads Parquet and Arrow files: a column per modality, and columns of labels and ids."""

    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq", ".arrow", ".feather", ".ipc")

    @classmethod
    def matches(cls, path: Path) -> bool:
        """Whether a file is a table, according to its first bytes."""
        return path.is_file() and _find_format(path) is not None

    def describe(self, source: Sequence[Path]) -> Description:
        """Check the columns of all files, and read their labels and ids, but few frames."""
        self._tables = {path: Table(path) for path in source}
        self._widths: dict[str, int] = {}
        tables = list(self._tables.values())
        _complete_types(tables)
        names = self._find_modalities(tables[0])
        label_name = _find_column(tables[0], "labels", self.labels)
        self._labels = None if label_name is None else LabelColumn(label_name)
        self._ids = _find_column(tables[0], "ids", self.ids)
        self._others = [*dict.fromkeys(filter(None, (label_name, self._ids)))]
        dtypes = _find_dtypes(tables, names, self._others)
        counts = list[int]()
        for table in tables:
            counts.append(0)
            for first, batch in table.batches(self._others or names[:1]):
                counts[-1] += batch.num_rows
                if self._labels is not None:
                    name = self._labels.name
                    self._labels.scan(batch.column(name), table.where(name), first)
                self._read_ids(table, batch, first)
        if not sum(counts):
            raise ValueError(f"There are no videos in {', '.join(map(str, source))}.")
        self._widths = {name: _find_width(tables, name, names) for name in names}
        return Description(
            {name: {"width": self._widths[name], "dtype": dtypes[name]} for name in names},
            labels=None if self._labels is None else self._labels.known(),
            n_videos=counts,
        )

    def blocks(self, shard: Path) -> Iterator[Block]:
        """Read one file, some rows at a time."""
        table = self._tables[shard]
        for first, batch in table.batches([*dict.fromkeys([*self._widths, *self._others])]):
            read = {
                name: read_frames(batch.column(name), table.where(name), first, width)
                for name, width in self._widths.items()
            }
            yield Block(
                {name: frames for name, (frames, _) in read.items()},
                {name: lengths for name, (_, lengths) in read.items()},
                self._read_labels(batch),
                self._read_ids(table, batch, first),
            )

    def _read_labels(self, batch: Any) -> list[tuple[Any, ...]] | None:
        return self._labels.read(batch.column(self._labels.name)) if self._labels else None

    def _read_ids(self, table: Table, batch: Any, first: int) -> list[str] | None:
        if self._ids is None:
            return None
        return read_ids(batch.column(self._ids), table.where(self._ids), first)

    def _find_modalities(self, table: Table) -> list[str]:
        if self.modalities is not None:
            return list(self.modalities)
        others, title = (self.labels, self.ids), str(table.path)
        kinds = {f.name: column_kind(f.type) for f in table.schema if f.name not in others}
        guess = guess_modalities({name: each for name, each in kinds.items() if each.has_numbers})
        if not any(each.has_numbers for each in kinds.values()):
            given = _list_columns(table)
            raise ValueError(f"{title} has no column of lists of numbers, only {given}.")
        guess.require(title).warn(title)
        return guess.chosen


def open_tables(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[Table]:
    """Open the files that paths stand for."""
    import_pyarrow()
    return [Table(path) for path in find_files(paths, TableReader.suffixes, "file")]


def _complete_types(tables: Sequence[Table]) -> None:
    """Give columns that have no values in a file, only empty lists, their type in the others."""
    fields = [field for table in tables for field in table.schema]
    known = {field.name: field.type for field in fields if not has_no_values(field.type)}
    for table in tables:
        if any(has_no_values(field.type) for field in table.schema):
            found = [(f.name, completed(f.type, known.get(f.name))) for f in table.schema]
            table.schema = import_pyarrow().schema(found)


def _find_format(path: str | os.PathLike[str]) -> str | None:
    with open(path, "rb") as file:
        return _FORMATS.get(file.read(4))


def _find_column(table: Table, parameter: str, name: str | None) -> str | None:
    """Return the name of a column, or None if it is missing and may be."""
    if name is None or name in table.schema.names:
        return name
    if name == _DEFAULT_COLUMNS[parameter]:
        return None
    given = _list_columns(table)
    raise ValueError(f"{table.path} has no column {name!r} for {parameter}, only {given}.")


def _list_columns(table: Table) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in table.schema)


def _find_dtypes(
    tables: Sequence[Table], modalities: Sequence[str], others: Sequence[str]
) -> dict[str, str]:
    """Return the dtype of each modality; ValueError if a table has no such columns."""
    dtypes: dict[str, str] = {}
    for table in tables:
        names = table.schema.names
        for name in (*modalities, *others):
            if name not in names:
                raise ValueError(f"{table.path} has no column {name!r}; its columns are {names}.")
            if names.count(name) > 1:
                raise ValueError(f"{table.path} has more than one column {name!r}.")
        for name in modalities:
            if not is_modality(kind := table.schema.field(name).type):
                raise ValueError(
                    f"{table.where(name)} is of type {kind}; a modality has a list of frames per "
                    "video, each a list of numbers, such as list<list<float>>."
                )
            dtype = frames_dtype(kind).name
            if dtypes.setdefault(name, dtype) != dtype:
                before = dtypes[name]
                raise ValueError(f"{table.where(name)} has {dtype}, files before it {before}.")
    return dtypes


def _find_width(tables: Sequence[Table], name: str, names: Sequence[str]) -> int:
    """Return the width of the first frame of a modality."""
    for table in tables:
        for first, batch in table.batches([name]):
            frames, _ = read_frames(batch.column(name), table.where(name), first)
            if len(frames):
                return int(frames.shape[1])
    others = [each for each in names if each != name]
    advice = f"; modalities={others} leaves it out" if others else ""
    raise ValueError(f"column {name!r} has no frames in any video{advice}.")
