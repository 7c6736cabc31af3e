"""The examples run completely, with small data and small models."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from sk_crossmodal.datasets import load_embeddings, make_crossmodal_videos

pytestmark = pytest.mark.one_version

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
TOWER = {"encoder": "mean", "encoder_params": {"d_model": 8}, "max_epochs": 1}
MODEL = {"d_model": 8, "n_heads": 2, "max_epochs": 1}


@pytest.fixture
def load_example(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def load(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        return importlib.import_module(name)

    return load


@pytest.fixture
def demo(load_example, monkeypatch):
    demo = load_example("demo")
    monkeypatch.setattr(
        demo, "SETTINGS", {"synthetic": (TOWER, MODEL), "youtube8m": (TOWER, MODEL)}
    )
    return demo


def check_demo(out, folder):
    table = out[out.index("error rates in percent") :]
    assert all(
        name in table
        for name in ("early (E)", "late (L)", "gated (CM-G)", "concat (CM-C)", "late + tower")
    )
    assert all(score in table for score in ("GAP", "MAP", "PERR", "Hit@1", "overall", "level 1"))
    assert "accuracy" in out
    assert "FPR" in out
    for plot in ("attention.png", "correlation.png"):
        assert (folder / plot).read_bytes().startswith(b"\x89PNG")


def test_demo_synthetic_videos_prints_table_and_plots(
    demo, load_example, monkeypatch, tmp_path, capsys
):
    load_example("demo", "--seeds", 2, "--jobs", 1, "--out", tmp_path)

    def small(seed):
        train, test = (make_crossmodal_videos(60, random_state=10 * seed + i) for i in (0, 1))
        return train, test, demo.HierarchyLabelBinarizer(hierarchy=train.hierarchy)

    monkeypatch.setattr(demo, "synthetic_data", small)
    demo.main()
    out = capsys.readouterr().out
    check_demo(out, tmp_path)
    assert " ± " in out


@pytest.fixture
def few_shards(data_dir, tmp_path):
    """A folder of three real shards, with the vocabulary next to it."""
    shards = tmp_path / "youtube8m" / "shards"
    shards.mkdir(parents=True)
    real = data_dir / "youtube8m"
    for path in sorted((real / "video_level").glob("*.tfrecord"))[:3]:
        (shards / path.name).symlink_to(path)
    (shards.parent / "vocabulary.csv").symlink_to(real / "labels" / "vocabulary.csv")
    return shards


def test_demo_real_shards_prints_table_and_plots(demo, load_example, few_shards, tmp_path, capsys):
    load_example("demo", "--data", few_shards, "--seeds", 1, "--jobs", 1, "--out", tmp_path)
    demo.main()
    check_demo(capsys.readouterr().out, tmp_path)


def test_demo_empty_folder_raises(demo, load_example, tmp_path):
    load_example("demo", "--data", tmp_path)
    with pytest.raises(SystemExit, match=r"at least two .*found 0.*vocabulary"):
        demo.main()


def test_corsmal_prints_all_models(load_example, monkeypatch, data_dir, capsys):
    example = load_example("corsmal", data_dir / "corsmal", "--folds", 2, "--jobs", 1)
    monkeypatch.setattr(example, "SETTINGS", {**MODEL, "batch_size": 64})
    monkeypatch.setattr(
        example, "MODELS", {"cross_modal_concat": {"fusion": "cross_modal_concat"}}
    )
    example.main()
    out = capsys.readouterr().out
    assert "456 videos" in out
    assert out.count("logistic regression") == out.count("cross_modal_concat") == 2


def test_own_embeddings_trains_saves_and_predicts(load_example, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    example = load_example("own_embeddings", "--videos", 30)
    monkeypatch.setattr(example, "WIDTHS", {"clip": 8, "clap": 6})
    example.main()
    out = capsys.readouterr().out
    assert "30 videos, clip: " in out
    assert re.search(r"^level 1 +\d+ +5 ", out, re.MULTILINE)
    assert out.count("; predicted ") == 5
    names = {path.name for path in (tmp_path / "own_embeddings").iterdir()}
    assert names == {"train.parquet", "test.parquet", "model.safetensors"}


def test_own_embeddings_out_writes_only_tables(load_example, monkeypatch, tmp_path, capsys):
    out = tmp_path / "out"
    example = load_example("own_embeddings", "--out", out, "--videos", 30)
    monkeypatch.setattr(example, "train", None)
    example.main()
    assert {path.name for path in out.iterdir()} == {"train.parquet", "test.parquet"}
    assert len(load_embeddings(out / "train.parquet").target) == 30
    assert f"sk-crossmodal train {out}/train.parquet {out}/model" in capsys.readouterr().out


@pytest.fixture
def grid_search(demo, load_example, monkeypatch, tmp_path):
    """Run the example; return its module, its searches, and the number of trained towers."""

    def run(*arguments):
        example = load_example("grid_search", "--jobs", 1, "--out", tmp_path, *arguments)
        found, towers = [], []
        search, fit = example.search, demo.CorrelationTower._fit

        def search_and_keep(*arguments):
            found.append(search(*arguments))
            return found[-1]

        def fit_and_count(tower, *videos, **params):
            towers.append(tower)
            return fit(tower, *videos, **params)

        monkeypatch.setattr(example, "search", search_and_keep)
        monkeypatch.setattr(demo.CorrelationTower, "_fit", fit_and_count)
        example.main()
        return example, found, len(towers)

    return run


def table_rows(out, heading):
    """Return the cells of each row of a printed table."""
    lines = out[out.index(heading) :].splitlines()[2:]
    lines = lines[: next(i for i, line in enumerate(lines) if line.startswith("best:"))]
    return {cells[0]: cells[1:] for cells in (re.split(r" {2,}", line) for line in lines)}


def test_grid_search_synthetic_videos_gives_equal_scores(grid_search, tmp_path, capsys):
    example, (indicators, paths), n_towers = grid_search("--videos", 60, "--folds", 2)
    out = capsys.readouterr().out
    rows, results = table_rows(out, "On indicators"), indicators.cv_results_
    assert list(rows) == example.GRID["fusion"]
    for i, cells in enumerate(rows.values()):
        assert len(cells) == 9
        for cell, name in ((cells[0], "gap"), (cells[3], "gap_level_2")):
            errors = [100 * (1 - results[f"split{fold}_test_{name}"][i]) for fold in (0, 1)]
            assert cell == f"{np.mean(errors):.1f} ± {np.std(errors):.1f}"
        assert cells[5] == f"{100 * (1 - results['mean_test_hit_at_1'][i]):.1f}"
    assert len(table_rows(out, "On label paths")) == len(paths.cv_results_["params"]) == 9
    assert (tmp_path / "grid_search.png").read_bytes().startswith(b"\x89PNG")
    # Two folds times three transforms of the frames, and at most two more to refit.
    assert 6 <= n_towers <= 8
    assert "120 of 120 scores" in out
    assert out.count(" -> ") == 1 + 5
    check_disagreement(example, results, paths.cv_results_, capsys)


def check_disagreement(example, indicators, paths, capsys):
    """Different scores of one fusion are counted, and change the ranking."""
    late = [params[example.FUSION] for params in paths["params"]].index("late")
    paths = {name: np.array(values) for name, values in paths.items()}
    paths["split1_test_map"][late] += 1e-15
    paths["mean_test_gap"][late] = 1.0
    example.print_agreement(indicators, paths)
    out = capsys.readouterr().out
    assert "119 of 120 scores" in out
    assert re.search(r"^  paths +late 0\.00 <", out, re.MULTILINE)


@pytest.mark.full  # its synthetic twin runs always
def test_grid_search_real_shards_gives_equal_scores(grid_search, few_shards, capsys):
    _, (_, paths), _ = grid_search("--data", few_shards, "--folds", 2)
    out = capsys.readouterr().out
    n_scores = sum(name.startswith("split") for name in paths.cv_results_)
    assert f"{3 * n_scores} of {3 * n_scores} scores" in out
