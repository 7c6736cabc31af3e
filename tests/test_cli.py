"""The command sk-crossmodal: conversion, errors and help."""

import os
import re
import signal
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from test_convert import frame_shard, tree
from youtube8m_writer import framed

from sk_crossmodal.cli import main
from sk_crossmodal.datasets import _conversion, load_youtube8m
from sk_crossmodal.multimodal import Store

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shards").mkdir()
    for i in range(3):
        frame_shard(tmp_path / "shards" / f"{i}.tfrecord", 5, i)
    return tmp_path


def run(*arguments):
    return main([str(argument) for argument in arguments])


def usage_error(*arguments):
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    assert stopped.value.code == 2


def test_convert_store_equals_loaded_shards(folder, capsys):
    assert run("convert", folder / "shards", folder / "store") == 0
    loaded = load_youtube8m(folder / "shards")
    assert Store.open(folder / "store").data.digest() == loaded.data.digest()
    out, err = capsys.readouterr()
    size = sum(len(content) for content in tree(folder / "store").values())
    (line,) = out.splitlines()
    n_frames = sum(loaded.data.lengths(name).sum() for name in loaded.data.modality_names)
    assert re.fullmatch(
        rf"{folder}/store: 15 videos, {n_frames} frames, "
        rf"{size:,} bytes; \d+\.\d seconds, 0 skipped",
        line,
    )
    assert err == ""  # no progress bar without a terminal


def test_convert_several_shards_and_options_equal_loading(folder, capsys):
    shards = folder / "shards"
    with open(shards / "0.tfrecord", "ab") as file:
        file.write(framed(b"junk"))
    given = [f"{shards}/[12]*", shards / "0.tfrecord"]
    options = ["--max-frames", "2", "--on-error", "skip", "--jobs", "1"]
    assert run("convert", *options, *given, folder / "store") == 0
    expected = load_youtube8m(given, max_frames=2, on_error="skip")
    store = Store.open(folder / "store")
    assert store.data.digest() == expected.data.digest()
    assert store.ids.tolist() == expected.ids.tolist()
    out, err = capsys.readouterr()
    assert "1 skipped" in out
    assert re.fullmatch(r"skipped: \S+0\.tfrecord, byte \d+: no tf\.train.*\n", err)


def test_convert_quiet_prints_nothing(folder, capsys):
    assert run("convert", "--quiet", folder / "shards", folder / "store") == 0
    assert capsys.readouterr() == ("", "")


def test_convert_error_prints_one_line(folder, capsys):
    assert run("convert", folder / "missing", folder / "store") == 1
    assert capsys.readouterr() == ("", f"sk-crossmodal: error: no shard at {folder}/missing.\n")
    (folder / "shards" / "1.tfrecord").write_bytes(b"junk")
    assert run("convert", folder / "shards", folder / "store") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"sk-crossmodal: error: \S+1\.tfrecord, byte 0: the file ends.*\n", err)


def test_convert_unexpected_error_prints_one_line(folder, capsys, monkeypatch):
    def fail(*args):
        raise RuntimeError("something\n  broke")

    monkeypatch.setattr(_conversion, "_write_note", fail)
    assert run("convert", folder / "shards", folder / "store") == 1
    assert capsys.readouterr().err == (
        "sk-crossmodal: error: RuntimeError: something broke (use --debug for details)\n"
    )


def test_convert_wrong_command_line_prints_usage(folder, capsys):
    for arguments in ([], ["convert"], ["convert", folder], ["reverse", folder, folder]):
        usage_error(*arguments)
    pair = (folder / "shards", folder / "store")
    usage_error("convert", "--jobs", "0", *pair)
    assert "--jobs: expected an integer other than 0, got '0'" in capsys.readouterr().err
    usage_error("convert", "--max-frames", "-3", *pair)
    usage_error("convert", "--max-frames", "three", *pair)
    assert "--max-frames: expected a positive integer, got 'three'" in capsys.readouterr().err
    usage_error("convert", "--on-error", "ignore", *pair)
    assert not (folder / "store").exists()


def test_convert_after_interruption_continues(folder, capsys, monkeypatch):
    calls = []

    def interrupt(*args):
        calls.append(args)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGINT)
        write_note(*args)

    write_note = _conversion._write_note
    with monkeypatch.context() as patch:
        patch.setattr(_conversion, "_write_note", interrupt)
        assert run("convert", folder / "shards", folder / "store") == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "sk-crossmodal: interrupted; run the same command again to continue.\n"
    assert len(list((folder / "store" / "parts").iterdir())) == 1
    assert run("convert", folder / "shards", folder / "store") == 0
    assert run("convert", folder / "shards", folder / "whole") == 0
    assert tree(folder / "store") == tree(folder / "whole")


def test_help_describes_options(capsys):
    for arguments, words in (
        (["--help"], ["convert", "to a store"]),
        (
            ["convert", "--help"],
            ["--jobs", "--max-frames", "--on-error", "continues", "examples:"],
        ),
    ):
        with pytest.raises(SystemExit) as stopped:
            run(*arguments)
        assert stopped.value.code == 0
        out = capsys.readouterr().out
        assert all(word in out for word in words)


def test_command_is_entry_point_of_package():
    with open(ROOT / "pyproject.toml", "rb") as file:
        scripts = tomllib.load(file)["project"]["scripts"]
    module, function = scripts["sk-crossmodal"].split(":")
    assert getattr(import_module(module), function) is main


def test_package_with_python_m_runs_command(folder):
    command = [sys.executable, "-m", "sk_crossmodal", "convert", "shards", "shards/x", "store"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "sk-crossmodal: error: no shard at shards/x.\n"
