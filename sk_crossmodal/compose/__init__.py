"""Estimators that contain others: transformers per modality, and of labels."""

from ._modality import ModalityTransformer
from ._state import check_feature_names as check_feature_names
from ._target import TransformedTargetClassifier

__all__ = ["ModalityTransformer", "TransformedTargetClassifier"]
