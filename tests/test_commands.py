"""The commands train, evaluate, predict, report and info, called as users do."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from estimator_cases import fitted, fitted_tower, make_classifier, make_labels, make_videos
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from table_cases import table_of, write, write_videos
from youtube8m_writer import video_level, write_shard

import sk_crossmodal
from sk_crossmodal import ModalityTransformer, load_model, save_model
from sk_crossmodal.cli import _data, _models, _progress, main
from sk_crossmodal.cli._writers import WRITERS
from sk_crossmodal.datasets import load_embeddings
from sk_crossmodal.metrics import hierarchy_report
from sk_crossmodal.modules import ENCODERS, FUSIONS
from sk_crossmodal.multimodal import MultimodalArray
from sk_crossmodal.persistence import model_families, register_model
from sk_crossmodal.persistence._registered import MODELS

ROOT = Path(__file__).resolve().parents[1]
SMALL = [
    *("--set", "d_model=8", "--set", "n_heads=2", "--batch-size", "16", "--lr", "1e-3"),
    *("--epochs", "2", "--set", "correlation_tower.encoder=mean"),
    *("--set", "correlation_tower.max_epochs=1", "--set", "correlation_tower.encoder_params={}"),
]
VOCABULARY = "Index,KnowledgeGraphId,Name,Vertical1,Vertical2,Vertical3\n" + "".join(
    f"{i},/m/{i},Name {i},{'Games' if i % 2 else 'Sports'},,\n" for i in range(6)
)


def run(*arguments):
    return main([str(argument) for argument in arguments])


def lines(path):
    return path.read_text().splitlines()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with train.parquet, test.parquet, and a model trained on the first."""
    folder = tmp_path_factory.mktemp("saved")
    write_videos(folder / "train.parquet")
    write_videos(folder / "test.parquet", 24, 1)
    assert run("train", "--quiet", folder / "train.parquet", folder / "model", *SMALL) == 0
    return folder


@pytest.fixture
def failed(capsys):
    """Run a command that fails, and return its error, which is one line."""

    def fail(*arguments, code=1):
        capsys.readouterr()
        assert run(*arguments) == code
        out, err = capsys.readouterr()
        lines = [line for line in err.splitlines() if "warning: " not in line]
        assert out == ""
        assert len(lines) == 1, err
        assert lines[0].startswith("sk-crossmodal: ")
        return lines[0]

    return fail


def expected(folder):
    """Model, test videos and probabilities, computed without the command line."""
    model, test = load_model(folder / "model"), load_embeddings(folder / "test.parquet")
    return model, test, model.predict_proba(test.data)


def test_predict_each_format_equals_predict_proba(saved, tmp_path, capsys):
    """Probabilities in CSV, Parquet and Kaggle files are those of `predict_proba`."""
    model, test, probability = expected(saved)
    labels = model.transformer_.classes_.tolist()
    assert model.classifier_.n_iter_ == 2
    assert model.classifier_.get_params()["correlation_tower"].encoder == "mean"

    out = tmp_path / "out.csv"
    assert run("predict", saved / "model", saved / "test.parquet", out) == 0
    assert capsys.readouterr().out == f"{out}: 24 videos, {len(labels)} labels\n"
    heading, *rows = csv.reader(lines(out))
    assert heading == ["id", *labels]
    assert [row[0] for row in rows] == test.ids.tolist()
    given = np.array([row[1:] for row in rows], float)
    np.testing.assert_allclose(given, probability, rtol=1e-5)

    out = tmp_path / "out.parquet"
    assert run("predict", saved / "model", saved / "test.parquet", out) == 0
    table = pq.read_table(out)
    assert table.column_names == ["id", *labels]
    assert table["id"].to_pylist() == test.ids.tolist()
    given = np.array([table[label].to_numpy() for label in labels]).T
    np.testing.assert_allclose(given, probability, rtol=1e-6)

    out = tmp_path / "submission.csv"
    assert run("predict", saved / "model", saved / "test.parquet", out, "--format", "kaggle") == 0
    heading, *rows = csv.reader(lines(out))
    assert heading == ["VideoId", "LabelConfidencePairs"]
    for i, (name, pairs) in enumerate(rows):
        words = pairs.split(" ")
        assert name == test.ids[i]
        best = sorted(range(len(labels)), key=lambda j: (-probability[i, j], j))[:20]
        assert words[::2] == [labels[j] for j in best]
        np.testing.assert_allclose(np.array(words[1::2], float), probability[i, best], atol=1e-6)


def read_probabilities(path, kind, top_k):
    """Read the numbers of a file of predictions, one row per video."""
    if kind == "parquet":
        return list(zip(*pq.read_table(path).drop_columns("id").to_pydict().values(), strict=True))
    _, *rows = csv.reader(lines(path))
    if kind == "kaggle":
        return [row[-1].split(" ")[1::2] for row in rows]
    return (
        [row[1:] for row in rows]
        if top_k is None
        else np.reshape([r[-1] for r in rows], (-1, top_k))
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("kind", "top_k"), [("csv", None), ("csv", 3), ("kaggle", 3), ("parquet", None)]
)
def test_written_probabilities_are_read_back_unchanged(kind, top_k, dtype, tmp_path):
    """Also very small ones, and neighbours that differ in the last bit only."""
    one = np.nextafter(np.array([1, 1e-6, 0.3, 3e-12, 1e-38, 1e-38], dtype), dtype(0))
    probability = np.stack(
        [one, np.nextafter(one, dtype(0)), np.linspace(0.1, 0.9, 6, dtype=dtype)]
    )
    with WRITERS[kind](tmp_path / "out", list(range(6)), list("abcdef"), top_k) as writer:
        writer.write(["x", "y"], probability[:2])
        writer.write(["z"], probability[2:])
    read = np.array(read_probabilities(tmp_path / "out", kind, top_k), dtype)
    best = -np.sort(-probability, axis=1)[:, :3]
    np.testing.assert_array_equal(read, probability if top_k is None else best)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_predict_top_k_writes_most_probable_labels(saved, suffix, tmp_path):
    model, test, probability = expected(saved)
    out = tmp_path / f"top.{suffix}"
    assert run("predict", saved / "model", saved / "test.parquet", out, "--top-k", 2) == 0
    rows = list(csv.DictReader(lines(out))) if suffix == "csv" else pq.read_table(out).to_pylist()
    labels, names = model.transformer_.classes_, model.hierarchy_.display_names
    assert len(rows) == 48
    for k, row in enumerate(rows):
        i, rank = divmod(k, 2)
        j = sorted(range(len(labels)), key=lambda j: (-probability[i, j], j))[rank]
        assert (row["id"], int(row["rank"])) == (test.ids[i], rank + 1)
        assert (row["label"], row["name"]) == (labels[j], names[j])
        assert float(row["probability"]) == pytest.approx(probability[i, j], rel=1e-5)


def test_predict_without_labels_gives_same_rows(saved, tmp_path):
    table = table_of(make_videos(24, 1)).drop_columns("labels")
    nothing = write(table.append_column("labels", pa.nulls(24)), tmp_path / "nothing.parquet")
    bare = write(table.drop_columns("id"), tmp_path / "bare.parquet")
    for path in (saved / "test.parquet", nothing, bare):
        out = tmp_path / f"{path.stem}.csv"
        assert run("predict", "--quiet", saved / "model", path, out) == 0
    assert lines(tmp_path / "nothing.csv") == lines(tmp_path / "test.csv")
    numbered = [line.removeprefix("v") for line in lines(tmp_path / "test.csv")]
    assert lines(tmp_path / "bare.csv") == numbered


def test_predict_in_chunks_equals_whole(saved, tmp_path, monkeypatch):
    run("predict", saved / "model", saved / "test.parquet", tmp_path / "whole.csv")
    monkeypatch.setattr(_models, "CHUNK", 7)
    run("convert", "--quiet", saved / "test.parquet", tmp_path / "store")
    for name in ("parts.csv", "parts.parquet"):
        assert run("predict", "--quiet", saved / "model", tmp_path / "store", tmp_path / name) == 0
    whole, parts = (list(csv.reader(lines(tmp_path / f"{n}.csv"))) for n in ("whole", "parts"))
    assert [row[0] for row in whole] == [row[0] for row in parts]
    numbers = [np.array([row[1:] for row in rows[1:]], float) for rows in (whole, parts)]
    np.testing.assert_allclose(*numbers, rtol=1e-4)
    assert pq.read_table(tmp_path / "parts.parquet").num_rows == 24


def test_predict_failure_keeps_old_file(saved, tmp_path, monkeypatch, failed):
    out = tmp_path / "out.csv"
    out.write_text("old content")
    assert "out.csv exists already; --overwrite replaces it" in failed(
        "predict", saved / "model", saved / "test.parquet", out
    )

    def fail(*args, **kwargs):
        yield slice(0, 1), np.full((1, 12), 0.5, np.float32)
        raise RuntimeError("no more")

    monkeypatch.setattr(_models.Model, "probabilities", fail)
    line = failed("predict", saved / "model", saved / "test.parquet", out, "--overwrite")
    assert "RuntimeError: no more (use --debug for details)" in line
    assert out.read_text() == "old content"
    assert list(tmp_path.iterdir()) == [out]
    with pytest.raises(RuntimeError, match="no more"):
        run("predict", "--debug", saved / "model", saved / "test.parquet", out, "--overwrite")
    monkeypatch.undo()
    assert run("predict", saved / "model", saved / "test.parquet", out, "--overwrite") == 0
    assert out.read_text().startswith("id,")


@pytest.mark.parametrize("by_group", [False, True])
def test_evaluate_output_equals_hierarchy_report(saved, by_group, tmp_path, capsys):
    model, test, probability = expected(saved)
    truth = model.transformer_.transform(test.target)
    report = hierarchy_report(truth, probability, model.hierarchy_, by_group=by_group)
    files = ("--json", tmp_path / "a.json", "--csv", tmp_path / "a.csv")
    options = ["--by-group"] if by_group else []
    assert run("evaluate", saved / "model", saved / "test.parquet", *files, *options) == 0
    assert capsys.readouterr() == (f"{report}\n", "")
    document = json.loads((tmp_path / "a.json").read_text())
    rows = list(csv.DictReader(lines(tmp_path / "a.csv")))
    assert [row["rows"] for row in rows] == document["scores"]["rows"] == list(report.rows)
    assert document["unknown_labels"] == []
    for name in ("gap", "map", "perr", "hit_at_1"):
        np.testing.assert_allclose(document["scores"][name], getattr(report, name), rtol=1e-6)
        given = [float(row[name]) for row in rows]
        np.testing.assert_allclose(given, getattr(report, name), rtol=1e-6)


def test_evaluate_unknown_labels_warns_and_ignores_them(saved, tmp_path, capsys, failed):
    videos = make_videos(24, 1)
    table = table_of(videos).drop_columns("labels")
    labels = [[*labels, "Space:Moon"][i % 2 :] for i, labels in enumerate(videos.target)]
    path = write(table.append_column("labels", pa.array(labels)), tmp_path / "a.parquet")
    assert run("evaluate", saved / "model", path, "--json", tmp_path / "a.json") == 0
    err = capsys.readouterr().err
    assert re.match(r"sk-crossmodal: warning: 1 labels of these 24 videos are unknown .*Moon", err)
    document = json.loads((tmp_path / "a.json").read_text())
    assert document["unknown_labels"] == ["Space:Moon"]
    model, test, probability = expected(saved)
    kept = [() if i % 2 else y for i, y in enumerate(test.target)]
    truth = model.transformer_.transform(kept)
    report = hierarchy_report(truth, probability, model.hierarchy_)
    np.testing.assert_allclose(document["scores"]["gap"], report.gap, rtol=1e-6)

    path = write(table.append_column("labels", pa.array([[7]] * 24)), tmp_path / "b.parquet")
    assert "knows none of the 1 labels of the data, such as 7" in failed(
        "evaluate", saved / "model", path
    )


def test_info_model_shows_its_content(saved, capsys):
    assert run("info", saved / "model") == 0
    out = capsys.readouterr().out
    assert "class: TransformedTargetClassifier" in out
    assert "checksum: ok" in out
    assert "clip: 8 features" in out
    assert run("info", "--json", saved / "model") == 0
    about = json.loads(capsys.readouterr().out)
    model = load_model(saved / "model")
    assert about["labels"]["number"] == len(model.hierarchy_)
    assert sum(about["labels by level"].values()) == len(model.hierarchy_)
    assert about["parameters"]["d_model"] == 8
    assert about["file"]["bytes"] == (saved / "model").stat().st_size


def test_info_data_shows_its_content(saved, tmp_path, capsys):
    assert run("convert", "--quiet", saved / "train.parquet", tmp_path / "store") == 0
    X = make_videos().data
    for path, kind in ((saved / "train.parquet", "tables"), (tmp_path / "store", "store")):
        assert run("info", "--json", path) == 0
        about = json.loads(capsys.readouterr().out)
        assert (about["kind"], about["videos"]) == (kind, 48)
        assert about["frames"] == sum(X.lengths(name).sum() for name in X.modality_names)
        assert about["modalities"]["clap"].startswith("6 features, ")
        assert about["ids"] == "such as v0"
        assert about["labels"]["number"] == len({y for each in make_videos().target for y in each})
    assert about["attributes"]["files"] == {
        "00000-train.parquet": (saved / "train.parquet").stat().st_size
    }
    assert run("info", saved / "train.parquet") == 0
    out, err = capsys.readouterr()
    assert "videos: 48\n" in out
    assert "other columns" not in out
    assert err == ""
    table = pq.read_table(saved / "train.parquet").rename_columns(["clip", "clap", "tags", "id"])
    path = write(table.append_column("seconds", pa.array([1.5] * 48)), tmp_path / "a.parquet")
    assert run("info", path) == 0
    out = capsys.readouterr().out
    assert "other columns: tags, seconds (use them with --labels or --ids)\n" in out


def test_train_shards_with_vocabulary_has_its_hierarchy(tmp_path, capsys):
    """Labels are indices, with a hierarchy from a file; Kaggle files have no verticals."""
    rng = np.random.default_rng(0)
    shards = [
        write_shard(
            tmp_path / f"train{k}.tfrecord",
            [video_level(f"{k}{i}".encode(), [i % 5], rng.normal(size=1024)) for i in range(20)],
        )
        for k in range(2)
    ]
    (tmp_path / "vocabulary.csv").write_text(VOCABULARY)
    vocabulary = ("--vocabulary", tmp_path / "vocabulary.csv", "--min-frequency", "1")
    late = ("--fusion", "late", "--family", "rnn", "--set", "n_clusters=2", "--epochs", "1")
    model = tmp_path / "model"
    assert run("train", *shards, model, *vocabulary, *late, "--set", "hidden_size=8") == 0
    assert load_model(model).transformer_.classes_.tolist() == ["Games", "Sports", 0, 1, 2, 3, 4]
    out = tmp_path / "out.csv"
    assert run("predict", model, f"{tmp_path}/*.tfrecord", out, "--format", "kaggle") == 0
    _, first, *rows = csv.reader(lines(out))
    assert (len(rows), first[0]) == (39, "00")
    assert sorted(first[1].split(" ")[::2]) == ["0", "1", "2", "3", "4"]
    top = tmp_path / "top.csv"
    assert run("predict", model, tmp_path, top, "--top-k", 7) == 0
    names = {row["label"]: row["name"] for row in csv.DictReader(lines(top))}
    assert (names["3"], names["Games"]) == ("Name 3", "Games")
    capsys.readouterr()
    assert run("evaluate", model, tmp_path, "--by-group") == 0
    assert re.search(r"^Games +\d+ +3 ", capsys.readouterr().out, re.MULTILINE)


def test_train_real_shards_runs_without_warnings(data_dir, tmp_path, capsys):
    real = data_dir / "youtube8m"
    shards = sorted((real / "video_level").glob("*.tfrecord"))[:2]
    options = ("--vocabulary", real / "labels" / "vocabulary.csv", "--min-frequency", "10")
    late = ("--fusion", "late", "--epochs", "1", "--set", "d_model=8", "--set", "n_heads=2")
    assert run("train", shards[0], tmp_path / "model", *options, *late) == 0
    assert run("evaluate", tmp_path / "model", shards[1]) == 0
    out, err = capsys.readouterr()
    assert "level 1" in out
    assert "next: sk-crossmodal evaluate" in out
    assert err == ""  # rare labels that were dropped are known, so there is no warning


def test_train_config_file_is_overridden_by_set_and_flags(saved, tmp_path, capsys):
    """Flags override --set, and both override the file; tables are merged."""
    config = tmp_path / "train.toml"
    config.write_text(
        'family = "netvlad"\nfusion = "late"\nepochs = 3\nlr = 0.5\nhidden-size = 8\n'
        "n_clusters = {clip = 3, clap = 2}\ndropout = 0.5\nbatch_size = 16\n"
        'modalities = ["clap", "clip"]\nmin_frequency = 2\nseed = 3\n'
    )
    options = ("--config", config, "--set", "dropout=0.25", "--set", "gate=soft")
    flags = ("--epochs", "1", "--lr", "1e-3", "--set", "lr=7.0")
    model = tmp_path / "model"
    assert run("train", saved / "train.parquet", model, *options, *flags) == 0
    fitted_model = load_model(model)
    params = fitted_model.classifier_.get_params()
    assert type(fitted_model.classifier_) is sk_crossmodal.CrossModalNetVLADClassifier
    assert fitted_model.classifier_.modality_names_in_ == ("clap", "clip")
    assert fitted_model.transformer_.min_frequency == 2
    expected_params = {
        "fusion": "late",
        "max_epochs": 1,
        "lr": 1e-3,
        "hidden_size": 8,
        "n_clusters": {"clip": 3, "clap": 2},
        "dropout": 0.25,
        "gate": "soft",
        "random_state": 3,
    }
    assert {name: params[name] for name in expected_params} == expected_params
    out = capsys.readouterr().out
    assert re.search(r"^CrossModalNetVLADClassifier: epoch 1 of 1, loss \d\.\d+, ", out, re.M)
    assert re.search(rf"^next: sk-crossmodal evaluate {model} DATA", out, re.M)


def test_train_same_command_gives_same_model(saved, tmp_path):
    assert run("train", "--quiet", saved / "train.parquet", tmp_path / "model", *SMALL) == 0
    X = load_embeddings(saved / "test.parquet").data
    first, again = (load_model(folder / "model").predict_proba(X) for folder in (saved, tmp_path))
    np.testing.assert_array_equal(first, again)


def test_train_early_stopping_prints_validation_score(saved, tmp_path, capsys):
    options = ("--fusion", "late", "--early-stopping", "--validation-fraction", "0.25")
    assert run("train", saved / "train.parquet", tmp_path / "model", *SMALL, *options) == 0
    out = capsys.readouterr().out
    assert "epoch 2 of 2, loss" in out
    assert "validation loss" in out
    assert "; best validation accuracy " in out
    classifier = load_model(tmp_path / "model").classifier_
    assert (classifier.early_stopping, classifier.validation_fraction) == (True, 0.25)
    row = classifier.history_[1]
    assert f"loss {row['train_loss']:.4f}, validation loss {row['valid_loss']:.4f}" in out


def test_train_on_terminal_shows_bars(saved, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(_progress.EpochProgress.__init__, "__defaults__", (True,))
    assert run("train", saved / "train.parquet", tmp_path / "model", *SMALL) == 0
    out, err = capsys.readouterr()
    assert "epoch 1" not in out
    assert re.search(r"CorrelationTower: 100%.*1/1 ", err)
    assert re.search(r"CrossModalTransformerClassifier: 100%.*2/2 .*loss=", err)


def test_train_interrupted_saves_model_and_resumes(saved, tmp_path, capsys, monkeypatch):
    show = _progress.EpochProgress._show_epoch

    def interrupt(self, fitted_so_far):
        show(self, fitted_so_far)
        if len(fitted_so_far.net_.history) == 2:
            signal.raise_signal(signal.SIGINT)

    late = ("--fusion", "late", "--epochs", "5", "--checkpoint", tmp_path / "kept")
    train = ("train", saved / "train.parquet", tmp_path / "model", *SMALL, *late)
    with monkeypatch.context() as patch:
        patch.setattr(_progress.EpochProgress, "_show_epoch", interrupt)
        assert run(*train) == 130
    out, err = capsys.readouterr()
    assert "until it was interrupted" in out
    assert "sk-crossmodal: warning: Training of CrossModal" in err
    assert load_model(tmp_path / "model").classifier_.n_iter_ < 5
    assert run(*train, "--resume", "--overwrite", "--quiet") == 0
    whole = ("train", saved / "train.parquet", tmp_path / "whole", *SMALL, *late[:4], "--quiet")
    assert run(*whole) == 0
    X = load_embeddings(saved / "test.parquet").data
    resumed, again = (load_model(tmp_path / n).predict_proba(X) for n in ("model", "whole"))
    np.testing.assert_array_equal(resumed, again)


def test_interruption_message_describes_output(saved, tmp_path, failed, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt("the estimator is as it was before")

    monkeypatch.setattr(sk_crossmodal.TransformedTargetClassifier, "fit", interrupt)
    line = failed("train", "--quiet", saved / "train.parquet", tmp_path / "model", code=130)
    assert line == "sk-crossmodal: interrupted; no model was written."
    monkeypatch.setattr(_models.Model, "open_data", interrupt)
    line = failed("predict", saved / "model", saved / "test.parquet", tmp_path / "a.csv", code=130)
    assert line == "sk-crossmodal: interrupted; nothing was written."
    assert not list(tmp_path.iterdir())


def test_wrong_command_line_prints_usage_and_error(capsys):
    for command, message in (
        (
            ["train", "x"],
            "sk-crossmodal train: error: the following arguments are required: MODEL",
        ),
        (["predict", "--top-k", "0", "m", "d", "o"], "expected a positive integer, got '0'"),
        (
            ["train", "d", "m", "--min-frequency", "few"],
            "expected a count or a fraction, got 'few'",
        ),
        (
            ["train", "d", "m", "--modalities", "a,,b"],
            "expected names separated by commas, got 'a,,b'",
        ),
        (["train", "d", "m", "--fusion", "middle"], "invalid choice: 'middle'"),
    ):
        with pytest.raises(SystemExit) as stopped:
            run(*command)
        assert stopped.value.code == 2
        usage, line = capsys.readouterr().err.splitlines()
        assert usage.startswith(f"usage: sk-crossmodal {command[0]} [options] ")
        assert message in line


def test_commands_quiet_print_nothing(saved, tmp_path, capsys):
    assert run("train", "--quiet", saved / "train.parquet", tmp_path / "model", *SMALL) == 0
    run("predict", "--quiet", saved / "model", saved / "test.parquet", tmp_path / "a.csv")
    run(
        "evaluate", "--quiet", saved / "model", saved / "test.parquet", "--csv", tmp_path / "b.csv"
    )
    assert capsys.readouterr() == ("", "")
    assert (tmp_path / "b.csv").exists()


def test_train_wrong_parameters_fail_before_data_is_read(saved, tmp_path, failed, monkeypatch):
    monkeypatch.setattr(sk_crossmodal.cli._train, "open_data", None)
    train = ("train", saved / "train.parquet", tmp_path / "model")
    (tmp_path / "bad.toml").write_text("lr = ")
    (tmp_path / "near.toml").write_text('fusoin = "late"')
    for options, message in (
        (["--set", "max_epoch=3"], "transformer has no parameter max_epoch; did you mean max_ep"),
        (["--set", "zzz=3"], "transformer has no parameter zzz; known: "),
        (["--set", "n_clusters=3"], "transformer has no parameter n_clusters"),
        (
            ["--set", "correlation_tower.encodr=3"],
            "correlation_tower has no parameter encodr; did ",
        ),
        (["--set", "callbacks=[]"], "no parameter callbacks"),
        (["--set", "pretrained=model"], "no parameter pretrained"),
        (["--set", "freeze_towers=true"], "no parameter freeze_towers"),
        (["--set", "lr"], "--set must be name=value"),
        (["--set", "lr=[1"], "--set must be name=value"),
        (["--set", "family=lstm"], "family must be one of transformer, netvlad, rnn, got 'lstm'"),
        (["--config", tmp_path / "bad.toml"], "bad.toml is not valid TOML"),
        (["--config", tmp_path / "near.toml"], "no parameter fusoin; did you mean fusion"),
        (["--config", tmp_path / "none.toml"], "none.toml: No such file or directory"),
        (["--vocabulary", tmp_path / "none.csv"], "none.csv: No such file or directory"),
    ):
        assert re.search(message, failed(*train, *options)), options


def test_train_parameter_of_wrong_type_has_plain_error(saved, tmp_path, failed, monkeypatch):
    """Errors of validation are printed as they are, other TypeErrors with a hint."""
    train = ("train", "--quiet", saved / "train.parquet", tmp_path / "model")
    line = failed(*train, "--set", "lr=abc")
    assert line.startswith("sk-crossmodal: error: --lr must be a number")
    assert "--debug" not in line
    monkeypatch.setattr(_data.Data, "require_labels", lambda data: 3)
    line = failed(*train, "--set", "lr=abc")
    assert re.search("error: TypeError: .*not iterable.*use --debug for details", line)


def test_train_labels_with_other_separator_warns(saved, tmp_path, capsys):
    table = table_of(make_videos(8)).drop_columns("labels")
    labels = pa.array([["Animal / Pet / Cat"], ["Animal / Pet", "Music"]] * 4)
    path = write(table.append_column("labels", labels), tmp_path / "a.parquet")
    advice = 'warning: labels look like "Animal / Pet'
    assert run("info", path) == 0
    assert advice in capsys.readouterr().err
    train = ("train", path, tmp_path / "model", *SMALL, "--fusion", "late", "--overwrite")
    assert run(*train) == 0
    out, err = capsys.readouterr()
    assert advice in err
    assert "use --separator ' / ' with train" in err
    assert "for 3 labels on 1 level, " in out
    assert run(*train, "--separator", " / ") == 0
    out, err = capsys.readouterr()
    assert "for 4 labels on 3 levels, " in out
    assert "separator" not in err


@pytest.mark.parametrize(
    ("labels", "separator", "suggested"),
    [
        (["Animal/Cat", "Animal/Dog", "Music"], ":", "/"),
        (["Animal>Cat"], ":", "'>'"),
        (["Animal|Cat", "a"], ":", None),  # not more than half
        (["Animal/Cat", "a:b"], ":", None),
        (["Animal/Cat"], "/", None),
        (["/m/04rky", "/m/0abc"], ":", None),
        ([3, 4], ":", None),
        ([], ":", None),
    ],
)
def test_warn_separator_suggests_separator_of_most_labels(labels, separator, suggested, recwarn):
    _data.warn_separator(labels, separator)
    found = [f"--separator {suggested} with" in str(w.message) for w in recwarn]
    assert found == [True] * bool(suggested)


def test_commands_wrong_combinations_name_next_step(saved, tmp_path, failed):
    """Each error is one line with the next step."""
    table = table_of(make_videos(8))
    bare = write(table.drop_columns(["labels", "id"]), tmp_path / "bare.parquet")
    named = write(
        table.rename_columns(["clip", "clap", "tags", "name"]), tmp_path / "named.parquet"
    )
    other = write(table.rename_columns(["x", "clap", "labels", "id"]), tmp_path / "other.parquet")
    wide = write(table_of(make_videos(8), names=("clap", "clip")), tmp_path / "wide.parquet")
    (tmp_path / "a.csv").write_text("a,b\n")
    (tmp_path / "empty").mkdir()
    shutil.copy(saved / "train.parquet", tmp_path / "empty2.parquet")
    save_model(fitted_tower(), tmp_path / "tower")
    save_model(fitted("late", "multilabel"), tmp_path / "plain")
    model, train, out = saved / "model", saved / "train.parquet", tmp_path / "out.csv"
    for arguments, message in (
        (
            ("train", bare, out),
            r"bare\.parquet has no labels, .*; --labels names their column .*'labels'\)\.$",
        ),
        (
            ("train", named, out),
            r"--labels names their column .*, other columns are tags, name\.$",
        ),
        (("train", train, saved / "model"), r"model exists already; --overwrite replaces it"),
        (("train", train, tmp_path), "is a folder; name a file"),
        (("train", train, tmp_path / "no" / "model"), r"no folder .*/no; create it first"),
        (("train", tmp_path / "none", out), r"no file or folder .*none"),
        (("train", f"{tmp_path}/none*", out), r"pattern .*none\* matches no files"),
        (("train", tmp_path / "a.csv", out), r"a\.csv is not data; expected a store .*Arrow"),
        (("train", tmp_path / "empty", out), r"no data in the folder .*empty; expected a store"),
        (("train", model, out), "is a model, expected data; the order is MODEL DATA"),
        (("train", train, out, "--labels", "tags"), r"no column 'tags' for labels, only clip \("),
        (("train", train, out, "--modalities", "clip,x"), r"no column 'x'"),
        (("train", train, tmp_path / "empty", out), "DATA must be of one kind|no data in"),
        (
            ("evaluate", train, model),
            r"train\.parquet is data, expected a model; the order is MODEL DATA",
        ),
        (("evaluate", tmp_path / "none", train), r"no model .*none; sk-crossmodal train writes"),
        (("evaluate", tmp_path, train), r"is a folder, expected a model; the order is MODEL DATA"),
        (("evaluate", tmp_path / "a.csv", train), r"a\.csv' cannot be loaded"),
        (
            ("evaluate", tmp_path / "tower", train),
            "holds a CorrelationTower, expected a classifier",
        ),
        (("evaluate", model, bare), "bare.parquet has no labels"),
        (("evaluate", model, other), r"no column 'clip'.* The model .* needs clip \(8 features"),
        (("evaluate", model, wide), r"trained on clip \(8 .*but .*wide\.parquet has clip \(6 "),
        (("evaluate", model, train, "--json", model), "model exists already; --overwrite"),
        (
            ("predict", model, train, tmp_path / "out"),
            "OUT must end with .csv, .parquet, .pq, got .*out; or give --format",
        ),
        (("info", tmp_path / "none"), "no file or folder"),
        (("convert", train, tmp_path / "store", "--jobs", "2"), "--jobs is for TFRecord shards"),
    ):
        assert re.search(message, failed(*arguments)), arguments
        assert not out.exists()


def test_predict_bare_classifier_writes_its_labels(tmp_path, capsys, failed):
    """A classifier saved from Python and fitted on an indicator."""
    classifier = fitted("late", "multilabel")
    save_model(classifier, tmp_path / "model")
    videos = make_videos(24, 1)
    path = write(table_of(videos, names=("video", "audio")), tmp_path / "a.parquet")
    assert run("predict", tmp_path / "model", path, tmp_path / "out.csv") == 0
    rows = list(csv.reader(lines(tmp_path / "out.csv")))
    given = np.array([row[1:] for row in rows[1:]], float)
    np.testing.assert_allclose(given, classifier.predict_proba(videos.data), rtol=1e-5)
    capsys.readouterr()
    assert "does not know label sets: wrap it" in failed("evaluate", tmp_path / "model", path)
    assert run("info", tmp_path / "model") == 0


def test_predict_label_named_id_needs_top_k_in_parquet(tmp_path, failed):
    table = table_of(make_videos(8)).drop_columns("labels")
    labels = pa.array([["id"], ["b"]] * 4)
    path = write(table.append_column("labels", labels), tmp_path / "a.parquet")
    assert run("train", path, tmp_path / "model", *SMALL, "--fusion", "late", "--quiet") == 0
    predict = ("predict", tmp_path / "model", path, tmp_path / "out.parquet")
    assert "Parquet cannot have two columns 'id'; give --top-k" in failed(*predict)
    assert not (tmp_path / "out.parquet").exists()
    assert run(*predict, "--top-k", 1) == 0
    assert set(pq.read_table(tmp_path / "out.parquet")["label"].to_pylist()) <= {"id", "b"}


def test_predict_pipeline_writes_column_numbers(tmp_path):
    """A pipeline saved from Python."""
    videos = make_videos(24, 1)
    classifier = make_classifier(fusion="late", max_epochs=1)
    pipeline = make_pipeline(ModalityTransformer({"video": StandardScaler()}), classifier)
    pipeline.fit(videos.data, make_labels(24, 1)[1])
    save_model(pipeline, tmp_path / "model")
    path = write(table_of(videos, names=("video", "audio")), tmp_path / "a.parquet")
    assert run("predict", tmp_path / "model", path, tmp_path / "out.csv") == 0
    heading, *rows = csv.reader(lines(tmp_path / "out.csv"))
    probability = pipeline.predict_proba(videos.data)
    assert heading[1:] == [str(j) for j in range(probability.shape[1])]
    given = np.array([row[1:] for row in rows], float)
    np.testing.assert_allclose(given, probability, rtol=1e-5)


def test_predict_kaggle_labels_with_spaces_raise(tmp_path, failed):
    table = table_of(make_videos(8)).drop_columns("labels")
    path = write(table.append_column("labels", pa.array([["a b"]] * 8)), tmp_path / "a.parquet")
    options = ("--fusion", "late", "--quiet")
    assert run("train", path, tmp_path / "model", *SMALL, *options) == 0
    line = failed("predict", tmp_path / "model", path, tmp_path / "o.csv", "--format", "kaggle")
    assert "separates labels by spaces, got 'a b'; use csv" in line
    assert not (tmp_path / "o.csv").exists()


def test_report_unknown_labels_warns_and_writes(saved, tmp_path, capsys, failed):
    table = table_of(make_videos(24, 1), ids="clip number ")
    labels = [[*row, "Space:Moon"] for row in table["labels"].to_pylist()]
    table = table.drop_columns("labels").append_column("labels", pa.array(labels))
    path, out = write(table, tmp_path / "a.parquet"), tmp_path / "report.html"
    report = ("report", saved / "model", path, out, "--title", "Winter of 69", "--examples", 2)
    assert run(*report) == 0
    out_text, err = capsys.readouterr()
    assert out_text == f"{out}: 24 videos; open it in a browser\n"
    assert "1 labels of these 24 videos are unknown to the model" in err
    html = out.read_text()
    assert "Winter of 69" in html
    assert "clip number " in html
    assert "report.html exists already; --overwrite replaces it" in failed(*report)


def test_help_every_command_has_examples(capsys):
    for command in ("convert", "train", "evaluate", "predict", "report", "info"):
        with pytest.raises(SystemExit) as stopped:
            run(command, "--help")
        assert stopped.value.code == 0
        out = capsys.readouterr().out
        assert all(words in out for words in ("examples:", "exit codes:", "--debug", "--quiet"))
        assert f"  sk-crossmodal {command} " in out
        assert max(map(len, out.splitlines())) <= 100
    with pytest.raises(SystemExit) as stopped:
        run("--version")
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("sk-crossmodal ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_print_completion_of_shell_is_complete(shell, capsys, tmp_path):
    with pytest.raises(SystemExit) as stopped:
        run("--print-completion", shell)
    assert stopped.value.code == 0
    script = capsys.readouterr().out
    assert all(word in script for word in ("evaluate", "min-frequency", "predict"))
    if shell == "bash":
        (tmp_path / "completion").write_text(script)
        ask = (
            "source completion; COMP_WORDS=(sk-crossmodal ev); COMP_CWORD=1; "
            "_shtab_sk_crossmodal; echo ${COMPREPLY[@]}"
        )
        done = subprocess.run(["bash", "-c", ask], cwd=tmp_path, capture_output=True, text=True)
        assert done.stdout.split() == ["evaluate"], done.stderr


def test_train_help_lists_registered_names(capsys):
    with pytest.raises(SystemExit):
        run("train", "--help")
    text = " ".join(capsys.readouterr().out.split())
    assert f"type of encoder: {', '.join(model_families())} (default" in text
    assert f"how modalities are fused: {', '.join(FUSIONS)} (default" in text


def test_train_takes_registered_parts(saved, tmp_path, monkeypatch, failed):
    """As a plugin registers them before it calls the command."""

    class MyEncoder(ENCODERS["transformer"]):
        pass

    class MyClassifier(sk_crossmodal.CrossModalTransformerClassifier):
        _encoder = MyEncoder

    for registry in (ENCODERS, FUSIONS, MODELS):
        monkeypatch.setattr(registry, "_parts", dict(registry))
    FUSIONS.register("mine", type(FUSIONS["late"])())
    ENCODERS.register("mine", MyEncoder)
    register_model(MyClassifier)
    options = (*SMALL, "--fusion", "mine", "--family", "mine", "--quiet")
    assert run("train", saved / "train.parquet", tmp_path / "model", *options) == 0
    classifier = load_model(tmp_path / "model").classifier_
    assert (type(classifier), classifier.fusion) == (MyClassifier, "mine")
    message = failed("train", saved / "train.parquet", tmp_path / "m", "--set", "fusion=middle")
    assert "fusion must be one of early, late, " in message
    assert "mine, got 'middle'" in message


def test_help_imports_no_slow_packages():
    code = (
        "import sys, contextlib\nfrom sk_crossmodal.cli import main\n"
        "with contextlib.suppress(SystemExit): main(['train', '--help'])\n"
        "print([name for name in ('torch', 'sklearn', 'scipy') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("words", [["--print-completion", "bash"], ["train", "--help"]])
def test_closed_pipe_ends_command_silently(words):
    command = [sys.executable, "-m", "sk_crossmodal", *words]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert done.returncode in (0, 1)
    assert not done.stderr


@pytest.mark.parametrize("text", ["{'q': 'cut'}", '{"q": "cut"}', 'q = "cut"'])
@pytest.mark.parametrize("name", ["long_videos", "correlation_tower.long_videos"])
def test_set_takes_a_dict_of_toml_json_or_python(name, text, saved, tmp_path, failed):
    given = f"{name}={text}" if text.startswith("{") else f"{name}={{{text}}}"
    line = failed("train", "--quiet", saved / "train.parquet", tmp_path / "model", "--set", given)
    assert re.search(r"--set long_videos must be of the modalities \[.*\], got \['q'\]\.", line)


def test_stores_of_other_rates_are_one_store_with_rates_given(tmp_path, failed):
    stores, table = (tmp_path / "one", tmp_path / "two"), table_of(make_videos(8))
    for store, part, rate in zip(stores, (table[:4], table[4:]), (5, 2), strict=True):
        path = write(part, tmp_path / "part.parquet")
        assert run("convert", "--quiet", path, store, "--rates", f"clip=1,clap={rate}") == 0
    line = failed("convert", "--quiet", *stores, tmp_path / "both")
    assert "'clap' must have the same rate" in line
    assert line.endswith("; --rates sets it.")
    both = ("convert", "--quiet", *stores, tmp_path / "both", "--rates", "clip=1,clap=4")
    assert run(*both) == 0
    assert MultimodalArray.open(tmp_path / "both").rates == {"clip": 1, "clap": 4}
    line = failed("convert", *stores, tmp_path / "join", "--join", "id")
    assert line.endswith("; convert one of them first with others in --modalities.")


def test_rates_of_a_store_and_cut_videos(saved, tmp_path, capsys):
    store = tmp_path / "store"
    assert (
        run("convert", "--quiet", saved / "train.parquet", store, "--rates", "clip=1,clap=2.5")
        == 0
    )
    assert run("convert", "--quiet", store, tmp_path / "copy", "--rates", "clip=2,clap=5") == 0
    for path, rate in ((store, "2.5"), (tmp_path / "copy", "5")):
        assert run("info", "--json", path) == 0
        about = json.loads(capsys.readouterr().out)
        assert about["modalities"]["clap"].endswith(f", {rate} frames per second")
    options = ["--set", "max_frames=4", "--set", "long_videos=cut", "--set", "fusion=late"]
    small = ["--set", "d_model=8", "--set", "n_heads=2", "--epochs", "1", "--quiet"]
    assert run("train", store, tmp_path / "model", *options, *small) == 0
    assert "cuts 100% of the videos at max_frames=4" in capsys.readouterr().err
    assert run("info", tmp_path / "model") == 0
    assert "long_videos: cut" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        run("convert", saved / "train.parquet", tmp_path / "other", "--rates", "clip")
    assert "such as clip=1,clap=50, got 'clip'" in capsys.readouterr().err
