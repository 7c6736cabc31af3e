"""Tables of the four scores by level or by top-level group."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .._html import STYLE, table
from .._types import Floats, Ints
from ._label_sets import as_indicator
from ._levels import SCORES, group_columns, level_columns, part_scores
from ._problem import ROWS, prepare
from ._validation import check_flag, check_option, check_threshold, check_top_k

if TYPE_CHECKING:
    import pandas as pd

HEADINGS = ("", "videos", "labels", "GAP", "MAP", "PERR", "Hit@1")
TITLE = "error rates in percent, 100 * (1 - score); lower is better"


@dataclass(frozen=True, eq=False)
class HierarchyReport:
    """Scores of one model by level, or by top-level group, of its labels.

    What :func:`hierarchy_report` returns. The attributes are scores, higher is better; printed,
    it shows error rates in percent, ``100 * (1 - score)``, as the paper does.

    Parameters
    ----------
    rows : tuple of str
        What each row is about.
    n_videos : ndarray of shape (n_rows,)
        Number of videos that were counted.
    n_labels : ndarray of shape (n_rows,)
        Number of labels.
    gap : ndarray of shape (n_rows,)
        Global average precision; NaN in this and the others where no video is left.
    map : ndarray of shape (n_rows,)
        Mean average precision; NaN where no label has a video, too.
    perr : ndarray of shape (n_rows,)
        Precision at equal recall rate.
    hit_at_1 : ndarray of shape (n_rows,)
        Hit@1.

    See Also
    --------
    hierarchy_report : Makes one.

    Examples
    --------
    >>> from sk_crossmodal.metrics import hierarchy_report
    >>> y_true = [[1, 1, 0], [1, 0, 0]]
    >>> y_score = [[0.9, 0.7, 0.6], [0.8, 0.2, 0.1]]
    >>> report = hierarchy_report(y_true, y_score, [0, 1, 1])
    >>> report.rows
    ('overall', 'level 0', 'level 1')
    >>> report.to_dict()["n_videos"]
    [2, 2, 1]
    """

    rows: tuple[str, ...]
    n_videos: Ints
    n_labels: Ints
    gap: Floats
    map: Floats
    perr: Floats
    hit_at_1: Floats

    def __post_init__(self) -> None:
        """Check the table, and lock the arrays, as the attributes are."""
        if not isinstance(self.rows, tuple):
            raise TypeError(f"rows must be a tuple of str, got {self.rows!r:.80}")
        expected = f"an array of {len(self.rows)} numbers, one a row"
        for field in fields(self)[1:]:
            column = getattr(self, field.name)
            if not isinstance(column, np.ndarray):
                raise TypeError(f"{field.name} must be {expected}, got {type(column).__name__}")
            if column.shape != (len(self.rows),) or column.dtype.kind not in "iuf":
                raise ValueError(
                    f"{field.name} must be {expected}, got shape {column.shape} and dtype "
                    f"{column.dtype}"
                )
            column.setflags(write=False)

    def to_dict(self) -> dict[str, list[Any]]:
        """Return the table as plain lists, by column.

        Returns
        -------
        dict of str to list
            Columns "rows", "n_videos", "n_labels" and the four scores.
        """
        return {field.name: self._column(field.name) for field in fields(self)}

    def to_frame(self) -> "pd.DataFrame":
        """Return the table as a data frame; this needs pandas.

        Returns
        -------
        pandas.DataFrame
            One row each, indexed by its name; the columns are scores.
        """
        import pandas as pd  # only here: the package works without it

        columns = self.to_dict()
        return pd.DataFrame(columns, index=columns.pop("rows"), columns=list(columns))

    def to_html(self) -> str:
        """Return the table as HTML, as a notebook shows it: error rates in percent.

        Returns
        -------
        str
            A style and a table, to be put into a page. Names are escaped.
        """
        return STYLE + table(
            TITLE.replace("e", "E", 1), HEADINGS, zip(*self._cells(), strict=True)
        )

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        cells = self._cells()
        lines_of = [[heading, *column] for heading, column in zip(HEADINGS, cells, strict=True)]
        widths = [max(map(len, column)) for column in lines_of]
        lines = [TITLE]
        for row in zip(*lines_of, strict=True):
            first, *rest = zip(row, widths, strict=True)
            numbers = "  ".join(cell.rjust(width) for cell, width in rest)
            lines.append(f"{first[0].ljust(first[1])}  {numbers}")
        return "\n".join(lines)

    def _cells(self) -> list[list[str]]:
        """What is shown, by column."""
        columns = [self.rows, self.n_videos, self.n_labels]
        errors = (100 * (1 - getattr(self, name)) for name in SCORES)
        cells = [[str(cell) for cell in column] for column in columns]
        return cells + [[_percent(error) for error in column] for column in errors]

    def _column(self, name: str) -> list[Any]:
        column = getattr(self, name)
        return list(column if name == "rows" else column.tolist())


def hierarchy_report(
    y_true: Any,
    y_score: ArrayLike,
    hierarchy: Any,
    *,
    by_group: bool = False,
    top_k: int | None = 20,
    rows: str = "either",
    threshold: float = 0.5,
    sample_weight: ArrayLike | None = None,
) -> HierarchyReport:
    """Compute the four scores by level, or by top-level group, of a label hierarchy.

    By level this is one model's part of the paper's Table 4, by group of its Table 5. In each
    row only the labels of that level or group exist: the best `top_k` are taken among them. The
    overall row counts every video; the others those that `rows` says, and `n_videos` says how
    many that were.

    Parameters
    ----------
    y_true : {array-like, sparse array or matrix} of shape (n_videos, n_labels), or label sets
        True labels as a multilabel indicator of zeros and ones; or, if `hierarchy` is a
        LabelHierarchy, as a collection of its labels a video, which it closes upward.
    y_score : array-like of shape (n_videos, n_labels)
        Scores, probabilities or logits; higher means more likely.
    hierarchy : LabelHierarchy or array-like of shape (n_labels,)
        The hierarchy of the labels, in the order of the columns, or just the level of each.
    by_group : bool, default=False
        Whether the rows are the roots of the hierarchy, each with all that is below it, in
        place of the levels. A label below several roots counts in each. Needs a hierarchy.
    top_k : int or None, default=20
        How many labels of each video enter the pool of GAP; None takes all. MAP always ranks
        all videos for each label.
    rows : {"either", "truth", "all"}, default="either"
        Which videos count for a level or group: those with a true or a predicted label in it,
        as in the paper; those with a true one; or all.
    threshold : float, default=0.5
        A label is predicted if its score is above this. Use 0.0 with logits.
    sample_weight : array-like of shape (n_videos,), default=None
        Weights of the videos: an integer weight counts as so many copies, a video of weight
        zero is absent. `n_videos` counts videos, not weights.

    Returns
    -------
    HierarchyReport
        Scores by row; printed, error rates in percent.

    Raises
    ------
    ValueError
        If the inputs are not what the scores take, `hierarchy` does not fit the number of
        labels, `by_group` is given with levels alone, or a parameter is not one of those above.

    See Also
    --------
    hierarchy_scorers : The same numbers for scikit-learn's searches.

    References
    ----------
    Section 4.2 and Tables 4 and 5 of P. Goyal, S. Sahu, S. Ghosh and C. Lee, "Cross-modal
    Learning for Multi-modal Video Categorization", 2020.

    Examples
    --------
    >>> from sk_crossmodal.metrics import hierarchy_report
    >>> y_true = [[1, 1, 0], [1, 0, 0]]
    >>> y_score = [[0.9, 0.6, 0.7], [0.8, 0.2, 0.1]]
    >>> print(hierarchy_report(y_true, y_score, [0, 1, 1]))
    error rates in percent, 100 * (1 - score); lower is better
             videos  labels    GAP   MAP   PERR   Hit@1
    overall       2       3   8.33  0.00  25.00    0.00
    level 0       2       1   0.00  0.00   0.00    0.00
    level 1       1       2  50.00  0.00 100.00  100.00
    """
    check_flag("by_group", by_group)
    top_k = check_top_k(top_k)
    check_option("rows", rows, ROWS)
    threshold = check_threshold(threshold)
    problem = prepare(as_indicator(y_true, y_score, hierarchy), y_score, sample_weight)
    named: list[tuple[str, Ints | None]] = [("overall", None)]
    if by_group:
        named = [*group_columns(hierarchy, problem.n_labels)]
    else:
        named += level_columns(hierarchy, problem.n_labels).items()
    names, columns = zip(*named, strict=True)
    table = part_scores(problem, columns, SCORES, top_k=top_k, rows=rows, threshold=threshold)
    return HierarchyReport(
        names, **{key: np.array([row[key] for row in table]) for key in table[0]}
    )


def _percent(error: float) -> str:
    return "-" if np.isnan(error) else f"{error:.2f}"
