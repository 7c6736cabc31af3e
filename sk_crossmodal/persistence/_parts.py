"""What else goes into a model file: parts of scikit-learn, and what composes estimators."""

import reprlib
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelEncoder, Normalizer, StandardScaler
from sklearn.utils.validation import check_is_fitted

from ..compose import ModalityTransformer, TransformedTargetClassifier
from ..hierarchy import HierarchyLabelBinarizer, LabelHierarchy
from ._kinds import Kind

# Shapes of the fitted attributes of transformers: n features come in, k go out, () is a number.
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
MAY_LACK = ("batch_size_",)  # after `partial_fit`
MOST_STEPS = 100  # of a Pipeline
NAMES = "feature_names_in_"


def finish_transformer(value: Any) -> None:
    """Raise ValueError unless the fitted attributes have the shapes of n features and k others."""
    shapes, own = SHAPES[type(value)], vars(value)
    if missing := [name for name in shapes if name not in own and name not in MAY_LACK]:
        raise ValueError(f"a fitted {type(value).__name__} needs {missing}.")
    sizes = {"n": own["n_features_in_"], "k": own.get("n_components_", 1)}
    if not all(type(size) is int and size > 0 for size in sizes.values()):
        raise ValueError(f"numbers of features must be whole ones from 1, got {sizes}.")
    optional = MAY_BE_NONE.get(type(value), ())
    for name, letters in shapes.items():
        shape = tuple(sizes[letter] for letter in letters)
        if name not in own or (own[name] is None and name in optional):
            continue
        array = isinstance(own[name], np.ndarray) and own[name].dtype.kind in "fiu"
        number = type(own[name]) in (int, float) or name == "_fit_svd_solver"
        if not (array or number) or np.shape(own[name]) != shape:
            raise ValueError(f"{name} must have the shape {shape}, got {reprlib.repr(own[name])}.")
    if NAMES in own:
        _check_names(own[NAMES], sizes["n"])
    _check_switches(value, own)


def _check_switches(value: Any, own: dict[str, Any]) -> None:
    """Raise ValueError unless a scaler has what its parameters make it use."""
    if isinstance(value, StandardScaler):
        needed = {"mean_": value.with_mean, "scale_": value.with_std}
        if lacking := [name for name, used in needed.items() if used and own[name] is None]:
            raise ValueError(f"StandardScaler with {value} needs {lacking}.")
    if isinstance(value, Normalizer) and value.norm not in ("l1", "l2", "max"):
        raise ValueError(f"Normalizer has no norm {reprlib.repr(value.norm)}.")


def _check_names(names: Any, n: int) -> None:
    right = isinstance(names, np.ndarray) and names.shape == (n,)
    if not right or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{NAMES} must be {n} names, got {reprlib.repr(names)}.")


def finish_encoder(value: Any) -> None:
    """Raise ValueError unless classes are sorted."""
    classes = value.classes_
    if not isinstance(classes, np.ndarray) or not np.array_equal(np.unique(classes), classes):
        raise ValueError(f"classes must be sorted, got {reprlib.repr(classes)}.")


def finish_binarizer(value: Any) -> None:
    """Set what follows from the hierarchy."""
    hierarchy = vars(value).get("hierarchy_")
    if not isinstance(hierarchy, LabelHierarchy):
        raise ValueError(f"hierarchy_ must be a LabelHierarchy, got {reprlib.repr(hierarchy)}.")
    width = vars(value).get("n_features_in_", 1)
    if type(width) is not int or width < 1:
        raise ValueError(f"n_features_in_ must be a whole number from 1, got {width!r}.")
    value.classes_ = np.fromiter(hierarchy.nodes, dtype=object, count=len(hierarchy))
    value.levels_ = hierarchy.levels


def finish_frozen(value: Any) -> None:
    """Raise ValueError unless something fitted is inside."""
    _check_estimator("estimator", value.estimator)
    check_is_fitted(value.estimator)


def finish_pipeline(value: Any) -> None:
    """Raise ValueError unless the steps are a list of transformers and a last estimator."""
    steps = value.steps
    if not isinstance(steps, list) or not 1 <= len(steps) <= MOST_STEPS:
        raise ValueError(f"steps must be 1 to {MOST_STEPS}, got {reprlib.repr(steps)}.")
    for i, step in enumerate(steps):
        named = isinstance(step, tuple) and len(step) == 2 and isinstance(step[0], str)
        if not named or "__" in step[0] or step[0] in ("steps", "memory", "verbose"):
            raise ValueError(f"a step must be a name and an estimator, got {reprlib.repr(step)}.")
        if step[1] == "passthrough" and isinstance(step[1], str):
            continue
        _check_estimator(f"step {step[0]!r}", step[1])
        if i < len(steps) - 1 and not hasattr(step[1], "transform"):
            raise ValueError(f"step {step[0]!r} is no transformer: {reprlib.repr(step[1])}.")
    if len({name for name, _ in steps}) < len(steps):
        raise ValueError(f"steps must have different names, got {[name for name, _ in steps]}.")
    parts = [part for _, part in steps if not isinstance(part, str)]
    if parts and is_fitted(parts[-1]):
        for part in parts:
            check_is_fitted(part)
    _check_chain(parts)
    if value.transform_input is not None:
        raise ValueError("a model file holds no Pipeline with transform_input.")


def is_fitted(value: Any) -> bool:
    """Tell whether an estimator is fitted."""
    try:
        check_is_fitted(value)
    except NotFittedError:
        return False
    return True


def _check_chain(parts: list[Any]) -> None:
    """Raise ValueError unless what comes out of a step goes into the next."""
    for before, after in pairwise(parts):
        if "n_features_in_" in vars(before) and "n_features_in_" in vars(after):
            width = len(before.get_feature_names_out())
            if width != after.n_features_in_:
                raise ValueError(
                    f"{type(before).__name__} gives {width} features, and "
                    f"{type(after).__name__} takes {after.n_features_in_}."
                )


def finish_modalities(value: Any) -> None:
    """Raise ValueError unless each modality has a transformer of its width."""
    own = vars(value)
    needed = ("transformers_", "modality_names_in_", "n_features_in_", "_widths_in", "_widths_out")
    if missing := [name for name in needed if name not in own]:
        raise ValueError(f"a fitted ModalityTransformer needs {missing}.")
    parts, widths = own["transformers_"], own["_widths_in"]
    if not all(isinstance(own[n], dict) for n in ("transformers_", "_widths_in", "_widths_out")):
        raise ValueError("transformers and widths must be dicts by modality.")
    names = tuple(widths)
    if own["modality_names_in_"] != names or tuple(parts) != names:
        raise ValueError(f"the modalities {names} and the transformers {list(parts)} differ.")
    if not all(type(width) is int and width > 0 for width in widths.values()):
        raise ValueError(f"widths must be whole numbers from 1, got {reprlib.repr(widths)}.")
    out = {name: _width_out(name, parts[name], width) for name, width in widths.items()}
    if {name: width for name, width in out.items() if width} != own["_widths_out"] or not out:
        raise ValueError(f"the transformers give {out}, not {own['_widths_out']}.")
    columns = own["n_features_in_"]
    if type(columns) is not int or columns < sum(widths.values()):
        raise ValueError(f"n_features_in_ must be {sum(widths.values())}, got {columns!r}.")
    if NAMES in own:
        _check_names(own[NAMES], columns)


def _width_out(name: str, part: Any, width: int) -> int:
    """Width of what becomes of a modality, 0 for nothing."""
    if isinstance(part, str) and part in ("passthrough", "drop"):
        return width if part == "passthrough" else 0
    _check_estimator(f"the transformer of {name!r}", part)
    check_is_fitted(part)
    if part.n_features_in_ != width:
        raise ValueError(f"{type(part).__name__} of {name!r} is not fitted on {width} features.")
    return len(part.get_feature_names_out())


def finish_target(value: Any) -> None:
    """Raise ValueError unless the classifier knows the labels of the transformer."""
    own = vars(value)
    if missing := [n for n in TARGET_ATTRIBUTES if n not in own]:
        raise ValueError(f"a fitted TransformedTargetClassifier needs {missing}.")
    classifier, transformer = own["classifier_"], own["transformer_"]
    _check_estimator("classifier_", classifier)
    check_is_fitted(classifier)
    classes = np.asarray(classifier.classes_)
    if transformer is None:
        inverse = False
    elif type(transformer) not in (HierarchyLabelBinarizer, LabelEncoder):
        raise ValueError(f"y cannot be transformed by {reprlib.repr(transformer)}.")
    else:
        check_is_fitted(transformer)
        inverse = isinstance(transformer, LabelEncoder)
        n, rows = len(transformer.classes_), classes.ndim == 2
        most = 2 if rows else n  # rows are [0, 1], also of a single label
        numbers = classes.dtype.kind in "iu" and bool(((classes >= 0) & (classes < most)).all())
        if not numbers or rows == inverse or (rows and len(classes) != n):
            raise ValueError(
                f"{type(transformer).__name__} knows {n} labels, the classifier {classes!r:.80}."
            )
    if own["_inverse_classes"] is not inverse:
        raise ValueError(f"_inverse_classes must be {inverse}.")


def _check_estimator(what: str, value: Any) -> None:
    if not hasattr(value, "get_params"):
        raise ValueError(f"{what} must be an estimator, got {reprlib.repr(value)}.")


TARGET_ATTRIBUTES = ("classifier_", "transformer_", "_inverse_classes")
PARTS = (
    *(Kind(cls, 1, (*names, NAMES), (), finish_transformer) for cls, names in SHAPES.items()),
    Kind(LabelEncoder, 1, ("classes_",), (), finish_encoder),
    Kind(FrozenEstimator, 2, (), (), finish_frozen),
    Kind(Pipeline, 4, (), (), finish_pipeline),
    Kind(
        HierarchyLabelBinarizer,
        1,
        ("hierarchy_", "n_features_in_"),
        ("classes_", "levels_"),
        finish_binarizer,
    ),
    Kind(
        ModalityTransformer,
        3,
        (
            "transformers_",
            "modality_names_in_",
            "n_features_in_",
            NAMES,
            "_widths_in",
            "_widths_out",
        ),
        (),
        finish_modalities,
    ),
    Kind(TransformedTargetClassifier, 5, TARGET_ATTRIBUTES, (), finish_target),
)
