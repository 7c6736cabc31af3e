"""Train random classifiers for a few steps in bfloat16, and check for NaN and infinity.

The seed of a training determines family, fusion, sizes, options, frames from 1e-6 to 1e6, ragged
videos, labels and weights. The same trainings in float32 are a control. It checks losses, weights
and running statistics of classifier and tower, probabilities, attention and outputs of the tower.

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
SHOWN = 30  # failures in the output


class Draw:
    """Random choices of one seed."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def one(self, *options):
        """Return one of the options."""
        return options[self.rng.integers(len(options))]

    def power(self, low, high):
        """Return a number between two powers of ten, with a uniform logarithm."""
        return float(10 ** self.rng.uniform(low, high))


def family(draw):
    """Return the class of a classifier and its sizes."""
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
    """Return parameters that all classifiers have."""
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
    """Return ragged videos of one to three modalities of different scales."""
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


def labels(draw, n, disjoint):
    """Return classes, or indicators whose columns may be constant.

    With `disjoint`, half of the videos share no label with the other half, as a tower needs.
    """
    if draw.one(True, False):
        return np.arange(n) % draw.one(2, 3)
    y = (draw.rng.random((n, draw.one(2, 3, 5) if disjoint else draw.one(1, 3))) < 0.4).astype(int)
    if disjoint:
        y[0::2, 0], y[0::2, -1] = 1, 0
        y[1::2] = np.arange(y.shape[1]) == y.shape[1] - 1
        return np.hstack([y, np.zeros((n, draw.one(0, 2)), int)])
    return np.hstack([y, np.full((n, draw.one(0, 2)), draw.one(0, 1))])


def problem(seed):
    """Return an unfitted classifier, X, y and sample weights."""
    draw = Draw(seed)
    n = draw.one(8, 14)
    cls, sizes = family(draw)
    classifier = cls(**sizes, **options(draw), device="cpu")
    with_tower = classifier.fusion in ("cross_modal_gated", "cross_modal_concat")
    # Few held-out videos may all have the same class.
    classifier.set_params(early_stopping=not with_tower and draw.one(True, False))
    weight = draw.one(None, draw.rng.random(n) * draw.power(-4, 4) + 1e-6)
    return classifier, frames(draw, n), labels(draw, n, with_tower), weight


def bad_numbers(classifier, X):
    """Return the parts of a fitted classifier that are not finite, or no probabilities."""
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
    """Fit and predict; return the problems as a list of str."""
    torch.set_num_threads(1)
    classifier, X, y, weight = problem(seed)
    classifier.set_params(precision=precision)
    if classifier.correlation_tower is not None:
        classifier.correlation_tower.set_params(precision=precision)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "fusion=.* needs two modalities")  # drawn with one
        try:
            classifier.fit(X, y, sample_weight=weight)
            return bad_numbers(classifier, X)
        except Exception as error:  # a failure of this training
            return [f"{type(error).__name__}: {error}"]


def campaign(trainings, jobs, seed):
    """Train classifiers in each precision, several in parallel."""
    results, failed = {}, 0
    for precision in PRECISIONS:
        # Forked: compiled code for bfloat16 makes workers grow, so they are replaced.
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
