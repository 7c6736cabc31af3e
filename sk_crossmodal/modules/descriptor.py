"""The layer between a descriptor and the head."""

import torch
from torch import Tensor, nn

from .dropout import Dropout


class Descriptor(nn.Module):
    """The layer between a descriptor of unit length and the head: dropout, linear, ReLU.

    NOTE[paper]: the paper names no layer between the descriptors and the classifier. A layer over
    NetVLAD's 128 clusters of 1024 features is by far the largest of the network, so its width is
    a parameter of the encoders. Shape: ``(B, width)`` to ``(B, hidden_size)``.
    """

    def __init__(self, width: int, hidden_size: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.linear = nn.Linear(width, hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        """Scale the descriptor so that its numbers are about 1, and apply the layer."""
        # NOTE[paper]: the paper does not scale. But numbers of a larger descriptor of unit length
        # are smaller, and training would be slower.
        weight, bias = self.linear.weight.T, self.linear.bias
        return torch.addmm(bias, self.dropout(x), weight, alpha=x.shape[-1] ** 0.5).relu()
