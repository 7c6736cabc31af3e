"""Table 1 for synthetic videos, whose irrelevant parts are known."""

import numpy as np
from blocks import Table
from cells import mean_and_std
from comparisons import tower_probabilities


def truth_table(results):
    """Return the output of the tower by the known properties of the videos."""
    groups = {}
    for p, flags in tower_probabilities(results):
        plain = ~np.any(list(flags.values()), axis=0)
        for name, rows in {"relevant audio": plain, **flags}.items():
            groups.setdefault(name.replace("_", " "), []).append(p[rows])
    rows = []
    for name, parts in groups.items():
        share = mean_and_std([100 * np.mean(part < 0.5) for part in parts])
        means = mean_and_std([part.mean() for part in parts])
        rows.append([name, str(sum(map(len, parts))), share, means])
    caption = (
        "Probability p of the tower by known properties; mean ± standard deviation over seeds. "
        "For videos with relevant audio, p < 0.5 is a false alarm. A static video has relevant "
        "audio, but no relevant frames, so it is a separate group."
    )
    return Table(["test videos with", "videos", "p < 0.5, in percent", "mean p"], rows, caption)


def false_negative_table(results):
    """Return how many false negatives have irrelevant parts, with the base rate."""
    parts = {"predicted negative (p < 0.5)": [], "all (base rate)": []}
    for p, flags in tower_probabilities(results):
        for chosen, found in zip((p < 0.5, np.ones(len(p), bool)), parts.values(), strict=True):
            found.append([int(chosen.sum()), *(int((chosen & on).sum()) for on in flags.values())])
    known = [flag.replace("_", " ") for flag in next(tower_probabilities(results))[1]]
    rows = []
    for name, found in parts.items():
        videos, *counts = np.transpose(found)
        shares = [100 * count / np.where(videos, videos, np.nan) for count in counts]
        pairs = zip(counts, shares, strict=True)
        rows.append(
            [name, mean_and_std(videos), *(mean_and_std(x) for pair in pairs for x in pair)]
        )
    heads = [head for flag in known for head in (flag, f"{flag}, in percent")]
    caption = (
        "False negatives with irrelevant parts (Table 1): each test video is a positive pair, so "
        "that p < 0.5 counts as a false negative, but is correct if its audio is irrelevant. Mean "
        "± standard deviation over seeds."
    )
    return Table(["positive pairs", "videos", *heads], rows, caption)
