"""Write the report of a data set from the results of its runs."""

import paper_numbers
import plots
import settings
from blocks import Heading, Listing, Paragraph, Plot, Table, to_html, to_markdown
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
    "synthetic": "synthetic videos",
    "youtube8m": "YouTube-8M, video-level",
    "corsmal_type": "CORSMAL, filling type",
    "corsmal_level": "CORSMAL, filling type and level",
}


def write_report(results, folder, command, seconds):
    """Write report.md, report.html and the plots to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if not results.videos:
        raise SystemExit(f"no results of {results.data_set} yet: run without --report-only.")
    blocks = [
        Heading(f"Cross-modal learning on {TITLES[results.data_set]}: every table", 1),
        Listing(head_points(results, command, seconds)),
        Heading("Models"),
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
    """Describe the intervals."""
    unit = f"{results.unit}s"
    over_seeds = (
        f"All intervals are 95 % intervals. With {ENOUGH_SEEDS} or more {unit}, they are "
        f"Student's t over the {unit}; differences are paired within each of the {unit}."
    )
    if unit == "folds":
        over_seeds += " Folds share training videos, so the intervals are slightly too narrow."
    if len(results.videos) > 1 and results.shares_test_videos:
        over_seeds += (
            " All seeds have the same test videos, so the intervals show the variation of "
            "training on these test videos, but not the variation over test videos."
        )
    resampled = (
        f"With fewer {unit}, they are a percentile bootstrap over the test videos (or pairs) with "
        f"{N_RESAMPLES} resamples, the same for both models of a difference: they do not show the "
        "variation of training."
    )
    here = f"{unit.capitalize()} here: {len(results.videos)}."
    if len(results.videos) < ENOUGH_SEEDS:
        here += " **So the results describe these trained models, and not yet the method.**"
    return f"{over_seeds} {resampled} {here}"


def _claims(results):
    found = findings(results)
    score = "GAP error" if results.multilabel else "share of wrong predictions"
    caption = (
        f"Differences between models in points of overall {score}, positive if the claim is "
        "right, with 95 % intervals. The paper's numbers are GAP errors on other data."
    )
    notes = [Paragraph(RULE), Paragraph(statistics_note(results))]
    others = [one for one in found if one.model not in results.families]
    rows = [[one.claim, one.place, one.model, one.paper, _claim_cell(one)] for one in others]
    heads = ["claim", "section", "model", "the paper", "here"]
    tables = [_claims_by_family(results, found, caption), Table(heads, rows, n_labels=3)]
    return [Heading("The paper's claims"), *notes, *tables]


def _claims_by_family(results, found, caption):
    """Return a table with one row per claim, and one column per family."""
    by_claim = {}
    for one in found:
        if one.model in results.families:
            by_claim.setdefault((one.claim, one.place), {})[one.model] = one
    rows = []
    for (claim, place), ones in by_claim.items():
        paper = "\n".join(f"{name} {one.paper}" for name, one in ones.items() if one.paper != "-")
        cells = [_claim_cell(ones[family]) for family in results.families]
        rows.append([claim, place, paper or "-", *cells])
    heads = ["claim", "section", "the paper", *results.families]
    return Table(heads, rows, caption, n_labels=2)


def _claim_cell(one):
    """Format the outcome of a claim, with its value below."""
    return one.outcome if one.found is None else f"{one.outcome}\n{plain_interval(one.found)}"


def _models(results, folder):
    blocks = [Heading("All models"), summary_table(results)]
    if any(map(results.models, results.families)):
        file = plots.draw_errors(results, folder)
        text = "Overall error of each fusion with its 95 % interval; controls in grey."
        blocks.append(Plot(file, text))
    if not results.multilabel:
        return blocks
    for family in filter(results.models, results.families):
        table = paper_numbers.SCORE_TABLES.get(family, "like Tables 4 and 8")
        name = family_name(results.data_set, family)
        blocks.append(Heading(f"{family} by level ({table}): {name}"))
        blocks.append(model_table(results, family))
        if family in paper_numbers.SCORES:
            blocks.append(paper_model_table(family))
    return blocks


def _with_both(results):
    """Return families with results of both L and CM-C in one seed."""
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
            file, video = plots.draw_attention(results, family, folder)
            first = next(iter(results.videos[0]["lengths"]))
            text = (
                f"{settings.heading(f'{family}-CM-C')}, {results.unit} 0, {video}: attention "
                f"before and after the influence, for the video of the first {N_ATTENTION} test "
                f"videos in which the influence changes the attention to *{first}* most."
            )
            blocks.append(Plot(file, text))
    return blocks


def _tower(results, folder):
    if not results.seeds(SHARED_TOWER):
        return []
    weights = plots.draw_weights(results, folder)
    histogram = plots.draw_histogram(results, folder)
    count = f"{len(results.seeds(SHARED_TOWER))} {results.unit}(s)"
    text = (
        f"Figure 9: output of the tower on held-out pairs of {count}; the paper shows training "
        "data."
    )
    blocks = [
        Heading("The correlation tower (Figures 8 and 9, Tables 1 to 3)"),
        Plot(weights, "Figure 8: error rates by the weight of negative pairs."),
        weight_table(results),
        Plot(histogram, text),
        extremes_table(results),
    ]
    if results.videos[results.first_seed]["flags"]:
        blocks += [false_negative_table(results), truth_table(results)]
    if len(settings.ENCODERS[settings.kind_of(results.data_set)]) > 1:
        blocks.append(encoder_table(results))
    return blocks
