"""Models as files that are data alone: saved and opened without pickle; and as programs."""

from ._export import export_model
from ._file import from_bytes as from_bytes
from ._file import read_whole as read_whole
from ._models import load_model, save_model

__all__ = ["export_model", "load_model", "save_model"]
