"""Measure the effects of `precision`, `compile` and `batch_size` on this machine.

It fits each family at the size of YouTube-8M (300 frames, 1024 + 128 features, networks as in the
paper, cross_modal fusion), each time in a new process with one option changed. Linux only.
"""

import argparse
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
import torch._dynamo  # imported now, so that the first training does not import it
from forked import in_fork, memory_and_time

from sk_crossmodal import (
    CrossModalNetVLADClassifier,
    CrossModalRNNClassifier,
    CrossModalTransformerClassifier,
    MultimodalArray,
)

sys.path.append(str(Path(__file__).parent / "speed"))
from run import PACKAGES, machine

FAMILIES = {
    "Transformer": (CrossModalTransformerClassifier, {"d_model": 16, "n_heads": 2}),
    "NetVLAD": (CrossModalNetVLADClassifier, {"n_clusters": 4, "hidden_size": 16}),
    "RNN": (CrossModalRNNClassifier, {"n_clusters": 4, "hidden_size": 16}),
}
WIDTHS = {"video": 1024, "audio": 128}
N_LABELS = 640
BASE = {"precision": "float32", "compile": False, "batch_size": 32}
CHANGES = ({}, {"precision": "bfloat16"}, {"compile": True})


def parse(arguments=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="tiny sizes, as a test")
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--batches", nargs="*", type=int, default=[16, 64, 256])
    parser.add_argument(
        "--videos", type=int, default=64, help="minimum number of videos per epoch"
    )
    parser.add_argument("--frames", type=int, default=300, help="frames per video")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of torch")
    parser.add_argument("--out", type=Path, help="JSON file for the numbers")
    args = parser.parse_args(arguments)
    if args.quick:
        args.videos, args.frames = 8, 3
    return args


def make_videos(n, n_frames):
    """Return random 8-bit videos like those of YouTube-8M, and labels."""
    rng = np.random.default_rng(0)
    X = MultimodalArray.from_frames(
        {
            name: rng.integers(256, size=(n * n_frames, width), dtype=np.uint8)
            for name, width in WIDTHS.items()
        },
        dict.fromkeys(WIDTHS, np.full(n, n_frames)),
        quantization=dict.fromkeys(WIDTHS, (4 / 255, -2.0)),
    )
    return X, (rng.random((n, N_LABELS)) < 0.01).astype(np.uint8)


def fit_here(case, args):
    """Fit one case in this process; return times of epoch and compilation, and memory."""
    torch.set_num_threads(args.threads)
    # A new cache, as the compilation is measured.
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.mkdtemp(dir=args.folder)
    warnings.simplefilter("ignore")
    classifier, small = FAMILIES[case["family"]]
    options = {name: case[name] for name in BASE}
    fixed = {"fusion": "cross_modal", "early_stopping": False, "random_state": 0, "device": "cpu"}
    classifier(**small, **fixed, max_epochs=1).fit(*make_videos(4, 2))  # imports and caches
    sizes = small if args.quick else {}
    # The first epoch compiles, so the second one is measured.
    epochs = 1 + case["compile"]
    estimator = classifier(**sizes, **fixed, **options, max_epochs=epochs)
    X, y = make_videos(max(args.videos, case["batch_size"]), args.frames)
    memory, _ = memory_and_time(lambda: estimator.fit(X, y))
    seconds = [row["dur"] for row in estimator.history_]
    return {
        "videos": len(X),
        "seconds": seconds[-1],
        "compile_seconds": seconds[0] - seconds[-1] if case["compile"] else None,
        "mb": memory,
    }


def measure(case, args):
    """Fit one case in a new process; a failure is a result as well."""
    try:
        return {**case, **in_fork(fit_here, case, args)}
    except RuntimeError as error:
        return {**case, "failed": " ".join(str(error).split())[:200]}


def cases_of(family, args):
    """Return the cases of a family; the first one is the baseline."""
    # Compilation of a tiny network takes a minute as well.
    changes = [change for change in CHANGES if not (args.quick and "compile" in change)]
    changes += [{"batch_size": size} for size in args.batches]
    return [{"family": family, **BASE, **change} for change in changes]


def line(found, base):
    """Return a row of the table."""
    on = "yes" if found["compile"] else "no"
    cells = [found["family"], found["precision"], on, str(found["batch_size"])]
    if "failed" in found:
        return f"| {' | '.join(cells)} | failed: {found['failed'].replace('|', '/')} | | | |"
    rate = found["videos"] / found["seconds"]
    faster = "" if "failed" in base else f"{rate * base['seconds'] / base['videos']:.2f}"
    compiling = "" if found["compile_seconds"] is None else f"{found['compile_seconds']:.0f}"
    cells += [f"{rate:.3g}", faster, compiling, f"{found['mb']:.0f}"]
    return f"| {' | '.join(cells)} |"


HEAD = (
    "| family | precision | compile | batch | videos per second | speed-up | compilation, s "
    "| peak memory, MB |"
)


def main(arguments=None):
    """Measure all cases, print the table, and write the numbers."""
    args = parse(arguments)
    found = []
    print(HEAD + "\n" + "|---" * 8 + "|")
    with tempfile.TemporaryDirectory() as args.folder:
        for family in args.families:
            cases = cases_of(family, args)
            first = len(found)
            for case in cases:
                found.append(measure(case, args))
                print(line(found[-1], found[first]), flush=True)
    about = machine(PACKAGES)
    print(f"\n{json.dumps(about, ensure_ascii=False)}")
    if args.out:
        sizes = {"frames": args.frames, "widths": WIDTHS, "labels": N_LABELS}
        results = {"machine": about, "threads": args.threads, **sizes, "cases": found}
        args.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
