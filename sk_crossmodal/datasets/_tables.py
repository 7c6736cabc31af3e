"""Parquet and Arrow files, told by their first bytes, as streams of small record batches."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from ._shards import find_shards

SUFFIXES = ("*.parquet", "*.pq", "*.arrow", "*.feather", "*.ipc")
_FORMATS = {b"PAR1": "parquet", b"ARRO": "file", b"\xff\xff\xff\xff": "stream"}
_ROWS = 128  # videos that are read at once: of 300 frames of 1152 float32, 177 MB


def import_pyarrow() -> ModuleType:
    """Import pyarrow, or say how it is installed."""
    try:
        import pyarrow  # only here: the package works without it
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            "Parquet and Arrow files need pyarrow: pip install 'sk_crossmodal[tables]', or "
            "pip install pyarrow."
        ) from error
    return pyarrow  # type: ignore[no-any-return]


def table_format(path: str | os.PathLike[str]) -> str | None:
    """Tell what kind of table a file is, if it is one."""
    with open(path, "rb") as file:
        return _FORMATS.get(file.read(4))


class Table:
    """One file of videos."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._arrow = import_pyarrow()
        self._format = table_format(path)
        if self._format is None:
            raise ValueError(
                f"{path} is neither a Parquet nor an Arrow file (IPC file or stream, Feather "
                "version 2), as its first bytes tell."
            )
        with self._opened() as source:
            self.schema = source.schema_arrow if self._format == "parquet" else source.schema

    def batches(self, columns: Sequence[str]) -> Iterator[tuple[int, Any]]:
        """Read some columns batch by batch."""
        first = 0
        with self._opened() as source:
            for batch in self._read(source, list(columns)):
                for start in range(0, batch.num_rows, _ROWS):
                    part = batch.slice(start, _ROWS)
                    yield first, part
                    first += part.num_rows

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

    def _opened(self) -> Any:
        """Open the file, as a context."""
        try:
            if self._format == "parquet":
                return self._arrow.parquet.ParquetFile(self.path, memory_map=True)
            mapped = self._arrow.memory_map(os.fspath(self.path))
            kind = self._arrow.ipc.open_file if self._format == "file" else None
            return (kind or self._arrow.ipc.open_stream)(mapped)
        except (self._arrow.ArrowException, OSError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> ValueError:
        return ValueError(
            f"{self.path} cannot be read, copy or download it again: {str(error)[:200]}"
        )


def open_tables(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[Table]:
    """Open the files that paths stand for, see `find_shards`."""
    import_pyarrow()
    return [Table(path) for path in find_shards(paths, suffixes=SUFFIXES, noun="file")]
