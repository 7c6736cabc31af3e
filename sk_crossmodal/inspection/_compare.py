"""Several models side by side, as in the paper's Tables 4 and 8."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._types import Floats
from ..metrics import HierarchyReport

SCORES = {"gap": "GAP", "map": "MAP", "perr": "PERR", "hit_at_1": "Hit@1"}


@dataclass(frozen=True, eq=False)
class ComparisonReport:
    """Error rates of several models by score and level.

    What :func:`compare_report` returns; printed, it is the paper's Table 4: in percent, lower
    is better, mean ± standard deviation over the runs of a model.

    Parameters
    ----------
    models : tuple of str
        Names of the models.
    rows : tuple of str
        Names of the levels.
    mean : dict of str to ndarray of shape (n_rows, n_models)
        Per score the mean error rate in percent.
    std : dict of str to ndarray of shape (n_rows, n_models)
        Its standard deviation over runs (n - 1 in the denominator); NaN for a single run.
    """

    models: tuple[str, ...]
    rows: tuple[str, ...]
    mean: Mapping[str, Floats]
    std: Mapping[str, Floats]

    def to_frame(self) -> Any:
        """Return the means as a data frame; this needs pandas.

        Returns
        -------
        pandas.DataFrame
            Indexed by score and level, one column a model.
        """
        import pandas as pd  # only here: the package works without it

        index = pd.MultiIndex.from_product([SCORES.values(), self.rows], names=["score", "level"])
        return pd.DataFrame(np.concatenate(list(self.mean.values())), index, self.models)

    def __str__(self) -> str:
        lines = ["error rates in percent, lower is better; mean ± std over runs"]
        cells = {
            score: [
                [_cell(*pair) for pair in zip(means, stds, strict=True)]
                for means, stds in zip(self.mean[score], self.std[score], strict=True)
            ]
            for score in SCORES
        }
        flat = [cell for rows in cells.values() for row in rows for cell in row]
        first = max(map(len, (*self.rows, *SCORES.values())))
        width = max(map(len, (*flat, *self.models)))
        for score, heading in SCORES.items():
            heads = "  ".join(name.rjust(width) for name in self.models)
            lines += ["", f"{heading.ljust(first)}  {heads}"]
            lines += [
                f"{name.ljust(first)}  {'  '.join(cell.rjust(width) for cell in row)}"
                for name, row in zip(self.rows, cells[score], strict=True)
            ]
        return "\n".join(lines)


def compare_report(
    reports: Mapping[str, HierarchyReport | Sequence[HierarchyReport]],
) -> ComparisonReport:
    """Put several models' reports side by side.

    Parameters
    ----------
    reports : dict of str to HierarchyReport or sequence of HierarchyReport
        Per model its report, or one for each run (a seed, a fold).

    Returns
    -------
    ComparisonReport
        Error rates by score, level and model.

    Raises
    ------
    TypeError
        If there is anything else than reports.
    ValueError
        If there is no model, or reports have different rows.

    Examples
    --------
    >>> from sk_crossmodal.inspection import compare_report
    >>> from sk_crossmodal.metrics import hierarchy_report
    >>> y = [[1, 0], [0, 1]]
    >>> good = hierarchy_report(y, [[0.9, 0.1], [0.2, 0.8]], [0, 0])
    >>> bad = hierarchy_report(y, [[0.9, 0.1], [0.8, 0.2]], [0, 0])
    >>> comparison = compare_report({"good": good, "bad": bad})
    >>> print(*str(comparison).splitlines()[:5], sep=chr(10))
    error rates in percent, lower is better; mean ± std over runs
    <BLANKLINE>
    GAP       good    bad
    overall   0.00  16.67
    level 0   0.00  16.67
    """
    if not isinstance(reports, Mapping):
        raise TypeError(f"reports must be a dict by model, got {type(reports).__name__}.")
    runs: dict[str, list[Any]] = {
        name: list(report) if isinstance(report, list | tuple) else [report]
        for name, report in reports.items()
    }
    if not runs or not all(runs.values()):
        raise ValueError(f"Each model needs at least one report, got {reports!r}.")
    wrong = [r for rs in runs.values() for r in rs if not isinstance(r, HierarchyReport)]
    if wrong:
        raise TypeError(
            "Each model needs reports of `hierarchy_report`, got "
            f"{sorted({type(report).__name__ for report in wrong})}."
        )
    rows = {tuple(report.rows) for reports in runs.values() for report in reports}
    if len(rows) != 1:
        raise ValueError(f"Reports must have the same rows, got {sorted(rows)}.")
    errors = {
        score: [np.array([100 * (1 - getattr(r, score)) for r in rs]) for rs in runs.values()]
        for score in SCORES
    }
    return ComparisonReport(
        tuple(runs),
        rows.pop(),
        {score: np.stack([e.mean(0) for e in es], -1) for score, es in errors.items()},
        {score: np.stack([_spread(e) for e in es], -1) for score, es in errors.items()},
    )


def _spread(errors: Floats) -> Floats:
    return errors.std(0, ddof=1) if len(errors) > 1 else np.full(errors.shape[1], np.nan)


def _cell(mean: float, std: float) -> str:
    if np.isnan(mean):
        return "-"
    return f"{mean:.2f}" if np.isnan(std) else f"{mean:.2f} ± {std:.2f}"
