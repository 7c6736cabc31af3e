"""`AttentionDisplay`: attention over time."""

from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeAlias

import numpy as np

from .._types import Floats
from ._checks import as_numbers, check_mapping, check_positive
from ._display import BLUE, GREY, HEADING, ORANGE, Display, hide_spines
from ._outputs import unwrap
from ._thumbnails import Thumbnails, draw_thumbnails, read_thumbnails
from ._time import time_scale

Spans: TypeAlias = Mapping[str, tuple[float, float]]


class AttentionDisplay(Display):
    """Attention to each modality of one video over time, before and after the influence.

    The plot of Figure 1 of Goyal et al. (2020), with the effect of the influence beside it.
    Make one with :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    before, after : dict of str to array-like of shape (T,)
        Attention to each modality at each time step, see the classifier's `attention_weights`.
    spans : dict of str to (start, length), default=None
        Known time of the event in each modality, in frames; it is shaded.
    thumbnails : dict of float to image or str, or sequence of (float, image or str), default=None
        Images or words along the top, by their second in the video. Images are arrays of shape
        (height, width), (height, width, 3) or (height, width, 4), as in matplotlib.
    title : str, default=None
        Title of the figure.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        One per modality.
    """

    def __init__(
        self,
        before: Mapping[str, Floats],
        after: Mapping[str, Floats],
        *,
        spans: Spans | None = None,
        thumbnails: Thumbnails | None = None,
        title: str | None = None,
    ) -> None:
        self.before, self.after = before, after
        self.spans, self.thumbnails, self.title = spans, thumbnails, title
        self._frames_per_step = 1.0

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        spans: Spans | None = None,
        thumbnails: Thumbnails | None = None,
        title: str | None = None,
        seconds_per_frame: float | None = None,
        axes: Sequence[Any] | None = None,
    ) -> Self:
        """Compute the attention of a fitted classifier and draw it.

        Parameters
        ----------
        estimator : fitted classifier
            Any estimator with `attention_weights`, or a search, a Pipeline or a
            `TransformedTargetClassifier` around one.
        X : MultimodalArray or any form that becomes one, of one video
            The video, such as ``X[[3]]``; exactly one.
        seconds_per_frame : float, default=None
            Unit of the time axes; None takes the rates of X, or 1 if they are not known. The time
            steps of a long video are windows of several frames.
        """
        estimator, X = unwrap(estimator, "attention_weights", X)
        attention = estimator.attention_weights(X)
        n_videos = len(next(iter(attention.values())).before)
        if n_videos != 1:
            raise ValueError(f"X must hold one video, such as X[[0]], got {n_videos}.")
        before, after = (
            {name: getattr(pair, when)[0] for name, pair in attention.items()}
            for when in ("before", "after")
        )
        display = cls(before, after, spans=spans, thumbnails=thumbnails, title=title)
        seconds, display._frames_per_step = time_scale(estimator, X, seconds_per_frame)
        return display.plot(seconds_per_frame=seconds, axes=axes)

    @classmethod
    def from_predictions(
        cls,
        before: Any,
        after: Any,
        *,
        spans: Spans | None = None,
        thumbnails: Thumbnails | None = None,
        title: str | None = None,
        seconds_per_frame: float = 1.0,
        axes: Sequence[Any] | None = None,
    ) -> Self:
        """Draw attention that was computed before."""
        arrays = []
        for name, part in (("before", before), ("after", after)):
            check_mapping(name, part, "arrays by modality")
            arrays.append({key: np.asarray(each) for key, each in part.items()})
        display = cls(*arrays, spans=spans, thumbnails=thumbnails, title=title)
        return display.plot(seconds_per_frame=seconds_per_frame, axes=axes)

    def plot(self, *, seconds_per_frame: float = 1.0, axes: Sequence[Any] | None = None) -> Self:
        """Draw.

        Raises
        ------
        TypeError
            If `before` or `after` is not a dict.
        ValueError
            If modalities or time steps differ, or another argument does not fit them.
        """
        check_positive("seconds_per_frame", seconds_per_frame)
        self._check()
        names = list(self.before)
        n_frames = max(map(len, self.after.values()))
        duration = n_frames * self._frames_per_step * seconds_per_frame
        thumbnails = read_thumbnails(self.thumbnails, duration)
        height = 1.0 + 1.9 * len(names) + 0.9 * bool(thumbnails)
        self._use_axes(axes, names, 7.0, height, sharex=True)
        for ax, name in zip(self.axes_, names, strict=True):
            self._plot_modality(ax, name, seconds_per_frame)
        self.axes_[-1].set_xlabel("time in seconds")
        heading = names[0] if self.title is None else f"{self.title}\n{names[0]}"
        pad = 6.0 + draw_thumbnails(self.ax_, thumbnails)
        self.ax_.set_title(heading, pad=pad, **HEADING)
        return self

    def _check(self) -> None:
        before, after = ({k: np.shape(v) for k, v in p.items()} for p in (self.before, self.after))
        if not before or before != after:
            shapes = f"shapes {before} and {after}"
            raise ValueError(f"before and after must be of the same modalities, got {shapes}.")
        for part in (self.before, self.after):
            for name, attention in part.items():
                as_numbers(f"The attention to {name!r}", attention, "T")
        for name, span in (self.spans or {}).items():
            if name not in self.before:
                raise ValueError(f"spans must be of {list(self.before)}, got one of {name!r}.")
            if span is not None and np.shape(span) != (2,):
                raise ValueError(f"The span of {name!r} must be (start, length), got {span!r}.")

    def _plot_modality(self, ax: Any, name: str, seconds: float) -> None:
        # A step lasts as long as its frames, so that spans and steps share their edges.
        edges = np.arange(len(self.before[name]) + 1) * self._frames_per_step * seconds
        if (span := (self.spans or {}).get(name)) is not None:
            start, end = span[0] * seconds, (span[0] + span[1]) * seconds
            ax.axvspan(start, end, color=GREY, alpha=0.2, lw=0, label="event")
        before, after = (100 * np.asarray(part[name]) for part in (self.before, self.after))
        dashed: dict[str, Any] = {"color": BLUE, "lw": 1.6, "ls": "--"}
        ax.stairs(before, edges, baseline=None, label="before the influence", **dashed)
        ax.stairs(after, edges, baseline=None, color=ORANGE, lw=2.0, label="after the influence")
        ax.set_title(name, **HEADING)
        ax.set_ylabel("attention in %")
        # An influence that is added to attention may make it negative.
        low, high = min(0.0, after.min()), max(before.max(), after.max())
        ax.set_ylim(1.15 * low, 1.15 * high or 100)
        ax.set_xlim(edges[0], edges[-1])
        hide_spines(ax)
        if not before.any() and not after.any():
            middle = {"ha": "center", "va": "center", "transform": ax.transAxes}
            ax.text(0.5, 0.5, "no frames in this video", **middle)
            ax.tick_params(left=False, labelleft=False)  # the ticks themselves may be shared
        ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
