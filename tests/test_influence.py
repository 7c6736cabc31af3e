import numpy as np
import pytest
import torch
from network_oracle import influence as oracle
from network_oracle import weights_of

from sk_crossmodal.modules import InfluenceSpec, Link, TemporalInfluence, unordered_pairs

pytestmark = pytest.mark.one_version

N_FRAMES = 6


def make_influence(layer_sizes=(4,), n_context=0, seed=0):
    """An influence in float64 with large weights."""
    torch.manual_seed(seed)
    influence = TemporalInfluence(N_FRAMES, layer_sizes, n_context).double()
    with torch.no_grad():
        for value in influence.parameters():
            value.normal_()
    return influence


def expected(influence, pattern, context=None):
    """F of every vector along the last axis, computed by the oracle."""
    weights = {f"F.{name}": value for name, value in weights_of(influence).items()}
    out = np.empty(pattern.shape)
    for index in np.ndindex(pattern.shape[:-1]):
        e = None if context is None else context[index[0]].numpy()
        out[index] = oracle(weights, "F", pattern[index].numpy(), e)
    return out


@pytest.mark.parametrize("n_frames", [1, 4, N_FRAMES, 9])
@pytest.mark.parametrize("n_context", [0, 3])
@pytest.mark.parametrize("layer_sizes", [(4,), (4, 3), (3, 5, 2)])
def test_influence_equals_the_equation(layer_sizes, n_context, n_frames):
    influence = make_influence(layer_sizes, n_context)
    pattern = torch.randn(2, 3, 5, n_frames, dtype=torch.float64)
    context = torch.randn(2, n_context, dtype=torch.float64) if n_context else None
    result = influence(pattern, context).detach().numpy()
    np.testing.assert_allclose(result, expected(influence, pattern, context), atol=1e-12)


def test_influence_equals_the_equation_as_matrices():
    influence = make_influence((4, 3), n_context=2)
    w1, b1 = influence.first.weight, influence.first.bias
    w2, b2 = influence.inner[0].weight, influence.inner[0].bias
    w3, b3 = influence.last.weight, influence.last.bias
    a, e = torch.randn(2, N_FRAMES).double(), torch.randn(2, 2).double()
    hidden = (a @ w1.T + b1 + e @ influence.context.weight.T).clamp(min=0)
    by_hand = (hidden @ w2.T + b2).clamp(min=0) @ w3.T + b3
    torch.testing.assert_close(influence(a, e), by_hand, rtol=0, atol=1e-12)


@pytest.mark.parametrize("ndim", [2, 3, 4])
def test_pattern_with_any_number_of_axes_is_accepted(ndim):
    influence = make_influence(n_context=2)
    pattern = torch.randn(3, 2, 2, N_FRAMES).double()[(slice(None),) + (0,) * (4 - ndim)]
    context = torch.randn(3, 2).double()
    result = influence(pattern, context).detach().numpy()
    np.testing.assert_allclose(result, expected(influence, pattern, context), atol=1e-12)


def test_shorter_pattern_equals_pattern_followed_by_zeros():
    influence = make_influence()
    pattern = torch.randn(2, N_FRAMES).double()
    pattern[:, 4:] = 0
    torch.testing.assert_close(influence(pattern[:, :4]), influence(pattern)[:, :4])


def test_frames_beyond_the_time_line_neither_influence_nor_are_influenced():
    influence = make_influence()
    pattern = torch.randn(2, N_FRAMES + 3).double()
    result = influence(pattern)
    torch.testing.assert_close(result[:, :N_FRAMES], influence(pattern[:, :N_FRAMES]))
    assert not result[:, N_FRAMES:].any()


def test_new_influence_is_small_but_has_gradients():
    torch.manual_seed(0)
    influence = TemporalInfluence(50, (32, 16), n_context=8)
    result = influence(torch.randn(64, 50), torch.randn(64, 8))
    assert 0 < result.abs().mean() < 0.1
    result.square().sum().backward()
    for name, value in influence.named_parameters():
        assert value.grad.abs().max() > 0, name


def test_influence_learns_to_shift_and_compress():
    """A pattern three frames early and twice as long becomes the target's pattern."""
    torch.manual_seed(0)
    influence = TemporalInfluence(12, (24,))
    optimizer = torch.optim.Adam(influence.parameters(), lr=0.01)
    starts = torch.arange(6)[:, None]
    time = torch.arange(12)
    source = ((time >= starts) & (time < starts + 4)).float()
    target = ((time >= starts + 3) & (time < starts + 5)).float()
    for _ in range(300):
        loss = (influence(source) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 1e-3


def test_spec_builds_one_influence_per_ordered_pair():
    influences = InfluenceSpec(N_FRAMES, (4,), n_context=2).build(3)
    assert [len(row) for row in influences] == [2, 2, 2]
    assert len({id(influence) for row in influences for influence in row}) == 6
    assert all(
        tuple(i.first.weight.shape) == (4, N_FRAMES) and i.context.in_features == 2
        for row in influences
        for i in row
    )


def test_gate_multiplies_the_influence_of_each_video():
    influence = torch.ones(3, 2, 4)
    gated = Link(0, gate=torch.tensor([0.0, 0.5, 1.0])).gated(influence)
    assert gated[:, 0, 0].tolist() == [0.0, 0.5, 1.0]
    assert gated.shape == influence.shape
    assert Link(0).gated(influence) is influence


@pytest.mark.parametrize("n", range(5))
def test_unordered_pairs_lists_each_pair_once(n):
    pairs = unordered_pairs(n)
    assert len(pairs) == n * (n - 1) // 2
    assert pairs == sorted({(min(a, b), max(a, b)) for a in range(n) for b in range(n) if a != b})
