"""The state of a fitted tower, which beside that of its network has the names of the pairs."""

from collections.abc import Mapping
from typing import Any

from ..modules import CorrelationNetwork
from ..training import set_state


def set_tower_state(self: Any, state: Mapping[str, Any]) -> None:
    """Restore a fitted tower; ValueError if the state is not that of one."""
    set_state(self, state, CorrelationNetwork)
    names = self.modality_names_in_
    self.pairs_ = [(names[a], names[b]) for a, b in self.module_.pairs]
