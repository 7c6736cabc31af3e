"""Classify the content of a container and its amount, from real recordings.

The data are frame-level, ragged features of CORSMAL Containers Manipulation (R(2+1)D for video,
VGGish for audio, at different rates), cross-validated over unseen containers. All models,
including the logistic regression, get the same `MultimodalArray` in scikit-learn's
`cross_validate`.
"""

import argparse
import re
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sk_crossmodal import CorrelationTower, CrossModalTransformerClassifier, LabelHierarchy
from sk_crossmodal.multimodal import as_multimodal

SCORERS = ["accuracy", "balanced_accuracy"]
SETTINGS = {"d_model": 128, "n_heads": 4, "lr": 1e-3, "batch_size": 32, "max_epochs": 40}
# Regularisation, as models overfit so few recordings soon.
SETTINGS |= {"dropout": 0.3, "weight_decay": 0.1, "label_smoothing": 0.1}
TOWER = {"encoder": "mean", "encoder_params": {"d_model": 128}, "hidden_layer_sizes": (128,)}
TOWER |= {"lr": 1e-3, "batch_size": 32, "max_epochs": 30}
MODELS = {
    "early": {"fusion": "early"},
    "late": {"fusion": "late"},
    "cross_modal": {"fusion": "cross_modal"},
    "cross_modal_concat": {"fusion": "cross_modal_concat"},
    "late + tower": {"fusion": "cross_modal_concat", "influence": "none"},
}


def load(folder):
    """Return frames, filling types, types with levels, and containers of all recordings."""
    video, audio, filling, level, container = [], [], [], [], []
    for path in sorted(Path(folder).glob("audio/*/*_audio_vggish.npy")):
        recording = path.name.removesuffix("_audio_vggish.npy")
        video.append(np.load(folder / "video" / path.parent.name / f"{recording}_c1_rgb.npy"))
        audio.append(np.load(path))
        kind, amount = re.search(r"fi(\d)_fu(\d)", recording).groups()
        filling.append(("nothing", "pasta", "rice", "water")[int(kind)])
        level.append(f"{filling[-1]}:{(0, 50, 90)[int(amount)]} %")
        container.append(path.parent.name)
    if not video:
        raise SystemExit(f"{folder} has no audio/<container>/*_audio_vggish.npy")
    return as_multimodal(video, audio), np.array(filling), np.array(level), np.array(container)


def mean_pooled(X):
    """Return the mean over frames of each feature of both modalities."""
    rows = [np.concatenate([frames.mean(0) for frames in row.values()]) for row in X]
    return np.array(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path, help="folder with audio/ and video/")
    parser.add_argument("--folds", type=int, default=3, help="folds over containers (default: 3)")
    parser.add_argument("--jobs", type=int, default=2, help="folds run in parallel (default: 2)")
    args = parser.parse_args()
    X, filling, level, container = load(args.folder)
    print(X)
    baseline = make_pipeline(
        FunctionTransformer(mean_pooled), StandardScaler(), LogisticRegression(max_iter=2000)
    )
    models = {"logistic regression": baseline} | {
        # An unfitted tower is trained in each fit, on the training rows of the fold only.
        name: CrossModalTransformerClassifier(
            correlation_tower=CorrelationTower(**TOWER), random_state=0, **SETTINGS, **params
        )
        for name, params in MODELS.items()
    }
    for target, y in {"filling type": filling, "type and level": level}.items():
        print(f"\n{target}, {len(np.unique(y))} classes; mean ± std over {args.folds} folds")
        print(f"{'':20}{'accuracy':>16}{'balanced':>16}{'seconds':>10}", flush=True)
        # Levels of one filling share a top-level label, so they are never negative pairs.
        hierarchy = LabelHierarchy.from_paths(np.unique(y))
        for name, model in models.items():
            if name in MODELS:
                model.set_params(hierarchy=hierarchy)
            start = time.perf_counter()
            folds = GroupKFold(args.folds)
            scores = cross_validate(
                model, X, y, groups=container, cv=folds, scoring=SCORERS, n_jobs=args.jobs
            )
            cells = [scores[f"test_{scorer}"] for scorer in SCORERS]
            row = "".join(f"{f'{cell.mean():.3f} ± {cell.std():.3f}':>16}" for cell in cells)
            print(f"{name:20}{row}{time.perf_counter() - start:>10.1f}", flush=True)


if __name__ == "__main__":
    main()
