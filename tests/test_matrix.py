"""Every utility of scikit-learn with every form of X and every form of y.

The same numbers must give the same scores in every form of X. The scores of a container are
compared with a plain loop over folds and parameters, and the other forms of X with the container.
"""

import functools

import numpy as np
import pandas as pd
import pytest
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold
from scipy.sparse import csr_array, issparse
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    KFold,
    ParameterGrid,
    ParameterSampler,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    train_test_split,
)
from skorch.helper import SliceDict

from sk_crossmodal import CorrelationTower, CrossModalTransformerClassifier, MultimodalArray
from sk_crossmodal.metrics import gap_scorer
from sk_crossmodal.modules import FUSIONS

pytestmark = pytest.mark.one_version

N, WIDTHS = 36, {"video": 4, "audio": 3}
SCALE, SHIFT = 1 / 32, -4.0  # exact in float32: uint8 frames are the same numbers
GROUPS = np.arange(N) // 6
LABELS_OF = {"indicator": 4, "csr": 4, "column": 1, "two labels": 2, "forty labels": 40}
CLASSES_OF = {"strings": ("car", "dog", "sea"), "binary": (3, 7)}
TARGETS = (*LABELS_OF, *CLASSES_OF)


@functools.cache
def stored(lengths):
    """Per modality uint8 frames and lengths: "ragged" videos, or videos of 5 frames, or of 1."""
    rng = np.random.RandomState(0)
    frames = {}
    for name, width in WIDTHS.items():
        n = rng.randint(1, 6, size=N) if lengths == "ragged" else np.full(N, lengths)
        frames[name] = rng.randint(256, size=(n.sum(), width), dtype=np.uint8), n
    return frames


def flat(lengths):
    return {n: q * np.float32(SCALE) + np.float32(SHIFT) for n, (q, _) in stored(lengths).items()}


def container(lengths, frames=None, **params):
    counts = {name: n for name, (_, n) in stored(lengths).items()}
    return MultimodalArray.from_frames(
        flat(lengths) if frames is None else frames, counts, **params
    )


def memory_mapped(lengths, folder):
    frames = {}
    for name, values in flat(lengths).items():
        np.save(folder / f"{name}.npy", values)
        frames[name] = np.load(folder / f"{name}.npy", mmap_mode="r")
    return container(lengths, frames)


def quantised(lengths):
    frames = {name: q for name, (q, _) in stored(lengths).items()}
    return container(lengths, frames, quantization=dict.fromkeys(WIDTHS, (SCALE, SHIFT)))


def objects(lengths):
    columns = {name: np.empty(N, dtype=object) for name in WIDTHS}
    for name, values in flat(lengths).items():
        columns[name][:] = np.split(values, np.cumsum(stored(lengths)[name][1])[:-1])
    return columns


def arrays(lengths):
    return {name: values.reshape(N, lengths, -1) for name, values in flat(lengths).items()}


def wide(lengths):
    return np.concatenate(list(arrays(lengths).values()), axis=2)


# Forms of X that scikit-learn can index by rows, with the lengths of their videos.
FORMS = {
    "container": (container, "ragged"),
    "memory-mapped": (memory_mapped, "ragged"),
    "uint8": (quantised, "ragged"),
    "SliceDict": (lambda lengths: SliceDict(**objects(lengths)), "ragged"),
    "data frame": (lambda lengths: pd.DataFrame(objects(lengths)), "ragged"),
    "3-D container": (lambda lengths: container(lengths, _frames_of_arrays(lengths)), 5),
    "3-D SliceDict": (lambda lengths: SliceDict(**arrays(lengths)), 5),
    "wide 3-D": (wide, 5),
    "wide 2-D": (lambda lengths: wide(lengths)[:, 0], 1),
}


def _frames_of_arrays(lengths):
    return {name: values.reshape(-1, values.shape[2]) for name, values in arrays(lengths).items()}


@functools.cache
def make_y(target):
    if target in CLASSES_OF:
        return np.array(CLASSES_OF[target])[np.arange(N) % len(CLASSES_OF[target])]
    n_labels = LABELS_OF[target]
    Y = np.eye(max(n_labels, 2), dtype=int)[np.arange(N) % max(n_labels, 2)][:, :n_labels]
    Y[::5, 0] = 1
    return csr_array(Y) if target == "csr" else Y


def scoring(y):
    return gap_scorer if y.ndim == 2 else get_scorer("neg_log_loss")


def make_classifier(**params):
    defaults = {"fusion": "late", "d_model": 8, "n_heads": 2, "max_epochs": 1, "lr": 1e-2}
    return CrossModalTransformerClassifier(
        **{**defaults, "modalities": WIDTHS, "random_state": 0, **params}
    )


def rows_of(X, rows):
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def folds(y, n_splits):
    """The folds that scikit-learn makes for a number of splits."""
    flat_y = y if y.ndim == 1 else y[:, 0] if y.shape[1] == 1 else None
    cv = KFold(n_splits) if flat_y is None else StratifiedKFold(n_splits)
    return list(cv.split(np.zeros(N), flat_y))


def fit_score(classifier, X, y, train, test):
    fitted = clone(classifier).fit(rows_of(X, train), y[train])
    return scoring(y)(fitted, rows_of(X, test), y[test])


def plain_scores(classifier, X, y, splits):
    return [fit_score(classifier, X, y, *split) for split in splits]


# Each utility returns named arrays; its oracle computes some of them with a plain loop.


def searched(search, X, y):
    """Scores, best candidate and predictions of a search."""
    search.fit(X, y)
    results = search.cv_results_
    assert search.best_params_ == results["params"][search.best_index_]
    assert search.best_score_ == results["mean_test_score"][search.best_index_]
    return {
        "scores": np.array([results[f"split{i}_test_score"] for i in range(search.n_splits_)]).T,
        "best": np.array(search.best_index_),
        "refitted": search.predict_proba(X),
    }


def search_oracle(classifier, candidates, X, y):
    """Scores of every candidate and fold, and the best candidate fitted on all videos."""
    models = [clone(classifier).set_params(**params) for params in candidates]
    scores = np.array([plain_scores(model, X, y, folds(y, 2)) for model in models])
    best = int(scores.mean(axis=1).argmax())
    refitted = clone(models[best]).fit(X, y).predict_proba(X)
    return {"scores": scores, "best": np.array(best), "refitted": refitted}


def fusions(y):
    # Fusions with a tower need two labels or more, see `IMPOSSIBLE`.
    towerless = ("early", "late", "cross_modal")
    return {"fusion": list(towerless if y.ndim == 2 and y.shape[1] == 1 else FUSIONS)}


def grid_over_fusion(X, y):
    search = GridSearchCV(make_classifier(), fusions(y), cv=2, scoring=scoring(y))
    return searched(search.set_params(error_score="raise"), X, y)


def grid_over_fusion_oracle(X, y):
    return search_oracle(make_classifier(), ParameterGrid(fusions(y)), X, y)


PARAMS = [
    {"cross_modal_layer_sizes": [(2,), (4, 3)], "gate": ["hard", "soft"]},
    {"lr": [1e-3], "correlation_tower__max_epochs": [1, 3]},
]


def gated():
    tower = CorrelationTower(encoder="mean", encoder_params={"d_model": 4}, lr=1e-2)
    tower.set_params(hidden_layer_sizes=(4,), max_epochs=1)
    return make_classifier(fusion="cross_modal_gated", gate="soft", correlation_tower=tower)


def grid_over_params(X, y):
    search = GridSearchCV(gated(), PARAMS, cv=2, scoring=scoring(y), error_score="raise")
    return searched(search, X, y)


def grid_over_params_oracle(X, y):
    return search_oracle(gated(), ParameterGrid(PARAMS), X, y)


DRAWN = {"lr": loguniform(1e-3, 1e-1), "influence": ["cross", "self", "none"]}


def randomized_search(X, y):
    search = RandomizedSearchCV(
        make_classifier(fusion="cross_modal"), DRAWN, n_iter=3, cv=2, random_state=0
    )
    return searched(search.set_params(scoring=scoring(y), error_score="raise"), X, y)


def randomized_search_oracle(X, y):
    drawn = ParameterSampler(DRAWN, n_iter=3, random_state=0)
    return search_oracle(make_classifier(fusion="cross_modal"), list(drawn), X, y)


def halving_search(X, y):
    rates = {"lr": [1e-3, 1e-2, 1e-1]}
    search = HalvingGridSearchCV(
        make_classifier(), rates, cv=2, factor=2, min_resources=16, random_state=0
    )
    # The log loss needs all classes, and a part of a fold may lack some.
    search.set_params(error_score="raise", scoring=None if y.ndim == 1 else gap_scorer)
    found = searched(search, X, y)
    assert search.n_resources_ == [16, 32]
    assert search.n_candidates_ == [3, 2]
    assert search.cv_results_["iter"][search.best_index_] == 1
    # The best candidate is fitted on all rows, however few rows chose it.
    best = make_classifier(**search.best_params_).fit(X, y)
    np.testing.assert_array_equal(found["refitted"], best.predict_proba(X))
    return found


def halving_search_oracle(X, y):
    return {}  # scikit-learn chooses the rows


def cross_val_scores(X, y):
    return {"scores": cross_val_score(make_classifier(), X, y, cv=3, scoring=scoring(y))}


def cross_val_scores_oracle(X, y):
    return {"scores": np.array(plain_scores(make_classifier(), X, y, folds(y, 3)))}


def two_jobs(X, y):
    scores = cross_val_score(make_classifier(), X, y, cv=3, scoring=scoring(y), n_jobs=2)
    return {"scores": scores}


def cross_validation(X, y):
    scores = cross_validate(
        make_classifier(),
        X,
        y,
        cv=3,
        scoring={"own": scoring(y), "accuracy": "accuracy"},
        return_train_score=True,
        return_estimator=True,
        error_score="raise",
    )
    probabilities = [fitted.predict_proba(X) for fitted in scores["estimator"]]
    return {
        "scores": scores["test_own"],
        "train": scores["train_own"],
        "accuracy": scores["test_accuracy"],
        "probabilities": np.array(probabilities),
    }


def cross_validation_oracle(X, y):
    splits, classifier = folds(y, 3), make_classifier()
    fitted = [clone(classifier).fit(X[train], y[train]) for train, _ in splits]
    accuracy = [f.score(X[test], y[test]) for f, (_, test) in zip(fitted, splits, strict=True)]
    return {
        "scores": np.array(plain_scores(classifier, X, y, splits)),
        "train": np.array([fit_score(classifier, X, y, train, train) for train, _ in splits]),
        "accuracy": np.array(accuracy),
        "probabilities": np.array([f.predict_proba(X) for f in fitted]),
    }


def cross_val_prediction(X, y):
    return {"p": cross_val_predict(make_classifier(), X, y, cv=3, method="predict_proba")}


def cross_val_prediction_oracle(X, y):
    p = np.empty((N, y.shape[1] if y.ndim == 2 else len(np.unique(y))), np.float32)
    for train, test in folds(y, 3):
        p[test] = make_classifier().fit(X[train], y[train]).predict_proba(X[test])
    return {"p": p}


def learning_curves(X, y):
    sizes, train, test = learning_curve(
        make_classifier(), X, y, train_sizes=[0.5, 1.0], cv=3, scoring=scoring(y)
    )
    assert sizes.tolist() == [12, 24]
    return {"train": train, "scores": test}


def learning_curves_oracle(X, y):
    splits = [[(train[:n], test) for train, test in folds(y, 3)] for n in (12, 24)]
    return {"scores": np.array([plain_scores(make_classifier(), X, y, s) for s in splits])}


def permutation_test(X, y):
    params = {"cv": 2, "scoring": scoring(y), "n_permutations": 3, "random_state": 0}
    score, permuted, p_value = permutation_test_score(make_classifier(), X, y, **params)
    assert p_value == (np.sum(permuted >= score) + 1) / 4
    return {"scores": np.array([score]), "permuted": permuted}


def permutation_test_oracle(X, y):
    return {"scores": np.mean(plain_scores(make_classifier(), X, y, folds(y, 2)), keepdims=True)}


def split_in_two(X, y):
    X_train, X_test, y_train, y_test, train, test = train_test_split(
        X, y, np.arange(N), test_size=0.25, random_state=0
    )
    assert sorted([*train, *test]) == list(range(N))
    for part, rows in ((y_train, train), (y_test, test)):
        assert (abs(part - y[rows]).sum() == 0) if issparse(y) else (part == y[rows]).all()
    fitted = make_classifier().fit(X_train, y_train)
    return {"scores": np.array([scoring(y)(fitted, X_test, y_test)]), "test": test}


def split_in_two_oracle(X, y):
    train, test = train_test_split(np.arange(N), test_size=0.25, random_state=0)
    return {"scores": np.array([fit_score(make_classifier(), X, y, train, test)]), "test": test}


def scores_of(X, y, splits):
    """Scores on given folds; a search without parameters scores a CSR, see `IMPOSSIBLE`."""
    if issparse(y):
        search = GridSearchCV(make_classifier(), {}, cv=splits, scoring=gap_scorer, refit=False)
        results = search.set_params(error_score="raise").fit(X, y).cv_results_
        return np.array([results[f"split{i}_test_score"][0] for i in range(3)])
    params = {"cv": splits, "scoring": scoring(y), "error_score": "raise"}
    return cross_validate(make_classifier(), X, y, **params)["test_score"]


def group_folds(X, y):
    if issparse(y):
        return {"scores": scores_of(X, y, list(GroupKFold(3).split(X, groups=GROUPS)))}
    params = {"cv": GroupKFold(3), "groups": GROUPS, "scoring": scoring(y)}
    scores = cross_validate(make_classifier(), X, y, **params, return_indices=True)
    for train, test in zip(*scores["indices"].values(), strict=True):
        assert not set(GROUPS[train]) & set(GROUPS[test])
    return {"scores": scores["test_score"]}


def group_folds_oracle(X, y):
    in_test = [np.isin(GROUPS, part) for part in ((0, 3), (1, 4), (2, 5))]
    splits = [(np.flatnonzero(~test), np.flatnonzero(test)) for test in in_test]
    scores = np.array(plain_scores(make_classifier(), X, y, splits))
    taken = [test.tolist() for _, test in GroupKFold(3).split(X, groups=GROUPS)]
    order = [[test.tolist() for _, test in splits].index(test) for test in taken]
    return {"scores": scores[order]}


def stratified_by_labels(X, y):
    dense = y.toarray() if issparse(y) else y
    cv = MultilabelStratifiedKFold(3, shuffle=True, random_state=0)
    splits = list(cv.split(X, dense))  # takes a dense indicator only
    assert sorted(np.concatenate([test for _, test in splits])) == list(range(N))
    counts = np.array([dense[test].sum(axis=0) for _, test in splits])
    assert np.ptp(counts, axis=0).max() <= 3
    return {"scores": scores_of(X, y, splits if issparse(y) else cv), "counts": counts}


def stratified_by_labels_oracle(X, y):
    dense = y.toarray() if issparse(y) else y
    cv = MultilabelStratifiedKFold(3, shuffle=True, random_state=0)
    return {"scores": np.array(plain_scores(make_classifier(), X, y, cv.split(X, dense)))}


UTILITIES = {
    "GridSearchCV over fusion": (grid_over_fusion, grid_over_fusion_oracle),
    "GridSearchCV over parameters": (grid_over_params, grid_over_params_oracle),
    "RandomizedSearchCV": (randomized_search, randomized_search_oracle),
    "HalvingGridSearchCV": (halving_search, halving_search_oracle),
    "cross_val_score": (cross_val_scores, cross_val_scores_oracle),
    "cross_val_score on 2 jobs": (two_jobs, cross_val_scores_oracle),
    "cross_validate": (cross_validation, cross_validation_oracle),
    "cross_val_predict": (cross_val_prediction, cross_val_prediction_oracle),
    "learning_curve": (learning_curves, learning_curves_oracle),
    "permutation_test_score": (permutation_test, permutation_test_oracle),
    "train_test_split": (split_in_two, split_in_two_oracle),
    "GroupKFold": (group_folds, group_folds_oracle),
    "MultilabelStratifiedKFold": (stratified_by_labels, stratified_by_labels_oracle),
}

# Combinations that raise an error: (utility, form of y) to the message.
NO_CSR = (
    "'y' parameter of .* must be an array-like"  # scikit-learn's message; its searches take CSR
)
ONE_LABEL = "Supported target type is: multilabel-indicator"  # these need StratifiedKFold
IMPOSSIBLE = {
    ("cross_val_score", "csr"): NO_CSR,
    ("cross_val_score on 2 jobs", "csr"): NO_CSR,
    ("cross_validate", "csr"): NO_CSR,
    ("learning_curve", "csr"): NO_CSR,
    ("permutation_test_score", "csr"): NO_CSR,
    # scikit-learn converts y to an array to sort the columns of probabilities.
    ("cross_val_predict", "csr"): "too many indices for array",
    ("MultilabelStratifiedKFold", "column"): ONE_LABEL,
    ("MultilabelStratifiedKFold", "strings"): ONE_LABEL,
    ("MultilabelStratifiedKFold", "binary"): ONE_LABEL,
    # With one label there are no negative pairs: a warning that there is no tower.
    ("GridSearchCV over parameters", "column"): "No two videos differ in all of their top-level",
}


@functools.cache
def reference(utility, target, lengths):
    """Arrays of a utility for a container, compared with the plain loop."""
    run, oracle = UTILITIES[utility]
    X, y = container(lengths), make_y(target)
    result = run(X, y)
    assert all(np.isfinite(values).all() for values in result.values())
    for name, expected in oracle(X, y).items():
        assert result[name].shape == expected.shape
        np.testing.assert_allclose(result[name], expected, rtol=1e-4, atol=1e-6, err_msg=name)
    return result


@pytest.mark.sample(2, by=("utility",))
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("utility", UTILITIES)
def test_utility_scores_every_form_of_x_alike(utility, target, form, tmp_path):
    make, lengths = FORMS[form]
    run, _ = UTILITIES[utility]
    X = make(lengths, tmp_path) if make is memory_mapped else make(lengths)
    y = make_y(target)
    if (utility, target) in IMPOSSIBLE:
        errors = (ValueError, IndexError, UserWarning)  # warnings are errors here
        with pytest.raises(errors, match=IMPOSSIBLE[utility, target]):
            run(X, y)
        return
    expected = reference(utility, target, lengths)
    for name, values in run(X, y).items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-4, atol=1e-6, err_msg=name)
