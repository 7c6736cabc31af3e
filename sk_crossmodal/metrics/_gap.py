"""Global average precision."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._types import Floats
from ._inputs import SampleWeight, prepare
from ._ranking import at_or_above, average_precision, thresholds_of
from ._subsets import LabelSubset, RankedSubset, rank
from ._validation import as_top_k

POOL_BLOCK = 2**22  # scores per sort when every score is in the pool


def gap_score(
    y_true: Any, y_score: ArrayLike, *, top_k: int | None = 20, sample_weight: SampleWeight = None
) -> float:
    """Compute the global average precision (GAP).

    The `top_k` best labels of all videos form one pool. GAP is the area under its
    precision-recall curve without interpolation: the mean, over **all** true labels, of the
    precision at the score of each label, where a true label outside the pool counts 0. Tied
    scores share one threshold, as in scikit-learn. Among labels with tied scores, those with the
    lowest index are in the pool.

    Parameters
    ----------
    y_true : {array-like, sparse array or matrix} of shape (n_videos, n_labels)
        True labels as a multilabel indicator of zeros and ones.
    y_score : array-like of shape (n_videos, n_labels)
        Scores, probabilities or logits, higher means more likely; maybe infinite, but not NaN.
    top_k : int or None, default=20
        Number of labels of each video in the pool. 20 is the convention of YouTube-8M; None
        takes all labels, which gives micro-averaged average precision.
    sample_weight : array-like of shape (n_videos,), default=None
        Weights of the videos; an integer weight equals that many copies, 0 leaves a video out.

    Returns
    -------
    float
        From 0 to 1, higher is better; 0.0 if there is no true label at all, as in Google's
        evaluator.

    Raises
    ------
    ValueError
        If arrays or parameters are not as above, or `y_score` contains NaN.

    See Also
    --------
    map_score : Average precision of each label, averaged.

    References
    ----------
    Section 4.2 of Goyal et al. (2020); the evaluator of google/youtube-8m.

    Examples
    --------
    >>> from sk_crossmodal.metrics import gap_score
    >>> y_true = [[1, 0, 1], [0, 0, 1]]
    >>> y_score = [[0.9, 0.8, 0.1], [0.3, 0.7, 0.2]]
    >>> print(f"{gap_score(y_true, y_score):.4f}")
    0.6333
    >>> print(f"{gap_score(y_true, y_score, top_k=1):.4f}")
    0.3333
    """
    top_k = as_top_k(top_k)
    return gap(rank(LabelSubset(prepare(y_true, y_score, sample_weight)), "top_k", top_k))


def gap(ranked: RankedSubset) -> float:
    """Compute GAP, with the pool of the ranked videos."""
    inputs = ranked.subset.inputs
    videos, scores = ranked.subset.videos, ranked.scores
    weights = inputs.weights_of(videos)
    total = len(videos) if weights is None else weights.sum()
    if not total:
        return 0.0
    blocks: Iterable[tuple[Floats | None, Floats]] = ranked.row_blocks(POOL_BLOCK)
    if ranked.pool.shape[1]:
        hits = ranked.hits["top_k"]
        videos, scores = videos[hits], scores[hits]
        blocks = [(ranked.weights, ranked.pool)]

    thresholds, found = thresholds_of(scores, inputs.weights_of(videos))
    pooled = np.zeros(len(thresholds), found.dtype)
    for weights, block in blocks:
        repeated = None if weights is None else np.repeat(weights, block.shape[1])
        pooled += at_or_above(block.ravel(), thresholds, repeated)
    return average_precision(found, pooled, total)
