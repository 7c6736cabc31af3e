"""Invalid calls of examples and reports: name, call, exception, message."""

import atexit
import shutil
import tempfile
from functools import cache, partial
from pathlib import Path

import numpy as np
from bad_calls_data import X, Y
from estimator_cases import fitted, fitted_tower, make_classifier, make_labels
from sklearn.linear_model import LinearRegression

from sk_crossmodal import HierarchyLabelBinarizer, LabelHierarchy, TransformedTargetClassifier
from sk_crossmodal.inspection import error_examples
from sk_crossmodal.report import write_report

TRUTH, SCORES = np.array([[1, 0], [0, 1]]), np.array([[0.9, 0.2], [0.1, 0.6]])
TREE = LabelHierarchy.from_paths(["a:b"])
WRONG = (ValueError, TypeError)

EXAMPLES = [
    ("logits", (TRUTH, 5 * SCORES), {}, ValueError, "y_score must hold probabilities.* to 4.5"),
    ("negative", (TRUTH, -SCORES), {}, ValueError, "y_score must hold probabilities.* got -0.9"),
    ("NaN", (TRUTH, np.nan * SCORES), {}, ValueError, "y_score must not contain NaN"),
    (
        "shapes",
        (TRUTH, SCORES[:1]),
        {},
        ValueError,
        r"must have one shape, got \(2, 2\), \(1, 2",
    ),
    ("twos", (2 * TRUTH, SCORES), {}, ValueError, "y_true"),
    ("one axis", (TRUTH[0], SCORES), {}, ValueError, "y_true must be"),
    (
        "levels",
        (TRUTH, SCORES, [0, 1]),
        {},
        TypeError,
        "must be a LabelHierarchy, got list",
    ),
    (
        "small hierarchy",
        (TRUTH, SCORES, LabelHierarchy({"a": []})),
        {},
        ValueError,
        "got 1 nodes for 2 labels",
    ),
    ("label sets", ([["a"], ["b"]], SCORES), {}, ValueError, "label sets"),
    ("unknown label", ([["a"], ["x"]], SCORES, TREE), {}, ValueError, "'x', which is not a node"),
    (
        "baseline shape",
        (TRUTH, SCORES),
        {"baseline": SCORES[:, :1]},
        ValueError,
        r"one shape.*\(2, 1\)",
    ),
    (
        "baseline logits",
        (TRUTH, SCORES),
        {"baseline": 9 * SCORES},
        ValueError,
        "baseline must hold probabilities",
    ),
    (
        "none",
        (TRUTH, SCORES),
        {"n_examples": 0},
        ValueError,
        "n_examples must be an integer > 0, got 0",
    ),
    ("half", (TRUTH, SCORES), {"n_examples": 1.5}, TypeError, "n_examples must be an integer"),
    ("no top", (TRUTH, SCORES), {"top_k": 0}, ValueError, "top_k must be .* got 0"),
    ("top text", (TRUTH, SCORES), {"top_k": "2"}, TypeError, "top_k must be .* got '2'"),
    (
        "ids",
        (TRUTH, SCORES),
        {"ids": ["a"]},
        ValueError,
        "ids must be 2 names, one per video, got 1",
    ),
    ("ids text", (TRUTH, SCORES), {"ids": "ab"}, TypeError, "ids must be a sequence of 2 names"),
    ("ids number", (TRUTH, SCORES), {"ids": 3}, TypeError, "ids must be a sequence.* got 3"),
    (
        "names",
        (TRUTH, SCORES),
        {"label_names": ["a", "b", "c"]},
        ValueError,
        "label_names must be 2 names, one per label, got 3",
    ),
]


@cache
def folder():
    """A folder with an existing report."""
    place = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    (place / "old.html").write_text("mine")
    (place / "dir.html").mkdir()
    return place


@cache
def classifier_of_paths():
    """A classifier of label paths."""
    model = TransformedTargetClassifier(
        make_classifier(fusion="late", max_epochs=1), transformer=HierarchyLabelBinarizer()
    )
    return model.fit(X, [["a:b"], ["c"]] * (len(X) // 2))


def report(path="new.html", estimator=None, X=X, y=Y, **params):
    estimator = fitted("late") if estimator is None else estimator
    return write_report(estimator, X, y, path if path is None else folder() / path, **params)


INDICATOR = make_labels()[1]
REPORTS = [
    ("exists", {"path": "old.html"}, (FileExistsError,), "exists; overwrite=True replaces it"),
    ("a folder", {"path": "dir.html", "overwrite": True}, (OSError,), "is a folder; name a"),
    ("a folder kept", {"path": "dir.html"}, (OSError,), "is a folder; name a file"),
    (
        "no folder",
        {"path": "no/a.html"},
        (OSError,),
        "There is no folder .*no'; make it first",
    ),
    ("no path", {"path": None}, TypeError, "path must be a str or a path, got None"),
    ("title", {"title": 3}, TypeError, "title must be a str or None, got 3"),
    ("n_examples", {"n_examples": -1}, ValueError, "n_examples must be an integer >= 0, got -1"),
    ("n_examples text", {"n_examples": "2"}, TypeError, "n_examples must be an integer"),
    (
        "random_state",
        {"random_state": "x"},
        WRONG,
        "random_state, unless None or a RandomState, must be .* got 'x'",
    ),
    ("overwrite", {"overwrite": "yes"}, ValueError, r"overwrite must be one of .*, got 'yes'"),
    ("progress", {"progress": "bar"}, ValueError, r"progress must be one of .*, got 'bar'"),
    ("ids", {"ids": ["a"]}, ValueError, f"ids must be {len(X)} names, one per video, got 1"),
    ("ids text", {"ids": "ab"}, TypeError, "ids must be a sequence of .* names, got 'ab'"),
    ("a class", {"estimator": type(fitted("late"))}, TypeError, "must be a fitted classifier"),
    ("no estimator", {"estimator": "model"}, TypeError, "a fitted classifier, got 'model'"),
    ("unfitted", {"estimator": make_classifier()}, WRONG, "not fitted yet"),
    (
        "a regressor",
        {"estimator": LinearRegression().fit([[0.0]], [0.0])},
        TypeError,
        "with `predict_proba`, got LinearRegression",
    ),
    (
        "a tower",
        {"estimator": fitted_tower()},
        TypeError,
        "with `predict_proba`, got CorrelationTower",
    ),
    ("no videos", {"X": X[:0]}, ValueError, "X is empty"),
    ("no y", {"y": None}, ValueError, "y must be a vector of the .* classes of `fit`"),
    ("fewer y", {"y": Y[:5]}, ValueError, f"X has {len(X)} videos, but y has 5"),
    ("other classes", {"y": np.full(len(X), "zoo")}, ValueError, r"got others, too: \['zoo'\]"),
    ("an indicator", {"y": INDICATOR}, ValueError, "y must be a vector of the"),
    (
        "classes for labels",
        {"estimator": fitted("late", "multilabel")},
        ValueError,
        "y must be an indicator of the 28 labels of `fit`, got label sets or classes",
    ),
    (
        "fewer labels",
        {"estimator": fitted("late", "multilabel"), "y": INDICATOR[:, :4]},
        ValueError,
        "y must be an indicator of the 28 labels of `fit`, got 4 columns",
    ),
    (
        "no labels",
        {"estimator": fitted("late", "multilabel"), "y": None},
        ValueError,
        "y must be an indicator of the 28 labels of `fit`, got None",
    ),
    (
        "unknown path",
        {"estimator": classifier_of_paths(), "y": [["zoo"]] * len(X)},
        ValueError,
        "'zoo'",
    ),
    ("another X", {"X": X.select(["video"])}, ValueError, "audio"),
]

CASES = [
    *(
        (f"error_examples-{name}", partial(error_examples, *args, **params), error, match)
        for name, args, params, error, match in EXAMPLES
    ),
    *(
        (f"write_report-{name}", partial(report, **params), error, match)
        for name, params, error, match in REPORTS
    ),
]
