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
    "cross_modal_gated": [0.51313, 0.53844, 0.51171, 0.51807, 0.54622, 0.47629],
    "cross_modal_concat": [0.52079, 0.60129, 0.55377, 0.51708, 0.58267, 0.53027],
    "soft": [0.51383, 0.53740, 0.51158, 0.51799, 0.54553, 0.47600],
    "embedding": [0.46780, 0.49794, 0.52856, 0.49321, 0.51625, 0.52770],
    "self": [0.52080, 0.60105, 0.55371, 0.51717, 0.58257, 0.53016],
    "none": [0.48118, 0.58366, 0.49907, 0.51757, 0.60136, 0.45244],
    "multiply": [0.53673, 0.56181, 0.50602, 0.60141, 0.61268, 0.50495],
    "stopped": [0.46500, 0.52773, 0.48639, 0.45680, 0.55280, 0.47359],
    "netvlad-late": [0.55201, 0.54179, 0.50924, 0.64686, 0.64253, 0.42422],
    "netvlad-add": [0.54427, 0.62917, 0.50986, 0.58476, 0.66261, 0.51699],
    "netvlad-multiply": [0.54586, 0.62823, 0.51136, 0.58174, 0.66147, 0.51709],
    "rnn-late": [0.47965, 0.59165, 0.53618, 0.55520, 0.58763, 0.51225],
    "rnn-add": [0.52314, 0.53741, 0.45693, 0.49467, 0.58748, 0.48759],
    "rnn-multiply": [0.52705, 0.52703, 0.43882, 0.49316, 0.57686, 0.47004],
    "lstm": [0.53200, 0.53434, 0.51557, 0.53131, 0.52603, 0.51425],
    "padded": [0.45988, 0.51175, 0.45188, 0.46107, 0.52621, 0.46104],
}
# Those of the three classes.
PROBABILITIES = {
    "early": [0.37371, 0.32775, 0.29854, 0.34706, 0.28336, 0.36958],
    "late": [0.25703, 0.26968, 0.47329, 0.26054, 0.27492, 0.46454],
    "cross_modal": [0.32791, 0.26413, 0.40795, 0.31630, 0.28818, 0.39552],
    "cross_modal_gated": [0.31717, 0.26739, 0.41544, 0.30526, 0.29246, 0.40228],
    "cross_modal_concat": [0.37902, 0.27036, 0.35062, 0.31670, 0.31928, 0.36402],
}
# The tower's output for the first six videos.
CORRELATIONS = {
    "mean": [0.43315, 0.50807, 0.47374, 0.48312, 0.50771, 0.52099],
    "transformer": [0.28547, 0.30449, 0.31137, 0.30677, 0.28067, 0.28646],
    "netvlad": [0.30143, 0.39313, 0.26258, 0.35902, 0.24788, 0.27235],
    "rnn": [0.36707, 0.34821, 0.35536, 0.34071, 0.34355, 0.32177],
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
