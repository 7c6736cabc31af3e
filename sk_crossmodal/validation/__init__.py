"""Input validation: numbers, options and arrays, and tables of constraints on parameters."""

from ._arrays import as_array, check_sample_weight
from ._constraints import (
    FLAG,
    SHARE,
    SIZE,
    SIZES,
    Constraint,
    check_params,
    number,
    options,
    registered,
)
from ._numbers import (
    MAX_FLOAT,
    MAX_INT,
    MAX_LAYERS,
    MAX_WIDTH,
    check_number,
    check_size,
    check_sizes,
)
from ._options import check_flag, check_option, check_registered
from ._text import short, unchanged

__all__ = [
    "FLAG",
    "MAX_FLOAT",
    "MAX_INT",
    "MAX_LAYERS",
    "MAX_WIDTH",
    "SHARE",
    "SIZE",
    "SIZES",
    "Constraint",
    "as_array",
    "check_flag",
    "check_number",
    "check_option",
    "check_params",
    "check_registered",
    "check_sample_weight",
    "check_size",
    "check_sizes",
    "number",
    "options",
    "registered",
    "short",
    "unchanged",
]
