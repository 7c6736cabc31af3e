"""The best and the worst videos of a model, as in the paper's Tables 6, 7, 10 and 11."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from .._html import STYLE, table
from .._types import Bools, Floats, Ints
from ..hierarchy import LabelHierarchy
from ..metrics import match_columns
from ..validation import column_names, find_names, hierarchy_names
from ._checks import as_names, check_count, check_hierarchy

BLOCK = 4096  # videos that are made dense at a time
RULES = {
    "margin": (
        "ranked by the margin, the lowest probability among a video's true labels minus the "
        "highest among its false ones"
    ),
    "gain": (
        "ranked by the gain over the baseline, the difference in the summed probability of a "
        "video's true labels minus that of its false ones"
    ),
}
TURNS = "; no top-level label is used twice before all others were used"


@dataclass(frozen=True)
class Example:
    """One video with its true labels and predictions.

    Parameters
    ----------
    id : str
        Name of the video.
    row : int
        Its row.
    merit : float
        Its margin or gain, see the rule of :class:`ErrorExamples`.
    truth : tuple of (str, float)
        Its deepest true labels with their probabilities.
    predictions : tuple of (str, float, bool)
        The most probable labels, their probabilities, and whether they are true.
    baseline : tuple of (str, float, bool) or None
        The same of the baseline, None without one.
    """

    id: str
    row: int
    merit: float
    truth: tuple[tuple[str, float], ...]
    predictions: tuple[tuple[str, float, bool], ...]
    baseline: tuple[tuple[str, float, bool], ...] | None = None

    def cells(self) -> list[str]:
        """Return the cells of its row in a table.

        Returns
        -------
        list of str
            Name, true labels, predictions, those of the baseline if there is one, and the margin
            or gain.
        """
        truth = "\n".join(f"{label}: {number:.2f}" for label, number in self.truth) or "none"
        given = [each for each in (self.predictions, self.baseline) if each is not None]
        lines = [[f"{name}: {p:.2f}{' ✓' * true}" for name, p, true in each] for each in given]
        return [self.id, truth, *map("\n".join, lines), f"{self.merit:+.2f}"]


@dataclass(frozen=True)
class ErrorExamples:
    """Best and worst videos, the result of :func:`error_examples`.

    Printed, and in a notebook, they are two tables: the paper's Tables 6 and 10 of videos that a
    model predicts well, and its Tables 7 and 11 of those that it predicts badly.

    Parameters
    ----------
    best, worst : tuple of Example
        The videos, the best and the worst ones first.
    rule : {"margin", "gain"}
        The ranking: by margin without a baseline, by gain with one.
    """

    best: tuple[Example, ...]
    worst: tuple[Example, ...]
    rule: str

    def to_frame(self) -> Any:
        """Return all examples as a data frame; this needs pandas.

        Returns
        -------
        pandas.DataFrame
            One row per example, best ones first; "truth" and "predictions" (and "baseline") hold
            the tuples of :class:`Example`.
        """
        import pandas as pd  # only here: the package works without it

        groups = {"best": self.best, "worst": self.worst}
        rows = [{"kind": kind, **vars(each)} for kind, some in groups.items() for each in some]
        frame = pd.DataFrame(rows, columns=["kind", *Example.__dataclass_fields__])
        frame = frame.rename(columns={"merit": self.rule})
        return frame if self.rule == "gain" else frame.drop(columns="baseline")

    def to_html(self) -> str:
        """Return two tables as HTML, as a notebook shows them.

        Returns
        -------
        str
            A style and tables, to be put into a page. Names are escaped.
        """
        return STYLE + "".join(
            table(f"{title}, {RULES[self.rule]}{TURNS}", heads, rows, n_text=len(heads) - 1)
            for title, heads, rows in self._tables()
        )

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        lines = [f"Examples {RULES[self.rule]}{TURNS}; * marks true labels."]
        for title, heads, rows in self._tables():
            lines += ["", title]
            for row in rows:
                lines.append(f"  {row[0]} ({heads[-1]} {row[-1]})")
                for head, cell in zip(heads[1:-1], row[1:-1], strict=True):
                    lines.append(f"    {head}: {cell.replace(chr(10), '; ').replace('✓', '*')}")
        return "\n".join(lines)

    def _tables(self) -> list[tuple[str, list[str], list[list[str]]]]:
        """Title, headings and cells of the best and of the worst examples."""
        baseline = ["baseline"] if self.rule == "gain" else []
        heads = ["video", "true labels", "predictions", *baseline, self.rule]
        named = (("Best examples", self.best), ("Worst examples", self.worst))
        return [(title, heads, [each.cells() for each in some]) for title, some in named]


def error_examples(
    y_true: Any,
    y_score: ArrayLike,
    hierarchy: LabelHierarchy | None = None,
    *,
    baseline: ArrayLike | None = None,
    n_examples: int = 4,
    top_k: int = 3,
    ids: Sequence[str] | None = None,
    label_names: Sequence[str] | None = None,
) -> ErrorExamples:
    """Select the best and the worst videos of a model by a fixed rule.

    Without a baseline, videos are ranked by their margin: the lowest probability among their true
    labels (0 if there are none) minus the highest among the false ones. With a baseline, they are
    ranked by the gain: how much more probability than the baseline the model gives to true
    labels, and how much less to false ones. A video that shares a top-level label with an earlier
    one waits until there are no others; then all labels may be used again.

    Parameters
    ----------
    y_true : {array-like, sparse array or matrix} of shape (n_videos, n_labels), or label sets
        True labels as a multilabel indicator of zeros and ones; or, with a `hierarchy`, as one
        collection of its labels per video, to which it adds their ancestors.
    y_score : array-like of shape (n_videos, n_labels)
        Probabilities of the labels, from 0 to 1.
    hierarchy : LabelHierarchy, default=None
        The hierarchy of the labels, in the order of the columns; those of data frames are found
        by name. Without one all labels are top-level labels.
    baseline : array-like of shape (n_videos, n_labels), default=None
        Probabilities of another model for the same videos.
    n_examples : int, default=4
        Number of the best, and of the worst, videos; fewer if there are fewer videos.
    top_k : int, default=3
        Number of the most probable labels to show.
    ids : sequence of str of shape (n_videos,), default=None
        Names of the videos, by default their rows.
    label_names : sequence of str of shape (n_labels,), default=None
        Names of the columns, by default those of the hierarchy, or else their numbers. With a
        hierarchy, its names may be in another order, that of the arrays.

    Returns
    -------
    ErrorExamples
        The videos, with names, true labels and predictions.

    Raises
    ------
    TypeError
        If `hierarchy` is not a LabelHierarchy, or a parameter has the wrong type.
    ValueError
        If arrays or names do not fit each other, or scores are not probabilities.

    References
    ----------
    Tables 6, 7, 10 and 11 of Goyal et al. (2020).

    Examples
    --------
    >>> from sk_crossmodal.inspection import error_examples
    >>> y_true = [[1, 0], [0, 1], [1, 0]]
    >>> y_score = [[0.9, 0.1], [0.2, 0.7], [0.3, 0.8]]
    >>> examples = error_examples(y_true, y_score, n_examples=1, label_names=["car", "bird"])
    >>> print(*str(examples).splitlines()[2:], sep=chr(10))
    Best examples
      video 0 (margin +0.80)
        true labels: car: 0.90
        predictions: car: 0.90 *; bird: 0.10
    <BLANKLINE>
    Worst examples
      video 2 (margin -0.50)
        true labels: car: 0.30
        predictions: bird: 0.80; car: 0.30 *
    """
    check_count("n_examples", n_examples)
    check_count("top_k", top_k)
    if hierarchy is not None:
        check_hierarchy(hierarchy)
    given = {"y_score": y_score, **({} if baseline is None else {"baseline": baseline})}
    labels, models, label_names = _as_predictions(y_true, given, hierarchy, label_names)
    ids = as_names("ids", ids, "video", labels.shape[0])
    top = labels if hierarchy is None else labels.astype(np.int32) @ hierarchy.root_matrix()
    top = csr_array(top).astype(bool)
    merit = _merit(labels, models)

    def example(row: int) -> Example:
        true = deepest = labels[[row]].indices
        if hierarchy is not None:
            n_below = hierarchy.closure_matrix()[true].sum(axis=0)
            deepest = true[n_below[true] == 1]  # only itself
        predictions = []
        for scores in models:
            best = np.argsort(-scores[row], kind="stable")[:top_k]
            predictions.append(
                tuple((label_names[i], float(scores[row, i]), bool(i in true)) for i in best)
            )
        truth = tuple((label_names[i], float(models[0][row, i])) for i in deepest)
        return Example(ids[row], row, float(merit[row]), truth, *predictions)

    return ErrorExamples(
        tuple(map(example, _select(merit, top, n_examples))),
        tuple(map(example, _select(-merit, top, n_examples))),
        "margin" if baseline is None else "gain",
    )


def _as_predictions(
    y_true: Any, given: dict[str, ArrayLike], hierarchy: LabelHierarchy | None, label_names: Any
) -> tuple[csr_array, list[Floats], list[str]]:
    """Return the indicator, the probabilities and the names of the columns, all in one order."""
    order = _order_of_names(label_names, y_true, hierarchy)
    named = None if order is None else list(map(str, label_names))
    labels, models, columns = match_columns(y_true, given, hierarchy, named)
    order = columns if order is None else order
    for name, scores in zip(given, models, strict=True):
        low, high = scores.min(initial=1), scores.max(initial=0)
        if low < 0 or high > 1 or not scores.size:
            raise ValueError(f"{name} must hold probabilities, 0 to 1, got {low:g} to {high:g}.")
    if hierarchy is not None:
        check_hierarchy(hierarchy, labels.shape[1])
    if label_names is None and hierarchy is not None:
        return labels, models, hierarchy.display_names
    names = as_names("label_names", label_names, "label", labels.shape[1])
    return labels, models, names if order is None else [names[i] for i in order]


def _order_of_names(
    label_names: Any, y_true: Any, hierarchy: LabelHierarchy | None
) -> Ints | None:
    """Return where in `label_names` each label is; None if these are other names, to be shown."""
    if not isinstance(label_names, Collection) or isinstance(label_names, str):
        return None
    columns = column_names(y_true)
    known = hierarchy_names(hierarchy) or ([] if columns is None else [list(columns)])
    return find_names(map(str, label_names), known)


def _merit(labels: csr_array, models: list[Floats]) -> Floats:
    """The margin of each video or, with a baseline behind the model, the gain."""
    merit = np.empty(labels.shape[0])
    for start in range(0, len(merit), BLOCK):
        rows = slice(start, start + BLOCK)
        truth = labels[rows].toarray()
        ours, *other = (scores[rows].astype(np.float64) for scores in models)
        if other:
            merit[rows] = ((ours - other[0]) * np.where(truth, 1, -1)).sum(axis=1)
        else:
            false = np.where(truth, 0, ours).max(axis=1)
            merit[rows] = np.where(truth, ours, 1).min(axis=1) * truth.any(axis=1) - false
    return merit


def _select(merit: Floats, top: csr_array, count: int) -> list[int]:
    """Select videos by decreasing merit, so that top-level labels take turns."""
    left: Bools = np.ones(len(merit), bool)
    free = left.copy()
    selected: list[int] = []
    for _ in range(min(count, len(merit))):
        if not free.any():
            free = left.copy()
        video = int(np.argmax(np.where(free, merit, -np.inf)))
        selected.append(video)
        left[video] = free[video] = False
        used = np.zeros(top.shape[1], bool)
        used[top[[video]].indices] = True
        free &= ~(top @ used)
    return sorted(selected, key=lambda video: -merit[video])
