"""The labels of a prediction: those above 0.5, at least one, or the single most probable one."""

from typing import Any

import numpy as np
from scipy.sparse import csr_array, eye_array
from scipy.special import logit
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from .._types import Array, Floats, Ints
from ..hierarchy import LabelHierarchy

ROOT = -1  # above the roots of a hierarchy
ACCURACIES = [
    f"{name}.score"
    for name in ("ClassifierMixin", "CrossModalClassifier", "MultiOutputClassifier")
]


def has_scores(classifier: Any) -> bool:
    """Whether a classifier can rank labels."""
    return hasattr(classifier, "decision_function") or hasattr(classifier, "predict_proba")


def scores_accuracy(classifier: Any) -> bool:
    """Whether the `score` of a classifier is the accuracy of its `predict`."""
    while isinstance(classifier, Pipeline | FrozenEstimator):
        is_pipeline = isinstance(classifier, Pipeline)
        classifier = classifier[-1] if is_pipeline else classifier.estimator
    return type(classifier).score.__qualname__ in ACCURACIES


def are_single(y: Any) -> bool:
    """Whether y has one string per sample, not a collection of labels."""
    if getattr(y, "ndim", 1) == 2 and y.shape[1] == 1:
        y = np.asarray(y).ravel()
    return getattr(y, "ndim", 1) == 1 and all(isinstance(label, str) for label in y)


def label_rows(transformer: Any) -> csr_array:
    """Return the indicator of each label alone, with its ancestors."""
    if hasattr(transformer, "hierarchy_"):
        return csr_array(transformer.hierarchy_.closure_matrix().astype(np.int32))
    return csr_array(eye_array(len(transformer.classes_), dtype=np.int32))


def deepest_labels(transformer: Any, y: Any) -> Ints:
    """Return the columns of the labels that some sample has without a descendant."""
    y = csr_array(y).astype(np.int32)
    ancestors = label_rows(transformer)
    ancestors.setdiag(0)
    deepest = y - y.multiply((y @ ancestors) > 0)
    deepest.eliminate_zeros()
    return np.unique(deepest.tocoo().col).astype(np.int64)


def has_empty_rows(y: Any) -> bool:
    """Whether a sample has no label."""
    return not np.asarray(csr_array(y).sum(axis=1)).all()


def label_logits(classifier: Any, arrays: tuple[Any, ...], n_labels: int) -> Floats:
    """Return the logits of all labels, above 0 if the label is predicted."""
    if hasattr(classifier, "decision_function"):
        given = np.asarray(classifier.decision_function(*arrays))
    else:
        given = classifier.predict_proba(*arrays)
        if isinstance(given, list):  # of forests: for each label the columns of its classes
            pairs = zip(given, classifier.classes_, strict=True)
            given = np.stack([p @ (np.asarray(known) == 1) for p, known in pairs], axis=1)
        with np.errstate(divide="ignore"):
            given = logit(given)
    logits: Floats = given.reshape(-1, n_labels)
    return logits


def choose_labels(logits: Floats, transformer: Any, choices: Ints, single: bool) -> Array:
    """Return the indicator of the labels above 0 or, where there is none, of one of `choices`.

    With `single`, each row has one of `choices`.
    """
    indicator = (logits > 0).astype(np.uint8)
    rows = slice(None) if single else np.flatnonzero(~indicator.any(axis=1))
    hierarchy = getattr(transformer, "hierarchy_", None)
    if hierarchy is None:
        chosen = choices[logits[rows][:, choices].argmax(axis=1)]
    else:
        chosen = _descend(logits[rows], hierarchy, choices)
    indicator[rows] = label_rows(transformer)[chosen].toarray()
    return indicator


def _descend(logits: Floats, hierarchy: LabelHierarchy, choices: Ints) -> Ints:
    """Return one of `choices` per row: at each level the most probable label, from the top.

    A label is at least as probable as its descendants. A choice with others below it is taken
    unless one of its children is above 0.
    """
    below, order = _children(hierarchy, choices), np.argsort(hierarchy.levels, kind="stable")
    logits = logits.copy()
    for column in order[::-1]:
        for child in below[column]:
            np.maximum(logits[:, column], logits[:, child], out=logits[:, column])
    chosen = np.full(len(logits), ROOT)
    waiting: dict[int, list[Ints]] = {ROOT: [np.arange(len(logits))]}  # rows by column
    for column in (ROOT, *order):
        rows = np.concatenate(waiting.pop(column, [np.arange(0)]))
        children = below[column]
        if len(children) and len(rows):
            of_rows = logits[rows][:, children]
            moves = of_rows.max(axis=1) > 0 if column in choices else np.ones(len(rows), bool)
            best = children[of_rows.argmax(axis=1)]
            for child in children:
                waiting.setdefault(child, []).append(rows[moves & (best == child)])
            rows = rows[~moves]
        chosen[rows] = column
    return chosen


def _children(hierarchy: LabelHierarchy, choices: Ints) -> dict[int, Ints]:
    """Return for each column those of its children that are choices, or have one below."""
    leads = np.zeros(len(hierarchy), bool)
    leads[hierarchy.closure_matrix()[choices].indices] = True
    nodes: dict[int, Any] = {i: hierarchy.children(n) for i, n in enumerate(hierarchy.nodes)}
    nodes[ROOT] = hierarchy.roots
    columns = {i: np.array([hierarchy.index(n) for n in some], int) for i, some in nodes.items()}
    return {i: some[leads[some]] for i, some in columns.items()}
