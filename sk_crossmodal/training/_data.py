"""Batches of videos of similar length, each read as a whole."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from scipy.sparse import issparse
from torch.utils.data import Dataset, Sampler

from .._types import Array, Floats, Ints
from ..modules import RawFrames
from ..multimodal import MultimodalArray, as_long_videos, count_real_steps
from ._prefetch import read_ahead
from ._processes import Processes

READ_AHEAD_BYTES = 1 << 20  # size of a batch from which a thread pays


@dataclass(frozen=True)
class Batch:
    """Stored frames and masks of some videos, and further inputs of the network."""

    frames: dict[str, torch.Tensor]
    masks: dict[str, torch.Tensor]
    quantization: dict[str, tuple[float, float]]
    extra: dict[str, Any] = field(default_factory=dict)
    whole: int | None = None

    def __len__(self) -> int:
        return len(next(iter(self.masks.values()))) if self.whole is None else self.whole

    def pinned(self) -> "Batch":
        """Return a copy in page-locked memory, from which a GPU copies while it computes."""
        parts = (self.frames, self.masks, self.extra)
        frames, masks, extra = ({k: _pinned(v) for k, v in part.items()} for part in parts)
        return replace(self, frames=frames, masks=masks, extra=extra)

    def inputs(self, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
        """Return the keyword arguments of the network, on its device."""
        frames: dict[str, torch.Tensor | RawFrames] = {}
        for name, stored in self.frames.items():
            if stored.dtype == torch.float64 and device.type != "cpu":  # which may lack float64
                stored = stored.to(dtype)
            values = stored.to(device, non_blocking=True)
            as_they_are = values.dtype == dtype and self.quantization[name] == (1.0, 0.0)
            frames[name] = (
                values if as_they_are else RawFrames(values, *self.quantization[name], dtype)
            )
        masks = {name: mask.to(device, non_blocking=True) for name, mask in self.masks.items()}
        extra = {name: moved(value, device, dtype) for name, value in self.extra.items()}
        return {"frames": frames, "masks": masks, **extra}


def moved(value: Any, device: torch.device, dtype: torch.dtype) -> Any:
    """Bring a tensor to a device, floating numbers in the network's dtype."""
    if not isinstance(value, torch.Tensor):
        return value
    # Not both at once: the device may have no type for the numbers as they are.
    numbers = value.to(dtype) if value.is_floating_point() else value
    return numbers.to(device, non_blocking=True)


def _pinned(value: Any) -> Any:
    return value.pin_memory() if isinstance(value, torch.Tensor) else value


@dataclass(frozen=True)
class Videos:
    """Checked videos with labels and weights."""

    X: MultimodalArray
    y: Any
    weight: Floats
    weighted: bool  # whether the user gave weights
    source: MultimodalArray  # the array that the user gave,
    rows: Ints  # and the rows of X in it
    names: Any = None  # of the columns of y, if it came as a data frame

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: Ints) -> "Videos":
        """Return some of the videos."""
        y, weight = self.y[rows], self.weight[rows]
        return replace(self, X=self.X[rows], y=y, weight=weight, rows=self.rows[rows])

    def select(self, names: Sequence[str]) -> "Videos":
        """Return the videos with the modalities in this order."""
        return replace(self, X=self.X.select(names), source=self.source.select(names))

    def check_present(self) -> None:
        """Raise ValueError unless every modality has frames in some video."""
        X = self.X
        if empty := [name for name in X.modality_names if not X.lengths(name).any()]:
            raise ValueError(f"X has no frames of {empty} in any video: leave these out.")

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
        long_videos: str | Mapping[str, str] = "pool",
        extra: dict[str, Array] | None = None,
    ):
        self.X, self.y, self.sample_weight = X, y, sample_weight
        self.max_frames = max_frames
        self.long_videos = as_long_videos(long_videos, X.modality_names)
        self.extra = {} if extra is None else extra
        lengths: Ints = X.timeline_lengths()
        self._lengths: Ints = lengths if max_frames is None else np.minimum(lengths, max_frames)

    def __len__(self) -> int:
        return len(self.X)

    def lengths(self) -> Ints:
        """Number of time steps to read of each video, (n,)."""
        return self._lengths

    def step_bytes(self) -> int:
        """Stored size of one time step, summed over the modalities."""
        frames, _ = self.X.pad([])
        return sum(values.shape[2] * values.itemsize for values in frames.values())

    def begin_epoch(self, generator: torch.Generator) -> None:
        """Draw the random numbers of an epoch from a `torch.Generator`, for subclasses."""

    def __getitems__(self, rows: Ints) -> tuple[Batch, Any]:
        whole = np.asarray(rows)
        rows, counts = self.processes.divide(whole)
        batch = self.read(rows, None if counts else 0, len(whole))
        for name, values in self.extra.items():
            batch.extra[name] = torch.from_numpy(values[rows])
        if self.sample_weight is not None:
            batch.extra["sample_weight"] = torch.from_numpy(self.sample_weight[rows] * counts)
        return batch, self.target(rows, counts)

    def real_steps(self, rows: Ints) -> dict[str, Ints]:
        """Return the number of time steps at which each modality of some videos has frames."""
        return count_real_steps(self.X[rows], self.max_frames, self.long_videos)

    def read(self, rows: Ints, n_steps: Ints | int | None, whole: int | None = None) -> Batch:
        """Return the frames of some rows: a `Batch`, or a share of one of `whole` videos."""
        how: Any = {"long_videos": self.long_videos, "n_steps": n_steps}
        frames, masks = self.X.pad(rows, self.max_frames, **how)
        return Batch(
            {name: torch.from_numpy(values) for name, values in frames.items()},
            {name: torch.from_numpy(mask) for name, mask in masks.items()},
            self.X.quantization,
            whole=whole,
        )

    def target(self, rows: Ints, counts: bool = True) -> Any:
        """Return targets and weights of some rows for the loss, all 0 unless `counts`."""
        if self.y is None:
            return torch.zeros(len(rows))
        y = self.y[rows]
        y = y.toarray() if issparse(y) else y
        weight = np.ones(len(rows)) if self.sample_weight is None else self.sample_weight[rows]
        return {"y": torch.from_numpy(y), "weight": torch.from_numpy(weight * counts)}


class LengthBuckets(Sampler[Ints]):
    """Batches of videos of similar length, so that there is little padding."""

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
    """The batches of a data set, epoch after epoch."""

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
        """Read one batch and its targets."""
        batch, target = self.dataset.__getitems__(rows)
        if not self.pin:
            return batch, target
        if isinstance(target, dict):
            target = {name: _pinned(value) for name, value in target.items()}
        return batch.pinned(), target

    def is_large(self) -> bool:
        """Whether a thread that reads ahead pays for a batch of usual size."""
        n = len(self.dataset)
        n_steps = self.dataset.lengths().sum() * min(self.sampler.batch_size, n) / max(n, 1)
        return bool(n_steps * self.dataset.step_bytes() >= READ_AHEAD_BYTES)
