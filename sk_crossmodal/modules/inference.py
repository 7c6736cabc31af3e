"""A trained network from frames to probabilities, in a form that `torch.export` accepts."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .correlation import CorrelationNetwork
from .influence import TemporalInfluence
from .network import CrossModalNetwork


class InferenceModule(nn.Module):
    """The networks of a classifier and of its correlation tower, from frames to probabilities.

    Parameters
    ----------
    network : CrossModalNetwork
        The network of the classifier.
    tower : CorrelationNetwork or None
        The network of its correlation tower, or None if the fusion uses none.
    max_frames : tuple of int
        Maximum number of frames of the network and of the tower; later ones are ignored.
    embeds : bool
        Whether the network gets the tower's last hidden layer in place of p.
    multilabel : bool
        Whether outputs are independent labels (sigmoid), or exclusive classes (softmax).

    Notes
    -----
    Shape: dicts of ``(B, T, d)`` frames and ``(B, T)`` masks to ``(B, n_outputs)``.

    Examples
    --------
    >>> import torch
    >>> from sk_crossmodal.modules import TransformerEncoder
    >>> frame_stats = {"video": (torch.zeros(16), 1.0), "audio": (torch.zeros(4), 1.0)}
    >>> network = CrossModalNetwork(
    ...     frame_stats,
    ...     n_outputs=5,
    ...     encoder=TransformerEncoder,
    ...     encoder_params={"d_model": 32},
    ...     fusion="late",
    ... )
    >>> inference = InferenceModule(network, None, (300, 300), embeds=False, multilabel=True)
    >>> frames = {"video": torch.randn(2, 9, 16), "audio": torch.randn(2, 9, 4)}
    >>> masks = {name: torch.ones(2, 9, dtype=torch.bool) for name in frames}
    >>> inference.eval()(frames, masks).shape
    torch.Size([2, 5])
    """

    def __init__(
        self,
        network: CrossModalNetwork,
        tower: CorrelationNetwork | None,
        max_frames: tuple[int, int],
        *,
        embeds: bool,
        multilabel: bool,
    ) -> None:
        super().__init__()
        self.network, self.tower, self.max_frames = network, tower, max_frames
        self.embeds, self.multilabel = embeds, multilabel
        for part in network.modules():
            if isinstance(part, TemporalInfluence):
                # Longer than any batch, so that one program serves all lengths.
                part.lengthen(max_frames[0] + 1)

    def forward(self, frames: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> Tensor:
        """Predict the probabilities, strictly between 0 and 1."""
        correlation = None
        if self.tower is not None:
            correlation = self.correlate(self.tower, frames, masks)
        logits = self.network(*self.cut(self.network, frames, masks), correlation)
        probability: Tensor = logits.sigmoid() if self.multilabel else logits.softmax(-1)
        edge = torch.finfo(probability.dtype).eps / 2
        return probability.clamp(edge, 1 - edge)

    def correlate(
        self, tower: CorrelationNetwork, frames: Mapping[str, Tensor], masks: Mapping[str, Tensor]
    ) -> Tensor:
        """Apply the tower to each pair, (B, n_pairs, 1 or H); p is 0.5 without frames."""
        embedding = tower.pair_embedding(*self.cut(tower, frames, masks))
        if self.embeds:
            return embedding
        present = [masks[name].any(1) for name in tower.names]
        known = torch.stack([present[a] & present[b] for a, b in tower.pairs], 1)
        return tower.classify(embedding).sigmoid().where(known, 0.5).unsqueeze(-1)

    def cut(
        self, network: Any, frames: Mapping[str, Tensor], masks: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return the first frames, up to the network's maximum, in its dtype."""
        n_frames = self.max_frames[network is not self.network]
        dtype = next(network.parameters()).dtype
        x = {name: frames[name].to(dtype) for name in network.names}
        real = {name: masks[name] for name in network.names}
        if n_frames < max(self.max_frames):
            # Padded first, as an exported program cannot compare lengths.
            x = {name: F.pad(each, (0, 0, 0, n_frames))[:, :n_frames] for name, each in x.items()}
            real = {name: F.pad(each, (0, n_frames))[:, :n_frames] for name, each in real.items()}
        return x, real
