"""The line that the largest answers of an influence lie on, if they lie on one."""

from typing import NamedTuple

import numpy as np

from .._types import Floats

FEWEST = 12  # moments: fewer lie near some line by chance
ENOUGH = 0.5  # of the weight must be near the line,
MORE = 0.15, 4.5  # so much more of it than near any one target moment, or over all moments
STRONGEST = 60  # points through which lines are tried


class Peaks(NamedTuple):
    """For each source moment the target moment of the largest answer, and how large it is."""

    target: Floats
    size: Floats


class Line(NamedTuple):
    """A line ``target = shift + stretch * source`` in seconds, and how much is near it."""

    shift: float
    stretch: float
    strength: float
    fixed: float
    reach: float

    def __str__(self) -> str:
        if np.isnan(self.strength):
            return f"no clear shift: no answers, or fewer than {FEWEST} moments"
        near = f"{self.strength:.0%} within {self.reach:.1f} s"
        if np.isnan(self.shift):
            return f"no clear shift: {near} of a line, {self.fixed:.0%} of one moment"
        return f"shift {self.shift:+.1f} s, stretch {self.stretch:.2f} ({near})"


def centred(response: Floats) -> Floats:
    """Answers (T_target, T_source) without what each source moment adds to all of the target."""
    out: Floats = response - np.median(response, axis=0)
    return out


def find_peaks(answers: Floats) -> Peaks:
    """Find the largest answer, up or down, to each source moment."""
    size = np.abs(answers)
    return Peaks(size.argmax(0).astype(float), size.max(0))


def fit_line(peaks: Peaks, n_targets: int, seconds: float) -> Line:
    """Fit the line that most is near to, and say how much."""
    reach = max(1.5, n_targets / 20)
    weight = peaks.size**2
    if len(weight) < FEWEST or not weight.any():
        return Line(np.nan, np.nan, np.nan, np.nan, reach * seconds)
    weight = weight / weight.sum()
    source, target = np.arange(len(weight)) + 0.5, peaks.target + 0.5
    shift, stretch = _nearest_line(source, target, weight, reach)
    strength = float(weight[np.abs(target - shift - stretch * source) <= reach].sum())
    # Answers that all come at one time, whenever the source's attention was, are no shift.
    fixed = float((weight @ (np.abs(target[:, None] - target) <= reach)).max())
    if strength < max(ENOUGH, fixed + max(MORE[0], MORE[1] / len(weight))):
        shift = stretch = np.nan
    return Line(shift * seconds, stretch, strength, fixed, reach * seconds)


def _nearest_line(x: Floats, y: Floats, weight: Floats, reach: float) -> tuple[float, float]:
    """Intercept and slope of the line that has most weight near it."""
    strongest = np.sort(np.argsort(-weight, kind="stable")[:STRONGEST])
    first, second = (strongest[i] for i in np.triu_indices(len(strongest), 1))
    slopes = (y[second] - y[first]) / (x[second] - x[first])
    shifts = y[first] - slopes * x[first]
    distance = np.abs(y - shifts[:, None] - slopes[:, None] * x)
    best = (np.maximum(0, 1 - (distance / reach) ** 2) @ weight).argmax()
    near = weight * (distance[best] <= reach)
    mean_x, mean_y = np.average(x, weights=near), np.average(y, weights=near)
    slope = near @ ((x - mean_x) * (y - mean_y)) / (near @ (x - mean_x) ** 2)
    return float(mean_y - slope * mean_x), float(slope)
