"""Colours that colour-blind readers can tell apart, and the door to matplotlib."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from .._types import Array

BLUE, ORANGE, GREEN, GREY = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#666666",
)  # from Okabe and Ito's palette
# Of a panel; names are no formulas, whatever dollars they have.
HEADING: Any = {
    "loc": "left",
    "fontsize": "medium",
    "fontweight": "bold",
    "parse_math": False,
}


def new_figure(
    n_rows: int, width: float, height: float, n_columns: int = 1, *, sharex: bool = True
) -> Array:
    """Make a figure with axes, row by row, for lack of axes from the user."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Pictures need matplotlib: pip install 'sk_crossmodal[plot]'."
        ) from error
    _, axes = plt.subplots(
        n_rows,
        n_columns,
        figsize=(width, height),
        sharex=sharex,
        squeeze=False,
        layout="constrained",
    )
    flat: Array = axes.ravel()
    return flat


def check_axes(axes: Any, names: Sequence[Any]) -> Array:
    """Axes as an array, or ValueError unless there is one for each name."""
    given: Array = np.asarray(axes)
    if given.shape != (len(names),):
        raise ValueError(
            f"axes must be {len(names)}, one for each of {list(names)}, got an array of shape "
            f"{given.shape}."
        )
    return given


def check_has(estimator: Any, method: str) -> None:
    """Raise TypeError unless an estimator has what a picture is drawn of."""
    if isinstance(estimator, type) or not hasattr(estimator, method):
        kind = estimator if isinstance(estimator, type) else type(estimator)
        what = "attribute" if method.endswith("_") else "method"
        raise TypeError(
            f"estimator must be a fitted one with the {what} `{method}`, got {kind.__name__}."
        )


def check_positive(name: str, value: Any, kind: type[Any] = Real) -> None:
    """Raise TypeError or ValueError unless `value` is a finite number above 0."""
    wanted = f"{name} must be {'a number' if kind is Real else 'an integer'} > 0"
    if isinstance(value, bool) or not isinstance(value, kind):
        raise TypeError(f"{wanted}, got {value!r}.")
    if not 0 < float(value) < float("inf"):
        raise ValueError(f"{wanted}, got {value!r}.")
