"""Hierarchies of labels, and the binarizer of label sets."""

from ._binarizer import HierarchyLabelBinarizer
from ._label_hierarchy import LabelHierarchy
from ._looks import indicator_width as indicator_width
from ._looks import warn_of_lists as warn_of_lists
from ._looks import warn_of_split_names as warn_of_split_names
from ._samples import refuse_indicator as refuse_indicator

__all__ = ["HierarchyLabelBinarizer", "LabelHierarchy"]
