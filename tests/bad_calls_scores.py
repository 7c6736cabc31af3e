"""Wrong calls of comparisons and of plots of scores: id, call, error, pattern of its message."""

from functools import partial

import numpy as np
from estimator_cases import fitted, make_classifier, make_tower, make_videos, make_y

from sk_crossmodal.hierarchy import LabelHierarchy
from sk_crossmodal.inspection import (
    CategoryGainDisplay,
    ErrorRatesDisplay,
    HierarchyDisplay,
    NegativeWeightDisplay,
    compare_predictions,
    compare_report,
)
from sk_crossmodal.metrics import SCORES, Score, gap_score, hierarchy_report

Y = np.array([[1, 0, 1], [0, 1, 0]])
S = np.array([[0.9, 0.2, 0.6], [0.3, 0.7, 0.2]])
TREE = LabelHierarchy.from_paths(["a:b", "c"])
MADE = {"late": S, "concat": 1 - S}
SETS = [["c"], ["a:b"]]
WRONG = (ValueError, TypeError)


def report(**params):
    return compare_predictions(Y, MADE, TREE, **{"n_resamples": 2, **params})


def one_report():
    return hierarchy_report(Y, S, TREE)


def frame(**params):
    return report().to_frame(**params)


def compare(y_true=Y, y_scores=MADE, hierarchy=TREE, **params):
    return lambda: compare_predictions(y_true, y_scores, hierarchy, **params)


def constructor_rows(cls, name, params, error, pattern):
    """One row for each constructor of a display of predictions."""
    yield (
        f"{name}: from_predictions",
        lambda: cls.from_predictions(Y, MADE, TREE, n_resamples=2, **params),
        error,
        pattern,
    )
    by_group = cls is CategoryGainDisplay
    yield (
        f"{name}: from_report",
        lambda: cls.from_report(report(by_group=by_group, baseline="late"), **params),
        error,
        pattern,
    )


def weights(given, rates=None):
    rates = {"fpr": [0.1, 0.2]} if rates is None else rates
    return lambda: NegativeWeightDisplay.from_predictions(given, rates)


def trained(estimator=None, X=None, y=None, **params):
    estimator = make_tower() if estimator is None else estimator
    X = make_videos().data if X is None else X
    y = make_y("classes") if y is None else y
    return lambda: NegativeWeightDisplay.from_estimator(estimator, X, y, **params)


def tree(hierarchy=TREE, support=(2, 1, 1), error=(1, 2, 3), **params):
    return lambda: HierarchyDisplay(hierarchy, support, error).plot(**params)


NOT_A_MODEL = (None, "late", object(), make_classifier, type(make_classifier()), 3)
VIDEOS = make_videos().data

CASES = [
    *(
        (f"predictions-{type(bad).__name__}-{i}", compare(y_scores=bad), error, pattern)
        for i, (bad, error, pattern) in enumerate(
            (
                (S, TypeError, "y_scores must be a dict of scores by model, .* got ndarray"),
                ([S], TypeError, "dict of scores by model, .* got list"),
                (None, TypeError, "dict of scores by model, .* got NoneType"),
                ({}, ValueError, "scores of at least one model, got none"),
                ({1: S}, TypeError, "Names of models must be strings, got 1"),
                ({"late": S[:1]}, ValueError, r"must have one shape, got \(2, 3\), \(1, 3\)"),
                ({"late": S * np.nan}, ValueError, "must not contain NaN, got 6"),
                ({"late": S, "x": S[:, :2]}, ValueError, r"one shape, got \(2, 3\), \(2, 2\)"),
                ({"late": "x"}, ValueError, "y_score"),
            )
        )
    ),
    *(
        (f"predictions: y {i}", compare(y_true=bad), WRONG, pattern)
        for i, (bad, pattern) in enumerate(
            (
                (Y + 1, "must contain 0 and 1 only, got 2"),
                (Y[:1], "must have one shape"),
                (None, "y_true"),
                ([["x"], ["c"]], "label 'x', which is not a node"),
            )
        )
    ),
    (
        "predictions: sets, levels",
        compare(SETS, hierarchy=[0, 1, 0]),
        ValueError,
        "LabelHierarchy",
    ),
    ("predictions: 2 levels", compare(hierarchy=[0, 1]), ValueError, "2 nodes for 3 labels"),
    (
        "predictions: no hierarchy",
        compare(hierarchy=None),
        ValueError,
        "hierarchy must be a LabelHierarchy, .* or the level",
    ),
    (
        "predictions: groups of levels",
        compare(hierarchy=[0, 1, 0], by_group=True),
        ValueError,
        "by_group=True needs a LabelHierarchy, got list",
    ),
    *(
        (f"predictions: {name}={value!r}", compare(**{name: value}), error, pattern)
        for name, value, error, pattern in (
            ("baseline", "early", ValueError, r"one of \['late', 'concat'\] or None, got 'early'"),
            ("baseline", 0, ValueError, "or None, got 0"),
            ("by_group", 1, ValueError, r"by_group must be one of \(True, False\), got 1"),
            ("top_k", 0, ValueError, "top_k must be None or an integer of at least 1, got 0"),
            ("rows", "some", ValueError, "rows must be one of .* got 'some'"),
            ("threshold", "x", ValueError, "threshold must be a number .* got 'x'"),
            ("n_resamples", -1, ValueError, "n_resamples must be an integer >= 0, got -1"),
            ("n_resamples", 2.5, TypeError, r"n_resamples must be an integer >= 0, got 2\.5"),
            ("n_resamples", True, TypeError, "n_resamples must be an integer >= 0, got True"),
            ("n_resamples", None, TypeError, "n_resamples must be an integer >= 0, got None"),
            ("random_state", "x", ValueError, "'x' cannot be used to seed"),
        )
    ),
    (
        "compare_report: baseline",
        lambda: compare_report({"late": one_report()}, baseline="early"),
        ValueError,
        r"baseline must be one of \['late'\] or None, got 'early'",
    ),
    (
        "compare_report: names",
        lambda: compare_report({0: one_report()}),
        TypeError,
        "Names of models must be strings, got 0",
    ),
    (
        "compare_report: unpaired",
        lambda: compare_report({"a": one_report(), "b": [one_report()] * 2}, baseline="a"),
        ValueError,
        r"baseline.* same runs \(seeds, folds\).*\{'a': 1, 'b': 2\}",
    ),
    *(
        (
            f"to_frame: {bad!r}",
            partial(frame, intervals=bad),
            TypeError,
            f"True or False, got {bad!r}",
        )
        for bad in (1, None, "yes")
    ),
    *(
        row
        for cls in (ErrorRatesDisplay, CategoryGainDisplay)
        for bad in ("GAP", None, 1)
        for row in constructor_rows(
            cls,
            f"{cls.__name__}: score {bad!r}",
            {"score": bad},
            ValueError,
            rf"score must be one of \('gap', .*\), got {bad!r}",
        )
    ),
    *(
        row
        for bad, error in ((0, ValueError), (2.5, TypeError), (True, TypeError))
        for row in constructor_rows(
            CategoryGainDisplay,
            f"CategoryGainDisplay: {bad}",
            {"max_categories": bad},
            error,
            f"max_categories must be an integer > 0, got {bad}",
        )
    ),
    *(
        (
            f"{cls.__name__}: report {bad!r:.20}",
            lambda cls=cls, bad=bad: cls.from_report(bad),
            TypeError,
            f"report must be a ComparisonReport, got {type(bad).__name__}",
        )
        for cls in (ErrorRatesDisplay, CategoryGainDisplay)
        for bad in (None, one_report(), {"late": one_report()})
    ),
    ("ErrorRatesDisplay: plot", lambda: ErrorRatesDisplay(3).plot(), TypeError, "got int"),
    *(
        (
            f"{cls.__name__}: estimator {i}",
            lambda cls=cls, bad=bad: cls.from_estimator(
                bad if cls is HierarchyDisplay else {"late": bad, "x": bad}, VIDEOS, Y, TREE
            ),
            TypeError,
            "fitted one with the method `predict_proba`, got",
        )
        for cls in (ErrorRatesDisplay, CategoryGainDisplay, HierarchyDisplay)
        for i, bad in enumerate(NOT_A_MODEL)
    ),
    *(
        (
            f"{cls.__name__}: {state}",
            lambda cls=cls, model=model: cls.from_estimator(model(), VIDEOS, Y, TREE),
            WRONG,
            pattern,
        )
        for cls in (ErrorRatesDisplay, HierarchyDisplay)
        for state, model, pattern in (
            ("unfitted", make_classifier, "not fitted"),
            ("other labels", lambda: fitted("late"), "must have one shape"),
        )
    ),
    *(
        (
            f"CategoryGainDisplay: {sorted(made)}",
            lambda made=made: CategoryGainDisplay.from_predictions(Y, made, TREE),
            ValueError,
            r"two models, the baseline first, got \[",
        )
        for made in ({}, {"late": S}, {**MADE, "third": S})
    ),
    (
        "CategoryGainDisplay: array",
        lambda: CategoryGainDisplay.from_predictions(Y, S, TREE),
        TypeError,
        "must be a dict of scores by model, .* got ndarray",
    ),
    (
        "CategoryGainDisplay: no baseline",
        lambda: CategoryGainDisplay.from_report(report()),
        ValueError,
        "make it with baseline=",
    ),
    (
        "CategoryGainDisplay: model",
        lambda: CategoryGainDisplay.from_report(report(baseline="late"), model="late"),
        ValueError,
        r"model must be one of \['concat'\], got 'late'",
    ),
    *(
        (
            f"CategoryGainDisplay: {name}",
            lambda params=params: CategoryGainDisplay(["a", "b"], **params).plot(),
            ValueError,
            rf"{name} must be numbers of shape \(2,\), got shape",
        )
        for name, params in (
            ("gain", {"gain": [1]}),
            ("low", {"gain": [1, 2], "low": [0], "high": [3, 3]}),
            ("high", {"gain": [1, 2], "low": [0, 0], "high": ["x", "y"]}),
            ("n_videos", {"gain": [1, 2], "n_videos": 3}),
        )
    ),
    *(
        (
            f"NegativeWeightDisplay: weights {i}",
            weights(bad),
            ValueError,
            "negative_weights must be (finite numbers of shape|> 0 and all different, got)",
        )
        for i, bad in enumerate(
            ([], [1, 1], [0, 1], [-1, 1], [np.nan, 1], [np.inf, 1], ["a", "b"], 3, [[1], [1, 2]])
        )
    ),
    *(
        (f"NegativeWeightDisplay: rates {i}", weights([1, 2], bad), error, pattern)
        for i, (bad, error, pattern) in enumerate(
            (
                ([0.1, 0.2], TypeError, r"rates must be a dict of \['error', .* got list"),
                ({}, ValueError, r"rates must hold some of .*, got \[\]"),
                ({"auc": [0.1, 0.2]}, ValueError, r"some of .*, got \['auc'\]"),
                ({"fpr": [0.1]}, ValueError, r"of shape \(2,\), got shape \(1,\)"),
                ({"fpr": [[], []]}, ValueError, r"got shape \(2, 0\)"),
                ({"fpr": [10, 20]}, ValueError, "numbers from 0 to 1 of .* got"),
                ({"fpr": [0.1, np.nan]}, ValueError, "numbers from 0 to 1 of .* got"),
                ({"fpr": ["a", "b"]}, ValueError, r"rates\['fpr'\]"),
            )
        )
    ),
    *(
        (f"NegativeWeightDisplay: tower {i}", trained(bad), TypeError, "with the method `")
        for i, bad in enumerate((3, make_classifier(), type(make_tower()), "tower"))
    ),
    *(
        (f"NegativeWeightDisplay: {name}={value!r}", trained(**{name: value}), error, pattern)
        for name, value, error, pattern in (
            (
                "negative_weights",
                (),
                ValueError,
                r"finite numbers of shape \(n_weights,\), got sh",
            ),
            ("negative_weights", (0.0, 1.0), ValueError, "> 0 and all different, got"),
            ("test_size", 0, ValueError, "test_size must be a number > 0 and < 1, got 0"),
            ("test_size", 1.5, ValueError, r"> 0 and < 1, got 1\.5"),
            ("test_size", "x", TypeError, "> 0 and < 1, got 'x'"),
            ("test_size", True, TypeError, "> 0 and < 1, got True"),
            ("n_repeats", 0, ValueError, "n_repeats must be an integer > 0, got 0"),
            ("n_repeats", 1.5, TypeError, "n_repeats must be an integer > 0"),
            ("y", [1, 2], ValueError, "inconsistent numbers of samples"),
        )
    ),
    *(
        (f"HierarchyDisplay: {name}={bad!r}", tree(**{name: bad}), error, pattern)
        for name, bads, error, pattern in (
            (
                "hierarchy",
                (None, [0, 1, 0], {"a": []}),
                TypeError,
                "hierarchy must be a LabelHierarchy, got ",
            ),
            (
                "support",
                ([1, 2], ["a", "b", "c"], None),
                ValueError,
                r"support must be .* numbers.* of shape \(3,\), got shape",
            ),
            (
                "support",
                ([-1, 2, 3], [np.nan, 1, 2]),
                ValueError,
                r"support must be finite numbers >= 0 of shape \(3,\), got \[",
            ),
            (
                "error",
                ([1, 2], 3.0),
                ValueError,
                r"error must be numbers of shape \(3,\), got shape",
            ),
            ("max_depth", (0, -1), ValueError, "max_depth must be an integer > 0"),
            ("max_depth", (None, 1.5), TypeError, "max_depth must be an integer > 0"),
            ("max_nodes", (0,), ValueError, "max_nodes must be an integer > 0"),
            ("max_nodes", (None, "all"), TypeError, "max_nodes must be an integer > 0"),
            ("root", ("x", 3), ValueError, "is not a node of LabelHierarchy"),
            ("root", ([],), TypeError, "a node must be hashable"),
        )
        for bad in bads
    ),
    *(
        (
            f"HierarchyDisplay: predictions {i}",
            lambda bad=bad: HierarchyDisplay.from_predictions(*bad),
            error,
            pattern,
        )
        for i, (bad, error, pattern) in enumerate(
            (
                ((Y, S, [0, 1, 0]), TypeError, "must be a LabelHierarchy, got list"),
                ((Y[:, :2], S[:, :2], TREE), ValueError, "got 3 nodes for 2 labels"),
                ((Y, S[:1], TREE), ValueError, "must have one shape"),
                ((Y + 1, S, TREE), ValueError, "0 and 1 only"),
                (([["x"], []], S, TREE), ValueError, "not a node"),
            )
        )
    ),
    (
        "SCORES.register: a taken name",
        lambda: SCORES.register("gap", Score("Another", gap_score)),
        ValueError,
        "already another score named 'gap'",
    ),
    (
        "SCORES.register: no name",
        lambda: SCORES.register(3, Score("Another", gap_score)),
        TypeError,
        "name of a score must be a str, got 3",
    ),
]
