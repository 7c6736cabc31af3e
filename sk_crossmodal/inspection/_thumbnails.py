"""Images and words along the top of a plot of a video."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any, TypeAlias

import numpy as np

from .._types import Array
from ..validation import check_number
from ._display import GREY

Thumbnails: TypeAlias = Mapping[float, Any] | Sequence[tuple[float, Any]]

BOTTOM, TOP = 12, 60  # of the strip, in points above the axes
WIDTH = 0.17  # of each, relative to the axes; less if there are many
LETTER_WIDTH = 0.0115  # of a small letter, relative to the axes
LINE_HEIGHT, MAX_LINES = 10, 4  # in points


def read_thumbnails(given: Any, duration: float) -> list[tuple[float, Any]]:
    """Return pairs (second, text or image) in order of time, or raise an error."""
    if given is None:
        return []
    wanted = "thumbnails must be a dict by second, or pairs (second, image or text), got"
    if isinstance(given, str) or not isinstance(given, Mapping | Sequence):
        raise TypeError(f"{wanted} {type(given).__name__}.")
    items = list(given.items() if isinstance(given, Mapping) else given)
    found = []
    for item in items:
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise ValueError(f"{wanted} {type(item).__name__} among them.")
        check_number("The second of a thumbnail", item[0], low=0, high=duration)
        found.append((float(item[0]), _as_text_or_image(item[1])))
    return sorted(found, key=lambda item: item[0])


def _as_text_or_image(content: Any) -> str | Array:
    if isinstance(content, str):
        return content
    image = np.asarray(content)
    shape = image.shape
    if image.dtype.kind not in "fiub" or not (len(shape) == 2 or shape[2:] in ((3,), (4,))):
        given = f"an array of shape {shape} and dtype {image.dtype}"
        raise ValueError(f"A thumbnail must be a text or an image (h, w[, 3 or 4]), got {given}.")
    return image


def draw_thumbnails(ax: Any, thumbnails: Sequence[tuple[float, Any]]) -> int:
    """Draw them above the axes, each with a line to its second; return their height in points."""
    top = 0
    width = min(WIDTH, 1 / max(1, len(thumbnails)))
    low, high = ax.get_xlim()
    above = _above(ax)
    at = (np.array([second for second, _ in thumbnails]) - low) / (high - low)
    for position, centre, (_, content) in zip(at, _spread(at, width), thumbnails, strict=True):
        ends = [position, centre], [0, BOTTOM - 2]
        ax.plot(*ends, color=GREY, lw=0.8, transform=above, clip_on=False)
        if isinstance(content, str):
            characters = max(3, int(width / LETTER_WIDTH))
            lines = wrap(content, characters, max_lines=MAX_LINES, placeholder="…")
            place = {"ha": "center", "va": "bottom", "transform": above, "parse_math": False}
            top = max(top, BOTTOM + LINE_HEIGHT * len(lines))
            ax.text(centre, BOTTOM, "\n".join(lines), fontsize=7, **place)
        else:
            bounds = (centre - 0.48 * width, BOTTOM, 0.96 * width, TOP - BOTTOM)
            inset = ax.inset_axes(bounds, transform=above)
            inset.imshow(content, cmap="gray")
            inset.set_anchor("S")
            inset.set_axis_off()
            top = TOP
    return top


def _above(ax: Any) -> Any:
    """Transform of x relative to the axes' width, and y in points above their top edge."""
    from matplotlib import transforms

    points = transforms.Affine2D().scale(1 / 72) + ax.figure.dpi_scale_trans
    y = points + transforms.ScaledTranslation(0, 1, ax.transAxes)
    return transforms.blended_transform_factory(ax.transAxes, y)


def _spread(wanted: Array, width: float) -> Array:
    """Centres near the wanted ones and in their order, a width apart, within 0 to 1."""
    if not len(wanted):
        return wanted
    steps = width * np.arange(len(wanted))
    least = np.maximum.accumulate(np.maximum(wanted, width / 2) - steps)
    centres: Array = np.minimum(least, 1 - width / 2 - steps[-1]) + steps
    return centres
