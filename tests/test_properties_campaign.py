"""The campaign of properties reads the statistics of old and new versions of Hypothesis."""

import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.full

ROBUSTNESS = Path(__file__).resolve().parents[1] / "benchmarks" / "robustness"
STATISTICS = """
tests/test_metrics_properties.py::test_a:

  - during reuse phase (0.01 seconds):
    - 3 passing examples, 0 failing examples, 1 invalid examples
  - during generate phase (42.13 seconds):
    - 1997 passing, 1 failing, and 93 invalid test cases

tests/test_hierarchy_properties.py::test_b:

  - during generate phase (1.00 seconds):
    - 2000 passing examples, 0 failing examples, 0 invalid examples
"""


@pytest.fixture
def campaign(monkeypatch):
    monkeypatch.syspath_prepend(str(ROBUSTNESS))
    yield __import__("properties_ground")
    for name in ("properties_ground", "campaign", "machine"):
        sys.modules.pop(name, None)


def test_counted_reads_both_versions(campaign):
    counts, failures = campaign.counted(STATISTICS)
    assert list(counts.values()) == [2000, 2000]
    assert [name.partition("::")[2] for name in counts] == ["test_a", "test_b"]
    assert failures == 1
