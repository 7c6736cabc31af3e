"""Damage real and synthetic shards in many ways, and load and convert them.

All damage must raise an error that names file, byte and reason, or be skipped and counted; the
videos must equal, bit by bit, the undamaged records as read by protobuf.
"""

import os
import re
import resource
import shutil
import signal
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from campaign import main
from damages import KINDS, odd_files, payloads_of, write_frames

from sk_crossmodal.datasets import load_youtube8m

FULL = {"trials": 2400, "whole_shards": 23, "convert_every": 1}
QUICK = {"trials": 184, "whole_shards": 0, "convert_every": 5}
SECONDS, MEGABYTES = 60, 1024  # limit of one trial, in addition to the memory of the process
COUNTS = ("tried", "detected", "skipped", "harmless", "failed")


# Check one case ---------------------------------------------------------------------------


def check_case(case, folder, convert=True):
    """Load and convert with on_error "raise" and "skip"; raise AssertionError if it is wrong.

    Parameters
    ----------
    case : Case
        Shards and the expected videos.
    folder : Path
        A new folder for the shards and the stores.
    convert : bool
        Whether to convert as well.

    Returns
    -------
    counts : dict of str to int
        "detected" by an error, "skipped" and counted, or "harmless".
    """
    paths = [folder / f"{i}.tfrecord" for i in range(len(case.shards))]
    for path, data in zip(paths, case.shards, strict=True):
        path.write_bytes(data)
    strict, loose = (load(paths, on_error, folder, convert) for on_error in ("raise", "skip"))
    if case.must is None:  # a wrong call, which cannot be skipped
        assert isinstance(strict, str), "not refused"
        assert isinstance(loose, str), "not refused when skipping"
        return {"detected": 1}
    if isinstance(loose, str):
        assert not case.must, f"good videos are missing: {loose}"
        assert isinstance(strict, str), "only skipping fails"
        return {"detected": 1}
    check_videos(loose, case)
    detected = isinstance(strict, str)
    assert detected == bool(loose.n_skipped), "raising and skipping disagree"
    assert case.flawed is None or case.flawed == detected, f"flawed {case.flawed}, but {detected=}"
    for path, offset, reason in loose.skipped:
        size = os.path.getsize(path)
        assert Path(path) in paths, path
        assert 0 <= offset < max(size, 1), offset
        assert 9 < len(reason) < 1000, reason
    if detected:
        return {"detected": 1, "skipped": 1}
    assert videos_of(strict) == videos_of(loose)
    return {"harmless": 1}


def load(paths, on_error, folder, convert):
    """Load, and convert to a store; return the bunch or error message, equal for both."""
    store = folder / f"store {on_error}"
    results = [
        attempt(paths, on_error, place) for place in ((None, store) if convert else (None,))
    ]
    if not convert:
        return results[0]
    if isinstance(results[0], str):
        assert results[0] == results[1], "loading and conversion raise different errors"
        return results[0]
    loaded, converted = results
    assert not isinstance(converted, str), converted
    assert videos_of(loaded) == videos_of(converted), "the store differs"
    assert loaded.skipped == converted.skipped
    return loaded


def attempt(paths, on_error, store):
    """Return the bunch, or the error message, which must name a shard and a byte."""
    try:
        return load_youtube8m(paths, on_error=on_error, store=store, progress=False)
    except ValueError as error:
        message = str(error)
    names = "|".join(re.escape(str(path)) for path in paths)
    form = rf"(no video could be read from \d+ shard\(s\); first: )?({names}), byte \d+: ."
    assert re.match(form, message), f"the error names no shard and byte: {message}"
    assert len(message) < 2000
    return message


def videos_of(bunch):
    """Return id, labels and bytes of the frames of each video."""
    data = bunch.data
    assert len(data) == len(bunch.ids) == len(bunch.target)
    rows = {
        name: [np.asarray(frames.stored(i)).tobytes() for i in range(len(data))]
        for name, frames in data._frames.items()  # as stored, not dequantised
    }
    columns = (bunch.ids.tolist(), bunch.target, rows["video"], rows["audio"])
    return list(zip(*columns, strict=True))


def check_videos(bunch, case):
    """Check that all required videos are there, and otherwise only optional ones."""
    given, known = videos_of(bunch), {video[0]: video for video in [*case.may, *case.must]}
    names = [video[0] for video in given]
    assert len(set(names)) == len(names), "a video twice"
    for video in given:
        assert video == known.get(video[0]), f"wrong numbers in {video[0]!r}"
    order = list(dict.fromkeys(video[0] for video in case.may or case.must))
    assert names == [name for name in order if name in set(names)], "another order"
    missing = {video[0] for video in case.must} - set(names)
    assert not missing, f"good videos are missing: {missing}"


# Many cases -------------------------------------------------------------------------------


@contextmanager
def limits(seconds=SECONDS, megabytes=MEGABYTES):
    """Raise an error in code that hangs or takes too much memory."""

    def ring(*_):
        raise AssertionError(f"takes more than {seconds} s")

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = signal.signal(signal.SIGALRM, ring)
    resource.setrlimit(resource.RLIMIT_AS, (now + megabytes * 2**20, hard))
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def attempt_case(make, counts, notes, convert):
    """Check one case in a new folder within limits, and count the result."""
    counts["tried"] += 1
    folder = Path(tempfile.mkdtemp(prefix="damaged-"))
    try:
        with limits():
            counts.update(check_case(make(), folder, convert))
    except Exception as error:  # any other error is a failure
        counts["failed"] += 1
        notes.append(f"{type(error).__name__}: {str(error)[:300]}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sources():
    """Return real shards as lists of payloads, empty if there are none."""
    data = Path(os.environ.get("SK_CROSSMODAL_DATA", Path(__file__).parents[3] / "shared/data"))
    return sorted(data.glob("youtube8m/video_level/*.tfrecord"))


def some_payloads(rng, real, whole):
    """Return some or all records of a real shard, or some synthetic records."""
    n = int(rng.integers(2, 7))
    if not (real and (whole or rng.integers(2))):
        return "written", write_frames(rng, n, b"v")
    payloads = payloads_of(real[rng.integers(len(real))].read_bytes())
    if whole:
        return "real, whole", payloads
    first = int(rng.integers(len(payloads) - n))
    return "real", payloads[first : first + n]


def campaign(trials, whole_shards, convert_every, seed):
    """Try all kinds of damage in turn on different records; convert a part of them."""
    real, notes = sources(), []
    table = {kind: Counter() for kind in KINDS}
    by_source = Counter()
    for trial in range(trials + whole_shards):
        rng = np.random.default_rng([seed, trial])
        kind = list(KINDS)[trial % len(KINDS)]
        source, payloads = some_payloads(rng, real, trial >= trials)
        by_source[source] += 1
        start = len(notes)
        convert = trial % convert_every == 0
        attempt_case(lambda k=kind, r=rng, p=payloads: KINDS[k](r, p), table[kind], notes, convert)
        notes[start:] = [f"{kind}, trial {trial}, {source}: {note}" for note in notes[start:]]
    table["files that are not shards"] = try_odd_files(notes)
    rows = {kind: {name: counts[name] for name in COUNTS} for kind, counts in table.items()}
    total = {name: sum(row[name] for row in rows.values()) for name in COUNTS}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "real_shards": len(real),
        "sources": dict(by_source),
        "limit_seconds": SECONDS,
        "limit_megabytes": MEGABYTES,
        "peak_megabytes": round(peak),
        "kinds": rows,
        "total": total,
        "notes": notes,
        "failed": total["failed"],
    }


def try_odd_files(notes):
    """Load files that are not shards; each must raise an error that names it."""
    counts = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for name, path in odd_files(folder).items():
            for on_error in ("raise", "skip"):
                counts["tried"] += 1
                try:
                    with limits():
                        load_youtube8m(path, on_error=on_error, store=None)
                    error = None
                except Exception as caught:
                    error = caught
                if isinstance(error, ValueError | FileNotFoundError) and str(path) in str(error):
                    counts["detected"] += 1
                else:
                    counts["failed"] += 1
                    notes.append(f"{name}, {on_error}: {type(error).__name__}: {error}"[:300])
    return counts


if __name__ == "__main__":
    main(campaign, FULL, QUICK, packages=("protobuf", "google-crc32c"))
