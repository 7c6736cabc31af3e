"""The network around an encoder: scaling, fusion, correlation, head (Sections 2 and 3)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from .checks import check_option, check_size, check_sizes
from .dropout import Dropout
from .influence import InfluenceSpec, Link, Links, unordered_pairs
from .parts import Parts
from .response import watch_responses
from .scaling import (
    Frames,
    FrameScaler,
    Moments,
    check_inputs,
    check_moments,
    scale_frames,
    set_frame_stats,
)

FUSIONS = ("early", "late", "cross_modal", "cross_modal_gated", "cross_modal_concat")
N_CONTEXT = 8


class CrossModalNetwork(nn.Module):
    """Encoders of several modalities, fused early, late or by cross-modal attention.

    Parameters
    ----------
    moments : dict of str to (array of shape (d,), float)
        Per modality the mean of its features and their scale; its keys are the modalities.
    n_outputs : int
        Number of logits.
    encoder : type
        Class of the encoder: called with the widths and an `InfluenceSpec` or None.
    encoder_params : dict
        Further arguments of the encoder.
    fusion : str
        One of `FUSIONS`: the paper's E, L, CM without correlation tower, CM-G and CM-C.
    gate : {"hard", "soft"}
        With ``"cross_modal_gated"``: g is ``1[p > 0.5]`` (the paper) or p.
    influence : {"cross", "self", "none"}
        What F is fed with: the other modality's attention (the paper), or, as controls, the
        target's own, or nothing, which takes F away and leaves the rest as it is.
    layer_sizes : sequence of int
        Sizes of F's hidden layers, at least one.
    combine : {"add", "multiply"}
        Attention becomes ``a + g F`` (the paper's) or ``a (1 + g F)``.
    n_frames : int
        Length of F's time line.
    n_correlation : int
        Numbers that describe the correlation of a pair: 1 for p, more for an embedding.
    hidden_size : int
        Width of the ReLU layer that fuses the encoders' outputs.
    dropout, modality_dropout : float
        Probability of dropping a number before the head, and a whole modality of a video.
    pad_to : int, optional
        Pad to that many zero frames, taken for real as in the paper; by default padding is
        masked.
    frozen : bool
        Whether all but the head keeps its weights and is applied in training as it is later:
        without dropout, and with the statistics that it has.

    Notes
    -----
    Shape: dicts of ``(B, T, d)`` frames and ``(B, T)`` masks, correlations
    ``(B, n_pairs, n_correlation)`` and, for an encoder with statistics over a batch, weights of
    the videos ``(B,)``, to logits ``(B, n_outputs)``.

    With concatenation, ``e = MLP(2p - 1)`` of 8 numbers is appended to every frame of both
    modalities and enters F's first layer. An encoder whose attribute `splits_frames` is True
    gets pairs of frames and what is to be appended to them, and saves the copy.

    NOTE[paper]: the paper does not say how frames are scaled, nor does it mask padding. Here
    frames are centred and divided by one number a modality, and padding never enters.

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

    def __init__(
        self,
        moments: Moments,
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
        n_correlation: int = 1,
        hidden_size: int = 512,
        dropout: float = 0.1,
        modality_dropout: float = 0.0,
        pad_to: int | None = None,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        check_moments(moments)
        check_option("fusion", fusion, FUSIONS)
        check_option("gate", gate, ("hard", "soft"))
        check_option("influence", influence, ("cross", "self", "none"))
        check_option("combine", combine, ("add", "multiply"))
        check_sizes("layer_sizes", layer_sizes)
        check_size("n_outputs", n_outputs)
        check_size("hidden_size", hidden_size)
        self.names = tuple(moments)
        self.fusion, self.gate = fusion, gate
        self.modality_dropout, self.pad_to = modality_dropout, pad_to
        self.scalers = nn.ModuleList(FrameScaler(*moments[name]) for name in self.names)
        n = len(self.names)
        self.pairs = unordered_pairs(n)
        concat = fusion == "cross_modal_concat" and n > 1
        self.contexts = None
        if concat:
            self.contexts = nn.ModuleList(_context_net(n_correlation) for _ in self.pairs)
        self.spec = None
        if fusion.startswith("cross_modal") and influence != "none" and n > 1:
            sizes = tuple(layer_sizes)
            self.spec = InfluenceSpec(n_frames, sizes, N_CONTEXT * concat, combine, influence)
        widths = [len(moments[name][0]) + N_CONTEXT * concat * (n - 1) for name in self.names]
        if fusion == "early":
            widths = [sum(widths)]
        self.encoder = encoder(widths, self.spec, **encoder_params)
        self.head = nn.Sequential(
            Dropout(dropout),
            nn.Linear(len(widths) * self.encoder.out_features, hidden_size),
            nn.ReLU(),
            Dropout(dropout),
            nn.Linear(hidden_size, n_outputs),
        )
        self.frozen = frozen
        if frozen:
            for part in self.below_head():
                part.requires_grad_(False)

    def below_head(self) -> list[nn.Module]:
        """All parts but the head."""
        return [part for name, part in self.named_children() if name != "head"]

    def train(self, mode: bool = True) -> Self:
        """Switch to training, or to prediction, where parts that are frozen stay."""
        super().train(mode)
        if self.frozen:
            for part in self.below_head():
                part.eval()
        return self

    def start_from(self, other: "CrossModalNetwork") -> None:
        """Take the weights of a network for other outputs, and keep the last layer's own."""
        last = f"head.{len(self.head) - 1}."
        own = {name: own for name, own in self.state_dict().items() if name.startswith(last)}
        self.load_state_dict({**other.state_dict(), **own})

    def set_frame_stats(self, stats: Moments) -> None:
        """Set mean and scale of each modality's frames, with which they are scaled."""
        set_frame_stats(self.scalers, self.names, stats)

    def forward(
        self,
        frames: Mapping[str, Frames],
        masks: Mapping[str, Tensor],
        correlation: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Compute the logits of a batch."""
        prepared = self.prepare(frames, masks, correlation)
        encoded = self.encoder(*prepared, sample_weight=sample_weight)
        logits: Tensor = self.head(torch.cat(encoded, -1))
        return logits

    def attention(
        self,
        frames: Mapping[str, Frames],
        masks: Mapping[str, Tensor],
        correlation: Tensor | None = None,
    ) -> list[tuple[Tensor, ...]]:
        """Per tower, attention before and after the influence, each (B, T)."""
        pairs: list[tuple[Tensor, ...]] = self.encoder.attention(
            *self.prepare(frames, masks, correlation)
        )
        return pairs

    def responses(
        self,
        frames: Mapping[str, Frames],
        masks: Mapping[str, Tensor],
        correlation: Tensor | None = None,
    ) -> list[tuple[Tensor, ...]]:
        """Per target, how F answers each source, (1, T, T) each; see `influence_response`.

        The batch must be of one video, so that there is no padding, which F does not see.
        """
        found = iter(
            watch_responses(
                self.encoder.influences, lambda: self.attention(frames, masks, correlation)
            )
        )
        n_sources = len(self.names) - 1
        return [tuple(next(found)[None] for _ in range(n_sources)) for _ in self.names]

    def prepare(
        self,
        frames: Mapping[str, Frames],
        masks: Mapping[str, Tensor],
        correlation: Tensor | None = None,
    ) -> tuple[Sequence[Parts], Sequence[Tensor], Links]:
        """What the encoder takes: lists of frames and masks, and the links."""
        check_inputs(self.scalers, self.names, frames, masks)
        kept = self.drop_modalities([masks[name] for name in self.names])
        x, real = scale_frames(self.scalers, [frames[n] for n in self.names], kept, self.pad_to)
        if self.fusion == "early":
            return [torch.cat(x, -1)], [torch.stack(real).any(0)], None
        contexts = self.encode_correlation(correlation, real)
        links = self.links(correlation, contexts, real, x[0].dtype)
        if contexts is None:
            return x, real, links
        parts = [self.append_contexts(i, x[i], real[i], contexts) for i in range(len(x))]
        return parts, real, links

    def drop_modalities(self, masks: list[Tensor]) -> list[Tensor]:
        """In training, take all frames of a modality from some videos, never its last one."""
        if not self.training or not self.modality_dropout or len(masks) == 1:
            return masks
        present = torch.stack([mask.any(1) for mask in masks])  # (M, B)
        draw = torch.rand(present.shape, device=present.device).masked_fill(~present, -1.0)
        drop = (draw < self.modality_dropout) & (draw < draw.amax(0))
        return [mask & ~gone[:, None] for mask, gone in zip(masks, drop, strict=True)]

    def known(self, masks: Sequence[Tensor], a: int, b: int) -> Tensor:
        """Find videos with frames in both modalities, (B,): only there p means something."""
        return masks[a].any(1) & masks[b].any(1)

    def given(self, correlation: Tensor | None) -> Tensor:
        """Return the correlations, or raise ValueError where they are needed and missing."""
        if correlation is None:
            raise ValueError(
                f"With fusion={self.fusion!r} correlation must be a tensor of shape "
                f"(B, {len(self.pairs)}, n_correlation), got None."
            )
        return correlation

    def encode_correlation(
        self, correlation: Tensor | None, masks: Sequence[Tensor]
    ) -> list[Tensor] | None:
        """The contexts e of all pairs, a list of (B, 8), or None without concatenation."""
        if self.contexts is None:
            return None
        out = []
        for i, (a, b) in enumerate(self.pairs):
            signal = self.given(correlation)[:, i]
            if signal.shape[-1] == 1:
                signal = 2 * signal - 1
            signal = signal * self.known(masks, a, b).unsqueeze(-1)
            out.append(self.contexts[i](signal))
        return out

    def append_contexts(
        self, i: int, x: Tensor, mask: Tensor, contexts: Sequence[Tensor]
    ) -> Parts:
        """Append to modality i's frames the context of every pair that it is part of."""
        own = [e for pair, e in zip(self.pairs, contexts, strict=True) if i in pair]
        appended = torch.cat(own, -1)[:, None] * mask.unsqueeze(-1)  # (B, T, n), zero at padding
        if getattr(self.encoder, "splits_frames", False):
            return x, appended
        return torch.cat([x, appended], -1)

    def links(
        self,
        correlation: Tensor | None,
        contexts: Sequence[Tensor] | None,
        masks: Sequence[Tensor],
        dtype: torch.dtype,
    ) -> Links:
        """For each modality its `Link` from every other, or None if nothing influences."""
        if self.spec is None or self.encoder.influences is None:
            return None
        out: list[list[Link]] = [[] for _ in masks]
        for target in range(len(masks)):
            others = [i for i in range(len(masks)) if i != target]
            sources = self.spec.sources(target, len(masks))
            for other, source in zip(others, sources, strict=True):
                pair = self.pairs.index((min(other, target), max(other, target)))
                # Without frames on either side there is no attention to speak of.
                gate = self.known(masks, other, target).to(dtype)
                if self.fusion == "cross_modal_gated":
                    p = self.given(correlation)[:, pair, 0]
                    gate = gate * ((p > 0.5).to(gate.dtype) if self.gate == "hard" else p)
                context = None if contexts is None else contexts[pair]
                out[target].append(Link(source, gate, context))
        return out


def _context_net(n_correlation: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n_correlation, N_CONTEXT), nn.ReLU(), nn.Linear(N_CONTEXT, N_CONTEXT)
    )
