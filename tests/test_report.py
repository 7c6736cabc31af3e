"""The report: its content for every kind of model; and it is written completely or not at all."""

import base64
import os
import re
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pytest
from estimator_cases import (
    fitted,
    make_classifier,
    make_labels,
    make_tower,
    make_videos,
    make_y,
    top_labels,
)
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_crossmodal import (
    HierarchyLabelBinarizer,
    LabelHierarchy,
    ModalityTransformer,
    TransformedTargetClassifier,
    load_model,
    save_model,
)
from sk_crossmodal.metrics import hierarchy_report
from sk_crossmodal.multimodal import MultimodalArray
from sk_crossmodal.report import write_report

VIDEOS = make_videos()
X, Y = VIDEOS.data, make_y("multilabel")
LABELS = make_labels()[0]
SECTIONS = ["data", "scores", "examples", "learning", "attention", "tower", "parameters"]
ATTACK = "<script>alert(1)</script>"


class Page(HTMLParser):
    """Elements, ids, images and text of a page; tags that do not close are an error."""

    VOID = ("meta", "br", "img", "wbr")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.images, self.text = [], [], [], [], []
        self.attributes, self.links, self.headings = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs.items()]
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.links += [attrs["href"]] if "href" in attrs else []
        self.headings += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        if tag == "img":
            self.images.append(attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def report(estimator, X, y, folder, **params):
    path = write_report(estimator, X, y, folder / "report.html", progress=False, **params)
    return Page(path.read_text(encoding="utf-8"))


def concat(**params):
    return make_classifier(correlation_tower=make_tower(), max_epochs=1, **params)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    plt.close("all")  # left open by other tests
    classifier = concat(hierarchy=LABELS.hierarchy_).fit(X, Y)
    folder = tmp_path_factory.mktemp("report")
    ids = [f"clip-{i}" for i in range(len(X))]
    return classifier, report(classifier, X, Y, folder, ids=ids), folder / "report.html"


def test_report_has_all_sections(full):
    _, page, path = full
    assert page.links == [f"#{name}" for name in SECTIONS]
    assert set(SECTIONS) <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False))
    assert ("html", "lang", "en") in page.attributes
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]


def test_report_loads_nothing(full):
    page = full[1]
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    places = [v for _, name, v in page.attributes if name in ("src", "href", "style", "onload")]
    assert all(value.startswith(("data:image/", "#")) for value in places)
    assert "url(" not in full[2].read_text()
    assert "@import" not in full[2].read_text()


def test_report_images_are_inline_with_alternative_text(full):
    images = full[1].images
    assert len(images) == 11  # errors, tree, curves 2, attention 4, influence, tower 2
    for image in images:
        kind, data = image["src"].split(";base64,")
        head = base64.b64decode(data)[:60]
        assert head.startswith(b"<?xml" if "svg" in kind else b"\x89PNG")
        assert len(image["alt"]) > 20
    assert not plt.get_fignums()


def test_report_numbers_equal_scores(full):
    classifier, page, _ = full
    scores = hierarchy_report(Y, classifier.predict_proba(X), LABELS.hierarchy_)
    for row in range(len(scores.rows)):
        assert f"{100 * (1 - scores.gap[row]):.2f}" in page.words
    right = (classifier.predict(X) == Y).all(axis=1).mean()
    assert f"All labels right {100 * right:.1f} %" in page.words
    assert "level 0 4 4 48" in page.words
    count = int(Y[:, 0].sum())
    assert f"{LABELS.classes_[0]} {count} {100 * count / 48:.1f}" in page.words
    rates = classifier.correlation_tower_.pair_error_rates(X, Y)
    assert f"error: wrong predictions {100 * rates['error']:.1f} %" in page.words
    assert f"area under the ROC curve {rates['auc']:.3f}" in page.words
    p = classifier.correlation_tower_.predict_proba(X)
    assert f"video and audio {100 * (p > 0.5).mean():.1f} {p.min():.2f}" in page.words
    assert "clip-" in page.words


def test_report_parameters_that_were_set_come_first(full):
    words = full[1].words
    chosen, _, left = words.partition("parameters of the classifier at their default")
    assert "d_model 16" in chosen
    assert "gate 'hard'" in left
    assert "gate" not in chosen[chosen.index("d_model 16") :]
    assert str(full[2].parent) not in words
    assert "torch" in words


@pytest.mark.parametrize(
    ("family", "fusion"),
    [
        ("transformer", "late"),
        ("transformer", "cross_modal"),
        ("netvlad", "early"),
        ("netvlad", "cross_modal"),
        ("rnn", "late"),
        ("rnn", "cross_modal_gated"),
    ],
)
def test_report_of_every_family_and_fusion(family, fusion, tmp_path):
    tower = {"correlation_tower": make_tower()} if fusion == "cross_modal_gated" else {}
    classifier = make_classifier(family, fusion=fusion, max_epochs=1, **tower).fit(X, Y)
    page = report(classifier, X, Y, tmp_path, n_examples=1)
    assert ("has no correlation tower" in page.words) == (not tower)
    assert "No hierarchy of the labels is known" in page.words
    assert ("no influence" in page.words) == (fusion in ("early", "late"))
    assert "label 3" in page.words


@pytest.mark.parametrize("form", ["classes", "binary"])
def test_report_of_classes_has_accuracy(form, tmp_path):
    classifier, y = fitted("late", form), make_y(form)
    page = report(classifier, X, y, tmp_path)
    accuracy = (classifier.predict(X) == y).mean()
    assert f"Accuracy {100 * accuracy:.1f} %" in page.words
    assert f"{len(set(y))} classes" in page.words
    assert f"Hit@1 error {100 * (1 - accuracy):.1f} %" in page.words


def test_report_accepts_other_dtype_and_frozen_model(tmp_path):
    """The dtype of classes does not matter; a frozen model is reported as the one inside."""
    y = np.unique(make_y("classes"), return_inverse=True)[1]
    classifier = make_classifier(fusion="late", max_epochs=1).fit(X, y)
    for model, name in ((classifier, "plain"), (FrozenEstimator(classifier), "frozen")):
        (tmp_path / name).mkdir()
        page = report(model, X, y.astype(np.uint8), tmp_path / name)
        accuracy = (classifier.predict(X) == y).mean()
        assert f"Accuracy {100 * accuracy:.1f} %" in page.words
        assert "n_heads" in page.words
        assert f"{type(classifier).__name__}: report" in page.words
    assert f"FrozenEstimator → {type(classifier).__name__}" in page.words


def test_report_replaces_invalid_characters(tmp_path):
    page = report(fitted("late"), X, make_y("classes"), tmp_path, ids=["a\udc80b"] * len(X))
    assert "a?b" in page.words


def test_report_of_loaded_model_with_label_paths_is_the_same(tmp_path):
    scaler = ModalityTransformer({"video": StandardScaler()})
    model = TransformedTargetClassifier(
        make_pipeline(scaler, concat()), transformer=HierarchyLabelBinarizer()
    ).fit(X, VIDEOS.target)
    save_model(model, tmp_path / "model.safetensors")
    pages = []
    for i, each in enumerate((model, load_model(tmp_path / "model.safetensors"))):
        (tmp_path / str(i)).mkdir()
        pages.append(report(each, X, VIDEOS.target, tmp_path / str(i)))
    first, second = (page.words.partition("Versions")[0] for page in pages)
    assert "TransformedTargetClassifier → Pipeline → CrossModalTransformerClassifier" in first
    assert first.partition("not at their default")[0] == second.partition("not at")[0]
    assert len(pages[0].images) == len(pages[1].images) == 11


def test_report_shows_names_as_text(tmp_path):
    """Names are neither markup nor formulas."""
    names = [ATTACK, f'"{ATTACK}', "$\\frac{a$", "a&b", "猫の歌", "x" * 300]
    hierarchy = LabelHierarchy({i: [] for i in range(6)}, names=dict(enumerate(names)))
    y = np.eye(6, dtype=int)[np.arange(48) % 6]
    frames = {name: X.select([name]) for name in X.modality_names}
    odd = MultimodalArray.from_frames(
        {f"{ATTACK}$_{n}": next(f.frame_blocks(n)) for n, f in frames.items()},
        {f"{ATTACK}$_{n}": f.lengths(n) for n, f in frames.items()},
    )
    classifier = make_classifier("netvlad", fusion="cross_modal", hierarchy=hierarchy).fit(odd, y)
    page = report(
        classifier, odd, y, tmp_path, title=f"{ATTACK}&", ids=[f"<b>{i}" for i in range(48)]
    )
    assert not {"script", "b"} & set(page.tags)
    assert page.words.count(ATTACK) > 8
    for name in names:
        assert name in page.words


def test_report_of_single_frames_and_missing_modality(tmp_path):
    rng = np.random.RandomState(0)
    videos = MultimodalArray.from_frames(
        {
            "video": rng.randn(24, 4).astype(np.float32),
            "audio": rng.randint(255, size=(20, 3)).astype(np.uint8),
        },
        {"video": np.ones(24, int), "audio": [0] * 4 + [1] * 20},
        quantization={"audio": (0.1, -1.0)},
    )
    y = np.arange(24) % 2
    classifier = make_classifier("netvlad", fusion="cross_modal").fit(videos, y)
    words = report(classifier, videos, y, tmp_path, n_examples=0).words
    assert "audio uint8, quantised 3 0 1 1 20 4" in words
    assert "one frame each, so there is no attention over time" in words
    assert "None were requested" in words


def test_report_predicts_once_and_is_deterministic(full, tmp_path, monkeypatch):
    classifier, _, path = full
    predict, calls = type(classifier).predict_proba, []

    def counted(self, X, *more):
        calls.append(len(X))
        return predict(self, X, *more)

    monkeypatch.setattr(type(classifier), "predict_proba", counted)
    ids = [f"clip-{i}" for i in range(len(X))]
    again = write_report(classifier, X, Y, tmp_path / "again.html", ids=ids, progress=False)
    assert calls == [48]
    first, second = (re.sub(r"on \d{4}-.* UTC", "", each.read_text()) for each in (path, again))
    assert first == second


def test_report_without_overwrite_keeps_file(full, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=r"report.html' exists; overwrite=True replaces it"):
        write_report(fitted("late"), X, make_y("classes"), path)
    assert path.read_text() == "mine"
    write_report(fitted("late"), X, make_y("classes"), path, overwrite=True, progress=False)
    assert path.read_text().startswith("<!DOCTYPE html>")


def test_report_that_fails_keeps_file(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("mine")

    def full_disk(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left on device; the report is not saved"):
        write_report(fitted("late"), X, make_y("classes"), path, overwrite=True, progress=False)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["mine"]


def test_report_of_one_category_has_no_negative_pairs(full, tmp_path):
    rows = np.flatnonzero(top_labels(VIDEOS) == top_labels(VIDEOS)[0])
    page = report(full[0], X[rows], Y[rows], tmp_path)
    assert "cannot be evaluated on negative pairs. No two videos differ" in page.words


def test_report_progress_shows_bar(tmp_path, capsys):
    write_report(fitted("late"), X, make_y("classes"), tmp_path / "a.html", progress=True)
    assert "parameters: 100%" in capsys.readouterr().err
    write_report(fitted("late"), X, make_y("classes"), tmp_path / "b.html", progress=False)
    assert not capsys.readouterr().err
