"""Files of videos on the disk: what a store consists of, and how it is written and read."""

from ._checks import as_lengths as as_lengths
from ._checks import as_list as as_list
from ._checks import as_mapping as as_mapping
from ._checks import as_names as as_names
from ._checks import as_path as as_path
from ._checks import as_rates as as_rates
from ._checks import first_bad_frame as first_bad_frame
from ._layout import HEADER as HEADER
from ._layout import PARTS as PARTS
from ._layout import Header as Header
from ._layout import read_header as read_header
from ._parts import IDS as IDS
from ._parts import read_lists as read_lists
from ._reader import StoreFiles as StoreFiles
from ._reader import read_ids as read_ids
from ._reader import read_labels as read_labels
from ._stored import StoredFrames as StoredFrames
from ._stored import join_stored as join_stored
from ._writer import StoreWriter as StoreWriter
from ._writer import new_store as new_store
