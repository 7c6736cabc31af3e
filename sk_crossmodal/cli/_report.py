"""``sk-crossmodal report``: a model and its results on data, as one HTML file."""

import argparse
from typing import Any

from ._arguments import add_model_command, check_output, positive
from ._models import Model

_DESCRIPTION = """\
Write one HTML file about a model on labelled videos: data, scores by level and category, plots,
examples of correct and wrong predictions, parameters and versions. The file works offline.

It needs matplotlib: pip install 'sk_crossmodal[plot]'.
"""
_EXAMPLES = """\
examples:
  sk-crossmodal report model.safetensors test.parquet report.html
  sk-crossmodal report model.safetensors store report.html --title "Winter" --examples 20
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_model_command(
        commands,
        "report",
        "MODEL DATA... OUT",
        "write an HTML report",
        _DESCRIPTION,
        _EXAMPLES,
        out="the file to write, such as report.html",
    )
    parser.add_argument("--title", help="title of the report")
    parser.add_argument(
        "--examples", type=positive, metavar="N", help="videos shown per kind of example"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="random seed (default: 0)"
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    check_output(args.out, overwrite=args.overwrite)
    model = Model(args.model, args.device)
    data = model.open_data(args, labels=args.labels)
    y = data.require_labels()
    model.indicator(y)  # warns of unknown labels, which the report ignores
    model.estimator.transformer_.set_params(handle_unknown="ignore")
    from ..report import write_report

    options = {} if args.examples is None else {"n_examples": args.examples}
    write_report(
        model.estimator,
        data.X,
        y,
        args.out,
        ids=data.ids,
        title=args.title,
        random_state=args.seed,
        overwrite=args.overwrite,
        progress=False if args.quiet else None,
        **options,
    )
    if not args.quiet:
        print(f"{args.out}: {len(data.X):,} videos; open it in a browser")
