"""Batches: whole ones at a time, of videos of similar length."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from scipy.sparse import issparse
from torch.utils.data import DataLoader, Dataset, Sampler

from ..multimodal import MultimodalArray


@dataclass(frozen=True)
class Batch:
    """Frames and masks of some videos as they are stored, and further inputs of the network.

    Parameters
    ----------
    frames : dict of str to Tensor of shape (B, T, d)
        Stored numbers, uint8 or floating.
    masks : dict of str to bool Tensor of shape (B, T)
        True at real frames.
    quantization : dict of str to (scale, shift)
        A stored number q means ``q * scale + shift``.
    extra : dict
        Further keyword arguments of the network's forward; tensors are moved to its device,
        floating ones in its dtype.
    """

    frames: dict
    masks: dict
    quantization: dict
    extra: dict = field(default_factory=dict)

    def __len__(self):
        return len(next(iter(self.masks.values())))

    def inputs(self, device, dtype):
        """Return what the network is called with, on its device, dequantised there."""
        frames = {}
        for name, stored in self.frames.items():
            scale, shift = self.quantization[name]
            moved = stored.to(device, non_blocking=True).to(dtype)
            frames[name] = moved if (scale, shift) == (1.0, 0.0) else moved * scale + shift
        masks = {name: mask.to(device, non_blocking=True) for name, mask in self.masks.items()}
        extra = {name: _moved(value, device, dtype) for name, value in self.extra.items()}
        return {"frames": frames, "masks": masks, **extra}


def _moved(value, device, dtype):
    """Bring a tensor to a device, floating numbers in the network's dtype."""
    if not isinstance(value, torch.Tensor):
        return value
    return value.to(device, dtype if value.is_floating_point() else None)


@dataclass(frozen=True)
class Videos:
    """Checked videos with labels and weights.

    Parameters
    ----------
    X : MultimodalArray of shape (n,)
        The videos.
    y : ndarray or csr_array of shape (n, ...)
        Their labels.
    weight : ndarray of shape (n,)
        Their weights.
    weighted : bool
        Whether the weights were given, and are not 1 for want of others.
    """

    X: MultimodalArray
    y: object
    weight: np.ndarray
    weighted: bool = False

    def __len__(self):
        return len(self.X)

    def take(self, rows):
        """Return some of the videos."""
        return replace(self, X=self.X[rows], y=self.y[rows], weight=self.weight[rows])

    def callback_arguments(self):
        """Return them as scikit-learn's callbacks are given them."""
        metadata = {"sample_weight": self.weight} if self.weighted else None
        return {"X": self.X, "y": self.y, "metadata": metadata}


class FrameDataset(Dataset):
    """Videos of a `MultimodalArray` with per-video inputs and targets, fetched a batch at a time.

    Parameters
    ----------
    X : MultimodalArray of shape (n,)
        The videos.
    y : ndarray or CSR of shape (n, ...), optional
        Targets of the loss.
    sample_weight : ndarray of shape (n,), optional
        Weights in the loss, by default 1; and in the network's statistics over a batch.
    max_frames : int, optional
        Only that many first moments of each video are read.
    extra : dict of str to ndarray of shape (n, ...), optional
        Further inputs of the network.
    """

    def __init__(self, X, y=None, sample_weight=None, *, max_frames=None, extra=None):
        self.X, self.y, self.sample_weight = X, y, sample_weight
        self.max_frames = max_frames
        self.extra = {} if extra is None else extra

    def __len__(self):
        return len(self.X)

    def lengths(self):
        """Number of moments that are read of each video, (n,)."""
        lengths = self.X.timeline_lengths()
        return lengths if self.max_frames is None else np.minimum(lengths, self.max_frames)

    def __getitems__(self, rows):
        rows = np.asarray(rows)
        batch = self.read(rows, self.max_frames)
        for name, values in self.extra.items():
            batch.extra[name] = torch.from_numpy(values[rows])
        if self.sample_weight is not None:
            batch.extra["sample_weight"] = torch.from_numpy(self.sample_weight[rows])
        return batch, self.target(rows)

    def read(self, rows, max_frames):
        """Return the frames of some rows as a `Batch`."""
        frames, masks = self.X.pad(rows, max_frames)
        return Batch(
            {name: torch.from_numpy(values) for name, values in frames.items()},
            {name: torch.from_numpy(mask) for name, mask in masks.items()},
            self.X.quantization,
        )

    def target(self, rows):
        """Return targets and weights of some rows, as the loss takes them."""
        if self.y is None:
            return torch.zeros(len(rows))
        y = self.y[rows]
        y = y.toarray() if issparse(y) else y
        weight = np.ones(len(rows)) if self.sample_weight is None else self.sample_weight[rows]
        return {"y": torch.from_numpy(y), "weight": torch.from_numpy(weight)}


class LengthBuckets(Sampler):
    """Batches of videos of similar length, so that little is padded.

    Parameters
    ----------
    lengths : ndarray of shape (n,)
        Length of each video.
    batch_size : int
        Videos a batch; the last one of an epoch may be smaller.
    shuffle : bool
        Draw anew for every epoch, from torch's random numbers: videos are mixed in pools of
        `POOL` batches, sorted by length within a pool, and the batches mixed again. Without
        it, all videos are sorted by length.
    """

    POOL = 32

    def __init__(self, lengths, batch_size, shuffle):
        self.lengths, self.batch_size, self.shuffle = lengths, batch_size, shuffle

    def __len__(self):
        return -(-len(self.lengths) // self.batch_size)

    def order(self):
        """Return rows in the order of the batches, without shuffling."""
        return np.argsort(self.lengths, kind="stable")

    def __iter__(self):
        n, size = len(self.lengths), self.batch_size
        if not self.shuffle:
            yield from np.split(self.order(), range(size, n, size))
            return
        mixed = torch.randperm(n).numpy()
        batches = []
        for pool in np.split(mixed, range(size * self.POOL, n, size * self.POOL)):
            pool = pool[np.argsort(self.lengths[pool], kind="stable")]
            batches += np.split(pool, range(size, len(pool), size))
        for i in torch.randperm(len(batches)):
            yield batches[i]


def batch_loader(dataset, batch_size, shuffle):
    """Return a DataLoader that fetches whole batches of similar length."""
    sampler = LengthBuckets(dataset.lengths(), batch_size, shuffle)
    # With a generator of its own the loader leaves torch's global random numbers alone.
    own = torch.Generator()
    return DataLoader(dataset, batch_sampler=sampler, collate_fn=_as_is, generator=own)


def _as_is(batch):
    return batch
