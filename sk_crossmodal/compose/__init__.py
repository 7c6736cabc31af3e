"""Estimators that are put together with others."""

from ._modality import ModalityTransformer

__all__ = ["ModalityTransformer"]
