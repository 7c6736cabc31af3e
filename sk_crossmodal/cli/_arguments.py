"""Arguments that several commands share, and their types."""

import argparse
import os
from pathlib import Path
from typing import Any

import shtab

EXIT_CODES = "exit codes: 0 success, 1 failure, 2 wrong command line, 130 interrupted\n"
_DATA = (
    "a store, TFRecord shards, or Parquet, Arrow, NumPy, torch or HDF5 files: files, a folder or "
    "quoted patterns"
)


class WordedError(ValueError):
    """An error that is already in the words of the command."""


def add_command(
    commands: Any, name: str, usage: str, summary: str, description: str, examples: str
) -> argparse.ArgumentParser:
    """Add a command, with the options that all commands have."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        usage=f"sk-crossmodal {name} [options] {usage}",  # all options would fill a page
        help=summary,
        description=description,
        epilog=f"{examples}\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    parser.add_argument("--debug", action="store_true", help="print the traceback of an error")
    parser.set_defaults(interrupted="nothing was written", command=name, commands=commands)
    return parser


def add_path(parser: Any, name: str, help_: str, **options: Any) -> None:
    """Add an argument that shells complete as a path, to a parser or a group."""
    options.setdefault("metavar", name)
    argument = parser.add_argument(name.lower(), help=help_, **options)
    argument.complete = shtab.FILE


def add_model_command(
    commands: Any, *texts: str, out: str | None = None, labels: bool = True
) -> argparse.ArgumentParser:
    """Add a command with `texts` of `add_command` that applies MODEL to DATA and may write OUT."""
    parser = add_command(commands, *texts)
    add_path(parser, "MODEL", "a file written by train")
    add_data(parser)
    if out is not None:
        add_path(parser, "OUT", out)
    add_overwrite(parser, "OUT")
    parser.add_argument(
        "--device", help="auto, cpu, cuda, ... (default: the device stored in the model)"
    )
    add_columns(parser, labels=labels)
    return parser


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the argument DATA, and the option to skip damaged data."""
    add_path(parser, "DATA", _DATA, nargs="+")
    add_on_error(parser)


def add_on_error(parser: Any) -> None:
    """Add the option to skip damaged data, to a parser or a group."""
    parser.add_argument(
        "--on-error",
        choices=("raise", "skip"),
        help="of shards, stop at damaged data, or skip it (default: raise)",
    )


def add_overwrite(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the option to replace files."""
    parser.add_argument("--overwrite", action="store_true", help=f"replace {what} if it exists")


def add_columns(
    parser: argparse.ArgumentParser, *, labels: bool = True, modalities: bool = False
) -> None:
    """Add the options that name columns of Parquet or Arrow files."""
    group = parser.add_argument_group("columns of tables, arrays of files, or features of shards")
    if labels:
        group.add_argument(
            "--labels", metavar="COLUMN", help="labels of each video (default: labels)"
        )
    group.add_argument("--ids", metavar="COLUMN", help="ids of the videos (default: id)")
    if modalities:
        group.add_argument(
            "--modalities",
            type=names,
            metavar="A,B",
            help="modalities to use, in this order, with any kind of data (default: all; of "
            "tables the columns of floats that are not named like labels, ids, weights or times)",
        )


def names(text: str) -> list[str]:
    """Parse names that are separated by commas."""
    found = [name.strip() for name in text.split(",")]
    if not all(found) or len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"expected names separated by commas, got {text!r}")
    return found


def positive(text: str) -> int:
    """Parse a positive integer."""
    if not text.isdigit() or (number := int(text)) == 0:
        raise argparse.ArgumentTypeError(f"expected a positive integer, got {text!r}")
    return number


def check_output(path: str, *, overwrite: bool = False) -> None:
    """Raise unless a file can be written: known before hours are spent on its content."""
    file = Path(path)
    if file.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file.")
    if file.exists() and not overwrite:
        raise FileExistsError(f"{path} exists already; --overwrite replaces it.")
    folder = Path(os.path.realpath(file)).parent
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {file.parent}; create it first.")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"the folder {file.parent} is not writable.")
