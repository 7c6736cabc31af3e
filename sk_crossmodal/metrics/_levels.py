"""Parts of a label hierarchy, and the four scores within one part."""

import numpy as np

from ._gap import gap, gap_of_pool
from ._hits import hit_at_1_of_hits, perr_of_hits
from ._map import class_scores, mean_over_classes
from ._ranking import rank_positives

SCORES = ("gap", "map", "perr", "hit_at_1")


def level_numbers(hierarchy):
    """Return the level of every label.

    Parameters
    ----------
    hierarchy : object with ``levels``, or array-like of shape (n_labels,)
        Levels are integers from 0.

    Returns
    -------
    ndarray of shape (n_labels,)
        Integers.
    """
    levels = np.asarray(getattr(hierarchy, "levels", hierarchy))
    if levels.ndim != 1 or levels.dtype.kind not in "iu" or not levels.size or levels.min() < 0:
        raise ValueError(
            "hierarchy must be a label hierarchy or a 1-D array with the level, from 0, of every "
            f"label; got {type(hierarchy).__name__} with levels of shape {levels.shape} "
            f"and dtype {levels.dtype}"
        )
    return levels


def level_columns(hierarchy, n_labels):
    """Return the labels of every level.

    Parameters
    ----------
    hierarchy : object with ``levels``, or array-like of shape (n_labels,)
        Levels are integers from 0.
    n_labels : int
        Number of labels expected.

    Returns
    -------
    dict of str to ndarray
        Column indices by "level 0", "level 1", ...; only levels that have labels.
    """
    levels = level_numbers(hierarchy)
    _check_length(levels.size, n_labels)
    return {f"level {level}": np.flatnonzero(levels == level) for level in np.unique(levels)}


def group_columns(hierarchy, n_labels):
    """Return the labels under every root; one under several roots is in each.

    Parameters
    ----------
    hierarchy : object with ``nodes``, ``roots``, ``display_names`` and ``root_matrix()``
        A label hierarchy.
    n_labels : int
        Number of labels expected.

    Returns
    -------
    list of (str, ndarray)
        Display name and column indices of every root.
    """
    if not hasattr(hierarchy, "root_matrix"):
        raise ValueError(
            "by_group=True needs a label hierarchy that knows its roots (root_matrix()), "
            f"got {type(hierarchy).__name__}"
        )
    members = hierarchy.root_matrix().tocsc()
    _check_length(members.shape[0], n_labels)
    names = dict(zip(hierarchy.nodes, hierarchy.display_names, strict=True))
    groups = []
    for number, root in enumerate(hierarchy.roots):
        column = members[:, [number]].tocoo()
        inside = np.sort(column.coords[0][column.data != 0])
        groups.append((str(names.get(root, root)), inside))
    return groups


def all_scores(problem, top_k):
    """Compute the four scores in one pass over the rows and one over the columns.

    Parameters
    ----------
    problem : Problem
        Labels and scores.
    top_k : int or None
        Size of each video's part of GAP's pool.

    Returns
    -------
    dict of str to float
        By the names in ``SCORES``; NaN if no video or no label is left.
    """
    if not (problem.n_videos and problem.n_labels):
        return dict.fromkeys(SCORES, float("nan"))
    size = 0 if top_k is None or top_k >= problem.n_labels else top_k
    (equal_recall, first, best), pool = rank_positives(problem, [problem.n_true, 1, size], size)
    return {
        "gap": gap_of_pool(problem, best, pool) if size else gap(problem, None),
        "map": mean_over_classes(class_scores(problem)),
        "perr": perr_of_hits(problem, equal_recall),
        "hit_at_1": hit_at_1_of_hits(problem, first),
    }


def _check_length(n_known, n_labels):
    if n_known != n_labels:
        raise ValueError(
            f"hierarchy must have one node for each label, got {n_known} nodes "
            f"for {n_labels} labels"
        )
