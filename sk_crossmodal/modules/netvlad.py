"""The cross-modal NetVLAD encoder (Section 2, Figure 4)."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..validation import SHARE, SIZE, Constraint, check_params, check_size
from .influence import Influences, InfluenceSpec, Links, influence_attention
from .layers import (
    Descriptor,
    Dropout,
    Inputs,
    MaskedBatchNorm,
    Parts,
    Tensors,
    Weights,
    as_parts,
    split_linear,
)
from .scaling import check_widths


def check_clusters(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` is a size, or a list or tuple of sizes."""
    for size in value if isinstance(value, list | tuple) else (value,):
        check_size(name, size)


class NetVLADEncoder(nn.Module):
    """NetVLAD descriptors, one per modality, whose cluster assignments influence each other.

    Each frame x is softly assigned to clusters, ``a = softmax(BN(x W))``, and a modality v that is
    influenced by modality a is described by ``V_v = sum_t (a_v + g F_a(a_a)) (x_v - c_v)``: per
    cluster the sum of the residuals, normalised per cluster, then as a whole. F acts along time
    and maps the clusters of the source to those of the target.

    Parameters
    ----------
    widths : sequence of int
        Width of the frames of each modality.
    spec : InfluenceSpec, optional
        How modalities influence each other; None for no influence.
    n_clusters : int or sequence of int
        Number of clusters, for all modalities or for each.
    hidden_size : int
        Width of the ReLU layer after each descriptor.
    dropout : float
        Dropout probability of the frames, and of the descriptor.

    Notes
    -----
    Shape: a list of ``(B, T, widths[i])`` with masks ``(B, T)``, all on one time line, to a list
    of ``(B, hidden_size)``. Frames may be tuples of tensors instead of their concatenation.

    Examples
    --------
    >>> import torch
    >>> encoder = NetVLADEncoder([16, 4], n_clusters=(8, 6), hidden_size=32)
    >>> frames = [torch.randn(2, 9, 16), torch.randn(2, 9, 4)]
    >>> masks = [torch.ones(2, 9, dtype=torch.bool)] * 2
    >>> [tuple(described.shape) for described in encoder(frames, masks)]
    [(2, 32), (2, 32)]
    """

    constraints: ClassVar[dict[str, Constraint]] = {
        "widths": check_widths,
        "n_clusters": check_clusters,
        "hidden_size": SIZE,
        "dropout": SHARE,
    }
    splits_frames = True  # see `CrossModalNetwork`

    def __init__(
        self,
        widths: Sequence[int],
        spec: InfluenceSpec | None = None,
        *,
        n_clusters: int | Sequence[int] = 64,
        hidden_size: int = 256,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        check_params(locals(), self.constraints)
        clusters = _clusters_per_tower(n_clusters, len(widths))
        self.out_features = hidden_size
        self.combine = "add" if spec is None else spec.combine
        self.dropout = Dropout(dropout)
        self.assign: Any = nn.ModuleList(
            nn.Linear(width, k, bias=False) for width, k in zip(widths, clusters, strict=True)
        )
        self.norms = nn.ModuleList(MaskedBatchNorm(k) for k in clusters)
        self.centres = nn.ParameterList(
            torch.randn(k, width) / width**0.5 for width, k in zip(widths, clusters, strict=True)
        )
        self.descriptors = nn.ModuleList(
            Descriptor(k * width, hidden_size, dropout)
            for width, k in zip(widths, clusters, strict=True)
        )
        self.influences: Influences = None
        if spec is not None:
            units = [1 / k for k in clusters]
            self.influences = spec.build(len(widths), clusters, units)

    def forward(
        self, frames: Inputs, masks: Tensors, links: Links = None, sample_weight: Weights = None
    ) -> list[Tensor]:
        """Compute the descriptors; `links` has for each target its `Link` from every other."""
        frames = [tuple(self.dropout(part) for part in as_parts(x)) for x in frames]
        _, after = self.assignments(frames, masks, links, sample_weight)
        return [
            descriptor(vlad(x, a, centres))
            for descriptor, x, a, centres in zip(
                self.descriptors, frames, after, self.centres, strict=True
            )
        ]

    def assignments(
        self, frames: Inputs, masks: Tensors, links: Links, sample_weight: Weights = None
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Assign frames to clusters, before and after the influence: two lists of (B, K_i, T)."""
        before = [
            norm(split_linear(assign, as_parts(x)), mask, sample_weight)
            .softmax(-1)
            .transpose(1, 2)
            * mask[:, None, :]
            for norm, assign, x, mask in zip(self.norms, self.assign, frames, masks, strict=True)
        ]
        return before, influence_attention(before, self.influences, links, masks, self.combine)

    def attention(
        self, frames: Inputs, masks: Tensors, links: Links = None
    ) -> list[tuple[Tensor, ...]]:
        """Compute the weight of each time step before and after the influence, (B, T) each.

        It is the sum over clusters, divided by the number of real frames: without an influence,
        all real frames have the same weight.
        """
        pairs = zip(*self.assignments(frames, masks, links), strict=True)
        return [
            tuple(a.sum(1) / mask.sum(1, keepdim=True).clamp(min=1) for a in pair)
            for pair, mask in zip(pairs, masks, strict=True)
        ]


def _clusters_per_tower(n_clusters: Any, n_towers: int) -> list[int]:
    clusters = [n_clusters] * n_towers if isinstance(n_clusters, Integral) else n_clusters
    if len(clusters) != n_towers:
        wanted = f"an integer or {n_towers} of them, one per tower"
        raise ValueError(f"n_clusters must be {wanted}, got {n_clusters!r}.")
    return [int(k) for k in clusters]


def vlad(x: Parts, assignment: Tensor, centres: Tensor) -> Tensor:
    """Sum residuals per cluster, ``sum_t a_k(t) (x_t - c_k)``, and normalise twice."""
    parts = [assignment @ part for part in as_parts(x)]
    sums = parts[0] if len(parts) == 1 else torch.cat(parts, -1)
    residuals = sums - assignment.sum(2, keepdim=True) * centres  # (B, K, d)
    # Normalised per cluster and then as a whole, but divided only once, which is faster.
    norms: Tensor = torch.linalg.vector_norm(residuals, dim=2, keepdim=True)  # (B, K, 1)
    inverse = norms.clamp(min=1e-12).reciprocal()
    whole: Tensor = torch.linalg.vector_norm(norms * inverse, dim=1, keepdim=True)  # (B, 1, 1)
    return (residuals * (inverse / whole.clamp(min=1e-12))).flatten(1)
