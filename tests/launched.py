"""The script of test_distributed.py, for two processes and one: ``python launched.py OUT``."""

import os
import pickle
import sys
from pathlib import Path

import numpy as np
import torch
from estimator_cases import (
    FAMILIES,
    make_classifier,
    make_tower,
    make_videos,
    make_y,
    rows_of,
)
from sklearn.frozen import FrozenEstimator
from skorch.callbacks import Callback
from torch import nn

from sk_crossmodal import CorrelationTower, MultimodalArray
from sk_crossmodal.modules import MeanEncoder

RANK = int(os.environ.get("RANK", 0))
WEIGHT = np.random.RandomState(0).uniform(0.5, 2.0, 48)


class Fail(Callback):
    """An error in the second process alone."""

    def on_epoch_end(self, net, **kwargs):
        if RANK == 1:
            raise RuntimeError("only here")


class PartlyUnused(MeanEncoder):
    """An encoder with parameters that get no gradient."""

    def __init__(self, widths, spec=None, *, dropout=0.1):
        super().__init__(widths, spec, d_model=8, dropout=dropout)
        self.unused = nn.Linear(3, 3)


def without_audio(n=48):
    """Videos of which a third have no audio."""
    X = make_videos(n).data
    audio = [frames[: len(frames) * (i % 3 > 0)] for i, frames in enumerate(rows_of(X, "audio"))]
    frames = {"video": np.concatenate(rows_of(X, "video")), "audio": np.concatenate(audio)}
    lengths = {"video": X.lengths("video"), "audio": [len(part) for part in audio]}
    return MultimodalArray.from_frames(frames, lengths)


def cases(device):
    """Estimators without dropout, and the data of each fit: X, y, weights."""
    shared = {"device": device, "dropout": 0.0, "batch_size": 15}
    out = {}
    for family in FAMILIES:
        out[family, "late"] = (
            make_classifier(family, fusion="late", early_stopping=True, max_epochs=3, **shared),
            (make_videos().data, make_y("multilabel"), WEIGHT),
        )
        out[family, "concat"] = (
            make_classifier(family, class_weight="balanced", precision="float64", **shared),
            (without_audio(), make_y("classes"), WEIGHT),
        )
    one_left = {**shared, "batch_size": 47}
    out["one left"] = (
        make_classifier("netvlad", **one_left),
        (make_videos().data, make_y("csr"), None),
    )
    tower = {**shared, "encoder": "netvlad", "encoder_params": {"n_clusters": 4, "hidden_size": 8}}
    out["drawn pairs"] = (
        make_tower(**{**tower, "batch_size": 99}),
        (make_videos(100).data, make_y("classes", 100), None),
    )
    # Adam's steps hardly depend on the scale of gradients; these do.
    sgd = {"lr": 0.5, "net_params": {"optimizer": torch.optim.SGD}, "max_epochs": 4}
    out["scale of gradients"] = (
        make_classifier("rnn", fusion="cross_modal", **sgd, **shared),
        (make_videos().data, make_y("classes"), WEIGHT),
    )
    out["goes on"] = (
        make_classifier("netvlad", warm_start=True, **shared),
        (make_videos().data, make_y("classes"), WEIGHT),
    )
    unused = {**shared, "encoder": PartlyUnused, "encoder_params": None}
    out["unused"] = (make_tower(**unused), (make_videos().data, make_y("classes"), None))
    return out


def losses(estimator):
    keys = ("train_loss", "valid_loss", "valid_accuracy", "event_lr")
    return [[row[key] for key in keys if key in row] for row in estimator.history_]


def fit(estimator, X, y, weight):
    for _ in range(1 + getattr(estimator, "warm_start", False)):
        estimator.fit(X, y, sample_weight=weight)
    tower = getattr(estimator, "correlation_tower_", None)
    return {
        "losses": losses(estimator),
        "tower": None if tower is None else losses(tower),
        "probability": estimator.predict_proba(X),
        "weights": estimator.module_.state_dict(),
        "best": getattr(estimator, "best_validation_score_", None),
    }


def resumed(device, folder):
    """A fit of four epochs, resumed from the checkpoint of one of two epochs."""
    for epochs in (2, 4):
        classifier = make_classifier(
            "netvlad",
            fusion="late",
            device=device,
            dropout=0.0,
            early_stopping=True,
            max_epochs=epochs,
            checkpoint=str(folder),
            resume=epochs == 4,
        )
        found = fit(classifier, make_videos().data, make_y("multilabel"), WEIGHT)
    return found


def results(device, folder):
    found = {name: fit(estimator, *data) for name, (estimator, data) in cases(device).items()}
    return {**found, "resumed": resumed(device, folder)}


def rows_read(store):
    """Numbers of the videos that this process reads in an epoch behind a fitted tower."""
    X, seen = MultimodalArray.open(store), []
    tower = make_tower(max_epochs=1).fit(X, make_y("classes"))
    pad = MultimodalArray.pad

    def spy(self, rows, *args, **kwargs):
        frames, masks = pad(self, rows, *args, **kwargs)
        seen.extend(frames["video"][masks["video"].any(1), 0, 0].astype(int).tolist())
        return frames, masks

    MultimodalArray.pad = spy
    classifier = make_classifier(
        device="accelerate",
        correlation_tower=FrozenEstimator(tower),
        max_epochs=1,
        batch_size=47,
        early_stopping=False,
    )
    classifier.fit(X, make_y("classes"))
    MultimodalArray.pad = pad
    return seen


def remembered(out):
    """How many towers are fitted, by the first of two fits that keep them, and by both."""
    fits, tower_fit = [], CorrelationTower._fit
    CorrelationTower._fit = lambda *args, **kwargs: fits.append(1) or tower_fit(*args, **kwargs)
    counts = []
    for _ in range(2):
        memory = str(out / f"memory{RANK}")  # which only the first process looks into
        classifier = make_classifier(device="accelerate", max_epochs=1, memory=memory)
        classifier.fit(make_videos().data, make_y("classes"))
        counts.append(len(fits))
    CorrelationTower._fit = tower_fit
    return counts, classifier.correlation_tower_.predict_proba(make_videos().data)


def main(out, task):
    torch.set_num_threads(1)
    X, y = make_videos().data, make_y("classes")
    if task == "fail":
        make_classifier(device="accelerate", callbacks=[Fail()], max_epochs=3).fit(X, y)
        return
    found = {
        "fits": results("accelerate", out / "checkpoints"),
        "read": rows_read(out / "store"),
        "memory": remembered(out),
    }
    # A seed of each process's own, and dropout.
    unseeded = make_classifier(
        device="accelerate", random_state=None, dropout=0.5, early_stopping=True, verbose=1
    )
    found["unseeded"] = fit(unseeded, X, y, None)
    found["pickle"] = pickle.dumps(unseeded)
    (out / f"{RANK}.pickle").write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
