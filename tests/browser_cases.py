"""A browser without a window, and data that is hard to lay out."""

import os
import shutil

import numpy as np
import pytest
from estimator_cases import make_classifier, make_tower, make_videos

from sk_crossmodal import LabelHierarchy

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def open_browser():
    """Start Chromium, or skip the test with the reason."""
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("no browser: put chromium on the PATH, or its path into CHROMIUM")
    playwright = sync.sync_playwright().start()
    return playwright, playwright.chromium.launch(executable_path=path, args=list(FLAGS))


def awkward_model(n_categories=60):
    """A classifier with a tower, videos and labels: many categories and very long names."""
    X = make_videos(n=120).data
    parents = {f"top {i}": [] for i in range(n_categories)}
    parents |= {f"below {i}": [f"top {i % n_categories}"] for i in range(n_categories)}
    names = {
        "top 0": "Donaudampfschifffahrtsgesellschaftskapitän" * 5,
        "top 1": "a category whose name is a whole sentence, and goes on for quite a while " * 3,
        "below 0": "<script>alert(1)</script>",
        "below 1": "$\\frac{1}{$",
        "top 2": "猫の歌とダンスの動画",
    }
    hierarchy = LabelHierarchy(parents, names=names)
    rng = np.random.RandomState(0)
    Y = hierarchy.indicator_matrix(
        [
            [f"below {i}" for i in rng.choice(n_categories, rng.randint(1, 6), replace=False)]
            for _ in range(len(X))
        ]
    )
    tower = make_tower(max_epochs=1)
    classifier = make_classifier(correlation_tower=tower, hierarchy=hierarchy, max_epochs=2)
    return classifier.fit(X, Y), X, Y
