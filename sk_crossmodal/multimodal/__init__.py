"""Ragged, named, lazily selected multi-modal frames, and the one door through which they come."""

from ._array import MultimodalArray
from ._check import as_multimodal, has_named_modalities

__all__ = ["MultimodalArray", "as_multimodal", "has_named_modalities"]
