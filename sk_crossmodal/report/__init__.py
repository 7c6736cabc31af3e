"""An HTML report about a fitted model: its data, its scores, its attention and its training."""

from ._write import write_report

__all__ = ["write_report"]
