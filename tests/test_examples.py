"""The examples run from beginning to end, here on small data and with small models."""

import importlib
import sys
from pathlib import Path

import pytest

from sk_crossmodal.datasets import make_crossmodal_videos

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
    assert all(name in table for name in ("TM-E", "TM-L", "TM-CM-G", "TM-CM-C", "TM-L+p"))
    assert all(score in table for score in ("GAP", "MAP", "PERR", "Hit@1", "overall", "level 1"))
    assert "accuracy" in out
    assert "FPR" in out
    for picture in ("attention.png", "correlation.png"):
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")


def test_demo_on_made_up_videos(demo, load_example, monkeypatch, tmp_path, capsys):
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
    """A folder of three real shards, with the vocabulary beside it."""
    shards = tmp_path / "youtube8m" / "shards"
    shards.mkdir(parents=True)
    real = data_dir / "youtube8m"
    for path in sorted((real / "video_level").glob("*.tfrecord"))[:3]:
        (shards / path.name).symlink_to(path)
    (shards.parent / "vocabulary.csv").symlink_to(real / "labels" / "vocabulary.csv")
    return shards


def test_demo_on_real_shards(demo, load_example, few_shards, tmp_path, capsys):
    load_example("demo", "--data", few_shards, "--seeds", 1, "--jobs", 1, "--out", tmp_path)
    demo.main()
    check_demo(capsys.readouterr().out, tmp_path)


def test_demo_says_what_is_missing(demo, load_example, tmp_path):
    load_example("demo", "--data", tmp_path)
    with pytest.raises(SystemExit, match=r"at least two .*found 0.*vocabulary"):
        demo.main()


def test_corsmal(load_example, monkeypatch, data_dir, capsys):
    example = load_example("corsmal", data_dir / "corsmal", "--folds", 2, "--jobs", 1)
    monkeypatch.setattr(example, "SETTINGS", {**MODEL, "batch_size": 64})
    monkeypatch.setattr(example, "MODELS", {"TM-CM-C": {"fusion": "cross_modal_concat"}})
    example.main()
    out = capsys.readouterr().out
    assert "456 videos" in out
    assert out.count("logistic regression") == out.count("TM-CM-C") == 2
