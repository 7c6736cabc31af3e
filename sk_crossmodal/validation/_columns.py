"""Columns of labels matched by name: the rule for all tables of labels and their hierarchy.

The columns of a data frame are matched by their names, in any order. Other names are an error. An
array has no names: its columns are in the order of the data frame beside it, or else in the order
of the hierarchy. Default names, such as 0, 1, 2 or "column_0", and nodes 0, 1, 2 are positions.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import ref

import numpy as np

from .._types import Array, Ints

Names = Sequence[Hashable]
AnyArray = TypeVar("AnyArray")

_OF_ARRAYS: dict[int, tuple[Any, Any]] = {}  # weak reference and hierarchy, by id


@dataclass(frozen=True, eq=False)
class NamedColumns:
    """An array whose columns have names, as those of a data frame."""

    values: Array
    columns: Names

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.values, dtype=dtype) if copy else np.asarray(self.values, dtype)

    def __len__(self) -> int:
        return len(self.values)


def column_names(table: Any) -> Any:
    """Return the names of the columns of a data frame or table, None for an array."""
    names = getattr(table, "column_names", None)  # of Arrow, whose `columns` are arrays
    names = getattr(table, "columns", None) if names is None else names
    return names if isinstance(names, Iterable) else None


def remember_labels(array: AnyArray, hierarchy: Any) -> AnyArray:
    """Return the array; while it exists, `labels_of` finds the hierarchy of its columns.

    scikit-learn gives a scorer the very array of `predict_proba`, also of a Pipeline or a search,
    and only this array, without the estimator.
    """
    if isinstance(array, np.ndarray) and hierarchy is not None:
        key = id(array)
        _OF_ARRAYS[key] = ref(array, lambda _: _OF_ARRAYS.pop(key, None)), hierarchy
    return array


def labels_of(array: Any) -> Any:
    """Return the hierarchy whose labels are the columns of this very array, None if unknown."""
    found, hierarchy = _OF_ARRAYS.get(id(array), (lambda: None, None))
    return None if found() is None else hierarchy


def item_names(values: Any) -> Any:
    """Return the labels of a pandas Series if they are strings, else None."""
    index = getattr(values, "index", None)
    is_named = isinstance(index, Iterable) and all(isinstance(name, str) for name in index)
    return index if is_named else None


def unique_names(nodes: Iterable[Any], names: Sequence[str]) -> list[str]:
    """Return names of nodes; where several share one, the node is added in parentheses."""
    counts = Counter(names)
    pairs = zip(names, nodes, strict=True)
    return [name if counts[name] == 1 else f"{name} ({node})" for name, node in pairs]


def hierarchy_names(hierarchy: Any) -> list[Names] | None:
    """Return the names that columns may have: one or several lists, each in order."""
    if hasattr(hierarchy, "nodes"):
        nodes, names = hierarchy.nodes, hierarchy.display_names
        return [nodes, names, unique_names(nodes, names), [str(node) for node in nodes]]
    names = item_names(hierarchy)  # levels by label
    return None if names is None else [list(names)]


def find_names(given: Iterable[Hashable], known: Sequence[Names]) -> Ints | None:
    """Return the position in `given` of each name of the first list with the same names, or None.

    A list in which a name is twice is never the same.
    """
    names = list(given)
    places = {name: i for i, name in enumerate(names)}
    for each in known:
        if len(places) == len(names) == len(each) and places.keys() == set(each):
            return np.array([places[name] for name in each])
    return None


def match_names(what: str, given: Any, known: Sequence[Names], of: str) -> Ints | None:
    """Do the same as `find_names`, with a ValueError for other names that are no positions."""
    names, order = list(given), find_names(given, known)
    if order is None and not any(map(are_positions, (names, *known[:1]))):
        raise ValueError(_difference(what, names, known, of))
    if order is not None and type(given).__name__ == "RangeIndex" and not _is_identity(order):
        raise ValueError(  # pandas has it for columns without names, and for a dict of 0, 1, 2
            f"The columns 0 to {len(names) - 1} of {what} may be labels or positions, and {of} "
            "has these labels in another order: give an array with its columns in this order."
        )
    return order


def column_orders(
    tables: Mapping[str, Any], hierarchy: Any = None, default: Any = None
) -> dict[str, Ints | None]:
    """Return the order in which each table has the same columns; None if it is in this order.

    It is the order of `hierarchy`; without a hierarchy, that of the first table with names.
    `default` are the names of the columns of arrays.
    """
    given = {what: column_names(table) for what, table in tables.items()}
    given = {what: default if names is None else names for what, names in given.items()}
    given = {what: names for what, names in given.items() if names is not None}
    known, of = hierarchy_names(hierarchy), "hierarchy"
    if known is None:
        named = [what for what, names in given.items() if not are_positions(list(names))]
        if not named:
            return dict.fromkeys(tables)
        of = named[0]
        known = [list(given[of])]
    orders = {what: match_names(what, names, known, of) for what, names in given.items()}
    first = next((order for order in orders.values() if order is not None), None)
    return {what: order if (order := orders.get(what)) is not None else first for what in tables}


def order_hierarchy(hierarchy: Any, names: Any, what: str = "y") -> Any:
    """Return the hierarchy with its nodes in the order of the named columns of a table."""
    if names is None or not hasattr(hierarchy, "nodes"):
        return hierarchy
    order = match_names(what, names, hierarchy_names(hierarchy) or [], "hierarchy")
    if order is None or _is_identity(order):
        return hierarchy
    return hierarchy.subset([hierarchy.nodes[i] for i in np.argsort(order)])


def take_columns(table: Any, order: Ints | None) -> Any:
    """Return a dense or sparse array with its columns in another order, None for the same."""
    return table if order is None or _is_identity(order) else table[:, order]


def _is_identity(order: Ints) -> bool:
    return bool((order == np.arange(len(order))).all())


def are_positions(names: Names) -> bool:
    """Whether these are the default names of pandas or Arrow (0, 1) or polars ("column_0")."""
    n, texts = len(names), [str(name) for name in names]
    defaults = (
        [str(i) for i in range(n)],
        [f"column_{i}" for i in range(n)],
        [f"column_{i}" for i in range(1, n + 1)],
    )
    return texts in defaults


def _difference(what: str, names: Names, known: Sequence[Names], of: str) -> str:
    """Return the message about the first names that differ."""
    nearest = max(known, key=lambda each: len(set(each) & set(names)))
    other = next((name for name in names if name not in set(nearest)), None)
    twice = next((name for name in names if list(names).count(name) > 1), None)
    missing = next((name for name in nearest if name not in set(names)), None)
    found = [] if other is None else [f"has the column {other!r}, which is none of them,"]
    found += [] if twice is None else [f"has the column {twice!r} twice"]
    found += [] if missing is None else [f"lacks {missing!r}"]
    return (
        f"The columns of {what} must be the labels of {of}, in any order, but {what} "
        f"{' and '.join(found)}. Rename its columns, or give an array in the order of {of}."
    )
