"""TransformedTargetClassifier with scikit-learn's own tools, on classes and on label paths."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from estimator_cases import (
    fitted_tower,
    make_classifier,
    make_tower,
    make_videos,
    make_y,
    rows_of,
)
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    train_test_split,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    LabelEncoder,
    MultiLabelBinarizer,
)
from sklearn.utils.multiclass import type_of_target

from sk_crossmodal import HierarchyLabelBinarizer, LabelHierarchy, TransformedTargetClassifier
from sk_crossmodal.metrics import hierarchy_scorers

IRIS, SPECIES = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[SPECIES]
LEAVES = ("A:a", "A:b", "B:c", "B:d")


class Ranker(ClassifierMixin, BaseEstimator):
    """Predict labels from the features without learning."""

    def __init__(self, hierarchy=None, slope=1.0):
        self.hierarchy = hierarchy
        self.slope = slope

    def fit(self, X, y):
        self.classes_ = np.tile([0, 1], (y.shape[1], 1))
        return self

    def predict_proba(self, X, *more):
        return 1 / (1 + np.exp(-self.slope * (np.asarray(X) - 0.5)))

    def predict(self, X, *more):
        return (self.predict_proba(X, *more) > 0.5).astype(int)


class Spy(Ranker):
    """Records its arguments and counts its calls."""

    calls = []  # noqa: RUF012, shared by all clones on purpose

    def fit(self, *Xy, sample_weight=None, eval_set=None, hint=None):
        self.given_ = {"Xy": Xy, "weight": sample_weight, "eval_set": eval_set, "hint": hint}
        return super().fit(Xy[0], Xy[-1])

    def predict_proba(self, X, *more):
        self.calls.append(len(X))
        return super().predict_proba(X, *more)

    def score(self, X, y, *more, sample_weight=None):
        self.scored_ = (X, y, *more, sample_weight)
        return 0.25


def make_sets(n=30, seed=0):
    """Label sets of one or two leaves, with noisy indicators as features."""
    rng = np.random.default_rng(seed)
    sets = [
        frozenset(LEAVES[i] for i in rng.choice(4, 1 + j % 2, replace=False)) for j in range(n)
    ]
    labels = HierarchyLabelBinarizer().fit(sets)
    X = labels.transform(sets) + 0.2 * rng.normal(size=(n, len(labels.classes_)))
    return X, sets, labels


def make_linear(**params):
    return TransformedTargetClassifier(
        OneVsRestClassifier(LogisticRegression(C=50)),
        transformer=HierarchyLabelBinarizer(**params),
    )


def make_late(**params):
    return make_classifier(fusion="late", **params)


# Classes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("transformer", [None, LabelEncoder()])
def test_classifier_on_transformed_target_predicts_the_same(transformer):
    ours = TransformedTargetClassifier(LogisticRegression(max_iter=500), transformer=transformer)
    theirs = LogisticRegression(max_iter=500).fit(IRIS, NAMES)
    ours.fit(IRIS, NAMES)
    assert ours.classes_.tolist() == theirs.classes_.tolist()
    np.testing.assert_array_equal(ours.predict(IRIS), theirs.predict(IRIS))
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        np.testing.assert_allclose(getattr(ours, method)(IRIS), getattr(theirs, method)(IRIS))
    weight = np.arange(len(IRIS))
    assert ours.score(IRIS, NAMES) == theirs.score(IRIS, NAMES)
    weighted = ours.score(IRIS, NAMES, sample_weight=weight)
    assert weighted == theirs.score(IRIS, NAMES, sample_weight=weight)


class Backwards(TransformerMixin, BaseEstimator):
    """Encodes the classes in reverse order; its argument is named X."""

    def fit(self, X, y=None):
        self.names_ = np.unique(X)[::-1]
        return self

    def transform(self, X):
        return np.searchsorted(-np.arange(3)[::-1], -np.searchsorted(self.names_[::-1], X))

    def inverse_transform(self, X):
        return self.names_[X]


def test_classes_follow_the_order_of_columns():
    backwards = Backwards().fit(NAMES)
    np.testing.assert_array_equal(backwards.inverse_transform(backwards.transform(NAMES)), NAMES)
    converged = LogisticRegression(max_iter=5000, tol=1e-8)
    ours = TransformedTargetClassifier(converged, transformer=backwards)
    ours.fit(IRIS, NAMES)
    assert ours.classes_.tolist() == ["virginica", "versicolor", "setosa"]
    best = ours.classes_[ours.predict_proba(IRIS).argmax(axis=1)]
    np.testing.assert_array_equal(best, ours.predict(IRIS))
    theirs = clone(converged).fit(IRIS, NAMES)
    expected = theirs.predict_proba(IRIS)[:, ::-1]
    np.testing.assert_allclose(ours.predict_proba(IRIS), expected, atol=1e-3)


def test_methods_depend_on_the_classifier():
    forest = TransformedTargetClassifier(RandomForestClassifier(n_estimators=3))
    assert hasattr(forest, "predict_proba")
    assert not hasattr(forest, "decision_function")
    assert not hasattr(forest.fit(IRIS, NAMES), "decision_function")
    assert not hasattr(forest, "hierarchy_")
    assert not hasattr(forest, "label_names_")
    assert not hasattr(forest, "feature_names_in_")
    assert forest.n_features_in_ == 4
    frame = pd.DataFrame(IRIS, columns=list("abcd"))
    assert forest.fit(frame, NAMES).feature_names_in_.tolist() == list("abcd")


def test_unfitted_classifier_has_no_attributes():
    classifier = make_linear()
    for name in ("classes_", "hierarchy_", "label_names_", "n_features_in_", "feature_names_in_"):
        assert not hasattr(classifier, name)
    for call in (
        lambda: classifier.predict(IRIS),
        lambda: classifier.predict_proba(IRIS),
        lambda: classifier.score(IRIS, NAMES),
    ):
        with pytest.raises(NotFittedError):
            call()
    assert classifier._repr_html_()


# Label paths -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [list, tuple, set, frozenset, "bare", "binarizer"])
@pytest.mark.parametrize("sparse", [False, True])
def test_predict_returns_label_paths(form, sparse):
    X, sets, _ = make_sets()
    transformer = HierarchyLabelBinarizer(sparse_output=sparse)
    if form == "bare":
        sets = y = [min(s) for s in sets]
    elif form == "binarizer":
        y = [[*s] for s in sets]
        transformer = MultiLabelBinarizer(sparse_output=sparse)
    else:
        y = [form(s) for s in sets]
    classifier = TransformedTargetClassifier(
        OneVsRestClassifier(LogisticRegression(C=50)), transformer=transformer
    ).fit(X, y)
    Y = clone(transformer).fit(y).transform(y)
    theirs = OneVsRestClassifier(LogisticRegression(C=50)).fit(X, Y)
    np.testing.assert_array_equal(classifier.predict_proba(X), theirs.predict_proba(X))
    assert classifier.score(X, y) == theirs.score(X, Y) > 0.8
    predicted = classifier.predict(X)
    expected = clone(transformer).fit(y).inverse_transform(theirs.predict(X))
    if form == "bare":
        assert predicted.dtype.kind == "U"
        expected = [label for (label,) in expected]
    else:
        assert (predicted.shape, predicted.dtype) == ((30,), object)
    assert predicted.tolist() == expected
    assert not hasattr(transformer, "classes_")


def test_label_sets_of_two_stay_tuples():
    X, sets, _ = make_sets()
    two = [i for i, s in enumerate(sets) if len(s) == 2]
    X, sets = X[two], [sets[i] for i in two]
    predicted = make_linear().fit(X, sets).predict(X)
    assert {type(labels) for labels in predicted} == {tuple}
    assert {len(labels) for labels in predicted} == {2}
    assert predicted.shape == (len(two),)


def test_attributes_of_the_classifier_are_available():
    videos = make_videos()
    classifier = TransformedTargetClassifier(make_late(), transformer=HierarchyLabelBinarizer())
    classifier.fit(videos.data, videos.target)
    labels = HierarchyLabelBinarizer().fit(videos.target)
    assert classifier.hierarchy_ == labels.hierarchy_
    assert classifier.classes_.tolist() == [[0, 1]] * len(labels.classes_)
    assert classifier.label_names_ == labels.hierarchy_.display_names
    assert classifier.n_features_in_ == 14
    alone = make_late(hierarchy=labels.hierarchy_).fit(videos.data, make_y("multilabel"))
    expected = alone.predict_proba(videos.data)
    np.testing.assert_array_equal(classifier.predict_proba(videos.data), expected)
    copy = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(copy.predict_proba(videos.data), expected)
    assert copy.predict(videos.data).tolist() == classifier.predict(videos.data).tolist()
    fresh = clone(classifier)
    assert not hasattr(fresh, "classifier_")
    np.testing.assert_array_equal(
        fresh.fit(videos.data, videos.target).predict_proba(videos.data), expected
    )
    assert classifier._repr_html_()
    fresh.set_params(classifier=make_pipeline(FunctionTransformer(), make_late()))
    fresh.fit(videos.data, videos.target)
    assert fresh.label_names_ == classifier.label_names_
    np.testing.assert_array_equal(fresh.predict_proba(videos.data), expected)


def test_modalities_as_separate_arguments():
    videos = make_videos()
    arrays = [rows_of(videos.data, name) for name in ("video", "audio")]
    classifier = TransformedTargetClassifier(
        make_late(modalities=("video", "audio")), transformer=HierarchyLabelBinarizer()
    )
    apart = clone(classifier).fit(*arrays, videos.target)
    together = classifier.fit(videos.data, videos.target)
    for method in ("predict_proba", "decision_function", "predict"):
        got, expected = getattr(apart, method)(*arrays), getattr(together, method)(videos.data)
        np.testing.assert_array_equal(got, expected)
    assert apart.score(*arrays, videos.target) == together.score(videos.data, videos.target)


def test_transformer_of_y_ignores_set_output():
    X, sets, _ = make_sets()
    with config_context(transform_output="pandas"):
        classifier = TransformedTargetClassifier(Spy(), transformer=HierarchyLabelBinarizer())
        assert isinstance(classifier.fit(X, sets).classifier_.given_["Xy"][-1], np.ndarray)


def test_missing_or_continuous_y_raises():
    X, _, _ = make_sets()
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        make_linear().fit(X)
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        TransformedTargetClassifier(transformer=LabelEncoder()).fit(X, X[:, 0])


@pytest.mark.parametrize(
    "form", [np.array, np.ndarray.tolist, list], ids=["array", "lists", "rows"]
)
def test_indicator_as_label_sets_raises(form):
    X, sets, labels = make_sets()
    indicator = labels.transform(sets)
    with pytest.raises(ValueError, match=r"looks like an indicator matrix.*without a bin"):
        make_linear().fit(X, form(indicator))


@pytest.mark.parametrize("known", [None, [0, 1, 2]])
@pytest.mark.parametrize(
    "form",
    [np.ndarray.tolist, list, np.array, lambda y: y.astype(object), torch.tensor, pd.Series],
    ids=["lists", "rows", "array", "objects", "tensor", "series"],
)
def test_indicator_for_a_multilabel_binarizer_raises(form, known):
    X, sets, labels = make_sets()
    indicator = labels.transform(sets)
    y = form(indicator) if form is not pd.Series else pd.Series(indicator.tolist())
    classifier = TransformedTargetClassifier(transformer=MultiLabelBinarizer(classes=known))
    with pytest.raises(ValueError, match=r"looks like an indicator matrix.*without a bin"):
        classifier.fit(X, y)


# The hierarchy that is only learned in fit -----------------------------------------------------


def test_hierarchy_is_passed_to_the_classifier():
    X, sets, labels = make_sets()
    spy = Spy()
    forms = {
        "": spy,
        "steps": make_pipeline(FunctionTransformer(), spy),
        "nested": make_pipeline(make_pipeline(spy)),
        "search": GridSearchCV(spy, {"slope": [1.0]}, cv=2),
    }
    for classifier in forms.values():
        ours = TransformedTargetClassifier(classifier, transformer=HierarchyLabelBinarizer())
        ours.fit(X, sets)
        given = [v for k, v in ours.classifier_.get_params().items() if k.endswith("hierarchy")]
        assert given == [labels.hierarchy_]
        assert spy.hierarchy is None


def test_hierarchy_is_passed_to_towers():
    videos = make_videos()
    tower = make_tower()
    classifier = make_classifier(fusion="cross_modal_gated", correlation_tower=tower)
    ours = TransformedTargetClassifier(classifier, transformer=HierarchyLabelBinarizer())
    ours.fit(videos.data, videos.target)
    assert ours.classifier_.hierarchy == ours.hierarchy_
    assert ours.classifier_.correlation_tower_.hierarchy == ours.hierarchy_
    assert (tower.hierarchy, classifier.hierarchy) == (None, None)


def test_frozen_tower_gets_no_hierarchy():
    videos, tower = make_videos(), fitted_tower()
    classifier = make_classifier(
        fusion="cross_modal_gated", correlation_tower=FrozenEstimator(tower), max_epochs=1
    )
    ours = TransformedTargetClassifier(classifier, transformer=HierarchyLabelBinarizer())
    ours.fit(videos.data, videos.target)
    assert ours.classifier_.hierarchy == ours.hierarchy_
    assert ours.classifier_.correlation_tower_ is ours.classifier_.correlation_tower.estimator
    assert tower.hierarchy is None


def test_given_hierarchy_is_kept():
    X, sets, labels = make_sets()
    own = LabelHierarchy({i: [] for i in range(len(labels.classes_))})
    classifier = TransformedTargetClassifier(Spy(own), transformer=HierarchyLabelBinarizer())
    assert classifier.fit(X, sets).classifier_.hierarchy == own


# Metadata --------------------------------------------------------------------------------------


@pytest.mark.parametrize("routing", [False, True])
def test_metadata_is_passed_to_the_classifier(routing):
    X, sets, labels = make_sets()
    weight = np.arange(len(X))
    with config_context(enable_metadata_routing=routing):
        spy = Spy()
        if routing:
            spy.set_fit_request(sample_weight=True, hint=True, eval_set=True)
            spy.set_score_request(sample_weight=True)
        ours = TransformedTargetClassifier(spy, transformer=HierarchyLabelBinarizer())
        ours.fit(X, sets, sample_weight=weight, hint="h", eval_set=(X[:9], sets[:9]))
        given = ours.classifier_.given_
        assert given["weight"] is weight
        assert given["hint"] == "h"
        assert given["eval_set"][0].tolist() == X[:9].tolist()
        np.testing.assert_array_equal(given["eval_set"][1], labels.transform(sets[:9]))
        np.testing.assert_array_equal(given["Xy"][1], labels.transform(sets))
        assert ours.score(X, sets, sample_weight=weight) == 0.25
        assert ours.classifier_.scored_[-1] is weight
        ours.fit(X, sets)
        assert [ours.classifier_.given_[k] for k in ("weight", "hint", "eval_set")] == [None] * 3


def test_unrequested_metadata_with_routing_raises():
    X, sets, _ = make_sets()
    with config_context(enable_metadata_routing=True):
        ours = TransformedTargetClassifier(Spy(), transformer=HierarchyLabelBinarizer())
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            ours.fit(X, sets, sample_weight=np.ones(len(X)))
        default = TransformedTargetClassifier().fit(IRIS, NAMES, sample_weight=SPECIES + 1.0)
    expected = LogisticRegression().fit(IRIS, NAMES, sample_weight=SPECIES + 1.0)
    np.testing.assert_array_equal(default.classifier_.coef_, expected.coef_)


@pytest.mark.parametrize("routing", [False, True])
def test_metadata_passes_through_utilities_and_pipelines(routing):
    X, sets, labels = make_sets()
    weight = np.arange(len(X))
    transformer = HierarchyLabelBinarizer(hierarchy=labels.hierarchy_)
    name = "sample_weight" if routing else "spy__sample_weight"
    with config_context(enable_metadata_routing=routing):
        spy = Spy().set_fit_request(sample_weight=True) if routing else Spy()
        pipeline = make_pipeline(FunctionTransformer(), spy)
        ours = TransformedTargetClassifier(pipeline, transformer=transformer)
        scoring = hierarchy_scorers(labels.hierarchy_)["gap"]
        if routing:
            scoring.set_score_request(sample_weight=True)
        result = cross_validate(
            ours, X, sets, cv=3, scoring=scoring, params={name: weight}, return_estimator=True
        )
    for estimator, (train, _) in zip(result["estimator"], KFold(3).split(X), strict=True):
        given = estimator.classifier_[-1].given_
        np.testing.assert_array_equal(given["weight"], weight[train])
        np.testing.assert_array_equal(given["Xy"][1], labels.transform([sets[i] for i in train]))


def test_eval_set_is_transformed_for_classifier_and_pipeline_step():
    X, sets, labels = make_sets()
    Y = labels.transform(sets)
    ours = TransformedTargetClassifier(Spy(), transformer=HierarchyLabelBinarizer())
    *arrays, y = ours.fit(X, sets, eval_set=(X, -X, sets)).classifier_.given_["eval_set"]
    np.testing.assert_array_equal(arrays, [X, -X])
    np.testing.assert_array_equal(y, Y)
    assert ours.fit(X, sets, eval_set=None).classifier_.given_["eval_set"] is None
    ours.set_params(classifier=make_pipeline(FunctionTransformer(), Spy()))
    ours.fit(X, sets, spy__eval_set=(X, sets))
    np.testing.assert_array_equal(ours.classifier_[-1].given_["eval_set"][1], Y)
    for wrong in ([X, sets], (X,), X):
        with pytest.raises(TypeError, match=r"eval_set must be a tuple \(X_val, y_val\), got"):
            ours.fit(X, sets, spy__eval_set=wrong)
    plain = TransformedTargetClassifier(Spy()).fit(X, Y, eval_set=(X, Y))
    assert plain.classifier_.given_["eval_set"][1] is Y


# The form of label paths in scikit-learn's utilities -------------------------------------------

FORMS = {
    "frozensets": ("unknown", list),
    "sets": ("unknown", lambda sets: [set(s) for s in sets]),
    "arrays": ("unknown", lambda sets: [np.array(sorted(s)) for s in sets]),
    "lists": ("legacy", lambda sets: [sorted(s) for s in sets]),
    "tuples": ("legacy", lambda sets: [tuple(s) for s in sets]),
    "bare paths": ("multiclass", lambda sets: [min(s) for s in sets]),
}
CONTAINERS = {
    "list": list,
    "series": pd.Series,
    "objects": lambda y: pd.Series(y, dtype=object).to_numpy(),
}


@pytest.mark.filterwarnings("ignore:The least populated class in y")
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("form", FORMS)
def test_scikit_learn_utilities_take_documented_forms(form, container):
    _, sets, labels = make_sets()
    kind, make = FORMS[form]
    sets = make(sets)
    noise = np.random.default_rng(0).normal(size=(30, 6))
    X = labels.transform(sets) + 0.2 * noise
    y = CONTAINERS[container](sets)
    classifier = TransformedTargetClassifier(
        Ranker(), transformer=HierarchyLabelBinarizer(hierarchy=labels.hierarchy_)
    )
    if kind == "legacy":
        with pytest.raises(ValueError, match="legacy multi-label"):
            cross_val_score(classifier, X, y, cv=3)
    else:
        assert type_of_target(y) == kind
    for cv in (KFold(3),) if kind == "legacy" else (KFold(3), 3):
        scores = cross_val_score(classifier, X, y, cv=cv, error_score="raise")
        assert scores.mean() > 0.7
        assert cross_val_predict(classifier, X, y, cv=cv).shape == (30,)
        search = GridSearchCV(
            classifier, {"classifier__slope": [-1, 1]}, cv=cv, error_score="raise"
        ).fit(X, y)
        assert search.best_params_ == {"classifier__slope": 1}
        sizes, *_ = learning_curve(
            classifier, X, y, cv=cv, train_sizes=[0.5, 1.0], error_score="raise"
        )
        assert sizes.tolist() == [10, 20]
        score, chance, _ = permutation_test_score(classifier, X, y, cv=cv, n_permutations=2)
        assert score > chance.mean()
    train, _, y_train, y_test = train_test_split(X, y, random_state=0)
    assert (len(train), len(y_test)) == (22, 8)
    assert type(y_train) is type(y)
    assert classifier.fit(train, y_train).score(train, y_train) > 0.7


def test_lists_of_one_label_are_a_table_of_classes():
    _, sets, _ = make_sets()
    y = [[min(s)] for s in sets]
    assert type_of_target(y) == "multiclass"
    with pytest.raises(ValueError, match="legacy multi-label"):
        type_of_target(CONTAINERS["objects"](y))
    with pytest.raises(ValueError, match="legacy multi-label"):
        type_of_target([*y, ["A:a", "A:b"]])


@pytest.mark.parametrize("form", ["frozensets", "tuples"])
def test_halving_search_needs_min_resources(form):
    X, sets, labels = make_sets(60)
    y = FORMS[form][1](sets)
    ours = TransformedTargetClassifier(
        Ranker(), transformer=HierarchyLabelBinarizer(hierarchy=labels.hierarchy_)
    )
    params = {"estimator": ours, "param_grid": {"classifier__slope": [-1, 1]}, "cv": KFold(3)}
    with pytest.raises(ValueError, match=r"Unknown label type|inhomogeneous"):
        HalvingGridSearchCV(**params).fit(X, y)
    search = HalvingGridSearchCV(**params, min_resources=20, error_score="raise").fit(X, y)
    assert search.best_params_ == {"classifier__slope": 1}


def test_out_of_fold_predictions_can_be_scored():
    X, sets, labels = make_sets()
    classifier = make_linear(hierarchy=labels.hierarchy_)
    predicted = cross_val_predict(classifier, X, sets, cv=3)
    right = [frozenset(p) == s for p, s in zip(predicted, sets, strict=True)]
    assert np.mean(right) == cross_val_score(classifier, X, sets, cv=3).mean() > 0.7


@pytest.mark.parametrize("form", ["frozensets", "tuples"])
def test_out_of_fold_probabilities(form):
    # cross_val_predict encodes y before fit can see it, so the labels must be binarized before.
    X, sets, labels = make_sets()
    ours = make_linear(hierarchy=labels.hierarchy_)
    y = CONTAINERS["objects"](FORMS[form][1](sets))
    with pytest.raises(ValueError, match="cross_val_predict replaces label sets by numbers"):
        cross_val_predict(ours, X, y, cv=KFold(3), method="predict_proba")
    proba = cross_val_predict(
        Spy(), X, labels.transform(sets), cv=KFold(3), method="predict_proba"
    )
    ours.set_params(classifier=Spy())
    for train, test in KFold(3).split(X):
        fold = clone(ours).fit(X[train], [sets[i] for i in train])
        np.testing.assert_array_equal(fold.predict_proba(X[test]), proba[test])
    # Classes come through: their numbers are as good as they are.
    encoder = TransformedTargetClassifier(transformer=LabelEncoder()).set_params(
        classifier=LogisticRegression(max_iter=500)
    )
    theirs = cross_val_predict(
        LogisticRegression(max_iter=500), IRIS, NAMES, method="predict_proba"
    )
    got = cross_val_predict(encoder, IRIS, NAMES, method="predict_proba")
    np.testing.assert_allclose(got, theirs)


# Searches on label paths -----------------------------------------------------------------------


def test_scorers_share_one_predict_proba_per_split():
    X, sets, labels = make_sets()
    transformer = HierarchyLabelBinarizer(hierarchy=labels.hierarchy_)
    ours = TransformedTargetClassifier(Spy(), transformer=transformer)
    scoring = hierarchy_scorers(labels.hierarchy_)
    assert len(scoring) == 12
    Y = labels.transform(sets)
    by_indicator = cross_validate(Spy(), X, Y, cv=3, scoring=scoring)
    Spy.calls.clear()
    by_path = cross_validate(ours, X, sets, cv=3, scoring=scoring, error_score="raise")
    assert Spy.calls == [10, 10, 10]
    for name in scoring:
        np.testing.assert_array_equal(by_path[f"test_{name}"], by_indicator[f"test_{name}"])
    for estimator, grid, y in (
        (Spy(), {"slope": [1.0, -1.0]}, Y),
        (ours, {"classifier__slope": [1.0, -1.0]}, sets),
    ):
        Spy.calls.clear()
        search = GridSearchCV(estimator, grid, scoring=scoring, refit="gap", cv=3).fit(X, y)
        assert Spy.calls == [10] * 6
        assert search.best_index_ == 0
        got = [search.cv_results_[f"split{i}_test_map_level_1"][0] for i in range(3)]
        np.testing.assert_array_equal(got, by_indicator["test_map_level_1"])


def test_scores_of_folds_with_different_columns():
    X, sets, _ = make_sets()
    sets[0] = frozenset({"C:only in this fold"})
    hierarchy = HierarchyLabelBinarizer().fit(sets).hierarchy_
    ours = TransformedTargetClassifier(
        Spy(), transformer=HierarchyLabelBinarizer(handle_unknown="ignore")
    )
    X = np.hstack([X, X[:, :2]])
    scoring = hierarchy_scorers(hierarchy)
    spoilt = {"cv": 3, "scoring": scoring, "error_score": "raise"}
    with pytest.raises(ValueError, match=r"hierarchy has 8.*HierarchyLabelBinarizer\(hierarchy="):
        # Spy gives as many columns as X has; a fold has learned six labels.
        cross_validate(
            make_pipeline(FunctionTransformer(lambda X: X[:, :6]), ours), X, sets, **spoilt
        )
    ours.set_params(transformer__hierarchy=hierarchy)
    assert np.isfinite(cross_validate(ours, X, sets, **spoilt)["test_gap"]).all()


def test_rare_labels_count_for_their_ancestors():
    X, sets, _ = make_sets()
    sets = [s | {"B:c:rare"} if i % 10 == 0 else s for i, s in enumerate(sets)]
    labels = HierarchyLabelBinarizer(min_frequency=5).fit(sets)
    assert "B:c:rare" not in labels.classes_
    ours = TransformedTargetClassifier(
        Spy(), transformer=HierarchyLabelBinarizer(hierarchy=labels.hierarchy_)
    )
    scoring = hierarchy_scorers(labels.hierarchy_)
    got = cross_validate(ours, X, sets, cv=3, scoring=scoring, error_score="raise")
    expected = cross_validate(Spy(), X, labels.transform(sets), cv=3, scoring=scoring)
    for name in scoring:
        np.testing.assert_array_equal(got[f"test_{name}"], expected[f"test_{name}"])


@pytest.mark.parametrize("place", ["alone", "around", "last"])
def test_grid_search_over_fusion_on_label_paths(place):
    videos = make_videos()
    y = [frozenset(paths) for paths in videos.target]
    hierarchy = HierarchyLabelBinarizer().fit(y).hierarchy_
    classifier, prefix = make_late(max_epochs=1), "classifier__"
    if place == "around":
        classifier = make_pipeline(FunctionTransformer(), classifier)
        prefix += "crossmodaltransformerclassifier__"
    ours = TransformedTargetClassifier(
        classifier, transformer=HierarchyLabelBinarizer(hierarchy=hierarchy)
    )
    if place == "last":
        ours = make_pipeline(FunctionTransformer(), ours)
        prefix = f"transformedtargetclassifier__{prefix}"
    search = GridSearchCV(
        ours,
        {f"{prefix}fusion": ["early", "late"]},
        scoring=hierarchy_scorers(hierarchy),
        refit="gap",
        cv=2,
        error_score="raise",
    ).fit(videos.data, y)
    assert np.isfinite(search.cv_results_["mean_test_gap_level_1"]).all()
    assert search.predict_proba(videos.data).shape == (48, len(hierarchy))
    assert all(isinstance(labels, tuple) for labels in search.predict(videos.data))
    assert search.classes_.shape == (len(hierarchy), 2)


def test_grid_search_over_min_frequency():
    X, sets, _ = make_sets()
    sets[3] = frozenset({"A:rare"})
    forest = RandomForestClassifier(n_estimators=3, random_state=0)
    ours = TransformedTargetClassifier(
        forest, transformer=HierarchyLabelBinarizer(handle_unknown="ignore")
    )
    search = GridSearchCV(
        ours, {"transformer__min_frequency": [None, 2]}, cv=3, error_score="raise"
    ).fit(X, sets)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    rare = clone(ours).set_params(transformer__min_frequency=2).fit(X, sets)
    assert set(clone(ours).fit(X, sets).hierarchy_.nodes) - set(rare.hierarchy_.nodes) == {
        "A:rare"
    }
