"""Parts of a problem, some labels and the videos that count for them, ranked in one reading."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from .._types import Bools, Floats, Ints
from ._problem import Problem
from ._ranking import are_among_best, largest


class Part:
    """Some labels of a problem."""

    def __init__(self, problem: Problem, columns: Ints | None = None) -> None:
        self.problem, self.columns = problem, columns
        self.videos, self.places = problem.positives
        if columns is not None:
            place = np.full(problem.n_labels, -1, self.places.dtype)
            place[columns] = np.arange(len(columns))
            places = place[self.places]
            inside = places >= 0
            self.videos, self.places = self.videos[inside], places[inside]
        self.n_true = np.bincount(self.videos, minlength=problem.n_videos)
        self.n_labels = problem.n_labels if columns is None else len(columns)

    def take(self, block: Floats) -> Floats:
        """Return the part's columns of some rows of the table."""
        if self.columns is None:
            return block
        first, last = self.columns[[0, -1]] if self.n_labels else (0, -1)
        if last - first + 1 == self.n_labels:  # neighbours need no copy
            return block[:, first : last + 1]
        return block.take(self.columns, axis=1, mode="clip")  # takes no time to check them


@dataclass(frozen=True, eq=False)
class Ranked:
    """What one reading of the table tells of a part."""

    part: Part
    stay: Bools | None
    scores: Floats
    hits: dict[str, Bools]
    pool: Floats

    @property
    def n_videos(self) -> int:
        """Number of videos that count."""
        return self.part.problem.n_videos if self.stay is None else int(self.stay.sum())

    @property
    def weights(self) -> Floats | None:
        """Weights of the videos that count, or None if all weigh the same."""
        return self.part.problem.weights_of(slice(None) if self.stay is None else self.stay)

    def row_blocks(self, size: int) -> Iterator[tuple[Floats | None, Floats]]:
        """Yield (weights or None, scores) of some of the videos that count, in order."""
        for first, block in self.part.problem.row_blocks(size):
            rows = slice(first, first + len(block))
            block, weights = self.part.take(block), self.part.problem.weights_of(rows)
            if self.stay is not None:
                block = block[self.stay[rows]]
                weights = weights if weights is None else weights[self.stay[rows]]
            yield weights, block


def rank(part: Part, score: str, top_k: int | None = None) -> Ranked:
    """Rank the labels of one part for one score, all videos counting; see `rank_parts`."""
    return rank_parts([part], (score,), top_k, ["all"])[0]


def rank_parts(
    parts: list[Part],
    scores: Collection[str],
    top_k: int | None,
    rules: list[str],
    threshold: float = 0.5,
) -> list[Ranked]:
    """Say which true labels are among the best of their video, for several scores and parts."""
    readers = [
        _Reader(part, scores, top_k, rule, threshold)
        for part, rule in zip(parts, rules, strict=True)
    ]
    make_up_all = _make_up_all(parts)
    for first, block in parts[0].problem.row_blocks():
        depth = max(reader.depth(first, len(block)) for reader in readers)
        own = [part.take(block) for part in parts]
        best = [largest(piece, depth) for piece in own[1:]]
        # The best of parts that are all labels, each once, hold the best of all.
        whole = np.concatenate(best, axis=1) if make_up_all else own[0]
        best = [largest(whole, depth), *best]
        for reader, *read in zip(readers, own, best, strict=True):
            reader.read(first, *read)
    return [reader.ranked() for reader in readers]


def _make_up_all(parts: list[Part]) -> bool:
    """Whether the first part has all labels, and the others together each of them once."""
    whole, *others = (part.columns for part in parts)
    own = [columns for columns in others if columns is not None]
    if whole is not None or not others or len(own) < len(others):
        return False
    times = np.bincount(np.concatenate(own), minlength=parts[0].n_labels)
    return bool((times == 1).all())


class _Reader:
    """Collects what a `Ranked` holds, block by block."""

    def __init__(
        self, part: Part, scores: Collection[str], top_k: int | None, rule: str, threshold: float
    ) -> None:
        self.part, self.predicted = part, rule == "either"
        self.stay: Bools | None = None if rule == "all" else part.n_true > 0
        self.pool_size = 0
        if "gap" in scores and top_k is not None and top_k < part.n_labels:
            self.pool_size = top_k
        cutoffs: dict[str, int | Ints] = {
            "gap": self.pool_size,
            "perr": part.n_true,
            "hit_at_1": 1,
        }
        self.cutoffs = {
            score: np.broadcast_to(np.clip(np.asarray(k), 1, part.n_labels), part.problem.n_videos)
            for score, k in cutoffs.items()
            if score in scores and part.n_labels
        }
        dtype = part.problem.scores.dtype
        with np.errstate(over="ignore"):  # above float32, and so infinite
            self.threshold = dtype.type(threshold)
        self.pool = [np.empty((0, self.pool_size), dtype)]
        self.bounds = np.append(0, np.cumsum(part.n_true))
        self.scores = np.empty(len(part.videos), dtype)
        self.hits = {score: np.empty(len(part.videos), bool) for score in self.cutoffs}

    def depth(self, first: int, count: int) -> int:
        """How many of the largest values of these videos are needed: one beyond each cutoff."""
        cutoffs = self.cutoffs.values()
        return 1 + max((int(k[first : first + count].max()) for k in cutoffs), default=0)

    def read(self, first: int, block: Floats, best: Floats) -> None:
        if not self.part.n_labels:
            return
        rows = slice(first, first + len(block))
        cutoffs = {score: k[rows] for score, k in self.cutoffs.items()}
        if self.predicted and self.stay is not None:
            self.stay[rows] |= best[:, -1] > self.threshold
        if self.pool_size:
            pool = best[:, best.shape[1] - self.pool_size :]
            self.pool.append(pool.copy() if self.stay is None else pool[self.stay[rows]])
        own = slice(*self.bounds[[rows.start, rows.stop]])
        at = self.part.videos[own] - first, self.part.places[own]
        self.scores[own] = block[at]
        for score, k in cutoffs.items():
            self.hits[score][own] = are_among_best(block, best, k, at, self.scores[own])

    def ranked(self) -> Ranked:
        pool = np.concatenate(self.pool)
        self.pool.clear()  # the pieces are needed no more
        return Ranked(self.part, self.stay, self.scores, self.hits, pool)
