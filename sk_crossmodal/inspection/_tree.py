"""`HierarchyDisplay`: the label tree, with how many videos and how much error each node has."""

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._types import Array, Floats
from ..hierarchy import LabelHierarchy
from ..metrics import as_indicator, average_precisions, prepare
from ._outputs import label_scores, literal
from ._style import check_positive, new_figure
from ._tree_rows import Line, tree_lines

COLORS = "viridis_r"  # the darker, the worse; told apart by colour-blind readers and in grey
UNKNOWN = "#bbbbbb"


class HierarchyDisplay:
    """The label tree: a line a node, a bar as long as it has videos, coloured by its error.

    Of a large hierarchy the nodes with most videos are drawn, and how many are left out where;
    `root` looks into one node. Make one with :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    hierarchy : LabelHierarchy
        The labels. One with several parents stands below each of them.
    support : array-like of shape (n_labels,)
        Number of videos of each label.
    error : array-like of shape (n_labels,)
        Error of each label in percent, NaN where it is not known.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.

    Examples
    --------
    >>> from sk_crossmodal import LabelHierarchy
    >>> from sk_crossmodal.inspection import HierarchyDisplay
    >>> hierarchy = LabelHierarchy.from_paths(["Sport", "Transport:Air", "Transport:Land"])
    >>> display = HierarchyDisplay(hierarchy, [40, 60, 35, 25], [9.5, 4.0, 12.0, 20.5]).plot()
    >>> print(*(label.get_text().rstrip() for label in display.ax_.get_yticklabels()), sep=chr(10))
    Transport
    ├─ Air
    └─ Land
    Sport
    """

    def __init__(self, hierarchy: LabelHierarchy, support: ArrayLike, error: ArrayLike) -> None:
        self.hierarchy = hierarchy
        self.support = support
        self.error = error

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, hierarchy: LabelHierarchy, **params: Any
    ) -> Self:
        """Predict with a fitted classifier and draw how well it knows each label.

        Parameters
        ----------
        estimator : fitted classifier
            Anything with `predict_proba` of the labels of `hierarchy`.
        X : MultimodalArray, or whatever the classifier takes
            The videos.
        y : array-like, sparse, or label sets
            Their labels, see :meth:`from_predictions`.
        hierarchy : LabelHierarchy
            The hierarchy of the labels, in the order of the columns.
        **params : dict
            What :meth:`plot` takes.

        Returns
        -------
        HierarchyDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If there is no `predict_proba`, or `hierarchy` is none.
        ValueError
            If the estimator is not fitted, or y and the hierarchy do not fit its labels.
        """
        return cls.from_predictions(y, label_scores(estimator, X), hierarchy, **params)

    @classmethod
    def from_predictions(
        cls, y_true: Any, y_score: ArrayLike, hierarchy: LabelHierarchy, **params: Any
    ) -> Self:
        """Draw how well predictions know each label.

        The error of a label is 100 * (1 - average precision), over all videos: the mean of these
        is the error by :func:`~sk_crossmodal.metrics.map_score`.

        Parameters
        ----------
        y_true : array-like or sparse of shape (n_videos, n_labels), or label sets
            True labels as a multilabel indicator of zeros and ones, or as a collection of labels
            a video, which the hierarchy closes upward.
        y_score : array-like of shape (n_videos, n_labels)
            Scores, probabilities or logits; higher means more likely.
        hierarchy : LabelHierarchy
            The hierarchy of the labels, in the order of the columns.
        **params : dict
            What :meth:`plot` takes.

        Returns
        -------
        HierarchyDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If `hierarchy` is no LabelHierarchy.
        ValueError
            If labels, scores and hierarchy do not fit each other.
        """
        _check_hierarchy(hierarchy)
        problem = prepare(as_indicator(y_true, y_score, hierarchy), y_score)
        if problem.n_labels != len(hierarchy):
            raise ValueError(
                f"hierarchy must have one node for each label, got {len(hierarchy)} nodes for "
                f"{problem.n_labels} labels."
            )
        support = np.bincount(problem.labels.indices, minlength=problem.n_labels)
        precision = average_precisions(problem)
        return cls(hierarchy, support, 100 * (1 - precision)).plot(**params)

    def plot(
        self, *, root: Any = None, max_depth: int = 4, max_nodes: int = 60, ax: Any = None
    ) -> Self:
        """Draw.

        Parameters
        ----------
        root : hashable, default=None
            The node to look into; None draws all roots.
        max_depth : int, default=4
            How many levels are drawn, that of `root` included.
        max_nodes : int, default=60
            How many nodes are drawn: those with most videos, each with the nodes above it. Where
            others are left out stands how many. The figure grows with the number.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        HierarchyDisplay
            The display itself.

        Raises
        ------
        TypeError
            If the hierarchy is none, or a parameter of the wrong type.
        ValueError
            If `support` and `error` do not fit the hierarchy, or `root` is not in it.
        """
        support, error = self._check(root)
        check_positive("max_depth", max_depth, Integral)
        check_positive("max_nodes", max_nodes, Integral)
        lines = tree_lines(self.hierarchy, support, root, int(max_depth), int(max_nodes))
        if ax is None:
            ax = new_figure(1, 8.0, 1.4 + 0.18 * len(lines))[0]
        self.ax_, self.figure_ = ax, ax.figure
        shown = [line.nodes[0] for line in lines if not line.left_out]
        colors = self._color_bar(error[shown])
        for y, line in enumerate(lines):
            self._plot_line(y, line, support, error, colors)
        self._finish(lines, max(float(support[shown].max()), 1.0))
        return self

    def _check(self, root: Any) -> tuple[Array, Floats]:
        """Return support and error as arrays."""
        _check_hierarchy(self.hierarchy)
        arrays = {"support": np.asarray(self.support), "error": np.asarray(self.error)}
        for name, array in arrays.items():
            if array.shape != (len(self.hierarchy),) or array.dtype.kind not in "iuf":
                raise ValueError(
                    f"{name} must hold {len(self.hierarchy)} numbers, one a node, got shape "
                    f"{array.shape} and dtype {array.dtype}."
                )
        if not (np.isfinite(arrays["support"]).all() and arrays["support"].min() >= 0):
            raise ValueError("support must hold finite numbers of videos, from 0.")
        if root is not None:
            self.hierarchy.index(root)
        return arrays["support"], arrays["error"].astype(float)

    def _color_bar(self, error: Floats) -> Any:
        """Draw what the colours mean, and return what gives them."""
        from matplotlib import colormaps
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        known = error[np.isfinite(error)]
        highest = max(float(known.max()), 1.0) if known.size else 100.0
        colors = ScalarMappable(Normalize(0, highest), colormaps[COLORS])
        pad = 0.12 / self.figure_.get_figheight()  # the same distance however high it is
        bar = self.figure_.colorbar(
            colors, ax=self.ax_, location="top", shrink=0.6, aspect=40, pad=pad
        )
        bar.set_label("error, 1 - average precision, in %", fontsize="small")
        bar.ax.tick_params(labelsize="small")
        bar.outline.set_visible(False)
        return colors

    def _plot_line(self, y: int, line: Line, support: Array, error: Floats, colors: Any) -> None:
        most = int(support[list(line.nodes)].max())
        own = error[list(line.nodes)]
        known = own[np.isfinite(own)]
        mean = f" · {known.mean():.1f} %" if known.size else ""
        if line.left_out:
            text = f" at most {most:,} videos each{mean and mean + ' on average'}"
            self.ax_.text(0, y, text, va="center", fontsize=7.5, color="#666666", style="italic")
            return
        color = colors.to_rgba(own[0]) if known.size else UNKNOWN
        self.ax_.barh(y, most, height=0.8, color=color)
        self.ax_.text(most, y, f" {most:,}{mean}", va="center", fontsize=7.5)

    def _finish(self, lines: list[Line], longest: float) -> None:
        ax, width = self.ax_, max(len(line.text) for line in lines)
        # Of one length and in letters of one width: so the strokes of the tree meet.
        ax.set_yticks(range(len(lines)), [literal(line.text.ljust(width)) for line in lines])
        ax.tick_params(axis="y", length=0)
        for label, line in zip(ax.get_yticklabels(), lines, strict=True):
            label.set(
                family="monospace", fontsize=8, color="#666666" if line.left_out else "black"
            )
        ax.set_ylim(len(lines) - 0.4, -0.6)
        ax.set_xlim(0, 1.3 * longest)
        ax.set_xlabel("videos with the label")
        ax.spines[["top", "right"]].set_visible(False)


def _check_hierarchy(hierarchy: Any) -> None:
    if not isinstance(hierarchy, LabelHierarchy):
        raise TypeError(
            "hierarchy must be a LabelHierarchy, such as `hierarchy_` of a fitted "
            f"HierarchyLabelBinarizer, got {type(hierarchy).__name__}."
        )
