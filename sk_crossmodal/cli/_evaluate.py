"""``sk-crossmodal evaluate``: error rates of a model on data."""

import argparse
import csv
import json
import math
from typing import Any

from .._files import atomic_path
from ._arguments import add_model_command, add_path, check_output
from ._models import Model

_DESCRIPTION = """\
Print the error rates of a model on labelled videos, in percent: GAP, MAP, PERR and Hit@1, for
all labels and for each level of their hierarchy, or for each top-level group.

Labels that the model does not know are ignored, with a warning.
"""
_EXAMPLES = """\
examples:
  sk-crossmodal evaluate model.safetensors test.parquet
  sk-crossmodal evaluate model.safetensors "yt8m/validate*.tfrecord" --by-group --json scores.json

Files contain scores, not error rates: 1 is best; null or an empty cell means that there were no
videos to score.
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_model_command(
        commands,
        "evaluate",
        "MODEL DATA...",
        "print the error rates of a model",
        _DESCRIPTION,
        _EXAMPLES,
    )
    parser.add_argument(
        "--by-group", action="store_true", help="by top-level group instead of by level"
    )
    add_path(parser, "--json", "write the scores to this JSON file", metavar="OUT")
    add_path(parser, "--csv", "write the scores to this CSV file", metavar="OUT")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    for path in filter(None, (args.json, args.csv)):
        check_output(path, overwrite=args.overwrite)
    model = Model(args.model, args.device)
    data = model.open_data(args, labels=args.labels)
    truth, unknown = model.indicator(data.require_labels())
    probability = model.all_probabilities(data.X, quiet=args.quiet)
    from ..metrics import hierarchy_report

    hierarchy = model.estimator.hierarchy_
    report = hierarchy_report(truth, probability, hierarchy, by_group=args.by_group)
    if not args.quiet:
        print(report)
    columns = {
        name: [None if isinstance(x, float) and math.isnan(x) else x for x in each]
        for name, each in report.to_dict().items()
    }
    if args.json is not None:
        about = {"model": args.model, "data": args.data, "unknown_labels": unknown}
        _write_json(args.json, {**about, "scores": columns})
    if args.csv is not None:
        _write_csv(args.csv, columns)


def _write_json(path: str, document: dict[str, Any]) -> None:
    with atomic_path(path, hidden=True) as part, open(part, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2, ensure_ascii=False)
        file.write("\n")


def _write_csv(path: str, columns: dict[str, list[Any]]) -> None:
    with (
        atomic_path(path, hidden=True) as part,
        open(part, "w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
