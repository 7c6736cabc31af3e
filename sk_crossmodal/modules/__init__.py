"""Networks as torch modules: tensors in, tensors out."""

from typing import Any
from warnings import warn

from .correlation import CorrelationNetwork, MeanEncoder
from .encoders import ENCODERS
from .fusion import FUSIONS, Fusion
from .fusion import fusion_without_tower as fusion_without_tower
from .head import HEADS, Head
from .inference import InferenceModule
from .influence import (
    ConvInfluence,
    InfluenceSpec,
    Link,
    TemporalInfluence,
    influence_attention,
    unordered_pairs,
)
from .layers import masked_mean, masked_softmax
from .losses import LOSSES, WeightedLoss
from .losses import build_loss as build_loss
from .netvlad import NetVLADEncoder
from .network import CrossModalNetwork
from .response import influence_response
from .response import influences_of as influences_of
from .rnn import RNN_TYPES, RNNEncoder
from .scaling import FrameStats as FrameStats
from .scaling import RawFrames as RawFrames
from .transformer import TransformerEncoder

__all__ = [
    "ENCODERS",
    "FUSIONS",
    "HEADS",
    "LOSSES",
    "RNN_TYPES",
    "ConvInfluence",
    "CorrelationNetwork",
    "CrossModalNetwork",
    "Fusion",
    "Head",
    "InferenceModule",
    "InfluenceSpec",
    "Link",
    "MeanEncoder",
    "NetVLADEncoder",
    "RNNEncoder",
    "TemporalInfluence",
    "TransformerEncoder",
    "WeightedLoss",
    "influence_attention",
    "influence_response",
    "masked_mean",
    "masked_softmax",
    "unordered_pairs",
]


def __getattr__(name: str) -> Any:
    if name == "ServedNetwork":
        message = "ServedNetwork was renamed to InferenceModule."
        warn(message, DeprecationWarning, stacklevel=2)
        return InferenceModule
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
