"""Compare the paper's fusion modes: the correlation tower, E, L, CM-G, CM-C and a control.

Without arguments on made-up videos, in a few minutes on two cores; with ``--data FOLDER`` on
YouTube-8M shards, video-level or frame-level, with vocabulary.csv in the folder or near it.
Prints the tower's error rates and a table of error rates by hierarchy level, and writes two
pictures.
"""

import argparse
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from sk_crossmodal import (
    CorrelationTower,
    CrossModalTransformerClassifier,
    HierarchyLabelBinarizer,
)
from sk_crossmodal.datasets import load_youtube8m, make_crossmodal_videos, youtube8m_hierarchy
from sk_crossmodal.inspection import AttentionDisplay, CorrelationDisplay, compare_report
from sk_crossmodal.metrics import hierarchy_report

MODELS = {  # the paper's names
    "TM-E": {"fusion": "early"},
    "TM-L": {"fusion": "late"},
    "TM-CM-G": {"fusion": "cross_modal_gated"},
    "TM-CM-C": {"fusion": "cross_modal_concat"},
    # The control: late fusion that sees the tower's p, without any influence of attention.
    "TM-L+p": {"fusion": "cross_modal_concat", "influence": "none"},
}
MORE_MODELS = {
    "TM-CM": {"fusion": "cross_modal"},
    # The other control: F is fed with the target's own attention.
    "TM-self": {"fusion": "cross_modal_concat", "influence": "self"},
}
SETTINGS = {  # of the tower, and of the classifiers
    "synthetic": (
        {
            "encoder": "mean",
            "encoder_params": {"d_model": 128},
            "hidden_layer_sizes": (128,),
            "lr": 2e-3,
            "batch_size": 64,
            "max_epochs": 20,
        },
        {
            "d_model": 64,
            "n_heads": 4,
            "lr": 2e-3,
            "batch_size": 64,
            "max_epochs": 15,
            # The tower has seen all training videos, so none of them can judge when to stop.
            "early_stopping": False,
        },
    ),
    "youtube8m": (
        {
            "encoder": "mean",
            "encoder_params": {"d_model": 512},
            "hidden_layer_sizes": (256,),
            "dropout": 0.3,
            "lr": 1e-3,
            "lr_schedule": "cosine",
            "batch_size": 64,
            "max_epochs": 20,
            "early_stopping": False,
            "weight_decay": 2.0,
        },
        {
            "dropout": 0.3,
            "lr": 5e-4,
            "lr_schedule": "cosine",
            "max_epochs": 10,
            "early_stopping": False,
        },
    ),
}


def synthetic_data(seed, n_train=2500, n_test=1000):
    """Made-up training and test videos that share what labels look and sound like."""
    train = make_crossmodal_videos(n_train, random_state=2 * seed)
    test = make_crossmodal_videos(n_test, random_state=2 * seed + 1)
    return train, test, HierarchyLabelBinarizer(hierarchy=train.hierarchy)


def youtube8m_data(folder):
    """Read shards, the last fifth for testing, and the labels with 30 or more training videos."""
    folder = Path(folder)
    shards = sorted(folder.rglob("*.tfrecord"))
    places = [*folder.rglob("vocabulary.csv"), *folder.parent.glob("vocabulary.csv")]
    vocabularies = places or list(folder.parent.glob("*/vocabulary.csv"))
    if len(shards) < 2 or not vocabularies:
        raise SystemExit(
            f"{folder} needs at least two *.tfrecord shards, found {len(shards)}, and a "
            f"vocabulary.csv in it or beside it, found {len(vocabularies)}."
        )
    n_test = max(1, len(shards) // 5)
    train, test = load_youtube8m(shards[:-n_test]), load_youtube8m(shards[-n_test:])
    hierarchy = youtube8m_hierarchy(vocabularies[0])
    return train, test, HierarchyLabelBinarizer(hierarchy=hierarchy, min_frequency=30)


def run_seed(seed, data, settings, models):
    """Train the tower and every model on it; reports, and what the pictures need."""
    torch.set_num_threads(1)  # seeds run side by side, one a core
    train, test, labels = synthetic_data(seed) if data is None else data
    tower_params, model_params = settings
    labels = clone(labels)
    Y_train, Y_test = labels.fit_transform(train.target), labels.transform(test.target)
    start = time.perf_counter()
    hierarchy = labels.hierarchy_
    tower = CorrelationTower(hierarchy=hierarchy, random_state=seed, **tower_params)
    tower.fit(train.data, Y_train)
    rates = tower.pair_error_rates(test.data, Y_test)
    _progress(seed, "tower", start, f"accuracy {1 - rates['error']:.1%}, AUC {rates['auc']:.3f}")
    reports, fitted = {}, {}
    for name, choice in models.items():
        start = time.perf_counter()
        fitted[name] = CrossModalTransformerClassifier(
            correlation_tower=FrozenEstimator(tower),
            hierarchy=hierarchy,
            random_state=seed,
            **model_params,
            **choice,
        ).fit(train.data, Y_train)
        reports[name] = hierarchy_report(Y_test, fitted[name].predict_proba(test.data), hierarchy)
        _progress(seed, name, start, f"GAP error {100 * (1 - reports[name].gap[0]):.2f} %")
    return reports, rates, (fitted["TM-CM-C"], tower, test, Y_test)


def _progress(seed, name, start, result):
    seconds = time.perf_counter() - start
    print(f"  seed {seed}  {name:<8} {seconds:6.1f} s   {result}", flush=True)


def draw(folder, classifier, tower, test, Y_test):
    """Write the two pictures; the attention is that of the video where influence is largest."""
    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    display = CorrelationDisplay.from_estimator(tower, test.data, Y_test)
    display.figure_.savefig(folder / "correlation.png", dpi=120)
    attention = classifier.attention_weights(test.data[:300])
    moved = np.abs(attention["video"].after - attention["video"].before).sum(1)
    video = int(moved.argmax())
    spans = None
    if "scene" in test:
        spans = {"video": test.scene[video], "audio": test.event[video]}
    display = AttentionDisplay.from_estimator(classifier, test.data[[video]], spans=spans)
    display.figure_.savefig(folder / "attention.png", dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", help="folder of YouTube-8M shards (default: made-up videos)")
    parser.add_argument("--seeds", type=int, default=2, help="number of seeds (default: 2)")
    parser.add_argument("--jobs", type=int, default=2, help="seeds side by side (default: 2)")
    parser.add_argument("--all-models", action="store_true", help="also TM-CM and TM-self")
    parser.add_argument("--out", type=Path, default=Path("demo_output"), help="for the pictures")
    args = parser.parse_args()
    data = None if args.data is None else youtube8m_data(args.data)
    settings = SETTINGS["synthetic" if data is None else "youtube8m"]
    models = MODELS | (MORE_MODELS if args.all_models else {})
    print("made-up videos" if data is None else f"{len(data[0].data)} training videos", flush=True)
    runs = Parallel(n_jobs=args.jobs)(
        delayed(run_seed)(seed, data, settings, models) for seed in range(args.seeds)
    )
    print(f"\nCorrelation tower on held-out pairs, mean over {args.seeds} seeds:")
    mean = {name: np.mean([rates[name] for _, rates, _ in runs]) for name in runs[0][1]}
    print(
        f"  accuracy {1 - mean['error']:.1%}, FPR {mean['fpr']:.1%}, FNR {mean['fnr']:.1%}, "
        f"AUC {mean['auc']:.3f}\n"
    )
    print(compare_report({name: [reports[name] for reports, _, _ in runs] for name in models}))
    draw(args.out, *runs[0][2])
    print(
        "\nTM-E early, TM-L late, TM-CM-G gated and TM-CM-C concatenated fusion; TM-L+p is the "
        "control:\nlate fusion that sees the tower's p, without any influence of attention."
    )
    print(
        f"\nPictures, of seed 0: {args.out / 'correlation.png'} and {args.out / 'attention.png'}"
        "\n(TM-CM-C on that one of 300 test videos whose attention the influence moves most)"
    )


if __name__ == "__main__":
    main()
