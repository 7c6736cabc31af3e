"""Checkpoints: an interrupted and resumed fit equals an uninterrupted one, bit for bit."""

import errno
import os
import pickle
import re
import signal
import subprocess
import sys
import time
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from estimator_cases import (
    Interrupt,
    from_rows,
    make_classifier,
    make_labels,
    make_tower,
    make_videos,
    make_y,
    rows_of,
)
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

from sk_crossmodal import MultimodalArray
from sk_crossmodal.training import MultimodalNet, Processes
from sk_crossmodal.training._checkpoint import Checkpoint
from sk_crossmodal.training._data import BatchLoader

pytestmark = pytest.mark.sample(0.3, by=())

X, Y, CLASSES = make_videos().data, make_y("multilabel"), make_y("classes")
HELD_OUT = (make_videos(24, 1).data, make_labels()[0].transform(make_videos(24, 1).target))


class Killed(Exception):  # noqa: N818, it replaces a killed process
    pass


class KillAt(Callback):
    """Ends the training of a net before some training batch, counted over all epochs."""

    def __init__(self, batch):
        self.batch = batch

    def on_batch_begin(self, net, training=None, **kwargs):
        self.batch -= bool(training)
        if self.batch < 0:
            raise Killed


def cut(estimator, at, *data, **fit_params):
    """Fit until just before training batch number `at`."""
    killed = clone(estimator).set_params(callbacks=[KillAt(at)])
    with pytest.raises(Killed):
        killed.fit(*data, **fit_params)


def resumed(estimator, *data, **fit_params):
    return clone(estimator).set_params(resume=True).fit(*data, **fit_params)


def history(estimator):
    return [{k: v for k, v in row.items() if k != "dur"} for row in estimator.history_]


def assert_same(estimator, expected):
    assert history(estimator) == history(expected)
    assert estimator.n_iter_ == expected.n_iter_
    assert estimator.loss_curve_ == expected.loss_curve_
    np.testing.assert_array_equal(estimator.predict_proba(X), expected.predict_proba(X))
    weights, wanted = estimator.module_.state_dict(), expected.module_.state_dict()
    assert all(torch.equal(weights[name], wanted[name]) for name in wanted)


def plain(estimator, *data, **fit_params):
    off = {"checkpoint": None, "checkpoint_interval": 1}
    return clone(estimator).set_params(**off).fit(*data, **fit_params)


def files(folder, kind=""):
    return sorted(path.name for path in Path(folder).glob(f"{kind}*"))


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "kept")


@pytest.fixture
def steps(monkeypatch):
    """The training steps of all nets, one entry each."""
    done, step = [], MultimodalNet.train_step

    def counting(net, *args, **kwargs):
        done.append(net)
        return step(net, *args, **kwargs)

    monkeypatch.setattr(MultimodalNet, "train_step", counting)
    return done


# The same as uninterrupted ----------------------------------------------------------------


@pytest.mark.parametrize("interval", [1, 0.3])
@pytest.mark.parametrize("family", ["transformer", "netvlad", "rnn"])
def test_resumed_fit_of_every_family_equals_the_uninterrupted_one(family, interval, folder):
    classifier = make_classifier(
        family, max_epochs=4, checkpoint=folder, checkpoint_interval=interval, dropout=0.3
    )
    expected = plain(classifier, X, Y)
    cut(classifier, 8, X, Y)  # batch 3 of 3 of the third epoch
    assert_same(resumed(classifier, X, Y), expected)


@pytest.mark.parametrize("interval", [1, 2, 0.3])
@pytest.mark.parametrize("at", [0, 1, 3, 5, 11])
def test_resumed_fit_after_several_interruptions_equals_the_uninterrupted_one(
    at, interval, folder, steps
):
    classifier = make_classifier(
        fusion="late", max_epochs=4, checkpoint=folder, checkpoint_interval=interval
    )
    expected = plain(classifier, X, Y)
    del steps[:]
    cut(classifier, at, X, Y)
    cut(clone(classifier).set_params(resume=True), 0, X, Y)
    assert_same(resumed(classifier, X, Y), expected)
    lost = {1: at % 3, 2: at % 6, 0.3: 0}[interval]
    assert len(steps) == 12 + lost


def test_checkpoint_interval_below_one_saves_within_the_epoch(folder, steps):
    classifier = make_classifier(
        fusion="late", batch_size=4, checkpoint=folder, checkpoint_interval=0.25
    )
    expected = plain(classifier, X, Y)
    del steps[:]
    cut(classifier, 20, X, Y)  # batch 8 of 12 of the second epoch, saved after 3, 6, 9, ...
    assert_same(resumed(classifier, X, Y), expected)
    assert len(steps) == 24 + 2


@pytest.mark.parametrize("at", [2, 7, 8, 9])
@pytest.mark.parametrize("n_videos", [48, 96])
@pytest.mark.parametrize("interval", [1, 0.3])
def test_resumed_tower_equals_the_uninterrupted_one(at, n_videos, interval, folder):
    """With 48 videos every batch has all pairs, with 96 one negative is drawn for each."""
    data = make_videos(n_videos).data, make_y("classes", n_videos)
    tower = make_tower(
        encoder="rnn",
        encoder_params={"n_clusters": 2, "hidden_size": 4},
        batch_size=16 * n_videos // 48,
        max_epochs=4,
        early_stopping=True,
        checkpoint=folder,
        checkpoint_interval=interval,
    )
    expected = plain(tower, *data)
    assert (expected.net_.history[0, "train_batch_count"]) == 3
    cut(tower, at, *data)
    assert_same(resumed(tower, *data), expected)


@pytest.mark.parametrize("eval_set", [None, HELD_OUT])
def test_resumed_plateau_schedule_equals_the_uninterrupted_one(eval_set, folder):
    classifier = make_classifier(
        fusion="late",
        lr=0.1,
        dropout=0.5,  # so that the loss rises now and then
        lr_patience=0,
        max_epochs=12,
        early_stopping=False,
        checkpoint=folder,
    )
    expected = plain(classifier, X, Y, eval_set=eval_set)
    rates = [row["event_lr"] for row in expected.history_]
    at = next(i for i, rate in enumerate(rates) if rate < 0.1) + 1
    assert rates[at] > rates[-1]  # reduced before, and after
    cut(classifier, 3 * at + 1, X, Y, eval_set=eval_set)
    assert_same(resumed(classifier, X, Y, eval_set=eval_set), expected)


@pytest.mark.parametrize("at", [2, 4, 7, 14, 16])
def test_resumed_cosine_schedule_equals_the_uninterrupted_one(at, folder):
    classifier = make_classifier(
        fusion="late", lr_schedule="cosine", lr=0.01, max_epochs=6, checkpoint=folder
    )
    expected = plain(classifier, X, Y)
    assert len({row["event_lr"] for row in expected.history_}) == 6
    cut(classifier, at, X, Y)
    assert_same(resumed(classifier, X, Y), expected)


def stopping(folder, **params):
    """A classifier that learns by heart: it stops early, and restores weights of before."""
    defaults = {"fusion": "late", "lr": 0.005, "max_epochs": 30, "early_stopping": True}
    return make_classifier(**{**defaults, **params}, checkpoint=folder, checkpoint_interval=0.4)


def test_resumed_early_stopping_restores_weights_from_before_the_interruption(folder):
    classifier = stopping(folder)
    expected = plain(classifier, X, Y, eval_set=HELD_OUT)
    best = int(np.argmin([row["valid_loss"] for row in expected.history_])) + 1
    assert 1 < best < best + 5 == expected.n_iter_ < 30
    cut(classifier, 3 * (best + 2) + 1, X, Y, eval_set=HELD_OUT)
    again = resumed(classifier, X, Y, eval_set=HELD_OUT)
    assert_same(again, expected)
    kept = [each.net_.kept_epoch()["valid_loss"] for each in (again, expected)]
    assert kept[0] == kept[1] == min(row["valid_loss"] for row in expected.history_)
    assert again.validation_scores_ == expected.validation_scores_


def test_resumed_fit_that_had_stopped_early_trains_no_more(folder, steps):
    classifier = stopping(folder)
    expected = clone(classifier).fit(X, Y, eval_set=HELD_OUT)
    del steps[:]
    for n_epochs in (30, 50):
        again = resumed(classifier.set_params(max_epochs=n_epochs), X, Y, eval_set=HELD_OUT)
        assert_same(again, expected)
        assert not again.net_.interrupted
    assert not steps
    assert len(files(folder)) == 2


@pytest.mark.parametrize("form", ["multilabel", "csr", "classes", "binary"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_forms_of_y(form, precision, folder):
    y = make_y(form)
    y = y.astype(object) if form == "classes" else y
    classifier = make_classifier(
        fusion="cross_modal", precision=precision, max_epochs=3, checkpoint=folder
    )
    expected = plain(classifier, X, y)
    cut(classifier, 4, X, y)
    assert_same(resumed(classifier, X, y), expected)


def test_weights_and_modality_dropout_and_class_weight(folder):
    weight = np.linspace(0, 2, 48)
    classifier = make_classifier(
        fusion="early", class_weight="balanced", max_epochs=3, checkpoint=folder
    )
    expected = plain(classifier, X, CLASSES, sample_weight=weight)
    cut(classifier, 4, X, CLASSES, sample_weight=weight)
    assert_same(resumed(classifier, X, CLASSES, sample_weight=weight), expected)


def test_optimizers_of_other_kinds(folder):
    params = {"optimizer": torch.optim.RMSprop, "optimizer__momentum": 0.5}
    classifier = make_classifier(fusion="late", net_params=params, max_epochs=3, checkpoint=folder)
    expected = plain(classifier, X, Y)
    cut(classifier, 4, X, Y)
    assert_same(resumed(classifier, X, Y), expected)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("schedule", ["plateau", "cosine"])
def test_numbers_of_numpy(kind, schedule, folder):
    """As `np.logspace` and distributions return them."""
    classifier = make_classifier(
        fusion="late",
        lr=kind(0.1),
        weight_decay=kind(0.01),
        lr_schedule=schedule,
        lr_patience=np.int64(0),
        max_epochs=np.int64(6),
        net_params={"optimizer__betas": (np.float64(0.8), np.float64(0.9))},
        checkpoint=folder,
    )
    expected = plain(classifier, X, Y)
    assert len({row["event_lr"] for row in expected.history_}) > 1
    cut(classifier, 14, X, Y)
    assert_same(resumed(classifier, X, Y), expected)


# The classifier's tower -------------------------------------------------------------------


@pytest.mark.parametrize("fusion", ["cross_modal_gated", "cross_modal_concat"])
def test_fit_interrupted_in_the_tower_resumes_there(fusion, folder, steps):
    tower = make_tower(max_epochs=4, callbacks=[KillAt(7)])
    classifier = make_classifier(
        fusion=fusion, correlation_tower=make_tower(max_epochs=4), checkpoint=folder
    )
    expected = plain(classifier, X, Y)
    with pytest.raises(Killed):
        clone(classifier).set_params(correlation_tower=tower).fit(X, Y)
    assert len(files(folder)) == 1
    del steps[:]
    again = resumed(classifier, X, Y)
    assert_same(again, expected)
    assert_same(again.correlation_tower_, expected.correlation_tower_)
    assert len(steps) == 6 + 6


@pytest.mark.parametrize("tower", [None, make_tower(), make_tower(random_state=None)])
def test_resumed_fit_does_not_train_a_finished_tower_again(tower, folder, steps):
    classifier = make_classifier(correlation_tower=tower, checkpoint=folder, max_epochs=3)
    expected = plain(classifier, X, Y)
    cut(classifier, 4, X, Y)
    del steps[:]
    assert_same(resumed(classifier, X, Y), expected)
    assert len(steps) == 6


def test_tower_with_its_own_checkpoint_folder_uses_it(folder, tmp_path):
    tower = make_tower(checkpoint=tmp_path / "towers")
    make_classifier(correlation_tower=tower, checkpoint=folder).fit(X, Y)
    assert len(files(folder)) == len(files(tmp_path / "towers")) == 1
    assert tower.resume is False


def test_resumed_fit_with_a_frozen_tower_equals_the_uninterrupted_one(folder):
    towers = [FrozenEstimator(make_tower(max_epochs=n).fit(X, Y)) for n in (1, 2)]
    classifier = make_classifier(correlation_tower=towers[0], checkpoint=folder, max_epochs=3)
    expected = plain(classifier, X, Y)
    cut(classifier, 4, X, Y)
    other = pickle.loads(pickle.dumps(classifier))  # as in another process
    other.set_params(resume=True).fit(X, Y)
    assert_same(other, expected)
    classifier.set_params(correlation_tower=towers[1])  # another tower, so no checkpoint fits
    assert_same(resumed(classifier, X, Y), plain(classifier, X, Y))


def test_checkpoint_and_memory_work_together(folder, tmp_path, steps):
    classifier = make_classifier(
        correlation_tower=make_tower(), memory=str(tmp_path / "towers"), checkpoint=folder
    )
    expected = classifier.fit(X, Y)
    del steps[:]
    assert_same(plain(classifier, X, Y), expected)
    assert len(steps) == 6  # memory finds the tower, whatever its checkpoints


# A killed process ------------------------------------------------------------------------------

SCRIPT = """
import os, signal, sys
import numpy as np, torch
torch.set_num_threads(1)
sys.path.insert(0, {tests!r})
from test_checkpoint import big_case, KillAt

def kill(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

moment, count, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
classifier, data = big_case(folder)
if moment == "batch":
    KillAt.on_batch_begin = lambda self, net, training=None, **kw: (
        setattr(self, "batch", self.batch - bool(training)), self.batch < 0 and kill())
    classifier.set_params(callbacks=[KillAt(count)])
else:
    real, left = getattr(os, moment), [count]
    def counting(*args):
        left[0] -= 1
        return kill() if left[0] < 0 else real(*args)
    setattr(os, moment, counting)
classifier.fit(*data)
"""


def big_case(folder):
    """A classifier with a hierarchy, and labels that are Python's own strings."""
    labels, _ = make_labels()
    classifier = make_classifier(
        hierarchy=labels.hierarchy_,
        correlation_tower=make_tower(hierarchy=labels.hierarchy_),
        max_epochs=3,
        early_stopping=True,
        checkpoint=folder,
        checkpoint_interval=0.4,
    )
    return classifier, (X, np.array(CLASSES.tolist(), dtype=object))


@pytest.mark.parametrize(("moment", "count"), [("batch", 5), ("fsync", 3), ("replace", 9)])
def test_fit_after_sigkill_resumes(moment, count, folder):
    """At a batch of the classifier; in the midst of writing the tower's and the classifier's."""
    tests = str(Path(__file__).parent)
    command = [sys.executable, "-c", SCRIPT.format(tests=tests), moment, str(count), folder]
    environment = {
        **os.environ,
        "PYTHONHASHSEED": str(count),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    ended = subprocess.run(command, env=environment, check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    before = {path.name for path in Path(folder).glob("*.pt")}
    assert before
    classifier, data = big_case(folder)
    assert_same(resumed(classifier, *data), plain(classifier, *data))
    assert len(list(Path(folder).glob("*.pt"))) == 2  # the other process named them the same


def test_partial_file_of_a_killed_process_is_removed_when_old(folder):
    classifier = make_classifier(fusion="late", checkpoint=folder).fit(X, Y)
    (kept,) = files(folder)
    old, new = (Path(folder, kept).with_suffix(f".{age}.part") for age in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    resumed(classifier, X, Y)
    assert files(folder) == sorted([kept, new.name])  # which another process may be writing


def test_partial_file_that_another_process_finishes_is_ignored(folder):
    """The file is listed, but gone when it is opened, like a broken link."""
    classifier = make_classifier(fusion="late", checkpoint=folder).fit(X, Y)
    (kept,) = files(folder)
    Path(folder, kept).with_suffix(".gone.part").symlink_to("nowhere")
    assert_same(resumed(classifier, X, Y), classifier)


# Writing that fails -----------------------------------------------------------------------


def fail_from(monkeypatch, name, error, count):
    """Make an os function raise from its `count`-th call on."""
    real, left = getattr(os, name), [count]

    def failing(*args):
        left[0] -= 1
        if left[0] < 0:
            raise error
        return real(*args)

    monkeypatch.setattr(os, name, failing)


PER_SAVE = {"fsync": 2, "replace": 1}  # calls: the file and its folder are synchronised


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_ctrl_c_while_writing_keeps_the_last_checkpoint(name, folder, monkeypatch):
    classifier = make_classifier(fusion="late", max_epochs=5, checkpoint=folder)
    expected = plain(classifier, X, Y)
    with monkeypatch.context() as patched:
        fail_from(patched, name, KeyboardInterrupt(), 2 * PER_SAVE[name])
        with pytest.warns(UserWarning, match="interrupted after 3 epochs"):
            classifier.fit(X, Y)
    assert len(files(folder)) == 1
    assert_same(resumed(classifier, X, Y), expected)


@pytest.mark.parametrize("name", ["fsync", "replace"])
@pytest.mark.parametrize("count", [0, 2])
def test_full_disk_warns_and_training_continues(name, count, folder, monkeypatch, steps):
    classifier = make_classifier(fusion="late", max_epochs=5, checkpoint=folder)
    expected = plain(classifier, X, Y)
    with monkeypatch.context() as patched:
        full_disk = OSError(errno.ENOSPC, "No space left on device")
        fail_from(patched, name, full_disk, count * PER_SAVE[name])
        with pytest.warns(UserWarning, match="No space left") as warned:
            full = clone(classifier).fit(X, Y)
    assert len(warned) == 5 - count
    assert_same(full, expected)
    assert len(files(folder)) == (count > 0)
    del steps[:]
    assert_same(resumed(classifier, X, Y), expected)
    assert len(steps) == 3 * (5 - count)


def test_ctrl_c_in_training_can_be_resumed(folder, steps):
    classifier = make_classifier(fusion="late", max_epochs=5, checkpoint=folder)
    expected = plain(classifier, X, Y)
    with pytest.warns(UserWarning, match="interrupted after 2 epochs"):
        clone(classifier).set_params(callbacks=[Interrupt(epoch=2)]).fit(X, Y)
    del steps[:]
    again = resumed(classifier, X, Y)
    assert_same(again, expected)
    assert not again.net_.interrupted
    assert len(steps) == 12  # the second epoch's callbacks had not all been called


def test_reading_ahead_ends_with_the_epoch(folder, monkeypatch):
    """Also of an interrupted epoch: no thread continues to read ahead."""
    closed, read = [], BatchLoader.__iter__

    def watched(loader):
        try:
            yield from read(loader)
        finally:
            closed.append(loader)

    monkeypatch.setattr(BatchLoader, "__iter__", watched)
    classifier = make_classifier(fusion="late", checkpoint=folder, checkpoint_interval=0.3)
    killed = clone(classifier).set_params(callbacks=[KillAt(4)])
    with pytest.raises(Killed) as raised:
        killed.fit(X, Y)
    assert raised.traceback  # which keeps every frame and its variables alive
    assert len(closed) == 2


@pytest.mark.parametrize("main", [True, False])
def test_checkpoint_of_a_process_group_is_written_by_the_first_process(main, folder, monkeypatch):
    monkeypatch.setattr(MultimodalNet, "processes", Processes(index=0 if main else 1))
    make_classifier(fusion="late", checkpoint=folder).fit(X, Y)
    assert len(files(folder)) == main


# Identity of a fit ------------------------------------------------------------------------


def test_longer_fit_continues_from_a_finished_shorter_one(folder, steps):
    classifier = make_classifier(fusion="late", max_epochs=3, checkpoint=folder)
    expected = clone(classifier).fit(X, Y)
    longer = plain(clone(classifier).set_params(max_epochs=5), X, Y)
    del steps[:]
    assert_same(resumed(classifier, X, Y), expected)
    assert not steps
    assert_same(resumed(clone(classifier).set_params(max_epochs=5), X, Y), longer)
    assert len(steps) == 3 * 2
    again = clone(classifier).set_params(net_params={"max_epochs": 5})
    assert_same(resumed(again, X, Y), longer)
    assert len(steps) == 3 * 2
    assert len(files(folder)) == 2
    assert_same(
        resumed(clone(classifier).set_params(max_epochs=2), X, Y),
        plain(classifier.set_params(max_epochs=2), X, Y),
    )


def test_longer_cosine_schedule_is_another_fit(folder, steps):
    classifier = make_classifier(
        fusion="late", lr_schedule="cosine", max_epochs=2, checkpoint=folder
    ).fit(X, Y)
    classifier.set_params(max_epochs=3)
    del steps[:]
    again = resumed(classifier, X, Y)
    assert len(steps) == 9
    assert_same(again, plain(classifier, X, Y))


def test_checkpoint_without_resume_is_not_overwritten(folder):
    classifier = make_classifier(fusion="late", checkpoint=folder).fit(X, Y)
    probability, (name,) = classifier.predict_proba(X), files(folder)
    before = Path(folder, name).read_bytes()
    with pytest.raises(ValueError, match=f"{name} is a checkpoint of this fit: resume=True"):
        classifier.fit(X, Y)
    assert Path(folder, name).read_bytes() == before
    np.testing.assert_array_equal(classifier.predict_proba(X), probability)


def changed(part):
    video, audio = rows_of(X, "video"), rows_of(X, "audio")
    if part == "frame":
        video[7][0, 1] += 1e-3
    return from_rows(video=video, audio=audio)


@pytest.mark.parametrize(
    ("params", "data", "name"),
    [
        ({"lr": 1e-4}, {}, "lr"),
        ({"dropout": 0.2}, {}, "dropout"),
        ({"random_state": 1}, {}, "random_state, seed"),
        ({"net_params": {"optimizer__eps": 1e-6}}, {}, "net_params"),
        ({}, {"X": changed("frame")}, "videos"),
        ({}, {"X": X[::-1]}, "videos"),
        ({}, {"y": np.roll(CLASSES, 1)}, "videos"),
        ({}, {"sample_weight": np.linspace(1, 2, 48)}, "videos"),
        ({}, {"eval_set": (X[:9], CLASSES[:9])}, "videos held out"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_fit_with_other_inputs_starts_from_scratch_and_prints_the_difference(
    params, data, name, folder, capsys
):
    classifier = make_classifier(fusion="late", early_stopping=False, checkpoint=folder)
    classifier.fit(X, CLASSES)
    other = clone(classifier).set_params(**params)
    data = {"X": X, "y": CLASSES, **data}
    again = clone(other).set_params(resume=True, verbose=1).fit(**data)
    assert f"differs in {name}\n" in capsys.readouterr().out
    assert_same(again, plain(other, **data))
    assert len(files(folder)) == 2


@pytest.mark.parametrize(
    "params",
    [{"verbose": 1}, {"device": "cpu"}, {"callbacks": []}, {"checkpoint_interval": 0.5}],
)
def test_the_same_fit(params, folder, steps, capsys):
    classifier = make_classifier(fusion="late", checkpoint=folder).fit(X, Y)
    del steps[:]
    # The same videos in another container.
    resumed(classifier.set_params(**params), changed("nothing"), np.array(Y))
    assert not steps
    assert ("Resuming after 2 epochs" in capsys.readouterr().out) == ("verbose" in params)


def test_verbose_prints_that_there_is_no_checkpoint(folder, capsys):
    make_classifier(fusion="late", checkpoint=folder, resume=True, verbose=1).fit(X, Y)
    assert f"No checkpoint of this fit in {folder}\n" in capsys.readouterr().out


# Refusals ---------------------------------------------------------------------------------


def unpicklable():
    return lambda *args, **kwargs: torch.optim.AdamW(*args, **kwargs)


@pytest.mark.parametrize(
    ("params", "error", "match"),
    [
        ({"checkpoint": None, "resume": True}, ValueError, "needs a folder to resume from"),
        ({"checkpoint": 3}, TypeError, "path of a folder or None, got 3"),
        (
            {"checkpoint": __file__},
            ValueError,
            r"must be the path of a folder or None, got '.*test_checkpoint.py'",
        ),
        ({"random_state": None}, ValueError, "an int as random_state.*got None"),
        ({"random_state": np.random.RandomState(0)}, ValueError, "an int as random_state"),
        ({"resume": "yes"}, ValueError, "resume must be one of"),
        ({"checkpoint_interval": 0}, ValueError, "checkpoint_interval must be a number > 0"),
        (
            {"checkpoint_interval": 1.5},
            ValueError,
            "checkpoint_interval must be whole or below 1, got 1.5",
        ),
        ({"checkpoint_interval": "1"}, TypeError, "checkpoint_interval"),
        (
            {"net_params": {"optimizer": unpicklable()}},
            ValueError,
            "checkpoint needs a net_params that can be pickled",
        ),
    ],
)
@pytest.mark.parametrize("make", [make_classifier, make_tower])
def test_wrong_checkpoint_parameters_are_refused(make, params, error, match, tmp_path, steps):
    estimator = make(**{"checkpoint": tmp_path, **params})
    if make is make_classifier:
        estimator.set_params(fusion="late")
    with pytest.raises(error, match=match):
        estimator.fit(X, Y)
    assert not steps
    assert not files(tmp_path)


def test_partial_fit_with_checkpoint_is_refused(folder):
    with pytest.raises(ValueError, match="partial_fit writes no checkpoint"):
        make_classifier(fusion="late", checkpoint=folder).partial_fit(X, Y)
    assert not Path(folder).exists()


def damaged(data, how):
    half = len(data) // 2
    with zipfile.ZipFile(BytesIO(data)) as file:
        weights = max((file.read(each) for each in file.namelist()), key=len)
    bit = data.index(weights) + len(weights) // 2  # no padding, which has no checksum
    return {
        "cut off": data[:half],
        "empty": b"",
        "one bit": data[:bit] + bytes([data[bit] ^ 1]) + data[bit + 1 :],
        "zeros": data[:half] + bytes(len(data) - half),
        "something else": b"text",
    }[how]


@pytest.mark.parametrize("how", ["cut off", "empty", "one bit", "zeros", "something else"])
def test_damaged_checkpoint_is_refused(how, folder, steps):
    classifier = make_classifier(fusion="late", checkpoint=folder).fit(X, Y)
    (path,) = Path(folder).iterdir()
    path.write_bytes(damaged(path.read_bytes(), how))
    del steps[:]
    with pytest.raises(ValueError, match=rf"{path.name}' cannot be read: .*Delete it"):
        resumed(classifier, X, Y)
    assert not steps
    # A damaged checkpoint of another fit is ignored.
    other = clone(classifier).set_params(lr=1e-5, verbose=1)
    assert resumed(other, X, Y).n_iter_ == 2


def test_checkpoint_with_a_flipped_bit_is_refused_or_equal(folder):
    classifier = make_classifier(fusion="late", max_epochs=1, checkpoint=folder, d_model=4)
    expected = clone(classifier).fit(X[:9], Y[:9])
    (path,) = Path(folder).iterdir()
    data, refused = path.read_bytes(), 0
    for place in np.random.default_rng(0).integers(len(data), size=25):
        path.write_bytes(data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :])
        try:
            again = resumed(classifier, X[:9], Y[:9])
        except ValueError:
            refused += 1
        else:  # a bit outside the members of the archive
            assert_same(again, expected)
    assert refused > 5


def test_checkpoint_of_another_format_is_refused(folder):
    classifier = make_classifier(fusion="late", checkpoint=folder).fit(X, Y)
    (path,) = Path(folder).iterdir()
    state = torch.load(path, weights_only=True)  # no pickle of anything but tensors and numbers
    torch.save({**state, "format": 99}, path)
    with pytest.raises(ValueError, match="cannot be read: its format is 99, expected 1"):
        resumed(classifier, X, Y)


def test_folder_that_cannot_be_created_raises(tmp_path, steps):
    (tmp_path / "file").write_text("")
    classifier = make_classifier(fusion="late", checkpoint=tmp_path / "file" / "kept")
    with pytest.raises(OSError, match="file"):
        classifier.fit(X, Y)
    assert not steps


# With other features ---------------------------------------------------------------------


def test_fit_without_checkpoint_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_classifier().fit(X, Y)
    make_tower().fit(X, Y)
    assert not files(tmp_path)


def test_fit_with_checkpoints_equals_one_without(folder):
    classifier = make_classifier(checkpoint=folder, checkpoint_interval=0.3).fit(X, Y)
    assert_same(classifier, plain(classifier, X, Y))
    assert not any(isinstance(each, Checkpoint) for _, each in classifier.net_.callbacks_)
    assert_same(pickle.loads(pickle.dumps(classifier)), classifier)


def test_resumed_search_equals_the_uninterrupted_one(folder, steps):
    grid = {"lr": [1e-3, 1e-2], "max_epochs": [2, 3]}
    classifier = make_classifier(correlation_tower=make_tower(), checkpoint=folder)
    expected = GridSearchCV(clone(classifier).set_params(checkpoint=None), grid, cv=2).fit(X, Y)
    first = GridSearchCV(classifier, grid, cv=2).fit(X, Y)
    assert len(files(folder, "Correlation")) == 3
    assert len(files(folder, "CrossModal")) == 4 * 2 + 1
    for path in sorted(Path(folder).glob("CrossModal*-3.pt"))[:3]:
        path.unlink()
    del steps[:]
    search = GridSearchCV(classifier.set_params(resume=True), grid, cv=2).fit(X, Y)
    assert 0 < len(steps) <= 3 * 3  # from the shorter ones' files
    for each in (first, search):
        for name in ("mean_test_score", "std_test_score"):
            np.testing.assert_array_equal(each.cv_results_[name], expected.cv_results_[name])
        assert_same(each.best_estimator_, expected.best_estimator_)


def test_folds_that_differ_only_in_frames_have_different_checkpoints(folder):
    """With sorted labels and videos of one length, folds differ in frames alone."""
    frames = np.random.RandomState(0).randn(12, 4, 3)
    y = np.repeat(["a", "b"], 6)
    lengths = {"video": np.full(12, 4)}
    videos = MultimodalArray.from_frames({"video": frames.reshape(48, 3)}, lengths)
    for data in (frames, videos):
        classifier = make_classifier(fusion="late", max_epochs=1, checkpoint=folder, resume=True)
        search = GridSearchCV(classifier, {"lr": [1e-2]}, cv=3, scoring="neg_log_loss")
        without = GridSearchCV(
            plain_params(classifier), {"lr": [1e-2]}, cv=3, scoring="neg_log_loss"
        )
        scores = [s.fit(data, y).cv_results_ for s in (search, without)]
        for i in range(3):
            assert scores[0][f"split{i}_test_score"] == scores[1][f"split{i}_test_score"]


def plain_params(estimator):
    return clone(estimator).set_params(checkpoint=None, resume=False)


def test_warm_start(folder, steps):
    first = make_classifier(warm_start=True, correlation_tower=make_tower()).fit(X, Y)
    copies = [pickle.loads(pickle.dumps(first)) for _ in "abc"]
    for copy in copies:
        copy.set_params(max_epochs=4)
    expected, killed, again = copies
    expected.fit(X, Y)
    killed.set_params(checkpoint=folder, callbacks=[KillAt(7)])
    with pytest.raises(Killed):
        killed.fit(X, Y)
    del steps[:]
    again.set_params(checkpoint=folder, resume=True).fit(X, Y)
    assert_same(again, expected)
    assert again.n_iter_ == 6
    assert len(steps) == 6
    again.fit(X, Y)  # continues from other weights now, so it is another fit
    assert again.n_iter_ == 10
    other = make_classifier(warm_start=True, correlation_tower=make_tower(), lr=1e-2).fit(X, Y)
    del steps[:]
    other.set_params(lr=1e-3, max_epochs=4, checkpoint=folder, resume=True).fit(X, Y)
    assert len(steps) == 12
    assert len(files(folder)) == 3


class EpochCounter:
    """A callback of scikit-learn's, and one of skorch's, that count epochs."""

    max_propagation_depth = None

    def __init__(self):
        self.epochs = 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, **kwargs):
        pass

    def on_fit_task_end(self, estimator, context, **kwargs):
        self.epochs += context.task_name == "epoch"


class Count(Callback):
    def on_train_begin(self, net, **kwargs):
        self.epochs_ = 0

    def on_epoch_end(self, net, **kwargs):
        self.epochs_ += 1


def test_callbacks_of_a_resumed_fit_see_the_trained_epochs(folder):
    classifier = make_classifier(fusion="late", max_epochs=5, checkpoint=folder)
    cut(classifier, 7, X, Y)
    counter, count = EpochCounter(), Count()
    again = clone(classifier).set_params(resume=True, callbacks=[count]).set_callbacks(counter)
    again.fit(X, Y)
    assert again.n_iter_ == 5
    assert counter.epochs == dict(again.net_.callbacks_)["Count"].epochs_ == 3


def test_documented_example_resumes(tmp_path, monkeypatch, capsys):
    """The example of docs/scale.md, whose job is killed once."""
    page = (Path(__file__).parents[1] / "docs" / "scale.md").read_text()
    section = page.partition("\n## Long runs\n")[2].partition("\n## ")[0]
    (source,) = re.findall(r"^```python\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names = {"X": X, "Y": Y}
    with monkeypatch.context() as patched:
        patched.setattr(MultimodalNet, "on_batch_end", KillAt(36).on_batch_begin)
        with pytest.raises(Killed):
            exec(source, names)
    exec(source, names)
    assert "Resuming after" in capsys.readouterr().out
    assert_same(names["classifier"], plain(names["classifier"].set_params(resume=False), X, Y))


def test_parameters():
    classifier = make_classifier(checkpoint=Path("here"), checkpoint_interval=2, resume=True)
    names = ("checkpoint", "checkpoint_interval", "resume")
    assert [clone(classifier).get_params()[name] for name in names] == [Path("here"), 2, True]
    defaults = [make_tower().get_params()[name] for name in names]
    assert defaults == [None, 1, False]


def test_checkpoint_of_another_fit_under_this_name_is_refused(folder, steps):
    """Under this fit's name it would silently continue from other weights."""
    classifier = make_classifier(fusion="late", checkpoint=folder).fit(X, Y)
    (ours,) = Path(folder).iterdir()
    other = clone(classifier).set_params(lr=1e-2).fit(X, Y)
    (theirs,) = set(Path(folder).iterdir()) - {ours}
    theirs.replace(ours)
    before = ours.read_bytes()
    del steps[:]
    with pytest.raises(ValueError, match=f"{ours.name} is of a fit with other lr: delete it"):
        resumed(classifier, X, Y)
    assert ours.read_bytes() == before
    assert not steps
    ours.unlink()
    assert other.n_iter_ == resumed(other, X, Y).n_iter_


def test_checkpoint_without_an_entry_is_refused(folder):
    classifier = make_classifier(fusion="late", checkpoint=folder).fit(X, Y)
    (path,) = Path(folder).iterdir()
    state = torch.load(path, weights_only=True)
    del state["optimizer"]
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"cannot be read: .*lacks \['optimizer'\]"):
        resumed(classifier, X, Y)
