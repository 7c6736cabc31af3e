"""Section 4.2: the search of the depth and size of F."""

import numpy as np
from blocks import Heading, Paragraph, Table
from cells import spread


def depth_section(results):
    """Return the chapter about the depth and size of F."""
    blocks = [Heading("Depth and size of F (Section 4.2)")]
    if not results.seeds("search TM"):
        return [*blocks, Paragraph("Not searched on this data set, or not done yet.")]
    seed = results.seeds("search TM")[0]
    errors = results.arrays("search TM", seed)["errors"]
    chosen = next(run["settings"] for run in results.runs if run["name"] == "search TM")
    rows = [
        [" → ".join(map(str, size)), str(len(size)), spread(column)]
        for size, column in zip(chosen["sizes"], np.transpose(errors), strict=True)
    ]
    caption = (
        f"GAP error of TM-CM-C in percent by the hidden layers of F, mean ± standard deviation "
        f"over {chosen['n_folds']} folds of the first {chosen['n_videos']} training videos of "
        f"seed {seed}. The models of two folds share training videos, and all share one tower, "
        "which has seen the videos of every fold: so the claim's interval is too narrow, and "
        "the errors are too low for other videos."
    )
    return [*blocks, Table(["hidden layers of F", "depth", "GAP error"], rows, caption)]
