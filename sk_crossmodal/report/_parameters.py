"""The section about parameters and versions."""

import platform
from importlib.metadata import PackageNotFoundError, version
from inspect import signature
from os import PathLike
from typing import Any

from .._html import table
from ..validation import short
from ._inputs import ReportInputs
from ._page import Section, details, heading, paragraph

PATHS = ("memory", "checkpoint")  # parameters that are paths on a machine
PACKAGES = ("sk_crossmodal", "torch", "numpy", "scipy", "scikit-learn", "skorch", "matplotlib")


def parameters_section(inputs: ReportInputs) -> Section:
    """Parameters of the classifier and of its tower, and versions, without any path."""
    classifier = inputs.classifier
    chain = " → ".join(type(each).__name__ for each in (*inputs.wrappers, classifier))
    parts = [paragraph(f"{chain}{_size(classifier)}."), *_tables(classifier, "the classifier")]
    tower = getattr(classifier, "correlation_tower_", None)
    if tower is not None:
        parts += [paragraph(f"Its tower{_size(tower)}."), *_tables(tower, "the correlation tower")]
    parts += [heading("Versions"), _versions()]
    return Section("parameters", "Parameters and versions", parts)


def _size(part: Any) -> str:
    """Number of weights and of epochs in words, if known."""
    if not hasattr(part, "module_"):
        return ""
    count = sum(weights.numel() for weights in part.module_.parameters())
    epochs = "1 epoch" if part.n_iter_ == 1 else f"{part.n_iter_} epochs"
    return f": {count:,} weights, trained for {epochs}"


def _tables(part: Any, name: str) -> list[str]:
    """Parameters that were set and, in a fold, those at their default."""
    defaults = {n: p.default for n, p in signature(type(part)).parameters.items()}
    chosen: list[list[str]] = []
    left: list[list[str]] = []
    for key, value in part.get_params(deep=False).items():
        rows = left if key in defaults and _same(value, defaults[key]) else chosen
        rows.append([key, _value(key, value)])
    heads = ["parameter", "value"]
    at_default = table(f"Parameters of {name} at their default", heads, left, n_text=2)
    return [
        table(f"Parameters of {name} that are not at their default", heads, chosen, n_text=2)
        if chosen
        else paragraph(f"All parameters of {name} are at their default."),
        details(f"{len(left)} parameters of {name} at their default", at_default),
    ]


def _same(value: Any, default: Any) -> bool:
    try:
        return value is default or (type(value) is type(default) and bool(value == default))
    except Exception:  # arrays, and other objects that cannot be compared
        return False


def _value(key: str, value: Any) -> str:
    if key in PATHS or isinstance(value, PathLike):
        return "None" if value is None else "a path on the machine that trained it"
    if isinstance(value, type):
        return value.__name__
    if hasattr(value, "get_params"):  # whose own parameters may be paths
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
    return table("Software that wrote this page", ["", "version"], rows, n_text=2)
