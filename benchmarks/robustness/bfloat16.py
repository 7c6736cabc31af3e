"""Random trainings of a few steps in bfloat16: no NaN or infinity in what comes of any.

Every training is drawn by its seed: family, fusion, sizes, options, frames from 1e-6 to 1e6,
ragged videos, labels, weights. The same are trained in float32 as a control. What is looked at:
losses, weights and running statistics, those of the correlation tower too, probabilities,
attention and the outputs of the tower.

    python benchmarks/robustness/bfloat16.py --out docs/robustness/bfloat16.json
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from joblib import Parallel, delayed

sys.path.append(str(Path(__file__).resolve().parent))

from campaign import main

from sk_crossmodal import (
    CorrelationTower,
    CrossModalNetVLADClassifier,
    CrossModalRNNClassifier,
    CrossModalTransformerClassifier,
    MultimodalArray,
)
from sk_crossmodal.modules import FUSIONS

PRECISIONS = ("bfloat16", "float32")
WIDTHS = {"video": 6, "audio": 4, "text": 3}
SHOWN = 30  # failures that are written out


class Draw:
    """Random choices, all decided by one seed."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def one(self, *options):
        """One of some options."""
        return options[self.rng.integers(len(options))]

    def power(self, low, high):
        """A number whose logarithm is uniform, between two powers of ten."""
        return float(10 ** self.rng.uniform(low, high))


def family(draw):
    """Class of a classifier and its sizes."""
    heads = draw.one(1, 2, 4)
    size = draw.one(2, 8, 16)
    return draw.one(
        (
            CrossModalTransformerClassifier,
            {"d_model": heads * draw.one(1, 4), "n_heads": heads, "n_layers": draw.one(1, 2, 3)},
        ),
        (CrossModalNetVLADClassifier, {"n_clusters": draw.one(1, 3, 8), "hidden_size": size}),
        (
            CrossModalRNNClassifier,
            {
                "n_clusters": draw.one(1, 4),
                "hidden_size": size,
                "rnn_type": draw.one("gru", "lstm", None),
            },
        ),
    )


def options(draw):
    """Parameters that all classifiers share."""
    tower = CorrelationTower(
        encoder=draw.one("mean", "transformer", "netvlad", "rnn"),
        hidden_layer_sizes=(4,),
        max_epochs=1,
        random_state=0,
    )
    small = {"transformer": {"d_model": 8, "n_heads": 2}, "mean": {"d_model": 4}}
    tower.set_params(
        encoder_params=small.get(tower.encoder, {"n_clusters": 2, "hidden_size": 4}),
        lr=draw.power(-5, -2),
    )
    return {
        "fusion": draw.one(*FUSIONS),
        "gate": draw.one("hard", "soft"),
        "cross_modal_combine": draw.one("add", "multiply"),
        "cross_modal_layer_sizes": draw.one((1,), (4,), (4, 3)),
        "correlation_features": draw.one("probability", "embedding"),
        "influence": draw.one("cross", "cross", "self", "none"),
        "correlation_tower": draw.one(None, tower),
        "frame_scaling": draw.one("modality", "feature", None),
        "mask_padding": draw.one(True, True, False),
        "max_frames": draw.one(3, 12),
        "dropout": draw.one(0.0, 0.1, 0.5, 0.9),
        "modality_dropout": draw.one(0.0, 0.3, 1.0),
        "class_weight": draw.one(None, "balanced"),
        "label_smoothing": draw.one(0.0, 0.1),
        "lr": draw.power(-5, -2),
        "weight_decay": draw.one(0.0, 0.01),
        "lr_schedule": draw.one("plateau", "cosine", None),
        "batch_size": draw.one(3, 8, 32),
        "max_epochs": draw.one(1, 2, 3),
        "validation_fraction": 0.3,
        "random_state": int(draw.rng.integers(2**31)),
    }


def frames(draw, n):
    """Ragged videos of one to three modalities, each in units of its own."""
    parts, lengths, quantization = {}, {}, {}
    for name in list(WIDTHS)[: draw.one(1, 2, 2, 2, 3)]:
        kind = draw.one("normal", "normal", "zero", "constant", "spiky", "uint8", "float16")
        # At least two frames, so that no modality is empty.
        lengths[name] = np.maximum(draw.rng.integers(0, 10, n), np.arange(n) < 2)
        shape = (lengths[name].sum(), WIDTHS[name])
        values = draw.rng.standard_normal(shape)
        if kind == "uint8":
            parts[name] = draw.rng.integers(0, 256, shape, dtype=np.uint8)
            quantization[name] = (draw.power(-6, 4), float(draw.rng.normal()))
            continue
        if kind == "zero":
            values[:] = 0
        elif kind == "constant":
            values[:] = draw.rng.standard_normal()
        elif kind == "spiky":
            values[draw.rng.random(shape) < 0.05] *= 1e4
        limits = (-3, 1) if kind == "float16" else (-6, 6)
        values = values * draw.power(*limits) + draw.one(0.0, 0.0, draw.power(*limits))
        parts[name] = values.astype(np.float16 if kind == "float16" else np.float32)
    return MultimodalArray.from_frames(parts, lengths, quantization=quantization)


def labels(draw, n, alone):
    """Classes, or indicators of which columns may be all zero or all one.

    With `alone`, half of the videos share no label with the other half, as a tower needs it.
    """
    if draw.one(True, False):
        return np.arange(n) % draw.one(2, 3)
    y = (draw.rng.random((n, draw.one(2, 3, 5) if alone else draw.one(1, 3))) < 0.4).astype(int)
    if alone:
        y[0::2, 0], y[0::2, -1] = 1, 0
        y[1::2] = np.arange(y.shape[1]) == y.shape[1] - 1
        return np.hstack([y, np.zeros((n, draw.one(0, 2)), int)])
    return np.hstack([y, np.full((n, draw.one(0, 2)), draw.one(0, 1))])


def problem(seed):
    """An unfitted classifier, what it is fitted with, and weights."""
    draw = Draw(seed)
    n = draw.one(8, 14)
    cls, sizes = family(draw)
    classifier = cls(**sizes, **options(draw), device="cpu")
    with_tower = classifier.fusion in ("cross_modal_gated", "cross_modal_concat")
    # Of few videos that are held out, all may be of one kind.
    classifier.set_params(early_stopping=not with_tower and draw.one(True, False))
    weight = draw.one(None, draw.rng.random(n) * draw.power(-4, 4) + 1e-6)
    return classifier, frames(draw, n), labels(draw, n, with_tower), weight


def bad_numbers(classifier, X):
    """What of a fitted classifier is NaN or infinite, or no probability, a list of str."""
    tower = classifier.correlation_tower_
    found = {"losses": [v for row in classifier.history_ for k, v in row.items() if "loss" in k]}
    for name, part in (("weights", classifier), ("weights of the tower", tower)):
        if part is not None:
            weights = part.module_.state_dict().values()
            found[name] = np.concatenate([w.detach().double().numpy().ravel() for w in weights])
    if tower is not None:
        found["losses of the tower"] = tower.loss_curve_
        found["outputs of the tower"] = tower.predict_proba(X)
    for name, pair in classifier.attention_weights(X).items():
        found[f"attention to {name}"] = np.concatenate([pair.before, pair.after])
    found["logits"] = classifier.decision_function(X)
    found["probabilities"] = probability = classifier.predict_proba(X)
    bad = [name for name, values in found.items() if not np.isfinite(values).all()]
    if not ((probability > 0) & (probability < 1)).all():
        bad.append("probabilities outside (0, 1)")
    return bad


def trained(seed, precision):
    """Train and apply; return what went wrong, a list of str."""
    torch.set_num_threads(1)
    classifier, X, y, weight = problem(seed)
    classifier.set_params(precision=precision)
    if classifier.correlation_tower is not None:
        classifier.correlation_tower.set_params(precision=precision)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            classifier.fit(X, y, sample_weight=weight)
            return bad_numbers(classifier, X)
        except Exception as error:  # any is a failure, of this training alone
            return [f"{type(error).__name__}: {error}"]


def campaign(trainings, jobs, seed):
    """Train that many classifiers in each precision, some at once."""
    results, failed = {}, 0
    for precision in PRECISIONS:
        # Forked: what is compiled for bfloat16 makes workers grow, and others are then begun anew.
        run = Parallel(jobs, backend="multiprocessing")
        found = run(delayed(trained)([seed, i], precision) for i in range(trainings))
        failures = {i: wrong for i, wrong in enumerate(found) if wrong}
        failed += len(failures)
        results[precision] = {
            "trained": trainings,
            "failed": len(failures),
            "failures": dict(list(failures.items())[:SHOWN]),
        }
    drawn = [problem([seed, i])[0] for i in range(trainings)]
    kinds = [f"{type(c).__name__}, {c.fusion}" for c in drawn]
    return {
        "failed": failed,
        "precisions": results,
        "drawn": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
    }


if __name__ == "__main__":
    main(campaign, full={"trainings": 1000, "jobs": 2}, quick={"trainings": 20, "jobs": 2})
