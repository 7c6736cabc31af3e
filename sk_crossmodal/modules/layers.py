"""Layers that the encoders share, and operations over real frames only."""

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Numbers = TypeVar("Numbers")
Parts: TypeAlias = Tensor | tuple[Tensor, ...]
Inputs: TypeAlias = Sequence[Parts]  # of an encoder, one per modality
Tensors: TypeAlias = Sequence[Tensor]
Weights: TypeAlias = Tensor | None  # of the videos, (B,)

BLOCK = 1 << 18  # numbers per draw of `Dropout`, which fit into the cache of a CPU


class Dropout(nn.Dropout):
    """Dropout that is faster than torch's on a CPU: each random int64 serves four numbers."""

    def forward(self, x: Tensor) -> Tensor:
        """Drop numbers, in training only."""
        on_cpu = x.device.type == "cpu" and not torch.compiler.is_compiling()
        dropped = round(self.p * 65536)
        if not self.training or not 0 < dropped < 65536 or not on_cpu:
            # On a GPU torch has one kernel for all of it, which cannot work in place.
            return F.dropout(x, self.p, self.training, self.inplace and on_cpu)
        noise = _noise(x, dropped)
        return x.mul_(noise) if self.inplace else x * noise


def _noise(like: Tensor, dropped: int) -> Tensor:
    """Return 0 with probability dropped / 65536, else 1 over the probability of keeping."""
    noise = torch.empty(like.shape, dtype=like.dtype)
    flat = noise.view(-1)
    for block in torch.split(flat, BLOCK):
        bits = torch.empty(-(-len(block) // 4), dtype=torch.int64).random_(-(2**63), None)
        drawn = bits.view(torch.int16)[: len(block)]
        torch.ge(drawn, dropped - 32768, out=block)
        block *= 65536 / (65536 - dropped)
    return noise


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


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Compute the mean over time of the real frames; zeros for a video without frames.

    Parameters
    ----------
    x : Tensor of shape (B, T, d)
        Frames.
    mask : bool Tensor of shape (B, T)
        True at real frames.

    Returns
    -------
    Tensor of shape (B, d)
        The means.

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([[[2.0], [4.0], [9.0]]])
    >>> masked_mean(x, torch.tensor([[True, True, False]]))
    tensor([[3.]])
    """
    weights = mask.to(x.dtype).unsqueeze(-1)  # (B, T, 1)
    return (x * weights).sum(1) / weights.sum(1).clamp(min=1.0)


def attendable(mask: Tensor) -> Tensor:
    """Return the mask of keys: the real frames, or all if a video has none."""
    return (mask | ~mask.any(1, keepdim=True))[:, None, None, :]


def masked_softmax(logits: Tensor, mask: Tensor) -> Tensor:
    """Compute the softmax along time over the real frames, zero at padding.

    Parameters
    ----------
    logits : Tensor of shape (B, K, T)
        Logits of the attention of each of K clusters to each time step.
    mask : bool Tensor of shape (B, T)
        True at real frames.

    Returns
    -------
    Tensor of shape (B, K, T)
        Attention, which sums to 1 over time, or is 0 for a video without frames.

    Examples
    --------
    >>> import torch
    >>> mask = torch.tensor([[True, True, False], [False, False, False]])
    >>> masked_softmax(torch.zeros(2, 1, 3), mask)[:, 0]
    tensor([[0.5000, 0.5000, 0.0000],
            [0.0000, 0.0000, 0.0000]])
    """
    attention = logits.masked_fill(~attendable(mask)[:, 0], -torch.inf).softmax(-1)
    return attention * mask[:, None, :]


def identity(x: Numbers) -> Numbers:
    """Return a sum unchanged: the sum over all processes if there is one."""
    return x


class MaskedBatchNorm(nn.Module):
    """Batch normalisation with weighted statistics of the real frames."""

    all_sum = staticmethod(identity)
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, n_features: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(n_features))
        self.bias = nn.Parameter(torch.zeros(n_features))
        self.register_buffer("running_mean", torch.zeros(n_features))
        self.register_buffer("running_var", torch.ones(n_features))

    def forward(self, x: Tensor, mask: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Normalise by statistics of the batch in training, else by the running ones."""
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = self.statistics(x, mask, sample_weight)
        scale = self.weight * (var + self.eps).rsqrt()
        return x * scale + (self.bias - mean * scale)

    def statistics(
        self, x: Tensor, mask: Tensor, sample_weight: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Compute mean and variance of the real frames, and update the running ones."""
        weights = mask.unsqueeze(-1).to(self.weight.dtype)  # (B, T, 1)
        if sample_weight is not None:
            weights = weights * sample_weight[:, None, None].to(weights.dtype)
        total = self.all_sum(weights.sum())
        weights = weights / total.clamp(min=torch.finfo(weights.dtype).tiny)
        mean = self.all_sum((x * weights).sum((0, 1)))
        var = self.all_sum(((x - mean).square() * weights).sum((0, 1)))
        with torch.no_grad():
            momentum = self.momentum * (total > 0).to(mean.dtype)
            self.running_mean += momentum * (mean - self.running_mean)
            self.running_var += momentum * (var - self.running_var)
        return mean, var
