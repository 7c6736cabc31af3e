"""`AttentionDisplay`: where a classifier looks and listens, over time."""

from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeAlias

import numpy as np

from .._types import Floats
from ._inner import inner_estimator
from ._style import BLUE, GREY, HEADING, ORANGE, check_axes, check_positive, new_figure
from ._thumbnails import Thumbnails, draw_thumbnails, read_thumbnails

Spans: TypeAlias = Mapping[str, tuple[float, float]]


class AttentionDisplay:
    """Attention of each modality of one video over time, before and after the influence.

    The picture of Figure 1 of Goyal et al. (2020), with the effect of the influence beside it.
    Make one with :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    before, after : dict of str to ndarray of shape (T,)
        Attention of each modality to each moment, see the classifier's `attention_weights`.
    spans : dict of str to (start, length), default=None
        What is known of where a modality's event is, in frames; shaded.
    thumbnails : dict of float to image or str, or sequence of (float, image or str), default=None
        What is to be seen or said at some seconds of the video, along the top: images are arrays
        of shape (height, width), (height, width, 3) or (height, width, 4), as matplotlib takes
        them.
    title : str, default=None
        What stands above all.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        One a modality.
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure
        The figure.
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
        self.before = before
        self.after = after
        self.spans = spans
        self.thumbnails = thumbnails
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        spans: Spans | None = None,
        thumbnails: Thumbnails | None = None,
        title: str | None = None,
        seconds_per_frame: float = 1.0,
        axes: Sequence[Any] | None = None,
    ) -> Self:
        """Compute the attention of a fitted classifier and draw it.

        Parameters
        ----------
        estimator : fitted classifier
            Anything with `attention_weights`, or a search, a Pipeline or a
            `TransformedTargetClassifier` around it.
        X : MultimodalArray or any form that becomes one, of one video
            The video, such as ``X[[3]]``.
        spans : dict of str to (start, length), default=None
            What is known of where a modality's event is, in frames; shaded.
        thumbnails : dict or sequence of (float, image or str), default=None
            What is to be seen or said at some seconds, along the top.
        title : str, default=None
            What stands above all.
        seconds_per_frame : float, default=1.0
            Unit of the time axis.
        axes : sequence of matplotlib Axes, default=None
            Where to draw, one a modality; None makes a figure.

        Returns
        -------
        AttentionDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If there is no `attention_weights`.
        ValueError
            If X holds more or less than one video, or what else is given does not fit it.
        """
        estimator, X = inner_estimator(estimator, "attention_weights", X)
        attention = estimator.attention_weights(X)
        n_videos = len(next(iter(attention.values())).before)
        if n_videos != 1:
            raise ValueError(f"X must hold one video, such as X[[0]], got {n_videos}.")
        return cls(
            {name: pair.before[0] for name, pair in attention.items()},
            {name: pair.after[0] for name, pair in attention.items()},
            spans=spans,
            thumbnails=thumbnails,
            title=title,
        ).plot(seconds_per_frame=seconds_per_frame, axes=axes)

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
        """Draw attention that is already there.

        Parameters
        ----------
        before, after : dict of str to array-like of shape (T,)
            Attention of each modality to each moment, before and after the influence.
        spans : dict of str to (start, length), default=None
            What is known of where a modality's event is, in frames; shaded.
        thumbnails : dict or sequence of (float, image or str), default=None
            What is to be seen or said at some seconds, along the top.
        title : str, default=None
            What stands above all.
        seconds_per_frame : float, default=1.0
            Unit of the time axis.
        axes : sequence of matplotlib Axes, default=None
            Where to draw, one a modality; None makes a figure.

        Returns
        -------
        AttentionDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If attention is not given by modality.
        ValueError
            If it is not of the same modalities and moments, or what else is given does not fit.
        """
        for name, part in (("before", before), ("after", after)):
            if not isinstance(part, Mapping):
                raise TypeError(f"{name} must be a dict by modality, got {type(part).__name__}.")
        arrays = [{n: np.asarray(x) for n, x in part.items()} for part in (before, after)]
        display = cls(*arrays, spans=spans, thumbnails=thumbnails, title=title)
        return display.plot(seconds_per_frame=seconds_per_frame, axes=axes)

    def plot(self, *, seconds_per_frame: float = 1.0, axes: Sequence[Any] | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        seconds_per_frame : float, default=1.0
            Unit of the time axis.
        axes : sequence of matplotlib Axes, default=None
            Where to draw, one a modality; None makes a figure.

        Returns
        -------
        AttentionDisplay
            The display itself.

        Raises
        ------
        ValueError
            If attention, spans or axes are not those of the same modalities.
        """
        check_positive("seconds_per_frame", seconds_per_frame)
        self._check()
        names = list(self.before)
        n_frames = max(len(attention) for attention in self.after.values())
        thumbnails = read_thumbnails(self.thumbnails, n_frames * seconds_per_frame)
        if axes is None:
            inches = 1.0 + 1.9 * len(names) + 0.9 * bool(thumbnails)
            axes = list(new_figure(len(names), 7.0, inches))
        self.axes_ = check_axes(axes, names)
        self.ax_ = self.axes_[0]
        self.figure_ = self.ax_.figure
        for ax, name in zip(self.axes_, names, strict=True):
            self._plot_modality(ax, name, seconds_per_frame)
        self.axes_[-1].set_xlabel("time in seconds")
        heading = names[0] if self.title is None else f"{self.title}\n{names[0]}"
        height = draw_thumbnails(self.ax_, thumbnails)
        self.ax_.set_title(heading, pad=height + 6.0, **HEADING)
        return self

    def _check(self) -> None:
        """Raise ValueError unless all parts are of the same modalities."""
        shapes = [{k: np.shape(v) for k, v in part.items()} for part in (self.before, self.after)]
        if not shapes[0] or shapes[0] != shapes[1] or any(len(s) != 1 for s in shapes[0].values()):
            raise ValueError(
                "before and after must hold arrays of shape (T,) of the same modalities, got "
                f"shapes {shapes[0]} and {shapes[1]}."
            )
        for name, shape in shapes[0].items():
            for given in (np.asarray(self.before[name]), np.asarray(self.after[name])):
                if not shape[0] or given.dtype.kind not in "biuf" or not np.isfinite(given).all():
                    raise ValueError(
                        f"The attention of {name!r} must be finite numbers, one a moment, got "
                        f"{given!r:.80}."
                    )
        for name, span in (self.spans or {}).items():
            if name not in self.before:
                raise ValueError(f"spans must be of {list(self.before)}, got one of {name!r}.")
            if span is not None and np.shape(span) != (2,):
                raise ValueError(f"The span of {name!r} must be (start, length), got {span!r}.")

    def _plot_modality(self, ax: Any, name: str, seconds: float) -> None:
        # A step lasts as long as its frame, so that spans and steps share their edges.
        edges = np.arange(len(self.before[name]) + 1) * seconds
        span = (self.spans or {}).get(name)
        if span is not None:
            start, length = span
            ends = (start * seconds, (start + length) * seconds)
            ax.axvspan(*ends, color=GREY, alpha=0.2, lw=0, label="event")
        before, after = (100 * np.asarray(part[name]) for part in (self.before, self.after))
        ax.stairs(
            before, edges, baseline=None, color=BLUE, lw=1.6, ls="--", label="before the influence"
        )
        ax.stairs(after, edges, baseline=None, color=ORANGE, lw=2.0, label="after the influence")
        ax.set_title(name, **HEADING)
        ax.set_ylabel("attention in %")
        # What is added to attention may take it below zero.
        low, high = min(0.0, after.min()), max(before.max(), after.max())
        ax.set_ylim(1.15 * low, 1.15 * high or 100)
        ax.set_xlim(edges[0], edges[-1])
        ax.spines[["top", "right"]].set_visible(False)
        if not before.any() and not after.any():
            middle = {"ha": "center", "va": "center", "transform": ax.transAxes}
            ax.text(0.5, 0.5, "no frames in this video", **middle)
            ax.tick_params(left=False, labelleft=False)  # ticks may be shared with others
        ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
