"""The mutation campaign: its changes, and reasons of all survivors."""

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


def test_changes_of_function_are_complete(mutants):
    function = ast.parse(SOURCE).body[0]
    kinds = [kind for node in mutants.mutable(function) for kind, _ in mutants.changes(node)]
    assert sorted(kinds) == sorted(
        ["constant"] * 5  # 2, True, 1, "word" and 1, but no messages
        + ["condition"] * 2
        + ["unary", "boolean", "comparison", "left out", "left out", "keyword"]
        + ["return", "arithmetic"]
    )


def test_mutants_compile_and_have_unique_names(mutants):
    everything = [mutant for subpackage in mutants.TESTS for mutant in mutants.mutants(subpackage)]
    assert len({mutant["key"] for mutant in everything}) == len(everything) > 1000
    for mutant in everything[::50]:
        compile(ast.unparse(ast.fix_missing_locations(mutant["tree"])), "mutant", "exec")


def test_replace_changes_function(mutants, monkeypatch):
    from sk_crossmodal.metrics import _validation

    code = _validation.as_top_k.__code__
    (mutant,) = (
        mutant
        for mutant in mutants.mutants("metrics")
        if mutant["function"] == "as_top_k" and "top_k >= 2" in mutant["key"]
    )
    assert _validation.as_top_k(1) == 1
    mutants.replace(mutant)
    try:
        with pytest.raises(ValueError, match="top_k must be"):
            _validation.as_top_k(1)
    finally:
        _validation.as_top_k.__code__ = code


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="keys contain code as Python 3.11 writes it"
)
def test_survivors_have_reasons_and_exist(mutants):
    reasons = json.loads(mutants.REASONS.read_text())
    keys = {
        mutant["key"] for subpackage in mutants.TESTS for mutant in mutants.mutants(subpackage)
    }
    assert set(reasons) <= keys
    assert all(reasons.values())
