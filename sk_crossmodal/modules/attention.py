"""Attention whose logits have an addition of low rank, without any T x T tensor."""

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

PADDING = -1e30  # a logit whose softmax is exactly zero, and whose products are finite
CHUNK = 500_000  # logits made at once on a CPU, so that they stay in its cache


def low_rank_attention(q, k, v, additions, key_bias):
    """Attend with ``softmax(q k^T / sqrt(d) + sum left right^T + key_bias) v``.

    The additions are folded into longer queries and keys, ``q' = [q; left; 1]`` and
    ``k' = [k; right sqrt(d); key_bias sqrt(d)]``, so that attention needs no mask, nor a bias that
    has a gradient: either would keep fused kernels away.

    Parameters
    ----------
    q, k, v : Tensor of shape (B, h, T, d)
        Queries, keys and values.
    additions : list of (Tensor of shape (B, h, T, H), Tensor of shape (B, T, H))
        The factors `left`, of the queries, and `right`, of the keys of all heads.
    key_bias : Tensor of shape (B, T)
        Added to the logits of each key; `PADDING` where no query is to see it. Some key of each
        video must be seen.

    Returns
    -------
    Tensor of shape (B, h, T, d)
        What is attended to.

    Examples
    --------
    >>> import torch
    >>> x = torch.randn(2, 4, 9, 8)
    >>> additions = [(torch.randn(2, 4, 9, 3), torch.randn(2, 9, 3))]
    >>> low_rank_attention(x, x, x, additions, torch.zeros(2, 9)).shape
    torch.Size([2, 4, 9, 8])
    """
    q, k, scale = fold(q, k, additions, key_bias)
    if q.device.type == "cpu" and not torch.compiler.is_compiling():
        return _CachedAttention.apply(q, k, v, scale)
    # Flash kernels take values as wide as the keys.
    wide = F.pad(v, (0, q.shape[-1] - v.shape[-1]))
    return F.scaled_dot_product_attention(q, k, wide, scale=scale)[..., : v.shape[-1]]


def fold(q, k, additions, key_bias):
    """Return the longer queries and keys, (B, h, T, D), D a multiple of 8, and their scale."""
    scale = q.shape[-1] ** -0.5
    lefts = [left.to(q.dtype) for left, _ in additions]
    rights = [right for _, right in additions]
    right = torch.cat([*rights, key_bias.unsqueeze(-1)], -1) / scale
    pad = -(q.shape[-1] + right.shape[-1]) % 8
    right = F.pad(right, (0, pad)).to(k.dtype)[:, None]
    one = F.pad(q.new_ones(1), (0, pad)).expand(*q.shape[:3], -1)
    return (
        torch.cat([q, *lefts, one], -1),
        torch.cat([k, right.expand(-1, k.shape[1], -1, -1)], -1),
        scale,
    )


class _CachedAttention(torch.autograd.Function):
    """``softmax(scale q k^T) v`` on a CPU, a few videos at a time, logits made anew for gradients.

    Torch's own kernel for CPUs wants values as wide as the keys, which makes it half as fast.
    """

    @staticmethod
    def forward(ctx, q, k, v, scale):
        out = v.new_empty(_heads_last(v)).transpose(1, 2)
        for rows in _chunks(q):
            weights = _product(q[rows] * scale, k[rows].mT).softmax(-1)
            out[rows] = _product(weights, v[rows])
        ctx.save_for_backward(q, k, v)
        ctx.scale = scale
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        q, k, v = ctx.saved_tensors
        of_q, of_k = torch.empty_like(q), torch.empty_like(k)
        of_v = v.new_empty(_heads_last(v)).transpose(1, 2)
        for rows in _chunks(q):
            weights = _product(q[rows] * ctx.scale, k[rows].mT).softmax(-1)
            of_v[rows] = _product(weights.mT, grad[rows])
            of_weights = _product(grad[rows] * ctx.scale, v[rows].mT)
            of_logits = torch._softmax_backward_data(of_weights, weights, -1, q.dtype)
            of_q[rows] = _product(of_logits, k[rows])
            of_k[rows] = _product(of_logits.mT, q[rows])
        return of_q, of_k, of_v, None


def _heads_last(v):
    return v.shape[0], v.shape[2], v.shape[1], v.shape[3]


def _chunks(q):
    """Slices of videos whose logits stay in a processor's cache."""
    n_videos, n_heads, n_frames, _ = q.shape
    size = max(1, CHUNK // (n_heads * n_frames**2))
    return [slice(i, i + size) for i in range(0, n_videos, size)]


def _product(a, b):
    """Matrix products of all heads."""
    return torch.bmm(a.flatten(0, 1), b.flatten(0, 1)).view(*a.shape[:3], b.shape[3])
