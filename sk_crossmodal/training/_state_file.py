"""Files of the state of training: written atomically, and read without pickle."""

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .._files import write_atomic

FORMAT = 1  # another number is refused
ROWS = ("history", "batches")  # lists of dicts of the values that callbacks record, stored as JSON
PARTS = (  # of every state
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
    """Write a state atomically."""
    rows = {name: json.dumps(state[name], default=_plain) for name in ROWS}
    buffer = BytesIO()
    torch.save({**_built_in(state), **rows, "format": FORMAT}, buffer)
    write_atomic(path, buffer.getbuffer())


def read_state(path: Path) -> dict[str, Any]:
    """Read what `write_state` wrote."""
    data = BytesIO(path.read_bytes())
    try:
        with zipfile.ZipFile(data) as file:
            if wrong := file.testzip():  # torch does not check checksums
                raise zipfile.BadZipFile(f"the checksum of {wrong!r} is wrong")
        data.seek(0)
        state = torch.load(data, map_location="cpu", weights_only=True)
        if state["format"] != FORMAT:
            raise ValueError(f"its format is {state['format']!r}, expected {FORMAT}")
        if lacking := [name for name in PARTS if name not in state]:
            raise KeyError(f"it lacks {lacking}")
        return {**state, **{name: json.loads(state[name]) for name in ROWS}}
    except Exception as error:
        text = f"The checkpoint {str(path)!r} cannot be read: {error}. Delete it to train anew."
        raise ValueError(text) from error


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
    """Return the numbers of an array or tensor, or the text of anything else, for JSON."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
