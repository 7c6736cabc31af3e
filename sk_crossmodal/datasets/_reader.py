"""Readers of file formats of videos, and their registry."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from .._registry import Registry
from .._types import Array, Ints
from ..validation import check_option


@dataclass(frozen=True)
class Block:
    """Some consecutive videos of a shard.

    Parameters
    ----------
    frames : dict of str to ndarray of shape (n_frames, n_features)
        Per modality the frames of all n videos, one video after the other. A reader may overwrite
        them after it has yielded two further blocks.
    lengths : dict of str to ndarray of shape (n,), int64
        Per modality the number of frames of each video.
    labels : list of n tuples, default=None
        The labels of each video.
    ids : list of n str, default=None
        The names of the videos.
    """

    frames: dict[str, Array]
    lengths: dict[str, Ints]
    labels: list[tuple[Any, ...]] | None = None
    ids: list[str] | None = None


@dataclass(frozen=True)
class Description:
    """What all blocks of some shards have in common.

    Parameters
    ----------
    modalities : dict of str to dict
        Per modality its ``width`` and ``dtype``, and its ``scale`` and ``shift`` if a stored
        number q means ``q * scale + shift``, and its ``rate`` in frames per second if that is
        known, see :class:`~sk_crossmodal.multimodal.StoreWriter`.
    labels : list, default=None
        All different labels, sorted. None if blocks have no labels, or if their labels are
        integers that number the columns of the label indicator.
    n_labels : int, default=None
        If labels are integers, the least number of columns of the label indicator.
    attributes : dict of str to JSON values, default={}
        Further attributes of a store.
    n_videos : list of int, default=None
        The number of videos of each shard, for the progress bar. None if it is not known.
    """

    modalities: dict[str, dict[str, Any]]
    labels: list[Any] | None = None
    n_labels: int | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    n_videos: list[int] | None = None


class ErrorLog:
    """Errors in the data: either raised at once, or collected."""

    def __init__(self, on_error: str = "raise") -> None:
        check_option("on_error", on_error, ("raise", "skip"))
        self.on_error = on_error
        self.entries: list[tuple[str, int, str]] = []

    def report(self, path: str | os.PathLike[str], offset: int, reason: str) -> None:
        """Raise ValueError, or collect the error."""
        if self.on_error == "raise":
            raise ValueError(f"{path}, byte {offset}: {reason} (on_error='skip' skips errors).")
        self.entries.append((str(path), offset, reason))

    def take(self, path: str | os.PathLike[str]) -> list[tuple[int, str]]:
        """Return offset and reason of the errors of one file, and forget them."""
        taken = [entry for entry in self.entries if entry[0] == str(path)]
        for entry in taken:
            self.entries.remove(entry)
        return [(offset, reason) for _, offset, reason in taken]


class Reader(ABC):
    """A file format of videos, for :func:`load_embeddings` and for conversion to a store.

    Subclass it, implement :meth:`describe` and :meth:`blocks`, and register the subclass in
    :data:`READERS`. Each call of a load function makes one reader, which may remember in
    `describe` what `blocks` needs.

    Parameters
    ----------
    modalities : sequence of str, default=None
        The modalities to read, in this order. None means all.
    labels, ids : str, default="labels" and "id"
        Where the labels and the names of the videos are, such as a column. None reads none. They
        may be missing under the default name.

    Attributes
    ----------
    suffixes : tuple of str
        Suffixes of the files that are taken from a folder, such as ``(".npz",)``.
    incremental : bool, default=False
        Whether files can be added to a store later. Then labels must be integers, and each video
        may be in one file only.

    Examples
    --------
    One file ``.npy`` per video, with its frames:

    >>> import os, tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sk_crossmodal.datasets import READERS, Block, Description, Reader, load_embeddings
    >>> class NpyReader(Reader):
    ...     suffixes = (".npy",)
    ...
    ...     def describe(self, source):
    ...         frames = np.load(source[0], mmap_mode="r")
    ...         return Description({"clip": {"width": frames.shape[1], "dtype": "float32"}})
    ...
    ...     def blocks(self, shard):
    ...         frames = np.load(shard).astype(np.float32)
    ...         yield Block({"clip": frames}, {"clip": np.array([len(frames)])}, ids=[shard.stem])
    >>> READERS.register("npy", NpyReader)  # doctest: +SKIP
    >>> load_embeddings("folder")  # doctest: +SKIP

    Its blocks, without registration:

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(os.path.join(folder, "a4Xk.npy"), np.ones((3, 8)))
    ...     (block,) = NpyReader().blocks(Path(folder, "a4Xk.npy"))
    >>> block.ids, block.frames["clip"].shape
    (['a4Xk'], (3, 8))
    """

    suffixes: ClassVar[tuple[str, ...]]
    incremental: ClassVar[bool] = False

    def __init__(
        self,
        modalities: Sequence[str] | None = None,
        labels: str | None = "labels",
        ids: str | None = "id",
    ) -> None:
        self.modalities, self.labels, self.ids = modalities, labels, ids
        self.errors = ErrorLog()

    @classmethod
    def matches(cls, path: Path) -> bool:
        """Whether a file has this format, by default according to its suffix, in any case.

        Parameters
        ----------
        path : Path
            The file.

        Returns
        -------
        bool
            True if this reader can read it.
        """
        return path.name.lower().endswith(cls.suffixes)

    def shards(self, source: Sequence[Path]) -> list[Path]:
        """List the shards, each of which becomes one part of a store; by default the files.

        Parameters
        ----------
        source : sequence of Path
            The files that the user's paths stand for.

        Returns
        -------
        list of Path
            The shards, in the order of their videos.
        """
        return list(source)

    def size(self, shard: Path) -> int:
        """Return the size of a shard in bytes, by which a store notices that it has changed.

        Parameters
        ----------
        shard : Path
            One of the shards.

        Returns
        -------
        int
            The number of bytes, by default that of the file.
        """
        return shard.stat().st_size

    @abstractmethod
    def describe(self, source: Sequence[Path]) -> Description:
        """Describe the videos; called once, before `blocks`.

        Parameters
        ----------
        source : sequence of Path
            The shards.

        Returns
        -------
        Description
            Modalities, labels and attributes.

        Raises
        ------
        ValueError
            If there are no videos, or if the shards do not fit each other.
        """

    @abstractmethod
    def blocks(self, shard: Path) -> Iterator[Block]:
        """Read one shard.

        Parameters
        ----------
        shard : Path
            One of the shards.

        Yields
        ------
        Block
            Its videos in order, a few megabytes at a time.
        """

    def locate(self, shard: Path, name: str) -> str:
        """Tell where a video is, for error messages.

        Parameters
        ----------
        shard : Path
            The shard.
        name : str
            The name of the video.

        Returns
        -------
        str
            The path, by default without the place in the file.
        """
        return f"{shard}"


#: The formats that :func:`load_embeddings` reads; the first reader that matches a file reads it.
#: Readers that users register come before those of the package.
READERS: Registry[type[Reader]] = Registry("reader")
