"""Format numbers for tables."""

import numpy as np

NOTHING = "-"


def mean_and_std(values):
    """Format mean ± standard deviation over seeds, or the mean for one seed.

    Seeds with NaN (a level without videos) are ignored.
    """
    values = np.asarray(values, float)
    values = values[~np.isnan(values)]
    if not len(values):
        return NOTHING
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{values.mean():.2f} ± {values.std(ddof=1):.2f}"


def interval(found):
    """Format a difference with its 95 % interval."""
    if found is None:
        return NOTHING
    return f"{found.mean:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"


def plain_interval(found):
    """Format a value with its 95 % interval, without signs."""
    if found is None:
        return NOTHING
    return f"{found.mean:.2f} [{found.low:.2f}, {found.high:.2f}]"


def mark_best(cells, means):
    """Return the cells, with the lowest mean in bold."""
    means = np.asarray(means, float)
    if len(means) < 2 or np.isnan(means).all():
        return list(cells)
    best = int(np.nanargmin(means))
    return [f"**{cell}**" if i == best else cell for i, cell in enumerate(cells)]
