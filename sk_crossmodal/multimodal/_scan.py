"""One pass over frames: check that they are finite, and compute their mean and scale."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .._types import Array, Floats, Ints
from ..store import first_bad_frame
from ._frames import Frames

MAX_VIDEOS = 10_000
MAX_FRAMES = 500_000  # used for statistics: their error is far smaller than the scale
MAX_EXPONENT = 1000  # of the unit 2**e of a feature, so that 2**-e is finite too


@dataclass(frozen=True, eq=False)
class StatsRequest:
    """Statistics to compute: of the frames of some rows of X, with one weight per row."""

    rows: Ints | None = None  # all rows by default
    sample_weight: Floats | None = None  # 1 by default
    per_feature: bool = False
    max_videos: int = MAX_VIDEOS


@dataclass(frozen=True, eq=False)
class _Sample:
    """Rows to read for a request, sorted, each once, and their weights, all above 0."""

    rows: Ints
    weight: Floats

    @property
    def key(self) -> tuple[bytes, bytes]:
        return self.rows.tobytes(), self.weight.tobytes()

    def of_block(self, rows: Ints, lengths: Ints, frames: Array) -> tuple[Array, Floats]:
        """Return the frames of a block, read from sorted `rows`, and the weight of each."""
        first, last = np.searchsorted(self.rows, (rows[0], rows[-1] + 1))
        if last - first < len(rows):
            at = np.searchsorted(rows, self.rows[first:last])
            picked = np.zeros(len(rows), bool)
            picked[at] = True
            frames, lengths = frames[np.repeat(picked, lengths)], lengths[at]
        return frames, np.repeat(self.weight[first:last], lengths)


def scan(
    parts: Mapping[str, Frames], dtype: DTypeLike | None, requests: Iterable[StatsRequest] = ()
) -> list[dict[str, tuple[Floats, Any]]]:
    """Read the frames once; `dtype` None checks nothing, see `scan_frames` for the rest."""
    dtype, requests = None if dtype is None else np.dtype(dtype), list(requests)
    timeline: Ints = np.max([part.lengths for part in parts.values()], axis=0)
    samples = [_sample(request, timeline) for request in requests]
    distinct = {sample.key: sample for sample in samples}
    results: list[dict[str, tuple[Floats, Any]]] = [{} for _ in requests]
    for name, part in parts.items():
        sums = _scan_part(name, part, dtype, list(distinct.values()))
        by_key = dict(zip(distinct, sums, strict=True))
        for result, request, sample in zip(results, requests, samples, strict=True):
            result[name] = _mean_and_scale(by_key[sample.key], part, request.per_feature)
    return results


def _sample(request: StatsRequest, timeline: Ints) -> _Sample:
    """Choose evenly spread rows, fewer of long videos."""
    rows = np.arange(len(timeline)) if request.rows is None else np.asarray(request.rows)
    n = len(rows)
    weight = np.ones(n) if request.sample_weight is None else request.sample_weight
    mean_length = max(1.0, float(timeline[rows].sum()) / max(1, n))
    count = min(n, max(1, min(request.max_videos, int(MAX_FRAMES / mean_length))))
    chosen = np.unique(np.linspace(0, n - 1, count).astype(int))
    rows, place = np.unique(rows[chosen], return_inverse=True)
    sums: Any = np.bincount(place, weight[chosen], len(rows))
    # Scaled by a power of two, which is exact, so that sums of huge weights stay finite.
    sums = np.ldexp(sums, -np.frexp(sums)[1].max(initial=-MAX_EXPONENT))
    return _Sample(rows[sums > 0], sums[sums > 0])


def _scan_part(
    name: str, part: Frames, dtype: np.dtype[Any] | None, samples: Sequence[_Sample]
) -> "list[_Sums]":
    sums = [_Sums(part.width) for _ in samples]
    checked = dtype if dtype is not None and part.may_be_bad(dtype) else None
    every = np.unique(np.concatenate([np.empty(0, int), *(each.rows for each in samples)]))
    for positions, frames in (part.take(every) if checked is None else part).blocks():
        rows = every[positions] if checked is None else positions
        lengths = part.lengths[rows]
        if checked is not None and (bad := first_bad_frame(frames, checked)) is not None:
            row = rows[np.searchsorted(np.cumsum(lengths), bad, side="right")]
            found = f"NaN or infinity in modality {name!r}, row {row}"
            video = frames[np.repeat(rows == row, lengths)]
            advice = _nan_advice(video, frames[bad])
            raise ValueError(
                f"Input X contains {found}; frames must be finite as {dtype}.{advice}"
            )
        for each, sample in zip(sums, samples, strict=True):
            each.add(*sample.of_block(rows, lengths, frames))
    return sums


def _nan_advice(video: Array, frame: Array) -> str:
    """Return the next step for a frame (d,) of a video (T, d) with NaN, "" for infinity."""
    missing = np.isnan(frame)
    if not missing.any():
        return ""
    if missing.all():
        rule = "Frames of only NaN are padding, and left out, at the end of a video alone"
        return f" {rule}: remove them elsewhere; a video without frames is None."
    of_all = np.isnan(video)
    if (
        missing[-1]
        and len(video) > 1
        and not np.diff(missing).sum() > 1
        and (of_all == missing).all()
    ):
        rule = "All frames of the video end with NaN at the same place"
        return f" {rule}: if X is (n, d, T), write X.transpose(0, 2, 1)."
    return " Fill single missing numbers, such as by np.nan_to_num, or remove their frames."


class _Sums:
    """Weighted mean and squared deviations of frames, updated block by block."""

    def __init__(self, width: int) -> None:
        self.weight, self.mean, self.scatter = 0.0, np.zeros(width), np.zeros(width)
        self.exponent = np.zeros(width, int)  # `mean` is in units of 2**exponent

    def add(self, frames: Array, weights: Floats) -> None:
        """Add frames (n, width) with one weight per frame, all above 0."""
        if not len(frames):
            return
        # Of smaller types, squares are finite as they are.
        block = self._in_units(frames) if frames.dtype == np.float64 else frames.astype(float)
        new = weights.sum()
        block_mean = weights @ block / new
        block -= block_mean
        delta, total = block_mean - self.mean, self.weight + new
        # Chan's update: exact for any split into blocks, no cancellation.
        self.scatter += weights @ np.square(block, out=block)
        self.scatter += delta**2 * self.weight * new / total
        self.mean, self.weight = self.mean + delta * new / total, total

    def _in_units(self, frames: Array) -> Floats:
        """Scale frames to about 1 by powers of two, which is exact, and past sums alike."""
        largest = np.maximum(frames.max(axis=0), -frames.min(axis=0))
        exponent = np.where(largest > 0, np.frexp(largest)[1], -MAX_EXPONENT)
        exponent = np.clip(exponent, -MAX_EXPONENT, MAX_EXPONENT)
        if self.weight:
            exponent = np.maximum(self.exponent, exponent)
            change = self.exponent - exponent
            self.mean = np.ldexp(self.mean, change)
            self.scatter = np.ldexp(self.scatter, 2 * change)
        self.exponent = exponent
        scaled: Floats = frames * np.ldexp(1.0, -exponent)
        return scaled


def _mean_and_scale(sums: _Sums, part: Frames, per_feature: bool) -> tuple[Floats, Any]:
    """Return the statistics of the values that stored numbers stand for."""
    mean = np.ldexp(sums.mean, sums.exponent)
    std = np.ldexp(np.sqrt(sums.scatter / (sums.weight or 1.0)), sums.exponent)
    std[std <= 1e-6 * np.abs(mean)] = 0.0  # the rounding errors of a constant feature
    mean, std = mean * part.scale + part.shift * (sums.weight > 0), std * abs(part.scale)
    if per_feature:
        return mean, np.where(std > 0, std, 1.0)
    varying = std[std > 0]
    if not len(varying):
        return mean, 1.0
    largest = varying.max()
    return mean, float(largest * np.sqrt(np.mean((varying / largest) ** 2)))
