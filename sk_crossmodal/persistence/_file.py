"""The file of a model: safetensors with a JSON document, and a checksum over every byte."""

import errno
import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from .._files import user_path, write_atomic

KEY = "sk_crossmodal"  # of the document, among the metadata of safetensors
FORMAT = 1
MAX_HEADER = 1 << 23  # bytes that are read before anything about the file is known
BLANK_CHECKSUM = "0" * 64  # in the place of the checksum while it is computed
FILE_TYPES = {
    b"\x80": "a pickle, as written by joblib; `joblib.load` reads it, and runs the code in it",
    b"PK": "a zip archive, as written by torch",
    b"<": "a web page; the download failed",
    b"version ": "a pointer of git-lfs; get the file itself with `git lfs pull`",
}  # by their first bytes


def to_bytes(document: dict[str, Any], tensors: dict[str, torch.Tensor]) -> bytes:
    """Return the content of a file with a document and tensors."""
    head = {"format": FORMAT, "sha256": BLANK_CHECKSUM}
    text = json.dumps({**head, **document}, allow_nan=False, separators=(",", ":"))
    # A single key, as safetensors writes several in any order.
    data: bytes = save(tensors, metadata={KEY: text})
    if (size := int.from_bytes(data[:8], "little")) > MAX_HEADER:
        raise ValueError(
            f"The model takes {size} bytes as JSON, more than the {MAX_HEADER} allowed."
        )
    return data.replace(BLANK_CHECKSUM.encode(), sha256(data).hexdigest().encode(), 1)


def from_bytes(data: bytes) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Return the document and the tensors of a file; ValueError if it is damaged."""
    end = 8 + _header_size(data[:8], len(data))
    try:
        document = _json(_json(data[8:end])["__metadata__"][KEY])
        format_, checksum = document["format"], document["sha256"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"it is no model file of sk_crossmodal, without {error}.") from error
    if format_ != FORMAT:
        raise ValueError(f"it is of format {format_!r}, but this version reads {FORMAT}.")
    computed = sha256(data[:end].replace(str(checksum).encode(), BLANK_CHECKSUM.encode(), 1))
    computed.update(memoryview(data)[end:])
    if computed.hexdigest() != checksum:
        raise ValueError("its checksum is wrong: it is damaged; copy or download it again.")
    return document, load(data)


def _header_size(head: bytes, size: int) -> int:
    """Return the declared size of the header, if a file of `size` bytes can have one."""
    declared = int.from_bytes(head, "little")
    if len(head) < 8 or declared > min(size - 8, MAX_HEADER):
        unknown = "damaged, or no safetensors file" if head else "empty; copy or download it again"
        known = (words for start, words in FILE_TYPES.items() if head.startswith(start))
        raise ValueError(f"it is {next(known, unknown)} (its header is of {declared} bytes).")
    return declared


def _json(text: Any) -> Any:
    """Parse JSON strictly: every key once, no deeper than Python goes."""
    try:
        text = text.decode() if isinstance(text, bytes) else text
        return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its header is not valid JSON: {error}") from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def read_file(path: Path) -> bytes:
    """Read a regular file; ValueError for a pipe or a device, which have no end."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ValueError("it is no regular file.")
    if path.is_dir():
        text = "Is a directory; a model is one file, and Store.open opens the folder of a store"
        raise IsADirectoryError(errno.EISDIR, text, str(path))
    with open(path, "rb") as file:
        # Check the size of the header first: the file may be large and not a model at all.
        _header_size(file.read(8), os.fstat(file.fileno()).st_size)
        file.seek(0)
        return file.read()


def write_file(path: Path, data: bytes, what: str = "model") -> None:
    """Replace a file in one step; an OSError names the path that the user gave."""
    try:
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, f"a {what} is one file, but this is a folder")
        if target.is_symlink() or (target.exists() and not target.is_file()):
            raise OSError(errno.EINVAL, "this is no regular file, or a link to itself")
        write_atomic(target, data)
    except OSError as error:
        words = f"{error.strerror}; the {what} is not saved, and any earlier file is unchanged"
        raise OSError(error.errno, words, str(path)) from error


def check_path(path: Any) -> Path:
    """Return a path that a user gave; TypeError or ValueError if it is none."""
    if not isinstance(path, str | os.PathLike) or isinstance(os.fspath(path), bytes):
        raise TypeError(f"path must be a str or a path, got {path!r}.")
    if not os.fspath(path):
        raise ValueError("path must name a file, got ''.")
    return Path(user_path(path))
