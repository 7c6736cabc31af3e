"""The benchmark rows of the scores, on a few videos."""

import sys
from pathlib import Path

import numpy as np
import pytest

from sk_crossmodal.metrics import map_score

pytestmark = pytest.mark.full


@pytest.fixture
def scores(monkeypatch):
    folder = Path(__file__).resolve().parents[1] / "benchmarks" / "speed"
    monkeypatch.syspath_prepend(str(folder))
    yield __import__("scores")
    for name in ("scores", "measure"):
        sys.modules.pop(name, None)


def test_problem_labels_imply_ancestors_and_have_a_video_each(scores):
    y_true, y_score, hierarchy = scores.make_problem(300, (3, 4, 5, 6))
    closed = (y_true @ hierarchy.closure_matrix().astype(int)).toarray() > 0
    np.testing.assert_array_equal(closed, y_true.toarray() > 0)
    assert y_true.sum(axis=0).min() > 0
    assert hierarchy.n_levels == 4
    assert y_score.dtype == np.float32
    assert 0 < y_score.min() < y_score.max() < 1


def test_timed_scores_equal_scikit_learn(scores, monkeypatch):
    compared = []
    theirs = scores.average_precision_score

    def spy(y_true, y_score, average):
        compared.append((theirs(y_true, y_score, average=average), map_score(y_true, y_score)))
        return compared[-1][0]

    monkeypatch.setattr(scores, "average_precision_score", spy)
    row = scores.metrics(quick=True)
    assert len(row.ratios) == 3
    assert len(compared) == 5
    assert all(a == pytest.approx(b, abs=1e-12) for a, b in compared)


def test_memory_row_of_a_small_problem_is_met(scores):
    row = scores.metrics_memory(quick=True)
    assert 0 < row.ratio < 5
    assert row.met
