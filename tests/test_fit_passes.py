"""How often `fit` converts X and reads its frames, and the parts that `net_params` choose."""

from unittest import mock

import numpy as np
import pytest
from estimator_cases import TOWER, make_classifier, make_tower, make_videos, make_y
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from torch import nn

from sk_crossmodal import CorrelationTower
from sk_crossmodal.modules import HEADS, LOSSES, Head
from sk_crossmodal.multimodal import MultimodalArray
from sk_crossmodal.multimodal._frames import Frames
from sk_crossmodal.persistence import load_model, save_model
from sk_crossmodal.training import MultimodalNet, _estimator

X = make_videos().data
Y = make_y("multilabel")
ARRAYS = [[X[i][name] for i in range(len(X))] for name in X.modality_names]


class Calls(list):
    """Records the arguments and results of one function of the estimators' module."""

    def __init__(self, monkeypatch, name):
        super().__init__()
        function = getattr(_estimator, name)

        def recording(*args, **kwargs):
            result = function(*args, **kwargs)
            self.append((args, result))
            return result

        monkeypatch.setattr(_estimator, name, recording)


@pytest.fixture
def conversions(monkeypatch):
    return Calls(monkeypatch, "read_known")


@pytest.fixture
def scans(monkeypatch):
    return Calls(monkeypatch, "scan_frames")


# The passes over X ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fusion", "n_requests"),
    [("late", 1), ("cross_modal_gated", 2), ("cross_modal_concat", 2)],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_fit_converts_x_once_and_scans_it_once_for_tower_and_classifier(
    conversions, scans, method, fusion, n_requests
):
    classifier = make_classifier(fusion=fusion, max_epochs=1)
    getattr(classifier, method)(*ARRAYS, Y)
    raw = [args for args, _ in conversions if not isinstance(args[0], MultimodalArray)]
    assert len(raw) == 1
    full = [(args, stats) for args, stats in scans if len(args) == 3]  # the others are predictions
    assert len(full) == 1
    (array, _, requests), stats = full[0]
    assert len(array) == len(X)
    assert len(requests) == len(stats) == n_requests
    assert {name for each in stats for name in each} == set(X.modality_names)


@pytest.mark.parametrize("fusion", ["late", "cross_modal_concat"])
def test_fit_reads_each_frame_once_before_the_first_training(monkeypatch, fusion):
    read, blocks = [], Frames.blocks

    def counting(part):
        for positions, frames in blocks(part):
            read.append(len(frames))
            yield positions, frames

    class TrainingBeginsError(Exception):
        """Raised in place of training."""

    monkeypatch.setattr(Frames, "blocks", counting)
    monkeypatch.setattr(MultimodalNet, "train_on", mock.Mock(side_effect=TrainingBeginsError))
    with pytest.raises(TrainingBeginsError):
        make_classifier(fusion=fusion).fit(*ARRAYS, Y)
    assert sum(read) == sum(X.lengths(name).sum() for name in X.modality_names)


def test_tower_alone_scans_x_once(conversions, scans):
    make_tower(max_epochs=1).fit(*ARRAYS, Y)
    assert [len(args[2]) for args, _ in scans] == [1]
    assert len(conversions) == 1


@pytest.mark.parametrize("frame_scaling", [None, "feature"])
def test_scan_without_scaling_computes_no_statistics(scans, frame_scaling):
    make_classifier(fusion="cross_modal_gated", frame_scaling=frame_scaling, max_epochs=1).fit(
        X, Y
    )
    assert len(scans[0][0][2]) == (0 if frame_scaling is None else 2)


def test_requests_of_tower_and_classifier_exclude_held_out_videos(scans):
    weight = np.ones(len(X))
    weight[3] = 0
    classifier = make_classifier(early_stopping=True, validation_fraction=0.25, max_epochs=1)
    classifier.fit(X, Y, sample_weight=weight)
    requests = scans[0][0][2]
    rows = [request.rows.tolist() for request in requests]
    assert set(rows[1]) < set(rows[0])  # the tower holds some of the training videos out
    assert len(rows[0]) == len(X) - 1 - int(np.ceil(0.25 * (len(X) - 1)))
    assert 3 not in rows[0]


def test_continued_fit_requests_no_statistics(scans):
    classifier = make_classifier(warm_start=True, max_epochs=1).fit(X, Y)
    scans.clear()
    classifier.fit(X, Y)
    assert [len(args[2]) for args, _ in scans if len(args) == 3] == [0]


# Subclasses of the tower ----------------------------------------------------------------------


class CountingTower(CorrelationTower):
    """A tower whose `fit` counts its calls, and whose probabilities are all 0.9."""

    calls = []  # noqa: RUF012, shared by all clones on purpose

    def fit(self, X, y=None, *more, sample_weight=None):
        self.calls.append((len(X), sample_weight is not None))
        return super().fit(X, y, *more, sample_weight=sample_weight)

    def predict_proba(self, X, *more):
        return np.full((len(X), 1), 0.9, np.float32)


@pytest.mark.parametrize("memory", [False, True])
def test_overridden_methods_of_a_tower_subclass_are_called(memory, tmp_path):
    CountingTower.calls.clear()
    tower = CountingTower(**TOWER)
    classifier = make_classifier(
        fusion="cross_modal_gated",
        gate="soft",
        correlation_tower=tower,
        max_epochs=1,
        memory=str(tmp_path) if memory else None,
    ).fit(X, Y)
    assert CountingTower.calls == [(len(X), True)]
    assert type(classifier.correlation_tower_) is CountingTower
    expected = classifier.predict_proba(X)
    CorrelationTower.predict_proba(classifier.correlation_tower_, X)  # differs from 0.9
    plain = clone(classifier).set_params(
        correlation_tower=FrozenEstimator(make_tower().fit(X, Y)), memory=None
    )
    assert np.abs(plain.fit(X, Y).predict_proba(X) - expected).max() > 1e-6
    np.testing.assert_array_equal(clone(classifier).fit(X, Y).predict_proba(X), expected)
    assert len(CountingTower.calls) == (1 if memory else 2)


@pytest.mark.parametrize("tower", [CorrelationTower(**TOWER), CountingTower(**TOWER)])
def test_fit_builds_the_net_of_the_classifier_and_of_its_tower_once(tower, monkeypatch):
    builds = Calls(monkeypatch, "build_net")
    make_classifier(fusion="cross_modal_gated", correlation_tower=tower, max_epochs=1).fit(X, Y)
    assert len(builds) == 2


# Heads and losses -----------------------------------------------------------------------------


class LinearHead(Head):
    output_layer = "linear"

    def __init__(self, in_features, n_outputs, *, hidden_size, dropout):
        super().__init__()
        self.linear = nn.Linear(in_features, n_outputs)

    def forward(self, x):
        return self.linear(x)


class SquaredError(LOSSES["binary"]):
    def losses(self, logits, y):
        return (logits.sigmoid() - y).square()


@pytest.fixture
def parts(monkeypatch):
    """Register a head and a loss for one test."""
    for registry in (HEADS, LOSSES):
        monkeypatch.setattr(registry, "_parts", dict(registry._parts))
    HEADS.register("linear", LinearHead)
    LOSSES.register("squared", SquaredError)
    return {"module__head": "linear", "criterion": "squared"}


def test_net_params_choose_head_and_loss_by_name(parts):
    classifier = make_classifier(fusion="late", net_params=parts).fit(X, Y)
    assert type(classifier.module_.head) is LinearHead
    assert type(classifier.net_.criterion_) is SquaredError
    plain = make_classifier(fusion="late", net_params={"module__head": "linear"}).fit(X, Y)
    assert type(plain.module_.head) is LinearHead
    assert type(plain.net_.criterion_) is LOSSES["binary"]
    assert classifier.loss_curve_ != plain.loss_curve_
    assert np.abs(classifier.predict_proba(X) - plain.predict_proba(X)).max() > 1e-6


def test_class_weight_and_label_smoothing_reach_a_registered_loss(parts):
    params = {"class_weight": {0: 3.0}, "label_smoothing": 0.2, "net_params": parts}
    criterion = make_classifier(fusion="late", **params).fit(X, Y).net_.criterion_
    assert criterion.label_smoothing == 0.2
    assert criterion.class_weight[:2].tolist() == [3.0, 1.0]


def test_saved_classifier_keeps_registered_head_and_loss(parts, tmp_path):
    classifier = make_classifier(fusion="late", net_params=parts).fit(X, Y)
    save_model(classifier, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert type(loaded.module_.head) is LinearHead
    assert type(loaded.net_.criterion_) is SquaredError
    np.testing.assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))


def test_pretrained_classifier_needs_the_same_head(parts):
    net_params = {"module__head": "linear"}
    pretrained = FrozenEstimator(make_classifier(fusion="late", net_params=net_params).fit(X, Y))
    tuned = make_classifier(fusion="late", net_params=net_params, pretrained=pretrained)
    assert type(tuned.fit(X, Y).module_.head) is LinearHead
    with pytest.raises(ValueError, match=r"need {'head': 'linear'}, got {'head': 'mlp'}"):
        tuned.set_params(net_params=None).fit(X, Y)


def test_tower_of_a_classifier_ignores_head_and_loss_of_net_params(parts):
    classifier = make_classifier(max_epochs=1, net_params=parts).fit(X, Y)
    assert type(classifier.correlation_tower_.net_.criterion_) is LOSSES["binary"]


@pytest.mark.parametrize(
    ("net_params", "match"),
    [
        ({"module__head": "deep"}, r"net_params\['module__head'\] must be one of .*'mlp'.*'deep'"),
        ({"module__head": LinearHead}, r"net_params\['module__head'\] must be one of .*'mlp'"),
        ({"criterion": "hinge"}, r"net_params\['criterion'\] must be one of .*'binary'.*'hinge'"),
    ],
)
def test_unregistered_head_or_loss_raises_before_frames_are_read(scans, net_params, match):
    with pytest.raises(ValueError, match=match):
        make_classifier(fusion="late", net_params=net_params).fit(X, Y)
    assert not scans


@pytest.mark.parametrize("fusion", ["late", "cross_modal_gated"])
def test_score_scans_x_once(scans, fusion):
    classifier = make_classifier(fusion=fusion, max_epochs=1).fit(X, Y)
    expected = (classifier.predict(X) == Y).all(axis=1).mean()
    scans.clear()
    assert classifier.score(X, Y) == expected
    assert len(scans) == 1


def test_score_uses_a_predict_of_a_subclass():
    class Constant(type(make_classifier())):
        def predict(self, X, *more):
            return np.zeros(Y.shape, int)

    classifier = Constant(**make_classifier(fusion="late", max_epochs=1).get_params()).fit(X, Y)
    empty = np.zeros(Y.shape, int)
    assert (classifier.score(X, Y), classifier.score(X, empty)) == (0.0, 1.0)
