"""Assemble a data set's report from what the runs have left."""

import paper_numbers
import pictures
import settings
from blocks import Heading, Listing, Paragraph, Picture, Table, to_html, to_markdown
from cells import plain_interval
from claims import RULE, findings
from depth_table import depth_section
from example_tables import example_table
from families import CHOSEN, family_name, family_points
from head import head_points, settings_points
from intervals import ENOUGH_SEEDS, N_RESAMPLES
from plan import SHARED_TOWER
from runs import N_ATTENTION
from score_tables import (
    category_table,
    model_table,
    paper_category_table,
    paper_model_table,
    summary_table,
)
from tower_tables import encoder_table, extremes_table, weight_table
from truth_tables import false_negative_table, truth_table

TITLES = {
    "synthetic": "made-up videos",
    "youtube8m": "YouTube-8M, video-level",
    "corsmal_type": "CORSMAL, filling type",
    "corsmal_level": "CORSMAL, filling type and level",
}


def write_report(results, folder, command, seconds):
    """Write report.md, report.html and the pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if not results.videos:
        raise SystemExit(f"no results of {results.data_set} yet: run without --report-only.")
    blocks = [
        Heading(f"Cross-modal learning on {TITLES[results.data_set]}: every table", 1),
        Listing(head_points(results, command, seconds)),
        Heading("What is compared"),
        Listing(family_points(results)),
        Paragraph(CHOSEN[settings.kind_of(results.data_set)]),
        *_claims(results),
        *_models(results, folder),
        *_categories(results),
        *_examples(results),
        *_attention(results, folder),
        *_tower(results, folder),
        *depth_section(results),
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
    if len(results.videos) > 1 and results.shares_test_videos:
        over_seeds += (
            " All seeds have the same test videos: so over seeds the intervals say what training "
            "again would give on these test videos, and leave out that others might differ."
        )
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
    found = findings(results)
    score = "GAP error" if results.multilabel else "share of wrong predictions"
    caption = (
        f"Differences between models are in points of overall {score}, above zero where the claim "
        "is right, with their 95 % interval. The paper's numbers are GAP error, of other data."
    )
    notes = [Paragraph(RULE), Paragraph(statistics_note(results))]
    others = [one for one in found if one.model not in results.families]
    rows = [[one.claim, one.place, one.model, one.paper, _judged(one)] for one in others]
    heads = ["claim", "section", "model", "the paper", "here"]
    tables = [_claims_by_family(results, found, caption), Table(heads, rows, n_labels=3)]
    return [Heading("The paper's claims"), *notes, *tables]


def _claims_by_family(results, found, caption):
    """One row a claim, one column a family."""
    by_claim = {}
    for one in found:
        if one.model in results.families:
            by_claim.setdefault((one.claim, one.place), {})[one.model] = one
    rows = []
    for (claim, place), ones in by_claim.items():
        paper = "\n".join(f"{name} {one.paper}" for name, one in ones.items() if one.paper != "-")
        cells = [_judged(ones[family]) for family in results.families]
        rows.append([claim, place, paper or "-", *cells])
    heads = ["claim", "section", "the paper", *results.families]
    return Table(heads, rows, caption, n_labels=2)


def _judged(one):
    """Write a verdict, and below it the figure that it rests on."""
    return one.verdict if one.found is None else f"{one.verdict}\n{plain_interval(one.found)}"


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
        name = family_name(results.data_set, family)
        blocks.append(Heading(f"{family} by level ({table}): {name}"))
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
        name = family_name(results.data_set, family)
        blocks += [Heading(f"{family}: {name}", 3), category_table(results, family)]
        if family in paper_numbers.CATEGORY_ERRORS:
            blocks.append(paper_category_table(family))
    return blocks


def _examples(results):
    blocks = [Heading("Single videos (Tables 6, 7, 10 and 11)")]
    for family in _with_both(results):
        for kind, text in (("right", "where CM-C helps"), ("wrong", "where CM-C is wrong")):
            name = family_name(results.data_set, family)
            blocks.append(Heading(f"{family}, {text} ({name})", 3))
            blocks.append(example_table(results, family, kind))
    return blocks


def _attention(results, folder):
    blocks = [Heading("Attention over time (Figure 1)")]
    for family in results.families:
        if results.seeds(f"{family}-CM-C")[:1] == [0]:
            file, video = pictures.draw_attention(results, family, folder)
            first = next(iter(results.videos[0]["lengths"]))
            text = (
                f"{family}-CM-C, {results.unit} 0, {video}: that one of the first {N_ATTENTION} "
                f"test videos in which the influence moves the attention to *{first}* (the first "
                "modality) most, before and after it."
            )
            blocks.append(Picture(file, text))
    return blocks


def _tower(results, folder):
    if not results.seeds(SHARED_TOWER):
        return []
    weights = pictures.draw_weights(results, folder)
    histogram = pictures.draw_histogram(results, folder)
    count = f"{len(results.seeds(SHARED_TOWER))} {results.unit}(s)"
    text = (
        f"Figure 9: the tower's output on held-out pairs of {count}; the paper's is on training "
        "data."
    )
    blocks = [
        Heading("The correlation tower (Figures 8 and 9, Tables 1 to 3)"),
        Picture(weights, "Figure 8: error rates by the weight of mismatched pairs."),
        weight_table(results),
        Picture(histogram, text),
        extremes_table(results),
    ]
    if results.videos[results.first_seed]["flags"]:
        blocks += [false_negative_table(results), truth_table(results)]
    if len(settings.ENCODERS[settings.kind_of(results.data_set)]) > 1:
        blocks.append(encoder_table(results))
    return blocks
