"""The labels that TransformedTargetClassifier predicts: at least one, a single one, or none."""

import numpy as np
import pandas as pd
import pytest
from estimator_cases import make_classifier, make_videos, top_labels
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MultiLabelBinarizer

from sk_crossmodal import HierarchyLabelBinarizer, LabelHierarchy, TransformedTargetClassifier
from sk_crossmodal.persistence import load_model, save_model

NAMES = np.array(["Music:Rock", "Music:Jazz", "News", "Sport:Ball:Tennis"])


class Known(ClassifierMixin, BaseEstimator):
    """A classifier of indicators whose probabilities are the features."""

    def fit(self, X, y):
        self.classes_ = np.tile([0, 1], (y.shape[1], 1))
        return self

    def predict_proba(self, X):
        return np.asarray(X)

    def predict(self, X):
        return (np.asarray(X) > 0.5).astype(int)


def make_single(n=40, seed=0):
    """Noisy features, and one label path per sample."""
    rng = np.random.default_rng(seed)
    y = NAMES[rng.permutation(np.arange(n) % 4)]
    X = (y[:, None] == NAMES) * 0.4 + 0.35 * rng.normal(size=(n, 4))
    return X, y


def make_linear(**params):
    return TransformedTargetClassifier(
        OneVsRestClassifier(LogisticRegression()),
        transformer=HierarchyLabelBinarizer(),
        **params,
    )


FORMS = {
    "list": list,
    "array": np.asarray,
    "objects": lambda y: y.astype(object),
    "Series": pd.Series,
    "categorical": lambda y: pd.Series(y, dtype="category"),
    "column": lambda y: y[:, None],
}


@pytest.mark.parametrize("form", FORMS)
def test_prediction_for_strings_is_one_string_per_sample(form):
    X, y = make_single()
    given = FORMS[form](y)
    classifier = make_linear().fit(X, given)
    predicted = classifier.predict(X)
    assert (predicted.shape, predicted.dtype.kind) == (y.shape, "U")
    assert set(predicted) <= set(NAMES)
    assert classifier.score(X, given) == accuracy_score(y, predicted) > 0.5
    above = TransformedTargetClassifier(
        classifier.classifier, transformer=classifier.transformer, at_least_one=False
    )
    sets = above.fit(X, given).predict(X)
    assert {len(each) for each in sets} > {1}  # without a choice some have none or two
    alone = [i for i, each in enumerate(sets) if len(each) == 1 and each[0] in NAMES]
    assert predicted[alone].tolist() == [sets[i][0] for i in alone]


@pytest.mark.parametrize(
    ("scoring", "metric"),
    [
        ("accuracy", accuracy_score),
        (None, accuracy_score),
        ("balanced_accuracy", balanced_accuracy_score),
        ("f1_macro", lambda y, found: f1_score(y, found, average="macro")),
    ],
)
def test_scikit_learns_scores_of_strings_are_those_of_the_predictions(scoring, metric):
    X, y = make_single()
    cv = KFold(2, shuffle=True, random_state=0)
    found = cross_val_score(make_linear(), X, y, cv=cv, scoring=scoring)
    predicted = cross_val_predict(make_linear(), X, y, cv=cv)
    expected = [metric(y[test], predicted[test]) for _, test in cv.split(X)]
    np.testing.assert_allclose(found, expected)
    grid = {"classifier__estimator__C": [0.01, 1.0]}
    search = GridSearchCV(make_linear(), grid, scoring=scoring, cv=cv).fit(X, y.tolist())
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert set(search.predict(X)) <= set(NAMES)


def test_videos_with_one_string_each_are_scored():
    videos = make_videos()
    classifier = TransformedTargetClassifier(
        make_classifier(fusion="late", max_epochs=1), transformer=HierarchyLabelBinarizer()
    )
    y = top_labels(videos).tolist()
    scores = cross_val_score(classifier, videos.data, y, cv=2, scoring="accuracy")
    assert ((scores >= 0) & (scores <= 1)).all()
    assert set(classifier.fit(videos.data, y).predict(videos.data)) <= set(y)


def walk(p, names):
    """Walk down the tree of paths to the most probable label of each level."""
    label = ""
    while True:
        depth = label.count(":") + 1 if label else 0
        inside = [n for n in names if n == label or n.startswith(f"{label}:" * bool(label))]
        steps = {":".join(name.split(":")[: depth + 1]) for name in inside if name != label}
        above = {step: max(p[n] for n in p if f"{n}:".startswith(f"{step}:")) for step in steps}
        best = max(above, key=above.get, default=None)
        if best is None or (label in names and above[best] <= 0.5):
            return label
        label = best


@pytest.mark.parametrize("given", ["strings", "sets"])
@pytest.mark.parametrize("names", [NAMES, [*NAMES, "Sport", "Music"]])
def test_chosen_label_is_the_most_probable_of_each_level(given, names):
    labels = HierarchyLabelBinarizer().fit(names)
    rng = np.random.default_rng(0)
    y = [str(name) for name in names] if given == "strings" else [{str(n)} for n in names]
    classifier = TransformedTargetClassifier(Known(), transformer=HierarchyLabelBinarizer())
    # A label that is given and has descendants is the deepest one of some sample.
    classifier.fit(np.zeros((len(y), 7)), y)
    X = rng.uniform(0, 1 if given == "strings" else 0.5, size=(200, len(labels.classes_)))
    known = {str(name) for name in names}
    expected = [walk(dict(zip(labels.classes_, p, strict=True)), known) for p in X]
    predicted = classifier.predict(X)
    assert len(set(expected)) >= (len(names) if given == "strings" else 3)
    if given == "sets":
        assert predicted.tolist() == [(name,) for name in expected]
    else:
        assert predicted.tolist() == expected


@pytest.mark.parametrize(
    ("y", "at_least_one", "expected"),
    [
        ([{"a"}, {"a", "b"}, {"b"}], "auto", [("a",), ("a", "b"), ("b",)]),
        ([{"a"}, {"a", "b"}, set()], "auto", [(), ("a", "b"), ()]),
        ([{"a"}, {"a", "b"}, set()], True, [("a",), ("a", "b"), ("b",)]),
        ([{"a"}, {"a", "b"}, {"b"}], False, [(), ("a", "b"), ()]),
        (["a", "a", "b"], "auto", ["a", "a", "b"]),
        (["a", "a", "b"], False, [(), ("a", "b"), ()]),
        ([["a"], ("a", "b"), ["b"]], "auto", [("a",), ("a", "b"), ("b",)]),
    ],
)
@pytest.mark.parametrize("transformer", [HierarchyLabelBinarizer(), MultiLabelBinarizer()])
def test_empty_predictions_are_those_that_are_asked_for(y, at_least_one, expected, transformer):
    p = [[0.4, 0.2], [0.9, 0.8], [0.3, 0.45]]
    classifier = TransformedTargetClassifier(
        Known(), transformer=transformer, at_least_one=at_least_one
    )
    predicted = classifier.fit(p, y).predict(p).tolist()
    if isinstance(transformer, MultiLabelBinarizer) and isinstance(expected[0], str):
        expected = [("a",), ("a", "b"), ("b",)]  # to it a string is a set of letters
    assert predicted == expected
    truth = [{label} if isinstance(label, str) else set(label) for label in y]
    found = [{label} if isinstance(label, str) else set(label) for label in predicted]
    assert classifier.score(p, y) == np.mean([a == b for a, b in zip(truth, found, strict=True)])


def test_labels_without_a_column_do_not_count_as_labels():
    y = [{"a"}, {"a"}, {"rare"}]
    p = [[0.9], [0.2], [0.1]]
    binarizer = HierarchyLabelBinarizer(min_frequency=2)
    classifier = TransformedTargetClassifier(Known(), transformer=binarizer).fit(p, y)
    assert classifier.predict(p).tolist() == [("a",), (), ()]


@pytest.mark.parametrize("kind", ["forest", "pipeline"])
def test_choice_reads_the_probabilities_of_any_classifier(kind):
    X, y = make_single()
    inner = RandomForestClassifier(20, max_depth=2, random_state=0)
    if kind == "pipeline":
        inner = make_pipeline(FunctionTransformer(), OneVsRestClassifier(LogisticRegression()))
    classifier = TransformedTargetClassifier(inner, transformer=HierarchyLabelBinarizer())
    predicted = classifier.fit(X, y).predict(X)
    assert set(predicted) <= set(NAMES)
    assert classifier.score(X, y) == accuracy_score(y, predicted) > 0.5


def test_saved_choice_is_restored(tmp_path):
    videos = make_videos()
    for y in (top_labels(videos).tolist(), [set(labels) for labels in videos.target]):
        classifier = TransformedTargetClassifier(
            make_classifier(fusion="late", max_epochs=1), transformer=HierarchyLabelBinarizer()
        ).fit(videos.data, y)
        save_model(classifier, tmp_path / "model")
        loaded = load_model(tmp_path / "model")
        expected = classifier.predict(videos.data).tolist()
        assert loaded.predict(videos.data).tolist() == expected
        assert all(len(labels) for labels in expected)


def test_label_of_several_parents_is_chosen_with_all_of_them():
    dag = LabelHierarchy({"sport": [], "game": [], "chess": ["sport", "game"], "music": []})
    classifier = TransformedTargetClassifier(
        Known(), transformer=HierarchyLabelBinarizer(hierarchy=dag)
    ).fit(np.zeros((2, 4)), ["chess", "music"])
    p = [[0.6, 0.7, 0.4, 0.45], [0.2, 0.4, 0.1, 0.45]]  # sport, game, chess, music
    assert classifier.predict(p).tolist() == ["chess", "music"]
