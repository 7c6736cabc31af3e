"""What is where in a store: its folder, its header and the files of a part (docs/store.md)."""

import json
import os
from dataclasses import asdict, dataclass, field
from math import isfinite
from numbers import Integral, Real
from typing import Any
from urllib.parse import quote

import numpy as np

from ._given import check_count, check_mapping
from ._lock import locked, naming

FORMAT, VERSION = "sk_crossmodal.store", 1
HEADER, PARTS = "store.json", "parts"
MOST = 1 << 31  # features of a frame, or labels: more cannot be meant
DTYPES = ("uint8", "float16", "float32", "float64")
PATIENCE = 1.0  # seconds to wait for a lock
LENGTH, LABEL, TEXT = np.dtype("<i8"), np.dtype("<i4"), np.dtype("u1")


@dataclass(frozen=True)
class StoredModality:
    """One modality, as the header describes it."""

    name: str
    width: int
    dtype: str
    scale: float = 1.0
    shift: float = 0.0
    finite: bool = True

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
        check_mapping(f"frames of part {self.name!r}", self.frames)
        check_count(f"videos of part {self.name!r}", self.videos, 0)
        for name, number in self.frames.items():
            check_count(f"frames of {name!r} in part {self.name!r}", number, 0)


@dataclass(frozen=True)
class Header:
    """What `store.json` says."""

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
        given = json.loads(text, parse_constant=_refuse_constant)
        if not isinstance(given, dict) or given.get("format") != FORMAT:
            raise ValueError(f'it does not say "format": "{FORMAT}"')
        if type(given["version"]) is not int or given["version"] != VERSION:
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
        )._checked()

    def _checked(self) -> "Header":
        """Return itself; raise where what was read is none."""
        if not self.modalities:
            raise ValueError("it has no modality")
        for what, given in (("modality", self.modalities), ("part", self.parts or ())):
            names = [each.name for each in given]
            if len(set(names)) < len(names):
                raise ValueError(f"it names a {what} twice, {names}")
        if not isinstance(self.attributes, dict) or not isinstance(self.ids, bool):
            raise ValueError(f"its attributes are {self.attributes!r}, its ids {self.ids!r}")
        if self.n_labels is not None and check_count("n_labels", self.n_labels, 0) > MOST:
            raise ValueError(f"n_labels is {self.n_labels}")
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
    if os.path.exists(file) and not os.path.isfile(file):  # a device has no end, a pipe may wait
        raise ValueError(f"{path} is no store: {file} is no file.")
    try:
        with open(file, encoding="utf-8") as opened:
            return Header.from_text(opened.read())
    except FileNotFoundError:
        raise ValueError(f"{path} is no store: {file} is missing.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{file} cannot be read, as it is not JSON ({error}): restore it, or write the store "
            "again."
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = error if type(error) is ValueError else repr(error)
        raise ValueError(f"{file} cannot be read: {reason}.") from error


def write_header(path: str, header: Header) -> None:
    """Write the header of a store so that others see all of it or the one before."""
    file = os.path.join(path, HEADER)
    with locked(f"{file}.lock", PATIENCE) as alone:
        if not alone:
            raise ValueError(f"{file} is being written elsewhere.")
        with naming(file), open(f"{file}.new", "w", encoding="utf-8") as new:
            new.write(header.to_text())
            new.flush()
            os.fsync(new.fileno())
        os.replace(f"{file}.new", file)
    sync_folder(path)


def sync_folder(path: str) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with naming(path):
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
    _check_text("The name of a part", name)


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")


def _check_text(what: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what} must be text that UTF-8 can hold, got {text!r}.") from None


def _is_width(width: Any) -> bool:
    return isinstance(width, Integral) and not isinstance(width, bool) and 1 <= int(width) <= MOST


def _dtype_name(dtype: Any) -> str | None:
    try:
        return None if dtype is None else np.dtype(dtype).name
    except (TypeError, ValueError):  # numpy knows no such dtype
        return None
