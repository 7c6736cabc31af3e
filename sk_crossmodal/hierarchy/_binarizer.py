"""HierarchyLabelBinarizer: label sets to indicator matrices that are closed upward."""

from collections import Counter
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from .._links import LinkedEstimator
from .._types import Array
from ._label_hierarchy import LabelHierarchy
from ._paths import check_separator, parent_path, split_path
from ._samples import (
    Resolve,
    check_no_indicator,
    check_samples,
    is_table,
    is_whole_number,
    unique_labels,
)

UNKNOWN = ("error", "ignore")


class HierarchyLabelBinarizer(LinkedEstimator, TransformerMixin, BaseEstimator):
    """Turn sets of hierarchical labels into an indicator matrix that is closed upward.

    What is below a label is an instance of it: where ``"Transport:Land:Car"`` is true, so are
    ``"Transport:Land"`` and ``"Transport"``. It transforms its argument X, so that it stands in
    a Pipeline; the label sets of n samples are that X.

    Parameters
    ----------
    separator : str, default=":"
        What stands between the names of a label path given as a string.
    hierarchy : LabelHierarchy, default=None
        The hierarchy that the labels are nodes of. None reads the labels as paths, which are
        strings with separators or tuples of names, and learns the tree of all paths in `fit`;
        labels that are whole numbers are roots.
    min_frequency : int or float, default=None
        Labels with fewer samples in `fit` get no column; a float between 0 and 1 is a share of
        the samples. Samples are counted after closing upward, so a label that stays keeps all
        its ancestors. None keeps every label seen in `fit`, and with `hierarchy` every node of
        it: a node that no sample has is a column of zeros.
    sparse_output : bool, default=False
        Whether `transform` gives a CSR array.
    handle_unknown : {"error", "ignore"}, default="error"
        What to do with a label that is not in the hierarchy: raise, or leave it out. A path is
        then replaced by its deepest ancestor that is known, if there is one. Labels that
        `min_frequency` left out are known: they always stand for their ancestors that stayed.

    Attributes
    ----------
    hierarchy_ : LabelHierarchy
        The hierarchy of the columns.
    classes_ : ndarray of object, shape (n_labels,)
        The label of each column: paths in tree order (a parent, then everything below it,
        siblings sorted), or the nodes in the order of `hierarchy`.
    levels_ : ndarray of int, shape (n_labels,)
        Level of each column in the hierarchy, 0 for roots.
    n_features_in_ : int
        How many labels a row holds, if an array of two axes was given to `fit`.

    See Also
    --------
    LabelHierarchy : The hierarchy itself.
    sklearn.preprocessing.MultiLabelBinarizer : The same for labels without a hierarchy.

    Examples
    --------
    >>> from sk_crossmodal.hierarchy import HierarchyLabelBinarizer
    >>> y = [["Transport:Land:Car", "Sport"], [], ["Transport:Air"]]
    >>> binarizer = HierarchyLabelBinarizer().fit(y)
    >>> binarizer.classes_.tolist()
    ['Sport', 'Transport', 'Transport:Air', 'Transport:Land', 'Transport:Land:Car']
    >>> binarizer.transform(y)
    array([[1, 1, 0, 1, 1],
           [0, 0, 0, 0, 0],
           [0, 1, 1, 0, 0]])
    >>> binarizer.inverse_transform(binarizer.transform(y))
    [('Sport', 'Transport:Land:Car'), (), ('Transport:Air',)]
    """

    _fitted_names = ("hierarchy_", "n_features_in_", "classes_", "levels_")

    def __init__(
        self,
        *,
        separator: str = ":",
        hierarchy: LabelHierarchy | None = None,
        min_frequency: float | None = None,
        sparse_output: bool = False,
        handle_unknown: str = "error",
    ) -> None:
        self.separator = separator
        self.hierarchy = hierarchy
        self.min_frequency = min_frequency
        self.sparse_output = sparse_output
        self.handle_unknown = handle_unknown

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the labels and which of them get a column.

        Parameters
        ----------
        X : sequence of n_samples collections of labels, or array of shape (n_samples, k)
            The label sets. A set may be empty. A bare string stands for a set of one label.
            Every row of an array holds k labels; arrays given to `transform` then have k
            columns too.
        y : None
            Ignored.

        Returns
        -------
        self : HierarchyLabelBinarizer
            The fitted binarizer.

        Raises
        ------
        TypeError
            If X, a sample or a label has the wrong type.
        ValueError
            If there are no samples or no labels, a label is unknown, a path has an empty name
            in it, X looks like an indicator matrix, or a parameter has a wrong value.

        Warns
        -----
        UserWarning
            If, without a hierarchy, there are no other labels than the numbers 0 and 1: that may
            be an indicator matrix, or labels.
        """
        self._check_parameters()
        samples = check_samples(X)
        known = self.hierarchy
        if known is None or is_table(X):
            labels = unique_labels(samples)
            check_no_indicator(labels, X, certain=known is not None)
            known = self._learn(labels) if known is None else known
        # Walked even if nothing is counted, so that unknown labels raise here already.
        closed = known._mark(samples, self._resolver(known))
        kept = self._frequent(closed)
        if len(kept) == 0:
            raise ValueError(
                f"min_frequency={self.min_frequency!r} leaves no label; give a smaller one."
            )

        self.hierarchy_ = known.subset([known.nodes[i] for i in kept])
        self.classes_ = np.fromiter(self.hierarchy_.nodes, dtype=object, count=len(kept))
        self.levels_ = self.hierarchy_.levels
        self.__dict__.pop("n_features_in_", None)
        if is_table(X):
            validate_data(self, np.asarray(X), skip_check_array=True)
        return self

    def transform(self, X: Any) -> Any:
        """Make the indicator matrix.

        Parameters
        ----------
        X : sequence of n_samples collections of labels, or array of shape (n_samples, k)
            The label sets, as in `fit`.

        Returns
        -------
        Y : ndarray or csr_array of int64, shape (n_samples, n_labels)
            1 where the label or something below it is in the set, otherwise 0.

        Raises
        ------
        TypeError
            If X, a sample or a label has the wrong type.
        ValueError
            If there are no samples, X has another number of columns than in `fit` or looks like
            an indicator matrix, or, with ``handle_unknown="error"``, a label is unknown.
        """
        check_is_fitted(self)
        samples = check_samples(X)
        if is_table(X) and hasattr(self, "n_features_in_"):
            # Rows that hold no other labels than 0 and 1 are in order among others that do.
            validate_data(self, np.asarray(X), skip_check_array=True, reset=False)
        elif is_table(X):
            check_no_indicator(unique_labels(samples), X, certain=True)
        Y = self.hierarchy_._mark(samples, self._resolver(self.hierarchy_))
        return Y if self.sparse_output else Y.toarray()

    def inverse_transform(self, Y: Any) -> list[tuple[Any, ...]]:
        """Give the deepest true labels of every sample.

        Parameters
        ----------
        Y : array-like or sparse array, shape (n_samples, n_labels)
            An indicator matrix; it need not be closed upward.

        Returns
        -------
        labels : list of tuple
            Per sample those true labels, in the order of `classes_`, below which none is true.

        Raises
        ------
        ValueError
            If the shape does not fit or there are values other than 0 and 1.
        """
        check_is_fitted(self)
        Y = _check_indicator(Y, len(self.classes_))
        strictly_above = self.hierarchy_.closure_matrix().astype(np.int32)
        strictly_above.setdiag(0)
        deepest = Y - Y.multiply((Y @ strictly_above) > 0)
        deepest.eliminate_zeros()
        deepest.sort_indices()
        bounds = zip(deepest.indptr[:-1], deepest.indptr[1:], strict=True)
        return [tuple(self.classes_[deepest.indices[start:stop]]) for start, stop in bounds]

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the columns, to show.

        Parameters
        ----------
        input_features : None
            Ignored; label sets have no columns.

        Returns
        -------
        names : ndarray of object, shape (n_labels,)
            The display names of the labels. Where two labels share one, the label itself is
            added in parentheses.
        """
        check_is_fitted(self)
        names = self.hierarchy_.display_names
        counts = Counter(names)
        told_apart = [
            name if counts[name] == 1 else f"{name} ({node})"
            for name, node in zip(names, self.hierarchy_.nodes, strict=True)
        ]
        return np.asarray(told_apart, dtype=object)

    def _check_parameters(self) -> None:
        check_separator(self.separator)
        if self.hierarchy is not None and not isinstance(self.hierarchy, LabelHierarchy):
            raise TypeError(
                f"hierarchy must be a LabelHierarchy or None, got {self.hierarchy!r}; "
                "LabelHierarchy(parents) makes one of a dict."
            )
        if not isinstance(self.sparse_output, bool | np.bool_):
            raise TypeError(f"sparse_output must be True or False, got {self.sparse_output!r}.")
        known = isinstance(self.handle_unknown, str) and self.handle_unknown in UNKNOWN
        if not known:
            raise ValueError(
                f"handle_unknown must be 'error' or 'ignore', got {self.handle_unknown!r}."
            )
        least = self.min_frequency
        if least is None:
            return
        if isinstance(least, bool) or not isinstance(least, Real):
            raise TypeError(f"min_frequency must be a number or None, got {least!r}.")
        if not (least >= 1 if isinstance(least, Integral) else 0 < least < 1):
            raise ValueError(
                f"min_frequency must be an int from 1 or a float between 0 and 1, got {least!r}."
            )

    def _learn(self, labels: list[Any]) -> LabelHierarchy:
        """The hierarchy of all labels that occur."""
        if not labels:
            raise ValueError("no sample has a label; give the hierarchy to fit without any.")
        if all(is_whole_number(label) for label in labels):
            return LabelHierarchy(dict.fromkeys(sorted(map(int, labels)), ()))
        return LabelHierarchy.from_paths(labels, separator=self.separator)

    def _resolver(self, known: LabelHierarchy) -> Resolve:
        """How labels are to be treated that the hierarchy does not know."""
        rows = known._rows
        paths = self.hierarchy is None and isinstance(known.nodes[0], str | tuple)

        def resolve(label: Any, i: int) -> int | None:
            if self.handle_unknown == "error":
                raise ValueError(
                    f"sample {i} has the unknown label {label!r}; "
                    "handle_unknown='ignore' leaves such labels out."
                )
            if not paths:
                return None
            split_path(label, self.separator)  # what is no path at all is not merely unknown
            while label is not None and label not in rows:
                label = parent_path(label, self.separator)
            return rows.get(label)

        return resolve

    def _frequent(self, closed: csr_array) -> Array:
        """Columns of the closed indicator with enough samples."""
        n_samples, n_labels = closed.shape
        if self.min_frequency is None:
            return np.arange(n_labels)
        least = self.min_frequency
        if not isinstance(least, Integral):
            # 0.07 * 100 is a little more than 7, and 7 of 100 samples are meant to be enough.
            least = np.ceil(least * n_samples - 1e-9)
        return np.flatnonzero(np.bincount(closed.indices) >= least)

    def _get_state(self) -> dict[str, Any]:
        state = {name: vars(self).get(name) for name in ("hierarchy_", "n_features_in_")}
        return {name: value for name, value in state.items() if value is not None}

    def _set_state(self, state: dict[str, Any]) -> None:
        hierarchy, width = state.get("hierarchy_"), state.get("n_features_in_", 1)
        if not isinstance(hierarchy, LabelHierarchy) or type(width) is not int or width < 1:
            raise ValueError(f"expected a hierarchy and a width, got {state!r:.200}.")
        if unknown := sorted(set(state) - set(self._fitted_names)):
            raise ValueError(f"a fitted {type(self).__name__} has no {unknown}.")
        self.__dict__.update(state)
        self.classes_ = np.fromiter(hierarchy.nodes, dtype=object, count=len(hierarchy))
        self.levels_ = hierarchy.levels

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _check_indicator(given: Any, n_labels: int) -> csr_array:
    """Copy the indicator as CSR of int32 after checking that it holds 0 and 1 alone."""
    expected = f"Y must be an indicator matrix of {n_labels} columns"
    if np.ma.is_masked(given):
        raise ValueError(f"{expected}, got a masked array; fill what it hides.")
    try:
        if issparse(given) and given.format in ("csr", "csc", "bsr"):
            # SciPy reads and writes wherever wrong indices point to. It may change their dtype.
            given.copy().check_format()
        Y = check_array(given, accept_sparse=True, input_name="Y")
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{expected}, got a {type(given).__name__}: {error}") from error
    if Y.shape[1] != n_labels:
        raise ValueError(f"Y has {Y.shape[1]} columns, expected {n_labels}.")
    if issparse(Y):
        Y = csr_array(Y, copy=True)
        Y.sum_duplicates()
    values = Y.data if issparse(Y) else Y
    others = values[(values != 0) & (values != 1)]
    if others.size:
        raise ValueError(f"Y must hold 0 and 1 alone, got {others[0]}; give labels, not scores.")
    return csr_array(Y.astype(np.int32))  # of other byte orders SciPy makes no sparse array
