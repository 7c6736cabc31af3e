"""The paper's Tables 6, 7, 10 and 11: single videos, selected by a rule."""

import numpy as np
import settings
from blocks import Table

N_EXAMPLES = 4
MIN_PROBABILITY = 0.3  # of a prediction that is shown
RULES = {
    "right": (
        "Selected by rule: the videos with the largest difference of CM-C and L in the summed "
        "probability of true labels minus false labels; each has other top-level labels than the "
        "videos before it."
    ),
    "wrong": (
        "Selected by rule: the videos in which the most probable label of CM-C is wrong, the most "
        "confident first; each has other top-level labels than the videos before it."
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
        rows.append([settings.heading(f"{family}-{row}"), *best])
    caption = (
        f"{RULES[kind]} Top two predictions with a probability of at least {MIN_PROBABILITY}; "
    )
    heads = [f"Example {i + 1}" for i in range(len(chosen))]
    return Table(["", *heads], rows, f"{caption}{results.unit} {seed}.", n_labels=1 + len(chosen))


def right_merit(truth, base, ours):
    """Return per video how much better `ours` separates true and false labels than `base`."""
    sign = np.where(truth, 1.0, -1.0)
    return ((ours - base) * sign).sum(axis=1)


def wrong_merit(truth, probability):
    """Return the probability of the most probable label if it is wrong, else -inf."""
    rows, best = np.arange(len(truth)), probability.argmax(axis=1)
    return np.where(truth[rows, best], -np.inf, probability[rows, best])


def choose(merit, top, n=N_EXAMPLES):
    """Select videos of the highest merit that share no top-level labels."""
    chosen, used = [], np.zeros(top.shape[1], bool)
    for video in np.argsort(-merit, kind="stable"):
        if len(chosen) == n or merit[video] == -np.inf:
            break
        if not (top[video] & used).any():
            chosen.append(int(video))
            used |= top[video]
    return chosen


def top_level(results, truth):
    """Return the indicator of top-level labels; for classes, of the classes."""
    if not results.multilabel:
        return truth
    return (truth @ results.hierarchy.root_matrix().toarray()).astype(bool)


def top_two(probability, labels):
    """Format the top two predictions with at least `MIN_PROBABILITY`."""
    best = np.argsort(-probability, kind="stable")[:2]
    shown = [
        f"{labels[i]}: {probability[i]:.2f}" for i in best if probability[i] >= MIN_PROBABILITY
    ]
    return "\n".join(shown) or "none"


def deepest(results, truth):
    """Return the names of the true labels of a video, without their ancestors."""
    if results.multilabel:
        closure = results.hierarchy.closure_matrix().toarray()[truth]
        truth = truth & (closure.sum(axis=0) == 1)
    return [results.label_names[i] for i in np.flatnonzero(truth)] or ["none"]
