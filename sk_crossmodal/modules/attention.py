"""Attention with a low-rank term added to its logits, without any T x T tensor."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

PADDING = -1e30  # a logit whose softmax is exactly zero, and whose products are finite
CHUNK = 500_000  # logits per chunk of videos, which fit into the cache of a CPU


def low_rank_attention(
    q: Tensor, k: Tensor, v: Tensor, additions: Sequence[tuple[Tensor, Tensor]], key_bias: Tensor
) -> Tensor:
    """Attend with ``softmax(q k^T / sqrt(d) + sum left right^T + key_bias) v``."""
    lefts, rights = zip(*((left.to(q.dtype), right) for left, right in additions), strict=True)
    left, right = (x[0] if len(x) == 1 else torch.cat(x, -1) for x in (lefts, rights))
    if q.device.type == "cpu" and not torch.compiler.is_compiling():
        rest = right.to(q.dtype), key_bias.to(q.dtype)
        # Torch's own `apply` has no types.
        out: Tensor = _CachedAttention.apply(q, k, v, left, *rest)  # type: ignore[no-untyped-call]
        return out
    q, k, scale = fold(q, k, left, right, key_bias)
    # Flash kernels take values as wide as the keys.
    wide = F.pad(v, (0, q.shape[-1] - v.shape[-1]))
    return F.scaled_dot_product_attention(q, k, wide, scale=scale)[..., : v.shape[-1]]


def fold(
    q: Tensor, k: Tensor, left: Tensor, right: Tensor, key_bias: Tensor
) -> tuple[Tensor, Tensor, float]:
    """Return the longer queries and keys, (B, h, T, D), D a multiple of 8, and their scale."""
    scale = q.shape[-1] ** -0.5
    right = torch.cat([right, key_bias.unsqueeze(-1)], -1) / scale
    pad = -(q.shape[-1] + right.shape[-1]) % 8
    right = F.pad(right, (0, pad)).to(k.dtype)[:, None]
    one = F.pad(q.new_ones(1), (0, pad)).expand(*q.shape[:3], -1)
    return (
        torch.cat([q, left, one], -1),
        torch.cat([k, right.expand(-1, k.shape[1], -1, -1)], -1),
        scale,
    )


class _CachedAttention(torch.autograd.Function):
    """The same on a CPU, a few videos at a time; logits are computed again for gradients."""

    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, left: Tensor, right: Tensor, key_bias: Tensor
    ) -> Tensor:
        ctx.save_for_backward(q, k, v, left, right, key_bias)
        out = _heads_last(v)
        for rows in _chunks(q):
            weights = _weights(q[rows], k[rows], left[rows], right[rows], key_bias[rows])
            out[rows] = _product(weights, v[rows])
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        q, k, v, left, right, key_bias = ctx.saved_tensors
        of_q, of_k, of_v = _heads_last(q), _heads_last(k), _heads_last(v)
        of_left, of_right, of_bias = map(torch.empty_like, (left, right, key_bias))
        scale = q.shape[-1] ** -0.5
        for rows in _chunks(q):
            weights = _weights(q[rows], k[rows], left[rows], right[rows], key_bias[rows])
            of_v[rows] = _product(weights.mT, grad[rows])
            of_weights = _product(grad[rows], v[rows].mT)
            of_logits = torch._softmax_backward_data(of_weights, weights, -1, q.dtype)
            torch.mul(_product(of_logits, k[rows]), scale, out=of_q[rows])
            torch.mul(_product(of_logits.mT, q[rows]), scale, out=of_k[rows])
            of_logits = of_logits.flatten(1, 2)  # (b, h T, T)
            of_left[rows] = (of_logits @ right[rows]).view(left[rows].shape)
            of_right[rows] = of_logits.mT @ left[rows].flatten(1, 2)
            of_bias[rows] = of_logits.sum(1)
        return of_q, of_k, of_v, of_left, of_right, of_bias


def _weights(q: Tensor, k: Tensor, left: Tensor, right: Tensor, key_bias: Tensor) -> Tensor:
    """Attention weights of some videos, (b, h, T, T)."""
    shape = *q.shape[:3], k.shape[2]
    logits = torch.baddbmm(key_bias[:, None], left.flatten(1, 2), right.mT)  # (b, h T, T)
    logits = logits.view(-1, *shape[2:])
    logits.baddbmm_(q.flatten(0, 1), k.flatten(0, 1).mT, alpha=q.shape[-1] ** -0.5)
    return logits.softmax(-1).view(shape)


def _heads_last(x: Tensor) -> Tensor:
    """Return an empty tensor (B, h, T, d) with the memory layout (B, T, h, d)."""
    return x.new_empty(x.shape[0], x.shape[2], x.shape[1], x.shape[3]).transpose(1, 2)


def _chunks(q: Tensor) -> list[slice]:
    """Slices of videos whose logits fit into the cache."""
    n_videos, n_heads, n_frames, _ = q.shape
    size = max(1, CHUNK // (n_heads * n_frames**2))
    return [slice(i, i + size) for i in range(0, n_videos, size)]


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Matrix products of all heads."""
    return torch.bmm(a.flatten(0, 1), b.flatten(0, 1)).view(*a.shape[:3], b.shape[3])
