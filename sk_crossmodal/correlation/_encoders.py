"""Validation of the encoder of a tower and of its parameters."""

from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any

from torch import nn

from ..modules import ENCODERS
from ..validation import check_params, short


def check_encoder(encoder: Any, params: Any) -> None:
    """Raise TypeError or ValueError unless these are an encoder and its parameters."""
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
    check_params(params or {}, getattr(cls, "constraints", {}), "encoder_params[{!r}]")


def encoder_class(encoder: str | type[nn.Module]) -> type[nn.Module]:
    """Return the class of an encoder."""
    return ENCODERS[encoder] if isinstance(encoder, str) else encoder
