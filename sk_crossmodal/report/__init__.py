"""One HTML file that says what a fitted model was given, what it learned and how well."""

from ._write import write_report

__all__ = ["write_report"]
