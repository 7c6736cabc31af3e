import numpy as np
import pytest
import torch
from encoder_cases import (
    CASES,
    N_CONTEXT,
    N_FRAMES,
    assert_all_close,
    assert_finite_training,
    build_encoder,
    case_name,
    in_float32,
    inputs_of,
    make_inputs,
    make_links,
    make_spec,
    padded,
    row_of,
    video_of,
)
from network_batches import masks_from, uniform
from network_oracle import influence_of_clusters, netvlad_assignments, netvlad_video, weights_of

from sk_crossmodal.modules import InfluenceSpec, NetVLADEncoder, TemporalInfluence
from sk_crossmodal.modules.layers import MaskedBatchNorm
from sk_crossmodal.modules.netvlad import vlad

pytestmark = [pytest.mark.sample(0.34), pytest.mark.one_version]

CLUSTERS = (4, 3, 2)

cases = pytest.mark.parametrize("case", CASES, ids=case_name)


def make_encoder(n_modalities=2, spec=None, n_clusters=CLUSTERS, **params):
    params = {"hidden_size": 7, **params}
    clusters = n_clusters if isinstance(n_clusters, int) else n_clusters[:n_modalities]
    encoder = build_encoder(NetVLADEncoder, n_modalities, spec, n_clusters=clusters, **params)
    return encoder.eval()


def encoder_of(case):
    spec = make_spec(n_context=case["n_context"], combine=case["combine"], to_self=case["to_self"])
    return make_encoder(case["n_modalities"], spec)


def influenced_encoder(combine="add"):
    """An encoder of three modalities with influences, and inputs of five videos."""
    encoder = make_encoder(3, make_spec(n_context=N_CONTEXT, combine=combine))
    return encoder, (*make_inputs(3), make_links(3, "soft", N_CONTEXT))


combines = pytest.mark.parametrize("combine", ["add", "multiply"])


# The equation -----------------------------------------------------------------------------


@cases
def test_encoder_equals_the_equation(case):
    encoder, given = encoder_of(case), inputs_of(case)
    results = encoder(*given)
    for row in range(5):
        expected = netvlad_video(
            weights_of(encoder), "", *video_of(*given, row), combine=case["combine"]
        )
        assert_all_close([x[row] for x in results], expected, atol=1e-10)


@cases
def test_attention_equals_the_equation(case):
    """Assignments summed over clusters, divided by the number of real frames."""
    encoder, given = encoder_of(case), inputs_of(case)
    results = encoder.attention(*given)
    for row in range(5):
        assignments = netvlad_assignments(
            weights_of(encoder), "", *video_of(*given, row), combine=case["combine"]
        )
        for when, expected in enumerate(assignments):
            for m, assigned in enumerate(expected):
                n_real = max(1, int(given[1][m][row].sum()))
                assert_all_close([results[m][when][row]], [assigned.sum(0) / n_real], atol=1e-10)


@pytest.mark.parametrize("with_spec", [False, True])
def test_descriptors_without_links_are_independent(with_spec):
    encoder = make_encoder(spec=make_spec() if with_spec else None)
    frames, masks = make_inputs()
    results = encoder(frames, masks)
    for row in range(5):
        video = video_of(frames, masks, [[], []], row)
        expected = netvlad_video(weights_of(encoder), "", *video, combine="add")
        assert_all_close([x[row] for x in results], expected, atol=1e-10)


@pytest.mark.parametrize("n_context", [0, 2])
@pytest.mark.parametrize("n_frames", [1, 4, N_FRAMES, 9])
@pytest.mark.parametrize("units", [(1.0, 1.0), (0.25, 0.5)])
def test_influence_across_clusters_uses_its_units(units, n_frames, n_context):
    torch.manual_seed(0)
    influence = TemporalInfluence(N_FRAMES, (4, 3), n_context, n_clusters=(3, 5), units=units)
    influence.double()
    with torch.no_grad():
        for value in influence.parameters():
            value.normal_()
    patterns = torch.randn(2, 3, n_frames, dtype=torch.float64)
    context = torch.randn(2, n_context, dtype=torch.float64) if n_context else None
    result = influence(patterns, context)
    assert result.shape == (2, 5, n_frames)
    weights = {f"F.{name}": value for name, value in weights_of(influence).items()}
    for row in range(2):
        e = None if context is None else context[row].numpy()
        expected = influence_of_clusters(weights, "F", patterns[row].numpy(), e, *units)
        assert_all_close([result[row]], [expected], atol=1e-12)


def test_influences_mix_the_clusters_of_their_sources():
    encoder = make_encoder(3, make_spec())
    shapes = [[tuple(f.mix.weight.shape) for f in row] for row in encoder.influences]
    assert shapes == [[(4, 3), (4, 2)], [(3, 4), (3, 2)], [(2, 4), (2, 3)]]
    to_self = make_encoder(3, make_spec(to_self=True))
    shapes = [[tuple(f.mix.weight.shape) for f in row] for row in to_self.influences]
    assert shapes == [[(4, 4)] * 2, [(3, 3)] * 2, [(2, 2)] * 2]


def test_vlad_has_unit_length_and_unit_clusters():
    rng = np.random.default_rng(0)
    x, a, centres = uniform(rng, 3, 5, 4), uniform(rng, 3, 6, 5), uniform(rng, 6, 4)
    out = vlad(x, a, centres)
    assert_all_close([out.norm(dim=1)], [torch.ones(3).double()], atol=1e-12)
    clusters = out.unflatten(1, (6, 4)).norm(dim=2)
    assert_all_close([clusters], [torch.full((3, 6), 6**-0.5, dtype=torch.float64)], atol=1e-12)


def test_single_number_of_clusters_applies_to_every_modality():
    alike, listed = make_encoder(n_clusters=3), make_encoder(n_clusters=(3, 3))
    frames, masks = make_inputs()
    for one, other in zip(alike(frames, masks), listed(frames, masks), strict=True):
        assert torch.equal(one, other)


# Padding, other rows, missing modalities --------------------------------------------------


@combines
@pytest.mark.parametrize("garbage", [0.0, 1e3])
def test_encoder_with_garbage_in_padding_returns_same_output(garbage, combine):
    encoder, (frames, masks, links) = influenced_encoder(combine)
    longer = padded(frames, masks, garbage=garbage)
    assert_all_close(encoder(*longer, links), encoder(frames, masks, links), atol=1e-10)


@combines
def test_training_with_garbage_in_padding_is_unchanged(combine):
    """Output, gradients and running statistics."""
    results = []
    for n_more in (0, 4):
        encoder, (frames, masks, links) = influenced_encoder(combine)
        encoder.train()
        out = torch.cat(encoder(*padded(frames, masks, n_more, garbage=9.0), links), 1)
        out.sin().sum().backward()
        results.append([out, *(p.grad for p in encoder.parameters()), *encoder.buffers()])
    assert_all_close(*results, atol=1e-10)


@combines
def test_encoder_on_single_videos_returns_same_output_as_on_a_batch(combine):
    encoder, given = influenced_encoder(combine)
    whole = encoder(*given)
    for row in range(5):
        alone = encoder(*row_of(*given, row))
        assert_all_close([x[0] for x in alone], [x[row] for x in whole], atol=1e-12)


@combines
def test_training_on_videos_without_frames_is_finite(combine):
    encoder, given = influenced_encoder(combine)
    assert_finite_training(encoder, *given)
    empty = [mask & False for mask in given[1]]
    assert_finite_training(encoder, [x * 0 for x in given[0]], empty, given[2])


@combines
def test_float32_is_close_to_float64(combine):
    encoder, given = influenced_encoder(combine)
    expected = encoder(*given)
    assert_all_close(encoder.float()(*in_float32(*given)), expected, atol=1e-4)


# Building ---------------------------------------------------------------------------------


@pytest.mark.parametrize("n_clusters", [(3,), (3, 4, 5), ()])
def test_wrong_number_of_clusters_raises_an_error(n_clusters):
    with pytest.raises(ValueError, match=r"n_clusters must be .* 2 of them, one per tower"):
        NetVLADEncoder([5, 3], n_clusters=n_clusters)


@combines
def test_new_encoder_has_small_influence(combine):
    torch.manual_seed(0)
    spec = InfluenceSpec(N_FRAMES, combine=combine)
    encoder = NetVLADEncoder([5, 3], spec, n_clusters=(8, 6), hidden_size=16).double().eval()
    frames, masks = make_inputs()
    influenced = encoder(frames, masks, make_links())
    for result, alone in zip(influenced, encoder(frames, masks), strict=True):
        torch.testing.assert_close(result, alone, rtol=0, atol=0.2)
        assert not torch.equal(result, alone)
    for before, after in encoder.attention(frames, masks, make_links()):
        torch.testing.assert_close(after, before, rtol=0.2, atol=0)


# MaskedBatchNorm --------------------------------------------------------------------------


def make_norms(n_features=4):
    """Our batch normalisation and PyTorch's, with the same weights and statistics, in float64."""
    ours, theirs = MaskedBatchNorm(n_features).double(), torch.nn.BatchNorm1d(n_features).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in ours.state_dict().items():
            value.uniform_(0.5, 2.0, generator=generator)
            theirs.state_dict()[name].copy_(value)
    return ours, theirs


NORM_MASKS = {
    "ragged": [5, 3, 0, 1],
    "full": [5, 5, 5, 5],
    "two frames": [0, 1, 0, 1],
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("lengths", NORM_MASKS.values(), ids=NORM_MASKS)
def test_batch_norm_equals_pytorchs_on_real_frames(lengths, training):
    ours, theirs = (norm.train(training) for norm in make_norms())
    mask = masks_from(lengths, 5)
    x = uniform(np.random.default_rng(0), 4, 5, 4)
    mine, real = x.clone().requires_grad_(), x[mask].clone().requires_grad_()
    factors = torch.linspace(-1, 1, 4 * len(real)).view(-1, 4).double()
    for _ in range(2):  # the second time with updated statistics
        result, expected = ours(mine, mask)[mask], theirs(real)
        assert_all_close([result], [expected], atol=1e-12)
        (result.sin() * factors).sum().backward()
        (expected.sin() * factors).sum().backward()
    assert_all_close([mine.grad[mask]], [real.grad], atol=1e-12)
    assert not mine.grad[~mask].any()
    gradients = [[norm.weight.grad, norm.bias.grad] for norm in (ours, theirs)]
    assert_all_close(*gradients, atol=1e-12)
    # torch.lerp takes its weight, the momentum, in float32.
    assert_all_close([ours.running_mean], [theirs.running_mean], atol=1e-7)
    variance = make_norms()[0].running_var
    if training:  # the variance of the batch, without PyTorch's n / (n - 1)
        for _ in range(2):
            variance = 0.9 * variance + 0.1 * x[mask].var(0, correction=0)
    assert_all_close([ours.running_var], [variance], atol=1e-7)


def test_batch_norm_with_weights_equals_repeated_videos():
    weighted, repeated = make_norms()[0], make_norms()[0]
    x, mask = uniform(np.random.default_rng(0), 4, 5, 4), masks_from([5, 3, 1, 4], 5)
    times = torch.tensor([2, 1, 0, 3])
    result = weighted(x, mask, 0.5 * times.double())  # only ratios matter
    x, mask = (part.repeat_interleave(times, 0) for part in (x, mask))
    expected = repeated(x, mask)
    assert_all_close([result.repeat_interleave(times, 0)[mask]], [expected[mask]], atol=1e-12)
    for name in ("running_mean", "running_var"):
        assert_all_close([getattr(weighted, name)], [getattr(repeated, name)], atol=1e-12)


def test_batch_norm_of_a_single_frame_returns_the_bias():
    """PyTorch raises an error; here the frame is centred, and its variance is 0."""
    norm, _ = make_norms()
    variance = norm.running_var.clone()
    x = uniform(np.random.default_rng(0), 1, 3, 4)
    mask = masks_from([1], 3)
    assert_all_close([norm(x, mask)[0, 0]], [norm.bias.detach()], atol=1e-12)
    assert_all_close([norm.running_var], [0.9 * variance], atol=1e-7)


def test_batch_norm_without_frames_leaves_statistics_unchanged():
    norm, _ = make_norms()
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    x = torch.zeros(2, 3, 4, dtype=torch.float64, requires_grad=True)
    out = norm(x, masks_from([0, 0], 3))
    out.sum().backward()
    assert torch.isfinite(out).all()
    assert torch.isfinite(x.grad).all()
    for name, value in norm.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_batch_norm_updates_statistics_in_training_only():
    norm, _ = make_norms()
    before = norm.running_mean.clone()
    x, mask = uniform(np.random.default_rng(0), 2, 3, 4), masks_from([3, 2], 3)
    norm.eval()(x, mask)
    assert torch.equal(norm.running_mean, before)
    norm.train()(x, mask)
    assert not torch.equal(norm.running_mean, before)


def test_batch_norm_of_bfloat16_computes_float32_statistics():
    norm = MaskedBatchNorm(4)
    x, mask = torch.randn(2, 3, 4, dtype=torch.bfloat16), masks_from([3, 2], 3)
    expected = torch.nn.functional.batch_norm(x[mask].float(), None, None, training=True)
    assert norm.running_mean.dtype == torch.float32
    torch.testing.assert_close(norm(x, mask)[mask].float(), expected, rtol=0.02, atol=0.02)
