"""The four scores, whole and by level, against scikit-learn's macro average precision alone."""

import tracemalloc
from itertools import pairwise

import numpy as np
from measure import Row, seconds, side_by_side
from sklearn.metrics import average_precision_score

from sk_crossmodal import HierarchyLabelBinarizer
from sk_crossmodal.hierarchy import LabelHierarchy
from sk_crossmodal.metrics import hierarchy_report

SIZES = (24, 136, 240, 240)  # labels of each level
QUICK_SIZES = (3, 6, 8, 8)
MB = 1e6


def make_hierarchy(sizes, rng):
    """Return a random tree of labels."""
    levels = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    parents = dict.fromkeys(levels[0].tolist(), ())
    for above, level in pairwise(levels):
        parents |= {label: (int(rng.choice(above)),) for label in level.tolist()}
    return LabelHierarchy(parents)


def make_problem(n_videos, sizes, seed=0):
    """Return sparse labels closed upward, scores like a model's, and the hierarchy."""
    rng = np.random.default_rng(seed)
    n_labels = sum(sizes)
    popularity = rng.permutation(1 / np.arange(1, n_labels + 1))  # few labels have most videos
    chosen = rng.choice(n_labels, (n_videos, 3), p=popularity / popularity.sum())
    chosen[:n_labels, 0] = np.arange(n_labels)  # every label has a video
    hierarchy = make_hierarchy(sizes, rng)
    binarizer = HierarchyLabelBinarizer(hierarchy=hierarchy, sparse_output=True)
    y_true = binarizer.fit_transform(chosen)
    scores = rng.standard_normal((n_videos, n_labels), np.float32)
    scores += np.log(popularity).astype(np.float32) / 2 - 4
    rows, columns = y_true.nonzero()
    scores[rows, columns] += 5
    np.exp(-scores, out=scores)
    scores += 1
    np.reciprocal(scores, out=scores)
    return y_true, scores, hierarchy


def describe(y_true, scores, report):
    """Return the sizes of a problem, as details of a row."""
    return {
        "videos": scores.shape[0],
        "labels": scores.shape[1],
        "labels_a_video": y_true.nnz / scores.shape[0],
        "videos_of_levels": report.n_videos[1:].tolist(),
        "scores": f"{scores.dtype} dense",
        "y_true": f"{y_true.dtype} sparse",
    }


def problem_of(quick):
    """Return the problem of both rows."""
    return make_problem(400, QUICK_SIZES) if quick else make_problem(128_000, SIZES)


def metrics(quick):
    """Time all scores against one score of scikit-learn, which needs dense labels."""
    y_true, scores, hierarchy = problem_of(quick)
    dense = y_true.toarray()
    ours, theirs = side_by_side(
        lambda: hierarchy_report(y_true, scores, hierarchy),
        lambda: average_precision_score(dense, scores, average="macro"),
        rounds=3,
        warm=1 if quick else 0,
    )
    dense = dense.astype(np.int8)  # its fastest dtype of labels
    int8 = seconds(lambda: average_precision_score(dense, scores, average="macro"))
    return Row(
        measured="GAP, MAP, PERR and Hit@1, whole and of 4 levels: 20 scores",
        against="scikit-learn's macro average precision alone",
        ratios=(ours / theirs).tolist(),
        wanted=1 / 15,
        details={
            **describe(y_true, scores, hierarchy_report(y_true, scores, hierarchy)),
            "their_y_true": f"{y_true.dtype} dense",
            "seconds": [float(np.median(ours)), float(np.median(theirs))],
            "their_seconds_int8": int8,
        },
    )


def metrics_memory(quick):
    """Measure the peak of what the scores allocate; tracemalloc sees all numpy arrays."""
    y_true, scores, hierarchy = problem_of(quick)
    report = hierarchy_report(y_true[:50], scores[:50], hierarchy)  # loads modules
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    report = hierarchy_report(y_true, scores, hierarchy)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return Row(
        measured="peak memory of the same 20 scores over the inputs, in MB",
        against="1 MB",
        ratios=[(peak - before) / MB],
        wanted=200,
        details={
            **describe(y_true, scores, report),
            "inputs_mb": (scores.nbytes + y_true.data.nbytes + y_true.indices.nbytes) / MB,
        },
    )
