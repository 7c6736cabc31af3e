"""Validation of the encoder of a tower and of its parameters."""

from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any

from torch.nn import Module

from ..modules import ENCODERS
from ..validation import check_params, short


def check_encoder(encoder: Any, params: Any) -> None:
    """Raise TypeError or ValueError unless these are an encoder and its parameters."""
    wanted = f"encoder must be one of {tuple(ENCODERS)}, or the class of a torch module"
    if isinstance(encoder, str) and encoder not in ENCODERS:
        raise ValueError(f"{wanted}, got {encoder!r}.")
    if not isinstance(encoder, str) and not (
        isinstance(encoder, type) and issubclass(encoder, Module)
    ):
        raise TypeError(f"{wanted}, got {short(encoder)}.")
    if not isinstance(params, Mapping | None):
        raise TypeError(f"encoder_params must be a dict or None, got {short(params)}.")
    cls = encoder_class(encoder)
    known = signature(cls).parameters
    takes_any = any(each.kind is Parameter.VAR_KEYWORD for each in known.values())
    names = sorted(set(known) - {"widths", "spec"})
    if not takes_any and (unknown := sorted(str(n) for n in params or () if n not in names)):
        raise ValueError(f"encoder_params of {encoder!r} may be {names}, got {unknown}.")
    check_params(params or {}, getattr(cls, "constraints", {}), "encoder_params[{!r}]")


def encoder_class(encoder: str | type[Module]) -> type[Module]:
    """Return the class of an encoder."""
    return ENCODERS[encoder] if isinstance(encoder, str) else encoder
