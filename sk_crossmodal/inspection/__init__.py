"""What people look at: pictures and tables of what a model does and how well."""

from ._attention import AttentionDisplay
from ._compare import compare_predictions, compare_report
from ._comparison import ComparisonReport
from ._correlation import CorrelationDisplay

__all__ = [
    "AttentionDisplay",
    "ComparisonReport",
    "CorrelationDisplay",
    "compare_predictions",
    "compare_report",
]
