"""How a classifier is trained: history, stopping, weights, callbacks, interruptions."""

import re
import warnings

import numpy as np
import pytest
import torch
from estimator_cases import (
    Interrupt,
    Recorder,
    fitted,
    make_classifier,
    make_tower,
    make_videos,
    make_y,
)
from scipy.special import log_expit, log_softmax
from skorch.callbacks import Callback, EarlyStopping

from sk_crossmodal import MultimodalArray
from sk_crossmodal.modules import FUSIONS

X = make_videos().data
every_fusion = pytest.mark.parametrize("fusion", FUSIONS)


def late(**params):
    return make_classifier(**{"fusion": "late", **params})


def loss_of(classifier, X, y):
    """Mean cross-entropy of a classifier's outputs, by numpy."""
    logits = classifier.decision_function(X).astype(float)
    if y.ndim == 2:
        return -(y * log_expit(logits) + (1 - y) * log_expit(-logits)).mean()
    column = np.searchsorted(classifier.classes_, y)
    return -log_softmax(logits, axis=1)[np.arange(len(y)), column].mean()


def test_history():
    history = late(max_epochs=3).fit(X, make_y("classes")).history_
    assert [row["epoch"] for row in history] == [1, 2, 3]
    for row in history:
        assert row["train_loss"] > 0
        assert row["dur"] > 0
        assert "valid_loss" not in row
        assert "batches" not in row


@pytest.mark.parametrize("form", ["multilabel", "classes"])
def test_classifier_learns_the_training_videos(form):
    y = make_y(form)
    classifier = make_classifier(lr=1e-2, max_epochs=40, dropout=0.0).fit(X, y)
    losses = [row["train_loss"] for row in classifier.history_]
    assert losses[-1] < 0.3 * losses[0]
    assert loss_of(classifier, X, y) < 0.3 * losses[0]
    chance = max(np.mean((y == label).reshape(48, -1).all(1)) for label in y)
    assert classifier.score(X, y) > chance + 0.2


def test_verbose_prints_one_line_per_epoch(capsys):
    late(max_epochs=3, verbose=1, early_stopping=True).fit(X, make_y("classes"))
    out = re.sub(r"\x1b\[\d+m", "", capsys.readouterr().out)
    head, *_ = out.splitlines()
    for column in ("epoch", "train_loss", "valid_loss", "dur"):
        assert column in head
    for epoch in (1, 2, 3):
        assert re.search(rf"^ +{epoch} +\d+\.\d+ .* \d+\.\d+ *$", out, re.MULTILINE)


@pytest.mark.parametrize("fusion", ["late", "cross_modal_gated"])
def test_quiet_by_default(fusion, capsys):
    make_classifier(fusion=fusion, early_stopping=True).fit(X, make_y("classes"))
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_verbose_names_the_tower(capsys):
    make_classifier(verbose=1, max_epochs=1).fit(X, make_y("classes"))
    out = capsys.readouterr().out
    tower, classifier = out.index("Correlation tower"), out.index("CrossModalTransformer")
    assert tower < out.index("train_loss") < classifier < out.rindex("train_loss")


# Early stopping and learning rate -------------------------------------------------------------


@pytest.mark.parametrize("form", ["multilabel", "classes"])
def test_early_stopping_restores_the_best_weights(form):
    recorder, y = Recorder(), make_y(form)
    classifier = late(
        lr=0.02, max_epochs=30, lr_schedule=None, early_stopping=True, validation_fraction=0.3
    )
    classifier.set_params(callbacks=[recorder], dropout=0.0).fit(X, y)
    losses = [row["valid_loss"] for row in classifier.history_]
    best = int(np.argmin(losses))
    assert losses[-1] > 1.01 * losses[best]
    # Five epochs without improvement, where less than a ten-thousandth is none.
    assert classifier.n_iter_ == len(losses) <= best + 6 + 5
    valid = recorder.valid_
    truth = valid.y if form == "multilabel" else classifier.classes_[valid.y]
    assert loss_of(classifier, valid.X, truth) == pytest.approx(losses[best], rel=2e-4)


def rows_in(dataset):
    """The first number of each video, which identifies it."""
    return {dataset.X[i]["video"][0, 0].item() for i in range(len(dataset.X))}


@pytest.mark.parametrize(("fraction", "n_held_out"), [(0.1, 5), (0.25, 12), (0.01, 1)])
def test_held_out_videos(fraction, n_held_out):
    recorder = Recorder()
    late(early_stopping=True, validation_fraction=fraction, callbacks=[recorder]).fit(
        X, make_y("classes")
    )
    train, valid = rows_in(recorder.train_), rows_in(recorder.valid_)
    assert (len(train), len(valid)) == (48 - n_held_out, n_held_out)
    assert not train & valid


def test_held_out_videos_do_not_change_the_scaling():
    """The statistics of the scaler are those of the training videos."""
    recorder = Recorder()
    classifier = late(early_stopping=True, validation_fraction=0.5, callbacks=[recorder])
    classifier.fit(X, make_y("classes"))
    frames = np.concatenate([recorder.train_.X[i]["video"] for i in range(24)])
    mean = classifier.module_.scalers[0].mean.numpy()
    np.testing.assert_allclose(mean, frames.mean(0), atol=1e-5)


@pytest.mark.parametrize(("n", "stops"), [(999, False), (1000, True)])
def test_early_stopping_is_automatic_from_1000_videos(n, stops):
    many = MultimodalArray.from_frames(
        {"video": np.random.RandomState(0).randn(n, 3)}, {"video": np.ones(n, int)}
    )
    classifier = late(max_epochs=1, batch_size=500).fit(many, np.arange(n) % 2)
    assert ("valid_loss" in classifier.history_[0]) is stops


@pytest.mark.parametrize("early_stopping", [False, True])
def test_learning_rate_falls_without_progress(early_stopping):
    """Labels of noise and a rate that is far too high."""
    y = np.random.RandomState(0).randint(2, size=48)
    rates = {}
    for patience in (0, 100):
        history = late(
            lr=0.5, lr_patience=patience, max_epochs=8, early_stopping=early_stopping
        ).fit(X, y)
        rates[patience] = [row["event_lr"] for row in history.history_]
    assert set(rates[100]) == {0.5}
    steps = np.unique(rates[0])
    assert len(steps) > 1
    np.testing.assert_allclose(steps, 0.5 * 10.0 ** np.arange(1 - len(steps), 1), rtol=1e-6)
    assert sorted(rates[0], reverse=True) == rates[0]


def test_learning_rate_falls_along_a_cosine():
    history = late(lr=0.1, lr_schedule="cosine", max_epochs=5).fit(X, make_y("classes")).history_
    expected = 0.1 * (1 + np.cos(np.pi * np.arange(5) / 5)) / 2
    np.testing.assert_allclose([row["event_lr"] for row in history], expected, rtol=1e-6)


def test_learning_rate_without_schedule_is_constant():
    y = np.random.RandomState(0).randint(2, size=48)
    classifier = late(lr=0.5, lr_schedule=None, lr_patience=0, max_epochs=8).fit(X, y)
    assert classifier.net_.optimizer_.param_groups[0]["lr"] == 0.5


# Weights --------------------------------------------------------------------------------------


@every_fusion
def test_video_of_weight_zero_is_left_out(fusion):
    y = make_y("classes")
    weight = (np.arange(48) % 3 > 0) * 1.5
    kept = np.flatnonzero(weight)
    weighted = make_classifier(fusion=fusion).fit(X, y, sample_weight=weight)
    removed = make_classifier(fusion=fusion).fit(X[kept], y[kept], sample_weight=weight[kept])
    assert weighted.predict_proba(X).tobytes() == removed.predict_proba(X).tobytes()
    # Equal weights have no effect.
    plain = make_classifier(fusion=fusion).fit(X[kept], y[kept]).predict_proba(X)
    np.testing.assert_allclose(weighted.predict_proba(X), plain, atol=1e-4)


def test_class_of_videos_of_weight_zero_is_unknown():
    y = make_y("classes")
    classifier = late().fit(X, y, sample_weight=(y != "Food").astype(float))
    assert "Food" not in classifier.classes_


def test_larger_weights_change_predictions():
    y = np.arange(48) % 2
    heavy = [
        late(max_epochs=10).fit(X, y, sample_weight=np.where(y == c, 10.0, 1.0)) for c in (0, 1)
    ]
    means = [classifier.predict_proba(X)[:, 1].mean() for classifier in heavy]
    assert means[1] > means[0] + 0.3


def test_class_weight_of_classes():
    y = make_y("classes")
    plain = fitted("late").predict_proba(X).mean(0)
    heavy = late(class_weight={"Food": 50}).fit(X, y).predict_proba(X).mean(0)
    food = list(np.unique(y)).index("Food")
    assert heavy[food] > plain[food] + 0.02
    # Equal weights have no effect.
    same = late(class_weight=dict.fromkeys(np.unique(y), 3.0)).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(same, fitted("late").predict_proba(X), atol=1e-4)


def test_class_weight_of_labels():
    y = make_y("multilabel")
    plain = fitted("late", "multilabel").predict_proba(X).mean(0)
    heavy = late(class_weight={1: 50.0}).fit(X, y).predict_proba(X).mean(0)
    assert heavy[1] > plain[1] + 0.02


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("form", ["classes", "multilabel"])
def test_class_weight_balanced_equals_its_formula(form, weighted):
    """n / (k n_c) for classes, negatives over positives for labels; of the weights."""
    y = make_y(form)
    w = np.random.RandomState(0).uniform(0.5, 2, 48) if weighted else np.ones(48)
    if form == "classes":
        factors = {c: w.sum() / (4 * w[y == c].sum()) for c in np.unique(y).tolist()}
    else:
        factors = {j: w @ (1 - y[:, j]) / (w @ y[:, j]) for j in range(y.shape[1])}
    given = late(class_weight=factors).fit(X, y, sample_weight=w).predict_proba(X)
    balanced = late(class_weight="balanced").fit(X, y, sample_weight=w).predict_proba(X)
    np.testing.assert_allclose(balanced, given, atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_balanced_where_a_class_is_only_held_out(seed):
    y = np.array(["a", "b"] * 24, dtype=object)
    y[seed] = "rare"
    classifier = late(
        class_weight="balanced", early_stopping=True, validation_fraction=0.5, random_state=seed
    )
    assert classifier.fit(X, y).classes_.tolist() == ["a", "b", "rare"]


@pytest.mark.parametrize("seed", range(4))
def test_balanced_where_a_label_is_only_held_out(seed):
    """A label without training videos does not affect early stopping."""
    y = np.eye(2, dtype=int)[np.arange(48) % 2]
    y = np.hstack([y, (np.arange(48) == seed)[:, None]])
    classifier = late(
        class_weight="balanced", early_stopping=True, validation_fraction=0.5, random_state=seed
    )
    assert classifier.fit(X, y).history_[-1]["valid_loss"] < 100


# The skorch net -------------------------------------------------------------------------------


class CountEpochs(Callback):
    epochs = 0

    def on_epoch_end(self, net, **kwargs):
        self.epochs += 1


def test_callbacks_reach_the_net():
    counter = CountEpochs()
    callbacks = [counter, ("named", CountEpochs())]
    classifier = late(max_epochs=3, callbacks=callbacks).fit(X, make_y("classes"))
    assert counter.epochs == 3
    assert classifier.callbacks is callbacks
    assert len(callbacks) == 2
    assert dict(classifier.net_.callbacks_)["named"].epochs == 3


def test_net_params_reach_the_net():
    params = {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.5, "max_epochs": 3}
    classifier = late(net_params=params).fit(X, make_y("classes"))
    assert classifier.n_iter_ == 3
    assert isinstance(classifier.net_.optimizer_, torch.optim.SGD)
    assert classifier.net_.optimizer_.param_groups[0]["momentum"] == 0.5
    assert len(params) == 3


def test_weight_decay_by_net_params():
    decayed = late(net_params={"optimizer__weight_decay": 10.0}, max_epochs=5)
    decayed.fit(X, make_y("classes"))
    plain = late(max_epochs=5).fit(X, make_y("classes"))

    def size(classifier):
        return sum(p.square().sum().item() for p in classifier.module_.parameters())

    assert size(decayed) < 0.8 * size(plain)


def test_skorch_stops_early_with_the_users_callback():
    stopper = EarlyStopping(monitor="train_loss", patience=2, threshold=1e9, threshold_mode="abs")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier = late(max_epochs=20, callbacks=[stopper]).fit(X, make_y("classes"))
    assert classifier.n_iter_ < 20


# Interruptions --------------------------------------------------------------------------------


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("fusion", ["late", "cross_modal_concat"])
def test_interrupted_training_leaves_a_fitted_classifier(fusion, early_stopping):
    y, params = make_y("classes"), {"fusion": fusion, "early_stopping": early_stopping}
    classifier = make_classifier(**params, max_epochs=9, callbacks=[Interrupt(2)])
    with pytest.warns(UserWarning, match="interrupted after 2 epochs"):
        assert classifier.fit(X, y) is classifier
    assert classifier.n_iter_ == 2
    if fusion == "late" and not early_stopping:
        # The result of two epochs: the interruption comes at the end of the second.
        two = make_classifier(**params, max_epochs=2).fit(X, y)
        assert classifier.predict_proba(X).tobytes() == two.predict_proba(X).tobytes()
    assert classifier.predict_proba(X).shape == (48, 4)


class InterruptBatch(Callback):
    def on_batch_end(self, net, **kwargs):
        raise KeyboardInterrupt


@pytest.mark.parametrize("early_stopping", [False, True])
def test_interruption_within_the_first_epoch(early_stopping):
    classifier = late(callbacks=[InterruptBatch()], early_stopping=early_stopping)
    with pytest.warns(UserWarning, match="interrupted"):
        classifier.fit(X, make_y("classes"))
    assert classifier.predict(X).shape == (48,)
    # An epoch that was not finished has no losses, and is not counted.
    assert all("train_loss" in row for row in classifier.history_)
    assert classifier.n_iter_ == len(classifier.history_)


def test_interrupted_tower_is_fitted():
    tower = make_tower(max_epochs=9, callbacks=[Interrupt(2)])
    with pytest.warns(UserWarning, match="interrupted after 2 epochs"):
        tower.fit(X, make_y("classes"))
    assert tower.transform(X).shape == (48, 1)


def test_early_stopping_is_not_an_interruption():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier = late(lr=0.05, max_epochs=60, early_stopping=True, validation_fraction=0.3)
        classifier.fit(X, make_y("classes"))
    assert classifier.n_iter_ < 60
