"""Fitted estimators as files without code, and as programs of `torch.export`."""

from ._export import export_model
from ._file import check_path as check_path
from ._file import from_bytes as from_bytes
from ._file import read_file as read_file
from ._file import write_file as write_file
from ._models import load_model, save_model
from ._registered import PARTS as PARTS
from ._registered import model_families as model_families
from ._registered import register_model

__all__ = ["export_model", "load_model", "register_model", "save_model"]
