"""The network of the correlation tower (Section 3, Figure 5)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from warnings import warn

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from ..validation import SHARE, SIZE, SIZES, Constraint, check_params
from .influence import Links
from .layers import Dropout, Tensors, Weights, masked_mean
from .scaling import (
    FrameDict,
    FrameNetwork,
    FrameStats,
    MaskDict,
    accepts_moments,
    check_frame_stats,
    check_padding,
    check_widths,
)


class MeanEncoder(nn.Module):
    """One ReLU layer for each frame, and the mean over the frames.

    Parameters
    ----------
    widths : sequence of int
        Width of the frames of each modality.
    spec : None
        Must be None, as a mean has no attention to influence.
    d_model : int
        Width of the output.
    dropout : float
        Dropout probability of the frames.

    Notes
    -----
    Shape: a list of ``(B, T, widths[i])`` with masks ``(B, T)`` to a list of ``(B, d_model)``.

    Examples
    --------
    >>> import torch
    >>> encoder = MeanEncoder([16, 4], d_model=32)
    >>> frames = [torch.randn(2, 9, 16), torch.randn(2, 9, 4)]
    >>> [tuple(x.shape) for x in encoder(frames, [torch.ones(2, 9, dtype=torch.bool)] * 2)]
    [(2, 32), (2, 32)]
    """

    constraints: ClassVar[dict[str, Constraint]] = {
        "widths": check_widths,
        "d_model": SIZE,
        "dropout": SHARE,
    }
    influences = None

    def __init__(
        self, widths: Sequence[int], spec: None = None, *, d_model: int = 512, dropout: float = 0.1
    ) -> None:
        super().__init__()
        check_params(locals(), self.constraints)
        if spec is not None:
            raise ValueError("MeanEncoder has no attention to influence; use another encoder.")
        self.out_features = d_model
        self.towers = nn.ModuleList(
            nn.Sequential(Dropout(dropout), nn.Linear(width, d_model), nn.ReLU())
            for width in widths
        )

    def forward(
        self, frames: Tensors, masks: Tensors, links: Links = None, sample_weight: Weights = None
    ) -> list[Tensor]:
        """Encode each modality."""
        return [
            masked_mean(tower(x), mask)
            for tower, x, mask in zip(self.towers, frames, masks, strict=True)
        ]


class CorrelationNetwork(FrameNetwork):
    """One encoder per modality; for each pair of modalities, a ReLU network over both outputs.

    Parameters
    ----------
    frame_stats : dict of str to (array of shape (d,), float)
        For each modality the mean of its features and their scale.
    encoder : type
        Class of the encoder; the first argument is the list of widths.
    encoder_params : dict
        Further arguments of the encoder.
    hidden_layer_sizes : sequence of int
        Sizes of the fully connected layers over the outputs of a pair.
    dropout : float
        Dropout probability before each of these layers.
    pad_to : int, optional
        Pad with zero frames to this length and count them as real, as in the paper. None masks
        the padding.

    Notes
    -----
    Shape: dicts of ``(B, T, d)`` frames and ``(B, T)`` masks to logits ``(B, n_pairs)``; with
    ``negatives`` ``(2, P)``, a video of the batch and its negative in each column, the result is
    ``(P, 2 n_pairs)``: the positive pairs (the video with itself), then the negative pairs (the
    video with its negative). ``sample_weight`` ``(B,)`` is for an encoder with statistics over a
    batch.

    NOTE[paper]: the layers also get the product of both encoders' outputs. Similarity is a
    product, which a network learns slowly from the concatenation alone.

    Examples
    --------
    >>> import torch
    >>> tower = CorrelationNetwork(
    ...     {"video": (torch.zeros(16), 1.0), "audio": (torch.zeros(4), 1.0)},
    ...     encoder=MeanEncoder,
    ...     encoder_params={"d_model": 32},
    ... )
    >>> frames = {"video": torch.randn(2, 9, 16), "audio": torch.randn(2, 9, 4)}
    >>> masks = {name: torch.ones(2, 9, dtype=torch.bool) for name in frames}
    >>> tower(frames, masks).shape
    torch.Size([2, 1])
    """

    constraints: ClassVar[dict[str, Constraint]] = {
        "frame_stats": check_frame_stats,
        "hidden_layer_sizes": SIZES,
        "dropout": SHARE,
        "pad_to": check_padding,
    }

    @accepts_moments
    def __init__(
        self,
        frame_stats: FrameStats,
        *,
        encoder: Callable[..., Any],
        encoder_params: Mapping[str, Any],
        hidden_layer_sizes: Sequence[int] = (512,),
        dropout: float = 0.1,
        pad_to: int | None = None,
    ) -> None:
        check_params(locals(), self.constraints)
        if len(frame_stats) < 2:
            raise ValueError(f"A correlation needs two modalities, got {list(frame_stats)}.")
        super().__init__(frame_stats, pad_to)
        self.encoder = encoder([len(mean) for mean, _ in frame_stats.values()], **encoder_params)
        self.hidden = nn.ModuleList(
            _hidden_net(3 * self.encoder.out_features, hidden_layer_sizes, dropout)
            for _ in self.pairs
        )
        self.outputs = nn.ModuleList(nn.Linear(hidden_layer_sizes[-1], 1) for _ in self.pairs)

    def encode(
        self, frames: FrameDict, masks: MaskDict, sample_weight: Weights = None
    ) -> list[Tensor]:
        """Encode each modality, a list of (B, d)."""
        self._check_inputs(frames, masks)
        scaled = self._scale(frames, [masks[name] for name in self.names])
        encoded: list[Tensor] = self.encoder(*scaled, sample_weight=sample_weight)
        return encoded

    def embed(self, first: Tensors, second: Tensors) -> Tensor:
        """Compute the last hidden layer of every pair, (B, n_pairs, H).

        The first modality of each pair is taken from the encoder outputs `first`, the second from
        `second`; both are the same list for positive pairs.
        """
        return torch.stack(
            [
                hidden(torch.cat([first[a], second[b], first[a] * second[b]], -1))
                for hidden, (a, b) in zip(self.hidden, self.pairs, strict=True)
            ],
            1,
        )

    def classify(self, embedding: Tensor) -> Tensor:
        """Turn embeddings (B, n_pairs, H) into logits (B, n_pairs)."""
        return torch.cat([layer(embedding[:, i]) for i, layer in enumerate(self.outputs)], -1)

    def pair_embedding(self, frames: FrameDict, masks: MaskDict) -> Tensor:
        """Embed the modalities of each video, (B, n_pairs, H)."""
        encoded = self.encode(frames, masks)
        return self.embed(encoded, encoded)

    def forward(
        self,
        frames: FrameDict,
        masks: MaskDict,
        negatives: Tensor | None = None,
        sample_weight: Weights = None,
        *,
        partners: Tensor | None = None,
    ) -> Tensor:
        """Compute the logits of each video, or of positive and negative pairs."""
        if partners is not None:
            message = "The argument partners was renamed to negatives."
            warn(message, DeprecationWarning, stacklevel=4)  # of the caller of torch's `__call__`
            negatives = partners
        encoded = self.encode(frames, masks, sample_weight)
        if negatives is None:
            return self.classify(self.embed(encoded, encoded))
        first, second = ([embedding(rows, x) for x in encoded] for rows in negatives)
        positive = self.classify(self.embed(first, first))
        return torch.cat([positive, self.classify(self.embed(first, second))], -1)


def _hidden_net(width: int, hidden_layer_sizes: Sequence[int], dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for size in hidden_layer_sizes:
        layers += [Dropout(dropout), nn.Linear(width, size), nn.ReLU()]
        width = size
    return nn.Sequential(*layers)
