"""How a network combines its modalities (Sections 2 and 5.2)."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from .._registry import Registry
from .influence import Link, Links
from .layers import Inputs, Parts, Tensors


class Fusion:
    """How a network combines its modalities. The base class itself is late fusion.

    A fusion has no weights and no state. To add one, subclass this class, set its attributes,
    override methods where needed, and call ``FUSIONS.register("name", MyFusion())``. Networks
    and classifiers then accept ``fusion="name"``.

    Attributes
    ----------
    joint : bool
        Whether one encoder takes the frames of all modalities, instead of one per modality.
    influences : bool
        Whether the attention of each modality influences that of the others.
    uses_correlation : {"gate", "context"} or None
        How the output of the correlation tower is used: as the gate of each influence, or encoded
        and appended to every frame. None if there is no tower.

    Examples
    --------
    >>> from sk_crossmodal.modules import FUSIONS
    >>> class StrictGate(Fusion):
    ...     influences, uses_correlation = True, "gate"
    ...
    ...     def gate(self, probability, gate):
    ...         return probability > 0.9
    >>> StrictGate().needs_tower("cross", n_modalities=2)
    True
    """

    joint: bool = False
    influences: bool = False
    uses_correlation: Literal["gate", "context"] | None = None

    def needs_tower(self, influence: str, n_modalities: int) -> bool:
        """Whether the output of a correlation tower would be used, with this input of F."""
        nothing_to_gate = self.uses_correlation == "gate" and influence == "none"
        return self.uses_correlation is not None and n_modalities > 1 and not nothing_to_gate

    def encoder_names(self, names: Sequence[str]) -> tuple[str, ...]:
        """Name the inputs of the encoder: the modalities, or for a joint one all joined by "+"."""
        return ("+".join(names),) if self.joint else tuple(names)

    def encoder_widths(self, widths: Sequence[int]) -> list[int]:
        """Compute the widths of the encoder's inputs from those of the modalities and contexts."""
        return [sum(widths)] if self.joint else list(widths)

    def join(self, frames: Inputs, masks: Tensors) -> tuple[Inputs, Tensors]:
        """Turn frames (B, T, width) and masks (B, T), one per modality, into the encoder's inputs.

        These are two lists, as long as that of `encoder_names`.
        """
        if not self.joint:
            return frames, masks
        return [torch.cat(list(frames), -1)], [torch.stack(list(masks)).any(0)]  # type: ignore[arg-type]

    def gate(self, probability: Tensor, gate: str) -> Tensor:
        """Compute the gate g of an influence, (B,), from the probability of correlation p, (B,).

        `gate` is the network's parameter: "hard" gives ``1[p > 0.5]`` (the paper) as bool, "soft"
        gives p.
        """
        return probability > 0.5 if gate == "hard" else probability

    def prepare(
        self, network: Any, frames: Tensors, masks: Tensors, correlation: Tensor | None = None
    ) -> tuple[Inputs, Tensors, Links]:
        """Prepare the first three arguments of the encoder: frames, masks and links.

        It takes the network, lists of its scaled frames (B, T, d) and masks (B, T), zero and False
        at padding, and the output of the tower, (B, n_pairs, n_correlation). ValueError if the
        fusion uses the latter and there is none.
        """
        contexts = _encode_correlation(network, masks, correlation)
        links = self._links(network, masks, correlation, contexts, frames[0].dtype)
        inputs: Inputs = frames
        if contexts:
            split = getattr(network.encoder, "splits_frames", False) and not self.joint
            of_pairs = list(zip(network.pairs, contexts, strict=True))
            inputs = [
                _append_contexts(x, mask, [e for pair, e in of_pairs if i in pair], split)
                for i, (x, mask) in enumerate(zip(frames, masks, strict=True))
            ]
        return (*self.join(inputs, masks), links)

    def _links(
        self,
        network: Any,
        masks: Tensors,
        correlation: Tensor | None,
        contexts: Tensors,
        dtype: torch.dtype,
    ) -> Links:
        """For each modality its `Link` from every other, or None without influences."""
        if network.spec is None or network.encoder.influences is None:
            return None
        links: list[list[Link]] = [[] for _ in masks]
        for target in range(len(masks)):
            others = [i for i in range(len(masks)) if i != target]
            sources = network.spec.sources(target, len(masks))
            for other, source in zip(others, sources, strict=True):
                pair = network.pairs.index((min(other, target), max(other, target)))
                # A modality without frames neither influences nor is influenced.
                gate = _both_present(masks, other, target).to(dtype)
                if self.uses_correlation == "gate":
                    p = _required(network, correlation)[:, pair, 0]
                    gate = gate * self.gate(p, network.gate)
                links[target].append(Link(source, gate, contexts[pair] if contexts else None))
        return links


class EarlyFusion(Fusion):
    """One encoder takes the frames of all modalities side by side."""

    joint = True


class LateFusion(Fusion):
    """One encoder per modality; the head combines their outputs."""


class CrossModalFusion(Fusion):
    """Late fusion, and the attention of each modality influences that of the others."""

    influences = True


class GatedFusion(CrossModalFusion):
    """The influence is gated by the probability of correlation."""

    uses_correlation = "gate"


class ConcatFusion(CrossModalFusion):
    """The correlation is appended to every frame, and enters F."""

    uses_correlation = "context"


FUSIONS: Registry[Fusion] = Registry(
    "fusion",
    early=EarlyFusion(),
    late=LateFusion(),
    cross_modal=CrossModalFusion(),
    cross_modal_gated=GatedFusion(),
    cross_modal_concat=ConcatFusion(),
)


def fusion_without_tower(name: str) -> str:
    """Return the name of the fusion that takes the place of another one without its tower."""
    fusion = FUSIONS.get(name)
    if fusion is None or fusion.uses_correlation is None:
        return name
    return "cross_modal" if fusion.influences else "late"


def _encode_correlation(network: Any, masks: Tensors, correlation: Tensor | None) -> list[Tensor]:
    """Return the context e of each pair, (B, 8), or an empty list if none is used."""
    contexts = []
    for i, (net, (a, b)) in enumerate(zip(network.contexts or (), network.pairs, strict=False)):
        signal = _required(network, correlation)[:, i]
        if signal.shape[-1] == 1:
            signal = 2 * signal - 1
        contexts.append(net(signal * _both_present(masks, a, b).unsqueeze(-1)))
    return contexts


def _required(network: Any, correlation: Tensor | None) -> Tensor:
    if correlation is None:
        wanted = f"correlation must be a tensor (B, {len(network.pairs)}, n_correlation)"
        raise ValueError(f"With fusion={network.fusion!r} {wanted}, got None.")
    return correlation


def _both_present(masks: Tensors, a: int, b: int) -> Tensor:
    """Videos with frames in both modalities, (B,); p is undefined for the others."""
    return masks[a].any(1) & masks[b].any(1)


def _append_contexts(x: Tensor, mask: Tensor, contexts: list[Tensor], split: bool) -> Parts:
    """Append contexts to every real frame; if `split`, return both parts without a copy."""
    appended = torch.cat(contexts, -1)[:, None] * mask.unsqueeze(-1)  # (B, T, n), zero at padding
    return (x, appended) if split else torch.cat([x, appended], -1)
