"""The labels of each level, and below each root, of a label hierarchy."""

from typing import Any

import numpy as np

from .._types import Ints
from ._arrays import as_array


def level_numbers(hierarchy: Any) -> Ints:
    """Return the level of every label."""
    given = getattr(hierarchy, "levels", hierarchy)
    levels = as_array("hierarchy", given, "a label hierarchy or the level of every label")
    if levels.ndim != 1 or levels.dtype.kind not in "iu" or not levels.size or levels.min() < 0:
        raise ValueError(
            "hierarchy must be a LabelHierarchy, such as hierarchy_ of a HierarchyLabelBinarizer, "
            f"or the level of every label from 0, got {type(hierarchy).__name__} with levels of "
            f"shape {levels.shape}, dtype {levels.dtype}"
        )
    return levels


def level_columns(hierarchy: Any, n_labels: int) -> dict[str, Ints]:
    """Return the labels of every level."""
    levels = level_numbers(hierarchy)
    _check_length(levels.size, n_labels)
    return {f"level {level}": np.flatnonzero(levels == level) for level in np.unique(levels)}


def group_columns(hierarchy: Any, n_labels: int) -> list[tuple[str, Ints]]:
    """Return the labels under every root; one under several roots is in each."""
    if not hasattr(hierarchy, "root_matrix"):
        raise ValueError(f"by_group=True needs a LabelHierarchy, got {type(hierarchy).__name__}")
    members = hierarchy.root_matrix().tocsc(copy=True)
    _check_length(members.shape[0], n_labels)
    names = dict(zip(hierarchy.nodes, hierarchy.display_names, strict=True))
    members.eliminate_zeros()
    members.sort_indices()
    inside = np.split(members.indices, members.indptr[1:-1])
    return [
        (str(names.get(root, root)), columns)
        for root, columns in zip(hierarchy.roots, inside, strict=True)
    ]


def row_columns(hierarchy: Any, n_labels: int, by_group: bool) -> list[tuple[str, Ints | None]]:
    """Return the name and the labels of each row of a report; None is all labels."""
    if by_group:
        return [*group_columns(hierarchy, n_labels)]
    return [("overall", None), *level_columns(hierarchy, n_labels).items()]


def _check_length(n_known: int, n_labels: int) -> None:
    if n_known != n_labels:
        given = f"got {n_known} nodes for {n_labels} labels"
        raise ValueError(f"hierarchy must have one node for each label, {given}")
