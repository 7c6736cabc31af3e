"""Constraints on the constructor parameters that all estimators with a network share."""

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from numbers import Integral
from typing import Any

import numpy as np
import torch
from sklearn.callback import FitCallback
from skorch.callbacks import Callback

from ..modules import HEADS, LOSSES
from ..validation import (
    FLAG,
    MAX_FLOAT,
    MAX_INT,
    SHARE,
    Constraint,
    check_number,
    check_params,
    check_registered,
    number,
    options,
    short,
)
from ._checkpoint import CHECKPOINT_CONSTRAINTS, check_checkpoint
from ._device import PRECISIONS, resolve_device

# Arguments of the skorch net that users may give, and prefixes of those of its parts.
NET_ARGUMENTS = (
    *("batch_size", "callbacks", "compile", "criterion", "device", "lr", "max_epochs"),
    *("module__head", "optimizer", "precision", "verbose"),
)
NET_PREFIXES = ("callbacks__", "compile__", "criterion__", "optimizer__")
# Arguments that parameters of the estimator set.
RESERVED = ("criterion__class_weight", "criterion__kind", "criterion__label_smoothing")


def check_modalities(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` can be the parameter `modalities`."""
    if value is None:
        return
    array = isinstance(value, np.ndarray) and value.ndim == 1
    if isinstance(value, str | bytes) or not (array or isinstance(value, Mapping | Sequence)):
        raise TypeError(f"{name} must be a dict or a sequence of names, got {short(value)}.")
    if not len(value):
        raise ValueError(f"{name} must name at least one modality, got {value!r}.")
    if wrong := [each for each in value if not isinstance(each, str)]:
        raise TypeError(f"{name} must hold names of modalities, each a str, got {short(wrong)}.")
    if len(set(value)) < len(value):
        raise ValueError(f"{name} must name each modality once, got {short(list(value))}.")
    for each, columns in value.items() if isinstance(value, Mapping) else ():
        _check_columns(f"{name} must give {each!r} its width, an integer, or its columns", columns)


def _check_columns(wanted: str, columns: Any) -> None:
    ends = [columns.start, columns.stop, columns.step] if isinstance(columns, slice) else []
    numbers = [end for end in ends if end is not None] if ends else [columns]
    if not all(isinstance(n, Integral) and not isinstance(n, bool) for n in numbers):
        raise TypeError(f"{wanted}, a slice, got {short(columns)}.")
    if (not ends and not 1 <= columns <= MAX_INT) or (ends and columns.step == 0):
        raise ValueError(f"{wanted}, a slice, from 1 on, got {short(columns)}.")


def check_seed(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` can be the parameter `random_state`."""
    wanted = f"{name} must be an int from 0 to {2**32 - 1}, a RandomState or None"
    if value is None or value is np.random or isinstance(value, np.random.RandomState):
        return
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{wanted}, got {short(value)}.")
    if not 0 <= int(value) < 2**32:
        raise ValueError(f"{wanted}, got {short(value)}.")


def check_callbacks(name: str, value: Any) -> None:
    """Raise TypeError unless `value` is None or a list of skorch callbacks or their classes."""
    if not isinstance(value, list | tuple | None):
        raise TypeError(f"{name} must be a list of skorch callbacks or None, got {short(value)}.")
    for item in value or ():
        named = isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str)
        callback = item[1] if named else item
        if isinstance(callback, FitCallback):
            raise TypeError(
                f"{name} must be skorch's; give scikit-learn's to `set_callbacks`, got "
                f"{type(callback).__name__}."
            )
        kind = callback if isinstance(callback, type) else type(callback)
        if not issubclass(kind, Callback):
            raise TypeError(
                f"{name} must hold skorch callbacks, or (name, callback), got {short(item)}."
            )


def check_verbose(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` is a bool or a number from 0."""
    if not isinstance(value, bool | np.bool_):
        check_number(name, value, low=0)


def check_net_params(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` is None or a dict of arguments of the net."""
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a dict or None, got {short(value)}.")
    if wrong := [key for key in value if not isinstance(key, str)]:
        raise TypeError(f"{name} must have names of arguments as keys, each a str, got {wrong}.")
    if isinstance(value.get("criterion"), str):
        check_registered(f"{name}['criterion']", value["criterion"], LOSSES)
    if "module__head" in value:
        check_registered(f"{name}['module__head']", value["module__head"], HEADS)
    of_compile = [f"compile__{each}" for each in signature(torch.compile).parameters]
    if wrong := [
        key
        for key in value
        if (key not in NET_ARGUMENTS and not key.startswith(NET_PREFIXES))
        or (key.startswith("compile__") and key not in of_compile)
        or key in RESERVED
    ]:
        raise ValueError(
            f"{name} may hold {list(NET_ARGUMENTS)}, and arguments that begin with one of "
            f"{list(NET_PREFIXES)}, got {wrong}."
        )


def check_device(name: str, value: Any) -> None:
    """Raise TypeError, ValueError or ImportError unless torch can use the device here."""
    resolve_device(value)


COUNT: Constraint = number(1, MAX_INT, integer=True)
CONSTRAINTS: dict[str, Callable[[str, Any], object]] = {
    "net_params": check_net_params,  # first, as it can replace others
    "modalities": check_modalities,
    "frame_scaling": options("modality", "feature", None),
    "mask_padding": FLAG,
    "max_frames": COUNT,
    "dropout": SHARE,
    "lr": number(0, MAX_FLOAT, open_low=True),
    "batch_size": COUNT,
    "max_epochs": COUNT,
    "lr_schedule": options("plateau", "cosine", None),
    "lr_patience": number(0, MAX_INT, integer=True),
    "weight_decay": number(0, MAX_FLOAT),
    "early_stopping": options("auto", True, False),
    "validation_fraction": number(0, 1, open_low=True, open_high=True),
    "device": check_device,
    "precision": options(*PRECISIONS),
    "compile": FLAG,
    "callbacks": check_callbacks,
    "random_state": check_seed,
    "verbose": check_verbose,
    **CHECKPOINT_CONSTRAINTS,
}


def check_shared_params(params: Mapping[str, Any]) -> None:
    """Check the shared parameters of an estimator, and their replacements in `net_params`."""
    check_params(params, CONSTRAINTS)
    replaced = {k: v for k, v in (params["net_params"] or {}).items() if k in CONSTRAINTS}
    check_params(replaced, CONSTRAINTS, "net_params[{!r}]")
    check_checkpoint(params)
