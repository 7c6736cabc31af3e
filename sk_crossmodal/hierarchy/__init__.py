"""Hierarchies of labels, and the binarizer of label sets."""

from ._binarizer import HierarchyLabelBinarizer
from ._label_hierarchy import LabelHierarchy

__all__ = ["HierarchyLabelBinarizer", "LabelHierarchy"]
