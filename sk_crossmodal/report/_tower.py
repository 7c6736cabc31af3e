"""The section about the correlation tower: error rates, histogram and calibration."""

from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from .._html import table
from .._types import Floats
from ..inspection import BLUE, GREY, CorrelationDisplay, hide_spines
from ._figures import drawing, figure_html, new_figure
from ._inputs import ReportInputs
from ._page import Section, note, paragraph

MAX_VIDEOS = 2000  # on which the tower is evaluated
N_BINS = 10  # of probabilities


def tower_section(inputs: ReportInputs) -> Section:
    """Evaluate the tower on videos and on negative pairs, or say why it is not."""
    tower = getattr(inputs.classifier, "correlation_tower_", None)
    if tower is None:
        fusion = getattr(inputs.classifier, "fusion", None)
        why = f": fusion={fusion!r} uses none." if fusion else "."
        network = getattr(inputs.classifier, "module_", None)
        if fusion and getattr(network, "fusion", fusion) != fusion:
            why = ", as no two videos of its training set differ in their labels."
        parts = [note(f"The model has no correlation tower{why}")]
        return Section("tower", "Correlation tower", parts)
    rows = inputs.sample(MAX_VIDEOS)
    X = inputs.transformed(rows)
    sampled = " drawn at random." if len(rows) < len(inputs.X) else "."
    text = (
        "The tower predicts the probability that the modalities of a video are correlated, here "
        f"on {len(rows):,} videos{sampled}"
    )
    parts = [paragraph(text), _probabilities(tower.pairs_, tower.predict_proba(X))]
    try:
        pairs = tower.pair_probabilities(X, inputs.y[rows], random_state=0)
    except ValueError as error:
        reason = str(error).partition(";")[0]
        parts.append(note(f"It cannot be evaluated on negative pairs. {reason}."))
    else:
        parts += [_rates(*pairs), *_draw(*pairs)]
    return Section("tower", "Correlation tower", parts)


def _probabilities(pairs: list[tuple[str, str]], probability: Floats) -> str:
    heads = ["modalities", "videos with p > 0.5, in %", "lowest p", "median p", "highest p"]
    rows = [
        [f"{a} and {b}", f"{100 * np.mean(p > 0.5):.1f}"]
        + [f"{each:.2f}" for each in (p.min(), np.median(p), p.max())]
        for (a, b), p in zip(pairs, probability.T, strict=True)
    ]
    return table("The tower's probability p on the videos", heads, rows)


def _rates(positive: Floats, negative: Floats) -> str:
    truth = np.repeat([1, 0], [len(positive), len(negative)])
    p = np.concatenate([positive, negative])
    shares, means, weights = _calibration(positive, negative)
    gap = np.sum(weights * np.abs(shares - means))
    rows = [
        ["error: wrong predictions", f"{100 * np.mean((p > 0.5) != truth):.1f} %"],
        ["FPR: negative pairs predicted positive", f"{100 * np.mean(negative > 0.5):.1f} %"],
        ["FNR: positive pairs predicted negative", f"{100 * np.mean(positive <= 0.5):.1f} %"],
        ["area under the ROC curve", f"{roc_auc_score(truth, p):.3f}"],
        ["mean difference between p and the share of positive pairs", f"{gap:.3f}"],
    ]
    caption = f"{len(positive):,} positive and {len(negative):,} negative pairs"
    return table(caption, ["", "value"], rows)


def _draw(positive: Floats, negative: Floats) -> list[str]:
    with drawing():
        figure = new_figure(7.0, 3.6)
        CorrelationDisplay.from_predictions(positive, negative, ax=figure.subplots())
        histogram = figure_html(
            figure,
            "Histogram of the tower's probability for positive and negative pairs",
            "The tower's probability for pairs. The less the two histograms overlap, the better; "
            "filled parts beyond the dotted line are errors.",
        )
        figure = new_figure(5.0, 4.2)
        _plot_calibration(figure.subplots(), positive, negative)
        calibration = figure_html(
            figure,
            "Calibration of the tower's probability",
            "Share of positive pairs among the pairs with a given probability. On the dotted line "
            "the probabilities are calibrated; above it they are too low, as intended by a "
            "negative_weight above 1. Larger dots are more pairs.",
        )
    return [histogram, calibration]


def _calibration(positive: Floats, negative: Floats) -> tuple[Floats, Floats, Floats]:
    """Share of positive pairs, mean p and weight of the pairs, by bins of p that are not empty."""
    p = np.concatenate([positive, negative]).astype(np.float64)
    # The positive pairs have the same total weight as the negative ones.
    halves = [np.full(len(pairs), 0.5 / max(1, len(pairs))) for pairs in (positive, negative)]
    bins = np.minimum((N_BINS * p).astype(int), N_BINS - 1)
    weights = np.concatenate(halves)
    total: Floats = np.bincount(bins, weights, N_BINS).astype(np.float64)
    match = np.bincount(bins[: len(positive)], halves[0], N_BINS)
    mean = np.bincount(bins, weights * p, N_BINS)
    found = total > 0
    return match[found] / total[found], mean[found] / total[found], total[found]


def _plot_calibration(ax: Any, positive: Floats, negative: Floats) -> None:
    shares, means, weights = _calibration(positive, negative)
    ax.plot([0, 100], [0, 100], ":", color=GREY, lw=1)
    ax.plot(100 * means, 100 * shares, color=BLUE, lw=1.4)
    ax.scatter(100 * means, 100 * shares, 20 + 180 * weights / weights.max(), color=BLUE)
    ax.set_xlabel("tower's probability in %")
    ax.set_ylabel("positive pairs in %")
    ax.set_xlim(-3, 103)
    ax.set_ylim(-3, 103)
    ax.set_aspect("equal")
    hide_spines(ax)
