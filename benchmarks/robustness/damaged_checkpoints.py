"""Check that damaged and forged checkpoints raise errors, or equal the original state."""

import os
import pickle
import tempfile
import zipfile
from collections import Counter
from io import BytesIO
from pathlib import Path

import torch
from forked import in_fork
from training_cases import fit

from sk_crossmodal.training._state_file import read_state

KINDS = (
    "one byte",
    "one bit",
    "cut off",
    "zeros",
    "bytes doubled",
    "bytes left out",
    "blocks swapped",
)


def damage(builds, expected, count, rng):
    """Damage and read files of checkpoints; return the counts."""
    found = Counter()
    files = [(name, *data) for name in list(builds)[:3] for data in _written(builds[name])]
    for i in range(count):
        name, file_name, data = files[i % len(files)]
        kind = KINDS[i % len(KINDS)]
        outcome = _read(file_name, damaged(data, kind, rng), data)
        found[outcome] += 1
        found["failed"] += outcome not in ("refused", "equal")
    for name, file_name, data in files:
        found["forged, with code"] += 1
        found["failed"] += not _forged_is_refused(file_name, data)
        found["fits of damaged files"] += 1
        found["failed"] += not _fit_refuses(builds[name], file_name, damaged(data, "cut off", rng))
    return {"files": count, "failed": 0, "refused": 0, "equal": 0, **found}


def damaged(data, kind, rng):
    """Return the bytes of a file with random damage."""
    a, b = sorted(rng.integers(len(data), size=2).tolist())
    size = int(rng.integers(1, 64))
    flip = {"one byte": int(rng.integers(1, 256)), "one bit": 1 << int(rng.integers(8))}
    if kind in flip:
        return data[:a] + bytes([data[a] ^ flip[kind]]) + data[a + 1 :]
    return {
        "cut off": data[:a],
        "zeros": data[:a] + bytes(len(data[a : a + size])) + data[a + size :],
        "bytes doubled": data[: a + size] + data[a:],
        "bytes left out": data[:a] + data[a + size :],
        "blocks swapped": data[:a] + data[b : b + size] + data[a + size : b] + data[b + size :],
    }[kind]


def _written(build):
    with tempfile.TemporaryDirectory() as folder:
        in_fork(fit, build, folder)
        return [(path.name, path.read_bytes()) for path in Path(folder).iterdir()]


def _read(name, data, whole):
    """Read a damaged file; return "refused", "equal", or a failure."""
    with tempfile.TemporaryDirectory() as folder:
        path, good = Path(folder, name), Path(folder, "whole.pt")
        path.write_bytes(data)
        good.write_bytes(whole)
        try:
            state = read_state(path)
        except ValueError as error:
            return "refused" if name in str(error) else "refused without its name"
        except Exception as error:
            return f"{type(error).__name__}"
        return "equal" if same(state, read_state(good)) else "another state"


def same(one, other):
    """Whether two states are equal, with tensors compared bit by bit."""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and one.equal(other)
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and list(one) == list(other)
            and all(same(one[key], other[key]) for key in one)
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


class _Code:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (self.marker,)


def _forged_is_refused(name, data):
    """Whether a file with valid checksums and code in its pickle is refused and not run."""
    with tempfile.TemporaryDirectory() as folder:
        path, marker = Path(folder, name), Path(folder, "code was run")
        with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(path, "w") as new:
            for member in old.namelist():
                code = pickle.dumps({"format": 1, "module": _Code(str(marker))}, protocol=2)
                new.writestr(member, code if member.endswith("data.pkl") else old.read(member))
        try:
            read_state(path)
        except ValueError:
            return not marker.exists()
        return False


def _fit_refuses(build, name, data):
    """Whether a fit that resumes from a damaged file raises an error and keeps the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        try:
            in_fork(fit, build, folder)
        except RuntimeError as error:
            return "cannot be read" in str(error) and path.read_bytes() == data
        return False
