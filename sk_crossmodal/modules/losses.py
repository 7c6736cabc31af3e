"""Losses with weights of videos, labels and classes."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .._registry import Registry
from .layers import identity


class WeightedLoss(nn.Module):
    """Weighted mean of losses: the sum of weight times loss over the sum of weights.

    This is the base class. To add a loss, subclass it or one of `LOSSES`, and call
    ``LOSSES.register("name", MyLoss)``.

    Parameters
    ----------
    class_weight : array-like of shape (n_outputs,), default=None
        Factors of the classes, or of the positive term of each label.
    label_smoothing : float, default=0.0
        Share of each target that is spread evenly over the classes, or over yes and no.

    Notes
    -----
    Shape: logits ``(B, n_outputs)`` and a dict of ``y``, ``(B, n_outputs)`` or ``(B,)``, and
    ``weight``, ``(B,)`` or ``(B, n_outputs)``, to a number.

    Examples
    --------
    >>> import torch
    >>> from sk_crossmodal.modules import LOSSES
    >>> class SquaredError(WeightedLoss):
    ...     def losses(self, logits, y):
    ...         return (logits.sigmoid() - y).square()
    >>> target = {"y": torch.ones(3, 2), "weight": torch.ones(3)}
    >>> SquaredError()(torch.zeros(3, 2), target), LOSSES["binary"]()(torch.zeros(3, 2), target)
    (tensor(0.2500), tensor(0.6931))
    """

    # Distributed training replaces it by the sum over all processes.
    all_sum: Callable[[Tensor], Tensor] = staticmethod(identity)
    class_weight: Tensor | None

    def __init__(self, class_weight: Any = None, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        if class_weight is not None:
            class_weight = torch.as_tensor(class_weight)
        self.register_buffer("class_weight", class_weight)

    def forward(self, logits: Tensor, target: dict[str, Tensor]) -> Tensor:
        """Compute the weighted mean of the losses."""
        y = target["y"]
        losses = self.losses(logits, y)
        weights = self.weights(target["weight"].to(logits.dtype), y)
        total = self.all_sum(weights.sum())
        loss: Tensor = (losses * weights).sum()
        return loss / total.clamp(min=torch.finfo(weights.dtype).tiny)

    def losses(self, logits: Tensor, y: Tensor) -> Tensor:
        """Compute the losses, of the shape of y."""
        raise NotImplementedError

    def weights(self, weight: Tensor, y: Tensor) -> Tensor:
        """Compute the weights of the losses, of the shape of y."""
        return weight if weight.ndim == y.ndim else weight[:, None].expand_as(y)


class BinaryLoss(WeightedLoss):
    """Binary cross-entropy of independent labels."""

    def losses(self, logits: Tensor, y: Tensor) -> Tensor:
        """Compute the losses of each label, (B, L)."""
        smoothed = y.to(logits.dtype) * (1 - self.label_smoothing) + self.label_smoothing / 2
        losses = F.binary_cross_entropy_with_logits(logits, smoothed, reduction="none")
        if self.class_weight is None:
            return losses
        # The factor applies to positives only, not to the yes in a smoothed no.
        return losses.where(y == 0, losses * self.class_weight.to(logits.dtype))


class ClassesLoss(WeightedLoss):
    """Cross-entropy of exclusive classes."""

    def losses(self, logits: Tensor, y: Tensor) -> Tensor:
        """Compute the loss of each video, (B,)."""
        return F.cross_entropy(logits, y, reduction="none", label_smoothing=self.label_smoothing)

    def weights(self, weight: Tensor, y: Tensor) -> Tensor:
        """Multiply the weights of the videos by the factors of their classes, (B,)."""
        if self.class_weight is None:
            return weight
        return weight * self.class_weight.to(weight.dtype)[y]


LOSSES: Registry[type[WeightedLoss]] = Registry("loss", binary=BinaryLoss, classes=ClassesLoss)


def build_loss(kind: str, *args: Any, **kwargs: Any) -> WeightedLoss:
    """Build the loss that is registered as `kind`."""
    return LOSSES[kind](*args, **kwargs)
