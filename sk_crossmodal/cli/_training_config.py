"""The config of ``sk-crossmodal train``: from flags, ``--set name=value`` and a TOML file."""

import argparse
import ast
import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any

from ._arguments import WordedError

_DATA_NAMES = ("modalities", "labels", "ids")
_LABEL_NAMES = ("vocabulary", "class_labels", "unknown_labels", "separator", "min_frequency")
_ALIASES = {"epochs": "max_epochs", "seed": "random_state"}
_FLAGS = (
    "lr",
    "batch_size",
    "device",
    "validation_fraction",
    "early_stopping",
    "checkpoint",
    "resume",
)
# Set by the command itself, or impossible to write as TOML.
_EXCLUDED = {
    "callbacks",
    "freeze_towers",
    "hierarchy",
    "modalities",
    "pretrained",
    "verbose",
    "warm_start",
}
_WORD = re.compile(r"[A-Za-z_/.~][\w/.~-]*")


@dataclass
class TrainConfig:
    """Family and parameters of a classifier, and options of the data and of the labels."""

    family: str
    params: dict[str, Any]
    data: dict[str, Any]
    labels: dict[str, Any]


def make_train_config(args: argparse.Namespace) -> TrainConfig:
    """Merge the file, ``--set`` and the flags, each overriding the ones before it."""
    given: dict[str, Any] = {}
    if args.config is not None:
        _merge(given, _read(args.config))
    for text in args.set:
        _merge(given, _parse(text))
    own = (*_DATA_NAMES, *_LABEL_NAMES, "family", "fusion", *_ALIASES, *_FLAGS)
    flags = {name: getattr(args, name, None) for name in own}
    _merge(given, {name: value for name, value in flags.items() if value is not None})
    family = given.pop("family", "transformer")
    for name, value in (("family", family), ("fusion", given.get("fusion"))):
        if value is not None and value not in (known := choices(name)):
            raise WordedError(f"{name} must be one of {', '.join(known)}, got {value!r}.")
    data = {name: given.pop(name) for name in _DATA_NAMES if name in given}
    labels = {name: given.pop(name) for name in _LABEL_NAMES if name in given}
    others = (*_DATA_NAMES, *_LABEL_NAMES, "family", *_ALIASES)
    _check_names(given, parameters_of(choices("family")[family]), family, others=others)
    tower = given.get("correlation_tower")
    if isinstance(tower, dict):
        _check_names(tower, parameters_of(tower_class()), "correlation_tower")
    given.setdefault("random_state", 0)  # so that the same command gives the same model
    return TrainConfig(family, given, data, labels)


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from error


def _parse(text: str) -> dict[str, Any]:
    """Parse ``name=value`` as a line of TOML; words need no quotes, a dict may be Python's."""
    name, equals, value = text.partition("=")
    try:
        if equals:
            return tomllib.loads(f"{name}={value}")
    except tomllib.TOMLDecodeError:
        if _WORD.fullmatch(value.strip()):
            return tomllib.loads(f"{name}='{value.strip()}'")
        if (found := _as_dict(value.strip())) is not None and re.fullmatch(r"[\w.-]+", name):
            return reduce(lambda inner, key: {key: inner}, reversed(name.split(".")), found)
    raise WordedError(f"--set must be name=value, such as dropout=0.2 or gate=soft, got {text!r}.")


def _as_dict(text: str) -> dict[str, Any] | None:
    """Return a dict in the form of JSON or Python, None if it is none."""
    for read in (json.loads, ast.literal_eval):
        with suppress(ValueError, SyntaxError):
            if isinstance(found := read(text), dict):
                return found
    return None


def _merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    """Update parameters, also inside tables."""
    for key, value in more.items():
        name = key.replace("-", "_")
        name = _ALIASES.get(name, name)
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            into[name] = {**into[name], **value}
        else:
            into[name] = value


def choices(name: str) -> Mapping[str, Any]:
    """Return the registered families or fusions; the import takes seconds."""
    from ..persistence import PARTS, model_families

    return model_families() if name == "family" else PARTS[name]


def tower_class() -> Any:
    """Return the class of correlation towers."""
    import sk_crossmodal

    return sk_crossmodal.CorrelationTower


def parameters_of(estimator: Any) -> list[str]:
    """Return the parameters of a class of estimators that the command accepts."""
    return [f.name for f in fields(estimator) if f.name not in _EXCLUDED]


def _check_names(
    given: Iterable[str], known: list[str], owner: str, others: tuple[str, ...] = ()
) -> None:
    """Raise an error with suggestions for an unknown parameter of `owner`."""
    for name in given:
        if name not in known and name not in others:
            near = difflib.get_close_matches(name, [*known, *others], n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}."
            raise WordedError(f"{owner} has no parameter {name}; {hint}")
