"""Frames in parts that are never put side by side."""

from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Parts: TypeAlias = Tensor | tuple[Tensor, ...]


def as_parts(x: Parts) -> tuple[Tensor, ...]:
    """Return the parts of frames, a tuple: of tensors that are one, itself alone.

    Examples
    --------
    >>> import torch
    >>> len(as_parts(torch.ones(2, 3))), len(as_parts((torch.ones(2, 3), torch.ones(2, 1))))
    (1, 2)
    """
    return x if isinstance(x, tuple) else (x,)


def linear_of_parts(layer: nn.Linear, parts: tuple[Tensor, ...]) -> Tensor:
    """Apply a linear layer to parts as if they stood side by side.

    Frames need no gradient, what is appended to them does: apart, neither is copied, and no
    gradient of the frames is made.

    Parameters
    ----------
    layer : nn.Linear
        As wide as the parts together.
    parts : tuple of Tensor of shape (..., d_i)
        The parts.

    Returns
    -------
    Tensor of shape (..., out_features)
        What the layer makes of them.

    Examples
    --------
    >>> import torch
    >>> layer, x = torch.nn.Linear(5, 2), torch.randn(3, 5)
    >>> torch.allclose(linear_of_parts(layer, x.split([4, 1], 1)), layer(x), atol=1e-6)
    True
    """
    weights = torch.split(layer.weight, [part.shape[-1] for part in parts], 1)
    total = F.linear(parts[0], weights[0], layer.bias)
    for part, weight in zip(parts[1:], weights[1:], strict=True):
        total += F.linear(part, weight)
    return total
