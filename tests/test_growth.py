"""The benchmarks of growth and of options, with tiny sizes."""

import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

pytestmark = pytest.mark.full

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
OWN = ("growth", "growth_plot", "options", "forked", "run")


@pytest.fixture
def load(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in OWN:
        sys.modules.pop(name, None)
    yield __import__
    for name in OWN:
        sys.modules.pop(name, None)


def script(name, *arguments):
    command = [sys.executable, BENCHMARKS / name, "--quick", *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def test_growth_writes_table_numbers_and_plot(tmp_path):
    numbers, plot = tmp_path / "growth.json", tmp_path / "new" / "growth.png"
    parts = ["epoch of the tower", "four scores and levels"]
    files = ["--out", numbers, "--plot", plot]
    out = script("growth.py", "--axes", "videos", "modalities", "--parts", *parts, *files)
    curves = json.loads(numbers.read_text())["curves"]
    points = {(curve["part"], curve["axis"]): curve for curve in curves}
    # A tower needs two modalities; scores do not depend on modalities.
    assert points[parts[0], "modalities"]["sizes"] == [2, 3]
    assert set(points) == {(parts[0], "videos"), (parts[0], "modalities"), (parts[1], "videos")}
    assert all(seconds > 0 for curve in curves for seconds in curve["seconds"])
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert all(f"| {part} |" in out for part in parts)


def test_slope_uses_larger_half_of_sizes(load):
    growth = load("growth")
    sizes = [10, 20, 40, 80]
    assert growth.slope(sizes, [3 * size**2 for size in sizes]) == pytest.approx(2)
    # Small sizes mostly measure the overhead of a call.
    assert growth.slope(sizes, [99, 20, 40, 80]) == pytest.approx(1)


@pytest.mark.parametrize("power", [1, 2])
def test_sweep_faster_growth_is_marked(load, monkeypatch, power):
    growth = load("growth")

    def in_fork(function, name, size, args):
        return {"seconds": 1e-3 * size["labels"] ** power, "mb": 5.0}

    monkeypatch.setattr(growth, "in_fork", in_fork)
    curve = growth.sweep("labels", "four scores and levels", growth.parse([]))
    assert curve["sizes"][-1] == 3862
    assert curve["faster"] == (power == 2)
    assert ("faster" in "".join(growth.table([curve]))) == (power == 2)


def test_memory_and_time_measures_memory_of_call(load):
    forked = load("forked")
    assert forked.memory_and_time(lambda: bytearray(50_000_000).count(1))[0] == pytest.approx(
        50, abs=5
    )
    assert forked.memory_and_time(lambda: None)[0] < 5


def test_options_measures_each_case(tmp_path):
    numbers = tmp_path / "options.json"
    out = script(
        "options.py", "--families", "RNN", "--batches", 4, "--threads", 1, "--out", numbers
    )
    cases = json.loads(numbers.read_text())["cases"]
    assert [case["precision"] for case in cases] == ["float32", "bfloat16", "float32"]
    assert [case["batch_size"] for case in cases] == [32, 32, 4]
    assert all(case["seconds"] > 0 for case in cases)
    assert out.count("| RNN |") == 3


def test_options_failure_is_row_of_table(load, monkeypatch):
    options = load("options")

    def in_fork(function, case, args):
        if case["compile"]:
            raise RuntimeError("BackendError: no | compiler")
        return {"videos": 8, "seconds": 2.0, "compile_seconds": None, "mb": 3.0}

    monkeypatch.setattr(options, "in_fork", in_fork)
    args = Namespace(quick=False, batches=[])
    found = [options.measure(case, args) for case in options.cases_of("RNN", args)]
    lines = [options.line(one, found[0]) for one in found]
    assert "failed: BackendError: no / compiler" in lines[2]
    assert {line.count("|") for line in lines} == {9}
