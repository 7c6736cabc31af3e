"""Real and synthetic data sets, as `sklearn.utils.Bunch`, and readers of file formats."""

from ._audioset import audioset_hierarchy
from ._embeddings import load_embeddings
from ._join import concatenate_videos, join_modalities
from ._join import save_videos as save_videos
from ._join import set_rates as set_rates
from ._reader import READERS, Block, Description, Reader
from ._stored import load_store
from ._synthetic import make_crossmodal_videos
from ._tables import open_tables as open_tables
from ._tfrecords import load_tfrecords
from ._vocabulary import youtube8m_hierarchy
from ._youtube8m import load_youtube8m

__all__ = [
    "READERS",
    "Block",
    "Description",
    "Reader",
    "audioset_hierarchy",
    "concatenate_videos",
    "join_modalities",
    "load_embeddings",
    "load_store",
    "load_tfrecords",
    "load_youtube8m",
    "make_crossmodal_videos",
    "youtube8m_hierarchy",
]
