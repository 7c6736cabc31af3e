"""Recurrent layers as a scan: `torch.export` would unroll torch's own for one length."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def run_exportable(rnn: Any, x: Tensor, mask: Tensor) -> Tensor:
    """Compute states of a bidirectional GRU or LSTM over the real frames."""
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
