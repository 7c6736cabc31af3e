"""Models as files that are data alone: saved and opened without pickle."""

from ._models import load_model, save_model

__all__ = ["load_model", "save_model"]
