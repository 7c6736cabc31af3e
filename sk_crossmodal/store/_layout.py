"""The layout of a store: its folder, its header and the files of a part (docs/store.md)."""

import json
import os
from dataclasses import asdict, dataclass, field
from glob import escape, glob
from math import isfinite
from numbers import Integral, Real
from typing import Any
from urllib.parse import quote

import numpy as np

from .._files import PARTIAL, locked, naming, sync_folder, write_atomic
from ..validation import check_number
from ._checks import check_mapping

FORMAT, VERSION = "sk_crossmodal.store", 1
HEADER, PARTS = "store.json", "parts"
MAX_COLUMNS = 1 << 31  # features of a frame, or labels
DTYPES = ("uint8", "float16", "float32", "float64")
PATIENCE = 1.0  # seconds to wait for a lock
LENGTH, LABEL, TEXT = np.dtype("<i8"), np.dtype("<i4"), np.dtype("u1")


@dataclass(frozen=True)
class StoredModality:
    """One modality in the header; a stored number q stands for ``q * scale + shift``."""

    name: str
    width: int
    dtype: str
    scale: float = 1.0
    shift: float = 0.0
    finite: bool = True  # all frames were checked when they were written

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"Names of modalities must be str, got {self.name!r}.")
        _check_text("The name of a modality", self.name)
        if not _is_width(self.width):
            raise ValueError(
                f"Modality {self.name!r} needs a width >= 1, an int, got {self.width!r}."
            )
        dtype = _dtype_name(self.dtype)
        if dtype not in DTYPES:
            raise ValueError(
                f"Modality {self.name!r} has dtype {self.dtype!r}, expected one of {DTYPES}."
            )
        for what, number in (("scale", self.scale), ("shift", self.shift)):
            if isinstance(number, bool) or not isinstance(number, Real):
                raise TypeError(f"Modality {self.name!r} needs a {what}, got {number!r}.")
            if not isfinite(number):
                raise ValueError(f"Modality {self.name!r} needs a finite {what}, got {number!r}.")
        if not isinstance(self.finite, bool):
            raise TypeError(f"Modality {self.name!r} has finite={self.finite!r}, not a bool.")
        plain = (int(self.width), dtype, float(self.scale), float(self.shift))
        for key, value in zip(("width", "dtype", "scale", "shift"), plain, strict=True):
            object.__setattr__(self, key, value)  # the types that JSON returns

    @property
    def stored_dtype(self) -> np.dtype[Any]:
        """The dtype in the files."""
        return np.dtype(self.dtype).newbyteorder("<")

    def file(self, kind: str) -> str:
        """Name of the file of the modality's "frames" or "lengths" in every part."""
        return f"{quote(self.name, safe=' ')}.{kind}.npy"


@dataclass(frozen=True)
class StoredPart:
    """One complete part in the header."""

    name: str
    videos: int
    frames: dict[str, int]  # number of frames by modality

    def __post_init__(self) -> None:
        check_part_name(self.name)
        check_mapping(f"frames of part {self.name!r}", self.frames)
        counts = {"videos": self.videos, **{f"frames of {n!r}": k for n, k in self.frames.items()}}
        for what, count in counts.items():
            check_number(f"{what} of part {self.name!r}", count, low=0, integer=True)


@dataclass(frozen=True)
class Header:
    """The content of `store.json`."""

    modalities: tuple[StoredModality, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    parts: tuple[StoredPart, ...] | None = None  # None until the store is finished
    n_labels: int | None = None
    ids: bool = False

    def to_text(self) -> str:
        """Return the header as JSON."""
        about = {"format": FORMAT, "version": VERSION, **asdict(self)}
        return json.dumps(about, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "Header":
        """Return the header in a JSON text; ValueError if it is not valid."""
        given = json.loads(text, parse_constant=_reject_constant)
        if not isinstance(given, dict) or given.get("format") != FORMAT:
            raise ValueError(f'it does not say "format": "{FORMAT}"')
        if type(given["version"]) is not int or given["version"] != VERSION:
            raise ValueError(
                f"it has version {given['version']} of the format, this sk_crossmodal reads "
                f"version {VERSION}"
            )
        parts = given["parts"]
        return cls(
            tuple(StoredModality(**each) for each in given["modalities"]),
            given["attributes"],
            None if parts is None else tuple(StoredPart(**each) for each in parts),
            given["n_labels"],
            given["ids"],
        )._checked()

    def _checked(self) -> "Header":
        """Return the header itself, or raise if it is not valid."""
        if not self.modalities:
            raise ValueError("it has no modality")
        for what, given in (("modality", self.modalities), ("part", self.parts or ())):
            names = [each.name for each in given]
            if len(set(names)) < len(names):
                raise ValueError(f"it names a {what} twice, {names}")
        if not isinstance(self.attributes, dict) or not isinstance(self.ids, bool):
            raise ValueError(f"its attributes are {self.attributes!r}, its ids {self.ids!r}")
        if self.n_labels is not None:
            check_n_labels(self.n_labels)
        return self


def read_header(path: str) -> Header:
    """Read the header of the store in a folder."""
    file = os.path.join(path, HEADER)
    if not os.path.isdir(path):
        what = "" if not os.path.exists(path) else ", which is a file: a store is a folder"
        raise FileNotFoundError(
            f"There is no store at {path}{what}. MultimodalArray.save and sk-crossmodal convert "
            "write stores."
        )
    if os.path.exists(file) and not os.path.isfile(file):  # a device has no end, a pipe may block
        raise ValueError(f"{path} is no store: {file} is no file.")
    try:
        with open(file, encoding="utf-8") as opened:
            return Header.from_text(opened.read())
    except FileNotFoundError:
        raise ValueError(f"{path} is no store: {file} is missing.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{file} cannot be read, it is not JSON ({error}): restore it, or write the store "
            "again."
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = error if type(error) is ValueError else repr(error)
        raise ValueError(f"{file} cannot be read: {reason}.") from error


def write_header(path: str, header: Header) -> None:
    """Write the header of a store so that readers see the old or the new one, complete."""
    file = os.path.join(path, HEADER)
    with locked(f"{file}.lock", PATIENCE) as held, naming(file):
        if not held:
            raise ValueError(f"{file} is being written by another process.")
        for leftover in glob(f"{escape(file)}.*{PARTIAL}"):  # of a writer that was killed
            os.unlink(leftover)
        write_atomic(file, header.to_text().encode())
    sync_folder(path)


def check_n_labels(n_labels: Any) -> None:
    """Raise TypeError or ValueError unless it can be the number of columns of an indicator."""
    check_number("n_labels", n_labels, low=0, high=MAX_COLUMNS, integer=True)


def check_part_name(name: Any) -> None:
    """Raise ValueError unless a part's name can be that of a folder."""
    if not isinstance(name, str) or not name or name[0] == "." or "/" in name or "\0" in name:
        raise ValueError(
            "The name of a part must be a non-empty str without '/' that starts with no dot, got "
            f"{name!r}."
        )
    _check_text("The name of a part", name)


def _reject_constant(text: str) -> None:
    raise ValueError(f"{text} is not a number of JSON")


def _check_text(what: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what} must be text that UTF-8 can encode, got {text!r}.") from None


def _is_width(width: Any) -> bool:
    return (
        isinstance(width, Integral)
        and not isinstance(width, bool)
        and 1 <= int(width) <= MAX_COLUMNS
    )


def _dtype_name(dtype: Any) -> str | None:
    try:
        return None if dtype is None else np.dtype(dtype).name
    except (TypeError, ValueError):  # NumPy has no such dtype
        return None
