"""The command line: its parser is made without importing anything that takes time."""

import argparse
from importlib.metadata import PackageNotFoundError, version

import shtab

from . import _convert, _evaluate, _info, _predict, _report, _train

_DESCRIPTION = """\
Classify videos by sight and sound, from embeddings of their frames.

What is called DATA below is a store (a folder that convert wrote), TFRecord shards of YouTube-8M,
or Parquet and Arrow files of embeddings of your own: a file, several, a folder, or a quoted
pattern. What it is, is told by looking.
"""
_EXAMPLES = """\
from your own embeddings to predictions:
  sk-crossmodal info videos.parquet
  sk-crossmodal train videos.parquet model.safetensors
  sk-crossmodal evaluate model.safetensors test.parquet
  sk-crossmodal report model.safetensors test.parquet report.html
  sk-crossmodal predict model.safetensors new.parquet predictions.csv

each command has its own --help with examples.

completion: eval "$(sk-crossmodal --print-completion bash)"

exit codes: 0 done, 1 failed, 2 the command line is wrong, 130 interrupted
"""


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the whole command."""
    parser = argparse.ArgumentParser(
        prog="sk-crossmodal",
        usage="sk-crossmodal [options] COMMAND ...",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    shtab.add_argument_to(parser, help="print what makes this shell complete the command")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, prog="sk-crossmodal"
    )
    for command in (_convert, _train, _evaluate, _predict, _report, _info):
        command.add_to(commands)
    return parser


def _version() -> str:
    try:
        return version("sk_crossmodal")
    except PackageNotFoundError:  # used without being installed
        return "unknown"
