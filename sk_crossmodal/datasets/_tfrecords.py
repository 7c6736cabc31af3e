"""load_tfrecords: TFRecord shards of any features as a MultimodalArray."""

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

from sklearn.utils import Bunch

from ..validation import check_number
from ._conversion import convert
from ._formats import detect_format, make_format
from ._loading import check_arguments, collect, find_files
from ._reader import ErrorLog
from ._records import IDS, LABELS, RecordFormat
from ._stored import label_sets
from ._tfrecord import TFRecordReader, read_records

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def load_tfrecords(
    paths: Paths,
    *,
    features: Mapping[str, tuple[str, int]] | None = None,
    labels: str | Sequence[str] | None = LABELS,
    ids: str | Sequence[str] = IDS,
    quantization: tuple[float, float] | None = (-2.0, 2.0),
    on_error: str = "raise",
    max_frames: int | None = None,
    return_X_y: bool = False,
    store: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
    progress: bool | None = None,
) -> Any:
    """Load TFRecord shards, such as those of AudioSet, or of the same form.

    A record is a ``tf.train.SequenceExample`` whose feature lists have one frame per entry, a
    string of as many bytes as the frame is wide (or `quantization=None`: as many floats); or a
    ``tf.train.Example`` with one list of floats per modality, which is a video of one frame. The
    form is detected automatically. Both checksums of every record are verified. TensorFlow is not
    needed.

    Parameters
    ----------
    paths : str, path-like, or iterable of these
        Shards; a folder stands for its ``*.tfrecord`` files (not those in folders below it), a
        pattern such as ``"bal*.tfrecord"`` for the files that match it.
    features : dict of str to (str, int), default=None
        Per modality the name of its feature, and the number of features of a frame, such as
        ``{"audio": ("audio_embedding", 128)}``. Other features are not read. None takes all
        feature lists of the first record, or its lists of floats if it has none. The modality of
        AudioSet's "audio_embedding" is called "audio", those of YouTube-8M "video" and "audio",
        and any other as its feature.
    labels : str, sequence of str, or None, default=("labels", "label")
        The feature with the labels, a list of integers; of several names the first that a record
        has. A video without it has no labels. None reads none.
    ids : str or sequence of str, default=("video_id", "id")
        The feature with the name of the video, a string; of several names the first that a record
        has.
    quantization : (float, float) or None, default=(-2.0, 2.0)
        The range (low, high) of quantised frames: a byte q means
        ``q * (high - low) / 255 + (high - low) / 512 + low``. The default is that of AudioSet and
        YouTube-8M. None is for frames of floats.
    on_error : {"raise", "skip"}, default="raise"
        Whether to raise an error for damaged data, or to list it in `skipped` and continue with
        the next intact record. A second record of a video in a shard is damage; a video in two
        shards is a mistake in the call, which is not skipped.
    max_frames : int, default=None
        Maximum number of frames kept of each video; later ones are ignored. None keeps all.
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

    Returns
    -------
    bunch : sklearn.utils.Bunch
        With n videos in the order of the shards:

        - ``data``: :class:`~sk_crossmodal.multimodal.MultimodalArray` of shape (n,). Quantised
          frames stay uint8, with `quantization` as their meaning; others are float32.
        - ``target``: list of n tuples of int, ascending; empty if there are no labels. See
          :func:`audioset_hierarchy`.
        - ``ids``: ndarray of str, shape (n,).
        - ``level``: "video" or "frame".
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
        mixed, no video can be read at all, or, with ``on_error="raise"``, at the first damage, as
        for :func:`load_youtube8m`; also if a record lacks one of `features`, or has it in
        another width. If `store` is something else, or made from other shards or features.

    See Also
    --------
    load_youtube8m : The same for YouTube-8M, also for its segments.
    audioset_hierarchy : The labels of AudioSet.

    References
    ----------
    .. [1] J. F. Gemmeke et al., "Audio Set: An ontology and human-labeled dataset for audio
       events", ICASSP 2017. Format: https://research.google.com/audioset/download.html

    Examples
    --------
    >>> from sk_crossmodal.datasets import audioset_hierarchy, load_tfrecords
    >>> from sk_crossmodal.hierarchy import HierarchyLabelBinarizer
    >>> sounds = load_tfrecords("audioset/bal_train/")  # doctest: +SKIP
    >>> hierarchy = audioset_hierarchy(
    ...     "ontology.json", "class_labels_indices.csv"
    ... )  # doctest: +SKIP
    >>> y = HierarchyLabelBinarizer(hierarchy=hierarchy).fit_transform(
    ...     sounds.target
    ... )  # doctest: +SKIP

    Only the sound of YouTube-8M:

    >>> sounds = load_tfrecords(
    ...     "yt8m/frame/train*.tfrecord", features={"audio": ("audio", 128)}
    ... )  # doctest: +SKIP
    """
    record_format, defaults = make_format(features, quantization, labels, ids)
    check_options(max_frames, n_jobs, return_X_y, progress, store)
    ErrorLog(on_error)
    files = find_files(paths, TFRecordReader.suffixes, "shard")
    record_format = record_format or _detect(files, defaults, on_error)
    reader = TFRecordReader(on_error, max_frames, record_format)
    loaded = load_shards(reader, files, return_X_y, store, n_jobs, progress)
    target = loaded[1] if return_X_y else loaded.target
    if labels not in (None, LABELS) and target is not None and not any(map(len, target)):
        warnings.warn(
            f"No record has labels in the feature {labels!r}: check the name in labels, or give "
            "labels=None if there are none.",
            UserWarning,
            stacklevel=2,
        )
    return loaded


def _detect(files: Sequence[Path], defaults: RecordFormat, on_error: str) -> RecordFormat:
    """Find the format of the first records; without any, the format does not matter."""
    errors = ErrorLog(on_error)
    payloads = (payload for file in files for _, payload in read_records(file, errors))
    return detect_format(payloads, defaults) or defaults


def check_options(
    max_frames: Any, n_jobs: Any, return_X_y: Any, progress: Any, store: Any
) -> None:
    """Check the parameters that both functions for shards have."""
    if max_frames is not None:
        check_number("max_frames", max_frames, low=1, integer=True)
    if not isinstance(n_jobs, Integral | None) or isinstance(n_jobs, bool):
        raise TypeError(f"n_jobs must be an int or None, got {n_jobs!r}.")
    if n_jobs == 0:
        raise ValueError("n_jobs must be positive, negative or None, got 0.")
    check_arguments(return_X_y, progress, store)


def load_shards(
    reader: TFRecordReader,
    files: Sequence[Path],
    return_X_y: bool,
    store: str | os.PathLike[str] | None,
    n_jobs: int | None,
    progress: bool | None,
) -> Any:
    """Load shards into memory, or convert them to a store."""
    if store is None:
        bunch = collect(reader, files, progress=False)
    else:
        opened = convert(reader, files, store, n_jobs=n_jobs, progress=progress)
        bunch = Bunch(data=opened.data, target=label_sets(opened), ids=opened.ids)
    if return_X_y:
        return bunch.data, bunch.target
    level, skipped = reader.record_format.attributes(reader.level)["level"], reader.errors.entries
    return Bunch(**bunch, level=level, n_skipped=len(skipped), skipped=skipped)
