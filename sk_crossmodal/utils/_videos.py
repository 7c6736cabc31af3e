"""Small random videos in every form that X may have, and labels for them."""

from tempfile import TemporaryFile
from typing import Any
from unittest import SkipTest

import numpy as np

from .._types import Array, Ints
from ..multimodal import MultimodalArray
from ..training import SliceDict

WIDTHS = {"video": 5, "audio": 4}
N_VIDEOS = 24
N_FRAMES = 7  # of the longest video
# A power of two, so that frames as uint8 and as float32 are exactly equal.
QUANTIZATION = (1 / 32, -4.0)


class Videos:
    """Random frames of 24 videos; row 0 is among the longest, row 1 among the shortest."""

    def __init__(self, *, ragged: bool = True) -> None:
        rng = np.random.RandomState(7)
        self.stored, self.lengths = {}, {}
        for name, width in WIDTHS.items():
            lengths = rng.randint(1, N_FRAMES, size=N_VIDEOS)
            lengths[:2] = N_FRAMES, 1
            lengths = lengths if ragged else np.full(N_VIDEOS, N_FRAMES)
            self.stored[name] = rng.randint(256, size=(lengths.sum(), width), dtype=np.uint8)
            self.lengths[name] = lengths

    def flat(self) -> dict[str, Array]:
        """Return the frames of all videos in one array per modality, float32."""
        scale, shift = map(np.float32, QUANTIZATION)
        return {name: stored * scale + shift for name, stored in self.stored.items()}

    def container(self) -> MultimodalArray:
        """Return frames in memory."""
        return MultimodalArray.from_frames(self.flat(), self.lengths)

    def memory_map(self) -> MultimodalArray:
        """Return frames in a read-only file."""
        frames = {name: _mapped(values) for name, values in self.flat().items()}
        return MultimodalArray.from_frames(frames, self.lengths)

    def quantised(self) -> MultimodalArray:
        """Return frames as uint8."""
        quantization = dict.fromkeys(WIDTHS, QUANTIZATION)
        return MultimodalArray.from_frames(self.stored, self.lengths, quantization=quantization)

    def lists(self) -> dict[str, list[Array]]:
        """Return a list of (T_i, d) arrays per modality."""
        return {
            name: np.split(values, np.cumsum(self.lengths[name])[:-1])
            for name, values in self.flat().items()
        }

    def objects(self) -> dict[str, Array]:
        """Return an object array of (T_i, d) arrays per modality."""
        columns = {name: np.empty(N_VIDEOS, dtype=object) for name in WIDTHS}
        for name, rows in self.lists().items():
            columns[name][:] = rows
        return columns

    def slice_dict(self) -> SliceDict:
        """Return the same in a `SliceDict`."""
        return SliceDict(**self.objects())

    def data_frame(self) -> Any:
        """Return a data frame with one column per modality and one row per video."""
        try:
            import pandas as pd
        except ImportError as error:
            raise SkipTest("pandas is not installed") from error
        return pd.DataFrame(self.objects())

    def arrays(self) -> dict[str, Array]:
        """Return an (n, T, d) array per modality, for videos of equal length."""
        return {name: v.reshape(N_VIDEOS, N_FRAMES, -1) for name, v in self.flat().items()}

    def array_slice_dict(self) -> SliceDict:
        """Return the same in a `SliceDict`."""
        return SliceDict(**self.arrays())

    def wide(self) -> Array:
        """Return one (n, T, d) array of all modalities."""
        return np.concatenate(list(self.arrays().values()), axis=2)


def _mapped(values: Array) -> Array:
    with TemporaryFile() as file:  # the map outlives the file
        values.tofile(file)
        return np.memmap(file, values.dtype, mode="r", shape=values.shape)


def class_labels(n_classes: int) -> Array:
    """Return classes (n,), all of them in each half of the videos."""
    return np.array(["a", "b", "c"])[np.arange(N_VIDEOS) % n_classes]


def indicators() -> Ints:
    """Return multilabel indicators (n, 3), with one or two labels per video."""
    Y = np.eye(3, dtype=np.int64)[np.arange(N_VIDEOS) % 3]
    Y[::5, 0] = 1
    return Y
