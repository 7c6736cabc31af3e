"""`write_report`: the parts of the page, one after the other, and then the file."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..inspection import ErrorExamples, error_examples
from ..metrics import hierarchy_report
from ..persistence import write_file
from ..training import check_number, check_option, check_seed, short
from ._data import data_section
from ._looks import attention_section, learning_section
from ._page import Section, page, paragraph
from ._parameters import parameters_section
from ._scores import examples_section, lead, scores_section
from ._subject import Subject, make_subject
from ._tower import tower_section


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

    It holds a summary of the data, scores by level and by top-level category, learning curves,
    the attention of some videos and the influence, best and worst examples chosen by a rule, an
    analysis of the correlation tower, and parameters and versions. What a model does not have is
    left out, and the page says so. It opens without a network: style and pictures are inside, and
    there is no script. It needs matplotlib, but no display.

    Parameters
    ----------
    estimator : fitted classifier
        A classifier of the package; or a search, a Pipeline, a `FrozenEstimator` or a
        `TransformedTargetClassifier` around one, also one that `load_model` has loaded.
    X : MultimodalArray or any form that becomes one
        The videos, best ones that the model has not seen. Their frames are read once for the
        predictions; 2,000 videos at most, drawn by lot, are read again for the tower, and a few
        for the pictures.
    y : array-like
        Their labels in the form that the estimator was fitted on: an indicator, classes, or
        whatever a transformer of y takes.
    path : str or path
        The file to write. It is there when it is whole, and not before.
    ids : sequence of str of shape (n_videos,), default=None
        Names of the videos, by default their rows.
    title : str, default=None
        Heading of the page, by default the name of the classifier.
    n_examples : int, default=4
        How many best and how many worst videos are shown; 0 for none.
    random_state : int, RandomState or None, default=0
        Decides which videos are drawn.
    overwrite : bool, default=False
        Whether an existing file may be replaced.
    progress : bool, default=None
        Whether to show a progress bar. None shows it if there is a terminal.

    Returns
    -------
    Path
        Where the report is.

    Raises
    ------
    TypeError
        If `estimator` is no fitted classifier, or something else is of a wrong type.
    ValueError
        If X, y or `ids` do not fit each other or the estimator.
    FileExistsError
        If the file exists, and `overwrite` is not True.
    OSError
        If it cannot be written; what was there is as it was.
    ImportError
        If there is no matplotlib.

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
    where = _check(path, title, n_examples, random_state, overwrite, progress)
    subject = make_subject(estimator, X, y, ids, random_state)
    title = title or f"{type(subject.classifier).__name__}: report"
    text = _page(subject, title, n_examples, progress)
    if not overwrite:
        _check_free(where)  # again, as it took a while
    # A name that was read from a damaged path may hold what no text can.
    write_file(where, text.encode(errors="replace"), "report")
    return where


def _page(subject: Subject, title: str, n_examples: int, progress: bool | None) -> str:
    """Make the parts of the page in the order in which they are read."""
    steps: list[tuple[str, Callable[[], Section]]] = []
    with tqdm(total=8, unit="part", disable=None if progress is None else not progress) as bar:
        bar.set_description("predicting")
        report = hierarchy_report(subject.labels, subject.probability, subject.hierarchy)
        examples = _examples(subject, n_examples)
        bar.update()
        steps = [
            ("data", lambda: data_section(subject)),
            ("scores", lambda: scores_section(subject, report)),
            ("examples", lambda: examples_section(examples)),
            ("learning", lambda: learning_section(subject)),
            ("attention", lambda: attention_section(subject, examples)),
            ("tower", lambda: tower_section(subject)),
            ("parameters", lambda: parameters_section(subject)),
        ]
        sections = []
        for name, make in steps:
            bar.set_description(name)
            sections.append(make())
            bar.update()
    words = (
        f"How well a {type(subject.classifier).__name__} does on {len(subject.X):,} videos: what "
        "they are, scores, single videos, how it learned, where it looks, and what it was made "
        "with."
    )
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    foot = (
        f"Written by sk_crossmodal on {now}. This page is one file, and loads nothing. The method "
        "is that of Goyal, Sahu, Ghosh and Lee, Cross-modal Learning for Multi-modal Video "
        "Categorization (2020)."
    )
    return page(title, paragraph(words) + lead(subject, report), sections, foot)


def _examples(subject: Subject, n_examples: int) -> ErrorExamples | None:
    if not n_examples:
        return None
    return error_examples(
        subject.labels,
        subject.probability,
        subject.hierarchy,
        n_examples=n_examples,
        ids=subject.ids,
    )


def _check(
    path: Any, title: Any, n_examples: Any, random_state: Any, overwrite: Any, progress: Any
) -> Path:
    """Refuse wrong parameters before anything is computed; return where to write."""
    if not isinstance(path, str | PathLike) or isinstance(fspath(path), bytes):
        raise TypeError(f"path must be a str or a path, got {short(path)}.")
    if not fspath(path):
        raise ValueError("path must name a file, such as 'report.html', got ''.")
    if not isinstance(title, str | None):
        raise TypeError(f"title must be a str or None, got {short(title)}.")
    check_number("n_examples", n_examples, low=0, integer=True)
    check_seed("random_state", random_state)
    check_option("overwrite", overwrite, (True, False))
    if progress is not None:
        check_option("progress", progress, (True, False, None))
    where = Path(path)
    if where.is_dir():
        raise IsADirectoryError(f"{str(where)!r} is a folder; name a file, such as 'report.html'.")
    if not overwrite:
        _check_free(where)
    if not where.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {str(where.parent)!r} to write {where.name!r} in; make it first."
        )
    try:
        import matplotlib  # noqa: F401, before anything is computed
    except ImportError as error:
        raise ImportError(
            "A report needs matplotlib: pip install 'sk_crossmodal[plot]'."
        ) from error
    return where


def _check_free(where: Path) -> None:
    if where.exists() or where.is_symlink():
        raise FileExistsError(
            f"{str(where)!r} exists; overwrite=True replaces it, or give another path."
        )
