"""The correlation tower: how related the modalities of a video are."""

from ..modules import ENCODERS
from ._tower import CorrelationTower
from ._tower import TowerFit as TowerFit

__all__ = ["ENCODERS", "CorrelationTower"]
