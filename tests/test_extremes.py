"""Extreme frames and labels: finite losses and probabilities, or a ValueError that says why."""

import functools
import itertools

import numpy as np
import pytest
import torch
from estimator_cases import FAMILIES, WIDTHS, from_rows, make_classifier, make_tower
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sk_crossmodal import MultimodalArray
from sk_crossmodal.modules import FUSIONS
from sk_crossmodal.modules.scaling import FrameScaler, RawFrames

pytestmark = [pytest.mark.sample(0.34), pytest.mark.one_version]

N = 8
CLASSES = np.arange(N) % 2
INDICATORS = np.stack([CLASSES, 1 - CLASSES, np.arange(N) % 4 > 1], axis=1).astype(int)


def videos(video=1.0, audio=1.0, lengths=((1, 5), (1, 5)), dtype=np.float32, widths=(8, 6)):
    """Random videos; each modality has its own unit."""
    rng = np.random.default_rng(0)
    parts = zip(WIDTHS, (video, audio), lengths, widths, strict=True)
    return from_rows(
        **{
            name: [
                (unit * rng.standard_normal((rng.integers(*between), width))).astype(dtype)
                for _ in range(N)
            ]
            for name, unit, between, width in parts
        }
    )


def constant(value):
    return from_rows(
        **{
            name: [np.full((1 + i % 3, w), value, np.float32) for i in range(N)]
            for name, w in WIDTHS.items()
        }
    )


def with_constant_feature():
    X = videos()
    parts = {name: [X[i][name].copy() for i in range(N)] for name in WIDTHS}
    for frames in parts["video"]:
        frames[:, 0] = 1e6
    return from_rows(**parts)


def with_outlier():
    X = videos()
    parts = {name: [X[i][name].copy() for i in range(N)] for name in WIDTHS}
    parts["video"][2][0] = 1e6
    return from_rows(**parts)


def bytes_of(value=None, quantization=(1.0, 0.0)):
    """Videos stored with one byte per number."""
    rng = np.random.default_rng(1)
    lengths = {name: np.arange(N) % 3 + 1 for name in WIDTHS}
    frames = {}
    for name, width in WIDTHS.items():
        shape = (lengths[name].sum(), width)
        drawn = rng.integers(0, 256, shape) if value is None else np.full(shape, value)
        frames[name] = drawn.astype(np.uint8)
    return MultimodalArray.from_frames(
        frames, lengths, quantization=dict.fromkeys(WIDTHS, quantization)
    )


FRAMES = {
    "1e6": lambda: videos(1e6, 1e6),
    "1e-6": lambda: videos(1e-6, 1e-6),
    "1e6 and 1e-6": lambda: videos(1e6, 1e-6),
    "1e30": lambda: videos(1e30, 1e30),
    "1e-42": lambda: videos(1e-42, 1e-42),
    "double": lambda: videos(1e30, 1e-30, dtype=np.float64),
    "half": lambda: videos(1e4, 1e-7, dtype=np.float16),
    "zero": lambda: constant(0),
    "equal": lambda: constant(3.7),
    "equal and large": lambda: constant(1e6),
    "constant feature": with_constant_feature,
    "outlier": with_outlier,
    "one frame": lambda: videos(lengths=((1, 2), (1, 2))),
    "300 frames": lambda: videos(lengths=((300, 301), (299, 301))),
    "some without audio": lambda: videos(lengths=((1, 5), (0, 2))),
    "some without any": lambda: videos(lengths=((0, 2), (0, 2))),
    "one feature": lambda: videos(widths=(1, 1)),
    "bytes": bytes_of,
    "equal bytes": lambda: bytes_of(255),
    "bytes that mean much": lambda: bytes_of(None, (1e6, -1e8)),
    "bytes that mean little": lambda: bytes_of(None, (1e-12, 0.0)),
}
# Unscaled frames that overflow in the network.
UNSCALABLE = ("1e30", "double")
videos_of = functools.cache(lambda name: FRAMES[name]())


def small(family, **params):
    tower = make_tower(max_epochs=1)
    return make_classifier(
        family,
        **{"correlation_tower": tower, "max_epochs": 2, "batch_size": 4, "lr": 1e-2, **params},
    )


def assert_finite(classifier, X):
    losses = [v for row in classifier.history_ for k, v in row.items() if k.endswith("_loss")]
    assert losses
    assert np.isfinite(losses).all()
    for value in classifier.module_.state_dict().values():
        assert torch.isfinite(value).all()
    probability = classifier.predict_proba(X)
    assert ((probability > 0) & (probability < 1)).all()
    for pair in classifier.attention_weights(X).values():
        assert np.isfinite([pair.before, pair.after]).all()


# Every family gets all frames; fusions, scaling and labels alternate.
COMBINATIONS = zip(
    itertools.cycle(FUSIONS),
    itertools.cycle(["modality", "feature"]),
    itertools.cycle([CLASSES, CLASSES, INDICATORS, INDICATORS]),
    strict=True,
)


@pytest.mark.parametrize(
    ("name", "family", "fusion", "scaling", "y"),
    [
        pytest.param(*case, *next(COMBINATIONS), id="-".join(case))
        for case in itertools.product(FRAMES, FAMILIES)
    ],
)
def test_fit_on_extreme_frames_is_finite_or_raises_an_error(name, family, fusion, scaling, y):
    X = videos_of(name)
    assert_finite(small(family, fusion=fusion, frame_scaling=scaling).fit(X, y), X)


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("family", ["transformer", "netvlad"])
def test_fit_without_scaling_is_finite_or_raises_an_error(name, family):
    X, classifier = videos_of(name), small(family, frame_scaling=None, fusion="cross_modal")
    if name in UNSCALABLE:
        with pytest.raises(ValueError, match=r"diverged: .* frame_scaling='modality'"):
            classifier.fit(X, INDICATORS)
        assert not hasattr(classifier, "classes_")
    else:
        assert_finite(classifier.fit(X, INDICATORS), X)


ABSENT = {
    "no audio": lambda: videos(lengths=((1, 5), (0, 1))),
    "no video": lambda: videos(lengths=((0, 1), (1, 5))),
    "nothing": lambda: videos(lengths=((0, 1), (0, 1))),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", sorted({*FRAMES, *ABSENT} - {"one feature", "double"}))
def test_predict_on_extreme_frames_is_finite_or_raises_an_error(name, family):
    """A model of ordinary frames predicts extreme ones, or raises an error."""
    X = ABSENT[name]() if name in ABSENT else videos_of(name)
    classifier = ordinary(family)
    if name == "1e30":
        with pytest.raises(ValueError, match=r"videos \[.*\] are not finite"):
            classifier.predict_proba(X)
    else:
        assert_finite(classifier, X)


@functools.cache
def ordinary(family):
    classifier = small(family, fusion="cross_modal_concat")
    return classifier.fit(videos(), CLASSES)


@given(
    name=st.sampled_from(list(FRAMES)),
    family=st.sampled_from(list(FAMILIES)),
    y=st.sampled_from([CLASSES, INDICATORS]),
    params=st.fixed_dictionaries(
        {
            "fusion": st.sampled_from(tuple(FUSIONS)),
            "gate": st.sampled_from(["hard", "soft"]),
            "frame_scaling": st.sampled_from(["modality", "feature"]),
            "precision": st.sampled_from(["float32", "bfloat16", "float64"]),
            "cross_modal_combine": st.sampled_from(["add", "multiply"]),
            "correlation_features": st.sampled_from(["probability", "embedding"]),
            "correlation_tower": st.sampled_from([make_tower(max_epochs=1), None]),
            "mask_padding": st.booleans(),
            "max_frames": st.sampled_from([1, 3, 300]),
        }
    ),
)
@settings(max_examples=settings.default.max_examples // 2)
def test_fit_with_any_options_is_finite_or_raises_an_error(name, family, y, params):
    """Random combinations; HYPOTHESIS_PROFILE=campaign tries more."""
    assume(params["mask_padding"] or params["max_frames"] < 300)  # else slow
    X = videos_of(name)
    assert_finite(small(family, **params).fit(X, y), X)


ENCODERS = itertools.cycle(["mean", "transformer", "netvlad", "rnn"])


@pytest.mark.parametrize(("name", "encoder"), [(name, next(ENCODERS)) for name in FRAMES])
def test_tower_on_extreme_frames_is_finite_or_raises_an_error(name, encoder):
    params = {"d_model": 8} if encoder in ("mean", "transformer") else {"hidden_size": 8}
    X, tower = videos_of(name), make_tower(encoder=encoder, encoder_params=params)
    tower.fit(X, CLASSES)
    assert np.isfinite(tower.loss_curve_).all()
    probability = tower.transform(X)
    assert ((probability > 0) & (probability < 1)).all()
    assert np.isfinite(tower.embed(X)).all()


LABELS = {
    "a column of zeros": np.column_stack([INDICATORS, np.zeros(N, int)]),
    "a column of ones": np.column_stack([INDICATORS, np.ones(N, int)]),
    "all zero": np.zeros((N, 2), int),
    "all one": np.ones((N, 2), int),
    "all the same": np.tile([1, 0, 1], (N, 1)),
    "one label": INDICATORS[:, :1],
    "one column of ones": np.ones((N, 1), int),
}


ALL_FAMILIES = itertools.cycle(FAMILIES)


@pytest.mark.parametrize(
    ("name", "fusion", "family"),
    [(*case, next(ALL_FAMILIES)) for case in itertools.product(LABELS, FUSIONS)],
)
def test_fit_on_extreme_labels_is_finite_or_raises_an_error(name, fusion, family):
    """A tower needs two videos without a common top-level label, else there is none."""
    X, y = videos_of("1e6"), LABELS[name]
    # At this learning rate the logit of a constant label grows with every step.
    classifier = small(family, fusion=fusion, lr=1.0 if family == "rnn" else 0.1, max_epochs=4)
    counted = y[:, ~y.all(axis=0)]  # without labels that all videos have
    alone = (counted @ counted.T == 0) & counted.any(axis=1) & counted.any(axis=1)[:, None]
    if fusion in ("cross_modal_gated", "cross_modal_concat") and not alone.any():
        with pytest.warns(UserWarning, match="No two videos differ in all of their top-level"):
            assert_finite(classifier.fit(X, y), X)
        assert classifier.correlation_tower_ is None
    else:
        assert_finite(classifier.fit(X, y), X)


@pytest.mark.parametrize("family", FAMILIES)
def test_fit_on_a_single_class_raises_an_error(family):
    with pytest.raises(ValueError, match=r"only one class is present.*got \[3\]"):
        small(family).fit(videos_of("1e6"), np.full(N, 3))


@pytest.mark.parametrize("y", [CLASSES, INDICATORS], ids=["classes", "indicators"])
@pytest.mark.parametrize("logit", [40.0, 1e4, 1e38])
def test_extreme_logits_give_probabilities_between_zero_and_one(y, logit):
    """In float32 the sigmoid of these logits is exactly 0 or 1."""
    X = videos_of("1e6")
    classifier = small("transformer", fusion="late").fit(X, y)
    head = classifier.module_.head[-1]
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(logit * torch.tensor([1.0, -1.0, 1.0])[: len(head.bias)])
    probability = classifier.predict_proba(X)
    assert ((probability > 0) & (probability < 1)).all()
    assert probability.dtype == np.float32
    assert (classifier.predict(X) == (0 if y is CLASSES else [1, 0, 1])).all()


def test_tiny_scale_gives_finite_frames():
    """The inverse of the scale overflows although the scale itself does not."""
    frames, mask = torch.tensor([[[1e-42], [3e-42]]]), torch.ones(1, 2, dtype=bool)
    scaler = FrameScaler([2e-42], 1e-42).float()
    for x in (frames, RawFrames(frames, 1.0, 0.0, torch.float32)):
        scaled = scaler(x, mask).flatten()
        assert torch.isfinite(scaled).all()
        assert scaled[0] < 0 < scaled[1]


def test_scaled_frames_have_zero_mean_and_unit_scale():
    """In any units."""
    same = {"lengths": ((3, 4), (3, 4))}
    many = [videos(unit, unit, **same) for unit in (1e6, 1e-6, 1e30, 1e-30)]
    for X in (*many, bytes_of(), bytes_of(None, (1e6, -1e8)), bytes_of(None, (1e-12, 0.0))):
        (mean, scale), stored = X.frame_stats()["video"], X.pad(range(N))
        frames, masks = (torch.from_numpy(part["video"]) for part in stored)
        raw = RawFrames(frames, *X.quantization["video"], torch.float32)
        scaled = FrameScaler(mean, scale)(raw, masks)[masks]
        torch.testing.assert_close(scaled.mean(0), torch.zeros(8), atol=1e-5, rtol=0)
        assert scaled.var(0, correction=0).mean() == pytest.approx(1, rel=1e-4)
