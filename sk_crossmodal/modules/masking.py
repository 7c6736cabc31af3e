"""Operations over real frames only."""

from typing import TypeVar

import torch
from torch import Tensor, nn

Numbers = TypeVar("Numbers")


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
