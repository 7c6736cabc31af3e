import numpy as np
import pytest
import torch

from sk_crossmodal.modules.layers import BLOCK, Dropout


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_has_the_given_probability_and_scale(p, dtype):
    torch.manual_seed(0)
    dropped = Dropout(p)(torch.ones(1000, 401, dtype=dtype)).double()
    n = dropped.numel()
    share = float((dropped == 0).double().mean())
    assert abs(share - p) < 5 * np.sqrt(p * (1 - p) / n)
    kept = dropped[dropped != 0]
    tolerance = 1e-2 if dtype == torch.bfloat16 else 1e-4
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - p)), rtol=tolerance, atol=0)


def test_dropout_drops_numbers_independently():
    torch.manual_seed(0)
    dropped = (Dropout(0.3)(torch.ones(4000, 64)) == 0).double()
    correlation = np.corrcoef(dropped.numpy().T)
    np.fill_diagonal(correlation, 0)
    assert np.abs(correlation).max() < 0.1
    lagged = np.corrcoef(dropped.flatten()[:-4], dropped.flatten()[4:])[0, 1]
    assert abs(lagged) < 0.01


@pytest.mark.parametrize("n", [1, 3, 7, BLOCK - 1, BLOCK + 5])
def test_dropout_accepts_any_number_of_elements(n):
    torch.manual_seed(0)
    x = torch.arange(1.0, n + 1)
    dropped = Dropout(0.5)(x)
    torch.testing.assert_close(dropped, torch.where(dropped == 0, 0.0, 2 * x))


def test_gradient_equals_scale_of_kept_numbers():
    torch.manual_seed(0)
    x = torch.randn(50, 9, requires_grad=True)
    dropped = Dropout(0.4)(x)
    dropped.sum().backward()
    torch.testing.assert_close(x.grad * x, dropped)


def test_dropout_with_same_seed_is_the_same():
    x = torch.ones(1000)
    draws = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        draws.append(Dropout(0.5)(x))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_dropout_in_place_changes_its_input():
    x = torch.ones(100)
    assert Dropout(0.5, inplace=True)(x) is x
    assert (x == 0).any()


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_dropout_with_probability_zero_or_one_keeps_all_or_none(p):
    assert torch.equal(Dropout(p)(torch.ones(9)), torch.full((9,), 1 - p))


@pytest.mark.parametrize("p", [1e-7, 1 - 1e-6])
def test_dropout_with_probability_near_zero_or_one_is_finite(p):
    """Probabilities that 16 bits cannot distinguish from 0 and 1."""
    torch.manual_seed(0)
    out = Dropout(p)(torch.ones(1000))
    torch.testing.assert_close(out, torch.full((1000,), 1 / (1 - p)) * (out != 0))
    assert (out == 0).float().mean() == pytest.approx(p, abs=0.01)


def test_dropout_in_prediction_does_nothing():
    x = torch.ones(9)
    assert Dropout(0.5).eval()(x) is x
