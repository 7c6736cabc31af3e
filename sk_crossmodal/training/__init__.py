"""How networks are trained and applied: the only room that knows skorch."""

from skorch.helper import SliceDict as SliceDict

from ..modules import WeightedLoss
from ._checks import (
    GREATEST,
    MOST,
    check_number,
    check_option,
    check_size,
    check_sizes,
    check_widths,
    short,
)
from ._data import Batch, FrameDataset, Videos
from ._device import resolve_device
from ._estimator import NetworkEstimator
from ._interruption import fit_method
from ._net import MultimodalNet
from ._parameters import check_seed
from ._processes import Processes
from ._restored import net_around
from ._targets import Targets, check_y
from ._train import EpochTasks

__all__ = [
    "GREATEST",
    "MOST",
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
    "check_seed",
    "check_size",
    "check_sizes",
    "check_widths",
    "check_y",
    "fit_method",
    "net_around",
    "resolve_device",
    "short",
]
