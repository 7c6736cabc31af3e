"""Measure training speed on a GPU at the paper's size, as Markdown tables and JSON.

It measures step time, videos per second, share of the GPU's rate of matrix products, peak memory,
kernels of attention, effects of precision and `torch.compile`, the input pipeline, and `fit`.
Times are medians with quartiles, after warm-up. It takes about six minutes.
"""

import argparse
import contextlib
import json
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

sys.path.insert(0, str(Path(__file__).parent / "speed"))
from fit import make_videos
from networks import CONCAT, LATE, QUICK, Size, flops_of_step, make_batch, make_network
from networks import training_step as make_step

from sk_crossmodal import CrossModalTransformerClassifier, MultimodalArray
from sk_crossmodal.training import FrameDataset
from sk_crossmodal.training._data import BatchLoader

FAMILIES = ("Transformer", "NetVLAD", "RNN")
KERNELS = ("flash", "fmha", "efficient", "cudnn_generated", "sdpa", "mha")
BATCHES = (128, 512, 2048)


def parse(arguments=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, as a test")
    parser.add_argument("--out", type=Path, help="JSON file for the numbers")
    return parser.parse_args(arguments)


def synchronize(device):
    """Wait until the device has finished."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def times_of(call, device, rounds, warm=3):
    """Return the seconds of each of several calls."""
    for _ in range(warm):
        call()
    synchronize(device)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        synchronize(device)
        times.append(time.perf_counter() - start)
    return times


def rate_of_products(device, dtype, quick):
    """Return the FLOP/s of the product of two large square matrices."""
    n = 256 if quick else 8192
    a, b = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
    return 2 * n**3 / float(np.median(times_of(lambda: a @ b, device, 20)))


def measure_step(args, family, fusion, size, rates, *, bfloat16=True, compiled=False):
    """Return a row: time, videos per second, share of the rate and peak memory of a step."""
    row = {
        "family": family,
        "fusion": fusion,
        "videos": size.n_videos,
        "precision": "bfloat16" if bfloat16 else "float32",
        "compile": compiled,
    }
    cuda = args.device.startswith("cuda")
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        network = make_network(family, fusion, size, args.device)
        network = torch.compile(network) if compiled else network
        step = make_step(network, make_batch(size, args.device), bfloat16=bfloat16)
        start = time.perf_counter()
        step()
        synchronize(args.device)
        first = time.perf_counter() - start
        low, median, high = np.percentile(
            times_of(step, args.device, 3 if args.quick else 15), (25, 50, 75)
        )
    except Exception as error:  # out of memory or not supported by torch.compile; continue
        return {**row, "failed": f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"}
    rate = rates["bfloat16" if bfloat16 else "float32"]
    return {
        **row,
        "ms": median * 1e3,
        "quartiles": [low * 1e3, high * 1e3],
        "videos/s": size.n_videos / median,
        "share": flops_of_step(family, fusion, size) / median / rate,
        "GiB": torch.cuda.max_memory_allocated() / 2**30 if cuda else None,
        "first step s": first,
    }


def sizes(args):
    """Return the sizes of the batches, of which the first is the paper's."""
    return [QUICK] if args.quick else [Size(n_videos=n) for n in BATCHES]


def all_steps(args, rates):
    """Measure all families with late and cross_modal_concat, with all batch sizes."""
    return [
        measure_step(args, family, fusion, size, rates)
        for family in FAMILIES
        for fusion in (LATE, CONCAT)
        for size in sizes(args)
    ]


def all_precisions(args, rates):
    """Measure the effects of precision and `torch.compile`."""
    size = sizes(args)[0]
    rows = []
    for family in FAMILIES:
        kinds = [{"bfloat16": False}, {}]
        if family != "RNN" and not args.quick:  # packed sequences break the graph
            kinds.append({"compiled": True})
        rows += [measure_step(args, family, CONCAT, size, rates, **kind) for kind in kinds]
    return rows


def attention_kernels(args):
    """Return the names of the kernels of attention in a step of the Transformer."""
    rows = []
    activities = [ProfilerActivity.CPU]
    activities += [ProfilerActivity.CUDA] * args.device.startswith("cuda")
    for fusion in (LATE, CONCAT):
        for bfloat16 in (True, False):
            size = sizes(args)[0]
            network = make_network("Transformer", fusion, size, args.device)
            step = make_step(network, make_batch(size, args.device), bfloat16=bfloat16)
            step()
            with profile(activities=activities) as profiled:
                step()
                synchronize(args.device)
            names = {event.key for event in profiled.key_averages()}
            rows.append(
                {
                    "fusion": fusion,
                    "precision": "bfloat16" if bfloat16 else "float32",
                    "kernels": sorted(
                        name[:90] for name in names if any(k in name.lower() for k in KERNELS)
                    ),
                }
            )
    return rows


def make_data(args):
    """Return random 8-bit videos like those of YouTube-8M, with 230 to 300 frames."""
    n, size = (16, QUICK) if args.quick else (4096, Size())
    lengths = np.linspace(0.77 * size.n_frames, size.n_frames, n).astype(int)
    widths = {"video": size.video, "audio": size.audio}
    return make_videos(
        n, size.n_frames, widths, 640, np.random.default_rng(1).permutation(lengths)
    )


def loader_rates(args, X, y, folder):
    """Measure videos per second to the device, from memory and from a store."""
    X.save(folder / "store")
    rows = []
    for name, source in (("memory", X), ("store", MultimodalArray.open(folder / "store"))):
        dataset = FrameDataset(source, y)
        cuda = args.device.startswith("cuda")
        for _ in range(2):  # the first epoch warms up
            synchronize(args.device)
            start = time.perf_counter()
            loader = BatchLoader(dataset, 4 if args.quick else 128, shuffle=True, pin=cuda)
            for batch, _ in loader:
                batch.inputs(torch.device(args.device), torch.float32)
            synchronize(args.device)
            seconds = time.perf_counter() - start
        rows.append({"from": name, "videos/s": len(X) / seconds})
    return rows


def fit_rates(args, X, y, folder):
    """Measure videos per second of the last epoch of `fit`, without a tower."""
    sources = {"memory": X, "store": MultimodalArray.open(folder / "store")}
    kinds = [("memory", "bfloat16", False), ("store", "bfloat16", False)]
    if not args.quick:
        kinds += [("memory", "float32", False), ("memory", "bfloat16", True)]
    rows = []
    small = {"d_model": 16, "n_heads": 2, "batch_size": 4} if args.quick else {}
    for source, precision, compiled in kinds:
        classifier = CrossModalTransformerClassifier(
            fusion="cross_modal",
            device=args.device,
            precision=precision,
            compile=compiled,
            max_epochs=2,
            early_stopping=False,
            lr_schedule=None,
            random_state=0,
            **small,
        )
        row = {"from": source, "precision": precision, "compile": compiled}
        try:
            classifier.fit(sources[source], y)
            row["videos/s"] = len(X) / classifier.history_[-1]["dur"]
        except Exception as error:  # not supported by torch.compile; continue
            row["failed"] = f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"
        rows.append(row)
    return rows


def machine(args):
    """Describe the machine and versions."""
    cuda = args.device.startswith("cuda")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "device": torch.cuda.get_device_name() if cuda else platform.processor() or "CPU",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "CUDA": torch.version.cuda,
        "versions": {name: version(name) for name in ("skorch", "scikit-learn", "numpy")},
    }


def cell(value):
    """Format a value of a table."""
    if isinstance(value, list):
        joined = [cell(v) for v in value]
        return (" to " if joined and not isinstance(value[0], str) else "<br>").join(joined)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    return "" if value is None else str(value)


def print_table(title, rows):
    """Print rows as a Markdown table, with the keys of all rows."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    print(f"\n### {title}\n\n| {' | '.join(keys)} |\n|{'---|' * len(keys)}")
    for row in rows:
        print(f"| {' | '.join(cell(row.get(key)) for key in keys)} |", flush=True)


def main(arguments=None):
    """Measure everything."""
    args = parse(arguments)
    about = machine(args)
    print(json.dumps(about))
    dtypes = {"bfloat16": torch.bfloat16, "float32": torch.float32}
    rates = {name: rate_of_products(args.device, d, args.quick) for name, d in dtypes.items()}
    results = {"machine": about, "rates": rates}
    print_table("Rate of products, TFLOP/s", [{k: v / 1e12 for k, v in rates.items()}])
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        X, y = make_data(args)
        for name, title, measured in (
            ("kernels", "Kernels of attention, Transformer", lambda: attention_kernels(args)),
            ("steps", "Training step, data resident", lambda: all_steps(args, rates)),
            ("loader", "Input pipeline only", lambda: loader_rates(args, X, y, folder)),
            (
                "precision",
                "Precision and compile, cross_modal_concat",
                lambda: all_precisions(args, rates),
            ),
            ("fit", "`fit`, Transformer, cross_modal", lambda: fit_rates(args, X, y, folder)),
        ):
            results[name] = measured()
            print_table(title, results[name])
            if args.out:  # after each table, in case a later one fails
                args.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
