"""``sk-crossmodal evaluate``: error rates of a model on data."""

import argparse
import csv
import json
import math
from typing import Any

from ._arguments import add_columns, add_command, add_data, add_device, add_path
from ._files import check_free, written_whole
from ._models import Model, all_probabilities, check_labelled, warn_unknown

_DESCRIPTION = """\
Print the error rates of a model on labelled videos, in percent: GAP, MAP, PERR and Hit@1, for
all labels and for each level of their hierarchy, or for each top-level group.

Labels that the model does not know are left out, and a warning says how many: it is judged on
the labels that it can give.
"""
_EXAMPLES = """\
examples:
  sk-crossmodal evaluate model.safetensors test.parquet
  sk-crossmodal evaluate model.safetensors "yt8m/validate*.tfrecord" --by-group --json scores.json

the files hold scores, not errors: 1 is the best; null or an empty cell is a score of no videos.
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "evaluate",
        "MODEL DATA...",
        "print the error rates of a model",
        _DESCRIPTION,
        _EXAMPLES,
    )
    add_path(parser, "MODEL", "a file that train wrote")
    add_data(parser)
    parser.add_argument(
        "--by-group", action="store_true", help="by top-level group in place of levels"
    )
    add_path(parser, "--json", "write the scores to this file, too", metavar="OUT")
    add_path(parser, "--csv", "the same as CSV", metavar="OUT")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the files if they are there"
    )
    add_device(parser)
    add_columns(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    for path in filter(None, (args.json, args.csv)):
        check_free(path, overwrite=args.overwrite)
    model = Model(args.model, args.device)
    data = model.open_data(args.data, labels=args.labels, ids=args.ids, quiet=args.quiet)
    truth, unknown = model.indicator(check_labelled(data))
    warn_unknown(unknown, len(data.X))
    probability = all_probabilities(model, data.X, quiet=args.quiet)
    from ..metrics import hierarchy_report

    hierarchy = model.estimator.hierarchy_
    report = hierarchy_report(truth, probability, hierarchy, by_group=args.by_group)
    if not args.quiet:
        print(report)
    columns = report.to_dict()
    if args.json is not None:
        about = {"model": args.model, "data": args.data, "unknown_labels": unknown}
        _write_json(args.json, {**about, "scores": columns})
    if args.csv is not None:
        _write_csv(args.csv, columns)


def _write_json(path: str, document: dict[str, Any]) -> None:
    scores = {name: [_or_none(x) for x in each] for name, each in document["scores"].items()}
    with written_whole(path) as part, open(part, "w", encoding="utf-8") as file:
        json.dump({**document, "scores": scores}, file, indent=2, ensure_ascii=False)
        file.write("\n")


def _write_csv(path: str, columns: dict[str, list[Any]]) -> None:
    with written_whole(path) as part, open(part, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow([_or_none(cell) for cell in row])


def _or_none(cell: Any) -> Any:
    return None if isinstance(cell, float) and math.isnan(cell) else cell
