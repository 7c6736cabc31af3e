"""The paper's Figures 1, 8 and 9, and its Table 4 as a plot."""

import numpy as np
import settings
from comparisons import tower_rate
from intervals import estimate
from matplotlib.figure import Figure
from plan import SHARED_TOWER, tower_name

from sk_crossmodal.inspection import AttentionDisplay, CorrelationDisplay

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"  # Okabe and Ito's palette
N_COLUMNS = 3
TIME = {  # labels of the time axis
    "synthetic": "time in seconds",
    "youtube8m": "frames",
    "corsmal": "time steps",
}


def _save(figure, folder, name):
    figure.savefig(folder / name, dpi=120)
    return name


def draw_errors(results, folder):
    """Plot the overall error of each model with its 95 % interval, one panel per family."""
    families = [family for family in results.families if results.models(family)]
    n_columns = min(N_COLUMNS, len(families))
    n_rows = -(-len(families) // n_columns)
    size = 3.5 + 3.2 * n_columns, n_rows * (0.8 + 0.28 * len(settings.ROWS))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False).ravel()
    for ax, family in zip(panels, families, strict=False):
        _draw_family(ax, results, family)
        ax.xaxis.set_tick_params(labelbottom=True)
    for ax in panels[len(families) :]:
        ax.remove()
    return _save(figure, folder, "errors.png")


def _draw_family(ax, results, family):
    rows = list(settings.ROWS)[::-1]
    for row, name in results.models(family).items():
        found = estimate(results.errors(name, results.seeds(name)))
        half_widths = [[found.mean - found.low], [found.high - found.mean]]
        color = ORANGE if row == "CM-C" else GREY if row in settings.CONTROLS else BLUE
        ax.errorbar(found.mean, rows.index(row), xerr=half_widths, fmt="o", color=color, capsize=3)
    ax.set_title(family, loc="left", fontsize="medium", fontweight="bold")
    ax.set_yticks(range(len(rows)), [settings.HEADINGS[row] for row in rows])
    ax.set_xlabel("GAP error in %" if results.multilabel else "wrong predictions in %")
    ax.grid(axis="x", color="#dddddd", lw=0.6)
    ax.spines[["top", "right"]].set_visible(False)


def draw_attention(results, family, folder):
    """Plot Figure 1 for CM-C of a family; return the file and the name of the video."""
    name = f"{family}-CM-C"
    seed = results.seeds(name)[0]
    arrays = results.arrays(name, seed)
    videos, row = results.videos[seed], int(arrays["attention_row"])
    modalities = list(videos["lengths"])
    before, after = (
        {modality: arrays[f"{kind} {modality}"] for modality in modalities}
        for kind in ("before", "after")
    )
    spans = {modality: span[row] for modality, span in videos["spans"].items()}
    figure = Figure(figsize=(7.0, 1.0 + 1.9 * len(modalities)), layout="constrained")
    axes = figure.subplots(len(modalities), 1, squeeze=False)[:, 0]
    AttentionDisplay(before, after, spans=spans or None).plot(axes=axes)
    axes[-1].set_xlabel(TIME[settings.kind_of(results.data_set)])
    return _save(figure, folder, f"attention-{family}.png"), videos["names"][row]


def draw_weights(results, folder):
    """Plot Figure 8: error rates of the tower against the weight of negative pairs."""
    figure = Figure(figsize=(6.0, 3.6), layout="constrained")
    ax = figure.subplots()
    weights = [w for w in settings.NEGATIVE_WEIGHTS if results.seeds(tower_name(w))]
    for rate, label, color in (
        ("error", "overall error", BLUE),
        ("fpr", "FPR", ORANGE),
        ("fnr", "FNR", GREEN),
    ):
        found = [estimate(tower_rate(results, tower_name(weight), rate)) for weight in weights]
        means = np.array([one.mean for one in found])
        reach = [means - [one.low for one in found], [one.high for one in found] - means]
        ax.errorbar(weights, means, yerr=reach, fmt="o-", color=color, capsize=3, label=label)
    ax.set_xscale("log", base=2)
    ax.set_xticks(weights, [f"{weight:g}" for weight in weights])
    ax.minorticks_off()
    ax.set_xlabel("weight of negative pairs")
    ax.set_ylabel("held-out pairs in %")
    ax.set_ylim(0)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    return _save(figure, folder, "figure8.png")


def draw_histogram(results, folder):
    """Plot Figure 9: output of the tower on positive and negative pairs of all seeds."""
    seeds = results.seeds(SHARED_TOWER)
    pairs = [
        np.concatenate([results.arrays(SHARED_TOWER, seed)[kind] for seed in seeds])
        for kind in ("matching", "mismatched")
    ]
    figure = Figure(figsize=(7.0, 3.8), layout="constrained")
    CorrelationDisplay.from_predictions(*pairs, ax=figure.subplots())
    return _save(figure, folder, "figure9.png")
