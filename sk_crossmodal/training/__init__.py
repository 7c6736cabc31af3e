"""How networks are trained and applied: the only room that knows skorch."""

from ._checks import check_number, check_option, check_sizes
from ._data import Batch, FrameDataset
from ._estimator import NetworkEstimator
from ._net import MultimodalNet, WeightedLoss
from ._targets import Targets, check_y

__all__ = [
    "Batch",
    "FrameDataset",
    "MultimodalNet",
    "NetworkEstimator",
    "Targets",
    "WeightedLoss",
    "check_number",
    "check_option",
    "check_sizes",
    "check_y",
]
