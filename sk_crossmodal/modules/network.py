"""The network around an encoder: scaling, fusion, correlation, head (Sections 2 and 3)."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from ..validation import (
    FLAG,
    MAX_INT,
    SHARE,
    SIZE,
    SIZES,
    Constraint,
    check_params,
    number,
    options,
    registered,
)
from .fusion import FUSIONS, Fusion
from .head import HEADS
from .influence import InfluenceSpec, Links
from .layers import Inputs, Tensors
from .response import watch_responses
from .scaling import (
    FrameDict,
    FrameNetwork,
    FrameStats,
    MaskDict,
    accepts_moments,
    check_frame_stats,
    check_padding,
)

N_CONTEXT = 8  # numbers that encode the correlation of a pair


class CrossModalNetwork(FrameNetwork):
    """Encoders of several modalities, fused early, late or by cross-modal attention.

    Parameters
    ----------
    frame_stats : dict of str to (array of shape (d,), float)
        For each modality the mean of its features and their scale.
    n_outputs : int
        Number of logits.
    encoder : type
        Class of the encoder; the first arguments are the list of widths, and an `InfluenceSpec`
        or None.
    encoder_params : dict
        Further arguments of the encoder.
    fusion : str
        Name of one of `FUSIONS`.
    gate : {"hard", "soft"}
        Gate g of a gated fusion: ``1[p > 0.5]`` (the paper) or p.
    influence : {"cross", "self", "none"}
        Input of F: the attention of the other modality (the paper) or, as controls, of the target
        itself, or "none" for a network without F.
    layer_sizes : sequence of int
        Sizes of F's hidden layers, at least one.
    combine : {"add", "multiply"}
        Attention becomes ``a + g F`` (the paper's) or ``a (1 + g F)``.
    n_frames : int
        Length of F's time line.
    transform : {"dense", "conv"}
        F is dense along time (the paper), or a convolution.
    max_lag : int
        Largest shift of a convolution, in time steps.
    n_correlation : int
        Width of the correlation of a pair: 1 for p, more for an embedding.
    head : str
        Name of one of `HEADS`.
    hidden_size : int
        Width of the hidden layer of the head.
    dropout, modality_dropout : float
        Dropout probability in the head, and probability of dropping a modality of a video.
    pad_to : int, optional
        Pad with zero frames to this length and count them as real, as in the paper. None masks
        the padding.
    frozen : bool
        Whether everything below the head keeps its weights, and works in training as in
        prediction: without dropout, and with running statistics.

    Notes
    -----
    Shape: dicts of ``(B, T, d)`` frames and ``(B, T)`` masks, correlations
    ``(B, n_pairs, n_correlation)`` and, for an encoder with statistics over a batch, weights of
    the videos ``(B,)``, to logits ``(B, n_outputs)``.

    With concatenation, ``e = MLP(2p - 1)`` of 8 numbers is appended to every frame of both
    modalities and enters F's first layer. An encoder whose attribute `splits_frames` is True
    gets tuples of frames and appended numbers, without a copy of the frames.

    NOTE[paper]: the paper neither says how frames are scaled nor masks padding. Here frames are
    centred and divided by one number per modality, and padding is masked.

    Examples
    --------
    >>> import torch
    >>> from sk_crossmodal.modules import TransformerEncoder
    >>> network = CrossModalNetwork(
    ...     {"video": (torch.zeros(16), 1.0), "audio": (torch.zeros(4), 1.0)},
    ...     n_outputs=5,
    ...     encoder=TransformerEncoder,
    ...     encoder_params={"d_model": 32, "n_heads": 4},
    ... )
    >>> frames = {"video": torch.randn(2, 9, 16), "audio": torch.randn(2, 9, 4)}
    >>> masks = {name: torch.ones(2, 9, dtype=torch.bool) for name in frames}
    >>> network(frames, masks, correlation=torch.rand(2, 1, 1)).shape
    torch.Size([2, 5])
    """

    constraints: ClassVar[dict[str, Constraint]] = {
        "frame_stats": check_frame_stats,
        "n_outputs": number(1, MAX_INT, integer=True),
        "fusion": registered(FUSIONS),
        "gate": options("hard", "soft"),
        "influence": options("cross", "self", "none"),
        "layer_sizes": SIZES,
        "combine": options("add", "multiply"),
        "n_frames": number(1, MAX_INT, integer=True),
        "transform": InfluenceSpec.constraints["transform"],
        "max_lag": InfluenceSpec.constraints["max_lag"],
        "n_correlation": SIZE,
        "head": registered(HEADS),
        "hidden_size": SIZE,
        "dropout": SHARE,
        "modality_dropout": SHARE,
        "pad_to": check_padding,
        "frozen": FLAG,
    }

    @accepts_moments
    def __init__(
        self,
        frame_stats: FrameStats,
        n_outputs: int,
        *,
        encoder: Callable[..., Any],
        encoder_params: Mapping[str, Any],
        fusion: str = "cross_modal_concat",
        gate: str = "hard",
        influence: str = "cross",
        layer_sizes: Sequence[int] = (64,),
        combine: str = "add",
        n_frames: int = 300,
        transform: str = "dense",
        max_lag: int = 10,
        n_correlation: int = 1,
        head: str = "mlp",
        hidden_size: int = 512,
        dropout: float = 0.1,
        modality_dropout: float = 0.0,
        pad_to: int | None = None,
        frozen: bool = False,
    ) -> None:
        check_params(locals(), self.constraints)
        super().__init__(frame_stats, pad_to)
        self.fusion, self.gate = fusion, gate
        self.modality_dropout = modality_dropout
        n = len(self.names)
        self._fusion: Fusion = FUSIONS[fusion]
        n_context = N_CONTEXT if self._fusion.uses_correlation == "context" and n > 1 else 0
        self.contexts = None
        if n_context:
            self.contexts = nn.ModuleList(
                nn.Sequential(
                    nn.Linear(n_correlation, N_CONTEXT), nn.ReLU(), nn.Linear(N_CONTEXT, N_CONTEXT)
                )
                for _ in self.pairs
            )
        self.spec = None
        if self._fusion.influences and influence != "none" and n > 1:
            self.spec = InfluenceSpec(
                n_frames, tuple(layer_sizes), n_context, combine, influence, transform, max_lag
            )
        widths = self._fusion.encoder_widths(
            [len(frame_stats[name][0]) + n_context * (n - 1) for name in self.names]
        )
        self.encoder = encoder(widths, self.spec, **encoder_params)
        width = len(widths) * self.encoder.out_features
        self.head = HEADS[head](width, n_outputs, hidden_size=hidden_size, dropout=dropout)
        self.frozen = frozen
        if frozen:
            for part in self.below_head():
                part.requires_grad_(False)

    def below_head(self) -> list[nn.Module]:
        """List all parts but the head."""
        return [part for name, part in self.named_children() if name != "head"]

    def train(self, mode: bool = True) -> Self:
        """Switch to training or prediction; frozen parts stay in prediction mode."""
        super().train(mode)
        if self.frozen:
            for part in self.below_head():
                part.eval()
        return self

    def start_from(self, other: "CrossModalNetwork") -> None:
        """Copy the weights of a network for other outputs, except those of its output layer."""
        for own, others in zip(self.below_head(), other.below_head(), strict=True):
            own.load_state_dict(others.state_dict())
        self.head.copy_from(other.head)

    def forward(
        self,
        frames: FrameDict,
        masks: MaskDict,
        correlation: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Compute the logits of a batch."""
        prepared = self.prepare(frames, masks, correlation)
        encoded = self.encoder(*prepared, sample_weight=sample_weight)
        logits: Tensor = self.head(torch.cat(encoded, -1))
        return logits

    def attention(
        self, frames: FrameDict, masks: MaskDict, correlation: Tensor | None = None
    ) -> list[tuple[Tensor, ...]]:
        """Compute each encoder's attention before and after the influence, each (B, T)."""
        prepared = self.prepare(frames, masks, correlation)
        pairs: list[tuple[Tensor, ...]] = self.encoder.attention(*prepared)
        return pairs

    def responses(
        self, frames: FrameDict, masks: MaskDict, correlation: Tensor | None = None
    ) -> list[tuple[Tensor, ...]]:
        """Compute the response of each F, (1, T, T) per target and source.

        The batch must be one video, without padding. See `influence_response`.
        """
        run = partial(self.attention, frames, masks, correlation)
        found = iter(watch_responses(self.encoder.influences, run))
        n_sources = len(self.names) - 1
        return [tuple(next(found)[None] for _ in range(n_sources)) for _ in self.names]

    def prepare(
        self, frames: FrameDict, masks: MaskDict, correlation: Tensor | None = None
    ) -> tuple[Inputs, Tensors, Links]:
        """Prepare the arguments of the encoder: lists of frames and masks, and the links."""
        self._check_inputs(frames, masks)
        kept = self.drop_modalities([masks[name] for name in self.names])
        x, real = self._scale(frames, kept)
        return self._fusion.prepare(self, x, real, correlation)

    def drop_modalities(self, masks: list[Tensor]) -> list[Tensor]:
        """In training, drop modalities of some videos at random, never all of a video."""
        if not self.training or not self.modality_dropout or len(masks) == 1:
            return masks
        present = torch.stack([mask.any(1) for mask in masks])  # (M, B)
        draw = torch.rand(present.shape, device=present.device).masked_fill(~present, -1.0)
        drop = (draw < self.modality_dropout) & (draw < draw.amax(0))
        return [mask & ~gone[:, None] for mask, gone in zip(masks, drop, strict=True)]
