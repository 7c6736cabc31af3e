"""Batches and small networks for the tests of the modules."""

import itertools

import numpy as np
import torch

from sk_crossmodal.modules import FUSIONS, CrossModalNetwork, TransformerEncoder

WIDTHS = {"video": 5, "audio": 3, "text": 2}
ENCODER = {"d_model": 8, "n_heads": 2, "n_layers": 2, "dropout": 0.2}
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


def make_moments(names):
    rng = np.random.default_rng(9)
    return {
        name: (rng.normal(size=WIDTHS[name]), rng.uniform(0.5, 2.0, size=WIDTHS[name]))
        for name in names
    }


def enliven(module, seed=0):
    """Large influences and biases, so that an error in any of them shows."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in module.named_parameters():
            if "influences" in name or "bias" in name or "last" in name:
                value.copy_(torch.randn(value.shape, generator=generator, dtype=value.dtype) / 2)
    return module


def make_network(
    names=("video", "audio"), encoder=TransformerEncoder, seed=0, lively=True, **config
):
    """A small network in float64; call `.eval()` where dropout is not wanted."""
    torch.manual_seed(seed)
    config = {"layer_sizes": (4,), "n_frames": N_FRAMES, "hidden_size": 7, **config}
    params = ENCODER if encoder is TransformerEncoder else {"d_model": 8}
    network = CrossModalNetwork(
        make_moments(names), 3, encoder=encoder, encoder_params=params, **config
    )
    return enliven(network.double()) if lively else network.double()
