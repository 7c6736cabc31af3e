"""The state of fitted `ModalityTransformer` and `TransformedTargetClassifier` estimators."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelEncoder, MultiLabelBinarizer
from sklearn.utils.validation import check_is_fitted

from ..hierarchy import HierarchyLabelBinarizer
from ..validation import FLAG, check_number
from ._transformers import is_keyword

NAMES = "feature_names_in_"
OPTIONAL = ("_choices", "_single")  # earlier versions had neither
LABEL_SETS = (HierarchyLabelBinarizer, MultiLabelBinarizer)  # transformers of label sets


def get_state(self: Any) -> dict[str, Any]:
    """Return the fitted attributes that are set, and not those that are None or False."""
    values = {name: vars(self)[name] for name in self._fitted_names if name in vars(self)}
    unset = {n for n in OPTIONAL if values.get(n) is None or values.get(n) is False}
    return {name: value for name, value in values.items() if name not in unset}


def _update(self: Any, state: Mapping[str, Any], optional: tuple[str, ...] = ()) -> None:
    names = set(self._fitted_names)
    if differ := sorted(set(state) - names | names - set(state) - set(optional)):
        raise ValueError(f"a fitted {type(self).__name__} lacks, or has beyond it: {differ}.")
    vars(self).update(state)


def set_modality_state(self: Any, state: Mapping[str, Any]) -> None:
    """Restore a `ModalityTransformer`; ValueError unless each transformer has its width."""
    _update(self, state, (NAMES,))
    parts, widths, names = self.transformers_, self._widths_in, self.modality_names_in_
    if names != tuple(widths) or names != tuple(parts):
        raise ValueError(f"the modalities {list(widths)} and those of {list(parts)} differ.")
    for width in widths.values():
        check_number("Each width", width, low=1, integer=True)
    out = {name: _width_out(name, parts[name], width) for name, width in widths.items()}
    if {name: width for name, width in out.items() if width} != self._widths_out or not out:
        raise ValueError(f"the transformers give {out}, not {self._widths_out!r:.80}.")
    low = sum(widths.values())
    check_number("n_features_in_", self.n_features_in_, low=low, integer=True)
    check_feature_names(state, self.n_features_in_)


def _width_out(name: str, part: Any, width: int) -> int:
    """Return the width of a transformed modality, 0 if it is dropped."""
    if is_keyword(part):
        return width if part == "passthrough" else 0
    check_is_fitted(part)
    if part.n_features_in_ != width:
        raise ValueError(f"{type(part).__name__} of {name!r} is not fitted on {width} features.")
    return len(part.get_feature_names_out())


def set_target_state(self: Any, state: Mapping[str, Any]) -> None:
    """Restore a `TransformedTargetClassifier`; ValueError unless both know the same labels."""
    _update(self, state, OPTIONAL)
    transformer, classifier = self.transformer_, self.classifier_
    check_is_fitted(classifier)
    classes, encodes = np.asarray(classifier.classes_), isinstance(transformer, LabelEncoder)
    if self._inverse_classes is not encodes:
        raise ValueError(f"_inverse_classes must be {encodes}, got {self._inverse_classes!r:.80}.")
    if transformer is None:
        return
    if type(transformer) not in (HierarchyLabelBinarizer, LabelEncoder):
        raise ValueError(f"y cannot be transformed by {transformer!r:.80}.")
    check_is_fitted(transformer)
    n, rows = len(transformer.classes_), classes.ndim == 2
    n_values = 2 if rows else n  # rows are [0, 1], also of a single label
    fits = classes.dtype.kind in "iu" and bool(((classes >= 0) & (classes < n_values)).all())
    if not fits or rows == encodes or (rows and len(classes) != n):
        raise ValueError(f"the transformer knows {n} labels, the classifier {classes!r:.80}.")
    _check_choices(self._choices, self._single, n if rows else 0)


def _check_choices(choices: Any, single: Any, n: int) -> None:
    """Raise ValueError unless these are some of n columns, and whether a sample has one label."""
    FLAG("_single", single)
    if choices is None and not single:
        return
    is_columns = isinstance(choices, np.ndarray) and choices.ndim == 1 and len(choices) > 0
    if not is_columns or choices.dtype.kind != "i" or not np.isin(choices, np.arange(n)).all():
        raise ValueError(f"_choices must be some of {n} columns, got {choices!r:.80}.")


def check_feature_names(state: Mapping[str, Any], n: int) -> None:
    """Raise ValueError unless the names of n features, if there are any, are n words."""
    if NAMES not in state:
        return
    names = state[NAMES]
    if getattr(names, "shape", None) != (n,) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{NAMES} must be {n} names, got {names!r:.80}.")
