"""``sk-crossmodal convert``: shards or tables to a store."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from ._arguments import add_columns, add_command, add_on_error, add_path, positive
from ._data import ARRAYS, STORE, TABLES, Data, kind_of_data, load_shards, open_data

_SHARD_OPTIONS = ("jobs", "max_frames", "on_error", "segments")
_DESCRIPTION = """\
Convert TFRecord shards of YouTube-8M, AudioSet or of the same form, or Parquet, Arrow, NumPy,
torch or HDF5 files with your own embeddings, to a store: a folder of plain .npy files, which the
estimators read batch by batch. Use it for data that is larger than memory.

An interrupted conversion continues when the same command is run again. Shards that are added at
the end of the list are converted then, too.

With --join, each argument is one input, of any kind, with other modalities of the same videos. A
video that one of them lacks is without these modalities; the number of such videos is printed.
Several stores without --join are written one after another.
"""
_EXAMPLES = """\
examples:
  sk-crossmodal convert yt8m/frame/ yt8m/store
  sk-crossmodal convert "train*.tfrecord" "validate*.tfrecord" store --jobs 8 --on-error skip
  sk-crossmodal convert "validate*.tfrecord" segments --segments rated
  sk-crossmodal convert audioset/bal_train/ store
  sk-crossmodal convert clip.parquet clap.parquet store --join id
  sk-crossmodal convert store1 store2 both
  sk-crossmodal convert videos.parquet store --rates clip=1,clap=50
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
        "shards, files of embeddings, or stores: files, folders or quoted patterns",
        nargs="+",
    )
    add_path(parser, "STORE", "the folder to write")
    add_columns(parser, modalities=True)
    parser.add_argument(
        "--join",
        metavar="COLUMN",
        help="join the modalities of several inputs of any kind by the ids in this column; of "
        "shards and stores, id stands for the ids that they have",
    )
    parser.add_argument(
        "--rates",
        type=_rates,
        metavar="A=1,B=50",
        help="frames per second of each modality; of shards they are known (default: all "
        "modalities of a video cover the same time)",
    )
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
    add_on_error(shards)
    shards.add_argument(
        "--segments",
        choices=("rated", "all"),
        help="of YouTube-8M, segments of five frames instead of videos: those that were rated, or "
        "all, for predict --format kaggle-segments",
    )
    parser.set_defaults(run=_run, interrupted="run the same command again to continue")


def _run(args: argparse.Namespace) -> None:
    start = time.perf_counter()
    kind = _kind(args.shards)
    if args.join is not None:
        videos = _join(args)
    elif kind == STORE:
        videos = _copy_stores(args)
    else:
        videos = _convert_tables(args) if kind in (TABLES, ARRAYS) else _convert_shards(args)
    if args.quiet:
        return
    for path, offset, reason in videos.get("skipped", ()):
        print(f"skipped: {path}, byte {offset}: {reason}", file=sys.stderr)
    size = sum(file.stat().st_size for file in Path(args.store).rglob("*") if file.is_file())
    X = videos.data
    print(
        f"{args.store}: {len(X):,} videos, "
        f"{sum(X.lengths(name).sum() for name in X.modality_names):,} frames, {size:,} bytes; "
        f"{time.perf_counter() - start:.1f} seconds, {videos.get('n_skipped', 0)} skipped"
    )
    for name, count in videos.get("n_missing", {}).items():
        print(f"{name}: missing for {count:,} of {len(videos.data):,} videos")


def _kind(paths: list[str]) -> str | None:
    try:
        return kind_of_data(paths)
    except (ValueError, OSError):  # shards may have any name; load_shards reports errors
        return None


def _join(args: argparse.Namespace) -> Any:
    """Join inputs of any kind by the ids of their videos, each argument being one input."""
    _forbid(args, (*_SHARD_OPTIONS, "ids"), "shards, without --join")
    from ..datasets import join_modalities

    inputs = [_open(path, args) for path in args.shards]
    bunches = [
        {"data": each.X, "target": each.y, "ids": each.ids if each.has_ids else None}
        for each in inputs
    ]
    joined = join_modalities(bunches, names=args.shards)
    if args.labels is not None and joined.target is None:
        raise ValueError(f"none of {', '.join(args.shards)} has labels in {args.labels!r}.")
    return _save(joined, args)


def _open(path: str, args: argparse.Namespace) -> Data:
    """Open one input of a join: of tables only the wanted columns."""
    kind, options = kind_of_data([path]), dict[str, Any](labels=args.labels)
    if kind == TABLES:
        from ..datasets import open_tables

        columns = open_tables(path)[0].schema.names
        options["labelled"] = args.labels is None or args.labels in columns
        if args.modalities is not None:
            options["modalities"] = [name for name in args.modalities if name in columns]
    if kind == STORE:
        options["labels"] = None
    if kind in (TABLES, ARRAYS) or args.join != "id":
        options["ids"] = args.join
    return open_data([path], quiet=args.quiet, **options)


def _copy_stores(args: argparse.Namespace) -> Any:
    """Write the videos of stores to one store, one after another."""
    _forbid(args, ("labels", "ids"), "tables and arrays")
    _forbid(args, _SHARD_OPTIONS, "TFRecord shards")
    from ..datasets import concatenate_videos, load_store, set_rates

    stores = [load_store(path) for path in args.shards]
    for each in stores:
        set_rates(each, args.rates)
    return _save(concatenate_videos(stores, names=args.shards), args)


def _save(videos: Any, args: argparse.Namespace) -> Any:
    from ..datasets import save_videos

    if args.modalities is not None:
        videos.data = videos.data.select(args.modalities)
    save_videos(videos, args.store, args.rates)
    return videos


def _convert_tables(args: argparse.Namespace) -> Any:
    _forbid(args, _SHARD_OPTIONS, "TFRecord shards")
    from ..datasets import load_embeddings

    return load_embeddings(
        args.shards,
        modalities=args.modalities,
        labels=args.labels or "labels",
        ids=args.ids or "id",
        rates=args.rates,
        store=args.store,
        progress=False if args.quiet else None,
    )


def _convert_shards(args: argparse.Namespace) -> Any:
    _forbid(args, ("modalities",), "tables and arrays")
    _forbid(args, ("rates",), "tables, arrays and stores")
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


def _rates(text: str) -> dict[str, float]:
    """Parse frames per second by modality."""
    pairs = [pair.partition("=") for pair in text.split(",")]
    try:
        return {name.strip(): float(rate) for name, _, rate in pairs}
    except ValueError:
        wanted = "frames per second of each modality, such as clip=1,clap=50"
        raise argparse.ArgumentTypeError(f"expected {wanted}, got {text!r}") from None


def _jobs(text: str) -> int:
    if not text.lstrip("-").isdigit() or (number := int(text)) == 0:
        raise argparse.ArgumentTypeError(f"expected an integer other than 0, got {text!r}")
    return number
