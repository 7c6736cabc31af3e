import itertools
from functools import partial

import encoder_cases
import numpy as np
import pytest
import torch
from network_batches import WIDTHS, enliven, masks_from, uniform
from network_oracle import attention_of_video, encode_video, queries_keys_values, weights_of

from sk_crossmodal.modules import InfluenceSpec, Link, TransformerEncoder, attention
from sk_crossmodal.modules.transformer import positions

pytestmark = [pytest.mark.sample(0.34), pytest.mark.one_version]

NAMES = tuple(WIDTHS)
N_FRAMES, N_CONTEXT, N_HEADS, D_MODEL = 6, 3, 2, 8

# Frames of each video per modality; one video has no second modality.
LENGTHS = ([5, 3, 2, 5], [5, 2, 4, 0], [4, 5, 1, 3])

GATES = {"open": None, "hard": [1.0, 0.0, 1.0, 0.0], "soft": [0.3, 1.0, 0.7, 0.5]}
make_links = partial(encoder_cases.make_links, gates=GATES)


def make_encoder(n_modalities=2, n_layers=1, layer_sizes=(4,), n_context=0, combine="add"):
    torch.manual_seed(0)
    spec = InfluenceSpec(N_FRAMES, layer_sizes, n_context, combine)
    widths = [WIDTHS[name] for name in NAMES[:n_modalities]]
    encoder = TransformerEncoder(
        widths, spec, d_model=D_MODEL, n_heads=N_HEADS, n_layers=n_layers, dropout=0.0
    )
    return enliven(encoder.double())


def make_inputs(n_modalities=2, n_frames=5, lengths=LENGTHS):
    rng = np.random.default_rng(0)
    masks = [masks_from(lengths[i], n_frames) for i in range(n_modalities)]
    frames = [
        uniform(rng, *mask.shape, WIDTHS[name]) * mask[..., None]
        for name, mask in zip(NAMES, masks, strict=False)
    ]
    return frames, masks


def plain_forward(encoder, frames, masks, links):
    """The encoder with full attention weights, as in the equation."""
    states = encoder.embed(frames)
    for depth, layers in enumerate(encoder.layers):
        qkv = [layer.project(x) for layer, x in zip(layers, states, strict=True)]
        weights = encoder.weights(depth, qkv, masks, links)
        states = [
            layer.complete(x, after @ v)
            for layer, x, (_, after), (_, _, v) in zip(layers, states, weights, qkv, strict=True)
        ]
    pooled = []
    for norm, x, mask in zip(encoder.norms, states, masks, strict=True):
        total = (norm(x) * mask[..., None]).sum(1)
        pooled.append(total / mask.sum(1, keepdim=True).clamp(min=1))
    return pooled


def output_and_gradients(forward, encoder, frames):
    """Results, and gradients of a function of them by every parameter and input."""
    frames = [x.clone().requires_grad_() for x in frames]
    result = torch.cat(forward(frames), -1)
    factors = torch.linspace(-1, 1, result.numel(), dtype=result.dtype).view(result.shape)
    names, parameters = zip(*encoder.named_parameters(), strict=True)
    gradients = torch.autograd.grad((result.sin() * factors).sum(), [*parameters, *frames])
    return result, dict(zip((*names, *NAMES), gradients, strict=False))


def links_of_video(links, row):
    return [
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


def expected_pooled(encoder, frames, masks, links, n_layers):
    """Outputs of the oracle for all videos, a list over modalities of (B, d_model)."""
    weights = weights_of(encoder)
    line = positions(frames[0].shape[1], D_MODEL, frames[0]).numpy()
    rows = [
        encode_video(
            weights,
            "",
            [x[row].numpy() for x in frames],
            [mask[row].numpy() for mask in masks],
            links_of_video(links, row),
            n_heads=N_HEADS,
            n_layers=n_layers,
            positions=line,
            combine=encoder.combine,
        )
        for row in range(len(frames[0]))
    ]
    return [np.array(pooled) for pooled in zip(*rows, strict=True)]


CASES = [
    {"n_modalities": m, "n_layers": n, "layer_sizes": sizes, "n_context": e, "gate": gate}
    for m, n, sizes, e, gate in itertools.product(
        (2, 3), (1, 2), ((4,), (4, 3)), (0, N_CONTEXT), GATES
    )
]


def case_name(case):
    return "-".join(str(value) for value in case.values())


def build(case, to_self=False, combine="add"):
    case = dict(case)
    gate, m = case.pop("gate"), case["n_modalities"]
    links = make_links(m, gate, case["n_context"], to_self)
    return make_encoder(**case, combine=combine), *make_inputs(m), links


# Fast form, plain form, equation ----------------------------------------------------------


@pytest.mark.parametrize("to_self", [False, True], ids=["cross", "self"])
@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_fast_form_equals_plain_form_in_output_and_gradient(case, to_self):
    encoder, frames, masks, links = build(case, to_self)
    fast, fast_gradients = output_and_gradients(
        lambda x: encoder(x, masks, links), encoder, frames
    )
    plain, plain_gradients = output_and_gradients(
        lambda x: plain_forward(encoder, x, masks, links), encoder, frames
    )
    torch.testing.assert_close(fast, plain, rtol=0, atol=1e-10)
    for name, gradient in fast_gradients.items():
        torch.testing.assert_close(gradient, plain_gradients[name], rtol=0, atol=1e-10, msg=name)


@pytest.mark.parametrize("n_frames", [5, 8], ids=["shorter", "longer"])
@pytest.mark.parametrize("to_self", [False, True], ids=["cross", "self"])
@pytest.mark.parametrize("combine", ["add", "multiply"])
def test_attention_of_a_layer_equals_the_equation(combine, to_self, n_frames):
    case = {"n_modalities": 3, "n_layers": 1, "layer_sizes": (4, 3), "n_context": N_CONTEXT}
    encoder = make_encoder(**case, combine=combine)
    frames, masks = make_inputs(3, n_frames)
    links = make_links(3, "soft", N_CONTEXT, to_self)
    states = encoder.embed(frames)
    qkv = [layer.project(x) for layer, x in zip(encoder.layers[0], states, strict=True)]
    result = encoder.weights(0, qkv, masks, links)
    attended = encoder.attend(0, states, masks, links)
    weights = weights_of(encoder)
    for row in range(4):
        parts = [
            queries_keys_values(weights, f"layers.0.{m}", x[row].detach().numpy(), N_HEADS)
            for m, x in enumerate(states)
        ]
        expected = attention_of_video(
            weights,
            "influences.0",
            parts,
            [mask[row].numpy() for mask in masks],
            links_of_video(links, row),
            combine,
        )
        for m, (before, after) in enumerate(expected):
            np.testing.assert_allclose(result[m][0][row].detach(), before, atol=1e-10)
            np.testing.assert_allclose(result[m][1][row].detach(), after, atol=1e-10)
            np.testing.assert_allclose(
                attended[m][row].detach(), after @ np.array(parts[m][2]), atol=1e-10
            )


@pytest.mark.parametrize("combine", ["add", "multiply"])
@pytest.mark.parametrize("n_layers", [1, 2])
@pytest.mark.parametrize("n_modalities", [2, 3])
def test_whole_encoder_equals_the_equation(n_modalities, n_layers, combine):
    case = {
        "n_modalities": n_modalities,
        "n_layers": n_layers,
        "layer_sizes": (4, 3),
        "n_context": N_CONTEXT,
        "gate": "soft",
    }
    encoder, frames, masks, links = build(case, combine=combine)
    expected = expected_pooled(encoder, frames, masks, links, n_layers)
    for result, numbers in zip(encoder(frames, masks, links), expected, strict=True):
        np.testing.assert_allclose(result.detach(), numbers, atol=1e-10)


@pytest.mark.parametrize("with_spec", [False, True])
def test_towers_without_links_are_independent(with_spec):
    encoder = make_encoder() if with_spec else without_influence(make_encoder())
    frames, masks = make_inputs()
    expected = expected_pooled(encoder, frames, masks, [[], []], 1)
    for result, numbers in zip(encoder(frames, masks), expected, strict=True):
        np.testing.assert_allclose(result.detach(), numbers, atol=1e-10)


def without_influence(encoder):
    """An encoder with the same weights that has no influences."""
    bare = TransformerEncoder(
        [layer.in_features for layer in encoder.inputs], d_model=D_MODEL, n_heads=N_HEADS
    ).double()
    bare.load_state_dict(
        {k: v for k, v in encoder.state_dict().items() if not k.startswith("influences")}
    )
    return bare.eval()


def test_split_frames_equal_concatenated_frames():
    encoder = make_encoder()
    frames, masks = make_inputs()
    parts = [tuple(x.split([x.shape[-1] - 1, 1], -1)) for x in frames]
    whole, split = encoder(frames, masks, make_links()), encoder(parts, masks, make_links())
    for result, expected in zip(split, whole, strict=True):
        torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", CASES[::5], ids=case_name)
def test_attention_for_other_devices_equals_attention_for_cpu(case, monkeypatch):
    encoder, frames, masks, links = build(case)
    cached, gradients = output_and_gradients(lambda x: encoder(x, masks, links), encoder, frames)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    fused, other = output_and_gradients(lambda x: encoder(x, masks, links), encoder, frames)
    torch.testing.assert_close(fused, cached, rtol=0, atol=1e-10)
    for name, gradient in other.items():
        torch.testing.assert_close(gradient, gradients[name], rtol=0, atol=1e-10, msg=name)


@pytest.mark.parametrize("chunk", [1, 60, 10_000])
def test_attention_in_chunks_of_any_size_returns_same_output(chunk, monkeypatch):
    """4 videos of 2 x 5 x 5 logits, in chunks of one, of two, and all at once."""
    encoder, frames, masks, links = build(CASES[-1])
    expected = output_and_gradients(lambda x: encoder(x, masks, links), encoder, frames)
    monkeypatch.setattr(attention, "CHUNK", chunk * 2)
    result = output_and_gradients(lambda x: encoder(x, masks, links), encoder, frames)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)


# Padding ----------------------------------------------------------------------------------


@pytest.mark.parametrize("combine", ["add", "multiply"])
def test_attention_to_padded_keys_is_zero(combine):
    encoder = make_encoder(combine=combine)
    frames, masks = make_inputs()
    links = make_links()
    qkv = [
        layer.project(x) for layer, x in zip(encoder.layers[0], encoder.embed(frames), strict=True)
    ]
    for pair, mask in zip(encoder.weights(0, qkv, masks, links), masks, strict=True):
        for weights in pair:
            on_padding = weights * (mask.any(1, keepdim=True) & ~mask)[:, None, None, :]
            assert not on_padding.any()
            torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights.sum(-1)))


@pytest.mark.parametrize("combine", ["add", "multiply"])
def test_padded_frames_of_the_source_have_no_influence(combine):
    encoder = make_encoder(combine=combine)
    lengths = ([5, 5, 5, 5], [5, 2, 4, 0])
    frames, masks = make_inputs(lengths=lengths)
    garbage = frames[1] + 100.0 * ~masks[1][..., None]
    links = make_links()
    states, spoilt = encoder.embed(frames), encoder.embed([frames[0], garbage])
    # A query at padding has an effect: only real time steps are compared.
    real = masks[1][:, None, :, None]
    clean = encoder.attend(0, states, masks, links)[0]
    torch.testing.assert_close(clean * real, encoder.attend(0, spoilt, masks, links)[0] * real)


@pytest.mark.parametrize("combine", ["add", "multiply"])
@pytest.mark.parametrize("n_layers", [1, 2])
def test_encoder_with_more_padding_returns_same_output(n_layers, combine):
    encoder = make_encoder(n_layers=n_layers, combine=combine)
    lengths = ([5, 3, 2, 4], [5, 3, 2, 4])
    links = make_links()
    frames, masks = make_inputs(lengths=lengths)
    longer = [torch.nn.functional.pad(x, (0, 0, 0, 4)) for x in frames]
    longer_masks = [torch.nn.functional.pad(mask, (0, 4)) for mask in masks]
    results = encoder(frames, masks, links), encoder(longer, longer_masks, links)
    for short, long in zip(*results, strict=True):
        torch.testing.assert_close(short, long, rtol=0, atol=1e-12)


# attention() ------------------------------------------------------------------------------


@pytest.mark.parametrize("n_layers", [1, 2])
def test_attention_is_the_mean_over_heads_and_real_queries(n_layers):
    encoder = make_encoder(n_layers=n_layers)
    frames, masks = make_inputs()
    links = make_links(gate="soft")
    states = encoder.embed(frames)
    if n_layers == 2:
        attended = encoder.attend(0, states, masks, links)
        states = [
            layer.complete(x, y)
            for layer, x, y in zip(encoder.layers[0], states, attended, strict=True)
        ]
    qkv = [layer.project(x) for layer, x in zip(encoder.layers[-1], states, strict=True)]
    weights = encoder.weights(n_layers - 1, qkv, masks, links)
    result = encoder.attention(frames, masks, links)
    for m, when, row in itertools.product(range(2), range(2), range(4)):
        length = LENGTHS[m][row]
        expected = np.zeros(5)
        for head, query in itertools.product(range(N_HEADS), range(length)):
            expected += weights[m][when][row, head, query].detach().numpy() / (N_HEADS * length)
        np.testing.assert_allclose(result[m][when][row].detach(), expected, atol=1e-12)


# Building ---------------------------------------------------------------------------------


@pytest.mark.parametrize("d_model", [7, 8, 512])
def test_positions_are_sines_and_cosines(d_model):
    result = positions(300, d_model, torch.zeros(1, dtype=torch.float64))
    expected = np.empty((300, d_model))
    for i in range(d_model):
        angle = np.arange(300) / 10_000 ** (2 * (i // 2) / d_model)
        expected[:, i] = np.cos(angle) if i % 2 else np.sin(angle)
    np.testing.assert_allclose(result, expected, atol=1e-4)


def test_width_not_divisible_by_heads_raises_an_error():
    with pytest.raises(ValueError, match=r"d_model must be a multiple of n_heads.*10.*4"):
        TransformerEncoder([3], d_model=10, n_heads=4)


def test_new_encoder_has_small_influence():
    torch.manual_seed(0)
    spec = InfluenceSpec(N_FRAMES)
    encoder = TransformerEncoder([5, 3], spec, d_model=D_MODEL, n_heads=N_HEADS).double().eval()
    frames, masks = make_inputs()
    influenced = encoder(frames, masks, make_links())
    for result, alone in zip(influenced, encoder(frames, masks), strict=True):
        torch.testing.assert_close(result, alone, rtol=0, atol=0.05)
        assert not torch.equal(result, alone)


def test_encoder_in_bfloat16_autocast_is_close_to_float32():
    encoder = make_encoder(n_modalities=3, n_layers=2, n_context=N_CONTEXT).float()
    frames, masks = make_inputs(3)
    links = make_links(3, "soft", N_CONTEXT)
    single = [
        [Link(link.source, link.gate.float(), link.context.float()) for link in row]
        for row in links
    ]
    frames = [x.float() for x in frames]
    full = encoder(frames, masks, single)
    with torch.autocast("cpu", torch.bfloat16):
        half = encoder(frames, masks, single)
    for result, expected in zip(half, full, strict=True):
        torch.testing.assert_close(result.float(), expected, rtol=0, atol=0.25)
