"""`NetworkEstimator`: what every estimator here does with X, and how it trains its network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import nn

from .._links import LinkedEstimator
from .._types import Floats
from ..multimodal import MultimodalArray, as_multimodal, has_named_modalities
from ._checkpoint import check_checkpoint, open_checkpoint
from ._checks import check_weight, check_widths, short
from ._data import FrameDataset, Videos
from ._docs import inherit_entries
from ._net import MultimodalNet
from ._parameters import check_parameters
from ._processes import Processes
from ._rehearsal import rehearse
from ._state import get_state
from ._targets import Targets, check_y
from ._train import EpochTasks, net_arguments, train

AUTO_STOPPING = 1000  # videos from which early_stopping="auto" holds some out


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkEstimator(LinkedEstimator, CallbackSupportMixin, BaseEstimator):
    """Base of estimators that compose a skorch net: the door for X, training, application.

    A subclass is a dataclass too, so that its fields, after these, are the keyword arguments of
    its constructor; its docstring gets the entries below that it has not itself.

    Parameters
    ----------
    modalities : dict of str to int or slice, or sequence of str, default=None
        How X is to be read, see :func:`~sk_crossmodal.multimodal.as_multimodal`.
    frame_scaling : {"modality", "feature"} or None, default="modality"
        The mean is subtracted from every feature, and they are divided by one number a modality,
        which keeps that some vary more than others, as principal components do; or each by its
        own standard deviation. None takes frames as they are.
    mask_padding : bool, default=True
        Whether what is behind the end of a video is left out. False pads every video with zero
        frames up to `max_frames` and takes them for real (Section 4.2).
    max_frames : int, default=300
        Only that many first moments of a video are looked at.
    dropout : float, default=0.1
        Probability of dropping a number, in the encoders and in the layers behind them.
    lr : float, default=2e-4
        Learning rate of Adam at the start (Section 4.2, as are the next three defaults).
    batch_size : int, default=128
        Videos a batch.
    max_epochs : int, default=10
        Epochs at most.
    lr_schedule : {"plateau", "cosine"} or None, default="plateau"
        Divide the learning rate by ten when the loss (of the videos held out, if there are any)
        has not improved for more than `lr_patience` epochs; let it fall along a cosine to zero
        at the last of `max_epochs`; or keep it.
    lr_patience : int, default=2
        See `lr_schedule`.
    weight_decay : float, default=0.0
        Decoupled weight decay: each step multiplies all weights by ``1 - lr * weight_decay``.
    early_stopping : bool or "auto", default="auto"
        Whether to hold out videos, to stop when their loss has not improved for five epochs, and
        to restore the best weights. "auto" does so from 1000 videos on, and with the `eval_set`
        of `fit`.
    validation_fraction : float, default=0.1
        Share of the videos held out.
    device : str, default="auto"
        Where to compute; "auto" takes CUDA when there is one. With "accelerate" the processes
        that ``accelerate launch`` or ``torchrun`` started divide every batch among them, each
        on its own device; without a launch of several it is "auto". See docs/scale.md.
    precision : {"auto", "float32", "float64", "bfloat16"}, default="auto"
        "auto" is bfloat16 autocast on CUDA and float32 elsewhere.
    compile : bool, default=False
        Whether to compile the network with `torch.compile`.
    callbacks : list of skorch callbacks, default=None
        Used beside the estimator's own: instances or classes, or tuples of a name and one.
    net_params : dict, default=None
        Arguments of the skorch net that take the place of those that the estimator gives it:
        `batch_size`, `callbacks`, `compile`, `criterion`, `device`, `lr`, `max_epochs`,
        `optimizer`, `precision`, `verbose`, and those that begin with ``callbacks__``,
        ``compile__``, ``criterion__`` or ``optimizer__``, as ``{"optimizer__betas": (0.9, 0.99)}``
        has. Others, such as ``module__`` and ``iterator_train__``, are the estimator's to give.
    random_state : int, RandomState or None, default=None
        Decides everything random; torch's global state is neither used nor changed.
    verbose : int or bool, default=0
        1 prints a line an epoch.
    checkpoint : str or path, default=None
        A folder in which the state of training is kept, so that a fit that was cut short can be
        resumed. Each fit has a file of its own there, found again by what decides its result:
        parameters, frames, labels and weights. It needs an int as `random_state`.
    checkpoint_interval : int or float, default=1
        Epochs after which it is kept: a whole number, or less than 1 for so many parts of one.
    resume : bool, default=False
        Whether `fit` goes on from the checkpoint of the same fit where there is one, to the same
        weights, on a CPU bit for bit; or from that of the same with fewer `max_epochs`. False
        raises ValueError if there is a checkpoint of the same fit.

    Attributes
    ----------
    modality_names_in_ : tuple of str
        Names of the modalities seen in `fit`.
    n_features_in_ : int
        Width of a frame, all modalities together.
    history_ : list of dict
        One row an epoch: losses and seconds.
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
        "net_",
        "module_",
        "history_",
        "n_iter_",
        "loss_curve_",
    )
    _get_state = get_state

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        base = next(base for base in cls.__mro__[1:] if issubclass(base, NetworkEstimator))
        if cls.__doc__ and base.__doc__:  # python -OO has none
            cls.__doc__ = inherit_entries(cls.__doc__, base.__doc__)

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
        known = self.get_params(deep=False)
        for name in params:
            own, _, inner = name.partition("__")
            if own not in known:
                raise ValueError(
                    f"Invalid parameter {own!r} for {type(self).__name__}: its parameters are "
                    f"{sorted(known)}."
                )
            part = params.get(own, known[own])
            there = part.get_params(deep=False) if hasattr(part, "get_params") else {}
            if inner and inner.partition("__")[0] not in there:
                raise ValueError(
                    f"Invalid parameter {name!r}: {own} is {short(part)}, whose parameters are "
                    f"{sorted(there)}."
                )
        super().set_params(**params)
        return self

    def _check_training_params(self) -> None:
        check_parameters(vars(self))
        check_checkpoint(self)

    def _check_fit_input(self, X: Any, more: Sequence[Any]) -> MultimodalArray:
        """Door for X in `fit`: a container with finite frames."""
        array: MultimodalArray = as_multimodal(X, *more, modalities=self.modalities)
        array.check_finite(self._dtype())
        return array

    def _dtype(self) -> str:
        """Type of the numbers that frames become in the network."""
        return "float64" if self.precision == "float64" else "float32"

    def _check_present(self, X: MultimodalArray) -> None:
        """Raise ValueError unless every modality has some frame to learn from."""
        if empty := [name for name in X.modality_names if not X.lengths(name).any()]:
            raise ValueError(
                f"X has no frames of {empty} in any of its {len(X)} videos, expected some of "
                "every modality; leave these out."
            )

    def _check_videos(self, arrays: Sequence[Any], y: Any, sample_weight: Any) -> Videos:
        """Door for what is fitted on; videos of weight 0 are left out."""
        X = self._check_fit_input(arrays[0], arrays[1:])
        y = check_y(y, len(X))
        weight = self._sample_weight(sample_weight, X)
        videos = Videos(X, y, weight, weighted=sample_weight is not None)
        return videos.take(np.flatnonzero(weight))

    def _check_eval_set(self, eval_set: Any, videos: Videos, targets: Targets) -> Videos | None:
        """Door for a validation set of the user's own: `Videos`, or None."""
        if eval_set is None:
            return None
        if not isinstance(eval_set, tuple) or len(eval_set) < 2:
            raise TypeError(
                f"eval_set must be a tuple (X_val, y_val), or of all modalities and y_val, got "
                f"{short(eval_set)}."
            )
        *arrays, y = eval_set
        try:
            held_out = self._check_videos(arrays, y, None)
        except (ValueError, TypeError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"In eval_set: {error}") from error
        if (given := held_out.X.n_features) != videos.X.n_features:
            raise ValueError(
                f"The X of eval_set has modalities and widths {given}, expected "
                f"{videos.X.n_features} as in X."
            )
        targets.check(held_out.y, "The y of eval_set")
        return replace(held_out, X=held_out.X.select(videos.X.modality_names))

    def _n_epochs(self) -> int:
        return int((self.net_params or {}).get("max_epochs", self.max_epochs))

    def _begin_fit(self, videos: Videos, n_tasks: int) -> Any:
        """Tell scikit-learn's callbacks that a fit of so many tasks begins."""
        n_frames = int(videos.X.timeline_lengths().sum())
        Processes.of(self.device).check_same(f"{len(videos)} videos of {n_frames} frames")
        context = self._init_callback_context(max_subtasks=n_tasks)
        return context.call_on_fit_task_begin(estimator=self, **videos.callback_arguments())

    def _rehearse(
        self,
        module: tuple[type[nn.Module], dict[str, Any]],
        loss: dict[str, Any],
        held_out: Videos | None,
        previous: MultimodalNet | None = None,
        *,
        partial: bool = False,
    ) -> None:
        """Refuse what no network can be built of, see `rehearse`; moments may be any."""
        arguments = net_arguments(self, module[1], loss, held_out, partial)
        rehearse(self, arguments, module[0], previous)

    def _fit_net(
        self,
        module: tuple[type[nn.Module], dict[str, Any]],
        loss: dict[str, Any],
        data: tuple[FrameDataset, FrameDataset | None],
        seed: int,
        tasks: EpochTasks,
        about: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        """Train, see `train` and `open_checkpoint`, and set the fitted attributes."""
        checkpoint = open_checkpoint(self, {"seed": seed, **about})
        net = train(self, module, loss, data, seed, tasks, checkpoint=checkpoint, **kwargs)
        self.__dict__.update(tasks.fitted(net))  # all or, if it is interrupted, nothing
        tasks.end_fit(net)

    def _fitted_attributes(
        self,
        net: MultimodalNet,
        n_features: dict[str, int],
        longest: int,
        before: Sequence[dict[str, Any]] = (),
    ) -> dict[str, Any]:
        """Return the fitted attributes, see `_fitted_names`, after the epochs `before`."""
        rows = [*before, *net.finished_epochs()]
        history = [{**row, "epoch": i} for i, row in enumerate(rows, start=1)]
        return {
            "modality_names_in_": tuple(n_features),
            "n_features_in_": sum(n_features.values()),
            "_n_features": n_features,
            "_longest": longest,
            "net_": net.alone(),
            "module_": net.module_,
            "history_": history,
            "n_iter_": len(history),
            "loss_curve_": [float(row["train_loss"]) for row in history],
        }

    def _scaling_params(self, X: MultimodalArray, sample_weight: Floats) -> dict[str, Any]:
        """Return arguments of the network that say how frames are scaled and padded."""
        if self.frame_scaling is None:
            moments: Any = {name: (np.zeros(width), 1.0) for name, width in X.n_features.items()}
        else:
            per_feature = self.frame_scaling == "feature"
            processes, moments = Processes.of(self.device), None
            if processes.index == 0:  # one reads for all
                moments = X.frame_moments(sample_weight=sample_weight, per_feature=per_feature)
            moments = processes.agree(moments)
        return {"moments": moments, "pad_to": None if self.mask_padding else self.max_frames}

    def _check_predict_input(self, X: Any, more: Sequence[Any]) -> MultimodalArray:
        """Door for X after `fit`: the same modalities with the same widths, in order."""
        check_is_fitted(self)
        names = self.modality_names_in_
        if more and 1 + len(more) != len(names):
            raise ValueError(
                f"{1 + len(more)} modalities were given, but {type(self).__name__} was fitted "
                f"with {len(names)}: {list(names)}."
            )
        split = self.modalities if isinstance(self.modalities, Mapping) else self._n_features
        modalities = names if more or has_named_modalities(X) else split
        shape: tuple[int, ...] = getattr(X, "shape", ())
        wide = modalities is self._n_features and len(shape) == 2 and shape[0] > 0
        if wide and shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        parts = list(X.values()) if isinstance(X, Mapping) else [X, *more]
        if (
            self._longest > 1
            and parts
            and all(isinstance(p, np.ndarray) and p.ndim == 2 and len(p) for p in parts)
        ):
            raise ValueError(
                "X has 2-D arrays, which would be read as videos of one frame each, but "
                f"{type(self).__name__} was fitted on videos of up to {self._longest} frames. For "
                "one video give lists, [frames], or X[[i]] of a MultimodalArray."
            )
        array: MultimodalArray = as_multimodal(X, *more, modalities=modalities)
        check_widths(self, array, self._n_features)
        array.check_finite(self._dtype())
        return array

    def _sample_weight(self, sample_weight: Any, array: MultimodalArray) -> Floats:
        """Weights as float64 (n,), or ValueError if they do not fit or are all zero."""
        return np.ones(len(array)) if sample_weight is None else check_weight(sample_weight, array)

    def _split(
        self, videos: Videos, held_out: Videos | None, seed: int
    ) -> tuple[Videos, Videos | None]:
        """Videos to train on and videos held out: the user's own, some of them, or None."""
        n = len(videos)
        stop = n >= AUTO_STOPPING if self.early_stopping == "auto" else self.early_stopping
        if held_out is not None or not stop:
            return videos, held_out
        rows = np.random.RandomState(seed).permutation(n)
        count = int(np.ceil(self.validation_fraction * n))
        if count >= n:
            raise ValueError(
                f"validation_fraction={self.validation_fraction!r} leaves none of the {n} videos "
                "to train on; give more videos, a smaller fraction or early_stopping=False."
            )
        return videos.take(np.sort(rows[count:])), videos.take(np.sort(rows[:count]))

    def _seeds(self, count: int) -> list[int]:
        """Seeds for the parts of a fit, all decided by `random_state`."""
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=count).tolist()
        return Processes.of(self.device).agree(seeds)
