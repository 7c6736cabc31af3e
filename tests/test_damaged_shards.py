"""The campaigns on damaged shards, on few of them."""

import io
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sk_crossmodal.datasets import _tfrecord

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
    assert figures["total"]["tried"] == 184 + 26
    rows = figures["kinds"]
    for kind in (
        "flip length",
        "flip payload",
        "zeros",
        "forged length",
        "forged headers",
        "duplicated",
    ):
        assert rows[kind]["detected"] == rows[kind]["tried"] >= 8
    assert rows["reordered"]["harmless"] == rows["reordered"]["tried"]


class Counting(io.FileIO):
    """A file that counts what is read of it, and ends a test that reads too much."""

    def __init__(self, path, most):
        super().__init__(path)
        self.most, self.bytes = most, 0

    def readinto(self, buffer):
        n = super().readinto(buffer)
        self.bytes += n
        assert self.bytes <= self.most, f"{self.bytes} bytes read"
        return n


def read_counting(monkeypatch, path, most):
    """Read a shard, skipping, and at most so many bytes of it."""
    raw = Counting(path, most)
    monkeypatch.setattr(_tfrecord, "open", lambda *_: io.BufferedReader(raw), raising=False)
    damage = _tfrecord.DamageLog("skip")
    payloads = [payload for _, payload in _tfrecord.read_records(path, damage)]
    assert raw.bytes > min(path.stat().st_size, 2**16)  # it does count
    return payloads, damage.entries


def test_many_bad_records_are_each_searched_behind_once(load, tmp_path, monkeypatch):
    damages, path = load("damages"), tmp_path / "some.tfrecord"
    good = damages.framed(b"good")
    bad = bytearray(damages.framed(bytes(range(250)) * 20))
    bad[-1] ^= 1
    path.write_bytes(good + bytes(bad) * 800 + good)
    # Once as records, once in search of headers, and what a buffer reads beyond.
    payloads, skipped = read_counting(monkeypatch, path, 4 * path.stat().st_size)
    assert payloads == [b"good"] * 2
    assert [entry[1] for entry in skipped] == [20 + 5016 * i for i in range(800)]


@pytest.mark.parametrize("most", [0, 5000, 2**24])
@pytest.mark.parametrize("size", [240_000, 4_000_000])
def test_forged_headers_are_given_up(load, tmp_path, monkeypatch, size, most):
    monkeypatch.setattr(_tfrecord, "LARGEST_RECORD", 2**18)
    damages, path = load("damages"), tmp_path / "some.tfrecord"
    good = damages.framed(b"good")
    path.write_bytes(good + damages.headers(size, min(most, 2**18)) + good)
    payloads, skipped = read_counting(monkeypatch, path, 10 * size + 2**19)
    assert payloads == [b"good"]
    last = skipped[-1]
    assert f"the search ends here; {path.stat().st_size - last[1]} bytes cannot be" in last[2]
    assert len(skipped) < size / 200  # nor are there notes without end


def test_the_rest_is_read_where_little_is_forged(load, tmp_path, monkeypatch):
    damages, path = load("damages"), tmp_path / "some.tfrecord"
    good = damages.framed(b"good")
    path.write_bytes(good + damages.headers(24_000, 2_400) + good + bytes(50_000) + good)
    payloads, skipped = read_counting(monkeypatch, path, 2**24)
    assert payloads == [b"good"] * 3
    assert len(skipped) == 2000


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"may": [], "must": [("v0", (), b"", b"")]}, "wrong numbers|videos are missing"),
        ({"flawed": False}, "flawed False"),
    ],
)
def test_a_wrong_reading_would_be_noticed(load, tmp_path, change, complaint):
    damages, damaged = load("damages"), load("damaged_shards")
    rng = np.random.default_rng(0)
    case = damages.flip_payload(rng, damages.write_frames(rng, 4, b"v"))
    with pytest.raises(AssertionError, match=complaint):
        damaged.check_case(case._replace(**change), tmp_path)


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
        damaged.check_case(damages.with_forged(payloads, 1, forged), folder, convert=i % 5 == 0)
