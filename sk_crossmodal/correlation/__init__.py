"""The correlation tower: how related the modalities of a video are."""

from ..modules import ENCODERS
from ._tower import CorrelationTower

__all__ = ["ENCODERS", "CorrelationTower"]
