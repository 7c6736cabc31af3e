"""The state of a fitted classifier: its labels and its tower beside the network."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from ..correlation import CorrelationTower
from ..hierarchy import LabelHierarchy
from ..modules import FUSIONS, CrossModalNetwork
from ..training import Targets, get_state, set_state
from ..validation import FLAG, SHARE

ENTRIES = ("targets", "correlation_tower", "embeds_correlation", "best_validation_score")


def get_classifier_state(self: Any) -> dict[str, Any]:
    """Return the state, see `register_model`."""
    if not (state := get_state(self)):
        return {}
    targets = self._targets
    return {
        **state,
        "targets": {
            "classes": len(targets.classes) if targets.multilabel else targets.classes,
            "hierarchy": targets.hierarchy,
            "sparse": targets.sparse,
            "dtype": targets.dtype.str,
        },
        "correlation_tower": self.correlation_tower_,
        "embeds_correlation": self._embeds_correlation,
        "best_validation_score": self.best_validation_score_,
    }


def set_classifier_state(self: Any, state: Mapping[str, Any]) -> None:
    """Restore a fitted classifier; ValueError if labels, tower and network do not fit."""
    params = set_state(self, state, CrossModalNetwork, *ENTRIES)
    targets = _targets(state["targets"], params["n_outputs"])
    tower, embeds, best = (state[name] for name in ENTRIES[1:])
    FLAG("embeds_correlation", embeds)
    if best is not None:
        SHARE("best_validation_score", best)
    _check_tower(self, tower, params, embeds)
    self._targets, self.classes_, self.label_names_ = targets, targets.classes, targets.names
    self.correlation_tower_, self._embeds_correlation = tower, embeds
    self.best_validation_score_ = best


def _targets(about: Any, n_outputs: int) -> Targets:
    """Return the form of y; ValueError unless the network has an output per class."""
    classes, hierarchy = about["classes"], about["hierarchy"]
    FLAG("sparse", about["sparse"])
    if set(about) != {"classes", "hierarchy", "sparse", "dtype"}:
        raise ValueError(f"targets must have four entries, got {about!r:.80}.")
    if not isinstance(hierarchy, LabelHierarchy | None):
        raise ValueError(f"hierarchy must be a LabelHierarchy, got {hierarchy!r:.80}.")
    multilabel = type(classes) is int
    shape = (classes,) if multilabel else classes.shape
    if shape != (n_outputs,):
        raise ValueError(f"there are {shape} classes, and the network has {n_outputs} outputs.")
    if multilabel:
        y = np.zeros((1, n_outputs), _dtype(about["dtype"], "biuf"))
        return Targets(csr_array(y) if about["sparse"] else y, hierarchy)
    targets = Targets(classes, hierarchy)
    if len(classes) < 2 or not np.array_equal(targets.classes, classes):
        raise ValueError(f"classes must differ and be sorted, got {classes!r:.80}.")
    targets.dtype = _dtype(about["dtype"], "biufUO")
    return targets


def _dtype(name: Any, kinds: str) -> np.dtype[Any]:
    dtype = np.dtype(name if isinstance(name, str) and len(name) < 12 else "V")
    if dtype.kind not in kinds or dtype.names or dtype.subdtype:
        raise ValueError(f"y cannot have the dtype {name!r:.80}.")
    return dtype


def _check_tower(self: Any, tower: Any, params: Mapping[str, Any], embeds: bool) -> None:
    """Raise ValueError unless the classifier has the tower that its network needs."""
    given = getattr(self.correlation_tower, "estimator", self.correlation_tower)
    if not isinstance(given, CorrelationTower | None):
        raise ValueError(f"correlation_tower must be a tower, got {given!r:.80}.")
    fusion = FUSIONS[params.get("fusion", self.fusion)]  # another one if there was no tower
    if not fusion.needs_tower(self.influence, len(self.modality_names_in_)):
        if tower is not None:
            raise ValueError("there is a correlation tower that the network does not use.")
        return
    if not isinstance(tower, CorrelationTower) or "net_" not in vars(tower):
        raise ValueError(f"a fitted correlation tower is needed, got {tower!r:.80}.")
    n_numbers = tower.module_.outputs[0].in_features if embeds else 1
    gives = [*tower._n_features.items(), n_numbers]
    if gives != (needed := [*self._n_features.items(), params.get("n_correlation", 1)]):
        raise ValueError(f"a tower of {needed} numbers per pair is needed, got one of {gives}.")
