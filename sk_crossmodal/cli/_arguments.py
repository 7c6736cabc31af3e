"""Arguments that several commands have."""

import argparse
from typing import Any

import shtab

EXIT_CODES = "exit codes: 0 done, 1 failed, 2 the command line is wrong, 130 interrupted\n"
_DATA = "a store, YouTube-8M shards, or Parquet or Arrow files: files, a folder, quoted patterns"


def add_command(
    commands: Any, name: str, takes: str, summary: str, description: str, examples: str
) -> argparse.ArgumentParser:
    """Add a command with the options that all have."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        usage=f"sk-crossmodal {name} [options] {takes}",  # of all options it would be a page
        help=summary,
        description=description,
        epilog=f"{examples}\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")
    parser.set_defaults(interrupted="nothing was written")
    return parser


def add_path(parser: Any, name: str, help_: str, **options: Any) -> None:
    """Add an argument that shells complete as a path, to a parser or a group."""
    options.setdefault("metavar", name)
    argument = parser.add_argument(name.lower(), help=help_, **options)
    argument.complete = shtab.FILE


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the argument DATA."""
    add_path(parser, "DATA", _DATA, nargs="+")


def add_columns(
    parser: argparse.ArgumentParser, *, labels: bool = True, modalities: bool = False
) -> None:
    """Add the options that say which columns of Parquet or Arrow files are what."""
    group = parser.add_argument_group("columns of Parquet and Arrow files")
    if labels:
        group.add_argument(
            "--labels", metavar="COLUMN", help="the labels of each video (default: labels)"
        )
    group.add_argument("--ids", metavar="COLUMN", help="the names of the videos (default: id)")
    if modalities:
        group.add_argument(
            "--modalities",
            type=names,
            metavar="A,B",
            help="what to take, and in which order, of any kind of data (default: all)",
        )


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add the option that says where to compute."""
    parser.add_argument(
        "--device", help="where to compute: auto, cpu, cuda, ... (default: what the model says)"
    )


def names(text: str) -> list[str]:
    """Names between commas."""
    found = [name.strip() for name in text.split(",")]
    if not all(found) or len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"names between commas are needed, got {text!r}")
    return found


def positive(text: str) -> int:
    """Parse a positive whole number."""
    if not text.isdigit() or (number := int(text)) == 0:
        raise argparse.ArgumentTypeError(f"a positive number is needed, got {text!r}")
    return number
