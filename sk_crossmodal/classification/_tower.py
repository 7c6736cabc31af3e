"""How a classifier comes by its correlation tower: given, trained, or kept from before."""

import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import fields
from numbers import Integral
from os import PathLike
from typing import Any

import joblib
import numpy as np
from joblib import Memory
from sklearn.base import clone
from sklearn.callback import CallbackContext
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_memory
from torch import nn

from .._types import Array
from ..correlation import CorrelationTower
from ..hierarchy import LabelHierarchy
from ..multimodal import MultimodalArray
from ..training import NetworkEstimator, Processes, Videos, short

OF_CHECKPOINTS = ("checkpoint", "checkpoint_interval", "resume")
NEEDS_TOWER = ("cross_modal_gated", "cross_modal_concat")


class TowerUser:
    """The part of a classifier that has to do with its tower, and what it needs of the others."""

    fusion: str
    influence: str
    correlation_tower: CorrelationTower | FrozenEstimator | None
    correlation_features: str
    hierarchy: LabelHierarchy | None
    device: str
    memory: str | Memory | None
    random_state: int | np.random.RandomState | None
    checkpoint: str | PathLike[str] | None
    checkpoint_interval: float
    verbose: int
    _encoder: type[nn.Module]

    def _encoder_params(self, names: Sequence[str]) -> dict[str, Any]:
        """Return arguments of the encoder; ValueError if they do not fit these modalities."""
        raise NotImplementedError

    def _width(self) -> int:
        """Return the width of the layer that fuses the encoders."""
        raise NotImplementedError

    def _uses_tower(self, n_modalities: int) -> bool:
        # A gate on no influence would be a tower for nothing.
        gated_nothing = self.fusion == "cross_modal_gated" and self.influence == "none"
        return self.fusion in NEEDS_TOWER and n_modalities > 1 and not gated_nothing

    def _trains_tower(self, X: MultimodalArray) -> bool:
        frozen = isinstance(self.correlation_tower, FrozenEstimator)
        return self._uses_tower(len(X.modality_names)) and not frozen

    def _check_memory(self) -> None:
        """Refuse what is no memory."""
        wanted = "memory must be the path of a folder as a str, a joblib.Memory or None"
        if not isinstance(self.memory, str | None) and not hasattr(self.memory, "cache"):
            raise TypeError(f"{wanted}, got {short(self.memory)}.")
        if isinstance(self.memory, str) and (not self.memory or "\0" in self.memory):
            raise ValueError(f"{wanted}, got {self.memory!r}.")

    def _check_tower_params(self) -> None:
        """Refuse a tower of the wrong type, one that is frozen unfitted, and wrong parameters."""
        tower = self.correlation_tower
        frozen = isinstance(tower, FrozenEstimator)
        if isinstance(tower, FrozenEstimator):
            tower = tower.estimator
        wanted = "correlation_tower must be None, a CorrelationTower or a FrozenEstimator of a"
        if not isinstance(tower, CorrelationTower) and (frozen or tower is not None):
            raise TypeError(f"{wanted} fitted one, got {short(self.correlation_tower)}.")
        if frozen and not hasattr(tower, "net_"):
            raise NotFittedError(f"{wanted} fitted one, got one that is not fitted.")
        if not frozen and tower is not None and self.fusion in NEEDS_TOWER:
            tower._check_params()

    def _check_tower(self, X: MultimodalArray) -> None:
        """Refuse a tower that was fitted on other modalities."""
        tower = self.correlation_tower
        if not isinstance(tower, FrozenEstimator) or not self._uses_tower(len(X.modality_names)):
            return
        tower = tower.estimator
        if (tower.modality_names_in_, tower._n_features) != (X.modality_names, X.n_features):
            raise ValueError(
                f"correlation_tower was fitted on {tower._n_features}, but X has "
                f"{X.n_features}; names, widths and order must be the same."
            )

    def _fit_tower(
        self, videos: Videos, seed: int, context: CallbackContext
    ) -> CorrelationTower | None:
        """Return the tower to use: as given, or trained on these videos alone; None if unused."""
        if not self._uses_tower(len(videos.X.modality_names)):
            return None
        tower: CorrelationTower
        if isinstance(self.correlation_tower, FrozenEstimator):
            tower = self.correlation_tower.estimator
            return tower
        if self.correlation_tower is None:
            tower = self._default_tower(videos.X)
        else:
            tower = clone(self.correlation_tower)
            if hasattr(self.correlation_tower, "net_"):
                warnings.warn(
                    "correlation_tower is fitted, and a copy of it is trained anew; to use it as "
                    "it is, give FrozenEstimator(tower).",
                    UserWarning,
                    stacklevel=2,
                )
        if tower.hierarchy is None:
            tower.set_params(hierarchy=self.hierarchy)
        if self.device == "accelerate":
            tower.set_params(device=self.device)  # else every process would train its own
        memory = check_memory(self.memory)
        if self.memory is not None and not any(
            isinstance(part.random_state, Integral) for part in (tower, self)
        ):
            warnings.warn(
                "memory keeps no tower where random_state is no int, in the tower or in the "
                "classifier, as it would not be found again; give one of them an int.",
                UserWarning,
                stacklevel=2,
            )
            memory = check_memory(None)
        if tower.random_state is None:
            tower.set_params(random_state=seed)
        if self.checkpoint is not None:
            # As with memory, it is the same tower, whichever classifier it was trained for.
            tower.set_params(resume=True)
            if tower.checkpoint is None:
                tower.set_params(
                    checkpoint=self.checkpoint, checkpoint_interval=self.checkpoint_interval
                )
        speaks = self.verbose and Processes.of(self.device).index == 0
        if speaks:
            print("Correlation tower")
        task = context.subcontext(task_name="correlation tower")
        tower = fit_tower(tower, videos, memory, task, self)
        if tower.net_.interrupted:
            warnings.warn(
                f"The correlation tower was interrupted after {tower.n_iter_} epochs and is used "
                f"as it is; now {type(self).__name__} is trained, until it is interrupted, too.",
                UserWarning,
                stacklevel=2,
            )
        if speaks:
            print(type(self).__name__)
        return tower

    def _default_tower(self, X: MultimodalArray) -> CorrelationTower:
        """Return a tower of the classifier's own kind, size and training."""
        own = ("modalities", "callbacks", "net_params", "random_state")
        shared = [field.name for field in fields(NetworkEstimator) if field.name not in own]
        return CorrelationTower(
            encoder=self._encoder,
            encoder_params=self._encoder_params(X.modality_names),
            hidden_layer_sizes=(self._width(),),
            **{name: getattr(self, name) for name in shared},
        )

    def _embeds(self) -> bool:
        return self.correlation_features == "embedding" and self.fusion == "cross_modal_concat"

    def _correlation(
        self,
        tower: CorrelationTower | None,
        X: MultimodalArray,
        embeds: bool,
        processes: Processes | None = None,
    ) -> dict[str, Array]:
        """What the network is told about the correlation of each video, as its extra input."""
        if tower is None:
            return {}
        judge = tower.embed if embeds else tower.predict_proba
        verdicts = judge(X) if processes is None else processes.apply(judge, X)
        return {"correlation": verdicts if embeds else verdicts[:, :, None]}


class _Interrupted(Exception):  # noqa: N818, no error: it carries a tower past the cache
    def __init__(self, tower: CorrelationTower) -> None:
        super().__init__(tower)
        self.tower = tower


def fit_tower(
    tower: CorrelationTower,
    videos: Videos,
    memory: Memory,
    task: CallbackContext,
    classifier: TowerUser,
) -> CorrelationTower:
    """Fit a tower, or find one that was fitted so on the same videos."""
    kept = getattr(memory, "location", memory) is not None
    told = {"estimator": classifier, **videos.callback_arguments()}
    # What callbacks hold cannot be kept in a file, so a tower to be kept is not told of them.
    with nullcontext() if kept else task.propagate_callback_context(tower):
        task.call_on_fit_task_begin(**told)
        tower = _find(tower, videos, memory) if kept else _fit(tower, videos)
        task.call_on_fit_task_end(**told)
    return tower


def _find(tower: CorrelationTower, videos: Videos, memory: Memory) -> CorrelationTower:
    find = memory.cache(_fit_to_keep, ignore=["tower", "videos"])
    processes, found, kept = Processes.of(tower.device), None, None
    if processes.index == 0:  # it reads and writes for all
        params = {k: v for k, v in tower.get_params().items() if k not in OF_CHECKPOINTS}
        key = joblib.hash([type(tower), params, videos.y, videos.weight])
        found = (tower, videos, key, videos.X.digest())
        if processes.count > 1 and find.check_call_in_cache(*found):
            # A tower that cannot be read is an error: one process cannot train it alone.
            kept = find.call_and_shelve(*found).get()
    kept = processes.agree(kept)
    if kept is not None or found is None:
        return _fit(tower, videos) if kept is None else kept
    try:
        tower = find(*found)
    except _Interrupted as interrupted:
        tower = interrupted.tower
    return tower


def _fit_to_keep(
    tower: CorrelationTower, videos: Videos, key: str, digest: str
) -> CorrelationTower:
    tower = _fit(tower, videos)
    if tower.net_.interrupted:
        raise _Interrupted(tower)
    return tower


def _fit(tower: CorrelationTower, videos: Videos) -> CorrelationTower:
    fitted: CorrelationTower = tower.fit(videos.X, videos.y, sample_weight=videos.weight)
    return fitted
