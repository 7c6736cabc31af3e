"""The campaigns on damaged shards, on few of them."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
OWN = ("campaign", "machine", "damages", "damaged_shards", "fuzz_shards")


@pytest.fixture
def load(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS / "robustness"))
    path = list(sys.path)
    for name in OWN:
        sys.modules.pop(name, None)
    yield __import__
    sys.path[:] = path
    for name in OWN:
        sys.modules.pop(name, None)


def test_damage_is_told_and_never_read(load):
    damaged = load("damaged_shards")
    figures = damaged.campaign(**damaged.QUICK, seed=0)
    assert figures["notes"] == []
    assert figures["total"]["tried"] == 168 + 26
    rows = figures["kinds"]
    for kind in ("flip length", "flip payload", "zeros", "forged length", "duplicated"):
        assert rows[kind]["detected"] == rows[kind]["tried"] >= 8
    assert rows["reordered"]["harmless"] == rows["reordered"]["tried"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"may": [], "must": [("v0", (), b"", b"")]}, "other numbers|not delivered"),
        ({"flawed": False}, "flawed False"),
    ],
)
def test_a_wrong_reading_would_be_noticed(load, tmp_path, change, complaint):
    damages, damaged = load("damages"), load("damaged_shards")
    rng = np.random.default_rng(0)
    case = damages.flip_payload(rng, damages.write_frames(rng, 4, b"v"))
    with pytest.raises(AssertionError, match=complaint):
        damaged.judge(case._replace(**change), tmp_path)


def test_what_hangs_or_is_too_large_would_be_noticed(load):
    damaged = load("damaged_shards")
    with pytest.raises(AssertionError, match="takes more than 1 s"), damaged.limits(seconds=1):
        time.sleep(60)
    with pytest.raises(MemoryError), damaged.limits(megabytes=100):
        bytearray(2**29)


@pytest.mark.parametrize("kind", ["payload", "shard", "vocabulary"])
def test_past_finds_of_the_fuzzer_stay_mended(load, kind):
    fuzz = load("fuzz_shards")
    accepted = [bool(fuzz.CHECKS[kind](data)) for data in fuzz.PAST[kind]]
    assert 0 < sum(accepted) < len(accepted) >= 7


@pytest.mark.parametrize("name", ["FORGED_MEANS", "FORGED_FRAMES"])
def test_every_forged_payload(load, tmp_path, name):
    damages, damaged = load("damages"), load("damaged_shards")
    rng = np.random.default_rng(0)
    payloads = damages.write_frames(rng, 3, b"v")
    if name == "FORGED_MEANS":
        payloads = [damages.w.video_level(b"%d" % i) for i in range(3)]
    for i, forged in enumerate(getattr(damages, name).values()):
        folder = tmp_path / str(i)
        folder.mkdir()
        damaged.judge(damages.with_forged(payloads, 1, forged), folder, convert=i % 5 == 0)
