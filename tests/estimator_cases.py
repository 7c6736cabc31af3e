"""Small videos, labels, classifiers, towers and spies for the tests of the estimators."""

import functools

import numpy as np
import torch
from scipy.sparse import csr_array
from skorch.callbacks import Callback

from sk_crossmodal import (
    CorrelationTower,
    CrossModalNetVLADClassifier,
    CrossModalRNNClassifier,
    CrossModalTransformerClassifier,
    HierarchyLabelBinarizer,
    MultimodalArray,
)
from sk_crossmodal.datasets import make_crossmodal_videos
from sk_crossmodal.modules import FUSIONS

WIDTHS = {"video": 8, "audio": 6}
WITH_TOWER = ("cross_modal_gated", "cross_modal_concat")
WITHOUT_TOWER = tuple(fusion for fusion in FUSIONS if fusion not in WITH_TOWER)


@functools.cache
def make_videos(n=48, seed=0, **params):
    """Short videos of 4 top-level labels with 2 children each, and nothing below."""
    defaults = {
        "branching": (4, 2, 1, 1),
        "n_frames": (6, 9),
        "n_distractors": 1,
        "scene_frames": (1, 2),
        "lead": (1, 2),
        "n_features": WIDTHS,
    }
    return make_crossmodal_videos(n, **{**defaults, **params}, random_state=seed)


@functools.cache
def make_labels(n=48, seed=0):
    """The fitted binarizer and the dense indicator of `make_videos`."""
    labels = HierarchyLabelBinarizer()
    return labels, labels.fit_transform(make_videos(n, seed).target)


def top_labels(videos):
    return np.array([path.split(":")[0] for (path,) in videos.target])


@functools.cache
def make_y(form, n=48, seed=0):
    """The labels of `make_videos` in one of the forms that y may have."""
    if form == "multilabel":
        return make_labels(n, seed)[1]
    if form == "csr":
        return csr_array(make_labels(n, seed)[1])
    top = top_labels(make_videos(n, seed))
    return top if form == "classes" else np.where(top < "Music", 3, 7)


FORMS = ("multilabel", "csr", "classes", "binary")


FAMILIES = {
    "transformer": (CrossModalTransformerClassifier, {"d_model": 16, "n_heads": 2}),
    "netvlad": (CrossModalNetVLADClassifier, {"n_clusters": 4, "hidden_size": 16}),
    "rnn": (CrossModalRNNClassifier, {"n_clusters": 4, "hidden_size": 16}),
}


def make_classifier(family="transformer", **params):
    classifier, size = FAMILIES[family]
    defaults = {
        **size,
        "cross_modal_layer_sizes": (4,),
        "lr": 1e-3,
        "batch_size": 16,
        "max_epochs": 2,
        "random_state": 0,
    }
    return classifier(**{**defaults, **params})


TOWER = {
    "encoder": "mean",
    "encoder_params": {"d_model": 8},
    "hidden_layer_sizes": (8,),
    "lr": 1e-3,
    "batch_size": 16,
    "max_epochs": 2,
    "random_state": 0,
}


def make_tower(**params):
    return CorrelationTower(**{**TOWER, **params})


@functools.cache
def fitted(fusion="late", form="classes", **params):
    """A classifier fitted on `make_videos()`; do not change it."""
    return make_classifier(fusion=fusion, **params).fit(make_videos().data, make_y(form))


@functools.cache
def fitted_tower(**params):
    """A tower fitted on `make_videos()`; do not change it."""
    return make_tower(**params).fit(make_videos().data, make_y("classes"))


def rows_of(X, name):
    """The frames of one modality as a list of (T_i, d) arrays."""
    return [X[i][name] for i in range(len(X))]


def from_rows(**modalities):
    """A container of lists of (T_i, d) arrays."""
    return MultimodalArray.from_frames(
        {name: np.concatenate(rows) for name, rows in modalities.items()},
        {name: [len(row) for row in rows] for name, rows in modalities.items()},
    )


def ragged(seed=0, n=6, widths=None, lengths=(1, 5)):
    """Random videos whose modalities are of different lengths."""
    rng = np.random.RandomState(seed)
    widths = WIDTHS if widths is None else widths
    return from_rows(
        **{
            name: [rng.randn(rng.randint(*lengths), width) for _ in range(n)]
            for name, width in widths.items()
        }
    )


def numbered_videos(n=48, seed=0):
    """`make_videos` with the row's number in the first feature of every video frame."""
    X = make_videos(n, seed).data
    video = rows_of(X, "video")
    for i, frames in enumerate(video):
        frames[:, 0] = i
    return from_rows(video=video, audio=rows_of(X, "audio"))


def numbers_of(X):
    """The rows of `numbered_videos` that X has."""
    return [int(X[i]["video"][0, 0]) for i in range(len(X))]


class RecordingTower(CorrelationTower):
    """A tower that records the rows of `numbered_videos` in each fit."""

    fits = []  # noqa: RUF012, shared by all clones on purpose

    def fit(self, X, y=None, *more, sample_weight=None):
        self.fits.append(numbers_of(X))
        return super().fit(X, y, *more, sample_weight=sample_weight)


def recording_tower(**params):
    RecordingTower.fits.clear()
    return RecordingTower(**{**TOWER, "max_epochs": 1, **params})


class Recorder(Callback):
    """Keeps the initial weights and the data sets of a training."""

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.initial_ = {k: v.clone() for k, v in net.module_.state_dict().items()}
        self.train_ = X

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        self.train_, self.valid_ = dataset_train, dataset_valid


class Interrupt(Callback):
    """Ctrl-C at the end of some epoch."""

    def __init__(self, epoch=2):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


class RandomStates:
    """Torch's and numpy's global random states, to compare."""

    def __init__(self):
        self.torch, self.numpy = torch.get_rng_state(), np.random.get_state()[1:3]  # noqa: NPY002

    def unchanged(self):
        now = RandomStates()
        same_numpy = all(np.array_equal(a, b) for a, b in zip(self.numpy, now.numpy, strict=True))
        return same_numpy and torch.equal(self.torch, now.torch)
