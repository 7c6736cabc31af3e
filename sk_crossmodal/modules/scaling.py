"""Scaling and padding of frames, and checks of a network's inputs."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeAlias
from warnings import warn

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..validation import MAX_INT, check_number, short
from .influence import unordered_pairs
from .layers import Tensors

P = ParamSpec("P")
# For each modality the mean and the scale of its features: arrays, tensors, lists or numbers.
FrameStats: TypeAlias = Mapping[str, tuple[Any, Any]]


class RawFrames(NamedTuple):
    """Stored frames, which the network converts to floats and scales in one step."""

    values: torch.Tensor
    scale: float
    shift: float
    dtype: torch.dtype


Frames: TypeAlias = Tensor | RawFrames
FrameDict: TypeAlias = Mapping[str, Frames]
MaskDict: TypeAlias = Mapping[str, Tensor]


class FrameScaler(nn.Module):
    """Frames minus a mean, divided by a scale, both constant; zero at padding."""

    mean: Tensor
    inverse: Tensor

    def __init__(self, mean: Any, scale: Any) -> None:
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float64))
        scale = torch.as_tensor(scale, dtype=torch.float64)
        # The inverse of a scale below 1e-38 is infinite in float32.
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
        """Decode and scale stored frames by one multiplication and addition."""
        values = x.values.to(x.dtype, copy=True)
        factor = x.scale * self.inverse
        offset = (x.shift - self.mean) * self.inverse
        if torch.compiler.is_compiling():  # the compiler fuses the operations itself
            return torch.addcmul(offset.to(x.dtype), values, factor.to(x.dtype))
        return torch.addcmul(offset.to(x.dtype), values, factor.to(x.dtype), out=values)


class FrameNetwork(nn.Module):
    """Base of the networks on frames of several modalities, which it checks, scales and pads."""

    def __init__(self, frame_stats: FrameStats, pad_to: int | None) -> None:
        super().__init__()
        self.names = tuple(frame_stats)
        self.pairs = unordered_pairs(len(self.names))
        self.pad_to = pad_to
        self.scalers = nn.ModuleList(FrameScaler(*stats) for stats in frame_stats.values())

    def set_frame_stats(self, stats: FrameStats) -> None:
        """Set mean and scale of each modality's frames, with which they are scaled."""
        for scaler, name in zip(self.scalers, self.names, strict=True):
            new = FrameScaler(*stats[name]).to(scaler.get_buffer("mean").dtype)
            scaler.load_state_dict(new.state_dict())

    def _check_inputs(self, frames: FrameDict, masks: MaskDict) -> None:
        """Raise ValueError unless these are frames and masks as networks take them."""
        for argument, given in (("frames", frames), ("masks", masks)):
            if missing := [name for name in self.names if name not in given]:
                known = list(self.names)
                raise ValueError(f"{argument} must have the keys {known}, got no {missing}.")
        for name, scaler in zip(self.names, self.scalers, strict=True):
            x, mask = frames[name], masks[name]
            values = x.values if isinstance(x, RawFrames) else x
            shape, width = tuple(values.shape), len(scaler.get_buffer("mean"))
            if values.ndim != 3 or values.shape[2] != width:
                wanted = f"of shape (B, T, {width}), got {shape}"
                raise ValueError(f"Frames of {name!r} must be {wanted}.")
            if mask.dtype != torch.bool or mask.shape != values.shape[:2]:
                wanted = f"of shape {shape[:2]}, got {mask.dtype} of shape {tuple(mask.shape)}"
                raise ValueError(f"The mask of {name!r} must be a bool tensor {wanted}.")

    def _scale(self, frames: FrameDict, masks: Tensors) -> tuple[list[Tensor], list[Tensor]]:
        """Scale the frames of each modality; pad them to `pad_to` real zero frames, if given."""
        modalities = zip(self.scalers, self.names, masks, strict=True)
        scaled = [scaler(frames[name], mask) for scaler, name, mask in modalities]
        if self.pad_to is None:
            return scaled, list(masks)
        # NOTE[paper]: zero frames up to a fixed number count as real (Section 4.2). They are zero
        # after scaling, where zero is the mean frame.
        scaled = [F.pad(x, (0, 0, 0, self.pad_to - x.shape[1])) for x in scaled]
        return scaled, [torch.ones_like(x[..., 0], dtype=torch.bool) for x in scaled]


def all_real(mask: Tensor) -> bool:
    """Whether a batch is known to have no padding; on a GPU, the check would have to wait."""
    return mask.device.type == "cpu" and not torch.compiler.is_compiling() and bool(mask.all())


def check_frame_stats(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` has a mean and a scale per modality."""
    wanted = f"{name} must be a dict of (mean of each feature, scale), one per modality"
    if not isinstance(value, Mapping) or not value:
        raise TypeError(f"{wanted}, got {type(value).__name__} {short(value)}.")
    for modality, pair in value.items():
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not hasattr(pair[0], "__len__"):
            raise ValueError(f"{wanted}, got {short(pair)} of {modality!r}.")


def accepts_moments(init: Callable[P, None]) -> Callable[P, None]:
    """Accept `moments`, the former name of the argument `frame_stats`."""

    @wraps(init)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        if "moments" in kwargs:
            message = "The argument moments was renamed to frame_stats."
            warn(message, DeprecationWarning, stacklevel=2)
            if len(args) > 1 or "frame_stats" in kwargs:  # the first is self
                raise TypeError("Give frame_stats only, not its former name moments as well.")
            kwargs["frame_stats"] = kwargs.pop("moments")
        init(*args, **kwargs)

    return wrapper


def check_widths(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` is a sequence of widths of frames."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be a sequence of integers, got {short(value)}.")
    if not value:
        raise ValueError(f"{name} must hold at least one width, got {value!r}.")
    for width in value:
        check_number(f"Each of {name}", width, low=1, high=MAX_INT, integer=True)


def check_padding(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` is a number of frames, or None."""
    if value is not None:
        check_number(name, value, low=1, high=MAX_INT, integer=True)
