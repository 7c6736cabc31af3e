"""The skorch net: multi-modal batches in, weighted losses out."""

from collections.abc import Iterator
from contextlib import closing
from math import isfinite
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping
from skorch.helper import predefined_split

from .._types import Array, Ints
from ..modules import FrameStats
from ._callbacks import InterruptionNotice, LoopCallback
from ._data import Batch, BatchLoader, FrameDataset, moved
from ._defaults import own_defaults
from ._device import release_rng, seeded
from ._processes import Processes


class MultimodalNet(NeuralNet):
    """A skorch `NeuralNet` whose batches are `Batch` objects."""

    # `owner` is the class of the estimator, for messages. Callbacks set `stop_training` to end
    # training after the epoch; `interrupted` is True if Ctrl-C ended it.

    processes = Processes()
    interrupted = stop_training = False

    def __init__(
        self, *args: Any, precision: str = "float32", owner: str = "an estimator", **kwargs: Any
    ) -> None:
        self.precision, self.owner = precision, owner
        super().__init__(*args, **kwargs)

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return torch.float64 if self.precision == "float64" else torch.float32

    def initialize_module(self) -> "MultimodalNet":
        """Build the network in the dtype of `precision`."""
        super().initialize_module()
        self.module_.to(self.dtype)
        return self

    def initialize_criterion(self) -> "MultimodalNet":
        """Build the loss in the dtype of `precision`."""
        super().initialize_criterion()
        self.criterion_.to(self.dtype)
        return self

    def initialize_callbacks(self) -> "MultimodalNet":
        """Initialize no callback, as users' callbacks are initialized when training begins."""
        self.callbacks_: list[Any] = []
        return self

    def start_callbacks(self) -> None:
        """Initialize the callbacks, as skorch does."""
        super().initialize_callbacks()

    def plain_module(self) -> torch.nn.Module:
        """Return the network without the wrapper of `torch.compile`."""
        module: Any = self.module_
        network: torch.nn.Module = getattr(module, "_orig_mod", module)
        return network

    def set_frame_stats(self, stats: FrameStats) -> None:
        """Set the mean and scale of each modality's frames in the network."""
        module: Any = self.plain_module()
        module.set_frame_stats(stats)
        self.module__frame_stats = stats

    def get_iterator(
        self, dataset: FrameDataset, training: bool = False, batch_size: int | None = None
    ) -> BatchLoader:
        """Return batches of videos of similar length."""
        pin = torch.device(self.device).type == "cuda"
        return BatchLoader(dataset, batch_size or self.batch_size, shuffle=training, pin=pin)

    def get_params_for_optimizer(self, prefix: str, named_parameters: Any) -> Any:
        """Leave frozen weights out, and let AdamW fuse its step, which changes only rounding."""
        learned = [(name, each) for name, each in named_parameters if each.requires_grad]
        args, kwargs = super().get_params_for_optimizer(prefix, learned)
        device = torch.device(self.device).type
        if self.optimizer is torch.optim.AdamW and device in ("cpu", "cuda"):
            others = ("foreach", "differentiable", "capturable")
            kwargs.setdefault("fused", not any(kwargs.get(name) for name in others))
        return args, kwargs

    def fit_loop(
        self, X: FrameDataset, y: None = None, epochs: int | None = None, **kwargs: Any
    ) -> "MultimodalNet":
        """Train until there are `max_epochs`; a KeyboardInterrupt ends training in skorch."""
        try:
            for callback in self._loop_callbacks():
                callback.on_loop_begin(self)
            if self.history and self._stopped_early():
                return self
            super().fit_loop(X, y, self.max_epochs - len(self.history), **kwargs)
        except KeyboardInterrupt:
            self.interrupted = not (self.stop_training or self._stopped_early())
            raise
        return self

    def _loop_callbacks(self) -> list[LoopCallback]:
        return [callback for _, callback in self.callbacks_ if isinstance(callback, LoopCallback)]

    def _stopped_early(self) -> bool:
        """Whether early stopping ended training, for which skorch raises a KeyboardInterrupt."""
        stoppers = (cb for _, cb in self.callbacks_ if isinstance(cb, EarlyStopping))
        return any(stopper.misses_ >= stopper.patience for stopper in stoppers)

    def run_single_epoch(
        self,
        iterator: BatchLoader | None,
        training: bool,
        prefix: str,
        step_fn: Any,
        **kwargs: Any,
    ) -> None:
        """Run an epoch; reading stops when it ends, for whatever reason."""
        if iterator is None:
            return
        super()._set_training(training)
        hooks = self._loop_callbacks() if training else []
        source: Any = hooks[0].batches(self, iterator) if hooks else iter(iterator)
        with closing(source) as batches:
            super().run_single_epoch(batches, training, prefix, step_fn, **kwargs)
        if training:  # includes the batches of a resumed epoch that an earlier process ran
            self.history.record(f"{prefix}_batch_count", len(self.history[-1]["batches"]))

    def _set_training(self, training: bool = True) -> None:
        # skorch calls this for every batch, and it visits every module.
        if self.module_.training != training:
            super()._set_training(training)

    def network(self, method: str | None = None) -> Any:
        """Return the network as a callable, or one of its other methods."""
        return self.module_ if method is None else getattr(self.module_, method)

    def infer(self, x: Batch, method: str | None = None, **fit_params: Any) -> Any:
        """Apply the network, or one of its other methods, to a `Batch`."""
        call, device = self.network(method), torch.device(self.device)
        autocast = torch.autocast(
            device.type, torch.bfloat16, enabled=self.precision == "bfloat16"
        )
        with own_defaults(), autocast:
            out = call(**x.inputs(device, self.dtype), **fit_params)
        return out.to(self.dtype) if isinstance(out, torch.Tensor) else out

    def get_loss(self, y_pred: Any, y_true: Any, *args: Any, **kwargs: Any) -> Any:
        """Compute the loss; targets and weights are moved in the dtype of `precision`."""
        device = torch.device(self.device)
        target = {name: moved(value, device, self.dtype) for name, value in y_true.items()}
        return super().get_loss(y_pred, target, *args, **kwargs)

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        """Notify callbacks; those of users run without the lock on the random state."""
        if "batch" in method_name or method_name == "on_grad_computed":
            names = (each[0] for each in self.callbacks or () if isinstance(each, list | tuple))
            if len(self.callbacks or ()) == sum(name.startswith("own_") for name in names):
                super().notify(method_name, **cb_kwargs)
                return
        with release_rng():
            super().notify(method_name, **cb_kwargs)

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Begin an epoch, or end training if a callback asked for it."""
        if self.stop_training:  # not before, so that all callbacks saw the end of the last epoch
            raise KeyboardInterrupt
        super().on_epoch_begin(net, **kwargs)

    def on_batch_end(self, net: NeuralNet, training: bool = True, **kwargs: Any) -> None:
        """Raise ValueError if training diverged."""
        super().on_batch_end(net, training=training, **kwargs)
        part = "train" if training else "valid"
        loss = self.history[-1]["batches"][-1][f"{part}_loss"]
        if not isfinite(loss):
            where = "" if training else " held out"
            self._raise_diverged(f"the loss of a batch of videos{where} is {loss}")

    def check_weights(self) -> None:
        """Raise ValueError unless all weights are finite."""
        state = self.module_.state_dict().values()
        if not all(bool(torch.isfinite(value).all()) for value in state):
            self._raise_diverged("weights are no longer finite")

    def _raise_diverged(self, reason: str) -> None:
        row, rate = self.history[-1], self.optimizer_.param_groups[0]["lr"]
        where = f", after {len(row['batches'])} batches of epoch {row['epoch']}"
        advice = "float32, " * (self.precision == "bfloat16") + "frame_scaling='modality'"
        raise ValueError(
            f"Training of {self.owner} diverged: {reason}{where} with a learning rate of {rate:g}"
            f" in {self.precision}. The estimator is unchanged. Try a lower `lr`, {advice}."
        )

    def single(self) -> "MultimodalNet":
        """Return the net without its process group, as a fitted estimator keeps it."""
        return self

    def finished_epochs(self) -> list[dict[str, Any]]:
        """Return the history of the finished epochs, without their batches."""
        return [
            {key: value for key, value in row.items() if key != "batches"}
            for row in self.history
            if "dur" in row
        ]

    def n_unfinished_batches(self) -> int:
        """Return the number of training batches of an unfinished last epoch."""
        if not self.history or "dur" in self.history[-1]:
            return 0
        return sum("train_loss" in row for row in self.history[-1]["batches"])

    def kept_epoch(self) -> dict[str, Any] | None:
        """Return the history row of the epoch whose weights early stopping kept, or None."""
        stopper = dict(self.callbacks_).get("own_early_stopping")
        epochs = self.finished_epochs()
        best = getattr(stopper, "best_epoch_", 0)
        return epochs[best - 1] if 0 < best <= len(epochs) else None

    def train_on(
        self,
        train_set: FrameDataset,
        valid_set: FrameDataset | None,
        random_state: dict[str, Any],
        hooks: dict[str, Callback],
        *,
        resumable: bool = False,
    ) -> None:
        """Train to the last epoch, early stopping or Ctrl-C; ValueError if training diverges."""
        self.start_callbacks()
        users = self.callbacks_
        # Hooks come first, as they see the end of training before early stopping restores weights.
        notice = ("own_interruption", InterruptionNotice(resumable=resumable))
        self.callbacks_ = [*hooks.items(), *users, notice]
        if valid_set is not None:
            self.train_split = predefined_split(valid_set)
        with seeded(random_state):
            if self.processes.index:  # each process draws other numbers for dropout
                torch.manual_seed(torch.initial_seed() + self.processes.index)
            self.partial_fit(train_set, y=None)
        self.check_weights()
        # A fitted net keeps neither the data nor the user's scikit-learn callbacks.
        self.train_split, self.callbacks_ = None, users

    @torch.no_grad()
    def outputs(
        self, dataset: FrameDataset, method: str | None = None, batch_size: int | None = None
    ) -> Iterator[tuple[Ints, Any]]:
        """Yield the rows of each batch and the finite output of the network or its `method`."""
        super()._set_training(False)
        loader = self.get_iterator(dataset, batch_size=batch_size)
        with closing(iter(loader)) as batches:
            for rows, (batch, _) in zip(loader.sampler, batches, strict=True):
                output = self.infer(batch, method)
                towers = [[output]] if isinstance(output, torch.Tensor) else output
                for values in (values for tower in towers for values in tower):
                    if not bool(torch.isfinite(values).all()):
                        raise ValueError(_not_finite(rows, values, self.precision))
                yield rows, output

    def predict_rows(self, dataset: FrameDataset, method: str | None = None) -> Array:
        """Return one output row per video, in the order of the data set."""
        out: Array = np.empty(0)
        for rows, output in self.outputs(dataset, method):
            values = output.cpu().numpy()
            if not len(out):
                out = np.empty((len(dataset), *values.shape[1:]), values.dtype)
            out[rows] = values
        return out


def _not_finite(rows: Ints, values: torch.Tensor, precision: str) -> str:
    wrong = rows[~torch.isfinite(values).flatten(1).all(1).cpu().numpy()][:5].tolist()
    return f"The outputs for videos {wrong} are not finite in {precision}: frames are too large."
