"""What people look at: pictures and tables of what a model does and how well."""

from ._attention import AttentionDisplay
from ._compare import compare_predictions, compare_report
from ._comparison import ComparisonReport
from ._correlation import CorrelationDisplay
from ._errors import ErrorRatesDisplay
from ._gains import CategoryGainDisplay
from ._tree import HierarchyDisplay
from ._weights import NegativeWeightDisplay

__all__ = [
    "AttentionDisplay",
    "CategoryGainDisplay",
    "ComparisonReport",
    "CorrelationDisplay",
    "ErrorRatesDisplay",
    "HierarchyDisplay",
    "NegativeWeightDisplay",
    "compare_predictions",
    "compare_report",
]
