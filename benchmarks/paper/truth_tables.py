"""Table 1 where it is known whether a video's audio and picture matter: on made-up videos."""

import numpy as np
from blocks import Table
from cells import spread
from comparisons import tower_verdicts


def truth_table(results):
    """Return what the tower says of videos of which it is known whether their audio matters."""
    groups = {}
    for p, flags in tower_verdicts(results):
        plain = ~np.any(list(flags.values()), axis=0)
        for name, rows in {"relevant audio": plain, **flags}.items():
            groups.setdefault(name.replace("_", " "), []).append(p[rows])
    rows = []
    for name, parts in groups.items():
        called = spread([100 * np.mean(part < 0.5) for part in parts])
        means = spread([part.mean() for part in parts])
        rows.append([name, str(sum(map(len, parts))), called, means])
    caption = (
        "The tower's verdict beside the truth; mean ± standard deviation over seeds. Of videos "
        "with relevant audio, p < 0.5 is a false alarm; a still picture's audio is relevant, but "
        "nothing in the picture is, so it is counted apart."
    )
    return Table(["test videos with", "videos", "p < 0.5, in percent", "mean p"], rows, caption)


def false_negative_table(results):
    """Return how many of the tower's false negatives are true ones, beside the base rate."""
    parts = {"called uncorrelated (p < 0.5)": [], "all: the base rate": []}
    for p, flags in tower_verdicts(results):
        for chosen, found in zip((p < 0.5, np.ones(len(p), bool)), parts.values(), strict=True):
            found.append([int(chosen.sum()), *(int((chosen & on).sum()) for on in flags.values())])
    known = [flag.replace("_", " ") for flag in next(tower_verdicts(results))[1]]
    rows = []
    for name, found in parts.items():
        videos, *counts = np.transpose(found)
        shares = [100 * count / np.where(videos, videos, np.nan) for count in counts]
        pairs = zip(counts, shares, strict=True)
        rows.append([name, spread(videos), *(spread(x) for pair in pairs for x in pair)])
    heads = [head for flag in known for head in (flag, f"{flag}, in percent")]
    caption = (
        "How many of the tower's false negatives are true ones (Table 1): every test video is a "
        "matching pair, so one that is called uncorrelated is counted as a false negative, and "
        "rightly called so if its audio is irrelevant. Mean ± standard deviation over seeds."
    )
    return Table(["matching pairs", "videos", *heads], rows, caption)
