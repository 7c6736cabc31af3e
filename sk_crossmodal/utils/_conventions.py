"""Checks of scikit-learn's conventions; a failed check raises AssertionError."""

import random
from typing import Any

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
from ._under_test import EstimatorUnderTest, as_rows, assert_same, outputs
from ._videos import N_VIDEOS, Videos

SEED = 1_618_033


def convention_n_jobs(tested: EstimatorUnderTest) -> None:
    """Cross-validation in two processes gives the same scores as in one."""
    X, y = Videos().container(), tested.y()
    one, two = (
        cross_val_score(tested.new(), X, y, cv=KFold(2), scoring=_fingerprint, n_jobs=n_jobs)
        for n_jobs in (1, 2)
    )
    assert np.isfinite(one).all(), f"cross_val_score gives {one}"
    assert np.allclose(one, two, rtol=1e-4), f"scores are {one} with n_jobs=1, {two} with n_jobs=2"


def _fingerprint(fitted: Any, X: Any, y: Any) -> float:
    """Return a score that depends on every number of the output."""
    names = ("decision_function", "predict_proba", "transform", "predict")
    output = getattr(fitted, next(name for name in names if hasattr(fitted, name)))(X)
    if not isinstance(output, MultimodalArray) and np.asarray(output).dtype.kind not in "fiu":
        return float(fitted.score(X, y))
    flat = np.concatenate([part.ravel() for row in as_rows(output) for part in row])
    return float(flat @ (1 + np.arange(len(flat)) % 5))


def convention_global_random_state(tested: EstimatorUnderTest) -> None:
    """Fit and predict leave the global random states (random, numpy, torch) unchanged."""
    original = _random_states()
    # An estimator may have seeded them before; this state must be new to it.
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002
    torch.manual_seed(SEED)
    try:
        before = _random_states()
        fitted = tested.fit()
        _assert_untouched(before, "fit")
        outputs(fitted, Videos().container())
        _assert_untouched(before, "predicting")
    finally:
        random.setstate(original["random"])
        np.random.set_state(original["numpy"])  # noqa: NPY002
        torch.set_rng_state(torch.from_numpy(original["torch"]))


def _random_states() -> dict[str, Any]:
    states = {"random": random.getstate(), "torch": torch.get_rng_state().numpy()}
    return {**states, "numpy": np.random.get_state()}  # noqa: NPY002


def _assert_untouched(before: dict[str, Any], what: str) -> None:
    for name, state in _random_states().items():
        same = joblib.hash(state) == joblib.hash(before[name])
        assert same, f"{what} changes the global random state of {name}"


def convention_input_unchanged(tested: EstimatorUnderTest) -> None:
    """Fit and predict do not change X, y or sample_weight."""
    for form in ("container", "lists", "objects"):
        fitted = tested.new()
        given = {"X": getattr(Videos(), form)(), "y": tested.y()}
        if has_fit_parameter(fitted, "sample_weight"):
            given["sample_weight"] = np.arange(N_VIDEOS) % 3 + 1.0
        before = joblib.hash(given["X"]), joblib.hash({**given, "X": None})
        fitted.fit(**given)
        assert joblib.hash(given["X"]) == before[0], f"fit changes X as {form}"
        assert joblib.hash({**given, "X": None}) == before[1], "fit changes y or sample_weight"
        outputs(fitted, given["X"])
        assert joblib.hash(given["X"]) == before[0], f"predicting changes X as {form}"


def convention_params(tested: EstimatorUnderTest) -> None:
    """Parameters, including nested ones, are set as given, and `clone` keeps them."""
    params = tested.new().get_params()
    own = [{name: _another(value)} for name, value in params.items()]
    for changes in own + _nested_changes(params):
        new = tested.new().set_params(**changes)
        for estimator in (new, clone(new)):
            given = estimator.get_params()
            for name, value in changes.items():
                assert _same_param(given[name], value), (
                    f"{name} is {given[name]!r} after setting it to {value!r}"
                )


def _another(value: Any) -> Any:
    """Return another value of a bool or number; it may be invalid, as `fit` is not called."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else value


def _nested_changes(params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return nested parameters, each with the parameter that contains it."""
    changes = []
    for name in params:
        last = name.split("__")[-1]
        if last == "correlation_tower":
            changes.append({name: CorrelationTower(), f"{name}__max_epochs": 3})
        if last == "net_params":
            changes.append({name: {"optimizer__betas": (0.9, 0.99)}})
    return changes


def convention_unknown_params(tested: EstimatorUnderTest) -> None:
    """Unknown parameters, including nested ones, raise ValueError."""
    params = tested.new().get_params()
    owners = [f"{name}__" for name, value in params.items() if _has_params(value)]
    for owner in ("", *owners):
        name = f"{owner}no_such_parameter"
        try:
            tested.new().set_params(**{name: 1})
        except ValueError:
            continue
        raise AssertionError(f"set_params({name}=1) raises no ValueError")


def convention_clone_of_fitted(tested: EstimatorUnderTest) -> None:
    """A clone is unfitted, has the same parameters, and fits to the same predictions."""
    fitted = tested.fit()
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
    assert_same(outputs(new.fit(X, tested.y()), X), outputs(fitted, X), "fitting the clone")


def _has_params(value: Any) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)


def _same_param(a: Any, b: Any) -> bool:
    if _has_params(a) and _has_params(b):
        return type(a) is type(b) and _same_param(a.get_params(), b.get_params())
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(_same_param(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):  # as in Pipeline
        return len(a) == len(b) and all(map(_same_param, a, b))
    return a is b or joblib.hash(a) == joblib.hash(b)
