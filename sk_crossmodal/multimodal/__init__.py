"""Ragged, named, lazily selected multi-modal frames, and the one door through which they come."""

from ._array import MultimodalArray
from ._array import scan_frames as scan_frames
from ._check import as_multimodal, has_named_modalities
from ._layout import PARTS as PARTS
from ._layout import read_header as read_header
from ._parts import IDS as IDS
from ._parts import read_lists as read_lists
from ._scan import StatsRequest as StatsRequest
from ._store import Store
from ._writer import StoreWriter

__all__ = ["MultimodalArray", "Store", "StoreWriter", "as_multimodal", "has_named_modalities"]
