"""The sections about scores, by level and by category, and about single videos."""

from typing import Any

import numpy as np

from .._types import Floats
from ..inspection import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    ErrorExamples,
    HierarchyDisplay,
    compare_predictions,
    draw_grid,
    hide_spines,
)
from ..metrics import SCORES, HierarchyReport, hierarchy_report
from ._figures import drawing, figure_html, new_figure
from ._inputs import ReportInputs
from ._page import Section, heading, key_numbers, note, paragraph, without_style

MAX_GROUPS = 60  # categories in the table
MAX_NODES = 45  # labels in the tree
MIN_RESAMPLED, MAX_RESAMPLED, N_RESAMPLES = 10, 20_000, 200  # numbers of videos, and resamples
BLOCK = 4096  # videos that are made dense at a time
MARKS = (("o", BLUE), ("s", ORANGE), ("^", GREEN), ("D", GREY))


def lead(inputs: ReportInputs, report: HierarchyReport) -> str:
    """Key numbers at the top of the page."""
    n, n_labels = inputs.labels.shape
    errors = {f"{SCORES[s].heading} error": 100 * (1 - getattr(report, s)[0]) for s in SCORES}
    errors["All labels right" if inputs.multilabel else "Accuracy"] = _accuracy(inputs)
    counts = [
        ("Videos", f"{n:,}"),
        ("Labels" if inputs.multilabel else "Classes", f"{n_labels:,}"),
    ]
    shown = [(name, "-" if np.isnan(x) else f"{x:.1f} %") for name, x in errors.items()]
    return key_numbers([*counts, *shown])


def scores_section(inputs: ReportInputs, report: HierarchyReport) -> Section:
    """Tables and plots of error rates by level and by top-level category."""
    text = " ".join(
        (
            "All are error rates, 100 % minus a score; lower is better.",
            *(score.description for score in SCORES.values()),
            "A row below the first counts the videos that have a true label in it or one "
            "predicted above 0.5.",
        )
    )
    parts = [paragraph(text), heading("By level"), without_style(report.to_html())]
    flat = inputs.hierarchy.n_levels == 1
    if flat and inputs.multilabel:
        parts.append(note("No hierarchy of the labels is known, so there is one level."))
    elif flat:
        parts.append(note("Each video has a single class, so there is one level."))
    parts.append(_draw_errors(inputs, report))
    parts += [heading("By label" if flat else "Label tree"), _draw_tree(inputs)]
    return Section("scores", "Scores", parts if flat else parts + _by_category(inputs))


def _by_category(inputs: ReportInputs) -> list[str]:
    groups, words = _largest(
        hierarchy_report(inputs.labels, inputs.probability, inputs.hierarchy, by_group=True)
    )
    text = (
        "A row is computed from its own labels alone, and from the videos that have one of them "
        "or for which one is predicted, so a category of a single label has few possible errors. "
        f"{words}"
    )
    return [heading("By category"), paragraph(text.strip()), without_style(groups.to_html())]


def examples_section(examples: ErrorExamples | None) -> Section:
    """Best and worst examples."""
    if examples is None:
        return Section("examples", "Examples", [note("None were requested (n_examples=0).")])
    text = (
        "Selected by a fixed rule. True labels are shown with their predicted probability; ✓ "
        "marks true labels among the most probable ones."
    )
    parts = [paragraph(text), without_style(examples.to_html())]
    return Section("examples", "Examples", parts)


def _accuracy(inputs: ReportInputs) -> float:
    """Share in percent of the videos with all labels, or the class, predicted correctly."""
    right = 0
    for start in range(0, len(inputs.X), BLOCK):
        truth = inputs.labels[start : start + BLOCK].toarray()
        scores = inputs.probability[start : start + BLOCK]
        if inputs.multilabel:
            right += ((scores > 0.5) == truth).all(axis=1).sum()
        else:
            right += truth[np.arange(len(truth)), scores.argmax(axis=1)].sum()
    return 100 * right / len(inputs.X)


def _largest(report: HierarchyReport) -> tuple[HierarchyReport, str]:
    """The rows with the most videos if there are too many rows, and words about it."""
    n = len(report.rows)
    if n <= MAX_GROUPS:
        return report, ""
    kept = np.sort(np.argsort(-report.n_videos, kind="stable")[:MAX_GROUPS])
    columns: dict[str, Any] = {
        name: np.asarray(column)[kept] for name, column in report.to_dict().items()
    }
    columns["rows"] = tuple(report.rows[i] for i in kept)
    return HierarchyReport(**columns), f"The {MAX_GROUPS} of {n:,} rows with the most videos."


def _draw_errors(inputs: ReportInputs, report: HierarchyReport) -> str:
    rows = report.rows[:1] if inputs.hierarchy.n_levels == 1 else report.rows
    intervals, words = _intervals(inputs)
    headings = [score.heading for score in SCORES.values()]
    with drawing():
        figure = new_figure(7.0, 1.3 + 0.5 * len(rows))
        ax = figure.subplots()
        for i, (score, name) in enumerate(zip(SCORES, headings, strict=True)):
            marker, color = MARKS[i % len(MARKS)]
            at = np.arange(len(rows)) + 0.18 * (i - (len(SCORES) - 1) / 2)
            errors = 100 * (1 - getattr(report, score)[: len(rows)])
            bars = intervals and np.abs(intervals[score][:, : len(rows)] - errors)
            ax.errorbar(errors, at, xerr=bars, fmt=marker, color=color, label=name, ms=5, lw=1)
        ax.set_yticks(range(len(rows)), rows)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_xlim(left=0)
        ax.set_xlabel("error in %, lower is better")
        draw_grid(ax)
        hide_spines(ax)
        figure.legend(frameon=False, loc="outside upper left", ncols=4)
        return figure_html(
            figure,
            f"Error rates by level: {', '.join(headings[:-1])} and {headings[-1]}",
            f"Error rates by level: the further left a mark, the better. {words}",
        )


def _intervals(inputs: ReportInputs) -> tuple[dict[str, Floats] | None, str]:
    """Ends of 95 % intervals by score, (2, n_rows), or None, and words about them."""
    n = len(inputs.X)
    if n < MIN_RESAMPLED:
        return None, f"There are fewer than {MIN_RESAMPLED} videos, so chance dominates."
    if n > MAX_RESAMPLED:
        return None, "No intervals are drawn: with so many videos they would be narrow."
    models = {"model": inputs.probability}
    found = compare_predictions(inputs.labels, models, inputs.hierarchy, n_resamples=N_RESAMPLES)
    low, high = found.low or {}, found.high or {}
    ends = {score: np.stack([low[score][:, 0], high[score][:, 0]]) for score in low}
    return ends, f"Lines are 95 % intervals from {found.basis}."


def _draw_tree(inputs: ReportInputs) -> str:
    with drawing():
        figure = new_figure(7.8, 8.0)
        display = HierarchyDisplay.from_predictions(
            inputs.labels,
            inputs.probability,
            inputs.hierarchy,
            max_nodes=MAX_NODES,
            ax=figure.subplots(),
        )
        figure.set_figheight(1.4 + 0.18 * len(display.ax_.get_yticks()))
        return figure_html(
            figure,
            "The labels as a tree, with the number of videos and the error of each",
            "Each label: the longer its bar, the more videos it has; the darker, the larger its "
            "error. If there are too many labels, those with the most videos are shown.",
        )
