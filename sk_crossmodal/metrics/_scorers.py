"""The scores as scikit-learn scorers."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import make_scorer

from ..validation import (
    NamedColumns,
    column_names,
    find_names,
    hierarchy_names,
    labels_of,
    match_names,
    take_columns,
)
from ._inputs import SampleWeight, ScoringInput, prepare
from ._levels import level_columns, level_numbers
from ._scores import SCORES, Score, subset_scores
from ._validation import as_row_options


def _scorer(name: str) -> Callable[..., float]:
    scorer: Callable[..., float] = make_scorer(
        overall_score, response_method="predict_proba", score=name
    )
    return scorer


def overall_score(
    y_true: Any,
    y_score: ArrayLike,
    *,
    score: str,
    sample_weight: SampleWeight = None,
    **options: Any,
) -> float:
    """Compute one score of all labels; without positives it is NaN, with a warning."""
    y_score = _match_estimator(y_true, y_score)
    inputs = prepare(y_true, y_score, sample_weight)
    if not inputs.labels.nnz:
        _warn_of_no_positives(inputs)
        return float("nan")
    return SCORES[score].compute(y_true, y_score, sample_weight=sample_weight, **options)


def _match_estimator(y_true: Any, y_score: Any, hierarchy: Any = None) -> Any:
    """Return scores in the order of the columns of y_true, or with the estimator's own names."""
    estimator = labels_of(y_score)
    if estimator is None:
        return y_score
    names, known = column_names(y_true), hierarchy_names(estimator) or []
    order = None if names is None else match_names("y_true", names, known, "the estimator")
    if order is not None:
        return take_columns(y_score, np.argsort(order))
    others = hierarchy_names(hierarchy)
    if others is None:
        return y_score
    found = (each for each in known if find_names(each, others) is not None)
    return NamedColumns(y_score, next(found, estimator.nodes))


gap_scorer = _scorer("gap")
map_scorer = _scorer("map")
perr_scorer = _scorer("perr")
hit_at_1_scorer = _scorer("hit_at_1")


def hierarchy_scorers(
    hierarchy: Any, *, top_k: int | None = 20, rows: str = "either", threshold: float = 0.5
) -> dict[str, Callable[..., float]]:
    """Make scorers of all scores, overall and for every level, for scikit-learn's searches.

    All use ``predict_proba``, and scikit-learn calls it once per split for all of them. The
    estimator needs a 2-D ``classes_`` of ``[0, 1]`` rows, or a list of arrays: if ``classes_`` is
    1-D and has two classes (`MLPClassifier` with two labels), scikit-learn passes on one column
    only.

    y may be a multilabel indicator, or label sets, for an estimator that binarizes them itself
    (:class:`~sk_crossmodal.compose.TransformedTargetClassifier`): the hierarchy adds their
    ancestors. The estimator must then have the same columns in every fold, which
    `HierarchyLabelBinarizer(hierarchy=...)` ensures.

    The labels of a classifier of this package, or of `TransformedTargetClassifier`, also in a
    Pipeline or a search, are matched by name if it knows names: with the columns of y if y is a
    data frame, and with the hierarchy if y has no names. Other estimators, and subclasses that
    compute other probabilities, have the columns of y, in its order. The same holds for
    `gap_scorer`, `map_scorer`, `perr_scorer` and `hit_at_1_scorer`.

    Parameters
    ----------
    hierarchy : LabelHierarchy or array-like of shape (n_labels,)
        The hierarchy of the labels, in the order of the columns, or just the level of each,
        which is enough for indicators.
    top_k : int or None, default=20
        How many labels of each video enter the pool of GAP; None takes all. MAP always ranks
        all videos for each label.
    rows : {"either", "truth", "all"}, default="either"
        The videos that count for a level: those with a true or a predicted label at it, those
        with a true one, or all. Overall, all count.
    threshold : float, default=0.5
        A label is predicted if its probability is above this.

    Returns
    -------
    dict of str to scorer
        "gap", "map", "perr", "hit_at_1" and any other score in ``SCORES``, and each with
        "_level_0", "_level_1", ... A score is NaN where no video is left, or no video has a
        label of the level.

    Raises
    ------
    ValueError
        If a parameter is not one of those above. With label sets, a scorer raises it if only
        levels were given, a label is unknown, or the number of columns differs. With named
        labels, if those of the estimator and of y or the hierarchy differ.

    Warns
    -----
    UserWarning
        If no video that is scored, as in a fold, has a label of a level; once for each level.

    See Also
    --------
    hierarchy_report : The same numbers as a table.

    References
    ----------
    Section 4.2 and Table 4 of Goyal et al. (2020).

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
    options = as_row_options(top_k, rows, threshold)
    options["warned"] = _Warned()
    levels = level_numbers(hierarchy)
    # Where labels have no names the levels are enough, and can be pickled.
    options["hierarchy"] = levels if hierarchy_names(hierarchy) is None else hierarchy
    scorers = {}
    for level in (None, *np.unique(levels).tolist()):
        for name, score in SCORES.items():
            full_name = name if level is None else f"{name}_level_{level}"
            scorers[full_name] = make_scorer(
                level_score, response_method="predict_proba", score=score, level=level, **options
            )
    return scorers


class _Warned(set[int | None]):
    """Levels without positives of which the scorers of one call have warned."""

    def __repr__(self) -> str:
        return "..."


def level_score(
    y_true: Any,
    y_score: ArrayLike,
    *,
    score: Score,
    level: int | None,
    hierarchy: Any,
    warned: set[int | None],
    sample_weight: SampleWeight = None,
    **options: Any,
) -> float:
    """Compute one score, overall or at one level, as in :func:`hierarchy_report`.

    Without positives it is NaN, also where a score is 0 in the report: the mean over folds must
    not depend on whether a model predicts a label there.
    """
    y_score = _match_estimator(y_true, y_score, hierarchy)
    inputs = prepare(y_true, y_score, sample_weight, hierarchy)
    columns = None
    if level is not None:
        columns = level_columns(hierarchy, inputs.n_labels)[f"level {level}"]
    if not (inputs.labels if columns is None else inputs.labels[:, columns]).nnz:
        if level not in warned:
            warned.add(level)
            _warn_of_no_positives(inputs, level)
        return float("nan")
    table = subset_scores(inputs, [columns], {"score": score}, **options)
    return float(table["score"][0])


def _warn_of_no_positives(inputs: ScoringInput, level: int | None = None) -> None:
    where = "All labels have" if level is None else f"Level {level} has"
    warnings.warn(
        f"{where} 0 positives among the {inputs.n_videos} videos that are scored: the "
        "scores are NaN there. To compare the candidates of a search on the other folds, "
        "see `refit` in docs/scikit-learn.md.",
        UserWarning,
        stacklevel=3,
    )
