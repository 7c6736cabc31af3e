"""load_youtube8m: TFRecord shards of YouTube-8M as a MultimodalArray."""

import os
from collections.abc import Iterable, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._types import Array, Ints
from ..multimodal import MultimodalArray
from ._blocks import DTYPES, SCALING, Block, find_level, read_blocks
from ._conversion import convert
from ._records import WIDTHS
from ._shards import find_shards
from ._stored import label_sets
from ._tfrecord import DamageLog
from ._unique import Uniqueness

#: Level, frames, labels and ids of all videos.
_Loaded = tuple[str, MultimodalArray, list[tuple[int, ...]], Array | None]


def load_youtube8m(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    on_error: str = "raise",
    max_frames: int | None = None,
    return_X_y: bool = False,
    store: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
    progress: bool | None = None,
) -> Any:
    """Load TFRecord shards of YouTube-8M, video-level or frame-level.

    The kind is told by looking. Both checksums of every record are verified. TensorFlow is not
    needed. Segment-rated shards load as frame-level ones with the labels of their videos; the
    ratings of the segments are ignored.

    Parameters
    ----------
    paths : str, path-like, or iterable of these
        Shards; a folder stands for its ``*.tfrecord`` files (not those in folders below it), a
        pattern such as ``"train*.tfrecord"`` for the files that match it.
    on_error : {"raise", "skip"}, default="raise"
        What to do about damage: raise, or leave the record out, go on, and note it in `skipped`.
        After a broken length reading goes on with the next record that is intact, and the note
        says how many bytes are lost. A video that stands in its shard a second time is damage;
        one in two shards is a mistake in the call, which is not skipped.
    max_frames : int, default=None
        How many first frames (one a second) of each video to keep. None keeps all.
    return_X_y : bool, default=False
        Give ``(data, target)`` alone.
    store : path-like, default=None
        Folder of a store on disk. The shards are converted to it in constant memory, and `data`
        stays there. What was converted before, told by name and size of the shard, is not
        converted again: the same call again only opens the store, an interrupted one goes on,
        and one with further shards behind the others converts these. None reads everything into
        memory.
    n_jobs : int, default=None
        With `store`, the number of shards that are converted at once, in processes. None means
        1, or what a ``joblib.parallel_config`` says, -1 all processors.
    progress : bool, default=None
        With `store`, whether to show a progress bar. None shows it if there is a terminal.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        With n videos in the order of the shards:

        - ``data``: :class:`~sk_crossmodal.multimodal.MultimodalArray` of shape (n,) with the
          modalities "video" (1024 features) and "audio" (128). Frame-level features stay
          uint8, where q stands for ``q * 4 / 255 + 4 / 512 - 2``; video-level ones are float32
          and one frame long.
        - ``target``: list of n tuples of int, indices into the vocabulary, ascending; empty
          where there are no labels, as in the test partition. See :func:`youtube8m_hierarchy`.
        - ``ids``: ndarray of str, shape (n,).
        - ``level``: "video" or "frame".
        - ``n_skipped``, ``skipped``: how many parts were left out, and each one's file, byte
          offset and reason.

    Raises
    ------
    TypeError
        If anything but `on_error` has the wrong type.
    FileNotFoundError
        If a path does not exist.
    ValueError
        If a path is neither file nor folder, a folder or pattern has no shards, a shard is listed
        twice, a video is in two shards, both kinds are mixed, no video can be read at all, or,
        with ``on_error="raise"``, at the first damage: an empty, compressed or cut-off shard, a
        checksum that does not fit, a record of more than 16 MB, one that does not parse, has
        features missing or of a wrong type, width or value, or a video again. If `store` is
        something else, or made from other shards, of the other kind, or with another
        `max_frames`.

    References
    ----------
    .. [1] S. Abu-El-Haija et al., "YouTube-8M: A Large-Scale Video Classification Benchmark",
       arXiv:1609.08675, 2016. Format: https://research.google.com/youtube8m/download.html

    Examples
    --------
    >>> from sk_crossmodal.datasets import load_youtube8m, youtube8m_hierarchy
    >>> from sk_crossmodal.hierarchy import HierarchyLabelBinarizer
    >>> videos = load_youtube8m("yt8m/video/train*.tfrecord")  # doctest: +SKIP
    >>> binarizer = HierarchyLabelBinarizer(
    ...     hierarchy=youtube8m_hierarchy("yt8m/vocabulary.csv"), min_frequency=30
    ... )  # doctest: +SKIP
    >>> y = binarizer.fit_transform(videos.target)  # doctest: +SKIP

    A terabyte of frames goes to a store first, and is opened in a moment from then on.

    >>> videos = load_youtube8m(
    ...     "yt8m/frame/train*.tfrecord", store="yt8m/train", n_jobs=-1
    ... )  # doctest: +SKIP
    """
    _check_whole("max_frames", max_frames)
    if max_frames is not None and max_frames < 1:
        raise ValueError(f"max_frames must be positive, got {max_frames}.")
    _check_whole("n_jobs", n_jobs)
    if n_jobs == 0:
        raise ValueError("n_jobs must be positive, negative or None, got 0.")
    if not isinstance(return_X_y, bool | np.bool_):
        raise TypeError(f"return_X_y must be True or False, got {return_X_y!r}.")
    if not isinstance(progress, bool | np.bool_ | None):
        raise TypeError(f"progress must be True, False or None, got {progress!r}.")
    if not isinstance(store, str | os.PathLike | None):
        raise TypeError(f"store must be a str, path-like or None, got {store!r}.")
    damage = DamageLog(on_error)
    shards = find_shards(paths)
    if store is None:
        level, data, target, ids = _read(shards, damage, max_frames)
    else:
        level, data, target, ids = _convert(shards, store, damage, max_frames, n_jobs, progress)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        ids=ids,
        level=level,
        n_skipped=len(damage.entries),
        skipped=damage.entries,
    )


def _check_whole(name: str, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, Integral)):
        raise TypeError(f"{name} must be an int or None, got {value!r}.")


def _read(shards: Sequence[Path], damage: DamageLog, max_frames: int | None) -> _Loaded:
    """Read all of the shards into memory."""
    videos = _Videos(find_level(shards, damage.on_error))
    edges = [0]
    unique = Uniqueness(shards, lambda i: videos.ids[edges[i] : edges[i + 1]])
    for i, shard in enumerate(shards):
        for block in read_blocks(shard, videos.level, damage, max_frames):
            videos.add(block)
        edges.append(len(videos.ids))
        unique.add(i)
    return videos.level, videos.to_array(), videos.target, np.array(videos.ids)


def _convert(
    shards: Sequence[Path],
    path: str | os.PathLike[str],
    damage: DamageLog,
    max_frames: int | None,
    n_jobs: int | None,
    progress: bool | None,
) -> _Loaded:
    """Have all of the shards in a store."""
    store = convert(shards, path, damage, max_frames=max_frames, n_jobs=n_jobs, progress=progress)
    return store.attributes["level"], store.data, label_sets(store), store.ids


class _Videos:
    """Videos as they come, their frames flat behind each other in memory."""

    def __init__(self, level: str) -> None:
        self.level = level
        self.ids: list[str] = []
        self.target: list[tuple[int, ...]] = []
        # They grow in place; a list of arrays would need all the memory twice at the end.
        self._frames = {name: bytearray() for name in WIDTHS}
        self._lengths: dict[str, list[Ints]] = {name: [] for name in WIDTHS}

    def add(self, block: Block) -> None:
        self.ids += block.ids
        self.target += block.labels
        for name, (frames, lengths) in block.frames.items():
            self._frames[name] += frames.data
            self._lengths[name].append(lengths)

    def to_array(self) -> MultimodalArray:
        """Give the frames as MultimodalArray, without copying them."""
        frames = {
            name: np.frombuffer(flat, dtype=DTYPES[self.level]).reshape(-1, WIDTHS[name])
            for name, flat in self._frames.items()
        }
        lengths = {name: np.concatenate(each) for name, each in self._lengths.items()}
        quantization = dict.fromkeys(WIDTHS, SCALING[self.level])
        return MultimodalArray.from_frames(frames, lengths, quantization=quantization)
