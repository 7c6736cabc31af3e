"""Wrong calls of the modules and of the displays: rows of (id, call, exceptions, message)."""

import functools

import numpy as np
import torch
from estimator_cases import fitted, make_classifier, make_tower, make_videos, make_y

from sk_crossmodal.inspection import (
    AttentionDisplay,
    CorrelationDisplay,
    compare_report,
)
from sk_crossmodal.metrics import hierarchy_report
from sk_crossmodal.modules import (
    ConvInfluence,
    CorrelationNetwork,
    CrossModalNetwork,
    InfluenceSpec,
    MeanEncoder,
    NetVLADEncoder,
    RNNEncoder,
    TemporalInfluence,
    TransformerEncoder,
)

FRAME_STATS = {"video": (torch.zeros(4), 1.0), "audio": (torch.zeros(3), 1.0)}
FRAMES = {"video": torch.ones(2, 5, 4), "audio": torch.ones(2, 5, 3)}
MASKS = {name: torch.ones(2, 5, dtype=torch.bool) for name in FRAMES}


def network(frame_stats=FRAME_STATS, **params):
    defaults = {"encoder": MeanEncoder, "encoder_params": {"d_model": 4}, "fusion": "late"}
    return CrossModalNetwork(frame_stats, **{"n_outputs": 2, **defaults, **params})


def concatenating(**params):
    transformer = {"encoder": TransformerEncoder, "encoder_params": {"d_model": 4, "n_heads": 2}}
    return network(fusion="cross_modal_concat", **transformer, **params)


def tower(frame_stats=FRAME_STATS, **params):
    encoder = {"encoder": MeanEncoder, "encoder_params": {"d_model": 4}}
    return CorrelationNetwork(frame_stats, **encoder, **params)


def called(make, frames=(), masks=()):
    """A call of a network with some frames or masks replaced."""
    return lambda: make()({**FRAMES, **dict(frames)}, {**MASKS, **dict(masks)})


def without(part, name):
    return {key: value for key, value in part.items() if key != name}


@functools.cache
def report(levels=(0, 0)):
    return hierarchy_report([[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]], list(levels))


def display(before=None, after=None, **params):
    def call():
        one = {"video": np.ones(3), "audio": np.ones(3)}
        AttentionDisplay(before or one, after or one, spans=params.pop("spans", None)).plot(
            **params
        )

    return call


def predicted(matching, mismatched=(0.5,)):
    return lambda: CorrelationDisplay.from_predictions(matching, mismatched)


X = make_videos().data
WRONG = (ValueError, TypeError)


CASES = [
    # Constructors of encoders.
    (
        "mean-no-widths",
        lambda: MeanEncoder([]),
        ValueError,
        r"widths must hold at least one.*\[\]",
    ),
    ("mean-width-zero", lambda: MeanEncoder([4, 0]), ValueError, r"Each of widths .*>= 1 .*got 0"),
    ("mean-widths-number", lambda: MeanEncoder(4), TypeError, r"widths must be a sequence.*got 4"),
    ("mean-d-model", lambda: MeanEncoder([4], d_model=0), ValueError, r"d_model .*>= 1 .*got 0"),
    (
        "mean-dropout",
        lambda: MeanEncoder([4], dropout=1.5),
        ValueError,
        r"dropout .*>= 0 and <= 1, got 1\.5",
    ),
    (
        "mean-influenced",
        lambda: MeanEncoder([4], InfluenceSpec(5)),
        ValueError,
        r"MeanEncoder has no attention",
    ),
    (
        "transformer-heads",
        lambda: TransformerEncoder([4], d_model=6, n_heads=4),
        ValueError,
        r"multiple of n_heads, got d_model=6, n_heads=4",
    ),
    (
        "transformer-no-heads",
        lambda: TransformerEncoder([4], d_model=6, n_heads=0),
        ValueError,
        r"n_heads .*>= 1 .*got 0",
    ),
    (
        "transformer-layers",
        lambda: TransformerEncoder([4], n_layers=0),
        ValueError,
        r"n_layers .*>= 1 .*got 0",
    ),
    (
        "transformer-half",
        lambda: TransformerEncoder([4], d_model=8.0),
        TypeError,
        r"d_model must be an integer.*8\.0",
    ),
    (
        "transformer-widths",
        lambda: TransformerEncoder("44"),
        TypeError,
        r"widths must be a sequence of integers, got '44'",
    ),
    (
        "netvlad-clusters",
        lambda: NetVLADEncoder([4, 3], n_clusters=(2,)),
        ValueError,
        r"n_clusters must be .* 2 of them.*got \(2,\)",
    ),
    (
        "netvlad-no-clusters",
        lambda: NetVLADEncoder([4, 3], n_clusters=0),
        ValueError,
        r"n_clusters must be an integer >= 1 .*got 0",
    ),
    (
        "netvlad-hidden",
        lambda: NetVLADEncoder([4], hidden_size=0),
        ValueError,
        r"hidden_size .*>= 1 .*got 0",
    ),
    ("netvlad-widths", lambda: NetVLADEncoder([]), ValueError, r"widths must hold at least one"),
    (
        "rnn-type",
        lambda: RNNEncoder([4], rnn_type="elman"),
        ValueError,
        r"rnn_type must be one of .*'gru', 'lstm', None.*got 'elman'",
    ),
    (
        "rnn-odd",
        lambda: RNNEncoder([4], hidden_size=5),
        ValueError,
        r"hidden_size must be even with rnn_type='gru', got 5",
    ),
    (
        "rnn-clusters",
        lambda: RNNEncoder([4], n_clusters=-1),
        ValueError,
        r"n_clusters .*>= 1 .*got -1",
    ),
    ("rnn-bool", lambda: RNNEncoder([4], n_clusters=True), TypeError, r"n_clusters .*got True"),
    # The influence.
    ("influence-frames", lambda: TemporalInfluence(0), ValueError, r"n_frames .*>= 1 .*got 0"),
    (
        "influence-layers",
        lambda: TemporalInfluence(5, ()),
        ValueError,
        r"layer_sizes must hold at least one size, got \(\)",
    ),
    (
        "influence-context",
        lambda: TemporalInfluence(5, (4,), -1),
        ValueError,
        r"n_context .*>= 0 .*got -1",
    ),
    (
        "influence-without-context",
        lambda: TemporalInfluence(5, (4,), 3)(torch.ones(2, 5)),
        ValueError,
        r"context must be a tensor of shape \(B, 3\), got None",
    ),
    (
        "convolution-lag",
        lambda: ConvInfluence(-1),
        ValueError,
        r"max_lag .*>= 0 .*got -1",
    ),
    (
        "convolution-channels",
        lambda: ConvInfluence(n_channels=0),
        ValueError,
        r"n_channels .*>= 1 .*got 0",
    ),
    (
        "convolution-without-context",
        lambda: ConvInfluence(n_context=3)(torch.ones(2, 1, 5)),
        ValueError,
        r"context must be a tensor of shape \(B, 3\), got None",
    ),
    (
        "spec-transform",
        lambda: InfluenceSpec(5, transform="linear"),
        ValueError,
        r"transform must be one of \('dense', 'conv'\), got 'linear'",
    ),
    (
        "spec-combine",
        lambda: InfluenceSpec(5, combine="divide"),
        ValueError,
        r"combine must be one of \('add', 'multiply'\), got 'divide'",
    ),
    (
        "spec-source",
        lambda: InfluenceSpec(5, source="none"),
        ValueError,
        r"source must be one of \('cross', 'self'\), got 'none'",
    ),
    ("spec-layers", lambda: InfluenceSpec(5, (0,)), ValueError, r"Each of layer_sizes .*got 0"),
    # The networks' constructors.
    ("network-fusion", lambda: network(fusion="sum"), ValueError, r"fusion must be one of.*'sum'"),
    ("network-gate", lambda: network(gate="open"), ValueError, r"gate must be one of.*'open'"),
    (
        "network-influence",
        lambda: network(influence="all"),
        ValueError,
        r"influence must be one of .*'cross', 'self', 'none'.*'all'",
    ),
    (
        "network-combine",
        lambda: network(combine="mean"),
        ValueError,
        r"combine must be one of.*'mean'",
    ),
    ("network-outputs", lambda: network(n_outputs=0), ValueError, r"n_outputs .*>= 1 .*got 0"),
    ("network-hidden", lambda: network(hidden_size=2.5), TypeError, r"hidden_size .*got 2\.5"),
    ("network-layers", lambda: network(layer_sizes=()), ValueError, r"layer_sizes must hold"),
    (
        "network-frame-stats",
        lambda: network({}),
        TypeError,
        r"frame_stats must be a dict .*got dict \{\}",
    ),
    (
        "network-frame-stats-list",
        lambda: network([4, 3]),
        TypeError,
        r"frame_stats .*got list \[4, 3\]",
    ),
    (
        "network-frame-stats-pair",
        lambda: network({"video": 4}),
        ValueError,
        r"frame_stats must be a dict of \(mean of each feature, scale\).*got 4 of 'video'",
    ),
    (
        "network-mean-encoder-influenced",
        lambda: network(fusion="cross_modal"),
        ValueError,
        r"MeanEncoder has no attention",
    ),
    (
        "tower-one-modality",
        lambda: tower({"video": (torch.zeros(4), 1.0)}),
        ValueError,
        r"needs two modalities, got \['video'\]",
    ),
    (
        "tower-hidden",
        lambda: tower(hidden_layer_sizes=()),
        ValueError,
        r"hidden_layer_sizes must hold at least one size",
    ),
    # What networks are called with.
    *(
        (f"{name}-{case}", call(make), ValueError, message)
        for name, make in (("network", network), ("tower", tower))
        for case, call, message in (
            (
                "no-audio",
                lambda make: lambda: make()(without(FRAMES, "audio"), MASKS),
                r"frames must have the keys \['video', 'audio'\], got no \['audio'\]",
            ),
            (
                "no-mask",
                lambda make: lambda: make()(FRAMES, without(MASKS, "video")),
                r"masks must have the keys .*, got no \['video'\]",
            ),
            (
                "width",
                lambda make: called(make, {"audio": torch.ones(2, 5, 4)}),
                r"'audio' must be of shape \(B, T, 3\), got \(2, 5, 4\)",
            ),
            (
                "one-video",
                lambda make: called(make, {"video": torch.ones(5, 4)}),
                r"'video' must be of shape \(B, T, 4\), got \(5, 4\)",
            ),
            (
                "mask-of-numbers",
                lambda make: called(make, masks={"video": torch.ones(2, 5)}),
                r"mask of 'video' must be a bool tensor .*got torch\.float32",
            ),
            (
                "mask-too-short",
                lambda make: called(make, masks={"audio": MASKS["audio"][:, :4]}),
                r"'audio' must be a bool tensor of shape \(2, 5\), got .* \(2, 4\)",
            ),
        )
    ),
    (
        "network-without-correlation",
        lambda: concatenating()(FRAMES, MASKS),
        ValueError,
        r"fusion='cross_modal_concat' correlation must be .*\(B, 1, n_correlation\), got None",
    ),
    # Displays.
    (
        "attention-unfitted",
        lambda: AttentionDisplay.from_estimator(make_classifier(), X[[0]]),
        WRONG,
        r"not fitted yet",
    ),
    (
        "attention-of-a-tower",
        lambda: AttentionDisplay.from_estimator(make_tower(), X[[0]]),
        TypeError,
        r"with the method `attention_weights`, got CorrelationTower",
    ),
    (
        "attention-of-a-class",
        lambda: AttentionDisplay.from_estimator(type(make_classifier()), X[[0]]),
        TypeError,
        r"must be a fitted one .*got CrossModalTransformerClassifier",
    ),
    (
        "attention-two-videos",
        lambda: AttentionDisplay.from_estimator(fitted(), X[[0, 1]]),
        ValueError,
        r"one video, such as X\[\[0\]\], got 2",
    ),
    ("attention-seconds", display(seconds_per_frame=0), ValueError, r"seconds_per_frame .*got 0"),
    (
        "attention-seconds-text",
        display(seconds_per_frame="1"),
        TypeError,
        r"seconds_per_frame must be a number > 0, got '1'",
    ),
    (
        "attention-other-names",
        display(after={"video": np.ones(3), "text": np.ones(3)}),
        ValueError,
        r"before and after must be of the same .*'audio'.*'text'",
    ),
    (
        "attention-other-length",
        display(after={"video": np.ones(3), "audio": np.ones(4)}),
        ValueError,
        r"before and after .*'audio': \(3,\).*'audio': \(4,\)",
    ),
    (
        "attention-of-two",
        display({"video": np.ones((2, 3))}, {"video": np.ones((2, 3))}),
        ValueError,
        r"of shape \(T,\), got shape \(2, 3\)",
    ),
    (
        "attention-span-name",
        display(spans={"text": (1, 2)}),
        ValueError,
        r"spans must be of \['video', 'audio'\], got one of 'text'",
    ),
    (
        "attention-span",
        display(spans={"audio": 3}),
        ValueError,
        r"span of 'audio' must be \(start, length\), got 3",
    ),
    (
        "attention-axes",
        display(axes=[None]),
        ValueError,
        r"one for each of \['video', 'audio'\], got \(1,\)",
    ),
    (
        "correlation-unfitted",
        lambda: CorrelationDisplay.from_estimator(make_tower(), X, make_y("classes")),
        WRONG,
        r"not fitted yet",
    ),
    (
        "correlation-of-a-classifier",
        lambda: CorrelationDisplay.from_estimator(fitted(), X, make_y("classes")),
        TypeError,
        r"`pair_probabilities`, got CrossModalTransformerClassifier",
    ),
    (
        "correlation-logits",
        predicted([0.2, 3.0]),
        ValueError,
        r"matching .*0 to 1 .*array\(\[0\.2, 3",
    ),
    (
        "correlation-nan",
        predicted([0.2], [np.nan]),
        ValueError,
        r"mismatched .*0 to 1 .*array\(\[nan",
    ),
    ("correlation-text", predicted(["high"]), ValueError, r"matching .*0 to 1 .*got .*dtype <U4"),
    (
        "correlation-bins",
        lambda: CorrelationDisplay(np.ones(1), np.ones(1)).plot(bins=0),
        ValueError,
        r"bins must be an integer > 0, got 0",
    ),
    (
        "correlation-half-bins",
        lambda: CorrelationDisplay(np.ones(1), np.ones(1)).plot(bins=2.5),
        TypeError,
        r"bins must be an integer > 0, got 2\.5",
    ),
    ("compare-nothing", lambda: compare_report({}), ValueError, r"at least one report, got \{\}"),
    (
        "compare-no-runs",
        lambda: compare_report({"late": []}),
        ValueError,
        r"at least one report, got \{'late': \[\]\}",
    ),
    (
        "compare-list",
        lambda: compare_report([report()]),
        TypeError,
        r"reports must be a dict of reports by model, got list",
    ),
    (
        "compare-numbers",
        lambda: compare_report({"late": 0.5}),
        TypeError,
        r"reports of `hierarchy_report`, got \['float'\]",
    ),
    (
        "compare-rows",
        lambda: compare_report({"a": report(), "b": report((0, 1))}),
        ValueError,
        r"same rows, got \[\('overall', 'level 0'\), \('overall', 'level 0', 'level 1'\)\]",
    ),
]
