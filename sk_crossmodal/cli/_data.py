"""Open DATA: a store, shards or tables. The format is detected automatically."""

import glob
import os
import re
import shlex
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._files import match_pattern

STORE, SHARDS, TABLES, ARRAYS, MODEL = "store", "shards", "tables", "arrays", "model"
_SUFFIXES = (".parquet", ".pq", ".arrow", ".feather", ".ipc")
_ARRAYS = (".npy", ".npz", ".pt", ".pth", ".h5", ".hdf5")
_EXPECTED = (
    "expected a store (a folder with store.json), TFRecord shards (*.tfrecord), or Parquet or "
    f"Arrow files ({', '.join('*' + suffix for suffix in _SUFFIXES)}), or files of arrays "
    f"({', '.join('*' + suffix for suffix in _ARRAYS)})"
)
_LABEL_PATH = re.compile(r"[^/>|]*[^/>|\s](\s*[/>|]\s*)[^/>|\s]")


@dataclass
class Data:
    """Videos, their labels and ids, and a description of their source."""

    X: Any
    y: list[tuple[Any, ...]] | None
    ids: list[str]  # row numbers where the videos have no ids
    kind: str
    source: str
    attributes: dict[str, Any]
    has_ids: bool
    other_columns: list[str]  # of tables

    def require_labels(self) -> list[tuple[Any, ...]]:
        """Return the labels; ValueError if there are none."""
        if self.y is not None:
            return self.y
        hint = ""
        if self.kind == SHARDS:
            hint = "; --labels names their feature (default: 'labels' or 'label')"
        if self.kind == ARRAYS:
            hint = "; --labels names their array, or a CSV file with the columns id and labels"
        if self.kind == TABLES:
            hint = "; --labels names their column (default: 'labels')"
            if self.other_columns:
                hint += f", other columns are {', '.join(self.other_columns)}"
        raise ValueError(f"{self.source} has no labels, but this command needs them{hint}.")


def open_data(
    paths: Sequence[str],
    *,
    modalities: Sequence[str] | None = None,
    labels: str | None = None,
    ids: str | None = None,
    labelled: bool = True,
    segments: str | None = None,
    on_error: str | None = None,
    quiet: bool = False,
) -> Data:
    """Open DATA; without `labelled`, the labels of tables are not read and may be anything."""
    kind = kind_of_data(paths)
    source = paths[0] + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
    # The import takes 1 s.
    from ..datasets import concatenate_videos, load_embeddings, load_store, open_tables

    progress = False if quiet else None
    if on_error is not None and kind != SHARDS:
        raise ValueError(f"--on-error is for TFRecord shards, got {source} ({kind}).")
    if kind in (TABLES, ARRAYS):
        bunch = load_embeddings(
            paths,
            modalities=modalities,
            labels=(labels or "labels") if labelled else None,
            ids=ids or "id",
            progress=progress,
        )
    elif kind == SHARDS:
        bunch = load_shards(
            paths,
            labels=labels,
            ids=ids,
            labelled=labelled,
            segments=segments,
            on_error=on_error or "raise",
            progress=progress,
        )
        _warn_of_skipped(bunch.skipped)
    elif labels or ids:
        raise ValueError(f"--labels and --ids name columns of tables, got {source} ({kind}).")
    elif len(paths) == 1:
        bunch = load_store(paths[0])
    else:
        bunch = concatenate_videos(map(load_store, paths), names=paths)
    X = bunch.data if modalities is None else _select(bunch.data, modalities, source)
    columns = open_tables(paths[:1])[0].schema.names if kind == TABLES else []
    used = (*X.modality_names, labels or "labels", ids or "id")
    return Data(
        X,
        # The test partition of YouTube-8M has an empty set of labels everywhere.
        bunch.target if bunch.target is not None and any(bunch.target) else None,
        [str(i) for i in range(len(X))] if bunch.ids is None else bunch.ids.tolist(),
        kind,
        source,
        bunch.get("attributes", {}),
        bunch.ids is not None,
        [name for name in columns if name not in used],
    )


def _warn_of_skipped(skipped: Sequence[tuple[str, int, str]]) -> None:
    if skipped:
        path, offset, reason = skipped[0]
        first = f"the first in {path}, byte {offset}: {reason}"
        warnings.warn(f"{len(skipped)} damaged records were skipped, {first}.", stacklevel=3)


def load_shards(
    paths: Sequence[str],
    *,
    labels: str | None = None,
    ids: str | None = None,
    labelled: bool = True,
    segments: str | None = None,
    **options: Any,
) -> Any:
    """Load TFRecord shards of a form that is detected, or segments of YouTube-8M."""
    from ..datasets import load_tfrecords, load_youtube8m

    if segments is not None:
        return load_youtube8m(paths, segments=segments, **options)
    if labels or not labelled:
        options["labels"] = labels if labelled else None
    if ids:
        options["ids"] = ids
    return load_tfrecords(paths, **options)


def kind_of_data(paths: Sequence[str]) -> str:
    """Detect the kind of data."""
    kinds = {path: _kind_of(path) for path in paths}
    kind = kinds[paths[0]]
    if len(set(kinds.values())) > 1:
        found = ", ".join(f"{path} ({each})" for path, each in kinds.items())
        raise ValueError(f"DATA must be of one kind, got {found}; convert each to a store.")
    if kind == MODEL:
        raise ValueError(f"{paths[0]} is a model, expected data; the order is MODEL DATA.")
    return kind


def _kind_of(path: str) -> str:
    if os.path.isdir(path):
        return _kind_of_folder(Path(path))
    if not os.path.exists(path) and glob.has_magic(path):
        found = [each for each in match_pattern(path) if os.path.isfile(each)]
        if not found:
            raise FileNotFoundError(f"the pattern {path} matches no files.")
        return _kind_of(found[0])
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no file or folder {path}.")
    if not os.path.isfile(path):
        raise ValueError(f"{path} is neither a file nor a folder.")
    return kind_of_file(Path(path))


def _kind_of_folder(folder: Path) -> str:
    if (folder / "store.json").exists():
        return STORE
    files = (file for file in folder.iterdir() if file.is_file() and file.name[0] != ".")
    suffixes = {file.suffix.lower() for file in files}
    tables = suffixes & set(_SUFFIXES)
    if ".tfrecord" in suffixes and tables:
        raise ValueError(f"{folder} has both *.tfrecord and *{min(tables)} files; give a pattern.")
    if tables:
        return TABLES
    if ".tfrecord" in suffixes:
        return SHARDS
    if suffixes & set(_ARRAYS) or any(any(folder.rglob(f"*{each}")) for each in (".npy", ".pt")):
        return ARRAYS
    raise ValueError(f"no data in the folder {folder}; {_EXPECTED}.")


def kind_of_file(path: str | os.PathLike[str]) -> str:
    """Detect the kind of data in a file, or that it is a model."""
    path = Path(path)
    with open(path, "rb") as file:
        head = file.read(64)
    if (
        head.startswith((b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"))
        or path.suffix.lower() in _SUFFIXES
    ):
        return TABLES
    if ".tfrecord" in path.name.lower():
        return SHARDS
    if path.suffix.lower() in (*_ARRAYS, ".pkl", ".pickle"):  # no pickle is read, see there
        return ARRAYS
    if head[8:9] == b"{":  # safetensors: the length of its header, then the header
        return MODEL
    raise ValueError(f"{path} is not data; {_EXPECTED}.")


def is_data(path: str) -> bool:
    """Whether a file is a shard or a table."""
    try:
        return kind_of_file(path) in (SHARDS, TABLES, ARRAYS)
    except ValueError:
        return False


def _select(X: Any, modalities: Sequence[str], source: str) -> Any:
    if missing := [name for name in modalities if name not in X.modality_names]:
        found = ", ".join(X.modality_names)
        raise ValueError(f"{source} has no modality {missing[0]!r}, only {found}.")
    return X.select(modalities)


def warn_separator(labels: Iterable[Any], separator: str = ":") -> None:
    """Warn if labels look like paths with another separator, as they would have no hierarchy."""
    texts = [label for label in labels if isinstance(label, str)]
    if any(str(separator) in label for label in texts):
        return
    found = [match for match in map(_LABEL_PATH.match, texts) if match]
    if 2 * len(found) > len(texts):
        warnings.warn(
            f'labels look like "{found[0].string}", without the separator {str(separator)!r}: '
            f"use --separator {shlex.quote(found[0][1])} with train.",
            stacklevel=2,
        )
