"""The time line of videos: which frames of each modality a time step stands for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._types import Array, Bools, Ints


@dataclass(frozen=True, eq=False)
class Steps:
    """Time steps of one modality: `n_frames` frames of a video last as long as `n_steps` steps."""

    used: Ints  # number of frames of each video, (n,); later frames are not used
    n_frames: Array  # a fraction if rates are known
    n_steps: Array

    @property
    def is_plain(self) -> Bools:
        """Whether every step is one frame."""
        plain: Bools = self.n_frames == self.n_steps
        return plain

    @property
    def is_dense(self) -> Bools:
        """Whether a step is longer than a frame, so that it stands for several."""
        dense: Bools = self.n_frames > self.n_steps
        return dense

    def real(self) -> Ints:
        """Return the number of steps that have frames."""
        n_frames = np.where(self.used > 0, self.n_frames, 1)  # it is a divisor
        # A dense step needs the middle of a frame, a sparse one has its own middle in a frame.
        dense = (2 * self.used - 1) * self.n_steps // (2 * n_frames) + 1
        sparse = -((n_frames - 2 * self.used * self.n_steps) // (2 * n_frames))
        steps = np.where(self.is_dense, dense, sparse)
        real: Ints = np.where(self.used > 0, steps, 0).astype(np.int64)
        return real

    def nearest(self, row: int, count: int) -> Ints:
        """Return the frame in the middle of each of the first `count` steps of a video."""
        middles = (2 * np.arange(count) + 1) * self.n_frames[row] // (2 * self.n_steps[row])
        frames: Ints = np.minimum(middles.astype(np.int64), self.used[row] - 1)
        return frames

    def windows(self, row: int, count: int) -> tuple[Ints, Ints]:
        """Return where the frames of each of the first `count` steps of a video begin and end."""
        n_frames, n_steps, used = self.n_frames[row], self.n_steps[row], self.used[row]
        # A frame belongs to the step of its middle.
        edges = -((n_steps - 2 * np.arange(count + 1) * n_frames) // (2 * n_steps))
        edges = edges.astype(np.int64)
        begins = np.minimum(edges[:-1], used - 1)
        return begins, np.maximum(begins + 1, np.minimum(edges[1:], used))


def time_line(
    lengths: Mapping[str, Ints],
    rates: Mapping[str, float] | None = None,
    max_frames: Any = None,
    long_videos: Mapping[str, str] | None = None,
) -> tuple[Ints, dict[str, Steps]]:
    """Return the number of time steps of each video, and the steps of each modality."""
    n = len(next(iter(lengths.values())))
    if rates is None:
        line: Ints = np.max(list(lengths.values()), axis=0)
        steps = {name: Steps(each, each, line) for name, each in lengths.items()}
    else:
        fastest = np.full(n, max(rates.values()))
        steps = {m: Steps(each, np.full(n, rates[m]), fastest) for m, each in lengths.items()}
        line = np.max([each.real() for each in steps.values()], axis=0)
    if max_frames is None:
        return line, steps
    limit = np.broadcast_to(max_frames, n)
    if long_videos is not None and "pool" in long_videos.values():
        steps = {
            name: _pooled(each, line > limit, limit, _whole(name, lengths, rates), how)
            for (name, each), how in zip(steps.items(), long_videos.values(), strict=True)
        }
    return np.minimum(line, limit), steps


def unseen(
    lengths: Mapping[str, Ints],
    rates: Mapping[str, float] | None,
    max_frames: int,
    long_videos: Mapping[str, str],
) -> tuple[float, float]:
    """Return the share of videos that are cut, and the share of time that is not used."""
    cut = [name for name, how in long_videos.items() if how == "cut"]
    if not cut:
        return 0.0, 0.0
    parts = [lengths[name] for name in cut]
    if len(cut) == len(long_videos):
        parts = [time_line(lengths, rates)[0]]
    over = np.maximum(np.array(parts) - max_frames, 0)
    return float((over > 0).any(axis=0).mean()), float(over.sum() / max(1, np.sum(parts)))


def _whole(
    name: str, lengths: Mapping[str, Ints], rates: Mapping[str, float] | None
) -> tuple[Array, Array]:
    """Return how many frames of a modality a video lasts, as numerators and denominators."""
    if rates is None:
        return lengths[name], np.ones_like(lengths[name])
    all_rates, all_lengths = np.array(list(rates.values())), np.array(list(lengths.values()))
    longest = np.argmax(all_lengths / all_rates[:, None], axis=0)
    theirs = all_rates[longest]
    # Products of integers and rates are mostly exact, quotients of rates are not.
    own = np.where(theirs == rates[name], 1.0, rates[name])
    divisor = np.where(theirs == rates[name], 1.0, theirs)
    return all_lengths[longest, np.arange(len(longest))] * own, divisor


def _pooled(
    steps: Steps, is_long: Bools, limit: Ints, whole: tuple[Array, Array], how: str
) -> Steps:
    """Divide long videos into `limit` equal windows; `how` "cut" uses the first frames only."""
    most = np.minimum(steps.used, limit) if how == "cut" else steps.used
    n_frames, divisor = whole
    return Steps(
        np.where(is_long, most, steps.used),
        np.where(is_long, n_frames, steps.n_frames),
        np.where(is_long, limit * divisor, steps.n_steps),
    )
