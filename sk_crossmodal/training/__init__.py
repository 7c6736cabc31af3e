"""Training and applying networks: the only subpackage that imports skorch."""

from skorch.helper import SliceDict as SliceDict

from ._build import NetworkSpec
from ._callbacks import fit_method
from ._config import TrainingConfig
from ._constraints import check_seed, check_shared_params
from ._data import Batch, FrameDataset, Videos
from ._defaults import own_defaults
from ._device import resolve_device
from ._estimator import NetworkEstimator
from ._net import MultimodalNet
from ._processes import Processes
from ._state import get_state as get_state
from ._state import set_state as set_state
from ._targets import Targets, check_y

__all__ = [
    "Batch",
    "FrameDataset",
    "MultimodalNet",
    "NetworkEstimator",
    "NetworkSpec",
    "Processes",
    "Targets",
    "TrainingConfig",
    "Videos",
    "check_seed",
    "check_shared_params",
    "check_y",
    "fit_method",
    "own_defaults",
    "resolve_device",
]
