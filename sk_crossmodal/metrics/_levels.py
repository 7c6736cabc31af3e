"""Parts of a label hierarchy, and the four scores within one part."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from .._types import Floats, Ints
from ._arrays import as_array
from ._gap import gap
from ._hits import hit_at_1, perr
from ._map import class_scores, mean_over_classes
from ._parts import Part, Ranked, rank_parts
from ._problem import Problem

SCORES = ("gap", "map", "perr", "hit_at_1")


def level_numbers(hierarchy: Any) -> Ints:
    """Return the level of every label."""
    given = getattr(hierarchy, "levels", hierarchy)
    levels = as_array("hierarchy", given, "a label hierarchy or the level of every label")
    if levels.ndim != 1 or levels.dtype.kind not in "iu" or not levels.size or levels.min() < 0:
        raise ValueError(
            "hierarchy must be a label hierarchy or a 1-D array with the level, from 0, of every "
            f"label; got {type(hierarchy).__name__} with levels of shape {levels.shape} "
            f"and dtype {levels.dtype}. A fitted HierarchyLabelBinarizer has one as hierarchy_"
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
        raise ValueError(
            "by_group=True needs a label hierarchy that knows its roots (root_matrix()), "
            f"got {type(hierarchy).__name__}"
        )
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


def part_scores(
    problem: Problem,
    columns: Sequence[Ints | None],
    scores: Collection[str],
    *,
    top_k: int | None,
    rows: str,
    threshold: float,
) -> list[dict[str, float]]:
    """Compute scores of parts of the labels, in one reading by rows and one by columns."""
    parts = [Part(problem, own) for own in columns]
    rules = ["all" if own is None else rows for own in columns]
    ranked = rank_parts(parts, scores, top_k, rules, threshold)
    precisions: list[Floats] = [np.empty(0)] * len(parts)
    if "map" in scores:
        precisions = class_scores([(one.part, one.stay) for one in ranked])
    table = []
    for one, precision in zip(ranked, precisions, strict=True):
        row = {"n_videos": one.n_videos, "n_labels": one.part.n_labels}
        table.append(row | {score: _score(score, one, precision) for score in scores})
    return table


def _score(score: str, ranked: Ranked, precision: Floats) -> float:
    if not (ranked.n_videos and ranked.part.n_labels):
        return float("nan")
    if score == "map":
        return mean_over_classes(precision)
    return {"gap": gap, "perr": perr, "hit_at_1": hit_at_1}[score](ranked)


def _check_length(n_known: int, n_labels: int) -> None:
    if n_known != n_labels:
        raise ValueError(
            f"hierarchy must have one node for each label, got {n_known} nodes "
            f"for {n_labels} labels"
        )
