"""What people look at: pictures and tables of what a model does and how well."""

from ._attention import AttentionDisplay
from ._compare import ComparisonReport, compare_report
from ._correlation import CorrelationDisplay
from ._history import TrainingCurveDisplay
from ._influence import InfluenceDisplay

__all__ = [
    "AttentionDisplay",
    "ComparisonReport",
    "CorrelationDisplay",
    "InfluenceDisplay",
    "TrainingCurveDisplay",
    "compare_report",
]
