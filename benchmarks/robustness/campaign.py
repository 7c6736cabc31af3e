"""The command line of all campaigns: counts of trials, and the output file."""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from machine import machine

PACKAGES = ("sk_crossmodal", "torch", "skorch", "scikit-learn", "numpy", "scipy", "safetensors")


def main(campaign, full, quick, arguments=None, packages=()):
    """Run a campaign from the command line; exit with 1 if anything failed.

    Parameters
    ----------
    campaign : callable
        Called with the counts and ``seed``; returns a dict of results for JSON. Its entry
        "failed" is the number of failures.
    full, quick : dict of str to int
        Counts of the full campaign, and of the short one with ``--quick``; each is an option.
    arguments : list of str, optional
        Arguments instead of the command line.
    packages : sequence of str
        Additional packages whose versions are recorded.
    """
    doc = sys.modules[campaign.__module__].__doc__
    parser = argparse.ArgumentParser(description=doc.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"the short version: {quick}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="JSON file for the results")
    for name, count in full.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, help=f"default: {count}")
    args = parser.parse_args(arguments)
    usual = quick if args.quick else full
    counts = {name: getattr(args, name) for name in full if getattr(args, name) is not None}
    counts = {**usual, **counts}
    start = time.perf_counter()
    figures = campaign(**counts, seed=args.seed)
    results = {
        "machine": machine((*PACKAGES, *packages)),
        "counts": counts,
        "seed": args.seed,
        "seconds": round(time.perf_counter() - start, 1),
        **figures,
    }
    text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
    print(text, end="")
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text)
    sys.exit(1 if figures["failed"] else 0)
