"""`InfluenceDisplay`: what F learned, the shift and stretch from one time line to another."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any, Self, TypeAlias

import numpy as np

from .._types import Floats
from ._inner import inner_estimator
from ._line import Line, centred, find_peaks, fit_line
from ._style import BLUE, GREY, HEADING, ORANGE, check_axes, check_positive, new_figure

Pair: TypeAlias = tuple[str, str]  # source and target


class InfluenceDisplay:
    """How the influence of each modality on each other one answers, second by second.

    A column shows what a little more attention to the source at one moment adds to the attention
    to the target at every moment (Section 2 of Goyal et al., 2020). If F shifts attention in time,
    the largest answers lie on a line beside the diagonal; if it stretches or compresses, the line
    is steeper or flatter. A line is only given where the answers lie on one.

    Make one with :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    responses : dict of (str, str) to ndarray of shape (T_target, T_source)
        Per source and target the answers, as a classifier's `influence_response` gives them.

    Attributes
    ----------
    lines_ : dict of (str, str) to (shift, stretch, strength, fixed, reach)
        Per source and target the line ``target = shift + stretch * source`` in seconds that most
        of the largest answers are near to, each weighted by its squared size. `strength` is the
        share of that weight within `reach` seconds of the line (1.5 frames, or a 20th of the
        target's time line if that is more), `fixed` the greatest share as near one moment of the
        target. Shift and stretch are NaN, and the picture says "no clear shift", if less than half
        is near the line, or hardly more (by 0.15, or 4.5 over the number of moments if that is
        more) than near one moment; all are NaN if there are fewer than 12 moments, or no answers.
    axes_ : ndarray of matplotlib Axes
        One a pair.
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure
        The figure.

    Notes
    -----
    Answers are shown, and compared, from the middle (the median) of the answers to the same source
    moment: what is added to all moments alike makes none stand out.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_crossmodal.inspection import InfluenceDisplay
    >>> answers = np.eye(20, k=-4)  # the target answers four seconds later
    >>> display = InfluenceDisplay.from_predictions(answers, source="audio", target="video")
    >>> line = display.lines_["audio", "video"]
    >>> round(line.shift, 6), round(line.stretch, 6)
    (4.0, 1.0)
    """

    def __init__(self, responses: Mapping[Pair, Floats]) -> None:
        self.responses = responses

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        source: str | None = None,
        target: str | None = None,
        seconds_per_frame: float = 1.0,
        axes: Sequence[Any] | None = None,
    ) -> Self:
        """Compute how a fitted classifier's influences answer, and draw it.

        Parameters
        ----------
        estimator : fitted classifier
            Anything with `influence_response`, or a search, a Pipeline or a
            `TransformedTargetClassifier` around it.
        X : MultimodalArray or any form that becomes one, default=None
            Videos whose attention F is to answer to, some dozens. None takes every hidden unit of
            F for active, as a first look.
        source, target : str, default=None
            Draw only influences of, or on, this modality.
        seconds_per_frame : float, default=1.0
            Unit of the time axes.
        axes : sequence of matplotlib Axes, default=None
            Where to draw, one a pair; None makes a figure.

        Returns
        -------
        InfluenceDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If there is no `influence_response`.
        ValueError
            If the classifier has no influence, or none from `source` on `target`.
        """
        estimator, X = inner_estimator(estimator, "influence_response", X)
        responses = estimator.influence_response(X)
        kept = {
            pair: response
            for pair, response in responses.items()
            if source in (None, pair[0]) and target in (None, pair[1])
        }
        if not kept:
            raise ValueError(
                f"source and target must be one of the pairs {list(responses)}, got "
                f"{source=}, {target=}."
            )
        return cls(kept).plot(seconds_per_frame=seconds_per_frame, axes=axes)

    @classmethod
    def from_predictions(
        cls,
        response: Any,
        *,
        source: str = "source",
        target: str = "target",
        seconds_per_frame: float = 1.0,
        axes: Sequence[Any] | None = None,
    ) -> Self:
        """Draw answers that are already there.

        Parameters
        ----------
        response : array-like of shape (T_target, T_source), or dict of (str, str) to such
            The answers of one influence; or of several, by source and target.
        source, target : str, default="source" and "target"
            Names of the modalities of one influence.
        seconds_per_frame : float, default=1.0
            Unit of the time axes.
        axes : sequence of matplotlib Axes, default=None
            Where to draw, one a pair; None makes a figure.

        Returns
        -------
        InfluenceDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If the answers are no matrix of finite numbers.
        """
        responses = response if isinstance(response, Mapping) else {(source, target): response}
        arrays = {pair: np.asarray(each) for pair, each in responses.items()}
        return cls(arrays).plot(seconds_per_frame=seconds_per_frame, axes=axes)

    def plot(self, *, seconds_per_frame: float = 1.0, axes: Sequence[Any] | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        seconds_per_frame : float, default=1.0
            Unit of the time axes.
        axes : sequence of matplotlib Axes, default=None
            Where to draw, one a pair; None makes a figure.

        Returns
        -------
        InfluenceDisplay
            The display itself.

        Raises
        ------
        ValueError
            If the answers are no matrices of finite numbers, or axes are not one a pair.
        """
        check_positive("seconds_per_frame", seconds_per_frame)
        self._check()
        n_columns = min(2, len(self.responses))
        n_rows = -(-len(self.responses) // n_columns)
        n = len(self.responses)
        if axes is None:
            made = new_figure(n_rows, 4.7 * n_columns, 4.6 * n_rows, n_columns, sharex=False)
            for empty in made[n:]:
                empty.remove()
            axes = list(made[:n])
        self.axes_ = check_axes(axes, list(self.responses))
        self.ax_ = self.axes_[0]
        self.figure_ = self.ax_.figure
        self.lines_ = {
            pair: _plot_pair(ax, pair, response, seconds_per_frame)
            for ax, (pair, response) in zip(self.axes_, self.responses.items(), strict=True)
        }
        return self

    def _check(self) -> None:
        """Raise ValueError unless there are matrices of finite numbers by pairs of names."""
        for pair, response in self.responses.items():
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise ValueError(f"Keys of responses must be (source, target), got {pair!r}.")
            given = np.asarray(response)
            if given.ndim != 2 or not given.size or given.dtype.kind not in "fiub":
                raise ValueError(
                    f"The answers of {pair} must be numbers of shape (T_target, T_source), got an "
                    f"array of shape {given.shape} and type {given.dtype}."
                )
            if not np.isfinite(given).all():
                raise ValueError(f"The answers of {pair} must be finite numbers.")
        if not self.responses:
            raise ValueError("responses must hold at least one pair (source, target), got none.")


def _plot_pair(ax: Any, pair: Pair, response: Floats, seconds: float) -> Line:
    from matplotlib.colors import LinearSegmentedColormap

    answers = centred(np.asarray(response, float))
    peaks = find_peaks(answers)
    n_target, n_source = answers.shape
    line = fit_line(peaks, n_target, seconds)
    largest = peaks.size.max() or 1.0
    image = ax.imshow(
        answers,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap=LinearSegmentedColormap.from_list("answers", [BLUE, "white", ORANGE]),
        vmin=-largest,
        vmax=largest,
        extent=(0, n_source * seconds, 0, n_target * seconds),
    )
    ends = np.array([0.0, n_source * seconds])
    ax.plot(ends, ends, color=GREY, lw=1, ls=":", label="same moment")
    times = [(np.arange(n_source) + 0.5) * seconds, (peaks.target + 0.5) * seconds]
    # Small answers are small dots.
    sizes = np.clip(4000 / n_source, 2, 30) * peaks.size / largest
    ax.scatter(*times, s=sizes, color="black", lw=0, label="largest answer")
    clear = not np.isnan(line.shift)
    style: dict[str, Any] = {"color": "black", "lw": 1.6 * clear, "label": fill(str(line), 48)}
    ax.plot(ends, line.shift + line.stretch * ends, **style)
    _label(ax, pair, image)
    ax.set_xlim(0, n_source * seconds)
    ax.set_ylim(0, n_target * seconds)
    return line


def _label(ax: Any, pair: Pair, image: Any) -> None:
    source, target = pair
    ax.set_title(f"{source} → {target}", **HEADING)
    ax.set_xlabel(fill(f"attention to {source}, in seconds", 40), parse_math=False)
    ax.set_ylabel(fill(f"answer of {target}, in seconds", 40), parse_math=False)
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.8)
    bar.set_label("answer, from its median over time", fontsize="small")
    bar.outline.set_visible(False)
    lines = 1 + ax.get_xlabel().count("\n")
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "borderaxespad": 2.6 + 1.4 * lines}
    ax.legend(frameon=False, fontsize="small", **place)
