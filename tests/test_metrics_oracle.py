"""The four scores equal an oracle that sorts plain lists."""

import numpy as np
import pytest
from metrics_oracle import Oracle

from sk_crossmodal.metrics import gap_score, hit_at_1_score, map_score, perr_score


def draw(seed):
    """A random small problem: few or many ties, dense or sparse labels, weighted or not."""
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 25), rng.integers(1, 12)
    y_true = rng.random(shape) < rng.choice([0.0, 0.1, 0.3, 0.8])
    y_score = rng.normal(size=shape) + y_true
    steps = rng.choice([0, 1, 4])
    y_score = np.round(y_score * steps) / steps if steps else y_score
    y_score = y_score.astype(rng.choice(["f4", "f8"]))
    weight = rng.choice([0.0, 0.3, 1.0, 2.0], shape[0]) if rng.random() < 0.5 else None
    if weight is not None:
        weight[0] = 1.0
    return y_true, y_score, weight


@pytest.mark.parametrize("seed", range(60))
def test_scores_of_random_problems_equal_the_oracle(seed):
    y_true, y_score, weight = draw(seed)
    oracle = Oracle(y_true, y_score, weight)

    def check(score, expected, **options):
        got = score(y_true, y_score, sample_weight=weight, **options)
        np.testing.assert_allclose(
            got, expected, rtol=0, atol=1e-12, err_msg=f"{score.__name__} {options}"
        )

    for top_k in (1, 2, 5, 20, None):
        check(gap_score, oracle.gap(top_k), top_k=top_k)
        for empty in ("skip", "zero"):
            check(map_score, oracle.map(top_k, empty), top_k=top_k, empty_classes=empty)
    for empty in ("zero", "skip"):
        check(hit_at_1_score, oracle.hit_at_1(empty), empty_videos=empty)
        for guard in (False, True):
            expected = oracle.perr(empty, guard)
            check(perr_score, expected, empty_videos=empty, positive_scores_only=guard)
