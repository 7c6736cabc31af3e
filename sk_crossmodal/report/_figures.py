"""Figures inside the page, drawn without a display."""

import base64
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ._page import figure as html_figure

MAX_BYTES = 400_000  # of an SVG file; a larger one becomes a PNG image
DPI = 160  # of such an image
PIXELS = 96  # per inch on a page
STYLE = {
    "font.size": 10.0,
    "svg.hashsalt": "sk_crossmodal",  # the same figure is the same file
    "text.parse_math": False,  # a name with dollars is a name
}


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in the style of the page, independent of the user's settings."""
    from matplotlib import style

    with style.context(["default", STYLE]), warnings.catch_warnings():
        # If names are too long for a layout, the figure is drawn all the same.
        warnings.filterwarnings("ignore", "constrained_layout not applied", UserWarning)
        yield


def new_figure(width: float, height: float) -> Any:
    """Make a figure without a window and without pyplot's global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def figure_html(figure: Any, alt: str, caption: str) -> str:
    """Return a figure as HTML; to be called inside `drawing`."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data, kind = _saved(figure, "svg", metadata={"Date": None}), "svg+xml"
    if any("missing from" in str(warning.message) for warning in caught):
        data = _with_text(figure)
    if len(data) > MAX_BYTES:
        data, kind = _saved(figure, "png", dpi=DPI), "png"
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    width, height = (PIXELS * each for each in figure.get_size_inches())
    return html_figure(source, (width, height), alt, caption)


def _with_text(figure: Any) -> bytes:
    """Save letters as text, so that the browser finds those that matplotlib's own font lacks."""
    import matplotlib as mpl

    with warnings.catch_warnings(), mpl.rc_context({"svg.fonttype": "none"}):
        warnings.simplefilter("ignore")
        data = _saved(figure, "svg", metadata={"Date": None})
    # A tree is drawn with spaces, so they must stay.
    return data.replace(b"<svg ", b'<svg style="white-space: pre" ', 1)


def _saved(figure: Any, form: str, **kwargs: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format=form, **kwargs)
    return file.getvalue()
