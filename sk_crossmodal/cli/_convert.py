"""``sk-crossmodal convert``: shards or tables to a store."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from ._arguments import add_columns, add_command, add_path, positive
from ._data import TABLES, kind_of_data, load_shards

_DESCRIPTION = """\
Convert TFRecord shards of YouTube-8M, AudioSet or of the same form, or Parquet or Arrow files with
your own embeddings, to a store: a folder of plain .npy files, which the estimators read batch by
batch. Use it for data that is larger than memory.

An interrupted conversion continues when the same command is run again. Shards that are added at
the end of the list are converted then, too.
"""
_EXAMPLES = """\
examples:
  sk-crossmodal convert yt8m/frame/ yt8m/store
  sk-crossmodal convert "train*.tfrecord" "validate*.tfrecord" store --jobs 8 --on-error skip
  sk-crossmodal convert "validate*.tfrecord" segments --segments rated
  sk-crossmodal convert audioset/bal_train/ store
  sk-crossmodal convert "embeddings/*.parquet" store --modalities clip,clap --labels tags

next step:
  sk-crossmodal train store model.safetensors
or, in Python:
  from sk_crossmodal.datasets import load_store
  videos = load_store("yt8m/store")  # videos.data is X, videos.target the labels
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "convert",
        "SHARDS... STORE",
        "convert shards or tables to a store on disk",
        _DESCRIPTION,
        _EXAMPLES,
    )
    add_path(
        parser,
        "SHARDS",
        "shards, Parquet or Arrow files: files, a folder or quoted patterns",
        nargs="+",
    )
    add_path(parser, "STORE", "the folder to write")
    add_columns(parser, modalities=True)
    shards = parser.add_argument_group("TFRecord shards")
    shards.add_argument(
        "--jobs",
        type=_jobs,
        metavar="N",
        help="shards converted in parallel, -1 for one per processor (default: 1)",
    )
    shards.add_argument(
        "--max-frames",
        type=positive,
        metavar="T",
        help="keep the first T frames of each video (default: all)",
    )
    shards.add_argument(
        "--on-error",
        choices=("raise", "skip"),
        help="stop at damaged data, or skip it (default: raise)",
    )
    shards.add_argument(
        "--segments",
        choices=("rated", "all"),
        help="of YouTube-8M, segments of five frames instead of videos: those that were rated, or "
        "all, for predict --format kaggle-segments",
    )
    parser.set_defaults(run=_run, interrupted="run the same command again to continue")


def _run(args: argparse.Namespace) -> None:
    start = time.perf_counter()
    videos = _convert_tables(args) if _are_tables(args.shards) else _convert_shards(args)
    if args.quiet:
        return
    for path, offset, reason in videos.get("skipped", ()):
        print(f"skipped: {path}, byte {offset}: {reason}", file=sys.stderr)
    size = sum(file.stat().st_size for file in Path(args.store).rglob("*") if file.is_file())
    print(
        f"{args.store}: {len(videos.data):,} videos, "
        f"{videos.data.timeline_lengths().sum():,} frames, {size:,} bytes; "
        f"{time.perf_counter() - start:.1f} seconds, {videos.get('n_skipped', 0)} skipped"
    )


def _are_tables(paths: list[str]) -> bool:
    try:
        return kind_of_data(paths) == TABLES
    except (ValueError, OSError):  # shards may have any name; load_shards reports errors
        return False


def _convert_tables(args: argparse.Namespace) -> Any:
    _forbid(args, ("jobs", "max_frames", "on_error", "segments"), "TFRecord shards")
    from ..datasets import load_embeddings

    return load_embeddings(
        args.shards,
        modalities=args.modalities,
        labels=args.labels or "labels",
        ids=args.ids or "id",
        store=args.store,
        progress=False if args.quiet else None,
    )


def _convert_shards(args: argparse.Namespace) -> Any:
    _forbid(args, ("modalities",), "Parquet and Arrow files")
    if args.segments is not None:
        _forbid(args, ("labels", "ids"), "whole videos")
    return load_shards(
        args.shards,
        labels=args.labels,
        ids=args.ids,
        segments=args.segments,
        store=args.store,
        n_jobs=args.jobs,
        max_frames=args.max_frames,
        on_error=args.on_error or "raise",
        progress=False if args.quiet else None,
    )


def _forbid(args: argparse.Namespace, options: tuple[str, ...], kind: str) -> None:
    for name in options:
        if getattr(args, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise ValueError(f"{option} is for {kind}; {args.shards[0]} is another kind of data.")


def _jobs(text: str) -> int:
    if not text.lstrip("-").isdigit() or (number := int(text)) == 0:
        raise argparse.ArgumentTypeError(f"expected an integer other than 0, got {text!r}")
    return number
