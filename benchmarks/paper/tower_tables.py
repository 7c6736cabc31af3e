"""Tables of the correlation tower: Figure 8, other encoders, Tables 1 and 3."""

import numpy as np
import paper_numbers
import settings
from blocks import Table
from cells import interval, mean_and_std, plain_interval
from comparisons import tower_change, tower_rate
from example_tables import deepest
from intervals import estimate
from plan import SHARED_TOWER, tower_name

RATES = {"error": "error", "fpr": "FPR", "fnr": "FNR"}
N_SHOWN = 5
COLLAPSED = 95.0  # FNR in percent, above which nearly all pairs are predicted negative


def weight_table(results):
    """Return Figure 8 as a table: error rates by the weight of negative pairs."""
    rows, plain = [], tower_name(1)
    for weight in settings.NEGATIVE_WEIGHTS:
        name = tower_name(weight)
        if not results.seeds(name):
            continue
        cells = [plain_interval(estimate(tower_rate(results, name, rate))) for rate in RATES]
        change = interval(estimate(tower_change(results, "error", plain, name)))
        auc = mean_and_std([results.numbers(name, seed)["auc"] for seed in results.seeds(name)])
        n_seeds = len(results.seeds(name))
        rows.append([f"{weight:g}", *cells, change if name != plain else "-", auc, str(n_seeds)])
    return Table(
        [
            "negative weight",
            *RATES.values(),
            "gain in error over weight 1",
            "AUC",
            f"{results.unit}s",
        ],
        rows,
        "Figure 8: equally many held-out positive and negative pairs; percent, lower is better, "
        f"with 95 % intervals. {_paper_rates()}{_collapsed(results)}",
    )


def _paper_rates():
    paper = paper_numbers.TOWER
    error = 100 - paper["accuracy"]
    return f"The paper: error {error:.1f}, FPR {paper['fpr']:.1f}, FNR {paper['fnr']:.1f}."


def _collapsed(results):
    """Describe the weights with which the tower predicts nearly all pairs as negative."""
    names = {weight: tower_name(weight) for weight in settings.NEGATIVE_WEIGHTS}
    rates = {
        weight: estimate(tower_rate(results, name, "fnr")).mean
        for weight, name in names.items()
        if results.seeds(name)
    }
    high = {weight: rate for weight, rate in rates.items() if rate >= COLLAPSED}
    if not high:
        return ""
    weights = " and ".join(f"{weight:g}" for weight in high)
    return (
        f" With weight {weights} the tower has collapsed: it predicts nearly all pairs as "
        f"negative (FNR {min(high.values()):.1f} % or more)."
    )


def encoder_table(results):
    """Return the table of towers by encoder, of the first seed."""
    kind = settings.kind_of(results.data_set)
    own = settings.TOWERS[kind]["encoder"]
    rows = []
    for encoder in settings.ENCODERS[kind]:
        name = SHARED_TOWER if encoder == own else tower_name(0, encoder)
        if results.seeds(name):
            numbers = results.numbers(name, results.seeds(name)[0])
            rates = [f"{100 * numbers[rate]:.2f}" for rate in RATES]
            rows.append([encoder, *rates, f"{numbers['auc']:.3f}", f"{numbers['seconds']:.0f}"])
    caption = (
        f"Towers by encoder, one {results.unit}: percent of held-out pairs, training seconds."
    )
    return Table(["encoder", *RATES.values(), "AUC", "seconds"], rows, caption)


def extremes_table(results):
    """Return Tables 1 and 3: the test videos with the lowest and highest p of the tower."""
    seed = results.seeds("videos", SHARED_TOWER)[0]
    p, videos = results.arrays(SHARED_TOWER, seed)["p"], results.videos[seed]
    truth = results.truth(seed)
    order = np.argsort(p, kind="stable")
    rows = []
    for which, chosen in (("least", order[:N_SHOWN]), ("most", order[: -N_SHOWN - 1 : -1])):
        for video in chosen:
            known = [flag.replace("_", " ") for flag, on in videos["flags"].items() if on[video]]
            labels = ", ".join(deepest(results, truth[video]))
            row = [which, videos["names"][video], labels, f"{p[video]:.3f}"]
            rows.append([*row, ", ".join(known) or "relevant"] if videos["flags"] else row)
    heads = ["correlated", "video", "labels", "tower's p"] + ["truth"] * bool(videos["flags"])
    caption = (
        f"Tables 1 and 3: the test videos with the lowest and highest probability of the tower; "
        f"{results.unit} {seed}. Figure 9 shows the distribution of negative pairs (Table 2)."
    )
    return Table(heads, rows, caption, n_labels=3)
