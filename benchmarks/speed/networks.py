"""Networks of the paper's size on synthetic frames, and their FLOPs."""

from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from sk_crossmodal.modules import (
    CrossModalNetwork,
    NetVLADEncoder,
    RNNEncoder,
    TransformerEncoder,
    attention,
)

LATE, CONCAT = "late", "cross_modal_concat"
N_LABELS = 640
DROPOUT = 0.1


@dataclass(frozen=True)
class Size:
    """Sizes of batches and networks.

    Parameters
    ----------
    n_videos, n_frames : int
        Videos per batch, and frames of the longest video.
    video, audio : int
        Features per frame.
    scale : int
        Divisor of the widths of the networks.
    """

    n_videos: int = 32
    n_frames: int = 300
    video: int = 1024
    audio: int = 128
    scale: int = 1


QUICK = Size(4, 6, 16, 8, scale=32)


def encoder_of(family, size):
    """Return class, arguments and width of the encoder of default size."""
    k = size.scale
    if family == "Transformer":
        heads = 8 if k == 1 else 2
        params = {"d_model": 512 // k, "n_heads": heads, "dropout": DROPOUT}
        return TransformerEncoder, params, 512 // k
    width = 256 // k
    params = {"hidden_size": width, "dropout": DROPOUT}
    if family == "NetVLAD":
        return NetVLADEncoder, {"n_clusters": [128 // k, 64 // k], **params}, width
    return RNNEncoder, {"n_clusters": 32 // k, **params}, width


def make_network(family, fusion, size, device="cpu"):
    """Return the network of the classifier of a family."""
    torch.manual_seed(0)
    encoder, params, width = encoder_of(family, size)
    frame_stats = {
        "video": (torch.zeros(size.video), 1.0),
        "audio": (torch.zeros(size.audio), 1.0),
    }
    network = CrossModalNetwork(
        frame_stats,
        N_LABELS,
        encoder=encoder,
        encoder_params=params,
        fusion=fusion,
        n_frames=size.n_frames,
        hidden_size=width,
        dropout=DROPOUT,
    )
    return network.to(device)


def make_batch(size, device="cpu", full=False):
    """Return frames, masks, correlations and labels of videos with 230 to 300 frames."""
    generator = torch.Generator(device).manual_seed(1)
    shape = (size.n_videos, size.n_frames)
    low = size.n_frames if full else int(0.77 * size.n_frames)
    lengths = torch.linspace(low, size.n_frames, size.n_videos, device=device).round()
    mask = torch.arange(size.n_frames, device=device) < lengths[:, None]
    frames = {
        name: torch.randn(*shape, width, device=device, generator=generator) * mask[..., None]
        for name, width in (("video", size.video), ("audio", size.audio))
    }
    correlation = torch.rand(size.n_videos, 1, 1, device=device, generator=generator)
    labels = torch.rand(size.n_videos, N_LABELS, device=device, generator=generator) < 0.005
    return (frames, {"video": mask, "audio": mask.clone()}, correlation), labels.float()


def training_step(network, batch, *, bfloat16=False, optimizer=True, fused=True):
    """Return a function that trains on a batch: forward, loss, backward and Adam step."""
    inputs, labels = batch
    parameters = list(network.parameters())
    adam = torch.optim.AdamW(parameters, lr=2e-4, weight_decay=0.0, fused=fused)

    def step():
        adam.zero_grad()
        with torch.autocast(labels.device.type, torch.bfloat16, enabled=bfloat16):
            logits = network(*inputs)
        F.binary_cross_entropy_with_logits(logits.float(), labels).backward()
        if optimizer:
            adam.step()

    return step


@contextmanager
def _plainly():
    """Attention as plain products, which the counter of FLOPs sees."""
    cached = attention._CachedAttention

    class Plain:
        @staticmethod
        def apply(q, k, v, left, right, key_bias):
            logits = q @ k.mT * q.shape[-1] ** -0.5 + left @ right[:, None].mT
            return (logits + key_bias[:, None, None]).softmax(-1) @ v

    attention._CachedAttention = Plain
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        attention._CachedAttention = cached


@lru_cache
def flops_of_step(family, fusion, size):
    """Return the floating-point operations of all products in a step.

    They are counted on the CPU with two videos, where those of a GRU and of attention are seen.
    """
    few = Size(2, size.n_frames, size.video, size.audio, size.scale)
    step = training_step(make_network(family, fusion, few), make_batch(few, full=True))
    with _plainly(), FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops() / 2 * size.n_videos
