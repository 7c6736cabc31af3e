"""Cross-modal video classifiers for scikit-learn.

An implementation of Goyal, Sahu, Ghosh, Lee, "Cross-modal Learning for Multi-modal Video
Categorization" (2020).
"""

from .classification import (
    CrossModalNetVLADClassifier,
    CrossModalRNNClassifier,
    CrossModalTransformerClassifier,
)
from .compose import ModalityTransformer, TransformedTargetClassifier
from .correlation import CorrelationTower
from .hierarchy import HierarchyLabelBinarizer, LabelHierarchy
from .multimodal import MultimodalArray
from .persistence import export_model, load_model, save_model

__all__ = [
    "CorrelationTower",
    "CrossModalNetVLADClassifier",
    "CrossModalRNNClassifier",
    "CrossModalTransformerClassifier",
    "HierarchyLabelBinarizer",
    "LabelHierarchy",
    "ModalityTransformer",
    "MultimodalArray",
    "TransformedTargetClassifier",
    "export_model",
    "load_model",
    "save_model",
]
