"""Load the data sets: training and test videos of a seed or fold."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from sklearn.model_selection import GroupKFold

from sk_crossmodal import HierarchyLabelBinarizer, LabelHierarchy, MultimodalArray
from sk_crossmodal.datasets import load_youtube8m, make_crossmodal_videos, youtube8m_hierarchy
from sk_crossmodal.multimodal import as_multimodal

FLAGS = ("irrelevant_audio", "static_video")


@dataclass
class Videos:
    """Training and test videos, and their properties."""

    X_train: MultimodalArray
    y_train: np.ndarray
    X_test: MultimodalArray
    y_test: np.ndarray  # indicators, or classes
    hierarchy: LabelHierarchy
    names: list  # of the test videos
    flags: dict = field(default_factory=dict)  # properties of synthetic videos
    spans: dict = field(
        default_factory=dict
    )  # per modality (n_test, 2): start and end of the event


def load(data_set, seed, folder, options):
    """Return the `Videos` of a data set, with the options of its size."""
    if data_set == "synthetic":
        return _synthetic(seed, **options)
    if data_set == "youtube8m":
        return _youtube8m(Path(folder), **options)
    return _corsmal(data_set, seed, Path(folder), **options)


def check_folder(kind, folder):
    """Exit with a message if the files of a data set are missing."""
    pattern = {
        "youtube8m": "youtube8m/**/*.tfrecord",
        "corsmal": "corsmal/audio/*/*_audio_vggish.npy",
    }.get(kind)
    if pattern and next(Path(folder).glob(pattern), None) is None:
        raise SystemExit(
            f"--data {kind} needs {pattern}, found no file in {folder}; set --folder or "
            "$SK_CROSSMODAL_DATA."
        )


def _synthetic(seed, n_train, n_test):
    train = make_crossmodal_videos(n_train, random_state=2 * seed)
    test = make_crossmodal_videos(n_test, random_state=2 * seed + 1)
    labels = HierarchyLabelBinarizer(hierarchy=train.hierarchy)
    return Videos(
        train.data,
        labels.fit_transform(train.target),
        test.data,
        labels.transform(test.target),
        labels.hierarchy_,
        [f"row {row}" for row in range(n_test)],
        {flag: test[flag] for flag in FLAGS},
        {"video": test.scene, "audio": test.event},
    )


@lru_cache(maxsize=1)
def _youtube8m(folder, min_frequency):
    """Read the shards, with the last fifth as test set for every seed."""
    folder = folder / "youtube8m"
    shards = sorted(folder.rglob("*.tfrecord"))
    vocabulary = next(folder.rglob("vocabulary.csv"), None)
    if len(shards) < 2 or vocabulary is None:
        raise SystemExit(f"{folder} needs two or more *.tfrecord and a vocabulary.csv.")
    n_test = max(1, len(shards) // 5)
    train, test = load_youtube8m(shards[:-n_test]), load_youtube8m(shards[-n_test:])
    labels = HierarchyLabelBinarizer(
        hierarchy=youtube8m_hierarchy(vocabulary), min_frequency=min_frequency
    )
    y_train, y_test = labels.fit_transform(train.target), labels.transform(test.target)
    names = [str(name) for name in test.ids]
    return Videos(train.data, y_train, test.data, y_test, labels.hierarchy_, names)


def _corsmal(data_set, fold, folder, n_folds):
    """Return one fold, whose containers are in no other fold."""
    X, filling, level, container, names = _recordings(folder / "corsmal")
    y = filling if data_set == "corsmal_type" else level
    train, test = list(GroupKFold(n_folds).split(X, y, container))[fold]
    # Levels of one filling share a top-level label, so they are never negative pairs.
    hierarchy = LabelHierarchy.from_paths(np.unique(y))
    return Videos(X[train], y[train], X[test], y[test], hierarchy, [names[row] for row in test])


@lru_cache(maxsize=1)
def _recordings(folder):
    """Return frames, filling types, types with levels, containers and names."""
    video, audio, filling, level, container, names = [], [], [], [], [], []
    for path in sorted(folder.glob("audio/*/*_audio_vggish.npy")):
        recording = path.name.removesuffix("_audio_vggish.npy")
        video.append(np.load(folder / "video" / path.parent.name / f"{recording}_c1_rgb.npy"))
        audio.append(np.load(path))
        kind, amount = re.search(r"fi(\d)_fu(\d)", recording).groups()
        filling.append(("nothing", "pasta", "rice", "water")[int(kind)])
        level.append(f"{filling[-1]}:{(0, 50, 90)[int(amount)]} %")
        container.append(path.parent.name)
        names.append(f"container {path.parent.name}, {recording}")
    X = as_multimodal(video, audio)
    return X, np.array(filling), np.array(level), np.array(container), names
