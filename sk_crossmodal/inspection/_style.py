"""Colours that colour-blind readers can tell apart, and the door to matplotlib."""

from .._types import Array

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"  # from Okabe and Ito's palette


def new_figure(n_rows: int, width: float, height: float) -> Array:
    """Make a figure with rows of axes, for lack of axes from the user."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Pictures need matplotlib: pip install 'sk_crossmodal[plot]'."
        ) from error
    _, axes = plt.subplots(
        n_rows, 1, figsize=(width, height), sharex=True, squeeze=False, layout="constrained"
    )
    column: Array = axes[:, 0]
    return column
