"""Fusions, heads, losses and encoders that users add, each under a name."""

import copy
import pickle

import pytest
import torch
from network_batches import make_batch, make_network
from torch import nn

from sk_crossmodal.modules import (
    ENCODERS,
    FUSIONS,
    HEADS,
    LOSSES,
    CrossModalNetwork,
    Fusion,
    Head,
    MeanEncoder,
    WeightedLoss,
)


class SquaredGate(Fusion):
    influences, uses_correlation = True, "gate"

    def gate(self, probability, gate):
        return probability**2


class EarlyWithCorrelation(Fusion):
    joint, uses_correlation = True, "context"


class LinearHead(Head):
    output_layer = "linear"

    def __init__(self, in_features, n_outputs, *, hidden_size, dropout):
        super().__init__()
        self.norm = nn.LayerNorm(in_features)
        self.linear = nn.Linear(in_features, n_outputs)

    def forward(self, x):
        return self.linear(self.norm(x))


class SquaredError(LOSSES["binary"]):
    def losses(self, logits, y):
        return (logits.sigmoid() - y).square()


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """Register the parts above for one test; a registry itself forgets nothing."""
    for registry, name, part in (
        (FUSIONS, "squared", SquaredGate()),
        (FUSIONS, "early_correlation", EarlyWithCorrelation()),
        (HEADS, "linear", LinearHead),
        (LOSSES, "squared", SquaredError),
    ):
        monkeypatch.setattr(registry, "_parts", dict(registry._parts))
        assert registry.register(name, part) is part


def rows(batch):
    return tuple(
        {k: v[:2] for k, v in each.items()} if isinstance(each, dict) else each[:2]
        for each in batch
    )


def test_builtin_parts_keep_their_names_and_order():
    names = ("early", "late", "cross_modal", "cross_modal_gated", "cross_modal_concat")
    assert tuple(FUSIONS)[:5] == names
    assert "late" in FUSIONS
    assert "squared" in FUSIONS
    assert len(FUSIONS) == 7
    assert tuple(HEADS) == ("mlp", "linear")
    assert tuple(LOSSES) == ("binary", "classes", "squared")
    assert tuple(ENCODERS) == ("transformer", "netvlad", "rnn", "mean")


@pytest.mark.parametrize("name", FUSIONS)
@pytest.mark.parametrize("influence", ["cross", "self", "none"])
@pytest.mark.parametrize("n_modalities", [1, 2, 3])
def test_needs_tower_is_false_where_the_correlation_has_no_effect(name, influence, n_modalities):
    gated_influence = name == "cross_modal_gated" and influence != "none"
    expected = n_modalities > 1 and (name == "cross_modal_concat" or gated_influence)
    assert FUSIONS[name].needs_tower(influence, n_modalities) is expected


def test_encoder_names_of_a_joint_encoder_are_joined():
    assert FUSIONS["early"].encoder_names(["video", "audio"]) == ("video+audio",)
    assert FUSIONS["late"].encoder_names(["video", "audio"]) == ("video", "audio")


@pytest.mark.parametrize("encoder", ["transformer", "netvlad", "rnn"])
def test_fusion_with_another_gate_equals_a_soft_gate_at_the_squared_probability(encoder):
    network = make_network(encoder=encoder, fusion="squared").eval()
    soft = make_network(encoder=encoder, fusion="cross_modal_gated", gate="soft", seed=1).eval()
    soft.load_state_dict(network.state_dict())
    frames, masks, correlation = make_batch()
    result = network(frames, masks, correlation)
    torch.testing.assert_close(result, soft(frames, masks, correlation**2), rtol=0, atol=1e-12)
    assert not torch.equal(result, soft(frames, masks, correlation))
    with pytest.raises(ValueError, match=r"fusion='squared' correlation must be a tensor"):
        network(frames, masks)


@pytest.mark.parametrize("encoder", ["transformer", "netvlad", "rnn", "mean"])
def test_joint_encoder_with_context_follows_the_correlation(encoder):
    network = make_network(encoder=encoder, fusion="early_correlation").eval()
    frames, masks, correlation = rows(make_batch())
    results = [network(frames, masks, torch.full_like(correlation, p)) for p in (0.1, 0.9)]
    assert (results[0] - results[1]).abs().amax(1).min() > 1e-6
    assert FUSIONS["early_correlation"].needs_tower("cross", 2)
    inputs, real, links = network.prepare(frames, masks, correlation)
    assert len(inputs) == len(real) == 1
    assert links is None


def test_network_with_another_fusion_and_head_is_pickled_and_copied():
    network = make_network(fusion="squared", head="linear").eval()
    batch = make_batch()
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(other(*batch), network(*batch))


def networks(head):
    def build(n_outputs, seed):
        torch.manual_seed(seed)
        return CrossModalNetwork(
            {"video": (torch.zeros(4), 1.0), "audio": (torch.zeros(3), 1.0)},
            n_outputs,
            encoder=MeanEncoder,
            encoder_params={"d_model": 4},
            fusion="late",
            head=head,
        )

    return build(5, 0), build(2, 1)


@pytest.mark.parametrize(("head", "output"), [("mlp", "head.4."), ("linear", "head.linear.")])
def test_start_from_copies_all_but_the_output_layer(head, output):
    source, network = networks(head)
    before = copy.deepcopy(network.state_dict())
    network.start_from(source)
    for name, value in network.state_dict().items():
        wanted = before if name.startswith(output) else source.state_dict()
        assert torch.equal(value, wanted[name]), name
    assert any(name.startswith(output) for name in before)


def test_added_loss_is_weighted_as_the_others():
    loss = LOSSES["squared"]()
    assert isinstance(loss, WeightedLoss)
    logits, y = torch.zeros(3, 2), torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    weight = torch.tensor([[1.0, 0.0], [2.0, 3.0], [0.0, 4.0]])
    assert loss(logits, {"y": y, "weight": weight}) == 0.25
    logits[0, 1] = 100.0  # has no weight
    assert loss(logits, {"y": y, "weight": weight}) == 0.25
    assert loss(logits, {"y": y, "weight": torch.zeros(3)}) == 0.0


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"fusion": "sum"}, r"fusion must be one of \('early', .*'squared'.*\), got 'sum'"),
        ({"head": "deep"}, r"head must be one of \('mlp', 'linear'\), got 'deep'"),
        ({"fusion": FUSIONS["late"]}, r"fusion must be one of \('early'.*got <.*LateFusion"),
    ],
)
def test_unregistered_part_raises_an_error_with_all_names(params, message):
    with pytest.raises(ValueError, match=message):
        make_network(**{"fusion": "late", **params})
