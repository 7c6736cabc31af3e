"""The command ``sk-crossmodal``: one file per subcommand, on top of the public Python API."""

import os
import re
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._files import match_pattern, user_path
from ._arguments import WordedError
from ._parser import make_parser
from ._wording import Wording


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, by default with the arguments of the process, and return its exit code."""
    try:
        return _run(arguments)
    except BrokenPipeError:  # the reader of the output has closed the pipe, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(arguments: Sequence[str] | None) -> int:
    given = sys.argv[1:] if arguments is None else list(arguments)
    paths = [_as_path(text) for text in given]
    args = make_parser().parse_args(paths)
    wording = Wording(args, given)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _WarningPrinter(wording)
            code: int = args.run(args) or 0
            sys.stdout.flush()
            return code
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        _print(f"interrupted; {args.interrupted}.")
        return 130
    except Exception as error:  # users of a command expect one line, not a traceback
        if args.debug:
            raise
        text = _one_line(error)
        _print(f"error: {text if isinstance(error, WordedError) else wording(text)}")
        return 1


def _as_path(text: str) -> str:
    """Complete an argument that is a path, as the shell does, which leaves out quoted ones."""
    option, equals, value = text.partition("=") if text.startswith("--") else ("", "", text)
    if value.startswith("~") and "/" in value:
        text = f"{option}{equals}{user_path(value)}"
    # Shards of AudioSet have names such as -0.tfrecord, which a shell puts for *.tfrecord.
    is_path = text[:1] == "-" < text and (os.path.exists(text) or bool(match_pattern(text)))
    return f"./{text}" if is_path else text


def _print(text: str) -> None:
    print(f"sk-crossmodal: {text}", file=sys.stderr)


class _WarningPrinter:
    """Prints each warning once, also if other chunks of the videos have other shares."""

    def __init__(self, wording: Wording) -> None:
        self._wording, self._printed = wording, set[str]()

    def __call__(self, message: Any, *args: Any, **kwargs: Any) -> None:
        text = self._wording(" ".join(str(message).split()))
        if (key := re.sub(r"\d+%", "%", text)) not in self._printed:
            self._printed.add(key)
            _print(f"warning: {text}")


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    text = " ".join(str(error).split())
    clear = isinstance(error, ValueError | OSError | ImportError) or _is_from_validation(error)
    return text if clear and text else f"{type(error).__name__}: {text} (use --debug for details)"


def _is_from_validation(error: Exception) -> bool:
    """Whether this TypeError was raised on purpose in this package, and is not a bug in it."""
    if not isinstance(error, TypeError):
        return False
    frame = traceback.extract_tb(error.__traceback__)[-1]
    ours = Path(__file__).parents[1] in Path(frame.filename).parents
    return ours and (frame.line or "").startswith("raise ")
