"""scikit-learn's own classes in model files: their fitted attributes, and what these must be."""

import reprlib
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelEncoder, Normalizer, StandardScaler
from sklearn.utils.validation import check_is_fitted

from ..compose import check_feature_names
from ._registered import MODELS, Serializer

# Shapes of fitted attributes: n input features, k output features, "" for a number.
COMPONENTS = {
    "components_": "kn",
    "mean_": "n",
    "explained_variance_": "k",
    "explained_variance_ratio_": "k",
    "singular_values_": "k",
    "noise_variance_": "",
    "n_components_": "",
    "n_features_in_": "",
}
SHAPES: dict[type, dict[str, str]] = {
    PCA: {**COMPONENTS, "n_samples_": "", "_fit_svd_solver": ""},
    IncrementalPCA: {**COMPONENTS, "var_": "n", "n_samples_seen_": "", "batch_size_": ""},
    StandardScaler: {
        "mean_": "n",
        "var_": "n",
        "scale_": "n",
        "n_samples_seen_": "",
        "n_features_in_": "",
    },
    Normalizer: {"n_features_in_": ""},
}
MAY_BE_NONE = {StandardScaler: ("mean_", "var_", "scale_")}
MAY_BE_MISSING = ("batch_size_",)  # after `partial_fit`
MAX_STEPS = 100
NAMES = "feature_names_in_"


def _get_attributes(names: tuple[str, ...], value: Any) -> dict[str, Any]:
    return {name: vars(value)[name] for name in names if name in vars(value)}


def _set_attributes(
    names: tuple[str, ...], check: Callable[[Any], None], value: Any, state: dict[str, Any]
) -> None:
    if unknown := sorted(set(state) - set(names)):
        raise ValueError(f"a fitted {type(value).__name__} has no {unknown}.")
    vars(value).update(state)
    check(value)


def _check_transformer(value: Any) -> None:
    """Raise ValueError unless the fitted attributes have the shapes of the table."""
    shapes, own = SHAPES[type(value)], vars(value)
    if missing := [name for name in shapes if name not in (*own, *MAY_BE_MISSING)]:
        raise ValueError(f"a fitted {type(value).__name__} needs {missing}.")
    sizes = {"n": own["n_features_in_"], "k": own.get("n_components_", 1)}
    if not all(type(size) is int and size > 0 for size in sizes.values()):
        raise ValueError(f"numbers of features must be integers >= 1, got {sizes}.")
    optional = MAY_BE_NONE.get(type(value), ())
    for name, letters in shapes.items():
        shape = tuple(sizes[letter] for letter in letters)
        if name not in own or (own[name] is None and name in optional):
            continue
        array = isinstance(own[name], np.ndarray) and own[name].dtype.kind in "fiu"
        number = type(own[name]) in (int, float) or name == "_fit_svd_solver"
        if not (array or number) or np.shape(own[name]) != shape:
            raise ValueError(f"{name} must have the shape {shape}, got {reprlib.repr(own[name])}.")
    check_feature_names(own, sizes["n"])
    if isinstance(value, StandardScaler):
        needed = {"mean_": value.with_mean, "scale_": value.with_std}
        if missing := [name for name, used in needed.items() if used and own[name] is None]:
            raise ValueError(f"StandardScaler with {value} needs {missing}.")
    if isinstance(value, Normalizer) and value.norm not in ("l1", "l2", "max"):
        raise ValueError(f"Normalizer has no norm {reprlib.repr(value.norm)}.")


def _check_encoder(value: Any) -> None:
    classes = value.classes_
    if not isinstance(classes, np.ndarray) or not np.array_equal(np.unique(classes), classes):
        raise ValueError(f"classes must be sorted, got {reprlib.repr(classes)}.")


def _check_frozen(value: Any) -> None:
    _check_estimator("estimator", value.estimator)
    check_is_fitted(value.estimator)


def _check_pipeline(value: Any) -> None:
    """Raise ValueError unless the steps are transformers and a last estimator that fit."""
    steps = value.steps
    if not isinstance(steps, list) or not 1 <= len(steps) <= MAX_STEPS:
        raise ValueError(f"steps must be 1 to {MAX_STEPS}, got {reprlib.repr(steps)}.")
    for i, step in enumerate(steps):
        named = isinstance(step, tuple) and len(step) == 2 and isinstance(step[0], str)
        if not named or "__" in step[0] or step[0] in ("steps", "memory", "verbose"):
            raise ValueError(f"a step must be a name and an estimator, got {reprlib.repr(step)}.")
        name, part = step
        if isinstance(part, str) and part == "passthrough":
            continue
        _check_estimator(f"step {name!r}", part)
        if i < len(steps) - 1 and not hasattr(part, "transform"):
            raise ValueError(f"step {name!r} is no transformer: {reprlib.repr(part)}.")
    if len({name for name, _ in steps}) < len(steps):
        raise ValueError(f"steps must have different names, got {[name for name, _ in steps]}.")
    if value.transform_input is not None:
        raise ValueError("transform_input must be None in a model file.")
    parts = [part for _, part in steps if not isinstance(part, str)]
    if parts and _is_fitted(parts[-1]):
        for part in parts:
            check_is_fitted(part)
    for before, after in pairwise(parts):
        if "n_features_in_" in vars(before) and "n_features_in_" in vars(after):
            width = len(before.get_feature_names_out())
            if width != after.n_features_in_:
                raise ValueError(
                    f"{type(before).__name__} gives {width} features, but "
                    f"{type(after).__name__} expects {after.n_features_in_}."
                )


def _is_fitted(value: Any) -> bool:
    try:
        check_is_fitted(value)
    except NotFittedError:
        return False
    return True


def _check_estimator(name: str, value: Any) -> None:
    if not hasattr(value, "get_params"):
        raise ValueError(f"{name} must be an estimator, got {reprlib.repr(value)}.")


def register_sklearn() -> None:
    """Register scikit-learn's classes, to which no methods can be added."""
    table: list[tuple[type, int, tuple[str, ...], Callable[[Any], None]]] = [
        *((cls, 1, (*names, NAMES), _check_transformer) for cls, names in SHAPES.items()),
        (LabelEncoder, 1, ("classes_",), _check_encoder),
        (FrozenEstimator, 2, (), _check_frozen),
        (Pipeline, 4, (), _check_pipeline),
    ]
    for cls, depth, names, check in table:
        get_state, set_state = (
            partial(_get_attributes, names),
            partial(_set_attributes, names, check),
        )
        MODELS.register(cls.__name__, Serializer(cls, depth, names, get_state, set_state))
