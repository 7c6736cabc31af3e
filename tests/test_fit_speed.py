"""The rows of the benchmark for `fit` and `predict_proba`, with few videos."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

pytestmark = pytest.mark.full

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def fit(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS / "speed"))
    yield __import__("fit")
    for name in ("fit", "measure"):
        sys.modules.pop(name, None)


def test_by_hand_learns_same_weights_as_fit(fit):
    """With one batch per epoch and no dropout, both sides compute the same."""
    size = {**fit.SMALL, "n": 24, "n_frames": 5}
    X, y = fit.make_videos(**size)
    by_hand = fit.ByHand(fit.prepare(X, y))
    params = {"d_model": 8, "n_heads": 2, "batch_size": 24, "dropout": 0.0}
    classifier = fit.make_classifier(max_epochs=3, callbacks=[by_hand], **params).fit(X, y)
    assert len(by_hand.times) == 3
    state = by_hand.module.state_dict()
    for name, value in classifier.module_.state_dict().items():
        torch.testing.assert_close(value, state[name], rtol=0, atol=1e-5, msg=name)


def test_prepare_gives_dequantised_frames(fit):
    lengths = np.array([3, 5])
    X, y = fit.make_videos(2, 5, {"video": 100, "audio": 4}, 2, lengths=lengths)
    assert X.quantization["video"] == (4 / 255, 1 / 512 - 2)
    frames, masks, _ = fit.prepare(X, y)
    for i, length in enumerate(lengths):
        for name in ("video", "audio"):
            assert masks[name][i].sum() == length
            np.testing.assert_allclose(frames[name][i, :length], X[i][name], rtol=1e-6, atol=1e-6)


def test_rows_have_ratios(fit):
    for row in (fit.fit_small(quick=True), fit.predict_small(quick=True)):
        assert len(row.ratios) >= 2
        assert 0.2 < row.ratio < 20
        json.dumps(row.to_json())


def test_large_store_trains_within_memory_limit(tmp_path):
    """The benchmark passes with a small store, and fails if the limit is too low."""
    script, out = BENCHMARKS / "large.py", tmp_path / "out.json"
    store = tmp_path / "store"
    command = [sys.executable, script, "--folder", store, "--gb", "0.05", "--batch-size", "8"]
    command += ["--threads", "1"]
    subprocess.run([*command, "--limit-gb", "2", "--out", out], check=True, timeout=300)
    result = json.loads(out.read_text())
    assert result["fit"]["last_loss"] < 0.7 * result["fit"]["first_loss"]
    assert result["fit"]["address_mb"] < 2000
    assert 0 < result["over_mb"] < 400
    done = subprocess.run(
        [*command, "--do", "fit", "--limit-gb", "0.3"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode != 0
    words = ("MemoryError", "allocate", "failed to map")  # from NumPy, torch, or the loader
    assert any(word in done.stderr for word in words)
