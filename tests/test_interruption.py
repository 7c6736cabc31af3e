"""Real SIGINTs, as of Ctrl-C, in fits and in searches over them."""

import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from estimator_cases import make_classifier, make_labels, make_tower, make_videos, make_y
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_validate
from sklearn.pipeline import Pipeline
from skorch.callbacks import Callback

from sk_crossmodal import ModalityTransformer, TransformedTargetClassifier
from sk_crossmodal.training import Processes

pytestmark = pytest.mark.one_version

X, Y, CLASSES = make_videos().data, make_y("multilabel"), make_y("classes")
HELD_OUT = (make_videos(24, 1).data, make_labels()[0].transform(make_videos(24, 1).target))


@pytest.fixture(autouse=True)
def no_callbacks_of_the_garbage_collector():
    """Dask has one, in which Python would ignore a KeyboardInterrupt."""
    callbacks = gc.callbacks.copy()
    gc.callbacks.clear()
    yield
    gc.callbacks.extend(callbacks)


def press(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGINT)


class Press(Callback):
    """Ctrl-C at a training or validation batch, counted over all epochs."""

    def __init__(self, batch, training=True, moment="end"):
        self.batch, self.training, self.moment = batch, training, moment

    def _count(self, training, moment):
        if training == self.training and moment == self.moment:
            self.batch -= 1
            if self.batch == -1:
                press()

    def on_batch_begin(self, net, training=None, **kwargs):
        self._count(training, "begin")

    def on_batch_end(self, net, training=None, **kwargs):
        self._count(training, "end")


class Begun(Callback):
    """Records every start of training, of all clones."""

    count = 0

    def on_train_begin(self, net, **kwargs):
        type(self).count += 1


@pytest.fixture
def begun():
    Begun.count = 0
    return Begun()


def late(*callbacks, **params):
    return make_classifier(**{"fusion": "late", "callbacks": list(callbacks), **params})


def weights(estimator):
    return {
        name: value.numpy().tobytes() for name, value in estimator.module_.state_dict().items()
    }


def assert_usable(classifier, n_epochs):
    probability = classifier.predict_proba(X)
    assert np.isfinite(probability).all()
    assert np.ptp(probability, axis=0).max() > 0
    assert (
        classifier.n_iter_ == len(classifier.history_) == len(classifier.loss_curve_) == n_epochs
    )
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(classifier)).predict_proba(X), probability
    )


# Directly called: weights reached -----------------------------------------------------------


@pytest.mark.parametrize(
    ("batch", "training", "messages", "n_epochs"),
    [
        (0, True, "after 0 epochs of 9 and 1 batches of the next", 0),
        (2, True, "after 0 epochs of 9 and 3 batches of the next", 0),
        (4, True, "after 1 epochs of 9 and 2 batches of the next", 1),
        (0, False, "after 0 epochs of 9 and 3 batches of the next", 0),
        (3, False, "after 1 epochs of 9 and 3 batches of the next", 1),
    ],
)
@pytest.mark.parametrize("checkpoint", [False, True])
def test_interrupted_fit_keeps_the_weights_reached(
    batch, training, messages, n_epochs, checkpoint, tmp_path
):
    params = {"early_stopping": False, "max_epochs": 9}
    kept = {"checkpoint": tmp_path, "checkpoint_interval": 0.4} if checkpoint else {}
    classifier = late(Press(batch, training), **params, **kept)
    with pytest.warns(
        UserWarning, match=f"CrossModalTransformerClassifier was .*{messages}"
    ) as warned:
        assert classifier.fit(X, Y, eval_set=HELD_OUT) is classifier
    assert ("resume=True continues" in str(warned[0].message)) == checkpoint
    assert_usable(classifier, n_epochs)
    if checkpoint:
        again = clone(classifier).set_params(resume=True, callbacks=None)
        whole = late(**params).fit(X, Y, eval_set=HELD_OUT)
        assert weights(again.fit(X, Y, eval_set=HELD_OUT)) == weights(whole)


def test_interrupted_early_stopping_restores_the_best_weights():
    """As of a fit that ends with the best epoch, which the interrupted one had passed."""
    params = {"lr": 0.005, "early_stopping": True}
    whole = late(max_epochs=30, **params).fit(X, Y, eval_set=HELD_OUT)
    best = int(np.argmin([row["valid_loss"] for row in whole.history_])) + 1
    classifier = late(Press(3 * best + 4), max_epochs=30, **params)
    with pytest.warns(UserWarning, match=f"which are those of epoch {best}, the best one"):
        classifier.fit(X, Y, eval_set=HELD_OUT)
    assert_usable(classifier, best + 1)
    assert weights(classifier) == weights(whole)


def test_warm_start_continues_an_interrupted_fit():
    classifier = late(Press(4), max_epochs=3, warm_start=True)
    with pytest.warns(UserWarning, match="after 1 epochs of 3"):
        classifier.fit(X, Y)
    before = weights(classifier)
    classifier.set_params(callbacks=[Press(1)])
    with pytest.warns(UserWarning, match="after 0 epochs of 3 and 2 batches"):
        classifier.fit(X, Y)
    assert_usable(classifier, 1)
    assert weights(classifier) != before


def test_interrupted_partial_fit_keeps_the_weights_reached():
    classifier = late(Press(1))
    with pytest.warns(UserWarning, match="after 0 epochs of 1 and 2 batches"):
        classifier.partial_fit(X, Y)
    assert_usable(classifier, 0)
    assert classifier.set_params(callbacks=None).partial_fit(X, Y).n_iter_ == 1


@pytest.mark.parametrize("memory", [False, True])
def test_interrupted_tower_is_used_and_the_classifier_trained(memory, tmp_path):
    """It ends the tower's training, of which the classifier's follows; and says both."""
    tower = make_tower(max_epochs=5, callbacks=[Press(4)])
    classifier = make_classifier(
        correlation_tower=tower, max_epochs=2, memory=str(tmp_path) if memory else None
    )
    with pytest.warns(UserWarning, match="interrupted after 1 epochs") as warned:
        classifier.fit(X, Y)
    messages = [str(warning.message) for warning in warned]
    assert len(messages) == 2
    assert "CorrelationTower was interrupted" in messages[0]
    assert "now CrossModalTransformerClassifier is trained" in messages[1]
    assert_usable(classifier, 2)
    assert classifier.correlation_tower_.n_iter_ == 1
    assert not classifier.net_.interrupted
    assert classifier.correlation_tower_.net_.interrupted


# Nothing to keep ----------------------------------------------------------------------------


def interrupted_early(estimator, where, monkeypatch):
    if where == "frames":
        monkeypatch.setattr("sk_crossmodal.training._estimator.scan_frames", press)
    elif where == "network":
        monkeypatch.setattr("sk_crossmodal.training._estimator.build_net", press)
    elif where == "net":
        monkeypatch.setattr(Processes, "of", classmethod(press))
    else:
        estimator.set_params(callbacks=[Press(0, moment="begin")])


@pytest.mark.parametrize("where", ["frames", "network", "net", "first batch"])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_interruption_before_training_leaves_the_estimator_unchanged(where, method, monkeypatch):
    classifier = late().fit(X, Y)
    again, new = pickle.loads(pickle.dumps(classifier)), clone(classifier)
    for estimator in (new, again):
        before = dict(vars(estimator))
        with monkeypatch.context() as patched:
            interrupted_early(estimator, where, patched)
            before["callbacks"] = estimator.callbacks
            with pytest.raises(KeyboardInterrupt, match="estimator is unchanged"):
                getattr(estimator, method)(X, Y)
        assert vars(estimator) == before
    assert weights(again) == weights(classifier)


def test_interrupted_tower_without_classifier_is_fitted(monkeypatch):
    tower = make_tower()
    monkeypatch.setattr("sk_crossmodal.training._estimator.scan_frames", press)
    with pytest.raises(KeyboardInterrupt, match=r"CorrelationTower\.fit was interrupted before"):
        tower.fit(X, CLASSES)
    assert not hasattr(tower, "net_")


def test_interruption_at_any_time_leaves_all_or_nothing():
    """Either fitted with a warning, or unchanged with an error."""
    late(max_epochs=1).fit(X, Y)  # torch imports parts of itself at the first fit
    kept, delay = 0, 0.001
    while kept < 4 and delay < 60:  # however slow the machine is
        delay *= 1.5
        classifier = late(max_epochs=10_000, dropout=0.3)
        timer = threading.Timer(delay, press)
        try:
            timer.start()
            with warnings.catch_warnings(record=True) as messages:
                warnings.simplefilter("always")
                classifier.fit(X, Y)
        except KeyboardInterrupt:
            assert not any(name.endswith("_") for name in vars(classifier))
        else:
            kept += 1
            assert any("Classifier was interrupted" in str(each.message) for each in messages)
            assert_usable(classifier, classifier.n_iter_)
        timer.join()
    assert kept == 4


# In a search --------------------------------------------------------------------------------


def wrapped(classifier):
    scale = ("scale", ModalityTransformer())
    return Pipeline([scale, ("classify", classifier)])


def grid_search(estimator, **params):
    return GridSearchCV(estimator, {"random_state": [0, 1, 2]}, cv=2, **params).fit(X, Y)


def piped_search(estimator):
    pipeline = TransformedTargetClassifier(wrapped(estimator), transformer=make_labels()[0])
    names = {"classifier__classify__random_state": [0, 1, 2]}
    return GridSearchCV(pipeline, names, cv=KFold(2)).fit(X, make_videos().target)


SEARCHES = [
    grid_search,
    piped_search,
    lambda estimator: cross_validate(estimator, X, Y, cv=3),
    lambda estimator: cross_val_predict(estimator, X, Y, cv=3),
]


@pytest.mark.parametrize("search", SEARCHES)
def test_interrupted_search_stops(search, begun):
    with pytest.raises(
        KeyboardInterrupt, match=r"after 1 epochs of 2 and 1 batches.*and so were the"
    ):
        search(late(begun, Press(2)))
    assert Begun.count == 1


def test_search_interrupted_in_a_tower_stops(begun):
    classifier = make_classifier(
        correlation_tower=make_tower(callbacks=[Press(1)]), callbacks=[begun]
    )
    with pytest.raises(KeyboardInterrupt, match="Training of CorrelationTower was interrupted"):
        grid_search(classifier)
    assert Begun.count == 0


class PressAfter(Begun):
    """Ctrl-C in the batches of a training of that number."""

    count = 0

    def __init__(self, trainings):
        self.trainings = trainings

    def on_batch_end(self, net, **kwargs):
        if self.count == self.trainings:
            press()


def test_search_interrupted_in_the_refit_keeps_its_results():
    """The scores of the candidates are kept, and the best one is fitted."""
    PressAfter.count = 0
    with pytest.warns(UserWarning, match="after 0 epochs of 2 and 1 batches"):
        search = grid_search(late(PressAfter(7)))
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert np.isfinite(search.predict_proba(X)).all()


SCRIPT = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
sys.path.insert(0, {tests!r})
from estimator_cases import make_classifier, make_videos, make_y
from test_interruption import Mark
from sklearn.model_selection import GridSearchCV

search = GridSearchCV(
    make_classifier(fusion="late", max_epochs=100_000, callbacks=[Mark(sys.argv[1])]),
    {{"random_state": [0, 1, 2]}}, cv=2, n_jobs=2,
)
print("begins", flush=True)
try:
    search.fit(make_videos().data, make_y("classes"))
except KeyboardInterrupt:
    print("stopped", hasattr(search, "best_estimator_"))
"""


class Mark(Callback):
    """Leaves a file for each training that begins."""

    def __init__(self, folder):
        self.folder = folder

    def on_epoch_end(self, net, **kwargs):
        Path(self.folder, f"{os.getpid()}-{id(net)}").touch()


def test_interrupted_search_of_two_workers_stops(tmp_path):
    """As a terminal does, by a signal to all processes."""
    command = [sys.executable, "-c", SCRIPT.format(tests=str(Path(__file__).parent)), tmp_path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            for _ in range(600):
                if len(list(tmp_path.iterdir())) == 2:
                    break
                assert process.poll() is None
                threading.Event().wait(0.1)
            os.killpg(process.pid, signal.SIGINT)
            out, _ = process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert out == "begins\nstopped False\n"
    assert process.returncode == 0
    assert len(list(tmp_path.iterdir())) == 2  # of six, and the refit
