"""Docstrings of the displays: each parameter is described once, in the class or here.

Methods that list no errors have those of `plot`, which all of them call, or of `RAISES`.
"""

from inspect import signature

from .._docs import join_entries, join_sections, split_entries, split_sections

# Entries of parameters that several displays have; a class or method may describe its own.
SHARED = """\
estimator : fitted classifier
    Any estimator with `predict_proba` of the labels of `hierarchy`.
X : MultimodalArray, or any input of the classifiers
    The videos.
y : array-like, sparse, or label sets
    True labels of the videos, see :meth:`from_predictions`.
y_true : array-like or sparse of shape (n_videos, n_labels), or label sets
    True labels: a multilabel indicator of zeros and ones, or one collection of labels per video,
    to which the hierarchy adds their ancestors.
hierarchy : LabelHierarchy
    The hierarchy of the labels, in the order of the columns.
score : {"gap", "map", "perr", "hit_at_1"}, default="gap"
    Score of the error rates.
seconds_per_frame : float, default=1.0
    Unit of the time axes.
ax : matplotlib Axes, default=None
    Axes to draw on; None makes a figure.
axes : sequence of matplotlib Axes, default=None
    Axes to draw on, in the order of :attr:`axes_`; None makes a figure.
"""
RAISES = """\
TypeError
    If an estimator has not the methods or attributes above.
ValueError
    If an estimator is not fitted, or another argument does not fit it.
"""
ATTRIBUTES = """\
ax_ : matplotlib Axes
    The axes; the first of several.
figure_ : matplotlib Figure
    The figure.
"""


def complete_docstrings(cls: type) -> None:
    """Add shared entries to the docstrings of a display and of its public methods."""
    if cls.__doc__ is None:  # Python runs with -OO
        return
    head, sections = split_sections(cls.__doc__)
    _, of_plot = split_sections(vars(cls)["plot"].__doc__)
    shared = split_entries(of_plot.get("Parameters", "")) | split_entries(sections["Parameters"])
    shared = split_entries(SHARED) | shared
    attributes = split_entries(sections.get("Attributes", "")) | split_entries(ATTRIBUTES)
    cls.__doc__ = join_sections(head, sections | {"Attributes": join_entries(attributes.values())})
    for name, member in vars(cls).items():
        function = getattr(member, "__func__", member)
        if not name.startswith("_") and callable(function):
            head, sections = split_sections(function.__doc__)
            known = shared | split_entries(sections.get("Parameters", ""))
            used = [known[each] for each in signature(function).parameters if each in known]
            sections["Parameters"] = join_entries(used)
            raised = RAISES if name == "from_estimator" else of_plot["Raises"]
            sections.setdefault("Raises", raised.rstrip())
            sections["Returns"] = f"{cls.__name__}\n    The display, drawn."
            function.__doc__ = join_sections(head, sections)
