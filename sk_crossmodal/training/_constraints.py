"""Constraints on the constructor parameters that all estimators with a network share."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import numpy as np
import torch
from numpy.random import RandomState
from sklearn.callback import FitCallback
from skorch.callbacks import Callback

from ..modules import HEADS, LOSSES
from ..multimodal import check_long_videos, check_modalities
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
    registered,
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


def check_columns(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` can be the parameter `modalities`."""
    check_modalities(value)
    for each, width in value.items() if isinstance(value, Mapping) else ():
        if not isinstance(width, slice):
            where = f"{name}[{each!r}], unless a slice,"
            check_number(where, width, low=1, high=MAX_INT, integer=True)


def check_seed(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` can be the parameter `random_state`."""
    if value is not None and value is not np.random and not isinstance(value, RandomState):
        name = f"{name}, unless None or a RandomState,"
        check_number(name, value, low=0, high=2**32 - 1, integer=True)


def check_callbacks(name: str, value: Any) -> None:
    """Raise TypeError unless `value` is None or a list of skorch callbacks or their classes."""
    wanted = f"{name} must be None or a list of skorch callbacks, or pairs of a name and one"
    if not isinstance(value, list | tuple | None):
        raise TypeError(f"{wanted}, got {short(value)}.")
    for item in value or ():
        named = isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str)
        callback = item[1] if named else item
        if not issubclass(callback if isinstance(callback, type) else type(callback), Callback):
            hint = "; give scikit-learn's to set_callbacks" * isinstance(callback, FitCallback)
            raise TypeError(f"{wanted}{hint}, got {short(item)}.")


def check_verbose(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` is a bool or a number from 0."""
    check_number(name, int(value) if isinstance(value, bool | np.bool_) else value, low=0)


def check_criterion(name: str, value: Any) -> None:
    """Raise ValueError if `value` is a str, but not the name of a loss."""
    if isinstance(value, str):
        check_registered(name, value, LOSSES)


def check_net_params(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` is None or a dict of arguments of the net."""
    if not isinstance(value, Mapping | None) or not all(
        isinstance(key, str) for key in value or ()
    ):
        raise TypeError(f"{name} must be None or a dict of arguments by name, got {short(value)}.")
    if wrong := [key for key in value or () if not _is_net_argument(key)]:
        known = [*NET_ARGUMENTS, *(f"{prefix}..." for prefix in NET_PREFIXES)]
        raise ValueError(f"{name} may have the arguments {known}, got {wrong}.")


def _is_net_argument(key: str) -> bool:
    if key.startswith("compile__"):
        return key.removeprefix("compile__") in signature(torch.compile).parameters
    return key in NET_ARGUMENTS or (key.startswith(NET_PREFIXES) and key not in RESERVED)


def check_device(name: str, value: Any) -> None:
    """Raise TypeError, ValueError or ImportError unless torch can use the device here."""
    resolve_device(value)


COUNT: Constraint = number(1, MAX_INT, integer=True)
CONSTRAINTS: dict[str, Callable[[str, Any], object]] = {
    "net_params": check_net_params,  # first, as it can replace others
    "modalities": check_columns,
    "frame_scaling": options("modality", "feature", None),
    "mask_padding": FLAG,
    "max_frames": COUNT,
    "long_videos": check_long_videos,
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
    "criterion": check_criterion,  # these two in net_params only
    "module__head": registered(HEADS),
    **CHECKPOINT_CONSTRAINTS,
}


def check_shared_params(params: Mapping[str, Any]) -> None:
    """Check the shared parameters of an estimator, and their replacements in `net_params`."""
    check_params(params, CONSTRAINTS)
    replaced = {k: v for k, v in (params["net_params"] or {}).items() if k in CONSTRAINTS}
    check_params(replaced, CONSTRAINTS, "net_params[{!r}]")
    check_checkpoint(params)
