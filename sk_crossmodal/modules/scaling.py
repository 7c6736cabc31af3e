"""Frames as encoders take them: scaled, and padded if asked to."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Per modality the mean and the scale of its features: arrays, tensors, lists or numbers.
Moments: TypeAlias = Mapping[str, tuple[Any, Any]]


class RawFrames(NamedTuple):
    """Frames as they are stored, for a network to scale while it turns them into floats."""

    values: torch.Tensor
    scale: float
    shift: float
    dtype: torch.dtype


Frames: TypeAlias = Tensor | RawFrames


class FrameScaler(nn.Module):
    """Frames minus a mean, over a scale, both fixed, and zero at padding."""

    mean: Tensor
    inverse: Tensor

    def __init__(self, mean: Any, scale: Any) -> None:
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float64))
        scale = torch.as_tensor(scale, dtype=torch.float64)
        # Of a spread below 1e-38 the inverse is infinite in float32.
        inverse = scale.reciprocal().clamp(max=1 / torch.finfo(torch.float32).tiny)
        self.register_buffer("inverse", inverse)

    def forward(self, x: Frames, mask: Tensor) -> Tensor:
        """Scale the real frames."""
        if isinstance(x, RawFrames):
            scaled = self.scale_stored(x)
        else:
            scaled = (x - self.mean.to(x.dtype)).mul_(self.inverse.to(x.dtype))
        if all_real(mask):
            return scaled
        return scaled.masked_fill_(~mask.unsqueeze(-1), 0.0)

    def scale_stored(self, x: RawFrames) -> Tensor:
        """Do what stored numbers mean and the scaling in one multiplication and addition."""
        values = x.values.to(x.dtype, copy=True)
        factor = x.scale * self.inverse
        offset = (x.shift - self.mean) * self.inverse
        if torch.compiler.is_compiling():  # which fuses it itself
            return torch.addcmul(offset.to(x.dtype), values, factor.to(x.dtype))
        return torch.addcmul(offset.to(x.dtype), values, factor.to(x.dtype), out=values)


def set_frame_stats(scalers: nn.ModuleList, names: Sequence[str], stats: Moments) -> None:
    """Replace the mean and scale of the scaler of each modality."""
    for scaler, name in zip(scalers, names, strict=True):
        scaler.load_state_dict(FrameScaler(*stats[name]).state_dict())


def check_moments(moments: Moments) -> None:
    """Raise TypeError or ValueError unless these are pairs of means and scales, by modality."""
    if not isinstance(moments, Mapping) or not moments:
        raise TypeError(
            "moments must be a dict of at least one modality's mean and scale, got "
            f"{type(moments).__name__} {moments!r}."
        )
    for name, pair in moments.items():
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not hasattr(pair[0], "__len__"):
            raise ValueError(
                f"The moments of modality {name!r} must be a mean of each feature and their "
                f"scale, got {pair!r}."
            )


def check_inputs(
    scalers: nn.ModuleList,
    names: Sequence[str],
    frames: Mapping[str, Frames],
    masks: Mapping[str, Tensor],
) -> None:
    """Raise ValueError unless these are frames and masks as networks take them."""
    for what, parts in (("frames", frames), ("masks", masks)):
        if missing := [name for name in names if name not in parts]:
            raise ValueError(f"{what} must be given of {list(names)}, got none of {missing}.")
    for name, scaler in zip(names, scalers, strict=True):
        x, mask = frames[name], masks[name]
        values = x.values if isinstance(x, RawFrames) else x
        width = len(scaler.get_buffer("mean"))
        if values.ndim != 3 or values.shape[2] != width:
            raise ValueError(
                f"Frames of modality {name!r} must be of shape (B, T, {width}), got "
                f"{tuple(values.shape)}."
            )
        if mask.dtype != torch.bool or mask.shape != values.shape[:2]:
            raise ValueError(
                f"The mask of modality {name!r} must be a bool tensor of shape "
                f"{tuple(values.shape[:2])}, got {mask.dtype} of shape {tuple(mask.shape)}."
            )


def all_real(mask: Tensor) -> bool:
    """Tell whether a batch is known to have no padding; on a GPU, looking would be waiting."""
    return mask.device.type == "cpu" and not torch.compiler.is_compiling() and bool(mask.all())


def scale_frames(
    scalers: nn.ModuleList,
    frames: Sequence[Frames],
    masks: Sequence[Tensor],
    pad_to: int | None = None,
) -> tuple[list[Tensor], list[Tensor]]:
    """Scale each modality's frames; pad them with zeros that count as real, where asked to."""
    scaled = [scaler(x, mask) for scaler, x, mask in zip(scalers, frames, masks, strict=True)]
    if pad_to is None:
        return scaled, list(masks)
    # NOTE[paper]: zero frames up to a fixed number, not told from real ones (Section 4.2); they
    # are zero after scaling, where it is the mean frame that is zero.
    scaled = [F.pad(x, (0, 0, 0, pad_to - x.shape[1])) for x in scaled]
    return scaled, [torch.ones_like(x[..., 0], dtype=torch.bool) for x in scaled]
