"""What to train, from flags, ``--set name=value`` and a TOML file, checked before data is read."""

import argparse
import difflib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

FAMILIES = {
    "transformer": "CrossModalTransformerClassifier",
    "netvlad": "CrossModalNetVLADClassifier",
    "rnn": "CrossModalRNNClassifier",
}
FUSIONS = ("early", "late", "cross_modal", "cross_modal_gated", "cross_modal_concat")
OF_DATA = ("modalities", "labels", "ids")
OF_LABELS = ("vocabulary", "separator", "min_frequency")
ALIASES = {"epochs": "max_epochs", "seed": "random_state"}
_FLAGS = (
    "lr",
    "batch_size",
    "device",
    "validation_fraction",
    "early_stopping",
    "checkpoint",
    "resume",
)
# The command's own business, or nothing that a text can say.
_NOT_HERE = {
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
class Recipe:
    """What to train."""

    family: str
    params: dict[str, Any]
    data: dict[str, Any]
    labels: dict[str, Any]


def make_recipe(args: argparse.Namespace) -> Recipe:
    """Bring together what is asked for: flags before ``--set``, and both before the file."""
    given: dict[str, Any] = {}
    if args.config is not None:
        _merge(given, _read(args.config), args.config)
    for text in args.set:
        _merge(given, _parse(text), "--set")
    own = (*OF_DATA, *OF_LABELS, "family", "fusion", *ALIASES, *_FLAGS)
    flags = {name: getattr(args, name, None) for name in own}
    _merge(given, {name: value for name, value in flags.items() if value is not None}, "")
    family = given.pop("family", "transformer")
    if family not in FAMILIES:
        raise ValueError(f"family must be one of {', '.join(FAMILIES)}, got {family!r}.")
    data = {name: given.pop(name) for name in OF_DATA if name in given}
    labels = {name: given.pop(name) for name in OF_LABELS if name in given}
    known = _parameters(FAMILIES[family])
    _check_known(given, known, "", family)
    tower = given.get("correlation_tower")
    if isinstance(tower, dict):
        _check_known(tower, _parameters("CorrelationTower"), "correlation_tower.", "the tower")
    given.setdefault("random_state", 0)  # so that the same command gives the same model
    return Recipe(family, given, data, labels)


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no TOML: {error}") from error


def _parse(text: str) -> dict[str, Any]:
    """Parse ``name=value`` as a line of TOML; a word needs no quotes."""
    name, equals, value = text.partition("=")
    try:
        if equals:
            return tomllib.loads(f"{name}={value}")
    except tomllib.TOMLDecodeError:
        if _WORD.fullmatch(value.strip()):
            return tomllib.loads(f"{name}='{value.strip()}'")
    raise ValueError(
        f"--set needs name=value with a value of TOML, such as dropout=0.2, gate=soft, "
        f"cross_modal_layer_sizes=[64] or correlation_tower.encoder=mean, got {text!r}."
    )


def _merge(into: dict[str, Any], more: dict[str, Any], where: str) -> None:
    """Put names and values over those that are there, within tables too."""
    for key, value in more.items():
        name = key.replace("-", "_")
        name = ALIASES.get(name, name)
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            into[name] = {**into[name], **value}
        else:
            into[name] = value


def _parameters(name: str) -> list[str]:
    """Parameters of an estimator that can be given here."""
    import sk_crossmodal

    return [f.name for f in fields(getattr(sk_crossmodal, name)) if f.name not in _NOT_HERE]


def _check_known(given: Iterable[str], known: list[str], prefix: str, of: str) -> None:
    """Raise ValueError for a name that nothing here has."""
    all_known = known if prefix else [*known, *OF_DATA, *OF_LABELS, "family", *ALIASES]
    for name in given:
        if name in all_known:
            continue
        near = difflib.get_close_matches(name, all_known, n=3, cutoff=0.5)
        raise ValueError(
            f"there is no parameter {prefix}{name} of {of}; "
            + (f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}.")
        )
