"""Data sets, real and made, as `sklearn.utils.Bunch`."""

from ._vocabulary import youtube8m_hierarchy
from ._youtube8m import load_youtube8m

# make_crossmodal_videos comes from ._synthetic.

__all__ = ["load_youtube8m", "youtube8m_hierarchy"]
