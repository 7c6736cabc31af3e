"""The section about the data: videos and labels, counted."""

import numpy as np
from scipy.sparse import csr_array

from .._html import table
from .._types import Ints
from ..multimodal import MultimodalArray
from ._inputs import ReportInputs
from ._page import Section, heading, paragraph

MAX_LABELS = 10  # in each of the tables of the most and of the least frequent labels


def data_section(inputs: ReportInputs) -> Section:
    """Count videos, frames and labels; no frames are read."""
    n, n_labels = inputs.labels.shape
    words = "labels, of which a video can have several" if inputs.multilabel else "classes"
    text = (
        f"The model is evaluated on {n:,} videos with {n_labels:,} {words}. This page cannot know "
        "whether they are in its training set; the scores are meaningful for videos that are not."
    )
    labels = [heading("Labels"), _levels(inputs), *_frequencies(inputs)]
    return Section("data", "Data", [paragraph(text), _modalities(inputs.X), *labels])


def _modalities(X: MultimodalArray) -> str:
    rows = []
    for name in X.modality_names:
        lengths = X.lengths(name)
        # The first frame of the first video that has one shows how numbers are stored.
        stored = str(X.pad([int(np.argmax(lengths > 0))], 1)[0][name].dtype)
        if X.quantization[name] != (1.0, 0.0):
            stored += ", quantised"
        counts = X.n_features[name], lengths.sum(), (lengths == 0).sum()
        width, total, missing = (f"{count:,}" for count in counts)
        rows.append([name, stored, width, *_range(lengths), total, missing])
    heads = ["modality", "stored as", "numbers per frame", "fewest", "median", "most"]
    caption = "Modalities, and frames per video: fewest, median and most"
    return table(caption, [*heads, "frames in total", "videos without"], rows, n_text=2)


def _levels(inputs: ReportInputs) -> str:
    labels, levels, rows = inputs.labels, inputs.hierarchy.levels, []
    if inputs.hierarchy.n_levels != 1:
        rows.append(["all", *_counts(labels)])
    for level in range(inputs.hierarchy.n_levels):
        of_level = labels[:, np.flatnonzero(levels == level)]
        rows.append([f"level {level}", *_counts(of_level)])
    heads = ["", "labels", "with a video", "videos with one", "fewest", "median", "most"]
    return table("Labels by level, and labels per video: fewest, median and most", heads, rows)


def _counts(labels: csr_array) -> list[str]:
    per_video = np.diff(labels.indptr)
    counts = labels.shape[1], (_n_videos(labels) > 0).sum(), (per_video > 0).sum()
    return [*(f"{count:,}" for count in counts), *_range(per_video)]


def _frequencies(inputs: ReportInputs) -> list[str]:
    videos, n = _n_videos(inputs.labels), inputs.labels.shape[0]
    names = inputs.hierarchy.display_names
    order = np.argsort(-videos, kind="stable")
    tables = {"Videos per label": order}
    if len(order) > 2 * MAX_LABELS:
        tables = {
            f"The {MAX_LABELS} most frequent labels": order[:MAX_LABELS],
            f"The {MAX_LABELS} least frequent labels": order[-MAX_LABELS:],
        }
    return [
        table(
            caption,
            ["label", "videos", "share in %"],
            [[names[i], f"{videos[i]:,}", f"{100 * videos[i] / n:.1f}"] for i in labels],
        )
        for caption, labels in tables.items()
    ]


def _n_videos(labels: csr_array) -> Ints:
    """Number of videos of each label."""
    return np.bincount(labels.indices, minlength=labels.shape[1])


def _range(counts: Ints) -> list[str]:
    return [f"{counts.min():,}", f"{np.median(counts):,.4g}", f"{counts.max():,}"]
