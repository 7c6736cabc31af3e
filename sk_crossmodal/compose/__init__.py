"""What composes estimators: transformers of modalities, and of labels."""

from ._modality import ModalityTransformer
from ._target import TransformedTargetClassifier

__all__ = ["ModalityTransformer", "TransformedTargetClassifier"]
