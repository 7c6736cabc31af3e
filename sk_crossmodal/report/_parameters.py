"""What the model was made with: parameters and versions."""

import platform
from importlib.metadata import PackageNotFoundError, version
from inspect import Parameter, signature
from os import PathLike
from typing import Any

from .._html import table
from ..training import short
from ._page import Section, folded, heading, paragraph
from ._subject import Subject

PLACES = ("memory", "checkpoint")  # parameters that name a place on a machine
PACKAGES = ("sk_crossmodal", "torch", "numpy", "scipy", "scikit-learn", "skorch", "matplotlib")


def parameters_section(subject: Subject) -> Section:
    """Parameters of the classifier and of its tower, and versions."""
    classifier = subject.classifier
    chain = " → ".join(type(each).__name__ for each in (*subject.wrappers, classifier))
    parts = [paragraph(f"{chain}{_size(classifier)}."), *_tables(classifier, "the classifier")]
    tower = getattr(classifier, "correlation_tower_", None)
    if tower is not None:
        parts += [paragraph(f"Its tower{_size(tower)}."), *_tables(tower, "the correlation tower")]
    return Section(
        "parameters", "Parameters and versions", [*parts, heading("Versions"), _versions()]
    )


def _size(part: Any) -> str:
    """Words about what was fitted, as far as it is known."""
    if not hasattr(part, "module_"):
        return ""
    count = sum(weights.numel() for weights in part.module_.parameters())
    epochs = "1 epoch" if part.n_iter_ == 1 else f"{part.n_iter_} epochs"
    return f": {count:,} weights, trained for {epochs}"


def _tables(part: Any, name: str) -> list[str]:
    """Parameters that were set, and those that were left as they are, in a fold."""
    defaults = {n: p.default for n, p in signature(type(part)).parameters.items()}
    chosen: list[list[str]] = []
    left: list[list[str]] = []
    for key, value in part.get_params(deep=False).items():
        rows = left if _same(value, defaults.get(key)) else chosen
        rows.append([key, _value(key, value)])
    heads = ["parameter", "value"]
    of_default = table(f"Parameters of {name} at their default", heads, left, n_text=2)
    return [
        table(f"Parameters of {name} that are not at their default", heads, chosen, n_text=2)
        if chosen
        else paragraph(f"All parameters of {name} are at their default."),
        folded(f"{len(left)} parameters of {name} at their default", of_default),
    ]


def _same(value: Any, default: Any) -> bool:
    if default is Parameter.empty:
        return False
    try:
        return value is default or (type(value) is type(default) and bool(value == default))
    except Exception:  # arrays, and whatever else cannot be compared
        return False


def _value(key: str, value: Any) -> str:
    if key in PLACES or isinstance(value, PathLike):
        return "None" if value is None else "a place on the machine it was trained on"
    if isinstance(value, type):
        return value.__name__
    if hasattr(value, "get_params"):  # whose own parameters may name places
        return type(value).__name__
    if key == "callbacks" and isinstance(value, list | tuple):
        return ", ".join(type(each).__name__ for each in value)
    return short(value).split(" at 0x")[0]


def _versions() -> str:
    rows = [["Python", platform.python_version()]]
    for name in PACKAGES:
        try:
            rows.append([name, version(name)])
        except PackageNotFoundError:  # used without being installed
            rows.append([name, "not installed as a package"])
    rows.append(["platform", f"{platform.system()} {platform.machine()}"])
    return table("Of what wrote this page", ["", "version"], rows, n_text=2)
