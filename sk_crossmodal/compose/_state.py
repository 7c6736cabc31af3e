"""The state of fitted `ModalityTransformer` and `TransformedTargetClassifier` estimators."""

import reprlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.validation import check_is_fitted

from ..hierarchy import HierarchyLabelBinarizer
from ._transformers import is_keyword

NAMES = "feature_names_in_"


def get_state(self: Any) -> dict[str, Any]:
    """Return the fitted attributes that are set."""
    return {name: vars(self)[name] for name in self._fitted_names if name in vars(self)}


def _update(self: Any, state: Mapping[str, Any], optional: tuple[str, ...] = ()) -> None:
    names = set(self._fitted_names)
    if differ := sorted(set(state) - names | names - set(state) - set(optional)):
        raise ValueError(f"a fitted {type(self).__name__} lacks, or has beyond it: {differ}.")
    vars(self).update(state)


def set_modality_state(self: Any, state: Mapping[str, Any]) -> None:
    """Restore a `ModalityTransformer`; ValueError unless each transformer has its width."""
    _update(self, state, (NAMES,))
    parts, widths, widths_out = self.transformers_, self._widths_in, self._widths_out
    if not all(isinstance(part, dict) for part in (parts, widths, widths_out)):
        raise ValueError("transformers and widths must be dicts by modality.")
    names = tuple(widths)
    if self.modality_names_in_ != names or tuple(parts) != names:
        raise ValueError(f"the modalities {names} and the transformers {list(parts)} differ.")
    if not all(type(width) is int and width > 0 for width in widths.values()):
        raise ValueError(f"widths must be integers >= 1, got {reprlib.repr(widths)}.")
    out = {name: _width_out(name, parts[name], width) for name, width in widths.items()}
    if {name: width for name, width in out.items() if width} != widths_out or not out:
        raise ValueError(f"the transformers give {out}, not {widths_out}.")
    if type(self.n_features_in_) is not int or self.n_features_in_ < sum(widths.values()):
        raise ValueError(f"n_features_in_ must be >= the widths, got {self.n_features_in_!r:.80}.")
    check_feature_names(state, self.n_features_in_)


def _width_out(name: str, part: Any, width: int) -> int:
    """Return the width of a transformed modality, 0 if it is dropped."""
    if is_keyword(part):
        return width if part == "passthrough" else 0
    _check_estimator(f"the transformer of {name!r}", part)
    if part.n_features_in_ != width:
        raise ValueError(f"{type(part).__name__} of {name!r} is not fitted on {width} features.")
    return len(part.get_feature_names_out())


def set_target_state(self: Any, state: Mapping[str, Any]) -> None:
    """Restore a `TransformedTargetClassifier`; ValueError unless both know the same labels."""
    _update(self, state)
    transformer = self.transformer_
    _check_estimator("classifier_", self.classifier_)
    classes = np.asarray(self.classifier_.classes_)
    if transformer is not None:
        if type(transformer) not in (HierarchyLabelBinarizer, LabelEncoder):
            raise ValueError(f"y cannot be transformed by {reprlib.repr(transformer)}.")
        check_is_fitted(transformer)
        n, rows = len(transformer.classes_), classes.ndim == 2
        n_values = 2 if rows else n  # rows are [0, 1], also of a single label
        fits = classes.dtype.kind in "iu" and bool(((classes >= 0) & (classes < n_values)).all())
        encodes = isinstance(transformer, LabelEncoder)
        if not fits or rows == encodes or (rows and len(classes) != n):
            raise ValueError(
                f"{type(transformer).__name__} knows {n} labels, the classifier {classes!r:.80}."
            )
    if self._inverse_classes is not isinstance(transformer, LabelEncoder):
        raise ValueError(f"_inverse_classes cannot be {reprlib.repr(self._inverse_classes)}.")


def _check_estimator(name: str, value: Any) -> None:
    if not hasattr(value, "get_params"):
        raise ValueError(f"{name} must be an estimator, got {reprlib.repr(value)}.")
    check_is_fitted(value)


def check_feature_names(state: Mapping[str, Any], n: int) -> None:
    """Raise ValueError unless the names of n features, if there are any, are n words."""
    if NAMES not in state:
        return
    names = state[NAMES]
    right = isinstance(names, np.ndarray) and names.shape == (n,)
    if not right or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{NAMES} must be {n} names, got {reprlib.repr(names)}.")
