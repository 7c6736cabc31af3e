"""How far the correlation tower is to be trusted."""

from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from .._html import table
from .._types import Floats
from ..inspection import CorrelationDisplay
from ..inspection._style import BLUE, GREY
from ._draw import drawing, new_figure, picture
from ._page import Section, paragraph
from ._subject import Subject

MOST_VIDEOS = 2000  # on which the tower is tried
N_BINS = 10  # of probabilities


def tower_section(subject: Subject) -> Section:
    """Error rates, histogram and calibration of the correlation tower."""
    title = "Correlation tower"
    tower = getattr(subject.classifier, "correlation_tower_", None)
    if tower is None:
        fusion = getattr(subject.classifier, "fusion", None)
        words = "The model has no correlation tower" + (
            f": fusion={fusion!r} uses none." if fusion else "."
        )
        return Section("tower", title, [paragraph(words, "note")])
    rows = subject.draw(MOST_VIDEOS)
    X = subject.inner(rows)
    verdicts = tower.predict_proba(X)
    parts = [
        paragraph(
            f"The tower judges whether the modalities of a video have to do with each other, here "
            f"on {len(rows):,} videos" + (" drawn by lot." if len(rows) < len(subject.X) else ".")
        ),
        _shares(tower.pairs_, verdicts),
    ]
    try:
        pairs = tower.pair_probabilities(X, subject.y[rows], random_state=0)
    except ValueError as error:
        reason = str(error).partition(";")[0]
        parts.append(paragraph(f"It cannot be tried on mismatched pairs. {reason}.", "note"))
        return Section("tower", title, parts)
    return Section("tower", title, [*parts, _rates(*pairs), *_pictures(*pairs)])


def _shares(pairs: list[tuple[str, str]], verdicts: Floats) -> str:
    heads = ["modalities", "videos with p > 0.5, in %", "lowest p", "median p", "highest p"]
    rows = [
        [f"{a} and {b}", f"{100 * np.mean(p > 0.5):.1f}"]
        + [f"{each:.2f}" for each in (p.min(), np.median(p), p.max())]
        for (a, b), p in zip(pairs, verdicts.T, strict=True)
    ]
    return table("What the tower says of the videos, p being its probability", heads, rows)


def _rates(matching: Floats, mismatched: Floats) -> str:
    truth = np.repeat([1, 0], [len(matching), len(mismatched)])
    p = np.concatenate([matching, mismatched])
    shares, means, weights = _calibration(matching, mismatched)
    gap = np.sum(weights * np.abs(shares - means))
    rows = [
        ["error: pairs judged wrongly", f"{100 * np.mean((p > 0.5) != truth):.1f} %"],
        ["FPR: mismatched pairs judged to match", f"{100 * np.mean(mismatched > 0.5):.1f} %"],
        ["FNR: matching pairs judged not to", f"{100 * np.mean(matching <= 0.5):.1f} %"],
        ["area under the ROC curve", f"{roc_auc_score(truth, p):.3f}"],
        ["mean distance of p to the share that match", f"{gap:.3f}"],
    ]
    caption = f"{len(matching):,} matching and {len(mismatched):,} mismatched pairs"
    return table(caption, ["", "value"], rows)


def _pictures(matching: Floats, mismatched: Floats) -> list[str]:
    with drawing():
        figure = new_figure(7.0, 3.6)
        CorrelationDisplay.from_predictions(matching, mismatched, ax=figure.subplots())
        histogram = picture(
            figure,
            "Histogram of the tower's probability for matching and mismatched pairs",
            "What the tower says of pairs. The less the two heaps overlap the better; what "
            "reaches over the dotted line is judged wrongly.",
        )
        figure = new_figure(5.0, 4.2)
        _plot_calibration(figure.subplots(), matching, mismatched)
        calibration = picture(
            figure,
            "Calibration of the tower's probability",
            "Of the pairs to which the tower gives a probability, the share that match. On the "
            "dotted line p means what it says; above it the tower is too doubtful, as it is meant "
            "to be with a negative_weight above 1. Larger dots stand for more pairs.",
        )
    return [histogram, calibration]


def _calibration(matching: Floats, mismatched: Floats) -> tuple[Floats, Floats, Floats]:
    """By bins of p that are not empty: share that match, mean p, and weight of the pairs."""
    p = np.concatenate([matching, mismatched]).astype(np.float64)
    each = [np.full(len(kind), 0.5 / max(1, len(kind))) for kind in (matching, mismatched)]
    bins = np.minimum((N_BINS * p).astype(int), N_BINS - 1)
    weights = np.concatenate(each)
    total: Floats = np.bincount(bins, weights, N_BINS).astype(np.float64)
    match = np.bincount(bins[: len(matching)], each[0], N_BINS)
    mean = np.bincount(bins, weights * p, N_BINS)
    found = total > 0
    return match[found] / total[found], mean[found] / total[found], total[found]


def _plot_calibration(ax: Any, matching: Floats, mismatched: Floats) -> None:
    shares, means, weights = _calibration(matching, mismatched)
    ax.plot([0, 100], [0, 100], ":", color=GREY, lw=1)
    ax.plot(100 * means, 100 * shares, color=BLUE, lw=1.4)
    ax.scatter(100 * means, 100 * shares, 20 + 180 * weights / weights.max(), color=BLUE)
    ax.set_xlabel("tower's probability in %")
    ax.set_ylabel("pairs that match in %")
    ax.set_xlim(-3, 103)
    ax.set_ylim(-3, 103)
    ax.set_aspect("equal")
    ax.spines[["top", "right"]].set_visible(False)
