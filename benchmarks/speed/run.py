"""Measure the ratios of docs/speed.md, as a table and as JSON.

Each row runs in a new process. A ratio is the median, with quartiles, over rounds in which both
sides are timed in turn. Run it on an idle machine. On both sides, glibc keeps freed memory, as
docs/speed.md recommends.
"""

import argparse
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from machine import machine

ROWS = {  # name: "module:function", in the order of the table
    "fit_small": "fit:fit_small",
    "fit_youtube8m": "fit:fit_youtube8m",
    "buckets": "fit:buckets",
    "predict_small": "fit:predict_small",
    "predict_youtube8m": "fit:predict_youtube8m",
    "transformer_step": "steps:transformer_step",
    "netvlad_step": "steps:netvlad_step",
    "rnn_step": "steps:rnn_step",
    "sgemm_share": "steps:sgemm_share",
    "bf16_share": "steps:bf16_share",
    "netvlad_plain": "steps:netvlad_plain",
    "metrics": "scores:metrics",
    "metrics_memory": "scores:metrics_memory",
    "conversion": "conversion:conversion",
    "reading": "reading:reading",
}
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 32),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 34),
    "MALLOC_TOP_PAD_": str(1 << 26),
}
PACKAGES = ("sk_crossmodal", "torch", "skorch", "scikit-learn", "numpy", "scipy", "tfrecord")


def parse(arguments=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("rows", nargs="*", help=f"rows of {', '.join(ROWS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, as a test")
    parser.add_argument("--threads", type=int, help="threads of torch (default: all cores)")
    parser.add_argument("--out", type=Path, help="JSON file for the numbers")
    parser.add_argument("--in-process", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if unknown := set(args.rows) - set(ROWS):
        parser.error(f"unknown rows {sorted(unknown)}; known: {list(ROWS)}")
    return args


def measure_here(name, args):
    """Measure one row in this process."""
    import torch

    torch.set_num_threads(args.threads or os.cpu_count())
    module, function = ROWS[name].split(":")
    sys.path.insert(0, str(Path(__file__).parent))
    row = getattr(import_module(module), function)(quick=args.quick)
    return {"not measured": row} if isinstance(row, str) else row.to_json()


def measure(name, args):
    """Measure one row in a new process."""
    command = [sys.executable, __file__, name, "--in-process"]
    command += ["--quick"] * args.quick
    command += ["--threads", str(args.threads)] if args.threads else []
    environment = {**ALLOCATOR, **os.environ}
    finished = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    return json.loads(finished.stdout.splitlines()[-1])


def line(row):
    """Return a row of the table, or the reason why it is missing."""
    if reason := row.get("not measured"):
        return f"| not measured: {reason} | | | | | |"
    low, high = np.percentile(row["ratios"], (25, 75))
    sign = "≥" if row["at_least"] else "≤"
    return (
        f"| {row['measured']} | {row['against']} | {row['ratio']:.3g} | {low:.3g} to {high:.3g} | "
        f"{sign} {row['wanted']:.3g} | {'yes' if row['met'] else 'no'} |"
    )


def main(arguments=None):
    """Measure all rows, or one row in a child process."""
    args = parse(arguments)
    if args.in_process:
        print(json.dumps(measure_here(args.rows[0], args)))
        return
    print("| measured | against | ratio | quartiles | wanted | met |\n|---|---|---|---|---|---|")
    rows = {}
    for name in args.rows or ROWS:
        rows[name] = measure(name, args)
        print(line(rows[name]), flush=True)
    results = {
        "machine": machine(PACKAGES),
        "threads": args.threads or os.cpu_count(),
        "rows": rows,
    }
    print(f"\n{json.dumps(results['machine'], ensure_ascii=False)}")
    if args.out:
        args.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
