"""The paper's Tables 4, 5, 8 and 9 for any family, and a table of all models."""

import numpy as np
import paper_numbers
import settings
from blocks import Table
from cells import NOTHING, interval, mark_best, mean_and_std
from comparisons import gain
from intervals import ENOUGH_SEEDS, Statistic, estimate
from sklearn.metrics import balanced_accuracy_score

from sk_crossmodal.metrics import SCORES


def model_table(results, family):
    """Return Table 4 of a family: error by score and level, one column per fusion."""
    models = results.models(family)
    rows = []
    for score in SCORES:
        errors = {row: _errors(results, name, score) for row, name in models.items()}
        for i, level in enumerate(["overall", *results.levels]):
            values = [error[:, i] for error in errors.values()]
            cells = mark_best(map(mean_and_std, values), [value.mean() for value in values])
            rows.append(
                [
                    SCORES[score].heading,
                    level,
                    *cells,
                    _gain_cell(results, family, errors, score, i),
                ]
            )
    return Table(
        ["score", "level", *(settings.HEADINGS[row] for row in models), "gain of CM-C over L"],
        rows,
        "Error in percent, 100 (1 - score), lower is better; mean ± standard deviation over "
        "seeds; the lowest mean of a row is bold. The gain is in points, with a 95 % interval if "
        "there is one.",
        n_labels=2,
    )


def _errors(results, name, score):
    """Return errors in percent, of shape (seeds, levels)."""
    return 100 * (1 - np.array([getattr(report, score) for report in results.reports(name)]))


def _gain_cell(results, family, errors, score, i):
    names = f"{family}-L", f"{family}-CM-C"
    if not results.seeds(*names):
        return NOTHING
    if score == "gap":
        columns = None if i == 0 else list(results.levels.values())[i - 1]
        return interval(estimate(gain(results, *names, columns)))
    late, concat = (
        dict(zip(results.seeds(name), errors[row][:, i], strict=True))
        for name, row in zip(names, ("L", "CM-C"), strict=True)
    )
    gains = [late[seed] - concat[seed] for seed in results.seeds(*names)]
    if len(gains) < ENOUGH_SEEDS:
        return f"{np.mean(gains):+.2f}"
    return interval(estimate([Statistic(1, lambda _, value=value: value) for value in gains]))


def paper_model_table(family):
    """Return Table 4 or 8 of the paper."""
    rows = [
        [score, level, *(f"{error:.2f}" for error in errors), f"{errors[1] - errors[3]:+.2f}"]
        for score, levels in paper_numbers.SCORES[family].items()
        for level, errors in zip(paper_numbers.LEVELS, levels, strict=True)
    ]
    return Table(
        ["score", "level", *(settings.HEADINGS[r] for r in paper_numbers.ROWS), "CM-C over L"],
        rows,
        f"{paper_numbers.SCORE_TABLES[family]} of the paper: other data, other labels, mean of "
        "five test samples. Only the order of the columns can be compared.",
        n_labels=2,
    )


def category_table(results, family):
    """Return Table 5 of a family: GAP error of L and CM-C by top-level label."""
    names = f"{family}-L", f"{family}-CM-C"
    seeds = results.seeds(*names)
    late, concat = ([100 * (1 - r.gap) for r in results.reports(name, True)] for name in names)
    videos = np.mean([report.n_videos for report in results.reports(names[1], True)], axis=0)
    rows = []
    for i, (category, columns) in enumerate(results.categories.items()):
        found = estimate(gain(results, *names, columns))
        cells = [mean_and_std([run[i] for run in runs]) for runs in (late, concat)]
        rows.append([category, f"{videos[i]:.0f}", *cells, interval(found)])
    return Table(
        ["category", "videos", *map(settings.heading, names), "gain"],
        rows,
        f"GAP error in percent by top-level category, mean ± standard deviation over {len(seeds)} "
        "seed(s), and gain in points with a 95 % interval.",
    )


def paper_category_table(family):
    """Return Table 5 or 9 of the paper."""
    late, concat = paper_numbers.CATEGORY_ERRORS[family]
    rows = [
        [name, f"{a:.2f}", f"{b:.2f}", f"{a - b:+.2f}"]
        for name, a, b in zip(paper_numbers.CATEGORIES, late, concat, strict=True)
    ]
    table = paper_numbers.CATEGORY_TABLES[family]
    caption = f"{table} of the paper: other data, other categories."
    names = [settings.heading(f"{family}-{row}") for row in ("L", "CM-C")]
    return Table(["category", *names, "gain"], rows, caption)


def every_model(results):
    """Return the names of all models with results, baselines first."""
    models = [name for family in results.families for name in results.models(family).values()]
    return results.baselines() + models


def summary_table(results):
    """Return a table of all models: overall errors, or accuracies for classes."""
    measure = _overall_errors if results.multilabel else _accuracies
    heads = ["accuracy", "balanced accuracy"]
    if results.multilabel:
        heads = [score.heading for score in SCORES.values()]
    names = every_model(results)
    rows = []
    for name in names:
        seconds = [results.numbers(name, seed)["seconds"] for seed in results.seeds(name)]
        cells = [mean_and_std(values) for values in measure(results, name)]
        rows.append([settings.heading(name), *cells, str(len(seconds)), f"{np.mean(seconds):.0f}"])
    title = (
        "Overall errors in percent, lower is better"
        if results.multilabel
        else "Accuracies in percent, higher is better"
    )
    caption = f"{title}; mean ± standard deviation over {results.unit}s. {_controls()}"
    return Table(["model", *heads, f"{results.unit}s", "seconds"], rows, caption)


def _controls():
    return (
        f"{' and '.join(map(settings.HEADINGS.get, settings.CONTROLS))} are controls: late fusion "
        "with the tower's probability, and influence of the modality's own attention."
    )


def _overall_errors(results, name):
    return [_errors(results, name, score)[:, 0] for score in SCORES]


def _accuracies(results, name):
    plain, balanced = [], []
    for seed in results.seeds(name):
        truth = results.truth(seed).argmax(1)
        predicted = results.probability(name, seed).argmax(1)
        plain.append(100 * np.mean(predicted == truth))
        balanced.append(100 * balanced_accuracy_score(truth, predicted))
    return plain, balanced
