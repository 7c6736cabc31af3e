"""Docstrings of all that is public follow numpydoc."""

import importlib
import inspect

import pytest
from numpydoc.validate import validate

pytestmark = pytest.mark.one_version

SUBPACKAGES = (
    "sk_crossmodal",
    "sk_crossmodal.classification",
    "sk_crossmodal.compose",
    "sk_crossmodal.correlation",
    "sk_crossmodal.datasets",
    "sk_crossmodal.hierarchy",
    "sk_crossmodal.inspection",
    "sk_crossmodal.metrics",
    "sk_crossmodal.modules",
    "sk_crossmodal.multimodal",
    "sk_crossmodal.persistence",
    "sk_crossmodal.report",
    "sk_crossmodal.utils.estimator_checks",
)
IGNORED = {
    "EX01",  # examples stand where they help
    "ES01",  # a summary often says all
    "SA01",  # See Also stands where another name helps
    "GL01",  # the summary starts on the first line
    "SS06",  # and may take two
    "RT02",  # a returned value may have a name
    "PR03",  # estimators are keyword-only, and document their own parameters before shared ones
}
# The methods of networks and their parts have one line, with the shapes of tensors there or in
# the Shape block of the class.
BRIEF = {"PR01", "RT01", "RT03"}


def public_names():
    """(Subpackage, class or function, member or None) of everything with a docstring."""
    for subpackage in SUBPACKAGES:
        module = importlib.import_module(subpackage)
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isfunction(thing):
                yield subpackage, name, None
            elif inspect.isclass(thing):
                yield subpackage, name, None
                members = {
                    member: value
                    for base in reversed(thing.__mro__)
                    if base.__module__.startswith("sk_crossmodal.")
                    for member, value in vars(base).items()
                }
                for member, value in members.items():
                    if not member.startswith("_") and (
                        inspect.isroutine(value) or isinstance(value, property)
                    ):
                        yield subpackage, name, member


PUBLIC = sorted(public_names(), key=str)


def test_public_names_include_inherited_members_and_properties():
    assert ("sk_crossmodal", "CorrelationTower", "fit") in PUBLIC
    assert ("sk_crossmodal", "CrossModalTransformerClassifier", "score") in PUBLIC  # inherited
    assert ("sk_crossmodal.metrics", "gap_score", None) in PUBLIC
    assert ("sk_crossmodal", "MultimodalArray", "modality_names") in PUBLIC  # a property
    assert ("sk_crossmodal", "MultimodalArray", "from_frames") in PUBLIC  # a class method
    assert {subpackage for subpackage, *_ in PUBLIC} == set(SUBPACKAGES)


@pytest.mark.parametrize("place", PUBLIC, ids=lambda place: ".".join(filter(None, place)))
def test_docstring_follows_numpydoc(place):
    brief = BRIEF if place[2] and place[0] == "sk_crossmodal.modules" else set()
    errors = validate(".".join(filter(None, place)))["errors"]
    assert not [(code, text) for code, text in errors if code not in IGNORED | brief]
