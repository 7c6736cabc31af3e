"""Section 4.2: search over the depth and size of F."""

import numpy as np
import settings
from blocks import Heading, Paragraph, Table
from cells import mean_and_std


def depth_section(results):
    """Return the section on the depth and size of F."""
    blocks = [Heading("Depth and size of F (Section 4.2)")]
    if not results.seeds("search TM"):
        return [*blocks, Paragraph("Not searched on this data set, or not finished yet.")]
    seed = results.seeds("search TM")[0]
    errors = results.arrays("search TM", seed)["errors"]
    chosen = next(run["settings"] for run in results.runs if run["name"] == "search TM")
    rows = [
        [" → ".join(map(str, size)), str(len(size)), mean_and_std(column)]
        for size, column in zip(chosen["sizes"], np.transpose(errors), strict=True)
    ]
    caption = (
        f"GAP error in percent of {settings.heading('TM-CM-C')} by the hidden layers of F, mean ± "
        f"standard deviation over {chosen['n_folds']} folds of the first {chosen['n_videos']} "
        f"training videos of seed {seed}. The folds share training videos, and a tower that has "
        "seen all of them: so the interval of the claim is too narrow, and the errors are lower "
        "than on new videos."
    )
    return [*blocks, Table(["hidden layers of F", "depth", "GAP error"], rows, caption)]
