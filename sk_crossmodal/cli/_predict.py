"""``sk-crossmodal predict``: probabilities of labels, to a file."""

import argparse
from pathlib import Path
from typing import Any

from ._arguments import add_columns, add_command, add_data, add_device, add_path, positive
from ._files import check_free, written_whole
from ._models import Model

FORMATS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}
_DESCRIPTION = """\
Write the probabilities that a model gives to the labels of videos, which need no labels for it.

As CSV or Parquet, told by the name of OUT, there is a row a video with its id and a column a
label. With --top-k there is a row for each of the K likeliest labels of a video: id, rank, label,
name and probability. --format kaggle is the submission of YouTube-8M's challenges, of the top 20.

Of a store only one chunk of videos is in memory at a time; other data is read as a whole, so
what is larger than memory is converted first. OUT is whole, or not there.
"""
_EXAMPLES = """\
examples:
  sk-crossmodal predict model.safetensors new.parquet predictions.csv
  sk-crossmodal predict model.safetensors store predictions.parquet --top-k 5
  sk-crossmodal predict model.safetensors "yt8m/test*.tfrecord" submission.csv --format kaggle
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "predict",
        "MODEL DATA... OUT",
        "write the probabilities of labels",
        _DESCRIPTION,
        _EXAMPLES,
    )
    add_path(parser, "MODEL", "a file that train wrote")
    add_data(parser)
    add_path(parser, "OUT", "the file to write: *.csv or *.parquet")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it is there")
    parser.add_argument(
        "--format", choices=("csv", "parquet", "kaggle"), help="default: by the name of OUT"
    )
    parser.add_argument(
        "--top-k", type=positive, metavar="K", help="the K likeliest labels of each video alone"
    )
    add_device(parser)
    add_columns(parser, labels=False)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    check_free(args.out, overwrite=args.overwrite)
    kind = args.format or FORMATS.get(Path(args.out).suffix.lower())
    if kind is None:
        raise ValueError(
            f"the name {args.out} says no format: end it with .csv or .parquet, or give --format."
        )
    model = Model(args.model, args.device)
    from ._writers import WRITERS

    data = model.open_data(args.data, ids=args.ids, labelled=False, quiet=args.quiet)
    with (
        written_whole(args.out) as part,
        WRITERS[kind](part, model.labels, model.names, args.top_k) as writer,
    ):
        for rows, probability in model.probabilities(data.X, quiet=args.quiet):
            writer.write(data.ids[rows], probability)
    if not args.quiet:
        print(f"{args.out}: {len(data.X):,} videos, {len(model.labels):,} labels")
