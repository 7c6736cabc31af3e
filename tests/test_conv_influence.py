"""F as a convolution: against plain loops, in each encoder, and as one that learns a shift."""

import math

import numpy as np
import pytest
import torch
from estimator_cases import FAMILIES, make_classifier, make_tower, make_videos, make_y

from sk_crossmodal import load_model, save_model
from sk_crossmodal.datasets import make_crossmodal_videos
from sk_crossmodal.modules import (
    ConvInfluence,
    InfluenceSpec,
    Link,
    TransformerEncoder,
    influence_response,
)

pytestmark = pytest.mark.one_version


def random_influence(max_lag=2, n_channels=3, n_context=0, **params):
    """An influence in float64 with large weights."""
    torch.manual_seed(0)
    influence = ConvInfluence(max_lag, n_channels, n_context, **params).double()
    with torch.no_grad():
        for value in influence.parameters():
            value.normal_()
    return influence


def by_loops(influence, pattern, context):
    """F as sums over time steps, lags, channels and patterns."""
    w1, b1, w2, b2 = (
        value.detach().numpy()
        for layer in (influence.first, influence.last)
        for value in (layer.weight, layer.bias)
    )
    w1, mix = w1[:, 0], influence.mix.weight.detach().numpy()[..., 0]
    max_lag, (n, _, n_frames) = w1.shape[1] // 2, pattern.shape
    out = np.zeros((n, len(b2), n_frames))
    for i, t in np.ndindex(n, n_frames):
        hidden = b1.copy()
        if context is not None:
            hidden += influence.context.weight.detach().numpy() @ context[i].numpy()
        for s in range(max(0, t - max_lag), min(n_frames, t + max_lag + 1)):
            source = pattern[i, :, s].numpy() / influence.units[0]
            hidden += w1[:, s - t + max_lag] * (mix @ source)
        out[i, :, t] = (w2[:, :, 0] @ np.maximum(hidden, 0) + b2) * influence.units[1]
    return out


@pytest.mark.parametrize("n_frames", [1, 4, 9])
@pytest.mark.parametrize("n_context", [0, 3])
@pytest.mark.parametrize("max_lag", [0, 2, 12])
def test_convolution_equals_the_equation(max_lag, n_context, n_frames):
    influence = random_influence(max_lag, n_context=n_context, n_patterns=(2, 4), units=(0.5, 3.0))
    pattern = torch.randn(2, 2, n_frames).double()
    context = torch.randn(2, n_context).double() if n_context else None
    result = influence(pattern, context).detach().numpy()
    np.testing.assert_allclose(result, by_loops(influence, pattern, context), atol=1e-12)


def test_convolution_of_a_shifted_pattern_is_shifted():
    influence = random_influence(n_patterns=(2, 2))
    pattern = torch.zeros(1, 2, 30).double()
    pattern[..., 10:13] = torch.randn(2, 3).double()
    shifted = influence(pattern.roll(7, dims=-1))
    torch.testing.assert_close(shifted[..., 9:], influence(pattern)[..., 2:-7])


@pytest.mark.parametrize("n_context", [0, 3])
def test_response_of_one_pattern_equals_the_mean_derivative(n_context):
    influence = random_influence(n_context=n_context, units=(0.5, 3.0))
    pattern = torch.randn(4, 1, 7).double()
    context = torch.randn(4, n_context).double() if n_context else None
    whole = torch.autograd.functional.jacobian(lambda a: influence(a, context), pattern)
    expected = sum(whole[i, 0, :, i, 0] for i in range(4)) / 4
    torch.testing.assert_close(influence_response(influence, pattern, context), expected)


def test_response_of_several_patterns_sums_absolute_derivatives():
    influence = random_influence(n_patterns=(2, 3))
    pattern = torch.randn(1, 2, 7).double()
    whole = torch.autograd.functional.jacobian(influence, pattern)[0, :, :, 0]  # (3, T, 2, T)
    expected = whole.abs().sum(2).mean(0)
    torch.testing.assert_close(influence_response(influence, pattern), expected)


@pytest.mark.parametrize("combine", ["add", "multiply"])
def test_transformer_equals_softmax_in_full(combine):
    """The fused kernel with a bias, or scaled keys, against all logits."""
    torch.manual_seed(0)
    spec = InfluenceSpec(9, (4,), 0, combine, transform="conv", max_lag=2)
    encoder = TransformerEncoder([5, 3], spec, d_model=8, n_heads=2, dropout=0.0).double().eval()
    with torch.no_grad():
        for influence in encoder.influences.modules():
            if isinstance(influence, ConvInfluence):
                influence.last.weight.normal_()
    frames = [torch.randn(3, 9, 5).double(), torch.randn(3, 9, 3).double()]
    masks = [
        torch.arange(9) < torch.tensor([[9], [4], [0]]),
        torch.arange(9) < torch.tensor([[9], [7], [9]]),
    ]
    gate = torch.tensor([1.0, 0.5, 0.0]).double()
    links = [[Link(1, gate)], [Link(0, gate)]]
    states = encoder.embed([x * mask[..., None] for x, mask in zip(frames, masks, strict=True)])
    qkv = [layer.project(x) for layer, x in zip(encoder.layers[0], states, strict=True)]
    found = encoder.attend(0, states, masks, links)
    for target, source in ((0, 1), (1, 0)):
        (q, k, v), (source_q, source_k, _) = qkv[target], qkv[source]
        real = masks[source].double()
        logits = source_q @ source_k.mT / math.sqrt(4)  # (B, h, T, T)
        n_real = real.sum(1).clamp(min=1)[:, None, None]
        pattern = (logits * real[:, None, :, None]).sum(2) / n_real * real[:, None]
        added = encoder.influences[0][target][0](pattern) * gate[:, None, None]
        own = q @ k.mT / math.sqrt(4)
        total = own + added[:, :, None] if combine == "add" else own * (1 + added[:, :, None])
        mask = masks[target] | ~masks[target].any(1, keepdim=True)
        expected = total.masked_fill(~mask[:, None, None], -math.inf).softmax(-1) @ v
        torch.testing.assert_close(found[target], expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_classifier_with_convolution_saves_loads_and_predicts_longer_videos(family, tmp_path):
    X, y = make_videos().data, make_y("multilabel")
    tower = make_tower(max_epochs=1)
    classifier = make_classifier(family, cross_modal_transform="conv", correlation_tower=tower)
    classifier.fit(X, y)
    save_model(classifier, tmp_path / "model.safetensors")
    longer = make_videos(6, n_frames=(30, 40)).data
    expected = classifier.predict_proba(longer)
    assert np.isfinite(expected).all()
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded.predict_proba(longer).tobytes() == expected.tobytes()
    weights = [name for name in classifier.module_.state_dict() if ".first.weight" in name]
    shapes = {classifier.module_.state_dict()[name].shape[2] for name in weights}
    assert shapes == {21}, "the kernel's width does not depend on max_frames"


def test_convolution_learns_that_sound_leads():
    """GAP error is lower than of late fusion, and the response peaks at the lead of 3 to 5."""
    videos = make_crossmodal_videos(
        400, branching=(4, 2, 1, 1), irrelevant_audio=0.0, music_bed=0.0, random_state=0
    )
    params = {
        "family": "rnn",
        "rnn_type": None,
        "hidden_size": 32,
        "n_clusters": 8,
        "lr": 1e-2,
        "max_epochs": 20,
        "lr_schedule": "cosine",
        "early_stopping": False,
        "fusion": "cross_modal",
        "cross_modal_transform": "conv",
        "cross_modal_layer_sizes": (16,),
    }
    top = [min(paths).split(":")[0] for paths in videos.target]
    classifier = make_classifier(**params).fit(videos.data, top)
    response = classifier.influence_response(videos.data[:20])["audio", "video"]
    by_lag = [np.mean(np.diagonal(response, -lag)[:10]) for lag in range(-9, 10)]
    assert 2 <= np.argmax(by_lag) - 9 <= 7
