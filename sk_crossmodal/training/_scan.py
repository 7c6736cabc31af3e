"""One pass over X (placeholder until multimodal has it)."""

from typing import Any, NamedTuple

from .._types import Floats, Ints

FrameStats = tuple[Any, Any]


class StatsRequest(NamedTuple):
    rows: Ints
    sample_weight: Floats
    per_feature: bool


def scan_frames(X: Any, dtype: Any, requests: Any = ()) -> Any:
    X.check_finite(dtype)
    return [
        X[r.rows].frame_moments(sample_weight=r.sample_weight, per_feature=r.per_feature)
        for r in requests
    ]
