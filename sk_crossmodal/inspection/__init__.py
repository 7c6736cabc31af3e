"""What people look at: pictures and tables of what a model does and how well."""

from ._attention import AttentionDisplay
from ._compare import compare_predictions, compare_report
from ._comparison import ComparisonReport
from ._correlation import CorrelationDisplay
from ._examples import ErrorExamples, Example, error_examples
from ._history import TrainingCurveDisplay
from ._influence import InfluenceDisplay

__all__ = [
    "AttentionDisplay",
    "ComparisonReport",
    "CorrelationDisplay",
    "ErrorExamples",
    "Example",
    "InfluenceDisplay",
    "TrainingCurveDisplay",
    "compare_predictions",
    "compare_report",
    "error_examples",
]
