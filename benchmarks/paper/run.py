"""Reproduce all tables and figures of Goyal et al. (2020) on a data set, in one command.

It trains each family of models with each fusion, control and seed, and writes a report with plots
as Markdown and as one HTML file. An interrupted command continues when it is run again: finished
runs are not trained again, unless their settings have changed.
"""

import argparse
import os
import shlex
import time
from pathlib import Path

import settings
from data import check_folder
from plan import plan
from report import write_report
from results import Results
from runs import train_all

REAL_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def parse(arguments=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--data", nargs="+", choices=settings.DATA_SETS, default=["synthetic"], help="data sets"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(os.environ.get("SK_CROSSMODAL_DATA", REAL_DATA)),
        help="with youtube8m/ and corsmal/ (default: $SK_CROSSMODAL_DATA or ../shared/data)",
    )
    parser.add_argument("--full", action="store_true", help="more seeds")
    parser.add_argument("--seeds", type=int, help="number of seeds (default: by size)")
    parser.add_argument(
        "--families",
        nargs="+",
        choices=settings.FAMILIES,
        help="TM: Transformer, NV: NetVLAD, RNN, and larger models (default: all of a data set)",
    )
    parser.add_argument("--jobs", type=int, default=2, help="parallel runs (default: 2)")
    parser.add_argument("--out", type=Path, required=True, help="folder of runs and reports")
    parser.add_argument("--report-only", action="store_true", help="train nothing")
    args = parser.parse_args(arguments)
    if args.seeds is not None and args.seeds < (2 if "corsmal" in args.data else 1):
        parser.error("--seeds must be at least 1, and for corsmal (folds) at least 2")
    return args


def command_of(args):
    """Return the command, without the folders of this machine."""
    parts = ["--data", *args.data] + ["--full"] * args.full
    if args.seeds:
        parts += ["--seeds", args.seeds]
    if args.families:
        parts += ["--families", *args.families]
    parts += ["--jobs", args.jobs, "--out", args.out.name]
    return f"python benchmarks/paper/run.py {shlex.join(map(str, parts))}"


def main(arguments=None):
    """Train the missing runs and write the reports."""
    args = parse(arguments)
    size = "full" if args.full else "small"
    if not args.report_only:
        for kind in args.data:
            check_folder(kind, args.folder)
    for kind in args.data:
        n_seeds = args.seeds or settings.SIZES[size][kind]["n_seeds"]
        for data_set in settings.DATA_SETS[kind]:
            start = time.perf_counter()
            families = [f for f in settings.SETTINGS[kind] if f in (args.families or [f])]
            chosen = data_set, size, n_seeds, families
            if not args.report_only:
                train_all(plan(*chosen), args.out, args.folder, args.jobs)
            seconds = time.perf_counter() - start
            folder = args.out / data_set
            write_report(Results(args.out, *chosen), folder, command_of(args), seconds)
            print(f"report: {folder / 'report.html'} and {folder / 'report.md'}")


if __name__ == "__main__":
    main()
