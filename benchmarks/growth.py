"""Measure how time and memory grow with the number of videos, frames, labels and modalities.

Each point is measured in a new forked process with all imports done: one run for memory (the
increase of peak resident memory), then several runs for the median time. It writes a table, JSON
and a plot. A slope is that of a line through the larger half of the sizes on logarithmic axes: 1
is linear, 2 quadratic. Linux only.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch._dynamo  # imported now, so that the first training does not import it
from forked import in_fork, memory_and_time
from growth_plot import draw
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from sk_crossmodal import (
    CorrelationTower,
    CrossModalTransformerClassifier,
    HierarchyLabelBinarizer,
    MultimodalArray,
)
from sk_crossmodal.metrics import hierarchy_report

sys.path.append(str(Path(__file__).parent / "speed"))
from run import PACKAGES, machine

DOCS = Path(__file__).resolve().parents[1] / "docs"
NAMES = ("video", "audio", "text", "depth")
BATCH = 32
FEW = 64  # videos to fit a model for prediction
# The varied axis: its sizes, and the fixed sizes of the other axes.
SWEEPS = {
    "videos": (
        (500, 1000, 2000, 4000, 8000, 16000),
        {"frames": 8, "labels": 50, "modalities": 2, "width": 16},
    ),
    "frames": (
        (30, 60, 120, 200, 300),
        {"videos": 64, "labels": 50, "modalities": 2, "width": 64},
    ),
    "labels": (
        (50, 200, 800, 1600, 3862),
        {"videos": 1000, "frames": 4, "modalities": 2, "width": 16},
    ),
    "modalities": (
        (1, 2, 3, 4),
        {"videos": 64, "frames": 100, "labels": 50, "width": 64},
    ),
}
QUICK = {"videos": (64, 128), "frames": (4, 8), "labels": (50, 100), "modalities": (1, 2, 3)}


@dataclass(frozen=True)
class Data:
    """Synthetic videos and labels of one size."""

    X: MultimodalArray
    paths: list
    y: object
    hierarchy: object
    width: int

    @property
    def few(self):
        """The first videos and their labels."""
        return self.X[:FEW], self.y[:FEW]


def make_paths(n_labels, rng):
    """Return label paths of up to four levels, each level with more labels than the last."""
    sizes = np.diff(np.round(np.array([0, 0.16, 0.4, 0.7, 1]) * n_labels).astype(int))
    levels = [[f"{i}" for i in range(sizes[0])]]
    for size in sizes[1:]:
        levels.append([f"{rng.choice(levels[-1])}:{i}" for i in range(size)])
    return [path for level in levels for path in level]


def make_data(videos, frames, labels, modalities, width):
    """Make videos with three labels each."""
    rng = np.random.default_rng(0)
    X = MultimodalArray.from_frames(
        {
            name: rng.standard_normal((videos * frames, width), np.float32)
            for name in NAMES[:modalities]
        },
        dict.fromkeys(NAMES[:modalities], np.full(videos, frames)),
    )
    known = make_paths(labels, rng)
    chosen = rng.integers(labels, size=(videos, 3))
    chosen[:, 0] = np.arange(videos) % labels
    paths = [[known[i] for i in row] for row in chosen]
    if videos < labels:
        paths[0] = known
    binarizer = HierarchyLabelBinarizer(sparse_output=True)
    y = binarizer.fit_transform(paths)
    return Data(X, paths, y, binarizer.hierarchy_, width)


TRAINING = {"batch_size": BATCH, "max_epochs": 1, "device": "cpu", "random_state": 0}


def make_tower(data):
    """Return an unfitted tower."""
    return CorrelationTower(
        encoder="mean",
        encoder_params={"d_model": data.width},
        hidden_layer_sizes=(32,),
        hierarchy=data.hierarchy,
        early_stopping=False,
        **TRAINING,
    )


def make_classifier(data, fusion, videos):
    """Return an unfitted classifier, with a fitted tower if it needs one."""
    tower = None
    if fusion == "cross_modal_concat" and len(data.X.modality_names) > 1:
        tower = FrozenEstimator(make_tower(data).fit(*videos))
    return CrossModalTransformerClassifier(
        fusion=fusion,
        correlation_tower=tower,
        d_model=data.width,
        n_heads=2,
        early_stopping=False,
        **TRAINING,
    )


def late(data):
    """Fit late fusion for one epoch."""
    return lambda: clone(make_classifier(data, "late", data.few)).fit(data.X, data.y)


def concat(data):
    """Fit cross_modal_concat for one epoch, with a fitted tower."""
    classifier = make_classifier(data, "cross_modal_concat", data.few)
    return lambda: clone(classifier).fit(data.X, data.y)


def tower(data):
    """Fit a tower for one epoch."""
    if len(data.X.modality_names) < 2:
        return None
    return lambda: make_tower(data).fit(data.X, data.y)


def predict(data):
    """Predict with cross_modal_concat."""
    classifier = make_classifier(data, "cross_modal_concat", data.few).fit(*data.few)
    return lambda: classifier.predict_proba(data.X)


def pad(data):
    """Select rows, and read them in batches."""
    rows = np.random.default_rng(0).permutation(len(data.X))
    batches = np.split(rows, range(BATCH, len(rows), BATCH))

    def read():
        X = data.X[rows]
        for batch in batches:
            X.pad(batch)

    return read


def scores(data):
    """Compute the four scores, overall and by level."""
    values = np.random.default_rng(0).random(data.y.shape, np.float32)
    return lambda: hierarchy_report(data.y, values, data.hierarchy, threshold=0.9)


def binarize(data):
    """Fit and transform label paths."""
    return lambda: HierarchyLabelBinarizer(sparse_output=True).fit_transform(data.paths)


# Name, function, and expected (minimum, maximum) slope for each axis. Attention has linear and
# quadratic parts in the frames; each pair of modalities has an influence.
ONE, ONE_TO_TWO = (0, 1), (1, 2)
PARTS = {
    "epoch of late fusion": (
        late,
        {"videos": ONE, "frames": ONE_TO_TWO, "labels": ONE, "modalities": ONE},
    ),
    "epoch of cross_modal_concat": (
        concat,
        {"videos": ONE, "frames": ONE_TO_TWO, "labels": ONE, "modalities": ONE_TO_TWO},
    ),
    "epoch of the tower": (
        tower,
        {"videos": ONE, "frames": ONE, "labels": ONE, "modalities": ONE_TO_TWO},
    ),
    "predict_proba of cross_modal_concat": (
        predict,
        {"videos": ONE, "frames": ONE_TO_TWO, "labels": ONE, "modalities": ONE_TO_TWO},
    ),
    "reading batches": (pad, {"videos": ONE, "frames": ONE, "modalities": ONE}),
    "four scores and levels": (scores, {"videos": ONE, "labels": ONE}),
    "HierarchyLabelBinarizer": (binarize, {"videos": ONE, "labels": ONE}),
}
MIN_SECONDS = 0.1  # of all runs of a point together
TOLERANCE = 0.25  # of a measured slope above the expected one


def measure_here(name, size, args):
    """Measure one point in this process; None if the size is not possible."""
    torch.set_num_threads(args.threads)
    PARTS[name][0](make_data(FEW, 2, 50, 2, 8))()  # imports and caches
    call = PARTS[name][0](make_data(**size))
    if call is None:
        return None
    memory, _ = memory_and_time(call)
    times = []
    while sum(times) < (MIN_SECONDS if len(times) >= args.runs else args.seconds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return {"seconds": float(np.median(times)), "mb": memory, "runs": len(times)}


def slope(sizes, values):
    """Return the slope of a line through the larger half of the sizes on logarithmic axes."""
    half = slice((len(sizes) - 1) // 2, None)
    return float(np.polyfit(np.log(sizes[half]), np.log(values[half]), 1)[0])


def sweep(axis, name, args):
    """Measure one part at all sizes of one axis."""
    sizes, rest = SWEEPS[axis]
    sizes = QUICK[axis] if args.quick else sizes
    rest = {
        other: QUICK[other][0] if args.quick and other in ("videos", "frames") else number
        for other, number in rest.items()
    }
    found = {size: in_fork(measure_here, name, {axis: size, **rest}, args) for size in sizes}
    found = {size: point for size, point in found.items() if point}
    curve = {"part": name, "axis": axis, "sizes": list(found), "fixed": rest}
    for key in ("seconds", "mb"):
        curve[key] = [point[key] for point in found.values()]
        # Less than 1 MB is memory pages, not arrays.
        values = np.maximum(curve[key], 1.0) if key == "mb" else curve[key]
        many = len(found) > 1
        curve[f"{key}_slope"] = slope(curve["sizes"], values) if many else None
    must = PARTS[name][1][axis]
    curve["must"] = list(must)
    slopes = [curve["seconds_slope"], curve["mb_slope"]]
    curve["faster"] = any(one is not None and one > must[1] + TOLERANCE for one in slopes)
    return curve


def table(curves):
    """Return the slopes as lines of Markdown."""
    lines = [
        "| | " + " | ".join(SWEEPS) + " |",
        "|---" * (1 + len(SWEEPS)) + "|",
    ]
    for name in dict.fromkeys(curve["part"] for curve in curves):
        cells = {curve["axis"]: _cell(curve) for curve in curves if curve["part"] == name}
        lines.append(f"| {name} | " + " | ".join(cells.get(axis, "") for axis in SWEEPS) + " |")
    return lines


def _cell(curve):
    slopes = [curve["seconds_slope"], curve["mb_slope"]]
    shown = " / ".join("-" if one is None else f"{one:.1f}" for one in slopes)
    most = f"{curve['must'][1]}"
    return f"{shown} (≤ {most})" + (" **faster**" if curve["faster"] else "")


def parse(arguments=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="tiny sizes, as a test")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--axes", nargs="+", choices=SWEEPS, default=list(SWEEPS))
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    parser.add_argument(
        "--runs", type=int, default=3, help="minimum number of timed runs per point"
    )
    parser.add_argument(
        "--seconds", type=float, default=2, help="maximum time of the runs of a point"
    )
    parser.add_argument("--out", type=Path, help="JSON file for the numbers")
    parser.add_argument("--plot", type=Path, default=DOCS / "plots" / "growth.png")
    return parser.parse_args(arguments)


def main(arguments=None):
    """Measure all curves, print the table, write the numbers and the plot."""
    args = parse(arguments)
    curves = []
    for name in args.parts:
        for axis in args.axes:
            if axis in PARTS[name][1]:
                curves.append(sweep(axis, name, args))
                print(f"{name}, {axis}: {_cell(curves[-1])}", flush=True)
    print("\n" + "\n".join(table(curves)))
    results = {"machine": machine(PACKAGES), "threads": args.threads, "curves": curves}
    print(f"\n{json.dumps(results['machine'], ensure_ascii=False)}")
    if args.out:
        args.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    draw(curves, args.plot)


if __name__ == "__main__":
    main()
