"""The correlation tower of a classifier's fit: none, a fitted one, or one to train."""

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral
from typing import Any

import joblib
from joblib import Memory
from sklearn.base import clone
from sklearn.callback import CallbackContext
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_memory

from ..correlation import CorrelationTower, NoNegativePairsError
from ..modules import FUSIONS, FrameStats, fusion_without_tower
from ..multimodal import MultimodalArray, StatsRequest
from ..training import Processes, Targets, Videos
from ..validation import order_hierarchy, short
from ._start import Start

CHECKPOINT_PARAMS = ("checkpoint", "checkpoint_interval", "resume")


def check_tower_params(tower: Any, *, is_trained: bool) -> None:
    """Raise TypeError, ValueError or NotFittedError unless this can be `correlation_tower`."""
    frozen = isinstance(tower, FrozenEstimator)
    inner = tower.estimator if frozen else tower
    wanted = (
        "correlation_tower must be None, a CorrelationTower or a FrozenEstimator of a fitted one"
    )
    if not isinstance(inner, CorrelationTower) and tower is not None:
        raise TypeError(f"{wanted}, got {short(tower)}.")
    if frozen and not hasattr(inner, "net_"):
        raise NotFittedError(f"{wanted}, got one that is not fitted.")
    if not frozen and tower is not None and is_trained:
        tower._check_params()


def warn_of_one_modality(fusion: str, X: MultimodalArray) -> None:
    """Warn if a fusion that needs two modalities has one."""
    needs_two = FUSIONS[fusion].influences or FUSIONS[fusion].uses_correlation is not None
    if needs_two and len(widths := X.n_features) == 1:
        ((name, width),) = widths.items()
        warnings.warn(
            f"fusion={fusion!r} needs two modalities, but X has one, {name!r} with {width} "
            "features: one encoder is trained, without influences or a correlation tower, as with "
            "fusion='late'. If X has several modalities side by side, give their widths, such as "
            "modalities={'video': 1024, 'audio': 128}.",
            UserWarning,
            stacklevel=2,
        )


def check_memory_param(name: str, memory: Any) -> None:
    """Raise TypeError or ValueError unless this can be the parameter `memory`."""
    wanted = f"{name} must be the path of a folder as a str, a joblib.Memory or None"
    if not isinstance(memory, str | None) and not hasattr(memory, "cache"):
        raise TypeError(f"{wanted}, got {short(memory)}.")
    if isinstance(memory, str) and (not memory or "\0" in memory):
        raise ValueError(f"{wanted}, got {memory!r}.")


def given_tower(frozen: FrozenEstimator, X: MultimodalArray) -> CorrelationTower:
    """Return a fitted tower; ValueError if it was fitted on other modalities."""
    tower: CorrelationTower = frozen.estimator
    if list(tower._n_features.items()) != list(X.n_features.items()):
        before = f"correlation_tower was fitted on {tower._n_features}"
        raise ValueError(f"{before}; names, widths and order must be those of X, {X.n_features}.")
    return tower


@dataclass(frozen=True)
class TowerPlan:
    """The tower of a fit: None without one; with `train` it is to be trained on `videos`."""

    tower: CorrelationTower | None = None
    train: Callable[[Any], CorrelationTower] | None = None  # with the statistics of the frames
    request: StatsRequest | None = None  # of these statistics
    videos: Videos | None = None
    memory: Memory | None = None  # where trained towers are kept
    fusion: str | None = None  # in place of the one that needs a tower, if none can be trained

    def run(
        self, classifier: Any, context: CallbackContext, stats: FrameStats | None
    ) -> CorrelationTower | None:
        """Return the fitted tower, or None; print and announce its training."""
        if self.train is None:
            return self.tower
        verbose = classifier.verbose and Processes.of(classifier.device).index == 0
        if verbose:
            print("Correlation tower")
        tower = self._train(classifier, context.subcontext(task_name="correlation tower"), stats)
        if tower.net_.interrupted:
            warnings.warn(
                f"The correlation tower was interrupted after {tower.n_iter_} epochs and is used "
                f"as it is; now {type(classifier).__name__} is trained, until it is interrupted, "
                "too.",
                UserWarning,
                stacklevel=2,
            )
        if verbose:
            print(type(classifier).__name__)
        return tower

    def _train(
        self, classifier: Any, task: CallbackContext, stats: FrameStats | None
    ) -> CorrelationTower:
        tower: Any = self.tower
        videos: Any = self.videos
        train: Any = self.train
        cached = self.memory is not None
        arguments = {"estimator": classifier, **videos.callback_arguments()}
        # A tower in a file cannot hold the user's callbacks, so they are not propagated to it.
        with nullcontext() if cached else task.propagate_callback_context(tower):
            task.call_on_fit_task_begin(**arguments)
            fitted: CorrelationTower = _find(self, stats) if cached else train(stats)
            task.call_on_fit_task_end(**arguments)
        return fitted


def plan_tower(classifier: Any, start: Start, videos: Videos, seed: int) -> TowerPlan:
    """Choose the tower of a fit on these videos: none, a fitted one, or one to train."""
    X, given = videos.X, classifier.correlation_tower
    if not classifier._needs_tower(len(X.modality_names)):
        return TowerPlan()
    fitted = given_tower(given, X) if isinstance(given, FrozenEstimator) else None
    kept, without = start.tower(given), fusion_without_tower(classifier.fusion)
    if kept is not None or fitted is not None:
        return TowerPlan(fitted if kept is None else kept)
    if start.continues and start.source.net_.module__fusion == without:
        return TowerPlan(fusion=without)  # as in the fit before
    tower = classifier._default_tower(X) if given is None else clone(given)
    if hasattr(given, "net_"):
        warnings.warn(
            "correlation_tower is fitted, and a copy of it is trained from scratch; to use it as "
            "it is, give FrozenEstimator(tower).",
            UserWarning,
            stacklevel=2,
        )
    memory = _memory(classifier, tower)
    _inherit_params(classifier, tower, seed)
    tower.set_params(hierarchy=order_hierarchy(tower.hierarchy, videos.names))
    tower._check_params()
    videos = replace(videos, weighted=True)
    if type(tower).fit is not CorrelationTower.fit:  # a subclass with a `fit` of its own

        def train(stats: Any) -> Any:
            return tower.fit(videos.X, videos.y, sample_weight=videos.weight)

        return TowerPlan(tower, train, None, videos, memory)
    try:
        prepared = tower._prepare(videos, None, Targets(videos.y, tower.hierarchy))
    except NoNegativePairsError as error:
        reason = str(error).partition(";")[0]
        warnings.warn(
            f"fusion={classifier.fusion!r} needs a correlation tower, which cannot be trained. "
            f"{reason}. There is no tower, and the network is that of fusion={without!r}.",
            UserWarning,
            stacklevel=2,
        )
        return TowerPlan(fusion=without)
    return TowerPlan(tower, partial(tower._fit, prepared), prepared.request, videos, memory)


def _inherit_params(classifier: Any, tower: CorrelationTower, seed: int) -> None:
    """Set the parameters of a tower that the classifier decides."""
    if tower.hierarchy is None:
        tower.set_params(hierarchy=classifier.hierarchy)
    if classifier.device == "accelerate":
        tower.set_params(device=classifier.device)  # else every process would train its own
    if tower.random_state is None:
        tower.set_params(random_state=seed)
    if classifier.checkpoint is not None:
        # Like memory, the checkpoint serves every classifier with the same tower.
        tower.set_params(resume=True)
        if tower.checkpoint is None:
            interval = classifier.checkpoint_interval
            tower.set_params(checkpoint=classifier.checkpoint, checkpoint_interval=interval)


def _memory(classifier: Any, tower: CorrelationTower) -> Memory | None:
    """Return where to keep the tower, or None if nowhere."""
    if classifier.memory is None:
        return None
    if not any(isinstance(part.random_state, Integral) for part in (tower, classifier)):
        warnings.warn(
            "memory keeps no tower without an int as random_state of the tower or the classifier, "
            "as it could not be found again.",
            UserWarning,
            stacklevel=2,
        )
        return None
    memory: Memory = check_memory(classifier.memory)
    return None if getattr(memory, "location", memory) is None else memory


class _Interrupted(Exception):  # noqa: N818, no error: it carries a tower past the cache
    def __init__(self, tower: CorrelationTower) -> None:
        super().__init__(tower)
        self.tower = tower


def _find(plan: Any, stats: Any) -> CorrelationTower:
    """Return a tower that was trained in the same way, or train and keep it."""
    tower, videos = plan.tower, plan.videos
    find = plan.memory.cache(_train_to_keep, ignore=["train", "stats"])
    arguments: Any = None
    processes, kept = Processes.of(tower.device), None
    if processes.index == 0:  # it reads and writes for all processes
        params = {k: v for k, v in tower.get_params().items() if k not in CHECKPOINT_PARAMS}
        key = joblib.hash([type(tower), params, videos.y, videos.weight])
        arguments = (plan.train, stats, key, videos.X.digest())
        if processes.count > 1 and find.check_call_in_cache(*arguments):
            # A tower that cannot be read is an error, as one process cannot train it alone.
            kept = find.call_and_shelve(*arguments).get()
    found: Any = processes.agree(kept)
    if found is None and arguments is None:
        found = plan.train(stats)
    elif found is None:
        try:
            found = find(*arguments)
        except _Interrupted as interrupted:
            found = interrupted.tower
    fitted: CorrelationTower = found
    return fitted


def _train_to_keep(train: Any, stats: Any, key: str, digest: str) -> CorrelationTower:
    tower: CorrelationTower = train(stats)
    if tower.net_.interrupted:
        raise _Interrupted(tower)
    return tower
