"""The best and the worst videos of a model, as in the paper's Tables 6, 7, 10 and 11."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from .._html import STYLE, table
from .._types import Array, Bools, Floats
from ..hierarchy import LabelHierarchy
from ..metrics import as_indicator, prepare
from ..training import check_number

BLOCK = 4096  # videos that are looked at in one go
RULES = {
    "margin": (
        "ranked by the margin, the lowest probability among a video's true labels minus the "
        "highest among its false ones"
    ),
    "gain": (
        "ranked by the gain on the baseline, by which the summed probability of a video's true "
        "labels minus that of its false ones is higher"
    ),
}
TURNS = "; no top-level label comes a second time before all others have had their turn"


@dataclass(frozen=True)
class Example:
    """One video, what is true of it and what was predicted.

    Parameters
    ----------
    id : str
        Name of the video.
    row : int
        Its row.
    merit : float
        What it was chosen by, see the rule of :class:`ErrorExamples`.
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
        """Return what a table shows, as text.

        Returns
        -------
        list of str
            Name, true labels, predictions, those of the baseline if there is one, and what it
            was chosen by.
        """
        truth = "\n".join(f"{label}: {number:.2f}" for label, number in self.truth) or "none"
        given = [each for each in (self.predictions, self.baseline) if each is not None]
        return [self.id, truth, *map(_lines, given), f"{self.merit:+.2f}"]


@dataclass(frozen=True)
class ErrorExamples:
    """Best and worst videos, what :func:`error_examples` returns.

    Printed, and in a notebook, it is two tables: the paper's Tables 6 and 10 of videos that a
    model gets right, and its Tables 7 and 11 of those that it gets wrong.

    Parameters
    ----------
    best, worst : tuple of Example
        The videos, the best and the worst ones first.
    rule : {"margin", "gain"}
        What they were chosen by: without and with a baseline.
    """

    best: tuple[Example, ...]
    worst: tuple[Example, ...]
    rule: str

    def to_frame(self) -> Any:
        """Return all examples as a data frame; this needs pandas.

        Returns
        -------
        pandas.DataFrame
            One row an example, best ones first; "truth" and "predictions" (and "baseline") hold
            the tuples of :class:`Example`.
        """
        import pandas as pd  # only here: the package works without it

        kinds = {"best": self.best, "worst": self.worst}
        rows = [{"kind": kind, **vars(each)} for kind, some in kinds.items() for each in some]
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
        lines = [f"Examples {RULES[self.rule]}{TURNS}; * marks what is true."]
        for title, heads, rows in self._tables():
            lines += ["", title]
            for row in rows:
                lines.append(f"  {row[0]} ({heads[-1]} {row[-1]})")
                for head, cell in zip(heads[1:-1], row[1:-1], strict=True):
                    lines.append(f"    {head}: {cell.replace(chr(10), '; ').replace('✓', '*')}")
        return "\n".join(lines)

    def _tables(self) -> list[tuple[str, list[str], list[list[str]]]]:
        """Title, headings and cells of the best and of the worst."""
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
    """Choose the best and the worst videos of a model by a rule, so that nobody picks them.

    Without a baseline videos are ranked by their margin: the lowest probability among their true
    labels (0 if there are none) minus the highest among the false ones, above 0 where all true
    labels come first. With
    one they are ranked by the gain: how much more of the probability is on true labels, and less
    on false ones, than the baseline has. From the ranking videos are taken in order, but none
    that shares a top-level label with one before it, until no other is left; then anew.

    Parameters
    ----------
    y_true : {array-like, sparse array or matrix} of shape (n_videos, n_labels), or label sets
        True labels as a multilabel indicator of zeros and ones; or, with a `hierarchy`, as a
        collection of its labels a video, which it closes upward.
    y_score : array-like of shape (n_videos, n_labels)
        Probabilities of the labels, from 0 to 1.
    hierarchy : LabelHierarchy, default=None
        The hierarchy of the labels, in the order of the columns. Without one every label is its
        own top level.
    baseline : array-like of shape (n_videos, n_labels), default=None
        Probabilities of another model for the same videos.
    n_examples : int, default=4
        How many of the best, and how many of the worst; fewer where there are fewer videos.
    top_k : int, default=3
        How many of the most probable labels are shown.
    ids : sequence of str of shape (n_videos,), default=None
        Names of the videos, by default their rows.
    label_names : sequence of str of shape (n_labels,), default=None
        Names of the labels, by default those of the hierarchy, or else their columns.

    Returns
    -------
    ErrorExamples
        The videos, with names, true labels and predictions.

    Raises
    ------
    TypeError
        If `hierarchy` is no LabelHierarchy, or a number is none.
    ValueError
        If the arrays do not fit each other, scores are no probabilities, or names are too few or
        too many.

    References
    ----------
    Tables 6, 7, 10 and 11 of P. Goyal, S. Sahu, S. Ghosh and C. Lee, "Cross-modal Learning for
    Multi-modal Video Categorization", 2020.

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
    check_number("n_examples", n_examples, low=1, integer=True)
    check_number("top_k", top_k, low=1, integer=True)
    if not isinstance(hierarchy, LabelHierarchy | None):
        raise TypeError(f"hierarchy must be a LabelHierarchy or None, got {hierarchy!r:.80}.")
    labels, scores = _checked(y_true, y_score, hierarchy, "y_score")
    models = [scores]
    if baseline is not None:
        models.append(_checked(labels, baseline, hierarchy, "baseline")[1])
    if label_names is None and hierarchy is not None:
        label_names = hierarchy.display_names
    shown = _Shown(
        labels,
        models,
        hierarchy,
        _names("ids", ids, "video", labels.shape[0]),
        _names("label_names", label_names, "label", labels.shape[1]),
        top_k,
    )
    top = labels if hierarchy is None else labels.astype(np.int32) @ hierarchy.root_matrix()
    merit = _merit(labels, models)
    best, worst = (_choose(m, csr_array(top).astype(bool), n_examples) for m in (merit, -merit))
    return ErrorExamples(
        tuple(shown.example(row, merit[row]) for row in best),
        tuple(shown.example(row, merit[row]) for row in worst),
        "margin" if baseline is None else "gain",
    )


@dataclass(frozen=True)
class _Shown:
    """What is shown of each video."""

    labels: csr_array
    models: list[Floats]
    hierarchy: LabelHierarchy | None
    ids: list[str]
    names: list[str]
    top_k: int

    def example(self, row: int, merit: float) -> Example:
        true = self.labels[[row]].indices
        deepest = true
        if self.hierarchy is not None:
            above = self.hierarchy.closure_matrix()[true].sum(axis=0)
            deepest = true[above[true] == 1]
        truth = tuple((self.names[i], float(self.models[0][row, i])) for i in deepest)
        predictions = [self._likeliest(scores[row], true) for scores in self.models]
        return Example(self.ids[row], row, float(merit), truth, *predictions)

    def _likeliest(self, scores: Floats, true: Array) -> tuple[tuple[str, float, bool], ...]:
        best = np.argsort(-scores, kind="stable")[: self.top_k]
        return tuple((self.names[i], float(scores[i]), bool(i in true)) for i in best)


def _checked(
    y_true: Any, scores: ArrayLike, hierarchy: LabelHierarchy | None, name: str
) -> tuple[csr_array, Floats]:
    """Return the indicator and the probabilities; ValueError if they are none, or do not fit."""
    problem = prepare(as_indicator(y_true, scores, hierarchy), scores)
    n_labels = problem.n_labels
    if not problem.scores.size or problem.scores.min() < 0 or problem.scores.max() > 1:
        raise ValueError(
            f"{name} must hold probabilities, numbers from 0 to 1, got some from "
            f"{problem.scores.min(initial=0):g} to {problem.scores.max(initial=0):g}."
        )
    if hierarchy is not None and len(hierarchy) != n_labels:
        raise ValueError(
            f"hierarchy must have one node for each label, got {len(hierarchy)} nodes for "
            f"{n_labels} labels."
        )
    return problem.labels, problem.scores


def _names(what: str, given: Any, kind: str, count: int) -> list[str]:
    """Return names as a list of str; ValueError if they are too few or too many."""
    if given is None:
        return [f"{kind} {i}" for i in range(count)]
    if isinstance(given, str) or not hasattr(given, "__len__"):
        raise TypeError(f"{what} must be a sequence of {count} names, got {given!r:.80}.")
    if len(given) != count:
        raise ValueError(f"{what} must be {count} names, got {len(given)}.")
    return [str(name) for name in given]


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


def _choose(merit: Floats, top: csr_array, count: int) -> list[int]:
    """Choose by falling merit; top-level labels take turns."""
    left = np.ones(len(merit), bool)
    free: Bools = left.copy()
    chosen: list[int] = []
    for _ in range(min(count, len(merit))):
        if not free.any():
            free = left.copy()
        video = int(np.argmax(np.where(free, merit, -np.inf)))
        chosen.append(video)
        left[video] = free[video] = False
        used = np.zeros(top.shape[1], bool)
        used[top[[video]].indices] = True
        free &= ~(top @ used)
    return sorted(chosen, key=lambda video: -merit[video])


def _lines(predictions: tuple[tuple[str, float, bool], ...]) -> str:
    return "\n".join(f"{name}: {p:.2f}{' ✓' if true else ''}" for name, p, true in predictions)
