"""`WeightedLoss`: cross-entropy with weights."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from ..modules.masking import as_it_is


class WeightedLoss(nn.Module):
    """Cross-entropy with weights: the sum of weight times loss over the sum of weights."""

    all_sum: Callable[[torch.Tensor], torch.Tensor] = staticmethod(as_it_is)
    class_weight: torch.Tensor | None

    def __init__(self, kind: str, class_weight: Any = None, label_smoothing: float = 0.0):
        super().__init__()
        self.kind, self.label_smoothing = kind, label_smoothing
        if class_weight is not None:
            class_weight = torch.as_tensor(class_weight)
        self.register_buffer("class_weight", class_weight)

    def forward(self, logits: torch.Tensor, target: dict[str, torch.Tensor]) -> torch.Tensor:
        """Weighted mean of the losses."""
        y, weight = target["y"], target["weight"].to(logits.dtype)
        factor = None if self.class_weight is None else self.class_weight.to(logits.dtype)
        if self.kind == "classes":
            losses = F.cross_entropy(
                logits, y, reduction="none", label_smoothing=self.label_smoothing
            )
            weight = weight if factor is None else weight * factor[y]
        else:
            smoothed = y.to(logits.dtype) * (1 - self.label_smoothing) + self.label_smoothing / 2
            losses = F.binary_cross_entropy_with_logits(logits, smoothed, reduction="none")
            # A factor is for those who have the label: not for the yes in a smoothed no.
            losses = losses if factor is None else losses.where(y == 0, losses * factor)
            weight = (weight if weight.ndim == 2 else weight[:, None]).expand_as(losses)
        total = self.all_sum(weight.sum())
        loss: torch.Tensor = (losses * weight).sum()
        return loss / total.clamp(min=torch.finfo(weight.dtype).tiny)
