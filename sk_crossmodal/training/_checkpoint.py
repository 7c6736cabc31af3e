"""Checkpoints: training that was cut short continues where it stopped, bit for bit."""

import os
import tempfile
import time
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, suppress
from math import ceil
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from .._files import PARTIAL, user_path
from ..validation import FLAG, MAX_INT, number
from ._callbacks import LoopCallback
from ._data import Videos
from ._device import random_state, set_random_state
from ._state_file import read_state, write_state

STALE = 3600  # seconds after which the partial file of a killed process is removed
CHECKPOINT_CONSTRAINTS = {
    "resume": FLAG,
    "checkpoint_interval": number(0, MAX_INT, open_low=True),
}

SAMPLE = 10_000  # videos, evenly spread, whose frames are hashed
IRRELEVANT = {  # parameters that change no weight, or are hashed in another form
    "callbacks",
    "checkpoint",
    "checkpoint_interval",
    "correlation_tower",
    "device",
    "max_epochs",
    "memory",
    "pretrained",
    "resume",
    "verbose",
    "warm_start",
}


def check_checkpoint(params: Mapping[str, Any]) -> None:
    """Raise TypeError or ValueError unless the parameters about checkpoints fit together."""
    folder, interval, seed = (
        params[n] for n in ("checkpoint", "checkpoint_interval", "random_state")
    )
    wanted = f"checkpoint must be the path of a folder or None, got {folder!r}"
    if interval > 1 and interval != int(interval):
        raise ValueError(f"checkpoint_interval must be whole or below 1, got {interval!r}.")
    if folder is None and params["resume"]:
        raise ValueError("resume=True needs a folder to resume from: give `checkpoint`.")
    if not isinstance(folder, str | os.PathLike | None):
        raise TypeError(f"{wanted}.")
    if folder is not None and not _can_be_folder(folder):
        raise ValueError(f"{wanted}.")
    if folder is not None and not isinstance(seed, Integral):
        raise ValueError(f"checkpoint needs an int as random_state, to repeat it, got {seed!r}.")


def _can_be_folder(path: str | os.PathLike[str]) -> bool:
    if not os.fspath(path) or "\0" in str(path):
        return False
    return Path(path).is_dir() or not Path(path).exists()


class Checkpoint(LoopCallback):
    """The state of one fit, in a file that is replaced during training."""

    # `hashes` identify the fit: others have other files in the same folder. The number of epochs
    # is only part of the file's name, so that a longer fit continues a shorter one.

    def __init__(
        self, params: Mapping[str, Any], owner: str, n_epochs: int, hashes: dict[str, str]
    ) -> None:
        self.folder, self.hashes, self.owner = Path(user_path(params["checkpoint"])), hashes, owner
        self.n_epochs, self.interval = n_epochs, params["checkpoint_interval"]
        self.resume = params["resume"]
        self.stem = f"{owner}-{joblib.hash(hashes)[:16]}"
        self.path = self.folder / f"{self.stem}-{n_epochs}.pt"
        self.state: dict[str, Any] | None = None  # to continue from
        self.n_saved = 0  # epochs in the file

    def open(self, *, verbose: int) -> None:
        """Create the folder, and read the state to resume from if there is one."""
        if self.path.exists() and not self.resume:
            raise ValueError(
                f"{self.path} is a checkpoint of this fit: resume=True continues it, or "
                "delete it to train anew."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self.folder):
            pass  # better to fail now than after the first epoch
        for part in self.folder.glob(f"{self.stem}-*{PARTIAL}"):
            with suppress(FileNotFoundError):  # another process has finished it
                if time.time() - part.stat().st_mtime > STALE:
                    part.unlink()
        path = self._newest() if self.resume else None
        if path is not None:
            self.state = self._read(path)
            self.n_saved = len(self.state["history"]) if path == self.path else 0
        if verbose and self.resume:
            print(self._describe(path))

    def _newest(self) -> Path | None:
        """Return the path of this fit's file, or of its longest shorter one, or None."""
        ends = (path.stem.rpartition("-")[2] for path in self.folder.glob(f"{self.stem}-*.pt"))
        lengths = [int(end) for end in ends if end.isdecimal() and int(end) <= self.n_epochs]
        return self.folder / f"{self.stem}-{max(lengths)}.pt" if lengths else None

    def _read(self, path: Path) -> dict[str, Any]:
        state = read_state(path)
        if differ := _differences(state["hashes"], self.hashes):
            raise ValueError(f"The checkpoint {path} is of a fit with other {differ}: delete it.")
        return state

    def _describe(self, path: Path | None) -> str:
        """Describe where training continues, or how the latest other fit differs."""
        if path is not None and self.state is not None:
            epochs, batches = len(self.state["history"]), len(self.state["batches"])
            return f"Resuming after {epochs} epochs and {batches} batches, from {path}"
        text = f"No checkpoint of this fit in {self.folder}"
        others = self.folder.glob(f"{self.owner}-*.pt")
        latest = max(others, key=lambda path: path.stat().st_mtime, default=None)
        if latest is None:
            return text
        try:
            theirs = read_state(latest)["hashes"]
        except ValueError:  # an error for that fit only
            return text
        return f"{text}; the latest, {latest.name}, differs in {_differences(theirs, self.hashes)}"

    def on_loop_begin(self, net: Any) -> None:
        """Restore the state of the file."""
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

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Save the state after the epoch before: now all callbacks have seen its end."""
        self._save_epoch(net)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Save the state after the last epoch."""
        if not net.interrupted:
            self._save_epoch(net, last=True)

    def _save_epoch(self, net: Any, last: bool = False) -> None:
        done = len(net.finished_epochs())
        if done > self.n_saved and (last or done % max(1, self.interval) == 0):
            self.save(net, random_state())
            self.n_saved = done

    def batches(self, net: Any, loader: Any) -> Generator[Any]:
        """Yield an epoch's batches except those of a resumed epoch, and save in between."""
        state, self.state = self.state, None
        trained = state["batches"] if state else []
        every = ceil(self.interval * len(loader))
        start = random_state()
        with closing(iter(loader)) as batches:
            for _ in trained:  # read again, so that an epoch draws the same random numbers
                next(batches)
            if state is not None and trained:
                net.history[-1]["batches"].extend(trained)
                set_random_state(state["random"])
            for done, batch in enumerate(batches, start=len(trained) + 1):
                yield batch
                if done % every == 0 and done < len(loader):
                    self.save(net, start, net.history[-1]["batches"])

    def save(
        self, net: Any, epoch_random: dict[str, Any], batches: Sequence[dict[str, Any]] = ()
    ) -> None:
        """Replace the file; if the disk is full, warn and continue."""
        net.check_weights()  # a checkpoint of lost weights would be useless
        if net.processes.index > 0:
            return
        state = {"epoch_random": epoch_random, "batches": list(batches), **_state(net)}
        try:
            write_state(self.path, {"hashes": self.hashes, **state})
        except OSError as error:
            warnings.warn(
                "No checkpoint could be written. Training continues, and the last checkpoint is "
                f"unchanged: {error}",
                UserWarning,
                stacklevel=2,
            )


def _differences(theirs: dict[str, str], ours: dict[str, str]) -> str:
    names = sorted({*theirs, *ours})
    return ", ".join(name for name in names if theirs.get(name) != ours.get(name))


def _state(net: Any) -> dict[str, Any]:
    """Return everything that decides how training continues."""
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


def fit_hashes(params: dict[str, Any], n_epochs: int, data: dict[str, Any]) -> dict[str, str]:
    """Return a hash of each parameter, and of each other input, that changes the result."""
    params = _relevant(params)
    if params["lr_schedule"] == "cosine":  # other schedules do not depend on the last epoch
        params["max_epochs"] = n_epochs
    return {name: _hash(name, value) for name, value in {**params, **data}.items()}


def _relevant(params: dict[str, Any]) -> dict[str, Any]:
    net_params = {k: v for k, v in (params["net_params"] or {}).items() if k != "max_epochs"}
    params = {**params, "net_params": net_params or None}
    return {name: value for name, value in params.items() if name not in IRRELEVANT}


def _hash(name: str, value: Any) -> str:
    if isinstance(value, Videos):
        rows = np.unique(np.linspace(0, len(value) - 1, min(len(value), SAMPLE)).astype(int))
        X = value.X
        lengths = [X.lengths(modality) for modality in X.modality_names]
        value = [X[rows].digest(), lengths, value.y, value.weight]
    elif hasattr(value, "module_"):  # a fitted estimator
        weights = value.module_.state_dict()
        params = _relevant(value.get_params(deep=False))
        value = [params, {key: w.cpu().numpy() for key, w in weights.items()}]
    try:
        return str(joblib.hash(value))
    except Exception as error:
        raise ValueError(f"checkpoint needs a {name} that can be pickled: {error}") from error
