"""A fitted classifier as a program of torch, which gives what `predict_proba` does."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from estimator_cases import (
    fitted,
    make_classifier,
    make_labels,
    make_tower,
    make_videos,
    make_y,
    ragged,
    rows_of,
    top_labels,
)

import sk_crossmodal
from sk_crossmodal import export_model

pytestmark = pytest.mark.one_version

ROOT = Path(__file__).resolve().parents[1]
X = make_videos().data
# Of every fusion, family, recurrent layer, form of y and way to listen to the tower.
CASES = {
    "early": ("transformer", {"fusion": "early", "precision": "float64", "max_frames": 1}),
    "late": ("rnn", {"fusion": "late", "rnn_type": "lstm"}),
    "gated": ("netvlad", {"fusion": "cross_modal_gated", "mask_padding": False}),
    "told": ("transformer", {"correlation_features": "embedding", "max_frames": 60}),
    "rnn": ("rnn", {"cross_modal_combine": "multiply"}),
}
FORMS = {"early": "binary", "late": "classes"}


def export(name, folder):
    """A fitted classifier whose influence is worth noticing, and its program."""
    family, params = CASES[name]
    tower = make_tower(max_frames=5 if name == "rnn" else 60)  # fewer, more, or as many
    params = {"correlation_tower": tower, "max_frames": 20, "lr": 2e-2, "max_epochs": 4, **params}
    classifier = make_classifier(family, **params).fit(X, make_y(FORMS.get(name, "multilabel")))
    export_model(classifier, folder / "model.pt2")
    files = {"sk_crossmodal.json": ""}
    program = torch.export.load(folder / "model.pt2", extra_files=files).module()
    return classifier, program, json.loads(files["sk_crossmodal.json"])


def inputs(videos, rows, most):
    frames, masks = videos.pad(rows, most)
    return (
        {name: torch.from_numpy(x).float() for name, x in frames.items()},
        {name: torch.from_numpy(mask) for name, mask in masks.items()},
    )


@pytest.mark.sample(2, by=())
@pytest.mark.parametrize("name", CASES)
def test_same_numbers_as_predict_proba(name, tmp_path):
    """Any number of videos and frames, longer ones than in training, lacking modalities."""
    classifier, program, about = export(name, tmp_path)
    tower = classifier.correlation_tower_
    most = max(classifier.max_frames, 1 if tower is None else tower.max_frames)
    for videos in (X, ragged(3, 5, lengths=(0, 7)), ragged(4, 4, lengths=(12, 30))):
        for rows in ([0], [1, 2], list(range(len(videos)))):
            expected = classifier.predict_proba(videos[rows])
            got = program(*inputs(videos, rows, most))
            np.testing.assert_allclose(got.numpy(), expected, atol=1e-6)
            if classifier.precision != "float64":
                assert got.dtype == torch.float32
    assert about["max_frames"] == most
    assert about["modalities"] == {"video": 8, "audio": 6}
    assert about["n_labels"] == len(classifier.classes_)
    no_paths_of_this_machine(tmp_path / "model.pt2")
    if name == "told":
        padding_says_nothing(program)


def no_paths_of_this_machine(path):
    torch_folder = str(Path(torch.__file__).parents[1])
    ours = (str(ROOT), str(Path(sk_crossmodal.__file__).parent), torch_folder, str(path.parent))
    with zipfile.ZipFile(path) as archive:
        found = b"".join(archive.read(name) for name in archive.namelist())
    assert not [each for each in ours if each.encode() in found]
    assert b"aten" in found  # it is the text that was looked at


def padding_says_nothing(program):
    frames, masks = inputs(X, [0, 1], 20)
    padded = {
        name: torch.nn.functional.pad(x, (0, 0, 0, 4), value=9.0) for name, x in frames.items()
    }
    longer = {name: torch.nn.functional.pad(mask, (0, 4)) for name, mask in masks.items()}
    np.testing.assert_allclose(program(padded, longer), program(frames, masks), atol=1e-6)


BLOCKED = """
import sys
sys.modules["sk_crossmodal"] = None
try:
    import sk_crossmodal
except ImportError:
    import runpy
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_served_without_the_package(tmp_path):
    """By the example, in a process that cannot import sk_crossmodal."""
    labels, Y = make_labels()
    classifier = make_classifier(fusion="late", hierarchy=labels.hierarchy_).fit(X, Y)
    export_model(classifier, tmp_path / "model.pt2")
    videos = ragged(5, 6, lengths=(0, 9))
    arrays = {}
    for name in ("video", "audio"):
        rows = rows_of(videos, name)
        arrays |= {name: np.concatenate(rows), f"{name}_lengths": [len(row) for row in rows]}
    np.savez(tmp_path / "videos.npz", **arrays)
    command = [sys.executable, "-W", "error", "-c", BLOCKED, ROOT / "examples/serve_exported.py"]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [*command, tmp_path / "model.pt2", tmp_path / "videos.npz", "--top", "2"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    expected = classifier.predict_proba(videos)
    names = np.array(classifier.label_names_)
    assert len(done.stdout.splitlines()) == 6
    for i, line in enumerate(done.stdout.splitlines()):
        best = np.argsort(-expected[i])[:2]
        words = "  ".join([str(i), *(f"{names[j]} {expected[i, j]:.3f}" for j in best)])
        assert line == words


def test_labels_that_are_no_text(tmp_path):
    classes = np.where(top_labels(make_videos()) < "Music", 3, 7)
    classifier = make_classifier(fusion="early", max_epochs=1).fit(X, classes)
    export_model(classifier, tmp_path / "model.pt2")
    export_model(classifier, tmp_path / "model.pt2", overwrite=True)
    files = {"sk_crossmodal.json": ""}
    torch.export.load(tmp_path / "model.pt2", extra_files=files)
    about = json.loads(files["sk_crossmodal.json"])
    assert about["labels"] == [3, 7]
    assert about["multilabel"] is False


def test_what_cannot_be_exported_is_said(tmp_path, monkeypatch):
    classifier = fitted("late")
    monkeypatch.setattr(
        type(classifier.module_.encoder), "forward", lambda self, x, *args, **kwargs: x[0].item()
    )
    with pytest.raises(ValueError, match=r"Transformer.* cannot be exported: "):
        export_model(classifier, tmp_path / "model.pt2")
    assert not list(tmp_path.iterdir())
