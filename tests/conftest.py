import os
import sys
from pathlib import Path

import pytest
import torch

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_configure(config):
    # Small networks lose more to thread hand-over than they gain, several times over.
    torch.set_num_threads(1)


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
