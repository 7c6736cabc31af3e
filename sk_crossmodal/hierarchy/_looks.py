"""Labels that look like something else: an indicator, a list in one text, a name with colons."""

import ast
import contextlib
import json
import re
import warnings
from collections.abc import Collection, Iterable
from typing import Any

_DELIMITED = re.compile(r"\s*[^\s,;][^,;]*[,;]\s*[^\s,;]")
_BRACKETS = re.compile(r"\[.*\]|\{.*\}|\(.*,.*\)", re.DOTALL)
_ITEM = r"""('[^']*'|"[^"]*"|[\d.]+)"""
_PRINTED = re.compile(rf"\[\s*{_ITEM}(\s+{_ITEM})*\s*\]")  # as NumPy prints arrays


def indicator_width(
    lengths: Collection[int], values: Collection[Any], *, least: int = 2
) -> int | None:
    """Return the number of columns if lists of these lengths and values are an indicator's rows.

    They are if all have one length and contain only 0 and 1, or False and True. Lists of one
    number may as well be labels, so the `least` length is 2 by default.
    """
    if len(set(lengths)) != 1 or not values or not set(values) <= {0, 1}:
        return None
    width = next(iter(lengths))
    return width if width >= least else None


def warn_of_lists(labels: Iterable[Any], alone: Iterable[Any]) -> None:
    """Warn if labels look like lists of labels; `alone` are those that were not in lists."""
    if found := next(filter(_is_list, _texts(labels)), None):
        _warn(f"labels such as {found!r} look like lists that were written as text")
    elif found := next(filter(_DELIMITED.match, _texts(alone)), None):
        one = f", or [{found!r}] if it is one label"
        _warn(f"labels such as {found!r} look like several labels in one text", one)


def _texts(labels: Iterable[Any]) -> list[str]:
    return sorted({label for label in labels if isinstance(label, str)})


def _warn(looks: str, otherwise: str = "") -> None:
    advice = f"give each video a list of labels, such as ['a', 'b']{otherwise}"
    warnings.warn(f"{looks}; {advice}.", stacklevel=4)


def _is_list(text: str) -> bool:
    """Whether a text is a list, set or tuple as Python, JSON or NumPy write it."""
    if not _BRACKETS.fullmatch(text := text.strip()):
        return False
    for parse in (json.loads, ast.literal_eval):
        with (
            contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError),
            warnings.catch_warnings(action="ignore"),  # of backslashes
        ):
            return isinstance(parse(text), list | tuple | set)
    return _PRINTED.fullmatch(text) is not None


def warn_of_split_names(paths: Iterable[Any], separator: str) -> None:
    """Warn if the separator seems to be a part of names, so that it splits them."""
    for path in filter(lambda path: separator in path, _texts(paths)):
        names = path.split(separator)
        address = any(name.startswith(("//", "\\")) for name in names[1:])
        spaced = separator == separator.strip() and any(name != name.strip() for name in names)
        if address or spaced:
            warnings.warn(
                f"the label {path!r} is split at {separator!r} into the names "
                f"{', '.join(map(repr, names))}. {other_separator(separator)}",
                stacklevel=4,
            )
            return


def other_separator(separator: str) -> str:
    """Return the advice for names that contain the separator."""
    other = next(each for each in (" > ", " | ") if each != separator)
    return (
        f"If {separator!r} belongs to names, choose another separator, such as "
        f"separator={other!r}, or give paths as tuples of names."
    )
