"""How networks are trained and applied: the only room that knows skorch."""

from skorch.helper import SliceDict as SliceDict

from ._checks import check_number, check_option, check_sizes, check_widths
from ._data import Batch, FrameDataset, Videos
from ._device import resolve_device
from ._estimator import NetworkEstimator
from ._net import MultimodalNet, WeightedLoss
from ._processes import Processes
from ._restored import net_around
from ._targets import Targets, check_y
from ._train import EpochTasks

__all__ = [
    "Batch",
    "EpochTasks",
    "FrameDataset",
    "MultimodalNet",
    "NetworkEstimator",
    "Processes",
    "Targets",
    "Videos",
    "WeightedLoss",
    "check_number",
    "check_option",
    "check_sizes",
    "check_widths",
    "check_y",
    "net_around",
    "resolve_device",
]
