"""Displays of error rates, gains, the weight of negative pairs and the label tree."""

import itertools
import re

import matplotlib as mpl
import numpy as np
import pytest
from estimator_cases import fitted, make_labels, make_tower, make_videos, make_y
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score
from test_comparison import TREE, predictions, reports

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.colors import to_hex

from sk_crossmodal import HierarchyLabelBinarizer, LabelHierarchy, TransformedTargetClassifier
from sk_crossmodal.inspection import (
    CategoryGainDisplay,
    ErrorRatesDisplay,
    HierarchyDisplay,
    NegativeWeightDisplay,
    compare_predictions,
    compare_report,
)

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#666666"
X = make_videos().data


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def ticks(ax, axis="y"):
    return [label.get_text() for label in getattr(ax, f"get_{axis}ticklabels")()]


def overlaps(display):
    """Number of pairs of texts at the y axis that overlap in the drawn figure."""
    display.figure_.canvas.draw()
    labels = [label for label in display.ax_.get_yticklabels() if label.get_text()]
    boxes = [label.get_window_extent() for label in labels]
    size = display.figure_.bbox
    assert all(box.x0 >= size.x0 - 1 and box.y0 >= size.y0 - 1 for box in boxes)
    return sum(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


# Error rates ----------------------------------------------------------------------------------


def dots(ax):
    """(x, y, low, high, colour, filled) of each dot with an interval, from top to bottom."""
    found = []
    for container in ax.containers:
        (line, _, bars), ((x,), (y,)) = container.lines, container.lines[0].get_data()
        ends = bars[0].get_segments()[0][:, 0] if bars else (x, x)
        filled = to_hex(line.get_markerfacecolor()) != "#ffffff"
        found.append((x, y, *ends, to_hex(line.get_color()), filled))
    return found


@pytest.mark.parametrize("score", ["gap", "map", "perr", "hit_at_1"])
def test_error_rates_are_drawn_with_intervals(score):
    y, made = predictions(0)
    made["a worse one"] = -y.astype(float)
    options = {"baseline": "late", "n_resamples": 50}
    display = ErrorRatesDisplay.from_predictions(y, made, TREE, score=score, **options)
    report = compare_predictions(y, made, TREE, **options)
    drawn = dots(display.ax_)
    assert ticks(display.ax_) == list(made) * 3
    assert list(display.ax_.get_yticks()) == [dot[1] for dot in drawn]
    for (row, column), (x, _, low, high, color, filled) in zip(
        np.ndindex(3, 3), drawn, strict=True
    ):
        assert_allclose(x, report.mean[score][row, column])
        assert_allclose(
            (low, high), (report.low[score][row, column], report.high[score][row, column])
        )
        ends = [d[score][row, column] for d in (report.difference_low, report.difference_high)]
        apart = ends[0] > 0 or ends[1] < 0
        wanted = (BLUE if ends[1] < 0 else ORANGE) if apart else GREY
        assert color == wanted
        assert filled == (apart or column == 0)
    assert [text.get_text() for text in display.ax_.texts] == list(report.rows)
    assert "error in %\n95 % intervals: 50 resamples of 40 videos" in display.ax_.get_xlabel()
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert "worse than late" in legend
    assert not overlaps(display)


def test_error_rates_without_baseline_have_no_legend():
    display = ErrorRatesDisplay.from_report(compare_report(reports(1)))
    assert {dot[4:] for dot in dots(display.ax_)} == {(BLUE, True)}
    assert display.ax_.get_legend() is None
    assert display.ax_.get_xlabel() == "GAP error in %"


def test_error_rates_of_many_models_do_not_overlap():
    y, made = predictions(0)
    many = {
        f"{i}: a name that is longer than anyone would ever want it": made["late"]
        for i in range(12)
    }
    display = ErrorRatesDisplay.from_predictions(y, many, TREE, n_resamples=5)
    assert not overlaps(display)
    assert max(map(len, ticks(display.ax_))) <= 34


def test_error_rates_from_estimators_use_predict_proba():
    labels, y = make_labels()
    models = {f: fitted(f, "multilabel") for f in ("early", "late")}
    _, ax = plt.subplots()
    display = ErrorRatesDisplay.from_estimator(
        models, X, y, labels.hierarchy_, ax=ax, n_resamples=0
    )
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    made = {name: model.predict_proba(X) for name, model in models.items()}
    wanted = compare_predictions(y, made, labels.hierarchy_, n_resamples=0)
    assert_allclose(display.report.mean["map"], wanted.mean["map"])
    one = ErrorRatesDisplay.from_estimator(models["late"], X, y, labels.hierarchy_, n_resamples=0)
    assert one.report.models == ("CrossModalTransformerClassifier",)


def test_error_rates_from_estimators_accept_label_sets():
    """A forest predicts a list of arrays; with a transformed y it takes label sets."""
    y, made = predictions(0)
    paths = [frozenset(TREE.nodes[i] for i in np.flatnonzero(row)) for row in y]
    forest = RandomForestClassifier(5, random_state=0)
    labels = HierarchyLabelBinarizer(hierarchy=TREE)
    models = {
        "plain": forest.fit(made["late"], y),
        "paths": TransformedTargetClassifier(
            RandomForestClassifier(5, random_state=0), transformer=labels
        ).fit(made["late"], paths),
    }
    display = ErrorRatesDisplay.from_estimator(models, made["late"], paths, TREE, n_resamples=0)
    errors = display.report.mean["gap"]
    assert_allclose(errors[:, 0], errors[:, 1])
    assert errors[0, 0] < 50


# Gains ----------------------------------------------------------------------------------------


def test_gains_are_differences_by_category():
    y, made = predictions(4, n=120)
    display = CategoryGainDisplay.from_predictions(y, made, TREE, score="perr", n_resamples=60)
    report = compare_predictions(y, made, TREE, baseline="late", by_group=True, n_resamples=60)
    gain = -report.difference["perr"][:, 1]
    order = np.argsort(-gain)
    bars = display.ax_.patches
    assert_allclose([bar.get_width() for bar in bars], gain[order])
    counts = report.n_videos[:, 1].astype(int)
    assert ticks(display.ax_) == [f"{report.rows[i]} ({counts[i]})" for i in order]
    for bar, i in zip(bars, order, strict=True):
        low, high = -report.difference_high["perr"][i, 1], -report.difference_low["perr"][i, 1]
        assert to_hex(bar.get_facecolor()) == (BLUE if gain[i] >= 0 else ORANGE)
        assert (bar.get_alpha() < 0.5) == (low <= 0 <= high)
    assert "gain of concat over late" in display.ax_.get_title(loc="left")
    assert "PERR error, in percentage points" in display.ax_.get_xlabel()


@pytest.mark.parametrize(("most", "first", "last"), [(5, 3, 2), (1, 1, 0), (4, 2, 2)])
def test_max_categories_keeps_largest_gains_and_losses(most, first, last):
    gain = np.array([3.0, -7.0, np.nan, 1.0, 9.0, -2.0, 0.5, 4.0])
    names = [f"c{i}" for i in range(8)]
    display = CategoryGainDisplay(names, gain).plot(max_categories=most)
    ordered = ["c4", "c7", "c0", "c3", "c6", "c5", "c1"]
    between = [f"… {7 - most} more between …"]
    assert ticks(display.ax_) == ordered[:first] + between + ordered[7 - last :]
    assert "1 without videos left out" in display.ax_.get_title(loc="left")
    assert len(display.plot(max_categories=7).ax_.get_yticks()) == 7
    assert not overlaps(display)


def test_gains_from_report_of_runs():
    runs = reports(3)
    report = compare_report({**runs, "third": runs["late"]}, baseline="late")
    display = CategoryGainDisplay.from_report(report, model="concat")
    assert display.models == ("late", "concat")
    assert_allclose(display.low, -report.difference_high["gap"][:, 1])
    with pytest.raises(ValueError, match=r"one of \['concat', 'third'\], got None"):
        CategoryGainDisplay.from_report(report)


def test_gains_from_estimators_are_by_category():
    labels, y = make_labels()
    models = {f: fitted(f, "multilabel") for f in ("early", "late")}
    display = CategoryGainDisplay.from_estimator(models, X, y, labels.hierarchy_, n_resamples=0)
    assert display.models == ("early", "late")
    assert len(display.ax_.get_yticks()) == 4


# Weight of negative pairs ---------------------------------------------------------------------


def test_negative_weights_from_predictions_draw_intervals():
    rng = np.random.RandomState(0)
    weights, rates = [4, 1, 2], {"fnr": rng.rand(3, 4) / 2 + 0.2, "error": [0.3, 0.2, 0.1]}
    ax = NegativeWeightDisplay.from_predictions(weights, rates).ax_
    error, fnr = ax.containers
    assert_allclose(error.lines[0].get_data(), ([1, 2, 4], [20, 10, 30]))
    assert_allclose(fnr.lines[0].get_ydata(), 100 * rates["fnr"].mean(1)[[1, 2, 0]])
    assert not error.lines[2]
    segment = fnr.lines[2][0].get_segments()[0][:, 1]
    interval = stats.ttest_1samp(100 * rates["fnr"][1], 0).confidence_interval(0.95)
    assert_allclose(segment, np.clip(interval, 0, 100))
    assert ticks(ax, "x") == ["4", "1", "2"]
    assert "95 % intervals" in ax.get_ylabel()


def test_negative_weights_from_estimator_train_clones():
    y, tower = make_y("classes"), make_tower(max_epochs=10, lr=1e-2)
    before = tower.get_params()
    display = NegativeWeightDisplay.from_estimator(
        tower, X, y, negative_weights=(0.01, 100.0), n_repeats=2
    )
    assert tower.get_params() == before
    assert not hasattr(tower, "net_")
    rates = {name: np.array(values) for name, values in display.rates.items()}
    assert {values.shape for values in rates.values()} == {(2, 2)}
    # The 12 held-out videos have as many positive as negative pairs.
    assert_allclose(rates["error"], (rates["fpr"] + rates["fnr"]) / 2)
    assert rates["fpr"][0].mean() > rates["fpr"][1].mean()


# The label tree -------------------------------------------------------------------------------

DAG = LabelHierarchy(
    {
        "sport": [],
        "game": [],
        "chess": ["sport", "game"],
        "golf": ["sport"],
        "go": ["game"],
        7: ["go"],
    },
    names={7: "seven"},
)


def lines(display):
    return [text.rstrip() for text in ticks(display.ax_)]


def test_tree_draws_node_below_each_parent():
    display = HierarchyDisplay(DAG, [50, 90, 30, 20, 40, 5], [1, 2, 3, 4, 5, np.nan]).plot()
    assert lines(display) == [
        "game",
        "├─ go",
        "│  └─ seven",
        "└─ chess",
        "sport",
        "├─ chess",
        "└─ golf",
    ]
    assert_allclose([bar.get_width() for bar in display.ax_.patches], [90, 40, 5, 30, 50, 30, 20])
    texts = [text.get_text().strip() for text in display.ax_.texts]
    assert texts[:3] == ["90 · 2.0 %", "40 · 5.0 %", "5"]
    colors = [to_hex(bar.get_facecolor()) for bar in display.ax_.patches]
    assert colors[3] == colors[5]  # chess, twice
    assert colors[2] == "#bbbbbb"
    assert len(set(colors)) == 6


def test_tree_counts_nodes_that_are_left_out():
    support = [50, 90, 30, 20, 40, 5]
    display = HierarchyDisplay(DAG, support, [1, 2, 3, 4, 5, 6]).plot(max_nodes=3)
    assert lines(display) == ["game", "├─ go (+1 below)", "└─ + 1 more", "sport (+2 below)"]
    assert display.ax_.texts[2].get_text().strip() == "at most 30 videos each · 3.0 % on average"
    assert lines(display.plot(max_nodes=1)) == ["game (+3 below)", "+ 1 more"]
    assert lines(display.plot(max_depth=1)) == ["game (+3 below)", "sport (+2 below)"]
    assert lines(display.plot(root="go")) == ["go", "└─ seven"]


def test_tree_from_predictions_draws_average_precision():
    y, made = predictions(3, n=60)
    sets = [[TREE.nodes[i] for i in np.flatnonzero(row)] for row in y]
    display = HierarchyDisplay.from_predictions(sets, made["late"], TREE)
    assert_allclose(display.support, y.sum(0))
    wanted = [100 * (1 - average_precision_score(y[:, i], made["late"][:, i])) for i in range(7)]
    assert_allclose(display.error, wanted)
    assert {"a", "├─ b", "└─ b"} & set(lines(display)) > {
        "a"
    }  # without the names of their ancestors
    bar = display.figure_.axes[1]
    assert "in %" in bar.get_xlabel()


@pytest.mark.parametrize("separator", [":", " > "])
def test_tree_with_long_names_does_not_overlap(separator):
    names = [
        f"top {i // 40}{separator}a label with a name that is too long {i}" for i in range(400)
    ]
    hierarchy = LabelHierarchy.from_paths(names, separator=separator)
    support = np.arange(len(hierarchy))
    display = HierarchyDisplay(hierarchy, support, np.full(len(hierarchy), 50.0)).plot()
    assert not overlaps(display)
    assert len([t for t in lines(display) if "more" not in t]) == 60
    assert len({len(text) for text in ticks(display.ax_)}) == 1
    assert len(lines(display)[0]) <= 40


def test_tree_from_estimator_draws_on_axes():
    labels, y = make_labels()
    _, ax = plt.subplots()
    display = HierarchyDisplay.from_estimator(
        fitted("late", "multilabel"), X, y, labels.hierarchy_, ax=ax, max_depth=2
    )
    assert display.ax_ is ax
    assert_allclose(display.support, y.sum(0))
    assert re.search(r"\(\+\d below\)", "\n".join(lines(display)))


def test_names_are_not_formulas():
    """matplotlib reads text between two dollars as TeX, and fails if it is not TeX."""
    name = "$\\frac of A$AP & <b>"
    y, made = predictions(0)
    tree = HierarchyDisplay(LabelHierarchy({name: [], "x": [name]}), [2, 1], [1, 2]).plot()
    gains = CategoryGainDisplay([name], [1.0], models=(name, name)).plot()
    rates = ErrorRatesDisplay.from_predictions(
        y, {name: made["late"], "x": made["concat"]}, TREE, baseline=name, n_resamples=5
    )
    for display in (tree, gains, rates):
        display.figure_.canvas.draw()
        assert display.ax_.get_yticklabels()[0].get_text().rstrip() == name.replace("$", r"\$")
