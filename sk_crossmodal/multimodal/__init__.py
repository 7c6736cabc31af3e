"""`MultimodalArray`: videos as ragged frames of named modalities, in memory or in a store."""

from ..store import StoreWriter
from ._array import MultimodalArray
from ._array import count_real_steps as count_real_steps
from ._array import scan_frames as scan_frames
from ._array import side_by_side_rows as side_by_side_rows
from ._array import unseen_shares as unseen_shares
from ._checks import as_long_videos as as_long_videos
from ._checks import check_long_videos as check_long_videos
from ._forms import as_fitted as as_fitted
from ._forms import as_multimodal, has_named_modalities
from ._forms import check_modalities as check_modalities
from ._forms import read_known as read_known
from ._forms import read_videos as read_videos
from ._frames import cut_padding as cut_padding
from ._guess import ColumnKind as ColumnKind
from ._guess import guess_modalities as guess_modalities
from ._scan import StatsRequest as StatsRequest
from ._store import Store

__all__ = ["MultimodalArray", "Store", "StoreWriter", "as_multimodal", "has_named_modalities"]
