"""The command ``sk-crossmodal``: a thin face on what is below, one file a command."""

import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._parser import make_parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    try:
        return _run(arguments)
    except BrokenPipeError:  # whoever read what is printed has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(arguments: Sequence[str] | None) -> int:
    args = make_parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)  # they are for who reads the terminal
            warnings.showwarning = _tell_warning
            code: int = args.run(args) or 0
            sys.stdout.flush()
            return code
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        _tell(f"interrupted; {args.interrupted}.")
        return 130
    except Exception as error:  # whatever it is: nobody at a command line wants a traceback
        if args.debug:
            raise
        _tell(f"error: {_one_line(error)}")
        return 1


def _tell(text: str) -> None:
    print(f"sk-crossmodal: {text}", file=sys.stderr)


def _tell_warning(message: Any, *args: Any, **kwargs: Any) -> None:
    _tell(f"warning: {' '.join(str(message).split())}")


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    text = " ".join(str(error).split())
    told = isinstance(error, ValueError | OSError | ImportError) or _is_checked(error)
    return text if told and text else f"{type(error).__name__}: {text} (--debug shows where)"


def _is_checked(error: Exception) -> bool:
    """Whether it is a TypeError of a check of this package, and of no mistake in it."""
    if not isinstance(error, TypeError):
        return False
    where = traceback.extract_tb(error.__traceback__)[-1]
    ours = Path(__file__).parents[1] in Path(where.filename).parents
    return ours and (where.line or "").startswith("raise ")
