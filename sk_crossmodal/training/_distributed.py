"""The net of one process of a group that trains it together."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from skorch.hf import AccelerateMixin
from torch import nn

from ._data import BatchLoader, FrameDataset
from ._net import MultimodalNet
from ._processes import Processes, launch_state


class Launch:
    """accelerate's `Accelerator`, with the network that it wraps kept beside the plain one."""

    def __init__(self) -> None:
        from accelerate import Accelerator, DistributedDataParallelKwargs

        # The first batch shows which parameters have no gradients, as the graph never changes.
        options = DistributedDataParallelKwargs(static_graph=True)
        # Device and precision are parameters of the estimator.
        self.accelerator = Accelerator(
            cpu=launch_state().device.type == "cpu",
            device_placement=False,
            mixed_precision="no",
            kwargs_handlers=[options],
        )
        kind = self.accelerator.distributed_type.name
        if not kind.startswith("MULTI_"):
            raise ValueError(f'device="accelerate" divides batches only, got a setup for {kind}.')
        self.parallel: nn.Module | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked for by copies, before there is an accelerator
            raise AttributeError(name)
        return getattr(self.accelerator, name)

    def prepare(self, part: Any) -> Any:
        """Wrap the first network for distributed training; return every argument unchanged."""
        trains = isinstance(part, nn.Module) and any(p.requires_grad for p in part.parameters())
        if trains and self.parallel is None:
            self.parallel = self.accelerator.prepare(part)
        return part

    def gather_for_metrics(self, output: Any) -> Any:
        """Return an output unchanged: every process predicts for itself."""
        return output


class DistributedNet(AccelerateMixin, MultimodalNet):
    """A `MultimodalNet` of which each process trains on its share of every batch."""

    def __init__(self, *args: Any, processes: Processes, **kwargs: Any):
        # `Launch` holds the wrapped network, so there is nothing to unwrap.
        super().__init__(
            *args,
            accelerator=Launch(),
            unwrap_after_train=False,
            **{"callbacks__print_log__sink": print, **kwargs},
        )
        self.processes = processes

    def network(self, method: str | None = None) -> Any:
        """Return the network; in training the wrapped one, which averages gradients."""
        if method is None and self.module_.training:
            return self.accelerator.parallel
        return super().network(method)

    def run_single_epoch(
        self, iterator: BatchLoader | None, training: bool, *args: Any, **kwargs: Any
    ) -> None:
        """Run an epoch on this process's share of each batch."""
        if iterator is None:
            return
        with self.sharing(iterator.dataset):
            super().run_single_epoch(iterator, training, *args, **kwargs)

    @contextmanager
    def sharing(self, dataset: FrameDataset) -> Iterator[None]:
        """Divide batches and sum statistics and losses over the processes, within the block."""
        parts = [*self.module_.modules(), *self.criterion_.modules()]
        summing = [part for part in parts if hasattr(part, "all_sum")]
        dataset.processes = self.processes
        for part in summing:
            part.all_sum = self.processes.sum
        try:
            yield
        finally:
            for part in summing:
                del part.all_sum
            del dataset.processes

    def get_loss(self, *args: Any, **kwargs: Any) -> Any:
        """Return this process's part of the loss, times the number of processes."""
        # Gradients are averaged over processes, but their sum is needed.
        return super().get_loss(*args, **kwargs) * self.processes.count

    def train_step_single(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Train on a share of a batch; the loss is that of the whole."""
        return self._whole(super().train_step_single(batch, **fit_params))

    def validation_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Evaluate a share of a batch; the loss is that of the whole."""
        return self._whole(super().validation_step(batch, **fit_params))

    def _whole(self, step: dict[str, Any]) -> dict[str, Any]:
        loss = self.processes.sum(step["loss"].detach()) / self.processes.count
        return {**step, "loss": loss}

    def single(self) -> MultimodalNet:
        """Return a `MultimodalNet` of the same state, without the process group."""
        own = ("accelerator", "unwrap_after_train", "_wrapped_with_accelerator", "processes")
        net = MultimodalNet.__new__(MultimodalNet)
        net.__dict__.update({k: v for k, v in vars(self).items() if k not in own})
        return net
