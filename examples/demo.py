"""Compare the paper's fusions and its correlation tower, with a control.

Without arguments it uses synthetic videos and takes a few minutes on two cores; with
``--data FOLDER`` it uses YouTube-8M shards, video-level or frame-level, with vocabulary.csv in
the folder or near it. It prints the error rates of the tower and a table of error rates by
hierarchy level, and writes two plots.
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

CONCAT = "cross_modal_concat (CM-C)"
MODELS = {  # with the paper's names in brackets
    "early (E)": {"fusion": "early"},
    "late (L)": {"fusion": "late"},
    "cross_modal_gated (CM-G)": {"fusion": "cross_modal_gated"},
    CONCAT: {"fusion": "cross_modal_concat"},
    # A control: late fusion with the tower's probability, but without cross-modal influence.
    "late + tower (L+p)": {"fusion": "cross_modal_concat", "influence": "none"},
}
MORE_MODELS = {
    "cross_modal (CM)": {"fusion": "cross_modal"},
    # Another control: the input of F is the attention of the target itself.
    "self-influence (CM-C self)": {"fusion": "cross_modal_concat", "influence": "self"},
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
            # The tower has seen all training videos, so none of them can be held out.
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
    """Make synthetic training and test videos with the same labels."""
    train = make_crossmodal_videos(n_train, random_state=2 * seed)
    test = make_crossmodal_videos(n_test, random_state=2 * seed + 1)
    return train, test, HierarchyLabelBinarizer(hierarchy=train.hierarchy)


def youtube8m_data(folder):
    """Read shards, the last fifth as test set, and labels with 30 or more training videos."""
    folder = Path(folder)
    shards = sorted(folder.rglob("*.tfrecord"))
    found = [*folder.rglob("vocabulary.csv"), *folder.parent.glob("vocabulary.csv")]
    vocabularies = found or list(folder.parent.glob("*/vocabulary.csv"))
    if len(shards) < 2 or not vocabularies:
        raise SystemExit(
            f"{folder} needs at least two *.tfrecord shards, found {len(shards)}, and a "
            f"vocabulary.csv in it or next to it, found {len(vocabularies)}."
        )
    n_test = max(1, len(shards) // 5)
    train, test = load_youtube8m(shards[:-n_test]), load_youtube8m(shards[-n_test:])
    hierarchy = youtube8m_hierarchy(vocabularies[0])
    return train, test, HierarchyLabelBinarizer(hierarchy=hierarchy, min_frequency=30)


def run_seed(seed, data, settings, models):
    """Train the tower and all models; return reports, rates, and the inputs of the plots."""
    torch.set_num_threads(1)  # seeds run in parallel, one per core
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
    for name, params in models.items():
        start = time.perf_counter()
        fitted[name] = CrossModalTransformerClassifier(
            correlation_tower=FrozenEstimator(tower),
            hierarchy=hierarchy,
            random_state=seed,
            **model_params,
            **params,
        ).fit(train.data, Y_train)
        reports[name] = hierarchy_report(Y_test, fitted[name].predict_proba(test.data), hierarchy)
        _progress(seed, name, start, f"GAP error {100 * (1 - reports[name].gap[0]):.2f} %")
    return reports, rates, (fitted[CONCAT], tower, test, Y_test)


def _progress(seed, name, start, result):
    seconds = time.perf_counter() - start
    print(f"  seed {seed}  {name:<26} {seconds:6.1f} s   {result}", flush=True)


def draw(folder, classifier, tower, test, Y_test):
    """Write two plots; the attention is that of the video with the largest influence."""
    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    display = CorrelationDisplay.from_estimator(tower, test.data, Y_test)
    display.figure_.savefig(folder / "correlation.png", dpi=120)
    attention = classifier.attention_weights(test.data[:300])
    change = np.abs(attention["video"].after - attention["video"].before).sum(1)
    video = int(change.argmax())
    spans = None
    if "scene" in test:
        spans = {"video": test.scene[video], "audio": test.event[video]}
    display = AttentionDisplay.from_estimator(classifier, test.data[[video]], spans=spans)
    display.figure_.savefig(folder / "attention.png", dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", help="folder of YouTube-8M shards (default: synthetic videos)")
    parser.add_argument("--seeds", type=int, default=2, help="number of seeds (default: 2)")
    parser.add_argument("--jobs", type=int, default=2, help="seeds run in parallel (default: 2)")
    parser.add_argument(
        "--all-models", action="store_true", help="also cross_modal and self-influence (CM-C self)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("demo_output"), help="folder of the plots"
    )
    args = parser.parse_args()
    data = None if args.data is None else youtube8m_data(args.data)
    settings = SETTINGS["synthetic" if data is None else "youtube8m"]
    models = MODELS | (MORE_MODELS if args.all_models else {})
    print(
        "synthetic videos" if data is None else f"{len(data[0].data)} training videos", flush=True
    )
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
        "\nlate + tower is a control: late fusion with the tower's probability as a feature, but "
        "without\ncross-modal influence. The paper's names are in brackets."
    )
    print(
        f"\nPlots of seed 0: {args.out / 'correlation.png'} and {args.out / 'attention.png'}"
        "\n(cross_modal_concat, the one of 300 test videos with the largest influence)"
    )


if __name__ == "__main__":
    main()
