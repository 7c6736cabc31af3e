"""Label paths: strings with separators, or tuples of names, from the root on."""

from collections.abc import Iterable
from typing import Any

from ._looks import other_separator

Path = str | tuple[str, ...]


def check_separator(separator: Any) -> None:
    """Raise an error unless the separator is a str that is not empty."""
    if not isinstance(separator, str) or not separator:
        kind = ValueError if separator == "" else TypeError
        raise kind(f"separator must be a str and not be empty, got {separator!r}.")


def split_path(path: Any, separator: str) -> tuple[str, ...]:
    """Return the names in a path, from the root on."""
    names = path.split(separator) if isinstance(path, str) else path
    if not isinstance(path, str | tuple) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"a label path is a str or a tuple of str, got {path!r}.")
    if not names or not all(names):
        hint = ""
        if isinstance(path, str) and path.strip(separator):  # such as std::vector
            hint = f" {other_separator(separator)}"
        raise ValueError(f"the label path {path!r} has an empty name in it.{hint}")
    return tuple(names)


def parent_path(path: Path, separator: str) -> Path | None:
    """Return the path of the parent in the same form, or None for a root."""
    if isinstance(path, tuple):
        return path[:-1] or None
    return path.rpartition(separator)[0] or None


def path_tree(paths: Iterable[Path], separator: str) -> dict[Path, tuple[Path, ...]]:
    """Return the parents of all paths and of all their ancestors, in tree order."""
    names = {}
    for path in paths:
        split_path(path, separator)  # before it is hashed, for a clearer error about lists
        ancestor: Path | None = path
        while ancestor is not None and ancestor not in names:
            names[ancestor] = split_path(ancestor, separator)
            ancestor = parent_path(ancestor, separator)
    if len({isinstance(path, tuple) for path in names}) > 1:
        raise ValueError("label paths must be all strings or all tuples, got both.")
    # Sorted by names, not by the string: "A:B" belongs before "A B", which is another root.
    ordered = sorted(names, key=names.__getitem__)
    return {
        path: (parent,) if (parent := parent_path(path, separator)) else () for path in ordered
    }
