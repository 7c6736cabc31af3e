"""Progress, HTML views and plots in a notebook, executed by a Jupyter kernel."""

import os
import re
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")
nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")

ROOT = Path(__file__).resolve().parents[1]
CELLS = {
    "start": """
        %matplotlib inline
        import sys
        sys.path[:0] = [TESTS, ROOT]
        from estimator_cases import make_classifier, make_labels, make_tower, make_videos
        from sk_crossmodal import inspection
        from sk_crossmodal.inspection import AttentionDisplay, CorrelationDisplay
        from sk_crossmodal.metrics import hierarchy_report
        X, Y = make_videos().data, make_labels()[1]
        classifier = make_classifier(fusion="late", verbose=1)
    """,
    "unfitted": "classifier",
    "epochs": "_ = classifier.fit(X, Y)",
    "fitted": "classifier",
    "callback": """
        from sklearn.callback import ProgressBar
        watched = make_classifier(fusion="late")
        _ = watched.set_callbacks(ProgressBar()).fit(X, Y)
    """,
    "bar": """
        from youtube8m_writer import video_level, write_shard
        from sk_crossmodal.datasets import load_youtube8m
        from pathlib import Path
        shard = write_shard(Path(SHARD), [video_level()])
        bunch = load_youtube8m([shard], store=STORE, progress=True)
    """,
    "report": """
        hierarchy, scores = make_labels()[0].hierarchy_, classifier.predict_proba(X)
        hierarchy_report(Y, scores, hierarchy)
    """,
    "comparison": """
        models = {"late": scores, "flipped": scores[:, ::-1]}
        comparison = inspection.compare_predictions(
            Y, models, hierarchy, baseline="late", n_resamples=20
        )
        comparison
    """,
    "examples": "inspection.error_examples(Y, scores, hierarchy)",
    "errors": "inspection.ErrorRatesDisplay.from_report(comparison)",
    "gains": """
        display = inspection.CategoryGainDisplay.from_predictions(
            Y, models, hierarchy, n_resamples=20
        )
    """,
    "tree": "inspection.HierarchyDisplay.from_predictions(Y, scores, hierarchy)",
    "curve": "inspection.TrainingCurveDisplay.from_estimator(classifier)",
    "weights": """
        rates = {"error": [0.2, 0.1], "fpr": [0.3, 0.1], "fnr": [0.1, 0.1]}
        display = inspection.NegativeWeightDisplay.from_predictions([1, 2], rates)
    """,
    "influence": """
        import numpy as np
        display = inspection.InfluenceDisplay.from_predictions(np.eye(20, k=-4))
    """,
    "attention": "AttentionDisplay.from_estimator(classifier, X[[0]])",
    "correlation": """
        tower = make_tower().fit(X, Y)
        display = CorrelationDisplay.from_estimator(tower, X, Y)
    """,
}

PLOTS = ("attention", "correlation", "errors", "gains", "tree", "curve", "weights", "influence")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Outputs of the cells, by name."""
    folder = tmp_path_factory.mktemp("notebook")
    names = {"TESTS": ROOT / "tests", "ROOT": ROOT}
    names |= {"SHARD": folder / "train0.tfrecord", "STORE": folder / "store"}
    head = "\n".join(f"{name} = {str(path)!r}" for name, path in names.items())
    sources = [
        head,
        *(
            "\n".join(
                line[8:] if line[:8].isspace() else line for line in source.strip("\n").split("\n")
            )
            for source in CELLS.values()
        ),
    ]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    # "python3" is the interpreter of this process.
    environment = {**os.environ, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    client = nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3")
    client.execute(env=environment, cwd=str(folder))
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells[1:], strict=True)}


def text(outputs, stream):
    return "".join(each.text for each in outputs if each.get("name") == stream)


def kinds(outputs):
    """Types of the outputs other than text."""
    shown = [
        each.data for each in outputs if each.output_type in ("display_data", "execute_result")
    ]
    return [kind for data in shown for kind in data if kind != "text/plain"]


def test_notebook_shows_html_and_plots_once(outputs):
    """Views are HTML, there is one plot per cell, and no output is an error."""
    for name in ("unfitted", "fitted"):
        assert kinds(outputs[name]) == ["text/html"]
        html = outputs[name][0].data["text/html"]
        assert "CrossModalTransformerClassifier" in html
        assert ("validation_scores_" in html) == (name == "fitted")
    for name in PLOTS:
        assert kinds(outputs[name]) == ["image/png"], name
    table = text(outputs["epochs"], "stdout")
    assert [line.split()[0] for line in table.splitlines()[2:4]] == ["1", "2"]
    assert "100%" in text(outputs["bar"], "stderr")
    # Its bars need ipywidgets in a notebook; rich prints a hint if it is not installed.
    assert "100%" in str(outputs["callback"]) or "ipywidgets" in str(outputs["callback"])
    for name in ("report", "comparison", "examples"):
        assert kinds(outputs[name]) == ["text/html"]
        assert "<table" in outputs[name][0].data["text/html"]
    assert "level 2" in outputs["report"][0].data["text/html"]
    for name, cell in outputs.items():
        stderr = text(cell, "stderr") if name != "bar" else ""
        assert not stderr, (name, stderr)
        if name != "callback":
            assert not re.search("Traceback|Warning|Error:", str(cell)), name
