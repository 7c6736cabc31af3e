"""scikit-learn's own classes in model files: their fitted attributes, and what these must be."""

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
from ..validation import check_option
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
MAY_BE_MISSING: tuple[str, ...] = ("batch_size_",)  # after `partial_fit`
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
    own, optional = vars(value), MAY_BE_MISSING
    sizes = {"n": own["n_features_in_"], "k": own.get("n_components_", 1)}
    if not all(type(size) is int and size > 0 for size in sizes.values()):
        raise ValueError(f"numbers of features must be integers >= 1, got {sizes}.")
    if isinstance(value, StandardScaler):
        used = {"mean_": value.with_mean, "var_": value.with_std, "scale_": value.with_std}
        optional = tuple(name for name in used if not used[name])
    for name, letters in SHAPES[type(value)].items():
        given, shape = own.get(name), tuple(sizes[letter] for letter in letters)
        if given is None and name in optional:
            continue
        array = isinstance(given, np.ndarray) and given.dtype.kind in "fiu"
        plain = type(given) in ((str,) if name == "_fit_svd_solver" else (int, float))
        if not (array or plain) or np.shape(given) != shape:
            raise ValueError(f"{name} must have the shape {shape}, got {given!r:.80}.")
    check_feature_names(own, sizes["n"])
    if isinstance(value, Normalizer):
        check_option("norm", value.norm, ("l1", "l2", "max"))


def _check_encoder(value: Any) -> None:
    classes = value.classes_
    if not isinstance(classes, np.ndarray) or not np.array_equal(np.unique(classes), classes):
        raise ValueError(f"classes must be sorted, got {classes!r:.80}.")


def _check_frozen(value: Any) -> None:
    check_is_fitted(value.estimator)


def _check_pipeline(value: Any) -> None:
    """Raise ValueError unless the steps are transformers and a last estimator that fit."""
    names = [name for name, _ in value.steps]
    reserved = [name for name in names if "__" in name or name in ("steps", "memory", "verbose")]
    if not 1 <= len(set(names)) == len(names) <= MAX_STEPS or reserved:
        raise ValueError(f"steps must have up to {MAX_STEPS} different names, got {names!r:.80}.")
    for i, (name, part) in enumerate(value.steps):
        needed = "transform" if i < len(names) - 1 else "get_params"
        if part != "passthrough" and not hasattr(part, needed):
            raise ValueError(f"step {name!r} must have the method {needed}, got {part!r:.80}.")
    if value.transform_input is not None:
        raise ValueError("transform_input must be None in a model file.")
    parts = [part for _, part in value.steps if part != "passthrough"]
    if parts and _is_fitted(parts[-1]):
        for part in parts:
            check_is_fitted(part)
    for before, after in pairwise(parts):
        if "n_features_in_" in vars(before) and "n_features_in_" in vars(after):
            width, expected = len(before.get_feature_names_out()), after.n_features_in_
            if width != expected:
                raise ValueError(f"{before} gives {width} features, {after} expects {expected}.")


def _is_fitted(value: Any) -> bool:
    try:
        check_is_fitted(value)
    except NotFittedError:
        return False
    return True


def register_sklearn() -> None:
    """Register scikit-learn's classes, to which no methods can be added."""
    table: list[tuple[type, int, tuple[str, ...], Callable[[Any], None]]] = [
        *((cls, 1, (*names, NAMES), _check_transformer) for cls, names in SHAPES.items()),
        (LabelEncoder, 1, ("classes_",), _check_encoder),
        (FrozenEstimator, 2, (), _check_frozen),
        (Pipeline, 4, (), _check_pipeline),
    ]
    for cls, depth, names, check in table:
        get_state = partial(_get_attributes, names)
        set_state = partial(_set_attributes, names, check)
        MODELS.register(cls.__name__, Serializer(cls, depth, names, get_state, set_state))
