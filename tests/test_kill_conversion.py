"""Conversion is killed, its disk is full or read-only: nothing is lost, and it goes on."""

import random
import sys
import time
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
OWN = ("campaign", "kill_conversion", "machine")
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


@pytest.fixture
def kills(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS / "robustness"))
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in OWN:
        sys.modules.pop(name, None)
    yield __import__("kill_conversion")
    for name in OWN:
        sys.modules.pop(name, None)


@pytest.fixture
def trial(kills, tmp_path, request):
    kills.make_shards(tmp_path / "made", n_shards=2, n_videos=2)
    return kills.Trial(request.param, tmp_path, tmp_path / "made")


every = pytest.mark.parametrize("trial", ["convert", "add a shard", "save"], indirect=True)


@every
def test_killed_at_an_operation(kills, trial):
    count = kills.count_operations(trial)
    assert count > 20
    for at in range(1, count + 1, max(1, count // 4)):
        assert kills.kill_at_operation(trial, at)
    assert sum(trial.found.values()) >= 4


@every
@pytest.mark.parametrize("spring", ["no_space", "read_only"])
def test_operations_that_fail(kills, trial, spring):
    kinds = ("open", "mkdir", "rename", *(("write", "fsync") if spring == "no_space" else ()))
    count = kills.count_operations(trial, kinds)
    for at in (1, count // 2, count):
        assert kills.error_at_operation(trial, at, getattr(kills, spring), kinds)


@pytest.mark.parametrize("trial", ["convert", "convert, 2 processes"], indirect=True)
def test_killed_at_a_random_moment(kills, trial, monkeypatch):
    monkeypatch.setattr(kills, "orphans_end", lambda seconds: time.sleep(0.6))  # adopts nobody
    rng = random.Random(0)
    for _ in range(2):
        kills.kill_at_moment(trial, rng)


@pytest.mark.parametrize("trial", ["convert"], indirect=True)
def test_files_of_limited_size(kills, trial):
    assert kills.limited_file_sizes(trial, [0, 129, 1000]) == 3


@pytest.mark.parametrize("trial", ["save"], indirect=True)
def test_a_wrong_store_is_noticed(kills, trial):
    """The check itself: another content, a folder left behind."""
    trial.fresh()
    trial.job.run(trial.folder)
    (trial.folder / ".store.unfinished-store").mkdir()
    with pytest.raises(AssertionError, match="files left"):
        trial.check()
    (trial.folder / ".store.unfinished-store").rmdir()
    frames = next(trial.folder.rglob("video.frames.npy"))
    frames.write_bytes(frames.read_bytes()[:-1] + b"!")
    with pytest.raises(AssertionError, match="the store can be read, but is wrong"):
        trial.check()
