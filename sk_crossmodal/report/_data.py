"""What the model was tried on: videos and labels, counted."""

import numpy as np
from scipy.sparse import csr_array

from .._html import table
from .._types import Ints
from ..multimodal import MultimodalArray
from ._page import Section, heading, paragraph
from ._subject import Subject

MOST = 10  # labels listed of the most frequent, and of the least frequent


def data_section(subject: Subject) -> Section:
    """Count videos, frames and labels."""
    n, n_labels = subject.labels.shape
    words = "labels, several of which a video may have" if subject.multilabel else "classes"
    parts = [
        paragraph(
            f"The model is tried on {n:,} videos with {n_labels:,} {words}. Whether it has seen "
            "them in training this page cannot tell; its scores mean something on videos that it "
            "has not."
        ),
        _modalities(subject.X),
        heading("Labels"),
        _levels(subject),
        *_frequencies(subject),
    ]
    return Section("data", "Data", parts)


def _modalities(X: MultimodalArray) -> str:
    rows = []
    for name in X.modality_names:
        lengths = X.lengths(name)
        # The first moment of the first video that has one says how numbers are stored.
        stored = X.pad([int(np.argmax(lengths > 0))], 1)[0][name].dtype
        quantised = X.quantization[name] != (1.0, 0.0)
        kind = f"{stored}, quantised" if quantised else str(stored)
        rows.append(
            [
                name,
                kind,
                f"{X.n_features[name]:,}",
                *_spread(lengths),
                f"{lengths.sum():,}",
                f"{(lengths == 0).sum():,}",
            ]
        )
    heads = ["modality", "stored as", "numbers a frame", "fewest", "median", "most"]
    caption = "Modalities, and frames a video: fewest, median and most"
    return table(caption, [*heads, "frames in all", "videos without"], rows, n_text=2)


def _levels(subject: Subject) -> str:
    labels, rows = subject.labels, []
    for level in range(subject.hierarchy.n_levels):
        of_level = labels[:, np.flatnonzero(subject.hierarchy.levels == level)]
        rows.append([f"level {level}", *_counts(of_level)])
    if subject.hierarchy.n_levels > 1 or not rows:
        rows.insert(0, ["all", *_counts(labels)])
    heads = ["", "labels", "with a video", "videos with one", "fewest", "median", "most"]
    return table("Labels by level, and labels a video: fewest, median and most", heads, rows)


def _counts(labels: csr_array) -> list[str]:
    a_video = np.diff(labels.indptr)
    found = (_videos(labels) > 0).sum()
    return [
        f"{labels.shape[1]:,}",
        f"{found:,}",
        f"{(a_video > 0).sum():,}",
        *_spread(a_video),
    ]


def _frequencies(subject: Subject) -> list[str]:
    videos = _videos(subject.labels)
    order = np.argsort(-videos, kind="stable")
    heads = ["label", "videos", "share in %"]
    if len(order) <= 2 * MOST:
        return [table("Videos a label", heads, _label_rows(subject, order, videos))]
    ends = {"most": order[:MOST], "least": order[-MOST:]}
    return [
        table(f"The {MOST} {which} frequent labels", heads, _label_rows(subject, some, videos))
        for which, some in ends.items()
    ]


def _label_rows(subject: Subject, order: Ints, videos: Ints) -> list[list[str]]:
    names, n = subject.names, subject.labels.shape[0]
    return [[names[i], f"{videos[i]:,}", f"{100 * videos[i] / n:.1f}"] for i in order]


def _videos(labels: csr_array) -> Ints:
    """Number of videos of each label."""
    return np.bincount(labels.indices, minlength=labels.shape[1])


def _spread(counts: Ints) -> list[str]:
    return [f"{counts.min():,}", f"{np.median(counts):,.4g}", f"{counts.max():,}"]
