"""Networks as torch modules: tensors in, tensors out."""

from .correlation import CorrelationNetwork, MeanEncoder
from .influence import InfluenceSpec, Link, TemporalInfluence, unordered_pairs
from .network import FUSIONS, CrossModalNetwork
from .transformer import TransformerEncoder

__all__ = [
    "FUSIONS",
    "CorrelationNetwork",
    "CrossModalNetwork",
    "InfluenceSpec",
    "Link",
    "MeanEncoder",
    "TemporalInfluence",
    "TransformerEncoder",
    "unordered_pairs",
]
