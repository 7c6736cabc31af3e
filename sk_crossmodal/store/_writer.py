"""`StoreWriter`: write videos to the disk, part by part."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from .._files import locked, sync_folder
from ._checks import as_list, as_path
from ._layout import (
    HEADER,
    N_LABELS,
    PARTS,
    PATIENCE,
    Header,
    StoredModality,
    check_part_name,
    read_header,
    write_header,
)
from ._parts import LABELS, PartWriter, read_lists, read_part

KEYS = {"width", "dtype", "scale", "shift", "rate"}  # of the description of a modality
HIDDEN = (".part", ".lock")  # suffixes of hidden names while a part is written


class StoreWriter:
    """Write a store of videos in one pass, part by part, in constant memory.

    A part is complete or absent: its files are written to a hidden folder that is renamed at
    the end. An interrupted conversion continues with the parts that are not :meth:`done`.
    Several processes may write different parts at once, each with its own writer on the same
    path. A store can be read after :meth:`finish`. A writer on a finished store adds parts to
    it, which can be read after the next `finish`.

    Parameters
    ----------
    path : str or path-like
        The folder of the store. It is created, with the folders above it.
    modalities : dict of str to dict
        Per modality its ``width`` and ``dtype`` (uint8, float16, float32 or float64), and for
        quantised frames ``scale`` and ``shift``: a stored number q means ``q * scale + shift``.
        ``rate`` is its frames per second; give those of all modalities, or of none.
    attributes : dict of str to JSON values, optional
        Further information about the videos.

    Raises
    ------
    ValueError
        If `path` is not a store, or a store with another description, or if the description
        cannot be stored.
    TypeError
        If the description has other types.

    See Also
    --------
    MultimodalArray.save : Write the videos of a container.

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
        self.path = as_path(path)
        header = _describe(modalities, attributes)
        if not os.path.exists(os.path.join(self.path, HEADER)):
            _create(self.path, header)
        found = read_header(self.path)
        alike = found, header
        if not (found.rates and header.rates):  # rates may be added, or left to the store
            alike = found.without_rates(), header.without_rates()
        for what in ("attributes", "modalities"):
            there, given = (getattr(each, what) for each in alike)
            if there != given:
                raise ValueError(f"{self.path} has other {what}: they are {there}, got {given}.")
        self._header = header if header.rates else replace(header, modalities=found.modalities)

    def done(self, name: str) -> bool:
        """Whether a part is complete.

        Parameters
        ----------
        name : str
            The part.

        Returns
        -------
        bool
            True if all its files are on the disk.
        """
        check_part_name(name)
        return os.path.isdir(self._part(name))

    @contextmanager
    def part(self, name: str) -> Iterator[PartWriter]:
        """Write a part.

        When the block ends without an error, the part is complete; otherwise it is removed.

        Parameters
        ----------
        name : str
            A valid name of a file, for example that of a shard.

        Yields
        ------
        PartWriter
            Its ``append(frames, labels=None, ids=None)`` writes further videos: per modality
            their flat frames and lengths; per video the columns of its labels, and its id.

        Raises
        ------
        ValueError
            If the part is complete already, or is being written by another writer.
        """
        check_part_name(name)
        temporary = self._hidden(name, "part")
        with locked(self._hidden(name, "lock"), PATIENCE) as held:
            if not held:
                raise ValueError(f"{self._part(name)} is being written by another writer.")
            if self.done(name):
                raise ValueError(f"Part {name!r} of {self.path} is complete already.")
            with _temporary(temporary):
                with PartWriter(temporary, self._header.modalities) as writer:
                    yield writer
                sync_folder(temporary)
                os.rename(temporary, self._part(name))
            sync_folder(os.path.dirname(temporary))

    def finish(self, parts: Iterable[str], n_labels: int | None = None) -> None:
        """Complete the store, with parts that are complete.

        Parameters
        ----------
        parts : iterable of str
            Their names, in the order of the videos. Other parts stay on the disk, unused.
        n_labels : int, optional
            Number of columns of the indicator of labels; required if there are labels.

        Raises
        ------
        ValueError
            If a part is incomplete, given twice, or inconsistent with the others, or if a label
            is not below `n_labels`. The store stays unchanged then.
        """
        parts = as_list("parts", parts)
        if n_labels is not None:
            N_LABELS("n_labels", n_labels)
            n_labels = int(n_labels)
        if missing := [name for name in parts if not self.done(name)]:
            raise ValueError(f"Parts {missing} of {self.path} are not complete.")
        contents = [read_part(self._part(name), self._header.modalities) for name in parts]
        filled = [each for each in contents if each.entry.videos]
        has = {what: {getattr(e, what) for e in filled} for what in ("labels", "ids")}
        for what, there in has.items():
            if len(there) > 1:
                raise ValueError(f"Some parts of {self.path} have {what}, others have none.")
        if filled and has["labels"] != {n_labels is not None}:
            given = f"{n_labels=} and {'labels' if True in has['labels'] else 'no labels'}"
            raise ValueError(f"n_labels is required with labels and None without, got {given}.")
        for each in filled if n_labels is not None else ():
            name = each.entry.name
            largest = read_lists(self._part(name), LABELS)[1].max(initial=-1)
            if largest >= n_labels:
                raise ValueError(f"Part {name!r} has label {largest}, must be below {n_labels=}.")
        entries, ids = tuple(each.entry for each in contents), has["ids"] == {True}
        header = replace(self._header, parts=entries, n_labels=n_labels, ids=ids)
        self._clean()  # before the header: nobody writes to a finished store again
        write_header(self.path, header)

    def _part(self, name: str) -> str:
        return os.path.join(self.path, PARTS, name)

    def _hidden(self, name: str, what: str) -> str:
        return self._part(f".{name}.{what}")

    def _clean(self) -> None:
        """Remove the files of killed writers, but not those of active writers."""
        names = os.listdir(self._part(""))
        for part in {name[1:-5] for name in names if name[0] == "." and name[-5:] in HIDDEN}:
            with locked(self._hidden(part, "lock")) as held:
                if held:
                    shutil.rmtree(self._hidden(part, "part"), ignore_errors=True)
        if os.path.exists(beside := _lock_beside(self.path)):
            with locked(beside):
                pass


def _describe(modalities: Any, attributes: Any) -> Header:
    """Return the header of a store without parts."""
    if not isinstance(modalities, Mapping):
        raise TypeError(f"modalities must be a dict of dict by name, got {modalities!r}.")
    for name, about in modalities.items():
        if not isinstance(about, Mapping) or not {"width", "dtype"} <= set(about) <= KEYS:
            wanted = "a dict of width, dtype and perhaps scale, shift, rate"
            raise TypeError(f"modalities[{name!r}] must be {wanted}, got {about!r}.")
    try:
        given = {} if attributes is None else {**attributes}
        as_json = json.dumps(given, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        problem = f"got {attributes!r}: {error}"
        raise kind(f"attributes must be a dict of JSON values, {problem}") from None
    described = tuple(StoredModality(name, **about) for name, about in modalities.items())
    return Header(described, json.loads(as_json))


@contextmanager
def new_store(
    path: str,
    modalities: Mapping[str, Mapping[str, Any]],
    attributes: Mapping[str, Any] | None = None,
) -> Iterator[StoreWriter]:
    """Write a store in a hidden folder, which becomes `path` if the block ends without error."""
    with _hidden_folder(path) as folder:
        _start(folder, _describe(modalities, attributes))
        yield StoreWriter(folder, modalities, attributes)
        os.rename(folder, path)


@contextmanager
def _hidden_folder(path: str) -> Iterator[str]:
    """Yield an empty folder beside `path`, locked for this writer, and remove it at the end."""
    parent, name = os.path.split(path)
    folder = os.path.join(parent, f".{name}.unfinished-store")
    os.makedirs(parent, exist_ok=True)
    with locked(_lock_beside(path), PATIENCE) as held:
        if not held:
            raise ValueError(f"{path} is being written by another process.")
        with _temporary(folder):
            yield folder
    sync_folder(parent)


@contextmanager
def _temporary(folder: str) -> Iterator[None]:
    """Make an empty folder, which is removed at the end unless it was renamed."""
    shutil.rmtree(folder, ignore_errors=True)  # of a writer that was killed
    os.mkdir(folder)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: str, header: Header) -> None:
    """Write an unfinished store to an empty folder."""
    os.mkdir(os.path.join(folder, PARTS))
    write_header(folder, header)


def _create(path: str, header: Header) -> None:
    """Create an unfinished store, completely or not at all."""
    with _hidden_folder(path) as folder:
        _start(folder, header)
        try:
            os.rename(folder, path)
        except OSError:  # `path` exists, perhaps as the same store, by another process
            if not os.path.lexists(path):
                raise
            if not os.path.isdir(path):
                raise ValueError(f"A store is a folder, but {path} is a file.") from None


def _lock_beside(path: str) -> str:
    parent, name = os.path.split(path)
    return os.path.join(parent, f".{name}.lock")
