"""Hierarchies of labels, and the binarizer that closes label sets upward."""

from ._binarizer import HierarchyLabelBinarizer
from ._label_hierarchy import LabelHierarchy

__all__ = ["HierarchyLabelBinarizer", "LabelHierarchy"]
