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
TOWERS = {
    "mean": {},
    "transformer": {"encoder": "transformer", "encoder_params": {"d_model": 8, "n_heads": 2}},
}

# Probabilities of the three labels in the first and the last video.
LABELS = {
    "early": [0.50663, 0.53080, 0.46098, 0.50560, 0.60562, 0.50217],
    "late": [0.51544, 0.67659, 0.53166, 0.55252, 0.71054, 0.52562],
    "cross_modal": [0.51297, 0.53619, 0.51270, 0.51723, 0.54399, 0.47744],
    "cross_modal_gated": [0.51347, 0.53649, 0.51310, 0.51729, 0.54487, 0.47733],
    "cross_modal_concat": [0.51805, 0.60104, 0.55194, 0.51420, 0.58421, 0.53164],
    "soft": [0.51399, 0.53595, 0.51277, 0.51781, 0.54413, 0.47707],
    "embedding": [0.44432, 0.49994, 0.51870, 0.47423, 0.51892, 0.52057],
    "self": [0.51793, 0.60073, 0.55124, 0.51398, 0.58389, 0.53084],
    "none": [0.49822, 0.59297, 0.49729, 0.52700, 0.59882, 0.43916],
    "multiply": [0.53673, 0.56181, 0.50602, 0.60141, 0.61268, 0.50495],
    "stopped": [0.46500, 0.52773, 0.48639, 0.45680, 0.55280, 0.47359],
}
# Those of the three classes.
PROBABILITIES = {
    "early": [0.37371, 0.32775, 0.29854, 0.34706, 0.28336, 0.36958],
    "late": [0.25703, 0.26968, 0.47329, 0.26054, 0.27492, 0.46454],
    "cross_modal": [0.32791, 0.26413, 0.40795, 0.31630, 0.28818, 0.39552],
    "cross_modal_gated": [0.31717, 0.26739, 0.41544, 0.30526, 0.29246, 0.40228],
    "cross_modal_concat": [0.39271, 0.26607, 0.34122, 0.32075, 0.31907, 0.36018],
}
# The tower's output for the first six videos.
CORRELATIONS = {
    "mean": [0.47808, 0.49937, 0.46660, 0.48937, 0.49975, 0.51998],
    "transformer": [0.28534, 0.28822, 0.29983, 0.29100, 0.28725, 0.28126],
}


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


def print_tables():
    for table, (predict, names) in TABLES.items():
        print(f"{table} = {{")
        for name in names if table != "PROBABILITIES" else FUSIONS:
            numbers = ", ".join(f"{p:.5f}" for p in predict(name))
            print(f'    "{name}": [{numbers}],')
        print("}")


if __name__ == "__main__":
    print_tables()
