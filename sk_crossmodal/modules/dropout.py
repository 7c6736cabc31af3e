"""Dropout that is cheap on a CPU."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BLOCK = 1 << 18  # numbers drawn at once, so that the draws stay in the processor's cache


class Dropout(nn.Dropout):
    """Torch's dropout, drawn twice as fast on a CPU: four numbers from each random one."""

    def forward(self, x: Tensor) -> Tensor:
        """Drop numbers, in training alone."""
        on_cpu = x.device.type == "cpu" and not torch.compiler.is_compiling()
        dropped = round(self.p * 65536)
        if not self.training or not 0 < dropped < 65536 or not on_cpu:
            # Elsewhere it is one kernel, which cannot work in place.
            return F.dropout(x, self.p, self.training, self.inplace and on_cpu)
        noise = _noise(x, dropped)
        return x.mul_(noise) if self.inplace else x * noise


def _noise(like: Tensor, dropped: int) -> Tensor:
    """Zeros, with a probability of that many 65536ths, and else one over the share kept."""
    noise = torch.empty(like.shape, dtype=like.dtype)
    flat = noise.view(-1)
    for block in torch.split(flat, BLOCK):
        bits = torch.empty(-(-len(block) // 4), dtype=torch.int64).random_(-(2**63), None)
        drawn = bits.view(torch.int16)[: len(block)]
        torch.ge(drawn, dropped - 32768, out=block)
        block *= 65536 / (65536 - dropped)
    return noise
