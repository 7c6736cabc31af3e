"""Which nodes of a label hierarchy a picture has room for, and in what lines."""

import heapq
from dataclasses import dataclass
from typing import Any, TypeAlias

from .._types import Array
from ..hierarchy import LabelHierarchy
from ._outputs import trimmed

Place: TypeAlias = tuple[Any, ...]  # the way down to a node: one with two parents has two places
LONGEST_LINE = 40  # characters of a line, those that draw the tree included


@dataclass(frozen=True)
class Line:
    """A line of the picture: a node, or how many are not shown."""

    text: str
    nodes: tuple[int, ...]
    left_out: bool = False


def tree_lines(
    hierarchy: LabelHierarchy, support: Array, root: Any, max_depth: int, max_nodes: int
) -> list[Line]:
    """Choose nodes, those with more videos first, and put them in the order of the tree."""
    tree = _Tree(hierarchy, support)
    tops = list(hierarchy.roots) if root is None else [root]
    return tree.lines((), tops, "", tree.shown(tops, max_depth, max_nodes))


class _Tree:
    def __init__(self, hierarchy: LabelHierarchy, support: Array) -> None:
        self.hierarchy, self.support = hierarchy, support
        self.names: dict[Any, str] = dict(
            zip(hierarchy.nodes, hierarchy.display_names, strict=True)
        )

    def shown(self, tops: list[Any], max_depth: int, max_nodes: int) -> set[Place]:
        """Take the place with most videos of those below what is taken, until there are enough."""
        waiting = [self._waiting((top,)) for top in tops]
        heapq.heapify(waiting)
        taken = set[Place]()
        while waiting and len(taken) < max_nodes:
            *_, place = heapq.heappop(waiting)
            taken.add(place)
            if len(place) < max_depth:
                for child in self.hierarchy.children(place[-1]):
                    heapq.heappush(waiting, self._waiting((*place, child)))
        return taken

    def _waiting(self, place: Place) -> tuple[float, int, tuple[int, ...], Place]:
        # Indices decide between places with as many videos: nodes need not have an order.
        indices = tuple(self.hierarchy.index(node) for node in place)
        return -float(self.support[indices[-1]]), len(place), indices, place

    def lines(self, above: Place, nodes: list[Any], strokes: str, shown: set[Place]) -> list[Line]:
        """Lines of the nodes at one place, and of all below them."""
        inside = [node for node in nodes if (*above, node) in shown]
        inside.sort(key=lambda node: -self.support[self.hierarchy.index(node)])
        outside = [self.hierarchy.index(node) for node in nodes if (*above, node) not in shown]
        found: list[Line] = []
        for number, node in enumerate(inside):
            last = number == len(inside) - 1 and not outside
            found += self._node_lines((*above, node), strokes, last, shown)
        if outside and inside:
            text = f"{strokes}{'└─ ' if above else ''}+ {len(outside):,} more"
            found.append(Line(text, tuple(outside), True))
        return found

    def _node_lines(self, place: Place, strokes: str, last: bool, shown: set[Place]) -> list[Line]:
        node, children = place[-1], list(self.hierarchy.children(place[-1]))
        stroke = ("└─ " if last else "├─ ") if len(place) > 1 else ""
        further = strokes + (("   " if last else "│  ") if len(place) > 1 else "")
        below = self.lines(place, children, further, shown)
        count = ""
        if children and not below:
            count = f" (+{len(self.hierarchy.descendants(node)):,} below)"
        room = LONGEST_LINE - len(strokes + stroke + count)
        text = f"{strokes}{stroke}{trimmed(self._name(place), max(room, 8))}{count}"
        return [Line(text, (self.hierarchy.index(node),)), *below]

    def _name(self, place: Place) -> str:
        """Name of a node, without that of the node above where it is a path of names."""
        name = self.names[place[-1]]
        above = self.names[place[-2]] if len(place) > 1 else ""
        rest = name.removeprefix(above)
        path = above and rest != name and len(rest) > 1 and not rest[0].isalnum()
        return rest[1:] if path and not rest[0].isspace() else name
