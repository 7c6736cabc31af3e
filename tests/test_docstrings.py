"""Docstrings of all that is public follow numpydoc."""

import importlib
import inspect

import pytest
from numpydoc.validate import validate
from torch import nn

pytestmark = pytest.mark.one_version

ROOMS = (
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
    "SA01",  # See Also stands where there is something to see
    "GL01",  # the summary starts on the first line
    "SS06",  # and may take two
    "RT02",  # a returned value may have a name
    "PR03",  # estimators are keyword-only, and document their own parameters before shared ones
}
# A network's tensors are in the Shape block of its class.
BRIEF = {"PR01", "RT01", "RT03"}


def public_names():
    """(room, class or function, name below it or None) of everything that has a docstring."""
    for room in ROOMS:
        module = importlib.import_module(room)
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isfunction(thing):
                yield room, name, None
            elif inspect.isclass(thing):
                yield room, name, None
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
                        yield room, name, member


PUBLIC = sorted(public_names(), key=str)


def test_nothing_is_overlooked():
    assert ("sk_crossmodal", "CorrelationTower", "fit") in PUBLIC
    assert ("sk_crossmodal", "CrossModalTransformerClassifier", "score") in PUBLIC  # inherited
    assert ("sk_crossmodal.metrics", "gap_score", None) in PUBLIC
    assert ("sk_crossmodal", "MultimodalArray", "modality_names") in PUBLIC  # a property
    assert ("sk_crossmodal", "MultimodalArray", "from_frames") in PUBLIC  # a class method
    assert {room for room, *_ in PUBLIC} == set(ROOMS)


@pytest.mark.parametrize("place", PUBLIC, ids=lambda place: ".".join(filter(None, place)))
def test_docstring(place):
    room, name, member = place
    thing = getattr(importlib.import_module(room), name)
    network = member and inspect.isclass(thing) and issubclass(thing, nn.Module)
    brief = BRIEF if network else set()
    errors = validate(".".join(filter(None, place)))["errors"]
    assert not [(code, text) for code, text in errors if code not in IGNORED | brief]
