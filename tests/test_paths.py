"""Paths as users write them: brackets, dashes, upper-case suffixes, ~; loaders and commands."""

import os

import numpy as np
import pyarrow as pa
import pytest
from table_cases import FRAMES, write, write_videos
from youtube8m_writer import video_level, write_shard

from sk_crossmodal import load_model
from sk_crossmodal._files import match_pattern
from sk_crossmodal.cli import main
from sk_crossmodal.datasets import (
    load_embeddings,
    load_store,
    load_tfrecords,
    load_youtube8m,
    youtube8m_hierarchy,
)

LOADERS = {"tfrecord": (load_youtube8m, load_tfrecords), "parquet": (load_embeddings,)}


def put(folder, name):
    """Write one video with the name as its id."""
    path = folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    if ".tfrecord" in name.lower():
        write_shard(path, [video_level(name.encode(), [1], np.ones(1024))])
    else:
        table = pa.table({"a": pa.array([[[1.0]]], FRAMES), "labels": [["x"]], "id": [name]})
        write(table, folder / "video.parquet").rename(path)
    return path


def ids_of(videos):
    return [name.rpartition("/")[2] for name in videos.ids.tolist()]


@pytest.fixture(params=["tfrecord", "parquet"])
def suffix(request):
    return request.param


@pytest.fixture
def folder(tmp_path, suffix):
    for name in ("d [2019] /a1", "d [2019] /a2", "d 2/a3", "d [2019] /w[1]", "d [2019] /w1"):
        put(tmp_path, f"{name}.{suffix}")
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("d [2019] /a*.SUFFIX", ["a1", "a2"]),
        ("d [2019] /a[12].SUFFIX", ["a1", "a2"]),
        ("d [2019] /w[[]1].SUFFIX", ["w[1]"]),
        ("d [2019] /w[1].SUFFIX", ["w[1]"]),  # a file of this name
        ("d [2019] /w[1*.SUFFIX", ["w[1]"]),
        ("d [2]/a?.SUFFIX", ["a3"]),
        ("**/a*.SUFFIX", ["a3", "a1", "a2"]),
        ("d*/a[!3].SUFFIX", ["a1", "a2"]),
    ],
)
def test_pattern_matches_also_in_folders_with_brackets(pattern, expected, folder, suffix, capsys):
    given = str(folder / pattern.replace("SUFFIX", suffix))
    for load in LOADERS[suffix]:
        assert sorted(ids_of(load(given))) == sorted(f"{name}.{suffix}" for name in expected)
    assert main(["info", given]) == 0
    assert f"videos: {len(expected)}\n" in capsys.readouterr().out


def test_pattern_without_matches_raises(folder, suffix, capsys):
    for load in LOADERS[suffix]:
        with pytest.raises(ValueError, match="matches no files"):
            load(folder / "d [2019] " / "b*")
    assert main(["info", str(folder / "d [2019] " / "b*")]) == 1
    assert "matches no files" in capsys.readouterr().err


def test_match_pattern_prefers_the_folder_of_that_name(tmp_path):
    for name in ("x[12]", "x1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"in {name}").touch()
    (tmp_path / "x1" / "only").touch()
    found = {name: match_pattern(f"{tmp_path}/x[12]/{name}*") for name in ("in", "only")}
    assert found == {"in": [f"{tmp_path}/x[12]/in x[12]"], "only": [f"{tmp_path}/x1/only"]}


def test_upper_case_suffixes_and_hidden_files_of_a_folder(tmp_path, suffix, capsys):
    for name in (f"B.{suffix.upper()}", f"a.{suffix}", f".hidden.{suffix}", f"c.{suffix.title()}"):
        put(tmp_path, name)
    expected = [f"B.{suffix.upper()}", f"a.{suffix}", f"c.{suffix.title()}"]
    for load in LOADERS[suffix]:
        assert ids_of(load(tmp_path)) == expected
        assert ids_of(load(tmp_path / expected[0])) == expected[:1]
    for given, count in ((tmp_path, 3), (tmp_path / expected[0], 1)):
        assert main(["info", str(given)]) == 0
        assert f"videos: {count}\n" in capsys.readouterr().out


@pytest.mark.parametrize("given", ["-0.SUFFIX", "-*.SUFFIX", "--.SUFFIX", "-d", "-d/-*.SUFFIX"])
def test_paths_that_begin_with_a_dash_are_paths(given, suffix, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    put(tmp_path, ("--." if given.startswith("--") else "-0.") + suffix)
    put(tmp_path, f"-d/-1.{suffix}")
    given = given.replace("SUFFIX", suffix)
    assert main(["info", given, "--quiet"]) == 0
    assert "videos: 1\n" in capsys.readouterr().out
    for load in LOADERS[suffix]:
        assert len(load(given).data) == 1


def test_home_folder_of_loaders(tmp_path, suffix, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    put(tmp_path, f"data/a.{suffix}")
    for load in LOADERS[suffix]:
        for given in ("~/data", f"~/data/a.{suffix}", f"~/d*/*.{suffix}"):
            assert ids_of(load(given)) == [f"a.{suffix}"]
    load("~/data", store="~/store")
    assert ids_of(load_store("~/store")) == [f"a.{suffix}"]
    assert sorted(os.listdir(tmp_path)) == ["data", "store"]


def test_home_folder_of_commands(tmp_path, monkeypatch, capsys):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(elsewhere)
    write_videos(home / "train.parquet", 8)
    options = ("--fusion", "late", "--epochs", "1", "--set", "d_model=8", "--set", "n_heads=2")
    assert main(["train", "~/train.parquet", "~/model", *options, "--checkpoint=~/kept"]) == 0
    assert main(["predict", "~/model", "~/train*", "~/out.csv"]) == 0
    assert main(["evaluate", "~/model", "~/train.parquet", "--json", "~/scores.json"]) == 0
    assert {"model", "out.csv", "scores.json", "kept"} <= set(os.listdir(home))
    assert not os.listdir(elsewhere)
    assert load_model("~/model").classifier_.n_iter_ == 1
    capsys.readouterr()


def test_home_folder_is_not_put_for_a_file_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "Index,KnowledgeGraphId,Name,Vertical1,Vertical2,Vertical3\n0,/m/0,Name,Games,,\n"
    (tmp_path / "~x.csv").write_text(text)
    assert youtube8m_hierarchy("~x.csv").nodes == ("Games", 0)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "x.csv").write_text(text)
    assert youtube8m_hierarchy("~/x.csv").nodes == ("Games", 0)
