"""Files of predictions, written in chunks."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from .._types import Floats, Ints

KAGGLE_TOP_K = 20  # labels per video that YouTube-8M's challenges score
_SEGMENT = re.compile(r"\S+:\d+")
SEGMENTS_TOP_K = 100_000  # segments per label that the challenge of 2019 scores


def format_probabilities(probability: Floats) -> list[str]:
    """Return the shortest texts from which the same numbers are read, of the same dtype."""
    return [str(p) for p in probability]


def top_columns(probability: Floats, top_k: int) -> Ints:
    """Return the columns of the most probable labels per video; ties in order of columns."""
    order: Ints = np.argsort(-probability, axis=1, kind="stable")[:, :top_k]
    return order


class _Writer(AbstractContextManager["_Writer"]):
    """A file that is closed at the end of a ``with`` block."""

    def __exit__(self, *error: Any) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        raise NotImplementedError


class _TextWriter(_Writer):
    """A writer of CSV rows."""

    def __init__(self, path: Path, labels: Any, names: Any, top_k: int | None) -> None:
        self.labels, self.names, self.top_k = labels, names, top_k
        heading = self._heading()
        self.file = open(path, "w", encoding="utf-8", newline="")  # noqa: SIM115
        self.rows = csv.writer(self.file, lineterminator="\n")
        self.rows.writerow(heading)

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _heading(self) -> list[str]:
        if self.top_k is None:
            return ["id", *(str(label) for label in self.labels)]
        return ["id", "rank", "label", "name", "probability"]


class CsvWriter(_TextWriter):
    """CSV: one row per video, or one for each of its `top_k` labels."""

    def write(self, ids: Sequence[str], probability: Floats) -> None:
        """Write rows of videos."""
        if self.top_k is None:
            for name, row in zip(ids, probability, strict=True):
                self.rows.writerow([name, *format_probabilities(row)])
            return
        for i, columns in enumerate(top_columns(probability, self.top_k)):
            texts = format_probabilities(probability[i, columns])
            for rank, (j, text) in enumerate(zip(columns, texts, strict=True), start=1):
                self.rows.writerow([ids[i], rank, self.labels[j], self.names[j], text])


class KaggleWriter(_TextWriter):
    """A submission for YouTube-8M's challenges: ids, and pairs of label and confidence."""

    default_top_k = KAGGLE_TOP_K

    def __init__(self, path: Path, labels: Any, names: Any, top_k: int | None) -> None:
        numbers = [j for j, label in enumerate(labels) if isinstance(label, int)]
        # The challenges have no labels for YouTube-8M's verticals, whose names are text.
        self.columns = np.array(numbers or range(len(labels)))
        spaced = [labels[j] for j in self.columns if len(str(labels[j]).split()) != 1]
        if spaced:
            raise ValueError(f"kaggle separates labels by spaces, got {spaced[0]!r}; use csv.")
        self.n_best = top_k or self.default_top_k
        super().__init__(path, labels, names, self.n_best)

    def _heading(self) -> list[str]:
        return ["VideoId", "LabelConfidencePairs"]

    def write(self, ids: Sequence[str], probability: Floats) -> None:
        """Write rows of videos."""
        probability = probability[:, self.columns]
        for i, columns in enumerate(top_columns(probability, self.n_best)):
            labels = [self.labels[self.columns[j]] for j in columns]
            texts = format_probabilities(probability[i, columns])
            pairs = (f"{label} {text}" for label, text in zip(labels, texts, strict=True))
            self.rows.writerow([ids[i], " ".join(pairs)])


class SegmentsWriter(KaggleWriter):
    """A submission for YouTube-8M's challenge of 2019: labels, and their likeliest segments."""

    default_top_k = SEGMENTS_TOP_K

    def __init__(self, path: Path, labels: Any, names: Any, top_k: int | None) -> None:
        super().__init__(path, labels, names, top_k)
        self.ids: list[str] = []
        # Probabilities and rows of segments, first the best ones so far, then the new ones.
        self.blocks: list[tuple[Floats, Ints]] = []

    def _heading(self) -> list[str]:
        return ["Class", "Segments"]

    def write(self, ids: Sequence[str], probability: Floats) -> None:
        """Add segments; the rows are written at the end."""
        for name in ids:
            if not _SEGMENT.fullmatch(name):
                advice = "convert shards with --segments all, or predict from them"
                raise ValueError(f"kaggle-segments needs ids video:start, got {name!r}: {advice}.")
        rows = np.arange(len(self.ids), len(self.ids) + len(ids), dtype=np.int32)
        self.ids += ids
        values = probability[:, self.columns]
        self.blocks.append((values, np.repeat(rows[:, None], values.shape[1], axis=1)))
        if sum(len(rows) for _, rows in self.blocks[1:]) > self.n_best:
            self.blocks = [self._best()]

    def __exit__(self, *error: Any) -> None:
        if error[0] is None and self.blocks:
            _, best = self._best()
            for j, rows in zip(self.columns, best.T, strict=True):
                self.rows.writerow([self.labels[j], " ".join(self.ids[i] for i in rows)])
        super().__exit__(*error)

    def _best(self) -> tuple[Floats, Ints]:
        values, rows = map(np.concatenate, zip(*self.blocks, strict=True))
        order = np.argsort(-values, axis=0, kind="stable")[: self.n_best]
        return np.take_along_axis(values, order, axis=0), np.take_along_axis(rows, order, axis=0)


class ParquetWriter(_Writer):
    """Parquet: the columns of CSV, with numeric types."""

    def __init__(self, path: Path, labels: Any, names: Any, top_k: int | None) -> None:
        try:
            import pyarrow as pa  # optional
            import pyarrow.parquet
        except ImportError as error:
            hint = "pip install 'sk_crossmodal[tables]', or use csv"
            raise ImportError(f"Parquet needs pyarrow: {hint}.") from error
        self.pa, self.path, self.labels, self.names, self.top_k = pa, path, labels, names, top_k
        heading = ["id", *(str(label) for label in labels)]
        if top_k is None and (twice := [x for x, count in Counter(heading).items() if count > 1]):
            raise ValueError(f"Parquet cannot have two columns {twice[0]!r}; give --top-k.")
        self.file: Any = None

    def close(self) -> None:
        """Close the file."""
        if self.file is None:
            self._open(np.dtype("float32"))
        self.file.close()

    def write(self, ids: Sequence[str], probability: Floats) -> None:
        """Write rows of videos; the first ones decide the dtype of the columns."""
        if self.file is None:
            self._open(probability.dtype)
        columns = [ids, *probability.T] if self.top_k is None else self._top(ids, probability)
        arrays = [
            self.pa.array(np.ascontiguousarray(c) if isinstance(c, np.ndarray) else c, field.type)
            for c, field in zip(columns, self.schema, strict=True)
        ]
        self.file.write_table(self.pa.Table.from_arrays(arrays, schema=self.schema))

    def _open(self, dtype: np.dtype[Any]) -> None:
        pa, number = self.pa, self.pa.from_numpy_dtype(dtype)
        columns = [(str(label), number) for label in self.labels]
        if self.top_k is not None:
            columns = [("rank", pa.int32()), ("label", pa.string()), ("name", pa.string())]
            columns.append(("probability", number))
        self.schema = pa.schema([("id", pa.string()), *columns])
        self.file = pa.parquet.ParquetWriter(self.path, self.schema)

    def _top(self, ids: Sequence[str], probability: Floats) -> list[Any]:
        columns = top_columns(probability, self.top_k or 1)
        flat, k = columns.ravel().tolist(), columns.shape[1]
        return [
            [name for name in ids for _ in range(k)],
            np.tile(np.arange(1, k + 1), len(ids)),
            [str(self.labels[j]) for j in flat],
            [self.names[j] for j in flat],
            np.take_along_axis(probability, columns, axis=1).ravel(),
        ]


WRITERS: dict[str, Any] = {
    "csv": CsvWriter,
    "parquet": ParquetWriter,
    "kaggle": KaggleWriter,
    "kaggle-segments": SegmentsWriter,
}
