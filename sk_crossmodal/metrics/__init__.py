"""Scores of multi-label video categorization, also by level of a label hierarchy.

The scores are those of Section 4.2 of Goyal, Sahu, Ghosh and Lee, "Cross-modal Learning for
Multi-modal Video Categorization" (2020), and of the evaluator of google/youtube-8m. Higher is
better; the paper prints error rates, ``100 * (1 - score)``. Add more scores to ``SCORES``.
"""

from ._gap import gap_score
from ._hits import hit_at_1_score, perr_score
from ._inputs import match_columns as match_columns
from ._inputs import prepare as prepare
from ._label_sets import as_indicator as as_indicator
from ._label_sets import holds_label_sets as holds_label_sets
from ._levels import group_columns as group_columns
from ._levels import level_columns as level_columns
from ._levels import row_columns as row_columns
from ._map import average_precisions as average_precisions
from ._map import map_score
from ._report import HierarchyReport, hierarchy_report
from ._resampling import draw_weights as draw_weights
from ._scorers import gap_scorer, hierarchy_scorers, hit_at_1_scorer, map_scorer, perr_scorer
from ._scores import SCORES, Score
from ._scores import resampled_scores as resampled_scores
from ._validation import as_labels as as_labels

__all__ = [
    "SCORES",
    "HierarchyReport",
    "Score",
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
