"""The response of an influence F: its derivative, per pair of time steps (Section 2)."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .influence import ConvInfluence, TemporalInfluence

CHUNK = 2**22  # numbers in memory per chunk of patterns


def influence_response(
    influence: TemporalInfluence | ConvInfluence,
    pattern: Tensor | None = None,
    context: Tensor | None = None,
) -> Tensor:
    """Compute the mean derivative of F: the effect of attention at one time step on all others.

    F is a ReLU network, so it is linear near a pattern a. Its derivative there is the product of
    its weights, without those of inactive hidden units.

    Parameters
    ----------
    influence : TemporalInfluence or ConvInfluence
        The influence F.
    pattern : Tensor of shape (B, ..., T), optional
        Input patterns of F, without padding, over which the mean is taken. None counts all hidden
        units as active, which gives the product of all weights; a convolution then has one more
        time step than its kernel reaches to one side.
    context : Tensor of shape (B, n_context), optional
        The context e.

    Returns
    -------
    Tensor of shape (T, T)
        Row t, column s: the derivative of F(a) at t with respect to a at s. If F mixes clusters,
        each source cluster counts by the mean absolute value of its mixing weights; for a
        convolution of several patterns it is the absolute value, summed over the source's patterns
        and averaged over the target's.

    Examples
    --------
    >>> import torch
    >>> influence = TemporalInfluence(n_frames=30, layer_sizes=(8,))
    >>> influence_response(influence, torch.randn(2, 4, 20, 20)).shape
    torch.Size([20, 20])
    """
    if isinstance(influence, ConvInfluence):
        return _response_of_convolution(influence, pattern, context)
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
        sizes = influence.mix.weight.abs().mean(0)  # one per source cluster, the axis before time
        active[0] = active[0] * (
            sizes.mean() if pattern is None else sizes.repeat(len(pattern))[:, None]
        )
    units = influence.units[1] / influence.units[0]
    return last @ _mean_slope(active, inner) @ first * units


def _response_of_convolution(
    influence: ConvInfluence, pattern: Tensor | None, context: Tensor | None
) -> Tensor:
    """Compute `influence_response` of a convolution, by target time step and lag."""
    mix, kernel = influence.mix.weight.squeeze(-1), influence.first.weight.squeeze(1)
    last = influence.last.weight.squeeze(-1)
    n_channels, n_lags = kernel.shape
    if pattern is None:
        active = kernel.new_ones(n_channels, n_lags // 2 + 1)
    else:
        active = (influence.before_relu(pattern, context) > 0).to(kernel.dtype).mean(0)  # (C, T)
    slope = torch.einsum("kc,ct,cs,cl->tksl", last, active, mix, kernel)
    of_lag = slope.abs().sum(2).mean(1) if slope[0, ..., 0].numel() > 1 else slope[:, 0, 0]
    n_frames = active.shape[1]
    lags = torch.arange(n_frames) - torch.arange(n_frames)[:, None] + n_lags // 2  # (T, T)
    inside = (lags >= 0) & (lags < n_lags)
    out = of_lag.gather(1, lags.clamp(0, n_lags - 1).to(of_lag.device)) * inside.to(of_lag.device)
    return out * (influence.units[1] / influence.units[0])


def _mean_slope(active: Sequence[Tensor], inner: Any) -> Tensor:
    """Compute the mean over N patterns of the derivative of the hidden layers, (H_k, H_1)."""
    n_patterns, size = active[0].shape
    total = active[0].new_zeros(active[-1].shape[1], size)
    for part in zip(*(torch.split(x, max(1, CHUNK // size**2)) for x in active), strict=True):
        slope = torch.diag_embed(part[0])
        for layer, on in zip(inner, part[1:], strict=True):
            slope = on.unsqueeze(-1) * (layer.weight @ slope)  # (n, H_i, H_1)
        total = total + slope.sum(0)
    return total / n_patterns


def influences_of(module: nn.Module) -> list[TemporalInfluence | ConvInfluence]:
    """List every F inside a module, in order."""
    kinds = TemporalInfluence, ConvInfluence
    return [each for each in module.modules() if isinstance(each, kinds)]


def watch_responses(influences: nn.ModuleList, run: Callable[[], object]) -> list[Tensor]:
    """Run a network, and compute the response of each F at its input patterns."""
    seen: dict[nn.Module, Tensor] = {}

    def watch(influence: Any, args: tuple[Any, ...], output: Tensor) -> None:
        seen[influence] = influence_response(influence, *args)

    every = influences_of(influences)
    hooks = [influence.register_forward_hook(watch) for influence in every]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    return [seen[influence] for influence in every if influence in seen]
