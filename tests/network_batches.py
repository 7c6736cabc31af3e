"""Batches and small networks for the tests of the modules."""

import itertools

import numpy as np
import torch
from network_oracle import encode_video, netvlad_video, rnn_video

from sk_crossmodal.modules import (
    FUSIONS,
    CrossModalNetwork,
    MeanEncoder,
    NetVLADEncoder,
    RNNEncoder,
    TransformerEncoder,
)
from sk_crossmodal.modules.layers import MaskedBatchNorm
from sk_crossmodal.modules.transformer import positions

WIDTHS = {"video": 5, "audio": 3, "text": 2}
ENCODER = {"d_model": 8, "n_heads": 2, "n_layers": 2, "dropout": 0.2}
CLUSTERS = (4, 3, 2)  # of NetVLAD's towers
ENCODERS = {
    "transformer": (TransformerEncoder, ENCODER),
    "netvlad": (NetVLADEncoder, {"hidden_size": 8, "dropout": 0.2}),
    "rnn": (RNNEncoder, {"n_clusters": 3, "hidden_size": 8, "dropout": 0.2}),
    "mean": (MeanEncoder, {"d_model": 8}),
}
FAMILIES = ("transformer", "netvlad", "rnn")  # encoders that can be influenced
N_FRAMES = 6  # of F's time line; batches are shorter and longer

# Frames of each video: full, short, a single one, none in a modality, none at all.
LENGTHS = {
    "video": [5, 3, 1, 0, 4, 0],
    "audio": [5, 3, 1, 2, 0, 0],
    "text": [5, 0, 1, 2, 4, 0],
}

CROSS_MODAL = (
    ("cross_modal", "hard"),
    ("cross_modal_gated", "hard"),
    ("cross_modal_gated", "soft"),
    ("cross_modal_concat", "hard"),
)
CONFIGURATIONS = [
    {"fusion": "early"},
    {"fusion": "late"},
    *(
        {"fusion": fusion, "gate": gate, "influence": influence}
        for (fusion, gate), influence in itertools.product(CROSS_MODAL, ("cross", "self", "none"))
    ),
    {"fusion": "cross_modal_concat", "combine": "multiply", "layer_sizes": (4, 3)},
]
MULTIPLIED = [
    {"fusion": fusion, "gate": gate, "influence": influence, "combine": "multiply"}
    for (fusion, gate), influence in itertools.product(CROSS_MODAL, ("cross", "self"))
]
assert {config["fusion"] for config in CONFIGURATIONS} == set(FUSIONS)


def name_of(config):
    return "-".join(str(value) for value in config.values())


def uniform(rng, *shape):
    return torch.from_numpy(rng.uniform(-2, 2, size=shape))


def masks_from(lengths, n_frames):
    return torch.arange(n_frames) < torch.tensor(lengths)[:, None]


def make_batch(names=("video", "audio"), n_frames=5, seed=0, lengths=LENGTHS):
    """Frames, zero at padding, masks, and correlations on both sides of 1/2."""
    rng = np.random.default_rng(seed)
    masks = {name: masks_from(lengths[name], n_frames) for name in names}
    frames = {
        name: uniform(rng, *mask.shape, WIDTHS[name]) * mask[..., None]
        for name, mask in masks.items()
    }
    n, n_pairs = len(lengths[names[0]]), len(names) * (len(names) - 1) // 2
    correlation = torch.from_numpy(rng.uniform(0.0, 1.0, size=(n, n_pairs, 1)))
    correlation[0], correlation[1] = 0.9, 0.2
    return frames, masks, correlation


def make_frame_stats(names):
    rng = np.random.default_rng(9)
    return {
        name: (rng.normal(size=WIDTHS[name]), rng.uniform(0.5, 2.0, size=WIDTHS[name]))
        for name in names
    }


def enliven(module, seed=0):
    """Set large influences and biases, so that tests can detect an error in them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in module.named_parameters():
            if "influences" in name or "bias" in name or "last" in name:
                value.copy_(torch.randn(value.shape, generator=generator, dtype=value.dtype) / 2)
        for norm in module.modules():
            if isinstance(norm, MaskedBatchNorm):
                norm.running_mean.normal_(generator=generator)
                norm.running_var.uniform_(0.5, 2.0, generator=generator)
                norm.weight.uniform_(0.5, 2.0, generator=generator)
    return module


def encoder_params(encoder, n_towers):
    """Arguments of one of `ENCODERS` for `n_towers` inputs."""
    _, params = ENCODERS[encoder]
    return {**params, "n_clusters": CLUSTERS[:n_towers]} if encoder == "netvlad" else params


def make_network(
    names=("video", "audio"), encoder="transformer", seed=0, lively=True, double=True, **config
):
    """A small network in float64; call `.eval()` for one without dropout."""
    torch.manual_seed(seed)
    config = {"layer_sizes": (4,), "n_frames": N_FRAMES, "hidden_size": 7, **config}
    network = CrossModalNetwork(
        make_frame_stats(names),
        3,
        encoder=ENCODERS[encoder][0],
        encoder_params=encoder_params(
            encoder,
            1 if getattr(FUSIONS.get(config.get("fusion")), "joint", False) else len(names),
        ),
        **config,
    )
    network = network.double() if double else network
    return enliven(network) if lively else network


def oracle_encoded(encoder, weights, frames, masks, links, combine="add"):
    """Output of the encoder for one video by the oracle, a list over towers."""
    given = (weights, "encoder.", frames, masks, links)
    if encoder == "netvlad":
        return netvlad_video(*given, combine=combine)
    if encoder == "rnn":
        return rnn_video(*given, rnn_type="gru", combine=combine)
    line = positions(len(frames[0]), ENCODER["d_model"], torch.zeros(1).double()).numpy()
    params = {"n_heads": ENCODER["n_heads"], "n_layers": ENCODER["n_layers"]}
    return encode_video(*given, **params, positions=line, combine=combine)
