"""The base class of the displays, and colours that colour-blind readers can distinguish."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._types import Array
from ._docs import complete_docstrings

# Okabe and Ito's palette
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
# parse_math: a name with two dollars is no formula.
HEADING: Any = {"loc": "left", "fontsize": "medium", "fontweight": "bold", "parse_math": False}


class Display:
    """Base of the displays, which draw on the user's axes or on a new figure."""

    ax_: Any
    axes_: Array
    figure_: Any

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        complete_docstrings(cls)

    def _use_ax(self, ax: Any, width: float, height: float) -> Any:
        """Set and return the axes; without any a figure is made, its size given in inches."""
        self.ax_ = make_axes(_new_figure(width, height), 1)[0] if ax is None else ax
        self.figure_ = self.ax_.figure
        return self.ax_

    def _use_axes(
        self, axes: Any, names: Sequence[Any], width: float, height: float, **layout: Any
    ) -> None:
        """Set one axes for each name; ValueError if the user gave another number."""
        if axes is None:
            axes = make_axes(_new_figure(width, height), len(names), **layout)
        given = np.asarray(axes)
        if given.shape != (len(names),):
            raise ValueError(f"axes must be one for each of {list(names)}, got {given.shape}.")
        self.axes_, self.ax_ = given, given[0]
        self.figure_ = self.ax_.figure


def _new_figure(width: float, height: float) -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("Plots need matplotlib: pip install 'sk_crossmodal[plot]'.") from error
    return plt.figure(figsize=(width, height), layout="constrained")


def make_axes(figure: Any, n: int, n_columns: int = 1, *, sharex: bool = False) -> Array:
    """Add axes to a figure, row by row."""
    axes: Array = figure.subplots(-(-n // n_columns), n_columns, sharex=sharex, squeeze=False)
    axes = axes.ravel()
    for unused in axes[n:]:
        unused.remove()
    return axes[:n]


def hide_spines(ax: Any, *sides: str) -> None:
    """Hide the lines above and at the right of the axes, and at other sides."""
    ax.spines[["top", "right", *sides]].set_visible(False)


def draw_rows(ax: Any, n: int, names: Sequence[str], at: Sequence[int] | None = None) -> None:
    """Name rows along the y axis, the first at the top; `at` are those that have a name."""
    ax.set_yticks(range(n) if at is None else at, names)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(max(n, 1) - 0.4, -0.6)


def draw_grid(ax: Any) -> None:
    """Draw vertical lines at the ticks of the x axis, behind everything else."""
    ax.grid(axis="x", color="#dddddd", lw=0.6)
    ax.set_axisbelow(True)
