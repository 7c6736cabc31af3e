"""Predict and fit in threads and processes: the short version of the campaign."""

import linecache
import os
import sys
import threading
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch
from estimator_cases import make_classifier, make_videos, make_y
from joblib import parallel_config
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from skorch.callbacks import Callback

from sk_crossmodal import load_model, save_model
from sk_crossmodal.multimodal import MultimodalArray
from sk_crossmodal.training._device import release_rng, seeded

pytestmark = pytest.mark.full

ROBUSTNESS = Path(__file__).resolve().parents[1] / "benchmarks" / "robustness"
FORKS = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
OWN = ("load", "training_cases", "campaign", "forked", "machine")


@pytest.fixture
def load(monkeypatch):
    monkeypatch.syspath_prepend(str(ROBUSTNESS))
    monkeypatch.setattr(sys, "path", sys.path.copy())  # to which the campaigns append
    for name in OWN:
        sys.modules.pop(name, None)
    yield __import__("load")
    for name in OWN:
        sys.modules.pop(name, None)


@pytest.fixture
def fitted(load):
    name = load.TESTED[0]
    return load.cases(1)[name]().fit(*load.videos())


def test_predict_in_eight_threads_is_equal(load, fitted, tmp_path):
    load.videos()[0].save(tmp_path / "store")
    for X in (load.videos()[0], MultimodalArray.open(tmp_path / "store")):
        assert load.predict_in_threads(fitted, X, 8, 3) == 0


@FORKS
def test_predict_in_four_forks_is_equal(load, fitted, tmp_path):
    """Forked processes share the open files of the store."""
    load.videos()[0].save(tmp_path / "store")
    X = MultimodalArray.open(tmp_path / "store")
    assert load.predict_in_forks(fitted, X, 4, 3) == 0


def test_predict_in_threads_counts_wrong_predictions(load, fitted):
    class Wrong:
        def predict_proba(self, X):
            calls.append(X)
            return fitted.predict_proba(X) + (len(calls) == 5)

    calls = []
    assert load.predict_in_threads(Wrong(), load.videos()[0], 4, 3) == 1


def test_fits_in_threads_equal_single_fits(load, fitted):
    figures = load.fits_in_threads(load.cases(2), fitted, 4, seed=0)
    assert figures["failed"] == 0
    assert figures["calls meanwhile"] >= 2


def test_growth_detects_leaks(load, fitted):
    assert load.growth(fitted, 20)["calls"] == 20
    leaks = []

    class Leaking:
        def predict_proba(self, X):
            leaks.append(bytes(65_536) + b"0")

    assert load.growth(Leaking(), 1000)["failed"] == 1


def drawn(seed, started, go):
    with seeded(seed):
        first = torch.rand(3)
        started.set()
        go.wait(5)
        return [*first.tolist(), *torch.rand(3).tolist()]


def test_seeded_threads_take_turns():
    """Each thread draws as in a single thread, and the global random state is unchanged."""
    torch.manual_seed(7)
    state, results = torch.get_rng_state(), {}
    events = [threading.Event() for _ in "ab"]

    def draw(seed):
        results[seed] = drawn(seed, events[seed], events[1 - seed])

    expected = {seed: drawn(seed, threading.Event(), _set()) for seed in (0, 1)}
    threads = [threading.Thread(target=draw, args=(seed,)) for seed in (0, 1)]
    threads[0].start()
    events[0].wait()  # it has drawn half, and waits for the other thread
    threads[1].start()
    threads[1].join(0.2)
    assert threads[1].is_alive()  # so it has to wait
    assert not events[1].is_set()
    events[1].set()
    for thread in threads:
        thread.join()
    assert results == expected
    assert torch.equal(torch.get_rng_state(), state)


def _set():
    event = threading.Event()
    event.set()
    return event


def interrupted_at(line):
    """Use `seeded`, and raise KeyboardInterrupt after a number of its lines."""
    left, code = [line], seeded.__wrapped__.__code__

    def trace(frame, event, arg):
        if frame.f_code is not code:
            return None
        # Python handles no signal there.
        source = linecache.getline(code.co_filename, frame.f_lineno).split()
        left[0] -= event == "line" and source[0] not in ("with", "try:")
        if not left[0]:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with seeded(0):
            pass
    finally:
        sys.settrace(before)


def test_seeded_interrupted_restores_global_state():
    """Interrupt each line of `seeded`; then two fits overlap, and the first one ends last."""
    line, done = 0, False
    while not done:
        line += 1
        try:
            interrupted_at(line)
            done = True
        except KeyboardInterrupt:
            pass
        torch.manual_seed(7)
        state, inside, go = torch.get_rng_state(), threading.Event(), threading.Event()

        def second(inside=inside, go=go):
            with seeded(1), release_rng():
                inside.set()
                go.wait()

        thread = threading.Thread(target=second)
        with seeded(2), release_rng():
            thread.start()
            inside.wait()
        go.set()
        thread.join()
        assert torch.equal(torch.get_rng_state(), state), f"after line {line}"
    assert line > 7


@FORKS
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
def test_seeded_nested_or_forked_does_not_block():
    """Neither the same thread nor a process forked while a thread draws waits forever."""
    go, started = threading.Event(), threading.Event()
    other = threading.Thread(target=drawn, args=(0, started, go))
    other.start()
    started.wait()
    process = get_context("fork").Process(target=drawn, args=(1, threading.Event(), _set()))
    process.start()
    process.join(20)
    alive = process.is_alive()
    process.kill()
    go.set()
    other.join()
    assert not alive
    with seeded(0):
        first = torch.rand(3)
        with seeded(1):
            torch.rand(1)
        second = torch.rand(3)
    assert [*first.tolist(), *second.tolist()] == drawn(0, threading.Event(), _set())


class Waits(Callback):
    """Fits other estimators in threads at each event, and waits for them."""

    def __init__(self, event):
        self.scores = []
        setattr(self, event, self.fit_others)

    def fit_others(self, net, **kwargs):
        X, y = make_videos(24).data, make_y("classes", 24)
        own = make_classifier(fusion="late", random_state=3)
        with parallel_config("threading", n_jobs=2):
            self.scores.append(cross_val_score(own, X, y, cv=2).tolist())


@pytest.mark.parametrize("event", ["on_train_begin", "on_epoch_end", "on_batch_begin"])
def test_callback_waits_for_fits_in_threads(event):
    X, y = make_videos().data, make_y("classes")
    torch.manual_seed(7)
    state, waits = torch.get_rng_state(), Waits(event)
    classifier = make_classifier(fusion="late", dropout=0.3, max_epochs=2, batch_size=64)
    expected = clone(classifier).fit(X, y).predict_proba(X)
    thread = threading.Thread(target=classifier.set_params(callbacks=[waits]).fit, args=(X, y))
    thread.daemon = True
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert np.array_equal(classifier.predict_proba(X), expected)
    assert waits.scores
    assert waits.scores == [waits.scores[0]] * len(waits.scores)
    assert torch.equal(torch.get_rng_state(), state)


def test_load_model_while_thread_trains_does_not_wait(fitted, tmp_path):
    save_model(fitted, tmp_path / "model")
    started, go = threading.Event(), threading.Event()
    other = threading.Thread(target=drawn, args=(0, started, go))
    other.start()
    started.wait()
    loader = threading.Thread(target=load_model, args=(tmp_path / "model",))
    loader.start()
    loader.join(4)
    waits = loader.is_alive()
    go.set()
    other.join()
    assert not waits
