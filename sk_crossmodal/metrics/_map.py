"""Mean average precision."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from .._types import Array, Bools, Floats, Ints
from ..validation import check_option
from ._inputs import SampleWeight, ScoringInput, prepare
from ._ranking import among_best, at_or_above, average_precision, largest, thresholds_of
from ._subsets import LabelSubset
from ._validation import as_top_k

EMPTY_CLASSES = ("skip", "zero")


def map_score(
    y_true: Any,
    y_score: ArrayLike,
    *,
    top_k: int | None = None,
    empty_classes: str = "skip",
    sample_weight: SampleWeight = None,
) -> float:
    """Compute the mean average precision (MAP).

    The average precision of each label over all videos, without interpolation and with one
    threshold for tied scores, averaged over the labels.

    Parameters
    ----------
    y_true : {array-like, sparse array or matrix} of shape (n_videos, n_labels)
        True labels as a multilabel indicator of zeros and ones.
    y_score : array-like of shape (n_videos, n_labels)
        Scores, probabilities or logits, higher means more likely; maybe infinite, but not NaN.
    top_k : int or None, default=None
        None ranks all videos for each label. An integer ranks only those videos that have
        the label among their `top_k` best, and other true labels count as missed. Google's
        evaluator uses 20.
    empty_classes : {"skip", "zero"}, default="skip"
        Whether labels that no video has are left out of the mean, or count 0.
    sample_weight : array-like of shape (n_videos,), default=None
        Weights of the videos; an integer weight equals that many copies, 0 leaves a video out.
        Every label counts the same in the mean.

    Returns
    -------
    float
        From 0 to 1, higher is better; NaN if `empty_classes="skip"` leaves no label.

    Raises
    ------
    ValueError
        If arrays or parameters are not as above, or `y_score` contains NaN.

    See Also
    --------
    gap_score : Average precision of all labels in one pool.

    References
    ----------
    Section 4.2 of Goyal et al. (2020); the evaluator of google/youtube-8m.

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
    top_k = as_top_k(top_k)
    check_option("empty_classes", empty_classes, EMPTY_CLASSES)
    inputs = prepare(y_true, y_score, sample_weight)
    if top_k is not None and top_k < inputs.n_labels:
        precisions = _truncated_precisions(inputs, top_k)
    else:
        precisions = average_precisions(inputs)
    return mean_over_classes(precisions, empty_classes)


def average_precisions(inputs: ScoringInput) -> Floats:
    """Compute the average precision of every label, NaN for those that no video has."""
    return average_precisions_of([(LabelSubset(inputs), None)])[0]


def average_precisions_of(selections: list[tuple[LabelSubset, Bools | None]]) -> list[Floats]:
    """Compute average precisions for several subsets of labels and videos in one pass."""
    inputs = selections[0][0].inputs
    precisions = [np.full(subset.n_labels, np.nan) for subset, _ in selections]
    counters = [_VideoCounter(inputs, included) for _, included in selections]
    places = _places(inputs, [subset for subset, _ in selections])
    truth, total = inputs.labels.tocsc(), _total(inputs)
    for label, values in enumerate(inputs.columns()):
        if not (total[label] and places[label]):
            continue
        videos = truth.indices[slice(*truth.indptr[[label, label + 1]])]
        thresholds, found = thresholds_of(values[videos], inputs.weights_of(videos))
        column = _Column(values, inputs.weights, thresholds)
        for number, place in places[label]:
            pooled = counters[number].at_or_above(column)
            precisions[number][place] = average_precision(found, pooled, total[label])
    return precisions


@dataclass(frozen=True, eq=False)
class _Column:
    """The scores and weights of all videos for one label, and its thresholds."""

    values: Floats
    weights: Floats | None
    thresholds: Floats

    def count(self, rows: Ints) -> Array:
        """Count some videos at or above the thresholds."""
        weights = None if self.weights is None else self.weights[rows]
        return at_or_above(self.values[rows], self.thresholds, weights)

    @cached_property
    def count_all(self) -> Array:
        """All videos at or above the thresholds, counted or weighed."""
        return at_or_above(self.values, self.thresholds, self.weights)


class _VideoCounter:
    """Counts some videos one by one, or subtracts the others from all, whichever are fewer."""

    def __init__(self, inputs: ScoringInput, included: Bools | None) -> None:
        included = np.ones(inputs.n_videos, bool) if included is None else included
        excluded = np.flatnonzero(~included)
        # Differences of sums of weights would not be exact.
        subtracts = 2 * len(excluded) <= inputs.n_videos and inputs.weights is None
        self.subtracts = subtracts or not len(excluded)
        self.videos = excluded if self.subtracts else np.flatnonzero(included)

    def at_or_above(self, column: _Column) -> Array:
        if not self.subtracts:
            return column.count(self.videos)
        return (
            column.count_all - column.count(self.videos) if len(self.videos) else column.count_all
        )


def _places(inputs: ScoringInput, subsets: list[LabelSubset]) -> list[list[tuple[int, int]]]:
    """For each label, the numbers of the subsets that contain it, and its place there."""
    places: list[list[tuple[int, int]]] = [[] for _ in range(inputs.n_labels)]
    for number, subset in enumerate(subsets):
        columns = range(subset.n_labels) if subset.columns is None else subset.columns
        for place, label in enumerate(columns):
            places[label].append((number, place))
    return places


def _total(inputs: ScoringInput) -> Any:
    """Weight of the positives of each label."""
    labels, weights = inputs.labels, inputs.weights
    return labels.sum(axis=0) if weights is None else weights @ labels


def mean_over_classes(precisions: Floats, empty_classes: str = "skip") -> float:
    """Average over the labels."""
    empty = np.isnan(precisions)
    if empty_classes == "zero":
        return float(np.where(empty, 0.0, precisions).mean())
    return float("nan") if empty.all() else float(precisions[~empty].mean())


def _truncated_precisions(inputs: ScoringInput, top_k: int) -> Floats:
    """Compute average precisions where only videos with a label among their best are ranked."""
    precisions, total = np.full(inputs.n_labels, np.nan), _total(inputs)
    for label, (hits, pool) in enumerate(_truncated_pools(inputs, top_k)):
        if total[label]:
            thresholds, found = thresholds_of(*hits)
            pooled = at_or_above(pool[0], thresholds, pool[1])
            precisions[label] = average_precision(found, pooled, total[label])
    return precisions


def _truncated_pools(
    inputs: ScoringInput, top_k: int
) -> Iterator[tuple[tuple[Floats, Floats | None], ...]]:
    """Yield, for each label, scores and weights of its positives and all in the top-k pool."""
    found, pooled = list[tuple[Array, ...]](), list[tuple[Array, ...]]()
    for first, block in inputs.row_blocks():
        mask = among_best(block, largest(block, top_k + 1), top_k)
        true = inputs.labels[first : first + len(block)].toarray()
        for entries, chosen in ((pooled, mask), (found, mask & true)):
            videos, labels = (index.astype(np.int32) for index in np.nonzero(chosen))
            entries.append((block[chosen], videos + np.int32(first), labels))
    pools = []
    for entries in (found, pooled):
        scores, videos, labels = map(np.concatenate, zip(*entries, strict=True))
        pools.append(sp.csc_array((scores, (videos, labels)), shape=inputs.labels.shape))
    for label in range(inputs.n_labels):
        own = [slice(*pool.indptr[[label, label + 1]]) for pool in pools]
        yield tuple(
            (pool.data[entries], inputs.weights_of(pool.indices[entries]))
            for pool, entries in zip(pools, own, strict=True)
        )
