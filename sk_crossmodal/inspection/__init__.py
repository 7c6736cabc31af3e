"""What people look at: pictures and tables of what a model does and how well."""

from ._attention import AttentionDisplay
from ._compare import compare_predictions, compare_report
from ._comparison import ComparisonReport
from ._correlation import CorrelationDisplay
from ._errors import ErrorRatesDisplay
from ._examples import ErrorExamples, Example, error_examples
from ._gains import CategoryGainDisplay
from ._history import TrainingCurveDisplay
from ._influence import InfluenceDisplay
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
