"""What a file says about a fitted network beside its weights, and whether it goes together."""

import reprlib
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array

from .._types import Array
from ..correlation import CorrelationTower
from ..hierarchy import LabelHierarchy
from ..training import Targets, check_number, check_option
from ._build import LONGEST_PADDING
from ._kinds import check_dict
from ._values import Reader

MOST_MODALITIES = 256  # every pair of them costs something, even without weights


def check_fitted(value: Any, params: dict[str, Any], n_modalities: int) -> None:
    """Raise ValueError unless parameters by which a network is applied are those of its fit."""
    if n_modalities > MOST_MODALITIES:
        raise ValueError(f"at most {MOST_MODALITIES} modalities go into a file: {n_modalities}.")
    pad_to = params.get("pad_to")
    if pad_to is not None and pad_to > LONGEST_PADDING:
        raise ValueError(f"padding to more than {LONGEST_PADDING} frames, {pad_to}, is refused.")
    same: dict[str, Any] = {n: params[n] for n in ("fusion", "influence") if n in params}
    same["mask_padding"] = pad_to is None
    if pad_to is not None:
        same["max_frames"] = pad_to
    for name, fitted in same.items():
        if (now := getattr(value, name)) != fitted:
            raise ValueError(
                f"{type(value).__name__} was fitted with {name}={fitted!r}, and {name} is now "
                f"{now!r}: set it back, or fit again."
            )


def read_moments(names: Any, prefix: str, reader: Reader) -> dict[str, tuple[Array, Any]]:
    """Read mean and scale of each modality; ValueError if they do not fit each other."""
    if (
        not isinstance(names, list)
        or not all(isinstance(name, str) for name in names)
        or not 1 <= len(set(names)) == len(names) <= MOST_MODALITIES
    ):
        raise ValueError(f"modalities must be different names, got {reprlib.repr(names)}.")
    moments = {}
    for i, name in enumerate(names):
        mean, scale = (reader.tensor(f"{prefix}.{part}.{i}") for part in ("mean", "scale"))
        shapes = mean.shape, scale.shape
        right = mean.ndim == 1 and len(mean) and scale.shape in ((), mean.shape)
        if not right or mean.dtype != torch.float64 or scale.dtype != torch.float64:
            raise ValueError(f"mean and scale of {name!r} have the shapes {shapes}.")
        moments[name] = (mean.numpy(), scale.numpy() if scale.ndim else scale.item())
    return moments


def read_history(history: Any) -> list[dict[str, Any]]:
    """Return a history as it is; ValueError unless it is one row of numbers an epoch."""
    if not isinstance(history, list):
        raise ValueError(f"history must be a list, got {reprlib.repr(history)}.")
    rows: list[dict[str, Any]] = history
    for row in rows:
        check_dict(row, "a row of history")
        for name in ("train_loss", "dur"):
            if type(row.get(name)) not in (int, float):
                raise ValueError(f"a row of history needs {name}, got {reprlib.repr(row)}.")
        if type(row.get("valid_accuracy", 0.0)) not in (int, float):
            raise ValueError(f"valid_accuracy must be a number, got {reprlib.repr(row)}.")
    return rows


def read_loss(loss: Any, n_outputs: int | None) -> dict[str, Any]:
    """Return the arguments of a loss as they are; ValueError if they are none."""
    loss = check_dict(loss, "loss")
    if unknown := set(loss) - {"kind", "class_weight", "label_smoothing"}:
        raise ValueError(f"the loss has no arguments {sorted(unknown)}.")
    check_option("kind", loss.get("kind"), ("binary", "classes"))
    check_number("label_smoothing", loss.get("label_smoothing", 0.0), low=0, high=1)
    weight = loss.get("class_weight")
    if weight is not None and getattr(weight, "shape", None) != (n_outputs,):
        raise ValueError(f"class_weight must be {n_outputs} numbers, got {reprlib.repr(weight)}.")
    return dict(loss)


def read_targets(about: Any, n_outputs: int) -> Targets:
    """Make the form of y again; ValueError unless the network has an output for each class."""
    if set(check_dict(about, "targets")) != {"classes", "hierarchy", "sparse", "dtype"}:
        raise ValueError(f"targets has the entries {sorted(about)}.")
    classes, hierarchy = about["classes"], about["hierarchy"]
    check_option("sparse", about["sparse"], (True, False))
    if not isinstance(hierarchy, LabelHierarchy | None):
        raise ValueError(f"hierarchy must be a LabelHierarchy, got {reprlib.repr(hierarchy)}.")
    multilabel = type(classes) is int
    if not multilabel and not (isinstance(classes, np.ndarray) and classes.ndim == 1):
        raise ValueError(f"classes must be an array, got {reprlib.repr(classes)}.")
    if (n := classes if multilabel else len(classes)) != n_outputs:
        raise ValueError(f"there are {n} classes, and the network has {n_outputs} outputs.")
    if not multilabel:
        targets = Targets(classes, hierarchy)
        if len(classes) < 2 or not np.array_equal(targets.classes, classes):
            raise ValueError(f"classes must differ and be sorted, got {reprlib.repr(classes)}.")
        targets.dtype = _dtype(about["dtype"], "biufUO")
        return targets
    y = np.zeros((1, n), _dtype(about["dtype"], "biuf"))
    return Targets(csr_array(y) if about["sparse"] else y, hierarchy)


def check_tower(value: Any, tower: Any, n_correlation: int, embeds: bool) -> None:
    """Raise ValueError unless a classifier has the tower that its network listens to."""
    given = value.correlation_tower
    given = getattr(given, "estimator", given)
    if not isinstance(given, CorrelationTower | None):
        raise ValueError(f"correlation_tower must be a tower, got {reprlib.repr(given)}.")
    if not value._uses_tower(len(value.modality_names_in_)):
        if tower is not None:
            raise ValueError("there is a correlation tower that the network has no use for.")
        return
    if not isinstance(tower, CorrelationTower) or "net_" not in vars(tower):
        raise ValueError(f"a fitted correlation tower is needed, got {reprlib.repr(tower)}.")
    widths = list(tower._n_features.items())
    if widths != list(value._n_features.items()):
        raise ValueError(f"the tower is of {widths}, the classifier of {value._n_features}.")
    told = tower.module_.outputs[0].in_features if embeds else 1
    if told != n_correlation:
        raise ValueError(f"the tower says {told} numbers a pair, of {n_correlation} expected.")


def _dtype(name: Any, kinds: str) -> np.dtype[Any]:
    dtype = np.dtype(name if isinstance(name, str) and len(name) < 12 else "V")
    if dtype.kind not in kinds or dtype.names or dtype.subdtype:
        raise ValueError(f"y cannot have the dtype {reprlib.repr(name)}.")
    return dtype
