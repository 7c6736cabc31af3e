"""`NetworkEstimator`: what every estimator here does with X, and how it trains its network."""

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import EarlyStopping, LRScheduler
from skorch.helper import predefined_split

from ..multimodal import as_multimodal, has_named_modalities
from ._checks import check_number, check_option
from ._docs import inherit_entries
from ._net import MultimodalNet, WeightedLoss

AUTO_STOPPING = 1000  # videos from which early_stopping="auto" holds some out
PRECISIONS = ("auto", "float32", "float64", "bfloat16")


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkEstimator(BaseEstimator):
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
        to restore the best weights. "auto" does so from 1000 videos on.
    validation_fraction : float, default=0.1
        Share of the videos held out.
    device : str, default="auto"
        Where to compute; "auto" takes CUDA when there is one.
    precision : {"auto", "float32", "float64", "bfloat16"}, default="auto"
        "auto" is bfloat16 autocast on CUDA and float32 elsewhere.
    compile : bool, default=False
        Whether to compile the network with `torch.compile`.
    callbacks : list of skorch callbacks, default=None
        Used beside the estimator's own.
    net_params : dict, default=None
        Further arguments of the skorch net, such as ``{"optimizer__betas": (0.9, 0.99)}``.
    random_state : int, RandomState or None, default=None
        Decides everything random; torch's global state is neither used nor changed.
    verbose : int, default=0
        1 prints a line an epoch.

    Attributes
    ----------
    modality_names_in_ : tuple of str
        Names of the modalities seen in `fit`.
    n_features_in_ : int
        Width of a frame, all modalities together.
    history_ : list of dict
        One row an epoch: losses and seconds.
    n_iter_ : int
        Number of epochs trained.
    net_ : skorch.NeuralNet
        The trained net.
    module_ : torch.nn.Module
        The trained network.
    """

    modalities: Mapping | Sequence | None = None
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
    callbacks: list | None = None
    net_params: Mapping | None = None
    random_state: int | np.random.RandomState | None = None
    verbose: int = 0

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        base = next(base for base in cls.__mro__[1:] if issubclass(base, NetworkEstimator))
        if cls.__doc__ and base.__doc__:  # python -OO has none
            cls.__doc__ = inherit_entries(cls.__doc__, base.__doc__)

    def _check_training_params(self):
        check_number("lr", self.lr, low=0, open_low=True)
        for name in ("batch_size", "max_epochs", "max_frames"):
            check_number(name, getattr(self, name), low=1, integer=True)
        check_number("dropout", self.dropout, low=0, high=1)
        check_number("verbose", self.verbose, low=0)
        check_number("validation_fraction", self.validation_fraction, low=0, open_low=True)
        check_option("early_stopping", self.early_stopping, ("auto", True, False))
        check_option("precision", self.precision, PRECISIONS)
        check_option("frame_scaling", self.frame_scaling, ("modality", "feature", None))
        check_option("mask_padding", self.mask_padding, (True, False))
        check_number("weight_decay", self.weight_decay, low=0)
        if not isinstance(self.net_params, Mapping | None):
            raise TypeError(f"net_params must be a dict or None, got {self.net_params!r}.")
        if not isinstance(self.callbacks, list | tuple | None):
            raise TypeError(f"callbacks must be a list or None, got {self.callbacks!r}.")
        resolve_device(self.device)
        check_option("lr_schedule", self.lr_schedule, ("plateau", "cosine", None))
        check_number("lr_patience", self.lr_patience, low=0, integer=True)

    def _check_fit_input(self, X, more):
        """Door for X in `fit`: a container with finite frames."""
        array = as_multimodal(X, *more, modalities=self.modalities)
        array.check_finite()
        return array

    def _remember_input(self, array):
        self.modality_names_in_ = array.modality_names
        self._n_features = array.n_features
        self.n_features_in_ = sum(self._n_features.values())
        self._longest = int(array.timeline_lengths().max())

    def _scaling_params(self, X, sample_weight):
        """Return arguments of the network that say how frames are scaled and padded."""
        if self.frame_scaling is None:
            moments = {name: (np.zeros(width), 1.0) for name, width in X.n_features.items()}
        else:
            per_feature = self.frame_scaling == "feature"
            moments = X.frame_moments(sample_weight=sample_weight, per_feature=per_feature)
        return {"moments": moments, "pad_to": None if self.mask_padding else self.max_frames}

    def _check_predict_input(self, X, more):
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
        shape = getattr(X, "shape", ())
        wide = modalities is self._n_features and len(shape) == 2 and shape[0] > 0
        if wide and shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        parts = list(X.values()) if isinstance(X, Mapping) else [X, *more]
        if self._longest > 1 and all(
            isinstance(p, np.ndarray) and p.ndim == 2 and len(p) for p in parts
        ):
            raise ValueError(
                "X has 2-D arrays, which would be read as videos of one frame each, but "
                f"{type(self).__name__} was fitted on videos of up to {self._longest} frames. For "
                "one video give lists, [frames], or X[[i]] of a MultimodalArray."
            )
        array = as_multimodal(X, *more, modalities=modalities)
        for name, width in self._n_features.items():
            if array.n_features[name] != width:
                raise ValueError(
                    f"Modality {name!r} has frames of {array.n_features[name]} features, but "
                    f"{type(self).__name__} was fitted with {width}."
                )
        array.check_finite()
        return array

    def _train(self, module, module_params, train_set, valid_set, loss, seed):
        """Build the net, train it and set `net_`, `module_`, `history_` and `n_iter_`."""
        params = {
            "criterion": WeightedLoss,
            "optimizer": torch.optim.AdamW,
            "optimizer__weight_decay": self.weight_decay,
            "lr": self.lr,
            "batch_size": self.batch_size,
            "max_epochs": self.max_epochs,
            "device": resolve_device(self.device),
            "precision": resolve_precision(self.precision, resolve_device(self.device)),
            "compile": self.compile,
            "verbose": self.verbose,
            "train_split": None if valid_set is None else predefined_split(valid_set),
            "callbacks": self._callbacks(valid_set),
            **{f"module__{name}": value for name, value in module_params.items()},
            **{f"criterion__{name}": value for name, value in loss.items()},
            **(self.net_params or {}),
        }
        net = MultimodalNet(module, **params)
        with seeded(seed):
            net.fit(train_set, y=None)
        # The net keeps the split, and with it the validation data, which nobody needs again.
        net.train_split = None
        self.net_ = net
        self.module_ = net.module_
        self.history_ = net.finished_epochs()
        self.n_iter_ = len(self.history_)

    def _callbacks(self, valid_set):
        callbacks = []
        if self.lr_schedule == "plateau":
            policy = torch.optim.lr_scheduler.ReduceLROnPlateau
            params = {
                "monitor": "train_loss" if valid_set is None else "valid_loss",
                "patience": self.lr_patience,
            }
        elif self.lr_schedule == "cosine":
            policy, params = torch.optim.lr_scheduler.CosineAnnealingLR, {"T_max": self.max_epochs}
        if self.lr_schedule is not None:
            callbacks.append(("own_lr_schedule", LRScheduler(policy, **params)))
        if valid_set is not None:
            sink = print if self.verbose else _silent
            callbacks.append(
                ("own_early_stopping", EarlyStopping(patience=5, load_best=True, sink=sink))
            )
        return callbacks + list(self.callbacks or [])

    def _sample_weight(self, sample_weight, array):
        """Weights as float64 (n,), or ValueError if they do not fit or are all zero."""
        if sample_weight is None:
            return np.ones(len(array))
        weight = np.asarray(sample_weight, dtype=np.float64)
        if weight.shape != array.shape:
            raise ValueError(
                f"sample_weight.shape == {weight.shape}, expected {array.shape}: one a video."
            )
        if not np.isfinite(weight).all() or (weight < 0).any():
            raise ValueError("sample_weight must be finite and at least 0.")
        if not weight.any():
            raise ValueError("All values of sample_weight are zero; nothing is left to fit.")
        return weight

    def _split(self, n, seed):
        """Rows to train on and rows held out, the latter empty without early stopping."""
        stop = n >= AUTO_STOPPING if self.early_stopping == "auto" else self.early_stopping
        rows = np.random.RandomState(seed).permutation(n)
        if not stop:
            return np.arange(n), rows[:0]
        held_out = int(np.ceil(self.validation_fraction * n))
        if held_out >= n:
            raise ValueError(
                f"validation_fraction={self.validation_fraction!r} leaves none of the {n} videos "
                "to train on; it must be below 1."
            )
        return np.sort(rows[held_out:]), np.sort(rows[:held_out])

    def _seeds(self, count):
        """Seeds for the parts of a fit, all decided by `random_state`."""
        return check_random_state(self.random_state).randint(2**31 - 1, size=count).tolist()


def _silent(*args, **kwargs):
    pass


@contextmanager
def seeded(seed):
    """Run with torch's random numbers seeded, and leave the user's as they were."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


def resolve_device(device):
    """Return the name of the device that "auto" means here, or the one asked for.

    Examples
    --------
    >>> resolve_device("cpu")
    'cpu'
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f'device must be "auto" or a device that torch knows, got {device!r}.'
        ) from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device is {device!r}, but torch finds no CUDA device here.")
    return str(device)


def resolve_precision(precision, device):
    """Return the precision that "auto" means: bfloat16 on CUDA, float32 elsewhere.

    Examples
    --------
    >>> resolve_precision("auto", "cpu")
    'float32'
    """
    if precision != "auto":
        return precision
    return "bfloat16" if device.startswith("cuda") else "float32"
