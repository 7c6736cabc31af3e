"""audioset_hierarchy: the ontology of AudioSet as a label hierarchy."""

import json
import os
from typing import Any

from ..hierarchy import LabelHierarchy
from ._vocabulary import check_text_file, read_index, read_rows

_COLUMNS = ("index", "mid", "display_name")


def audioset_hierarchy(
    ontology_json: str | os.PathLike[str],
    class_labels_csv: str | os.PathLike[str] | None = None,
    *,
    encoding: str = "utf-8-sig",
) -> LabelHierarchy:
    r"""Build the hierarchy of AudioSet: 632 kinds of sounds, some with several parents.

    Parameters
    ----------
    ontology_json : path-like
        The official ``ontology.json`` (https://github.com/audioset/ontology): a list of objects
        with ``id``, ``name`` and ``child_ids``.
    class_labels_csv : path-like, default=None
        The official ``class_labels_indices.csv`` with the columns ``index``, ``mid`` and
        ``display_name``: the index, as it is in the shards, of 527 of the ids. Without it, all
        labels are ids.
    encoding : str, default="utf-8-sig"
        Encoding of the files; the default is UTF-8 with or without a byte order mark.

    Returns
    -------
    hierarchy : LabelHierarchy
        First the nodes without an index, which are ids such as ``"/m/0dgw9r"``, in the order of
        the ontology. Then those with an index, an integer, in its order; these are the labels of
        :func:`load_tfrecords`. Display names are those of the ontology.

    Raises
    ------
    TypeError
        If a path is not a path or `encoding` not a str.
    FileNotFoundError
        If there is no such file.
    ValueError
        If a file is not in that encoding or not of that form, an id or an index is given twice, or
        an id is not in the ontology.

    References
    ----------
    .. [1] J. F. Gemmeke et al., "Audio Set: An ontology and human-labeled dataset for audio
       events", ICASSP 2017.

    Examples
    --------
    >>> import json, os, tempfile
    >>> from sk_crossmodal.datasets import audioset_hierarchy
    >>> ontology = [
    ...     {"id": "/m/0dgw9r", "name": "Human sounds", "child_ids": ["/m/09x0r"]},
    ...     {"id": "/m/09x0r", "name": "Speech", "child_ids": []},
    ... ]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     names = [os.path.join(folder, name) for name in ("ontology.json", "classes.csv")]
    ...     for name, text in zip(
    ...         names, (json.dumps(ontology), "index,mid,display_name\n0,/m/09x0r,Speech\n")
    ...     ):
    ...         with open(name, "w") as file:
    ...             _ = file.write(text)
    ...     hierarchy = audioset_hierarchy(*names)
    >>> hierarchy.nodes
    ('/m/0dgw9r', 0)
    >>> hierarchy.display_names
    ['Human sounds', 'Speech']
    """
    ontology_json = check_text_file("ontology_json", ontology_json, encoding)
    if class_labels_csv is not None:
        class_labels_csv = check_text_file("class_labels_csv", class_labels_csv, encoding)
    names, children = _read_ontology(ontology_json, encoding)
    indices = {} if class_labels_csv is None else _read_indices(class_labels_csv, encoding)
    if missing := [mid for mid in indices if mid not in names]:
        raise ValueError(f"{class_labels_csv} has {missing[0]!r}, which {ontology_json} lacks.")
    parents: dict[str, list[Any]] = {mid: [] for mid in names}
    for mid, below in children.items():
        for child in below:
            if child not in parents:
                raise ValueError(f"{ontology_json}: {mid!r} has the child {child!r}, no node.")
            parents[child].append(indices.get(mid, mid))
    order = [
        *(mid for mid in names if mid not in indices),
        *sorted(indices, key=indices.__getitem__),
    ]
    return LabelHierarchy(
        {indices.get(mid, mid): parents[mid] for mid in order},
        names={indices.get(mid, mid): name for mid, name in names.items()},
    )


def _read_ontology(path: Any, encoding: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the name and the children of each id."""
    try:
        with open(path, encoding=encoding) as file:
            nodes = json.load(file)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON in {encoding}: {error}.") from None
    if not isinstance(nodes, list) or not nodes:
        raise ValueError(f"{path} must be a list of nodes, as ontology.json of AudioSet.")
    names: dict[str, str] = {}
    children: dict[str, list[str]] = {}
    for i, node in enumerate(nodes):
        where = f"{path}, node {i}"
        below: Any = node.get("child_ids") if isinstance(node, dict) else None
        texts = [node.get("id"), node.get("name"), *below] if isinstance(below, list) else [None]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError(f"{where} must have id, name and child_ids, got {node!r:.80}.")
        if node["id"] in names:
            raise ValueError(f"{where}: the id {node['id']!r} is given twice.")
        names[node["id"]], children[node["id"]] = node["name"], below
    return names, children


def _read_indices(path: Any, encoding: str) -> dict[str, int]:
    """Return the index of each id."""
    indices: dict[str, int] = {}
    for row, where in read_rows(path, encoding, _COLUMNS):
        index = read_index(row["index"], indices.values(), where, "index")
        if (mid := row["mid"].strip()) in indices:
            raise ValueError(f"{where}: the mid {mid!r} is given twice.")
        indices[mid] = index
    if not indices:
        raise ValueError(f"{path} has no classes.")
    return indices
