"""Hashes that tell one fit from another: of parameters, videos and fitted estimators."""

from typing import Any

import joblib
import numpy as np

from ._data import Videos

SAMPLE = 10_000  # videos, evenly spread, whose frames are hashed
IRRELEVANT = {  # parameters that change no weight, or are hashed in another form
    "callbacks",
    "checkpoint",
    "checkpoint_interval",
    "correlation_tower",
    "device",
    "max_epochs",
    "memory",
    "pretrained",
    "resume",
    "verbose",
    "warm_start",
}


def fit_hashes(params: dict[str, Any], n_epochs: int, data: dict[str, Any]) -> dict[str, str]:
    """Return a hash of each parameter, and of each other input, that changes the result."""
    params = _relevant(params)
    if params["lr_schedule"] == "cosine":  # other schedules do not depend on the last epoch
        params["max_epochs"] = n_epochs
    return {name: _hash(name, value) for name, value in {**params, **data}.items()}


def _relevant(params: dict[str, Any]) -> dict[str, Any]:
    net_params = {k: v for k, v in (params["net_params"] or {}).items() if k != "max_epochs"}
    params = {**params, "net_params": net_params or None}
    return {name: value for name, value in params.items() if name not in IRRELEVANT}


def _hash(name: str, value: Any) -> str:
    if isinstance(value, Videos):
        rows = np.unique(np.linspace(0, len(value) - 1, min(len(value), SAMPLE)).astype(int))
        X = value.X
        lengths = [X.lengths(modality) for modality in X.modality_names]
        value = [X[rows].digest(), lengths, value.y, value.weight]
    elif hasattr(value, "module_"):  # a fitted estimator
        weights = value.module_.state_dict()
        params = _relevant(value.get_params(deep=False))
        value = [params, {key: w.cpu().numpy() for key, w in weights.items()}]
    try:
        return str(joblib.hash(value))
    except Exception as error:
        raise ValueError(f"checkpoint needs a {name} that can be pickled: {error}") from error
