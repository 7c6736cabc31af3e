"""Reader of .npz files: named NumPy arrays."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ._arrays import ArrayReader
from ._layouts import Content

PICKLED = (
    "contains Python objects, which may run code when they are read. Save numbers: of ragged "
    "videos all frames in one array, clip=np.concatenate(videos), and clip_lengths=[len(v) for v "
    "in videos]"
)


class NpzReader(ArrayReader):
    """Reads .npz files with several videos each, or one video each."""

    suffixes: ClassVar[tuple[str, ...]] = (".npz",)

    @contextmanager
    def open(self, path: Path) -> Iterator[Content]:
        """Open the arrays of a file."""
        if not zipfile.is_zipfile(path):
            raise ValueError(f"{path} is damaged, or no .npz file.")
        try:
            with np.load(path, allow_pickle=False) as file:
                # Each access of a file reads the whole array again.
                content = {
                    name: load(file.__getitem__, name, f"{path}, {name!r}") for name in file.files
                }
        except (OSError, zipfile.BadZipFile, EOFError) as error:
            raise ValueError(f"{path} is damaged, or no .npz file: {error}.") from error
        yield content


def load(read: Any, what: Any, where: str) -> Any:
    """Read an array of numbers or texts; ValueError if it has Python objects."""
    try:
        return read(what)
    except ValueError as error:
        if "bject" in str(error):  # NumPy: "Object arrays cannot", "Python objects in dtype"
            raise ValueError(f"{where} {PICKLED}.") from None
        # NumPy takes anything that it does not know for pickled data.
        raise ValueError(f"{where} is damaged, or no file of NumPy.") from error
