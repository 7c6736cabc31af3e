"""Common mistakes of new users, whose errors name the next step."""

import warnings

import numpy as np
import pytest
from estimator_cases import (
    fitted,
    fitted_tower,
    from_rows,
    make_classifier,
    make_tower,
    make_videos,
    make_y,
    rows_of,
)
from sklearn.frozen import FrozenEstimator

from sk_crossmodal import HierarchyLabelBinarizer, LabelHierarchy, load_model
from sk_crossmodal.datasets import load_youtube8m
from sk_crossmodal.metrics import gap_score, hierarchy_report
from sk_crossmodal.multimodal import as_multimodal

X, Y = make_videos().data, make_y("classes")
VIDEO, AUDIO = rows_of(X, "video"), rows_of(X, "audio")
PATHS = np.array([f"{root}:{i % 3}" for i, root in enumerate(Y)])
LOOKS_LIKE_PATHS = r"y looks like label paths such as '\w+:0', .*HierarchyLabelBinarizer"


@pytest.mark.parametrize("given", [PATHS, PATHS.astype(object), PATHS.tolist()])
def test_fit_label_paths_as_classes_warns(given):
    with pytest.warns(UserWarning, match=LOOKS_LIKE_PATHS):
        make_classifier(fusion="late", max_epochs=1).fit(X, given)


def test_fit_label_paths_with_tower_warns_once():
    with pytest.warns(UserWarning, match=LOOKS_LIKE_PATHS) as warned:
        make_classifier(correlation_tower=make_tower(max_epochs=1), max_epochs=1).fit(X, PATHS)
    assert len(warned) == 1


@pytest.mark.parametrize(
    "names",
    [
        ["Star Wars: A New Hope", "Alien", "Brazil", "Tron"],  # a colon in one name
        ["Alien:", ":Brazil", "Tron:"],  # nothing on one side
        ["cat:1", "dog:1", "cow:1"],  # no common root
        ["Food", "Music", "Sports"],
        ["yes:a", "yes:b"],
    ],
)
def test_fit_names_with_colons_does_not_warn(names):
    """Warnings are errors in tests."""
    y = np.array(names)[np.arange(len(X)) % len(names)]
    make_classifier(fusion="late", max_epochs=1).fit(X, y)


def test_fit_paths_of_hierarchy_does_not_warn():
    roots = {path.split(":")[0]: [] for path in PATHS.tolist()}
    hierarchy = LabelHierarchy(roots | {path: [path.split(":")[0]] for path in PATHS.tolist()})
    make_classifier(fusion="late", hierarchy=hierarchy, max_epochs=1).fit(X, PATHS)


def test_fit_fitted_tower_not_frozen_warns():
    classifier = make_classifier(fusion="cross_modal_gated", max_epochs=1)
    with pytest.warns(UserWarning, match=r"trained from scratch; .* FrozenEstimator\(tower\)"):
        classifier.set_params(correlation_tower=fitted_tower()).fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier.set_params(correlation_tower=FrozenEstimator(fitted_tower())).fit(X, Y)


CUT = [np.stack([frames[:5] for frames in rows]) for rows in (VIDEO, AUDIO)]
SEVERAL = r"Give each modality as an argument of its own"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: as_multimodal(CUT), SEVERAL),
        (lambda: as_multimodal([VIDEO, AUDIO]), SEVERAL),
        (lambda: as_multimodal((CUT[0], CUT[0])), SEVERAL),
        (lambda: as_multimodal(["a.mp4", "b.mp4"]), r"load files first"),
        (
            lambda: fitted().predict(AUDIO, VIDEO),
            r"X has frames of .*'audio': 8}, but .* was fitted with .*'audio': 6}",
        ),
        (lambda: fitted().predict(CUT[0]), r"give all side by side, or each"),
        (
            lambda: as_multimodal(1j * CUT[0]),
            r"got dtype complex\d+\. Complex data not supported\.$",
        ),
        (lambda: gap_score([[0.1, 0.9]], [[0, 1]]), "y_score is the second argument"),
        (
            lambda: gap_score(np.array([1, 0]), [[0, 1]] * 2),
            "use sklearn.preprocessing.label_binarize for classes",
        ),
        (
            lambda: make_classifier().fit(X, np.where(make_y("multilabel"), 5, 0)),
            r"after all modalities; .* an indicator has 0 and 1, got 5\.",
        ),
    ],
)
def test_mistake_error_names_next_step(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_predict_other_widths_raises():
    wider = from_rows(video=VIDEO, audio=[np.ones((2, 9))] * len(VIDEO))
    with pytest.raises(ValueError, match=r"'audio': 9}, but .* was fitted with .*'audio': 6}\.$"):
        fitted().predict(wider)


def test_binarizer_instead_of_hierarchy_raises():
    labels = HierarchyLabelBinarizer()
    for wrong in (
        lambda: make_classifier(hierarchy=labels).fit(X, Y),
        lambda: hierarchy_report([[0, 1]], [[0.1, 0.9]], labels),
    ):
        match = "hierarchy must be .*hierarchy_ of a HierarchyLabelBinarizer"
        with pytest.raises((TypeError, ValueError), match=match):
            wrong()


def test_load_wrong_kind_of_file_raises(tmp_path):
    X.save(tmp_path / "store")
    with pytest.raises(IsADirectoryError, match=r"Store\.open opens the folder of a store"):
        load_model(tmp_path / "store")
    (tmp_path / "shard.tfrecord").write_bytes(b"no TFRecord, whatever its name says")
    with pytest.raises(ValueError, match=r"is it a TFRecord file\?"):
        load_youtube8m(tmp_path / "shard.tfrecord")
