"""Cross-modal video classifiers for scikit-learn.

An implementation of Goyal, Sahu, Ghosh, Lee, "Cross-modal Learning for Multi-modal Video
Categorization" (2020).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_SUBPACKAGES = {
    "classification": (
        "CrossModalNetVLADClassifier",
        "CrossModalRNNClassifier",
        "CrossModalTransformerClassifier",
    ),
    "compose": ("ModalityTransformer", "TransformedTargetClassifier"),
    "correlation": ("CorrelationTower",),
    "hierarchy": ("HierarchyLabelBinarizer", "LabelHierarchy"),
    "multimodal": ("MultimodalArray",),
    "persistence": ("export_model", "load_model", "save_model"),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for: torch takes seconds, and --help needs none."""
    for subpackage, names in _SUBPACKAGES.items():
        if name in names:
            thing = getattr(import_module(f".{subpackage}", __name__), name)
            globals()[name] = thing
            return thing
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
