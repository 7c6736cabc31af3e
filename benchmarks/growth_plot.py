"""Plot the curves of growth.py: time in the upper row, memory in the lower."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

# Okabe and Ito's palette, with markers for black-and-white prints.
STYLES = (
    ("#0072B2", "o"),
    ("#D55E00", "s"),
    ("#009E73", "^"),
    ("#CC79A7", "D"),
    ("#666666", "v"),
    ("#E69F00", "P"),
    ("#56B4E9", "X"),
)
AXES = {
    "videos": "number of videos",
    "frames": "frames per video",
    "labels": "number of labels",
    "modalities": "number of modalities",
}
ROWS = {"seconds": "time in s", "mb": "increase of peak memory in MB"}
MIN_VALUES = {"seconds": 0.0, "mb": 1.0}  # smaller values are not resolved


def draw(curves, path):
    """Plot curves to a PNG file."""
    names = list(dict.fromkeys(curve["part"] for curve in curves))
    axes = [axis for axis in AXES if any(curve["axis"] == axis for curve in curves)]
    figure = Figure(figsize=(1.2 + 3.1 * len(axes), 7.2), layout="constrained")
    panels = figure.subplots(len(ROWS), len(axes), sharex="col", sharey="row", squeeze=False)
    for row, kind in zip(panels, ROWS, strict=True):
        for ax, axis in zip(row, axes, strict=True):
            shown = [curve for curve in curves if curve["axis"] == axis]
            for curve in shown:
                _draw_curve(ax, curve, kind, STYLES[names.index(curve["part"]) % len(STYLES)])
            _format_axes(ax, sorted({size for curve in shown for size in curve["sizes"]}))
        row[0].set_ylabel(ROWS[kind])
    for ax, axis in zip(panels[-1], axes, strict=True):
        ax.set_xlabel(AXES[axis])
    for ax in panels.ravel():  # when all limits are known
        _draw_guide(ax)
    handles = {line.get_label(): line for ax in panels.ravel() for line in ax.get_lines()}
    figure.legend(
        [handles[name] for name in [*names, "slope 1"]],
        [*names, "slope 1: linear"],
        loc="outside lower center",
        ncols=4,
        frameon=False,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _draw_curve(ax, curve, kind, style):
    color, marker = style
    values = np.maximum(curve[kind], MIN_VALUES[kind])
    ax.plot(curve["sizes"], values, color=color, marker=marker, ms=5, lw=1.5, label=curve["part"])


def _format_axes(ax, sizes):
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ax.set_xticks([], minor=True)
    ax.tick_params(axis="x", labelrotation=0 if max(map(len, map(str, sizes))) < 4 else 45)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.grid(color="#dddddd", lw=0.6)
    ax.spines[["top", "right"]].set_visible(False)


def _draw_guide(ax):
    """Draw a line of slope 1 from the lower left corner, within the limits."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    ax.plot(
        [left, right],
        [low * 1.3, low * 1.3 * right / left],
        ls=":",
        color="black",
        lw=1.2,
        label="slope 1",
        zorder=1,
    )
    ax.set_xlim(left, right)
    ax.set_ylim(low, high)
