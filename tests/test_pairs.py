import numpy as np
import pytest
import torch
from estimator_cases import from_rows
from scipy.sparse import csr_array
from scipy.stats import chisquare

from sk_crossmodal.correlation._pairs import (
    PairDataset,
    all_negatives,
    cut_lengths,
    draw_negatives,
)
from sk_crossmodal.training import Targets


def drawing(seed=0):
    rng = np.random.RandomState(seed)
    return lambda high, size: rng.randint(high, size=size)


def one_label_each(labels):
    return csr_array(np.eye(max(labels) + 1, dtype=bool)[labels])


def random_labels(seed):
    """Some samples have no labels, and some all of them: both have no negatives."""
    labels = np.random.RandomState(seed).rand(30, 5) < 0.25
    labels[3] = False
    labels[7] = True
    return labels


@pytest.mark.parametrize("seed", range(5))
def test_negatives_share_no_top_level_label(seed):
    labels = random_labels(seed)
    rows = np.random.RandomState(seed).permutation(30)
    negatives = draw_negatives(csr_array(labels), rows, drawing(seed))
    for row, negative in zip(rows, negatives, strict=True):
        possible = [
            j for j in range(30) if labels[j].any() and not (labels[row] & labels[j]).any()
        ]
        if labels[row].any() and possible:
            assert negative in possible
        else:
            assert negative == -1


def test_stored_zeros_are_not_labels():
    y = csr_array(([1, 0, 1], ([0, 1, 2], [0, 1, 1])), shape=(3, 2))
    targets = Targets(y)
    top_level = targets.top_level(targets.encode(y))
    for seed in range(5):
        negatives = draw_negatives(top_level, np.arange(3), drawing(seed))
        np.testing.assert_array_equal(negatives, [2, -1, 0])


@pytest.mark.parametrize("place", [0, 1234, 4999])
def test_the_only_candidate_of_many_is_found(place):
    labels = np.zeros(5000, int)
    labels[place] = 1
    rows = np.setdiff1d(np.arange(0, 5000, 250), place)
    negatives = draw_negatives(one_label_each(labels), rows, drawing())
    assert (negatives == place).all()


@pytest.mark.parametrize("n_others", [6, 2000], ids=["common", "rare"])
def test_negatives_are_uniform(n_others):
    """Six candidates, found by random draws or only by listing."""
    labels = np.array([0] * n_others + [1] * 6)
    rows = np.zeros(600, int)
    negatives = draw_negatives(one_label_each(labels), rows, drawing())
    counts = np.bincount(negatives - n_others, minlength=6)
    assert counts.sum() == 600
    assert chisquare(counts).pvalue > 0.001


def test_negatives_without_candidates_are_minus_one():
    same = one_label_each(np.zeros(4, int))
    np.testing.assert_array_equal(draw_negatives(same, np.arange(4), drawing()), [-1] * 4)
    nothing = csr_array((4, 2), dtype=bool)
    np.testing.assert_array_equal(draw_negatives(nothing, np.arange(4), drawing()), [-1] * 4)


@pytest.mark.parametrize("seed", range(5))
def test_negatives_of_equal_length_come_first(seed):
    labels, lengths = random_labels(seed), np.random.RandomState(seed).randint(1, 6, size=30)
    rows = np.random.RandomState(seed).permutation(30)
    negatives = draw_negatives(csr_array(labels), rows, drawing(seed), lengths)
    found = {True: 0, False: 0}
    for row, negative in zip(rows, negatives, strict=True):
        possible = [
            j for j in range(30) if labels[j].any() and not (labels[row] & labels[j]).any()
        ]
        if not (labels[row].any() and possible):
            assert negative == -1
            continue
        same = [j for j in possible if lengths[j] == lengths[row]]
        assert negative in (same or possible)
        found[bool(same)] += 1
    assert found[True] > 10


def test_negatives_of_equal_length_are_uniform():
    """Six of equal length share nothing; others of that length, or so labelled, are not drawn."""
    labels = np.array([0] * 6 + [1] * 12)
    lengths = np.array([5] * 6 + [5] * 6 + [6] * 6)
    rows = np.zeros(600, int)
    negatives = draw_negatives(one_label_each(labels), rows, drawing(), lengths)
    counts = np.bincount(negatives - 6, minlength=6)
    assert len(counts) == 6
    assert chisquare(counts).pvalue > 0.001


def test_negatives_without_equal_lengths_are_uniform():
    labels, lengths = np.array([0] * 6 + [1] * 6), np.array([5] * 6 + [1, 2, 3, 4, 6, 7])
    negatives = draw_negatives(one_label_each(labels), np.zeros(600, int), drawing(), lengths)
    counts = np.bincount(negatives - 6, minlength=6)
    assert counts.sum() == 600
    assert chisquare(counts).pvalue > 0.001


def test_cut_lengths():
    lengths = np.array([0, 1, 2, 9, 10, 11, 20, 39, 20])
    cut = cut_lengths(lengths, np.arange(9), np.arange(9))
    np.testing.assert_array_equal(cut, lengths)  # a video with itself, or one as long
    assert cut_lengths(lengths, np.array([6]), np.array([8])) == 20
    for row, negative, expected in [
        (0, 6, 0),
        (1, 6, 1),
        (2, 6, 1),
        (3, 6, 8),
        (4, 6, 9),
        (5, 6, 9),
        (6, 7, 18),
    ]:
        for pair in ((row, negative), (negative, row)):
            assert cut_lengths(lengths, *(np.array([i]) for i in pair)) == expected, pair


LENGTHS = np.array([1, 4, 20, 5, 10, 20])
LABELS = np.array([0, 0, 1, 1, 2, 0])


def make_pairs(labels=LABELS, n_modalities=2, negatives=None, **params):
    """Frame t of video i is 100 i + 1 + t."""
    rows = [np.full((length, 1), 100.0 * i + 1) for i, length in enumerate(LENGTHS)]
    rows = [row + np.arange(len(row))[:, None] for row in rows]
    names = ("video", "audio", "text")[:n_modalities]
    params = {"sample_weight": np.arange(1.0, 7.0), **params}
    X = from_rows(**dict.fromkeys(names, rows))
    dataset = PairDataset(X, one_label_each(labels), **params)
    dataset.negatives = negatives
    return dataset


def negatives_of(batch, n):
    return [int(x) // 100 for x in batch.frames["video"][n:, 0, 0]]


def drawing_pairs():
    dataset = make_pairs().list_negatives(0)
    assert dataset.drawn
    return dataset


def test_pairs_are_rows_and_their_negatives_of_equal_length():
    generator = torch.Generator().manual_seed(0)
    dataset, rows = drawing_pairs(), np.array([5, 1, 2, 4])
    remaining = {1: 1, 4: 3, 5: 4, 10: 9}  # of the shorter one; but 5 and 2 are equally long
    for _ in range(10):
        dataset.begin_epoch(generator)
        batch, _ = dataset.__getitems__(rows)
        negatives = np.array(negatives_of(batch, 4))
        assert (LABELS[negatives] != LABELS[rows]).all()
        assert (negatives[0], negatives[2]) == (2, 5)
        shorter = np.minimum(LENGTHS[rows], LENGTHS[negatives])
        expected = [20, remaining[shorter[1]], 20, remaining[shorter[3]]]
        for name in ("video", "audio"):
            lengths = batch.masks[name].sum(1).numpy()
            np.testing.assert_array_equal(lengths, np.tile(expected, 2))
            for i, row in enumerate(np.concatenate([rows, negatives])):
                frames = batch.frames[name][i, : lengths[i], 0].numpy()
                # Either its first frames, or the same brought onto the time line.
                np.testing.assert_array_equal(frames, 100 * row + 1 + np.arange(lengths[i]))
        np.testing.assert_array_equal(batch.extra["negatives"], [[0, 1, 2, 3], [4, 5, 6, 7]])
        np.testing.assert_array_equal(batch.extra["sample_weight"], [6, 2, 3, 5] * 2)


def test_negatives_differ_between_epochs():
    """From the generator of the epoch alone, and for all batches of it at once."""
    dataset, rows = drawing_pairs(), np.arange(6)
    state = torch.get_rng_state()

    def drawn(generator):
        dataset.begin_epoch(generator)
        first, second = (negatives_of(dataset.__getitems__(rows)[0], 6) for _ in range(2))
        assert first == second
        parts = [negatives_of(dataset.__getitems__(part)[0], 2) for part in ([4, 5], [0, 1])]
        assert parts == [first[4:], first[:2]]
        return tuple(first)

    generator = torch.Generator().manual_seed(3)
    epochs = [drawn(generator) for _ in range(10)]
    assert len(set(epochs)) > 5
    generator.manual_seed(3)
    assert [drawn(generator) for _ in range(10)] == epochs
    assert torch.equal(state, torch.get_rng_state())


def test_fixed_negatives_are_the_same_in_all_epochs():
    dataset = make_pairs(negatives=np.array([2, 3, 0, 1, 5, 4]))
    for _ in range(3):
        dataset.begin_epoch(torch.Generator())
        assert negatives_of(dataset.__getitems__([5, 0, 4])[0], 3) == [4, 2, 5]


def test_fix_negatives():
    torch.manual_seed(0)
    dataset = make_pairs()
    assert dataset.fix_negatives(3) is dataset
    fixed = dataset.negatives.copy()
    assert (LABELS[fixed] != LABELS).all()
    assert (fixed[2], fixed[5]) == (5, 2)  # of equal length
    for _ in range(3):
        assert negatives_of(dataset.__getitems__(np.arange(6))[0], 6) == fixed.tolist()
    np.testing.assert_array_equal(make_pairs().fix_negatives(3).negatives, fixed)
    drawn = {tuple(make_pairs().fix_negatives(seed).negatives.tolist()) for seed in range(10)}
    assert len(drawn) > 5


def test_lengths_that_max_frames_makes_equal():
    """Of lengths that are cut anyway, all are equal: any negative comes first."""
    dataset = make_pairs(max_frames=4)
    drawn = {dataset.fix_negatives(seed).negatives[5] for seed in range(30)}
    assert drawn == {2, 3, 4}
    batch, _ = make_pairs(max_frames=4, negatives=np.array([2, 3, 0, 1, 5, 4])).__getitems__([4])
    np.testing.assert_array_equal(batch.masks["video"].sum(1), [4, 4])


@pytest.mark.parametrize("max_frames", [1, 3, 50])
def test_pairs_are_cut(max_frames):
    dataset = make_pairs(negatives=np.array([2, 3, 0, 1, 5, 4]), max_frames=max_frames)
    batch, _ = dataset.__getitems__([1, 4])
    # Videos of 4 and 5 frames, and of 10 and 20.
    expected = {1: [1, 1, 1, 1], 3: [3, 3, 3, 3], 50: [3, 9, 3, 9]}[max_frames]
    np.testing.assert_array_equal(batch.masks["video"].sum(1), expected)


@pytest.mark.parametrize("n_modalities", [2, 3])
def test_targets_and_weights(n_modalities):
    n_pairs = {2: 1, 3: 3}[n_modalities]
    # Video 4 has no candidates: its negative is -1.
    negatives = np.array([2, 3, 0, 1, -1, 2])
    dataset = make_pairs(n_modalities=n_modalities, negative_weight=2.5, negatives=negatives)
    _, target = dataset.__getitems__([0, 4, 5])
    ones = np.ones((3, n_pairs))
    np.testing.assert_array_equal(target["y"], np.hstack([ones, 0 * ones]))
    weight = np.array([[1.0], [5.0], [6.0]]) * ones
    negative = np.array([[2.5], [0.0], [15.0]]) * ones
    np.testing.assert_array_equal(target["weight"], np.hstack([weight, negative]))
    assert not target["y"].requires_grad


def test_pairs_without_frames_on_one_side_have_weight_zero():
    names = ("video", "audio", "text")
    present = {"video": [1, 1, 1, 0], "audio": [1, 0, 1, 1], "text": [1, 1, 1, 1]}
    X = from_rows(**{n: [np.ones((3 * there, 2)) for there in present[n]] for n in names})
    dataset = PairDataset(X, one_label_each(np.array([0, 1, 0, 1])), np.ones(4))
    dataset.negatives = np.array([1, 2, 3, -1])
    batch, target = dataset.__getitems__(np.arange(4))
    np.testing.assert_array_equal(batch.masks["video"].any(1), [1, 1, 1, 0, 1, 1, 0, 0])
    # Columns are video-audio, video-text, audio-text; the negative gives the second.
    positive = [[1, 1, 1], [0, 1, 0], [1, 1, 1], [0, 0, 1]]
    negative = [[0, 1, 1], [1, 1, 0], [1, 1, 1], [0, 0, 0]]
    np.testing.assert_array_equal(target["weight"], np.hstack([positive, negative]))


def brute_force_negatives(labels, lengths, i):
    shares_none = [j for j in range(len(labels)) if labels[j] != labels[i]]
    return [j for j in shares_none if lengths[j] == lengths[i]] or shares_none


def test_all_negatives():
    rng = np.random.RandomState(0)
    for _ in range(20):
        labels, lengths = rng.randint(3, size=9), rng.randint(1, 4, size=9)
        expected = [brute_force_negatives(labels, lengths, i) for i in range(9)]
        negatives = all_negatives(one_label_each(labels), lengths)
        assert [part.tolist() for part in negatives] == expected


def test_all_negatives_of_many_videos_equal_those_of_one_block(monkeypatch):
    """Blocks of videos make no difference, nor does the last and smaller one."""
    rng = np.random.RandomState(0)
    labels, lengths = rng.randint(3, size=20), rng.randint(1, 4, size=20)
    expected = [brute_force_negatives(labels, lengths, i) for i in range(20)]
    monkeypatch.setattr("sk_crossmodal.correlation._pairs.BLOCK", 7)
    negatives = all_negatives(one_label_each(labels), lengths)
    assert [part.tolist() for part in negatives] == expected
    n_pairs = sum(map(len, expected))
    assert all_negatives(one_label_each(labels), lengths, n_pairs) is not None
    assert all_negatives(one_label_each(labels), lengths, n_pairs - 1) is None


def test_negatives_are_listed_up_to_a_number_of_pairs():
    n_pairs = sum(len(brute_force_negatives(LABELS, LENGTHS, i)) for i in range(6))
    drawing = make_pairs().fix_negatives(0).list_negatives(n_pairs - 1)
    assert drawing.drawn
    assert drawing.listed is None
    listing = make_pairs().list_negatives(n_pairs)
    assert not listing.drawn
    assert len(listing.listed or ()) == 6
    listing.begin_epoch(torch.Generator())
    assert len(listing.listed or ()) == 6


def test_listed_pairs_share_the_weight_of_their_video():
    dataset = make_pairs(negative_weight=2.5).list_negatives(100)
    rows = np.array([3, 0, 5])
    batch, target = dataset.__getitems__(rows)
    first, second = batch.extra["negatives"].numpy()
    video = batch.frames["video"][:, 0, 0].numpy().astype(int) // 100
    weight = np.arange(1.0, 7.0)
    expected = {}
    for i in rows:
        negatives = brute_force_negatives(LABELS, LENGTHS, i)
        for j in negatives:
            expected[i, j] = weight[i] * weight[j] / weight[negatives].sum()
    pairs = list(zip(video[first].tolist(), video[second].tolist(), strict=True))
    assert sorted(pairs) == sorted(expected)
    given = [expected[pair] for pair in pairs]
    np.testing.assert_allclose(target["weight"], np.outer(given, [1, 2.5]))
    np.testing.assert_array_equal(target["y"], [[1, 0]] * len(pairs))
    # Both sides of a pair are cut to the same length, and read no more than once for it.
    lengths = batch.masks["video"].sum(1).numpy()
    np.testing.assert_array_equal(
        lengths[second], cut_lengths(LENGTHS, *np.array(pairs).T), err_msg=str(pairs)
    )
    np.testing.assert_array_equal(lengths[first], lengths[second])
    read = list(zip(video.tolist(), lengths.tolist(), strict=True))
    assert len(read) == len(set(read))
    statistics = np.zeros(len(read))
    np.add.at(statistics, first, given)
    np.add.at(statistics, second, given)
    np.testing.assert_allclose(batch.extra["sample_weight"], statistics)


def test_a_video_without_negatives_is_listed_with_itself():
    """One without labels has none, and one that shares a label with every other has none."""
    top_level = csr_array(np.array([[1, 0], [0, 1], [1, 1], [0, 0]], dtype=bool))
    negatives = all_negatives(top_level, np.ones(4))
    assert [part.tolist() for part in negatives] == [[1], [0], [], []]
    dataset = make_pairs()
    dataset.listed = [np.array([1])] * 5 + [np.array([], int)]
    batch, target = dataset.__getitems__([5])
    np.testing.assert_array_equal(batch.extra["negatives"], [[0], [0]])
    np.testing.assert_array_equal(target["weight"], [[6, 0]])
    np.testing.assert_array_equal(batch.masks["video"].sum(1), [20])
