"""Properties of masks that hold for videos of any lengths: padding and order are nothing."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from network_batches import CROSS_MODAL, FAMILIES, WIDTHS, make_network, masks_from

from sk_crossmodal import MultimodalArray
from sk_crossmodal.modules import masked_mean, masked_softmax
from sk_crossmodal.modules.layers import Dropout, MaskedBatchNorm, attendable

pytestmark = pytest.mark.one_version

LONGEST = 5
seeds = st.integers(0, 2**32 - 1)
# Values at padding, as in uninitialised memory.
GARBAGE = [0.0, 1.0, -1e30, np.inf, np.nan]
CONFIGURATIONS = [
    {"fusion": "early"},
    {"fusion": "late"},
    *({"fusion": fusion, "gate": gate} for fusion, gate in CROSS_MODAL),
    {"fusion": "cross_modal_concat", "combine": "multiply"},
]


def random(seed, *shape):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


@st.composite
def masked(draw, width=3):
    """Frames (B, T, width), and a mask (B, T) that may have holes."""
    seed, n, longest = draw(seeds), draw(st.integers(1, 4)), draw(st.integers(1, LONGEST))
    bits = draw(st.lists(st.booleans(), min_size=n * longest, max_size=n * longest))
    return random(seed, n, longest, width), torch.tensor(bits).view(n, longest)


def disturbed(x, mask, seed, factor=1e3):
    """The same frames with other numbers at padding."""
    return torch.where(mask[..., None], x, factor * random(seed, *x.shape))


def assert_same(a, b):
    torch.testing.assert_close(a, b, atol=1e-11, rtol=1e-11)


@given(case=masked(), seed=seeds)
def test_masked_mean_equals_mean_of_real_frames(case, seed):
    x, mask = case
    mean = masked_mean(disturbed(x, mask, seed), mask)
    for video, real, of_video in zip(x.numpy(), mask.numpy(), mean.numpy(), strict=True):
        expected = video[real].mean(0) if real.any() else np.zeros(x.shape[2])
        np.testing.assert_allclose(of_video, expected, atol=1e-12)


@given(case=masked(), seed=seeds)
def test_masked_softmax_equals_softmax_of_real_frames(case, seed):
    x, mask = case
    attention = masked_softmax(disturbed(x, mask, seed).transpose(1, 2), mask)
    assert torch.isfinite(attention).all()
    for video, real, of_video in zip(x.numpy(), mask.numpy(), attention.numpy(), strict=True):
        exponentials = np.exp(video[real])
        assert not of_video[:, ~real].any()
        np.testing.assert_allclose(
            of_video[:, real], (exponentials / exponentials.sum(0)).T, atol=1e-12
        )


@given(case=masked())
def test_attendable_frames_are_the_real_ones_or_all(case):
    _, mask = case
    keys = attendable(mask)[:, 0, 0]
    assert keys.any(1).all()
    assert torch.equal(keys[mask.any(1)], mask[mask.any(1)])
    assert keys[~mask.any(1)].all()


@given(case=masked(), seed=seeds, weighted=st.booleans())
def test_batch_norm_uses_real_frames_only(case, seed, weighted):
    """Its statistics equal those of numpy, with each video repeated by its weight."""
    x, mask = case
    times = np.random.default_rng(seed).integers(0, 3, len(x)) if weighted else None
    norm = MaskedBatchNorm(x.shape[2], momentum=1.0).double()
    weight = None if times is None else torch.from_numpy(times)
    out = norm(disturbed(x, mask, seed), mask, weight)
    repeats = np.ones(len(x), int) if times is None else times
    parts = zip(x.numpy(), mask.numpy(), repeats, strict=True)
    frames = np.concatenate([np.tile(video[real], (n, 1)) for video, real, n in parts])
    assert torch.isfinite(out).all()
    if not len(frames):
        assert not norm.running_mean.any()
        assert (norm.running_var == 1).all()
        return
    np.testing.assert_allclose(norm.running_mean, frames.mean(0), atol=1e-12)
    np.testing.assert_allclose(norm.running_var, frames.var(0), atol=1e-12)
    expected = (x - norm.running_mean) / (norm.running_var + norm.eps).sqrt()
    torch.testing.assert_close(out[mask], expected[mask], atol=1e-8, rtol=0)


@given(case=masked(width=1), value=st.floats(-1e6, 1e6))
def test_batch_norm_of_equal_frames_is_zero(case, value):
    x, mask = case
    out = MaskedBatchNorm(1).double()(torch.full_like(x, value), mask)
    torch.testing.assert_close(out[mask], torch.zeros_like(out[mask]), atol=1e-6, rtol=0)
    assert torch.isfinite(out).all()


@st.composite
def batches(draw):
    """Names and lengths of modalities, and a seed, of some videos."""
    names = draw(st.sampled_from([("video",), ("video", "audio"), tuple(WIDTHS)]))
    n = draw(st.integers(1, 4))
    one = st.lists(st.integers(0, LONGEST), min_size=n, max_size=n)
    # A modality of a video is as long as the others, or empty, as `pad` returns them.
    line = draw(one)
    present = {name: draw(st.lists(st.booleans(), min_size=n, max_size=n)) for name in names}
    lengths = {
        name: [length * here for length, here in zip(line, present[name], strict=True)]
        for name in names
    }
    return names, lengths, draw(seeds)


def inputs(names, lengths, seed, n_frames, padding=0.0):
    """Frames and masks of videos, with `garbage` at padding, and correlations."""
    masks = {name: masks_from(lengths[name], n_frames) for name in names}
    frames = {}
    for i, (name, mask) in enumerate(masks.items()):
        real = random([seed, i], len(mask), LONGEST, WIDTHS[name])[:, :n_frames]
        x = torch.full((*mask.shape, WIDTHS[name]), padding, dtype=torch.float64)
        x[:, : real.shape[1]] = torch.where(
            mask[:, : real.shape[1], None], real, x[:, : real.shape[1]]
        )
        frames[name] = x
    n = len(lengths[names[0]])
    generator = np.random.default_rng([seed, 99])
    correlation = generator.uniform(size=(n, len(names) * (len(names) - 1) // 2, 1))
    return frames, masks, torch.from_numpy(correlation)


def make(family, names, config, training):
    network = make_network(names, family, dropout=0.0, **config)
    for part in network.modules():
        if isinstance(part, Dropout):
            part.p = 0.0
    return network.train(training)


networks = {
    "family": st.sampled_from(FAMILIES),
    "config": st.sampled_from(CONFIGURATIONS),
    "batch": batches(),
    "training": st.booleans(),
}


@given(**networks, more=st.integers(0, 3), garbage=st.sampled_from(GARBAGE))
def test_network_with_other_padding_is_unchanged(family, config, batch, training, more, garbage):
    """Results, gradients and statistics depend on neither its length nor its values."""
    names, lengths, seed = batch
    shortest = max(1, *(max(part) for part in lengths.values()))
    results = []
    for n_frames, padding in ((shortest, 0.0), (shortest + more, garbage)):
        network = make(family, names, config, training)
        frames, masks, correlation = inputs(names, lengths, seed, n_frames, padding)
        logits = network(frames, masks, correlation)
        logits.square().sum().backward()
        results.append(
            [logits.detach(), *(p.grad for p in network.parameters()), *network.buffers()]
        )
        assert torch.isfinite(logits).all()
    for one, other in zip(*results, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            scale = float(one.abs().max()) if one.numel() else 1.0
            torch.testing.assert_close(other, one, atol=1e-10 * max(scale, 1.0), rtol=1e-8)


@given(**networks, order=st.randoms(use_true_random=False))
def test_network_with_permuted_videos_returns_permuted_logits(
    family, config, batch, training, order
):
    names, lengths, seed = batch
    network = make(family, names, config, training)
    frames, masks, correlation = inputs(names, lengths, seed, LONGEST)
    rows = list(range(len(correlation)))
    order.shuffle(rows)
    moved = ({name: x[rows] for name, x in part.items()} for part in (frames, masks))
    expected = network(frames, masks, correlation)[rows]
    assert_same(network(*moved, correlation[rows]), expected)


@given(**networks)
def test_network_on_one_video_returns_same_logits_as_in_a_batch(family, config, batch, training):
    names, lengths, seed = batch
    network = make(family, names, config, training=False)
    frames, masks, correlation = inputs(names, lengths, seed, LONGEST)
    together = network(frames, masks, correlation)
    for i in range(len(together)):
        alone = ({name: x[i : i + 1] for name, x in part.items()} for part in (frames, masks))
        assert_same(network(*alone, correlation[i : i + 1]), together[i : i + 1])


@given(
    lengths=st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=5),
    p=st.sampled_from([0.3, 0.7, 1.0]),
    seed=seeds,
)
def test_modality_dropout_drops_whole_modalities_and_keeps_one(lengths, p, seed):
    network = make("transformer", tuple(WIDTHS), {"fusion": "late", "modality_dropout": p}, True)
    masks = [masks_from(part, 3) for part in zip(*lengths, strict=True)]
    torch.manual_seed(seed)
    kept = network.drop_modalities(masks)
    had, has = (torch.stack([mask.any(1) for mask in part]) for part in (masks, kept))
    for before, after in zip(masks, kept, strict=True):
        assert torch.equal(after[after.any(1)], before[after.any(1)])
        assert not (after & ~before).any()
    assert torch.equal(had.any(0), has.any(0))
    if p == 1.0:
        assert (has.sum(0) <= 1).all()


@st.composite
def ragged(draw):
    """A container whose frames are numbered from 1, video by video, and its lengths."""
    n, names = draw(st.integers(1, 4)), ("video", "audio", "text")[: draw(st.integers(1, 3))]
    one = st.lists(st.integers(0, 9), min_size=n, max_size=n)
    lengths = {name: draw(one) for name in names}
    assume(all(map(sum, lengths.values())))
    frames = {
        name: np.concatenate([np.arange(1.0, k + 1) for k in part])[:, None]
        for name, part in lengths.items()
    }
    return MultimodalArray.from_frames(frames, lengths), lengths


@given(case=ragged())
def test_time_line_has_the_nearest_frame_of_each_modality(case):
    """Frames are in the middle of equal parts of the video."""
    X, lengths = case
    frames, masks = X.pad(range(len(X)))
    line = np.max(list(lengths.values()), axis=0)
    assert X.timeline_lengths().tolist() == line.tolist()
    for name, part in lengths.items():
        for i, (n, n_steps) in enumerate(zip(part, line, strict=True)):
            real, shown = masks[name][i], frames[name][i, :, 0]
            assert real.tolist() == [t < n_steps and n > 0 for t in range(len(real))]
            assert not shown[~real].any()
            if not n:
                continue
            shown = shown[real].astype(int) - 1
            distance = np.abs(
                (np.arange(n) + 0.5) / n - (np.arange(n_steps)[:, None] + 0.5) / n_steps
            )
            np.testing.assert_allclose(
                distance[np.arange(n_steps), shown], distance.min(1), atol=1e-12
            )
            assert (np.diff(shown) >= 0).all()
            assert set(shown) == set(range(n))
            times = np.bincount(shown)
            assert times.max() - times.min() <= 1  # each is repeated equally often
            if n == n_steps:
                assert shown.tolist() == list(range(n))


@given(case=ragged(), max_frames=st.integers(1, 10))
def test_pad_with_max_frames_returns_the_first_frames(case, max_frames):
    X, _ = case
    whole, cut = X.pad(range(len(X))), X.pad(range(len(X)), max_frames)
    for all_of_it, beginning in zip(whole, cut, strict=True):
        for name, values in beginning.items():
            assert values.shape[1] <= max_frames
            np.testing.assert_array_equal(values, all_of_it[name][:, : values.shape[1]])


@given(case=ragged(), order=st.randoms(use_true_random=False))
def test_pad_of_single_videos_equals_pad_of_all(case, order):
    X, _ = case
    rows = list(range(len(X)))
    order.shuffle(rows)
    frames, masks = X.pad(rows)
    for place, row in enumerate(rows):
        alone, mask = X.pad([row])
        for name in frames:
            n = mask[name].shape[1]
            np.testing.assert_array_equal(frames[name][place, :n], alone[name][0])
            np.testing.assert_array_equal(masks[name][place, :n], mask[name][0])
            assert not masks[name][place, n:].any()
            assert not frames[name][place, n:].any()
