"""CSV files with the labels of videos, by id or file name."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ..hierarchy import indicator_width, warn_of_lists

_IDS = ("id", "ids", "video_id", "file", "filename", "path", "video")
_LABELS = ("labels", "label")


class LabelTable:
    """The labels of videos: a row per video, or several; a cell is a label or a JSON list."""

    def __init__(self, path: Path, ids: str | None) -> None:
        self.path = path
        delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
        try:
            with open(path, encoding="utf-8-sig", newline="") as file:
                rows = csv.DictReader(file, restval="", delimiter=delimiter, strict=True)
                columns = list(rows.fieldnames or ())
                key = _find(path, columns, _IDS if ids in (None, "id") else (ids,), "ids")
                value = _find(path, columns, _LABELS, "labels")
                pairs = [(row[key].strip(), _read_cell(row[value])) for row in rows]
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{path} is no CSV file in UTF-8: {error}.") from None
        cells = _as_texts([labels for _, labels in pairs])
        pairs = [(name, labels) for (name, _), labels in zip(pairs, cells, strict=True)]
        texts = [label for _, labels in pairs for label in labels]
        warn_of_lists((), [labels[0] for _, labels in pairs if type(labels) is tuple and labels])
        are_numbers = all(text.isdecimal() and str(int(text)) == text for text in texts)
        self._labels: dict[str, tuple[Any, ...]] = {}  # texts, or numbers if all texts are
        for name, each in pairs:
            labels = map(int, each) if are_numbers else each
            self._labels[name] = tuple(dict.fromkeys((*self._labels.get(name, ()), *labels)))

    def labels(
        self, ids: Sequence[str] | None, aliases: Mapping[str, str], where: str
    ) -> list[tuple[Any, ...]]:
        """Return the labels of videos; ValueError if the table lacks some."""
        if ids is None:
            raise ValueError(f"{where} has no ids, which say whose labels are in {self.path}.")
        known = {name: labels for name, labels in self._labels.items() if name in set(ids)}
        for name, labels in self._labels.items():
            if name not in known and (found := _resolve(name, aliases, ids)) is not None:
                known.setdefault(found, labels)
        if missing := [name for name in ids if name not in known]:
            given = f"such as {missing[0]!r}; it has rows such as {next(iter(self._labels), '')!r}"
            advice = "a video without labels has an empty cell"
            raise ValueError(
                f"{self.path} has no row for {len(missing)} of {len(ids)} videos of {where}, "
                f"{given}. Add them; {advice}."
            )
        return [known[name] for name in ids]


def _resolve(name: str, aliases: Mapping[str, str], ids: Sequence[str]) -> str | None:
    """Return the id that a file name in the table stands for."""
    bare = PurePosixPath(name.replace("\\", "/"))
    for candidate in (
        str(bare),
        str(bare.with_suffix("")) if bare.name else "",
        bare.name,
        bare.stem,
    ):
        if candidate in aliases:
            return aliases[candidate]
    stem = str(bare.with_suffix("")) if bare.name else ""
    return stem if stem in set(ids) else None


def _find(path: Path, columns: list[str], candidates: Sequence[str | None], what: str) -> str:
    found = next((name for name in candidates if name in columns), None)
    if found is None:
        wanted = " or ".join(map(repr, candidates[:4]))
        raise ValueError(f"{path} has no column {wanted} of {what}; its columns are {columns}.")
    return found


def _as_texts(cells: Sequence[Sequence[Any]]) -> list[Sequence[str]]:
    """Return the labels of cells; those of an indicator's rows are the numbers of its columns."""
    lists = [cell for cell in cells if type(cell) is list]
    types = {type(item) for cell in lists for item in cell}
    if all(type(cell) is list or not cell for cell in cells) and types <= {int, float, bool}:
        values = {item for cell in lists for item in cell}
        least = 2 if types == {int} else 1
        if indicator_width({len(cell) for cell in lists}, values, least=least) is not None:
            return [[str(i) for i, item in enumerate(cell) if item] for cell in cells]
    return [cell if type(cell) is tuple else [str(item) for item in cell] for cell in cells]


def _read_cell(text: str) -> Sequence[Any]:
    """Return the labels in a cell: none, a tuple of one, or the list of a JSON list."""
    text = text.strip()
    if text.startswith("["):
        try:
            items = json.loads(text)
        except json.JSONDecodeError:
            return (text,)
        return list(items)
    return (text,) if text else ()
