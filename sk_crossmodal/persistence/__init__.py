"""Models as files that are data alone: saved and opened without pickle; and as programs."""

from ._export import export_model
from ._file import write_whole
from ._models import checked_path, load_model, save_model

check_path, write_file = checked_path, write_whole

__all__ = ["export_model", "load_model", "save_model"]
