"""Walks over a directed acyclic graph that is given as node -> parents."""

from collections.abc import Hashable, Iterable, Mapping
from contextlib import suppress
from typing import Any

Parents = dict[Any, tuple[Any, ...]]  # of every node; nodes are hashable


def check_parents(parents: Any) -> Parents:
    """Copy a mapping of parents after checking that it is closed and of the right types."""
    if not isinstance(parents, Mapping):
        raise TypeError(
            f"parents must map nodes to their parents, got {type(parents).__name__}; give a dict "
            "such as {'Car': ['Land'], 'Land': []}."
        )
    if not parents:
        raise ValueError(f"a hierarchy needs at least one node, got {parents!r}.")
    checked = {}
    for node, above in parents.items():
        checked[node] = _check_above(node, above)
        for parent in checked[node]:
            if parent not in parents:
                raise ValueError(
                    f"{parent!r}, a parent of {node!r}, is not among the nodes; give its own "
                    "parents, too, or [] if it has none."
                )
    return checked


def _check_above(node: Hashable, above: Any) -> tuple[Any, ...]:
    with suppress(TypeError):  # nothing to iterate over, or something that cannot be hashed
        if not isinstance(above, str):
            return tuple(dict.fromkeys(above))
    raise TypeError(
        f"the parents of {node!r} must be an iterable of hashable nodes such as a list, got "
        f"{above!r:.80}."
    )


def children_of(parents: Parents) -> dict[Any, list[Any]]:
    """Turn the arrows round."""
    children: dict[Any, list[Any]] = {node: [] for node in parents}
    for node, above in parents.items():
        for parent in above:
            children[parent].append(node)
    return children


def topological_order(parents: Parents) -> list[Any]:
    """Order the nodes such that every parent stands before its children."""
    children = children_of(parents)
    waiting = {node: len(above) for node, above in parents.items()}
    order = [node for node, count in waiting.items() if count == 0]
    for node in order:  # grows while it is walked
        for child in children[node]:
            waiting[child] -= 1
            if waiting[child] == 0:
                order.append(child)
    if len(order) < len(parents):
        cycle = _find_cycle(parents, set(parents).difference(order))
        raise ValueError("the parents form a cycle: " + " -> ".join(map(repr, cycle)))
    return order


def _find_cycle(parents: Parents, stuck: set[Any]) -> list[Any]:
    """Child -> parent -> ... back to the same child, among nodes that all have a stuck parent."""
    node = next(node for node in parents if node in stuck)
    seen: dict[Any, int] = {}
    while node not in seen:
        seen[node] = len(seen)
        node = next(parent for parent in parents[node] if parent in stuck)
    return [*list(seen)[seen[node] :], node]


def reachable(node: Hashable, edges: Mapping[Any, Iterable[Any]]) -> set[Any]:
    """All nodes that can be reached over the edges, without the node itself."""
    found = set()
    stack = [node]
    while stack:
        for neighbour in edges[stack.pop()]:
            if neighbour not in found:
                found.add(neighbour)
                stack.append(neighbour)
    return found


def nearest_kept(parents: Parents, order: list[Any], kept: set[Any]) -> Parents:
    """Parents of every node when all but some nodes are taken out of the graph."""
    nearest: Parents = {}
    for node in order:
        found = {}
        for parent in parents[node]:
            found.update(dict.fromkeys((parent,) if parent in kept else nearest[parent]))
        nearest[node] = tuple(found)
    return nearest
