"""The four scores against an oracle that sorts plain lists, written from their definitions."""

from itertools import chain, groupby

import numpy as np
import pytest

from sk_crossmodal.metrics import gap_score, hit_at_1_score, map_score, perr_score


def best_labels(scores, k):
    """The k best labels of one video; of tied ones the first."""
    return sorted(range(len(scores)), key=lambda label: (-scores[label], label))[:k]


def area(entries, total):
    """Sum of precision times gain in recall over falling thresholds.

    Entries are (score, true, weight); entries of one score enter together.
    """
    found = seen = result = 0.0
    entries = sorted(entries, key=lambda entry: -entry[0])
    for _, tied in groupby(entries, key=lambda entry: entry[0]):
        tied = list(tied)
        gain = sum(weight for _, true, weight in tied if true)
        found += gain
        seen += sum(weight for *_, weight in tied)
        if gain:
            result += gain / total * found / seen
    return result


def mean(pairs):
    """Weighted mean of (value, weight) pairs."""
    total = sum(weight for _, weight in pairs)
    return sum(value * weight for value, weight in pairs) / total if total else float("nan")


class Oracle:
    """All scores of one problem."""

    def __init__(self, y_true, y_score, weight):
        kept = [video for video in range(len(y_true)) if weight[video] > 0]
        self.truth = [[bool(true) for true in y_true[video]] for video in kept]
        self.scores = [[float(score) for score in y_score[video]] for video in kept]
        self.weight = [float(weight[video]) for video in kept]
        self.labels = range(len(y_true[0]))

    def pools(self, top_k):
        pools = [[] for _ in self.labels]
        for truth, scores, weight in zip(self.truth, self.scores, self.weight, strict=True):
            for label in best_labels(scores, len(scores) if top_k is None else top_k):
                pools[label].append((scores[label], truth[label], weight))
        return pools

    def positives(self, label):
        pairs = zip(self.truth, self.weight, strict=True)
        return sum(weight for truth, weight in pairs if truth[label])

    def gap(self, top_k):
        total = sum(map(self.positives, self.labels))
        return area(list(chain(*self.pools(top_k))), total) if total else 0.0

    def map(self, top_k, empty_classes):
        values = []
        for label, pool in enumerate(self.pools(top_k)):
            if total := self.positives(label):
                values.append(area(pool, total))
            elif empty_classes == "zero":
                values.append(0.0)
        return mean([(value, 1) for value in values])

    def perr(self, empty_videos, guard):
        values = []
        for truth, scores, weight in zip(self.truth, self.scores, self.weight, strict=True):
            m = sum(truth)
            hits = [
                label
                for label in best_labels(scores, m)
                if truth[label] and not (guard and scores[label] <= 0)
            ]
            if m or empty_videos == "zero":
                values.append((len(hits) / m if m else 0.0, weight))
        return mean(values)

    def hit_at_1(self, empty_videos):
        values = []
        for truth, scores, weight in zip(self.truth, self.scores, self.weight, strict=True):
            if any(truth) or empty_videos == "zero":
                values.append((float(truth[best_labels(scores, 1)[0]]), weight))
        return mean(values)


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
def test_against_the_oracle(seed):
    y_true, y_score, weight = draw(seed)
    oracle = Oracle(y_true, y_score, np.ones(len(y_true)) if weight is None else weight)

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
