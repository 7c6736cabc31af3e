"""The Python code of README.md and docs/ runs unchanged, here on small data."""

import argparse
import re
import shlex
from importlib.metadata import version
from pathlib import Path

import joblib
import matplotlib as mpl
import numpy as np
import pytest
from estimator_cases import TOWER, from_rows, make_labels, make_videos, rows_of
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

import sk_crossmodal
from sk_crossmodal import datasets, load_model, save_model
from sk_crossmodal.cli._parser import make_parser
from sk_crossmodal.cli._training_config import make_train_config
from sk_crossmodal.datasets import READERS
from sk_crossmodal.metrics import SCORES, gap_score, hierarchy_report, map_score
from sk_crossmodal.modules import ENCODERS, FUSIONS, HEADS, LOSSES
from sk_crossmodal.persistence._registered import MODELS

mpl.use("Agg")

ROOT = Path(__file__).resolve().parents[1]
MODEL = {"d_model": 8, "n_heads": 2, "batch_size": 16, "max_epochs": 1, "random_state": 0}


def blocks(name):
    """Source of every Python block of a page, with its first line."""
    text = (ROOT / name).read_text()
    found = re.finditer(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, match.start(1)), match[1]) for match in found]


def run(name, namespace):
    for line, source in blocks(name):
        # Lines have the numbers of the page, so that tracebacks point into it.
        exec(compile("\n" * line + source, str(ROOT / name), "exec"), namespace)
    return namespace


@pytest.fixture
def small(monkeypatch):
    """The estimators that pages import, with small sizes unless the page sets them."""

    def shrink(name, defaults):
        cls = getattr(sk_crossmodal, name)

        def make(**params):
            return cls(**{**defaults, **params, "max_epochs": 1})

        monkeypatch.setattr(sk_crossmodal, name, make)

    shrink("CorrelationTower", {k: v for k, v in TOWER.items() if k != "max_epochs"})
    shrink("CrossModalTransformerClassifier", MODEL)


def test_pages_have_blocks():
    assert len(blocks("README.md")) == 1
    assert len(blocks("docs/guide.md")) == 6
    assert len(blocks("docs/scikit-learn.md")) == 16
    assert len(blocks("docs/getting_started.md")) == 6
    assert len(blocks("docs/choosing_a_fusion.md")) == 1
    assert len(blocks("docs/reproducibility.md")) == 3
    assert len(blocks("docs/comparison.md")) == 1
    assert len(blocks("docs/faq.md")) == 12
    assert len(blocks("docs/own_embeddings.md")) == 3
    assert len(blocks("docs/extending.md")) == 10


def test_citation_is_of_this_version():
    assert f"\nversion: {version('sk_crossmodal')}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"## {version('sk_crossmodal')}, " in (ROOT / "CHANGELOG.md").read_text()


def test_readme(small, monkeypatch, capsys):
    make = datasets.make_crossmodal_videos
    sizes = []

    def few(n_videos, **params):
        sizes.append(n_videos)
        return make(n_videos // 20, branching=(4, 1, 1, 2), **params)

    monkeypatch.setattr(datasets, "make_crossmodal_videos", few)
    namespace = run("README.md", {})
    assert sizes == [2000, 500]
    out = capsys.readouterr().out
    assert "train_loss" in out
    assert all(score in out for score in ("GAP", "MAP", "PERR", "overall", "level 3"))
    assert namespace["classifier"].get_params()["d_model"] == 64


def test_guide(small, capsys):
    # The labels of the page have no videos, so its classifiers use those of synthetic videos.
    videos, test = make_videos(), make_videos(24, 1)
    labels, Y = make_labels()
    Y_test = labels.transform(test.target)
    report = hierarchy_report(
        Y_test, np.random.RandomState(0).rand(*Y_test.shape), labels.hierarchy_
    )
    namespace = {
        "X_video": rows_of(videos.data, "video"),
        "X_audio": rows_of(videos.data, "audio"),
        "mask": np.arange(48) % 2 == 0,
        "X_test": from_rows(video=rows_of(test.data, "video"), audio=rows_of(test.data, "audio")),
        "Y_test": Y_test,
        **dict.fromkeys(("report_late", "report_seed_0", "report_seed_1"), report),
    }
    sources = blocks("docs/guide.md")
    for i, (line, source) in enumerate(sources):
        exec(compile("\n" * line + source, "docs/guide.md", "exec"), namespace)
        if i == 1:
            assert namespace["labels"].levels_.max() == 2
            namespace.update(labels=labels, Y=Y)
    out = capsys.readouterr().out
    assert "level 2" in out
    assert "late" in out
    assert "concat" in out


def test_getting_started(small, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    make = datasets.make_crossmodal_videos
    sizes = []

    def few(n_videos, **params):
        sizes.append(n_videos)
        return make(n_videos // 20, **params)

    monkeypatch.setattr(datasets, "make_crossmodal_videos", few)
    namespace = run("docs/getting_started.md", {})
    assert sizes == [1000, 300]
    assert namespace["late"].correlation_tower_ is None
    assert namespace["cross_modal"].correlation_tower_.encoder == "mean"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "attention.png",
        "model.safetensors",
    ]
    np.testing.assert_array_equal(
        namespace["model"].predict_proba(namespace["test"].data),
        namespace["cross_modal"].predict_proba(namespace["test"].data),
    )
    assert "level 3" in capsys.readouterr().out


@pytest.fixture
def prepared_videos():
    """Variables of pages that build on another page."""
    labels, Y = make_labels()
    test = make_videos(24, 1)
    Y_test = labels.transform(test.target)
    return {
        "X": make_videos().data,
        "Y": Y,
        "X_test": test.data,
        "Y_test": Y_test,
        "labels": labels,
    }


def test_choosing_a_fusion(small, prepared_videos):
    search = run("docs/choosing_a_fusion.md", prepared_videos)["search"]
    assert len(search.cv_results_["params"]) == 6
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_reproducibility(small, prepared_videos, capsys):
    run("docs/reproducibility.md", prepared_videos)
    assert "level 2" in capsys.readouterr().out


def test_comparison(prepared_videos):
    """The baseline of the page is better than chance."""
    namespace = run("docs/comparison.md", prepared_videos)
    seen = namespace["Y"].any(0)
    probability = namespace["baseline"].predict_proba(namespace["X"])
    assert gap_score(namespace["Y"][:, seen], probability) > 0.9


def test_faq():
    """The page is complete, and its claims about its snippets are true."""
    namespace = run("docs/faq.md", {})
    assert len(namespace["owner"]) > 60
    assert [len(row) for row in namespace["cut"]] == namespace["lengths"]
    few = namespace["few"]
    assert map_score(*few) > map_score(*few, empty_classes="zero")


def test_scikit_learn(capsys):
    """The page is complete: it makes its own videos."""
    namespace = run("docs/scikit-learn.md", {})
    search, late = namespace["search"], namespace["late"]
    assert {p["features__video__n_components"] for p in search.cv_results_["params"]} == {4, 8}
    assert set(namespace["scores"]) >= {"test_gap", "test_gap_level_0", "test_hit_at_1_level_1"}
    assert np.isfinite(namespace["scores"]["test_gap"]).all()
    assert late.n_iter_ == 5
    folds = {"split0_test_map_level_3": [np.nan, np.nan], "split1_test_map_level_3": [0.2, 0.5]}
    assert namespace["best_mean"]({**folds, "split0_test_map": [1.0, 0.0]}) == 1
    assert len(namespace["monitor"].get_logs().data) == 6
    assert {result["status"] for result in namespace["results"]} == {"passed"}
    assert "CrossModalTransformerClassifier" in capsys.readouterr().out


def test_store(tmp_path, monkeypatch):
    """The page reads the same with NumPy alone as with the store."""
    monkeypatch.chdir(tmp_path)
    namespace = run("docs/store.md", {})
    store, videos = namespace["store"], namespace["videos"]
    assert list(videos) == ["video", "audio"]
    assert len(store.data) == 12
    for i in range(12):
        np.testing.assert_array_equal(store.data.select(["audio"])[i]["audio"], videos["audio"][i])
        decoded = videos["video"][i] * namespace["scale"] + namespace["shift"]
        np.testing.assert_allclose(store.data[i]["video"], decoded, atol=1e-6)
    labels = np.split(store.target.indices, store.target.indptr[1:-1])
    assert [each.tolist() for each in labels] == [each.tolist() for each in namespace["labels"]]
    assert store.ids.tolist() == namespace["ids"] == ["a4Xk", "zz9P"] * 6


def test_models(tmp_path, monkeypatch):
    """The page reads the weights of the model with safetensors alone."""
    monkeypatch.chdir(tmp_path)
    namespace = run("docs/models.md", {})
    network = namespace["model"].classifier_.module_
    name = f"{namespace['number']}.module.head.4.weight"
    expected = network.head[4].weight.detach().numpy()
    np.testing.assert_array_equal(namespace["weights"][name], expected)
    classes = [each["class"] for each in namespace["document"]["objects"]]
    assert classes[namespace["document"]["model"]] == "TransformedTargetClassifier"
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_own_embeddings(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = run("docs/own_embeddings.md", {})
    train, stored, clip = (namespace[name] for name in ("train", "stored", "clip"))
    assert len(train.data) == len(stored.data) == 40
    for i in range(40):
        np.testing.assert_array_equal(train.data[i]["clip"], clip[i])
    assert stored.target == train.target == [(label,) for label in namespace["labels"][:40]]
    assert namespace["model"].predict_proba(namespace["test"].data).shape == (20, 4)


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_pages_parse(page, tmp_path, monkeypatch):
    """Shell blocks and the examples of --help parse, and so do files of parameters."""
    text = page.read_text().replace("\\\n", " ")
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    shell = [block for language, block in fenced if language in ("", "sh")]
    commands = [line for block in shell for line in block.splitlines()]
    if page.stem == "command_line":
        commands += examples_of_help()
        assert len(commands) > 25
        (config,) = (block for language, block in fenced if language == "toml")
        monkeypatch.chdir(tmp_path)
        (tmp_path / "train.toml").write_text(config)
        args = make_parser().parse_args(["train", "data", "model", "--config", "train.toml"])
        assert make_train_config(args).params["n_clusters"] == {"clip": 64, "clap": 32}
    for command in commands:
        if command.lstrip().startswith("sk-crossmodal "):
            make_parser().parse_args(shlex.split(command, comments=True)[1:])


def examples_of_help():
    """The command lines in the --help of all commands."""
    parser = make_parser()
    (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    epilogs = [each.epilog.replace("\\\n", " ") for each in (parser, *commands.choices.values())]
    return [line for epilog in epilogs for line in epilog.splitlines()]


def test_fine_tuning():
    """The towers of the page's classifier have the pretrained weights."""
    namespace = run("docs/fine_tuning.md", {})
    pretrained, tuned = (namespace[name].module_ for name in ("pretrained", "classifier"))
    for before, after in zip(
        pretrained.encoder.parameters(), tuned.encoder.parameters(), strict=True
    ):
        np.testing.assert_array_equal(before.detach(), after.detach())
    assert set(namespace["classifier"].classes_) == {"loud", "quiet"}


def test_export(tmp_path, monkeypatch):
    """The exported program returns a probability for every label, with torch alone."""
    monkeypatch.chdir(tmp_path)
    namespace = run("docs/export.md", {})
    assert namespace["probabilities"].shape == (2, len(namespace["about"]["labels"]))
    assert namespace["about"]["labels"] == namespace["classifier"].classes_.tolist()


def test_scale(small, monkeypatch, tmp_path, capsys):
    """The script for several processes is run by one."""
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets, "make_crossmodal_videos", lambda *args, **params: make_videos())
    sources = blocks("docs/scale.md")
    scripts = {source.split("\n")[0]: source for _, source in sources}
    for name in ("# store.py", "# train.py"):
        exec(compile(scripts[name], name, "exec"), {})
    classifier = joblib.load("classifier.joblib")
    assert classifier.device == "accelerate"
    assert classifier.predict_proba(make_videos().data).shape == (48, make_labels()[1].shape[1])
    assert "train_loss" in capsys.readouterr().out
    # With another __name__ the script imports everything and runs nothing.
    exec(compile(scripts["# search.py"], "search.py", "exec"), {"__name__": "search"})


REGISTRIES = (ENCODERS, FUSIONS, HEADS, LOSSES, SCORES, READERS, MODELS)


@pytest.fixture(scope="module")
def page_of_parts(tmp_path_factory):
    """The names, the registered parts and the folder of docs/extending.md, run once."""
    folder = tmp_path_factory.mktemp("extending")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for each in REGISTRIES:
            patch.setattr(each, "_parts", dict(each))
        namespace = run("docs/extending.md", {})
        return namespace, [dict(each) for each in REGISTRIES], folder


@pytest.fixture
def extended(page_of_parts, monkeypatch):
    """The names of the page, its parts registered until the test ends."""
    namespace, parts, folder = page_of_parts
    monkeypatch.chdir(folder)
    for each, registered in zip(REGISTRIES, parts, strict=True):
        monkeypatch.setattr(each, "_parts", dict(registered))
    return namespace


def test_extending_examples_are_short():
    text = (ROOT / "docs/extending.md").read_text()
    sections = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    lines = {
        title: sum(
            len(code.splitlines()) for code in re.findall(r"```python\n(.*?)```", body, re.S)
        )
        for title, body in sections.items()
    }
    names = ["model family", "fusion", "head", "loss", "score", "file format"]
    assert [title for title in lines if title.startswith("A ")] == [f"A {name}" for name in names]
    # The encoder and the classifier of a family are its example; the third block only uses it.
    encoder, family = (source for _, source in blocks("docs/extending.md")[1:3])
    lines["A model family"] = len((encoder + family).splitlines())
    assert all(0 < n < 60 for n in lines.values())


def test_extending_family_has_every_fusion(extended):
    classifier = extended["classifier"]
    family, encoder = type(classifier), extended["ConvolutionEncoder"]
    assert classifier.correlation_tower_.encoder is encoder
    assert "kernel_size" in family().get_params()
    X, Y = extended["X"], extended["Y"]
    with pytest.raises(ValueError, match=r"kernel_size must be >= 1, got 0"):
        family(kernel_size=0).fit(X, Y)
    tower = FrozenEstimator(classifier.correlation_tower_)
    for fusion in FUSIONS:
        small = family(
            fusion=fusion,
            gate="soft",
            correlation_tower=tower,
            n_channels=8,
            max_epochs=1,
            random_state=0,
        )
        probability = small.fit(X, Y).predict_proba(X)
        again = clone(small).fit(X, Y).predict_proba(X)
        assert probability.shape == Y.shape
        np.testing.assert_array_equal(probability, again)
        for pair in small.attention_weights(X).values():
            moved = np.abs(pair.after - pair.before).max()
            if fusion != "strict_gate":  # the tower may be certain of no video
                assert (moved > 0) == fusion.startswith("cross_modal")


def test_extending_family_is_saved_and_loaded(extended, monkeypatch):
    classifier, X = extended["classifier"], extended["X_test"]
    save_model(classifier, "family.safetensors")
    loaded = load_model("family.safetensors")
    assert type(loaded) is type(classifier)
    np.testing.assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))
    tower = sk_crossmodal.CorrelationTower(encoder="convolution", max_epochs=1)
    assert tower.fit(X, extended["Y_test"]).predict_proba(X).shape[0] == len(X)
    monkeypatch.delitem(MODELS._parts, "CrossModalConvolutionClassifier")
    with pytest.raises(ValueError, match=r"No model class is registered as 'CrossModalConvol"):
        load_model("family.safetensors")


def test_extending_parts_are_searched_saved_and_loaded(extended):
    results = extended["search"].cv_results_
    assert len(results["params"]) == 4
    assert np.isfinite(results["mean_test_score"]).all()
    own, loaded, X = (extended[name] for name in ("own", "loaded", "X_test"))
    assert type(loaded.module_.head) is extended["LinearHead"]
    assert type(loaded.net_.criterion_) is extended["SquaredError"]
    np.testing.assert_array_equal(loaded.predict_proba(X), own.predict_proba(X))


@pytest.mark.parametrize(
    ("registry", "name"), [(FUSIONS, "strict_gate"), (HEADS, "linear"), (LOSSES, "squared_error")]
)
def test_extending_missing_part_is_named(registry, name, extended, monkeypatch):
    monkeypatch.delitem(registry._parts, name)
    with pytest.raises(ValueError, match=f"{name}'.*register your") as error:
        load_model("own.safetensors")
    if registry is FUSIONS:
        text = (ROOT / "docs/extending.md").read_text()
        (shown,) = re.findall(r"^ValueError: ((?:.|\n)*?)\n```", text, re.MULTILINE)
        assert str(error.value) == shown.replace("\n", " ")
    with pytest.raises(ValueError, match=name):
        clone(extended["own"]).fit(extended["X"], extended["Y"])


def test_extending_another_part_of_a_name_is_refused(extended):
    strict = extended["StrictGate"]
    assert FUSIONS.register("strict_gate", FUSIONS["strict_gate"]) is FUSIONS["strict_gate"]
    with pytest.raises(ValueError, match="already another fusion named 'strict_gate'"):
        FUSIONS.register("strict_gate", strict())


def test_extending_score_is_in_reports(extended):
    report, Y, scorers = (extended[name] for name in ("report", "Y_test", "scorers"))
    predicted = extended["loaded"].predict_proba(extended["X_test"]) > 0.5
    assert report.exact_match[0] == (predicted == Y).all(axis=1).mean()
    assert "Exact" in str(report)
    assert {"exact_match", "exact_match_level_0", "exact_match_level_1"} <= set(scorers)


def test_extending_files_are_read(extended, monkeypatch):
    videos, X = extended["videos"], extended["X"]
    assert videos.ids.tolist() == extended["stored"].ids.tolist() == ["video0", "video1", "video2"]
    for i in range(3):
        for name in ("video", "audio"):
            np.testing.assert_array_equal(videos.data[i][name], X[i][name])
            np.testing.assert_array_equal(extended["stored"].data[i][name], X[i][name])
    monkeypatch.delitem(READERS._parts, "npz")
    again = datasets.load_embeddings("videos")  # by the reader of the package
    assert (again.data.digest(), again.ids.tolist()) == (videos.data.digest(), videos.ids.tolist())
    Path("videos/video0.mat").touch()
    with pytest.raises(ValueError, match=r"mat is not Parquet or Arrow; readers: tables \(\.parq"):
        datasets.load_embeddings("videos/video0.mat")
