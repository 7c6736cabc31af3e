"""The correlation tower: Figure 8 as a table, other encoders, Tables 1 to 3."""

import numpy as np
import settings
from blocks import Table
from cells import interval, plain_interval, spread
from comparisons import tower_change, tower_rate
from example_tables import deepest
from intervals import estimate
from plan import tower_name

RATES = {"error": "error", "fpr": "FPR", "fnr": "FNR"}
N_SHOWN = 5


def weight_table(results):
    """Return Figure 8 as a table: error rates by the weight of mismatched pairs."""
    rows, plain = [], tower_name(1)
    for weight in settings.NEGATIVE_WEIGHTS:
        name = tower_name(weight)
        if not results.seeds(name):
            continue
        cells = [plain_interval(estimate(tower_rate(results, name, rate))) for rate in RATES]
        change = interval(estimate(tower_change(results, "error", plain, name)))
        auc = spread([results.numbers(name, seed)["auc"] for seed in results.seeds(name)])
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
        "Figure 8: held-out matching and mismatched pairs, as many of each; percent, lower is "
        "better, with 95 % intervals. The paper at its weight: error 8, FPR 9.6, FNR 4.1.",
    )


def encoder_table(results):
    """Return the towers of all encoders, in the first seed."""
    kind = settings.kind_of(results.data_set)
    own = settings.TOWERS[kind]["encoder"]
    rows = []
    for encoder in settings.ENCODERS[kind]:
        name = results.shared_tower if encoder == own else tower_name(0, encoder)
        if results.seeds(name):
            numbers = results.numbers(name, results.seeds(name)[0])
            rates = [f"{100 * numbers[rate]:.2f}" for rate in RATES]
            rows.append([encoder, *rates, f"{numbers['auc']:.3f}", f"{numbers['seconds']:.0f}"])
    caption = (
        f"Towers by encoder, one {results.unit}: percent of held-out pairs, seconds to train."
    )
    return Table(["encoder", *RATES.values(), "AUC", "seconds"], rows, caption)


def extremes_table(results):
    """Return Tables 1 to 3: the test videos that the tower finds least and most correlated."""
    seed = results.seeds("videos", results.shared_tower)[0]
    p, videos = results.arrays(results.shared_tower, seed)["p"], results.videos[seed]
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
    where = f"{results.unit} {seed}"
    caption = f"The test videos that the tower finds least and most correlated; {where}."
    return Table(heads, rows, caption, n_labels=3)


def truth_table(results):
    """Return what the tower says of videos of which it is known whether their audio matters."""
    groups = {}
    for seed in results.seeds("videos", results.shared_tower):
        flags = results.videos[seed]["flags"]
        p = results.arrays(results.shared_tower, seed)["p"]
        plain = ~np.any(list(flags.values()), axis=0)
        for name, rows in {"relevant audio": plain, **flags}.items():
            groups.setdefault(name.replace("_", " "), []).append(p[rows])
    rows = []
    for name, parts in groups.items():
        called = spread([100 * np.mean(part < 0.5) for part in parts])
        means = spread([part.mean() for part in parts])
        rows.append([name, str(sum(map(len, parts))), called, means])
    caption = (
        "The tower's verdict beside the truth; mean ± standard deviation over seeds, where a "
    )
    caption += "still picture's audio is relevant, but nothing in the picture is."
    return Table(["test videos with", "videos", "p < 0.5, in percent", "mean p"], rows, caption)
