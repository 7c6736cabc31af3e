"""Tables of scores by level or by top-level group."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .._html import STYLE, table
from .._types import Floats, Ints
from ..validation import check_flag
from ._inputs import SampleWeight, prepare
from ._levels import row_columns
from ._scores import SCORES, subset_scores
from ._validation import as_row_options

if TYPE_CHECKING:
    import pandas as pd

TITLE = "error rates in percent, 100 * (1 - score); lower is better"


@dataclass(frozen=True, eq=False, init=False)
class HierarchyReport:
    """Scores of one model by level, or by top-level group, of its labels.

    The result of :func:`hierarchy_report`. The attributes are scores, higher is better. Printed,
    it shows error rates in percent, ``100 * (1 - score)``, as the paper does.

    Parameters
    ----------
    rows : tuple of str
        Names of the rows.
    n_videos : ndarray of shape (n_rows,)
        Number of videos that were counted.
    n_labels : ndarray of shape (n_rows,)
        Number of labels.
    gap : ndarray of shape (n_rows,)
        Global average precision. This and the other scores are NaN where no video is left.
    map : ndarray of shape (n_rows,)
        Mean average precision; also NaN where no label has a video.
    perr : ndarray of shape (n_rows,)
        Precision at equal recall rate.
    hit_at_1 : ndarray of shape (n_rows,)
        Hit@1.
    **scores : ndarray of shape (n_rows,)
        Scores that were added to ``SCORES``, by name. They are attributes as well.

    See Also
    --------
    hierarchy_report : Computes a report.

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

    def __init__(
        self,
        rows: tuple[str, ...],
        n_videos: Ints,
        n_labels: Ints,
        gap: Floats,
        map: Floats,  # noqa: A002 - the name of the column
        perr: Floats,
        hit_at_1: Floats,
        **scores: Floats,
    ) -> None:
        if not isinstance(rows, tuple):
            raise TypeError(f"rows must be a tuple of str, got {rows!r:.80}")
        columns = {"n_videos": n_videos, "n_labels": n_labels, "gap": gap, "map": map}
        columns |= {"perr": perr, "hit_at_1": hit_at_1, **scores}
        for name, column in columns.items():
            expected = f"{name} must be an array of {len(rows)} numbers, one per row"
            if not isinstance(column, np.ndarray):
                raise TypeError(f"{expected}, got {type(column).__name__}")
            if column.shape != (len(rows),) or column.dtype.kind not in "iuf":
                raise ValueError(f"{expected}, got shape {column.shape}, dtype {column.dtype}")
        for column in columns.values():  # after all checks
            column.setflags(write=False)
        vars(self).update(rows=rows, **columns)  # a frozen dataclass refuses setattr

    def to_dict(self) -> dict[str, list[Any]]:
        """Return the table as plain lists, by column.

        Returns
        -------
        dict of str to list
            Columns "rows", "n_videos", "n_labels" and the scores.
        """
        return {
            name: list(column if name == "rows" else column.tolist())
            for name, column in vars(self).items()
        }

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
        headings, *cells = zip(*self._columns(), strict=True)
        return STYLE + table(TITLE.capitalize(), headings, cells)

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        columns = self._columns()
        widths = [max(map(len, column)) for column in columns]
        lines = [TITLE]
        for name, *numbers in zip(*columns, strict=True):
            cells = [cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True)]
            lines.append("  ".join([name.ljust(widths[0]), *cells]))
        return "\n".join(lines)

    def _columns(self) -> list[list[str]]:
        """Return the text of each column, its heading first."""
        columns = dict(vars(self))
        counts = {"": "rows", "videos": "n_videos", "labels": "n_labels"}
        cells = [[key, *map(str, columns.pop(name))] for key, name in counts.items()]
        for name, scores in columns.items():
            heading = SCORES[name].heading if name in SCORES else name
            errors = 100 * (1 - scores)
            cells.append([heading, *("-" if np.isnan(e) else f"{e:.2f}" for e in errors)])
        return cells


def hierarchy_report(
    y_true: Any,
    y_score: ArrayLike,
    hierarchy: Any,
    *,
    by_group: bool = False,
    top_k: int | None = 20,
    rows: str = "either",
    threshold: float = 0.5,
    sample_weight: SampleWeight = None,
) -> HierarchyReport:
    """Compute all scores by level, or by top-level group, of a label hierarchy.

    By level this is one model's part of the paper's Table 4, by group of its Table 5. Each row
    is computed from the labels of its level or group alone: the best `top_k` are taken among
    them. The overall row counts every video, the other rows those that `rows` selects;
    `n_videos` is their number.

    Parameters
    ----------
    y_true : {array-like, sparse array or matrix} of shape (n_videos, n_labels), or label sets
        A multilabel indicator of zeros and ones; or, with a LabelHierarchy, one collection of its
        labels per video, to which it adds their ancestors.
    y_score : array-like of shape (n_videos, n_labels)
        Scores, probabilities or logits; higher means more likely.
    hierarchy : LabelHierarchy or array-like of shape (n_labels,)
        The hierarchy of the labels, in the order of the columns, or just the level of each. The
        columns of data frames are found by name instead, in any order; an array beside one has
        the same order.
    by_group : bool, default=False
        Whether there is one row per root of the hierarchy, with all its descendants, in place of
        one per level. A label below several roots counts in each. Needs a hierarchy.
    top_k : int or None, default=20
        How many labels of each video enter the pool of GAP; None takes all. MAP always ranks
        all videos for each label.
    rows : {"either", "truth", "all"}, default="either"
        The videos that count for a level or group: those with a true or a predicted label in it,
        as in the paper; those with a true one; or all.
    threshold : float, default=0.5
        A label is predicted if its score is above this. Use 0.0 with logits.
    sample_weight : array-like of shape (n_videos,), default=None
        Weights of the videos; an integer weight equals that many copies, 0 leaves a video out.
        `n_videos` is the number of videos, not the sum of weights.

    Returns
    -------
    HierarchyReport
        Scores by row; printed, error rates in percent.

    Raises
    ------
    ValueError
        If the scores do not accept the inputs, `hierarchy` does not have one node per label, the
        names of columns are not those of its labels, `by_group` is given with levels alone, or a
        parameter is not one of those above.

    See Also
    --------
    hierarchy_scorers : The same numbers for scikit-learn's searches.

    References
    ----------
    Section 4.2 and Tables 4 and 5 of Goyal et al. (2020).

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
    options = as_row_options(top_k, rows, threshold)
    inputs = prepare(y_true, y_score, sample_weight, hierarchy)
    names, columns = zip(*row_columns(hierarchy, inputs.n_labels, by_group), strict=True)
    return HierarchyReport(names, **subset_scores(inputs, columns, SCORES, **options))
