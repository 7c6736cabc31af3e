"""Measure the increase of memory in a grid search, to see whether folds are copied.

It writes 690 MB of synthetic frames to a temporary folder and runs the same search of 3 folds,
memory-mapped and in memory, with a `MultimodalArray` and with skorch's `SliceDict`, each in a new
process. It prints the increase during the search of anonymous memory, which copies would use, and
of all resident memory, which includes pages of files. Before the search, it reads memory-mapped
files once, and fits four rows, as torch loads about 90 MB in its first training. Linux only.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from itertools import product
from pathlib import Path

import numpy as np
import sklearn
import skorch
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.helper import SliceDict

from sk_crossmodal import CrossModalTransformerClassifier, MultimodalArray
from sk_crossmodal.modules import FUSIONS

WIDTHS = {"video": 1024, "audio": 128}
CONTAINERS = ("MultimodalArray", "SliceDict")
SOURCES = ("memory-mapped", "in memory")
GRID = {"lr": [1e-3, 1e-4]}
MB = 1e6


def parse(arguments=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--videos", type=int, default=1000, help="number of videos")
    parser.add_argument("--frames", type=int, default=150, help="frames per video")
    parser.add_argument("--batch-size", type=int, default=16, help="videos per batch")
    parser.add_argument(
        "--fusion", default="late", choices=tuple(FUSIONS), help="fusion of the classifier"
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    parser.add_argument("--out", type=Path, help="JSON file for the numbers")
    # Internal options of the child processes.
    parser.add_argument(
        "--search", nargs=2, metavar=("CONTAINER", "SOURCE"), help=argparse.SUPPRESS
    )
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def write_frames(args, folder):
    """Write one file (n, T, d) float32 per modality, video by video."""
    rng = np.random.default_rng(0)
    for name, width in WIDTHS.items():
        shape = (args.videos, args.frames, width)
        file = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float32, shape)
        for video in file:
            rng.standard_normal(out=video, dtype=np.float32)
        file.flush()


def read_frames(args):
    """Return X in the given container and source."""
    container, source = args.search
    mode = "r" if source == "memory-mapped" else None
    arrays = {name: np.load(args.folder / f"{name}.npy", mmap_mode=mode) for name in WIDTHS}
    for values in arrays.values():
        for video in values:
            video.max()  # makes its pages resident
    if container == "SliceDict":
        return SliceDict(**arrays)
    flat = {name: values.reshape(-1, values.shape[2]) for name, values in arrays.items()}
    lengths = dict.fromkeys(WIDTHS, np.full(args.videos, args.frames))
    return MultimodalArray.from_frames(flat, lengths)


def resident():
    """Return anonymous and total resident memory of this process in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith("Rss")}
    return kib["RssAnon"] * 1024, sum(kib.values()) * 1024


class Peak(threading.Thread):
    """A thread that records the peak memory of this process every few milliseconds."""

    def __init__(self):
        super().__init__(daemon=True)
        self.before = self.peak = resident()
        self.stopped = threading.Event()

    def run(self):
        """Record until the context ends."""
        while not self.stopped.wait(0.005):
            self.peak = tuple(map(max, self.peak, resident()))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.stopped.set()
        self.join()

    def growth(self):
        """Return the increase of anonymous and total memory in MB."""
        return [(peak - before) / MB for peak, before in zip(self.peak, self.before, strict=True)]


def search(args):
    """Run the search with one container and source; return memory and time."""
    torch.set_num_threads(args.threads)
    X, y = read_frames(args), np.arange(args.videos) % 2
    classifier = CrossModalTransformerClassifier(
        fusion=args.fusion,
        d_model=16,
        n_heads=2,
        batch_size=args.batch_size,
        max_epochs=1,
        device="cpu",
        early_stopping=False,
        random_state=0,
    )
    few = MultimodalArray.from_frames({"video": np.eye(4)}, {"video": np.ones(4, int)})
    clone(classifier).set_params(fusion="late").fit(few, y[:4])  # torch loads its libraries now
    start = time.perf_counter()
    with Peak() as peak:
        found = GridSearchCV(classifier, GRID, cv=3, n_jobs=None, error_score="raise").fit(X, y)
    own, total = peak.growth()
    return {
        "own_mb": own,
        "resident_mb": total,
        "own_before_mb": peak.before[0] / MB,
        "process_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB,
        "seconds": time.perf_counter() - start,
        "scores": found.cv_results_["mean_test_score"].tolist(),
    }


def run(container, source, args, folder):
    """Run one search in a new process."""
    command = [sys.executable, __file__, "--search", container, source, "--folder", str(folder)]
    for name in ("videos", "frames", "batch_size", "fusion", "threads"):
        command += [f"--{name.replace('_', '-')}", str(getattr(args, name))]
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return {"container": container, "place": source, **json.loads(finished.stdout)}


def measure(args):
    """Write frames, and search with all containers and sources."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_frames(args, folder)
        size = sum(path.stat().st_size for path in folder.iterdir())
        searches = [run(*both, args, folder) for both in product(CONTAINERS, SOURCES)]
    return {
        "array_mb": size / MB,
        "videos": args.videos,
        "frames": args.frames,
        "batch_size": args.batch_size,
        "fusion": args.fusion,
        "fits": len(GRID["lr"]) * 3 + 1,
        "versions": {m.__name__: m.__version__ for m in (sklearn, skorch, torch, np)},
        "machine": platform.machine(),
        "searches": searches,
    }


def table(results):
    """Return the results as lines of Markdown."""
    lines = [
        f"3-fold search over {results['array_mb']:.0f} MB of frames, {results['fits']} fits in "
        f"one process, {results['fusion']} fusion, batches of {results['batch_size']} videos; "
        "increase of memory in MB:",
        "",
        "| X | anonymous | resident | seconds |",
        "|---|---|---|---|",
    ]
    for row in results["searches"]:
        lines.append(
            f"| {row['container']}, {row['place']} | {row['own_mb']:.0f} | "
            f"{row['resident_mb']:.0f} | {row['seconds']:.0f} |"
        )
    return lines


def main(arguments=None):
    """Measure all searches, or run one in a child process."""
    args = parse(arguments)
    if args.search:
        print(json.dumps(search(args)))
        return
    results = measure(args)
    print("\n".join(table(results)))
    if args.out:
        args.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
