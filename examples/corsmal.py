"""Recognise what is poured into a container, and how much, from real recordings.

Frame-level, ragged features of the CORSMAL Containers Manipulation data (R(2+1)D for video,
VGGish for audio, at unequal rates), cross-validated over containers that were never seen. Every
model, the logistic regression too, gets the same container through scikit-learn's
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
# So few recordings are soon learned by heart.
SETTINGS |= {"dropout": 0.3, "weight_decay": 0.1, "label_smoothing": 0.1}
TOWER = {"encoder": "mean", "encoder_params": {"d_model": 128}, "hidden_layer_sizes": (128,)}
TOWER |= {"lr": 1e-3, "batch_size": 32, "max_epochs": 30}
MODELS = {
    "TM-E": {"fusion": "early"},
    "TM-L": {"fusion": "late"},
    "TM-CM": {"fusion": "cross_modal"},
    "TM-CM-C": {"fusion": "cross_modal_concat"},
    "TM-L+p (control)": {"fusion": "cross_modal_concat", "influence": "none"},
}


def load(folder):
    """Read recordings: frames, filling type, type and level, and container."""
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
        raise SystemExit(f"{folder} holds no audio/<container>/*_audio_vggish.npy")
    return as_multimodal(video, audio), np.array(filling), np.array(level), np.array(container)


def mean_pooled(X):
    """Mean of each feature over a recording's frames, both modalities side by side."""
    rows = [np.concatenate([frames.mean(0) for frames in row.values()]) for row in X]
    return np.array(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path, help="folder with audio/ and video/")
    parser.add_argument("--folds", type=int, default=3, help="folds over containers (default: 3)")
    parser.add_argument("--jobs", type=int, default=2, help="folds side by side (default: 2)")
    args = parser.parse_args()
    X, filling, level, container = load(args.folder)
    print(X)
    baseline = make_pipeline(
        FunctionTransformer(mean_pooled), StandardScaler(), LogisticRegression(max_iter=2000)
    )
    models = {"logistic regression": baseline} | {
        # An unfitted tower is trained inside each fit, on the fold's training rows alone.
        name: CrossModalTransformerClassifier(
            correlation_tower=CorrelationTower(**TOWER), random_state=0, **SETTINGS, **choice
        )
        for name, choice in MODELS.items()
    }
    for target, y in {"filling type": filling, "type and level": level}.items():
        print(f"\n{target}, {len(np.unique(y))} classes; mean ± std over {args.folds} folds")
        print(f"{'':20}{'accuracy':>16}{'balanced':>16}{'seconds':>10}", flush=True)
        # Levels of one filling share their top-level label: no tower learns them as mismatched.
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
