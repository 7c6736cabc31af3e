"""Networks as torch modules: tensors in, tensors out."""

from .correlation import CorrelationNetwork, MeanEncoder
from .influence import (
    InfluenceSpec,
    Link,
    TemporalInfluence,
    influence_attention,
    unordered_pairs,
)
from .masking import masked_mean, masked_softmax
from .netvlad import NetVLADEncoder
from .network import FUSIONS, CrossModalNetwork
from .response import influence_response
from .rnn import RNN_TYPES, RNNEncoder
from .served import ServedNetwork
from .transformer import TransformerEncoder

__all__ = [
    "FUSIONS",
    "RNN_TYPES",
    "CorrelationNetwork",
    "CrossModalNetwork",
    "InfluenceSpec",
    "Link",
    "MeanEncoder",
    "NetVLADEncoder",
    "RNNEncoder",
    "ServedNetwork",
    "TemporalInfluence",
    "TransformerEncoder",
    "influence_attention",
    "influence_response",
    "masked_mean",
    "masked_softmax",
    "unordered_pairs",
]
