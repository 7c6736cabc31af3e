import inspect
from itertools import pairwise

import numpy as np
import pytest
import torch
from network_batches import (
    CONFIGURATIONS,
    FAMILIES,
    LENGTHS,
    MULTIPLIED,
    WIDTHS,
    make_batch,
    make_frame_stats,
    make_network,
    masks_from,
    name_of,
    oracle_encoded,
)
from network_oracle import two_layer_net, weights_of

import sk_crossmodal.modules
from sk_crossmodal.modules import FUSIONS, CrossModalNetwork, MeanEncoder
from sk_crossmodal.modules.scaling import FrameScaler, RawFrames

pytestmark = [pytest.mark.sample(0.34), pytest.mark.one_version]

NAMES = [("video",), ("video", "audio"), ("video", "audio", "text")]
CROSS_MODAL = [config for config in CONFIGURATIONS if config["fusion"].startswith("cross")]

configurations = pytest.mark.parametrize("config", CONFIGURATIONS, ids=name_of)
cross_modal = pytest.mark.parametrize("config", CROSS_MODAL, ids=name_of)
modalities = pytest.mark.parametrize("names", NAMES, ids="-".join)
encoders = pytest.mark.parametrize("encoder", FAMILIES)


def assert_same(result, expected, atol=1e-12):
    torch.testing.assert_close(result, expected, rtol=0, atol=atol)


def rows_of(batch, rows):
    frames, masks, correlation = batch
    return (
        {name: x[rows] for name, x in frames.items()},
        {name: mask[rows] for name, mask in masks.items()},
        correlation[rows],
    )


def copy_weights(source, target):
    """Copy the weights of `source` that `target` has, too."""
    state = source.state_dict()
    target.load_state_dict({name: state[name] for name in target.state_dict()})
    return target


# Padding, other rows, missing modalities --------------------------------------------------


@encoders
@configurations
@modalities
def test_network_with_more_padding_returns_same_logits(names, config, encoder):
    network = make_network(names, encoder, **config).eval()
    frames, masks, correlation = make_batch(names)
    longer = {name: torch.nn.functional.pad(x, (0, 0, 0, 4)) for name, x in frames.items()}
    longer_masks = {name: torch.nn.functional.pad(mask, (0, 4)) for name, mask in masks.items()}
    assert_same(network(frames, masks, correlation), network(longer, longer_masks, correlation))


@encoders
@configurations
@modalities
@pytest.mark.parametrize("garbage", [1e6, float("nan")])
def test_network_with_garbage_in_padding_returns_same_logits(garbage, names, config, encoder):
    network = make_network(names, encoder, **config).eval()
    frames, masks, correlation = make_batch(names)
    spoilt = {n: x.masked_fill(~masks[n][..., None], garbage) for n, x in frames.items()}
    assert_same(network(frames, masks, correlation), network(spoilt, masks, correlation))


@encoders
@configurations
@modalities
def test_network_on_single_videos_returns_same_logits_as_on_a_batch(names, config, encoder):
    network = make_network(names, encoder, **config).eval()
    batch = make_batch(names)
    whole = network(*batch)
    alone = torch.cat([network(*rows_of(batch, [row])) for row in range(len(whole))])
    assert_same(whole, alone)


@encoders
@configurations
@modalities
def test_network_with_missing_frames_returns_finite_logits_and_gradients(names, config, encoder):
    network = make_network(names, encoder, **config)
    logits = network(*make_batch(names))
    logits.sum().backward()
    assert torch.isfinite(logits).all()
    for name, value in network.named_parameters():
        assert value.grad is None or torch.isfinite(value.grad).all(), name


@encoders
@configurations
@modalities
def test_new_network_is_float32_and_close_to_float64(names, config, encoder):
    network = make_network(names, encoder, lively=False, double=False, **config)
    frames, masks, correlation = make_batch(names)
    frames = {name: x.float() for name, x in frames.items()}
    logits = network(frames, masks, correlation.float())
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()
    logits.sum().backward()
    assert all(p.dtype == torch.float32 for p in network.parameters())
    network.eval()
    exact = network(frames, masks, correlation.float())
    double = network.double()(
        {name: x.double() for name, x in frames.items()}, masks, correlation.float().double()
    )
    torch.testing.assert_close(exact.double(), double, rtol=0, atol=1e-5)


@encoders
@configurations
@modalities
def test_batch_without_frames_returns_finite_logits(names, config, encoder):
    network = make_network(names, encoder, **config).eval()
    frames, masks, correlation = make_batch(names, 1, lengths={name: [0, 0] for name in names})
    logits = network(frames, masks, correlation)
    assert torch.isfinite(logits).all()


@encoders
@cross_modal
def test_correlation_of_video_with_missing_modality_is_ignored(config, encoder):
    network = make_network(encoder=encoder, **config).eval()
    frames, masks, correlation = make_batch()
    missing = ~(masks["video"].any(1) & masks["audio"].any(1))
    other = correlation.clone()
    other[missing] = 1 - other[missing]
    assert missing.sum() == 3
    assert_same(network(frames, masks, correlation), network(frames, masks, other))


@encoders
def test_early_fusion_fills_missing_modality_with_the_mean_frame(encoder):
    """Its time steps are those of the other modality, its features are zero there."""
    network = make_network(encoder=encoder, fusion="early").eval()
    frames, masks, _ = make_batch()
    means = {name: network.scalers[i].mean for i, name in enumerate(network.names)}
    filled = {
        name: torch.where(masks[name][..., None], frames[name], means[name]) for name in frames
    }
    either = masks["video"] | masks["audio"]
    assert_same(network(frames, masks), network(filled, dict.fromkeys(masks, either)))


@pytest.mark.parametrize("encoder", FAMILIES)
def test_context_at_padding_is_zero(encoder):
    """The encoder gets zeros at padding."""
    network = make_network(encoder=encoder, fusion="cross_modal_concat").eval()
    frames, masks, correlation = make_batch()
    prepared, _, links = network.prepare(frames, masks, correlation)
    for x, name, (link,) in zip(prepared, frames, links, strict=True):
        assert isinstance(x, tuple) == (encoder != "rnn")
        x = torch.cat(x, -1) if isinstance(x, tuple) else x
        assert x.shape[-1] == WIDTHS[name] + 8
        expected = link.context[:, None] * masks[name][..., None]
        assert_same(x[..., WIDTHS[name] :], expected, atol=0)
        assert not x[~masks[name]].any()


# Fusions compared -------------------------------------------------------------------------


def with_correlation(batch, p):
    return (*batch[:2], torch.as_tensor(p, dtype=torch.float64).expand_as(batch[2]))


@encoders
@modalities
def test_cross_modal_without_influence_equals_late_fusion(names, encoder):
    late = make_network(names, encoder, fusion="late").eval()
    config = {"fusion": "cross_modal", "influence": "none"}
    network = make_network(names, encoder, seed=1, **config).eval()
    network.load_state_dict(late.state_dict())
    batch = make_batch(names)
    assert torch.equal(network(*batch), late(*batch))


@encoders
@modalities
@pytest.mark.parametrize("gate", ["hard", "soft"])
@pytest.mark.parametrize("influence", ["cross", "self"])
def test_closed_gate_equals_late_fusion(influence, gate, names, encoder):
    config = {"influence": influence, "gate": gate}
    network = make_network(names, encoder, fusion="cross_modal_gated", **config)
    late = copy_weights(network, make_network(names, encoder, fusion="late", seed=1)).eval()
    batch = make_batch(names)
    assert_same(network.eval()(*with_correlation(batch, 0.0)), late(*batch))


@encoders
@modalities
@pytest.mark.parametrize("gate", ["hard", "soft"])
@pytest.mark.parametrize("influence", ["cross", "self"])
def test_open_gate_equals_cross_modal_fusion(influence, gate, names, encoder):
    config = {"influence": influence, "gate": gate}
    network = make_network(names, encoder, fusion="cross_modal_gated", **config).eval()
    ungated = make_network(names, encoder, fusion="cross_modal", seed=1, **config).eval()
    ungated.load_state_dict(network.state_dict())
    batch = make_batch(names)
    assert_same(network(*with_correlation(batch, 1.0)), ungated(*batch))


def test_hard_gate_opens_above_one_half():
    network = make_network(fusion="cross_modal_gated").eval()
    batch = rows_of(make_batch(), [0, 1, 2])
    closed = [network(*with_correlation(batch, p)) for p in (0.0, 0.2, 0.5)]
    opened = [network(*with_correlation(batch, p)) for p in (0.51, 0.8, 1.0)]
    for logits in closed[1:]:
        assert torch.equal(logits, closed[0])
    for logits in opened[1:]:
        assert torch.equal(logits, opened[0])
    # A video of one frame has one key, whose weight is 1 whatever its logit.
    changes = (opened[0] - closed[0]).abs().amax(1)
    assert (changes[:2] > 1e-4).all()
    assert changes[2] < 1e-12


@pytest.mark.parametrize("influence", ["cross", "self", "none"])
def test_soft_gate_and_concatenation_follow_the_probability(influence):
    configs = [{"fusion": "cross_modal_concat", "influence": influence}]
    if influence != "none":
        configs.append({"fusion": "cross_modal_gated", "gate": "soft", "influence": influence})
    batch = rows_of(make_batch(), [0, 1])
    for config in configs:
        network = make_network(**config).eval()
        results = [network(*with_correlation(batch, p)) for p in (0.1, 0.3, 0.7, 0.9)]
        for a, b in pairwise(results):
            assert ((a - b).abs().amax(1) > 1e-4).all()


@pytest.mark.parametrize("fusion", ["early", "late", "cross_modal"])
def test_fusion_without_tower_ignores_correlation(fusion):
    network = make_network(fusion=fusion).eval()
    batch = make_batch()
    assert torch.equal(network(*batch), network(*batch[:2]))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_fusion_of_one_modality_equals_late_fusion(fusion):
    late = make_network(("video",), fusion="late").eval()
    network = make_network(("video",), fusion=fusion, seed=1).eval()
    network.load_state_dict(late.state_dict())
    batch = make_batch(("video",))
    assert torch.equal(network(*batch), late(*batch))


def test_correlation_of_one_pair_influences_its_modalities_only():
    """With p > 0 for one pair, only the two modalities of that pair are influenced."""
    names = NAMES[2]
    network = make_network(names, fusion="cross_modal_gated").eval()
    frames, masks, _ = rows_of(make_batch(names), [0])
    for i, pair in enumerate([(0, 1), (0, 2), (1, 2)]):
        correlation = torch.zeros(1, 3, 1, dtype=torch.float64)
        correlation[:, i] = 1.0
        attention = network.attention(frames, masks, correlation)
        changed = [(before - after).abs().max() > 1e-6 for before, after in attention]
        assert changed == [m in pair for m in range(3)]


@pytest.mark.parametrize("influence", ["cross", "self", "none"])
def test_embedding_of_the_tower_changes_logits_of_complete_videos(influence):
    network = make_network(fusion="cross_modal_concat", influence=influence, n_correlation=4)
    batch = make_batch()[:2]
    embeddings = torch.randn(6, 1, 4, dtype=torch.float64)
    network.eval()
    changes = (network(*batch, embeddings) - network(*batch, -embeddings)).abs().amax(1)
    assert (changes[:3] > 1e-4).all()
    assert changes[3:].max() < 1e-12


def test_mean_encoder_works_in_early_and_late_fusion_only():
    for fusion in ("early", "late"):
        network = make_network(encoder="mean", fusion=fusion).eval()
        assert network(*make_batch()).shape == (6, 3)
    with pytest.raises(ValueError, match="no attention"):
        make_network(encoder="mean", fusion="cross_modal")


# The whole network against its equations --------------------------------------------------


def oracle_logits(
    network, batch, names, encoder, fusion, gate, influence, combine="add", pad_to=None
):
    """Logits of each video, computed without padding, or with that of the paper."""
    frames, masks, correlation = batch
    weights = weights_of(network)
    out = []
    for row in range(len(correlation)):
        length = max(1, *(int(masks[name][row].sum()) for name in names))
        present = [bool(masks[name][row].any()) for name in names]
        real = [np.full(length, there) for there in present]
        inputs = [
            scaled(weights, m, frames[name][row, :length].numpy(), real[m])
            for m, name in enumerate(names)
        ]
        if pad_to is not None:
            inputs = [with_zero_frames(x, pad_to) for x in inputs]
            real, present = [np.full(pad_to, True) for _ in names], [True for _ in names]
        links = [[] for _ in names]
        if fusion == "early":
            inputs, real = [np.concatenate(inputs, 1)], [np.logical_or.reduce(real)]
            links = [[]]
        elif fusion != "late":
            inputs, links = cross_modal_inputs(
                weights, inputs, real, present, correlation[row].numpy(), fusion, gate, influence
            )
        encoded = oracle_encoded(encoder, weights, inputs, real, links, combine)
        out.append(two_layer_net(weights, "head.1", "head.4", np.concatenate(encoded)))
    return np.array(out)


def with_zero_frames(x, n_frames):
    """The first frames, padded with zeros to `n_frames`."""
    out = np.zeros((n_frames, x.shape[1]))
    out[: len(x)] = x[:n_frames]
    return out


def scaled(weights, m, x, real):
    x = (x - weights[f"scalers.{m}.mean"]) * weights[f"scalers.{m}.inverse"]
    return np.where(real[:, None], x, 0.0)


def cross_modal_inputs(weights, inputs, real, present, correlation, fusion, gate, influence):
    """Frames with the contexts e appended, and (source, g, e) for every target."""
    n = len(inputs)
    pairs = [(a, b) for a in range(n) for b in range(a + 1, n)]
    contexts = [None] * len(pairs)
    if fusion == "cross_modal_concat":
        for i, (a, b) in enumerate(pairs):
            signal = (2 * correlation[i] - 1) * (present[a] and present[b])
            contexts[i] = two_layer_net(weights, f"contexts.{i}.0", f"contexts.{i}.2", signal)
        inputs = [
            np.concatenate(
                [inputs[m]]
                + [
                    np.outer(real[m], contexts[i])  # the same at every frame, zero at padding
                    for i, pair in enumerate(pairs)
                    if m in pair
                ],
                axis=1,
            )
            for m in range(n)
        ]
    links = [[] for _ in inputs]
    for target in range(n):
        for source in range(n):
            if source == target or influence == "none":
                continue
            i = pairs.index((min(source, target), max(source, target)))
            p = correlation[i, 0]
            g = {"hard": float(p > 0.5), "soft": p}[gate] if "gated" in fusion else 1.0
            g *= present[source] and present[target]
            fed = target if influence == "self" else source
            links[target].append((fed, g, contexts[i]))
    return inputs, links


def assert_logits(names, encoder, config, **extra):
    network = make_network(names, encoder, **config, **extra).eval()
    batch = make_batch(names)
    full = {"gate": "hard", "influence": "cross", **config, **extra}
    full.pop("layer_sizes", None)
    expected = oracle_logits(network, batch, names, encoder, **full)
    np.testing.assert_allclose(network(*batch).detach(), expected, rtol=0, atol=1e-10)


@encoders
@pytest.mark.parametrize("config", CONFIGURATIONS + MULTIPLIED, ids=name_of)
@modalities
def test_logits_equal_the_equations(names, config, encoder):
    assert_logits(names, encoder, config)


@encoders
@pytest.mark.parametrize("pad_to", [3, 5, 8], ids=["cut", "same", "longer than the time line"])
@configurations
def test_logits_with_zero_padding_equal_the_equations(config, pad_to, encoder):
    """Zero frames up to a fixed number that all count as real, also in missing modalities."""
    assert_logits(NAMES[1], encoder, config, pad_to=pad_to)


@encoders
@configurations
def test_zero_padding_equals_explicit_zero_frames(config, encoder):
    network = make_network(NAMES[2], encoder, pad_to=8, **config).eval()
    plain = copy_weights(network, make_network(NAMES[2], encoder, seed=1, **config)).eval()
    frames, masks, correlation = make_batch(NAMES[2])
    means = {name: network.scalers[i].mean for i, name in enumerate(network.names)}
    explicit = {name: means[name].expand(6, 8, -1).clone() for name in frames}  # scaled to zero
    for name, mask in masks.items():
        explicit[name][:, :5][mask] = frames[name][mask]
    real = {name: torch.ones(6, 8, dtype=torch.bool) for name in frames}
    assert_same(network(frames, masks, correlation), plain(explicit, real, correlation))


# Training ---------------------------------------------------------------------------------


@encoders
@configurations
@modalities
@pytest.mark.parametrize("lively", [False, True], ids=["fresh", "lively"])
def test_gradients_reach_all_parameters(lively, names, config, encoder):
    # Wide enough that some ReLU units are active.
    config = {**config, "layer_sizes": (16, 16), "n_frames": 5}
    network = make_network(names, encoder, dropout=0.0, lively=lively, **config)
    logits = network(*rows_of(make_batch(names), [0, 1, 2]))
    torch.nn.functional.softplus(logits).sum().backward()
    dead = [
        name
        for name, value in network.named_parameters()
        if value.grad is None or not value.grad.abs().max() > 0
    ]
    assert not dead


def modality_masks(n_videos, *present):
    return [torch.full((n_videos, 3), there) for there in present]


def dropping_network(names, modality_dropout):
    torch.manual_seed(0)
    return make_network(names, modality_dropout=modality_dropout).train()


@pytest.mark.parametrize("names", NAMES[1:], ids="-".join)
@pytest.mark.parametrize("probability", [0.1, 0.5, 1.0])
def test_modality_dropout_keeps_one_modality_at_least(probability, names):
    masks = modality_masks(2000, *(True for _ in names))
    dropped = dropping_network(names, probability).drop_modalities(masks)
    assert torch.stack(dropped).any(0).all()


@pytest.mark.parametrize("present", [(True, False), (False, True)])
def test_modality_dropout_of_incomplete_video_keeps_its_only_modality(present):
    """A video without one modality keeps the other."""
    masks = modality_masks(2000, *present)
    dropped = dropping_network(NAMES[1], 0.9).drop_modalities(masks)
    assert torch.stack(dropped).any(0).all()


@pytest.mark.parametrize("probability", [0.1, 0.3])
def test_modality_dropout_has_the_given_probability(probability):
    """Each modality is dropped with probability p, except where all would be dropped."""
    masks = modality_masks(20_000, True, True)
    dropped = dropping_network(NAMES[1], probability).drop_modalities(masks)
    expected = probability * (1 - probability) + probability**2 / 2
    for mask in dropped:
        assert float((~mask.any(1)).double().mean()) == pytest.approx(expected, rel=0.1)


def test_modality_dropout_drops_all_frames_of_a_modality():
    masks = [masks_from([1, 2, 3] * 100, 3) for _ in range(2)]
    for before, after in zip(
        masks, dropping_network(NAMES[1], 0.9).drop_modalities(masks), strict=True
    ):
        gone = ~after.any(1)
        assert 0 < gone.sum() < 300
        assert torch.equal(after[~gone], before[~gone])


def test_modality_dropout_in_prediction_does_nothing():
    network = make_network(modality_dropout=0.9, dropout=0.0)
    batch = make_batch()
    torch.manual_seed(0)
    trained = [network.train()(*batch) for _ in range(2)]
    assert not torch.allclose(*trained)
    plain = copy_weights(network, make_network(seed=1))
    assert torch.equal(network.eval()(*batch), plain.eval()(*batch))


# attention() ------------------------------------------------------------------------------


@encoders
@configurations
@modalities
def test_attention_sums_to_one_over_real_frames(names, config, encoder):
    """Before the influence; also after it if a softmax follows, as in the Transformer."""
    network = make_network(names, encoder, **config).eval()
    frames, masks, correlation = make_batch(names)
    towers = [masks[name] for name in names]
    if config["fusion"] == "early":
        towers = [torch.stack(towers).any(0)]
    attention = network.attention(frames, masks, correlation)
    assert len(attention) == len(towers)
    for pair, mask in zip(attention, towers, strict=True):
        for weights in pair:
            assert weights.shape == mask.shape
            assert not weights[~mask].any()
        for weights in pair if encoder == "transformer" else pair[:1]:
            assert (weights >= 0).all()
            assert_same(weights.sum(1), mask.any(1).double())


@encoders
@modalities
@pytest.mark.parametrize(
    "config", [{"fusion": "early"}, {"fusion": "late"}, {"influence": "none"}], ids=name_of
)
def test_attention_without_influence_is_unchanged(config, names, encoder):
    network = make_network(names, encoder, **config).eval()
    for before, after in network.attention(*make_batch(names)):
        assert torch.equal(before, after)


@encoders
@pytest.mark.parametrize("fusion", ["cross_modal", "cross_modal_concat"])
def test_attention_with_influence_changes(fusion, encoder):
    network = make_network(encoder=encoder, fusion=fusion).eval()
    for before, after in network.attention(*make_batch()):
        assert (before - after)[:2].abs().amax(1).min() > 1e-3


# FrameScaler ------------------------------------------------------------------------------


def test_frame_scaler_centres_and_scales_real_frames():
    mean, scale = np.array([1.0, -2.0]), np.array([0.5, 4.0])
    scaler = FrameScaler(mean, scale).double()
    x = torch.randn(3, 4, 2, dtype=torch.float64)
    mask = masks_from([4, 2, 0], 4)
    expected = np.where(mask[..., None], (x.numpy() - mean) / scale, 0.0)
    np.testing.assert_allclose(scaler(x, mask), expected, atol=1e-12)
    spoilt = x.masked_fill(~mask[..., None], float("inf"))
    assert torch.equal(scaler(x, mask), scaler(spoilt, mask))


@pytest.mark.parametrize("lengths", [[4, 2, 0], [4, 4, 4]], ids=["padded", "full"])
@pytest.mark.parametrize("kind", [np.uint8, np.float16, np.float32, np.float64])
def test_stored_frames_are_scaled_like_decoded_ones(kind, lengths):
    """One multiplication and addition, against three separate operations."""
    rng = np.random.default_rng(0)
    stored = rng.integers(256, size=(3, 4, 2)).astype(kind)
    mean, inverse = np.array([0.3, -2.0]), np.array([0.5, 1e-3])
    scale, shift = 4 / 255, 1 / 512 - 2.0
    mask = masks_from(lengths, 4)
    expected = (stored.astype(np.float64) * scale + shift - mean) / inverse
    expected[~mask.numpy()] = 0.0
    values = torch.from_numpy(stored.copy())
    for dtype, precision in [(torch.float64, 1e-12), (torch.float32, 1e-5)]:
        scaler = FrameScaler(mean, inverse).to(dtype)
        result = scaler(RawFrames(values, scale, shift, dtype), mask)
        assert result.dtype == dtype
        np.testing.assert_allclose(result, expected, rtol=precision, atol=precision)
    np.testing.assert_array_equal(values, stored)  # the input is unchanged


@pytest.mark.parametrize("lengths", [[4, 2, 0], [4, 4, 4]], ids=["padded", "full"])
def test_scaling_leaves_input_frames_unchanged(lengths):
    x = torch.randn(3, 4, 2)
    before = x.clone()
    FrameScaler([1.0, 2.0], 3.0)(x, masks_from(lengths, 4))
    assert torch.equal(x, before)


def test_scaling_is_saved_but_not_trained():
    network = make_network()
    assert not any("scalers" in name for name, _ in network.named_parameters())
    assert sum("scalers" in name for name in network.state_dict()) == 4


def test_modalities_in_another_order_return_same_logits():
    network = make_network().eval()
    frames, masks, correlation = make_batch()
    turned = [dict(reversed(part.items())) for part in (frames, masks)]
    assert torch.equal(network(frames, masks, correlation), network(*turned, correlation))


def test_logits_have_one_row_per_video():
    frame_stats = make_frame_stats(("video", "audio"))
    network = CrossModalNetwork(
        frame_stats, 11, encoder=MeanEncoder, encoder_params={"d_model": 4}, fusion="late"
    )
    frames, masks, _ = make_batch()
    frames = {name: x.float() for name, x in frames.items()}
    assert network(frames, masks).shape == (len(LENGTHS["video"]), 11)


def test_former_argument_moments_is_deprecated():
    params = {"n_outputs": 2, "encoder": MeanEncoder, "encoder_params": {"d_model": 4}}
    frame_stats = make_frame_stats(("video", "audio"))
    with pytest.warns(DeprecationWarning, match="moments was renamed to frame_stats"):
        network = CrossModalNetwork(moments=frame_stats, fusion="late", **params)
    for scaler, (mean, _) in zip(network.scalers, frame_stats.values(), strict=True):
        np.testing.assert_array_equal(scaler.mean, mean)
    assert "frame_stats" in inspect.signature(CrossModalNetwork).parameters
    with pytest.raises(TypeError, match="frame_stats"):
        CrossModalNetwork(fusion="late", **params)


def test_former_name_of_the_inference_module_is_deprecated():
    with pytest.warns(DeprecationWarning, match="renamed to InferenceModule"):
        assert sk_crossmodal.modules.ServedNetwork is sk_crossmodal.modules.InferenceModule
