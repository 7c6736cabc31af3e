"""The four scores: small examples by hand, and properties for any input."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import average_precision_score

from sk_crossmodal.metrics import _gap, _inputs, gap_score, hit_at_1_score, map_score, perr_score

SCORES = {
    "gap": gap_score,
    "gap_top_3": lambda *a, **k: gap_score(*a, top_k=3, **k),
    "gap_full": lambda *a, **k: gap_score(*a, top_k=None, **k),
    "map": map_score,
    "map_zero": lambda *a, **k: map_score(*a, empty_classes="zero", **k),
    "map_top_3": lambda *a, **k: map_score(*a, top_k=3, **k),
    "perr": perr_score,
    "perr_skip": lambda *a, **k: perr_score(*a, empty_videos="skip", **k),
    "hit_at_1": hit_at_1_score,
    "hit_at_1_skip": lambda *a, **k: hit_at_1_score(*a, empty_videos="skip", **k),
}
every_score = pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)


def make(seed=0, n_videos=60, n_labels=12, density=0.15, steps=None):
    """Draw labels, some videos and one label empty, and scores that are correlated with them."""
    rng = np.random.default_rng(seed)
    y_true = rng.random((n_videos, n_labels)) < density
    y_true[:, 0] = False
    y_true[:2] = False
    y_score = rng.normal(size=y_true.shape) + y_true
    return y_true, np.round(y_score * steps) / steps if steps else y_score


# Each: name, labels, scores, top_k, (GAP, MAP, MAP with empty classes 0, guarded PERR, Hit@1).
BY_HAND = [
    (
        "a hit at rank 1, a miss in each video",
        [[1, 0, 1], [0, 0, 1]],
        [[0.9, 0.8, 0.1], [0.3, 0.7, 0.2]],
        20,
        (19 / 30, 1.0, 2 / 3, 0.25, 0.5),
    ),
    (
        "labels outside the pool count in the denominator",
        [[1, 0, 1], [0, 0, 1]],
        [[0.9, 0.8, 0.1], [0.3, 0.7, 0.2]],
        1,
        (1 / 3, 0.5, 1 / 3, 0.25, 0.5),
    ),
    (
        "a video without labels counts zero",
        [[1, 0, 0], [0, 0, 0]],
        [[0.9, 0.8, 0.1], [0.3, 0.7, 0.2]],
        20,
        (1.0, 1.0, 1 / 3, 0.5, 0.5),
    ),
    (
        "no hit for a score that is not positive, with Google's guard",
        [[1, 0, 0], [1, 0, 0]],
        [[-0.1, -0.2, -0.3], [0.0, -0.2, -0.3]],
        20,
        (1.0, 1.0, 1 / 3, 0.0, 1.0),
    ),
    (
        "a class without positives is skipped",
        [[1, 0], [0, 0]],
        [[0.9, 0.8], [0.3, 0.7]],
        20,
        (1.0, 1.0, 0.5, 0.5, 0.5),
    ),
    (
        "one column of ten",
        [[1, 0], [1, 0], [0, 0], [0, 0], [0, 0], [1, 0], [1, 0], [0, 0], [0, 0], [1, 0]],
        [[s, 0.001] for s in (0.98, 0.88, 0.77, 0.65, 0.64, 0.59, 0.45, 0.43, 0.2, 0.05)],
        1,
        (5 / 7, 5 / 7, 5 / 14, 0.5, 0.5),
    ),
]


@pytest.mark.parametrize(
    ("y_true", "y_score", "top_k", "expected"),
    [case[1:] for case in BY_HAND],
    ids=[case[0] for case in BY_HAND],
)
def test_scores_of_small_examples_equal_the_values_by_hand(y_true, y_score, top_k, expected):
    got = (
        gap_score(y_true, y_score, top_k=top_k),
        map_score(y_true, y_score, top_k=top_k),
        map_score(y_true, y_score, top_k=top_k, empty_classes="zero"),
        perr_score(y_true, y_score, positive_scores_only=True),
        hit_at_1_score(y_true, y_score),
    )
    assert got == pytest.approx(expected, abs=1e-12)
    assert all(type(score) is float for score in got)


def test_perr_with_negative_scores_counts_them_as_hits():
    assert perr_score([[1, 0], [1, 0]], [[-0.1, -0.2], [0.0, -0.2]]) == 1.0


def test_scores_with_ties_prefer_the_lowest_index():
    y_score = [[0.5, 0.5, 0.5, 0.1]]
    for label, hit in enumerate([1.0, 0.0, 0.0, 0.0]):
        y_true = np.eye(4, dtype=int)[[label]]
        assert hit_at_1_score(y_true, y_score) == hit
        assert perr_score(y_true, y_score) == hit
        assert gap_score(y_true, y_score, top_k=1) == hit
        assert map_score(y_true, y_score, top_k=1) == hit
    # Two places for three tied labels: the pool holds labels 0 and 1 at one threshold.
    assert gap_score([[0, 1, 0, 0]], y_score, top_k=2) == 0.5
    assert gap_score([[0, 0, 1, 0]], y_score, top_k=2) == 0.0


def test_gap_by_default_pools_twenty_labels_per_video():
    y_true, y_score = make(n_labels=40, density=0.5)
    assert gap_score(y_true, y_score) == gap_score(y_true, y_score, top_k=20)
    assert gap_score(y_true, y_score) != gap_score(y_true, y_score, top_k=21)


def test_scores_without_true_labels_are_zero_or_nan():
    y_true, y_score = np.zeros((3, 4)), np.arange(12.0).reshape(3, 4)
    assert gap_score(y_true, y_score) == 0.0
    assert gap_score(y_true, y_score, top_k=2) == 0.0
    assert np.isnan(map_score(y_true, y_score))
    assert np.isnan(map_score(y_true, y_score, top_k=2))
    assert map_score(y_true, y_score, empty_classes="zero") == 0.0
    assert perr_score(y_true, y_score) == hit_at_1_score(y_true, y_score) == 0.0
    assert np.isnan(perr_score(y_true, y_score, empty_videos="skip"))
    assert np.isnan(hit_at_1_score(y_true, y_score, empty_videos="skip"))


@every_score
def test_score_of_the_labels_themselves_is_one(score):
    y_true = make()[0][2:, 1:]
    y_true = y_true[y_true.any(axis=1)][:, y_true.any(axis=0)]
    top = y_true.sum(axis=1) <= 3  # more would not fit into the best three
    y_true = y_true[top][:, y_true[top].any(axis=0)]
    assert score(y_true, y_true.astype(float)) == pytest.approx(1.0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("steps", [None, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_gap_and_map_of_all_labels_equal_scikit_learn(dtype, steps, weighted):
    y_true, y_score = make(seed=3, n_videos=300, steps=steps)
    y_true, y_score = y_true[:, 1:], y_score[:, 1:].astype(dtype)
    weight = np.random.default_rng(1).random(300) if weighted else None
    expected = {
        average: average_precision_score(y_true, y_score, average=average, sample_weight=weight)
        for average in ("micro", "macro")
    }
    assert gap_score(y_true, y_score, top_k=None, sample_weight=weight) == pytest.approx(
        expected["micro"], abs=1e-12
    )
    assert map_score(y_true, y_score, sample_weight=weight) == pytest.approx(
        expected["macro"], abs=1e-12
    )


def test_map_of_close_float32_scores_is_exact():
    # One step of float32 apart: rounding would tie them, comparing across dtypes would swap them.
    low = np.float32(0.1)
    high = np.nextafter(low, np.float32(1))
    y_true = np.array([[0], [1], [0], [1]])
    y_score = np.array([[low], [high], [high], [low]], np.float32)
    expected = average_precision_score(y_true.ravel(), y_score.ravel())
    assert map_score(y_true, y_score) == map_score(y_true, y_score.astype(float)) == expected


@every_score
@pytest.mark.parametrize("steps", [None, 2])
def test_score_with_integer_weights_equals_repeated_videos(score, steps):
    y_true, y_score = make(seed=5, steps=steps)
    weight = np.random.default_rng(2).integers(0, 4, len(y_true))
    repeated = [np.repeat(array, weight, axis=0) for array in (y_true, y_score)]
    assert score(y_true, y_score, sample_weight=weight) == pytest.approx(
        score(*repeated), abs=1e-12
    )


@every_score
def test_score_with_scaled_weights_is_unchanged(score):
    y_true, y_score = make(seed=6)
    weight = np.random.default_rng(3).random(len(y_true))
    once = score(y_true, y_score, sample_weight=weight)
    for unit in (1e6, 2.0**1023, 2.0**-1000):  # sums of the first are beyond float64
        other = score(y_true, y_score, sample_weight=unit * weight)
        assert other == pytest.approx(once, abs=1e-12)
    ones = score(y_true, y_score, sample_weight=np.ones(len(y_true), int))
    assert ones == pytest.approx(score(y_true, y_score), abs=1e-12)


@every_score
def test_score_of_any_label_format_is_equal(score):
    y_true, y_score = make(seed=7)
    expected = score(y_true, y_score)
    for dtype in (np.uint8, int, np.float32, float):
        assert score(y_true.astype(dtype), y_score) == expected
    assert score(y_true.astype(int).tolist(), y_score.tolist()) == expected
    for form in ("csr", "csc", "coo", "lil", "dok", "dia", "bsr"):
        assert score(sp.csr_array(y_true.astype(int)).asformat(form), y_score) == expected
    assert score(sp.csr_matrix(y_true), y_score) == expected


@every_score
def test_score_of_stored_zeros_is_equal_and_keeps_the_inputs(score):
    y_true, y_score = make(seed=8)
    stored = sp.csr_array(np.ones_like(y_true, dtype=float))
    stored.data[:] = y_true.ravel()
    before, scores_before = stored.copy(), y_score.copy()
    assert score(stored, y_score) == score(y_true, y_score)
    np.testing.assert_array_equal(stored.data, before.data)
    np.testing.assert_array_equal(y_score, scores_before)


@every_score
def test_score_of_any_score_format_is_equal(score):
    y_true, y_score = make(seed=9)
    y_score = y_score.astype(np.float16)
    expected = score(y_true, y_score.astype(float))
    weight = np.arange(len(y_true))
    weighted = score(y_true, y_score.astype(float), sample_weight=weight)
    read_only = y_score.astype(np.float32)
    read_only.setflags(write=False)
    forms = [y_score, read_only, np.asfortranarray(read_only), y_score.astype(">f4")]
    for form in [*forms, y_score.astype(float)[::-1][::-1]]:
        assert score(y_true, form) == expected
        assert score(y_true, form, sample_weight=weight) == weighted


@every_score
@pytest.mark.parametrize("steps", [None, 2])
def test_score_of_permuted_videos_is_equal(score, steps):
    y_true, y_score = make(seed=10, steps=steps)
    order = np.random.default_rng(4).permutation(len(y_true))
    assert score(y_true[order], y_score[order]) == pytest.approx(score(y_true, y_score))


@every_score
def test_score_of_permuted_labels_without_ties_is_equal(score):
    y_true, y_score = make(seed=11)
    order = np.random.default_rng(5).permutation(y_true.shape[1])
    assert score(y_true[:, order], y_score[:, order]) == pytest.approx(score(y_true, y_score))


@every_score
@pytest.mark.parametrize("steps", [None, 2])
def test_score_after_an_increasing_function_is_equal(score, steps):
    y_true, y_score = make(seed=12, steps=steps)
    expected = score(y_true, y_score)
    for increasing in (np.exp, np.arctan, lambda s: 3 * s - 7, lambda s: s**3):
        assert score(y_true, increasing(y_score)) == expected


@every_score
def test_score_of_infinite_scores_ranks_them_first_and_last(score):
    y_true, y_score = make(seed=13)
    cut = np.clip(y_score, -1, 1)  # many ties at both ends
    infinite = np.where(cut == 1, np.inf, np.where(cut == -1, -np.inf, cut))
    assert score(y_true, infinite) == score(y_true, cut)


@every_score
@pytest.mark.parametrize("weighted", [False, True])
def test_score_with_small_blocks_is_equal(score, weighted, monkeypatch):
    y_true, y_score = make(seed=14, steps=3)
    weight = np.arange(len(y_true)) % 3 if weighted else None
    expected = score(y_true, y_score, sample_weight=weight)
    monkeypatch.setattr(_inputs, "ROW_BLOCK", 7 * y_true.shape[1])
    monkeypatch.setattr(_inputs, "COLUMN_BLOCK", 5 * len(y_true) * y_score.itemsize)
    monkeypatch.setattr(_inputs, "TRANSPOSED_ROWS", 11)
    monkeypatch.setattr(_gap, "POOL_BLOCK", 7 * y_true.shape[1])
    got = score(y_true, y_score, sample_weight=weight)
    assert got == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "y_score", [np.array([[0.5, 0.5 + 1e-12]]), np.int32([[2**24, 2**24 + 1]])]
)
def test_score_of_close_float64_and_integers_keeps_every_digit(y_score):
    assert hit_at_1_score([[0, 1]], y_score) == gap_score([[0, 1]], y_score) == 1


@pytest.mark.parametrize("n_labels", [1, 2])
def test_score_of_one_or_two_labels_equals_scikit_learn(n_labels):
    y_true, y_score = make(seed=14, n_labels=3)
    y_true, y_score = y_true[:, 1 : 1 + n_labels], y_score[:, 1 : 1 + n_labels]
    assert gap_score(y_true, y_score) == gap_score(y_true, y_score, top_k=None)
    assert map_score(y_true, y_score) == pytest.approx(average_precision_score(y_true, y_score))


def test_score_of_repeated_videos_is_equal():
    # Large enough that scores are read in several blocks, by rows and by columns.
    y_true, y_score = make(seed=15, n_videos=100, n_labels=40, steps=4)
    tall = [np.tile(array, (1200, 1)) for array in (y_true, y_score)]
    for name in ("gap", "gap_full", "map", "map_top_3", "perr", "hit_at_1"):
        expected = SCORES[name](y_true, y_score)
        assert SCORES[name](*tall) == pytest.approx(expected, abs=1e-9), name
