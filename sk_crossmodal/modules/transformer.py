"""The cross-modal Transformer encoder (Section 2, Figure 3)."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..validation import MAX_LAYERS, SHARE, SIZE, Constraint, check_params, number
from .attention import PADDING, low_rank_attention
from .influence import Influences, InfluenceSpec, Link, Links, sums_of_influences
from .layers import (
    Dropout,
    Inputs,
    Tensors,
    Weights,
    as_parts,
    attendable,
    masked_mean,
    split_linear,
)
from .scaling import check_widths

QKV: TypeAlias = tuple[Tensor, ...]  # queries, keys and values, each (B, h, T, d)


class TransformerEncoder(nn.Module):
    """Transformer encoders, one per modality, whose attention logits influence each other.

    Let ``S_m = Q_m K_m^T / sqrt(d)`` be the logits of a head of modality m. F acts along the key
    axis, and a head of modality v under the influence of modality a is
    ``softmax(S_v + g F_a(S_a)) V_v``. With ``transform="conv"`` F transforms the mean of S_a over
    the queries, and its result is added to the logits of all queries. Frames are projected to
    `d_model`, sinusoidal positions are added, pre-norm layers follow, and the mean of the frames
    represents the modality.

    NOTE[paper]: the paper writes ``K_ia W_iv^K``, a projection of audio by video's matrix, without
    ``1/sqrt(d)``. Here it is ``W_ia^K``, the source's own logits, with that factor.

    NOTE[paper]: the paper specifies neither positions nor pooling. Here positions are sinusoidal,
    and pooling is the mean of the real frames.

    Parameters
    ----------
    widths : sequence of int
        Width of the frames of each modality.
    spec : InfluenceSpec, optional
        How modalities influence each other; None for no influence.
    d_model, n_heads, n_layers : int
        Width, number of heads and number of layers of each tower.
    dropout : float
        Dropout probability of the frames, of the outputs of attention and of the feed-forward
        part, and of the latter's hidden layer.

    Notes
    -----
    Shape: a list of ``(B, T, widths[i])`` with masks ``(B, T)``, all on one time line, to a list
    of ``(B, d_model)``. Frames may be tuples of tensors instead of their concatenation.

    Examples
    --------
    >>> import torch
    >>> encoder = TransformerEncoder([16, 4], d_model=32, n_heads=4)
    >>> frames = [torch.randn(2, 9, 16), torch.randn(2, 9, 4)]
    >>> masks = [torch.ones(2, 9, dtype=torch.bool)] * 2
    >>> [tuple(pooled.shape) for pooled in encoder(frames, masks)]
    [(2, 32), (2, 32)]
    """

    constraints: ClassVar[dict[str, Constraint]] = {
        "widths": check_widths,
        "d_model": SIZE,
        "n_heads": SIZE,
        "n_layers": number(1, MAX_LAYERS, integer=True),
        "dropout": SHARE,
    }
    splits_frames = True  # see `CrossModalNetwork`

    def __init__(
        self,
        widths: Sequence[int],
        spec: InfluenceSpec | None = None,
        *,
        d_model: int = 512,
        n_heads: int = 8,
        n_layers: int = 1,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        check_params(locals(), self.constraints)
        if d_model % n_heads:
            raise ValueError(f"d_model must be a multiple of n_heads, got {d_model=}, {n_heads=}.")
        self.out_features = d_model
        self.combine = "add" if spec is None else spec.combine
        self.inputs: Any = nn.ModuleList(nn.Linear(width, d_model) for width in widths)
        self.dropout = Dropout(dropout)
        # Any, as a ModuleList has no type for its elements.
        self.layers: Any = nn.ModuleList(
            nn.ModuleList(_Layer(d_model, n_heads, dropout) for _ in widths)
            for _ in range(n_layers)
        )
        self.norms: Any = nn.ModuleList(nn.LayerNorm(d_model) for _ in widths)
        self.influences: Influences = None
        self.transform = "dense"
        if spec is not None:
            self.transform = spec.transform
            heads = [n_heads] * len(widths)
            self.influences = nn.ModuleList(
                spec.build(len(widths), n_patterns=heads) for _ in range(n_layers)
            )

    def forward(
        self, frames: Inputs, masks: Tensors, links: Links = None, sample_weight: Weights = None
    ) -> list[Tensor]:
        """Encode; `links` has for each target its `Link` from every other modality."""
        states = self.states(len(self.layers), frames, masks, links)
        return [
            masked_mean(norm(x), mask)
            for norm, x, mask in zip(self.norms, states, masks, strict=True)
        ]

    def states(self, depth: int, frames: Inputs, masks: Tensors, links: Links) -> list[Tensor]:
        """Encode frames by the first `depth` layers, a list of (B, T, d_model)."""
        states = self.embed(frames)
        for i, layers in enumerate(self.layers[:depth]):
            attended = self.attend(i, states, masks, links)
            states = [
                layer.complete(x, y) for layer, x, y in zip(layers, states, attended, strict=True)
            ]
        return states

    def embed(self, frames: Inputs) -> list[Tensor]:
        """Project frames to `d_model` and add positions."""
        out = []
        for layer, x in zip(self.inputs, frames, strict=True):
            parts = tuple(self.dropout(part) for part in as_parts(x))
            line = positions(parts[0].shape[1], layer.out_features, layer.bias)
            out.append(split_linear(layer, parts) + line)
        return out

    def attend(self, depth: int, states: Tensors, masks: Tensors, links: Links) -> list[Tensor]:
        """Compute the outputs of the heads of one layer, a list of (B, h, T, d)."""
        layers = self.layers[depth]
        qkv = [layer.project(x) for layer, x in zip(layers, states, strict=True)]
        if self.influences is None or links is None:
            return [
                F.scaled_dot_product_attention(q, k, v, attn_mask=attendable(mask))
                for (q, k, v), mask in zip(qkv, masks, strict=True)
            ]
        if self.transform == "conv":
            totals = self.key_influences(depth, qkv, masks, links)
            return [
                self.attend_keys(each, mask, total)
                for each, mask, total in zip(qkv, masks, totals, strict=True)
            ]
        if self.combine == "multiply":
            weights = self.weights(depth, qkv, masks, links)
            return [after @ v for (_, after), (_, _, v) in zip(weights, qkv, strict=True)]
        return [
            self.influenced(self.influences[depth][target], target, qkv, masks, links[target])
            for target in range(len(qkv))
        ]

    def key_influences(
        self, depth: int, qkv: Sequence[QKV], masks: Tensors, links: Sequence[Sequence[Link]]
    ) -> list[Tensor]:
        """Compute ``sum g F(mean over queries of S_a)`` for each target, (B, h, T)."""
        patterns = []
        for (q, k, _), mask in zip(qkv, masks, strict=True):
            mean = masked_mean(q.transpose(1, 2).flatten(2), mask).view(-1, *q.shape[1::2])
            logits = (k @ mean.to(k.dtype).unsqueeze(-1)).squeeze(-1) / math.sqrt(q.shape[-1])
            patterns.append(logits * mask[:, None])
        return sums_of_influences(patterns, self.influences[depth], links)

    def attend_keys(self, qkv: QKV, mask: Tensor, total: Tensor) -> Tensor:
        """Attend under an influence on keys, ``S + total`` or ``S (1 + total)``."""
        q, k, v = qkv
        if self.combine == "multiply":
            k = k * (1 + total.to(k.dtype)).unsqueeze(-1)
            return F.scaled_dot_product_attention(q, k, v, attn_mask=attendable(mask))
        # As one more number of each key: a bias with gradients would need the logits in full.
        scale = q.shape[-1] ** -0.5
        bias = total.to(q.dtype).masked_fill(~attendable(mask)[:, :, 0], PADDING) / scale
        pad = -(q.shape[-1] + 1) % 8
        q = torch.cat([q, F.pad(q.new_ones(1), (0, pad)).expand(*q.shape[:3], -1)], -1)
        k = torch.cat([k, F.pad(bias.unsqueeze(-1), (0, pad))], -1)
        wide = F.pad(v, (0, q.shape[-1] - v.shape[-1]))
        return F.scaled_dot_product_attention(q, k, wide, scale=scale)[..., : v.shape[-1]]

    def influenced(
        self,
        influences: Influences,
        target: int,
        qkv: Sequence[QKV],
        masks: Tensors,
        links: Sequence[Link],
    ) -> Tensor:
        """Compute ``softmax(S_v + sum g F(S_a)) V_v`` without the logits of a source.

        W_1 acts on keys, so ``W_1 S_a = Q_a (W_1 K_a)^T / sqrt(d)``. The last layer is linear, so
        the influence is a low-rank term of the logits.
        """
        q, k, v = qkv[target]
        n_frames = q.shape[2]
        bias = torch.zeros_like(masks[target], dtype=self.norms[0].weight.dtype)
        additions = []
        for influence, link in zip(influences, links, strict=True):
            source_q, source_k, _ = qkv[link.source]
            first_weight = influence.first_weight(n_frames) / math.sqrt(q.shape[-1])
            seen = first_weight * masks[link.source][:, None]  # (B, H, T)
            keys = source_k.transpose(1, 2).flatten(2)  # (B, T, h d), their layout in memory
            mixed = (seen.to(q.dtype) @ keys).unflatten(-1, (q.shape[1], -1)).transpose(1, 2)
            first = source_q @ mixed.mT  # (B, h, T, H)
            hidden = influence.hidden(first, link.context)
            weight, last_bias = influence.last_layer(n_frames)
            additions.append((hidden, link.gated(weight.expand(q.shape[0], -1, -1))))
            bias = bias + link.gated(last_bias.expand(q.shape[0], -1))
        bias = bias.masked_fill(~attendable(masks[target])[:, 0, 0], PADDING)
        return low_rank_attention(q, k, v, additions, bias)

    def weights(
        self, depth: int, qkv: Sequence[QKV], masks: Tensors, links: Links
    ) -> list[list[Tensor]]:
        """Compute attention before and after the influence in full, pairs of (B, h, T, T)."""
        logits = [q @ k.transpose(2, 3) / math.sqrt(q.shape[-1]) for q, k, _ in qkv]
        if self.influences is None or links is None:
            totals = [torch.zeros_like(own[:, :, :1]) for own in logits]
        elif self.transform == "conv":
            totals = [x.unsqueeze(2) for x in self.key_influences(depth, qkv, masks, links)]
        else:
            patterns = [own * mask[:, None, None] for own, mask in zip(logits, masks, strict=True)]
            totals = sums_of_influences(patterns, self.influences[depth], links)
        out = []
        for target, (own, total) in enumerate(zip(logits, totals, strict=True)):
            after = own + total if self.combine == "add" else own * (1 + total)
            padding = ~attendable(masks[target])
            out.append([x.masked_fill(padding, -math.inf).softmax(-1) for x in (own, after)])
        return out

    def attention(
        self, frames: Inputs, masks: Tensors, links: Links = None
    ) -> list[tuple[Tensor, ...]]:
        """Compute attention of the last layer before and after the influence, (B, T) each.

        It is the mean over heads and real queries.
        """
        last = len(self.layers) - 1
        states = self.states(last, frames, masks, links)
        qkv = [layer.project(x) for layer, x in zip(self.layers[last], states, strict=True)]
        pairs = self.weights(last, qkv, masks, links)
        return [
            tuple(masked_mean(weights.mean(1), mask) for weights in pair)
            for pair, mask in zip(pairs, masks, strict=True)
        ]


class _Layer(nn.Module):
    """The parts of a pre-norm encoder layer before and after attention."""

    def __init__(self, d_model: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm = nn.LayerNorm(d_model)
        self.qkv = nn.Linear(d_model, 3 * d_model)
        # In place where autograd allows it: new large tensors cost as much as a matrix product.
        self.out = nn.Sequential(nn.Linear(d_model, d_model), Dropout(dropout, inplace=True))
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(d_model),
            nn.Linear(d_model, 4 * d_model),
            Dropout(dropout, inplace=True),
            nn.ReLU(inplace=True),
            nn.Linear(4 * d_model, d_model),
            Dropout(dropout, inplace=True),
        )

    def project(self, x: Tensor) -> QKV:
        """Compute queries, keys and values, each (B, h, T, d)."""
        qkv = self.qkv(self.norm(x)).unflatten(-1, (3, self.n_heads, -1))  # (B, T, 3, h, d)
        parts: QKV = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        return parts

    def complete(self, x: Tensor, attended: Tensor) -> Tensor:
        """Apply the layer after attention: residual and feed-forward part."""
        shape = x.shape
        # Flat, so that a linear layer's result is no view: an in-place change of a view would
        # copy its gradient.
        x = x.flatten(0, 1) + self.out(attended.transpose(1, 2).flatten(2).flatten(0, 1))
        added: Tensor = self.feed_forward(x)
        return (x + added).view(shape)


def positions(n_frames: int, d_model: int, like: Tensor) -> Tensor:
    """Compute the sinusoidal positions of Vaswani et al. (2017)."""
    time = torch.arange(n_frames, device=like.device, dtype=torch.float32)[:, None]
    half = torch.arange((d_model + 1) // 2, device=like.device, dtype=torch.float32)
    angle = time * torch.exp(half * (-2 * math.log(10_000.0) / d_model))
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)[:, :d_model].to(like.dtype)
