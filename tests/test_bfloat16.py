"""The short version of the campaign of random trainings in bfloat16."""

import sys
from pathlib import Path

import pytest
import torch

pytestmark = pytest.mark.full

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def bfloat16():
    with pytest.MonkeyPatch.context() as monkeypatch:
        for folder in (BENCHMARKS, BENCHMARKS / "robustness"):
            monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, "bfloat16", raising=False)
        yield __import__("bfloat16")


@pytest.mark.parametrize("i", range(16))
def test_random_training_is_finite(bfloat16, i):
    assert not bfloat16.trained([1, i], "bfloat16")
    if i % 4 == 0:
        assert not bfloat16.trained([1, i], "float32")


@pytest.mark.filterwarnings("ignore:.* needs two modalities")
def test_bad_numbers_finds_nan(bfloat16):
    classifier, X, y, weight = bfloat16.problem([0, 0])
    classifier.fit(X, y, sample_weight=weight)
    assert not bfloat16.bad_numbers(classifier, X)
    classifier.history_[0]["train_loss"] = float("nan")
    assert bfloat16.bad_numbers(classifier, X) == ["losses"]


def test_campaign_counts_failures(bfloat16, monkeypatch):
    from sk_crossmodal.modules.scaling import FrameScaler

    def forward(self, x, mask):
        return torch.full((*mask.shape, len(self.mean)), torch.nan)

    monkeypatch.setattr(FrameScaler, "forward", forward)
    figures = bfloat16.campaign(trainings=2, jobs=1, seed=1)
    assert figures["failed"] == 4
    for results in figures["precisions"].values():
        assert results["failed"] == 2
        assert all("diverged" in wrong for (wrong,) in results["failures"].values())


def test_problem_of_same_seed_is_equal(bfloat16):
    one, other = (bfloat16.problem([0, 5]) for _ in range(2))
    assert str(one[0]) == str(other[0])
    assert one[1].digest() == other[1].digest()
    assert (one[2] == other[2]).all()
