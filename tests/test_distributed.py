"""Training by two processes equals training by one; they run launched.py."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from estimator_cases import make_classifier, make_tower, make_videos, make_y, numbered_videos
from launched import cases, results

import sk_crossmodal
from sk_crossmodal.modules import CrossModalNetwork
from sk_crossmodal.modules.layers import MaskedBatchNorm
from sk_crossmodal.training import MultimodalNet, Processes

TESTS = Path(__file__).parent
NAMES = [*cases("cpu"), "resumed"]


def launch(out, task, **options):
    """Run launched.py in two processes; return the completed process."""
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    places = [str(Path(sk_crossmodal.__file__).parents[1]), str(TESTS)]
    environment = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(places),
        "PYTHONWARNINGS": "error",
    }
    return subprocess.run(
        [*run, str(TESTS / "launched.py"), str(out), task],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """The results of each of two processes, and their output."""
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    out = tmp_path_factory.mktemp("launch")
    numbered_videos().save(out / "store")
    done = launch(out, "all")
    assert done.returncode == 0, done.stderr
    found = [pickle.loads((out / f"{rank}.pickle").read_bytes()) for rank in range(2)]
    return found, done, out


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return results("cpu", tmp_path_factory.mktemp("alone"))


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_fit_by_two_processes_equals_fit_by_one(together, alone, name):
    (first, _), *_ = together
    one, two = alone[name], first["fits"][name]
    np.testing.assert_allclose(two["losses"], one["losses"], rtol=0, atol=1e-5)
    if one["tower"] is not None:
        np.testing.assert_allclose(two["tower"], one["tower"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(two["probability"], one["probability"], rtol=0, atol=1e-4)
    assert two["best"] == one["best"]


@pytest.mark.parametrize("name", [*NAMES, "unseeded"], ids=str)
def test_both_processes_end_with_the_same_weights(together, name):
    (first, second), *_ = together
    a, b = ({**found["fits"], "unseeded": found["unseeded"]}[name] for found in (first, second))
    assert a["losses"] == b["losses"]
    assert a["tower"] == b["tower"]
    np.testing.assert_array_equal(a["probability"], b["probability"])
    for key, value in a["weights"].items():
        assert torch.equal(value, b["weights"][key]), key


def test_each_process_reads_its_share_of_the_store(together):
    (first, second), *_ = together
    # For the tower's probabilities, and then for the epoch, whose last batch is of one video.
    assert sorted(first["read"] + second["read"]) == sorted(2 * list(range(48)))
    for read, epoch in ((first["read"], 24), (second["read"], 24)):
        assert len(set(read[:24])) == 24
        assert len(set(read[24:])) == len(read) - 24 == pytest.approx(epoch, abs=1)


def test_first_process_caches_towers_for_all(together):
    (first, second), _, out = together
    for found in (first, second):
        assert found["memory"][0] == [1, 1]
    np.testing.assert_array_equal(first["memory"][1], second["memory"][1])
    assert (out / "memory0").is_dir()
    assert not list((out / "memory1").rglob("*.pkl"))


def test_only_the_first_process_prints(together):
    _, done, _ = together
    assert done.stdout.count("Correlation tower") == 1
    assert done.stdout.count("train_loss") == 2  # the heads of two tables
    assert not done.stderr


def test_fitted_estimator_keeps_nothing_of_the_process_group(together):
    (first, _), *_ = together
    assert b"torch.distributed" not in first["pickle"]
    assert b"skorch.hf" not in first["pickle"]
    classifier = pickle.loads(first["pickle"])
    assert type(classifier.net_) is MultimodalNet
    assert type(classifier.module_) is CrossModalNetwork
    probability = classifier.predict_proba(make_videos().data)
    np.testing.assert_allclose(probability, first["unseeded"]["probability"], rtol=1e-5)


def test_error_in_one_process_ends_the_launch(tmp_path):
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    done = launch(tmp_path, "fail")
    assert done.returncode != 0
    assert "only here" in done.stderr


def test_device_accelerate_without_launcher_equals_auto():
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    X, y = make_videos().data, make_y("classes")
    one, two = (make_classifier(device=device).fit(X, y) for device in ("auto", "accelerate"))
    assert one.loss_curve_ == two.loss_curve_
    assert one.net_.device == two.net_.device


def test_tower_is_trained_by_all_processes():
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    given = make_tower(max_epochs=1)
    classifier = make_classifier(device="accelerate", correlation_tower=given, max_epochs=1)
    classifier.fit(make_videos().data, make_y("classes"))
    assert given.device == "auto"
    assert classifier.correlation_tower_.device == "accelerate"


def test_missing_accelerate_raises_with_the_install_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(ImportError, match=r"sk_crossmodal\[distributed\]"):
        make_classifier(device="accelerate").fit(make_videos().data, make_y("classes"))


@pytest.mark.parametrize(("n", "count"), [(0, 2), (1, 2), (5, 2), (7, 3), (3, 8)])
def test_shares_of_processes_cover_all_rows_once(n, count):
    rows = np.arange(n)
    shares = [rows[Processes(i, count).share(n)] for i in range(count)]
    np.testing.assert_array_equal(np.concatenate(shares), rows)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_statistics_are_summed_over_processes():
    x, mask = torch.randn(6, 3, 2, dtype=torch.float64), torch.rand(6, 3) > 0.3
    whole, part = MaskedBatchNorm(2).double(), MaskedBatchNorm(2).double()
    # Both halves are the same: the sum of two processes is twice that of one.
    part.all_sum = lambda value: 2 * value
    twice = torch.cat([x, x]), torch.cat([mask, mask])
    torch.testing.assert_close(part.statistics(x, mask), whole.statistics(*twice))
