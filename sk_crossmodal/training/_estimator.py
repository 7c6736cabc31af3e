"""`NetworkEstimator`: input validation, training and prediction of every estimator."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._docs import inherit_entries
from .._links import LinkedEstimator
from ..modules import FrameStats
from ..multimodal import (
    MultimodalArray,
    StatsRequest,
    as_fitted,
    as_long_videos,
    has_named_modalities,
    read_known,
    scan_frames,
    unseen_shares,
)
from ..validation import check_sample_weight, column_names, short
from ._build import NetworkSpec, build_net, check_padding
from ._callbacks import SklearnCallbackBridge
from ._checkpoint import Checkpoint, fit_hashes
from ._config import TrainingConfig
from ._data import FrameDataset, Videos
from ._net import MultimodalNet
from ._processes import Processes
from ._state import get_state
from ._targets import Targets, check_y

AUTO_STOPPING = 1000  # videos from which early_stopping="auto" holds some out


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkEstimator(LinkedEstimator, CallbackSupportMixin, BaseEstimator):
    """Base of estimators that compose a skorch net: input validation, training and prediction.

    A subclass is a dataclass as well: its fields, after these, are keyword arguments of its
    constructor, and its docstring inherits the entries below.

    Parameters
    ----------
    modalities : dict of str to int or slice, or sequence of str, default=None
        How X is read, see :func:`~sk_crossmodal.multimodal.as_multimodal`.
    frame_scaling : {"modality", "feature"} or None, default="modality"
        "modality" subtracts the mean of every feature and divides all features of a modality by
        one number, so that features with larger variance, such as the first principal components,
        keep it. "feature" divides each feature by its own standard deviation. None does not scale.
    mask_padding : bool, default=True
        Whether padding is masked. False pads every video with zero frames up to `max_frames` and
        treats them as frames (Section 4.2).
    max_frames : int, default=300
        Maximum number of time steps per video.
    long_videos : {"pool", "cut"} or dict of str to these, default="pool"
        How videos of more time steps are read: "pool" divides the whole video into `max_frames`
        equal windows and uses the mean of the frames in each; "cut" ignores later time steps, as
        in the paper, with a warning. A dict says so by modality, see
        :meth:`~sk_crossmodal.multimodal.MultimodalArray.pad`.
    dropout : float, default=0.1
        Dropout probability, in the encoders and in the layers after them.
    lr : float, default=2e-4
        Learning rate of Adam at the start (Section 4.2, as are the next three defaults).
    batch_size : int, default=128
        Videos per batch.
    max_epochs : int, default=10
        Maximum number of epochs.
    lr_schedule : {"plateau", "cosine"} or None, default="plateau"
        "plateau" divides the learning rate by ten when the loss (of the held-out videos, if there
        are any) has not improved for more than `lr_patience` epochs; "cosine" decreases it to zero
        at the last of `max_epochs`; None keeps it.
    lr_patience : int, default=2
        See `lr_schedule`.
    weight_decay : float, default=0.0
        Decoupled weight decay: each step multiplies all weights by ``1 - lr * weight_decay``.
    early_stopping : bool or "auto", default="auto"
        Whether to hold out videos, stop when their loss has not improved for five epochs, and
        restore the best weights. "auto" is True from 1000 videos on, or with the `eval_set` of
        `fit`.
    validation_fraction : float, default=0.1
        Fraction of the videos to hold out.
    device : str, default="auto"
        Device to compute on; "auto" is CUDA if available, otherwise the CPU. "accelerate" is for
        the processes of ``accelerate launch`` or ``torchrun``, which divide every batch among
        them, each on its own device; without a launcher it equals "auto". See docs/scale.md.
    precision : {"auto", "float32", "float64", "bfloat16"}, default="auto"
        "auto" is bfloat16 autocast on CUDA and float32 elsewhere.
    compile : bool, default=False
        Whether to compile the network with `torch.compile`.
    callbacks : list of skorch callbacks, default=None
        Added to those of the estimator: instances or classes, or tuples of a name and one.
    net_params : dict, default=None
        Arguments of the skorch net that replace those of the estimator: `batch_size`,
        `callbacks`, `compile`, `device`, `lr`, `max_epochs`, `optimizer`, `precision`, `verbose`,
        and those that begin with ``callbacks__``, ``compile__``, ``criterion__`` or
        ``optimizer__``, such as ``{"optimizer__betas": (0.9, 0.99)}``; `criterion`, a loss or its
        name in :data:`sk_crossmodal.modules.LOSSES`; and, for classifiers, ``module__head``, a
        name in :data:`sk_crossmodal.modules.HEADS`. The estimator sets all others.
    random_state : int, RandomState or None, default=None
        Random seed. torch's global random state is neither used nor changed.
    verbose : int or bool, default=0
        1 prints one line per epoch.
    checkpoint : str or path, default=None
        Folder for the state of training, so that an interrupted fit can be resumed. Each fit has
        its own file there, identified by parameters, frames, labels and weights. It requires an
        int as `random_state`.
    checkpoint_interval : int or float, default=1
        Number of epochs between two checkpoints: a whole number, or a fraction below 1.
    resume : bool, default=False
        Whether `fit` continues from a checkpoint of the same fit, or of the same fit with fewer
        `max_epochs`, if there is one. The weights equal those of an uninterrupted fit, on a CPU
        bit for bit. False raises ValueError if there is a checkpoint of the same fit.

    Attributes
    ----------
    modality_names_in_ : tuple of str
        Names of the modalities seen in `fit`.
    n_features_in_ : int
        Width of a frame, summed over the modalities.
    history_ : list of dict
        One row per epoch: losses and seconds.
    loss_curve_ : list of float
        The training loss of each epoch.
    n_iter_ : int
        Number of epochs trained.
    net_ : skorch.NeuralNet
        The trained net.
    module_ : torch.nn.Module
        The trained network.
    """

    modalities: Mapping[str, int | slice] | Sequence[str] | None = None
    frame_scaling: str | None = "modality"
    mask_padding: bool = True
    max_frames: int = 300
    long_videos: str | Mapping[str, str] = "pool"
    dropout: float = 0.1
    lr: float = 2e-4
    batch_size: int = 128
    max_epochs: int = 10
    lr_schedule: str | None = "plateau"
    lr_patience: int = 2
    weight_decay: float = 0.0
    early_stopping: bool | str = "auto"
    validation_fraction: float = 0.1
    device: str = "auto"
    precision: str = "auto"
    compile: bool = False
    callbacks: list[Any] | None = None
    net_params: Mapping[str, Any] | None = None
    random_state: int | np.random.RandomState | None = None
    verbose: int = 0
    checkpoint: str | PathLike[str] | None = None
    checkpoint_interval: float = 1
    resume: bool = False

    _fitted_names: ClassVar[tuple[str, ...]] = (
        "modality_names_in_",
        "n_features_in_",
        "_n_features",
        "_longest",
        "_rates",
        "net_",
        "module_",
        "history_",
        "n_iter_",
        "loss_curve_",
    )
    # Parameters as models that were saved before these existed had them.
    _params_before: ClassVar[dict[str, Any]] = {"long_videos": "cut"}
    _get_state = get_state

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        base = next(base for base in cls.__mro__[1:] if issubclass(base, NetworkEstimator))
        if cls.__doc__ and base.__doc__:  # python -OO has none
            cls.__doc__ = inherit_entries(cls.__doc__, base.__doc__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**self._params_before, **state})

    def set_params(self, **params: Any) -> Self:
        """Set parameters, all of them or, if one is unknown, none.

        Parameters
        ----------
        **params : dict
            Names and values; ``correlation_tower__lr`` is the `lr` of a `correlation_tower`.

        Returns
        -------
        estimator
            The estimator itself.
        """
        own = self.get_params(deep=False)
        for name in params:
            first, _, inner = name.partition("__")
            nested = bool(inner) and first in own
            part, key = (params.get(first, own[first]), inner) if nested else (self, first)
            known = part.get_params(deep=False) if hasattr(part, "get_params") else {}
            if key.partition("__")[0] not in known:
                kind = type(part).__name__
                raise ValueError(f"Invalid parameter {name!r}: {kind} has {sorted(known)}.")
        super().set_params(**params)
        return self

    def _validate_fit_videos(
        self,
        arrays: Sequence[Any],
        y: Any,
        sample_weight: Any,
        before: Any = None,
        widths: Mapping[str, int] | None = None,
    ) -> Videos:
        """Validate X, y and weights, without reading frames; leave videos of weight 0 out.

        One wide array is split as in the fit of the estimator `before`, if there is one. With
        `widths`, or those of `before`, modalities may have no frames in any video.
        """
        modalities = self.modalities
        widths = before._n_features if before is not None else widths
        if before is None or len(arrays) > 1 or has_named_modalities(arrays[0]):
            X = read_known(*arrays, modalities=modalities, widths=widths)
        else:
            name = type(before).__name__
            X = as_fitted(*arrays, widths=before._n_features, modalities=modalities, name=name)
        as_long_videos(self.long_videos, X.modality_names)
        names, y = column_names(y), check_y(y, len(X))
        weighted = sample_weight is not None
        weight = check_sample_weight(sample_weight, len(X)) if weighted else np.ones(len(X))
        kept = np.flatnonzero(weight)
        names = names if y.ndim == 2 else None
        return Videos(X[kept], y[kept], weight[kept], weighted, source=X, rows=kept, names=names)

    def _validate_eval_set(self, eval_set: Any, videos: Videos, targets: Targets) -> Videos | None:
        """Validate a validation set of the user, and check its frames."""
        if eval_set is None:
            return None
        if not isinstance(eval_set, tuple) or len(eval_set) < 2:
            raise TypeError(f"eval_set must be a tuple (X_val, y_val), got {short(eval_set)}.")
        *arrays, y = eval_set
        try:
            widths = videos.X.n_features
            held_out = self._validate_fit_videos(arrays, y, None, widths=widths)
            scan_frames(held_out.X, self._dtype())
        except (ValueError, TypeError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"In eval_set: {error}") from error
        if (given := held_out.X.n_features) != videos.X.n_features:
            raise ValueError(f"The X of eval_set must have {videos.X.n_features}, got {given}.")
        held_out = targets.align(held_out, "the y of eval_set")
        targets.check(held_out.y, "The y of eval_set")
        return held_out.select(videos.X.modality_names)

    def _dtype(self) -> str:
        """Return the type of the frames in the network."""
        return "float64" if self.precision == "float64" else "float32"

    def _split(
        self, videos: Videos, held_out: Videos | None, seed: int
    ) -> tuple[Videos, Videos | None]:
        """Return the training videos, and the held-out videos if there are any."""
        n = len(videos)
        stop = n >= AUTO_STOPPING if self.early_stopping == "auto" else self.early_stopping
        if held_out is not None or not stop:
            return videos, held_out
        rows = np.random.RandomState(seed).permutation(n)
        count = int(np.ceil(self.validation_fraction * n))
        if count >= n:
            given = f"validation_fraction={self.validation_fraction!r}"
            raise ValueError(f"{given} leaves none of the {n} videos for training: decrease it.")
        return videos.take(np.sort(rows[count:])), videos.take(np.sort(rows[:count]))

    def _seeds(self, count: int) -> list[int]:
        """Draw seeds for the parts of a fit from `random_state`."""
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=count).tolist()
        return Processes.of(self.device).agree(seeds)

    def _placeholder_stats(self, X: MultimodalArray) -> FrameStats:
        """Return means of 0 and scales of 1, in the shapes of the statistics of the frames."""
        per_feature = self.frame_scaling == "feature"
        widths = X.n_features.items()
        return {n: (np.zeros(d), np.ones(d) if per_feature else 1.0) for n, d in widths}

    def _stats_request(self, videos: Videos) -> StatsRequest | None:
        """Return the statistics to compute for scaling the frames of the training videos."""
        if self.frame_scaling is None:
            return None
        return StatsRequest(videos.rows, videos.weight, self.frame_scaling == "feature")

    def _scan(
        self, videos: Videos, requests: Sequence[StatsRequest | None]
    ) -> list[FrameStats | None]:
        """Read all frames once: check that they are finite, and compute the statistics."""
        processes = Processes.of(self.device)
        wanted = [each for each in requests if each is not None]
        first = processes.index == 0  # it computes for all processes
        stats = scan_frames(videos.source, self._dtype(), wanted if first else ())
        found = iter(processes.agree(stats))
        return [None if request is None else next(found) for request in requests]

    @property
    def _reading(self) -> dict[str, Any]:
        """How a `FrameDataset` reads long videos."""
        return {"max_frames": self.max_frames, "long_videos": self.long_videos}

    def _warn_of_cut(self, arrays: Iterable[MultimodalArray], tower: Any = None) -> None:
        """Warn once if this estimator or its tower cuts videos, of how much is not used."""
        parts = [self] if tower is None else [self, tower]
        for X, each in product(arrays, parts):
            videos, time = unseen_shares(X, each.max_frames, each.long_videos)
            if not videos:
                continue
            if Processes.of(each.device).index == 0:
                warnings.warn(
                    f"{type(each).__name__} cuts {videos:.0%} of the videos at max_frames="
                    f"{each.max_frames}, so that {time:.0%} of their time is not used. "
                    'long_videos="pool" uses all of it; or increase max_frames.',
                    UserWarning,
                    stacklevel=2,
                )
            return

    def _warns_of_rates(self, X: MultimodalArray, fitted: Mapping[str, float] | None) -> bool:
        """Warn if the rates of the videos of `fit` are not those of X; return whether."""
        given = X.rates
        if fitted is None or given == fitted:
            return False
        if given is None and sum(X.lengths(name).any() for name in fitted) < 2:
            return False  # a modality alone needs none
        has = "has none" if given is None else f"has {given}"
        warnings.warn(
            f"{type(self).__name__} was fitted on videos with the rates {fitted}, and X {has}, so "
            "that its time steps are others than in fit. as_multimodal(X, rates=...) sets them.",
            UserWarning,
            stacklevel=2,
        )
        return True

    def _warn_of_new_videos(self, X: MultimodalArray, tower: Any = None) -> None:
        """Warn once if this estimator or its tower cuts X, and once if X has other rates."""
        self._warn_of_cut([X], tower)
        parts = [self] if tower is None else [self, tower]
        # Pickles and files of earlier versions have no rates.
        any(each._warns_of_rates(X, getattr(each, "_rates", None)) for each in parts)

    def _pad_to(self) -> int | None:
        return None if self.mask_padding else self.max_frames

    def _build(
        self, spec: NetworkSpec, seed: int, *, validates: bool, one_epoch: bool = False
    ) -> tuple[MultimodalNet, dict[str, Any]]:
        """Build the net before frames of X are read, see `build_net`."""
        config = TrainingConfig.of(self, is_classifier=is_classifier(self), one_epoch=one_epoch)
        if not self.mask_padding:
            width = sum(len(mean) for mean, _ in spec.params["frame_stats"].values())
            check_padding(self.max_frames, width, config.device)
        return build_net(config, spec, seed, validates=validates)

    def _begin_fit(self, videos: Videos, n_tasks: int) -> Any:
        """Announce a fit of `n_tasks` epochs and towers to scikit-learn's callbacks."""
        n_frames = int(videos.X.timeline_lengths().sum())
        Processes.of(self.device).check_same(f"{len(videos)} videos of {n_frames} frames")
        context = self._init_callback_context(max_subtasks=n_tasks)
        return context.call_on_fit_task_begin(estimator=self, **videos.callback_arguments())

    def _train(
        self,
        built: tuple[MultimodalNet, dict[str, Any]],
        data: tuple[FrameDataset, FrameDataset | None],
        bridge: SklearnCallbackBridge,
        inputs: dict[str, Any],
    ) -> None:
        """Train the net, and set the fitted attributes; `inputs` identify this fit."""
        net, random_state = built
        hooks: dict[str, Any] = {"own_sklearn": bridge}
        if self.checkpoint is not None:
            hooks = {"own_checkpoint": self._open_checkpoint(net, inputs), **hooks}
        net.train_on(*data, random_state, hooks, resumable=self.checkpoint is not None)
        self.__dict__.update(bridge.fitted(net))  # at once: Ctrl-C leaves all or nothing
        bridge.end_fit(net)

    def _open_checkpoint(self, net: MultimodalNet, inputs: dict[str, Any]) -> Checkpoint:
        params, name = self.get_params(deep=False), type(self).__name__
        n_epochs = net.max_epochs
        checkpoint = Checkpoint(params, name, n_epochs, fit_hashes(params, n_epochs, inputs))
        checkpoint.open(verbose=net.verbose)
        return checkpoint

    def _bridge(self, context: Any, videos: Videos, fitted: Any) -> SklearnCallbackBridge:
        task = {"estimator": self, **videos.callback_arguments()}
        return SklearnCallbackBridge(context, task, fitted)

    def _fitted_attributes(
        self,
        net: MultimodalNet,
        n_features: dict[str, int],
        longest: int,
        before: Sequence[dict[str, Any]] = (),
    ) -> dict[str, Any]:
        """Return the fitted attributes of a net that was trained after the epochs `before`."""
        rows = [*before, *net.finished_epochs()]
        history = [{**row, "epoch": i} for i, row in enumerate(rows, start=1)]
        return {
            "modality_names_in_": tuple(n_features),
            "n_features_in_": sum(n_features.values()),
            "_n_features": n_features,
            "_longest": longest,
            "net_": net.single(),
            "module_": net.module_,
            "history_": history,
            "n_iter_": len(history),
            "loss_curve_": [float(row["train_loss"]) for row in history],
        }

    def _validate_new_videos(self, X: Any, more: Sequence[Any]) -> MultimodalArray:
        """Validate X for prediction: finite frames of the modalities of `fit`."""
        check_is_fitted(self)
        name, widths = type(self).__name__, self._n_features
        array = as_fitted(X, *more, widths=widths, modalities=self.modalities, name=name)
        self._check_tables(X, more)
        scan_frames(array, self._dtype())
        return array

    def _check_tables(self, X: Any, more: Sequence[Any]) -> None:
        """Raise ValueError for tables of single frames by mistake."""
        parts = list(X.values()) if isinstance(X, Mapping) else [X, *more]
        tables = (isinstance(part, np.ndarray) and part.ndim == 2 and len(part) for part in parts)
        if self._longest > 1 and parts and all(tables):
            name = type(self).__name__
            hint = f"{name} was fitted on up to {self._longest} frames: give [frames] or X[[i]]"
            raise ValueError(f"X has 2-D arrays, videos of one frame each, and {hint}.")
