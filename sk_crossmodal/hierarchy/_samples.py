"""The door for label sets: one collection of labels per sample."""

from collections.abc import Collection, Mapping

import numpy as np
from scipy.sparse import csr_array, issparse


def check_samples(X):
    """Check that X is a sequence of label sets, and make every one of them iterable.

    Parameters
    ----------
    X : sequence of collections
        The label sets. A bare string among them is one label: as a collection of characters it
        would never be meant.

    Returns
    -------
    samples : list of collections
        One per sample.

    Raises
    ------
    TypeError
        If X is no sequence, or a sample no collection of labels.
    ValueError
        If there are no samples, or X is a table of numbers.
    """
    expected = "expected a sequence with one collection of labels per sample"
    if X is None or isinstance(X, str | bytes | Mapping | set | frozenset):
        raise TypeError(f"{expected}, got {X!r:.80}.")
    if issparse(X) or hasattr(X, "columns"):
        raise TypeError(f"{expected}, got a {type(X).__name__}; give one column, not a table.")
    # The kind matters: an array of strings of two axes is a list of lists of labels.
    if isinstance(X, np.ndarray) and (X.ndim == 0 or (X.ndim > 1 and X.dtype.kind not in "OU")):
        raise ValueError(f"{expected}, got an array of shape {X.shape} and dtype {X.dtype}.")
    if not (hasattr(X, "__len__") and hasattr(X, "__iter__")):
        raise TypeError(f"{expected}, got {type(X).__name__}.")
    if len(X) == 0:
        raise ValueError(f"{expected}, got no samples.")
    return [_check_sample(sample, i) for i, sample in enumerate(X)]


def _check_sample(sample, i):
    if isinstance(sample, str):
        return (sample,)
    # Not any iterable: what can be walked only once would be empty on the second walk.
    if isinstance(sample, bytes | Mapping) or not isinstance(sample, Collection):
        raise TypeError(
            f"sample {i} must be a collection of labels such as a list, got {sample!r:.80}."
        )
    return sample


def unique_labels(samples):
    """All labels that occur.

    Parameters
    ----------
    samples : list of collections
        Label sets from `check_samples`.

    Returns
    -------
    labels : list of hashable
        Each label once, in the order of first sight.

    Raises
    ------
    TypeError
        If a label cannot be hashed.
    """
    seen = {}
    for i, sample in enumerate(samples):
        try:
            seen.update(dict.fromkeys(sample))
        except TypeError:
            raise TypeError(_unhashable(sample, i)) from None
    return list(seen)


def indicator(samples, rows, resolve):
    """Count labels per sample, as they are given.

    Parameters
    ----------
    samples : list of collections
        Label sets from `check_samples`.
    rows : dict of hashable to int
        Column of every known label.
    resolve : callable
        ``resolve(label, i)`` gives the column to use for a label of sample i that is not in
        `rows`, or None to leave it out.

    Returns
    -------
    Y : csr_array of int32, shape (n_samples, len(rows))
        How often each label is given.

    Raises
    ------
    TypeError
        If a label cannot be hashed.
    """
    indices, indptr = [], [0]
    for i, sample in enumerate(samples):
        for label in sample:
            try:
                column = rows.get(label)
            except TypeError:
                raise TypeError(_unhashable(sample, i)) from None
            if column is None:
                column = resolve(label, i)
            if column is not None:
                indices.append(column)
        indptr.append(len(indices))
    ones = np.ones(len(indices), dtype=np.int32)
    indices = np.asarray(indices, dtype=np.int32)
    return csr_array((ones, indices, indptr), shape=(len(samples), len(rows)))


def _unhashable(sample, i):
    return (
        f"sample {i} has a label that cannot be hashed: {list(sample)!r:.80}. "
        "A path is a str or a tuple, not a list."
    )
