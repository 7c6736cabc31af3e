"""Trainings that are killed or have a full disk: the short version of the campaign."""

import signal
import sys
from pathlib import Path

import numpy as np
import pytest

ROBUSTNESS = Path(__file__).resolve().parents[1] / "benchmarks" / "robustness"
OWN = ("kill_training", "training_cases", "failing_writer", "damaged_checkpoints")
SHARED = ("campaign", "forked", "machine")

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are forked"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


@pytest.fixture
def kill(monkeypatch):
    monkeypatch.syspath_prepend(str(ROBUSTNESS))
    monkeypatch.setattr(sys, "path", sys.path.copy())  # to which the campaigns append
    for name in (*OWN, *SHARED):
        sys.modules.pop(name, None)
    yield __import__("kill_training")
    for name in (*OWN, *SHARED):
        sys.modules.pop(name, None)


@pytest.fixture
def builds(kill):
    """Trainings whose checkpoints have a tower, early stopping and parts of epochs."""
    names = ("transformer, early stopping, plateau", "rnn, concat with tower, early stopping, ")
    cases = kill.cases(2)
    return {name: build for name, build in cases.items() if name.startswith(names)}


@pytest.fixture
def expected(kill, builds):
    return {name: kill.fit(build) for name, build in builds.items()}


def test_kill_at_random_times_resumes_equal(kill, builds, expected):
    figures = kill.random_kills(builds, expected, 3, 0.5, np.random.default_rng(0))
    assert figures["failed"] == 0
    assert figures["kills"] >= 3


def test_kill_at_file_operations_resumes_equal(kill, builds, expected):
    """Both trainings at the same operations; the seventh is the last of the first file."""
    figures = kill.operation_kills(builds, expected, 4, np.random.default_rng(2))
    assert figures["failed"] == 0
    assert figures["kills"] >= 2


def test_full_disk_is_reported(kill, builds, expected):
    figures = kill.full_disk(builds, expected, 3, np.random.default_rng(1))
    assert figures["failed"] == 0
    assert figures["said so"] >= 1


def test_damaged_files_raise_or_are_equal(kill, builds, expected):
    figures = kill.damage(builds, expected, 42, np.random.default_rng(0))
    assert figures["failed"] == 0
    assert figures["refused"] + figures["equal"] == 42
    assert figures["refused"] > 20


def test_wrong_results_are_counted(kill, builds, expected):
    wrong = {name: {**result, "weights": "other"} for name, result in expected.items()}
    rng = np.random.default_rng(0)
    assert kill.random_kills(builds, wrong, 1, 0.5, rng)["failed"] == 1
    assert kill.full_disk(builds, wrong, 1, rng)["failed"] == 1


def test_kill_at_last_operation_ends_by_signal(kill, builds, tmp_path):
    """A process that kills itself there ends by the signal."""
    (build, *_) = builds.values()
    assert kill.killed(None, kill._dying, build, tmp_path, 6)
    assert [path.suffix for path in tmp_path.iterdir()] == [".pt"]
    process = kill.get_context("fork").Process(target=kill._dying, args=(build, tmp_path, 10**6))
    process.start()
    process.join()
    assert process.exitcode == 0 != -signal.SIGKILL
