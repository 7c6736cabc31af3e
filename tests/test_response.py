"""How influences answer: derivatives by autograd, and an F whose weights are set by hand."""

import copy
import functools

import matplotlib as mpl
import numpy as np
import pytest
import torch
from estimator_cases import (
    FAMILIES,
    fitted,
    from_rows,
    make_classifier,
    make_videos,
    make_y,
    rows_of,
)
from numpy.testing import assert_allclose

from sk_crossmodal.inspection import InfluenceDisplay
from sk_crossmodal.modules import TemporalInfluence, influence_response

mpl.use("Agg")
import matplotlib.pyplot as plt

N_FRAMES = 6


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


LONG = {"n": 24, "seed": 0, "n_frames": (24, 24)}


def random_influence(layer_sizes=(4,), n_context=0, **params):
    torch.manual_seed(0)
    influence = TemporalInfluence(N_FRAMES, layer_sizes, n_context, **params).double()
    with torch.no_grad():
        for value in influence.parameters():
            value.normal_()
    return influence


def jacobian(influence, pattern, context=None):
    """The derivative of all outputs of F by all its inputs, by autograd."""
    return torch.autograd.functional.jacobian(lambda a: influence(a, context), pattern)


@pytest.mark.parametrize("n_frames", [4, N_FRAMES, 9])
@pytest.mark.parametrize("layer_sizes", [(4,), (4, 3), (3, 5, 2)])
@pytest.mark.parametrize("n_context", [0, 3])
def test_response_equals_the_mean_of_the_derivatives(layer_sizes, n_context, n_frames):
    influence = random_influence(layer_sizes, n_context, units=(0.5, 3.0))
    pattern = torch.randn(2, 3, n_frames).double()
    context = torch.randn(2, n_context).double() if n_context else None
    whole = jacobian(influence, pattern, context)  # (2, 3, T, 2, 3, T)
    expected = sum(whole[b, k, :, b, k] for b in range(2) for k in range(3)) / 6
    assert expected.abs().max() > 0.1
    torch.testing.assert_close(influence_response(influence, pattern, context), expected)


def test_response_in_chunks_of_patterns_is_the_same(monkeypatch):
    influence, pattern = random_influence((4, 3)), torch.randn(50, N_FRAMES).double()
    expected = influence_response(influence, pattern)
    monkeypatch.setattr("sk_crossmodal.modules.response.CHUNK", 7 * 4**2)
    torch.testing.assert_close(influence_response(influence, pattern), expected)


@pytest.mark.parametrize("n_videos", [1, 2])
def test_response_weighs_clusters_by_their_absolute_weights(n_videos):
    influence = random_influence(n_clusters=(3, 2))
    pattern = torch.rand(n_videos, 3, N_FRAMES).double()
    expected = sum(
        influence.mix.weight[after, before].sign()
        * jacobian(influence, pattern[[b]])[0, after, :, 0, before]
        for b in range(n_videos)
        for before in range(3)
        for after in range(2)
    ) / (6 * n_videos)
    torch.testing.assert_close(influence_response(influence, pattern), expected)


@pytest.mark.parametrize("layer_sizes", [(4,), (4, 3)])
def test_response_without_patterns_counts_all_units_as_active(layer_sizes):
    influence = random_influence(layer_sizes)
    with torch.no_grad():
        influence.first.bias.fill_(1e3)
        for layer in influence.inner:
            layer.bias.fill_(1e6)
    pattern = torch.randn(2, N_FRAMES).double()
    torch.testing.assert_close(
        influence_response(influence), jacobian(influence, pattern)[0, :, 0]
    )


# The response of a classifier -------------------------------------------------------------------


@functools.cache
def trained(family, fusion="cross_modal", **params):
    videos = make_videos(**LONG)
    params = {"max_epochs": 1, "cross_modal_layer_sizes": (24,), **params}
    classifier = make_classifier(family, fusion=fusion, **params)
    return classifier.fit(videos.data, make_y("classes", 24))


def copied(classifier):
    classifier = copy.deepcopy(classifier)
    classifier.module_ = classifier.net_.module_  # the copy of a net has its own network
    return classifier


def shifted(classifier, shift, stretch, sign=1.0):
    """The classifier, where every F maps time step s to ``shift + stretch s``."""
    classifier = copied(classifier)
    for influence in classifier.module_.modules():
        if isinstance(influence, TemporalInfluence):
            weight = torch.zeros(24, 24)
            for s in range(24):
                t = round(shift + stretch * s)
                if 0 <= t < 24:
                    weight[t, s] = sign
            with torch.no_grad():
                influence.first.weight.copy_(torch.eye(24))
                influence.first.bias.fill_(100.0)
                influence.last.weight.copy_(weight)
    return classifier


@pytest.mark.parametrize("fusion", ["cross_modal", "cross_modal_gated", "cross_modal_concat"])
@pytest.mark.parametrize("family", FAMILIES)
def test_response_of_classifier_shows_shift_and_stretch(family, fusion):
    tower = {} if fusion == "cross_modal" else {"correlation_features": "probability"}
    classifier, X = trained(family, fusion, **tower), make_videos(**LONG).data[:4]
    for shift, stretch, sign in ((4, 1.0, 1.0), (-3, 1.0, -1.0), (5, 0.5, 1.0), (2, 1.5, 1.0)):
        by_hand = shifted(classifier, shift, stretch, sign)
        display = InfluenceDisplay.from_estimator(by_hand, X, seconds_per_frame=0.5)
        assert set(display.lines_) == {("audio", "video"), ("video", "audio")}
        for line in display.lines_.values():
            assert line.stretch == pytest.approx(stretch, abs=0.03)
            # The time of a frame is its middle.
            assert line.shift == pytest.approx(0.5 * (shift + 0.5 - 0.5 * stretch), abs=0.2)
            assert line.strength > 0.99
        plt.close("all")
    bare = InfluenceDisplay.from_estimator(by_hand).lines_["audio", "video"]
    assert (bare.shift, bare.stretch) == (
        pytest.approx(1.75, abs=0.3),
        pytest.approx(1.5, abs=0.03),
    )


def test_response_is_the_mean_over_videos_of_unequal_lengths():
    """The mean is over the videos that have both time steps."""
    classifier = trained("rnn", rnn_type=None)
    audio, video = (rows_of(make_videos(**LONG).data, name)[:3] for name in ("audio", "video"))
    lengths = (24, 13, 5)
    cut = from_rows(
        video=[x[:n] for x, n in zip(video, lengths, strict=True)],
        audio=[x[:n] for x, n in zip(audio, lengths, strict=True)],
    )
    network = classifier.module_.eval()
    total, count = np.zeros((2, 24, 24))
    for i, n in enumerate(lengths):
        frames = {name: torch.from_numpy(cut[i][name])[None] for name in ("video", "audio")}
        masks = {name: torch.ones(1, n, dtype=torch.bool) for name in frames}
        x, real, _ = network.prepare(frames, masks)
        before, _ = network.encoder.clusters(network.encoder.states(x, real), real, None)
        influence = network.encoder.influences[0][0]  # on video, of audio
        for k in range(4):
            pattern = before[1].detach()[:, [k]]
            total[:n, :n] += jacobian(influence, pattern)[0, 0, :, 0, 0].numpy() / 4
        count[:n, :n] += 1
    found = classifier.influence_response(cut)["audio", "video"]
    assert_allclose(found, total / count, atol=1e-6)


def test_response_is_that_of_the_last_layer():
    classifier = copied(trained("transformer", n_layers=2))
    first, last = classifier.module_.encoder.influences
    with torch.no_grad():
        for influence in first.modules():
            if isinstance(influence, TemporalInfluence):
                influence.last.weight.fill_(torch.pi)
        last[1][0].last.weight.zero_()
    for X in (None, make_videos(**LONG).data[:2]):
        responses = classifier.influence_response(X)
        assert not responses["video", "audio"].any()
        assert 0 < np.abs(responses["audio", "video"]).max() < 1


@pytest.mark.parametrize("influence", ["cross", "self"])
def test_response_of_three_modalities_has_all_pairs(influence):
    two = make_videos().data
    names = ("video", "audio", "text")
    X = from_rows(
        video=rows_of(two, "video"), audio=rows_of(two, "audio"), text=rows_of(two, "audio")
    )
    classifier = make_classifier(fusion="cross_modal", influence=influence, max_epochs=1)
    responses = classifier.fit(X, make_y("classes")).influence_response(X[:3])
    if influence == "cross":
        assert set(responses) == {(a, b) for a in names for b in names if a != b}
    else:
        assert set(responses) == {(name, name) for name in names}
    assert all(r.shape == (int(X[:3].timeline_lengths().max()),) * 2 for r in responses.values())
    InfluenceDisplay.from_predictions(responses).figure_.canvas.draw()


def test_response_ignores_videos_of_one_modality():
    classifier = trained("netvlad")
    X = make_videos(**LONG).data[:3]
    video, audio = rows_of(X, "video"), rows_of(X, "audio")
    silent = from_rows(video=video, audio=[audio[0][:0], *audio[1:]])
    assert_allclose(
        classifier.influence_response(silent)["audio", "video"],
        classifier.influence_response(X[1:])["audio", "video"],
    )
    mute = from_rows(video=video, audio=[frames[:0] for frames in audio])
    with pytest.raises(ValueError, match="a video with frames of both 'audio' and 'video'"):
        classifier.influence_response(mute)


def test_response_leaves_the_network_unchanged():
    classifier, X = trained("transformer"), make_videos(**LONG).data[:4]
    before = classifier.predict_proba(X)
    classifier.influence_response(X)
    assert not any(module._forward_hooks for module in classifier.module_.modules())
    assert_allclose(classifier.predict_proba(X), before, rtol=0)


@pytest.mark.parametrize("fusion", ["early", "late"])
def test_response_without_influence_raises_an_error(fusion):
    with pytest.raises(ValueError, match=rf"fusion='{fusion}' on .* has no influence F: expected"):
        fitted(fusion).influence_response()
