"""`StoreWriter`: videos go to disk part by part, and an interrupted conversion goes on."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ._given import check_count, check_path, check_several
from ._layout import (
    HEADER,
    MOST,
    PARTS,
    PATIENCE,
    Header,
    StoredModality,
    check_part_name,
    read_header,
    sync_folder,
    write_header,
)
from ._lock import locked
from ._parts import LABELS, PartWriter, read_lists, read_part

KEYS = {"width", "dtype", "scale", "shift"}  # what describes a modality
HIDDEN = (".part", ".lock")  # what a part being written is called, after a dot and its name


class StoreWriter:
    """Write a store of videos in one pass, part by part, in constant memory.

    A part is complete or not there: its files are written to a hidden folder that is renamed in
    the end. So a conversion that was interrupted goes on with the parts that are not
    :meth:`done`, and several processes may write different parts at once, each with a writer of
    its own on the same path. A store can be read after :meth:`finish`. A writer on a finished
    store adds parts to it, which are read after the next `finish`.

    Parameters
    ----------
    path : str or path-like
        The folder of the store. It is created, with the folders above it.
    modalities : dict of str to dict
        Per modality its ``width`` and ``dtype`` (uint8, float16, float32 or float64), and,
        where a stored number q means ``q * scale + shift``, its ``scale`` and ``shift``.
    attributes : dict of str to JSON values, optional
        What else is to be noted about the videos.

    Raises
    ------
    ValueError
        If `path` is no store, or a store of another description, or if the description cannot
        be stored.
    TypeError
        If the description is not of the types above.

    See Also
    --------
    MultimodalArray.save : Write videos that are at hand.

    Examples
    --------
    >>> import numpy as np
    >>> import tempfile
    >>> from sk_crossmodal.multimodal import Store, StoreWriter
    >>> folder = tempfile.TemporaryDirectory()
    >>> writer = StoreWriter(
    ...     f"{folder.name}/store", {"video": {"width": 4, "dtype": "uint8", "scale": 0.5}}
    ... )
    >>> for shard in ("train0", "train1"):
    ...     if not writer.done(shard):
    ...         with writer.part(shard) as part:
    ...             frames = {"video": (np.ones((5, 4), np.uint8), [2, 3])}
    ...             part.append(frames, labels=[(0, 7), ()], ids=["a", "b"])
    >>> writer.finish(["train0", "train1"], n_labels=8)
    >>> Store.open(f"{folder.name}/store").data
    MultimodalArray(4 videos, video: 2-3 frames of 4 uint8)
    >>> folder.cleanup()
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        modalities: Mapping[str, Mapping[str, Any]],
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = check_path(path)
        header = describe(modalities, attributes)
        if not os.path.exists(os.path.join(self.path, HEADER)):
            _create(self.path, header)
        found = read_header(self.path)
        for what in ("attributes", "modalities"):
            if (there := getattr(found, what)) != (given := getattr(header, what)):
                raise ValueError(
                    f"The store at {self.path} is of another description: its {what} are "
                    f"{there}, and {given} were given."
                )
        self._header = header

    def done(self, name: str) -> bool:
        """Tell whether a part is complete.

        Parameters
        ----------
        name : str
            The part.

        Returns
        -------
        bool
            True if all of it is on the disk.
        """
        check_part_name(name)
        return os.path.isdir(self._part(name))

    @contextmanager
    def part(self, name: str) -> Iterator[PartWriter]:
        """Write a part.

        When the block ends without an error, the part is complete; otherwise nothing is left of
        it.

        Parameters
        ----------
        name : str
            A name that could be that of a file, for example that of a shard.

        Yields
        ------
        PartWriter
            Its ``append(frames, labels=None, ids=None)`` writes further videos: per modality
            their flat frames and lengths, columns of labels and a name of each video.

        Raises
        ------
        ValueError
            If the part is complete already, or is being written elsewhere.
        """
        check_part_name(name)
        temporary = self._hidden(name, "part")
        with locked(self._hidden(name, "lock"), PATIENCE) as alone:
            if not alone:
                raise ValueError(f"Part {name!r} of {self.path} is being written elsewhere.")
            if self.done(name):
                raise ValueError(f"Part {name!r} of {self.path} is complete already.")
            shutil.rmtree(temporary, ignore_errors=True)  # of a writer that was killed
            os.mkdir(temporary)
            try:
                with _writing(PartWriter(temporary, self._header.modalities)) as writer:
                    yield writer
                sync_folder(temporary)
                os.rename(temporary, self._part(name))
            except BaseException:
                shutil.rmtree(temporary, ignore_errors=True)
                raise
            sync_folder(os.path.dirname(temporary))

    def finish(self, parts: Iterable[str], n_labels: int | None = None) -> None:
        """Make a store of complete parts.

        Parameters
        ----------
        parts : iterable of str
            Their names, in the order in which the videos are to stand. Other parts stay on the
            disk and are not read.
        n_labels : int, optional
            Columns of the indicator of labels; needed where there are labels.

        Raises
        ------
        ValueError
            If a part is not complete, given twice, or does not fit the others, or if a label is
            not below `n_labels`. The store is as it was before, then.
        """
        parts = check_several("parts", parts)
        for name in parts:
            check_part_name(name)
        if n_labels is not None and check_count("n_labels", n_labels, 0) > MOST:
            raise ValueError(f"n_labels must be at most {MOST}, got {n_labels}.")
        n_labels = None if n_labels is None else int(n_labels)
        if len(set(parts)) < len(parts):
            raise ValueError(f"Each part of a store is named once, got {parts}.")
        if missing := [name for name in parts if not self.done(name)]:
            raise ValueError(f"Parts {missing} of {self.path} are not complete.")
        contents = [read_part(self._part(name), self._header.modalities) for name in parts]
        filled = [each for each in contents if each.entry.videos]
        labels, ids = ({getattr(each, what) for each in filled} for what in ("labels", "ids"))
        for what, there in (("labels", labels), ("ids", ids)):
            if len(there) > 1:
                raise ValueError(f"Some parts of {self.path} have {what}, and others have none.")
        if (n_labels is not None) != (labels == {True}) and filled:
            have = (
                "have labels, of which n_labels"
                if n_labels is None
                else "have no labels for which it"
            )
            raise ValueError(f"The videos {have} says how many there can be; got {n_labels=}.")
        if n_labels is not None:
            for each in filled:
                self._check_labels(each.entry.name, n_labels)
        entries = tuple(each.entry for each in contents)
        self._clean()  # first, as nobody comes back to a store that is finished
        write_header(
            self.path,
            replace(self._header, parts=entries, n_labels=n_labels, ids=ids == {True}),
        )

    def _part(self, name: str) -> str:
        return os.path.join(self.path, PARTS, name)

    def _hidden(self, name: str, what: str) -> str:
        return os.path.join(self.path, PARTS, f".{name}.{what}")

    def _check_labels(self, name: str, n_labels: int) -> None:
        _, labels = read_lists(self._part(name), LABELS)
        if (most := labels.max(initial=-1)) >= n_labels:
            raise ValueError(f"Part {name!r} has label {most}, and {n_labels=} was given.")

    def _clean(self) -> None:
        """Remove what killed writers left, and nothing of those that are at work."""
        names = os.listdir(os.path.join(self.path, PARTS))
        for part in {name[1:-5] for name in names if name[0] == "." and name[-5:] in HIDDEN}:
            with locked(self._hidden(part, "lock")) as alone:
                if alone:
                    shutil.rmtree(self._hidden(part, "part"), ignore_errors=True)
        if os.path.exists(beside := _lock_beside(self.path)):
            with locked(beside):
                pass


@contextmanager
def _writing(writer: PartWriter) -> Iterator[PartWriter]:
    """Complete the files if the block ends well, and close them in any case."""
    keep = False
    try:
        yield writer
        keep = True
    finally:
        writer.close(keep)


def describe(modalities: Any, attributes: Any) -> Header:
    """Return the header of a store without parts; raise unless it can be written."""
    if not isinstance(attributes, Mapping | None):
        raise TypeError(f"attributes must be a dict, got {attributes!r}.")
    if not isinstance(modalities, Mapping):
        raise TypeError(f"modalities must be a dict of dict by name, got {modalities!r}.")
    for name, about in modalities.items():
        if not isinstance(about, Mapping) or not {"width", "dtype"} <= set(about) <= KEYS:
            raise TypeError(
                f"modalities[{name!r}] must be a dict of width and dtype, and of scale and "
                f"shift where frames are quantised, got {about!r}."
            )
    try:
        text = json.dumps(dict(attributes or {}), allow_nan=False, ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"attributes must be what JSON can hold, got {attributes!r}: {error}") from None
    header = Header(
        tuple(StoredModality(name, **about) for name, about in modalities.items()),
        json.loads(text),
    )
    if not header.modalities:
        raise ValueError("A store needs at least one modality, got none.")
    return header


@contextmanager
def under_way(path: str) -> Iterator[str]:
    """Give a hidden folder beside `path`, empty and nobody else's, that is to be renamed to it."""
    parent, name = os.path.split(path)
    folder = os.path.join(parent, f".{name}.unfinished-store")
    os.makedirs(parent, exist_ok=True)
    with locked(_lock_beside(path), PATIENCE) as alone:
        if not alone:
            raise ValueError(f"{path} is being written elsewhere.")
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    sync_folder(parent)


def start(folder: str, header: Header) -> None:
    """Make an unfinished store of an empty folder."""
    os.mkdir(os.path.join(folder, PARTS))
    write_header(folder, header)


def _create(path: str, header: Header) -> None:
    """Create an unfinished store, all of it or nothing."""
    with under_way(path) as folder:
        start(folder, header)
        try:
            os.rename(folder, path)
        except OSError:  # something is there, perhaps the same store by another process
            if not os.path.lexists(path):
                raise
            if not os.path.isdir(path):
                raise ValueError(
                    f"A store cannot be created at {path}: a file is there, and a store is a "
                    "folder."
                ) from None


def _lock_beside(path: str) -> str:
    parent, name = os.path.split(path)
    return os.path.join(parent, f".{name}.lock")
