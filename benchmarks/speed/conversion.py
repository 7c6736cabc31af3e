"""Speed of conversion of frame-level shards to a store, against a loop that only parses."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from google_crc32c import value as crc32c
from measure import Row, seconds

from sk_crossmodal.datasets import load_youtube8m

CONVERTING = ("ours", "theirs", "copy", "two")
LIMITS = ("bare reading", "both checksums", "bare writing")
BLOCK = bytes(1 << 20)
DESCRIPTIONS = ({"id": "byte", "labels": "int"}, {"rgb": "byte", "audio": "byte"})


def conversion(quick=False):
    """Convert shards in memory to a store in memory, so that no disk is measured."""
    n_videos, rounds = (4, 2) if quick else (600, 7)
    in_memory = Path("/dev/shm")  # noqa: S108 - a new folder is made in it
    parent = in_memory if os.access(in_memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        shards = write_shards(Path(folder, "shards"), n_videos)
        size = sum(shard.stat().st_size for shard in shards)
        times = measure(shards, Path(folder, "store"), rounds, 3 * n_videos)
        on_disk = disk(shards, 1 if quick else 3)
    ours, theirs, copies, double = (times[key] for key in ("ours", "theirs", "copy", "two"))
    rate = {key: round(size / np.median(times[key]) / 1e6) for key in CONVERTING}
    limits = {key: float(np.median(times[key] / theirs)) for key in LIMITS}
    return Row(
        "conversion of frame-level shards to a store, with all checksums verified",
        "loop of the `tfrecord` package over the shards, which parses without verification",
        (ours / theirs).tolist(),
        0.2,
        details={
            "megabytes": round(size / 1e6, 1),
            "shards": len(shards),
            "videos": 3 * n_videos,
            "place": str(parent or tempfile.gettempdir()),
            "MB/s, ours": rate["ours"],
            "MB/s, tfrecord": rate["theirs"],
            "MB/s, shutil.copyfile": rate["copy"],
            "MB/s, ours with two processes": rate["two"],
            "shutil.copyfile against tfrecord": float(np.median(copies / theirs)),
            "ours against shutil.copyfile": float(np.median(ours / copies)),
            **{f"{key} against tfrecord": share for key, share in limits.items()},
            "these in sequence against tfrecord": sum(limits.values()),
            "two processes against one": float(np.median(double / ours)),
            "CPU time of ours against tfrecord": times["work"] / times["their work"],
            "MB/s, ours to the disk, flushed": round(size / on_disk["ours"] / 1e6),
            "MB/s, copyfile to the disk, flushed": round(size / on_disk["copy"] / 1e6),
        },
    )


def write_shards(folder, n_videos):
    """Write three shards with the `tfrecord` package, of videos as long as YouTube-8M's."""
    from tfrecord import TFRecordWriter

    rng = np.random.default_rng(0)
    folder.mkdir()
    shards = [folder / f"train{i}.tfrecord" for i in range(3)]
    for shard in shards:
        writer = TFRecordWriter(str(shard))
        for i in range(n_videos):
            n_frames = int(rng.integers(120, 301))
            context = {
                "id": (b"%s%d" % (shard.stem.encode(), i), "byte"),
                "labels": ([3, 7, 9], "int"),
            }
            frames = {
                name: ([rng.bytes(width) for _ in range(n_frames)], "byte")
                for name, width in (("rgb", 1024), ("audio", 128))
            }
            writer.write(context, frames)
        writer.close()
    return shards


def measure(shards, place, rounds, n_videos):
    """Time both sides and the necessary steps in turn; outputs are removed in between."""
    converting = (
        lambda: convert(shards, place),
        lambda: parse(shards),
        lambda: copy(shards, place),
        lambda: convert(shards, place, n_jobs=2),
    )
    sizes = [shard.stat().st_size for shard in shards]
    limits = (
        lambda: read(shards),
        lambda: checksums(sum(sizes), n_videos),
        lambda: write(sizes, place),
    )
    calls = dict(zip(CONVERTING + LIMITS, converting + limits, strict=True))
    times = {name: np.empty(rounds) for name in calls}
    work = dict.fromkeys(calls, 0.0)
    for i in range(-1, rounds):  # the first round is warm-up
        for name in list(calls)[:: 1 if i % 2 else -1]:
            start = time.process_time()
            elapsed = seconds(calls[name])
            if i >= 0:
                work[name] += time.process_time() - start
                times[name][i] = elapsed
            shutil.rmtree(place, ignore_errors=True)
    return {**times, "work": work["ours"], "their work": work["theirs"]}


def convert(shards, place, n_jobs=1):
    """Convert with load_youtube8m (our side)."""
    load_youtube8m(shards, store=place, n_jobs=n_jobs, progress=False)


def parse(shards):
    """Parse all records to Python objects (their side)."""
    from tfrecord import tfrecord_loader

    context, lists = DESCRIPTIONS
    for shard in shards:
        for _ in tfrecord_loader(str(shard), None, context, sequence_description=lists):
            pass


def copy(shards, place, flush=False):
    """Copy the bytes."""
    place.mkdir()
    for shard in shards:
        target = shutil.copyfile(shard, place / shard.name)
        if flush:
            with open(target, "rb") as file:
                os.fsync(file.fileno())


def read(shards):
    """Read the bytes to the same memory each time."""
    block = bytearray(len(BLOCK))
    for shard in shards:
        with open(shard, "rb", buffering=0) as file:
            while file.readinto(block):
                pass


def checksums(size, n_videos):
    """Compute checksums of equally many bytes, and of the length of each video."""
    payload = BLOCK[: size // n_videos]  # stays in the cache, like data that was just read
    for _ in range(n_videos):
        crc32c(BLOCK[:8])
        crc32c(payload)


def write(sizes, place):
    """Write equally many bytes from the same memory each time."""
    place.mkdir()
    for i, size in enumerate(sizes):
        with open(place / str(i), "wb", buffering=0) as file:
            while size > 0:
                size -= file.write(BLOCK[:size])


def disk(shards, rounds):
    """Return the seconds until the store, or a copy, is flushed to the disk."""
    times = {"ours": [], "copy": []}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "store")
        for _ in range(rounds):
            times["ours"].append(seconds(lambda: convert(shards, place)))
            shutil.rmtree(place)
            times["copy"].append(seconds(lambda: copy(shards, place, flush=True)))
            shutil.rmtree(place)
    return {name: float(np.median(each)) for name, each in times.items()}
