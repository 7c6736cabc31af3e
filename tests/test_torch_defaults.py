"""Results do not depend on torch's global settings, nor on a fork; no float64 on a device."""

import subprocess
import sys
from contextlib import contextmanager, nullcontext

import pytest
import torch
from estimator_cases import make_classifier, make_tower, make_videos, make_y
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sk_crossmodal import load_model, save_model
from sk_crossmodal.training import _config


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


SETTINGS = {
    "none": nullcontext,
    "default dtype float64": lambda: default_dtype(torch.float64),
    "default dtype bfloat16": lambda: default_dtype(torch.bfloat16),
    "default device meta": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "no gradients": torch.no_grad,
    "inference mode": torch.inference_mode,
}


def settings():
    """The global settings that a fit must leave as they were."""
    return (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_autocast_enabled("cpu"),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_num_threads(),
    )


CASES = [("transformer", "cross_modal_gated"), ("netvlad", "late"), ("rnn", "cross_modal_concat")]
X = make_videos().data


def fit(family, fusion):
    tower = make_tower(max_epochs=1) if "cross_modal" in fusion else None
    classifier = make_classifier(family, fusion=fusion, correlation_tower=tower, max_epochs=1)
    return classifier.fit(X, make_y("multilabel"))


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize(("family", "fusion"), CASES)
def test_fit_and_predict_under_global_settings_give_the_same_bytes(name, family, fusion, tmp_path):
    expected = fit(family, fusion).predict_proba(X)
    with SETTINGS[name]():
        before = settings()
        classifier = fit(family, fusion)
        probabilities = classifier.predict_proba(X)
        save_model(classifier, tmp_path / "model.safetensors")
        loaded = load_model(tmp_path / "model.safetensors").predict_proba(X)
        assert settings() == before
    assert probabilities.tobytes() == expected.tobytes() == loaded.tobytes()


def test_fit_that_fails_restores_global_settings():
    with default_dtype(torch.float64):
        with pytest.raises(ValueError, match="d_model"):
            make_classifier(d_model=-1).fit(X, make_y("multilabel"))
        assert torch.get_default_dtype() == torch.float64


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_forked_process_at_default_threads_answers():
    """A web server loads and asks a model before it forks its workers."""
    script = """
import multiprocessing
import numpy as np, torch
from sk_crossmodal import CrossModalTransformerClassifier

torch.set_num_threads(max(2, torch.get_num_threads()))
rng = np.random.default_rng(0)
X = rng.normal(size=(40, 30, 640)).astype("float32")
y = rng.integers(2, size=(40, 5))
modalities = {"video": 512, "audio": 128}
model = CrossModalTransformerClassifier(
    modalities=modalities, fusion="late", d_model=64, max_epochs=1, random_state=0
).fit(X, y)
expected = model.predict_proba(X)

def work(what):
    if what == "fit":
        model.fit(X, y)
    return np.abs(model.predict_proba(X) - expected).max(), torch.get_num_threads()

if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(1) as pool:
        for what in ("predict", "fit"):
            difference, n_threads = pool.apply_async(work, [what]).get(timeout=120)
            assert difference < 1e-5 and n_threads == 1, (what, difference, n_threads)
    assert torch.get_num_threads() > 1
"""
    command = [sys.executable, "-W", "ignore", "-c", script]
    subprocess.run(command, check=True, timeout=300, capture_output=True, text=True)


class MetaTensors(TorchDispatchMode):
    """Collects the types of all tensors on the device "meta", a stand-in for a GPU."""

    def __init__(self):
        super().__init__()
        self.dtypes = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for each in tree_leaves(out):
            if isinstance(each, torch.Tensor) and each.device.type == "meta":
                self.dtypes.add(each.dtype)
        return out


@pytest.mark.filterwarnings("ignore:.* copying from a non-meta parameter:UserWarning")
@pytest.mark.parametrize("estimator", [*CASES, "tower"])
def test_float64_data_reach_a_device_as_float32(estimator, monkeypatch):
    """Devices such as "mps" have no float64. "meta" runs a step up to its loss, which it lacks."""
    frames = {name: [X[i][name].astype("float64") for i in range(len(X))] for name in X.n_features}
    estimator = (
        make_tower(encoder="mean")
        if estimator == "tower"
        else make_classifier(estimator[0], fusion="cross_modal", class_weight={0: 2.0})
    )
    monkeypatch.setattr(_config, "resolve_device", lambda device: "meta")
    seen, weights = MetaTensors(), [1.0, 2.0] * (len(X) // 2)
    with seen, pytest.raises(RuntimeError, match="meta"):
        estimator.fit(frames, make_y("multilabel"), sample_weight=weights)
    assert torch.float32 in seen.dtypes
    assert torch.float64 not in seen.dtypes
