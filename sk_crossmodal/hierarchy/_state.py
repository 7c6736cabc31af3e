"""The state of a `LabelHierarchy`: nodes, and the rest by the numbers of the nodes."""

from collections.abc import Iterable, Mapping
from typing import Any

ENTRIES = {"nodes", "parents", "names", "left_out"}


def get_state(parents: Any, names: Any, left_out: Any) -> dict[str, Any]:
    """Return the state; TypeError if a node is of a type that a file cannot contain."""
    numbers = {node: i for i, node in enumerate(parents)}
    _check_nodes([*parents, *left_out])
    return {
        "nodes": [_plain(node) for node in parents],
        "parents": [[numbers[node] for node in above] for above in parents.values()],
        "names": [[numbers[node], name] for node, name in names.items()],
        "left_out": [
            [_plain(label), [numbers[node] for node in above]] for label, above in left_out.items()
        ],
    }


def read_state(state: Mapping[str, Any]) -> dict[str, dict[Any, Any]]:
    """Return parents, names and left out labels of a state; ValueError if it is none."""
    if state.keys() != ENTRIES:
        raise ValueError(f"a hierarchy has the lists {sorted(ENTRIES)}, got {sorted(state)}.")
    nodes = tuple(state["nodes"])

    def at(numbers: Any) -> tuple[Any, ...]:
        if any(number not in range(len(nodes)) for number in numbers):
            raise ValueError(f"expected numbers of {len(nodes)} nodes, got {numbers!r:.80}.")
        return tuple(nodes[i] for i in numbers)

    parents = dict(zip(nodes, map(at, state["parents"]), strict=True))
    names = {at([number])[0]: name for number, name in state["names"]}
    left_out = {label: at(numbers) for label, numbers in state["left_out"]}
    _check_nodes([*nodes, *left_out])
    if len(parents) < len(nodes) or parents.keys() & left_out.keys():
        raise ValueError(f"all nodes must differ, got {[*nodes, *left_out]!r:.80}.")
    return {"parents": parents, "names": names, "left_out": left_out}


def _plain(node: Any) -> Any:
    return node.item() if hasattr(node, "item") else node


def _check_nodes(nodes: Iterable[Any]) -> None:
    """Raise TypeError unless all nodes are of types that a file can contain."""
    if wrong := [node for node in nodes if not _is_plain(_plain(node))]:
        wanted = "a model file can contain str, int, bool, None, or tuples of these"
        raise TypeError(f"{wrong[0]!r:.80} is a node of the hierarchy: {wanted}.")


def _is_plain(node: Any) -> bool:
    if type(node) is tuple:
        return all(map(_is_plain, node))
    return type(node) in (str, int, bool, type(None))
