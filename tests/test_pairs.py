import numpy as np
import pytest
import torch
from estimator_cases import from_rows
from scipy.sparse import csr_array
from scipy.stats import chisquare

from sk_crossmodal.correlation._pairs import PairDataset, draw_partners
from sk_crossmodal.training import Targets


def drawing(seed=0):
    rng = np.random.RandomState(seed)
    return lambda high, size: rng.randint(high, size=size)


def one_label_each(labels):
    return csr_array(np.eye(max(labels) + 1, dtype=bool)[labels])


def random_labels(seed):
    """Some samples without labels, and some with all of them, which nobody fits."""
    labels = np.random.RandomState(seed).rand(30, 5) < 0.25
    labels[3] = False
    labels[7] = True
    return labels


@pytest.mark.parametrize("seed", range(5))
def test_partners_share_nothing(seed):
    labels = random_labels(seed)
    rows = np.random.RandomState(seed).permutation(30)
    partners = draw_partners(csr_array(labels), rows, drawing(seed))
    for row, partner in zip(rows, partners, strict=True):
        possible = [
            j for j in range(30) if labels[j].any() and not (labels[row] & labels[j]).any()
        ]
        if labels[row].any() and possible:
            assert partner in possible
        else:
            assert partner == -1


def test_stored_zeros_are_no_labels():
    y = csr_array(([1, 0, 1], ([0, 1, 2], [0, 1, 1])), shape=(3, 2))
    targets = Targets(y)
    top_level = targets.top_level(targets.encode(y))
    for seed in range(5):
        partners = draw_partners(top_level, np.arange(3), drawing(seed))
        np.testing.assert_array_equal(partners, [2, -1, 0])


@pytest.mark.parametrize("place", [0, 1234, 4999])
def test_the_only_candidate_of_many_is_found(place):
    labels = np.zeros(5000, int)
    labels[place] = 1
    rows = np.setdiff1d(np.arange(0, 5000, 250), place)
    partners = draw_partners(one_label_each(labels), rows, drawing())
    assert (partners == place).all()


@pytest.mark.parametrize("n_others", [6, 2000], ids=["common", "rare"])
def test_partners_are_uniform(n_others):
    """Six candidates, which blind drawing finds at once, or only looking one by one."""
    labels = np.array([0] * n_others + [1] * 6)
    rows = np.zeros(600, int)
    partners = draw_partners(one_label_each(labels), rows, drawing())
    counts = np.bincount(partners - n_others, minlength=6)
    assert counts.sum() == 600
    assert chisquare(counts).pvalue > 0.001


def test_no_candidates_at_all():
    same = one_label_each(np.zeros(4, int))
    np.testing.assert_array_equal(draw_partners(same, np.arange(4), drawing()), [-1] * 4)
    nothing = csr_array((4, 2), dtype=bool)
    np.testing.assert_array_equal(draw_partners(nothing, np.arange(4), drawing()), [-1] * 4)


LENGTHS = np.array([1, 4, 2, 5, 3, 6])
LABELS = np.array([0, 0, 1, 1, 2, 0])


def make_pairs(labels=LABELS, n_modalities=2, **params):
    """Every frame of video i is 10 i + 1 plus its time."""
    rows = [np.full((length, 1), 10.0 * i + 1) for i, length in enumerate(LENGTHS)]
    rows = [row + np.arange(len(row))[:, None] for row in rows]
    names = ("video", "audio", "text")[:n_modalities]
    params = {"sample_weight": np.arange(1.0, 7.0), **params}
    return PairDataset(from_rows(**dict.fromkeys(names, rows)), one_label_each(labels), **params)


def partners_of(batch, n):
    return [int(x) // 10 for x in batch.frames["video"][n:, 0, 0]]


def test_pairs_are_rows_and_their_partners_of_equal_length():
    torch.manual_seed(0)
    dataset, rows = make_pairs(), np.array([5, 1, 2, 4])
    for _ in range(10):
        batch, _ = dataset.__getitems__(rows)
        partners = np.array(partners_of(batch, 4))
        assert (LABELS[partners] != LABELS[rows]).all()
        expected = np.minimum(LENGTHS[rows], LENGTHS[partners])
        for name in ("video", "audio"):
            lengths = batch.masks[name].sum(1).numpy()
            np.testing.assert_array_equal(lengths, np.tile(expected, 2))
            for i, row in enumerate(np.concatenate([rows, partners])):
                frames = batch.frames[name][i, : lengths[i], 0].numpy()
                # Either its first frames, or the same brought onto the time line.
                np.testing.assert_array_equal(frames, 10 * row + 1 + np.arange(lengths[i]))
        assert batch.extra["paired"] is True


def test_negatives_are_drawn_anew():
    torch.manual_seed(0)
    dataset, rows = make_pairs(), np.arange(6)
    drawn = {tuple(partners_of(dataset.__getitems__(rows)[0], 6)) for _ in range(10)}
    assert len(drawn) > 5
    torch.manual_seed(3)
    first = partners_of(dataset.__getitems__(rows)[0], 6)
    torch.manual_seed(3)
    assert partners_of(dataset.__getitems__(rows)[0], 6) == first


def test_fixed_partners_stay():
    dataset = make_pairs(partners=np.array([2, 3, 0, 1, 5, 4]))
    for _ in range(3):
        assert partners_of(dataset.__getitems__([5, 0, 4])[0], 3) == [4, 2, 5]


@pytest.mark.parametrize("max_frames", [1, 3, 50])
def test_pairs_are_cut(max_frames):
    dataset = make_pairs(partners=np.array([2, 3, 0, 1, 5, 4]), max_frames=max_frames)
    batch, _ = dataset.__getitems__([1, 4])
    expected = np.minimum([4, 3, 4, 3], max_frames)
    np.testing.assert_array_equal(batch.masks["video"].sum(1), expected)


@pytest.mark.parametrize("n_modalities", [2, 3])
def test_targets_and_weights(n_modalities):
    n_pairs = {2: 1, 3: 3}[n_modalities]
    # Video 4 fits nobody: it has a partner of -1.
    partners = np.array([2, 3, 0, 1, -1, 2])
    dataset = make_pairs(n_modalities=n_modalities, negative_weight=2.5, partners=partners)
    _, target = dataset.__getitems__([0, 4, 5])
    ones = np.ones((3, n_pairs))
    np.testing.assert_array_equal(target["y"], np.hstack([ones, 0 * ones]))
    weight = np.array([[1.0], [5.0], [6.0]]) * ones
    negative = np.array([[2.5], [0.0], [15.0]]) * ones
    np.testing.assert_array_equal(target["weight"], np.hstack([weight, negative]))
    assert not target["y"].requires_grad
