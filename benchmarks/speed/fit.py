"""Overhead of `fit` and `predict_proba` over the network itself."""

import time
from copy import deepcopy

import numpy as np
import torch
from measure import Row, seconds, side_by_side
from skorch.callbacks import Callback

from sk_crossmodal import CrossModalTransformerClassifier, MultimodalArray

SMALL = {"n": 2000, "n_frames": 30, "widths": {"video": 32, "audio": 32}, "n_labels": 16}
YOUTUBE8M = {"n": 256, "n_frames": 300, "widths": {"video": 1024, "audio": 128}, "n_labels": 640}
SMALL_NETWORK = {"d_model": 64, "n_heads": 4, "batch_size": 64}
DEFAULT_NETWORK = {"d_model": 512, "n_heads": 8, "batch_size": 32}


def make_videos(n, n_frames, widths, n_labels, lengths=None):
    """Return random frames and labels; wide frames are 8-bit with YouTube-8M's scaling."""
    rng = np.random.default_rng(0)
    lengths = np.full(n, n_frames) if lengths is None else lengths
    frames, quantization = {}, {}
    for name, width in widths.items():
        shape = (lengths.sum(), width)
        if width < 100:
            frames[name] = rng.standard_normal(shape, dtype=np.float32)
        else:
            frames[name] = rng.integers(256, size=shape, dtype=np.uint8)
            quantization[name] = (4 / 255, 1 / 512 - 2)
    lengths = dict.fromkeys(widths, lengths)
    X = MultimodalArray.from_frames(frames, lengths, quantization=quantization)
    return X, (rng.random((n, n_labels)) < 3 / n_labels).astype(np.uint8)


def make_classifier(**params):
    """Return a classifier with late fusion, which needs no tower."""
    return CrossModalTransformerClassifier(
        fusion="late", early_stopping=False, lr_schedule=None, random_state=0, **params
    )


def prepare(X, y):
    """Return all videos as float32 tensors, dequantised and padded to the longest."""
    frames, masks = X.pad(np.arange(len(X)))
    for name, (scale, shift) in X.quantization.items():
        if (scale, shift) != (1.0, 0.0):
            frames[name] = frames[name].astype(np.float32)
            frames[name] *= np.float32(scale)
            frames[name] += np.float32(shift)
    frames = {name: torch.from_numpy(values) for name, values in frames.items()}
    masks = {name: torch.from_numpy(values) for name, values in masks.items()}
    return frames, masks, torch.from_numpy(y.astype(np.float32))


def take(rows, frames, masks):
    """Select rows of the prepared tensors of all modalities."""
    return tuple({name: x[rows] for name, x in part.items()} for part in (frames, masks))


class ByHand(Callback):
    """A callback that runs and times a step of a manual loop after each batch of a fit.

    So both sides have the same noise of the machine. The loop trains a copy of the network with
    the same optimizer on tensors of `prepare`: index, forward, loss, backward, step.
    """

    def __init__(self, prepared):
        self.prepared, self.times = prepared, []

    def on_train_begin(self, net, **kwargs):
        """Copy the network."""
        self.module, group = deepcopy(net.module_), net.optimizer_.param_groups[0]
        same = {name: group[name] for name in ("lr", "weight_decay", "fused")}
        self.optimizer = type(net.optimizer_)(self.module.parameters(), **same)
        self.loss_function, self.batches = torch.nn.BCEWithLogitsLoss(), iter(())
        self.start = time.perf_counter()

    def on_batch_end(self, net, **kwargs):
        """Record the time since the last batch, and that of a manual step."""
        ours = time.perf_counter() - self.start
        rows = next(self.batches, None)
        if rows is None:
            self.batches = iter(torch.randperm(len(self.prepared[2])).split(net.batch_size))
            rows = next(self.batches)
        self.times.append((ours, seconds(lambda: self.step(rows))))
        self.start = time.perf_counter()

    def step(self, rows):
        """Train on one batch."""
        frames, masks, y = self.prepared
        self.module.train()
        self.optimizer.zero_grad()
        loss = self.loss_function(self.module(*take(rows, frames, masks)), y[rows])
        loss.backward()
        self.optimizer.step()


def compare_fit(X, y, n_epochs, **params):
    """Return the seconds per batch of `fit` and of the manual loop, after the first epoch."""
    by_hand = ByHand(prepare(X, y))
    make_classifier(max_epochs=n_epochs, callbacks=[by_hand], **params).fit(X, y)
    return np.array(by_hand.times).reshape(n_epochs, -1, 2)


def describe(size, params, times):
    """Return sizes, parameters and seconds per epoch, as details of a row."""
    epochs = np.median(times.sum(axis=1), axis=0)
    both = {"seconds_epoch": float(epochs[0]), "seconds_epoch_by_hand": float(epochs[1])}
    return {**size, **params, "fusion": "late", **both}


def fit_small(quick=False):
    """Compare epochs on small videos, where overhead is visible."""
    size = {**SMALL, "n": 192} if quick else SMALL
    times = compare_fit(*make_videos(**size), n_epochs=3 if quick else 10, **SMALL_NETWORK)[1:]
    ours, by_hand = times.sum(axis=1).T
    return Row(
        "epoch of `fit`, 2,000 x 30 x 64, batches of 64",
        "a manual loop over padded tensors, same network and optimizer",
        (ours / by_hand).tolist(),
        1.10,
        details=describe(size, SMALL_NETWORK, times),
    )


def fit_youtube8m(quick=False):
    """Compare the batches of an epoch, except the first, on videos of YouTube-8M's size.

    Full epochs would take many minutes on two cores; small batches have a larger overhead.
    """
    size = {**YOUTUBE8M, "n": 9} if quick else YOUTUBE8M
    params = {**DEFAULT_NETWORK, "batch_size": 3} if quick else DEFAULT_NETWORK
    times = compare_fit(*make_videos(**size), n_epochs=1, **params)
    ours, by_hand = times[0, 1:].T
    return Row(
        "batch of `fit`, 300 x 1,152 8-bit frames, batches of 32",
        "a manual loop over padded float32 tensors, same network and optimizer",
        (ours / by_hand).tolist(),
        1.02,
        details=describe(size, params, times),
    )


def buckets(quick=False):
    """Compare epochs with length buckets to epochs with all videos padded to the longest."""
    n = 64 if quick else 512
    # YouTube-8M's are 120 to 500 seconds, 225 on average, and cut at 300.
    lengths = np.minimum(np.random.default_rng(1).integers(120, 341, size=n), 300)
    lengths[0] = 300
    size, params = {**YOUTUBE8M, "n": n}, {**SMALL_NETWORK, "batch_size": 8 if quick else 32}
    X, y = make_videos(**size, lengths=lengths)
    times = compare_fit(X, y, n_epochs=2 if quick else 6, **params)[1:]
    ours, by_hand = times.sum(axis=1).T
    limit = {"lengths": "uniform from 120 to 340, cut at 300", "mean_length": lengths.mean()}
    limit["frames_left"] = lengths.mean() / 300  # lower bound of the ratio if the cost is linear
    return Row(
        "epoch of `fit`, in length buckets, 120 to 300 frames",
        "a manual loop that pads all to 300",
        (ours / by_hand).tolist(),
        0.75,
        details={**describe(size, params, times), **limit},
    )


def compare_predict(size, params, rounds):
    """Time `predict_proba`, and the bare network on prepared batches."""
    X, y = make_videos(**size)
    few = slice(params["batch_size"])
    classifier = make_classifier(max_epochs=1, **params).fit(X[few], y[few])
    module, (frames, masks, _) = classifier.module_.eval(), prepare(X, y)
    rows = torch.arange(len(X)).split(params["batch_size"])
    batches = [take(part, frames, masks) for part in rows]

    @torch.no_grad()
    def forward():
        return [module(*batch) for batch in batches]

    return side_by_side(lambda: classifier.predict_proba(X), forward, rounds=rounds)


def predict_row(what, size, params, rounds):
    """Compare `predict_proba` with the forward pass of the network."""
    ours, bare = compare_predict(size, params, rounds)
    both = {"seconds": float(np.median(ours)), "seconds_bare": float(np.median(bare))}
    return Row(
        f"`predict_proba`, {what}",
        "the network's bare forward on prepared float32 batches",
        (ours / bare).tolist(),
        1.10,
        details={**size, **params, "fusion": "late", **both},
    )


def predict_small(quick=False):
    """Compare predictions of small videos."""
    size = {**SMALL, "n": 192} if quick else SMALL
    return predict_row("2,000 x 30 x 64", size, SMALL_NETWORK, rounds=3 if quick else 15)


def predict_youtube8m(quick=False):
    """Compare predictions of 8-bit videos of YouTube-8M's size."""
    size = {**YOUTUBE8M, "n": 8 if quick else 64}
    return predict_row("300 x 1,152 8-bit frames", size, DEFAULT_NETWORK, rounds=1 if quick else 3)
