"""youtube8m_hierarchy: the vocabulary of YouTube-8M as a label hierarchy."""

import codecs
import csv
import os
from collections.abc import Container, Iterable, Iterator
from typing import Any

from .._files import user_path
from ..hierarchy import LabelHierarchy

_VERTICALS = ("Vertical1", "Vertical2", "Vertical3")
_COLUMNS = ("Index", "KnowledgeGraphId", "Name", *_VERTICALS)
_UNKNOWN = "(Unknown)"
_MAX_DIGITS = 9  # of an index, which must fit into 32 bits


def youtube8m_hierarchy(
    vocabulary_csv: str | os.PathLike[str], *, encoding: str = "utf-8-sig"
) -> LabelHierarchy:
    r"""Build the hierarchy of YouTube-8M: 25 verticals, and below them 3,862 entities.

    An entity has one to three verticals, so the hierarchy is not a tree. "(Unknown)" is a
    vertical like any other, and the parent of entities without a vertical.

    Parameters
    ----------
    vocabulary_csv : path-like
        The official ``vocabulary.csv`` (https://research.google.com/youtube8m/download.html).
        Columns other than ``Index``, ``KnowledgeGraphId``, ``Name`` and ``Vertical1`` to
        ``Vertical3`` are not used.
    encoding : str, default="utf-8-sig"
        Encoding of the file; the default is UTF-8 with or without a byte order mark.

    Returns
    -------
    hierarchy : LabelHierarchy
        First the verticals, strings sorted by name. Then the entities, sorted by vocabulary index;
        these integers are the labels of :func:`load_youtube8m`. The display name of an entity
        without a name is its knowledge graph id.

    Raises
    ------
    TypeError
        If `vocabulary_csv` is not a path or `encoding` not a str.
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no file in that encoding with these columns and rows, or an index is no number or
        not unique.

    References
    ----------
    .. [1] S. Abu-El-Haija et al., "YouTube-8M: A Large-Scale Video Classification Benchmark",
       arXiv:1609.08675, 2016.

    Examples
    --------
    >>> import os, tempfile
    >>> from sk_crossmodal.datasets import youtube8m_hierarchy
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "vocabulary.csv")
    ...     with open(path, "w") as file:
    ...         _ = file.write(
    ...             "Index,KnowledgeGraphId,Name,Vertical1,Vertical2,Vertical3\n"
    ...             "0,/m/03bt1gh,Game,Games,,\n"
    ...             "1,/m/01mw1,Chess,Games,Sports,\n"
    ...         )
    ...     hierarchy = youtube8m_hierarchy(path)
    >>> hierarchy.nodes
    ('Games', 'Sports', 0, 1)
    >>> hierarchy.parents(1)
    ('Games', 'Sports')
    """
    vocabulary_csv = check_text_file("vocabulary_csv", vocabulary_csv, encoding)
    entities: dict[int, tuple[str, ...]] = {}
    names: dict[int, str] = {}
    for row, where in read_rows(vocabulary_csv, encoding, _COLUMNS):
        index = read_index(row["Index"], entities, where, "Index")
        above = dict.fromkeys(filter(None, (row[name].strip() for name in _VERTICALS)))
        entities[index] = tuple(above) or (_UNKNOWN,)
        names[index] = row["Name"].strip() or row["KnowledgeGraphId"].strip() or str(index)
    if not entities:
        raise ValueError(f"{vocabulary_csv} has no entities.")
    verticals = sorted({vertical for above in entities.values() for vertical in above})
    parents: dict[str | int, tuple[str, ...]] = dict.fromkeys(verticals, ())
    parents.update(sorted(entities.items()))
    return LabelHierarchy(parents, names=names)


def check_text_file(name: str, path: Any, encoding: Any) -> str:
    """Return the path of a file in an encoding; TypeError or ValueError if it cannot be one."""
    if not isinstance(path, str | os.PathLike) or not isinstance(encoding, str):
        raise TypeError(
            f"{name} must be a path and encoding a str, got {path!r} and {encoding!r}."
        )
    file = user_path(path)
    if os.path.exists(file) and not os.path.isfile(file):
        raise ValueError(f"{name} must be a file, {file} is not.")
    try:
        codecs.lookup(encoding)
    except (LookupError, ValueError):  # the second for a null character
        raise ValueError(f"encoding must be one that Python knows, got {encoding!r}.") from None
    return file


def read_rows(
    path: str | os.PathLike[str], encoding: str, columns: Iterable[str]
) -> Iterator[tuple[dict[str, str], str]]:
    """Yield each row as a dict, and its line for error messages."""
    with open(path, encoding=encoding, newline="") as file:
        # Descriptions of entities are quoted and may run over several lines.
        reader = csv.DictReader(file, restval="", strict=True)
        try:
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if not missing:
                for row in reader:
                    yield row, f"{path}, line {reader.line_num}"
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not {encoding}: {error}.") from None
        except csv.Error as error:
            raise ValueError(f"{path}, line {reader.reader.line_num}: {error}.") from None
    if missing:
        raise ValueError(f"{path} lacks the columns {', '.join(missing)}.")


def read_index(text: str, known: Container[int], where: str, column: str) -> int:
    """Read the index of a label."""
    # Not int(text) alone: it accepts "1_0", and less white space than `strip`.
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _MAX_DIGITS:
        wanted = f"a non-negative number of at most {_MAX_DIGITS} digits"
        raise ValueError(f"{where}: the {column} must be {wanted}, got {text[:99]!r}.")
    if (index := int(digits)) in known:
        raise ValueError(f"{where}: the {column} {index} is given twice.")
    return index
