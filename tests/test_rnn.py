import pytest
import torch
from encoder_cases import (
    CASES,
    LENGTHS,
    N_CONTEXT,
    N_FRAMES,
    assert_all_close,
    assert_finite_training,
    build_encoder,
    case_name,
    in_float32,
    inputs_of,
    make_inputs,
    make_links,
    make_spec,
    padded,
    row_of,
    video_of,
)
from network_oracle import recurrent_states, rnn_clusters, rnn_video, weights_of

from sk_crossmodal.modules import RNN_TYPES, InfluenceSpec, RNNEncoder

pytestmark = [pytest.mark.sample(0.34), pytest.mark.one_version]

TYPES = (*RNN_TYPES, None)

cases = pytest.mark.parametrize("case", CASES, ids=case_name)
types = pytest.mark.parametrize("rnn_type", TYPES)
recurrent = pytest.mark.parametrize("rnn_type", RNN_TYPES)
combines = pytest.mark.parametrize("combine", ["add", "multiply"])


def make_encoder(n_modalities=2, spec=None, rnn_type="gru", **params):
    params = {"n_clusters": 3, "hidden_size": 6, "rnn_type": rnn_type, **params}
    return build_encoder(RNNEncoder, n_modalities, spec, **params).eval()


def encoder_of(case, rnn_type):
    spec = make_spec(n_context=case["n_context"], combine=case["combine"], to_self=case["to_self"])
    return make_encoder(case["n_modalities"], spec, rnn_type)


def influenced_encoder(rnn_type="gru", combine="add"):
    """An encoder of three modalities with influences, and inputs of five videos."""
    encoder = make_encoder(3, make_spec(n_context=N_CONTEXT, combine=combine), rnn_type)
    return encoder, (*make_inputs(3), make_links(3, "soft", N_CONTEXT))


# The equation -----------------------------------------------------------------------------


@types
@cases
def test_encoder_equals_the_equation(case, rnn_type):
    encoder, given = encoder_of(case, rnn_type), inputs_of(case)
    results, weights = encoder(*given), weights_of(encoder)
    for row in range(5):
        video = video_of(*given, row)
        expected = rnn_video(weights, "", *video, rnn_type=rnn_type, combine=case["combine"])
        assert_all_close([x[row] for x in results], expected, atol=1e-10)


@types
@pytest.mark.parametrize("case", CASES[::5], ids=case_name)
def test_attention_equals_the_equation(case, rnn_type):
    """The mean over clusters."""
    encoder, given = encoder_of(case, rnn_type), inputs_of(case)
    results, weights = encoder.attention(*given), weights_of(encoder)
    for row in range(5):
        video = video_of(*given, row)
        _, *both = rnn_clusters(weights, "", *video, rnn_type=rnn_type, combine=case["combine"])
        for when, expected in enumerate(both):
            for m, attention in enumerate(expected):
                assert_all_close([results[m][when][row]], [attention.mean(0)], atol=1e-10)


@types
@pytest.mark.parametrize("with_spec", [False, True])
def test_towers_without_links_are_independent(with_spec, rnn_type):
    encoder = make_encoder(spec=make_spec() if with_spec else None, rnn_type=rnn_type)
    frames, masks = make_inputs()
    results = encoder(frames, masks)
    for row in range(5):
        video = video_of(frames, masks, [[], []], row)
        expected = rnn_video(weights_of(encoder), "", *video, rnn_type=rnn_type, combine="add")
        assert_all_close([x[row] for x in results], expected, atol=1e-10)


@recurrent
def test_states_equal_the_equation(rnn_type):
    """Both directions over the real frames, zero at padding."""
    encoder = make_encoder(3, rnn_type=rnn_type)
    frames, masks = make_inputs(3)
    for m, states in enumerate(encoder.states(frames, masks)):
        for row, length in enumerate(LENGTHS[m]):
            x, mask = frames[m][row].numpy(), masks[m][row].numpy()
            expected = recurrent_states(weights_of(encoder), f"rnns.{m}", x, mask, rnn_type)
            assert_all_close([states[row]], [expected], atol=1e-12)
            assert not states[row, length:].any()


@types
def test_attention_before_the_influence_sums_to_one(rnn_type):
    encoder, (frames, masks, links) = influenced_encoder(rnn_type)
    for (before, after), mask in zip(encoder.attention(frames, masks, links), masks, strict=True):
        assert_all_close([before.sum(1)], [mask.any(1).double()], atol=1e-12)
        assert (before[mask] > 0).all()
        assert not after[~mask].any()


# Padding, other rows, missing modalities --------------------------------------------------


@types
@combines
@pytest.mark.parametrize("garbage", [0.0, 1e3])
def test_encoder_with_garbage_in_padding_returns_same_output(garbage, combine, rnn_type):
    encoder, (frames, masks, links) = influenced_encoder(rnn_type, combine)
    longer = padded(frames, masks, garbage=garbage)
    assert_all_close(encoder(*longer, links), encoder(frames, masks, links), atol=1e-10)


@types
@combines
def test_encoder_on_single_videos_returns_same_output_as_on_a_batch(combine, rnn_type):
    encoder, given = influenced_encoder(rnn_type, combine)
    whole = encoder(*given)
    for row in range(5):
        alone = encoder(*row_of(*given, row))
        assert_all_close([x[0] for x in alone], [x[row] for x in whole], atol=1e-12)


@types
@combines
def test_training_on_videos_without_frames_is_finite(combine, rnn_type):
    encoder, given = influenced_encoder(rnn_type, combine)
    assert_finite_training(encoder, *given)
    empty = [mask & False for mask in given[1]]
    assert_finite_training(encoder, [x * 0 for x in given[0]], empty, given[2])


@types
@combines
def test_float32_is_close_to_float64(combine, rnn_type):
    encoder, given = influenced_encoder(rnn_type, combine)
    expected = encoder(*given)
    assert_all_close(encoder.float()(*in_float32(*given)), expected, atol=1e-4)


# Building ---------------------------------------------------------------------------------


@recurrent
def test_both_directions_share_an_even_width(rnn_type):
    with pytest.raises(ValueError, match=f"hidden_size must be even.*{rnn_type}.*got 7"):
        RNNEncoder([5, 3], rnn_type=rnn_type, hidden_size=7)


def test_odd_width_without_recurrence_is_accepted():
    encoder = make_encoder(rnn_type=None, hidden_size=7)
    assert [x.shape for x in encoder(*make_inputs())] == [(5, 7), (5, 7)]


def test_rnn_type_selects_the_recurrent_layer():
    for rnn_type, kind in {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}.items():
        layers = make_encoder(rnn_type=rnn_type).rnns
        assert {type(layer) for layer in layers} == {kind}
        assert all(layer.bidirectional for layer in layers)
    assert make_encoder(rnn_type=None).rnns is None


@types
@combines
def test_new_encoder_has_small_influence(combine, rnn_type):
    torch.manual_seed(0)
    spec = InfluenceSpec(N_FRAMES, combine=combine)
    encoder = RNNEncoder([5, 3], spec, rnn_type=rnn_type, n_clusters=4, hidden_size=16)
    encoder.double().eval()
    frames, masks = make_inputs()
    influenced = encoder(frames, masks, make_links())
    for result, alone in zip(influenced, encoder(frames, masks), strict=True):
        torch.testing.assert_close(result, alone, rtol=0, atol=0.2)
        assert not torch.equal(result, alone)
    for before, after in encoder.attention(frames, masks, make_links()):
        torch.testing.assert_close(after, before, rtol=0, atol=0.1)
