"""The parser of the command line, made without slow imports so that --help is fast."""

import argparse
from importlib.metadata import PackageNotFoundError, version

import shtab

from . import _convert, _evaluate, _info, _predict, _report, _train
from ._arguments import EXIT_CODES

_DESCRIPTION = """\
Classify videos with embeddings of their frames in several modalities, such as video and audio.

DATA is a store (a folder written by convert), TFRecord shards (YouTube-8M, AudioSet), or Parquet,
Arrow, NumPy, torch or HDF5 files with your own embeddings: files, a folder or quoted patterns. The
format is detected automatically.
"""
_EXAMPLES = """\
from your own embeddings to predictions:
  sk-crossmodal info videos.parquet
  sk-crossmodal train videos.parquet model.safetensors
  sk-crossmodal evaluate model.safetensors test.parquet
  sk-crossmodal report model.safetensors test.parquet report.html
  sk-crossmodal predict model.safetensors new.parquet predictions.csv

Each command has its own --help with examples.

shell completion: eval "$(sk-crossmodal --print-completion bash)"

"""


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the whole command."""
    parser = argparse.ArgumentParser(
        prog="sk-crossmodal",
        usage="sk-crossmodal [options] COMMAND ...",
        description=_DESCRIPTION,
        epilog=_EXAMPLES + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    shtab.add_argument_to(parser, help="print the completion script of a shell")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, prog="sk-crossmodal"
    )
    for command in (_convert, _train, _evaluate, _predict, _report, _info):
        command.add_to(commands)
    return parser


def _version() -> str:
    try:
        return version("sk_crossmodal")
    except PackageNotFoundError:  # the package is not installed
        return "unknown"
