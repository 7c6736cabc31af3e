"""Checks of what else users expect, each of a `Subject`; a failure is an AssertionError."""

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
from ._subject import Subject, as_rows, assert_same, outputs
from ._videos import N_VIDEOS, Videos

SEED = 1_618_033


def check_n_jobs(subject: Subject) -> None:
    """Cross-validating in two processes gives the scores of one."""
    X, y = Videos().container(), subject.y()
    one, two = (
        cross_val_score(subject.new(), X, y, cv=KFold(2), scoring=_fingerprint, n_jobs=n_jobs)
        for n_jobs in (1, 2)
    )
    assert np.isfinite(one).all(), f"cross_val_score gives {one}"
    assert np.allclose(one, two, rtol=1e-4), f"scores {one} with n_jobs=1, {two} with n_jobs=2"


def _fingerprint(fitted: Any, X: Any, y: Any) -> float:
    """Score that moves with every number that a fitted estimator gives."""
    names = ("decision_function", "predict_proba", "transform", "predict")
    output = getattr(fitted, next(name for name in names if hasattr(fitted, name)))(X)
    if not isinstance(output, MultimodalArray) and np.asarray(output).dtype.kind not in "fiu":
        return float(fitted.score(X, y))
    flat = np.concatenate([part.ravel() for row in as_rows(output) for part in row])
    return float(flat @ (1 + np.arange(len(flat)) % 5))


def check_global_random_state(subject: Subject) -> None:
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


def _random_states() -> dict[str, Any]:
    states = {"random": random.getstate(), "torch": torch.get_rng_state().numpy()}
    return {**states, "numpy": np.random.get_state()}  # noqa: NPY002


def _assert_untouched(before: dict[str, Any], what: str) -> None:
    for name, state in _random_states().items():
        same = joblib.hash(state) == joblib.hash(before[name])
        assert same, f"{what} changes the global random state of {name}"


def check_input_unchanged(subject: Subject) -> None:
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


def check_params(subject: Subject) -> None:
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


def _another(value: Any) -> Any:
    """Another value where the type says one; nothing looks at parameters before `fit`."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else value


def _nested_changes(params: dict[str, Any]) -> list[dict[str, Any]]:
    """Parameters inside parameters, to set together with what they are in."""
    changes = []
    for name in params:
        last = name.split("__")[-1]
        if last == "correlation_tower":
            changes.append({name: CorrelationTower(), f"{name}__max_epochs": 3})
        if last == "net_params":
            changes.append({name: {"optimizer__betas": (0.9, 0.99)}})
    return changes


def check_unknown_params(subject: Subject) -> None:
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


def check_clone_of_fitted(subject: Subject) -> None:
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


def _has_params(value: Any) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)


def _same_param(a: Any, b: Any) -> bool:
    if _has_params(a) and _has_params(b):
        return type(a) is type(b) and _same_param(a.get_params(), b.get_params())
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(_same_param(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):  # such as steps
        return len(a) == len(b) and all(map(_same_param, a, b))
    return a is b or joblib.hash(a) == joblib.hash(b)
