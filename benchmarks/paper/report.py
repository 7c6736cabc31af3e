"""Assemble a data set's report from what the runs have left."""

import numpy as np
import paper_numbers
import pictures
import settings
from blocks import Heading, Listing, Paragraph, Picture, Table, to_html, to_markdown
from cells import plain_interval, spread
from claims import RULE, findings
from example_tables import example_table
from head import head_points, settings_points
from intervals import ENOUGH_SEEDS, N_RESAMPLES
from runs import N_ATTENTION
from score_tables import (
    category_table,
    model_table,
    paper_category_table,
    paper_model_table,
    summary_table,
)
from tower_tables import encoder_table, extremes_table, truth_table, weight_table

TITLES = {
    "synthetic": "made-up videos",
    "youtube8m": "YouTube-8M, video-level",
    "corsmal_type": "CORSMAL, filling type",
    "corsmal_level": "CORSMAL, filling type and level",
}
FAMILY_NAMES = {
    "TM": "Transformer",
    "NV": "NetVLAD",
    "RNN": "Attention RNN",
    "NV-16": "NetVLAD with 16 clusters",
    "GRU-8": "Attention RNN with 8 clusters over the states of a GRU",
}


def write_report(results, folder, command, seconds):
    """Write report.md, report.html and the pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if not results.videos:
        raise SystemExit(f"no results of {results.data_set} yet: run without --report-only.")
    blocks = [
        Heading(f"Cross-modal learning on {TITLES[results.data_set]}: every table", 1),
        Listing(head_points(results, command, seconds)),
        *_claims(results),
        *_models(results, folder),
        *_categories(results),
        *_examples(results),
        *_attention(results, folder),
        *_tower(results, folder),
        *_depth(results),
        Heading("Settings"),
        Listing(settings_points(results)),
    ]
    (folder / "report.md").write_text(to_markdown(blocks), encoding="utf-8")
    (folder / "report.html").write_text(to_html(blocks, folder), encoding="utf-8")


def statistics_note(results):
    """Say where the intervals come from."""
    unit = f"{results.unit}s"
    over_seeds = (
        f"Intervals are at 95 %. Of {ENOUGH_SEEDS} and more {unit} they are Student's t over the "
        f"{unit}; differences are taken within each of the {unit} first, so they are paired."
    )
    if unit == "folds":
        over_seeds += " Folds share training videos, so the intervals are somewhat too narrow."
    resampled = (
        f"Of fewer {unit} they are a percentile bootstrap over the test videos (or pairs), "
        f"{N_RESAMPLES} resamples, the same for both models of a difference: they leave out that "
        "training again would give other models."
    )
    here = f"{unit.capitalize()} here: {len(results.videos)}."
    if len(results.videos) < ENOUGH_SEEDS:
        here += " **So verdicts are about these trained models, not yet about the method.**"
    return f"{over_seeds} {resampled} {here}"


def _claims(results):
    rows = [
        [
            one.claim,
            one.place,
            one.model,
            one.verdict,
            plain_interval(one.found),
            one.paper,
        ]
        for one in findings(results)
    ]
    score = "GAP error" if results.multilabel else "share of wrong predictions"
    caption = (
        f"Differences between models are in points of overall {score}, above zero where the claim "
        "is right. The paper's numbers are GAP error, of other data."
    )
    heads = ["claim", "section", "model", "verdict", "here, with 95 % interval", "the paper"]
    table = Table(heads, rows, caption, n_labels=4)
    notes = [Paragraph(RULE), Paragraph(statistics_note(results))]
    return [Heading("The paper's claims"), *notes, table]


def _models(results, folder):
    blocks = [Heading("All models"), summary_table(results)]
    if any(map(results.models, results.families)):
        file = pictures.draw_errors(results, folder)
        text = "Overall error of each fusion with its 95 % interval; controls in grey."
        blocks.append(Picture(file, text))
    if not results.multilabel:
        return blocks
    for family in filter(results.models, results.families):
        table = paper_numbers.SCORE_TABLES.get(family, "beside Tables 4 and 8")
        blocks.append(Heading(f"{FAMILY_NAMES[family]}, by level ({table})"))
        blocks.append(model_table(results, family))
        if family in paper_numbers.SCORES:
            blocks.append(paper_model_table(family))
    return blocks


def _with_both(results):
    """Families with results of L and of CM-C in one seed."""
    return [f for f in results.families if results.seeds(f"{f}-L", f"{f}-CM-C")]


def _categories(results):
    if not results.categories:
        return []
    blocks = [Heading("By category (Tables 5 and 9)")]
    for family in _with_both(results):
        blocks += [Heading(FAMILY_NAMES[family], 3), category_table(results, family)]
        if family in paper_numbers.CATEGORY_ERRORS:
            blocks.append(paper_category_table(family))
    return blocks


def _examples(results):
    blocks = [Heading("Single videos (Tables 6, 7, 10 and 11)")]
    for family in _with_both(results):
        for kind, text in (("right", "where CM-C helps"), ("wrong", "where CM-C is wrong")):
            blocks.append(Heading(f"{FAMILY_NAMES[family]}, {text}", 3))
            blocks.append(example_table(results, family, kind))
    return blocks


def _attention(results, folder):
    blocks = [Heading("Attention over time (Figure 1)")]
    for family in results.families:
        if results.seeds(f"{family}-CM-C")[:1] == [0]:
            file, video = pictures.draw_attention(results, family, folder)
            text = (
                f"{family}-CM-C, {results.unit} 0, {video}: that one of the first {N_ATTENTION} "
                "test videos whose attention the influence moves most, before and after it."
            )
            blocks.append(Picture(file, text))
    return blocks


def _tower(results, folder):
    if not results.seeds(results.shared_tower):
        return []
    weights = pictures.draw_weights(results, folder)
    histogram = pictures.draw_histogram(results, folder)
    count = f"{len(results.seeds(results.shared_tower))} {results.unit}(s)"
    text = f"Figure 9: the tower's output on held-out pairs of {count}."
    blocks = [
        Heading("The correlation tower (Figures 8 and 9, Tables 1 to 3)"),
        Picture(weights, "Figure 8: error rates by the weight of mismatched pairs."),
        weight_table(results),
        Picture(histogram, text),
        extremes_table(results),
    ]
    if results.videos[results.first_seed]["flags"]:
        blocks.append(truth_table(results))
    if len(settings.ENCODERS[settings.kind_of(results.data_set)]) > 1:
        blocks.append(encoder_table(results))
    return blocks


def _depth(results):
    blocks = [Heading("Depth and size of F (Section 4.2)")]
    if not results.seeds("search TM"):
        return [*blocks, Paragraph("Not searched on this data set, or not done yet.")]
    seed = results.seeds("search TM")[0]
    errors = results.arrays("search TM", seed)["errors"]
    chosen = next(run["settings"] for run in results.runs if run["name"] == "search TM")
    rows = [
        [" → ".join(map(str, size)), str(len(size)), spread(column)]
        for size, column in zip(chosen["sizes"], np.transpose(errors), strict=True)
    ]
    caption = (
        f"GAP error of TM-CM-C in percent by the hidden layers of F, mean ± standard deviation "
        f"over {chosen['n_folds']} folds of the first {chosen['n_videos']} training videos of "
        f"seed {seed}. All share one tower, which has seen the videos of every fold."
    )
    return [*blocks, Table(["hidden layers of F", "depth", "GAP error"], rows, caption)]
