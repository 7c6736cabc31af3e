"""The mutation campaign: what it changes, and that its survivors are explained."""

import ast
import json
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.full

ROBUSTNESS = Path(__file__).resolve().parents[1] / "benchmarks" / "robustness"
SOURCE = '''
def f(x: int = 2, *, flag=True):
    """Docstring."""
    if not x or x < 1:
        raise ValueError("message 1")
    g(x, key="word")
    return [y + 1 for y in x if y], f"text {x}"
'''


@pytest.fixture
def mutants(monkeypatch):
    monkeypatch.syspath_prepend(str(ROBUSTNESS))
    monkeypatch.syspath_prepend(str(ROBUSTNESS.parent))
    yield __import__("mutants")
    for name in ("mutants", "campaign", "machine"):
        sys.modules.pop(name, None)


def test_one_change_each(mutants):
    function = ast.parse(SOURCE).body[0]
    kinds = [kind for node in mutants.mutable(function) for kind, _ in mutants.changes(node)]
    assert sorted(kinds) == sorted(
        ["constant"] * 5  # 2, True, 1, "word" and 1; not the messages
        + ["condition"] * 2
        + ["unary", "boolean", "comparison", "left out", "left out", "keyword"]
        + ["return", "arithmetic"]
    )


def test_every_mutant_is_another_code_and_has_a_name_of_its_own(mutants):
    everything = [mutant for room in mutants.TESTS for mutant in mutants.mutants(room)]
    assert len({mutant["key"] for mutant in everything}) == len(everything) > 1000
    for mutant in everything[::50]:
        compile(ast.unparse(ast.fix_missing_locations(mutant["tree"])), "mutant", "exec")


def test_replacing_a_function(mutants, monkeypatch):
    from sk_crossmodal.metrics import _validation

    code = _validation.check_top_k.__code__
    (mutant,) = (
        mutant
        for mutant in mutants.mutants("metrics")
        if mutant["function"] == "check_top_k" and "top_k >= 2" in mutant["key"]
    )
    assert _validation.check_top_k(1) == 1
    mutants.replace(mutant)
    try:
        with pytest.raises(ValueError, match="top_k must be"):
            _validation.check_top_k(1)
    finally:
        _validation.check_top_k.__code__ = code


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="names are Python 3.11's spelling")
def test_what_survives_is_explained_and_still_there(mutants):
    reasons = json.loads(mutants.REASONS.read_text())
    keys = {mutant["key"] for room in mutants.TESTS for mutant in mutants.mutants(room)}
    assert set(reasons) <= keys
    assert all(reasons.values())
