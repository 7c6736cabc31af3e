import re

import matplotlib as mpl
import numpy as np
import pytest
from estimator_cases import fitted, fitted_tower, from_rows, make_classifier, make_videos, make_y
from numpy.testing import assert_allclose

mpl.use("Agg")
import itertools

import matplotlib.pyplot as plt
from matplotlib.patches import StepPatch

from sk_crossmodal.inspection import (
    AttentionDisplay,
    CorrelationDisplay,
    InfluenceDisplay,
    compare_report,
)
from sk_crossmodal.metrics import hierarchy_report
from sk_crossmodal.multimodal import as_multimodal

X = make_videos().data


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def stairs(ax):
    """Values and edges of the drawn steps by label, without the filled ones."""
    return {
        patch.get_label(): patch.get_data()[:2]
        for patch in ax.patches
        if isinstance(patch, StepPatch) and not patch.get_fill()
    }


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# Attention ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [1.0, 0.5])
@pytest.mark.parametrize("fusion", ["late", "cross_modal", "early"])
def test_attention_display_draws_before_and_after(fusion, seconds):
    classifier, video = fitted(fusion), X[[3]]
    display = AttentionDisplay.from_estimator(classifier, video, seconds_per_frame=seconds)
    attention = classifier.attention_weights(video)
    assert display.axes_.shape == (len(attention),)
    for ax, (name, pair) in zip(display.axes_, attention.items(), strict=True):
        assert ax.figure is display.figure_
        assert ax.get_title(loc="left") == name
        assert "%" in ax.get_ylabel()
        drawn = stairs(ax)
        assert set(drawn) == {"before the influence", "after the influence"}
        for label, weights in (("before", pair.before[0]), ("after", pair.after[0])):
            values, edges = drawn[f"{label} the influence"]
            assert_allclose(values, 100 * weights)
            assert_allclose(edges, seconds * np.arange(len(weights) + 1))
        assert ax.get_xlim() == (0, seconds * len(pair.after[0]))
        assert ax.get_ylim()[1] > 100 * max(pair.before.max(), pair.after.max())
        assert len(legend_of(ax)) == 2
    assert display.axes_[-1].get_xlabel() == "time in seconds"


def test_attention_of_a_long_video_is_drawn_in_seconds():
    """Also in windows of several frames, with the rates of the video or a given unit."""
    rates = {"video": 1.0, "audio": 4.0}
    videos = as_multimodal(
        [np.ones((10, 8), np.float32)] * 8, [np.ones((40, 6), np.float32)] * 8, rates=rates
    )
    params = {"fusion": "cross_modal", "max_epochs": 1}
    pooling, whole = (
        make_classifier(max_frames=n, **params).fit(videos, [0, 1] * 4) for n in (16, 40)
    )
    for classifier, n_steps in ((pooling, 16), (whole, 40)):
        for unit, seconds in ((None, 10.0), (1.0, 40.0)):
            display = AttentionDisplay.from_estimator(
                classifier, videos[[0]], seconds_per_frame=unit, spans={"audio": (0, 20)}
            )
            _, edges = stairs(display.ax_)["after the influence"]
            assert_allclose(edges, np.linspace(0, seconds, n_steps + 1))
            (span,) = (p for p in display.axes_[1].patches if p.get_label() == "event")
            assert span.get_width() == seconds / 2
            display = InfluenceDisplay.from_estimator(classifier, videos, seconds_per_frame=unit)
            assert display.ax_.get_xlim() == (0, seconds)


def test_attention_spans_are_shaded():
    display = AttentionDisplay.from_estimator(
        fitted("late"), X[[0]], spans={"audio": (2, 3)}, seconds_per_frame=2.0
    )
    video, audio = display.axes_
    assert "event" not in legend_of(video)
    assert "event" in legend_of(audio)
    (span,) = (patch for patch in audio.patches if patch.get_label() == "event")
    assert (span.get_x(), span.get_x() + span.get_width()) == (4.0, 10.0)


def test_attention_with_axes_draws_on_them():
    figure, axes = plt.subplots(2)
    display = AttentionDisplay.from_estimator(fitted("late"), X[[0]], axes=axes)
    assert display.figure_ is figure
    assert list(display.axes_) == list(axes)
    assert len(plt.get_fignums()) == 1


def test_attention_of_one_modality_needs_one_axes():
    _, ax = plt.subplots()
    display = AttentionDisplay.from_estimator(fitted("early"), X[[0]], axes=[ax])
    assert display.axes_[0] is ax


@pytest.mark.parametrize("count", [2, 48])
def test_attention_of_several_videos_raises(count):
    with pytest.raises(ValueError, match=rf"one video, such as X\[\[0\]\], got {count}"):
        AttentionDisplay.from_estimator(fitted("late"), X[:count])


def test_plot_again_makes_new_figure():
    before, after = {"sound": np.array([0.5, 0.5])}, {"sound": np.array([0.1, 0.9])}
    display = AttentionDisplay(before, after)
    assert display.plot() is display
    assert_allclose(stairs(display.axes_[0])["after the influence"][0], [10, 90])
    first = display.figure_
    assert display.plot().figure_ is not first


def test_attention_of_video_without_frames_says_so():
    """A video without sound has no attention to draw, and there is no warning."""
    video = from_rows(video=[np.ones((4, 8))], audio=[np.ones((0, 6))])
    display = AttentionDisplay.from_estimator(fitted("cross_modal"), video)
    assert_allclose(stairs(display.axes_[1])["after the influence"][0], 0)
    texts = [[text.get_text() for text in ax.texts] for ax in display.axes_]
    assert texts == [[], ["no frames in this video"]]
    display.figure_.canvas.draw()


# Correlation ----------------------------------------------------------------------------------


def check_correlation(display, positive, negative, bins=25):
    edges = np.linspace(0, 1, bins + 1)
    drawn = stairs(display.ax_)
    assert len(drawn) == 2
    rates = {
        "positive": (positive, np.mean(positive <= 0.5), "FNR"),
        "negative": (negative, np.mean(negative > 0.5), "FPR"),
    }
    for label, (values, at) in drawn.items():
        name, count = re.match(r"(\w+), (\d+) pairs", label).groups()
        p, rate, kind = rates.pop(name)
        assert int(count) == len(p)
        assert f"{rate:.1%}" in label
        assert kind in label
        share = [((p >= a) & (p < b)).sum() for a, b in itertools.pairwise(edges)]
        share[-1] += (p == 1).sum()
        assert_allclose(values, 100 * np.array(share) / len(p))
        assert_allclose(at, edges)
        assert values.sum() == pytest.approx(100)
        assert label in legend_of(display.ax_)
    assert display.ax_.get_xlim() == (0, 1)
    assert "probability" in display.ax_.get_xlabel()
    assert "%" in display.ax_.get_ylabel()


def test_correlation_from_predictions_draws_histograms():
    rng = np.random.RandomState(0)
    positive, negative = rng.beta(5, 2, size=(70, 1)), rng.beta(2, 5, size=50)
    display = CorrelationDisplay.from_predictions(positive, negative)
    assert display.figure_ is display.ax_.figure
    check_correlation(display, positive.ravel(), negative)


@pytest.mark.parametrize("random_state", [0, 3])
def test_correlation_from_estimator_draws_pair_probabilities(random_state):
    tower, y = fitted_tower(), make_y("classes")
    _, ax = plt.subplots()
    display = CorrelationDisplay.from_estimator(tower, X, y, random_state=random_state, ax=ax)
    assert display.ax_ is ax
    pairs = tower.pair_probabilities(X, y, random_state=random_state)
    check_correlation(display, *(part.ravel() for part in pairs))
    display.figure_.canvas.draw()


def test_correlation_bins_set_number_of_bars():
    positive, negative = np.array([0.1, 1.0]), np.array([0.0, 0.5])
    display = CorrelationDisplay(positive, negative)
    assert display.plot(bins=4) is display
    check_correlation(display, positive, negative, bins=4)


def test_correlation_without_negative_pairs_counts_zero():
    display = CorrelationDisplay.from_predictions([0.2, 0.7], [])
    assert any("0 pairs" in label for label in legend_of(display.ax_))


# Comparison -----------------------------------------------------------------------------------

LEVELS = [0, 0, 1, 1, 1]
SCORES = {"gap": "GAP", "map": "MAP", "perr": "PERR", "hit_at_1": "Hit@1"}


def report(seed, levels=LEVELS):
    rng = np.random.RandomState(seed)
    y = rng.randint(2, size=(20, len(levels)))
    return hierarchy_report(y, rng.rand(20, len(levels)), levels)


RUNS = {"late": [report(s) for s in (0, 1, 2)], "a much longer name": [report(3), report(4)]}


@pytest.mark.parametrize("score", SCORES)
def test_compare_report_computes_mean_and_std(score):
    comparison = compare_report(RUNS)
    assert comparison.models == tuple(RUNS)
    assert comparison.rows == ("overall", "level 0", "level 1")
    for column, runs in enumerate(RUNS.values()):
        errors = np.array([100 - 100 * getattr(run, score) for run in runs])
        assert_allclose(comparison.mean[score][:, column], errors.mean(0))
        std = np.sqrt(((errors - errors.mean(0)) ** 2).sum(0) / (len(runs) - 1))
        assert_allclose(comparison.std[score][:, column], std)


def test_comparison_text_has_mean_and_std():
    comparison = compare_report(RUNS)
    lines = str(comparison).splitlines()
    assert "error rates in percent, lower is better" in lines[0]
    blocks = "\n".join(lines[1:]).strip("\n").split("\n\n")
    for block, (score, heading) in zip(blocks, SCORES.items(), strict=True):
        head, *rows = block.splitlines()
        assert re.split(r"\s{2,}", head.strip()) == [heading, *RUNS]
        for i, row in enumerate(rows):
            name, *cells = re.split(r"\s{2,}", row.strip())
            assert name == comparison.rows[i]
            mean, std = comparison.mean[score][i], comparison.std[score][i]
            assert cells == [f"{m:.2f} ± {s:.2f}" for m, s in zip(mean, std, strict=True)]
        assert len({len(line) for line in (head, *rows)}) == 1


def test_comparison_of_single_runs_has_no_std():
    comparison = compare_report({"one": RUNS["late"][0], "listed": [RUNS["late"][0]]})
    assert np.isnan(comparison.std["gap"]).all()
    assert "±" not in str(comparison).split("\n", 1)[1]
    assert_allclose(comparison.mean["map"][:, 0], 100 * (1 - RUNS["late"][0].map))


def test_comparison_of_one_run_and_many_shows_std_of_many():
    comparison = compare_report({"one": RUNS["late"][0], "many": RUNS["late"]})
    for line in str(comparison).splitlines():
        if line.startswith(comparison.rows):
            assert line.count("±") == 1


@pytest.mark.parametrize("others", [{"x": report(0, [0, 0, 0])}, {"x": [report(0, [0, 1, 2])]}])
def test_compare_report_with_different_rows_raises(others):
    with pytest.raises(ValueError, match="same rows"):
        compare_report({**RUNS, **others})
    with pytest.raises(ValueError, match="same rows"):
        compare_report({"mixed": [RUNS["late"][0], report(0, [0, 0])]})


@pytest.mark.parametrize("reports", [{}, {"none": []}, {"none": [], "one": RUNS["late"]}])
def test_compare_report_without_reports_raises(reports):
    with pytest.raises(ValueError, match=r"(?i)model|run|report"):
        compare_report(reports)


def test_comparison_of_level_without_videos_shows_dash():
    y = np.array([[1, 0], [1, 0]])
    empty = hierarchy_report(y, [[0.9, 0.1], [0.8, 0.1]], [0, 1])
    comparison = compare_report({"a": [empty, empty], "b": empty})
    assert np.isnan(comparison.mean["gap"][2]).all()
    assert re.search(r"level 1 +- +-", str(comparison))


def test_comparison_to_frame_has_means():
    comparison = compare_report(RUNS)
    frame = comparison.to_frame()
    assert list(frame.columns) == list(RUNS)
    assert frame.index.names == ["score", "level"]
    for score, heading in SCORES.items():
        for i, row in enumerate(comparison.rows):
            assert_allclose(frame.loc[(heading, row)], comparison.mean[score][i])


def test_comparison_of_fitted_classifiers_shows_their_errors():
    y = make_y("multilabel")
    levels = np.zeros(y.shape[1], int)
    reports = {
        fusion: hierarchy_report(
            y, make_classifier(fusion=fusion).fit(X, y).predict_proba(X), levels
        )
        for fusion in ("early", "late")
    }
    table = str(compare_report(reports))
    assert f"{100 * (1 - reports['late'].gap[0]):.2f}" in table


def test_negative_attention_is_inside_the_axes():
    """An influence that is added to attention may make it negative."""
    before, after = np.full(4, 0.25), np.array([0.9, -0.3, 0.2, 0.2])
    display = AttentionDisplay({"video": before}, {"video": after}).plot()
    low, high = display.axes_[0].get_ylim()
    assert low < -30
    assert high > 90
    plt.close(display.figure_)
