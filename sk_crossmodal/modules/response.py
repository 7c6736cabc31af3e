"""How an influence F answers: its derivative, moment by moment (Section 2)."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .influence import TemporalInfluence

CHUNK = 2**22  # numbers held at once


def influence_response(
    influence: TemporalInfluence, pattern: Tensor | None = None, context: Tensor | None = None
) -> Tensor:
    """Mean derivative of F: what a little more attention at one moment adds at every moment.

    F is a network of ReLUs, so at a pattern a it is linear, and its derivative there is the
    product of its weights, without those of the hidden units that are zero.

    Parameters
    ----------
    influence : TemporalInfluence
        The influence F.
    pattern : Tensor of shape (B, ..., T), optional
        Patterns as F takes them, without padding, over which the mean is taken. None takes every
        hidden unit for active: the bare product of the weights.
    context : Tensor of shape (B, n_context), optional
        The context e.

    Returns
    -------
    Tensor of shape (T, T)
        Row t, column s: the derivative of F(a) at t with respect to a at s. Where F mixes
        clusters, each pair of them by a factor of its own, those of a source cluster count by
        their mean size, without their signs.

    Examples
    --------
    >>> import torch
    >>> influence = TemporalInfluence(n_frames=30, layer_sizes=(8,))
    >>> influence_response(influence, torch.randn(2, 4, 20, 20)).shape
    torch.Size([20, 20])
    """
    n_frames = influence.first.in_features if pattern is None else pattern.shape[-1]
    first = influence.first_weight(n_frames)
    last, _ = influence.last_layer(n_frames)
    inner: Any = influence.inner
    if pattern is None:
        active = [first.new_ones(1, first.shape[0])]
        active += [first.new_ones(1, layer.out_features) for layer in inner]
    else:
        product = F.linear(pattern / influence.units[0], first)
        hidden = influence.hidden_layers(product, context)
        active = [(x > 0).to(first.dtype).flatten(0, -2) for x in hidden]
    if influence.mix is not None:
        sizes = influence.mix.weight.abs().mean(0)  # one a source cluster, the axis before time
        active[0] = active[0] * (
            sizes.mean() if pattern is None else sizes.repeat(len(pattern))[:, None]
        )
    units = influence.units[1] / influence.units[0]
    return last @ _mean_slope(active, inner) @ first * units


def _mean_slope(active: Sequence[Tensor], inner: Any) -> Tensor:
    """Mean over N patterns of the derivative of the hidden layers, (H_k, H_1)."""
    n_patterns, size = active[0].shape
    total = active[0].new_zeros(active[-1].shape[1], size)
    for part in zip(*(torch.split(x, max(1, CHUNK // size**2)) for x in active), strict=True):
        slope = torch.diag_embed(part[0])
        for layer, on in zip(inner, part[1:], strict=True):
            slope = on.unsqueeze(-1) * (layer.weight @ slope)  # (n, H_i, H_1)
        total = total + slope.sum(0)
    return total / n_patterns


def watch_responses(influences: nn.ModuleList, run: Callable[[], object]) -> list[Tensor]:
    """Run a network, and compute at the patterns that come by how each of its F answers."""
    seen: dict[TemporalInfluence, Tensor] = {}

    def watch(influence: TemporalInfluence, args: tuple[Any, ...], output: Tensor) -> None:
        seen[influence] = influence_response(influence, *args)

    every = [each for each in influences.modules() if isinstance(each, TemporalInfluence)]
    hooks = [influence.register_forward_hook(watch) for influence in every]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    return [seen[influence] for influence in every if influence in seen]
