"""A fitted classifier as a program of torch with the output of `predict_proba`."""

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
# Every fusion, family, recurrent layer, form of y and form of correlation.
# "pooled" has windows in place of the frames of long videos, the others cut these.
CASES = {
    "early": ("transformer", {"fusion": "early", "precision": "float64", "max_frames": 1}),
    "pooled": ("transformer", {"long_videos": "pool"}),
    "late": ("rnn", {"fusion": "late", "rnn_type": "lstm"}),
    "gated": ("netvlad", {"fusion": "cross_modal_gated", "mask_padding": False}),
    "embedding": ("transformer", {"correlation_features": "embedding", "max_frames": 60}),
    "rnn": ("rnn", {"cross_modal_combine": "multiply"}),
    "convolution": ("transformer", {"cross_modal_transform": "conv", "max_frames": 60}),
}
FORMS = {"early": "binary", "late": "classes"}


def export(name, folder):
    """A fitted classifier with a considerable influence, and its program."""
    family, params = CASES[name]
    # Fewer frames, as many or more.
    frames = {"rnn": 5, "pooled": 20}.get(name, 60)
    params = {"max_frames": 20, "long_videos": "cut", "lr": 2e-2, "max_epochs": 4, **params}
    tower = make_tower(max_frames=frames, long_videos=params["long_videos"])
    classifier = make_classifier(family, correlation_tower=tower, **params)
    classifier.fit(X, make_y(FORMS.get(name, "multilabel")))
    export_model(classifier, folder / "model.pt2")
    files = {"sk_crossmodal.json": ""}
    program = torch.export.load(folder / "model.pt2", extra_files=files).module()
    return classifier, program, json.loads(files["sk_crossmodal.json"])


def inputs(videos, rows, max_frames, long_videos="cut"):
    frames, masks = videos.pad(rows, max_frames, long_videos=long_videos)
    return (
        {name: torch.from_numpy(x).float() for name, x in frames.items()},
        {name: torch.from_numpy(mask) for name, mask in masks.items()},
    )


@pytest.mark.filterwarnings("ignore:.* cuts ")
@pytest.mark.sample(2, by=())
@pytest.mark.parametrize("name", CASES)
def test_program_gives_the_numbers_of_predict_proba(name, tmp_path):
    """For any number of videos and frames, longer videos and missing modalities."""
    classifier, program, description = export(name, tmp_path)
    tower = classifier.correlation_tower_
    max_frames = max(classifier.max_frames, 1 if tower is None else tower.max_frames)
    for videos in (X, ragged(3, 5, lengths=(0, 7)), ragged(4, 4, lengths=(12, 30))):
        for rows in ([0], [1, 2], list(range(len(videos)))):
            expected = classifier.predict_proba(videos[rows])
            got = program(*inputs(videos, rows, max_frames, classifier.long_videos))
            np.testing.assert_allclose(got.numpy(), expected, atol=1e-6)
            if classifier.precision != "float64":
                assert got.dtype == torch.float32
    assert description["max_frames"] == max_frames
    assert description["long_videos"] == dict.fromkeys(
        description["modalities"], classifier.long_videos
    )
    assert description["modalities"] == {"video": 8, "audio": 6}
    assert description["n_labels"] == len(classifier.classes_)
    assert_no_local_paths(tmp_path / "model.pt2")
    if name == "embedding":
        assert_padding_has_no_effect(program)


def assert_no_local_paths(path):
    torch_folder = str(Path(torch.__file__).parents[1])
    ours = (str(ROOT), str(Path(sk_crossmodal.__file__).parent), torch_folder, str(path.parent))
    with zipfile.ZipFile(path) as archive:
        found = b"".join(archive.read(name) for name in archive.namelist())
    assert not [each for each in ours if each.encode() in found]
    assert b"aten" in found  # so the text of the program was searched


def assert_padding_has_no_effect(program):
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


def test_program_runs_without_the_package(tmp_path):
    """With the example script, in a process that cannot import sk_crossmodal."""
    labels, Y = make_labels()
    classifier = make_classifier(fusion="late", hierarchy=labels.hierarchy_, max_frames=6).fit(
        X, Y
    )
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


def test_tower_with_other_windows_raises(tmp_path):
    tower = make_tower(max_frames=5, max_epochs=1)
    classifier = make_classifier(correlation_tower=tower, max_frames=20, max_epochs=1)
    classifier.fit(X, make_y("classes"))
    with pytest.raises(
        ValueError, match=r"same max_frames and long_videos .*20.*5.*\"cut\" in both"
    ):
        export_model(classifier, tmp_path / "model.pt2")
    classifier.set_params(long_videos="cut").correlation_tower_.set_params(long_videos="cut")
    export_model(classifier, tmp_path / "model.pt2")


def test_numeric_classes_are_described_as_numbers(tmp_path):
    classes = np.where(top_labels(make_videos()) < "Music", 3, 7)
    classifier = make_classifier(fusion="early", max_epochs=1).fit(X, classes)
    export_model(classifier, tmp_path / "model.pt2")
    export_model(classifier, tmp_path / "model.pt2", overwrite=True)
    files = {"sk_crossmodal.json": ""}
    torch.export.load(tmp_path / "model.pt2", extra_files=files)
    description = json.loads(files["sk_crossmodal.json"])
    assert description["labels"] == [3, 7]
    assert description["multilabel"] is False


def test_network_that_cannot_be_traced_raises(tmp_path, monkeypatch):
    classifier = fitted("late")
    monkeypatch.setattr(
        type(classifier.module_.encoder), "forward", lambda self, x, *args, **kwargs: x[0].item()
    )
    with pytest.raises(ValueError, match=r"Transformer.* cannot be exported: "):
        export_model(classifier, tmp_path / "model.pt2")
    assert not list(tmp_path.iterdir())
