"""Gradients of every module and every fusion, against finite differences.

All in float64, where a difference of 1e-6 gives nine digits of a gradient. ReLU has no gradient
at zero: with the fixed seeds, no difference crosses zero.
"""

import importlib
import inspect
import itertools
import pkgutil

import pytest
import torch
from network_batches import (
    CROSS_MODAL,
    FAMILIES,
    WIDTHS,
    enliven,
    make_batch,
    make_frame_stats,
    make_network,
    masks_from,
)
from torch import nn
from torch.autograd import gradcheck
from torch.func import functional_call

import sk_crossmodal.modules
from sk_crossmodal.modules import (
    FUSIONS,
    HEADS,
    LOSSES,
    ConvInfluence,
    CorrelationNetwork,
    CrossModalNetwork,
    Head,
    InferenceModule,
    InfluenceSpec,
    Link,
    MeanEncoder,
    NetVLADEncoder,
    RNNEncoder,
    TemporalInfluence,
    TransformerEncoder,
    WeightedLoss,
    masked_mean,
    masked_softmax,
)
from sk_crossmodal.modules import attention as attention_module
from sk_crossmodal.modules.attention import PADDING, _CachedAttention, fold, low_rank_attention
from sk_crossmodal.modules.head import MLPHead
from sk_crossmodal.modules.layers import Descriptor, Dropout, MaskedBatchNorm
from sk_crossmodal.modules.losses import BinaryLoss, ClassesLoss
from sk_crossmodal.modules.netvlad import vlad
from sk_crossmodal.modules.scaling import FrameNetwork, FrameScaler
from sk_crossmodal.modules.transformer import _Layer

pytestmark = [pytest.mark.sample(0.34), pytest.mark.one_version]

TIGHT = {"atol": 1e-9, "rtol": 1e-5}
LENGTHS = (4, 2, 0)  # frames of three videos
SIZES = {
    TransformerEncoder: {"d_model": 4, "n_heads": 2, "n_layers": 2},
    NetVLADEncoder: {"n_clusters": (3, 2), "hidden_size": 4},
    RNNEncoder: {"n_clusters": 2, "hidden_size": 4},
}


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def leaves(tensors):
    return [x.detach().clone().requires_grad_() for x in tensors]


def prepared(module):
    """The module in training, without dropout, and with active hidden units."""
    enliven(module.double())
    for part in module.modules():
        if isinstance(part, Dropout):
            part.p = 0.0
    with torch.no_grad():
        for name, value in module.named_parameters():
            if name.endswith("bias") and any(key in name for key in ("first", "inner", "hidden")):
                value.abs_()
    return module.train()


class Called(nn.Module):
    """A function of a module, whose weights become arguments."""

    def __init__(self, module, function):
        super().__init__()
        self.module, self.function = module, function

    def forward(self, *inputs):
        outputs = self.function(self.module, *inputs)
        return outputs if isinstance(outputs, torch.Tensor) else tuple(outputs)


def assert_gradients(module, function, *inputs, small=150, at_once=False):
    """Check gradients of a module in training by its inputs and its parameters.

    With more than `small` numbers each tensor is checked in one random direction, or all of them
    `at_once` in one direction; else number by number. `function` takes the module and the inputs;
    its result must depend on every parameter.
    """
    called, n = Called(module, function), len(inputs)
    names = [name for name, _ in called.named_parameters()]
    values = [*inputs, *called.parameters()]
    # The directions of `gradcheck` are positive, which change a softmax, for example, little.
    signs = [random(*x.shape, seed=7 + i).sign() for i, x in enumerate(values)]

    def of_all(*given):
        given = [x * sign for x, sign in zip(given, signs, strict=True)]
        weights = dict(zip(names, given[n:], strict=True))
        return functional_call(called, weights, tuple(given[:n]))

    def of_flat(flat):
        parts = flat.split([x.numel() for x in values])
        return of_all(*(part.view_as(x) for part, x in zip(parts, values, strict=True)))

    given = leaves(x * sign for x, sign in zip(values, signs, strict=True))
    if at_once:
        flat = torch.cat([x.detach().flatten() for x in given]).requires_grad_()
        assert gradcheck(of_flat, flat, fast_mode=True, eps=1e-5, atol=1e-12, rtol=1e-7)
    else:
        fast = sum(map(torch.numel, given)) > small
        assert gradcheck(of_all, given, fast_mode=fast, **TIGHT)
    outputs = of_all(*given)
    outputs = [outputs] if isinstance(outputs, torch.Tensor) else outputs
    total = sum((x * random(*x.shape, seed=5)).sum() for x in outputs)
    gradients = torch.autograd.grad(total, given, allow_unused=True)[n:]
    pairs = zip(names, gradients, strict=True)
    dead = [name for name, gradient in pairs if gradient is None or not gradient.any()]
    assert not dead, f"what does not depend on {dead} tests nothing of them"


def attention_inputs(n_additions=2):
    q, k, v = (random(3, 2, 4, 2, seed=seed) for seed in range(3))
    additions = [
        (random(3, 2, 4, 2, seed=10 + i), random(3, 4, 2, seed=20 + i)) for i in range(n_additions)
    ]
    return q, k, v, additions, random(3, 4, seed=30)


def check_cached_attention(monkeypatch):
    """A few videos at a time, with padded keys."""
    monkeypatch.setattr(attention_module, "CHUNK", 2 * 4 * 4 * 2)
    q, k, v, ((left, right),), bias = attention_inputs(1)
    assert len(attention_module._chunks(q)) == 2
    hidden = ~masks_from((4, 2, 3), 4)

    def function(*x):
        return _CachedAttention.apply(*x[:5], x[5].masked_fill(hidden, PADDING))

    assert gradcheck(function, leaves([q, k, v, left, right, bias]), **TIGHT)


def check_low_rank_attention(monkeypatch):
    q, k, v, additions, bias = attention_inputs()

    def function(q, k, v, bias, *factors):
        return low_rank_attention(q, k, v, [factors[:2], factors[2:]], bias)

    factors = itertools.chain.from_iterable(additions)
    assert gradcheck(function, leaves([q, k, v, bias, *factors]), **TIGHT)


def check_folded_attention(monkeypatch):
    """The form for GPUs and compiled networks."""
    q, k, v, ((left, right),), bias = attention_inputs(1)

    def function(q, k, v, left, right, bias):
        q, k, scale = fold(q, k, left, right, bias)
        return nn.functional.scaled_dot_product_attention(q, k, v, scale=scale)

    assert gradcheck(function, leaves([q, k, v, left, right, bias]), **TIGHT)


def convolution_check(n_context):
    def check(monkeypatch):
        torch.manual_seed(0)
        influence = ConvInfluence(2, 3, n_context, n_patterns=(2, 4), units=(0.5, 3.0))
        context = [random(2, n_context)] if n_context else []
        module = prepared(influence)
        assert_gradients(module, lambda f, *inputs: f(*inputs), random(2, 2, 5), *context)

    return check


def influence_check(layer_sizes, n_context, n_clusters, n_frames, units=(1.0, 1.0)):
    def check(monkeypatch):
        torch.manual_seed(0)
        influence = TemporalInfluence(
            4, layer_sizes, n_context, n_clusters=n_clusters, units=units
        )
        pattern = random(2, n_clusters[0] if n_clusters else 3, n_frames)
        context = [random(2, n_context)] if n_context else []
        module = prepared(influence)
        assert_gradients(module, lambda f, *inputs: f(*inputs), pattern, *context)

    return check


def encoder_check(encoder, combine=None, source="cross", n_layers=1, **params):
    """An encoder of two modalities of different lengths, in training."""

    def check(monkeypatch):
        torch.manual_seed(1)
        spec = combine and InfluenceSpec(3, (5, 4)[:n_layers], 2, combine, source)
        module = encoder([3, 2], spec, **{**SIZES[encoder], "dropout": 0.0, **params})
        module = prepared(module)
        masks = [masks_from(LENGTHS, 4), masks_from((4, 1, 3), 4)]
        frames = [
            random(3, 4, width, seed=width) * m[..., None]
            for width, m in zip((3, 2), masks, strict=True)
        ]
        gate, context = torch.tensor([0.5, 1.0, 0.0]).double(), random(3, 2, seed=9)

        def call(module, video, audio, gate, context):
            links = None
            if spec:
                links = [[Link(spec.sources(i, 2)[0], gate, context)] for i in range(2)]
            return module([video, audio], masks, links, torch.tensor([1.0, 2.0, 0.5]))

        assert_gradients(module, call, *frames, gate, context)

    return check


def encoder_checks(encoder, **params):
    return {
        "alone": encoder_check(encoder, **params),
        "add": encoder_check(encoder, "add", **params),
        "add-two-layers": encoder_check(encoder, "add", n_layers=2, **params),
        "multiply": encoder_check(encoder, "multiply", **params),
        "multiply-self": encoder_check(encoder, "multiply", "self", n_layers=2, **params),
        "add-self": encoder_check(encoder, "add", "self", **params),
    }


def check_layer(monkeypatch):
    torch.manual_seed(0)
    layer = prepared(_Layer(4, 2, 0.0))

    def call(layer, x):
        q, k, v = layer.project(x)
        return layer.complete(x, q * k + v)

    assert_gradients(layer, call, random(2, 3, 4))


def check_mean_encoder(monkeypatch):
    torch.manual_seed(0)
    module = prepared(MeanEncoder([3, 2], d_model=4))
    masks = [masks_from(LENGTHS, 4), masks_from((4, 1, 3), 4)]
    frames = [random(3, 4, 3), random(3, 4, 2)]
    assert_gradients(module, lambda f, *x: f(x, masks), *frames)


def correlation_check(names, negatives=None, **params):
    def check(monkeypatch):
        torch.manual_seed(0)
        module = CorrelationNetwork(
            make_frame_stats(names), encoder_params={"d_model": 3}, encoder=MeanEncoder, **params
        )
        module = prepared(module)
        frames, masks, _ = make_batch(names)

        def call(module, *x):
            return module(dict(zip(names, x, strict=True)), masks, negatives)

        assert_gradients(module, call, *frames.values())

    return check


def check_descriptor(monkeypatch):
    torch.manual_seed(0)
    assert_gradients(prepared(Descriptor(6, 3)), lambda f, x: f(x), random(4, 6))


def dropout_check(p, inplace):
    def check(monkeypatch):
        module = Dropout(p, inplace).double()

        def function(x):
            torch.manual_seed(3)
            return module(x.clone() if inplace else x)

        x = leaves([random(4, 5)])
        assert (function(*x) == 0).any() == (p > 0)
        assert gradcheck(function, x, **TIGHT)

    return check


def batch_norm_check(training, weighted):
    def check(monkeypatch):
        module = prepared(MaskedBatchNorm(2)).train(training)
        mask = masks_from(LENGTHS, 4)
        weights = [random(3).abs()] if weighted else []
        assert_gradients(
            module, lambda norm, x, *weight: norm(x, mask, *weight), random(3, 4, 2), *weights
        )

    return check


def check_scaler(monkeypatch):
    scaler = FrameScaler([1.0, 2.0, 0.0], [0.5, 2.0, 1.0])
    mask = masks_from(LENGTHS, 4)
    assert gradcheck(lambda x: scaler(x, mask), leaves([random(3, 4, 3)]), **TIGHT)


def check_head(monkeypatch):
    torch.manual_seed(0)
    head = prepared(HEADS["mlp"](4, 2, hidden_size=3, dropout=0.0))
    assert_gradients(head, lambda head, x: head(x), random(3, 4))


def loss_check(kind, y, weight):
    def check(monkeypatch):
        loss = LOSSES[kind]([0.5, 2.0], label_smoothing=0.1).double()
        target = {"y": y, "weight": weight}
        assert gradcheck(lambda x: loss(x, target), leaves([random(3, 2)]), **TIGHT)

    return check


def check_network(monkeypatch):
    """One network number by number; `test_network` checks all, tensor by tensor."""
    network, function, inputs = network_function("late", "mean", ("video", "audio"))
    assert_gradients(network, function, *inputs, small=1000)


CASES = {
    _CachedAttention: {"chunks": check_cached_attention},
    low_rank_attention: {"two": check_low_rank_attention, "folded": check_folded_attention},
    ConvInfluence: {"plain": convolution_check(0), "context": convolution_check(3)},
    TemporalInfluence: {
        "plain": influence_check((3,), 0, None, 4),
        "short": influence_check((3,), 2, None, 3),
        "long": influence_check((3, 2), 0, None, 5),
        "embedding": influence_check((3, 2), 2, None, 4),
        "clusters": influence_check((3,), 2, (3, 2), 4, units=(1 / 3, 1 / 2)),
    },
    TransformerEncoder: encoder_checks(TransformerEncoder),
    NetVLADEncoder: encoder_checks(NetVLADEncoder),
    RNNEncoder: {
        **encoder_checks(RNNEncoder),
        **{
            f"{rnn_type}-{combine}": encoder_check(RNNEncoder, combine, rnn_type=rnn_type)
            for rnn_type in ("lstm", None)
            for combine in ("add", "multiply", None)
        },
    },
    _Layer: {"both": check_layer},
    MeanEncoder: {"masked": check_mean_encoder},
    CorrelationNetwork: {
        "two": correlation_check(("video", "audio"), hidden_layer_sizes=(3, 2)),
        "negatives": correlation_check(
            ("video", "audio"), torch.tensor([[0, 1, 2], [4, 2, 0]]), hidden_layer_sizes=(3,)
        ),
        "three": correlation_check(tuple(WIDTHS), hidden_layer_sizes=(2,), pad_to=6),
    },
    Descriptor: {"one": check_descriptor},
    Dropout: {
        f"{p}-{'in-place' if inplace else 'new'}": dropout_check(p, inplace)
        for p in (0.0, 0.4)
        for inplace in (False, True)
    },
    MaskedBatchNorm: {
        f"{'train' if training else 'eval'}-{'weighted' if weighted else 'plain'}": (
            batch_norm_check(training, weighted)
        )
        for training in (True, False)
        for weighted in ((True, False) if training else (False,))
    },
    FrameScaler: {"masked": check_scaler},
    MLPHead: {"one": check_head},
    BinaryLoss: {
        "labels": loss_check("binary", random(3, 2) > 0, random(3).abs()),
        "weights-of-labels": loss_check("binary", random(3, 2) > 0, random(3, 2).abs()),
    },
    ClassesLoss: {"classes": loss_check("classes", torch.tensor([1, 0, 1]), random(3).abs())},
    CrossModalNetwork: {"late": check_network},
}


def differentiable_classes():
    """All torch modules and functions that the subpackage defines."""
    found = set()
    package = sk_crossmodal.modules
    for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for _, cls in inspect.getmembers(importlib.import_module(info.name), inspect.isclass):
            if cls.__module__ == info.name and issubclass(
                cls, nn.Module | torch.autograd.Function
            ):
                found.add(cls)
    return found


def test_every_differentiable_class_has_a_case():
    """Except for base classes, and the inference module, which has no gradients."""
    classes = differentiable_classes()
    assert {_CachedAttention, _Layer, CrossModalNetwork} < classes
    untested = classes - {InferenceModule, FrameNetwork, Head, WeightedLoss} - set(CASES)
    assert not untested, "classes whose gradients nothing checks"
    assert all(CASES.values())


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(check, id=f"{cls.__name__}-{name}")
        for cls, checks in CASES.items()
        for name, check in checks.items()
    ],
)
def test_module_has_right_gradients(check, monkeypatch):
    check(monkeypatch)


@pytest.mark.parametrize("function", [masked_mean, masked_softmax])
def test_masked_function_has_right_gradients(function):
    mask = masks_from(LENGTHS, 4)
    x = random(3, 4, 2) if function is masked_mean else random(3, 2, 4)
    assert gradcheck(lambda x: function(x, mask), leaves([x]), **TIGHT)


def test_vlad_has_right_gradients():
    """One video has no assignments."""
    assignment = random(3, 2, 4).abs() * masks_from(LENGTHS, 4)[:, None]
    kept = masks_from(LENGTHS, 4)[:, None]

    def function(x, more, assignment, centres):
        return vlad((x, more), assignment * kept, centres)

    given = leaves([random(3, 4, 2), random(3, 4, 1), assignment, random(2, 3)])
    assert gradcheck(function, given, **TIGHT)


def network_function(fusion, encoder, names, n_correlation=1, **config):
    """A network in training, a function of it and of its inputs, and the inputs."""
    network = make_network(
        names, encoder, fusion=fusion, n_correlation=n_correlation, dropout=0.0, **config
    )
    frames, masks, correlation = make_batch(names)
    if n_correlation > 1:
        correlation = random(*correlation.shape[:2], n_correlation)

    def function(network, correlation, *x):
        weight = torch.tensor([1.0, 2.0, 0.5, 1.0, 1.0, 1.0])
        return network(dict(zip(names, x, strict=True)), masks, correlation, weight)

    return prepared(network), function, [correlation, *frames.values()]


def network_cases():
    """(names, config) of every fusion, gate, context and influence."""
    two, three = ("video", "audio"), tuple(WIDTHS)
    for names in (two, three):
        yield names, {"fusion": "early"}
        yield names, {"fusion": "late"}
        for (fusion, gate), influence in itertools.product(CROSS_MODAL, ("cross", "self", "none")):
            config = {"fusion": fusion, "gate": gate, "influence": influence}
            yield names, config
            if fusion == "cross_modal_concat":
                yield names, {**config, "n_correlation": 4}
            if names == two and influence != "none":
                yield names, {**config, "combine": "multiply", "layer_sizes": (4, 3)}
    for fusion in FUSIONS:
        yield ("video",), {"fusion": fusion}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("names", "config"),
    [
        pytest.param(names, config, id=f"{len(names)}-" + "-".join(map(str, config.values())))
        for names, config in network_cases()
    ],
)
def test_network_has_right_gradients(family, names, config):
    network, function, inputs = network_function(encoder=family, names=names, **config)
    assert_gradients(network, function, *inputs, at_once=True)
