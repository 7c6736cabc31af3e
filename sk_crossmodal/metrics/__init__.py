"""The scores of multi-label video categorization, per level of a label hierarchy too.

Four scores, as in Section 4.2 of Goyal, Sahu, Ghosh and Lee, "Cross-modal Learning for
Multi-modal Video Categorization" (2020), and as the evaluator of google/youtube-8m computes
them: global average precision, mean average precision, precision at equal recall rate and
Hit@1. All are scores: higher is better. The paper prints error rates, ``100 * (1 - score)``.

This room needs numpy, scipy and scikit-learn only, and knows no estimator.
"""

from ._gap import gap_score
from ._hits import hit_at_1_score, perr_score
from ._label_sets import as_indicator as as_indicator
from ._label_sets import holds_label_sets as holds_label_sets
from ._levels import row_columns as row_columns
from ._map import average_precisions as average_precisions
from ._map import map_score
from ._problem import prepare as prepare
from ._report import HierarchyReport, hierarchy_report
from ._resampling import draw_weights as draw_weights
from ._resampling import resampled_scores as resampled_scores
from ._scorers import (
    gap_scorer,
    hierarchy_scorers,
    hit_at_1_scorer,
    map_scorer,
    perr_scorer,
)
from ._validation import check_labels as check_labels

__all__ = [
    "HierarchyReport",
    "gap_score",
    "gap_scorer",
    "hierarchy_report",
    "hierarchy_scorers",
    "hit_at_1_score",
    "hit_at_1_scorer",
    "map_score",
    "map_scorer",
    "perr_score",
    "perr_scorer",
]
