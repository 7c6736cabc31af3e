"""Images and words along the top of a picture of a video."""

from collections.abc import Mapping, Sequence
from numbers import Real
from textwrap import wrap
from typing import Any, TypeAlias

import numpy as np

from .._types import Array
from ._style import GREY

Thumbnails: TypeAlias = Mapping[float, Any] | Sequence[tuple[float, Any]]

BOTTOM, TOP = 12, 60  # of the strip, in points above the axes
WIDTH = 0.17  # of each, in parts of the axes' width; less if there are many
LETTER = 0.0115  # width of a small letter, likewise
LINE, LINES = 10, 4  # height of a line in points, and how many at most


def read_thumbnails(given: Any, duration: float) -> list[tuple[float, Any]]:
    """Return them in order of time, images as arrays; errors say what is wrong."""
    if given is None:
        return []
    wanted = "thumbnails must be a dict by second, or pairs (second, image or text), got"
    if isinstance(given, str) or not isinstance(given, Mapping | Sequence):
        raise TypeError(f"{wanted} {type(given).__name__}.")
    items = list(given.items() if isinstance(given, Mapping) else given)
    for item in items:
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise ValueError(f"{wanted} {type(item).__name__} among them.")
    return sorted(
        ((_second(second, duration), _content(second, each)) for second, each in items),
        key=lambda item: item[0],
    )


def _second(second: Any, duration: float) -> float:
    if isinstance(second, bool) or not isinstance(second, Real):
        raise TypeError(f"The second of a thumbnail must be a number, got {second!r}.")
    if not 0 <= float(second) <= duration:
        raise ValueError(
            f"The second of a thumbnail must be within the video, 0 to {duration:g}, got "
            f"{second!r}."
        )
    return float(second)


def _content(second: float, content: Any) -> str | Array:
    if isinstance(content, str):
        return content
    image = np.asarray(content)
    shape = image.shape
    if image.dtype.kind not in "fiub" or not (len(shape) == 2 or shape[2:] in ((3,), (4,))):
        raise ValueError(
            f"The thumbnail at second {second:g} must be a text or an image of shape (h, w), "
            f"(h, w, 3) or (h, w, 4), got an array of shape {shape} and type {image.dtype}."
        )
    return image


def draw_thumbnails(ax: Any, thumbnails: Sequence[tuple[float, Any]]) -> int:
    """Draw them above the axes, each led to its second; return their height there, in points."""
    top = 0
    width = min(WIDTH, 1 / max(1, len(thumbnails)))
    low, high = ax.get_xlim()
    above = _above(ax)
    at = (np.array([second for second, _ in thumbnails]) - low) / (high - low)
    for place, centre, (_, content) in zip(at, _spread(at, width), thumbnails, strict=True):
        ends = [place, centre], [0, BOTTOM - 2]
        ax.plot(*ends, color=GREY, lw=0.8, transform=above, clip_on=False)
        if isinstance(content, str):
            lines = wrap(content, max(3, int(width / LETTER)), max_lines=LINES, placeholder="…")
            low_edge = {"ha": "center", "va": "bottom", "transform": above, "parse_math": False}
            top = max(top, BOTTOM + LINE * len(lines))
            ax.text(centre, BOTTOM, "\n".join(lines), fontsize=7, **low_edge)
        else:
            bounds = (centre - 0.48 * width, BOTTOM, 0.96 * width, TOP - BOTTOM)
            inset = ax.inset_axes(bounds, transform=above)
            inset.imshow(content, cmap="gray")
            inset.set_anchor("S")
            inset.set_axis_off()
            top = TOP
    return top


def _above(ax: Any) -> Any:
    """From parts of the axes' width, and points above its top edge, to the screen."""
    from matplotlib.transforms import (
        Affine2D,
        ScaledTranslation,
        blended_transform_factory,
    )

    points = Affine2D().scale(1 / 72) + ax.figure.dpi_scale_trans
    return blended_transform_factory(ax.transAxes, points + ScaledTranslation(0, 1, ax.transAxes))


def _spread(wanted: Array, width: float) -> Array:
    """Centres as near as may be to those wanted, a width apart, in order, within 0 to 1."""
    if not len(wanted):
        return wanted
    steps = width * np.arange(len(wanted))
    least = np.maximum.accumulate(np.maximum(wanted, width / 2) - steps)
    centres: Array = np.minimum(least, 1 - width / 2 - steps[-1]) + steps
    return centres
