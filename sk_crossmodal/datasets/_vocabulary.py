"""youtube8m_hierarchy: the vocabulary of YouTube-8M as a label hierarchy."""

import csv
import os
from collections.abc import Container

from ..hierarchy import LabelHierarchy

_VERTICALS = ("Vertical1", "Vertical2", "Vertical3")
_COLUMNS = ("Index", "KnowledgeGraphId", "Name", *_VERTICALS)
_UNKNOWN = "(Unknown)"


def youtube8m_hierarchy(
    vocabulary_csv: str | os.PathLike[str], *, encoding: str = "utf-8-sig"
) -> LabelHierarchy:
    r"""Build the hierarchy of YouTube-8M: 25 verticals, and below them 3,862 entities.

    An entity has one to three verticals, so that the hierarchy is no tree. "(Unknown)" is a
    vertical like any other; an entity without one stands below it.

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
        First the verticals, sorted by name; they are strings. Then the entities, sorted by
        vocabulary index; these integers are the labels of :func:`load_youtube8m`. An entity
        without a name is shown by its knowledge graph id.

    Raises
    ------
    ValueError
        If columns are missing, there are no rows, or an index is no number or not unique.

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
    with open(vocabulary_csv, encoding=encoding, newline="") as file:
        # Descriptions of entities are quoted and may run over several lines.
        reader = csv.DictReader(file, restval="")
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{vocabulary_csv} lacks the columns {', '.join(missing)}.")
        entities: dict[int, tuple[str, ...]] = {}
        names: dict[int, str] = {}
        for row in reader:
            index = _read_index(
                row["Index"], entities, f"{vocabulary_csv}, line {reader.line_num}"
            )
            above = dict.fromkeys(filter(None, (row[name].strip() for name in _VERTICALS)))
            entities[index] = tuple(above) or (_UNKNOWN,)
            names[index] = row["Name"].strip() or row["KnowledgeGraphId"].strip() or str(index)
    if not entities:
        raise ValueError(f"{vocabulary_csv} has no entities.")
    verticals = sorted({vertical for above in entities.values() for vertical in above})
    parents: dict[str | int, tuple[str, ...]] = dict.fromkeys(verticals, ())
    parents.update(sorted(entities.items()))
    return LabelHierarchy(parents, names=names)


def _read_index(text: str, known: Container[int], where: str) -> int:
    """Vocabulary index of an entity."""
    # Not int(text): that takes "1_0", too.
    if not (text.strip().isascii() and text.strip().isdigit()):
        raise ValueError(f"{where}: the Index must be a non-negative number, got {text!r}.")
    if (index := int(text)) in known:
        raise ValueError(f"{where}: the Index {index} is given twice.")
    return index
