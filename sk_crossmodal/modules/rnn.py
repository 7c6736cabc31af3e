"""The cross-modal attention RNN encoder, in its attention-cluster form (Section 2, Figure 2)."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from ..validation import SHARE, SIZE, Constraint, check_params, options
from .influence import Influences, InfluenceSpec, Links, influence_attention
from .layers import Descriptor, Dropout, Tensors, Weights, masked_softmax
from .scaling import check_widths

RNN_TYPES = {"gru": nn.GRU, "lstm": nn.LSTM}


class RNNEncoder(nn.Module):
    """Attention clusters over recurrent states, one tower per modality, with influence.

    Let h be the states of a bidirectional GRU or LSTM, or the frames themselves. Each of C
    clusters attends to time steps, ``a = softmax_T(score(h))``. Under the influence of modality a,
    it becomes ``c_v = sum_t (a_v + g F_a(a_a)) h_v``. Clusters are normalised, divided by
    ``sqrt(C)`` and concatenated. There is no shifting operation, as in the paper.

    NOTE[paper]: the paper specifies neither the recurrent layer nor the score. Here the layer is
    bidirectional, as in the attention RNN of its reference 4, and the score is a linear layer.

    Parameters
    ----------
    widths : sequence of int
        Width of the frames of each modality.
    spec : InfluenceSpec, optional
        How modalities influence each other; None for no influence.
    rnn_type : {"gru", "lstm"} or None
        The recurrent layer; None attends to the frames themselves.
    n_clusters : int
        Number of attention clusters of each modality.
    hidden_size : int
        Width of the recurrent states of both directions together (so it must be even), and of the
        ReLU layer after the clusters.
    dropout : float
        Dropout probability of the frames, of the states, and of the clusters.

    Notes
    -----
    Shape: a list of ``(B, T, widths[i])`` with masks ``(B, T)``, all on one time line, to a list
    of ``(B, hidden_size)``. Real frames must come before padding.

    Examples
    --------
    >>> import torch
    >>> encoder = RNNEncoder([16, 4], n_clusters=8, hidden_size=32)
    >>> frames = [torch.randn(2, 9, 16), torch.randn(2, 9, 4)]
    >>> masks = [torch.ones(2, 9, dtype=torch.bool)] * 2
    >>> [tuple(described.shape) for described in encoder(frames, masks)]
    [(2, 32), (2, 32)]
    """

    constraints: ClassVar[dict[str, Constraint]] = {
        "widths": check_widths,
        "rnn_type": options(*RNN_TYPES, None),
        "n_clusters": SIZE,
        "hidden_size": SIZE,
        "dropout": SHARE,
    }

    def __init__(
        self,
        widths: Sequence[int],
        spec: InfluenceSpec | None = None,
        *,
        rnn_type: str | None = "gru",
        n_clusters: int = 32,
        hidden_size: int = 256,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        check_params(locals(), self.constraints)
        if rnn_type is not None and hidden_size % 2:
            raise ValueError(f"hidden_size must be even with {rnn_type=}, got {hidden_size}.")
        self.out_features = hidden_size
        self.combine = "add" if spec is None else spec.combine
        self.dropout = Dropout(dropout)
        self.rnns = None
        if rnn_type is not None:
            self.rnns = nn.ModuleList(
                RNN_TYPES[rnn_type](width, hidden_size // 2, batch_first=True, bidirectional=True)
                for width in widths
            )
            widths = [hidden_size] * len(widths)
        # A bias would have no effect on a softmax.
        self.scores = nn.ModuleList(nn.Linear(width, n_clusters, bias=False) for width in widths)
        self.descriptors = nn.ModuleList(
            Descriptor(n_clusters * width, hidden_size, dropout) for width in widths
        )
        self.influences: Influences = None
        if spec is not None:
            n = len(widths)
            units = [1 / spec.n_frames] * n
            self.influences = spec.build(n, units=units, n_patterns=[n_clusters] * n)

    def forward(
        self, frames: Tensors, masks: Tensors, links: Links = None, sample_weight: Weights = None
    ) -> list[Tensor]:
        """Encode; `links` has for each target its `Link` from every other modality."""
        states = self.states(frames, masks)
        _, after = self.clusters(states, masks, links)
        return [
            descriptor((F.normalize(a @ h, dim=2) / a.shape[1] ** 0.5).flatten(1))
            for descriptor, a, h in zip(self.descriptors, after, states, strict=True)
        ]

    def states(self, frames: Tensors, masks: Tensors) -> list[Tensor]:
        """Encode frames into states, a list of (B, T, d), zero at padding."""
        frames = [self.dropout(x) for x in frames]
        if self.rnns is None:
            return frames
        return [
            self.dropout(_run(rnn, x, mask))
            for rnn, x, mask in zip(self.rnns, frames, masks, strict=True)
        ]

    def clusters(
        self, states: Tensors, masks: Tensors, links: Links
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Attend by clusters, before and after the influence: two lists of (B, C, T)."""
        before = [
            masked_softmax(score(h).transpose(1, 2), mask)
            for score, h, mask in zip(self.scores, states, masks, strict=True)
        ]
        return before, influence_attention(before, self.influences, links, masks, self.combine)

    def attention(
        self, frames: Tensors, masks: Tensors, links: Links = None
    ) -> list[tuple[Tensor, ...]]:
        """Compute attention before and after the influence, mean over clusters, (B, T) each."""
        pairs = zip(*self.clusters(self.states(frames, masks), masks, links), strict=True)
        return [tuple(a.mean(1) for a in pair) for pair in pairs]


def _run(rnn: nn.Module, x: Tensor, mask: Tensor) -> Tensor:
    """Compute states of both directions over the real frames, (B, T, d), zero at padding."""
    if torch.compiler.is_exporting():
        return _run_exportable(rnn, x, mask)
    lengths = mask.sum(1).clamp(min=1).cpu()
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    states, _ = pad_packed_sequence(rnn(packed)[0], batch_first=True, total_length=x.shape[1])
    return states * mask.unsqueeze(-1)


def _run_exportable(rnn: Any, x: Tensor, mask: Tensor) -> Tensor:
    """Compute the same by a scan, as `torch.export` would unroll torch's own for one length."""
    lengths = mask.sum(1, keepdim=True)
    time = torch.arange(x.shape[1], device=x.device)
    # Real frames in reverse order, padding in place; applied twice, it changes nothing.
    back = torch.where(mask, lengths - 1 - time, time)
    reverse = _direction(rnn, _in_order(x, back), "_reverse")
    states = torch.cat([_direction(rnn, x, ""), _in_order(reverse, back)], -1)
    return states * mask.unsqueeze(-1)


def _in_order(x: Tensor, rows: Tensor) -> Tensor:
    """Reorder the time steps of each video."""
    return x.gather(1, rows.unsqueeze(-1).expand(-1, -1, x.shape[2]))


def _direction(rnn: Any, x: Tensor, suffix: str) -> Tensor:
    """Compute states of one direction, (B, T, hidden_size), from the first frame to the last."""
    # Torch has no public scan yet. Imported here, so that a new torch can only break export.
    from torch._higher_order_ops.scan import scan

    w_in, w, b_in, b = (
        getattr(rnn, f"{name}_l0{suffix}")
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    step = _lstm_step if isinstance(rnn, nn.LSTM) else _gru_step
    inputs = F.linear(x, w_in, b_in).transpose(0, 1)
    zeros = x.new_zeros(x.shape[0], rnn.hidden_size)

    def next_state(state: tuple[Tensor, ...], gates: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        state = step(state, gates, F.linear(state[0], w, b))
        return state, state[0].clone()

    first = (zeros, zeros.clone()) if isinstance(rnn, nn.LSTM) else (zeros,)
    states: Tensor = scan(next_state, first, inputs)[1]
    return states.transpose(0, 1)


def _gru_step(state: tuple[Tensor, ...], gates: Tensor, own: Tensor) -> tuple[Tensor, ...]:
    reset, update, new = gates.chunk(3, -1)
    own_reset, own_update, own_new = own.chunk(3, -1)
    update = (update + own_update).sigmoid()
    new = (new + (reset + own_reset).sigmoid() * own_new).tanh()
    return (new + update * (state[0] - new),)


def _lstm_step(state: tuple[Tensor, ...], gates: Tensor, own: Tensor) -> tuple[Tensor, ...]:
    enter, forget, new, leave = (gates + own).chunk(4, -1)
    cell = forget.sigmoid() * state[1] + enter.sigmoid() * new.tanh()
    return leave.sigmoid() * cell.tanh(), cell
