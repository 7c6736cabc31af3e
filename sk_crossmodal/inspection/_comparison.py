"""`ComparisonReport`: several models side by side, as in the paper's Tables 4 and 8."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import Floats
from ..metrics import SCORES
from ._intervals import Table

if TYPE_CHECKING:
    import pandas as pd

QUANTITIES = ("mean", "std", "low", "high", "difference", "difference_low", "difference_high")
HEAD = "text-align:left;vertical-align:top;padding:0.2em 0.7em 0 0"
STYLE = "text-align:right;padding:0.2em 0.7em;white-space:nowrap"


@dataclass(frozen=True, eq=False)
class ComparisonReport:
    """Error rates of several models by score and by level or category.

    The result of :func:`compare_report` and :func:`compare_predictions`. Printed, it is the
    paper's Table 4: in percent, lower is better, mean ± standard deviation over the runs of a
    model, or with its 95 % interval. Below it are the differences to a baseline; a star marks
    those whose interval excludes 0. In Jupyter it is an HTML table.

    Parameters
    ----------
    models : tuple of str
        Names of the models.
    rows : tuple of str
        Names of the levels or categories.
    mean : dict of str to ndarray of shape (n_rows, n_models)
        By score ("gap", "map", "perr", "hit_at_1"), the mean error rate in percent.
    std : dict of str to ndarray of shape (n_rows, n_models)
        Its standard deviation over runs (n - 1 in the denominator); NaN for a single run.
    low, high : dict of str to ndarray of shape (n_rows, n_models), default=None
        Ends of the 95 % interval of each error rate; None without intervals, NaN where a model
        has none.
    baseline : str, default=None
        The model to which the others are compared.
    difference : dict of str to ndarray of shape (n_rows, n_models), default=None
        Error rate minus that of the baseline, in percentage points: below 0 is better. None
        without a baseline.
    difference_low, difference_high : dict of str to ndarray of shape (n_rows, n_models), \
default=None
        Ends of the paired 95 % interval of the difference.
    n_videos : ndarray of shape (n_rows, n_models), default=None
        Number of videos that were counted, the mean over runs.
    basis : str, default=""
        Source of the intervals, in words.

    See Also
    --------
    ErrorRatesDisplay : The same as a plot.
    CategoryGainDisplay : The differences of two models by category.
    """

    models: tuple[str, ...]
    rows: tuple[str, ...]
    mean: Table
    std: Table
    low: Table | None = None
    high: Table | None = None
    baseline: str | None = None
    difference: Table | None = None
    difference_low: Table | None = None
    difference_high: Table | None = None
    n_videos: Floats | None = None
    basis: str = ""

    def to_frame(self, *, intervals: bool = False) -> "pd.DataFrame":
        """Return the table as a data frame; this needs pandas.

        Parameters
        ----------
        intervals : bool, default=False
            Whether to add all other quantities beside the means.

        Returns
        -------
        pandas.DataFrame
            Indexed by score and level, with one column per model, its mean. With `intervals`,
            columns have two levels, the model and "mean", "std", "low", "high", "difference",
            "difference_low" or "difference_high".

        Raises
        ------
        TypeError
            If `intervals` is not True or False.
        ImportError
            If pandas is not installed.
        """
        if not isinstance(intervals, bool | np.bool_):
            raise TypeError(f"intervals must be True or False, got {intervals!r}.")
        try:
            import pandas as pd  # only here: the package works without it
        except ImportError as error:
            raise ImportError("A data frame needs pandas: pip install pandas.") from error
        headings = [SCORES[score].heading for score in self.mean]
        index = pd.MultiIndex.from_product([headings, self.rows], names=["score", "level"])
        names = [n for n in QUANTITIES if getattr(self, n) is not None] if intervals else ["mean"]
        parts = [np.concatenate([getattr(self, n)[s] for s in self.mean]) for n in names]
        if not intervals:
            return pd.DataFrame(parts[0], index, self.models)
        columns = pd.MultiIndex.from_product([self.models, names], names=["model", None])
        values = np.stack(parts, axis=-1).reshape(len(index), len(columns))
        return pd.DataFrame(values, index, columns)

    def to_html(self) -> str:
        """Return the table as HTML that needs nothing else.

        Returns
        -------
        str
            A ``<div>`` with one table.
        """
        heads = "".join(f'<th style="{STYLE}">{escape(str(name))}</th>' for name in self.models)
        lines = [
            '<div class="sk-crossmodal-comparison" style="overflow-x:auto">',
            '<table style="border-collapse:collapse">',
            f'<caption style="text-align:left">{escape(self._heading())}</caption>',
            f'<thead><tr><th></th><th style="text-align:left">level</th>{heads}</tr></thead>',
        ]
        for score in self.mean:
            lines.append('<tbody style="border-top:1px solid currentColor">')
            heading = SCORES[score].heading
            first = f'<th rowspan="{len(self.rows)}" style="{HEAD}">{heading}</th>'
            for row, cells in zip(self.rows, self._html_cells(score), strict=True):
                name = f'<th style="text-align:left;font-weight:normal">{escape(str(row))}</th>'
                lines.append(f"<tr>{first}{name}{cells}</tr>")
                first = ""
            lines.append("</tbody>")
        lines.append("</table>")
        if self.difference is not None:
            lines.append(f"<p><small>{escape(self._difference_heading())}</small></p>")
        return "\n".join([*lines, "</div>"])

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        columns = range(len(self.models))
        lines = [self._heading(), *self._text_lines(self._cells, columns)]
        others = [i for i in columns if self.models[i] != self.baseline]
        if self.difference is not None and others:
            heading = self._difference_heading().replace("; ", ";\n")
            lines += ["", heading, *self._text_lines(self._difference_cells, others)]
        return "\n".join(lines)

    def _text_lines(self, cells_of: Callable[[str], Any], columns: Any) -> list[str]:
        """Lines of a table of some models, by score."""
        models = [self.models[i] for i in columns]
        cells = {s: [[row[i] for i in columns] for row in cells_of(s)] for s in self.mean}
        flat = [cell for rows in cells.values() for row in rows for cell in row]
        first = max(len(name) for name in (*self.rows, *(SCORES[s].heading for s in cells)))
        width = max(map(len, (*flat, *models)))
        lines = []
        for score, rows in cells.items():
            lines.append("")
            named = zip((SCORES[score].heading, *self.rows), (models, *rows), strict=True)
            lines += ["  ".join([n.ljust(first), *(c.rjust(width) for c in r)]) for n, r in named]
        return lines

    def _heading(self) -> str:
        shown = "mean ± std over runs"
        if self.low is not None and self._one_run_each():
            shown = f"95 % intervals ({self.basis})"
        return f"error rates in percent, lower is better; {shown}"

    def _difference_heading(self) -> str:
        heading = f"difference to {self.baseline} in percentage points, below 0 is better"
        if self.difference_low is None:
            return heading
        return f"{heading}; 95 % intervals ({self.basis}), * excludes 0"

    def _one_run_each(self) -> bool:
        return all(np.isnan(std).all() for std in self.std.values())

    def _cells(self, score: str) -> list[list[str]]:
        low = high = np.full_like(self.mean[score], np.nan)
        if self.low is not None and self.high is not None and self._one_run_each():
            low, high = self.low[score], self.high[score]
        return _map_cells(_cell, self.mean[score], self.std[score], low, high)

    def _difference_cells(self, score: str) -> list[list[str]]:
        if self.difference is None:
            return [[""] * len(self.models) for _ in self.rows]
        low = high = np.full_like(self.difference[score], np.nan)
        if self.difference_low is not None and self.difference_high is not None:
            low, high = self.difference_low[score], self.difference_high[score]
        return _map_cells(_difference_cell, self.difference[score], low, high)

    def _html_cells(self, score: str) -> list[str]:
        """Cells of each row, the difference below the error rate."""
        return [
            "".join(
                f'<td style="{STYLE}">{escape(cell)}'
                + (f"<br><small>{escape(more)}</small>" if name != self.baseline and more else "")
                + "</td>"
                for cell, more, name in zip(*both, self.models, strict=True)
            )
            for both in zip(self._cells(score), self._difference_cells(score), strict=True)
        ]


def check_report(report: Any) -> None:
    """Raise TypeError unless `report` is a ComparisonReport."""
    if not isinstance(report, ComparisonReport):
        raise TypeError(f"report must be a ComparisonReport, got {type(report).__name__}.")


def excludes_zero(low: float, high: float) -> bool:
    """Whether an interval excludes 0; an unknown one (NaN) does not."""
    return low > 0 or high < 0


def _map_cells(function: Callable[..., str], *tables: Floats) -> list[list[str]]:
    return [
        [function(*cell) for cell in zip(*rows, strict=True)] for rows in zip(*tables, strict=True)
    ]


def _cell(mean: float, std: float, low: float, high: float) -> str:
    if np.isnan(mean):
        return "-"
    if not np.isnan(low):
        return f"{mean:.2f} [{low:.2f}, {high:.2f}]"
    return f"{mean:.2f}" if np.isnan(std) else f"{mean:.2f} ± {std:.2f}"


def _difference_cell(difference: float, low: float, high: float) -> str:
    if np.isnan(difference):
        return "-"
    if np.isnan(low):
        return f"{difference:+.2f}"
    star = "*" if excludes_zero(low, high) else " "
    return f"{difference:+.2f} [{low:+.2f}, {high:+.2f}]{star}"
