"""Input validation: numbers, options and arrays, and tables of constraints on parameters."""

from ._arrays import as_array, check_sample_weight
from ._columns import (
    NamedColumns,
    are_positions,
    column_names,
    column_orders,
    find_names,
    hierarchy_names,
    item_names,
    match_names,
    order_hierarchy,
    take_columns,
    unique_names,
)
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
from ._tensors import from_tensor
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
    "NamedColumns",
    "are_positions",
    "as_array",
    "check_flag",
    "check_number",
    "check_option",
    "check_params",
    "check_registered",
    "check_sample_weight",
    "check_size",
    "check_sizes",
    "column_names",
    "column_orders",
    "find_names",
    "from_tensor",
    "hierarchy_names",
    "item_names",
    "match_names",
    "number",
    "options",
    "order_hierarchy",
    "registered",
    "short",
    "take_columns",
    "unchanged",
    "unique_names",
]
