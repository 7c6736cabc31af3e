"""Files that hold the state of a training: whole at any moment, and read without pickle."""

import json
import os
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import torch

FORMAT = 1  # another number is refused
ROWS = ("history", "batches")  # lists of dicts of whatever callbacks record, kept as JSON
PARTS = (  # what every state has
    *ROWS,
    "hashes",
    "module",
    "optimizer",
    "lr_schedule",
    "early_stopping",
    "best_scores",
    "random",
    "epoch_random",
)


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write a state so that at any moment either the old file or the new one is there, whole."""
    rows = {name: json.dumps(state[name], default=_plain) for name in ROWS}
    buffer = BytesIO()
    torch.save({**_built_in(state), **rows, "format": FORMAT}, buffer)
    part = path.with_name(f"{path.stem}.{uuid4().hex}.part")
    try:
        with open(part, "xb") as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def read_state(path: Path) -> dict[str, Any]:
    """Read what `write_state` wrote."""
    data = BytesIO(path.read_bytes())
    try:
        with zipfile.ZipFile(data) as file:
            if wrong := file.testzip():  # torch itself does not look at checksums
                raise zipfile.BadZipFile(f"the checksum of {wrong!r} is wrong")
        data.seek(0)
        state = torch.load(data, map_location="cpu", weights_only=True)
        found = state["format"]
        rows = {name: json.loads(state[name]) for name in ROWS if found == FORMAT}
        if found == FORMAT and (lacking := [name for name in PARTS if name not in state]):
            raise KeyError(f"it lacks {lacking}")
    except Exception as error:
        raise ValueError(
            f"The checkpoint {str(path)!r} is damaged: {error}. Delete it to train anew."
        ) from error
    if found != FORMAT:
        raise ValueError(
            f"The checkpoint {str(path)!r} is of format {found!r}, this version knows {FORMAT}. "
            "Delete it to train anew."
        )
    return {**state, **rows}


def _built_in(value: Any) -> Any:
    """Convert NumPy scalars, which `torch.load` refuses, to Python's."""
    if isinstance(value, np.generic):
        return value.item()
    if type(value) is dict:
        return {key: _built_in(entry) for key, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_built_in, value))
    return value


def _plain(value: Any) -> Any:
    """What JSON knows of an entry: the numbers of numpy and torch, or else its words."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def random_state() -> dict[str, Any]:
    """Return torch's random states."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def set_random_state(state: dict[str, Any]) -> None:
    """Set torch's random states; those of CUDA only where there are as many devices."""
    torch.set_rng_state(state["cpu"])
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
