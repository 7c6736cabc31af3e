"""The API reference has every public name."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import sk_crossmodal

pytestmark = pytest.mark.one_version

PAGE = Path(__file__).resolve().parents[1] / "docs" / "api.rst"
# Not for users: the estimators and readers of this package use them, see CONTRIBUTING.md.
INTERNAL = ("sk_crossmodal.training", "sk_crossmodal.validation", "sk_crossmodal.store")


def public_names():
    """Every name that a subpackage exports, with the subpackage."""
    for module in pkgutil.walk_packages(sk_crossmodal.__path__, "sk_crossmodal."):
        if "._" not in module.name and not module.name.startswith(INTERNAL):
            subpackage = importlib.import_module(module.name)
            yield from (f"{module.name}.{name}" for name in getattr(subpackage, "__all__", ()))


def listed(text):
    """Names that the page documents in its tables and as data."""
    return re.findall(r"^(?:   ~|\.\. data:: )(sk_crossmodal\.[\w.]+)$", text, flags=re.MULTILINE)


def test_api_reference_has_every_public_name_once():
    names = listed(PAGE.read_text())
    assert sorted(names) == sorted(set(public_names()))


def test_package_exports_only_names_of_its_subpackages():
    names = [name.rsplit(".", 1) for name in public_names()]
    exported = {id(getattr(importlib.import_module(where), name)) for where, name in names}
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
def test_listed_finds_entries_of_tables_and_data(line, found):
    assert listed(line) == found
