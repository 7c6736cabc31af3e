"""What is where in a store: its folder, its header and the files of a part (docs/store.md)."""

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import quote

import numpy as np

from ._lock import locked

FORMAT, VERSION = "sk_crossmodal.store", 1
HEADER, PARTS = "store.json", "parts"
DTYPES = ("uint8", "float16", "float32", "float64")
PATIENCE = 1.0  # seconds to wait for a lock
LENGTH, LABEL, TEXT = np.dtype("<i8"), np.dtype("<i4"), np.dtype("u1")


@dataclass(frozen=True)
class StoredModality:
    """One modality, as the header describes it.

    Parameters
    ----------
    name : str
        The modality.
    width : int
        Features of a frame.
    dtype : {"uint8", "float16", "float32", "float64"}
        What frames are made of, little-endian.
    scale, shift : float
        A stored number q means ``q * scale + shift``.
    finite : bool
        Whether all frames were found to be finite when they were written.
    """

    name: str
    width: int
    dtype: str
    scale: float = 1.0
    shift: float = 0.0
    finite: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"Names of modalities must be str, got {self.name!r}.")
        if self.width != int(self.width) or self.width < 1:
            raise ValueError(f"Modality {self.name!r} needs a width >= 1, got {self.width!r}.")
        if np.dtype(self.dtype).name not in DTYPES:
            raise ValueError(
                f"Modality {self.name!r} has dtype {self.dtype!r}, expected one of {DTYPES}."
            )
        if not np.isfinite([self.scale, self.shift]).all():
            raise ValueError(
                f"Modality {self.name!r} needs a finite scale and shift, got {self.scale!r} and "
                f"{self.shift!r}."
            )
        plain = (int(self.width), np.dtype(self.dtype).name, float(self.scale), float(self.shift))
        for key, value in zip(("width", "dtype", "scale", "shift"), plain, strict=True):
            object.__setattr__(self, key, value)  # as JSON gives them back

    @property
    def stored_dtype(self) -> np.dtype[Any]:
        """The dtype as it is in the files."""
        return np.dtype(self.dtype).newbyteorder("<")

    def file(self, kind: str) -> str:
        """Name of the file of the modality's "frames" or "lengths" in every part."""
        return f"{quote(self.name, safe=' ')}.{kind}.npy"


@dataclass(frozen=True)
class StoredPart:
    """One complete part: its name, and how much is in it."""

    name: str
    videos: int
    frames: dict[str, int]  # number of frames by modality

    def __post_init__(self) -> None:
        check_part_name(self.name)


@dataclass(frozen=True)
class Header:
    """What `store.json` says.

    Parameters
    ----------
    modalities : tuple of StoredModality
        The modalities, in order.
    attributes : dict
        What the user wants to be noted.
    parts : tuple of StoredPart or None
        The parts, in order; None as long as the store is not finished.
    n_labels : int or None
        Columns of the indicator of labels; None where there are no labels.
    ids : bool
        Whether videos have names.
    """

    modalities: tuple[StoredModality, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    parts: tuple[StoredPart, ...] | None = None
    n_labels: int | None = None
    ids: bool = False

    def to_text(self) -> str:
        """Return it as JSON."""
        about = {"format": FORMAT, "version": VERSION, **asdict(self)}
        return json.dumps(about, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "Header":
        """Return what JSON says; ValueError if it is no header that can be read."""
        given = json.loads(text)
        if not isinstance(given, dict) or given.get("format") != FORMAT:
            raise ValueError(f'it does not say "format": "{FORMAT}"')
        if given["version"] != VERSION:
            raise ValueError(
                f"it is of version {given['version']} of the format, and this sk_crossmodal reads "
                f"version {VERSION}"
            )
        parts = given["parts"]
        return cls(
            tuple(StoredModality(**each) for each in given["modalities"]),
            given["attributes"],
            None if parts is None else tuple(StoredPart(**each) for each in parts),
            given["n_labels"],
            given["ids"],
        )


def read_header(path: str) -> Header:
    """Read the header of the store in a folder.

    Parameters
    ----------
    path : str
        The folder.

    Returns
    -------
    Header
        What it says.
    """
    file = os.path.join(path, HEADER)
    if not os.path.isdir(path):
        raise FileNotFoundError(f"There is no store at {path}.")
    try:
        with open(file, encoding="utf-8") as opened:
            return Header.from_text(opened.read())
    except FileNotFoundError:
        raise ValueError(f"{path} is no store: {file} is missing.") from None
    except (ValueError, KeyError, TypeError) as error:
        reason = error if type(error) is ValueError else repr(error)
        raise ValueError(f"{file} cannot be read: {reason}.") from error


def write_header(path: str, header: Header) -> None:
    """Write the header of a store so that others see all of it or the one before."""
    file = os.path.join(path, HEADER)
    with locked(f"{file}.lock", PATIENCE) as alone:
        if not alone:
            raise ValueError(f"{file} is being written elsewhere.")
        with open(f"{file}.new", "w", encoding="utf-8") as new:
            new.write(header.to_text())
            new.flush()
            os.fsync(new.fileno())
        os.replace(f"{file}.new", file)
    sync_folder(path)


def sync_folder(path: str) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_part_name(name: Any) -> None:
    """Raise ValueError unless a part's name can be that of a folder."""
    if not isinstance(name, str) or not name or name[0] == "." or "/" in name or "\0" in name:
        raise ValueError(
            f"The name of a part must be a non-empty str without '/' and no dot at its beginning, "
            f"got {name!r}."
        )
