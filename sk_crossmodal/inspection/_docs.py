"""Docstrings of the displays: each parameter is described once, in the class or here.

Methods that list no errors have those of `plot`, which all of them call, or of `RAISES`.
"""

import re
from inspect import cleandoc, signature
from typing import Any

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
    head, sections = _split(cls.__doc__)
    _, of_plot = _split(vars(cls)["plot"].__doc__)
    shared = _entries(of_plot.get("Parameters", "")) | _entries(sections["Parameters"])
    shared = _entries(SHARED) | shared
    attributes = _entries(sections.get("Attributes", "")) | _entries(ATTRIBUTES)
    cls.__doc__ = _join(head, sections | {"Attributes": _text(attributes.values())})
    for name, member in vars(cls).items():
        function = getattr(member, "__func__", member)
        if not name.startswith("_") and callable(function):
            head, sections = _split(function.__doc__)
            known = shared | _entries(sections.get("Parameters", ""))
            used = [known[each] for each in signature(function).parameters if each in known]
            sections["Parameters"] = _text(used)
            raised = RAISES if name == "from_estimator" else of_plot["Raises"]
            sections.setdefault("Raises", raised.rstrip())
            sections["Returns"] = f"{cls.__name__}\n    The display, drawn."
            function.__doc__ = _join(head, sections)


def _split(doc: Any) -> tuple[str, dict[str, str]]:
    """Return the text before the first section, and the content of each section."""
    head, *parts = re.split(r"\n\n([A-Z][A-Za-z ]+)\n-{3,}\n", cleandoc(doc))
    return head, dict(zip(parts[::2], parts[1::2], strict=True))


def _join(head: str, sections: dict[str, str]) -> str:
    order = ["Parameters", "Attributes", "Returns", "Raises", *sections]
    parts = [
        f"{name}\n{'-' * len(name)}\n{sections[name]}"
        for name in dict.fromkeys(order)
        if name in sections
    ]
    return "\n\n".join([head, *parts]) + "\n"


def _entries(section: str) -> dict[str, str]:
    """Return the entry of each parameter; one entry may describe several, as in ``low, high``."""
    entries = re.split(r"\n(?=\S)", section.strip()) if section.strip() else []
    return {
        name.strip("*"): entry for entry in entries for name in entry.split(" : ")[0].split(", ")
    }


def _text(entries: Any) -> str:
    return "\n".join(dict.fromkeys(entries))
