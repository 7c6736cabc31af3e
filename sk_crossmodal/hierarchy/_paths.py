"""Label paths: a string with separators or a tuple of names, root first."""

from collections.abc import Iterable
from typing import Any

Path = str | tuple[str, ...]


def check_separator(separator: Any) -> None:
    """Raise unless the separator is a string with something in it.

    Parameters
    ----------
    separator : str
        What stands between the names of a path.

    Raises
    ------
    TypeError
        If it is no string.
    ValueError
        If it is empty.
    """
    if not isinstance(separator, str):
        raise TypeError(f"separator must be a str, got {separator!r}.")
    if not separator:
        raise ValueError("separator must not be empty.")


def split_path(path: Any, separator: str) -> tuple[str, ...]:
    """Names along a path, root first.

    Parameters
    ----------
    path : str or tuple of str
        The label path.
    separator : str
        What stands between the names if `path` is a string.

    Returns
    -------
    names : tuple of str
        At least one name.

    Raises
    ------
    TypeError
        If `path` is neither a string nor a tuple of strings.
    ValueError
        If a name along it is empty.
    """
    if isinstance(path, str):
        names = tuple(path.split(separator))
    elif isinstance(path, tuple) and all(isinstance(name, str) for name in path):
        names = path
    else:
        raise TypeError(f"a label path is a str or a tuple of str, got {path!r}.")
    if not names or not all(names):
        raise ValueError(f"the label path {path!r} has an empty name in it.")
    return names


def parent_path(path: Path, separator: str) -> Path | None:
    """Path of the parent, in the form of the path given; None above a root.

    Parameters
    ----------
    path : str or tuple of str
        A label path that `split_path` accepts.
    separator : str
        What stands between the names if `path` is a string.

    Returns
    -------
    parent : str, tuple of str or None
        The path without its last name.
    """
    if isinstance(path, tuple):
        return path[:-1] or None
    return path.rpartition(separator)[0] or None


def path_tree(paths: Iterable[Path], separator: str) -> dict[Path, tuple[Path, ...]]:
    """Parents of all paths and of all their ancestors, in tree order.

    Parameters
    ----------
    paths : iterable of str or of tuple of str
        Label paths, all of one form.
    separator : str
        What stands between the names of a string path.

    Returns
    -------
    parents : dict
        Path -> tuple with the parent's path, empty for roots. A parent is followed by
        everything below it, siblings are sorted by name.

    Raises
    ------
    TypeError
        If a path is neither a string nor a tuple of strings.
    ValueError
        If string and tuple paths are mixed, or a name is empty.
    """
    names = {}
    for path in paths:
        split_path(path, separator)  # before it is hashed: a list would fail with less to say
        # The deepest first: where an ancestor is known, so are all above it.
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
