"""Precision at equal recall rate and Hit@1."""

import numpy as np

from ._problem import prepare
from ._ranking import rank_positives
from ._validation import check_option

EMPTY_VIDEOS = ("zero", "skip")


def perr_score(
    y_true, y_score, *, empty_videos="zero", positive_scores_only=False, sample_weight=None
):
    """Compute the precision at equal recall rate (PERR).

    For a video with m true labels: how many of its m best labels are true, over m; averaged
    over the videos. Tied labels are taken in the order of their index.

    Parameters
    ----------
    y_true : {array-like, sparse array or matrix} of shape (n_videos, n_labels)
        True labels as a multilabel indicator of zeros and ones.
    y_score : array-like of shape (n_videos, n_labels)
        Scores, probabilities or logits; higher means more likely. Infinite scores are
        allowed, NaN is not.
    empty_videos : {"zero", "skip"}, default="zero"
        Videos without a true label count 0, as in Google's evaluator, or are left out.
    positive_scores_only : bool, default=False
        Whether a score of 0 or less is never a hit, as in Google's evaluator. This makes
        sense for probabilities only.
    sample_weight : array-like of shape (n_videos,), default=None
        Weights of the videos: an integer weight counts as so many copies, a video of weight
        zero is absent.

    Returns
    -------
    float
        From 0 to 1, higher is better; NaN if `empty_videos="skip"` leaves no video.

    Raises
    ------
    ValueError
        If the inputs do not have one 2-D shape, `y_true` holds anything but 0 and 1,
        `y_score` holds NaN, or a parameter is not one of those above.

    See Also
    --------
    hit_at_1_score : Looks at the best label only.

    References
    ----------
    Section 4.2 of P. Goyal, S. Sahu, S. Ghosh and C. Lee, "Cross-modal Learning for
    Multi-modal Video Categorization", 2020; the evaluator of google/youtube-8m.

    Examples
    --------
    >>> from sk_crossmodal.metrics import perr_score
    >>> y_true = [[1, 0, 1], [0, 0, 1]]
    >>> y_score = [[0.9, 0.8, 0.1], [0.3, 0.7, 0.2]]
    >>> perr_score(y_true, y_score)
    0.25
    """
    check_option("empty_videos", empty_videos, EMPTY_VIDEOS)
    problem = prepare(y_true, y_score, sample_weight)
    hits = perr_hits(problem)
    if positive_scores_only:
        hits &= problem.positive_scores() > 0
    return perr_of_hits(problem, hits, empty_videos)


def hit_at_1_score(y_true, y_score, *, empty_videos="zero", sample_weight=None):
    """Compute Hit@1: how often the best label of a video is a true one.

    If several labels share the best score, the one of the lowest index is taken.

    Parameters
    ----------
    y_true : {array-like, sparse array or matrix} of shape (n_videos, n_labels)
        True labels as a multilabel indicator of zeros and ones.
    y_score : array-like of shape (n_videos, n_labels)
        Scores, probabilities or logits; higher means more likely. Infinite scores are
        allowed, NaN is not.
    empty_videos : {"zero", "skip"}, default="zero"
        Videos without a true label count 0, as in Google's evaluator, or are left out.
    sample_weight : array-like of shape (n_videos,), default=None
        Weights of the videos: an integer weight counts as so many copies, a video of weight
        zero is absent.

    Returns
    -------
    float
        From 0 to 1, higher is better; NaN if `empty_videos="skip"` leaves no video.

    Raises
    ------
    ValueError
        If the inputs do not have one 2-D shape, `y_true` holds anything but 0 and 1,
        `y_score` holds NaN, or a parameter is not one of those above.

    See Also
    --------
    perr_score : Looks at as many labels as a video has.

    References
    ----------
    Section 4.2 of P. Goyal, S. Sahu, S. Ghosh and C. Lee, "Cross-modal Learning for
    Multi-modal Video Categorization", 2020; the evaluator of google/youtube-8m.

    Examples
    --------
    >>> from sk_crossmodal.metrics import hit_at_1_score
    >>> y_true = [[1, 0, 1], [0, 0, 1]]
    >>> y_score = [[0.9, 0.8, 0.1], [0.3, 0.7, 0.2]]
    >>> hit_at_1_score(y_true, y_score)
    0.5
    """
    check_option("empty_videos", empty_videos, EMPTY_VIDEOS)
    problem = prepare(y_true, y_score, sample_weight)
    return hit_at_1_of_hits(problem, best_hits(problem), empty_videos)


def perr_hits(problem):
    """Say which true labels are among the best m of their video, m its number of them.

    Parameters
    ----------
    problem : Problem
        Labels and scores.

    Returns
    -------
    ndarray of shape (n_positives,)
        Boolean.
    """
    return rank_positives(problem, [problem.n_true])[0][0]


def best_hits(problem):
    """Say which true labels are the best of their video.

    Parameters
    ----------
    problem : Problem
        Labels and scores.

    Returns
    -------
    ndarray of shape (n_positives,)
        Boolean.
    """
    return rank_positives(problem, [1])[0][0]


def perr_of_hits(problem, hits, empty_videos="zero"):
    """Compute PERR from `perr_hits`.

    Parameters
    ----------
    problem : Problem
        Labels and scores.
    hits : ndarray of shape (n_positives,)
        Which true labels are hits.
    empty_videos : {"zero", "skip"}, default="zero"
        What to do with videos without a true label.

    Returns
    -------
    float
        The score.
    """
    precision = _hits_of_videos(problem, hits) / np.maximum(problem.n_true, 1)
    return _mean_over_videos(problem, precision, empty_videos)


def hit_at_1_of_hits(problem, hits, empty_videos="zero"):
    """Compute Hit@1 from `best_hits`.

    Parameters
    ----------
    problem : Problem
        Labels and scores.
    hits : ndarray of shape (n_positives,)
        Which true labels are hits.
    empty_videos : {"zero", "skip"}, default="zero"
        What to do with videos without a true label.

    Returns
    -------
    float
        The score.
    """
    return _mean_over_videos(problem, _hits_of_videos(problem, hits), empty_videos)


def _hits_of_videos(problem, hits):
    videos, _ = problem.positives
    return np.bincount(videos[hits], minlength=problem.n_videos)


def _mean_over_videos(problem, values, empty_videos):
    counted = problem.n_true > 0 if empty_videos == "skip" else slice(None)
    values = values[counted]
    if not values.size:
        return float("nan")
    weights = None if problem.weights is None else problem.weights[counted]
    return float(np.average(values, weights=weights))
