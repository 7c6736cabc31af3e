"""The file of a model: safetensors with a JSON document, and a checksum over every byte."""

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch
from safetensors.torch import load, save

KEY = "sk_crossmodal"  # of the document, among the metadata of safetensors
FORMAT = 1  # another number is refused
LONGEST_HEADER = 1 << 23  # bytes: what is read of a file before anything about it is known
LOOKS = {
    b"\x80": "a pickle, as joblib writes, too; `joblib.load` reads it, and runs what is in it",
    b"PK": "a zip archive, such as torch writes",
    b"<": "a web page; the download failed",
    b"version ": "a pointer of git-lfs; get the file itself with `git lfs pull`",
}  # by their first bytes
NO_SUM = "0" * 64  # stands in the place of the checksum while that is computed


def to_bytes(document: dict[str, Any], tensors: dict[str, torch.Tensor]) -> bytes:
    """Put a document and tensors into the bytes of a file."""
    head = {"format": FORMAT, "sha256": NO_SUM}
    text = json.dumps({**head, **document}, allow_nan=False, separators=(",", ":"))
    # One key alone, as safetensors writes several in any order.
    data: bytes = save(tensors, metadata={KEY: text})
    if _header_size(data) > LONGEST_HEADER:
        raise ValueError(
            f"what is not a weight takes {_header_size(data)} bytes as JSON, more than the "
            f"{LONGEST_HEADER} that a model file may have of it; use joblib for this model."
        )
    return data.replace(NO_SUM.encode(), sha256(data).hexdigest().encode(), 1)


def from_bytes(data: bytes) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Read what `to_bytes` made."""
    _check_header(data[:8], len(data))
    end = 8 + _header_size(data)
    try:
        metadata = _json(data[8:end])["__metadata__"]
        document = _json(metadata[KEY])
        known, found = document["format"], document["sha256"]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"it is no model file of sk_crossmodal, for want of {error}; save_model writes those."
        ) from error
    if known != FORMAT:
        raise ValueError(f"it is of format {known!r}, and this version knows {FORMAT}.")
    _check_sum(data, end, found)
    return document, load(data)


def _header_size(data: bytes) -> int:
    return int.from_bytes(data[:8], "little")


def _check_header(head: bytes, size: int) -> None:
    """Raise ValueError unless a file of that size can have the header that it says it has."""
    said = _header_size(head)
    if len(head) < 8 or said > size - 8 or said > LONGEST_HEADER:
        raise ValueError(
            f"it is {_looks_like(head)} (its header would have {said} of its {size} bytes)."
        )


def _looks_like(head: bytes) -> str:
    """Say what a file is that is no model, as far as its first bytes tell."""
    for start, words in LOOKS.items():
        if head.startswith(start):
            return words
    return "damaged, or no safetensors file" if head else "empty; copy or download it again"


def _check_sum(data: bytes, end: int, found: Any) -> None:
    """Raise ValueError unless this is the checksum of the bytes without it."""
    if not isinstance(found, str) or len(found) != len(NO_SUM):
        raise ValueError(f"its checksum must have {len(NO_SUM)} digits, got {found!r:.80}.")
    computed = sha256(data[:end].replace(found.encode(), NO_SUM.encode(), 1))
    computed.update(memoryview(data)[end:])
    if computed.hexdigest() != found:
        raise ValueError(
            "its checksum is not that of its content: it is damaged; copy or download it again."
        )


def _json(text: str | bytes) -> Any:
    """Parse JSON, and nothing but JSON: every key once, no NaN, not deeper than Python goes."""
    try:
        text = text.decode() if isinstance(text, bytes) else text
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its header is not valid JSON: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def read_whole(path: Path) -> bytes:
    """Read a regular file; ValueError for a pipe or a device, which have no end."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        what = "Is a directory, and a model is one file; the folder of a store opens by Store.open"
        raise IsADirectoryError(errno.EISDIR, what, str(path))
    if not stat.S_ISREG(mode):
        raise ValueError("it is no regular file.")
    with open(path, "rb") as file:
        # The size of the header is looked at first, as the file may be large and another's.
        _check_header(file.read(8), os.fstat(file.fileno()).st_size)
        file.seek(0)
        return file.read()


def write_whole(path: Path, data: bytes, what: str = "model") -> None:
    """Write a file beside the old one and put it in its place when it is whole."""
    with _named(path, what):
        real = Path(os.path.realpath(path))
        if real.is_dir():
            raise IsADirectoryError(errno.EISDIR, f"a {what} is one file, and this is a folder")
        if real.is_symlink():
            raise OSError(errno.ELOOP, "the link leads back to itself")
        if real.exists() and not real.is_file():
            raise OSError(errno.EINVAL, "no regular file is there")
        part = real.with_name(f"{real.name[:100]}.{uuid4().hex}.part")
        try:
            with open(part, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if real.exists():  # whoever could not read the old file cannot read the new one
                part.chmod(stat.S_IMODE(real.stat().st_mode))
            os.replace(part, real)
        finally:
            part.unlink(missing_ok=True)
        _sync_folder(real.parent)


@contextmanager
def _named(path: Path, what: str) -> Iterator[None]:
    """Name the file that was asked for in errors, rather than the one beside it."""
    try:
        yield
    except OSError as error:
        words = f"{error.strerror}; the {what} is not saved, and what was there is as it was"
        raise OSError(error.errno, words, str(path)) from error


def _sync_folder(folder: Path) -> None:
    """Let the new name survive a loss of power, where folders can be synchronised at all."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
