"""Checkpoints: a training that was cut short goes on where it was, bit for bit."""

import os
import tempfile
import time
import warnings
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from math import ceil
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib

from ._checks import LARGEST, check_number, check_option
from ._data import BatchLoader
from ._fingerprint import fit_hashes
from ._processes import Processes
from ._state_file import random_state, read_state, set_random_state, write_state

if TYPE_CHECKING:
    from ._estimator import NetworkEstimator
    from ._net import MultimodalNet

STALE = 3600  # seconds after which what a killed process left half written is removed


def check_checkpoint(estimator: "NetworkEstimator") -> None:
    """Raise TypeError or ValueError unless the parameters about checkpoints go together."""
    folder, interval = estimator.checkpoint, estimator.checkpoint_interval
    check_option("resume", estimator.resume, (True, False))
    check_number("checkpoint_interval", interval, low=0, high=LARGEST, open_low=True)
    if interval > 1 and interval != int(interval):
        raise ValueError(
            "checkpoint_interval must be a whole number of epochs or a part of one, got "
            f"{interval!r}."
        )
    if folder is None:
        if estimator.resume:
            raise ValueError("resume=True needs a folder to resume from: give `checkpoint`.")
        return
    if not isinstance(folder, str | os.PathLike):
        raise TypeError(f"checkpoint must be the path of a folder or None, got {folder!r}.")
    if not os.fspath(folder) or "\0" in str(folder):
        raise ValueError(f"checkpoint must be the path of a folder or None, got {folder!r}.")
    if Path(folder).exists() and not Path(folder).is_dir():
        raise ValueError(f"checkpoint must be a folder, but {str(folder)!r} is a file.")
    if not isinstance(estimator.random_state, Integral):
        raise ValueError(
            "checkpoint needs an int as random_state, without which a fit can neither be found "
            f"again nor repeated, got {estimator.random_state!r}."
        )


def open_checkpoint(estimator: "NetworkEstimator", about: dict[str, Any]) -> "Checkpoint | None":
    """Return the `Checkpoint` of a fit, or None where none is asked for."""
    if estimator.checkpoint is None:
        return None
    checkpoint = Checkpoint(Path(estimator.checkpoint), estimator, fit_hashes(estimator, about))
    if checkpoint.path.exists() and not estimator.resume:
        raise ValueError(
            f"There is a checkpoint of this very fit, {str(checkpoint.path)!r}: give resume=True "
            "to go on from it, or delete it to train anew."
        )
    checkpoint.open(estimator)
    return checkpoint


class Checkpoint:
    """The state of one fit, in a file that is replaced as training gets on."""

    def __init__(self, folder: Path, estimator: "NetworkEstimator", hashes: dict[str, str]):
        self.folder, self.hashes = folder, hashes
        self.n_epochs, self.interval = estimator._n_epochs(), estimator.checkpoint_interval
        self.kind = type(estimator).__name__
        self.name = f"{self.kind}-{joblib.hash(hashes)[:16]}"
        self.path = self.folder / f"{self.name}-{self.n_epochs}.pt"
        self.state: dict[str, Any] | None = None  # to go on from
        self.saved = 0  # epochs that the file knows of

    def open(self, estimator: "NetworkEstimator") -> None:
        """Make the folder, and read from where to go on if that is asked for."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self.folder):
            pass  # better to fail now than after the first epoch
        for part in self.folder.glob(f"{self.name}-*.part"):
            with suppress(FileNotFoundError):  # another process has put it in place since
                if time.time() - part.stat().st_mtime > STALE:
                    part.unlink()
        path = self._newest() if estimator.resume else None
        if path is not None:
            self.state = self._read(path)
            self.saved = len(self.state["history"]) if path == self.path else 0
        first = Processes.of(estimator.device).index == 0
        if estimator.verbose and estimator.resume and first:
            print(self._words(path))

    def _newest(self) -> Path | None:
        """Path of this fit's file; else of its longest shorter one; else None."""
        ends = (path.stem.rpartition("-")[2] for path in self.folder.glob(f"{self.name}-*.pt"))
        lengths = [int(end) for end in ends if end.isdecimal() and int(end) <= self.n_epochs]
        return self.folder / f"{self.name}-{max(lengths)}.pt" if lengths else None

    def _read(self, path: Path) -> dict[str, Any]:
        """Read a file that was named as this fit's, and is refused if it is of another."""
        state = read_state(path)
        if (theirs := state["hashes"]) != self.hashes:
            differ = _differences(theirs, self.hashes)
            raise ValueError(
                f"The checkpoint {str(path)!r} is of another fit, which differs in {differ}, "
                "though it has this one's name. Delete it to train anew."
            )
        return state

    def _words(self, path: Path | None) -> str:
        """Say what is gone on from; or if other fits are there, what is different now."""
        if path is not None and self.state is not None:
            epochs, batches = len(self.state["history"]), len(self.state["batches"])
            return f"Going on after {epochs} epochs and {batches} batches, from {path}"
        words = f"No checkpoint of this fit in {self.folder}"
        others = self.folder.glob(f"{self.kind}-*.pt")
        latest = max(others, key=lambda path: path.stat().st_mtime, default=None)
        if latest is None:
            return words
        try:
            theirs = read_state(latest)["hashes"]
        except ValueError:  # that fit's own affair
            return words
        differ = _differences(theirs, self.hashes)
        return f"{words}; the latest there, {latest.name}, differs in {differ}"

    def restore(self, net: "MultimodalNet") -> None:
        """Bring a net that is about to train to where the file says."""
        if self.state is None:
            return
        state = self.state
        net.module_.load_state_dict(state["module"])
        net.optimizer_.load_state_dict(state["optimizer"])
        callbacks = dict(net.callbacks_)
        for name, best in state["best_scores"].items():
            if name in callbacks:
                callbacks[name].best_score_ = best
        if schedule := callbacks.get("own_lr_schedule"):
            schedule.lr_scheduler_.load_state_dict(state["lr_schedule"])
        if stopping := callbacks.get("own_early_stopping"):
            stopping.__dict__.update(state["early_stopping"])
        for row in state["history"]:
            net.history.new_epoch()
            for key, value in row.items():
                net.history.record(key, value)
        set_random_state(state["epoch_random"])

    def epoch_done(self, net: "MultimodalNet", last: bool = False) -> None:
        """Save the state after an epoch, if it is time to."""
        done = len(net.finished_epochs())
        if done > self.saved and (last or done % max(1, self.interval) == 0):
            self.save(net, random_state())
            self.saved = done

    def batches(self, net: "MultimodalNet", loader: BatchLoader) -> Generator[Any]:
        """Yield an epoch's batches but those that were trained on, and save on the way."""
        state, self.state = self.state, None
        trained = state["batches"] if state else []
        every = ceil(self.interval * len(loader))
        start = random_state()
        with closing(iter(loader)) as batches:
            # Read for nothing, so that whatever is drawn for an epoch is drawn as before.
            for _ in trained:
                next(batches)
            if state is not None and trained:
                net.history[-1]["batches"].extend(trained)
                set_random_state(state["random"])
            for done, batch in enumerate(batches, start=len(trained) + 1):
                yield batch
                if done % every == 0 and done < len(loader):
                    self.save(net, start, net.history[-1]["batches"])

    def save(
        self,
        net: "MultimodalNet",
        epoch_random: dict[str, Any],
        batches: Sequence[dict[str, Any]] = (),
    ) -> None:
        """Replace the file; a disk that is full does not end the training."""
        net.check_weights()  # better no file than one of weights that are lost
        if net.processes.index > 0:  # the first one writes for all
            return
        state = {"epoch_random": epoch_random, "batches": list(batches), **_state(net)}
        try:
            write_state(self.path, {"hashes": self.hashes, **state})
        except OSError as error:
            warnings.warn(
                "No checkpoint could be written. Training goes on, and the last one is as it "
                f"was: {error}",
                UserWarning,
                stacklevel=2,
            )


def _differences(theirs: dict[str, str], ours: dict[str, str]) -> str:
    """Names, in words, of what has another hash."""
    names = sorted({*theirs, *ours})
    return ", ".join(name for name in names if theirs.get(name) != ours.get(name))


def _state(net: "MultimodalNet") -> dict[str, Any]:
    """Everything that decides how training goes on."""
    callbacks = dict(net.callbacks_)
    schedule, stopping = (callbacks.get(f"own_{n}") for n in ("lr_schedule", "early_stopping"))
    scores = {name: getattr(cb, "best_score_", None) for name, cb in callbacks.items()}
    return {
        "module": net.module_.state_dict(),
        "optimizer": net.optimizer_.state_dict(),
        "lr_schedule": schedule and schedule.lr_scheduler_.state_dict(),
        "early_stopping": stopping
        and {
            "misses_": stopping.misses_,
            "best_epoch_": stopping.best_epoch_,
            "dynamic_threshold_": float(stopping.dynamic_threshold_),
            "best_model_weights_": stopping.best_model_weights_,
        },
        "best_scores": {k: float(v) for k, v in scores.items() if isinstance(v, Real)},
        "history": net.finished_epochs(),
        "random": random_state(),
    }
