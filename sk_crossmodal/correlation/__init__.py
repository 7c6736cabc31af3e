"""The correlation tower: how related the modalities of a video are."""

from ..modules import ENCODERS
from ._tower import CorrelationTower
from ._tower import NoNegativePairsError as NoNegativePairsError
from ._tower import correlation_inputs as correlation_inputs

__all__ = ["ENCODERS", "CorrelationTower"]
