"""The nodes of a label hierarchy that are drawn, as lines of text."""

import heapq
from dataclasses import dataclass
from typing import Any, TypeAlias

from .._types import Array
from ..hierarchy import LabelHierarchy
from ._outputs import trimmed

Path: TypeAlias = tuple[Any, ...]  # from a root to a node; a node with two parents has two
MAX_CHARACTERS = 40  # of a line, those that draw the tree included


@dataclass(frozen=True)
class Line:
    """A line of the plot: one node, or the nodes that are left out at its place."""

    text: str
    nodes: tuple[int, ...]
    left_out: bool = False


def tree_lines(
    hierarchy: LabelHierarchy, support: Array, root: Any, max_depth: int, max_nodes: int
) -> list[Line]:
    """Select the nodes with the most videos, and return them in the order of the tree."""
    tree = _Tree(hierarchy, support)
    tops = list(hierarchy.roots) if root is None else [root]
    return tree.lines((), tops, "", tree.select(tops, max_depth, max_nodes))


class _Tree:
    def __init__(self, hierarchy: LabelHierarchy, support: Array) -> None:
        self.hierarchy, self.support = hierarchy, support
        self.names: dict[Any, str] = dict(
            zip(hierarchy.nodes, hierarchy.display_names, strict=True)
        )

    def select(self, tops: list[Any], max_depth: int, max_nodes: int) -> set[Path]:
        """Select paths one by one: a root or child of a selected node with the most videos."""
        candidates = [self._candidate((top,)) for top in tops]
        heapq.heapify(candidates)
        selected = set[Path]()
        while candidates and len(selected) < max_nodes:
            *_, path = heapq.heappop(candidates)
            selected.add(path)
            if len(path) < max_depth:
                for child in self.hierarchy.children(path[-1]):
                    heapq.heappush(candidates, self._candidate((*path, child)))
        return selected

    def _candidate(self, path: Path) -> tuple[float, int, tuple[int, ...], Path]:
        # Ties are broken by indices, as nodes need not have an order.
        indices = tuple(self.hierarchy.index(node) for node in path)
        return -float(self.support[indices[-1]]), len(path), indices, path

    def lines(
        self, parent: Path, nodes: list[Any], strokes: str, selected: set[Path]
    ) -> list[Line]:
        """Lines of the nodes below one path, and of their descendants."""
        inside = [node for node in nodes if (*parent, node) in selected]
        inside.sort(key=lambda node: -self.support[self.hierarchy.index(node)])
        outside = [self.hierarchy.index(node) for node in nodes if (*parent, node) not in selected]
        found: list[Line] = []
        for number, node in enumerate(inside):
            last = number == len(inside) - 1 and not outside
            found += self._node_lines((*parent, node), strokes, last, selected)
        if outside and inside:
            text = f"{strokes}{'└─ ' if parent else ''}+ {len(outside):,} more"
            found.append(Line(text, tuple(outside), True))
        return found

    def _node_lines(self, path: Path, strokes: str, last: bool, selected: set[Path]) -> list[Line]:
        node, children = path[-1], list(self.hierarchy.children(path[-1]))
        stroke = ("└─ " if last else "├─ ") if len(path) > 1 else ""
        further = strokes + (("   " if last else "│  ") if len(path) > 1 else "")
        below = self.lines(path, children, further, selected)
        count = ""
        if children and not below:
            count = f" (+{len(self.hierarchy.descendants(node)):,} below)"
        width = max(MAX_CHARACTERS - len(strokes + stroke + count), 8)
        text = f"{strokes}{stroke}{trimmed(self._name(path), width)}{count}"
        return [Line(text, (self.hierarchy.index(node),)), *below]

    def _name(self, path: Path) -> str:
        """Name of a node; if it begins with the parent's name and a separator, the rest."""
        name = self.names[path[-1]]
        parent = self.names[path[-2]] if len(path) > 1 else ""
        rest = name.removeprefix(parent)
        is_path = parent and rest != name and len(rest) > 1 and not rest[0].isalnum()
        return rest[1:] if is_path and not rest[0].isspace() else name
