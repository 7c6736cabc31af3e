"""`HierarchyDisplay`: the label tree, with the number of videos and the error of each node."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._types import Array, Floats
from ..hierarchy import LabelHierarchy
from ..metrics import average_precisions, prepare
from ..validation import hierarchy_names, item_names, match_names
from ._checks import as_numbers, check_count, check_hierarchy
from ._display import GREY, Display, draw_rows, hide_spines
from ._outputs import label_scores, literal
from ._tree_rows import Line, tree_lines

COLORS = "viridis_r"  # dark is a large error; readable for colour-blind readers and in grey
UNKNOWN = "#bbbbbb"


class HierarchyDisplay(Display):
    """The label tree, with one bar per node: its length is the support, its colour the error.

    Of a large hierarchy the nodes with the most videos are drawn, and the number of those left
    out; `root` selects one node. Make one with :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    hierarchy : LabelHierarchy
        The labels. One with several parents is drawn below each of them.
    support : array-like of shape (n_labels,)
        Number of videos of each label, in the order of the nodes or, in a Series, by label.
    error : array-like of shape (n_labels,)
        Error of each label in percent, NaN if it is unknown.

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
        """Predict with a fitted classifier and draw the error of each label.

        Parameters
        ----------
        **params : dict
            Parameters of :meth:`plot`.
        """
        return cls.from_predictions(y, label_scores(estimator, X), hierarchy, **params)

    @classmethod
    def from_predictions(
        cls, y_true: Any, y_score: ArrayLike, hierarchy: LabelHierarchy, **params: Any
    ) -> Self:
        """Draw the error of predictions for each label.

        The error of a label is 100 * (1 - average precision), over all videos. The mean of these
        is the error by :func:`~sk_crossmodal.metrics.map_score`.

        Parameters
        ----------
        y_score : array-like of shape (n_videos, n_labels)
            Scores, probabilities or logits; higher means more likely.
        **params : dict
            Parameters of :meth:`plot`.
        """
        check_hierarchy(hierarchy)
        scoring = prepare(y_true, y_score, hierarchy=hierarchy)
        check_hierarchy(hierarchy, scoring.n_labels)
        support = np.bincount(scoring.labels.indices, minlength=scoring.n_labels)
        error = 100 * (1 - average_precisions(scoring))
        return cls(hierarchy, support, error).plot(**params)

    def plot(
        self, *, root: Any = None, max_depth: int = 4, max_nodes: int = 60, ax: Any = None
    ) -> Self:
        """Draw.

        Parameters
        ----------
        root : hashable, default=None
            Node at the top; None draws all roots.
        max_depth : int, default=4
            Number of levels to draw, that of `root` included.
        max_nodes : int, default=60
            Number of nodes to draw: those with the most videos, each with its ancestors. A new
            figure grows with their number.

        Raises
        ------
        TypeError
            If `hierarchy` is not a LabelHierarchy, or a parameter has the wrong type.
        ValueError
            If `support` and `error` do not fit the hierarchy, or `root` is not in it.
        """
        check_hierarchy(self.hierarchy)
        n = len(self.hierarchy)
        support = as_numbers("support", self.support, n, kinds="iuf", low=0)
        error = as_numbers("error", self.error, n, kinds="iuf", finite=False).astype(float)
        support = _by_label("support", self.support, support, self.hierarchy)
        error = _by_label("error", self.error, error, self.hierarchy)
        if root is not None:
            self.hierarchy.index(root)  # raises if it is no node
        check_count("max_depth", max_depth)
        check_count("max_nodes", max_nodes)
        lines = tree_lines(self.hierarchy, support, root, int(max_depth), int(max_nodes))
        self._use_ax(ax, 8.0, 1.4 + 0.18 * len(lines))
        shown = [line.nodes[0] for line in lines if not line.left_out]
        colors = self._color_bar(error[shown])
        for y, line in enumerate(lines):
            self._plot_line(y, line, support, error, colors)
        self._add_labels(lines, max(float(support[shown].max()), 1.0))
        return self

    def _color_bar(self, error: Floats) -> Any:
        """Draw the scale of colours, and return it."""
        from matplotlib import colormaps
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        known = error[np.isfinite(error)]
        highest = max(float(known.max()), 1.0) if known.size else 100.0
        colors = ScalarMappable(Normalize(0, highest), colormaps[COLORS])
        pad = 0.12 / self.figure_.get_figheight()  # the same distance for every height
        place = {"location": "top", "shrink": 0.6, "aspect": 40, "pad": pad}
        bar = self.figure_.colorbar(colors, ax=self.ax_, **place)
        bar.set_label("error, 1 - average precision, in %", fontsize="small")
        bar.ax.tick_params(labelsize="small")
        bar.outline.set_visible(False)
        return colors

    def _plot_line(self, y: int, line: Line, support: Array, error: Floats, colors: Any) -> None:
        nodes = list(line.nodes)
        most = int(support[nodes].max())
        known = error[nodes][np.isfinite(error[nodes])]
        mean = f" · {known.mean():.1f} %" if known.size else ""
        if line.left_out:
            text = f" at most {most:,} videos each{mean and mean + ' on average'}"
            self.ax_.text(0, y, text, va="center", fontsize=7.5, color=GREY, style="italic")
            return
        color = colors.to_rgba(known[0]) if known.size else UNKNOWN
        self.ax_.barh(y, most, height=0.8, color=color)
        self.ax_.text(most, y, f" {most:,}{mean}", va="center", fontsize=7.5)

    def _add_labels(self, lines: list[Line], longest: float) -> None:
        ax, width = self.ax_, max(len(line.text) for line in lines)
        # The strokes of the tree meet if all lines have one length, and letters one width.
        draw_rows(ax, len(lines), [literal(line.text.ljust(width)) for line in lines])
        for label, line in zip(ax.get_yticklabels(), lines, strict=True):
            label.set(family="monospace", fontsize=8, color=GREY if line.left_out else "black")
        ax.set_xlim(0, 1.3 * longest)
        ax.set_xlabel("videos with the label")
        hide_spines(ax)


def _by_label(what: str, given: Any, values: Array, hierarchy: LabelHierarchy) -> Array:
    """Return the values of a Series, whose items have names, in the order of the hierarchy."""
    names = item_names(given)
    if names is None:
        return values
    order = match_names(what, names, hierarchy_names(hierarchy) or [], "hierarchy")
    return values if order is None else values[order]
