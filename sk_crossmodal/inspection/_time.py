"""Seconds of the time steps that an estimator has of videos."""

from typing import Any

import numpy as np

from ..multimodal import as_long_videos, as_multimodal


def time_scale(estimator: Any, X: Any, seconds: float | None) -> tuple[float, float]:
    """Return the seconds of a frame, by default from the rates of X, and the frames of a step.

    A time step of a long video is a window of several frames, a mean number of several videos.
    """
    if X is None:
        return 1.0 if seconds is None else seconds, 1.0
    X = as_multimodal(X)
    if seconds is None:
        seconds = 1.0 if X.rates is None else 1 / max(X.rates.values())
    if not hasattr(estimator, "long_videos"):
        return seconds, 1.0
    how = as_long_videos(estimator.long_videos, estimator.modality_names_in_)
    line = X.timeline_lengths()
    steps = np.minimum(line, estimator.max_frames) if "pool" in how.values() else line
    return seconds, float(line.sum() / max(1, steps.sum()))
