"""Reading ahead: the same batches, no thread left, errors at their batch."""

import gc
import pickle
import threading
import time

import numpy as np
import pytest
import torch
from estimator_cases import Interrupt, make_classifier, make_tower, make_videos, make_y, ragged
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict
from skorch.callbacks import Callback

from sk_crossmodal.training import FrameDataset
from sk_crossmodal.training import _data as data
from sk_crossmodal.training._data import BatchLoader
from sk_crossmodal.training._prefetch import AHEAD, read_ahead

pytestmark = pytest.mark.one_version


def readers():
    return [thread for thread in threading.enumerate() if "read_ahead" in thread.name]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    assert readers() == []


@pytest.fixture
def ahead(monkeypatch):
    """Have batches of any size read ahead, and count the epochs that are."""
    counted = []

    def counting(fetch, rows):
        counted.append(len(rows))
        return read_ahead(fetch, rows)

    monkeypatch.setattr(data, "READ_AHEAD_BYTES", 0)
    monkeypatch.setattr(data, "read_ahead", counting)
    return counted


# read_ahead -------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 2, 3, 20])
def test_read_ahead_yields_all_batches_in_order(n):
    assert list(read_ahead(lambda i: 10 * i, range(n))) == [10 * i for i in range(n)]


def test_read_ahead_reads_in_another_thread():
    """The caller waits for the thread."""
    read = [threading.Event() for _ in range(4)]

    def fetch(i):
        assert threading.current_thread() is not threading.main_thread()
        read[i].set()
        return i

    batches = read_ahead(fetch, range(4))
    assert next(batches) == 0
    assert all(event.wait(10) for event in read[1 : 1 + AHEAD])
    batches.close()


def test_read_ahead_reads_at_most_two_batches_ahead():
    fetched = []
    for i, batch in enumerate(read_ahead(lambda i: fetched.append(i) or i, range(30))):
        time.sleep(0.002)
        assert batch == i
        assert len(fetched) <= i + 1 + AHEAD
    assert fetched == list(range(30))


def test_read_ahead_does_not_keep_yielded_batches():
    kept = []

    class Batch:
        def __init__(self, i):
            kept.append(i)

        def __del__(self):
            kept.pop()

    for batch in read_ahead(Batch, range(20)):
        del batch
        gc.collect()
        assert len(kept) <= 1 + AHEAD


def test_read_ahead_raises_an_error_at_its_batch():
    def fetch(i):
        if i == 2:
            raise OSError("the disk is gone")
        return i

    batches, seen = read_ahead(fetch, range(10)), []
    with pytest.raises(OSError, match="the disk is gone"):
        seen.extend(iter(lambda: next(batches), None))
    assert readers() == []
    assert next(batches, None) is None


def test_read_ahead_closed_early_ends_its_thread():
    fetched = []
    batches = read_ahead(lambda i: fetched.append(i) or i, range(1000))
    next(batches)
    assert len(readers()) == 1
    batches.close()
    assert readers() == []
    assert len(fetched) <= 1 + 2 * AHEAD


# BatchLoader ------------------------------------------------------------------------------


def same_batch(a, b):
    for one, other in ((a[0].frames, b[0].frames), (a[0].masks, b[0].masks), (a[1], b[1])):
        assert all(torch.equal(one[name], other[name]) for name in other)


def test_batches_do_not_depend_on_other_random_numbers(ahead):
    X = ragged(n=40, lengths=(1, 30))
    dataset = FrameDataset(X, np.arange(40))
    torch.manual_seed(0)
    expected = []
    for _ in range(2):
        loader = BatchLoader(dataset, 7, shuffle=True)
        expected.append([loader.fetch(rows) for rows in loader.begin_epoch()])
    torch.manual_seed(0)
    for epoch in expected:
        state = None
        for batch, wanted in zip(BatchLoader(dataset, 7, shuffle=True), epoch, strict=True):
            same_batch(batch, wanted)
            state = torch.get_rng_state() if state is None else state
            assert torch.equal(state, torch.get_rng_state())
    assert ahead == [6, 6]
    torch.manual_seed(0)
    loader = BatchLoader(dataset, 7, shuffle=True)
    first = [rows.tolist() for rows in loader.begin_epoch()]
    seed = loader.generator.initial_seed()
    torch.rand(100)  # as dropout would
    torch.manual_seed(0)
    assert [rows.tolist() for rows in loader.begin_epoch()] == first
    assert loader.generator.initial_seed() == seed


def test_loader_without_shuffling_draws_no_random_numbers(ahead):
    state = torch.get_rng_state()
    loader = BatchLoader(FrameDataset(ragged(n=20)), 6, shuffle=False)
    assert len(list(loader)) == len(loader) == 4
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(("n_frames", "large"), [(16, False), (1200, True)])
def test_is_large_is_true_for_large_batches_only(n_frames, large):
    """8 videos of 14 float64 numbers per time step: 14 kB, and 1.05 MB."""
    X = ragged(n=16, lengths=(n_frames, n_frames + 1))
    dataset = FrameDataset(X)
    assert dataset.step_bytes() == (8 + 6) * 8
    assert BatchLoader(dataset, 8, shuffle=True).is_large() == large
    assert not BatchLoader(FrameDataset(X, max_frames=10), 8, shuffle=True).is_large()
    assert BatchLoader(dataset, 10**9, shuffle=True).is_large() == large  # there are only 16


# Fits -------------------------------------------------------------------------------------


def same_weights(a, b):
    state = b.module_.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in a.module_.state_dict().items())


@pytest.mark.parametrize(
    "make",
    [
        lambda: make_classifier(fusion="late", modality_dropout=0.3, early_stopping=True),
        lambda: make_classifier(correlation_tower=make_tower()),
        lambda: make_tower(encoder="rnn", encoder_params={"n_clusters": 2, "hidden_size": 4}),
    ],
    ids=["classifier", "with tower", "tower"],
)
def test_fit_with_read_ahead_equals_one_without_bit_for_bit(make, request, monkeypatch):
    monkeypatch.setattr("sk_crossmodal.correlation._tower.ALL_PAIRS", 0)  # so they are drawn
    X, y = make_videos().data, make_y("classes")
    monkeypatch.setattr(data, "READ_AHEAD_BYTES", float("inf"))
    plain = make().fit(X, y)
    expected = plain.predict_proba(X)
    ahead = request.getfixturevalue("ahead")
    read = make().fit(X, y)
    n_epochs = len(ahead)
    assert n_epochs >= 2
    assert read.loss_curve_ == plain.loss_curve_
    same_weights(read, plain)
    np.testing.assert_array_equal(read.predict_proba(X), expected)
    assert len(ahead) > n_epochs


class Fail(Callback):
    def __init__(self, error):
        self.error = error

    def on_batch_end(self, net, training=None, **kwargs):
        assert readers()
        raise self.error


def test_failed_fit_leaves_no_thread(ahead):
    classifier = make_classifier(fusion="late", callbacks=[Fail(RuntimeError("enough"))])
    with pytest.raises(RuntimeError, match="enough") as caught:
        classifier.fit(make_videos().data, make_y("classes"))
    assert caught.tb is not None  # which still holds the frames of the fit
    assert readers() == []


@pytest.mark.parametrize("callback", [Fail(KeyboardInterrupt()), Interrupt(1)])
def test_interrupted_fit_leaves_no_thread(ahead, callback):
    classifier = make_classifier(fusion="late", callbacks=[callback])
    with pytest.warns(UserWarning, match="interrupted"):
        classifier.fit(make_videos().data, make_y("classes"))
    assert readers() == []
    assert classifier.predict(make_videos().data).shape == (48,)


def test_error_in_the_reader_ends_the_fit(ahead, monkeypatch):
    X, y = make_videos().data, make_y("classes")
    classifier = make_classifier(fusion="late").fit(X, y)
    pad = type(X).pad

    def broken(self, rows, *args, **kwargs):
        if len(rows) > 1:
            raise OSError("the disk is gone")
        return pad(self, rows, *args, **kwargs)

    monkeypatch.setattr(type(X), "pad", broken)
    with pytest.raises(OSError, match="the disk is gone"):
        clone(classifier).fit(X, y)
    with pytest.raises(OSError, match="the disk is gone"):
        classifier.predict(X)
    assert readers() == []


def test_early_stopping_ends_the_thread(ahead):
    classifier = make_classifier(fusion="late", early_stopping=True, lr=10.0, max_epochs=30)
    classifier.fit(make_videos().data, make_y("classes"))
    assert classifier.n_iter_ < 30
    assert readers() == []


def test_fit_with_read_ahead_works_in_other_processes(ahead):
    X, y = make_videos().data, make_y("classes")
    classifier = make_classifier(fusion="late").fit(X, y)
    copied = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(copied.predict_proba(X), classifier.predict_proba(X))
    one, two = (
        cross_val_predict(clone(classifier), X, y, cv=2, n_jobs=n_jobs, method="predict_proba")
        for n_jobs in (None, 2)
    )
    np.testing.assert_array_equal(one, two)


def test_outputs_leave_the_gradient_mode_unchanged():
    """Outputs come one by one; whoever asks for them computes with gradients."""
    X = make_videos().data
    classifier = make_classifier(fusion="late").fit(X, make_y("classes"))
    outputs = classifier.net_.outputs(FrameDataset(X))
    for _, output in outputs:
        assert torch.is_grad_enabled()
        assert not output.requires_grad


def test_every_module_is_in_the_mode_of_the_net():
    """Also a module whose mode the user has changed."""
    X, y = make_videos().data, make_y("classes")
    classifier = make_classifier(fusion="late", dropout=0.5, early_stopping=True).fit(X, y)
    expected = classifier.predict_proba(X)
    classifier.module_.encoder.train()
    np.testing.assert_array_equal(classifier.predict_proba(X), expected)
    assert not any(part.training for part in classifier.module_.modules())

    class Modes(Callback):
        seen = set()  # noqa: RUF012

        def on_batch_end(self, net, training=None, **kwargs):
            self.seen |= {(training, part.training) for part in net.module_.modules()}

    make_classifier(fusion="late", early_stopping=True, callbacks=[Modes()]).fit(X, y)
    assert Modes.seen == {(True, True), (False, False)}
