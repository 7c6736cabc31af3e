"""``sk-crossmodal report``: all about a model on data, as one HTML file."""

import argparse
from typing import Any

from ._arguments import add_columns, add_command, add_data, add_device, add_path, positive
from ._files import check_free
from ._models import Model, check_labelled, warn_unknown

_DESCRIPTION = """\
Write one HTML file about a model on labelled videos, which opens without a network: data, scores
by level and category, pictures, examples that it gets right and wrong, parameters, versions.

It needs matplotlib: pip install 'sk_crossmodal[plot]'.
"""
_EXAMPLES = """\
examples:
  sk-crossmodal report model.safetensors test.parquet report.html
  sk-crossmodal report model.safetensors store report.html --title "Winter" --examples 20
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands, "report", "MODEL DATA... OUT", "write an HTML report", _DESCRIPTION, _EXAMPLES
    )
    add_path(parser, "MODEL", "a file that train wrote")
    add_data(parser)
    add_path(parser, "OUT", "the file to write, such as report.html")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it is there")
    parser.add_argument("--title", help="what stands above it")
    parser.add_argument(
        "--examples", type=positive, metavar="N", help="videos shown of each kind of example"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="decides all chance")
    add_device(parser)
    add_columns(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    check_free(args.out, overwrite=args.overwrite)
    model = Model(args.model, args.device)
    data = model.open_data(args.data, labels=args.labels, ids=args.ids, quiet=args.quiet)
    y = check_labelled(data)
    _, unknown = model.indicator(y)
    warn_unknown(unknown, len(data.X))
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
