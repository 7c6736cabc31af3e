import copy
from itertools import pairwise

import numpy as np
import pytest
import torch
from estimator_cases import Recorder, make_classifier, make_videos, make_y, ragged
from scipy.sparse import csr_array
from scipy.special import expit, log_softmax
from torch import nn

from sk_crossmodal.modules import build_loss
from sk_crossmodal.modules.scaling import FrameNetwork, FrameScaler
from sk_crossmodal.multimodal import MultimodalArray
from sk_crossmodal.training import FrameDataset, MultimodalNet, Processes
from sk_crossmodal.training._data import BatchLoader, LengthBuckets


def lengths_of(n, seed=0):
    return np.random.RandomState(seed).randint(1, 30, size=n)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(
    ("n", "batch_size"), [(1, 4), (4, 4), (5, 4), (47, 8), (300, 3), (64, 64), (7, 100)]
)
def test_each_epoch_has_every_row_once(n, batch_size, shuffle):
    torch.manual_seed(0)
    buckets = LengthBuckets(lengths_of(n), batch_size, shuffle)
    for _ in range(2):
        batches = list(buckets)
        np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(n))
        assert len(batches) == len(buckets) == int(np.ceil(n / batch_size))
        assert all(1 <= len(batch) <= batch_size for batch in batches)


def test_shuffled_batches_differ_between_epochs():
    torch.manual_seed(0)
    buckets = LengthBuckets(lengths_of(60), 6, shuffle=True)
    epochs = [[sorted(batch) for batch in buckets] for _ in range(3)]
    assert epochs[0] != epochs[1] != epochs[2]
    # Videos of the same length are in other batches, not only the order of batches changes.
    assert sorted(epochs[0]) != sorted(epochs[1])
    torch.manual_seed(0)
    assert [sorted(batch) for batch in buckets] == epochs[0]


def test_order_without_shuffling_is_fixed():
    buckets = LengthBuckets(lengths_of(60), 6, shuffle=False)
    state = torch.get_rng_state()
    first, second = list(buckets), list(buckets)
    np.testing.assert_array_equal(first, second)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_are_of_similar_length(shuffle):
    """Within a pool no two batches' ranges of lengths overlap."""
    lengths = lengths_of(100)
    batches = [lengths[batch] for batch in LengthBuckets(lengths, 10, shuffle)]
    batches.sort(key=lambda batch: (batch.min(), batch.max()))
    assert all(a.max() <= b.min() for a, b in pairwise(batches))


def test_shuffled_batches_of_many_pools_have_little_padding():
    lengths = lengths_of(5000)
    padded = sum(len(b) * lengths[b].max() for b in LengthBuckets(lengths, 10, shuffle=True))
    assert padded < 1.15 * lengths.sum()


def make_dataset(**params):
    X = ragged(n=6)
    y = np.arange(18).reshape(6, 3) % 2
    return X, FrameDataset(X, params.pop("y", y), **params)


def test_dataset_reads_rows():
    weights = np.linspace(1, 2, 6)
    extra = {"correlation": np.arange(6.0)[:, None]}
    X, dataset = make_dataset(sample_weight=weights, extra=extra)
    rows = np.array([4, 0, 5])
    batch, target = dataset.__getitems__(rows.tolist())
    frames, masks = X.pad(rows)
    for name in X.modality_names:
        np.testing.assert_array_equal(batch.frames[name], frames[name])
        np.testing.assert_array_equal(batch.masks[name], masks[name])
    assert len(batch) == 3
    np.testing.assert_array_equal(batch.extra["correlation"], extra["correlation"][rows])
    np.testing.assert_array_equal(target["y"], dataset.y[rows])
    np.testing.assert_array_equal(target["weight"], weights[rows])


def test_dataset_defaults():
    X, dataset = make_dataset(max_frames=2, y=csr_array(np.eye(6, dtype=np.uint8)))
    batch, target = dataset.__getitems__([1, 2])
    np.testing.assert_array_equal(target["y"], np.eye(6)[[1, 2]])
    np.testing.assert_array_equal(target["weight"], [1, 1])
    assert batch.frames["video"].shape[1] <= 2
    np.testing.assert_array_equal(dataset.lengths(), np.minimum(X.timeline_lengths(), 2))
    assert len(dataset) == 6


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_stored_integers_become_floats_when_scaled(dtype):
    stored = np.array([[0], [255], [10]], np.uint8)
    X = MultimodalArray.from_frames(
        {"video": stored}, {"video": [1, 2]}, quantization={"video": (0.5, -3)}
    )
    batch, _ = FrameDataset(X).__getitems__([1])
    inputs = batch.inputs(torch.device("cpu"), dtype)
    assert inputs["frames"]["video"].values.dtype == torch.uint8  # a quarter of the transfer
    network = FrameNetwork({"video": ([2.0], 4.0)}, pad_to=None)
    (scaled,), _ = network._scale(inputs["frames"], [inputs["masks"]["video"]])
    np.testing.assert_array_equal(scaled.ravel(), [122.5 / 4, 0.0])
    assert scaled.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_have_the_dtype_of_the_network(dtype):
    X = MultimodalArray.from_frames({"video": np.array([[0.5], [3.0]], dtype)}, {"video": [2]})
    batch, _ = FrameDataset(X).__getitems__([0])
    frames, mask = (
        batch.inputs(torch.device("cpu"), torch.float32)[k]["video"] for k in ("frames", "masks")
    )
    assert isinstance(frames, torch.Tensor) == (dtype == np.float32)
    scaled = FrameScaler([1.0], 1.0)(frames, mask)
    assert scaled.dtype == torch.float32
    np.testing.assert_array_equal(scaled.ravel(), [-0.5, 2.0])


def test_loader_gives_whole_batches_in_the_order_of_the_buckets():
    X, dataset = make_dataset()
    loader = BatchLoader(dataset, 4, shuffle=False)
    rows = np.argsort(X.timeline_lengths(), kind="stable")
    seen = np.concatenate([target["y"] for _, target in loader])
    np.testing.assert_array_equal(seen, dataset.y[rows])
    assert [len(batch) for batch, _ in loader] == [4, 2]
    assert len(loader) == 2


class MeanOfVideo(nn.Module):
    """The mean of each video's first modality; it counts the batches."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, frames, masks):
        mask = masks["video"].unsqueeze(-1)
        return self.weight * (frames["video"] * mask).sum(1) / mask.sum(1)

    def doubled(self, frames, masks):
        return 2 * self(frames, masks)


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_predictions_are_in_the_order_of_rows(batch_size):
    X = ragged(n=23, lengths=(1, 9))
    same_line = X.select(["video"])
    net = MultimodalNet(
        MeanOfVideo,
        criterion=build_loss,
        criterion__kind="binary",
        batch_size=batch_size,
        precision="float64",
    ).initialize()
    means = np.stack([same_line[i]["video"].mean(0) for i in range(23)])
    result = net.predict_rows(FrameDataset(same_line))
    np.testing.assert_allclose(result, means, atol=1e-12)
    result = net.predict_rows(FrameDataset(same_line), "doubled")
    np.testing.assert_allclose(result, 2 * means, atol=1e-12)


def numpy_loss(kind, logits, y, weight, class_weight):
    if kind == "classes":
        factor = np.ones(logits.shape[1]) if class_weight is None else class_weight
        losses = -log_softmax(logits, axis=1)[np.arange(len(y)), y]
        return (weight * factor[y] * losses).sum() / (weight * factor[y]).sum()
    factor = 1.0 if class_weight is None else class_weight
    losses = -(factor * y * np.log(expit(logits)) + (1 - y) * np.log(expit(-logits)))
    weight = np.broadcast_to(weight if weight.ndim == 2 else weight[:, None], y.shape)
    return (weight * losses).sum() / weight.sum()


@pytest.mark.parametrize("weighted_classes", [False, True])
@pytest.mark.parametrize(
    ("kind", "weight_shape"), [("classes", (7,)), ("binary", (7,)), ("binary", (7, 3))]
)
def test_weighted_loss(kind, weight_shape, weighted_classes):
    rng = np.random.RandomState(0)
    logits, weight = rng.randn(7, 3), rng.uniform(0, 2, weight_shape)
    y = rng.randint(3, size=7) if kind == "classes" else rng.randint(2, size=(7, 3))
    class_weight = np.array([0.5, 3.0, 1.0]) if weighted_classes else None
    loss = build_loss(kind, class_weight)
    target = {"y": torch.from_numpy(y), "weight": torch.from_numpy(weight)}
    expected = numpy_loss(kind, logits, y, weight, class_weight)
    assert loss(torch.from_numpy(logits), target).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", ["classes", "binary"])
def test_loss_without_any_weight_is_zero(kind):
    y = torch.zeros(4, dtype=torch.long) if kind == "classes" else torch.zeros(4, 3)
    target = {"y": y, "weight": torch.zeros(4, dtype=torch.float64)}
    assert build_loss(kind)(torch.randn(4, 3), target).item() == 0.0


def adam_by_hand(module, inputs, loss, lr, n_steps):
    """Adam (Kingma and Ba 2015), written out, on a copy of the module."""
    module = copy.deepcopy(module)
    first = {name: torch.zeros_like(p) for name, p in module.named_parameters()}
    second = copy.deepcopy(first)
    for step in range(1, n_steps + 1):
        module.zero_grad()
        loss(module(**inputs)).backward()
        with torch.no_grad():
            for name, p in module.named_parameters():
                first[name] = 0.9 * first[name] + 0.1 * p.grad
                second[name] = 0.999 * second[name] + 0.001 * p.grad**2
                mean, var = first[name] / (1 - 0.9**step), second[name] / (1 - 0.999**step)
                p -= lr * mean / (var.sqrt() + 1e-8)
    return module


@pytest.mark.parametrize("n_steps", [1, 2])
@pytest.mark.parametrize("form", ["multilabel", "classes"])
def test_training_step_equals_adam_by_hand(form, n_steps):
    """One batch per epoch in float64 against a step that is written out."""
    X, y = make_videos().data, make_y(form)
    weight = np.random.RandomState(0).uniform(0.5, 2, len(X))
    recorder = Recorder()
    classifier = make_classifier(
        fusion="cross_modal",
        precision="float64",
        dropout=0.0,
        lr_schedule=None,
        lr=1e-2,
        batch_size=1000,
        max_epochs=n_steps,
        callbacks=[recorder],
    ).fit(X, y, sample_weight=weight)
    initial = copy.deepcopy(classifier.module_)
    initial.load_state_dict(recorder.initial_)
    frames, masks = X.pad(np.arange(len(X)))
    inputs = {
        "frames": {name: torch.from_numpy(f).double() for name, f in frames.items()},
        "masks": {name: torch.from_numpy(m) for name, m in masks.items()},
    }
    w = torch.from_numpy(weight)

    def loss(logits):
        if form == "classes":
            column = torch.from_numpy(np.searchsorted(np.unique(y), y))
            losses = -logits.log_softmax(1)[torch.arange(len(y)), column]
            return (w * losses).sum() / w.sum()
        truth = torch.from_numpy(y).double()
        losses = -(truth * logits.sigmoid().log() + (1 - truth) * (-logits).sigmoid().log())
        return (w[:, None] * losses).sum() / (w.sum() * y.shape[1])

    initial.train()
    expected = adam_by_hand(initial, inputs, loss, 1e-2, n_steps).state_dict()
    result = classifier.module_.state_dict()
    moved = max((result[k] - recorder.initial_[k]).abs().max().item() for k in result)
    assert moved > 1e-3
    for name, value in result.items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=1e-10, msg=name)


def test_processes_with_different_data_raise_everywhere(monkeypatch):
    """All processes raise, before any waits for a batch of the others."""

    def gather(parts, own):
        parts[:] = ["3 videos", own]

    monkeypatch.setattr(torch.distributed, "all_gather_object", gather)
    Processes(index=1, count=2).check_same("3 videos")
    Processes().check_same("4 videos")
    with pytest.raises(ValueError, match=r"same data, got .*3 videos.*4 videos"):
        Processes(index=1, count=2).check_same("4 videos")
