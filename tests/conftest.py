import os
import random
import signal
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import sampling
import torch
from hypothesis import settings

# Read once, when SciPy is first imported; scikit-learn's array API needs that version.
if tuple(map(int, version("scipy").split(".")[:2])) >= (1, 14):
    os.environ.setdefault("SCIPY_ARRAY_API", "1")

# The same examples on every run, and no limit of time on a shared machine; HYPOTHESIS_PROFILE=
# campaign draws new ones, and more of them (see docs/robustness.md).
settings.register_profile("short", deadline=None, derandomize=True, database=None)
settings.register_profile("campaign", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_addoption(parser):
    group = parser.getgroup("selection of tests")
    group.addoption("--all", action="store_true", help="run every test, nothing sampled")
    group.addoption(
        "--seed", type=int, help="seed that draws the sampled tests; random if not given"
    )
    group.addoption(
        "--share", type=float, default=1.0, help="share of the sample to run, drawn in each file"
    )


def pytest_configure(config):
    if config.option.seed is None:
        given = getattr(config, "workerinput", {}).get("seed")
        config.option.seed = random.randrange(10**6) if given is None else given
    # Small networks lose more to thread hand-over than they gain, several times over.
    torch.set_num_threads(1)
    # What a shell starts in the background ignores Ctrl-C, and tests of it send themselves one.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Give the processes of xdist the same seed."""
    node.workerinput["seed"] = node.config.option.seed


def runs_everything(config):
    """With `--all`, and where files or single tests are named on the command line."""
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    files = named and all(".py" in arg for arg in config.args)
    return config.option.all or files


def pytest_report_header(config):
    if runs_everything(config):
        return "all tests, nothing sampled"
    return (
        f"sampled tests drawn with --seed={config.option.seed}; "
        "everything runs with make test-all (pytest --all)"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    if runs_everything(config):
        return
    kept = sampling.select(items, config.option.seed, config.option.share)
    left_out = set(items) - set(kept)
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = kept


@pytest.fixture(scope="session")
def data_dir():
    """Folder of real data; tests that need it skip where it is missing."""
    path = Path(os.environ.get("SK_CROSSMODAL_DATA", SHARED / "data"))
    if not path.is_dir():
        pytest.skip(f"no real data at {path} (set SK_CROSSMODAL_DATA)")
    return path


@pytest.fixture(scope="session")
def reference_dir():
    """Folder of metric reference values; tests that need it skip where it is missing."""
    path = SHARED / "metrics_reference"
    if not path.is_dir():
        pytest.skip(f"no metric reference values at {path}")
    sys.path.insert(0, str(path))
    yield path
    sys.path.remove(str(path))


def pytest_terminal_summary(terminalreporter):
    """Say how many checks of scikit-learn each estimator went through."""
    reports = terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
    counts = [dict(report.user_properties) for report in reports if report.when == "call"]
    counts = sorted((c for c in counts if "estimator" in c), key=lambda c: c["estimator"])
    if not counts:
        return
    terminalreporter.section("check_estimator")
    for c in counts:
        terminalreporter.line(
            f"{c['estimator']:55} {c['run']:3} run  {c['failed']} failed  "
            f"{c['expected']} expected to fail  {c['skipped']} skipped"
        )
