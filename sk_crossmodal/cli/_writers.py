"""Files of predictions, written in chunks."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._types import Floats, Ints

KAGGLE_TOP_K = 20  # labels per video that YouTube-8M's challenges score


def top_columns(probability: Floats, top_k: int) -> Ints:
    """Return the columns of the most probable labels per video; ties in order of columns."""
    order: Ints = np.argsort(-probability, axis=1, kind="stable")[:, :top_k]
    return order


class _TextWriter:
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
            for name, row in zip(ids, probability.tolist(), strict=True):
                self.rows.writerow([name, *(f"{p:.6g}" for p in row)])
            return
        for i, columns in enumerate(top_columns(probability, self.top_k)):
            for rank, j in enumerate(columns, start=1):
                label = (self.labels[j], self.names[j], f"{probability[i, j]:.6g}")
                self.rows.writerow([ids[i], rank, *label])


class KaggleWriter(_TextWriter):
    """A submission for YouTube-8M's challenges: ids, and pairs of label and confidence."""

    def __init__(self, path: Path, labels: Any, names: Any, top_k: int | None) -> None:
        numbers = [j for j, label in enumerate(labels) if isinstance(label, int)]
        # The challenges have no labels for YouTube-8M's verticals, whose names are text.
        self.columns = np.array(numbers or range(len(labels)))
        spaced = [labels[j] for j in self.columns if len(str(labels[j]).split()) != 1]
        if spaced:
            raise ValueError(f"kaggle separates labels by spaces, got {spaced[0]!r}; use csv.")
        super().__init__(path, labels, names, top_k or KAGGLE_TOP_K)

    def _heading(self) -> list[str]:
        return ["VideoId", "LabelConfidencePairs"]

    def write(self, ids: Sequence[str], probability: Floats) -> None:
        """Write rows of videos."""
        probability = probability[:, self.columns]
        for i, columns in enumerate(top_columns(probability, self.top_k or KAGGLE_TOP_K)):
            pairs = (f"{self.labels[self.columns[j]]} {probability[i, j]:.6f}" for j in columns)
            self.rows.writerow([ids[i], " ".join(pairs)])


class ParquetWriter:
    """Parquet: the columns of CSV, with numeric types."""

    def __init__(self, path: Path, labels: Any, names: Any, top_k: int | None) -> None:
        try:
            import pyarrow as pa  # optional
            import pyarrow.parquet
        except ImportError as error:
            hint = "pip install 'sk_crossmodal[tables]', or use csv"
            raise ImportError(f"Parquet needs pyarrow: {hint}.") from error
        self.pa, self.labels, self.names, self.top_k = pa, labels, names, top_k
        if top_k is None:
            columns = [(str(label), pa.float32()) for label in labels]
            heading = ["id", *(name for name, _ in columns)]
            if twice := [name for name, count in Counter(heading).items() if count > 1]:
                raise ValueError(f"Parquet cannot have two columns {twice[0]!r}; give --top-k.")
        else:
            columns = [("rank", pa.int32()), ("label", pa.string()), ("name", pa.string())]
            columns += [("probability", pa.float32())]
        self.schema = pa.schema([("id", pa.string()), *columns])
        self.file = pa.parquet.ParquetWriter(path, self.schema)

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def write(self, ids: Sequence[str], probability: Floats) -> None:
        """Write rows of videos."""
        columns = [ids, *probability.T] if self.top_k is None else self._top(ids, probability)
        arrays = [
            self.pa.array(np.ascontiguousarray(c) if isinstance(c, np.ndarray) else c, field.type)
            for c, field in zip(columns, self.schema, strict=True)
        ]
        self.file.write_table(self.pa.Table.from_arrays(arrays, schema=self.schema))

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


WRITERS: dict[str, Any] = {"csv": CsvWriter, "parquet": ParquetWriter, "kaggle": KaggleWriter}
