"""The correlation tower: how related the modalities of a video are."""

from ._encoders import ENCODERS
from ._tower import CorrelationTower

__all__ = ["ENCODERS", "CorrelationTower"]
