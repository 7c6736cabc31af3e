"""Checks that predictions are equal; a failed check raises AssertionError."""

import copy
import inspect
import pickle
from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import Any
from unittest import SkipTest

import joblib
import numpy as np
from sklearn.base import clone

from ..multimodal import MultimodalArray
from ._under_test import EstimatorUnderTest, assert_same, outputs, take
from ._videos import N_VIDEOS, WIDTHS, Videos

# Forms of X for ragged videos, and for videos of equal length.
RAGGED = ("lists", "objects", "slice_dict", "data_frame", "memory_map", "quantised")
EQUAL = ("arrays", "array_slice_dict", "wide")


def convention_form(tested: EstimatorUnderTest, form: str) -> None:
    """Fitting and predicting with X in this form equals those with a `MultimodalArray`."""
    videos = Videos(ragged=form in RAGGED)
    reference = tested.fit(videos.container())
    expected = outputs(reference, videos.container())
    exact = form != "quantised"  # its frames are computed in other steps
    X = getattr(videos, form)()
    assert_same(outputs(reference, X), expected, f"predicting with X as {form}", exact=exact)
    new = tested.new()
    if form == "wide":  # only the parameter says where its modalities begin
        if "modalities" not in new.get_params(deep=False):
            return
        new.set_params(modalities=WIDTHS)
    fitted = new.fit(X, tested.y())
    assert_same(outputs(fitted, X), expected, f"fitting with X as {form}", exact=exact)


def convention_positional_modalities(tested: EstimatorUnderTest) -> None:
    """``fit(X_video, X_audio, y)`` equals fitting on a `MultimodalArray`."""
    new = tested.new()
    parameters = inspect.signature(new.fit).parameters.values()
    if all(parameter.kind != parameter.VAR_POSITIONAL for parameter in parameters):
        raise SkipTest("fit takes one X")
    parts = Videos().lists().values()
    expected = outputs(tested.fit(), Videos().container())
    assert_same(outputs(new.fit(*parts, tested.y()), *parts), expected, "positional modalities")


def convention_modality_order_in_predict(tested: EstimatorUnderTest) -> None:
    """Named modalities may have any order when predicting."""
    fitted = tested.fit()
    expected = outputs(fitted, Videos().container())
    for form in ("container", "lists", "data_frame"):
        X = _reversed(getattr(Videos(), form)())
        assert_same(
            outputs(fitted, X), expected, f"predicting with X as {form}, modalities reversed"
        )


def convention_modality_order_in_fit(tested: EstimatorUnderTest) -> None:
    """With ``modalities=("video", "audio")``, they may have any order in `fit` as well."""
    new = tested.new()
    if "modalities" not in new.get_params(deep=False):
        raise SkipTest("the estimator has no parameter modalities")
    new.set_params(modalities=("video", "audio"))
    expected = outputs(tested.fit(), Videos().container())
    for form in ("container", "lists", "data_frame"):
        X = _reversed(getattr(Videos(), form)())
        actual = outputs(clone(new).fit(X, tested.y()), X)
        assert_same(actual, expected, f"modalities=('video', 'audio') with reversed {form}")


def _reversed(X: Any) -> Any:
    if isinstance(X, MultimodalArray):
        return X.select(X.modality_names[::-1])
    if isinstance(X, dict):
        return dict(reversed(X.items()))
    return X[X.columns[::-1]]


def convention_padding(tested: EstimatorUnderTest) -> None:
    """Predictions do not depend on the longest video of a batch."""
    fitted, X = tested.fit(), Videos().container()
    rows = np.argsort(X.timeline_lengths(), kind="stable")[:6]
    beside_short, beside_long = (outputs(fitted, X[[*rows, last]]) for last in (1, 0))
    kept = range(len(rows))
    assert_same(take(beside_long, kept), take(beside_short, kept), "more padding", exact=False)


def convention_row_subset(tested: EstimatorUnderTest) -> None:
    """Predictions of some videos, or of one, equal those among all videos."""
    fitted, X = tested.fit(), Videos().container()
    expected = outputs(fitted, X)
    for rows in ([0, 3, 4, 9, 20], [0], [1], [13]):
        actual = outputs(fitted, X[rows])
        assert_same(actual, take(expected, rows), f"predicting only rows {rows}", exact=False)


def convention_row_order(tested: EstimatorUnderTest) -> None:
    """Predictions do not depend on the order of videos."""
    fitted, X = tested.fit(), Videos().container()
    rows = np.random.RandomState(0).permutation(N_VIDEOS)
    expected = take(outputs(fitted, X), rows)
    assert_same(outputs(fitted, X[rows]), expected, "predicting in another order", exact=False)


def convention_fit_twice(tested: EstimatorUnderTest) -> None:
    """Fitting again with the same random state gives the same predictions."""
    fitted, X = tested.fit(), Videos().container()
    expected = outputs(fitted, X)
    assert_same(outputs(fitted, X), expected, "predicting twice")
    assert_same(outputs(fitted.fit(X, tested.y()), X), expected, "fitting twice")
    assert_same(
        outputs(tested.fit(), X), expected, "fitting another estimator with the same parameters"
    )


def convention_pickle(tested: EstimatorUnderTest) -> None:
    """An unpickled estimator predicts the same."""
    _convention_copy(tested, lambda fitted: pickle.loads(pickle.dumps(fitted)), "pickled")


def convention_joblib(tested: EstimatorUnderTest) -> None:
    """An estimator loaded from a joblib file predicts the same."""

    def through_file(fitted: Any) -> Any:
        with TemporaryDirectory() as folder:
            joblib.dump(fitted, f"{folder}/estimator.joblib")
            return joblib.load(f"{folder}/estimator.joblib")

    _convention_copy(tested, through_file, "saved with joblib")


def convention_deepcopy(tested: EstimatorUnderTest) -> None:
    """A deep copy predicts the same."""
    _convention_copy(tested, copy.deepcopy, "deeply copied")


def _convention_copy(tested: EstimatorUnderTest, copier: Callable[[Any], Any], what: str) -> None:
    fitted, X = tested.fit(), Videos().container()
    expected = outputs(fitted, X)
    assert_same(outputs(copier(fitted), X), expected, what)
    assert_same(outputs(fitted, X), expected, f"after being {what}")
