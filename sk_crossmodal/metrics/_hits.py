"""Precision at equal recall rate and Hit@1."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._types import Array, Ints
from ..validation import check_flag, check_option
from ._inputs import SampleWeight, prepare
from ._subsets import Cutoff, LabelSubset, RankedSubset, rank

EMPTY_VIDEOS = ("zero", "skip")


def perr_score(
    y_true: Any,
    y_score: ArrayLike,
    *,
    empty_videos: str = "zero",
    positive_scores_only: bool = False,
    sample_weight: SampleWeight = None,
) -> float:
    """Compute the precision at equal recall rate (PERR).

    The precision of a video with m true labels is the share of true labels among its m best
    labels. PERR is the mean over the videos. Tied labels are ranked in the order of their index.

    Parameters
    ----------
    y_true : {array-like, sparse array or matrix} of shape (n_videos, n_labels)
        True labels as a multilabel indicator of zeros and ones.
    y_score : array-like of shape (n_videos, n_labels)
        Scores, probabilities or logits, higher means more likely; maybe infinite, but not NaN.
    empty_videos : {"zero", "skip"}, default="zero"
        Whether videos without a true label count 0, as in Google's evaluator, or are left out.
    positive_scores_only : bool, default=False
        Whether a score of 0 or less is never a hit, as in Google's evaluator. Use this with
        probabilities only.
    sample_weight : array-like of shape (n_videos,), default=None
        Weights of the videos; an integer weight equals that many copies, 0 leaves a video out.

    Returns
    -------
    float
        From 0 to 1, higher is better; NaN if `empty_videos="skip"` leaves no video.

    Raises
    ------
    ValueError
        If arrays or parameters are not as above, or `y_score` contains NaN.

    See Also
    --------
    hit_at_1_score : The same for the best label only.

    References
    ----------
    Section 4.2 of Goyal et al. (2020); the evaluator of google/youtube-8m.

    Examples
    --------
    >>> from sk_crossmodal.metrics import perr_score
    >>> y_true = [[1, 0, 1], [0, 0, 1]]
    >>> y_score = [[0.9, 0.8, 0.1], [0.3, 0.7, 0.2]]
    >>> perr_score(y_true, y_score)
    0.25
    """
    check_option("empty_videos", empty_videos, EMPTY_VIDEOS)
    check_flag("positive_scores_only", positive_scores_only)
    ranked = rank(LabelSubset(prepare(y_true, y_score, sample_weight)), "n_true")
    if positive_scores_only:
        ranked.hits["n_true"] &= ranked.scores > 0
    return perr(ranked, empty_videos)


def hit_at_1_score(
    y_true: Any,
    y_score: ArrayLike,
    *,
    empty_videos: str = "zero",
    sample_weight: SampleWeight = None,
) -> float:
    """Compute Hit@1, the share of videos whose best label is true.

    If several labels share the best score, the one with the lowest index is the best.

    Parameters
    ----------
    y_true : {array-like, sparse array or matrix} of shape (n_videos, n_labels)
        True labels as a multilabel indicator of zeros and ones.
    y_score : array-like of shape (n_videos, n_labels)
        Scores, probabilities or logits, higher means more likely; maybe infinite, but not NaN.
    empty_videos : {"zero", "skip"}, default="zero"
        Whether videos without a true label count 0, as in Google's evaluator, or are left out.
    sample_weight : array-like of shape (n_videos,), default=None
        Weights of the videos; an integer weight equals that many copies, 0 leaves a video out.

    Returns
    -------
    float
        From 0 to 1, higher is better; NaN if `empty_videos="skip"` leaves no video.

    Raises
    ------
    ValueError
        If arrays or parameters are not as above, or `y_score` contains NaN.

    See Also
    --------
    perr_score : The same for as many labels as the video has.

    References
    ----------
    Section 4.2 of Goyal et al. (2020); the evaluator of google/youtube-8m.

    Examples
    --------
    >>> from sk_crossmodal.metrics import hit_at_1_score
    >>> y_true = [[1, 0, 1], [0, 0, 1]]
    >>> y_score = [[0.9, 0.8, 0.1], [0.3, 0.7, 0.2]]
    >>> hit_at_1_score(y_true, y_score)
    0.5
    """
    check_option("empty_videos", empty_videos, EMPTY_VIDEOS)
    ranked = rank(LabelSubset(prepare(y_true, y_score, sample_weight)), 1)
    return hit_at_1(ranked, empty_videos)


def perr(ranked: RankedSubset, empty_videos: str = "zero") -> float:
    """Compute PERR."""
    return _mean_over_videos(ranked, precision_of_videos(ranked), empty_videos)


def hit_at_1(ranked: RankedSubset, empty_videos: str = "zero") -> float:
    """Compute Hit@1."""
    return _mean_over_videos(ranked, hits_of_videos(ranked), empty_videos)


def precision_of_videos(ranked: RankedSubset) -> Array:
    """Compute the precision of each video among as many labels as it has."""
    return hits_of_videos(ranked, "n_true") / np.maximum(ranked.subset.n_true, 1)


def hits_of_videos(ranked: RankedSubset, cutoff: Cutoff = 1) -> Ints:
    """Count the true labels of each video that are among its best."""
    subset = ranked.subset
    return np.bincount(subset.videos[ranked.hits[cutoff]], minlength=len(subset.n_true))


def _mean_over_videos(ranked: RankedSubset, values: Array, empty_videos: str) -> float:
    included = ranked.subset.n_true > 0 if empty_videos == "skip" else ranked.included
    rows = slice(None) if included is None else included
    if not values[rows].size:
        return float("nan")
    return float(np.average(values[rows], weights=ranked.subset.inputs.weights_of(rows)))
