"""Checks of what the encoder of a tower is, and of what it is built with."""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any

from torch import nn

from ..modules import ENCODERS, RNN_TYPES
from ..validation import MAX_LAYERS, SHARE, SIZE, check_size, number, options, short


def _check_clusters(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` is a size, or a sequence of sizes."""
    for size in value if isinstance(value, list | tuple) else [value]:
        check_size(name, size)


CHECKS: dict[str, Callable[[str, Any], object]] = {
    "d_model": SIZE,
    "n_heads": SIZE,
    "n_layers": number(1, MAX_LAYERS, integer=True),
    "n_clusters": _check_clusters,
    "hidden_size": SIZE,
    "rnn_type": options(*RNN_TYPES, None),
    "dropout": SHARE,
}


def check_encoder(encoder: Any, params: Any) -> None:
    """Raise TypeError or ValueError unless these are an encoder of a tower, and its arguments."""
    own = isinstance(encoder, type) and issubclass(encoder, nn.Module)
    if not own and not (isinstance(encoder, str) and encoder in ENCODERS):
        kind = ValueError if isinstance(encoder, str) else TypeError
        raise kind(
            f"encoder must be one of {tuple(ENCODERS)}, or the class of a torch module, got "
            f"{short(encoder)}."
        )
    if not isinstance(params, Mapping | None):
        raise TypeError(f"encoder_params must be a dict or None, got {short(params)}.")
    cls = encoder_class(encoder)
    arguments = signature(cls).parameters
    allowed = set(arguments) - {"widths", "spec"}
    takes_any = any(each.kind is Parameter.VAR_KEYWORD for each in arguments.values())
    if (unknown := set(params or {}) - allowed) and not takes_any:
        raise ValueError(
            f"encoder_params of {encoder!r} may be {sorted(allowed)}, got "
            f"{sorted(map(str, unknown))}."
        )
    for name, value in (params or {}).items() if cls in ENCODERS.values() else ():
        if name in CHECKS:
            CHECKS[name](f"encoder_params[{name!r}]", value)


def encoder_class(encoder: str | type[nn.Module]) -> type[nn.Module]:
    """Return the class of an encoder."""
    return ENCODERS[encoder] if isinstance(encoder, str) else encoder
