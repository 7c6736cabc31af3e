"""The state of a fitted `NetworkEstimator`: its network, and the results of training.

A state may come from a file of a stranger, so everything in it is checked.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as torch_module

from .._types import Array
from ..modules import LOSSES, fusion_without_tower
from ..store import as_rates
from ..validation import FLAG, SHARE, check_number, check_option, check_registered
from ._build import NetworkSpec, restore_net
from ._config import TrainingConfig

MAX_PADDING = 100_000  # frames that every video is padded to; no weight depends on it
MAX_MODALITIES = 256  # every pair of modalities costs time, even without weights
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
RATES = "rates"  # beside the entries, if the videos of fit have rates


def get_state(estimator: Any) -> dict[str, Any]:
    """Return the state of a fitted estimator, without that of subclasses; {} if not fitted."""
    if "net_" not in vars(estimator):
        return {}
    net = estimator.net_
    params = net.get_params_for("module")
    stats = params.pop("frame_stats")
    _check_unchanged(estimator, params, len(stats))
    module = net.plain_module()
    weights = module.state_dict()
    if outside := sorted({name for name, _ in module.named_buffers()} - set(weights)):
        raise ValueError(f"the buffers {outside} cannot be saved unless persistent=True.")
    loss = net.get_params_for("criterion")
    tensors = {f"module.{name}": weight for name, weight in weights.items()}
    for i, parts in enumerate(stats.values()):
        for name, part in zip(("mean", "scale"), parts, strict=True):
            tensors[f"{name}.{i}"] = torch.tensor(part, dtype=torch.float64)
    rates = getattr(estimator, "_rates", None)  # pickles of earlier versions have none
    return {
        **({} if rates is None else {RATES: rates}),
        "modalities": list(stats),
        "network": params,
        "loss": {**loss, "kind": LOSSES.name_of(net.criterion) or loss["kind"]},
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
    optional = {RATES} & set(state)
    if differ := sorted(set(state) ^ {*ENTRIES, *more, *optional}):
        raise ValueError(f"a fitted {type(estimator).__name__} lacks, or has beyond it: {differ}.")
    check_option("precision", state["precision"], DTYPES)
    FLAG("interrupted", state["interrupted"])
    check_number("batch_size", state["batch_size"], low=1, integer=True)
    check_number("longest", state["longest"], low=0, integer=True)
    history, loss = state["history"], state["loss"]
    _check_history(history)
    check_number("n_epochs", state["n_epochs"], low=0, high=len(history), integer=True)
    before = history[: len(history) - state["n_epochs"]]
    tensors, params = state["tensors"], dict(state["network"])
    stats = _frame_stats(state["modalities"], tensors)
    weights = {
        name.removeprefix("module."): tensor
        for name, tensor in tensors.items()
        if name.startswith("module.")
    }
    if len(weights) + 2 * len(stats) < len(tensors):
        raise ValueError(f"nothing uses some of the tensors {sorted(tensors)!r:.80}.")
    dtype = DTYPES[state["precision"]]
    network = _build_network(network_class, params, stats, weights, dtype)
    _check_unchanged(estimator, params, len(stats))
    config = TrainingConfig.restored(estimator, state["batch_size"], state["precision"])
    _check_loss(loss, params.get("n_outputs"))
    spec = NetworkSpec(network_class, {"frame_stats": stats, **params}, loss)
    epochs = [{**row, "epoch": i} for i, row in enumerate(history[len(before) :], start=1)]
    net = restore_net(config, spec, network, epochs)
    net.interrupted = state["interrupted"]
    n_features = {name: len(mean) for name, (mean, _) in stats.items()}
    rates = as_rates(state[RATES], n_features) if optional else None
    vars(estimator).update(estimator._fitted_attributes(net, n_features, state["longest"], before))
    estimator._rates = rates
    return params


def _build_network(
    cls: type[nn.Module],
    params: Mapping[str, Any],
    frame_stats: Mapping[str, tuple[Array, Any]],
    weights: dict[str, torch.Tensor],
    dtype: torch.dtype,
) -> nn.Module:
    """Return a network with these weights; ValueError unless they are exactly those it needs."""
    if params.get("pad_to") is not None:
        check_number("pad_to", params["pad_to"], low=1, high=MAX_PADDING, integer=True)
    with torch.device("meta"), at_most(weights):
        network = cls(frame_stats, **params).to(dtype)
    for name, wanted in network.state_dict().items():
        given = weights[name]
        if given.dtype != wanted.dtype:
            raise ValueError(f"{name!r} must be of {wanted.dtype}, and there is {given.dtype}.")
        if name.endswith("running_var") and bool((given < 0).any()):
            raise ValueError(f"the tensor {name!r} has variances below 0.")
    network.load_state_dict(weights, assign=True)  # also checks names and shapes
    return network


@contextmanager
def at_most(weights: Mapping[str, torch.Tensor]) -> Iterator[None]:
    """Raise ValueError as soon as a network gets more tensors, or larger ones, than these."""
    left = {"tensors": len(weights), "numbers": sum(w.numel() for w in weights.values())}
    thread = threading.get_ident()

    def count(module: Any, name: str, tensor: torch.Tensor | None) -> None:
        if tensor is None or threading.get_ident() != thread:
            return
        left["tensors"] -= 1
        left["numbers"] -= tensor.numel()
        if min(left.values()) < 0:
            raise ValueError(f"the network is larger than the {len(weights)} tensors of the file.")

    hooks = [
        torch_module.register_module_parameter_registration_hook(count),
        torch_module.register_module_buffer_registration_hook(count),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _check_unchanged(estimator: Any, params: Mapping[str, Any], n_modalities: int) -> None:
    """Raise ValueError unless the parameters that prediction depends on are those of `fit`."""
    if n_modalities > MAX_MODALITIES:
        raise ValueError(f"at most {MAX_MODALITIES} modalities can be saved, got {n_modalities}.")
    pad_to = params.get("pad_to")
    fitted: dict[str, Any] = {n: params[n] for n in ("fusion", "influence") if n in params}
    fitted["mask_padding"] = pad_to is None
    if pad_to is not None:
        check_number("the padding", pad_to, low=1, high=MAX_PADDING, integer=True)
        fitted["max_frames"] = pad_to
    for name, value in fitted.items():
        now = getattr(estimator, name)
        is_without_tower = name == "fusion" and value == fusion_without_tower(now)
        if now != value and not is_without_tower:
            raise ValueError(f"fitted with {name}={value!r}, and {name} is now {now!r}; refit.")


def _frame_stats(names: Any, tensors: Mapping[str, torch.Tensor]) -> dict[str, tuple[Array, Any]]:
    """Return mean and scale of each modality; ValueError if they do not fit each other."""
    if not 1 <= len(set(names)) == len(names) <= MAX_MODALITIES or {*map(type, names)} != {str}:
        raise ValueError(f"modalities must be different names, got {names!r:.80}.")
    stats = {}
    for i, name in enumerate(names):
        mean, scale = tensors[f"mean.{i}"], tensors[f"scale.{i}"]
        shapes, dtypes = (mean.shape, scale.shape), {mean.dtype, scale.dtype}
        if mean.ndim != 1 or scale.shape not in ((), mean.shape) or dtypes != {torch.float64}:
            raise ValueError(f"mean and scale of {name!r} have the shapes {shapes}.")
        stats[name] = (mean.numpy(), scale.numpy() if scale.ndim else scale.item())
    return stats


def _check_history(history: Any) -> None:
    """Raise ValueError unless a history has a row of numbers per epoch."""
    for row in history:
        numbers = [row.get("train_loss"), row.get("dur"), row.get("valid_accuracy", 0.0)]
        if not all(type(number) in (int, float) for number in numbers):
            raise ValueError(f"a row of history needs train_loss and dur, got {row!r:.80}.")


def _check_loss(loss: Mapping[str, Any], n_outputs: int | None) -> None:
    """Raise ValueError unless a registered loss can have these arguments."""
    check_registered("kind", loss["kind"], LOSSES)
    weight = loss.get("class_weight")
    if weight is not None and getattr(weight, "shape", None) != (n_outputs,):
        raise ValueError(f"class_weight must be {n_outputs} numbers, got {weight!r:.80}.")
    SHARE("label_smoothing", loss.get("label_smoothing", 0.0))
