"""The API reference has every public name."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import sk_crossmodal

pytestmark = pytest.mark.one_version

PAGE = Path(__file__).resolve().parents[1] / "docs" / "api.rst"
# Not for users: what estimators of this package are built with, see CONTRIBUTING.md.
INSIDE = ("sk_crossmodal.training",)


def public_names():
    """Every name that a room exports, at the room."""
    for module in pkgutil.walk_packages(sk_crossmodal.__path__, "sk_crossmodal."):
        if "._" not in module.name and not module.name.startswith(INSIDE):
            room = importlib.import_module(module.name)
            yield from (f"{module.name}.{name}" for name in getattr(room, "__all__", ()))


def listed(text):
    """Names that the page documents: entries of its tables, and data."""
    return re.findall(r"^(?:   ~|\.\. data:: )(sk_crossmodal\.[\w.]+)$", text, flags=re.MULTILINE)


def test_every_public_name_is_in_the_reference_once():
    names = listed(PAGE.read_text())
    assert sorted(names) == sorted(set(public_names()))


def test_what_the_package_exports_is_some_rooms():
    rooms = [name.rsplit(".", 1) for name in public_names()]
    exported = {id(getattr(importlib.import_module(room), name)) for room, name in rooms}
    for name in sk_crossmodal.__all__:
        assert id(getattr(sk_crossmodal, name)) in exported


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("   ~sk_crossmodal.metrics.gap_score", ["sk_crossmodal.metrics.gap_score"]),
        (".. data:: sk_crossmodal.modules.FUSIONS", ["sk_crossmodal.modules.FUSIONS"]),
        ("``sk_crossmodal.metrics``: scores", []),
    ],
)
def test_the_reference_is_read_rightly(line, found):
    assert listed(line) == found
