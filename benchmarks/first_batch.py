"""Bytes read and seconds until the first batch of a fit on a store, with a correlation tower.

    python benchmarks/first_batch.py --gigabytes 2

The store is synthetic, of float32 frames, and written to a temporary folder. Bytes are those that
the process has asked the system for (`rchar` of /proc/self/io, Linux), as a multiple of the size
of the frames: 1 means that every frame was read once for checking and scaling together.
"""

import argparse
import json
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
from machine import machine
from skorch.callbacks import Callback

from sk_crossmodal import CorrelationTower, CrossModalTransformerClassifier, MultimodalArray
from sk_crossmodal.multimodal import StoreWriter

WIDTHS = {"video": 1024, "audio": 128}
N_FRAMES = 300


class FirstBatch(Exception):  # noqa: N818, no error: it ends the fit
    """Raised when the first batch has been read."""


class Stop(Callback):
    """Ends a fit at its first batch."""

    def on_batch_begin(self, net, **kwargs):
        """Raise."""
        raise FirstBatch


def bytes_read():
    """Bytes that this process has read so far."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["rchar"])


def write_store(path, gigabytes):
    """Write a store of random frames; return the number of its videos."""
    n = round(gigabytes * 2**30 / (4 * N_FRAMES * sum(WIDTHS.values())))
    rng = np.random.default_rng(0)
    modalities = {name: {"dtype": "float32", "width": d} for name, d in WIDTHS.items()}
    writer = StoreWriter(path, modalities)
    with writer.part("0") as part:
        for _ in range(n):
            frames = {k: rng.random((N_FRAMES, d), np.float32) for k, d in WIDTHS.items()}
            part.append({name: (values, [N_FRAMES]) for name, values in frames.items()})
    writer.finish(["0"])
    return n


def measure(path, fusion, part):
    """Fit until the first batch of the tower or of the classifier; return bytes and seconds."""
    X = MultimodalArray.open(path)
    y = np.arange(len(X)) % 4
    shared = {"batch_size": 16, "early_stopping": False, "callbacks": [Stop()]}
    classifier = CrossModalTransformerClassifier(fusion=fusion, d_model=64, **shared)
    if part == "tower":
        classifier.set_params(correlation_tower=CorrelationTower(encoder="mean", **shared))
    before, start = bytes_read(), time.perf_counter()
    with suppress(FirstBatch):
        classifier.fit(X, y)
    return bytes_read() - before, time.perf_counter() - start


def main():
    """Print a line of JSON per way."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    print(json.dumps(machine(["numpy", "scikit-learn", "sk_crossmodal", "torch"])))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store"
        n = write_store(path, args.gigabytes)
        size = 4 * n * N_FRAMES * sum(WIDTHS.values())
        for fusion, part in (("late", "classifier"), ("cross_modal_concat", "tower")):
            runs = [measure(path, fusion, part) for _ in range(args.repeats)]
            row = {
                "fusion": fusion,
                "first batch of the": part,
                "bytes read / size": round(float(np.median([each[0] for each in runs])) / size, 2),
                "seconds": [round(each[1], 1) for each in runs],
            }
            print(json.dumps(row))


if __name__ == "__main__":
    main()
