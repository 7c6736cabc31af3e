"""Small trainings of all kinds, and hashes of their results, for the campaigns."""

import functools
import hashlib

import numpy as np

from sk_crossmodal import (
    CorrelationTower,
    CrossModalNetVLADClassifier,
    CrossModalRNNClassifier,
    CrossModalTransformerClassifier,
)
from sk_crossmodal.datasets import make_crossmodal_videos

N_VIDEOS = 48
SIZES = {
    CrossModalTransformerClassifier: {"d_model": 16, "n_heads": 2},
    CrossModalNetVLADClassifier: {"n_clusters": 4, "hidden_size": 16},
    CrossModalRNNClassifier: {"n_clusters": 4, "hidden_size": 16},
    CorrelationTower: {"encoder": "rnn", "encoder_params": {"n_clusters": 2, "hidden_size": 8}},
}
TRAINING = {"batch_size": 16, "lr": 2e-3, "random_state": 0, "dropout": 0.2}


@functools.cache
def videos():
    """Return 48 short videos and their four classes."""
    made = make_crossmodal_videos(
        N_VIDEOS,
        branching=(4, 1, 1, 1),
        n_frames=(6, 9),
        n_distractors=1,
        scene_frames=(1, 2),
        lead=(1, 2),
        n_features={"video": 8, "audio": 6},
        random_state=0,
    )
    return made.data, np.array([path.split(":")[0] for (path,) in made.target])


def make(kind, **params):
    """Return a small unfitted estimator."""
    return kind(**{**SIZES[kind], **TRAINING, **params})


def tower(**params):
    """Return a small tower for a classifier."""
    return CorrelationTower(
        encoder="mean",
        encoder_params={"d_model": 8},
        hidden_layer_sizes=(8,),
        **TRAINING,
        **params,
    )


def cases(n_epochs):
    """Return named functions that make an estimator with this number of epochs."""
    transformer, netvlad, rnn = list(SIZES)[:3]
    stops = {"early_stopping": True, "validation_fraction": 0.25}
    within = {"correlation_tower": tower(max_epochs=n_epochs)}
    table = {
        "transformer, late, every 0.3 epochs": (
            transformer,
            {"fusion": "late", "checkpoint_interval": 0.3},
        ),
        "transformer, concat with tower": (transformer, within),
        "transformer, own tower, cosine": (transformer, {"lr_schedule": "cosine"}),
        "transformer, early stopping, plateau": (
            transformer,
            {"fusion": "cross_modal", "lr": 0.02, "lr_patience": 0, **stops},
        ),
        "netvlad, early fusion, every second epoch": (
            netvlad,
            {"fusion": "early", "checkpoint_interval": 2},
        ),
        "netvlad, gated with tower, every 0.5 epochs": (
            netvlad,
            {"fusion": "cross_modal_gated", "checkpoint_interval": 0.5, **within},
        ),
        "rnn, cross-modal, weight decay": (rnn, {"fusion": "cross_modal", "weight_decay": 0.1}),
        "rnn, concat with tower, early stopping, every 0.3 epochs": (
            rnn,
            {"checkpoint_interval": 0.3, **stops, **within},
        ),
        "tower only, every 0.5 epochs": (
            CorrelationTower,
            {"checkpoint_interval": 0.5},
        ),
    }
    return {
        name: functools.partial(make, kind, max_epochs=n_epochs, **params)
        for name, (kind, params) in table.items()
    }


def state_digest(module):
    """Return a hash of all weights and statistics of a network."""
    digest = hashlib.sha256()
    for name, value in module.state_dict().items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def outcome(estimator):
    """Return losses, and hashes of weights and probabilities of a fit."""
    inner = getattr(estimator, "correlation_tower_", None)
    losses = [(row["train_loss"], row.get("valid_loss")) for row in estimator.history_]
    return {
        "losses": losses,
        "weights": state_digest(estimator.module_),
        "tower": inner and state_digest(inner.module_),
        "probabilities": hashlib.sha256(
            estimator.predict_proba(videos()[0]).tobytes()
        ).hexdigest(),
    }


def fit(build, folder=None):
    """Fit, resume from the folder if it is given, and return the outcome."""
    estimator = build()
    if folder is None:
        estimator.set_params(checkpoint_interval=1)
    else:
        estimator.set_params(checkpoint=str(folder), resume=True)
    return outcome(estimator.fit(*videos()))
