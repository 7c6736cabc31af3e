"""load_youtube8m: TFRecord shards of YouTube-8M as a MultimodalArray."""

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ._formats import YOUTUBE8M
from ._loading import find_files
from ._tfrecord import TFRecordReader
from ._tfrecords import check_options, load_shards


def load_youtube8m(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    on_error: str = "raise",
    max_frames: int | None = None,
    return_X_y: bool = False,
    store: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
    progress: bool | None = None,
    segments: bool | str = False,
) -> Any:
    """Load TFRecord shards of YouTube-8M, video-level or frame-level.

    The level is detected automatically. Both checksums of every record are verified. TensorFlow is
    not needed. Shards with rated segments (2019) load as frame-level ones with the labels of their
    videos, or with `segments` as one sample per segment. For other features, such as the sound
    alone, see :func:`load_tfrecords`.

    Parameters
    ----------
    paths : str, path-like, or iterable of these
        Shards; a folder stands for its ``*.tfrecord`` files (not those in folders below it), a
        pattern such as ``"train*.tfrecord"`` for the files that match it. Suffixes may be in upper
        case, ``~/`` is the home folder, and brackets in the name of an existing folder are no
        pattern.
    on_error : {"raise", "skip"}, default="raise"
        Whether to raise an error for damaged data, or to list it in `skipped` and continue with
        the next intact record. A second record of a video in a shard is damage; a video in two
        shards is a mistake in the call, which is not skipped.
    max_frames : int, default=None
        Maximum number of frames (one per second) kept of each video; later ones are ignored. None
        keeps all.
    return_X_y : bool, default=False
        Whether to return only ``(data, target)``.
    store : path-like, default=None
        Folder of a store on disk. The shards are converted to it in constant memory, and `data`
        stays on disk. The same call again resumes an interrupted conversion, or opens the store; a
        call with further shards behind the others converts only these. None reads into memory.
    n_jobs : int, default=None
        With `store`, the number of processes that convert shards at the same time. None means 1,
        or the setting of ``joblib.parallel_config``; -1 means all processors.
    progress : bool, default=None
        With `store`, whether to show a progress bar. None shows it in a terminal.
    segments : bool or {"rated", "all"}, default=False
        Whether samples are segments of five frames instead of whole videos. True or "rated" takes
        the segments that were rated; videos without any are left out. "all" cuts each video into
        consecutive segments without labels, as a submission needs them; the last one may be
        shorter.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        With n videos in the order of the shards:

        - ``data``: :class:`~sk_crossmodal.multimodal.MultimodalArray` of shape (n,) with the
          modalities "video" (1024 features) and "audio" (128). Frame-level features stay
          uint8, where q means ``q * 4 / 255 + 4 / 512 - 2``; video-level ones are float32
          and have one frame. Frame-level shards have one frame per second.
        - ``target``: list of n tuples of int, indices into the vocabulary, ascending; empty
          if there are no labels, as in the test partition. See :func:`youtube8m_hierarchy`.
          Of a segment, the labels that are rated 1: a segment whose labels are all rated 0 is a
          negative sample, with an empty tuple.
        - ``ids``: ndarray of str, shape (n,); of a segment ``"video:start"``, where start is its
          first frame.
        - ``level``: "video", "frame" or "segment".
        - ``n_skipped``, ``skipped``: the number of skipped parts, and the file, byte offset and
          reason of each.

    Raises
    ------
    TypeError
        If a parameter other than `on_error` has the wrong type.
    FileNotFoundError
        If a path does not exist.
    ValueError
        If a path has no shards, a shard is listed twice, a video is in two shards, levels are
        mixed, no video can be read at all, or, with ``on_error="raise"``, at the first damage: an
        empty, compressed or truncated shard, a wrong checksum, a record of more than 16 MB or
        without valid features, or a second record of a video. If `store` is something else, or
        made from other shards, of the other level, or with another `max_frames` or `segments`. If
        there are no rated segments, or `segments` are wanted of video-level shards.

    References
    ----------
    .. [1] S. Abu-El-Haija et al., "YouTube-8M: A Large-Scale Video Classification Benchmark",
       arXiv:1609.08675, 2016. Format: https://research.google.com/youtube8m/download.html

    Examples
    --------
    >>> from sk_crossmodal.datasets import load_youtube8m, youtube8m_hierarchy
    >>> from sk_crossmodal.hierarchy import HierarchyLabelBinarizer
    >>> videos = load_youtube8m("yt8m/video/train*.tfrecord")  # doctest: +SKIP
    >>> hierarchy = youtube8m_hierarchy("yt8m/vocabulary.csv")  # doctest: +SKIP
    >>> binarizer = HierarchyLabelBinarizer(hierarchy=hierarchy)  # doctest: +SKIP
    >>> y = binarizer.fit_transform(videos.target)  # doctest: +SKIP

    Convert a terabyte of frames to a store once; afterwards it opens in a moment.

    >>> videos = load_youtube8m(
    ...     "yt8m/frame/train*.tfrecord", store="yt8m/train", n_jobs=-1
    ... )  # doctest: +SKIP
    """
    check_options(max_frames, n_jobs, return_X_y, progress, store)
    record_format = replace(YOUTUBE8M, segments=_as_segments(segments))
    reader = TFRecordReader(on_error, max_frames, record_format)
    shards = find_files(paths, reader.suffixes, "shard")
    return load_shards(reader, shards, return_X_y, store, n_jobs, progress)


def _as_segments(segments: Any) -> str | None:
    if isinstance(segments, bool | np.bool_):
        return "rated" if segments else None
    if segments not in ("rated", "all"):
        kind = ValueError if isinstance(segments, str) else TypeError
        raise kind(f"segments must be False, True, 'rated' or 'all', got {segments!r}.")
    return str(segments)
