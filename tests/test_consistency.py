"""Stored predictions of tiny models, so that no change of a model goes unnoticed.

If a model is meant to change, run ``python tests/test_consistency.py`` for the new numbers, and
explain them in the commit message.
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
    "early": [0.50219, 0.52539, 0.44757, 0.52079, 0.55814, 0.43815],
    "late": [0.50981, 0.60393, 0.56250, 0.54634, 0.57218, 0.52071],
    "cross_modal": [0.52023, 0.50910, 0.48451, 0.53781, 0.51116, 0.46845],
    "cross_modal_gated": [0.51851, 0.50913, 0.48400, 0.53779, 0.51063, 0.47011],
    "cross_modal_concat": [0.53429, 0.53565, 0.48430, 0.51845, 0.53705, 0.45872],
    "soft": [0.51934, 0.50918, 0.48381, 0.53811, 0.51080, 0.46878],
    "embedding": [0.41597, 0.52653, 0.50006, 0.40380, 0.53179, 0.49703],
    "self": [0.53306, 0.53458, 0.48435, 0.51749, 0.53604, 0.45845],
    "none": [0.45195, 0.58194, 0.51249, 0.45674, 0.59726, 0.48194],
    "multiply": [0.58170, 0.58353, 0.46950, 0.58049, 0.59968, 0.45919],
    "stopped": [0.53428, 0.48549, 0.53077, 0.51223, 0.45576, 0.47890],
    "netvlad-late": [0.52229, 0.56898, 0.50004, 0.60400, 0.67520, 0.41919],
    "netvlad-add": [0.52154, 0.60274, 0.52865, 0.60156, 0.64534, 0.53108],
    "netvlad-multiply": [0.52377, 0.60724, 0.53570, 0.60005, 0.64695, 0.53685],
    "rnn-late": [0.48992, 0.58888, 0.51154, 0.50909, 0.58403, 0.46182],
    "rnn-add": [0.51809, 0.53081, 0.52114, 0.51485, 0.52897, 0.51523],
    "rnn-multiply": [0.51580, 0.53530, 0.52112, 0.51314, 0.52725, 0.52052],
    "lstm": [0.49340, 0.54174, 0.52631, 0.50865, 0.53222, 0.49731],
    "padded": [0.49453, 0.53828, 0.45701, 0.48781, 0.58128, 0.45161],
}
# Those of the three classes.
PROBABILITIES = {
    "early": [0.44361, 0.30163, 0.25476, 0.41338, 0.24469, 0.34192],
    "late": [0.37900, 0.23786, 0.38314, 0.33749, 0.22934, 0.43318],
    "cross_modal": [0.34200, 0.30186, 0.35614, 0.33345, 0.29011, 0.37644],
    "cross_modal_gated": [0.34211, 0.30115, 0.35673, 0.33340, 0.29065, 0.37595],
    "cross_modal_concat": [0.36152, 0.30469, 0.33379, 0.30525, 0.36468, 0.33008],
}
# The tower's output for the first six videos.
CORRELATIONS = {
    "mean": [0.40743, 0.48268, 0.42423, 0.47020, 0.48316, 0.50872],
    "transformer": [0.28058, 0.28187, 0.29129, 0.30205, 0.28129, 0.27568],
    "netvlad": [0.32343, 0.33253, 0.25474, 0.34373, 0.23599, 0.28053],
    "rnn": [0.39148, 0.31399, 0.30094, 0.32257, 0.29946, 0.31584],
}
# The same with drawn negatives, as for more videos.
DRAWN = {"mean": [0.41639, 0.50253, 0.42496, 0.47024, 0.49287, 0.51495]}


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


def test_drawn_negatives(monkeypatch):
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
