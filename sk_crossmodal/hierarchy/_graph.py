"""Algorithms on a directed acyclic graph that is given as a dict of node and parents."""

from collections.abc import Hashable, Iterable, Mapping
from contextlib import suppress
from typing import Any

Parents = dict[Any, tuple[Any, ...]]  # of every node; nodes are hashable


def as_parents(parents: Any) -> Parents:
    """Return a copy of a mapping of parents, where every parent is a key."""
    if not isinstance(parents, Mapping):
        given = type(parents).__name__
        raise TypeError(f"parents must map nodes to their parents, got {given}; give a dict.")
    if not parents:
        raise ValueError(f"a hierarchy needs at least one node, got {parents!r}.")
    copies = {node: _as_parents_of(node, given) for node, given in parents.items()}
    for node, parent in ((node, parent) for node, above in copies.items() for parent in above):
        if parent not in parents:
            raise ValueError(f"{parent!r}, a parent of {node!r}, is not among the nodes; add it.")
    return copies


def _as_parents_of(node: Hashable, given: Any) -> tuple[Any, ...]:
    with suppress(TypeError):  # not iterable, or contains something that cannot be hashed
        if not isinstance(given, str):
            return tuple(dict.fromkeys(given))
    wanted = f"the parents of {node!r} must be an iterable of hashable nodes such as a list"
    raise TypeError(f"{wanted}, got {given!r:.80}.")


def children_of(parents: Parents) -> dict[Any, list[Any]]:
    """Return the children of every node."""
    children: dict[Any, list[Any]] = {node: [] for node in parents}
    for node, above in parents.items():
        for parent in above:
            children[parent].append(node)
    return children


def topological_order(parents: Parents) -> list[Any]:
    """Order the nodes such that every parent comes before its children."""
    children = children_of(parents)
    waiting = {node: len(above) for node, above in parents.items()}
    order = [node for node, count in waiting.items() if count == 0]
    for node in order:  # the list grows during the loop
        for child in children[node]:
            waiting[child] -= 1
            if waiting[child] == 0:
                order.append(child)
    if len(order) < len(parents):
        cycle = _find_cycle(parents, set(parents).difference(order))
        raise ValueError("the parents form a cycle: " + " -> ".join(map(repr, cycle)))
    return order


def _find_cycle(parents: Parents, stuck: set[Any]) -> list[Any]:
    """Return a path from a child over its parents back to it; each node has a stuck parent."""
    node = next(node for node in parents if node in stuck)
    seen: dict[Any, int] = {}
    while node not in seen:
        seen[node] = len(seen)
        node = next(parent for parent in parents[node] if parent in stuck)
    return [*list(seen)[seen[node] :], node]


def reachable(node: Hashable, edges: Mapping[Any, Iterable[Any]]) -> set[Any]:
    """Return all nodes that can be reached over the edges, without the node itself."""
    found = set()
    stack = [node]
    while stack:
        for neighbour in edges[stack.pop()]:
            if neighbour not in found:
                found.add(neighbour)
                stack.append(neighbour)
    return found


def nearest_kept(parents: Parents, order: list[Any], kept: set[Any]) -> Parents:
    """Return the parents of every node after all nodes but `kept` are removed."""
    nearest: Parents = {}
    for node in order:
        found = {}
        for parent in parents[node]:
            found.update(dict.fromkeys((parent,) if parent in kept else nearest[parent]))
        nearest[node] = tuple(found)
    return nearest
