"""The correlation tower: how related the modalities of a video are."""

from ._tower import CorrelationTower

__all__ = ["CorrelationTower"]
