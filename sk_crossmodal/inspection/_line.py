"""The line on which the largest responses of an influence lie, if there is one."""

from typing import NamedTuple

import numpy as np

from .._types import Floats

MIN_STEPS = 12  # of the source: fewer responses lie near some line by chance
MIN_STRENGTH = 0.5  # share of the weight near the line
# By how much this share exceeds the one near any single target step: at least, and times steps.
MIN_EXCESS = 0.15, 4.5
MAX_POINTS = 60  # through which lines are tried


class Peaks(NamedTuple):
    """Target step and size of the largest response to each source step."""

    target: Floats
    size: Floats


class Line(NamedTuple):
    """A line ``target = shift + stretch * source`` in seconds, and the weight near it."""

    shift: float
    stretch: float
    strength: float
    fixed: float
    reach: float

    def __str__(self) -> str:
        if np.isnan(self.strength):
            return f"no clear shift: no response, or fewer than {MIN_STEPS} time steps"
        near = f"{self.strength:.0%} within {self.reach:.1f} s"
        if np.isnan(self.shift):
            return f"no clear shift: {near} of a line, {self.fixed:.0%} of one time step"
        return f"shift {self.shift:+.1f} s, stretch {self.stretch:.2f} ({near})"


def centred(response: Floats) -> Floats:
    """Subtract from the responses (T_target, T_source) to each source step their median."""
    out: Floats = response - np.median(response, axis=0)
    return out


def find_peaks(responses: Floats) -> Peaks:
    """Find the largest response, positive or negative, to each source step."""
    size = np.abs(responses)
    return Peaks(size.argmax(0).astype(float), size.max(0))


def fit_line(peaks: Peaks, n_targets: int, seconds: float) -> Line:
    """Fit a line to the peaks, weighted by their squared size; a frame counts at its middle."""
    reach = max(1.5, n_targets / 20)
    weight = peaks.size**2
    if len(weight) < MIN_STEPS or not weight.any():
        return Line(np.nan, np.nan, np.nan, np.nan, reach * seconds)
    weight = weight / weight.sum()
    source, target = np.arange(len(weight)) + 0.5, peaks.target + 0.5
    shift, stretch = _nearest_line(source, target, weight, reach)
    strength = float(weight[np.abs(target - shift - stretch * source) <= reach].sum())
    # Responses at one target step, wherever the source's attention was, are not a shift.
    fixed = float((weight @ (np.abs(target[:, None] - target) <= reach)).max())
    if strength < max(MIN_STRENGTH, fixed + max(MIN_EXCESS[0], MIN_EXCESS[1] / len(weight))):
        shift = stretch = np.nan
    return Line(shift * seconds, stretch, strength, fixed, reach * seconds)


def _nearest_line(x: Floats, y: Floats, weight: Floats, reach: float) -> tuple[float, float]:
    """Intercept and slope of the line with the most weight near it; outliers do not turn it."""
    # The best line through two of the strongest points, then least squares over those near it.
    strongest = np.sort(np.argsort(-weight, kind="stable")[:MAX_POINTS])
    first, second = (strongest[i] for i in np.triu_indices(len(strongest), 1))
    slopes = (y[second] - y[first]) / (x[second] - x[first])
    shifts = y[first] - slopes * x[first]
    distance = np.abs(y - shifts[:, None] - slopes[:, None] * x)
    best = (np.maximum(0, 1 - (distance / reach) ** 2) @ weight).argmax()
    near = weight * (distance[best] <= reach)
    mean_x, mean_y = np.average(x, weights=near), np.average(y, weights=near)
    slope = near @ ((x - mean_x) * (y - mean_y)) / (near @ (x - mean_x) ** 2)
    return float(mean_y - slope * mean_x), float(slope)
