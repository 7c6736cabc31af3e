"""Speed of reading shuffled batches from a store, against copying the same bytes."""

import tempfile
from pathlib import Path

import numpy as np
from measure import Row, seconds, side_by_side

from sk_crossmodal.multimodal import MultimodalArray, StoreWriter

WIDTHS = {"video": 1024, "audio": 128}
PARTS = 8
POOL = 32  # batches that training sorts by length together


def lengths_of_batches(rng, n_batches, size):
    """Return lengths of batches of a pool, (n_batches, size); a third have the maximum."""
    n = POOL * size
    pool = np.sort(np.where(rng.random(n) < 1 / 3, 300, rng.integers(120, 300, n)))
    return pool.reshape(POOL, size)[:: POOL // n_batches]


def write_store(path, lengths, rng):
    """Write videos of random bytes, in several parts."""
    writer = StoreWriter(
        path, {name: {"width": w, "dtype": "uint8"} for name, w in WIDTHS.items()}
    )
    for i, some in enumerate(np.array_split(lengths, PARTS)):
        with writer.part(str(i)) as part:
            for length in some:
                shapes = {name: (length, width) for name, width in WIDTHS.items()}
                videos = {n: rng.integers(0, 256, shape, np.uint8) for n, shape in shapes.items()}
                part.append({name: (frames, [length]) for name, frames in videos.items()})
    writer.finish(map(str, range(PARTS)))


def seconds_in_used_buffers(X, batches, prepared, rounds):
    """Return the fastest times to read and to copy all frames into used memory."""
    used = [{name: values.copy() for name, values in frames.items()} for frames in prepared]

    def read():
        for rows, frames in zip(batches, used, strict=True):
            for name, out in frames.items():
                part = X._frames[name].take(rows)
                places = [o[:n] for o, n in zip(out, part.lengths, strict=True)]
                part.values.read_each(places, part.starts)

    def copy():
        for frames, outs in zip(prepared, used, strict=True):
            for name, out in outs.items():
                np.copyto(out, frames[name])

    times = [(seconds(read), seconds(copy)) for _ in range(rounds)]
    return np.min(times, axis=0).tolist()


def reading(quick=False):
    """Time `X.pad` with batches of similar length, as in training, from files in memory.

    Both sides return new buffers of the same shapes and bytes. System calls and copies into used
    buffers show the limits of reading.
    """
    rng, rounds = np.random.default_rng(0), 3 if quick else 15
    n_batches, size = (4, 16) if quick else (8, 128)
    lengths = lengths_of_batches(rng, n_batches, size)
    place = rng.permutation(lengths.size)  # of each video of each batch in the store
    batches = place.reshape(lengths.shape)
    with tempfile.TemporaryDirectory() as folder:
        write_store(Path(folder) / "store", lengths.ravel()[np.argsort(place)], rng)
        X = MultimodalArray.open(Path(folder) / "store")
        prepared = [X.pad(rows)[0] for rows in batches]

        def read():
            for rows in batches:
                X.pad(rows)

        def copy():
            for frames in prepared:
                {name: values.copy() for name, values in frames.items()}

        ours, theirs = side_by_side(read, copy, rounds=rounds, warm=2)
        calls, copies = seconds_in_used_buffers(X, batches, prepared, rounds)
    total = sum(values.nbytes for frames in prepared for values in frames.values()) / 1e9
    return Row(
        f"reading batches of {size} videos from a store, into new buffers",
        "copying the same bytes in memory, into new buffers",
        list(ours / theirs),
        wanted=1.5,
        details={
            "GB": total,
            "GB/s of reading": total / float(np.median(ours)),
            "GB/s of copying": total / float(np.median(theirs)),
            "GB/s of system calls only, into used buffers": total / calls,
            "GB/s of copying into used buffers": total / copies,
        },
    )
