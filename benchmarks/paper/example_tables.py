"""The paper's Tables 6, 7, 10 and 11: single videos, chosen by a rule."""

import numpy as np
from blocks import Table

N_EXAMPLES = 4
LEAST = 0.3  # probability of a prediction that is shown
RULES = {
    "right": (
        "Chosen by rule: the videos in which CM-C's summed probability of the true labels minus "
        "that of the false ones exceeds L's by most, each with other top-level labels than those "
        "before it."
    ),
    "wrong": (
        "Chosen by rule: the videos in which CM-C's likeliest label is wrong, the most confident "
        "first, each with other top-level labels than those before it."
    ),
}


def example_table(results, family, kind):
    """Return the top two predictions of L and CM-C; `kind` is "right" or "wrong"."""
    seed = results.seeds(f"{family}-L", f"{family}-CM-C")[0]
    truth = results.truth(seed)
    models = {row: results.probability(f"{family}-{row}", seed) for row in ("L", "CM-C")}
    if kind == "right":
        merit = right_merit(truth, models["L"], models["CM-C"])
    else:
        merit = wrong_merit(truth, models["CM-C"])
    chosen = choose(merit, top_level(results, truth))
    names, labels = results.videos[seed]["names"], results.label_names
    rows = [["video", *(names[video] for video in chosen)]]
    rows.append(["truth", *("\n".join(deepest(results, truth[video])) for video in chosen)])
    for row, probability in models.items():
        best = (top_two(probability[video], labels) for video in chosen)
        rows.append([f"{family}-{row}", *best])
    caption = f"{RULES[kind]} Top two predictions with a probability of at least {LEAST}; "
    heads = [f"Example {i + 1}" for i in range(len(chosen))]
    return Table(["", *heads], rows, f"{caption}{results.unit} {seed}.", n_labels=1 + len(chosen))


def right_merit(truth, base, ours):
    """By how much `ours` tells true from false labels better than `base`, for each video."""
    sign = np.where(truth, 1.0, -1.0)
    return ((ours - base) * sign).sum(axis=1)


def wrong_merit(truth, probability):
    """Probability of each video's likeliest label where that is wrong, else -inf."""
    rows, best = np.arange(len(truth)), probability.argmax(axis=1)
    return np.where(truth[rows, best], -np.inf, probability[rows, best])


def choose(merit, top, n=N_EXAMPLES):
    """Choose videos by falling merit, none sharing a top-level label with one before it."""
    chosen, used = [], np.zeros(top.shape[1], bool)
    for video in np.argsort(-merit, kind="stable"):
        if len(chosen) == n or merit[video] == -np.inf:
            break
        if not (top[video] & used).any():
            chosen.append(int(video))
            used |= top[video]
    return chosen


def top_level(results, truth):
    """Mark the top-level labels of each video; a class is its own."""
    if not results.multilabel:
        return truth
    return (truth @ results.hierarchy.root_matrix().toarray()).astype(bool)


def top_two(probability, labels):
    """Write the top two predictions that are probable enough."""
    best = np.argsort(-probability, kind="stable")[:2]
    shown = [f"{labels[i]}: {probability[i]:.2f}" for i in best if probability[i] >= LEAST]
    return "\n".join(shown) or "none"


def deepest(results, truth):
    """Return the names of a video's true labels without those above others."""
    if results.multilabel:
        closure = results.hierarchy.closure_matrix().toarray()[truth]
        truth = truth & (closure.sum(axis=0) == 1)
    return [results.label_names[i] for i in np.flatnonzero(truth)] or ["none"]
