"""Containers one after another, and rows of containers side by side."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .._types import Ints
from ..store import StoredFrames, join_stored
from ._frames import Frames


def concatenate_frames(name: str, parts: Sequence[Frames]) -> Frames:
    """Return the frames of one modality of several containers, one after another."""
    first, stored = parts[0], [p.values for p in parts if isinstance(p.values, StoredFrames)]
    for what in ("width", "scale", "shift", "rate"):
        found = [getattr(part, what) for part in parts]
        if len(set(found)) > 1:
            hint = "; as_multimodal(X, rates=...) sets it" if what == "rate" else ""
            same = f"{name!r} must have the same {what} in all containers"
            raise ValueError(f"{same}, got {found}{hint}.")
    if 0 < len(stored) < len(parts):
        advice = "save the one in memory to a store first (X.save)"
        raise ValueError(f"{name!r} is in memory in some containers, stored in others; {advice}.")
    lengths = np.concatenate([part.lengths for part in parts])
    if not stored:
        flat = np.concatenate([part.gather(slice(None)) for part in parts])
        return replace(first, values=flat, starts=np.cumsum(lengths) - lengths, lengths=lengths)
    values, offsets = join_stored(name, stored)
    starts = [part.starts + offset for part, offset in zip(parts, offsets, strict=True)]
    return replace(first, values=values, starts=np.concatenate(starts), lengths=lengths)


def take_rows(part: Frames, rows: Ints) -> Frames:
    """Return the frames of some videos; row -1 is a video without frames."""
    if not len(part.lengths):
        return replace(part, starts=np.zeros_like(rows), lengths=np.zeros_like(rows))
    taken = part.take(rows)
    return replace(taken, lengths=np.where(rows < 0, 0, taken.lengths))
