"""Batches: whole ones at a time, of videos of similar length."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from scipy.sparse import issparse
from torch.utils.data import Dataset, Sampler

from .._types import Array, Floats, Ints
from ..modules import RawFrames
from ..multimodal import MultimodalArray
from ._prefetch import read_ahead
from ._processes import Processes

WORTH_A_THREAD = 1 << 20  # bytes of a batch: reading fewer takes less than handing them over


@dataclass(frozen=True)
class Batch:
    """Frames and masks of some videos as they are stored, and further inputs of the network."""

    frames: dict[str, torch.Tensor]
    masks: dict[str, torch.Tensor]
    quantization: dict[str, tuple[float, float]]
    extra: dict[str, Any] = field(default_factory=dict)
    whole: int | None = None

    def __len__(self) -> int:
        return len(next(iter(self.masks.values()))) if self.whole is None else self.whole

    def pinned(self) -> "Batch":
        """Return the same in page-locked memory, from which a GPU copies while it computes."""
        parts = (self.frames, self.masks, self.extra)
        frames, masks, extra = ({k: _pinned(v) for k, v in part.items()} for part in parts)
        return replace(self, frames=frames, masks=masks, extra=extra)

    def inputs(self, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
        """Return what the network is called with, on its device."""
        frames: dict[str, torch.Tensor | RawFrames] = {}
        for name, stored in self.frames.items():
            moved = stored.to(device, non_blocking=True)
            as_they_are = moved.dtype == dtype and self.quantization[name] == (1.0, 0.0)
            frames[name] = (
                moved if as_they_are else RawFrames(moved, *self.quantization[name], dtype)
            )
        masks = {name: mask.to(device, non_blocking=True) for name, mask in self.masks.items()}
        extra = {name: _moved(value, device, dtype) for name, value in self.extra.items()}
        return {"frames": frames, "masks": masks, **extra}


def _moved(value: Any, device: torch.device, dtype: torch.dtype) -> Any:
    """Bring a tensor to a device, floating numbers in the network's dtype."""
    if not isinstance(value, torch.Tensor):
        return value
    to = dtype if value.is_floating_point() else None
    return value.to(device, to, non_blocking=True)


def _pinned(value: Any) -> Any:
    return value.pin_memory() if isinstance(value, torch.Tensor) else value


@dataclass(frozen=True)
class Videos:
    """Checked videos with labels and weights."""

    X: MultimodalArray
    y: Any
    weight: Floats
    weighted: bool = False

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: Ints) -> "Videos":
        """Return some of the videos."""
        return replace(self, X=self.X[rows], y=self.y[rows], weight=self.weight[rows])

    def callback_arguments(self) -> dict[str, Any]:
        """Return them as scikit-learn's callbacks are given them."""
        metadata = {"sample_weight": self.weight} if self.weighted else None
        return {"X": self.X, "y": self.y, "metadata": metadata}


class FrameDataset(Dataset[Any]):
    """Videos of a `MultimodalArray` with inputs and targets per video, read batch by batch."""

    processes = Processes()

    def __init__(
        self,
        X: MultimodalArray,
        y: Any = None,
        sample_weight: Floats | None = None,
        *,
        max_frames: int | None = None,
        extra: dict[str, Array] | None = None,
    ):
        self.X, self.y, self.sample_weight = X, y, sample_weight
        self.max_frames = max_frames
        self.extra = {} if extra is None else extra
        lengths: Ints = X.timeline_lengths()
        self._lengths: Ints = lengths if max_frames is None else np.minimum(lengths, max_frames)

    def __len__(self) -> int:
        return len(self.X)

    def lengths(self) -> Ints:
        """Number of moments that are read of each video, (n,)."""
        return self._lengths

    def moment_bytes(self) -> int:
        """Size of a moment of a video as it is stored, all modalities together."""
        frames, _ = self.X.pad([])
        return sum(values.shape[2] * values.itemsize for values in frames.values())

    def begin_epoch(self, generator: torch.Generator) -> None:
        """Draw what is random about an epoch, from this `torch.Generator`; here nothing is."""

    def __getitems__(self, rows: Ints) -> tuple[Batch, Any]:
        whole = np.asarray(rows)
        rows, counts = self.processes.divide(whole)
        batch = self.read(rows, self.max_frames if counts else 0, len(whole))
        for name, values in self.extra.items():
            batch.extra[name] = torch.from_numpy(values[rows])
        if self.sample_weight is not None:
            batch.extra["sample_weight"] = torch.from_numpy(self.sample_weight[rows] * counts)
        return batch, self.target(rows, counts)

    def read(self, rows: Ints, max_frames: int | None, whole: int | None = None) -> Batch:
        """Return the frames of some rows as a `Batch`, which may be part of a whole one."""
        frames, masks = self.X.pad(rows, max_frames)
        return Batch(
            {name: torch.from_numpy(values) for name, values in frames.items()},
            {name: torch.from_numpy(mask) for name, mask in masks.items()},
            self.X.quantization,
            whole=whole,
        )

    def target(self, rows: Ints, counts: bool = True) -> Any:
        """Return targets and weights of some rows, as the loss takes them, 0 if none counts."""
        if self.y is None:
            return torch.zeros(len(rows))
        y = self.y[rows]
        y = y.toarray() if issparse(y) else y
        weight = np.ones(len(rows)) if self.sample_weight is None else self.sample_weight[rows]
        return {"y": torch.from_numpy(y), "weight": torch.from_numpy(weight * counts)}


class LengthBuckets(Sampler[Ints]):
    """Batches of videos of similar length, so that little is padded."""

    POOL = 32

    def __init__(
        self,
        lengths: Ints,
        batch_size: int,
        shuffle: bool,
        generator: torch.Generator | None = None,
    ):
        self.lengths, self.batch_size = lengths, batch_size
        self.shuffle, self.generator = shuffle, generator

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)

    def order(self) -> Ints:
        """Return rows in the order of the batches, without shuffling."""
        return np.argsort(self.lengths, kind="stable")

    def __iter__(self) -> Iterator[Ints]:
        n, size = len(self.lengths), self.batch_size
        if not self.shuffle:
            yield from np.split(self.order(), range(size, n, size))
            return
        mixed = torch.randperm(n, generator=self.generator).numpy()
        batches = []
        for pool in np.split(mixed, range(size * self.POOL, n, size * self.POOL)):
            pool = pool[np.argsort(self.lengths[pool], kind="stable")]
            batches += np.split(pool, range(size, len(pool), size))
        for i in torch.randperm(len(batches), generator=self.generator):
            yield batches[i]


class BatchLoader:
    """Whole batches of a data set, of videos of similar length, epoch after epoch."""

    def __init__(self, dataset: FrameDataset, batch_size: int, shuffle: bool, pin: bool = False):
        self.dataset, self.shuffle, self.pin = dataset, shuffle, pin
        self.generator = torch.Generator()
        self.sampler = LengthBuckets(dataset.lengths(), batch_size, shuffle, self.generator)

    def __len__(self) -> int:
        return len(self.sampler)

    def begin_epoch(self) -> list[Ints]:
        """Draw an epoch; return the rows of its batches, a list of ndarrays."""
        if self.shuffle:
            seed = int(torch.randint(2**62, ()))
            self.generator.manual_seed(self.dataset.processes.agree(seed))
            self.dataset.begin_epoch(self.generator)
        return list(self.sampler)

    def __iter__(self) -> Generator[tuple[Batch, Any]]:
        """Draw an epoch, and return a generator of its batches."""
        rows = self.begin_epoch()
        if self.is_large():
            return read_ahead(self.fetch, rows)
        return (self.fetch(part) for part in rows)

    def fetch(self, rows: Ints) -> tuple[Batch, Any]:
        """Read one batch: what the network takes, and what the loss takes."""
        batch, target = self.dataset.__getitems__(rows)
        if not self.pin:
            return batch, target
        if isinstance(target, dict):
            target = {name: _pinned(value) for name, value in target.items()}
        return batch.pinned(), target

    def is_large(self) -> bool:
        """Tell whether a usual batch is worth a thread."""
        n = len(self.dataset)
        moments = self.dataset.lengths().sum() * min(self.sampler.batch_size, n) / max(n, 1)
        return bool(moments * self.dataset.moment_bytes() >= WORTH_A_THREAD)
