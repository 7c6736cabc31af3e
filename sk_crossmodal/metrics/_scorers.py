"""The scores as scikit-learn scorers."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import make_scorer

from ._gap import gap_score
from ._hits import hit_at_1_score, perr_score
from ._label_sets import as_indicator
from ._levels import SCORES, level_columns, level_numbers, part_scores
from ._map import map_score
from ._problem import ROWS, prepare
from ._validation import check_option, check_threshold, check_top_k

gap_scorer = make_scorer(gap_score, response_method="predict_proba")
map_scorer = make_scorer(map_score, response_method="predict_proba")
perr_scorer = make_scorer(perr_score, response_method="predict_proba")
hit_at_1_scorer = make_scorer(hit_at_1_score, response_method="predict_proba")


def hierarchy_scorers(
    hierarchy: Any, *, top_k: int | None = 20, rows: str = "either", threshold: float = 0.5
) -> dict[str, Callable[..., float]]:
    """Make the four scorers, overall and for every level, for scikit-learn's searches.

    All use ``predict_proba``, and scikit-learn calls it once a split for all of them. An
    estimator must say what its columns are by a 2-D ``classes_`` of ``[0, 1]`` rows, or by a list
    of arrays: of a 1-D ``classes_`` of two (`MLPClassifier` with two labels) scikit-learn hands
    on only one column.

    y may be a multilabel indicator, or hold label sets, as for an estimator that binarizes them
    itself (:class:`~sk_crossmodal.compose.TransformedTargetClassifier`): the hierarchy brings
    them to its columns and closes them upward. The estimator must then have the same columns in
    every fold, which `HierarchyLabelBinarizer(hierarchy=...)` sees to; only their number can be
    checked here.

    Parameters
    ----------
    hierarchy : LabelHierarchy or array-like of shape (n_labels,)
        The hierarchy of the labels, in the order of the columns, or just the level of each,
        which is enough for indicators.
    top_k : int or None, default=20
        How many labels of each video enter the pool of GAP; None takes all. MAP always ranks
        all videos for each label.
    rows : {"either", "truth", "all"}, default="either"
        Which videos count for a level: those with a true or a predicted label at it, those
        with a true one, or all. Overall, all count.
    threshold : float, default=0.5
        A label is predicted if its probability is above this.

    Returns
    -------
    dict of str to scorer
        "gap", "map", "perr" and "hit_at_1", and each with "_level_0", "_level_1", ... A score
        is NaN where no video is left.

    Raises
    ------
    ValueError
        If `hierarchy` has no levels or a parameter is not one of those above. A scorer raises it
        for label sets if it was given levels alone, if they hold an unknown label, or if the
        estimator has learned another number of columns.

    See Also
    --------
    hierarchy_report : The same numbers as a table.

    References
    ----------
    Section 4.2 and Table 4 of P. Goyal, S. Sahu, S. Ghosh and C. Lee, "Cross-modal Learning
    for Multi-modal Video Categorization", 2020.

    Examples
    --------
    >>> from sk_crossmodal.metrics import hierarchy_scorers
    >>> scorers = hierarchy_scorers([0, 0, 1])
    >>> list(scorers)[:5]
    ['gap', 'map', 'perr', 'hit_at_1', 'gap_level_0']
    >>> import numpy as np
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> X, y = np.eye(3), np.array([[1, 0, 1], [1, 1, 0], [0, 1, 0]])
    >>> forest = RandomForestClassifier(n_estimators=9, random_state=0).fit(X, y)
    >>> scorers["gap_level_1"](forest, X, y)
    1.0
    """
    top_k = check_top_k(top_k)
    check_option("rows", rows, ROWS)
    threshold = check_threshold(threshold)
    levels = level_numbers(hierarchy)
    options = {
        "hierarchy": hierarchy if hasattr(hierarchy, "indicator_matrix") else levels,
        "top_k": top_k,
        "rows": rows,
        "threshold": threshold,
    }
    scorers = {}
    for level in (None, *np.unique(levels).tolist()):
        for score in SCORES:
            name = score if level is None else f"{score}_level_{level}"
            scorers[name] = make_scorer(
                part_score, response_method="predict_proba", score=score, level=level, **options
            )
    return scorers


def part_score(
    y_true: Any,
    y_score: ArrayLike,
    *,
    score: str,
    level: int | None,
    hierarchy: Any,
    top_k: int | None,
    rows: str,
    threshold: float,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Compute one score, overall or at one level, as in :func:`hierarchy_report`."""
    problem = prepare(as_indicator(y_true, y_score, hierarchy), y_score, sample_weight)
    columns = None
    if level is not None:
        columns = level_columns(hierarchy, problem.n_labels)[f"level {level}"]
    (row,) = part_scores(problem, [columns], (score,), top_k=top_k, rows=rows, threshold=threshold)
    return row[score]
