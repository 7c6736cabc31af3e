"""Time two things side by side, so that a busy machine slows both."""

import time
from dataclasses import asdict, dataclass, field

import numpy as np


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, against what, and what came out.

    Parameters
    ----------
    measured, against : str
        What is in the numerator and in the denominator.
    ratios : list of float
        One a round.
    wanted : float
        The mark.
    at_least : bool
        Whether the ratio is to be above the mark, and not below it.
    details : dict
        Sizes, seconds, and what else helps to read the ratio.
    """

    measured: str
    against: str
    ratios: list
    wanted: float
    at_least: bool = False
    details: dict = field(default_factory=dict)

    @property
    def ratio(self):
        """The median over the rounds."""
        return float(np.median(self.ratios))

    @property
    def met(self):
        """Whether the median meets the mark."""
        return self.ratio >= self.wanted if self.at_least else self.ratio <= self.wanted

    def to_json(self):
        """Return everything as a dict that JSON can hold."""
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def seconds(call):
    """Time one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def side_by_side(ours, theirs, rounds=7, warm=1):
    """Time two calls in turn.

    Parameters
    ----------
    ours, theirs : callable
        Called without arguments.
    rounds : int
        How often each is timed; who goes first changes from round to round.
    warm : int
        Calls of each before that, which do not count.

    Returns
    -------
    ours, theirs : ndarray of shape (rounds,)
        Seconds of each round.
    """
    for _ in range(warm):
        ours()
        theirs()
    times = np.empty((rounds, 2))
    for i in range(rounds):
        for j in (0, 1) if i % 2 else (1, 0):
            times[i, j] = seconds((ours, theirs)[j])
    return times[:, 0], times[:, 1]
