"""Data sets, real and made, as `sklearn.utils.Bunch`."""

from ._embeddings import load_embeddings
from ._stored import load_store
from ._synthetic import make_crossmodal_videos
from ._tables import open_tables as open_tables
from ._vocabulary import youtube8m_hierarchy
from ._youtube8m import load_youtube8m

__all__ = [
    "load_embeddings",
    "load_store",
    "load_youtube8m",
    "make_crossmodal_videos",
    "youtube8m_hierarchy",
]
