"""Input validation of label sets: one collection of labels per sample."""

import warnings
from collections.abc import Callable, Collection, Mapping, Set
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.utils import check_array

from .._types import Array
from ..validation import from_tensor
from ._looks import indicator_width

Resolve = Callable[[Any, int], int | None]  # (unknown label, number of its sample) -> row

EXPECTED = "expected a sequence with one collection of labels per sample"
NUMBERS = (
    "Reshape your data to (n_samples, 1) if each number is a label. cross_val_predict "
    'replaces label sets by numbers for method="predict_proba": use indicators there.'
)

_INDICATOR = (
    "If it is an indicator matrix, give it to the classifier as it is, without a binarizer. If 0 "
    "and 1 are labels, give each sample as a set, such as {0, 1}."
)
_LOOKS = f"It looks like an indicator matrix. {_INDICATOR}"


def as_samples(X: Any) -> list[Collection[Any]]:
    """Return the label sets of a sequence or a table, each of which is iterable."""
    X = from_tensor("X", X)
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


def check_no_indicator(X: Any, samples: list[Collection[Any]], *, known: bool) -> None:
    """Raise an error, or warn, if label sets look like the rows of an indicator matrix.

    If other labels are `known`, 0 and 1 may be two of many, so only repeated ones are an error.
    Tables are one only then: scikit-learn's checks give the binarizer tables of 0 and 1.
    """
    if not _has_only(samples, {0, 1}):
        return
    lengths, is_set = {len(sample) for sample in samples}, isinstance(samples[0], Set)
    is_tensor = from_tensor("X", X) is not X
    wrong = known or is_tensor if is_table(X) else _are_rows(samples, known)
    if wrong and not is_set:
        raise ValueError(_not_labels(np.array([list(each) for each in samples]), _LOOKS))
    if not known and not is_set and len(lengths) == 1:
        warnings.warn(f"There are no labels other than 0 and 1. {_INDICATOR}", stacklevel=3)


def _are_rows(samples: list[Collection[Any]], known: bool) -> bool:
    """Whether samples with only 0 and 1 are the rows of an indicator, by their lengths."""
    repeated = any(len(set(sample)) < len(sample) for sample in samples)
    wide = indicator_width({len(sample) for sample in samples}, {0, 1}) is not None
    return wide and (repeated or not known)


def refuse_indicator(y: Any, *, lists: bool = False, known: bool = False) -> None:
    """Raise ValueError if a table, or else lists, of labels looks like an indicator matrix."""
    y = from_tensor("y", y)
    table = np.asarray(y) if is_table(y) else np.empty((0, 0))
    wide = indicator_width(table.shape[1:], {0, 1}) is not None
    if wide and table.dtype.kind in "biufO" and np.isin(table, (0, 1)).all():
        raise ValueError(_not_labels(table, _LOOKS))
    if not lists or is_table(y):
        return
    try:
        samples = as_samples(y)
    except (TypeError, ValueError):  # which the transformer reports
        return
    is_set = isinstance(samples[0], Set)
    if not is_set and _has_only(samples, {0, 1}) and _are_rows(samples, known):
        raise ValueError(_not_labels(np.array([list(each) for each in samples]), _LOOKS))


def _has_only(samples: list[Collection[Any]], labels: set[Any]) -> bool:
    """Whether there are labels, and only some of these."""
    first = next(filter(len, samples), ())
    try:  # most label sets have others in their first sample
        return len(first) > 0 and set(first) <= labels and set(unique_labels(samples)) <= labels
    except TypeError:  # labels that cannot be hashed, which others report
        return False


def _not_labels(array: Array, hint: str = "") -> str:
    given = f"an array of shape {array.shape} and dtype {array.dtype}"
    return f"{EXPECTED}, got {given}. {hint}".strip()


def _as_sample(sample: Any, i: int) -> Collection[Any]:
    if isinstance(sample, str):
        return (str(sample),)  # no np.str_
    # A collection, not only an iterable, because it is read twice.
    sample = from_tensor(f"sample {i}", sample)
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
