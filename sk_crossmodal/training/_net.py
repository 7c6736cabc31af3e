"""The skorch net: multi-modal batches in, weighted losses out."""

from collections.abc import Iterator
from contextlib import closing
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping

from .._types import Array, Ints
from ._data import Batch, BatchLoader, FrameDataset
from ._device import others_turn
from ._processes import Processes

if TYPE_CHECKING:
    from ._checkpoint import Checkpoint
    from ._train import EpochTasks


class MultimodalNet(NeuralNet):
    """A skorch `NeuralNet` whose batches are `Batch` objects."""

    tasks: "EpochTasks | None" = None
    checkpoint: "Checkpoint | None" = None
    processes = Processes()
    interrupted = _stop = False

    def __init__(self, *args: Any, precision: str = "float32", **kwargs: Any):
        self.precision = precision
        super().__init__(*args, **kwargs)

    @property
    def _dtype(self) -> torch.dtype:
        return torch.float64 if self.precision == "float64" else torch.float32

    def initialize_module(self) -> "MultimodalNet":
        """Build the network in the dtype that `precision` asks for."""
        super().initialize_module()
        self.module_.to(self._dtype)
        return self

    def get_iterator(self, dataset: FrameDataset, training: bool = False) -> BatchLoader:
        """Return whole batches of videos of similar length."""
        return self._loader(dataset, self.batch_size, shuffle=training)

    def _loader(self, dataset: FrameDataset, batch_size: int, shuffle: bool) -> BatchLoader:
        pin = torch.device(self.device).type == "cuda"
        return BatchLoader(dataset, batch_size, shuffle, pin=pin)

    def get_params_for_optimizer(self, prefix: str, named_parameters: Any) -> Any:
        """Leave out what is frozen, and let AdamW do its step in one go."""
        learned = [(name, each) for name, each in named_parameters if each.requires_grad]
        args, kwargs = super().get_params_for_optimizer(prefix, learned)
        device = torch.device(self.device).type
        if self.optimizer is torch.optim.AdamW and device in ("cpu", "cuda"):
            others = ("foreach", "differentiable", "capturable")
            kwargs.setdefault("fused", not any(kwargs.get(name) for name in others))
        return args, kwargs

    def run_single_epoch(
        self,
        iterator: BatchLoader | None,
        training: bool,
        prefix: str,
        step_fn: Any,
        **kwargs: Any,
    ) -> None:
        """Go through an epoch; nothing is read any more once it is over, however it ends."""
        if iterator is None:
            return
        super()._set_training(training)
        checkpoint = self.checkpoint if training else None
        batches = checkpoint.batches(self, iterator) if checkpoint else iter(iterator)
        with closing(batches):
            super().run_single_epoch(batches, training, prefix, step_fn, **kwargs)
        if checkpoint:  # with those of before it was cut short
            self.history.record(f"{prefix}_batch_count", len(self.history[-1]["batches"]))

    def _set_training(self, training: bool = True) -> None:
        # Asked for with every batch, and a walk through the whole network; see above.
        if self.module_.training != training:
            super()._set_training(training)

    def network(self, method: str | None = None) -> Any:
        """Return the network as it is called, or one of its other methods."""
        return self.module_ if method is None else getattr(self.module_, method)

    def infer(self, x: Batch, method: str | None = None, **fit_params: Any) -> Any:
        """Apply the network, or one of its other methods, to a `Batch`."""
        call, device = self.network(method), torch.device(self.device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            out = call(**x.inputs(device, self._dtype), **fit_params)
        return out.to(self._dtype) if isinstance(out, torch.Tensor) else out

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        """Tell callbacks, the user's among them, while other threads may train."""
        if "batch" in method_name or method_name == "on_grad_computed":
            names = (each[0] for each in self.callbacks or () if isinstance(each, list | tuple))
            if len(self.callbacks or ()) == sum(name.startswith("own_") for name in names):
                super().notify(method_name, **cb_kwargs)  # none of them waits for anybody
                return
        with others_turn():
            super().notify(method_name, **cb_kwargs)

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Announce an epoch, or end training if that was asked for."""
        # All callbacks have seen the end of the epoch before.
        if self.checkpoint is not None:
            self.checkpoint.epoch_done(self)
        super().on_epoch_begin(net, **kwargs)
        if self._stop:
            raise KeyboardInterrupt
        if self.tasks is not None:
            self.tasks.begin()

    def on_batch_end(self, net: NeuralNet, training: bool = True, **kwargs: Any) -> None:
        """End training that diverges, which no later batch mends."""
        super().on_batch_end(net, training=training, **kwargs)
        part = "train" if training else "valid"
        loss = self.history[-1]["batches"][-1][f"{part}_loss"]
        if not isfinite(loss):
            where = "" if training else " held out"
            self._diverged(f"the loss of a batch of videos{where} is {loss}")

    def check_weights(self) -> None:
        """Raise ValueError unless all weights are finite numbers."""
        state = self.module_.state_dict().values()
        if not all(bool(torch.isfinite(value).all()) for value in state):
            self._diverged("weights are no finite numbers any more")

    def _diverged(self, what: str) -> None:
        name = "an estimator" if self.tasks is None else self.tasks.name
        row = self.history[-1]
        rate = self.optimizer_.param_groups[0]["lr"]
        raise ValueError(
            f"Training of {name} diverged: {what}, after {len(row['batches'])} batches of epoch "
            f"{row['epoch']} with a learning rate of {rate:g} in {self.precision}. Try a lower "
            "`lr`, or frame_scaling='modality' or 'feature' where it is None"
            f"{', or float32' if self.precision == 'bfloat16' else ''}. "
            "The estimator is as it was before."
        )

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Announce its end."""
        super().on_epoch_end(net, **kwargs)
        self._stop = self.asked_to_stop()

    def asked_to_stop(self) -> bool:
        """Announce the end of an epoch to scikit-learn's callbacks; whether one asks to stop."""
        return self.tasks is not None and self.tasks.end(self)

    def fit_loop(
        self, X: FrameDataset, y: None = None, epochs: int | None = None, **kwargs: Any
    ) -> "MultimodalNet":
        """Train; skorch ends training in good order where it is interrupted."""
        try:
            if self.checkpoint is not None:
                self.checkpoint.restore(self)
                epochs = self.max_epochs - len(self.history)
                if self.history and self._stopped_early():
                    raise KeyboardInterrupt
            super().fit_loop(X, y, epochs, **kwargs)
        except KeyboardInterrupt:
            if self._stop or self._stopped_early():
                self._keep_last()
                raise
            self.interrupted = True
            raise
        self._keep_last()
        return self

    def _stopped_early(self) -> bool:
        """Whether early stopping has missed its chances; it ends training as Ctrl-C does."""
        stoppers = (cb for _, cb in self.callbacks_ if isinstance(cb, EarlyStopping))
        return any(stopper.misses_ >= stopper.patience for stopper in stoppers)

    def _keep_last(self) -> None:
        if self.checkpoint is not None:
            self.checkpoint.epoch_done(self, last=True)

    def alone(self) -> "MultimodalNet":
        """Return the net as it is kept once it is trained: without the other processes."""
        return self

    def finished_epochs(self) -> list[dict[str, Any]]:
        """History of the epochs that came to their end, a list of dict without batches."""
        return [
            {key: value for key, value in row.items() if key != "batches"}
            for row in self.history
            if "dur" in row
        ]

    def kept_epoch(self) -> dict[str, Any] | None:
        """Row of the history of the epoch whose weights early stopping kept, or None."""
        stopper = dict(self.callbacks_).get("own_early_stopping")
        epochs = self.finished_epochs()
        best = getattr(stopper, "best_epoch_", 0)
        return epochs[best - 1] if 0 < best <= len(epochs) else None

    @torch.no_grad()
    def outputs(
        self, dataset: FrameDataset, method: str | None = None, batch_size: int | None = None
    ) -> Iterator[tuple[Ints, Any]]:
        """Apply the network, or one of its methods, to a data set, without gradients."""
        super()._set_training(False)
        loader = self._loader(dataset, batch_size or self.batch_size, shuffle=False)
        with closing(iter(loader)) as batches:
            for rows, (batch, _) in zip(loader.sampler, batches, strict=True):
                output = self.infer(batch, method)
                towers = [[output]] if isinstance(output, torch.Tensor) else output
                for values in (values for tower in towers for values in tower):
                    if not bool(torch.isfinite(values).all()):
                        raise ValueError(_too_large(rows, values, self.precision))
                yield rows, output

    def predict_rows(self, dataset: FrameDataset, method: str | None = None) -> Array:
        """Apply the network to a data set whose rows each give one row of numbers."""
        out: Array = np.empty(0)
        for rows, output in self.outputs(dataset, method):
            values = output.cpu().numpy()
            if not len(out):
                out = np.empty((len(dataset), *values.shape[1:]), values.dtype)
            out[rows] = values
        return out


def _too_large(rows: Ints, values: torch.Tensor, precision: str) -> str:
    wrong = rows[~torch.isfinite(values).flatten(1).all(1).cpu().numpy()]
    return (
        f"The network's outputs for videos {wrong[:5].tolist()} are no finite numbers in "
        f"{precision}: their frames are far larger than those that it was trained on."
    )
