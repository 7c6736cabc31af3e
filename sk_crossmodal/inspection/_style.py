"""Colours that colour-blind readers can tell apart, and the door to matplotlib."""

from numbers import Real
from typing import Any

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


def check_has(estimator: Any, method: str) -> None:
    """Raise TypeError unless an estimator has what a picture is drawn of."""
    if isinstance(estimator, type) or not hasattr(estimator, method):
        kind = estimator if isinstance(estimator, type) else type(estimator)
        raise TypeError(
            f"estimator must be a fitted one with the method `{method}`, got {kind.__name__}."
        )


def check_positive(name: str, value: Any, kind: type[Any] = Real) -> None:
    """Raise TypeError or ValueError unless `value` is a finite number above 0."""
    wanted = f"{name} must be {'a number' if kind is Real else 'an integer'} > 0"
    if isinstance(value, bool) or not isinstance(value, kind):
        raise TypeError(f"{wanted}, got {value!r}.")
    if not 0 < float(value) < float("inf"):
        raise ValueError(f"{wanted}, got {value!r}.")
