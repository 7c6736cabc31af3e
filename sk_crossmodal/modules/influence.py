"""The influence F of one modality's attention on another's, along time (Section 2)."""

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F


class TemporalInfluence(nn.Module):
    """A small network along the time axis: ``F(a) = W_k ReLU(... ReLU(W_1 a + b_1 + U e)) + b_k``.

    It moves a pattern over the source's frames to a pattern over the target's frames, so that it
    can shift, stretch and compress in time what the source attends to.

    NOTE[paper]: the paper calls F a "linear (ReLU) transform". Acting on each number alone, it
    could neither shift nor compress; so it acts along time, and its last layer is linear, because
    one that ends in a ReLU dies from an unlucky start.

    Parameters
    ----------
    n_frames : int
        Length T of the time line. On shorter batches F uses its first frames; frames beyond T
        neither influence nor are influenced.
    layer_sizes : sequence of int
        Sizes H of the hidden layers, at least one.
    n_context : int
        Width of the context e (the encoded correlation), 0 for none.

    Notes
    -----
    Shape: ``(B, ..., T)`` to ``(B, ..., T)``, with a context of ``(B, n_context)``.

    Examples
    --------
    >>> import torch
    >>> influence = TemporalInfluence(n_frames=300, layer_sizes=(64,))
    >>> influence(torch.randn(2, 8, 30, 30)).shape
    torch.Size([2, 8, 30, 30])
    """

    def __init__(self, n_frames, layer_sizes=(64,), n_context=0):
        super().__init__()
        sizes = list(layer_sizes)
        self.first = nn.Linear(n_frames, sizes[0])
        self.context = nn.Linear(n_context, sizes[0], bias=False) if n_context else None
        self.inner = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.last = nn.Linear(sizes[-1], n_frames)
        self.reset_parameters()

    def reset_parameters(self):
        """Start the influence small and alive: the last layer has small weights and no bias."""
        nn.init.normal_(self.last.weight, std=0.1 / self.last.in_features**0.5)
        nn.init.zeros_(self.last.bias)

    def first_weight(self, n_frames):
        """W_1 for a batch of that many frames, (H_1, n_frames)."""
        return _fit_last_axis(self.first.weight, n_frames)

    def last_layer(self, n_frames):
        """Weight (n_frames, H_k) and bias (n_frames,) of the last layer for a batch."""
        weight = _fit_last_axis(self.last.weight.T, n_frames).T
        return weight, _fit_last_axis(self.last.bias, n_frames)

    def hidden(self, first, context=None):
        """Last hidden layer, from the product ``W_1 a``.

        Parameters
        ----------
        first : Tensor of shape (B, ..., H_1)
            ``W_1 a``, given as a product because it can often be had without making `a`.
        context : Tensor of shape (B, n_context), optional
            The context e.

        Returns
        -------
        Tensor of shape (B, ..., H_k)
            What the last, linear layer takes.
        """
        first = first + self.first.bias
        if self.context is not None:
            shape = (len(context),) + (1,) * (first.ndim - 2) + (-1,)
            first = first + self.context(context).view(shape)
        hidden = F.relu(first)
        for layer in self.inner:
            hidden = F.relu(layer(hidden))
        return hidden

    def forward(self, pattern, context=None):
        """Apply F to a pattern that is zero at padding."""
        n_frames = pattern.shape[-1]
        first = F.linear(pattern, self.first_weight(n_frames))
        return F.linear(self.hidden(first, context), *self.last_layer(n_frames))


def _fit_last_axis(weight, n_frames):
    """Cut or zero-pad the last axis to a batch's number of frames."""
    return F.pad(weight, (0, n_frames - weight.shape[-1]))


@dataclass(frozen=True)
class InfluenceSpec:
    """What an encoder needs to know to build its influences.

    Parameters
    ----------
    n_frames : int
        Length T of the time line, see `TemporalInfluence`.
    layer_sizes : sequence of int
        Sizes of F's hidden layers, at least one.
    n_context : int
        Width of the context e, 0 for none.
    combine : {"add", "multiply"}
        Attention becomes ``a + g F`` (the paper's) or ``a (1 + g F)``.
    """

    n_frames: int
    layer_sizes: tuple = (64,)
    n_context: int = 0
    combine: str = "add"

    def build(self, n_modalities):
        """Build one F for every ordered pair of modalities.

        Parameters
        ----------
        n_modalities : int
            Number of modalities.

        Returns
        -------
        ModuleList of ModuleList of TemporalInfluence
            For each target its sources in order, itself left out.
        """
        return nn.ModuleList(
            nn.ModuleList(
                TemporalInfluence(self.n_frames, self.layer_sizes, self.n_context)
                for _ in range(n_modalities - 1)
            )
            for _ in range(n_modalities)
        )


@dataclass(frozen=True)
class Link:
    """An influence on one modality in one batch.

    Parameters
    ----------
    source : int
        Which modality's attention is transformed.
    gate : Tensor of shape (B,), optional
        The factor g; None is 1.
    context : Tensor of shape (B, n_context), optional
        The encoded correlation e.
    """

    source: int
    gate: Tensor | None = None
    context: Tensor | None = None

    def gated(self, influence):
        """Multiply an influence by the gate.

        Parameters
        ----------
        influence : Tensor of shape (B, ...)
            What F gives.

        Returns
        -------
        Tensor of shape (B, ...)
            ``g F``.
        """
        if self.gate is None:
            return influence
        return influence * self.gate.view(-1, *(1,) * (influence.ndim - 1))


def unordered_pairs(n):
    """All pairs of n modalities, each once: the order of correlations everywhere.

    Parameters
    ----------
    n : int
        Number of modalities.

    Returns
    -------
    list of (int, int)
        The pairs, the smaller index first.

    Examples
    --------
    >>> unordered_pairs(3)
    [(0, 1), (0, 2), (1, 2)]
    """
    return [(a, b) for a in range(n) for b in range(a + 1, n)]
