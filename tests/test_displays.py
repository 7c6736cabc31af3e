"""Displays of attention, influences, towers and training; see test_inspection.py, too."""

import sys

import matplotlib as mpl
import numpy as np
import pytest
from estimator_cases import fitted, fitted_tower, make_classifier, make_tower, make_videos, make_y
from matplotlib.figure import Figure
from numpy.testing import assert_allclose
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_crossmodal import ModalityTransformer, TransformedTargetClassifier, load_model, save_model
from sk_crossmodal.inspection import (
    AttentionDisplay,
    CorrelationDisplay,
    InfluenceDisplay,
    TrainingCurveDisplay,
)
from sk_crossmodal.inspection._line import centred, find_peaks, fit_line

mpl.use("Agg")
import itertools

import matplotlib.pyplot as plt
from matplotlib.collections import PolyCollection

X = make_videos().data
ONE = {"video": np.full(20, 0.05), "audio": np.linspace(0, 0.1, 20)}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


DRAW = {
    "attention": (2, lambda axes: AttentionDisplay.from_predictions(ONE, ONE, axes=axes)),
    "attention of a classifier": (
        2,
        lambda axes: AttentionDisplay.from_estimator(fitted(), X[[0]], axes=axes),
    ),
    "thumbnails": (
        2,
        lambda axes: AttentionDisplay.from_predictions(
            ONE, ONE, title="A video", thumbnails={3: np.ones((2, 3)), 4: "a word"}, axes=axes
        ),
    ),
    "influence": (1, lambda axes: InfluenceDisplay.from_predictions(np.eye(20), axes=axes)),
    "influence of a classifier": (
        2,
        lambda axes: InfluenceDisplay.from_estimator(fitted("cross_modal"), X[:4], axes=axes),
    ),
    "correlation": (
        1,
        lambda axes: CorrelationDisplay.from_predictions([0.7], [0.2], ax=axes and axes[0]),
    ),
    "correlation of a tower": (
        1,
        lambda axes: CorrelationDisplay.from_estimator(
            fitted_tower(), X, make_y("classes"), ax=axes and axes[0]
        ),
    ),
    "training": (
        1,
        lambda axes: TrainingCurveDisplay.from_estimator(fitted(), ax=axes and axes[0]),
    ),
}


@pytest.mark.parametrize("name", DRAW)
def test_display_without_axes_makes_one_figure(name):
    _, draw = DRAW[name]
    display = draw(None)
    assert len(plt.get_fignums()) == 1
    assert plt.figure(plt.get_fignums()[0]) is display.figure_
    assert display.ax_.figure is display.figure_
    display.figure_.canvas.draw()


@pytest.mark.parametrize("name", DRAW)
def test_display_with_axes_does_not_need_pyplot(name, monkeypatch):
    n, draw = DRAW[name]
    figure = Figure()
    axes = list(np.ravel(figure.subplots(n)))
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    display = draw(axes)
    assert display.figure_ is figure
    assert display.ax_ is axes[0]
    figure.canvas.draw()


# Attention ------------------------------------------------------------------------------------


def boxes(display, artists):
    display.figure_.canvas.draw()
    return [artist.get_window_extent() for artist in artists]


@pytest.mark.parametrize("seconds", [[2], [0, 0.2, 0.4], list(range(12)), [18, 19, 20, 20]])
def test_thumbnails_are_in_order_without_overlap(seconds):
    image = np.zeros((9, 16, 3))
    display = AttentionDisplay.from_predictions(
        ONE, ONE, thumbnails=[(second, image) for second in reversed(seconds)], title="A video"
    )
    insets = display.ax_.child_axes
    assert len(insets) == len(seconds)
    found = boxes(display, insets)
    assert all(a.x1 <= b.x0 + 1 for a, b in itertools.pairwise(found))
    strip, title = display.ax_.get_window_extent(), display.ax_._left_title.get_window_extent()
    assert found[0].x0 >= strip.x0 - 1
    assert found[-1].x1 <= strip.x1 + 1
    assert min(box.y0 for box in found) > strip.y1
    assert max(box.y1 for box in found) <= title.y0
    assert title.y1 <= display.figure_.bbox.y1
    leaders = display.ax_.lines
    assert_allclose(sorted(20 * line.get_xdata()[0] for line in leaders), sorted(seconds))


def test_thumbnail_texts_do_not_overlap():
    words = "a door slams, someone shouts, then there is nothing more to be heard for a while"
    display = AttentionDisplay.from_predictions(
        ONE, ONE, thumbnails={5 * i: words for i in range(4)}
    )
    found = boxes(display, display.ax_.texts)
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(found))
    (title,) = boxes(display, [display.ax_._left_title])
    assert max(box.y1 for box in found) <= title.y0
    assert all(text.get_text().endswith("…") for text in display.ax_.texts)


def test_title_is_above_the_first_modality():
    display = AttentionDisplay.from_predictions(ONE, ONE, title="A video")
    assert display.axes_[0].get_title(loc="left") == "A video\nvideo"
    assert display.axes_[1].get_title(loc="left") == "audio"


def test_attention_accepts_lists():
    display = AttentionDisplay.from_predictions({"video": [1, 0]}, {"video": [0.5, 0.5]})
    assert_allclose(display.ax_.patches[0].get_data().values, [100, 0])
    display = AttentionDisplay({"video": [1, 0]}, {"video": [0.5, 0.5]}).plot()
    assert_allclose(display.ax_.patches[0].get_data().values, [100, 0])


# Wrapped estimators ---------------------------------------------------------------------------

Y = make_y("classes")


def scaled():
    return ModalityTransformer({"video": StandardScaler()})


@pytest.mark.parametrize(
    "wrap",
    [
        lambda c: GridSearchCV(c, {"lr": [1e-3]}, cv=2),
        lambda c: TransformedTargetClassifier(c),
        lambda c: make_pipeline(scaled(), c),
        lambda c: GridSearchCV(
            make_pipeline(scaled(), TransformedTargetClassifier(c)),
            {"transformedtargetclassifier__classifier__lr": [1e-3]},
            cv=2,
        ),
    ],
)
def test_wrapped_classifier_is_found(wrap):
    outer = wrap(make_classifier(fusion="cross_modal", max_epochs=1)).fit(X, Y)
    inner, inside = outer, X[:3]
    while not hasattr(inner, "history_"):
        if hasattr(inner, "steps"):
            inside = inner[:-1].transform(inside)
            inner = inner[-1]
        else:
            inner = getattr(inner, "best_estimator_", None) or inner.classifier_
    assert TrainingCurveDisplay.from_estimator(outer).history is inner.history_
    weights = inner.attention_weights(inside[[0]])["audio"].after[0]
    assert_allclose(AttentionDisplay.from_estimator(outer, X[[0]]).after["audio"], weights)
    display = InfluenceDisplay.from_estimator(outer, X[:3])
    for pair, response in inner.influence_response(inside).items():
        assert_allclose(display.responses[pair], response)


def test_frozen_tower_is_found():
    tower = fitted_tower()
    display = CorrelationDisplay.from_estimator(FrozenEstimator(tower), X, Y)
    assert_allclose(display.matching, tower.pair_probabilities(X, Y, random_state=0)[0].ravel())


# Influence ------------------------------------------------------------------------------------


def test_responses_are_drawn_relative_to_their_median():
    responses = np.eye(20) + 5 * np.arange(20)
    display = InfluenceDisplay.from_predictions(responses, seconds_per_frame=2.0)
    (image,) = display.ax_.images
    assert_allclose(image.get_array(), np.eye(20))
    assert image.get_clim() == (-1, 1)
    assert image.get_extent() == [0, 40, 0, 40]
    (dots,) = display.ax_.collections
    assert_allclose(dots.get_offsets(), np.c_[np.arange(1, 40, 2), np.arange(1, 40, 2)])
    assert display.lines_["source", "target"].shift == pytest.approx(0, abs=1e-9)


def test_line_ignores_a_few_outliers():
    responses = np.eye(30, k=-5)
    responses[2, 20:25] = 1.2
    line = InfluenceDisplay.from_predictions(responses).lines_["source", "target"]
    assert (line.shift, line.stretch) == (pytest.approx(5, abs=0.2), pytest.approx(1, abs=0.02))
    assert line.strength == pytest.approx(20 / (20 + 5 * 1.44), abs=0.01)


@pytest.mark.parametrize("n", [12, 22, 100])
def test_noise_has_no_shift(n):
    rng = np.random.RandomState(0)
    found = []
    for _ in range(200):
        responses = centred(rng.randn(n, 16) @ rng.randn(16, n))
        found.append(not np.isnan(fit_line(find_peaks(responses), n, 1.0).shift))
    assert np.mean(found) <= 0.02


@pytest.mark.parametrize(
    ("responses", "text"),
    [
        (np.eye(20)[:, [7] * 20], "no clear shift: 100% within 1.5 s of a line, 100% of one time"),
        (np.zeros((20, 20)), "no clear shift: no response"),
        (np.eye(11), "fewer than 12"),
        (np.ones((1, 1)), "fewer than 12"),
        (np.eye(20, k=-3), "shift +3.0 s, stretch 1.00"),
    ],
)
def test_legend_describes_the_line(responses, text):
    display = InfluenceDisplay.from_predictions(responses)
    assert text in " ".join(" ".join(legend_of(display.ax_)).split())
    clear = "no clear" not in legend_of(display.ax_)[-1]
    assert clear == (not np.isnan(display.lines_["source", "target"].stretch))


def test_influence_of_one_source_draws_its_pairs():
    classifier = fitted("cross_modal")
    display = InfluenceDisplay.from_estimator(classifier, X[:3], source="audio")
    assert list(display.responses) == [("audio", "video")]
    assert display.ax_.get_title(loc="left") == "audio → video"
    assert "audio" in display.ax_.get_xlabel()
    assert "video" in display.ax_.get_ylabel()


# Correlation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [0.0, 0.07, 0.5, 0.83, 1.0])
def test_correlation_errors_are_filled_to_the_threshold(threshold):
    rng = np.random.RandomState(0)
    positive, negative = rng.beta(5, 2, 200), rng.beta(2, 5, 100)
    display = CorrelationDisplay.from_predictions(positive, negative, threshold=threshold)
    texts = [text.get_text() for text in display.ax_.texts]
    fnr, fpr = np.mean(positive <= threshold), np.mean(negative > threshold)
    assert texts == [f"FNR {fnr:.1%}", f"FPR {fpr:.1%}"]
    low, high = (c for c in display.ax_.collections if isinstance(c, PolyCollection))
    assert low.get_datalim(display.ax_.transData).extents[[0, 2]].tolist() == [0, threshold]
    assert high.get_datalim(display.ax_.transData).extents[[0, 2]].tolist() == [threshold, 1]
    assert f"{fnr:.1%} below {threshold:g} (FNR)" in legend_of(display.ax_)[0]
    # A filled part is as high as its bars.
    bars = np.histogram(positive, 25, (0, 1))[0] / 2
    inside = np.floor(25 * np.array([threshold / 2])).astype(int)
    heights = low.get_paths()[0].vertices
    assert heights[:, 1].max() == max(bars[: int(np.ceil(25 * threshold - 1e-9))], default=bars[0])
    assert bars[inside] in heights[:, 1] or threshold == 0


# Training -------------------------------------------------------------------------------------


def lines_of(ax):
    return {line.get_label(): line.get_ydata() for line in ax.lines}


def vertical(ax, style):
    return [
        line.get_xdata()[0]
        for line in ax.lines
        if len(line.get_xdata()) == 2
        and line.get_linestyle() == style
        and line.get_xdata()[0] == line.get_xdata()[1]
    ]


@pytest.fixture(scope="module")
def stopped():
    """A classifier with early stopping and changes of the learning rate."""
    classifier = make_classifier(
        max_epochs=30, early_stopping=True, lr=3e-3, lr_patience=1, validation_fraction=0.3,
        fusion="late",
    )  # fmt: skip
    return classifier.fit(X, Y)


def test_training_curve_draws_history(stopped):
    history = stopped.history_
    losses = [row["valid_loss"] for row in history]
    display = TrainingCurveDisplay.from_estimator(stopped)
    drawn = lines_of(display.ax_)
    assert_allclose(drawn["training loss"], [row["train_loss"] for row in history])
    assert_allclose(drawn["validation loss"], losses)
    assert len(history) < 30
    assert display.kept_epoch == 1 + int(np.argmin(losses))
    assert vertical(display.ax_, "--") == [display.kept_epoch]
    rates = [row["event_lr"] for row in history]
    changes = [i + 0.5 for i in range(1, len(rates)) if rates[i] != rates[i - 1]]
    assert changes
    assert vertical(display.ax_, ":") == changes
    assert any("learning rate 0.003 → 0.0003" in label for label in legend_of(display.ax_))
    assert_allclose(display.score_ax_.lines[0].get_ydata(), stopped.validation_scores_)
    assert display.score_ax_.get_ylabel() == "accuracy"


def test_training_curve_of_loaded_model_is_the_same(stopped, tmp_path):
    save_model(stopped, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    display = TrainingCurveDisplay.from_estimator(loaded)
    assert_allclose(
        lines_of(display.ax_)["training loss"],
        [row["train_loss"] for row in stopped.history_],
    )
    assert display.kept_epoch == TrainingCurveDisplay.from_estimator(stopped).kept_epoch


def test_kept_epoch_counts_epochs_of_earlier_fits():
    params = {"warm_start": True, "early_stopping": True, "lr": 1e-3, "max_epochs": 4}
    classifier = make_classifier(fusion="late", **params).fit(X, Y).fit(X, Y)
    display = TrainingCurveDisplay.from_estimator(classifier)
    assert len(display.history) == 8
    later = [row["valid_loss"] for row in classifier.history_[4:]]
    assert display.kept_epoch == 5 + int(np.argmin(later))


def test_training_curve_marks_only_known_events():
    tower = make_tower(max_epochs=1).fit(X, Y)
    display = TrainingCurveDisplay.from_estimator(tower)
    assert display.score_ax_ is None
    assert legend_of(display.ax_) == ["training loss"]
    assert display.ax_.get_xticks().tolist() == [1]


def test_many_learning_rates_are_only_counted():
    history = [{"train_loss": 1.0, "event_lr": 0.1 / i} for i in range(1, 11)]
    display = TrainingCurveDisplay.from_predictions(history)
    assert "learning rate 0.1 → 0.01 in 9 steps" in legend_of(display.ax_)
    assert vertical(display.ax_, ":") == []


def test_training_curve_draws_chosen_score():
    history = [{"train_loss": 1.0, "valid_gap": 0.3}, {"train_loss": 0.5, "valid_gap": 0.4}]
    display = TrainingCurveDisplay.from_predictions(history, score="valid_gap")
    assert_allclose(display.score_ax_.lines[0].get_ydata(), [0.3, 0.4])
    assert "gap, on the right" in legend_of(display.ax_)


def test_names_with_dollars_are_not_formulas():
    names = ("$5 video", "a_$b$")
    attention = {name: np.full(20, 0.05) for name in names}
    thumbnails = {3: "$x_1$ and $y"}
    display = AttentionDisplay.from_predictions(attention, attention, thumbnails=thumbnails)
    influence = InfluenceDisplay.from_predictions(np.eye(20), source=names[0], target=names[1])
    for ax in (display.ax_, influence.ax_):
        for text in (ax._left_title, ax.xaxis.label, ax.yaxis.label, *ax.texts):
            assert "$" not in text.get_text() or not text.get_parse_math()
