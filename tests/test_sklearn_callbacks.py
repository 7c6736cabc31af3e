"""scikit-learn's callbacks are called for every epoch, of the tower too, and can stop training."""

import pickle

import numpy as np
import pytest
from estimator_cases import Recorder, make_classifier, make_tower, make_videos, make_y
from sklearn import config_context
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sk_crossmodal.compose import ModalityTransformer, TransformedTargetClassifier
from sk_crossmodal.metrics import gap_scorer

X, Y = make_videos().data, make_y("multilabel")


class Notes:
    """Notes every hook and the tasks' names; asks to stop after some epochs."""

    max_propagation_depth = None

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.events, self.given = [], []

    def setup(self, estimator, context):
        self.events.append(("setup", context.estimator_name))

    def teardown(self, estimator, context):
        self.events.append(("teardown", context.estimator_name))

    def on_fit_task_begin(self, estimator, context):
        self.events.append(("begin", context.estimator_name, context.task_name))

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.events.append(("end", context.estimator_name, context.task_name))
        if context.task_name == "epoch":
            self.given.append((X, y, metadata, fitted_estimator.predict_proba(X)))
        return self.stop_after is not None and len(self.given) >= self.stop_after


def fit_events(name, n_epochs, inner=()):
    epoch = [("begin", name, "epoch"), ("end", name, "epoch")]
    return [("begin", name, "fit"), *inner, *epoch * n_epochs, ("end", name, "fit")]


@pytest.mark.parametrize("fusion", ["late", "cross_modal_concat"])
def test_every_epoch_is_a_task(fusion):
    notes = Notes()
    classifier = make_classifier(fusion=fusion, correlation_tower=make_tower(), max_epochs=3)
    plain = clone(classifier).fit(X, Y)
    classifier.set_callbacks(notes).fit(X, Y)
    name = type(classifier).__name__
    tower = fit_events("CorrelationTower", 2) if fusion == "cross_modal_concat" else []
    assert notes.events == [
        ("setup", name),
        *fit_events(name, 3, inner=tower),
        ("teardown", name),
    ]
    np.testing.assert_array_equal(classifier.predict_proba(X), plain.predict_proba(X))


def test_callback_gets_a_fitted_copy_after_every_epoch():
    notes = Notes()
    weight = np.linspace(1, 2, 48)
    classifier = make_classifier(fusion="late", max_epochs=3, lr_schedule=None, dropout=0.0)
    clone(classifier).set_callbacks(notes).fit(X, Y, sample_weight=weight)
    for i, (given, y, metadata, probability) in enumerate(notes.given, start=1):
        assert len(given) == 48
        np.testing.assert_array_equal(y, Y)
        np.testing.assert_array_equal(metadata["sample_weight"], weight)
        shorter = clone(classifier).set_params(max_epochs=i).fit(X, Y, sample_weight=weight)
        np.testing.assert_allclose(probability, shorter.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("early_stopping", [True, False])
def test_callback_can_stop_training(early_stopping):
    classifier = make_classifier(fusion="late", max_epochs=6, early_stopping=early_stopping)
    classifier.set_callbacks(Notes(stop_after=2)).fit(X, Y)
    assert classifier.n_iter_ == len(classifier.loss_curve_) == 2
    if not early_stopping:
        shorter = make_classifier(fusion="late", max_epochs=2).fit(X, Y)
        np.testing.assert_allclose(classifier.loss_curve_, shorter.loss_curve_, rtol=1e-6)


def test_callbacks_of_a_tower_see_its_epochs():
    notes = Notes()
    make_tower().set_callbacks(notes).fit(X, Y)
    tower = [("setup", "CorrelationTower"), *fit_events("CorrelationTower", 2)]
    assert notes.events == [*tower, ("teardown", "CorrelationTower")]


def test_partial_fit_is_one_task():
    notes = Notes()
    make_classifier(fusion="late").set_callbacks(notes).partial_fit(X, Y)
    assert notes.events[1:-1] == fit_events("CrossModalTransformerClassifier", 1)


def test_max_epochs_of_net_params_sets_the_number_of_tasks():
    classifier = make_classifier(fusion="late", net_params={"max_epochs": 4})
    assert classifier.set_callbacks(Notes()).fit(X, Y).n_iter_ == 4


def test_scoring_monitor_records_every_epoch():
    monitor = ScoringMonitor(scoring={"gap": gap_scorer})
    classifier = make_classifier(fusion="late", max_epochs=3).set_callbacks(monitor).fit(X, Y)
    log = monitor.get_logs().data_as_pandas
    epochs = log[log.task_name == "epoch"]
    assert len(epochs) == 3
    assert epochs.gap.iloc[-1] == pytest.approx(gap_scorer(classifier, X, Y))


def test_metadata_has_weights_only_if_given():
    """As in LogisticRegression: otherwise routing would ask for requests of absent metadata."""
    for weight in (None, np.ones(48)):
        notes = Notes()
        make_classifier(fusion="late").set_callbacks(notes).fit(X, Y, sample_weight=weight)
        assert [metadata is None for _, _, metadata, _ in notes.given] == [weight is None] * 2
    with config_context(enable_metadata_routing=True):
        monitor = ScoringMonitor(scoring="accuracy")
        make_classifier(fusion="late").set_callbacks(monitor).fit(X, Y)
    assert len(monitor.get_logs().data) == 3


def test_meta_estimators_pass_callbacks_on():
    notes = Notes()
    composed = TransformedTargetClassifier(
        make_pipeline(ModalityTransformer(), make_classifier(fusion="late"))
    )
    composed.set_callbacks(notes).fit(X, Y)
    begun = [event[1] for event in notes.events if event[0] == "begin" and event[2] != "epoch"]
    assert begun == [
        "TransformedTargetClassifier",
        "Pipeline",
        "ModalityTransformer",
        "CrossModalTransformerClassifier",
    ]
    ended = [event[1] for event in notes.events if event[0] == "end" and event[2] != "epoch"]
    assert sorted(ended) == sorted(begun)


def test_fitted_estimator_keeps_nothing_of_a_callback():
    """The fitted net can be pickled, and keeps no callback."""
    classifier = make_classifier(fusion="late", callbacks=[Recorder()])
    classifier.set_callbacks(Notes()).fit(X, Y)
    names = [name for name, _ in classifier.net_.callbacks_]
    assert "Recorder" in names
    assert "own_sklearn" not in names
    assert b"Notes" not in pickle.dumps(classifier.net_)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_progress_bar_of_a_search(capsys, n_jobs):
    tower = make_tower()
    classifier = make_classifier(fusion="cross_modal_gated", correlation_tower=tower)
    pipeline = make_pipeline(classifier)
    search = GridSearchCV(
        pipeline, {"crossmodaltransformerclassifier__lr": [1e-3, 1e-4]}, cv=2, n_jobs=n_jobs
    )
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, Y)
    out = capsys.readouterr().out
    assert "GridSearchCV" in out
    assert "CrossModalTransformerClassifier" in out
    assert "CorrelationTower" in out


def test_progress_with_a_frozen_and_with_a_kept_tower(tmp_path, capsys, monkeypatch):
    """Neither is fitted, so neither is reported; the classifier's own is whole."""
    monkeypatch.setenv("COLUMNS", "200")
    kept = {"memory": str(tmp_path)}
    frozen = FrozenEstimator(make_tower().fit(X, Y))
    for params in ({"correlation_tower": frozen}, kept, kept):
        params = {"correlation_tower": make_tower(), **params}
        classifier = make_classifier(fusion="cross_modal_gated", **params)
        classifier.set_callbacks(ProgressBar()).fit(X, Y)
        assert "100%" in capsys.readouterr().out


def test_scikit_learn_callbacks_given_as_skorch_callbacks_are_refused():
    with pytest.raises(TypeError, match=r"give scikit-learn's to set_callbacks, got .*Notes"):
        make_classifier(fusion="late", callbacks=[Notes()]).fit(X, Y)
