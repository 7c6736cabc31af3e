"""`MultimodalArray`: n videos, each with ragged frames in several named modalities."""

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any, NoReturn, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .._types import Array, Bools, Floats, Ints
from ..store import StoreFiles, as_lengths, as_list, as_mapping, as_names, as_rates
from ..validation import check_number
from ._checks import (
    as_columns,
    as_counts,
    as_frames,
    as_long_videos,
    as_quantization,
    as_rows,
    as_weights,
)
from ._frames import Frames, stored_frames
from ._join import concatenate_frames, take_rows
from ._save import save
from ._scan import MAX_VIDEOS, StatsRequest, scan
from ._timeline import time_line, unseen


class MultimodalArray:
    """Ragged frames of n videos in named modalities, as one array of shape (n,).

    The frames of all videos in a modality are one flat array, in memory, memory-mapped, or in a
    store on the disk (:meth:`save`, :meth:`open`). A selection of rows shares the frames, which
    are read when a batch needs them. scikit-learn treats the container like any array, so that
    it can be split, searched and cross-validated.

    Build one with :meth:`from_frames` (flat frames and lengths) or :func:`as_multimodal` (any
    other form); the estimators call the latter.

    Parameters
    ----------
    frames : dict of str to Frames
        One entry per modality, in order.

    Attributes
    ----------
    modality_names : tuple of str
        Names of the modalities, in order.
    n_features : dict of str to int
        Width of a frame of each modality.
    shape : tuple of int
        ``(n,)``.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_crossmodal.multimodal import MultimodalArray
    >>> X = MultimodalArray.from_frames(
    ...     {"video": np.zeros((5, 4), np.float32), "audio": np.ones((3, 2), np.float32)},
    ...     {"video": [2, 3], "audio": [1, 2]},
    ... )
    >>> X
    MultimodalArray(2 videos, video: 2-3 frames of 4 float32, audio: 1-2 frames of 2 float32)
    >>> X[[1]].lengths("video")
    array([3])
    >>> X[1]["audio"].shape
    (2, 2)
    """

    def __init__(self, frames: Mapping[str, Frames]) -> None:
        self._frames: dict[str, Frames] = dict(as_mapping("frames", frames))
        if not all(isinstance(part, Frames) for part in self._frames.values()):
            raise TypeError("A MultimodalArray is built by from_frames, as_multimodal or open.")
        if not self._frames:
            raise ValueError("MultimodalArray needs at least one modality, got none.")
        counts = {name: len(part.lengths) for name, part in self._frames.items()}
        if len(set(counts.values())) > 1:
            raise ValueError(f"Modalities have different numbers of rows: {counts}.")
        self.shape = (next(iter(counts.values())),)

    @classmethod
    def from_frames(
        cls,
        frames: Mapping[str, ArrayLike],
        lengths: Mapping[str, ArrayLike],
        *,
        quantization: Mapping[str, tuple[float, float]] | None = None,
        rates: Mapping[str, float] | None = None,
    ) -> "MultimodalArray":
        """Build from flat frames.

        Parameters
        ----------
        frames : dict of str to array-like of shape (n_frames_total, n_features)
            Per modality, the frames of all videos, one video after the other; uint8 or floating.
            Arrays and memory maps are kept, not copied.
        lengths : dict of str to array-like of shape (n,)
            Per modality, the number of frames of each video; 0 is allowed.
        quantization : dict of str to (scale, shift), optional
            The value of a stored number q of that modality is ``q * scale + shift``.
        rates : dict of str to float, optional
            Frames per second of each modality. Without them, the frames of all modalities of a
            video are taken to cover the same time, see :meth:`pad`.

        Returns
        -------
        MultimodalArray
            The container, of shape (n,).

        Raises
        ------
        ValueError
            If names, numbers of rows, shapes or sums of lengths do not match.
        """
        quantization = as_mapping("quantization", {} if quantization is None else quantization)
        if set(as_mapping("frames", frames)) != set(as_mapping("lengths", lengths)):
            raise ValueError(f"lengths must be of {list(frames)}, as frames, got {list(lengths)}.")
        if unknown := set(quantization) - set(frames):
            raise ValueError(f"quantization names unknown modalities {sorted(unknown)}.")
        parts = {}
        for name, values in frames.items():
            flat = as_frames(name, values)
            counts = as_lengths(name, lengths[name], len(flat))
            pair = as_quantization(name, quantization.get(name, (1.0, 0.0)))
            parts[name] = Frames.from_lengths(flat, counts, *pair)
        return with_rates(cls(parts), rates)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "MultimodalArray":
        """Open the videos of a store; their frames stay on the disk.

        The container reads the frames that it needs from the store, also in another process.

        Parameters
        ----------
        path : str or path-like
            The folder of the store.

        Returns
        -------
        MultimodalArray
            The container, of shape (n,).

        Raises
        ------
        FileNotFoundError
            If there is no such folder.
        ValueError
            If it is not a store, not finished, damaged, or has a newer version.

        See Also
        --------
        Store.open : The same with labels and ids.
        """
        return cls(stored_frames(StoreFiles(path)))

    @classmethod
    def concatenate(cls, arrays: Iterable["MultimodalArray"]) -> "MultimodalArray":
        """Return the videos of several containers, one after another.

        The frames of stores are not read. Those in memory are copied.

        Parameters
        ----------
        arrays : iterable of MultimodalArray
            At least one container. All have the same modalities, with the same widths and
            quantisation; either all are in memory or all in stores.

        Returns
        -------
        MultimodalArray
            The videos, with the modalities in the order of the first container.

        Raises
        ------
        TypeError
            If an item is not a container.
        ValueError
            If there is none, or they differ in their modalities.

        See Also
        --------
        sk_crossmodal.datasets.concatenate_videos : The same with labels and ids.
        sk_crossmodal.datasets.join_modalities : Modalities of the same videos, side by side.

        Examples
        --------
        >>> import numpy as np
        >>> from sk_crossmodal.multimodal import MultimodalArray
        >>> X = MultimodalArray.from_frames({"video": np.ones((3, 4))}, {"video": [2, 1]})
        >>> MultimodalArray.concatenate([X, X[:1]]).lengths("video")
        array([2, 1, 2])
        """
        given = as_list("arrays", arrays)
        for each in given:
            if not isinstance(each, MultimodalArray):
                raise TypeError(f"arrays must be MultimodalArrays, got {type(each).__name__}.")
        if not given:
            raise ValueError("arrays must have at least one MultimodalArray, got none.")
        names = given[0].modality_names
        for each in given:
            if set(each.modality_names) != set(names):
                found = list(each.modality_names)
                raise ValueError(
                    f"arrays must have the same modalities, {list(names)}, got {found}."
                )
        return cls(
            {name: concatenate_frames(name, [a._frames[name] for a in given]) for name in names}
        )

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        y: Any = None,
        ids: Iterable[str] | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the videos to a store on the disk; of a selection, only its rows.

        Frames are written in blocks, so that a stored container may be larger than the memory.

        Parameters
        ----------
        path : str or path-like
            A folder that does not exist. It appears when everything is written.
        y : array-like or sparse array of shape (n, n_labels), optional
            Labels, a multilabel indicator.
        ids : iterable of str of shape (n,), optional
            Names of the videos.
        attributes : dict of str to JSON values, optional
            Further information about the videos; "labels" are the names of the columns of `y`,
            which :func:`~sk_crossmodal.datasets.load_store` returns.

        Raises
        ------
        TypeError
            If `attributes` are not JSON values.
        ValueError
            If `path` exists, if `y` or `ids` do not match, or if a frame is not finite.

        See Also
        --------
        Store.open : Read videos, labels and ids.
        StoreWriter : Write videos part by part.

        Examples
        --------
        >>> import numpy as np
        >>> import tempfile
        >>> from sk_crossmodal.multimodal import MultimodalArray
        >>> X = MultimodalArray.from_frames({"video": np.ones((3, 4))}, {"video": [2, 1]})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     X.save(f"{folder}/store")
        ...     MultimodalArray.open(f"{folder}/store")
        MultimodalArray(2 videos, video: 1-2 frames of 4 float64)
        """
        save(self._frames, path, y, ids, attributes)

    @property
    def modality_names(self) -> tuple[str, ...]:
        """Names of the modalities, in order."""
        return tuple(self._frames)

    @property
    def n_features(self) -> dict[str, int]:
        """Width of a frame of each modality, as a dict."""
        return {name: part.width for name, part in self._frames.items()}

    @property
    def quantization(self) -> dict[str, tuple[float, float]]:
        """Per modality the pair (scale, shift), as a dict."""
        return {name: (part.scale, part.shift) for name, part in self._frames.items()}

    @property
    def rates(self) -> dict[str, float] | None:
        """Per modality the frames per second, as a dict; None if they are not known."""
        rates = {name: part.rate for name, part in self._frames.items() if part.rate is not None}
        return rates if len(rates) == len(self._frames) else None

    def lengths(self, name: str) -> Ints:
        """Number of frames of each video in one modality.

        Parameters
        ----------
        name : str
            The modality.

        Returns
        -------
        ndarray of shape (n,), int64
            The numbers.
        """
        return self._part(name).lengths

    def timeline_lengths(self) -> Ints:
        """Number of time steps of each video: the frames of its longest modality.

        With :attr:`rates`, a time step lasts as long as a frame of the fastest modality.

        Returns
        -------
        ndarray of shape (n,), int64
            The numbers.
        """
        return time_line(self._lengths(), self.rates)[0]

    def _lengths(self) -> dict[str, Ints]:
        return {name: part.lengths for name, part in self._frames.items()}

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        parts = (
            f"{name}: {_span(part.lengths)} frames of {part.width} {part.values.dtype}"
            + (f" ({part.rate:g} per second)" if part.rate else "")
            for name, part in self._frames.items()
        )
        return f"MultimodalArray({len(self)} videos, {', '.join(parts)})"

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> dict[str, Floats]: ...

    @overload
    def __getitem__(self, key: Any) -> Any: ...

    def __getitem__(self, key: Any) -> Any:
        # scikit-learn selects rows with ``X[rows, ...]``.
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            key = key[0]
        one = isinstance(key, int | np.integer) and not isinstance(key, bool)
        every: Any = range(len(self)) if one else np.arange(len(self))
        try:
            rows = every[key]
        except (IndexError, TypeError, ValueError) as error:
            message = f"Rows of {len(self)} videos cannot be selected by {key!r}: {error}"
            raise type(error)(f"{message}. X.select selects modalities.") from None
        if np.ndim(rows) == 0:
            return {n: p.dequantise(p.stored(rows)) for n, p in self._frames.items()}
        if rows.ndim > 1:
            raise IndexError(f"MultimodalArray is one-dimensional, got the index {key!r}.")
        return MultimodalArray({name: part.take(rows) for name, part in self._frames.items()})

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise TypeError("A MultimodalArray is no table of numbers; see ModalityTransformer.")

    def select(self, modalities: Iterable[str] | Mapping[str, slice]) -> "MultimodalArray":
        """Return the same videos with some of the modalities, in the given order.

        Parameters
        ----------
        modalities : iterable of str, or dict of str to column slice
            The modalities to keep. With a dict, the columns of a single modality are split into
            named modalities.

        Returns
        -------
        MultimodalArray
            A container that shares the frames.
        """
        if isinstance(modalities, Mapping):
            if len(self._frames) > 1:
                raise ValueError(f"Columns need one modality, X has {list(self._frames)}.")
            (whole,) = self._frames.values()
            columns = {n: as_columns(n, c, whole.width) for n, c in modalities.items()}
            return MultimodalArray({n: whole.columns(each) for n, each in columns.items()})
        names = as_names(as_list("modalities", modalities))
        if missing := [name for name in names if name not in self._frames]:
            raise ValueError(f"Modalities {missing} are missing; X has {list(self._frames)}.")
        return MultimodalArray({name: self._frames[name] for name in names})

    def pad(
        self,
        rows: ArrayLike,
        max_frames: ArrayLike | None = None,
        *,
        long_videos: str | Mapping[str, str] = "cut",
        n_steps: ArrayLike | None = None,
    ) -> tuple[dict[str, Array], dict[str, Bools]]:
        """Read a batch: all modalities on one time line, zero-padded at the end.

        Step t is the same time in each modality. Without :attr:`rates`, the time line of a video
        has as many steps as its longest modality has frames, and a shorter modality is stretched:
        it has its nearest frame at each step. With rates, a step lasts as long as a frame of the
        fastest modality, and a modality that ends earlier is masked from there on.

        Parameters
        ----------
        rows : array-like of shape (B,)
            Rows to read.
        max_frames : int or array-like of shape (B,), optional
            Maximum number of time steps, for all rows or for each.
        long_videos : {"cut", "pool"} or dict of str to these, default="cut"
            What happens to videos of more than `max_frames` steps. "cut" ignores the later ones.
            "pool" divides the whole video into `max_frames` equal windows: a step has the mean of
            the frames in its window, or the nearest frame of a modality with fewer frames than
            windows. With a dict by modality, steps are windows, and of a modality that is cut
            only the first `max_frames` frames are used; modalities that it does not name are
            pooled.
        n_steps : int or array-like of shape (B,), optional
            Number of time steps to read, of those that `max_frames` and `long_videos` give.

        Returns
        -------
        frames : dict of str to ndarray of shape (B, T, n_features)
            Stored numbers (see :attr:`quantization`), or floats if some are means; T is the
            longest time line.
        masks : dict of str to bool ndarray of shape (B, T)
            True at real frames. A modality without frames in a video is False throughout.
        """
        rows = as_rows(rows, len(self))
        parts = {name: part.take(rows) for name, part in self._frames.items()}
        if max_frames is not None:
            max_frames = as_counts("max_frames", max_frames, len(rows))
        modes = as_long_videos(long_videos, parts)
        lengths = {name: part.lengths for name, part in parts.items()}
        line, steps = time_line(lengths, self.rates, max_frames, modes)
        if n_steps is not None:
            line = np.minimum(line, as_counts("n_steps", n_steps, len(rows)))
        time = np.arange(max(1, int(line.max(initial=0))))
        masks = {n: time < np.minimum(steps[n].real(), line)[:, None] for n in parts}
        frames = {name: part.padded(steps[name], masks[name]) for name, part in parts.items()}
        return frames, masks

    def frame_blocks(self, name: str, block_size: int | None = None) -> Iterator[Floats]:
        """Read the frames of one modality, video after video, without padding.

        Parameters
        ----------
        name : str
            The modality.
        block_size : int, optional
            Frames per block, regardless of videos; the last block also has the remaining ones.
            By default all frames are one block.

        Returns
        -------
        iterator of ndarray of shape (n_frames, n_features), float32 or float64
            The values of the stored numbers. It is empty if there are no frames.
        """
        part = self._part(name)
        if block_size is not None:
            check_number("block_size", block_size, low=1, integer=True)
        return _blocks(part, block_size)

    def replace_frames(self, frames: Mapping[str, ArrayLike]) -> "MultimodalArray":
        """Replace the frames of some modalities.

        Parameters
        ----------
        frames : dict of str to array-like of shape (n_frames_total, n_features)
            Per modality one new frame, of any width, for each old one, in the order of
            :meth:`frame_blocks`.

        Returns
        -------
        MultimodalArray
            Videos of the same lengths, which share the frames of all other modalities.

        Raises
        ------
        ValueError
            If a modality is unknown, or the number of its frames differs.
        """
        new = {}
        for name, values in as_mapping("frames", frames).items():
            flat, lengths = as_frames(name, values), self._part(name).lengths
            if len(flat) != (total := lengths.sum()):
                raise ValueError(f"Modality {name!r} needs {total} new frames, got {len(flat)}.")
            new[name] = Frames.from_lengths(flat, lengths, rate=self._part(name).rate)
        return MultimodalArray({**self._frames, **new})

    def frame_stats(
        self,
        *,
        sample_weight: ArrayLike | None = None,
        per_feature: bool = False,
        max_videos: int = MAX_VIDEOS,
    ) -> dict[str, tuple[Floats, Any]]:
        """Compute the mean of every feature over the real frames, and the scale around it.

        Parameters
        ----------
        sample_weight : array-like of shape (n,), optional
            Weights of the frames of each video, by default 1.
        per_feature : bool
            Whether every feature has a scale of its own. One number per modality keeps the
            ratios between features, as principal component analysis does.
        max_videos : int
            Maximum number of videos that are read, evenly spread. Of long videos fewer are
            read: about half a million frames.

        Returns
        -------
        dict of str to (ndarray of shape (n_features,), float or ndarray of shape (n_features,))
            Per modality the means, float64, and the scale: with `per_feature` the standard
            deviation of each feature, 1 for a constant feature; otherwise the root mean square
            of the standard deviations of the features that vary, 1 if none does.
        """
        check_number("max_videos", max_videos, low=1, integer=True)
        weight = None if sample_weight is None else as_weights(sample_weight, len(self))
        request = StatsRequest(None, weight, bool(per_feature), max_videos)
        return scan(self._frames, None, [request])[0]

    def frame_moments(self, **kwargs: Any) -> dict[str, tuple[Floats, Any]]:
        """Call :meth:`frame_stats`, the new name of this method.

        .. deprecated:: 0.1
           Use :meth:`frame_stats`.

        Parameters
        ----------
        **kwargs : keyword arguments
            Those of :meth:`frame_stats`.

        Returns
        -------
        dict of str to (ndarray of shape (n_features,), float or ndarray of shape (n_features,))
            Per modality the means and the scale.
        """
        warnings.warn(
            "frame_moments is deprecated: use frame_stats.", DeprecationWarning, stacklevel=2
        )
        return self.frame_stats(**kwargs)

    def _part(self, name: str) -> Frames:
        if not isinstance(name, str) or name not in self._frames:
            raise ValueError(f"There is no modality {name!r}; X has {list(self._frames)}.")
        return self._frames[name]

    def digest(self) -> str:
        """Return a fingerprint of names, lengths and frames, in memory or in a store alike.

        Returns
        -------
        str
            A hash in hexadecimal digits. Equal videos of different dtypes have different ones.
        """
        digest = blake2b(digest_size=20)
        for name, part in self._frames.items():
            described: tuple[Any, ...] = (
                name,
                str(part.values.dtype),
                part.width,
                part.scale,
                part.shift,
            )
            described += () if part.rate is None else (part.rate,)
            digest.update(repr(described).encode())
            digest.update(part.lengths.tobytes())
            for _, stored in part.blocks():
                digest.update(stored.tobytes())
        return digest.hexdigest()

    def check_finite(self, dtype: DTypeLike = np.float64) -> None:
        """Raise ValueError with modality and row if frames have NaN or infinity.

        Parameters
        ----------
        dtype : data type, default=float64
            Frames must also be finite when they are converted to this type.
        """
        scan(self._frames, dtype)


def without_padding(X: MultimodalArray) -> MultimodalArray:
    """Return the videos without frames of only NaN at the end of a modality."""
    return MultimodalArray({name: part.without_padding() for name, part in X._frames.items()})


def scan_frames(
    X: MultimodalArray, dtype: DTypeLike, requests: Iterable[StatsRequest] = ()
) -> list[dict[str, tuple[Floats, Any]]]:
    """Check that frames are finite as `dtype`, and compute statistics, in one pass over X."""
    # Frames that a store knows to be finite, and bytes, are read for the statistics only.
    return scan(X._frames, dtype, requests)


def side_by_side_rows(arrays: Iterable[tuple[MultimodalArray, Ints]]) -> MultimodalArray:
    """Return modalities of several containers, each with some of its rows; -1 is a missing one."""
    return MultimodalArray(
        {
            name: take_rows(part, rows)
            for array, rows in arrays
            for name, part in array._frames.items()
        }
    )


def with_rates(X: MultimodalArray, rates: Mapping[str, float] | None) -> MultimodalArray:
    """Return the same videos with other frames per second, None if they are not known."""
    known = {} if rates is None else as_rates(rates, X.modality_names)
    return MultimodalArray({n: replace(part, rate=known.get(n)) for n, part in X._frames.items()})


def count_real_steps(
    X: MultimodalArray, max_frames: int | None, long_videos: Any
) -> dict[str, Ints]:
    """Return the number of time steps at which each modality of each video has frames."""
    modes = as_long_videos(long_videos, X.modality_names)
    line, steps = time_line(X._lengths(), X.rates, max_frames, modes)
    return {name: np.minimum(each.real(), line) for name, each in steps.items()}


def unseen_shares(X: MultimodalArray, max_frames: int, long_videos: Any) -> tuple[float, float]:
    """Return the share of videos that are cut, and the share of their time that is not used."""
    modes = as_long_videos(long_videos, X.modality_names)
    return unseen(X._lengths(), X.rates, max_frames, modes)


def _blocks(part: Frames, block_size: int | None) -> Iterator[Floats]:
    total = int(part.lengths.sum())
    size = total if block_size is None else min(block_size, total)
    firsts = range(0, total - size + 1, size) if total else ()
    for first in firsts:
        last = first + size if first + 2 * size <= total else total
        yield part.dequantise(part.between(first, last))


def _span(lengths: Ints) -> str:
    if not len(lengths):
        return "no"
    low, high = lengths.min(), lengths.max()
    return f"{low}" if low == high else f"{low}-{high}"
