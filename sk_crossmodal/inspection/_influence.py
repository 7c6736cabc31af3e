"""`InfluenceDisplay`: the shift and stretch in time that an influence F learned."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any, Self, TypeAlias

import numpy as np

from .._types import Floats
from ..validation import short
from ._checks import as_numbers, check_positive
from ._display import BLUE, GREY, HEADING, ORANGE, Display
from ._line import Line, centred, find_peaks, fit_line
from ._outputs import unwrap
from ._time import time_scale

Pair: TypeAlias = tuple[str, str]  # source and target


class InfluenceDisplay(Display):
    """Response of the attention to each modality to the attention to another one, over time.

    A column shows the effect of a little more attention to the source at one time step on the
    attention to the target at every time step (Section 2 of Goyal et al., 2020). If F shifts
    attention in time, the largest responses lie on a line beside the diagonal; if it stretches or
    compresses, the line is steeper or flatter. A line is drawn only if the responses lie on one.

    Make one with :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    responses : dict of (str, str) to ndarray of shape (T_target, T_source)
        Responses by source and target, as a classifier's `influence_response` returns them.

    Attributes
    ----------
    lines_ : dict of (str, str) to (shift, stretch, strength, fixed, reach)
        By source and target, the line ``target = shift + stretch * source`` in seconds that fits
        the largest responses, each weighted by its squared size. `strength` is the share of the
        weight within `reach` seconds of the line (1.5 frames, or a 20th of the target's time line
        if that is more), `fixed` the largest share near a single time step of the target. Shift
        and stretch are NaN, and the plot says "no clear shift", if `strength` is below 0.5 or
        hardly above `fixed` (by 0.15, or 4.5 over the number of time steps if that is more), and
        all with fewer than 12 time steps or without responses.
    axes_ : ndarray of matplotlib Axes
        One per pair.

    Notes
    -----
    Responses are drawn, and compared, relative to the median of the responses to the same source
    step: an addition to all time steps alike changes no attention.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_crossmodal.inspection import InfluenceDisplay
    >>> responses = np.eye(20, k=-4)  # the target responds four seconds later
    >>> display = InfluenceDisplay.from_predictions(responses, source="audio", target="video")
    >>> line = display.lines_["audio", "video"]
    >>> round(line.shift, 6), round(line.stretch, 6)
    (4.0, 1.0)
    """

    def __init__(self, responses: Mapping[Pair, Floats]) -> None:
        self.responses = responses
        self._frames_per_step = 1.0

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        source: str | None = None,
        target: str | None = None,
        seconds_per_frame: float | None = None,
        axes: Sequence[Any] | None = None,
    ) -> Self:
        """Compute the responses of a fitted classifier's influences and draw them.

        Parameters
        ----------
        estimator : fitted classifier
            Any estimator with `influence_response`, or a search, a Pipeline or a
            `TransformedTargetClassifier` around one.
        X : MultimodalArray or any form that becomes one, default=None
            A few dozen videos, at whose attention F is differentiated. None takes every hidden
            unit of F as active, for a first look.
        source, target : str, default=None
            Draw only influences of, or on, this modality; there must be one.
        seconds_per_frame : float, default=None
            Unit of the time axes; None takes the rates of X, or 1 if they are not known. The time
            steps of long videos are windows, of the mean duration of the videos' windows.
        """
        estimator, X = unwrap(estimator, "influence_response", X)
        responses = estimator.influence_response(X)
        kept = {
            pair: response
            for pair, response in responses.items()
            if source in (None, pair[0]) and target in (None, pair[1])
        }
        if not kept:
            pairs = list(responses)
            raise ValueError(f"Give one of the pairs {pairs}, got {source=}, {target=}.")
        display = cls(kept)
        seconds, display._frames_per_step = time_scale(estimator, X, seconds_per_frame)
        return display.plot(seconds_per_frame=seconds, axes=axes)

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
        """Draw responses that were computed before.

        Parameters
        ----------
        response : array-like of shape (T_target, T_source), or dict of (str, str) to such
            The responses of one influence; or of several, by source and target.
        source, target : str, default="source" and "target"
            Names of the modalities of one influence.
        """
        responses = response if isinstance(response, Mapping) else {(source, target): response}
        arrays = {pair: np.asarray(each) for pair, each in responses.items()}
        return cls(arrays).plot(seconds_per_frame=seconds_per_frame, axes=axes)

    def plot(self, *, seconds_per_frame: float = 1.0, axes: Sequence[Any] | None = None) -> Self:
        """Draw.

        Raises
        ------
        ValueError
            If the responses are not matrices of finite numbers, or `axes` are not one per pair.
        """
        check_positive("seconds_per_frame", seconds_per_frame)
        if not self.responses:
            raise ValueError("responses must hold at least one pair (source, target), got none.")
        for pair, response in self.responses.items():
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise ValueError(f"Keys of responses must be (source, target), got {short(pair)}.")
            as_numbers(f"The response of {pair}", response, "T_target", "T_source")
        seconds = seconds_per_frame * self._frames_per_step
        pairs = list(self.responses)
        n_columns = min(2, len(pairs))
        size = 4.7 * n_columns, 4.6 * -(-len(pairs) // n_columns)
        self._use_axes(axes, pairs, *size, n_columns=n_columns)
        self.lines_ = {
            pair: _plot_pair(ax, pair, self.responses[pair], seconds)
            for ax, pair in zip(self.axes_, pairs, strict=True)
        }
        return self


def _plot_pair(ax: Any, pair: Pair, response: Floats, seconds: float) -> Line:
    from matplotlib.colors import LinearSegmentedColormap

    responses = centred(np.asarray(response, float))
    peaks = find_peaks(responses)
    n_target, n_source = responses.shape
    width, height = n_source * seconds, n_target * seconds
    line = fit_line(peaks, n_target, seconds)
    largest = peaks.size.max() or 1.0
    image = ax.imshow(
        responses,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap=LinearSegmentedColormap.from_list("responses", [BLUE, "white", ORANGE]),
        vmin=-largest,
        vmax=largest,
        extent=(0, width, 0, height),
    )
    ends = np.array([0.0, width])
    ax.plot(ends, ends, color=GREY, lw=1, ls=":", label="same time")
    times = [(np.arange(n_source) + 0.5) * seconds, (peaks.target + 0.5) * seconds]
    # Small responses are small dots.
    sizes = np.clip(4000 / n_source, 2, 30) * peaks.size / largest
    ax.scatter(*times, s=sizes, color="black", lw=0, label="largest response")
    clear = not np.isnan(line.shift)
    style: dict[str, Any] = {"color": "black", "lw": 1.6 * clear, "label": fill(str(line), 48)}
    ax.plot(ends, line.shift + line.stretch * ends, **style)
    _label(ax, pair, image)
    ax.set_xlim(0, width)
    ax.set_ylim(0, height)
    return line


def _label(ax: Any, pair: Pair, image: Any) -> None:
    source, target = pair
    ax.set_title(f"{source} → {target}", **HEADING)
    ax.set_xlabel(fill(f"attention to {source}, in seconds", 40), parse_math=False)
    ax.set_ylabel(fill(f"response of {target}, in seconds", 40), parse_math=False)
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.8)
    bar.set_label("response, relative to its median over time", fontsize="small")
    bar.outline.set_visible(False)
    lines = 1 + ax.get_xlabel().count("\n")
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "borderaxespad": 2.6 + 1.4 * lines}
    ax.legend(frameon=False, fontsize="small", **place)
