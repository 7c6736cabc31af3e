"""What tells one fit from another: hashes of parameters, videos and fitted estimators."""

from typing import TYPE_CHECKING, Any

import joblib
import numpy as np

from ._data import Videos

if TYPE_CHECKING:
    from ._estimator import NetworkEstimator

SAMPLE = 10_000  # videos, evenly spread, whose frames are looked at
IRRELEVANT = {  # parameters that change no weight, or that something else speaks for
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


def fit_hashes(estimator: "NetworkEstimator", about: dict[str, Any]) -> dict[str, str]:
    """Return a hash of each thing that decides what a fit comes to."""
    params = _relevant(estimator)
    if estimator.lr_schedule == "cosine":  # the only thing that sees the end coming
        params["max_epochs"] = estimator._n_epochs()
    return {name: _hash(name, value) for name, value in {**params, **about}.items()}


def _relevant(estimator: "NetworkEstimator") -> dict[str, Any]:
    params = estimator.get_params(deep=False)
    net_params = {k: v for k, v in (params["net_params"] or {}).items() if k != "max_epochs"}
    params["net_params"] = net_params or None
    return {name: value for name, value in params.items() if name not in IRRELEVANT}


def _hash(name: str, value: Any) -> str:
    if isinstance(value, Videos):
        rows = np.unique(np.linspace(0, len(value) - 1, min(len(value), SAMPLE)).astype(int))
        X = value.X
        lengths = [X.lengths(modality) for modality in X.modality_names]
        value = [X[rows].digest(), lengths, value.y, value.weight]
    elif hasattr(value, "module_"):  # a fitted estimator
        weights = value.module_.state_dict()
        value = [_relevant(value), {key: w.cpu().numpy() for key, w in weights.items()}]
    try:
        return str(joblib.hash(value))
    except Exception as error:
        raise ValueError(
            f"checkpoint tells fits apart by hashes, but {name} cannot be pickled: {error}"
        ) from error
