"""``sk-crossmodal predict``: probabilities of labels, to a file."""

import argparse
from pathlib import Path
from typing import Any

from .._files import atomic_path
from ._arguments import add_model_command, check_output, positive
from ._models import Model

_FORMATS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}
_DESCRIPTION = """\
Write the probabilities that a model predicts for videos. The videos need no labels.

CSV and Parquet (by the extension of OUT) have one row per video: its id, and one column per label.
With --top-k there is one row for each of the K most probable labels of a video: id, rank, label,
name and probability. --format kaggle writes a submission for YouTube-8M's challenges: the top 20.
--format kaggle-segments writes one for the challenge of 2019: per label the likeliest 100,000
segments. DATA are frame-level shards, which are cut into segments, or a store of segments.

A store is read in chunks of videos. Other data is read into memory at once; convert it to a store
if it is larger than memory. OUT is written completely, or not at all.
"""
_EXAMPLES = """\
examples:
  sk-crossmodal predict model.safetensors new.parquet predictions.csv
  sk-crossmodal predict model.safetensors store predictions.parquet --top-k 5
  sk-crossmodal predict model.safetensors "yt8m/test*.tfrecord" submission.csv --format kaggle
  sk-crossmodal predict model.safetensors "yt8m/test*.tfrecord" out.csv --format kaggle-segments
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_model_command(
        commands,
        "predict",
        "MODEL DATA... OUT",
        "write the probabilities of labels",
        _DESCRIPTION,
        _EXAMPLES,
        out="the file to write: *.csv or *.parquet",
        labels=False,
    )
    parser.add_argument(
        "--format",
        choices=("csv", "parquet", "kaggle", "kaggle-segments"),
        help="default: by the extension of OUT",
    )
    parser.add_argument(
        "--top-k",
        type=positive,
        metavar="K",
        help="only the K most probable labels of each video, or segments of each label",
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    check_output(args.out, overwrite=args.overwrite)
    format_ = args.format or _FORMATS.get(Path(args.out).suffix.lower())
    if format_ is None:
        given = f"got {args.out}; or give --format"
        raise ValueError(f"OUT must end with {', '.join(_FORMATS)}, {given}.")
    model = Model(args.model, args.device)
    from ._writers import WRITERS

    segments = "all" if format_ == "kaggle-segments" else None
    data = model.open_data(args, labelled=False, segments=segments)
    with (
        atomic_path(args.out, hidden=True) as part,
        WRITERS[format_](part, model.labels, model.names, args.top_k) as writer,
    ):
        for rows, probability in model.probabilities(data.X, quiet=args.quiet):
            writer.write(data.ids[rows], probability)
    if not args.quiet:
        print(f"{args.out}: {len(data.X):,} videos, {len(model.labels):,} labels")
