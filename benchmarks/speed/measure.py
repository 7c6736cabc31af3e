"""Time two calls in turn, so that a busy machine slows both."""

import time
from dataclasses import asdict, dataclass, field

import numpy as np


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Parameters
    ----------
    measured, against : str
        Numerator and denominator of the ratio.
    ratios : list of float
        One per round.
    wanted : float
        The goal.
    at_least : bool
        Whether the ratio should be above the goal, and not below it.
    details : dict
        Sizes, seconds and other numbers that explain the ratio.
    """

    measured: str
    against: str
    ratios: list
    wanted: float
    at_least: bool = False
    details: dict = field(default_factory=dict)

    @property
    def ratio(self):
        """Median over the rounds."""
        return float(np.median(self.ratios))

    @property
    def met(self):
        """Whether the median meets the goal."""
        return self.ratio >= self.wanted if self.at_least else self.ratio <= self.wanted

    def to_json(self):
        """Return the row as a dict for JSON."""
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def seconds(call):
    """Time one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def side_by_side(ours, theirs, rounds=7, warm=1):
    """Return the seconds of two calls in each round, after warm-up; the order alternates."""
    for _ in range(warm):
        ours()
        theirs()
    times = np.empty((rounds, 2))
    for i in range(rounds):
        for j in (0, 1) if i % 2 else (1, 0):
            times[i, j] = seconds((ours, theirs)[j])
    return times[:, 0], times[:, 1]
