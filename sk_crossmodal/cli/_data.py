"""DATA: a store, shards or tables, told apart by looking."""

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STORE, SHARDS, TABLES, MODEL = "store", "shards", "tables", "model"
_SUFFIXES = (".parquet", ".pq", ".arrow", ".feather", ".ipc")
_LOOKED_FOR = (
    "a store (a folder with store.json), YouTube-8M shards (*.tfrecord), and Parquet or Arrow "
    f"files ({', '.join('*' + suffix for suffix in _SUFFIXES)})"
)


@dataclass
class Data:
    """Videos with what is known of them."""

    X: Any
    y: list[tuple[Any, ...]] | None
    ids: list[str]
    kind: str
    about: str
    attributes: dict[str, Any]
    has_ids: bool
    others: list[str]


def open_data(
    paths: Sequence[str],
    *,
    modalities: Sequence[str] | None = None,
    labels: str | None = None,
    ids: str | None = None,
    labelled: bool = True,
    quiet: bool = False,
) -> Data:
    """Open what a user calls DATA."""
    kind = kind_of_data(paths)
    from ..datasets import load_embeddings, load_store, load_youtube8m  # they take a second

    progress = False if quiet else None
    if kind == TABLES:
        bunch = load_embeddings(
            paths,
            modalities=modalities,
            labels=(labels or "labels") if labelled else None,
            ids=ids or "id",
            progress=progress,
        )
    elif labels or ids:
        raise ValueError(
            f"--labels and --ids name columns of Parquet or Arrow files, and {_told(paths)} is "
            "of another kind, whose labels and ids are known."
        )
    elif kind == STORE:
        bunch = load_store(paths[0])
    else:
        bunch = load_youtube8m(paths, progress=progress)
    X = bunch.data if modalities is None else _select(bunch.data, modalities, _told(paths))
    ids_ = [str(i) for i in range(len(X))] if bunch.ids is None else bunch.ids.tolist()
    # The test partition of YouTube-8M has an empty set of labels everywhere.
    y = bunch.target if bunch.target is not None and any(bunch.target) else None
    attributes = bunch.get("attributes", {})
    used = {*X.modality_names, labels or "labels", ids or "id"}
    others = [name for name in _columns(paths) if name not in used] if kind == TABLES else []
    return Data(X, y, ids_, kind, _told(paths), attributes, bunch.ids is not None, others)


def _columns(paths: Sequence[str]) -> list[str]:
    from ..datasets._tables import open_tables

    names: list[str] = open_tables(paths[:1])[0].schema.names
    return names


def kind_of_data(paths: Sequence[str]) -> str:
    """Tell what kind of data paths stand for."""
    kinds = {path: _kind_of(path) for path in paths}
    if len(set(kinds.values())) > 1:
        raise ValueError(
            "DATA must be of one kind, got "
            + ", ".join(f"{path} ({kind})" for path, kind in kinds.items())
            + "; convert brings each to a store."
        )
    kind = kinds[paths[0]]
    if kind == MODEL:
        raise ValueError(
            f"{_told(paths)} is a model, and data is needed there; the order is MODEL DATA."
        )
    if kind == STORE and len(paths) > 1:
        raise ValueError(
            f"one store at a time, got {_told(paths)}; convert the shards or files of both to one."
        )
    return kind


def _kind_of(path: str) -> str:
    if os.path.isdir(path):
        return _kind_of_folder(Path(path))
    if not os.path.exists(path) and glob.has_magic(path):
        found = sorted(filter(os.path.isfile, glob.glob(path, recursive=True)))
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
    suffixes = {file.suffix for file in folder.iterdir() if file.is_file()}
    tables = suffixes & set(_SUFFIXES)
    if ".tfrecord" in suffixes and tables:
        raise ValueError(
            f"the folder {folder} has both *.tfrecord and *{min(tables)} files; give a pattern."
        )
    if tables:
        return TABLES
    if ".tfrecord" in suffixes:
        return SHARDS
    raise ValueError(f"no data in the folder {folder}; looked for {_LOOKED_FOR}.")


def kind_of_file(path: str | os.PathLike[str]) -> str:
    """Tell what kind of data a file is, or that it is a model."""
    path = Path(path)
    with open(path, "rb") as file:
        head = file.read(64)
    if head.startswith((b"PAR1", b"ARROW1", b"\xff\xff\xff\xff")) or path.suffix in _SUFFIXES:
        return TABLES
    if ".tfrecord" in path.name:
        return SHARDS
    if head[8:9] == b"{":  # safetensors: the length of its header, and the header
        return MODEL
    raise ValueError(f"{path} is no data; looked for {_LOOKED_FOR}.")


def is_data(path: str) -> bool:
    """Tell whether a file is a shard or a table."""
    try:
        return kind_of_file(path) in (SHARDS, TABLES)
    except ValueError:
        return False


def _select(X: Any, modalities: Sequence[str], told: str) -> Any:
    if missing := [name for name in modalities if name not in X.modality_names]:
        raise ValueError(
            f"{told} has no modality {missing[0]!r}; it has {', '.join(X.modality_names)}."
        )
    return X.select(modalities)


def _told(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more}"
