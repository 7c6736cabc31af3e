"""How well the model does: by level, by category, and on single videos."""

from typing import Any

import numpy as np

from .._types import Floats
from ..inspection import ErrorExamples, HierarchyDisplay, compare_predictions
from ..inspection._comparison import SCORES
from ..inspection._style import BLUE, GREEN, GREY, ORANGE
from ..metrics import HierarchyReport, hierarchy_report
from ._draw import drawing, new_figure, picture
from ._page import Section, bare, heading, numbers, paragraph
from ._subject import Subject

MOST_GROUPS = 60  # categories listed
MOST_NODES = 45  # labels drawn
FEWEST, MOST_RESAMPLED, N_RESAMPLES = 10, 20_000, 200  # videos with intervals, and draws
MARKS = {"gap": ("o", BLUE), "map": ("s", ORANGE), "perr": ("^", GREEN), "hit_at_1": ("D", GREY)}
EXPLAINED = (
    "All are error rates in percent, lower is better. GAP pools the 20 best labels of every "
    "video; MAP is the mean over labels of how well videos are ranked for each; PERR asks for as "
    "many labels as a video has; Hit@1 for the best label alone. A row below the first counts the "
    "videos that have a true label in it or one predicted above 0.5."
)


def lead(subject: Subject, report: HierarchyReport) -> str:
    """The numbers to be seen first."""
    n, n_labels = subject.labels.shape
    errors = {name: 100 * (1 - float(getattr(report, key)[0])) for key, name in SCORES.items()}
    kind = "Labels" if subject.multilabel else "Classes"
    return numbers(
        [("Videos", f"{n:,}"), (kind, f"{n_labels:,}")]
        + [(f"{name} error", _percent(error)) for name, error in errors.items()]
        + [
            (
                "All labels right" if subject.multilabel else "Accuracy",
                _percent(_accuracy(subject)),
            )
        ]
    )


def scores_section(subject: Subject, report: HierarchyReport) -> Section:
    """Tables and a picture of error rates."""
    parts = [paragraph(EXPLAINED), heading("By level"), bare(report.to_html())]
    flat = subject.hierarchy.n_levels == 1
    if flat:
        why = (
            "No hierarchy of the labels is known"
            if subject.multilabel
            else "A video has one class alone"
        )
        parts.append(paragraph(f"{why}, so there is one level.", "note"))
    parts.append(_draw_errors(subject, report))
    parts += [heading("By label" if flat else "The tree of labels"), _draw_tree(subject)]
    return Section("scores", "Scores", parts if flat else parts + _by_category(subject))


def _by_category(subject: Subject) -> list[str]:
    groups, words = _largest(
        hierarchy_report(subject.labels, subject.probability, subject.hierarchy, by_group=True)
    )
    words = (
        "A row knows only its own labels, and counts the videos that have one or are given one: "
        f"a category of a single label has little to be wrong about. {words}"
    )
    return [heading("By category"), paragraph(words.strip()), bare(groups.to_html())]


def examples_section(examples: ErrorExamples | None) -> Section:
    """Best and worst examples."""
    if examples is None:
        parts = [paragraph("None were asked for (n_examples=0).", "note")]
        return Section("examples", "Examples", parts)
    words = (
        "Chosen by a rule, so that nobody picked them. True labels stand with the probability "
        "that the model gave them, and ✓ marks what is true among its most probable labels."
    )
    return Section("examples", "Examples", [paragraph(words), bare(examples.to_html())])


def _accuracy(subject: Subject) -> float:
    """Share in percent of the videos with all labels, or the class, right."""
    right = 0
    for start in range(0, len(subject.X), 4096):  # never all of a large table at once
        truth = subject.labels[start : start + 4096].toarray()
        scores = subject.probability[start : start + 4096]
        if subject.multilabel:
            right += ((scores > 0.5) == truth).all(axis=1).sum()
        else:
            right += truth[np.arange(len(truth)), scores.argmax(axis=1)].sum()
    return 100 * right / len(subject.X)


def _largest(report: HierarchyReport) -> tuple[HierarchyReport, str]:
    """The rows with the most videos where there are too many rows, and words about it."""
    n = len(report.rows)
    if n <= MOST_GROUPS:
        return report, ""
    kept = np.sort(np.argsort(-report.n_videos, kind="stable")[:MOST_GROUPS])
    columns: dict[str, Any] = {
        name: np.asarray(column)[kept] for name, column in report.to_dict().items()
    }
    columns["rows"] = tuple(report.rows[i] for i in kept)
    return HierarchyReport(**columns), f"The {MOST_GROUPS} of {n:,} rows with the most videos."


def _draw_errors(subject: Subject, report: HierarchyReport) -> str:
    rows = report.rows[:1] if subject.hierarchy.n_levels == 1 else report.rows
    reach, words = _intervals(subject)
    with drawing():
        figure = new_figure(7.0, 1.3 + 0.5 * len(rows))
        ax = figure.subplots()
        for i, (key, name) in enumerate(SCORES.items()):
            marker, color = MARKS[key]
            at = np.arange(len(rows)) + 0.18 * (i - 1.5)
            errors = 100 * (1 - getattr(report, key)[: len(rows)])
            bars = None if reach is None else np.abs(reach[key][:, : len(rows)] - errors)
            ax.errorbar(errors, at, xerr=bars, fmt=marker, color=color, label=name, ms=5, lw=1)
        ax.set_yticks(range(len(rows)), rows)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_xlim(left=0)
        ax.set_xlabel("error in %, lower is better")
        ax.grid(axis="x", color="#dddddd", lw=0.6)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        figure.legend(frameon=False, loc="outside upper left", ncols=4)
        return picture(
            figure,
            "Error rates by level: GAP, MAP, PERR and Hit@1",
            f"Error rates by level: the further left a mark, the better. {words}",
        )


def _intervals(subject: Subject) -> tuple[dict[str, Floats] | None, str]:
    """Ends of 95 % intervals by score, (2, n_rows), and words about them; None if not known."""
    n = len(subject.X)
    if n < FEWEST:
        return None, f"There are fewer than {FEWEST} videos, so it is mostly chance."
    if n > MOST_RESAMPLED:
        return None, "There are so many videos that intervals would be narrow; none are drawn."
    models = {"model": subject.probability}
    found = compare_predictions(subject.labels, models, subject.hierarchy, n_resamples=N_RESAMPLES)
    if found.low is None or found.high is None:
        return None, ""
    ends = {key: np.stack([found.low[key][:, 0], found.high[key][:, 0]]) for key in SCORES}
    return ends, f"Lines are 95 % intervals from {found.basis}: they tell chance from skill."


def _draw_tree(subject: Subject) -> str:
    with drawing():
        figure = new_figure(7.8, 8.0)
        display = HierarchyDisplay.from_predictions(
            subject.labels,
            subject.probability,
            subject.hierarchy,
            max_nodes=MOST_NODES,
            ax=figure.subplots(),
        )
        figure.set_figheight(1.4 + 0.18 * len(display.ax_.get_yticks()))
        return picture(
            figure,
            "The labels as a tree, with the number of videos and the error of each",
            "Each label, the longer its bar the more videos it has, the darker the worse it is "
            "known. Where there are too many labels, those with the most videos stand here.",
        )


def _percent(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.1f} %"
