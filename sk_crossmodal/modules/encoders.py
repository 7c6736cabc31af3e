"""The encoders by name."""

from torch import nn

from .._registry import Registry
from .correlation import MeanEncoder
from .netvlad import NetVLADEncoder
from .rnn import RNNEncoder
from .transformer import TransformerEncoder

ENCODERS: Registry[type[nn.Module]] = Registry(
    "encoder",
    transformer=TransformerEncoder,
    netvlad=NetVLADEncoder,
    rnn=RNNEncoder,
    mean=MeanEncoder,
)
