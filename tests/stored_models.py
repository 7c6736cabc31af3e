"""Small models saved by a version of this package, for the tests of later ones.

``python tests/stored_models.py`` writes new files into tests/stored_models; run it
for a new file format only, and keep the old files.
"""

import json
from pathlib import Path

import numpy as np
from estimator_cases import make_classifier, make_tower, ragged
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_crossmodal import (
    HierarchyLabelBinarizer,
    ModalityTransformer,
    TransformedTargetClassifier,
    save_model,
)

FOLDER = Path(__file__).with_name("stored_models")
X = ragged(seed=1, n=24)
PATHS = [["a:x", "b"], ["a:y"], ["b"], ["c", "a"]] * 6
CLASSES = np.array(["up", "down", "left"] * 8)
SETTINGS = {"lr": 1e-2, "batch_size": 8, "device": "cpu", "precision": "float32"}


def fit_models():
    """Fitted models by name: each family, each form of y, and a composed one."""
    small = {**SETTINGS, "cross_modal_layer_sizes": (3,), "correlation_tower": make_tower()}
    transformer = make_classifier("transformer", d_model=8, n_layers=2, **small)
    features = ModalityTransformer({"video": PCA(4)}, remainder=StandardScaler())
    composed = TransformedTargetClassifier(
        make_pipeline(features, transformer), transformer=HierarchyLabelBinarizer()
    )
    netvlad = make_classifier("netvlad", hidden_size=8, fusion="cross_modal_gated", **small)
    rnn = make_classifier("rnn", hidden_size=8, fusion="cross_modal", early_stopping=True, **small)
    return {
        "composed": composed.fit(X, PATHS),
        "netvlad": netvlad.fit(X, CLASSES),
        "rnn": rnn.fit(X, (CLASSES == "up") * 4 + 3),
    }


def main():
    """Write the files, and the predictions for the first three videos."""
    FOLDER.mkdir(exist_ok=True)
    expected = {}
    for name, model in fit_models().items():
        save_model(model, FOLDER / f"{name}-1.safetensors")
        expected[f"{name}-1"] = np.round(model.predict_proba(X[:3]), 6).tolist()
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
