"""Dropout that is fast on a CPU."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BLOCK = 1 << 18  # numbers per draw, which fit into the cache of a CPU


class Dropout(nn.Dropout):
    """Dropout that is faster than torch's on a CPU: each random int64 serves four numbers."""

    def forward(self, x: Tensor) -> Tensor:
        """Drop numbers, in training only."""
        on_cpu = x.device.type == "cpu" and not torch.compiler.is_compiling()
        dropped = round(self.p * 65536)
        if not self.training or not 0 < dropped < 65536 or not on_cpu:
            # On a GPU torch has one kernel for all of it, which cannot work in place.
            return F.dropout(x, self.p, self.training, self.inplace and on_cpu)
        noise = _noise(x, dropped)
        return x.mul_(noise) if self.inplace else x * noise


def _noise(like: Tensor, dropped: int) -> Tensor:
    """Return 0 with probability dropped / 65536, else 1 over the probability of keeping."""
    noise = torch.empty(like.shape, dtype=like.dtype)
    flat = noise.view(-1)
    for block in torch.split(flat, BLOCK):
        bits = torch.empty(-(-len(block) // 4), dtype=torch.int64).random_(-(2**63), None)
        drawn = bits.view(torch.int16)[: len(block)]
        torch.ge(drawn, dropped - 32768, out=block)
        block *= 65536 / (65536 - dropped)
    return noise
