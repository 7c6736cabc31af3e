"""The layout of a store: its folder, its header and the files of a part (docs/store.md)."""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from glob import escape, glob
from math import inf
from numbers import Integral
from typing import Any
from urllib.parse import quote

import numpy as np

from .._files import PARTIAL, locked, naming, sync_folder, write_atomic
from ..validation import check_flag, check_number, number
from ._checks import as_mapping, as_names, as_rates, as_utf8, check_rate, open_file

FORMAT, VERSION = "sk_crossmodal.store", 1
HEADER, PARTS = "store.json", "parts"
MAX_COLUMNS = 1 << 31  # features of a frame, or labels
FINITE = number(-inf, inf, open_low=True, open_high=True)
N_LABELS = number(0, MAX_COLUMNS, integer=True)
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
    rate: float | None = None  # frames per second, if known

    def __post_init__(self) -> None:
        (name,) = as_names([self.name])
        as_utf8("The name of a modality", name)
        dtype, width, which = _dtype_name(self.dtype), self.width, f"modality {name!r}"
        integer = isinstance(width, Integral) and not isinstance(width, bool)
        if not integer or not 1 <= int(width) <= MAX_COLUMNS:
            raise ValueError(f"The width of {which} must be an integer >= 1, got {width!r}.")
        if dtype not in DTYPES:
            raise ValueError(f"The dtype of {which} must be one of {DTYPES}, got {self.dtype!r}.")
        for key in ("scale", "shift"):
            FINITE(f"The {key} of {which}", getattr(self, key))
        check_flag(f"finite of {which}", self.finite)
        rate = None if self.rate is None else check_rate(name, self.rate)
        plain = (int(width), dtype, float(self.scale), float(self.shift), rate)
        for key, value in zip(("width", "dtype", "scale", "shift", "rate"), plain, strict=True):
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
        as_mapping(f"frames of part {self.name!r}", self.frames)
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

    def __post_init__(self) -> None:
        if not self.modalities:
            raise ValueError("A store needs at least one modality, got none.")
        modalities = as_names(each.name for each in self.modalities)
        if self.rates:
            as_rates(self.rates, modalities)
        names = [each.name for each in self.parts or ()]
        if len(set(names)) < len(names):
            raise ValueError(f"Each part of a store must be named once, got {names}.")
        if not isinstance(self.attributes, dict):
            raise ValueError(f"attributes must be a dict, got {self.attributes!r}.")
        check_flag("ids", self.ids)
        if self.n_labels is not None:
            N_LABELS("n_labels", self.n_labels)

    def without_rates(self) -> "Header":
        """Return the header as versions before rates wrote it."""
        return replace(self, modalities=tuple(replace(m, rate=None) for m in self.modalities))

    @property
    def rates(self) -> dict[str, float]:
        """Frames per second by modality, where they are known."""
        return {each.name: each.rate for each in self.modalities if each.rate is not None}

    def to_text(self) -> str:
        """Return the header as JSON."""
        about = {"format": FORMAT, "version": VERSION, **asdict(self)}
        for each in about["modalities"]:
            del each["rate"]
        if self.rates:  # beside the modalities, where older readers ignore it
            about["rates"] = self.rates
        return json.dumps(about, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "Header":
        """Return the header in a JSON text; ValueError if it is not valid."""
        given = json.loads(text, parse_constant=_reject_constant)
        if not isinstance(given, dict) or given.get("format") != FORMAT:
            raise ValueError(f'it does not say "format": "{FORMAT}"')
        version, parts = given["version"], given["parts"]
        if type(version) is not int or version != VERSION:
            raise ValueError(f"it has version {version} of the format, expected {VERSION}")
        modalities, rates = given["modalities"], as_mapping("rates", given.get("rates", {}))
        if rates:
            as_rates(rates, (each["name"] for each in modalities))
        return cls(
            tuple(StoredModality(**each, rate=rates.get(each["name"])) for each in modalities),
            given["attributes"],
            None if parts is None else tuple(StoredPart(**each) for each in parts),
            given["n_labels"],
            given["ids"],
        )


def read_header(path: str) -> Header:
    """Read the header of the store in a folder."""
    file = os.path.join(path, HEADER)
    if not os.path.isdir(path):
        raise FileNotFoundError(f"There is no store at {path}: expected a folder.")
    with open_file(file, f"{path} is no store") as opened:
        data = opened.read()
    try:
        return Header.from_text(data.decode())
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"{file} cannot be read, restore it ({reason}).") from error


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


def check_part_name(name: Any) -> None:
    """Raise ValueError unless a part's name can be that of a folder."""
    if not isinstance(name, str) or not name or name[0] == "." or "/" in name or "\0" in name:
        raise ValueError(f"The name of a part must be a file name, not hidden, got {name!r}.")
    as_utf8("The name of a part", name)


def _reject_constant(text: str) -> None:
    raise ValueError(f"{text} is not a number of JSON")


def _dtype_name(dtype: Any) -> str | None:
    try:
        return None if dtype is None else np.dtype(dtype).name
    except (TypeError, ValueError):  # NumPy has no such dtype
        return None
