"""The estimator under test: how to fit it, and how to compare its outputs."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone
from sklearn.utils import get_tags

from .._types import Array
from ..multimodal import MultimodalArray
from ._videos import Videos, class_labels, indicators

Outputs = dict[str, list[list[Array]]]  # per method, one list of arrays per row
METHODS = ("predict", "predict_proba", "decision_function", "transform")


class EstimatorUnderTest:
    """An estimator with all random states set, and a kind of labels: classes or indicator."""

    def __init__(self, estimator: BaseEstimator, target: str) -> None:
        self.estimator, self.target = estimator, target

    def new(self) -> Any:
        """Return an unfitted estimator with the same parameters."""
        new = clone(self.estimator)
        names = [name for name in new.get_params() if name.split("__")[-1] == "random_state"]
        return new.set_params(**dict.fromkeys(names, 0))

    def y(self) -> Array:
        """Return a new array of labels."""
        if self.target == "indicator":
            return indicators()
        tags = get_tags(self.estimator).classifier_tags
        return class_labels(2 if tags and not tags.multi_class else 3)

    def fit(self, X: Any = None) -> Any:
        """Return a new estimator fitted on X, or on the ragged videos."""
        return self.new().fit(Videos().container() if X is None else X, self.y())


def targets_of(estimator: BaseEstimator) -> tuple[str, ...]:
    """Return the kinds of y in the tags of an estimator."""
    tags = get_tags(estimator).classifier_tags
    return ("classes", "indicator") if tags and tags.multi_label else ("classes",)


def outputs(fitted: Any, *X: Any) -> Outputs:
    """Return the outputs of all methods that a fitted estimator has."""
    found = {name: as_rows(getattr(fitted, name)(*X)) for name in METHODS if hasattr(fitted, name)}
    if not found:
        raise AssertionError(f"{type(fitted).__name__} has none of the methods {METHODS}.")
    return found


def as_rows(output: Any) -> list[list[Array]]:
    """Return any output as a list with one list of arrays per row."""
    if isinstance(output, MultimodalArray):
        return [list(output[i].values()) for i in range(len(output))]
    if issparse(output):
        output = output.toarray()
    return [[np.asarray(row)] for row in getattr(output, "values", output)]


def take(all_outputs: Outputs, rows: Iterable[int]) -> Outputs:
    """Return some rows of `outputs`."""
    return {name: [values[row] for row in rows] for name, values in all_outputs.items()}


def assert_same(actual: Outputs, expected: Outputs, what: str, *, exact: bool = True) -> None:
    """Raise AssertionError if outputs differ; unless `exact`, by more than float32 rounding."""
    assert list(actual) == list(expected), f"{what}: methods {list(actual)} and {list(expected)}"
    for name, rows in expected.items():
        given = actual[name]
        assert len(given) == len(rows), f"{what}: {name} gives {len(given)} rows, not {len(rows)}"
        bad = [i for i in range(len(rows)) if not _same_row(given[i], rows[i], exact)]
        assert not bad, (
            f"{what}: {name} differs in {len(bad)} of {len(rows)} rows, first in row {bad[0]}: "
            f"{given[bad[0]]}, expected {rows[bad[0]]}"
        )


def _same_row(a: list[Array], b: list[Array], exact: bool) -> bool:
    return len(a) == len(b) and all(_same(*pair, exact) for pair in zip(a, b, strict=True))


def _same(a: Array, b: Array, exact: bool) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if exact or a.dtype.kind != "f":
        return np.array_equal(a, b)
    return np.allclose(a, b, rtol=1e-4, atol=1e-5)
