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
    "early": [0.49158, 0.52334, 0.45479, 0.56391, 0.57903, 0.50935],
    "late": [0.54304, 0.63915, 0.53244, 0.54926, 0.68746, 0.53553],
    "cross_modal": [0.57235, 0.50830, 0.46823, 0.59476, 0.50813, 0.46508],
    "cross_modal_gated": [0.57191, 0.50839, 0.46828, 0.59461, 0.50830, 0.46456],
    "cross_modal_concat": [0.51891, 0.57177, 0.47635, 0.50018, 0.55489, 0.47032],
    "soft": [0.57213, 0.50839, 0.46820, 0.59467, 0.50826, 0.46461],
    "embedding": [0.53154, 0.51038, 0.53401, 0.52707, 0.52862, 0.54540],
    "self": [0.51935, 0.57128, 0.47643, 0.50121, 0.55497, 0.47045],
    "none": [0.55967, 0.61544, 0.51526, 0.58424, 0.66036, 0.51254],
    "multiply": [0.61483, 0.63043, 0.38371, 0.57786, 0.63920, 0.39501],
    "stopped": [0.53389, 0.54885, 0.56966, 0.54327, 0.54500, 0.56608],
    "netvlad-late": [0.51961, 0.56644, 0.51959, 0.55031, 0.68491, 0.43183],
    "netvlad-add": [0.56156, 0.61335, 0.52914, 0.66356, 0.70442, 0.56417],
    "netvlad-multiply": [0.55724, 0.61324, 0.53229, 0.65686, 0.68703, 0.58279],
    "rnn-late": [0.47740, 0.60819, 0.48756, 0.52189, 0.56400, 0.45296],
    "rnn-add": [0.49823, 0.54589, 0.45551, 0.50751, 0.58206, 0.50912],
    "rnn-multiply": [0.49905, 0.54698, 0.45454, 0.50985, 0.58362, 0.50519],
    "lstm": [0.50577, 0.50231, 0.48107, 0.51483, 0.49572, 0.47797],
    "padded": [0.42509, 0.50566, 0.45050, 0.41294, 0.54880, 0.45504],
}
# Those of the three classes.
PROBABILITIES = {
    "early": [0.38151, 0.33564, 0.28285, 0.38397, 0.29684, 0.31919],
    "late": [0.30243, 0.22458, 0.47299, 0.33096, 0.20554, 0.46351],
    "cross_modal": [0.33722, 0.26315, 0.39962, 0.35030, 0.22596, 0.42374],
    "cross_modal_gated": [0.33737, 0.26300, 0.39963, 0.34973, 0.22674, 0.42353],
    "cross_modal_concat": [0.41515, 0.23139, 0.35347, 0.38083, 0.25898, 0.36019],
}
# The tower's output for the first six videos.
CORRELATIONS = {
    "mean": [0.40368, 0.48034, 0.42325, 0.47174, 0.48297, 0.51233],
    "transformer": [0.27573, 0.27785, 0.28355, 0.28785, 0.27413, 0.27416],
    "netvlad": [0.31810, 0.32627, 0.24909, 0.34720, 0.22731, 0.26934],
    "rnn": [0.37760, 0.30511, 0.31803, 0.32101, 0.27035, 0.33874],
}
# And those with partners that are drawn, as of more videos.
DRAWN = {"mean": [0.45158, 0.51581, 0.43622, 0.46956, 0.50437, 0.52747]}


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
