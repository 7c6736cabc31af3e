"""Input validation of label sets: one collection of labels per sample."""

import warnings
from collections.abc import Callable, Collection, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.utils import check_array

from .._types import Array

Resolve = Callable[[Any, int], int | None]  # (unknown label, number of its sample) -> row

EXPECTED = "expected a sequence with one collection of labels per sample"
NUMBERS = (
    "Reshape your data to (n_samples, 1) if each number is a label. cross_val_predict "
    'replaces label sets by numbers for method="predict_proba": use indicators there.'
)


def as_samples(X: Any) -> list[Collection[Any]]:
    """Return the label sets of a sequence or a table, each of which is iterable."""
    if np.ma.is_masked(X):
        raise ValueError(f"{EXPECTED}, got a masked array; drop the masked values.")
    if is_table(X):
        return _table_rows(X)
    if issparse(X) or hasattr(X, "columns"):
        kind = "sparse array" if issparse(X) else type(X).__name__
        raise TypeError(f"{EXPECTED}, not a table; got a {kind}. Of a data frame give one column.")
    if isinstance(X, np.ndarray) and (X.ndim != 1 or (len(X) and X.dtype.kind in "biufc")):
        raise ValueError(_not_labels(X, NUMBERS if X.ndim == 1 else ""))
    if isinstance(X, str | bytes | Mapping | set | frozenset | None) or not hasattr(X, "__len__"):
        raise TypeError(f"{EXPECTED}, got {X!r:.80}.")
    if len(X) == 0:
        raise ValueError(f"{EXPECTED}, got no samples.")
    return [_as_sample(sample, i) for i, sample in enumerate(X)]


def is_table(X: Any) -> bool:
    """Whether X is a 2-D array, where each row has the labels of a sample."""
    if issparse(X) or hasattr(X, "columns"):
        return False
    if hasattr(X, "__array__") and not hasattr(X, "__len__"):
        X = np.asarray(X)
    return getattr(X, "ndim", 1) == 2


def _table_rows(X: Any) -> list[Collection[Any]]:
    table = check_array(X, dtype=None, input_name="X")
    floats = table.dtype.kind == "f"
    # Fractions are scores, and floats of 0 and 1 alone are an indicator.
    no_labels = floats and ((table != np.floor(table)).any() or np.isin(table, (0, 1)).all())
    if no_labels or table.dtype.kind not in "iufOU":
        raise ValueError(_not_labels(table, "Labels that are numbers are whole numbers."))
    return list((table.astype(np.int64) if floats else table).tolist())


def warn_of_indicator(labels: list[Any], X: Any, *, certain: bool) -> None:
    """Raise an error, or warn, if 0 and 1 are the only labels: X may be an indicator matrix."""
    if not labels or not set(labels) <= {0, 1}:
        return
    if certain:
        raise ValueError(_not_labels(np.asarray(X), "It looks like an indicator matrix."))
    words = "If it is an indicator matrix, give it to the classifier as it is."
    warnings.warn(f"X has no other labels than 0 and 1. {words}", stacklevel=3)


def _not_labels(array: Array, hint: str = "") -> str:
    given = f"an array of shape {array.shape} and dtype {array.dtype}"
    return f"{EXPECTED}, got {given}. {hint}".strip()


def _as_sample(sample: Any, i: int) -> Collection[Any]:
    if isinstance(sample, str):
        return (sample,)
    # A collection, not only an iterable, because it is read twice.
    scalar = getattr(sample, "ndim", 1) == 0  # a 0-D array looks like a collection
    if scalar or isinstance(sample, bytes | Mapping) or not isinstance(sample, Collection):
        raise TypeError(f"sample {i} must be a collection of labels, got {sample!r:.80}.")
    return sample


def unique_labels(samples: list[Collection[Any]]) -> list[Any]:
    """Return all labels in the samples, each once."""
    seen: dict[Any, None] = {}
    for i, sample in enumerate(samples):
        try:
            seen.update(dict.fromkeys(sample))
        except TypeError:
            raise TypeError(_unhashable(sample, i)) from None
    return list(seen)


def count_labels(
    samples: list[Collection[Any]], rows: Mapping[Any, int], resolve: Resolve
) -> csr_array:
    """Count how often each sample has each label, without its ancestors."""
    found, indptr = list[int](), [0]
    for i, sample in enumerate(samples):
        for label in sample:
            try:
                row = rows.get(label)
            except TypeError:
                raise TypeError(_unhashable(sample, i)) from None
            if row is None:
                row = resolve(label, i)
            if row is not None:
                found.append(row)
        indptr.append(len(found))
    ones, indices = np.ones(len(found), dtype=np.int32), np.asarray(found, dtype=np.int32)
    return csr_array((ones, indices, indptr), shape=(len(samples), len(rows)))


def _unhashable(sample: Collection[Any], i: int) -> str:
    return f"sample {i} has a label that cannot be hashed, such as a list: {list(sample)!r:.80}."


def is_whole_number(label: Any) -> bool:
    """Whether a label is a whole number, but not True or False."""
    if isinstance(label, bool) or not isinstance(label, Real):
        return False
    return isinstance(label, Integral) or float(label).is_integer()
