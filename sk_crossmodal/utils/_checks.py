"""The checks, each of a `Subject`: nothing is returned, a failure is an AssertionError."""

import copy
import inspect
import pickle
import random
from tempfile import TemporaryDirectory
from unittest import SkipTest

import joblib
import numpy as np
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import KFold, cross_val_score
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from ..correlation import CorrelationTower
from ..multimodal import MultimodalArray
from ._subject import as_rows, assert_same, outputs, take
from ._videos import N_VIDEOS, Videos

# How X may be given, for ragged videos and for videos of one length.
RAGGED = ("lists", "objects", "slice_dict", "data_frame", "memory_map", "quantised")
EQUAL = ("arrays", "array_slice_dict", "wide")
SEED = 1_618_033


def check_form(subject, form):
    """Fitting and predicting give the same with X in this form as with a container."""
    videos = Videos(ragged=form in RAGGED)
    reference = subject.fit(videos.container())
    expected = outputs(reference, videos.container())
    # Dequantised numbers go another way.
    exact = form != "quantised"
    X = getattr(videos, form)()
    assert_same(outputs(reference, X), expected, f"predicting with X as {form}", exact=exact)
    assert_same(outputs(subject.fit(X), X), expected, f"fitting with X as {form}", exact=exact)


def check_positional_modalities(subject):
    """``fit(X_video, X_audio, y)`` is the same as fitting on the container."""
    new = subject.new()
    parameters = inspect.signature(new.fit).parameters.values()
    if all(parameter.kind != parameter.VAR_POSITIONAL for parameter in parameters):
        raise SkipTest("fit takes one X")
    parts = Videos().lists().values()
    expected = outputs(subject.fit(), Videos().container())
    assert_same(outputs(new.fit(*parts, subject.y()), *parts), expected, "positional modalities")


def check_modality_order_in_predict(subject):
    """Modalities that have names may come in any order after `fit`."""
    fitted = subject.fit()
    expected = outputs(fitted, Videos().container())
    for form in ("container", "lists", "data_frame"):
        X = _reversed(getattr(Videos(), form)())
        assert_same(outputs(fitted, X), expected, f"other order of modalities in X as {form}")


def check_modality_order_in_fit(subject):
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


def _reversed(X):
    if isinstance(X, MultimodalArray):
        return X.select(X.modality_names[::-1])
    if isinstance(X, dict):
        return dict(reversed(X.items()))
    return X[X.columns[::-1]]


def check_padding(subject):
    """Videos are judged the same beside a short video as beside a long one."""
    fitted, X = subject.fit(), Videos().container()
    rows = np.argsort(X.timeline_lengths(), kind="stable")[:6]
    beside_short, beside_long = (outputs(fitted, X[[*rows, last]]) for last in (1, 0))
    kept = range(len(rows))
    what = "more padding in a batch"
    assert_same(take(beside_long, kept), take(beside_short, kept), what, exact=False)


def check_row_subset(subject):
    """Some videos are judged the same as among all, and so is one alone."""
    fitted, X = subject.fit(), Videos().container()
    expected = outputs(fitted, X)
    for rows in ([0, 3, 4, 9, 20], [0], [1], [13]):
        said = outputs(fitted, X[rows])
        assert_same(said, take(expected, rows), f"predicting only rows {rows}", exact=False)


def check_row_order(subject):
    """Videos are judged the same in another order."""
    fitted, X = subject.fit(), Videos().container()
    rows = np.random.RandomState(0).permutation(N_VIDEOS)
    said = outputs(fitted, X[rows])
    expected = take(outputs(fitted, X), rows)
    assert_same(said, expected, "predicting in another order", exact=False)


def check_fit_twice(subject):
    """Fitting again, with the same random state, is as fitting once."""
    fitted, X = subject.fit(), Videos().container()
    expected = outputs(fitted, X)
    assert_same(outputs(fitted, X), expected, "predicting twice")
    assert_same(outputs(fitted.fit(X, subject.y()), X), expected, "fitting twice")
    assert_same(outputs(subject.fit(), X), expected, "fitting another one of the same parameters")


def check_pickle(subject):
    """An estimator out of a pickle predicts the same."""
    _check_copy(subject, lambda fitted: pickle.loads(pickle.dumps(fitted)), "pickled")


def check_joblib(subject):
    """An estimator out of a file of joblib predicts the same."""

    def through_file(fitted):
        with TemporaryDirectory() as folder:
            joblib.dump(fitted, f"{folder}/estimator.joblib")
            return joblib.load(f"{folder}/estimator.joblib")

    _check_copy(subject, through_file, "stored with joblib")


def check_deepcopy(subject):
    """A deep copy predicts the same."""
    _check_copy(subject, copy.deepcopy, "deeply copied")


def _check_copy(subject, copied, what):
    fitted, X = subject.fit(), Videos().container()
    expected = outputs(fitted, X)
    assert_same(outputs(copied(fitted), X), expected, what)
    assert_same(outputs(fitted, X), expected, f"after it was {what}")


def check_n_jobs(subject):
    """Cross-validating in two processes gives the scores of one."""
    X, y = Videos().container(), subject.y()
    one, two = (
        cross_val_score(subject.new(), X, y, cv=KFold(2), scoring=_fingerprint, n_jobs=n_jobs)
        for n_jobs in (1, 2)
    )
    assert np.isfinite(one).all(), f"cross_val_score gives {one}"
    assert np.allclose(one, two, rtol=1e-4), f"scores {one} with n_jobs=1, {two} with n_jobs=2"


def _fingerprint(fitted, X, y):
    """Score that moves with every number that a fitted estimator gives."""
    names = ("decision_function", "predict_proba", "transform", "predict")
    output = getattr(fitted, next(name for name in names if hasattr(fitted, name)))(X)
    if not isinstance(output, MultimodalArray) and np.asarray(output).dtype.kind not in "fiu":
        return fitted.score(X, y)
    flat = np.concatenate([part.ravel() for row in as_rows(output) for part in row])
    return float(flat @ (1 + np.arange(len(flat)) % 5))


def check_global_random_state(subject):
    """The user's random numbers (random, numpy, torch) are as they were after fit and predict."""
    users = _random_states()
    # An estimator that seeds them itself has done so before: where they stand must be new to it.
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002, of the global random state all this is
    torch.manual_seed(SEED)
    try:
        before = _random_states()
        fitted = subject.fit()
        _assert_untouched(before, "fit")
        outputs(fitted, Videos().container())
        _assert_untouched(before, "predicting")
    finally:
        random.setstate(users["random"])
        np.random.set_state(users["numpy"])  # noqa: NPY002
        torch.set_rng_state(torch.from_numpy(users["torch"]))


def _random_states():
    states = {"random": random.getstate(), "torch": torch.get_rng_state().numpy()}
    return {**states, "numpy": np.random.get_state()}  # noqa: NPY002


def _assert_untouched(before, what):
    for name, state in _random_states().items():
        same = joblib.hash(state) == joblib.hash(before[name])
        assert same, f"{what} changes the global random state of {name}"


def check_input_unchanged(subject):
    """Neither fit nor predict changes X, y or sample_weight."""
    for form in ("container", "lists", "objects"):
        fitted = subject.new()
        given = {"X": getattr(Videos(), form)(), "y": subject.y()}
        if has_fit_parameter(fitted, "sample_weight"):
            given["sample_weight"] = np.arange(N_VIDEOS) % 3 + 1.0
        before = joblib.hash(given["X"]), joblib.hash({**given, "X": None})
        fitted.fit(**given)
        assert joblib.hash(given["X"]) == before[0], f"fit changes X as {form}"
        assert joblib.hash({**given, "X": None}) == before[1], "fit changes y or sample_weight"
        outputs(fitted, given["X"])
        assert joblib.hash(given["X"]) == before[0], f"predicting changes X as {form}"


def check_params(subject):
    """Parameters, nested ones too, are what they were set to, and `clone` keeps them."""
    params = subject.new().get_params()
    own = [{name: _another(value)} for name, value in params.items()]
    for changes in own + _nested_changes(params):
        new = subject.new().set_params(**changes)
        for estimator in (new, clone(new)):
            given = estimator.get_params()
            for name, value in changes.items():
                assert _same_param(given[name], value), (
                    f"{name} is {given[name]!r}, after it was set to {value!r}"
                )


def _another(value):
    """Another value where the type says one; nothing looks at parameters before `fit`."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else value


def _nested_changes(params):
    """Parameters inside parameters, to set together with what they are in."""
    changes = []
    for name in params:
        last = name.split("__")[-1]
        if last == "correlation_tower":
            changes.append({name: CorrelationTower(), f"{name}__max_epochs": 3})
        if last == "net_params":
            changes.append({name: {"optimizer__betas": (0.9, 0.99)}})
    return changes


def check_unknown_params(subject):
    """Unknown parameters, nested ones too, are refused with ValueError."""
    params = subject.new().get_params()
    owners = [f"{name}__" for name, value in params.items() if _has_params(value)]
    for owner in ("", *owners):
        name = f"{owner}no_such_parameter"
        try:
            subject.new().set_params(**{name: 1})
        except ValueError:
            continue
        raise AssertionError(f"set_params({name}=1) raises no ValueError")


def check_clone_of_fitted(subject):
    """A clone of a fitted estimator is unfitted, has its parameters, and is fitted to the same."""
    fitted = subject.fit()
    new = clone(fitted)
    for name, value in fitted.get_params().items():
        given = new.get_params()[name]
        assert _same_param(given, value), f"{name} is {given!r} in the clone, not {value!r}"
    if get_tags(fitted).requires_fit:
        try:
            check_is_fitted(new)
        except NotFittedError:
            pass
        else:
            raise AssertionError("the clone of a fitted estimator is fitted")
    X = Videos().container()
    assert_same(outputs(new.fit(X, subject.y()), X), outputs(fitted, X), "fitting the clone")


def _has_params(value):
    return hasattr(value, "get_params") and not isinstance(value, type)


def _same_param(a, b):
    if _has_params(a) and _has_params(b):
        return type(a) is type(b) and _same_param(a.get_params(), b.get_params())
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(_same_param(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):  # such as steps
        return len(a) == len(b) and all(map(_same_param, a, b))
    return a is b or joblib.hash(a) == joblib.hash(b)
