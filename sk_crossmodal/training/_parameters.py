"""Checks of those constructor parameters that are neither a number nor one of some options."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import signature
from numbers import Integral
from typing import Any

import numpy as np
import torch
from sklearn.callback import FitCallback
from skorch.callbacks import Callback

from ._checks import GREATEST, LARGEST, check_number, check_option, short
from ._device import PRECISIONS, resolve_device

# What of a skorch net the user may decide, and the parts that arguments may be given to.
OF_THE_NET = (
    *("batch_size", "callbacks", "compile", "criterion", "device", "lr", "max_epochs"),
    *("optimizer", "precision", "verbose"),
)
PREFIXES = ("callbacks__", "compile__", "criterion__", "optimizer__")
TAKEN = ("criterion__class_weight", "criterion__kind", "criterion__label_smoothing")


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
        wanted = f"{name} must give {each!r} its width, an integer, or its columns, a slice"
        ends = [columns.start, columns.stop, columns.step] if isinstance(columns, slice) else []
        numbers = [end for end in ends if end is not None] if ends else [columns]
        if not all(isinstance(n, Integral) and not isinstance(n, bool) for n in numbers):
            raise TypeError(f"{wanted}, got {short(columns)}.")
        if (not ends and not 1 <= columns <= LARGEST) or (ends and columns.step == 0):
            raise ValueError(f"{wanted}, from 1 on, got {short(columns)}.")


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
    """Raise TypeError unless `value` is None or a list of skorch's callbacks."""
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
    """Raise TypeError or ValueError unless `value` can be the parameter `verbose`."""
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
    of_compile = [f"compile__{each}" for each in signature(torch.compile).parameters]
    if wrong := [
        key
        for key in value
        if (key not in OF_THE_NET and not key.startswith(PREFIXES))
        or (key.startswith("compile__") and key not in of_compile)
        or key in TAKEN  # by parameters of the estimator
    ]:
        raise ValueError(
            f"{name} may hold {list(OF_THE_NET)}, and arguments that begin with one of "
            f"{list(PREFIXES)}, got {wrong}."
        )


_count = partial(check_number, low=1, high=LARGEST, integer=True)
_flag = partial(check_option, options=(True, False))
# Of every parameter but those about checkpoints, which `check_checkpoint` looks at.
CHECKS: dict[str, Callable[[str, Any], object]] = {
    "net_params": check_net_params,  # first, as it may hold others
    "modalities": check_modalities,
    "frame_scaling": partial(check_option, options=("modality", "feature", None)),
    "mask_padding": _flag,
    "max_frames": _count,
    "dropout": partial(check_number, low=0, high=1),
    "lr": partial(check_number, low=0, high=GREATEST, open_low=True),
    "batch_size": _count,
    "max_epochs": _count,
    "lr_schedule": partial(check_option, options=("plateau", "cosine", None)),
    "lr_patience": partial(check_number, low=0, high=LARGEST, integer=True),
    "weight_decay": partial(check_number, low=0, high=GREATEST),
    "early_stopping": partial(check_option, options=("auto", True, False)),
    "validation_fraction": partial(check_number, low=0, high=1, open_low=True, open_high=True),
    "device": lambda name, value: resolve_device(value),
    "precision": partial(check_option, options=PRECISIONS),
    "compile": _flag,
    "callbacks": check_callbacks,
    "random_state": check_seed,
    "verbose": check_verbose,
}


def check_parameters(params: Mapping[str, Any]) -> None:
    """Check the parameters of a `NetworkEstimator`, and what `net_params` has in their place."""
    for name, check in CHECKS.items():
        check(name, params[name])
    net_params = params["net_params"] or {}
    for name in CHECKS.keys() & net_params.keys():
        CHECKS[name](f"net_params[{name!r}]", net_params[name])
