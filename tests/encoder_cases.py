"""Encoders whose attention is spread over clusters: small ones, their inputs and links."""

import itertools

import numpy as np
import torch
from network_batches import WIDTHS, enliven, masks_from, uniform

from sk_crossmodal.modules import InfluenceSpec, Link

NAMES = tuple(WIDTHS)
N_FRAMES, N_CONTEXT = 6, 3

# Frames of each video per modality; two videos lack a modality.
LENGTHS = ([5, 3, 2, 5, 0], [5, 2, 4, 0, 0], [4, 5, 1, 3, 2])
GATES = {"open": None, "hard": [1.0, 0.0, 1.0, 0.0, 1.0], "soft": [0.3, 1.0, 0.7, 0.5, 0.9]}
LONGER = 8  # frames of a batch longer than the time line of F

CASES = [
    {
        "n_modalities": m,
        "combine": combine,
        "gate": gate,
        "n_context": e,
        "to_self": to_self,
        "n_frames": n,
    }
    for m, combine, gate, e, to_self, n in itertools.product(
        (2, 3), ("add", "multiply"), GATES, (0, N_CONTEXT), (False, True), (5, LONGER)
    )
]


def case_name(case):
    return "-".join(str(value) for value in case.values())


def make_spec(layer_sizes=(4, 3), n_context=0, combine="add", to_self=False):
    return InfluenceSpec(N_FRAMES, layer_sizes, n_context, combine, "self" if to_self else "cross")


def build_encoder(encoder, n_modalities, spec, seed=0, **params):
    """An encoder with large influences, in float64 without dropout."""
    torch.manual_seed(seed)
    widths = [WIDTHS[name] for name in NAMES[:n_modalities]]
    return enliven(encoder(widths, spec, dropout=0.0, **params).double())


def make_inputs(n_modalities=2, n_frames=5, lengths=LENGTHS, seed=0):
    """Frames, zero at padding, and masks; some videos fill all frames of longer batches."""
    rng = np.random.default_rng(seed)
    lengths = [[n_frames if n == 5 else n for n in row] for row in lengths[:n_modalities]]
    masks = [masks_from(row, n_frames) for row in lengths]
    frames = [
        uniform(rng, *mask.shape, WIDTHS[name]) * mask[..., None]
        for name, mask in zip(NAMES, masks, strict=False)
    ]
    return frames, masks


def make_links(n_modalities=2, gate="open", n_context=0, to_self=False, gates=GATES):
    """A link from every other modality, each with its own gate and context."""
    rng = np.random.default_rng(1)
    links = []
    for target in range(n_modalities):
        links.append([])
        for i, source in enumerate(m for m in range(n_modalities) if m != target):
            values = gates[gate] and torch.tensor(np.roll(gates[gate], target + i))
            context = uniform(rng, len(gates["hard"]), n_context) if n_context else None
            links[-1].append(Link(target if to_self else source, values, context))
    return links


def inputs_of(case):
    """Frames, masks and links of one of `CASES`."""
    m = case["n_modalities"]
    links = make_links(m, case["gate"], case["n_context"], case["to_self"])
    return *make_inputs(m, case["n_frames"]), links


def video_of(frames, masks, links, row):
    """Frames, masks and (source, g, e) of one video, as arguments of the oracle."""
    to_targets = [
        [
            (
                link.source,
                1.0 if link.gate is None else float(link.gate[row]),
                None if link.context is None else link.context[row].numpy(),
            )
            for link in of_target
        ]
        for of_target in links
    ]
    return [x[row].numpy() for x in frames], [mask[row].numpy() for mask in masks], to_targets


def row_of(frames, masks, links, row):
    """A batch of one video."""
    alone = [
        [
            Link(
                link.source,
                None if link.gate is None else link.gate[[row]],
                None if link.context is None else link.context[[row]],
            )
            for link in of_target
        ]
        for of_target in links
    ]
    return [x[[row]] for x in frames], [mask[[row]] for mask in masks], alone


def padded(frames, masks, n_more=4, garbage=0.0):
    """The same videos with more padding, and numbers other than zero behind the mask."""
    masks = [torch.nn.functional.pad(mask, (0, n_more)) for mask in masks]
    frames = [torch.nn.functional.pad(x, (0, 0, 0, n_more)) for x in frames]
    return [
        x.masked_fill(~mask[..., None], garbage) for x, mask in zip(frames, masks, strict=True)
    ], masks


def in_float32(frames, masks, links):
    single = [
        [
            Link(
                link.source,
                None if link.gate is None else link.gate.float(),
                None if link.context is None else link.context.float(),
            )
            for link in of_target
        ]
        for of_target in links
    ]
    return [x.float() for x in frames], masks, single


def assert_all_close(results, expected, atol):
    for result, numbers in zip(results, expected, strict=True):
        torch.testing.assert_close(result.double(), torch.as_tensor(numbers), rtol=0, atol=atol)


def assert_finite_training(encoder, frames, masks, links):
    """Check that outputs and all gradients are finite in training."""
    frames = [x.clone().requires_grad_() for x in frames]
    out = torch.cat(encoder.train()(frames, masks, links), 1)
    out.square().sum().backward()
    assert torch.isfinite(out).all()
    for x in frames:
        assert torch.isfinite(x.grad).all()
    for name, value in encoder.named_parameters():
        assert value.grad is None or torch.isfinite(value.grad).all(), name
