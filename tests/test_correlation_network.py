import numpy as np
import pytest
import torch
from network_batches import (
    ENCODERS,
    WIDTHS,
    encoder_params,
    enliven,
    make_batch,
    make_frame_stats,
    masks_from,
    oracle_encoded,
    uniform,
)
from network_oracle import linear, relu, weights_of

from sk_crossmodal.modules import CorrelationNetwork, MeanEncoder

pytestmark = pytest.mark.one_version

NAMES = [("video", "audio"), ("video", "audio", "text")]
HALVES = torch.arange(6).view(2, 3)  # the first three videos, and their negatives

modalities = pytest.mark.parametrize("names", NAMES, ids="-".join)
encoders = pytest.mark.parametrize("kind", ENCODERS)


def make_network(names=("video", "audio"), kind="mean", hidden_layer_sizes=(7, 5), **params):
    torch.manual_seed(0)
    network = CorrelationNetwork(
        make_frame_stats(names),
        encoder=ENCODERS[kind][0],
        encoder_params=encoder_params(kind, len(names)),
        hidden_layer_sizes=hidden_layer_sizes,
        **params,
    )
    return enliven(network.double()).eval()


def mean_encoded(weights, prefix, frames, masks):
    """A ReLU layer for each real frame of one video, and the mean of its outputs."""
    out = []
    for m, (x, mask) in enumerate(zip(frames, masks, strict=True)):
        layers = [relu(linear(weights, f"{prefix}towers.{m}.1", frame)) for frame in x[mask]]
        width = len(weights[f"{prefix}towers.{m}.1.bias"])
        out.append(sum(layers) / len(layers) if layers else np.zeros(width))
    return out


# MeanEncoder ------------------------------------------------------------------------------


def test_mean_encoder_equals_its_equation():
    torch.manual_seed(0)
    encoder = MeanEncoder([WIDTHS["video"], WIDTHS["audio"]], d_model=6).double().eval()
    frames, masks, _ = make_batch()
    frames, masks = list(frames.values()), list(masks.values())
    result = encoder(frames, masks)
    for row in range(len(frames[0])):
        video = [x[row].numpy() for x in frames], [mask[row].numpy() for mask in masks]
        expected = mean_encoded(weights_of(encoder), "", *video)
        for m in range(2):
            np.testing.assert_allclose(result[m][row].detach(), expected[m], atol=1e-12)


def test_mean_encoder_with_influence_raises_an_error():
    encoder = MeanEncoder([3], d_model=4)
    assert encoder.influences is None
    assert encoder.out_features == 4
    with pytest.raises(ValueError, match="no attention"):
        MeanEncoder([3], spec=object())


# CorrelationNetwork -----------------------------------------------------------------------


def oracle_encode(network, kind, frames, masks, row, pad_to=None):
    """Encoder outputs of one video, a list over modalities."""
    weights, real = weights_of(network), [masks[name][row].numpy() for name in network.names]
    parts = []
    for m, name in enumerate(network.names):
        x = frames[name][row].numpy() - weights[f"scalers.{m}.mean"]
        parts.append(x * weights[f"scalers.{m}.inverse"] * real[m][:, None])
    if pad_to is not None:
        parts = [np.vstack([x, np.zeros((pad_to - len(x), x.shape[1]))]) for x in parts]
        real = [np.full(pad_to, True) for _ in parts]
    if kind == "mean":
        return mean_encoded(weights, "encoder.", parts, real)
    return oracle_encoded(kind, weights, parts, real, [[] for _ in parts])


def oracle_logits(network, first, second):
    """Logits of all pairs, in the order (0, 1), (0, 2), …, (1, 2), …"""
    weights, out = weights_of(network), []
    for a in range(len(first)):
        for b in range(a + 1, len(first)):
            i = len(out)
            hidden = np.concatenate([first[a], second[b], first[a] * second[b]])
            for layer in (1, 4):
                hidden = relu(linear(weights, f"hidden.{i}.{layer}", hidden))
            out.append(linear(weights, f"outputs.{i}", hidden)[0])
    return np.array(out)


@pytest.mark.parametrize("pad_to", [None, 8], ids=["masked", "padded"])
@modalities
@encoders
def test_logits_equal_the_equations(kind, names, pad_to):
    network = make_network(names, kind, pad_to=pad_to)
    frames, masks, _ = make_batch(names)
    result = network(frames, masks).detach().numpy()
    assert result.shape == (6, len(names) * (len(names) - 1) // 2)
    for row in range(6):
        encoded = oracle_encode(network, kind, frames, masks, row, pad_to)
        expected = oracle_logits(network, encoded, encoded)
        np.testing.assert_allclose(result[row], expected, atol=1e-10)


@modalities
@encoders
def test_logits_of_pairs_equal_the_equations(kind, names):
    """In a negative pair, the second modality is that of the other video."""
    network = make_network(names, kind)
    frames, masks, _ = make_batch(names)
    n_pairs = len(names) * (len(names) - 1) // 2
    result = network(frames, masks, negatives=HALVES).detach().numpy()
    assert result.shape == (3, 2 * n_pairs)
    for row in range(3):
        video = oracle_encode(network, kind, frames, masks, row)
        other = oracle_encode(network, kind, frames, masks, row + 3)
        positive = oracle_logits(network, video, video)
        negative = oracle_logits(network, video, other)
        np.testing.assert_allclose(result[row, :n_pairs], positive, atol=1e-10)
        np.testing.assert_allclose(result[row, n_pairs:], negative, atol=1e-10)


def test_former_name_of_negatives_is_accepted_with_a_warning():
    network = make_network()
    frames, masks, _ = make_batch()
    with pytest.warns(DeprecationWarning, match="partners was renamed to negatives") as caught:
        result = network(frames, masks, partners=HALVES)
    assert caught[0].filename == __file__
    torch.testing.assert_close(result, network(frames, masks, negatives=HALVES))


@encoders
def test_logits_of_pairs_equal_logits_of_mixed_videos(kind):
    network = make_network(kind=kind)
    frames, masks, _ = make_batch()
    result = network(frames, masks, negatives=HALVES)

    def mixed(part):
        return {"video": part["video"][:3], "audio": part["audio"][3:]}

    def own(part):
        return {name: values[:3] for name, values in part.items()}

    torch.testing.assert_close(result[:, :1], network(own(frames), own(masks)))
    torch.testing.assert_close(result[:, 1:], network(mixed(frames), mixed(masks)))


@modalities
@encoders
def test_network_with_more_padding_and_garbage_returns_same_logits(kind, names):
    network = make_network(names, kind)
    frames, masks, _ = make_batch(names)
    longer = {name: torch.nn.functional.pad(x, (0, 0, 0, 3)) for name, x in frames.items()}
    masks_of_longer = {name: torch.nn.functional.pad(m, (0, 3)) for name, m in masks.items()}
    longer = {
        name: x.masked_fill(~masks_of_longer[name][..., None], 1e6) for name, x in longer.items()
    }
    for negatives in (None, HALVES):
        torch.testing.assert_close(
            network(frames, masks, negatives=negatives),
            network(longer, masks_of_longer, negatives=negatives),
            rtol=0,
            atol=1e-12,
        )


@encoders
def test_network_on_single_videos_returns_same_logits_as_on_a_batch(kind):
    network = make_network(kind=kind)
    frames, masks, _ = make_batch()
    whole = network(frames, masks)
    for row in range(len(whole)):
        alone = network(
            {name: x[[row]] for name, x in frames.items()},
            {name: mask[[row]] for name, mask in masks.items()},
        )
        torch.testing.assert_close(alone[0], whole[row], rtol=0, atol=1e-12)


@encoders
def test_videos_without_frames_give_finite_logits_and_gradients(kind):
    network = make_network(kind=kind).train()
    frames, masks, _ = make_batch()
    logits = network(frames, masks)
    logits.sum().backward()
    assert torch.isfinite(logits).all()
    assert all(torch.isfinite(value.grad).all() for value in network.parameters())


@modalities
@encoders
def test_classified_embedding_equals_the_logits(kind, names):
    network = make_network(names, kind)
    frames, masks, _ = make_batch(names)
    embedding = network.pair_embedding(frames, masks)
    assert embedding.shape == (6, len(network.pairs), 5)
    encoded = network.encode(frames, masks)
    torch.testing.assert_close(embedding, network.embed(encoded, encoded))
    torch.testing.assert_close(network.classify(embedding), network(frames, masks))


def test_changed_modality_changes_logits_of_its_pairs_only():
    """Checks the order of the pairs."""
    names = NAMES[1]
    network = make_network(names)
    assert network.pairs == [(0, 1), (0, 2), (1, 2)]
    frames, masks, _ = make_batch(names)
    before = network(frames, masks)[0]
    for m, name in enumerate(names):
        after = network({**frames, name: frames[name] + 1.0}, masks)[0]
        changed = ((after - before).abs() > 1e-6).tolist()
        assert changed == [m in pair for pair in network.pairs]


def test_embed_takes_first_modality_of_a_pair_from_the_first_list():
    network = make_network(NAMES[1])
    rng = np.random.default_rng(0)
    first, second = [[uniform(rng, 2, 8) for _ in range(3)] for _ in range(2)]
    embedding = network.embed(first, second)
    unused = uniform(rng, 2, 8)
    same = network.embed([*first[:2], unused], [unused, *second[1:]])
    torch.testing.assert_close(embedding, same, rtol=0, atol=0)


@encoders
def test_gradients_reach_all_parameters(kind):
    network = make_network(NAMES[1], kind, hidden_layer_sizes=(16, 16), dropout=0.0).train()
    frames, masks, _ = make_batch(NAMES[1])
    torch.nn.functional.softplus(network(frames, masks, negatives=HALVES)).sum().backward()
    dead = [n for n, value in network.named_parameters() if not value.grad.abs().max() > 0]
    assert not dead


def test_network_learns_positive_and_negative_pairs():
    """Equal modalities are positive pairs, those of two videos are negative ones."""
    torch.manual_seed(0)
    frame_stats = {name: (np.zeros(4), np.ones(4)) for name in ("video", "audio")}
    network = CorrelationNetwork(
        frame_stats, encoder=MeanEncoder, encoder_params={"d_model": 16}, hidden_layer_sizes=(16,)
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    masks = dict.fromkeys(frame_stats, masks_from([3] * 64, 3))
    negatives = torch.arange(64).view(2, 32)
    for _ in range(200):
        topics = torch.randint(4, (64,))
        topics[32:] = (topics[:32] + torch.randint(1, 4, (32,))) % 4
        said = torch.nn.functional.one_hot(topics, 4).float()[:, None].expand(-1, 3, -1)
        logits = network({"video": said, "audio": said.flip(-1)}, masks, negatives)
        losses = torch.nn.functional.softplus(logits * torch.tensor([-1.0, 1.0]))
        optimizer.zero_grad()
        losses.mean().backward()
        optimizer.step()
    assert losses.mean() < 0.1


def test_gradients_with_two_threads_are_the_same_bytes():
    """Many pairs of one video: their sum must not depend on which thread adds first."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        stats = {name: (torch.zeros(4), 1.0) for name in ("video", "audio")}
        params = {"encoder": MeanEncoder, "encoder_params": {"d_model": 512}, "dropout": 0.0}
        torch.manual_seed(0)
        network = CorrelationNetwork(stats, **params).eval()
        frames = {name: torch.randn(3, 2, 4) for name in stats}
        masks = {name: torch.ones(3, 2, dtype=torch.bool) for name in stats}
        negatives = torch.arange(600).reshape(2, 300) % 3
        weights, found = torch.randn(300, 2), set()
        for _ in range(10):
            network.zero_grad()
            (network(frames, masks, negatives) * weights).sum().backward()
            found.add(b"".join(each.grad.numpy().tobytes() for each in network.parameters()))
    finally:
        torch.set_num_threads(before)
    assert len(found) == 1
