"""The registry of scores, and their computation for subsets of the labels."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._registry import Registry
from .._types import Array, Floats
from ._gap import gap, gap_score
from ._hits import hit_at_1, hit_at_1_score, perr, perr_score
from ._inputs import ScoringInput
from ._map import average_precisions_of, map_score, mean_over_classes
from ._resampling import (
    included_videos,
    resampled_gap,
    resampled_hit_at_1,
    resampled_map,
    resampled_perr,
)
from ._subsets import Columns, Cutoff, LabelSubset, RankedSubset, rank_subsets


@dataclass(frozen=True, eq=False)
class Score:
    """A score of predicted labels, as an entry of ``SCORES``.

    ``SCORES`` has the scores of the paper: "gap", "map", "perr" and "hit_at_1". Each score that
    you add by ``SCORES.register(name, score)`` is a column of :func:`hierarchy_report`, is in
    the dict of :func:`hierarchy_scorers`, and gets intervals from
    :func:`~sk_crossmodal.inspection.compare_predictions`.

    Parameters
    ----------
    heading : str
        The heading of its column in tables.
    compute : callable
        A function ``compute(y_true, y_score, sample_weight=None)`` that returns a float from 0
        to 1, higher is better. It gets the videos and labels of one row of a report: `y_true`
        as an ndarray of bool and `y_score` as one of float, both of shape (n_videos, n_labels)
        and not empty, and `sample_weight` as an ndarray of numbers above 0 of shape (n_videos,),
        or None.
    description : str, default=""
        A sentence that explains the score.

    See Also
    --------
    hierarchy_report : Computes all scores by level of a hierarchy.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_crossmodal.metrics import SCORES, Score
    >>> def exact(y_true, y_score, sample_weight=None):
    ...     return np.average(((y_score > 0.5) == y_true).all(axis=1), weights=sample_weight)
    >>> exact_match = Score("Exact", exact, "Share of videos with all labels right.")
    >>> exact_match.compute(np.eye(2), np.array([[0.9, 0.1], [0.7, 0.6]]))
    np.float64(0.5)
    >>> list(SCORES)
    ['gap', 'map', 'perr', 'hit_at_1']
    """

    heading: str
    compute: Callable[..., float]
    description: str = ""

    @property
    def name(self) -> str:
        """The name in ``SCORES``; the heading if it is not registered."""
        return SCORES.name_of(self) or self.heading

    def _evaluate(self, ranked: Sequence[RankedSubset]) -> list[float]:
        """Compute the score of each subset; none is empty."""
        return [float(self.compute(*one.arrays(), sample_weight=one.weights)) for one in ranked]

    def _resample(self, ranked: RankedSubset, drawn: Array) -> Floats:
        """Compute the score for each column of weights, NaN where no video is left."""
        y_true, y_score = ranked.arrays()
        scores = np.full(drawn.shape[1], np.nan)
        for i, weights in enumerate(drawn[included_videos(ranked)].T.astype(float)):
            rows = weights > 0
            if rows.any():
                scores[i] = self.compute(y_true[rows], y_score[rows], sample_weight=weights[rows])
        return scores


@dataclass(frozen=True, eq=False, kw_only=True)
class RankingScore(Score):
    """A score that is computed from the ranks of the true labels, much faster."""

    cutoff: Cutoff
    of_ranks: Callable[[RankedSubset], float]
    resampled: Callable[[RankedSubset, Array], Floats]

    def _evaluate(self, ranked: Sequence[RankedSubset]) -> list[float]:
        return [self.of_ranks(one) for one in ranked]

    def _resample(self, ranked: RankedSubset, drawn: Array) -> Floats:
        return self.resampled(ranked, drawn)


class MeanOverLabels(Score):
    """MAP: it reads the scores once more, by label, for all subsets together."""

    def _evaluate(self, ranked: Sequence[RankedSubset]) -> list[float]:
        selections = [(one.subset, one.included) for one in ranked]
        return [mean_over_classes(each) for each in average_precisions_of(selections)]

    def _resample(self, ranked: RankedSubset, drawn: Array) -> Floats:
        return resampled_map(ranked, drawn)


SCORES: Registry[Score] = Registry(
    "score",
    gap=RankingScore(
        "GAP",
        gap_score,
        "GAP is the average precision of the 20 best labels of all videos together.",
        cutoff="top_k",
        of_ranks=gap,
        resampled=resampled_gap,
    ),
    map=MeanOverLabels(
        "MAP",
        map_score,
        "MAP is the average precision of the videos ranked for one label, averaged over labels.",
    ),
    perr=RankingScore(
        "PERR",
        perr_score,
        "PERR is the precision among as many best labels as the video has true ones.",
        cutoff="n_true",
        of_ranks=perr,
        resampled=resampled_perr,
    ),
    hit_at_1=RankingScore(
        "Hit@1",
        hit_at_1_score,
        "Hit@1 is the share of videos whose best label is true.",
        cutoff=1,
        of_ranks=hit_at_1,
        resampled=resampled_hit_at_1,
    ),
)


def subset_scores(
    inputs: ScoringInput, columns: Columns, scores: Mapping[str, Score], **options: Any
) -> dict[str, Array]:
    """Compute scores by subset of the labels, with one pass by rows and one by columns."""
    ranked = _rank(inputs, columns, scores.values(), **options)
    table = {
        "n_videos": np.array([one.n_videos for one in ranked]),
        "n_labels": np.array([one.subset.n_labels for one in ranked]),
    }
    counted = np.flatnonzero((table["n_videos"] > 0) & (table["n_labels"] > 0))
    for name, score in scores.items():
        table[name] = np.full(len(ranked), np.nan)
        if len(counted):
            table[name][counted] = score._evaluate([ranked[i] for i in counted])
    return table


def resampled_scores(
    inputs: ScoringInput, columns: Columns, scores: Iterable[str], drawn: Array, **options: Any
) -> dict[str, Floats]:
    """Compute scores by subset of the labels and resample, (n_subsets, n_resamples) each."""
    chosen = {name: SCORES[name] for name in scores}
    ranked = _rank(inputs, columns, chosen.values(), **options)
    table = {}
    for name, score in chosen.items():
        table[name] = np.full((len(ranked), drawn.shape[1]), np.nan)
        for i, one in enumerate(ranked):
            if one.subset.n_labels:
                table[name][i] = score._resample(one, drawn)
    return table


def _rank(
    inputs: ScoringInput,
    columns: Columns,
    scores: Iterable[Score],
    *,
    top_k: int | None,
    rows: str,
    threshold: float,
) -> list[RankedSubset]:
    subsets = [LabelSubset(inputs, own) for own in columns]
    cutoffs = [score.cutoff for score in scores if isinstance(score, RankingScore)]
    rules = ["all" if own is None else rows for own in columns]
    return rank_subsets(subsets, cutoffs, top_k, rules, threshold)
