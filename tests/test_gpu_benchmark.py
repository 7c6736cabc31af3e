"""The benchmark of GPUs, on the CPU with tiny sizes."""

import json
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.full

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark():
    sys.path.insert(0, str(BENCHMARKS))
    import gpu

    yield gpu
    sys.path.remove(str(BENCHMARKS))


def test_main_measures_all_tables(benchmark, tmp_path, capsys):
    out = tmp_path / "gpu.json"
    benchmark.main(["--quick", "--device", "cpu", "--out", str(out)])
    results = json.loads(out.read_text())
    measured = {(row["family"], row["fusion"]) for row in results["steps"]}
    families = ("Transformer", "NetVLAD", "RNN")
    assert measured == {
        (family, fusion) for family in families for fusion in ("late", "cross_modal_concat")
    }
    rows = [row for name in ("steps", "loader", "precision", "fit") for row in results[name]]
    assert not [row for row in rows if "failed" in row]
    assert all(row["videos/s"] > 0 for row in rows)
    assert {row["from"] for row in results["loader"]} == {"memory", "store"}
    late = next(row for row in results["kernels"] if row["fusion"] == "late")
    assert any("flash" in name for name in late["kernels"])
    assert set(results["machine"]) >= {"date", "device", "torch"}
    printed = capsys.readouterr().out
    assert printed.count("###") == 6


def test_measure_step_failure_is_row_of_table(benchmark, monkeypatch):
    def out_of_memory(*args):
        raise benchmark.torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(benchmark, "make_network", out_of_memory)
    args = benchmark.parse(["--quick", "--device", "cpu"])
    row = benchmark.measure_step(args, "RNN", "late", benchmark.QUICK, {})
    assert row["failed"] == "OutOfMemoryError: no memory"


def test_flops_of_step_equals_manual_count(benchmark):
    """Products of a step of the Transformer with late fusion; gradients count twice."""
    B, T, d, hidden = 4, 6, 16, 64
    size = benchmark.QUICK
    assert (size.n_videos, size.n_frames, size.scale) == (B, T, 512 // d)
    total = 0
    for width in (size.video, size.audio):
        frames = 2 * B * T * width * d * 2  # frames have no gradient
        layer = 2 * B * T * (3 * d * d + d * d + 2 * d * hidden) * 3
        attention = 2 * B * T * T * d * 2 * 3
        total += frames + layer + attention
    head = 2 * B * (2 * d * d + d * 640) * 3
    assert benchmark.flops_of_step("Transformer", "late", size) == total + head


def test_plain_netvlad_equals_network(benchmark):
    import networks
    import torch
    from plain_netvlad import PlainNetVLAD, residual_form

    network = networks.make_network("NetVLAD", "late", networks.QUICK)
    inputs, _ = networks.make_batch(networks.QUICK)
    for module in network.modules():
        if hasattr(module, "p"):
            module.p = 0.0
    expected = network.train()(*inputs)
    for plain in (PlainNetVLAD(network), residual_form(network)):
        torch.testing.assert_close(plain(*inputs), expected, rtol=1e-4, atol=1e-4)
