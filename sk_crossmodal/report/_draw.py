"""Pictures inside of the page: drawn without a display, and told apart by nothing outside."""

import base64
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ._page import figure as html_figure

LARGEST = 400_000  # bytes of a drawing; a larger one becomes an image of dots
DPI = 160  # of such
PIXELS = 96  # of an inch on a page
STYLE = {
    "font.size": 10.0,
    "svg.hashsalt": "sk_crossmodal",  # the same picture is the same file
    "text.parse_math": False,  # a name with dollars is a name
}


@contextmanager
def drawing() -> Iterator[None]:
    """Draw as this page does, whatever the user has set for pictures of their own."""
    from matplotlib import style

    with style.context(["default", STYLE]), warnings.catch_warnings():
        # Where names are too long for a layout they are drawn all the same.
        warnings.filterwarnings("ignore", "constrained_layout not applied", UserWarning)
        yield


def new_figure(width: float, height: float) -> Any:
    """Make a figure that no window and no global state knows of."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def picture(figure: Any, alt: str, caption: str) -> str:
    """Put a figure into the page."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data, kind = _saved(figure, "svg", metadata={"Date": None}), "svg+xml"
    if any("missing from" in str(warning.message) for warning in caught):
        data = _with_text(figure)
    if len(data) > LARGEST:
        data, kind = _saved(figure, "png", dpi=DPI), "png"
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    size = tuple(PIXELS * each for each in figure.get_size_inches())
    return html_figure(source, (size[0], size[1]), alt, caption)


def _with_text(figure: Any) -> bytes:
    """Leave it to the browser to find letters that matplotlib's own font lacks."""
    import matplotlib as mpl

    with warnings.catch_warnings(), mpl.rc_context({"svg.fonttype": "none"}):
        warnings.simplefilter("ignore")
        data = _saved(figure, "svg", metadata={"Date": None})
    # Spaces count: a tree is drawn with them.
    return data.replace(b"<svg ", b'<svg style="white-space: pre" ', 1)


def _saved(figure: Any, form: str, **kwargs: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format=form, **kwargs)
    return file.getvalue()
