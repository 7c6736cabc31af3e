"""Plots and tables of a model's behaviour and of its errors."""

from ._attention import AttentionDisplay
from ._checks import as_names as as_names
from ._compare import compare_predictions, compare_report
from ._comparison import ComparisonReport
from ._correlation import CorrelationDisplay
from ._display import BLUE as BLUE
from ._display import GREEN as GREEN
from ._display import GREY as GREY
from ._display import ORANGE as ORANGE
from ._display import draw_grid as draw_grid
from ._display import hide_spines as hide_spines
from ._display import make_axes as make_axes
from ._errors import ErrorRatesDisplay
from ._examples import ErrorExamples, Example, error_examples
from ._gains import CategoryGainDisplay
from ._history import TrainingCurveDisplay
from ._influence import InfluenceDisplay
from ._outputs import wrapped_estimator as wrapped_estimator
from ._tree import HierarchyDisplay
from ._weights import NegativeWeightDisplay

__all__ = [
    "AttentionDisplay",
    "CategoryGainDisplay",
    "ComparisonReport",
    "CorrelationDisplay",
    "ErrorExamples",
    "ErrorRatesDisplay",
    "Example",
    "HierarchyDisplay",
    "InfluenceDisplay",
    "NegativeWeightDisplay",
    "TrainingCurveDisplay",
    "compare_predictions",
    "compare_report",
    "error_examples",
]
