"""`write_report`: makes the sections of the page, and writes the file."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..inspection import error_examples
from ..metrics import hierarchy_report
from ..persistence import check_path, write_file
from ..training import check_seed
from ..validation import check_flag, check_number, check_option, short
from ._data import data_section
from ._inputs import ReportInputs, make_inputs
from ._page import Section, page, paragraph
from ._parameters import parameters_section
from ._scores import examples_section, lead, scores_section
from ._tower import tower_section
from ._training import attention_section, learning_section


def write_report(
    estimator: Any,
    X: Any,
    y: Any,
    path: str | PathLike[str],
    *,
    ids: Sequence[str] | None = None,
    title: str | None = None,
    n_examples: int = 4,
    random_state: int | np.random.RandomState | None = 0,
    overwrite: bool = False,
    progress: bool | None = None,
) -> Path:
    """Write one HTML file about a fitted model and how well it does on some videos.

    It contains a summary of the data, scores by level and by top-level category, training curves,
    the attention of some videos and the influence, best and worst examples selected by a rule, an
    evaluation of the correlation tower, and parameters and versions. Parts that the model does
    not have are left out with a note. The page opens offline: style and figures are inside, and
    there is no script. Writing it needs matplotlib, but no display.

    Parameters
    ----------
    estimator : fitted classifier
        A classifier of the package; or a search, a Pipeline, a `FrozenEstimator` or a
        `TransformedTargetClassifier` around one, also one that `load_model` has loaded.
    X : MultimodalArray or any form that becomes one
        The videos, best ones that are not in the training set. Their frames are read once for the
        predictions; at most 2,000 random videos are read again for the tower, and a few for
        the figures.
    y : array-like
        Their labels in the form that was passed to `fit`: an indicator, classes, or the input of
        a transformer of y.
    path : str or path
        The file to write. It appears only when it is complete.
    ids : sequence of str of shape (n_videos,), default=None
        Names of the videos, by default their rows.
    title : str, default=None
        Heading of the page, by default the name of the classifier.
    n_examples : int, default=4
        Number of the best, and of the worst, videos to show; 0 for none.
    random_state : int, RandomState or None, default=0
        Random seed of the videos that are sampled.
    overwrite : bool, default=False
        Whether an existing file may be replaced.
    progress : bool, default=None
        Whether to show a progress bar. None shows it if there is a terminal.

    Returns
    -------
    Path
        The path of the report.

    Raises
    ------
    TypeError
        If `estimator` is not a fitted classifier, or another argument has the wrong type.
    ValueError
        If X, y or `ids` do not fit each other or the estimator.
    FileExistsError
        If the file exists, and `overwrite` is not True.
    OSError
        If it cannot be written; any earlier file is unchanged.
    ImportError
        If matplotlib is not installed.

    See Also
    --------
    sk_crossmodal.metrics.hierarchy_report : The scores alone.
    sk_crossmodal.inspection.error_examples : The examples alone.

    Examples
    --------
    >>> import tempfile
    >>> from sk_crossmodal import CrossModalNetVLADClassifier
    >>> from sk_crossmodal.datasets import make_crossmodal_videos
    >>> from sk_crossmodal.report import write_report
    >>> videos = make_crossmodal_videos(60, random_state=0)
    >>> y = [path.split(":")[0] for (path,) in videos.target]
    >>> classifier = CrossModalNetVLADClassifier(fusion="late", n_clusters=4, max_epochs=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(classifier.fit(videos.data, y), videos.data, y, f"{folder}/m.html").name
    'm.html'
    """
    target = _as_output(path, overwrite)
    if not isinstance(title, str | None):
        raise TypeError(f"title must be a str or None, got {short(title)}.")
    check_number("n_examples", n_examples, low=0, integer=True)
    check_seed("random_state", random_state)
    if progress is not None:
        check_option("progress", progress, (True, False, None))
    try:
        import matplotlib  # noqa: F401, before anything is computed
    except ImportError as error:
        hint = "pip install 'sk_crossmodal[plot]'"
        raise ImportError(f"A report needs matplotlib: {hint}.") from error
    inputs = make_inputs(estimator, X, y, ids, random_state)
    title = title or f"{type(inputs.classifier).__name__}: report"
    text = _page(inputs, title, n_examples, progress)
    _as_output(path, overwrite)  # again, as another process may have written it since
    # A name that was read from a damaged path may have characters that UTF-8 does not.
    write_file(target, text.encode(errors="replace"), "report")
    return target


def _page(inputs: ReportInputs, title: str, n_examples: int, progress: bool | None) -> str:
    """Return the page, with its sections in the order in which they are read."""
    name = type(inputs.classifier).__name__
    with tqdm(total=8, unit="part", disable=None if progress is None else not progress) as bar:
        bar.set_description("predicting")
        predictions = inputs.labels, inputs.probability, inputs.hierarchy
        report = hierarchy_report(*predictions)
        examples = None
        if n_examples:
            examples = error_examples(*predictions, n_examples=n_examples, ids=inputs.ids)
        bar.update()
        steps: dict[str, Callable[[], Section]] = {
            "data": lambda: data_section(inputs),
            "scores": lambda: scores_section(inputs, report),
            "examples": lambda: examples_section(examples),
            "learning": lambda: learning_section(inputs),
            "attention": lambda: attention_section(inputs, examples),
            "tower": lambda: tower_section(inputs),
            "parameters": lambda: parameters_section(inputs),
        }
        sections = []
        for step, make in steps.items():
            bar.set_description(step)
            sections.append(make())
            bar.update()
    text = (
        f"Evaluation of a {name} on {len(inputs.X):,} videos: the data, scores, single videos, "
        "training, attention, and parameters."
    )
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    foot = (
        f"Written by sk_crossmodal on {now}. This page is one file, and loads nothing. The method "
        "is that of Goyal, Sahu, Ghosh and Lee, Cross-modal Learning for Multi-modal Video "
        "Categorization (2020)."
    )
    return page(title, paragraph(text) + lead(inputs, report), sections, foot)


def _as_output(path: Any, overwrite: Any) -> Path:
    """Return the path of a file that may be written."""
    target = Path(check_path(path))
    check_flag("overwrite", overwrite)
    if target.is_dir():
        raise IsADirectoryError(f"{str(target)!r} is a folder; name a file in it.")
    if not overwrite and (target.exists() or target.is_symlink()):
        raise FileExistsError(f"{str(target)!r} exists; overwrite=True replaces it.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(target.parent)!r}; make it first.")
    return target
