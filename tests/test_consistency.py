"""Stored predictions of tiny models, so that no change moves a model unnoticed.

Where a model is meant to change, run ``python tests/test_consistency.py`` for the new numbers, and
say in the commit why they are new.
"""

import numpy as np
import pytest
from estimator_cases import make_classifier, make_tower, ragged

from sk_crossmodal.modules import FUSIONS

X = ragged(seed=1, n=24)
Y = np.random.RandomState(2).randint(2, size=(24, 3))
CLASSES = np.arange(24) % 3
SETTINGS = {"lr": 1e-2, "max_epochs": 2, "batch_size": 8, "device": "cpu", "precision": "float32"}
CONFIGURATIONS = {
    **{fusion: {"fusion": fusion} for fusion in FUSIONS},
    "soft": {"fusion": "cross_modal_gated", "gate": "soft"},
    "embedding": {"fusion": "cross_modal_concat", "correlation_features": "embedding"},
    "self": {"fusion": "cross_modal_concat", "influence": "self"},
    "none": {"fusion": "cross_modal_concat", "influence": "none"},
    "multiply": {"fusion": "cross_modal", "cross_modal_combine": "multiply", "n_layers": 2},
    "stopped": {"fusion": "late", "early_stopping": True, "modality_dropout": 0.3},
}
for family in ("netvlad", "rnn"):
    CONFIGURATIONS |= {
        f"{family}-late": {"family": family, "fusion": "late"},
        f"{family}-add": {"family": family, "fusion": "cross_modal_concat"},
        f"{family}-multiply": {
            "family": family,
            "fusion": "cross_modal_concat",
            "cross_modal_combine": "multiply",
        },
    }
CONFIGURATIONS["lstm"] = {"family": "rnn", "rnn_type": "lstm"}
CONFIGURATIONS["padded"] = {"family": "netvlad", "mask_padding": False, "max_frames": 6}
TOWERS = {
    "mean": {},
    "transformer": {"encoder": "transformer", "encoder_params": {"d_model": 8, "n_heads": 2}},
    "netvlad": {"encoder": "netvlad", "encoder_params": {"n_clusters": 4, "hidden_size": 8}},
    "rnn": {"encoder": "rnn", "encoder_params": {"n_clusters": 4, "hidden_size": 8}},
}

# Probabilities of the three labels in the first and the last video.
LABELS = {
    "early": [0.50663, 0.53080, 0.46098, 0.50560, 0.60562, 0.50217],
    "late": [0.51544, 0.67659, 0.53166, 0.55252, 0.71054, 0.52562],
    "cross_modal": [0.51297, 0.53619, 0.51270, 0.51723, 0.54399, 0.47744],
    "cross_modal_gated": [0.51369, 0.53797, 0.51191, 0.51756, 0.54639, 0.47606],
    "cross_modal_concat": [0.52042, 0.60757, 0.55146, 0.51636, 0.58930, 0.53116],
    "soft": [0.51385, 0.53742, 0.51153, 0.51798, 0.54553, 0.47600],
    "embedding": [0.43242, 0.49775, 0.52517, 0.46078, 0.53558, 0.53532],
    "self": [0.52041, 0.60727, 0.55045, 0.51534, 0.58952, 0.53047],
    "none": [0.48120, 0.58671, 0.50300, 0.51638, 0.60357, 0.45497],
    "multiply": [0.53673, 0.56181, 0.50602, 0.60141, 0.61268, 0.50495],
    "stopped": [0.46500, 0.52773, 0.48639, 0.45680, 0.55280, 0.47359],
    "netvlad-late": [0.55190, 0.54161, 0.50927, 0.64686, 0.64257, 0.42431],
    "netvlad-add": [0.54550, 0.63069, 0.49389, 0.58052, 0.66197, 0.51211],
    "netvlad-multiply": [0.54709, 0.62665, 0.50857, 0.58227, 0.65927, 0.51595],
    "rnn-late": [0.47965, 0.59165, 0.53618, 0.55520, 0.58763, 0.51225],
    "rnn-add": [0.51955, 0.52588, 0.44455, 0.49706, 0.57733, 0.47819],
    "rnn-multiply": [0.51670, 0.52915, 0.44581, 0.49701, 0.57418, 0.47798],
    "lstm": [0.53135, 0.53502, 0.51513, 0.53112, 0.52678, 0.51378],
    "padded": [0.45092, 0.52809, 0.46349, 0.45065, 0.54619, 0.47112],
}
# Those of the three classes.
PROBABILITIES = {
    "early": [0.37371, 0.32775, 0.29854, 0.34706, 0.28336, 0.36958],
    "late": [0.25703, 0.26968, 0.47329, 0.26054, 0.27492, 0.46454],
    "cross_modal": [0.32791, 0.26413, 0.40795, 0.31630, 0.28818, 0.39552],
    "cross_modal_gated": [0.31718, 0.26733, 0.41549, 0.30530, 0.29235, 0.40235],
    "cross_modal_concat": [0.37716, 0.27182, 0.35102, 0.31782, 0.31915, 0.36303],
}
# The tower's output for the first six videos.
CORRELATIONS = {
    "mean": [0.41433, 0.48793, 0.42740, 0.47336, 0.48303, 0.51080],
    "transformer": [0.27336, 0.28635, 0.28825, 0.27521, 0.27736, 0.27495],
    "netvlad": [0.27121, 0.37105, 0.23167, 0.32713, 0.22546, 0.28364],
    "rnn": [0.35130, 0.32471, 0.36597, 0.33408, 0.34633, 0.33021],
}
# And those with partners that are drawn, as of more videos.
DRAWN = {"mean": [0.43315, 0.50807, 0.47374, 0.48312, 0.50771, 0.52099]}


def ends(p):
    return p[[0, -1]].ravel()


def predict_labels(name):
    return ends(make_classifier(**SETTINGS, **CONFIGURATIONS[name]).fit(X, Y).predict_proba(X))


def predict_classes(name):
    classifier = make_classifier(**SETTINGS, **CONFIGURATIONS[name])
    return ends(classifier.fit(X, CLASSES).predict_proba(X))


def predict_correlations(name):
    return make_tower(**SETTINGS, **TOWERS[name]).fit(X, CLASSES).transform(X)[:6, 0]


TABLES = {
    "LABELS": (predict_labels, CONFIGURATIONS),
    "PROBABILITIES": (predict_classes, CONFIGURATIONS),
    "CORRELATIONS": (predict_correlations, TOWERS),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_labels(name):
    np.testing.assert_allclose(predict_labels(name), LABELS[name], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", FUSIONS)
def test_classes(name):
    np.testing.assert_allclose(predict_classes(name), PROBABILITIES[name], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", TOWERS)
def test_correlations(name):
    np.testing.assert_allclose(predict_correlations(name), CORRELATIONS[name], rtol=0, atol=1e-4)


def test_drawn_partners(monkeypatch):
    monkeypatch.setattr("sk_crossmodal.correlation._tower.ALL_PAIRS", 0)
    np.testing.assert_allclose(predict_correlations("mean"), DRAWN["mean"], rtol=0, atol=1e-4)


def print_tables():
    for table, (predict, names) in TABLES.items():
        print(f"{table} = {{")
        for name in names if table != "PROBABILITIES" else FUSIONS:
            numbers = ", ".join(f"{p:.5f}" for p in predict(name))
            print(f'    "{name}": [{numbers}],')
        print("}")


if __name__ == "__main__":
    print_tables()
