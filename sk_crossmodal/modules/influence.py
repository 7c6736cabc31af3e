"""The influence F of one modality's attention on another's, along time (Section 2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, TypeAlias

from torch import Tensor, nn
from torch.nn import functional as F

from ..validation import MAX_INT, SIZE, SIZES, Constraint, check_params, number, options
from .layers import Tensors


class TemporalInfluence(nn.Module):
    """A small network along the time axis: ``F(a) = W_k ReLU(… ReLU(W_1 a + b_1 + U e)) + b_k``.

    It maps a pattern over the source's frames to a pattern over the target's frames, so it can
    shift, stretch and compress attention in time.

    NOTE[paper]: the paper calls F a "linear (ReLU) transform". An elementwise transform could
    neither shift nor compress, so F acts along time. Its last layer is linear, because a final
    ReLU can start with all units inactive.

    Parameters
    ----------
    n_frames : int
        Length T of the time line. For shorter batches F uses its first T weights; frames beyond T
        neither influence nor are influenced.
    layer_sizes : sequence of int
        Sizes H of the hidden layers, at least one.
    n_context : int
        Width of the context e (the encoded correlation), 0 for none.
    n_clusters : (int, int), optional
        Number of clusters of the source and of the target: patterns of the source's clusters are
        mixed into those of the target's before the last layer. None transforms each pattern
        separately.
    units : (float, float)
        Units of the source's attention and of the result: F(a) is ``u_out F(a / u_in)``.
        NOTE[paper]: the paper has no units. But attention over many clusters has small values,
        to which a network with ordinary weights would hardly respond.

    Notes
    -----
    Shape: ``(B, ..., T)`` to ``(B, ..., T)``, with a context of ``(B, n_context)``; with clusters
    ``(B, n_clusters[0], T)`` to ``(B, n_clusters[1], T)``.

    Examples
    --------
    >>> import torch
    >>> influence = TemporalInfluence(n_frames=300, layer_sizes=(64,))
    >>> influence(torch.randn(2, 8, 30, 30)).shape
    torch.Size([2, 8, 30, 30])
    >>> TemporalInfluence(300, n_clusters=(64, 128))(torch.randn(2, 64, 30)).shape
    torch.Size([2, 128, 30])
    """

    constraints: ClassVar[dict[str, Constraint]] = {
        "n_frames": number(1, MAX_INT, integer=True),
        "layer_sizes": SIZES,
        "n_context": number(0, MAX_INT, integer=True),
    }

    def __init__(
        self,
        n_frames: int,
        layer_sizes: Sequence[int] = (64,),
        n_context: int = 0,
        *,
        n_clusters: tuple[int, int] | None = None,
        units: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        super().__init__()
        check_params(locals(), self.constraints)
        sizes = list(layer_sizes)
        self.units = units
        self.mix = None
        if n_clusters is not None:
            self.mix = nn.Linear(n_clusters[0], n_clusters[1], bias=False)
        self.first = nn.Linear(n_frames, sizes[0])
        self.context = nn.Linear(n_context, sizes[0], bias=False) if n_context else None
        self.inner = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.last = nn.Linear(sizes[-1], n_frames)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the last layer with small weights and no bias, for a small influence."""
        nn.init.normal_(self.last.weight, std=0.1 / self.last.in_features**0.5)
        nn.init.zeros_(self.last.bias)

    def lengthen(self, n_frames: int) -> None:
        """Pad the time line with zeros to at least `n_frames`; F itself is unchanged."""
        more = max(0, n_frames - len(self.last.bias))
        for layer, name, pad in (
            (self.first, "weight", (0, more)),
            (self.last, "weight", (0, 0, 0, more)),
            (self.last, "bias", (0, more)),
        ):
            longer = F.pad(layer.get_parameter(name).detach(), pad)
            setattr(layer, name, nn.Parameter(longer, requires_grad=False))

    def first_weight(self, n_frames: int) -> Tensor:
        """Return W_1 for batches of `n_frames` frames, (H_1, n_frames)."""
        return _fit_last_axis(self.first.weight, n_frames)

    def last_layer(self, n_frames: int) -> tuple[Tensor, Tensor]:
        """Return the last layer's weight (n_frames, H_k) and bias (n_frames,) for a batch."""
        weight = _fit_last_axis(self.last.weight.T, n_frames).T
        return weight, _fit_last_axis(self.last.bias, n_frames)

    def hidden(self, first: Tensor, context: Tensor | None = None) -> Tensor:
        """Compute the last hidden layer, (B, ..., H_k), from ``W_1 a``, (B, ..., H_1)."""
        return self.hidden_layers(first, context)[-1]

    def hidden_layers(self, first: Tensor, context: Tensor | None = None) -> list[Tensor]:
        """Compute all hidden layers in order, a list of (B, ..., H_i); see `hidden`."""
        bias = self.first.bias
        if self.context is not None:
            if context is None:
                width = self.context.in_features
                raise ValueError(f"context must be a tensor of shape (B, {width}), got None.")
            shape = (context.shape[0],) + (1,) * (first.ndim - 2) + (-1,)
            bias = (bias + self.context(context)).view(shape)
        out = [F.relu(first + bias.to(first.dtype), inplace=True)]
        for layer in self.inner:
            out.append(F.relu(layer(out[-1])))
        return out

    def forward(self, pattern: Tensor, context: Tensor | None = None) -> Tensor:
        """Apply F to a pattern that is zero at padding."""
        n_frames = pattern.shape[-1]
        first = F.linear(pattern / self.units[0], self.first_weight(n_frames))
        hidden = self.hidden(first, context)
        if self.mix is not None:
            hidden = self.mix.weight @ hidden  # (B, K_target, H)
        return F.linear(hidden, *self.last_layer(n_frames)) * self.units[1]


class ConvInfluence(nn.Module):
    """F as one convolution along time: ``F(a) = W_2 ReLU(W_1 * (M a) + b_1 + U e) + b_2``.

    M mixes the source's patterns into channels, W_1 is one kernel along time per channel, and W_2
    mixes the channels into the target's patterns.

    It is the same at every time step, so that a shift is learned from all of them at once, its
    weights do not grow with the length of the videos, and its kernel shows the learned lag.

    NOTE[paper]: the paper's F is dense along time, as `TemporalInfluence` is.

    Parameters
    ----------
    max_lag : int
        Largest shift in frames: the kernel reaches so far to both sides.
    n_channels : int
        Number of channels C of the convolution.
    n_context : int
        Width of the context e (the encoded correlation), 0 for none.
    n_patterns : (int, int)
        Number of patterns (clusters or heads) of the source and of the target.
    units : (float, float)
        Units of the source's attention and of the result, as in `TemporalInfluence`.

    Notes
    -----
    Shape: ``(B, n_patterns[0], T)`` to ``(B, n_patterns[1], T)``, with a context of
    ``(B, n_context)``.

    Examples
    --------
    >>> import torch
    >>> influence = ConvInfluence(max_lag=5, n_channels=16, n_patterns=(8, 4))
    >>> influence(torch.randn(2, 8, 30)).shape
    torch.Size([2, 4, 30])
    """

    constraints: ClassVar[dict[str, Constraint]] = {
        "max_lag": number(0, MAX_INT, integer=True),
        "n_channels": SIZE,
        "n_context": number(0, MAX_INT, integer=True),
    }

    def __init__(
        self,
        max_lag: int = 10,
        n_channels: int = 32,
        n_context: int = 0,
        *,
        n_patterns: tuple[int, int] = (1, 1),
        units: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        super().__init__()
        check_params(locals(), self.constraints)
        self.units = units
        self.mix = nn.Conv1d(n_patterns[0], n_channels, 1, bias=False)
        self.first = nn.Conv1d(
            n_channels, n_channels, 2 * max_lag + 1, padding=max_lag, groups=n_channels
        )
        self.context = nn.Linear(n_context, n_channels, bias=False) if n_context else None
        self.last = nn.Conv1d(n_channels, n_patterns[1], 1)
        # Small weights and no bias, for a small influence at first.
        nn.init.normal_(self.last.weight, std=0.1 / n_channels**0.5)
        nn.init.zeros_(_bias(self.last))

    def before_relu(self, pattern: Tensor, context: Tensor | None = None) -> Tensor:
        """Compute ``W_1 * (M a) + b_1 + U e``, (B, C, T)."""
        out: Tensor = self.first(self.mix(pattern / self.units[0]))
        if self.context is None:
            return out
        if context is None:
            width = self.context.in_features
            raise ValueError(f"context must be a tensor of shape (B, {width}), got None.")
        added: Tensor = self.context(context).unsqueeze(-1).to(out.dtype)
        return out + added

    def forward(self, pattern: Tensor, context: Tensor | None = None) -> Tensor:
        """Apply F to patterns that are zero at padding."""
        out: Tensor = self.last(F.relu(self.before_relu(pattern, context), inplace=True))
        return out * self.units[1]


def _bias(layer: nn.Conv1d) -> Tensor:
    return layer.get_parameter("bias")


def _fit_last_axis(weight: Tensor, n_frames: int) -> Tensor:
    """Cut or zero-pad the last axis to `n_frames`."""
    if n_frames <= weight.shape[-1]:
        return weight[..., :n_frames].contiguous()
    return F.pad(weight, (0, n_frames - weight.shape[-1]))


@dataclass(frozen=True)
class InfluenceSpec:
    """Parameters with which an encoder builds its influences.

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
    source : {"cross", "self"}
        Input of F: the attention of another modality or, as a control, of the target itself.
    transform : {"dense", "conv"}
        F is a `TemporalInfluence` (the paper's) or a `ConvInfluence`, whose number of channels is
        ``layer_sizes[0]``.
    max_lag : int
        Largest shift of a `ConvInfluence`, in frames.
    """

    constraints: ClassVar[dict[str, Constraint]] = {
        **TemporalInfluence.constraints,
        "combine": options("add", "multiply"),
        "source": options("cross", "self"),
        "transform": options("dense", "conv"),
        "max_lag": ConvInfluence.constraints["max_lag"],
    }

    n_frames: int
    layer_sizes: Sequence[int] = (64,)
    n_context: int = 0
    combine: str = "add"
    source: str = "cross"
    transform: str = "dense"
    max_lag: int = 10

    def __post_init__(self) -> None:
        check_params(vars(self), self.constraints)

    def build(
        self,
        n_modalities: int,
        n_clusters: Sequence[int] | None = None,
        units: Sequence[float] | None = None,
        n_patterns: Sequence[int] | None = None,
    ) -> nn.ModuleList:
        """Build for each target a list of one F per other modality, in order.

        With `n_clusters`, one number per modality, a dense F mixes clusters; a convolution mixes
        `n_patterns`, by default `n_clusters`. `units` are the units of each modality's attention,
        by default 1.
        """
        units = [1.0] * n_modalities if units is None else units
        patterns = n_patterns or n_clusters or [1] * n_modalities

        def build(source: int, target: int) -> nn.Module:
            scale = units[source], units[target] if self.combine == "add" else 1.0
            if self.transform == "conv":
                return ConvInfluence(
                    self.max_lag,
                    self.layer_sizes[0],
                    self.n_context,
                    n_patterns=(patterns[source], patterns[target]),
                    units=scale,
                )
            return TemporalInfluence(
                self.n_frames,
                self.layer_sizes,
                self.n_context,
                n_clusters=None
                if n_clusters is None
                else (n_clusters[source], n_clusters[target]),
                units=scale,
            )

        return nn.ModuleList(
            nn.ModuleList(build(i, target) for i in self.sources(target, n_modalities))
            for target in range(n_modalities)
        )

    def sources(self, target: int, n_modalities: int) -> list[int]:
        """List the input of each influence on a target: the others in order, or always itself."""
        others = [i for i in range(n_modalities) if i != target]
        return others if self.source == "cross" else [target] * len(others)


@dataclass(frozen=True)
class Link:
    """An influence on one modality in one batch.

    Parameters
    ----------
    source : int
        Index of the modality whose attention F transforms.
    gate : Tensor of shape (B,), optional
        The factor g; None is 1.
    context : Tensor of shape (B, n_context), optional
        The encoded correlation e.
    """

    source: int
    gate: Tensor | None = None
    context: Tensor | None = None

    def gated(self, influence: Tensor) -> Tensor:
        """Multiply an influence (B, ...), the output of F, by the gate."""
        if self.gate is None:
            return influence
        return influence * self.gate.view(-1, *(1,) * (influence.ndim - 1))


Links: TypeAlias = Sequence[Sequence[Link]] | None  # per target, its links in order
# The result of `InfluenceSpec.build`, or None. A ModuleList has no type for its elements.
Influences: TypeAlias = Any


def influence_attention(
    attention: list[Tensor], influences: Influences, links: Links, masks: Tensors, combine: str
) -> list[Tensor]:
    """Apply the influences to the attention of each modality.

    Parameters
    ----------
    attention : list of Tensor of shape (B, K_i, T)
        Attention of each modality's clusters, zero at padding.
    influences : ModuleList or None
        The result of `InfluenceSpec.build`; None leaves the attention unchanged.
    links : list of list of Link or None
        For each target its links, in order; None leaves the attention unchanged.
    masks : list of bool Tensor of shape (B, T)
        True at real frames.
    combine : {"add", "multiply"}
        Attention becomes ``a + g F`` or ``a (1 + g F)``.

    Returns
    -------
    list of Tensor of shape (B, K_i, T)
        The attention after the influence, zero at padding.
    """
    if influences is None or links is None:
        return attention
    out = []
    totals = sums_of_influences(attention, influences, links)
    for own, total, mask in zip(attention, totals, masks, strict=True):
        after = own + total if combine == "add" else own * (1 + total)
        out.append(after * mask[:, None, :])
    return out


def sums_of_influences(patterns: Tensors, influences: Any, links: Any) -> list[Tensor]:
    """Sum the gated influences on each target; `patterns` are those of all modalities."""
    return [
        sum(
            link.gated(influence(patterns[link.source], link.context))
            for influence, link in zip(of_target, to_target, strict=True)
        )
        for of_target, to_target in zip(influences, links, strict=True)
    ]


def unordered_pairs(n: int) -> list[tuple[int, int]]:
    """List all pairs of n modalities, in the order of all correlations in the package.

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
