"""Arrow types as the plain ones of their values: lists, numbers and strings."""

import sys
from types import ModuleType
from typing import Any

import numpy as np


def import_pyarrow() -> ModuleType:
    """Import pyarrow, an optional dependency."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        hint = "pip install 'sk_crossmodal[tables]'"
        raise ImportError(f"Parquet and Arrow files need pyarrow: {hint}.") from error
    return pyarrow  # type: ignore[no-any-return]


def nesting(kind: Any) -> tuple[int, Any]:
    """Return the depth of the nested lists of a type, and the type of their values."""
    depth = 0
    while is_list(kind):
        depth, kind = depth + 1, kind.value_type
    return depth, kind


def has_no_values(kind: Any) -> bool:
    """Whether a type is that of nulls or of empty lists only."""
    return bool(import_pyarrow().types.is_null(nesting(kind)[1]))


def completed(kind: Any, known: Any) -> Any:
    """Return the known type of a column instead of one without values, if they can be the same."""
    if known is None or not has_no_values(kind) or nesting(known)[0] < nesting(kind)[0]:
        return kind
    if import_pyarrow().types.is_fixed_size_list(known):  # an empty list has another length
        return import_pyarrow().list_(known.value_type)
    return known


def is_list(kind: Any) -> bool:
    """Whether a type is one of the types of lists."""
    types = import_pyarrow().types
    plain = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return bool(plain) or _is_view(kind)


def _is_view(kind: Any) -> bool:
    types = import_pyarrow().types
    return bool(types.is_list_view(kind) or types.is_large_list_view(kind))


def plain_type(kind: Any) -> Any:
    """Return the type of the same values without views, categories and extensions.

    An extension type has a meaning of its own only where the library that defines it has been
    imported. The type that stores its values is the same everywhere.
    """
    pa = import_pyarrow()
    types = pa.types
    if isinstance(kind, pa.FixedShapeTensorType):
        return _tensor_type(kind)
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type)
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return plain_type(kind.value_type)
    if types.is_string_view(kind):
        return pa.string()
    if is_list(kind):
        value, plain = kind.value_type, plain_type(kind.value_type)
        if plain == value and not _is_view(kind):
            return kind
        large = types.is_large_list(kind) or types.is_large_list_view(kind)
        return pa.large_list(plain) if large else pa.list_(plain)
    return kind


def is_arrow(column: Any) -> bool:
    """Whether this is an array of Arrow, in one piece or several."""
    if "pyarrow" not in sys.modules:
        return False
    pa = import_pyarrow()
    return isinstance(column, pa.Array | pa.ChunkedArray)


def plain_column(column: Any) -> Any:
    """Convert an array to its plain type."""
    pa = import_pyarrow()
    kind = column.type
    if (plain := plain_type(kind)) == kind:
        return column
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([plain_column(each) for each in column.chunks], plain)
    if isinstance(kind, pa.FixedShapeTensorType):
        return _tensor_rows(column, plain)
    if isinstance(kind, pa.BaseExtensionType):
        return plain_column(column.storage)
    if pa.types.is_dictionary(kind):
        return plain_column(column.dictionary).take(column.indices)
    if pa.types.is_run_end_encoded(kind):
        import pyarrow.compute

        return plain_column(pyarrow.compute.run_end_decode(column))
    if is_list(kind):
        return _plain_lists(column)
    return pa.array(column.to_pylist(), plain)  # views of strings, which pyarrow 17 cannot cast


def _plain_lists(column: Any) -> Any:
    """Convert an array of lists, whose nulls stay; a cast of views would make invalid arrays."""
    import pyarrow.compute

    pa, plain = import_pyarrow(), plain_type(column.type)
    lengths = pyarrow.compute.list_value_length(column).fill_null(0).to_numpy()
    large = pa.types.is_large_list(plain)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype("int64" if large else "int32")
    make = pa.LargeListArray if large else pa.ListArray
    values = plain_column(column.flatten())
    return make.from_arrays(pa.array(offsets), values, type=plain, mask=column.is_null())


def _axes(kind: Any) -> list[int]:
    """Return the axes of a type of tensors in the order in which it wants them read."""
    return list(kind.permutation or range(len(kind.shape)))


def _tensor_type(kind: Any) -> Any:
    """Return nested lists of the shape of a tensor."""
    value = kind.value_type
    for axis in reversed(_axes(kind)):
        value = import_pyarrow().list_(value, kind.shape[axis])
    return value


def _tensor_rows(column: Any, plain: Any) -> Any:
    """Convert an array of tensors to nested lists."""
    pa, shape, axes = import_pyarrow(), column.type.shape, _axes(column.type)
    size = int(np.prod(shape))
    values = column.storage.fill_null([0] * size).flatten()
    if axes != sorted(axes):
        order = np.arange(len(values)).reshape(-1, *shape).transpose(0, *(1 + i for i in axes))
        values = values.take(pa.array(order.ravel()))
    for axis in reversed(axes[1:]):
        values = pa.FixedSizeListArray.from_arrays(values, shape[axis])
    return pa.FixedSizeListArray.from_arrays(values, type=plain, mask=column.is_null())
