"""The command ``sk-crossmodal``: a thin face on what is below."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .datasets import load_youtube8m

_CONVERT = """\
Convert TFRecord shards of YouTube-8M, video-level or frame-level, to a store: a folder of plain
.npy files, from which the estimators read batch by batch.

The same command again goes on where it was interrupted. With further shards behind the others,
it converts these.
"""
_EXAMPLES = """\
examples:
  sk-crossmodal convert yt8m/frame/ yt8m/store
  sk-crossmodal convert "train*.tfrecord" "validate*.tfrecord" store --jobs 8 --on-error skip

and then, in Python:
  from sk_crossmodal.multimodal import Store
  store = Store.open("yt8m/store")  # store.data is X, store.target an indicator of labels

exit codes: 0 done, 1 failed, 2 the command line is wrong, 130 interrupted
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        The command line, by default that of the process.

    Returns
    -------
    int
        The exit code.
    """
    args = _parser().parse_args(arguments)
    try:
        args.run(args)
    except KeyboardInterrupt:
        print("sk-crossmodal: interrupted; the same command goes on from here.", file=sys.stderr)
        return 130
    except Exception as error:  # whatever it is: nobody at a command line wants a traceback
        print(f"sk-crossmodal: error: {_one_line(error)}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sk-crossmodal", description="Cross-modal classification of videos."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    convert = commands.add_parser(
        "convert",
        help="convert shards of YouTube-8M to a store on disk",
        description=_CONVERT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    convert.add_argument(
        "shards",
        nargs="+",
        metavar="SHARDS",
        help="a shard, a folder of *.tfrecord files, or a quoted pattern",
    )
    convert.add_argument("store", metavar="STORE", help="the folder to write")
    convert.add_argument(
        "--jobs",
        type=_jobs,
        metavar="N",
        help="shards that are converted at once, -1 for one a processor (default: 1)",
    )
    convert.add_argument(
        "--max-frames",
        type=_positive,
        metavar="T",
        help="keep the first T frames of each video (default: all)",
    )
    convert.add_argument(
        "--on-error",
        choices=("raise", "skip"),
        default="raise",
        help="stop at damage, or leave it out and go on (default: raise)",
    )
    convert.add_argument("--quiet", action="store_true", help="print nothing but errors")
    convert.set_defaults(run=_convert)
    return parser


def _convert(args: argparse.Namespace) -> None:
    start = time.perf_counter()
    videos = load_youtube8m(
        args.shards,
        store=args.store,
        n_jobs=args.jobs,
        max_frames=args.max_frames,
        on_error=args.on_error,
        progress=False if args.quiet else None,
    )
    if args.quiet:
        return
    for path, offset, reason in videos.skipped:
        print(f"skipped: {path}, byte {offset}: {reason}", file=sys.stderr)
    size = sum(file.stat().st_size for file in Path(args.store).rglob("*") if file.is_file())
    print(
        f"{args.store}: {len(videos.data):,} videos, "
        f"{videos.data.timeline_lengths().sum():,} frames, {size:,} bytes; "
        f"{time.perf_counter() - start:.1f} seconds, {videos.n_skipped} skipped"
    )


def _jobs(text: str) -> int:
    if not text.lstrip("-").isdigit() or (number := int(text)) == 0:
        raise argparse.ArgumentTypeError(f"a number other than 0 is needed, got {text!r}")
    return number


def _positive(text: str) -> int:
    if not text.isdigit() or (number := int(text)) == 0:
        raise argparse.ArgumentTypeError(f"a positive number is needed, got {text!r}")
    return number


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    told = isinstance(error, ValueError | OSError) and text
    return text if told else f"{type(error).__name__}: {text}"
