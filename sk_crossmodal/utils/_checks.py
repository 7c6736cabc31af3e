"""Checks that predictions are the same, each of a `Subject`; a failure is an AssertionError."""

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
from ._subject import Subject, assert_same, outputs, take
from ._videos import N_VIDEOS, Videos

# How X may be given, for ragged videos and for videos of one length.
RAGGED = ("lists", "objects", "slice_dict", "data_frame", "memory_map", "quantised")
EQUAL = ("arrays", "array_slice_dict", "wide")


def check_form(subject: Subject, form: str) -> None:
    """Fitting and predicting give the same with X in this form as with a container."""
    videos = Videos(ragged=form in RAGGED)
    reference = subject.fit(videos.container())
    expected = outputs(reference, videos.container())
    # Dequantised numbers go another way.
    exact = form != "quantised"
    X = getattr(videos, form)()
    assert_same(outputs(reference, X), expected, f"predicting with X as {form}", exact=exact)
    assert_same(outputs(subject.fit(X), X), expected, f"fitting with X as {form}", exact=exact)


def check_positional_modalities(subject: Subject) -> None:
    """``fit(X_video, X_audio, y)`` is the same as fitting on the container."""
    new = subject.new()
    parameters = inspect.signature(new.fit).parameters.values()
    if all(parameter.kind != parameter.VAR_POSITIONAL for parameter in parameters):
        raise SkipTest("fit takes one X")
    parts = Videos().lists().values()
    expected = outputs(subject.fit(), Videos().container())
    assert_same(outputs(new.fit(*parts, subject.y()), *parts), expected, "positional modalities")


def check_modality_order_in_predict(subject: Subject) -> None:
    """Modalities that have names may come in any order after `fit`."""
    fitted = subject.fit()
    expected = outputs(fitted, Videos().container())
    for form in ("container", "lists", "data_frame"):
        X = _reversed(getattr(Videos(), form)())
        assert_same(outputs(fitted, X), expected, f"other order of modalities in X as {form}")


def check_modality_order_in_fit(subject: Subject) -> None:
    """With ``modalities=("video", "audio")`` X may have them in any order in `fit`, too."""
    new = subject.new()
    if "modalities" not in new.get_params(deep=False):
        raise SkipTest("there is no parameter modalities")
    new.set_params(modalities=("video", "audio"))
    expected = outputs(subject.fit(), Videos().container())
    for form in ("container", "lists", "data_frame"):
        X = _reversed(getattr(Videos(), form)())
        said = outputs(clone(new).fit(X, subject.y()), X)
        assert_same(said, expected, f"modalities=('video', 'audio') with {form} in other order")


def _reversed(X: Any) -> Any:
    if isinstance(X, MultimodalArray):
        return X.select(X.modality_names[::-1])
    if isinstance(X, dict):
        return dict(reversed(X.items()))
    return X[X.columns[::-1]]


def check_padding(subject: Subject) -> None:
    """Videos are judged the same beside a short video as beside a long one."""
    fitted, X = subject.fit(), Videos().container()
    rows = np.argsort(X.timeline_lengths(), kind="stable")[:6]
    beside_short, beside_long = (outputs(fitted, X[[*rows, last]]) for last in (1, 0))
    kept = range(len(rows))
    what = "more padding in a batch"
    assert_same(take(beside_long, kept), take(beside_short, kept), what, exact=False)


def check_row_subset(subject: Subject) -> None:
    """Some videos are judged the same as among all, and so is one alone."""
    fitted, X = subject.fit(), Videos().container()
    expected = outputs(fitted, X)
    for rows in ([0, 3, 4, 9, 20], [0], [1], [13]):
        said = outputs(fitted, X[rows])
        assert_same(said, take(expected, rows), f"predicting only rows {rows}", exact=False)


def check_row_order(subject: Subject) -> None:
    """Videos are judged the same in another order."""
    fitted, X = subject.fit(), Videos().container()
    rows = np.random.RandomState(0).permutation(N_VIDEOS)
    said = outputs(fitted, X[rows])
    expected = take(outputs(fitted, X), rows)
    assert_same(said, expected, "predicting in another order", exact=False)


def check_fit_twice(subject: Subject) -> None:
    """Fitting again, with the same random state, is as fitting once."""
    fitted, X = subject.fit(), Videos().container()
    expected = outputs(fitted, X)
    assert_same(outputs(fitted, X), expected, "predicting twice")
    assert_same(outputs(fitted.fit(X, subject.y()), X), expected, "fitting twice")
    assert_same(outputs(subject.fit(), X), expected, "fitting another one of the same parameters")


def check_pickle(subject: Subject) -> None:
    """An estimator out of a pickle predicts the same."""
    _check_copy(subject, lambda fitted: pickle.loads(pickle.dumps(fitted)), "pickled")


def check_joblib(subject: Subject) -> None:
    """An estimator out of a file of joblib predicts the same."""

    def through_file(fitted: Any) -> Any:
        with TemporaryDirectory() as folder:
            joblib.dump(fitted, f"{folder}/estimator.joblib")
            return joblib.load(f"{folder}/estimator.joblib")

    _check_copy(subject, through_file, "stored with joblib")


def check_deepcopy(subject: Subject) -> None:
    """A deep copy predicts the same."""
    _check_copy(subject, copy.deepcopy, "deeply copied")


def _check_copy(subject: Subject, copied: Callable[[Any], Any], what: str) -> None:
    fitted, X = subject.fit(), Videos().container()
    expected = outputs(fitted, X)
    assert_same(outputs(copied(fitted), X), expected, what)
    assert_same(outputs(fitted, X), expected, f"after it was {what}")
