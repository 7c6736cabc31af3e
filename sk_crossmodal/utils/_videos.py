"""Small random videos in every form that X may have, and labels for them."""

from tempfile import TemporaryFile
from typing import Any
from unittest import SkipTest

import numpy as np

from .._types import Array, Ints
from ..multimodal import MultimodalArray
from ..training import SliceDict

# The first modality is the wider one, so that one wide array is cut in halves into these two.
WIDTHS = {"video": 5, "audio": 4}
N_VIDEOS = 24
LONGEST = 7
# A power of two: frames as uint8 and as float32 are the same numbers to the last bit.
QUANTIZATION = (1 / 32, -4.0)


class Videos:
    """Random frames of 24 videos in two modalities, "video" and "audio"."""

    def __init__(self, *, ragged: bool = True) -> None:
        rng = np.random.RandomState(7)
        self.stored, self.lengths = {}, {}
        for name, width in WIDTHS.items():
            lengths = rng.randint(1, LONGEST, size=N_VIDEOS)
            lengths[:2] = LONGEST, 1
            lengths = lengths if ragged else np.full(N_VIDEOS, LONGEST)
            self.stored[name] = rng.randint(256, size=(lengths.sum(), width), dtype=np.uint8)
            self.lengths[name] = lengths

    def flat(self) -> dict[str, Array]:
        """Per modality the frames of all videos behind each other, float32."""
        scale, shift = map(np.float32, QUANTIZATION)
        return {name: stored * scale + shift for name, stored in self.stored.items()}

    def container(self) -> MultimodalArray:
        """Frames in memory."""
        return MultimodalArray.from_frames(self.flat(), self.lengths)

    def memory_map(self) -> MultimodalArray:
        """Frames in a file, read-only."""
        frames = {name: _mapped(values) for name, values in self.flat().items()}
        return MultimodalArray.from_frames(frames, self.lengths)

    def quantised(self) -> MultimodalArray:
        """Frames as uint8."""
        quantization = dict.fromkeys(WIDTHS, QUANTIZATION)
        return MultimodalArray.from_frames(self.stored, self.lengths, quantization=quantization)

    def lists(self) -> dict[str, list[Array]]:
        """Per modality a list of (T_i, d) arrays."""
        return {
            name: np.split(values, np.cumsum(self.lengths[name])[:-1])
            for name, values in self.flat().items()
        }

    def objects(self) -> dict[str, Array]:
        """Per modality an object array of (T_i, d) arrays."""
        columns = {name: np.empty(N_VIDEOS, dtype=object) for name in WIDTHS}
        for name, rows in self.lists().items():
            columns[name][:] = rows
        return columns

    def slice_dict(self) -> SliceDict:
        """The same in a `SliceDict`."""
        return SliceDict(**self.objects())

    def data_frame(self) -> Any:
        """A column a modality, a cell a video."""
        try:
            import pandas as pd
        except ImportError as error:
            raise SkipTest("pandas is not installed") from error
        return pd.DataFrame(self.objects())

    def arrays(self) -> dict[str, Array]:
        """Per modality an (n, T, d) array; only of videos of one length."""
        return {name: v.reshape(N_VIDEOS, LONGEST, -1) for name, v in self.flat().items()}

    def array_slice_dict(self) -> SliceDict:
        """The same in a `SliceDict`."""
        return SliceDict(**self.arrays())

    def wide(self) -> Array:
        """One (n, T, d) array, modalities side by side."""
        return np.concatenate(list(self.arrays().values()), axis=2)


def _mapped(values: Array) -> Array:
    with TemporaryFile() as file:  # the map outlives it
        values.tofile(file)
        return np.memmap(file, values.dtype, mode="r", shape=values.shape)


def class_labels(n_classes: int) -> Array:
    """Classes (n,), every one of them in each half of the videos."""
    return np.array(["a", "b", "c"])[np.arange(N_VIDEOS) % n_classes]


def indicators() -> Ints:
    """Multilabel indicators (n, 3), of one or two labels a video."""
    Y = np.eye(3, dtype=np.int64)[np.arange(N_VIDEOS) % 3]
    Y[::5, 0] = 1
    return Y
