"""Use your own embeddings: write them to Parquet, read them, fit, save, predict.

    python examples/own_embeddings.py [--videos N]
    python examples/own_embeddings.py --out FOLDER     # only the files, for the command line

The CLIP and CLAP embeddings are synthetic here: each label has a direction in both spaces, and
the frames of a video are scattered around the directions of its labels. Replace
`synthetic_frames` by your own encoders, and keep the rest.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sk_crossmodal import (
    CorrelationTower,
    CrossModalTransformerClassifier,
    HierarchyLabelBinarizer,
    TransformedTargetClassifier,
    load_model,
    save_model,
)
from sk_crossmodal.datasets import load_embeddings
from sk_crossmodal.metrics import hierarchy_report

LABELS = ("Music:Piano", "Music:Drums", "Sport:Tennis", "Sport:Football", "Animal:Dog")
WIDTHS = {"clip": 64, "clap": 48}
# A list of frames per video, and a list of numbers per frame.
FRAMES = pa.list_(pa.list_(pa.float32()))


def synthetic_frames(labels, width, rng):
    """Return the frames of a video with these labels, of shape (n_frames, width)."""
    directions = np.random.default_rng(width).normal(size=(len(LABELS), width))
    centre = directions[[LABELS.index(label) for label in labels]].mean(axis=0)
    return (centre + 9 * rng.normal(size=(rng.integers(10, 30), width))).astype(np.float32)


def write_videos(path, n_videos, seed):
    """Write a table with one row per video, and columns of ids, labels and modalities."""
    rng = np.random.default_rng(seed)
    labels = [list(rng.choice(LABELS, rng.integers(1, 3), replace=False)) for _ in range(n_videos)]
    columns = {"id": [f"{path.stem}{i}" for i in range(n_videos)], "labels": labels}
    for name, width in WIDTHS.items():
        videos = [list(synthetic_frames(each, width, rng)) for each in labels]
        columns[name] = pa.array(videos, FRAMES)
    pq.write_table(pa.table(columns), path, row_group_size=1000)


def train(path):
    """Fit a classifier on the label paths of a table."""
    videos = load_embeddings(path)
    print(f"{path}: {videos.data}")
    size = {"lr": 2e-3, "batch_size": 32, "max_epochs": 8, "random_state": 0}
    classifier = CrossModalTransformerClassifier(
        correlation_tower=CorrelationTower(encoder="mean", **size), d_model=32, n_heads=4, **size
    )
    model = TransformedTargetClassifier(classifier, transformer=HierarchyLabelBinarizer())
    return model.fit(videos.data, videos.target)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="only write the files, to this folder")
    parser.add_argument("--videos", type=int, default=300, help="training videos (default: 300)")
    args = parser.parse_args()
    folder = args.out or Path("own_embeddings")
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in ("train.parquet", "test.parquet")]
    for seed, path in enumerate(files):
        write_videos(path, args.videos // (1 + 2 * seed), seed)
    saved = folder / "model.safetensors"
    if args.out is not None:
        print(f"wrote {files[0]} and {files[1]}; next:")
        sizes = "--set d_model=64 --set correlation_tower.encoder=mean"
        training = f"--epochs 15 --lr 2e-3 --batch-size 32 {sizes}"
        print(f"  sk-crossmodal train {files[0]} {saved} {training}")
        print(f"  sk-crossmodal evaluate {saved} {files[1]}")
        return

    save_model(train(files[0]), saved)
    model, test = load_model(saved), load_embeddings(files[1])
    probability = model.predict_proba(test.data)
    truth = model.transformer_.transform(test.target)
    print(hierarchy_report(truth, probability, model.hierarchy_))
    few = slice(5)
    predicted = model.predict(test.data[few])
    for name, labels, found in zip(test.ids[few], test.target[few], predicted, strict=True):
        print(f"{name}: {', '.join(labels)}; predicted {', '.join(found) or 'nothing'}")
    print("the same on the command line:")
    print(f"  sk-crossmodal evaluate {saved} {files[1]}")


if __name__ == "__main__":
    main()
