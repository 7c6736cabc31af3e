"""HierarchyLabelBinarizer: indicator matrices of label sets and all their ancestors."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from .._links import LinkedEstimator
from .._types import Array
from ..validation import (
    check_option,
    column_names,
    hierarchy_names,
    match_names,
    take_columns,
    unique_names,
)
from ._label_hierarchy import LabelHierarchy
from ._looks import warn_of_lists, warn_of_split_names
from ._paths import check_separator, parent_path, split_path
from ._samples import (
    Resolve,
    as_samples,
    check_no_indicator,
    is_table,
    is_whole_number,
    unique_labels,
)

HINT = "handle_unknown='ignore' ignores such labels."  # end of a message


class HierarchyLabelBinarizer(LinkedEstimator, TransformerMixin, BaseEstimator):
    """Turn sets of hierarchical labels into an indicator matrix.

    Each label implies its ancestors: where ``"Transport:Land:Car"`` is true, ``"Transport:Land"``
    and ``"Transport"`` are true as well. The label sets are the argument X, so that the binarizer
    can be used in a Pipeline.

    Parameters
    ----------
    separator : str, default=":"
        The string between the names of a label path.
    hierarchy : LabelHierarchy, default=None
        The hierarchy, whose nodes are the labels. None reads the labels as paths, which are
        strings with separators or tuples of names, and learns the tree of all paths in `fit`;
        labels that are whole numbers are roots.
    min_frequency : int or float, default=None
        Labels with fewer samples in `fit` get no column; a float between 0 and 1 is a share of
        the samples. A sample with a label counts for its ancestors as well, so a label that is
        kept keeps all its ancestors. None keeps every label seen in `fit`, or every node of
        `hierarchy`: a node without samples is a column of zeros.
    sparse_output : bool, default=False
        Whether `transform` gives a CSR array.
    handle_unknown : {"error", "ignore"}, default="error"
        Whether a label that is not in the hierarchy raises an error or is ignored. An ignored
        path is replaced by its deepest known ancestor, if there is one. Labels below
        `min_frequency` are known: they always count for their ancestors that were kept.

    Attributes
    ----------
    hierarchy_ : LabelHierarchy
        The hierarchy of the columns.
    classes_ : ndarray of object, shape (n_labels,)
        The label of each column: paths in tree order (a parent, then all its descendants,
        siblings sorted), or the nodes in the order of `hierarchy`.
    levels_ : ndarray of int, shape (n_labels,)
        Level of each column in the hierarchy, 0 for roots.
    n_features_in_ : int
        Number of labels per row, if a 2-D array was given to `fit`.

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
        """Learn the labels, and select those that get a column.

        Parameters
        ----------
        X : sequence of n_samples collections of labels, or array of shape (n_samples, k)
            The label sets. A set may be empty. A single string is a set of one label. Every
            row of an array has k labels; arrays given to `transform` then need k columns as well.
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
            If there are no samples or no labels, a label is unknown, a name in a path is empty,
            X looks like an indicator matrix, such as lists of one length with only 0 and 1, or a
            parameter has a wrong value.

        Warns
        -----
        UserWarning
            If, without a hierarchy, X is a table or lists of one number and may be an indicator
            matrix, because 0 and 1 are the only labels; if texts look like lists of labels; or if
            `separator` seems to be a part of names, as in an address.
        """
        self._check_params()
        samples = as_samples(X)
        known = self.hierarchy
        check_no_indicator(X, samples, known=known is not None)
        if known is None:
            labels = unique_labels(samples)
            warn_of_lists(labels, () if is_table(X) else X)
            warn_of_split_names(labels, self.separator)
            known = self._learn(labels)
        # Also without min_frequency, because unknown labels raise an error here.
        indicator = known._mark(samples, self._resolver(known))
        kept = self._frequent(indicator)
        if len(kept) == 0:
            raise ValueError(f"min_frequency={self.min_frequency!r} leaves no label; reduce it.")

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
            1 where the label or one of its descendants is in the set, otherwise 0.

        Raises
        ------
        TypeError
            If X, a sample or a label has the wrong type.
        ValueError
            If there are no samples, X has another number of columns than in `fit` or looks like
            an indicator matrix, or, with ``handle_unknown="error"``, a label is unknown.
        """
        check_is_fitted(self)
        samples = as_samples(X)
        if is_table(X) and hasattr(self, "n_features_in_"):
            # Here rows with the labels 0 and 1 only are fine: `fit` had other labels as well.
            validate_data(self, np.asarray(X), skip_check_array=True, reset=False)
        else:
            check_no_indicator(X, samples, known=True)
        Y = self.hierarchy_._mark(samples, self._resolver(self.hierarchy_))
        return Y if self.sparse_output else Y.toarray()

    def inverse_transform(self, Y: Any) -> list[tuple[Any, ...]]:
        """Return the deepest true labels of every sample.

        Parameters
        ----------
        Y : array-like or sparse array, shape (n_samples, n_labels)
            An indicator matrix. The ancestors of a true label may be 0. The columns of a data
            frame are found by name.

        Returns
        -------
        labels : list of tuple
            Per sample the true labels without a true descendant, in the order of `classes_`.

        Raises
        ------
        ValueError
            If the number or the names of the columns are wrong, or there are values other than 0
            and 1.
        """
        check_is_fitted(self)
        names = column_names(Y)
        Y = _as_indicator(Y, len(self.classes_))
        if names is not None:
            known = hierarchy_names(self.hierarchy_) or []
            Y = take_columns(Y, match_names("Y", names, known, "the binarizer"))
        ancestors = self.hierarchy_.closure_matrix().astype(np.int32)
        ancestors.setdiag(0)
        deepest = Y - Y.multiply((Y @ ancestors) > 0)
        deepest.eliminate_zeros()
        deepest.sort_indices()
        bounds = zip(deepest.indptr[:-1], deepest.indptr[1:], strict=True)
        return [tuple(self.classes_[deepest.indices[start:stop]]) for start, stop in bounds]

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the columns.

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
        unique = unique_names(self.hierarchy_.nodes, self.hierarchy_.display_names)
        return np.asarray(unique, dtype=object)

    def _check_params(self) -> None:
        check_separator(self.separator)
        if not isinstance(self.hierarchy, LabelHierarchy | None):
            raise TypeError(f"hierarchy must be a LabelHierarchy or None, got {self.hierarchy!r}.")
        if not isinstance(self.sparse_output, bool | np.bool_):
            raise TypeError(f"sparse_output must be True or False, got {self.sparse_output!r}.")
        check_option("handle_unknown", self.handle_unknown, ("error", "ignore"))
        if (minimum := self.min_frequency) is None:
            return
        number = isinstance(minimum, Real) and not isinstance(minimum, bool)
        if not number or not (minimum >= 1 if isinstance(minimum, Integral) else 0 < minimum < 1):
            wanted = "min_frequency must be None, an int from 1 or a float between 0 and 1"
            raise (ValueError if number else TypeError)(f"{wanted}, got {minimum!r}.")

    def _learn(self, labels: list[Any]) -> LabelHierarchy:
        """Return the hierarchy of the labels."""
        if not labels:
            raise ValueError("no sample has a label; pass the hierarchy to fit without labels.")
        if all(is_whole_number(label) for label in labels):
            return LabelHierarchy(dict.fromkeys(sorted(map(int, labels)), ()))
        return LabelHierarchy.from_paths(labels, separator=self.separator)

    def _resolver(self, known: LabelHierarchy) -> Resolve:
        """Return the function that treats unknown labels."""
        rows = known._rows
        paths = self.hierarchy is None and isinstance(known.nodes[0], str | tuple)

        def resolve(label: Any, i: int) -> int | None:
            if self.handle_unknown == "error":
                raise ValueError(f"sample {i} has the unknown label {label!r}; {HINT}")
            if not paths:
                return None
            split_path(label, self.separator)  # an invalid path raises an error
            while label is not None and label not in rows:
                label = parent_path(label, self.separator)
            return rows.get(label)

        return resolve

    def _frequent(self, indicator: csr_array) -> Array:
        """Return the columns with enough samples."""
        n_samples, n_labels = indicator.shape
        if self.min_frequency is None:
            return np.arange(n_labels)
        minimum = self.min_frequency
        if not isinstance(minimum, Integral):
            # 0.07 * 100 is slightly more than 7, but 7 of 100 samples should be enough.
            minimum = np.ceil(minimum * n_samples - 1e-9)
        return np.flatnonzero(np.bincount(indicator.indices) >= minimum)

    def _get_state(self) -> dict[str, Any]:
        state = {name: vars(self).get(name) for name in ("hierarchy_", "n_features_in_")}
        return {name: value for name, value in state.items() if value is not None}

    def _set_state(self, state: dict[str, Any]) -> None:
        hierarchy, width = state.get("hierarchy_"), state.get("n_features_in_", 1)
        wrong = type(width) is not int or width < 1 or set(state) - set(self._fitted_names)
        if not isinstance(hierarchy, LabelHierarchy) or wrong:
            raise ValueError(f"expected a hierarchy and a width, got {state!r:.200}.")
        self.__dict__.update(state)
        self.classes_ = np.fromiter(hierarchy.nodes, dtype=object, count=len(hierarchy))
        self.levels_ = hierarchy.levels

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _as_indicator(given: Any, n_labels: int) -> csr_array:
    """Return a copy of an indicator of 0 and 1 as CSR of int32."""
    expected = f"Y must be an indicator matrix of {n_labels} columns"
    if np.ma.is_masked(given):
        raise ValueError(f"{expected}, got a masked array; fill it first.")
    try:
        if issparse(given) and given.format in ("csr", "csc", "bsr"):
            # With wrong indices SciPy would access memory outside the arrays. The check may
            # change the dtype of the indices.
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
        raise ValueError(f"Y must contain 0 and 1 only, got {others[0]}; pass labels, not scores.")
    return csr_array(Y.astype(np.int32))  # SciPy supports no other byte order
