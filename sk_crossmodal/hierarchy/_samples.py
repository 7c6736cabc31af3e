"""The door for label sets: one collection of labels per sample."""

import warnings
from collections.abc import Callable, Collection, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.utils import check_array

from .._types import Array

Resolve = Callable[[Any, int], int | None]  # of (label, number of its sample) the column

EXPECTED = "expected a sequence with one collection of labels per sample"


def check_samples(X: Any) -> list[Collection[Any]]:
    """Check that X is a sequence of label sets, and make every one of them iterable."""
    if np.ma.is_masked(X):
        raise ValueError(f"{EXPECTED}, got a masked array; leave out what it hides.")
    if is_table(X):
        return _table_rows(X)
    if X is None or isinstance(X, str | bytes | Mapping | set | frozenset):
        raise TypeError(f"{EXPECTED}, got {X!r:.80}.")
    if issparse(X):
        raise TypeError(f"{EXPECTED}, not a table; sparse input such as {X!r:.60} is none.")
    if hasattr(X, "columns"):
        raise TypeError(f"{EXPECTED}, got a {type(X).__name__}; give one column, not a table.")
    if isinstance(X, np.ndarray) and X.ndim != 1:
        raise ValueError(_not_labels(X))
    if not (hasattr(X, "__len__") and hasattr(X, "__iter__")):
        raise TypeError(f"{EXPECTED}, got {type(X).__name__}.")
    if len(X) == 0:
        raise ValueError(f"{EXPECTED}, got no samples.")
    if isinstance(X, np.ndarray) and X.dtype.kind in "biufc":
        why = (
            "Reshape your data to (n_samples, 1) if each number is a label. cross_val_predict "
            'puts numbers in the place of label sets for method="predict_proba": give it '
            "indicators."
        )
        raise ValueError(_not_labels(X, why))
    return [_check_sample(sample, i) for i, sample in enumerate(X)]


def is_table(X: Any) -> bool:
    """Whether X is an array of two axes, every row of which holds labels."""
    if issparse(X) or hasattr(X, "columns"):
        return False
    if hasattr(X, "__array__") and not hasattr(X, "__len__"):
        X = np.asarray(X)
    return getattr(X, "ndim", 1) == 2


def _table_rows(X: Any) -> list[Collection[Any]]:
    table = check_array(X, dtype=None, input_name="X")
    if table.dtype.kind == "f":
        # Scores are not whole; an indicator is, and nobody writes the labels 0 and 1 as floats.
        if (table != np.floor(table)).any() or np.isin(table, (0, 1)).all():
            raise ValueError(_not_labels(table, "Labels that are numbers are whole numbers."))
        table = table.astype(np.int64)
    if table.dtype.kind not in "iuOU":
        raise ValueError(_not_labels(table))
    return list(table.tolist())


def check_no_indicator(labels: list[Any], X: Any, *, certain: bool) -> None:
    """Raise or warn if there are no other labels than 0 and 1: X may be an indicator matrix."""
    if not labels or not set(labels) <= {0, 1}:
        return
    if certain:
        raise ValueError(_not_labels(np.asarray(X), "It looks like an indicator matrix."))
    warnings.warn(
        "X has no other labels than 0 and 1: an indicator matrix would be binarized already, and "
        "a classifier takes it as it is.",
        stacklevel=3,
    )


def _not_labels(array: Array, why: str = "") -> str:
    return (
        f"{EXPECTED}, got an array of shape {array.shape} and dtype {array.dtype}. {why}".strip()
    )


def _check_sample(sample: Any, i: int) -> Collection[Any]:
    if isinstance(sample, str):
        return (sample,)
    # Not any iterable: what can be walked only once would be empty on the second walk.
    scalar = getattr(sample, "ndim", 1) == 0  # of an array, which looks like a collection
    if scalar or isinstance(sample, bytes | Mapping) or not isinstance(sample, Collection):
        raise TypeError(
            f"sample {i} must be a collection of labels such as a list, got {sample!r:.80}."
        )
    return sample


def unique_labels(samples: list[Collection[Any]]) -> list[Any]:
    """All labels that occur."""
    seen: dict[Any, None] = {}
    for i, sample in enumerate(samples):
        try:
            seen.update(dict.fromkeys(sample))
        except TypeError:
            raise TypeError(_unhashable(sample, i)) from None
    return list(seen)


def indicator(
    samples: list[Collection[Any]], rows: Mapping[Any, int], resolve: Resolve
) -> csr_array:
    """Count labels per sample, as they are given."""
    columns, indptr = list[int](), [0]
    for i, sample in enumerate(samples):
        for label in sample:
            try:
                column = rows.get(label)
            except TypeError:
                raise TypeError(_unhashable(sample, i)) from None
            if column is None:
                column = resolve(label, i)
            if column is not None:
                columns.append(column)
        indptr.append(len(columns))
    ones = np.ones(len(columns), dtype=np.int32)
    indices = np.asarray(columns, dtype=np.int32)
    return csr_array((ones, indices, indptr), shape=(len(samples), len(rows)))


def _unhashable(sample: Collection[Any], i: int) -> str:
    return (
        f"sample {i} has a label that cannot be hashed: {list(sample)!r:.80}. "
        "A path is a str or a tuple, not a list."
    )


def is_whole_number(label: Any) -> bool:
    """Whether a label is a whole number; True and False are none."""
    if isinstance(label, bool) or not isinstance(label, Real):
        return False
    return isinstance(label, Integral) or float(label).is_integer()
