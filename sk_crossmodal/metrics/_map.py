"""Mean average precision."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from .._types import Array, Bools, Floats, Ints
from ._parts import Part
from ._problem import Problem, prepare
from ._ranking import among_best, at_or_above, average_precision, largest, thresholds_of
from ._validation import check_option, check_top_k

EMPTY_CLASSES = ("skip", "zero")


def map_score(
    y_true: Any,
    y_score: ArrayLike,
    *,
    top_k: int | None = None,
    empty_classes: str = "skip",
    sample_weight: ArrayLike | None = None,
) -> float:
    """Compute the mean average precision (MAP).

    The average precision of each label over all videos, without interpolation and with one
    threshold for tied scores, averaged over the labels.

    Parameters
    ----------
    y_true : {array-like, sparse array or matrix} of shape (n_videos, n_labels)
        True labels as a multilabel indicator of zeros and ones.
    y_score : array-like of shape (n_videos, n_labels)
        Scores, probabilities or logits; higher means more likely. Infinite scores are
        allowed, NaN is not.
    top_k : int or None, default=None
        None ranks all videos for each label. An integer ranks only those videos that have
        the label among their `top_k` best, true labels elsewhere counting as missed; 20 is
        what Google's evaluator computes.
    empty_classes : {"skip", "zero"}, default="skip"
        Labels that no video has are left out of the mean, or count 0.
    sample_weight : array-like of shape (n_videos,), default=None
        Weights of the videos: an integer weight counts as so many copies, a video of weight
        zero is absent. Every label counts the same in the mean.

    Returns
    -------
    float
        From 0 to 1, higher is better; NaN if `empty_classes="skip"` leaves no label.

    Raises
    ------
    ValueError
        If the inputs do not have one 2-D shape, `y_true` holds anything but 0 and 1,
        `y_score` holds NaN, or a parameter is not one of those above.

    See Also
    --------
    gap_score : Average precision of all labels pooled.

    References
    ----------
    Section 4.2 of P. Goyal, S. Sahu, S. Ghosh and C. Lee, "Cross-modal Learning for
    Multi-modal Video Categorization", 2020; the evaluator of google/youtube-8m.

    Examples
    --------
    >>> from sk_crossmodal.metrics import map_score
    >>> y_true = [[1, 0, 1], [0, 0, 1]]
    >>> y_score = [[0.9, 0.8, 0.1], [0.3, 0.7, 0.2]]
    >>> map_score(y_true, y_score)
    1.0
    >>> print(f"{map_score(y_true, y_score, empty_classes='zero'):.4f}")
    0.6667
    """
    top_k = check_top_k(top_k)
    check_option("empty_classes", empty_classes, EMPTY_CLASSES)
    problem = prepare(y_true, y_score, sample_weight)
    if top_k is not None and top_k < problem.n_labels:
        scores = _truncated_scores(problem, top_k)
    else:
        (scores,) = class_scores([(Part(problem), None)])
    return mean_over_classes(scores, empty_classes)


def average_precisions(problem: Problem) -> Floats:
    """Compute the average precision of every label, NaN for those that no video has."""
    return class_scores([(Part(problem), None)])[0]


def class_scores(selections: list[tuple[Part, Bools | None]]) -> list[Floats]:
    """Compute the average precision of every label, NaN for those that no video has."""
    problem = selections[0][0].problem
    scores = [np.full(part.n_labels, np.nan) for part, _ in selections]
    choices = [_Choice(problem, stay) for _, stay in selections]
    places = _places(problem, [part for part, _ in selections])
    truth, total = problem.labels.tocsc(), _total(problem)
    for label, values in enumerate(problem.columns()):
        if not (total[label] and places[label]):
            continue
        videos = truth.indices[slice(*truth.indptr[[label, label + 1]])]
        thresholds, found = thresholds_of(values[videos], problem.weights_of(videos))
        column = _Column(values, problem.weights, thresholds)
        for number, place in places[label]:
            pooled = choices[number].at_or_above(column)
            scores[number][place] = average_precision(found, pooled, total[label])
    return scores


@dataclass(frozen=True, eq=False)
class _Column:
    """The scores and weights of all videos for one label, and its thresholds."""

    values: Floats
    weights: Floats | None
    thresholds: Floats

    def of(self, rows: Ints) -> Array:
        """Count some videos at or above the thresholds."""
        weights = None if self.weights is None else self.weights[rows]
        return at_or_above(self.values[rows], self.thresholds, weights)

    @cached_property
    def whole(self) -> Array:
        """How much of all videos is at or above the thresholds."""
        return at_or_above(self.values, self.thresholds, self.weights)


class _Choice:
    """Some videos, counted one by one or as all but the others, whichever are fewer."""

    def __init__(self, problem: Problem, stay: Bools | None) -> None:
        stay = np.ones(problem.n_videos, bool) if stay is None else stay
        outside = np.flatnonzero(~stay)
        # Differences of sums of weights would not be exact.
        subtracts = 2 * len(outside) <= problem.n_videos and problem.weights is None
        self.subtracts = subtracts or not len(outside)
        self.videos = outside if self.subtracts else np.flatnonzero(stay)

    def at_or_above(self, column: _Column) -> Array:
        if not self.subtracts:
            return column.of(self.videos)
        return column.whole - column.of(self.videos) if len(self.videos) else column.whole


def _places(problem: Problem, parts: list[Part]) -> list[list[tuple[int, int]]]:
    """For each label, the numbers of the parts that it is in, and its place there."""
    places: list[list[tuple[int, int]]] = [[] for _ in range(problem.n_labels)]
    for number, part in enumerate(parts):
        columns = range(part.n_labels) if part.columns is None else part.columns
        for place, label in enumerate(columns):
            places[label].append((number, place))
    return places


def _total(problem: Problem) -> Any:
    """Weight of the positives of each label."""
    labels, weights = problem.labels, problem.weights
    return labels.sum(axis=0) if weights is None else weights @ labels


def mean_over_classes(scores: Floats, empty_classes: str = "skip") -> float:
    """Average over the labels."""
    empty = np.isnan(scores)
    if empty_classes == "zero":
        return float(np.where(empty, 0.0, scores).mean())
    return float("nan") if empty.all() else float(scores[~empty].mean())


def _truncated_scores(problem: Problem, top_k: int) -> Floats:
    """As of `class_scores`, but only videos that have a label among their best are ranked."""
    scores, total = np.full(problem.n_labels, np.nan), _total(problem)
    for label, (hits, pool) in enumerate(_truncated_pools(problem, top_k)):
        if total[label]:
            thresholds, found = thresholds_of(*hits)
            pooled = at_or_above(pool[0], thresholds, pool[1])
            scores[label] = average_precision(found, pooled, total[label])
    return scores


def _truncated_pools(
    problem: Problem, top_k: int
) -> Iterator[tuple[tuple[Floats, Floats | None], ...]]:
    """Yield, for each label, scores and weights of its positives and all in the top-k pool."""
    found, pooled = list[tuple[Array, ...]](), list[tuple[Array, ...]]()
    for first, block in problem.row_blocks():
        mask = among_best(block, largest(block, top_k + 1), top_k)
        true = problem.labels[first : first + len(block)].toarray()
        for entries, chosen in ((pooled, mask), (found, mask & true)):
            videos, labels = (index.astype(np.int32) for index in np.nonzero(chosen))
            entries.append((block[chosen], videos + np.int32(first), labels))
    sides = []
    for entries in (found, pooled):
        scores, videos, labels = map(np.concatenate, zip(*entries, strict=True))
        sides.append(sp.csc_array((scores, (videos, labels)), shape=problem.labels.shape))
    for label in range(problem.n_labels):
        own = [slice(*side.indptr[[label, label + 1]]) for side in sides]
        yield tuple(
            (side.data[part], problem.weights_of(side.indices[part]))
            for side, part in zip(sides, own, strict=True)
        )
