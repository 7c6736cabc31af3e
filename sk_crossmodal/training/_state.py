"""The state of a fitted `NetworkEstimator`: its network, and the results of training.

A state may come from a file of a stranger, so everything in it is checked.
"""

import reprlib
from collections.abc import Mapping
from inspect import signature
from typing import Any

import torch

from .._types import Array
from ..modules import LOSSES
from ..validation import FLAG, SHARE, check_number, check_option, check_params, registered
from ._build import NetworkSpec, restore_net
from ._config import TrainingConfig
from ._load import build_network

MAX_MODALITIES = 256  # every pair of modalities costs time, even without weights
MAX_PADDING = 100_000  # frames that every video is padded to; no weight depends on it
DTYPES = {"float32": torch.float32, "bfloat16": torch.float32, "float64": torch.float64}
ENTRIES = (
    "modalities",
    "network",
    "loss",
    "precision",
    "batch_size",
    "interrupted",
    "longest",
    "n_epochs",
    "history",
    "tensors",
)


def get_state(estimator: Any) -> dict[str, Any]:
    """Return the state of a fitted estimator, without that of subclasses; {} if not fitted."""
    if "net_" not in vars(estimator):
        return {}
    net = estimator.net_
    params = net.get_params_for("module")
    stats = params.pop(_stats_name(net.module))
    if len(stats) > MAX_MODALITIES:
        raise ValueError(f"at most {MAX_MODALITIES} modalities can be saved, got {len(stats)}.")
    _check_unchanged(estimator, params)
    module = net.plain_module()
    weights = module.state_dict()
    if outside := sorted({name for name, _ in module.named_buffers()} - set(weights)):
        raise ValueError(f"the buffers {outside} cannot be saved unless persistent=True.")
    tensors = {f"module.{name}": weight for name, weight in weights.items()}
    for i, parts in enumerate(stats.values()):
        for name, part in zip(("mean", "scale"), parts, strict=True):
            tensors[f"{name}.{i}"] = torch.tensor(part, dtype=torch.float64)
    return {
        "modalities": list(stats),
        "network": params,
        "loss": net.get_params_for("criterion"),
        "precision": net.precision,
        "batch_size": net.batch_size,
        "interrupted": net.interrupted,
        "longest": estimator._longest,
        "n_epochs": len(net.finished_epochs()),  # of the last fit
        "history": estimator.history_,
        "tensors": tensors,
    }


def set_state(
    estimator: Any, state: Mapping[str, Any], network_class: type, *more: str
) -> dict[str, Any]:
    """Restore a fitted estimator, but for the entries `more`; return the network's arguments."""
    if differ := sorted(set(state) ^ {*ENTRIES, *more}):
        raise ValueError(f"a fitted {type(estimator).__name__} lacks, or has beyond it: {differ}.")
    check_option("precision", state["precision"], DTYPES)
    FLAG("interrupted", state["interrupted"])
    check_number("batch_size", state["batch_size"], low=1, integer=True)
    check_number("longest", state["longest"], low=0, integer=True)
    history = _check_history(state["history"])
    check_number("n_epochs", state["n_epochs"], low=0, high=len(history), integer=True)
    before = history[: len(history) - state["n_epochs"]]
    tensors, params = state["tensors"], check_dict(state["network"], "network")
    stats = _frame_stats(state["modalities"], tensors)
    weights = {
        name.removeprefix("module."): tensor
        for name, tensor in tensors.items()
        if name.startswith("module.")
    }
    if len(weights) + 2 * len(stats) < len(tensors):
        raise ValueError(f"nothing uses some of the tensors {reprlib.repr(sorted(tensors))}.")
    dtype = DTYPES[state["precision"]]
    network = build_network(network_class, params, stats, weights, dtype)
    _check_unchanged(estimator, params)
    config = TrainingConfig.restored(estimator, state["batch_size"], state["precision"])
    loss = _check_loss(state["loss"], params.get("n_outputs"))
    spec = NetworkSpec(network_class, {_stats_name(network_class): stats, **params}, loss)
    epochs = [{**row, "epoch": i} for i, row in enumerate(history[len(before) :], start=1)]
    net = restore_net(config, spec, network, epochs)
    net.interrupted = state["interrupted"]
    n_features = {name: len(mean) for name, (mean, _) in stats.items()}
    vars(estimator).update(estimator._fitted_attributes(net, n_features, state["longest"], before))
    return params


def _stats_name(network_class: Any) -> str:
    """Return the name of a network's first argument, mean and scale of each modality."""
    return next(iter(signature(network_class).parameters))


def _check_unchanged(estimator: Any, params: Mapping[str, Any]) -> None:
    """Raise ValueError unless the parameters that prediction depends on are those of `fit`."""
    pad_to = params.get("pad_to")
    fitted = {name: params[name] for name in ("fusion", "influence") if name in params}
    fitted["mask_padding"] = pad_to is None
    if pad_to is not None:
        check_number("the padding", pad_to, low=1, high=MAX_PADDING, integer=True)
        fitted["max_frames"] = pad_to
    if differ := {n: value for n, value in fitted.items() if getattr(estimator, n) != value}:
        name = type(estimator).__name__
        raise ValueError(f"{name} was fitted with {differ}: set these back or fit again.")


def _frame_stats(names: Any, tensors: Mapping[str, torch.Tensor]) -> dict[str, tuple[Array, Any]]:
    """Return mean and scale of each modality; ValueError if they do not fit each other."""
    listed = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not listed or not 1 <= len(set(names)) == len(names) <= MAX_MODALITIES:
        raise ValueError(f"modalities must be different names, got {reprlib.repr(names)}.")
    stats = {}
    for i, name in enumerate(names):
        mean, scale = (tensors.get(f"{part}.{i}") for part in ("mean", "scale"))
        if mean is None or scale is None or not _are_stats(mean, scale):
            raise ValueError(f"there are no tensors that can be mean and scale of {name!r}.")
        stats[name] = (mean.numpy(), scale.numpy() if scale.ndim else scale.item())
    return stats


def _are_stats(mean: torch.Tensor, scale: torch.Tensor) -> bool:
    shapes = mean.ndim == 1 and len(mean) > 0 and scale.shape in ((), mean.shape)
    return shapes and mean.dtype == scale.dtype == torch.float64


def _check_history(history: Any) -> list[dict[str, Any]]:
    """Return a history unchanged; ValueError unless it has a row of numbers per epoch."""
    if not isinstance(history, list):
        raise ValueError(f"history must be a list, got {reprlib.repr(history)}.")
    for row in history:
        values = {"valid_accuracy": 0.0, **check_dict(row, "a row of history")}
        for name in ("train_loss", "dur", "valid_accuracy"):
            if type(values.get(name)) not in (int, float):
                raise ValueError(f"a row of history needs {name}, got {reprlib.repr(row)}.")
    return list(history)


def _check_loss(loss: Any, n_outputs: int | None) -> dict[str, Any]:
    """Return the arguments of a loss; ValueError if a loss cannot have them."""
    values = {"kind": None, "class_weight": None, **check_dict(loss, "loss")}
    if unknown := sorted(set(values) - {"kind", "class_weight", "label_smoothing"}):
        raise ValueError(f"the loss has no arguments {unknown}.")
    check_params(values, {"kind": registered(LOSSES), "label_smoothing": SHARE})
    weight = values["class_weight"]
    if weight is not None and getattr(weight, "shape", None) != (n_outputs,):
        raise ValueError(f"class_weight must be {n_outputs} numbers, got {reprlib.repr(weight)}.")
    return dict(loss)


def check_dict(value: Any, name: str) -> dict[str, Any]:
    """Return a dict with str keys unchanged; ValueError if it is something else."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"{name} must be a dict by name, got {reprlib.repr(value)}.")
    return value
