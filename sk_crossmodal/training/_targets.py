"""Validation of y, and its conversion to the targets of the loss and back."""

import warnings
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from .._types import Array, Ints
from ..hierarchy import LabelHierarchy
from ..validation import (
    are_positions,
    from_tensor,
    hierarchy_names,
    match_names,
    order_hierarchy,
    short,
    take_columns,
)
from ._data import Videos

EXPECTED = (
    "y must be a multilabel indicator (n, n_labels) or a vector of classes (n,), after all "
    "modalities; HierarchyLabelBinarizer makes indicators of label sets"
)


def check_y(y: Any, n_samples: int) -> Any:
    """Return y as an indicator (array or CSR) or a vector of classes, one row per video."""
    if y is None:
        raise ValueError(f"requires y to be passed, but the target y is None. {EXPECTED}.")
    if isinstance(y, list) and y and isinstance(y[0], tuple) and isinstance((*y[0], 0)[0], str):
        raise ValueError(f"{_label_set_advice(y[0])}.")
    y = _as_csr(y) if issparse(y) else _as_array(from_tensor("y", y))
    is_indicator = y.ndim == 2 and (issparse(y) or y.shape[1] > 1 or np.isin(y, (0, 1)).all())
    y = _as_indicator(y) if is_indicator else _as_classes(y)
    check_consistent_length(range(n_samples), y)
    return y


def _as_csr(y: Any) -> csr_array:
    if y.ndim != 2:
        raise ValueError(f"{EXPECTED}, got a sparse array of shape {y.shape}.")
    y = csr_array(y, copy=True)
    y.sum_duplicates()
    y.eliminate_zeros()
    return y


def _as_array(y: Any) -> Array:
    if np.ma.is_masked(y):
        raise ValueError(f"{EXPECTED}, got a masked array; leave masked rows out.")
    try:  # classes need not be numbers, so the dtype is kept
        array: Array = check_array(y, ensure_2d=False, dtype=None, input_name="y")
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        why = str(error).partition("\n")[0]  # it prints all of a complex array
        advice = _advice(y) or f"{EXPECTED}, got {type(y).__name__}"
        raise kind(f"{why}\n{advice}.") from error
    if array.dtype.kind in "mMV":
        raise ValueError(f"{EXPECTED}, got dtype {array.dtype}; convert classes to str or int.")
    return array


def _advice(y: Any) -> str:
    """Return the advice for frames or label sets given as y, or ""."""
    first = y[0] if isinstance(y, list | tuple) and len(y) else None
    if getattr(y, "ndim", 0) == 3 or getattr(first, "ndim", 0) == 2:
        return "These look like frames, but y comes last, as in fit(X_video, X_audio, y)"
    flat = first is not None and _is_set(first) and not any(map(_is_set, first))
    return _label_set_advice(first) if flat else ""


def _is_set(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str | bytes)


def _label_set_advice(first: Any) -> str:
    return (
        f"y holds label sets such as {short(first)}; wrap the classifier in "
        "TransformedTargetClassifier, or make indicators with HierarchyLabelBinarizer"
    )


def _as_indicator(y: Any) -> Any:
    if y.shape[1] == 0:
        raise ValueError("y has no labels: an indicator needs at least one column.")
    values = y.data if issparse(y) else y
    if len(others := values[~np.isin(values, (0, 1))]):
        first = short(others[:1].tolist()[0])
        raise ValueError(f"Unknown label type: {EXPECTED}; an indicator has 0 and 1, got {first}.")
    # Objects come from a data frame whose columns may have missing values.
    return y.astype(np.int64) if y.dtype == object else y


def _as_classes(y: Array) -> Array:
    first = y.flat[0]
    if _is_set(first):
        raise ValueError(f"{_label_set_advice(first)}.")
    if y.dtype == object and all(type(each) is int for each in y.ravel().tolist()):
        with suppress(OverflowError):
            y = y.astype(np.int64)
    try:
        with np.errstate(invalid="ignore"):  # floats larger than any int
            check_classification_targets(y)
        if y.dtype == object:
            np.unique(y)
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        types = sorted({type(each).__name__ for each in y.ravel().tolist()})
        n_missing = sum(each is None for each in y.ravel().tolist())
        why = f"y lacks the class of {n_missing} videos: leave these out." if n_missing else error
        raise kind(f"{why}\n{EXPECTED}; classes are all str or all int, got {types}.") from error
    classes: Array = column_or_1d(y, warn=True)
    return classes


def as_classes(classes: Any) -> Array:
    """Return the argument `classes` of `partial_fit` as a sorted array without duplicates."""
    wanted = "classes must be a sequence of the classes (n_classes,), all str or all int"
    if issparse(classes) or isinstance(classes, str | bytes | set | Mapping):
        raise TypeError(f"{wanted}, got {type(classes).__name__}.")
    array = np.asarray(classes)
    if array.ndim != 1:
        raise ValueError(f"{wanted}, got {short(classes)}.")
    try:
        return np.unique(array)
    except TypeError as error:
        raise TypeError(f"{wanted}, got {short(classes)}.") from error


def _flat(names: Any) -> LabelHierarchy | None:
    """Return a hierarchy of top-level labels; None unless the names are different str or int."""
    parents: dict[Any, tuple[()]] = dict.fromkeys(names, ())
    are_labels = all(isinstance(name, str | Integral) for name in parents)
    if not are_labels or len(parents) < len(names) or are_positions(list(names)):
        return None
    return LabelHierarchy(parents)


class Targets:
    """The form of y in `fit`, multilabel indicators or a vector of classes, and its classes.

    The nodes of `hierarchy` are in the order of the columns; `names` are those of the columns.
    """

    def __init__(
        self,
        y: Any,
        hierarchy: LabelHierarchy | None = None,
        classes: Any = None,
        names: Any = None,
    ):
        self.sparse, self.dtype = issparse(y), y.dtype
        self.multilabel = y.ndim == 2
        self.hierarchy = hierarchy
        if self.multilabel:
            self.classes = np.tile(np.array([0, 1]), (y.shape[1], 1))
        else:
            self.classes = np.unique(y) if classes is None else as_classes(classes)
            self.check(y, "y")
        self._check_hierarchy()
        if self.multilabel and names is not None:
            known = self.hierarchy
            self.hierarchy = _flat(names) if known is None else order_hierarchy(known, names)

    def _check_hierarchy(self) -> None:
        given, n = self.hierarchy, len(self.classes)
        if not isinstance(given, LabelHierarchy | None):
            binarizer = "such as hierarchy_ of a HierarchyLabelBinarizer"
            wanted = f"hierarchy must be None or a LabelHierarchy, {binarizer}"
            raise TypeError(f"{wanted}, got {short(given)}.")
        if given is None:
            return
        if self.multilabel and len(given) != n:
            wanted = f"one column per node of hierarchy, {len(given)}"
            raise ValueError(f"y must have {wanted}, got {n}.")
        outside = [] if self.multilabel else [c for c in self.classes.tolist() if c not in given]
        if outside:
            raise ValueError(f"Classes of y are outside the hierarchy: {outside[:5]}.")

    def check_enough(self) -> None:
        """Raise ValueError if there is one class only."""
        if (known := self.classes.tolist())[1:] == [] and not self.multilabel:
            raise ValueError(f"Classifier can't train when only one class is present: got {known}")

    def warn_of_paths(self) -> None:
        """Warn if classes look like label paths, such as "Transport:Land"."""
        if self.multilabel or self.hierarchy is not None or self.classes.dtype.kind not in "UO":
            return
        names = [c for c in self.classes.tolist() if isinstance(c, str)]
        # A single name may have a colon: many paths with common roots are needed.
        roots = {name.split(":")[0] for name in names}
        paths = [name for name in names if all(map(str.strip, name.split(":"))) and ":" in name]
        if len(paths) > max(2, len(names) / 2) and len(roots) < len(names):
            warnings.warn(
                f"y looks like label paths such as {short(paths[0])}, but is used as "
                f"{len(names)} unrelated classes. For a hierarchy, wrap the classifier in "
                "TransformedTargetClassifier with a HierarchyLabelBinarizer.",
                UserWarning,
                stacklevel=3,
            )

    @property
    def names(self) -> list[str] | None:
        """Names of the labels, or None where indicators come without a hierarchy."""
        if self.hierarchy is None:
            return None if self.multilabel else [str(c) for c in self.classes]
        names = list(self.hierarchy.display_names)
        if self.multilabel:
            return names
        return [names[self.hierarchy.index(c)] for c in self.classes.tolist()]

    def _known(self) -> str:
        return f"{len(self.classes)} labels" if self.multilabel else f"{self.classes.tolist()}"

    def check(self, y: Any, name: str = "y", *, other_classes: bool = False) -> None:
        """Raise ValueError unless y has this form and, except with `other_classes`, classes."""
        if self.multilabel:
            fits = y.shape[1:] == (len(self.classes),)
        elif other_classes:
            numbers = [each.dtype.kind in "biuf" for each in (y, self.classes)]
            fits = y.ndim == 1 and numbers[0] == numbers[1]
        else:
            fits = y.ndim == 1 and not np.setdiff1d(y, self.classes).size
        if not fits:
            wanted = "an indicator of" if self.multilabel else "a vector of the classes"
            given = f"shape {y.shape}" if y.ndim == 2 else f"classes {np.unique(y).tolist()}"
            raise ValueError(f"{name} must be {wanted} {self._known()}, got {given}.")

    def align(self, videos: Videos, what: str) -> Videos:
        """Return videos whose y has the columns of `fit`, found by name where they have names."""
        order = self.order(videos.names, what)
        if order is None:
            return videos
        names = [list(videos.names)[i] for i in order]
        return replace(videos, y=take_columns(videos.y, order), names=names)

    def order(self, names: Any, what: str = "y") -> Ints | None:
        """Return where the named columns of another y have each label; None for positions."""
        if names is None or self.hierarchy is None or not self.multilabel:
            return None
        known = hierarchy_names(self.hierarchy) or []
        return match_names(what, names, known, "the y of `fit`")

    def check_classes(self, classes: Any) -> None:
        """Raise ValueError unless `classes`, if given, equal these."""
        given = self.classes if classes is None else as_classes(classes)
        fits = len(given) == len(self.classes)
        if not fits or not (self.multilabel or np.array_equal(given, self.classes)):
            raise ValueError(f"classes must be as before, {self._known()}, got {classes!r}.")

    def encode(self, y: Any) -> Any:
        """Return y for the loss: uint8 indicators, or class indices."""
        return y.astype(np.uint8) if self.multilabel else np.searchsorted(self.classes, y)

    def decode(self, probabilities: Array) -> Any:
        """Return predictions in the form of y: labels above 0.5, or the most likely class."""
        if not self.multilabel:
            return self.classes[probabilities.argmax(axis=1)]
        labels = (probabilities > 0.5).astype(self.dtype)
        return csr_array(labels) if self.sparse else labels

    @property
    def n_levels(self) -> int:
        """Number of levels of the labels."""
        return 1 if self.hierarchy is None else self.hierarchy.n_levels

    def top_level(self, encoded: Any, level: int = 0) -> csr_array:
        """Top-level labels of each sample as CSR of bool, (n, n_top_level_labels).

        A deeper `level` has the labels of that level, and those above it that have none below.
        """
        n = len(self.classes)
        if self.multilabel:
            indicator = csr_array(encoded.astype(bool))
        else:
            ones = np.ones(len(encoded), dtype=bool)
            indicator = csr_array((ones, (np.arange(len(encoded)), encoded)), (len(encoded), n))
        if self.hierarchy is None:
            return indicator
        nodes, levels = self.hierarchy.nodes, self.hierarchy.levels
        ends = [not self.hierarchy.children(node) for node in nodes] if level else [False]
        columns = np.flatnonzero((levels == level) | (levels < level) & np.array(ends))
        roots = csr_array(self.hierarchy.closure_matrix()[:, columns])
        if not self.multilabel:
            roots = roots[[self.hierarchy.index(c) for c in self.classes.tolist()]]
        return csr_array(indicator.astype(np.int32) @ roots.astype(np.int32)).astype(bool)
