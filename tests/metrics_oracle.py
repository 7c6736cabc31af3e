"""The four scores on plain lists and exact fractions, written from their definitions."""

from fractions import Fraction
from itertools import chain, groupby


def best_labels(scores, k):
    """The k best labels of one video; of tied ones the first."""
    return sorted(range(len(scores)), key=lambda label: (-scores[label], label))[:k]


def area(entries, total):
    """Sum of precision times gain in recall over falling thresholds.

    Entries are (score, true, weight); entries of one score enter together.
    """
    found = seen = result = 0
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
    return float(sum(value * weight for value, weight in pairs) / total) if total else float("nan")


class Oracle:
    """All scores of one problem; None weighs every video the same."""

    def __init__(self, y_true, y_score, weight):
        weight = [1] * len(y_true) if weight is None else weight
        kept = [video for video in range(len(y_true)) if weight[video] > 0]
        self.truth = [[bool(true) for true in y_true[video]] for video in kept]
        self.scores = [[float(score) for score in y_score[video]] for video in kept]
        self.weight = [Fraction(float(weight[video])) for video in kept]
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
        return float(area(list(chain(*self.pools(top_k))), total)) if total else 0.0

    def map(self, top_k, empty_classes):
        values = []
        for label, pool in enumerate(self.pools(top_k)):
            if total := self.positives(label):
                values.append(area(pool, total))
            elif empty_classes == "zero":
                values.append(0)
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
                values.append((Fraction(len(hits), max(m, 1)), weight))
        return mean(values)

    def hit_at_1(self, empty_videos):
        values = []
        for truth, scores, weight in zip(self.truth, self.scores, self.weight, strict=True):
            if any(truth) or empty_videos == "zero":
                values.append((int(truth[best_labels(scores, 1)[0]]), weight))
        return mean(values)
