"""Linear layers over split frames, without their concatenation."""

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Parts: TypeAlias = Tensor | tuple[Tensor, ...]
Inputs: TypeAlias = Sequence[Parts]  # of an encoder, one per modality
Tensors: TypeAlias = Sequence[Tensor]
Weights: TypeAlias = Tensor | None  # of the videos, (B,)


def as_parts(x: Parts) -> tuple[Tensor, ...]:
    """Return the parts of frames as a tuple, of one part for a tensor."""
    return x if isinstance(x, tuple) else (x,)


def split_linear(layer: nn.Linear, parts: tuple[Tensor, ...]) -> Tensor:
    """Apply a linear layer to the concatenation of parts."""
    weights = torch.split(layer.weight, [part.shape[-1] for part in parts], 1)
    total = F.linear(parts[0], weights[0], layer.bias)
    for part, weight in zip(parts[1:], weights[1:], strict=True):
        total += F.linear(part, weight)
    return total
