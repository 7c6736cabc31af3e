"""Rates of modalities, and videos longer than `max_frames`: cut, or pooled in equal windows."""

import json
import math
import pickle
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from estimator_cases import make_classifier, make_tower, make_videos, make_y, rows_of
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch

from sk_crossmodal import ModalityTransformer, load_model, save_model
from sk_crossmodal.datasets import join_modalities
from sk_crossmodal.multimodal import MultimodalArray, Store, StoreWriter, as_multimodal

NAMES = ("video", "audio", "text")
WIDTH = 2
VIDEOS = make_videos().data


def container(lengths, rates=None, dtype=np.float64, seed=0, **kwargs):
    """Random frames of these lengths by modality."""
    rng = np.random.default_rng(seed)
    frames = {
        name: rng.uniform(0, 200, size=(sum(part), WIDTH)).astype(dtype)
        for name, part in lengths.items()
    }
    return MultimodalArray.from_frames(frames, lengths, rates=rates, **kwargs)


def time_line(video, rates, max_frames, modes):
    """Return per modality a list with the frames of each time step, by exact arithmetic.

    `video` has the frames (T_i, d) by modality. Frame k of a modality lasts from second
    k / rate to (k + 1) / rate; without rates, its frames divide the video (one second) equally.
    """
    counts = {name: len(frames) for name, frames in video.items()}
    if not any(counts.values()):
        return {name: [] for name in video}
    if rates is None:
        rates, step = (
            {n: Fraction(k) for n, k in counts.items()},
            Fraction(1, max(counts.values())),
        )
        whole = Fraction(1)
    else:
        rates = {name: Fraction(rate) for name, rate in rates.items()}
        step = 1 / max(rates.values())
        whole = max(k / rates[name] for name, k in counts.items())
    # The steps whose middle is before the end of a modality, or that are its frames.
    n_steps = max(
        math.ceil(k / (rates[n] * step) - Fraction(1, 2)) for n, k in counts.items() if k
    )
    used, windows = counts, max_frames is not None and n_steps > max_frames
    if windows and "pool" in modes.values():
        step, n_steps = whole / max_frames, max_frames
        used = {n: min(k, max_frames) if modes[n] == "cut" else k for n, k in counts.items()}
    elif windows:
        n_steps = max_frames
    out = {}
    for name, frames in video.items():
        steps = []
        for t in range(n_steps):
            if step * rates[name] > 1:  # a step is longer than a frame
                first, last = t * step, (t + 1) * step
                inside = [
                    k
                    for k in range(used[name])
                    if first <= (k + Fraction(1, 2)) / rates[name] < last
                ]
            else:
                k = math.floor((t + Fraction(1, 2)) * step * rates[name])
                inside = [k] if k < used[name] else []
            steps.append(frames[inside].mean(axis=0) if inside else None)
        out[name] = steps
    return out


@st.composite
def cases(draw):
    names = NAMES[: draw(st.integers(1, 3))]
    n = draw(st.integers(1, 4))
    lengths = {name: draw(st.lists(st.integers(0, 40), min_size=n, max_size=n)) for name in names}
    rate = st.sampled_from([0.5, 1.0, 1.25, 3.0, 25.0, 29.97])
    rates = draw(st.none() | st.fixed_dictionaries(dict.fromkeys(names, rate)))
    max_frames = draw(st.none() | st.integers(1, 30))
    modes = {name: draw(st.sampled_from(["pool", "cut"])) for name in names}
    return lengths, rates, max_frames, modes


@given(case=cases())
def test_pad_with_any_rates_is_equal_to_exact_arithmetic(case):
    lengths, rates, max_frames, modes = case
    X = container(lengths, rates)
    rows = range(len(X))
    frames, masks = X.pad(rows, max_frames, long_videos=modes)
    for row in rows:
        for name, steps in time_line(X[row], rates, max_frames, modes).items():
            real = np.array([step is not None for step in steps], bool)
            assert masks[name][row, : len(steps)].tolist() == real.tolist()
            assert not masks[name][row, len(steps) :].any()
            assert not frames[name][row][~masks[name][row]].any()
            if real.any():
                expected = [step for step in steps if step is not None]
                got = frames[name][row, : len(steps)][real]
                np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_pad_long_quantised_videos_means_values():
    """Means of bytes are floats, and those of other videos stay the same numbers."""
    X = container({"video": [7, 2]}, dtype=np.uint8, quantization={"video": (0.5, -3.0)})
    frames, _ = X.pad([0, 1], 3, long_videos="pool")
    assert frames["video"].dtype == np.float32
    expected = [X[0]["video"][part].mean(axis=0) for part in (slice(2), slice(2, 5), slice(5, 7))]
    np.testing.assert_allclose(frames["video"][0] * 0.5 - 3.0, expected, rtol=1e-6)
    np.testing.assert_array_equal(frames["video"][1, :2] * 0.5 - 3.0, X[1]["video"])
    assert X.pad([1], 3, long_videos="pool")[0]["video"].dtype == np.uint8


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32])
def test_pad_long_stored_videos_is_equal_to_memory_block_by_block(dtype, tmp_path, monkeypatch):
    X = container({"video": [60, 3, 11], "audio": [7, 40, 0]}, {"video": 2, "audio": 3}, dtype)
    expected = X.pad([2, 0, 1], 5, long_videos="pool")
    monkeypatch.setattr("sk_crossmodal.multimodal._frames.BLOCK", 16)
    X.save(tmp_path / "store")
    for kept in (X, MultimodalArray.open(tmp_path / "store")):
        for got, wanted in zip(kept.pad([2, 0, 1], 5, long_videos="pool"), expected, strict=True):
            for name, values in wanted.items():
                np.testing.assert_array_equal(got[name], values)


def test_modality_that_ends_earlier_is_masked_and_not_stretched():
    lengths = {"video": [4], "audio": [6]}
    audio = np.arange(6.0)[:, None]
    frames = {"video": np.arange(4.0)[:, None], "audio": audio}
    X = MultimodalArray.from_frames(frames, lengths, rates={"video": 1, "audio": 2})
    frames, masks = X.pad([0])  # four seconds of video, three of sound
    assert frames["video"][0, :, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert frames["audio"][0, :, 0].tolist() == [0, 1, 2, 3, 4, 5, 0, 0]
    assert masks["audio"][0].tolist() == [True] * 6 + [False] * 2
    stretched, masks = as_multimodal({"video": [frames["video"][0, ::2]], "audio": [audio]}).pad(
        [0]
    )
    assert stretched["video"][0, :, 0].tolist() == [0, 1, 1, 2, 3, 3]
    assert masks["audio"].all()


# The container and its store ------------------------------------------------------------------

RATES = {"video": 1.0, "audio": 12.5}


def test_rates_stay_with_the_videos(tmp_path):
    X = container({"video": [4, 2], "audio": [30, 9]}, RATES, np.float32)
    assert repr(X) == (
        "MultimodalArray(2 videos, video: 2-4 frames of 2 float32 (1 per second), "
        "audio: 9-30 frames of 2 float32 (12.5 per second))"
    )
    X.save(tmp_path / "store")
    kept = {
        "rows": X[[1]],
        "pickle": pickle.loads(pickle.dumps(X)),
        "frames": X.replace_frames({"audio": np.zeros((39, 5))}),
        "store": MultimodalArray.open(tmp_path / "store"),
        "selection": Store.open(tmp_path / "store").data[[0]],
        "form": as_multimodal(X),
        "transformer": ModalityTransformer({"audio": PCA(1)}).fit_transform(X),
    }
    assert {name: each.rates for name, each in kept.items()} == dict.fromkeys(kept, RATES)
    assert X.select(["audio"]).rates == {"audio": 12.5}
    assert X.select(["video"]).timeline_lengths().tolist() == [4, 2]
    assert X.timeline_lengths().tolist() == [50, 25]
    plain = container({"video": [4, 2], "audio": [30, 9]}, None, np.float32)
    assert plain.rates is None
    assert plain.digest() != X.digest()
    assert as_multimodal(plain, rates=RATES).digest() == X.digest()
    assert kept["store"].digest() == X.digest()


def test_store_without_rates_has_the_header_of_earlier_versions(tmp_path):
    """With rates it has one key more, which earlier versions ignore."""
    plain = container({"video": [4]})
    plain.save(tmp_path / "plain")
    as_multimodal(plain, rates={"video": 2}).save(tmp_path / "rates")
    about = [
        json.loads((tmp_path / name / "store.json").read_text()) for name in ("plain", "rates")
    ]
    assert list(about[0]["modalities"][0]) == [
        "name",
        "width",
        "dtype",
        "scale",
        "shift",
        "finite",
    ]
    assert about[1].pop("rates") == {"video": 2.0}
    assert about[0] == about[1]


@pytest.mark.parametrize("rates", [{"video": 0}, {"clip": 1.0}, [1.0], {"video": "1"}, None])
def test_store_with_wrong_rates_is_rejected(rates, tmp_path):
    container({"video": [4]}).save(tmp_path / "store")
    header = tmp_path / "store" / "store.json"
    header.write_text(json.dumps({**json.loads(header.read_text()), "rates": rates}))
    with pytest.raises(ValueError, match=r"store\.json cannot be read, restore it"):
        MultimodalArray.open(tmp_path / "store")


def test_writer_adds_rates_to_a_store_without(tmp_path):
    """Of an earlier version; it does not replace others."""
    about = {"video": {"width": 2, "dtype": "float32"}}
    with StoreWriter(tmp_path / "store", about).part("a") as part:
        part.append({"video": (np.ones((3, 2), np.float32), [3])})
    fast, slow = ({"video": {**about["video"], "rate": rate}} for rate in (25, 1))
    StoreWriter(tmp_path / "store", fast).finish(["a"])
    assert MultimodalArray.open(tmp_path / "store").rates == {"video": 25.0}
    with pytest.raises(ValueError, match="has other modalities"):
        StoreWriter(tmp_path / "store", slow)


def test_rates_of_some_modalities_are_not_used(tmp_path):
    """As of modalities that were loaded apart."""
    known, unknown = container({"video": [4]}, {"video": 1}), container({"audio": [9]})
    ids = np.array(["a"])
    parts = [Bunch(data=X, target=None, ids=ids) for X in (known, unknown)]
    X = join_modalities(parts).data
    assert X.rates is None
    assert X.timeline_lengths().tolist() == [9]
    X.save(tmp_path / "store")
    assert MultimodalArray.open(tmp_path / "store").rates is None


def test_videos_of_other_rates_cannot_follow():
    X = container({"video": [4]}, {"video": 1})
    assert MultimodalArray.concatenate([X, X]).rates == {"video": 1}
    with pytest.raises(
        ValueError, match=r"same rate .* got \[1\.0, None\]; as_multimodal\(X, rates="
    ):
        MultimodalArray.concatenate([X, container({"video": [4]})])


# Estimators -----------------------------------------------------------------------------------


def videos_with_an_event(n, rate, seed):
    """Pictures of a minute that show an event from second 40 to 48 in every other video."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    picture = rng.normal(size=(n, 60, 6)).astype(np.float32)
    picture[y == 1, 40:48] += 3
    return picture, rng.normal(size=(n, 60 * rate, 5)).astype(np.float32), y


def accuracy(rate=20, thin=1, **params):
    params = {"max_frames": 60, "lr": 5e-3, "batch_size": 16, "max_epochs": 10, **params}
    classifier = make_classifier(fusion="late", **params)
    (V, A, y), (V_new, A_new, y_new) = (videos_with_an_event(48, rate, seed) for seed in (0, 1))
    classifier.fit(V, A[:, ::thin], y)
    return classifier.score(V_new, A_new[:, ::thin], y_new)


def test_pooled_fast_sound_is_as_good_as_thinned_sound():
    """Where the first frames are used, the event is not seen, and a warning says so."""
    assert accuracy(thin=20) > 0.95
    assert accuracy() > 0.95
    message = (
        "CrossModalTransformerClassifier cuts 100% of the videos at max_frames=60, so that 95% of "
        'their time is not used. long_videos="pool" uses all of it; or increase max_frames.'
    )
    with pytest.warns(UserWarning, match="cuts") as warned:
        assert accuracy(long_videos="cut") < 0.8
    assert [str(each.message) for each in warned] == [message] * 2  # of fit and of score
    with pytest.warns(UserWarning, match="cuts 100% of the videos .* 95% of their time"):
        accuracy(long_videos={"audio": "cut"}, max_epochs=1)


def pooled(X, n_windows):
    """Replace videos of more frames by the means of windows, in float64."""
    rows = {name: [] for name in X.modality_names}
    for row in range(len(X)):
        for name, frames in X[row].items():
            window = (np.arange(len(frames)) + 0.5) * n_windows / len(frames)
            parts = [frames[window.astype(int) == w] for w in range(n_windows)]
            is_long = len(frames) > n_windows
            rows[name].append(np.stack([p.mean(axis=0) for p in parts]) if is_long else frames)
    return as_multimodal(rows)


EXACT = {"precision": "float64", "frame_scaling": None, "max_epochs": 2, "batch_size": 40}


@pytest.mark.parametrize("fusion", ["early", "cross_modal_concat"])
@pytest.mark.parametrize("family", ["transformer", "netvlad", "rnn"])
def test_classifier_of_long_videos_is_that_of_their_windows(family, fusion):
    """Training, prediction and attention, of the correlation tower as well."""
    X = as_multimodal(
        {n: [f.astype(float) for f in rows_of(VIDEOS, n)] for n in ("video", "audio")}
    )
    windows = pooled(X, 5)
    assert X.timeline_lengths().max() > 5
    results = []
    for each in (X, windows):
        classifier = make_classifier(family, fusion=fusion, max_frames=5, **EXACT)
        classifier.fit(each, make_y("classes"))
        attention = [pair.after for pair in classifier.attention_weights(each).values()]
        results.append([classifier.predict_proba(each), *attention])
    for one, other in zip(*results, strict=True):
        assert one.shape[1] <= 5
        np.testing.assert_allclose(one, other, atol=1e-10)


def test_short_videos_are_read_alike(tmp_path):
    X, y = VIDEOS, make_y("classes")
    longest = int(X.timeline_lengths().max())
    one, other = (
        make_classifier(max_frames=longest, long_videos=how, max_epochs=1).fit(X, y)
        for how in ("pool", "cut")
    )
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


def test_response_of_a_modality_that_ends_earlier_is_zero_beyond():
    X = container({"video": [6] * 12, "audio": [4] * 12}, {"video": 1, "audio": 1}, np.float32)
    classifier = make_classifier(fusion="cross_modal", max_epochs=1).fit(X, [0, 1] * 6)
    responses = classifier.influence_response(X)
    assert {pair: each.shape for pair, each in responses.items()} == dict.fromkeys(
        responses, (6, 6)
    )
    response = responses["audio", "video"]  # of video in rows, to audio in columns
    assert response[:, :4].any(axis=0).all()
    assert not response[:, 4:].any()
    attention = classifier.attention_weights(X)["audio"].after
    assert not attention[:, 4:].any()
    np.testing.assert_allclose(attention.sum(axis=1), 1, rtol=1e-5)


def test_long_videos_of_unknown_modalities_raises_before_the_tower_is_trained():
    classifier = make_classifier(long_videos={"clip": "cut"})
    with pytest.raises(ValueError, match=r"modalities \['video', 'audio'\], got \['clip'\]"):
        classifier.fit(VIDEOS, make_y("classes"))
    assert not hasattr(classifier, "correlation_tower_")


@pytest.mark.parametrize("name", ["composed-1", "netvlad-1", "rnn-1"])
def test_models_saved_before_cut_long_videos(name):
    path = Path(__file__).with_name("stored_models") / f"{name}.safetensors"
    model = load_model(path)
    classifier = getattr(model, "classifier_", model)
    classifier = classifier[-1] if isinstance(classifier, Pipeline) else classifier
    tower = classifier.correlation_tower_
    assert {each.long_videos for each in (classifier, tower) if each is not None} == {"cut"}
    state = make_classifier().__getstate__()
    del state["long_videos"]  # as in a pickle of that time
    old = object.__new__(type(make_classifier()))
    old.__setstate__(state)
    assert old.long_videos == "cut"


def test_saved_model_keeps_long_videos(tmp_path):
    long_videos = {"audio": "pool", "video": "cut"}
    params = {"fusion": "late", "max_frames": 4, "long_videos": long_videos, "max_epochs": 1}
    with pytest.warns(UserWarning, match="cuts"):
        classifier = make_classifier(**params).fit(VIDEOS, make_y("classes"))
    save_model(classifier, tmp_path / "model")
    again = load_model(tmp_path / "model")
    assert again.long_videos == long_videos
    with pytest.warns(UserWarning, match="cuts"):
        pair = [each.predict_proba(VIDEOS) for each in (again, classifier)]
    np.testing.assert_array_equal(*pair)


# Warnings ------------------------------------------------------------------------------------


def messages_of(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(each.message) for each in caught]


Y = np.arange(12) % 2
SHORT = container({"video": [4] * 12, "audio": [4] * 12}, dtype=np.float32)
LONG = container({"video": [8] * 12, "audio": [8] * 12}, dtype=np.float32)
SMALL = {"max_epochs": 1, "max_frames": 4, "long_videos": "cut"}


@pytest.mark.parametrize("fusion", ["late", "cross_modal_concat"])
def test_each_call_that_cuts_videos_warns_once(fusion):
    classifier = make_classifier(fusion=fusion, **SMALL).fit(SHORT, Y)
    assert not messages_of(lambda: classifier.predict(SHORT))
    for call in (
        lambda: classifier.predict(LONG),
        lambda: classifier.predict_proba(LONG),
        lambda: classifier.decision_function(LONG),
        lambda: classifier.score(LONG, Y),
        lambda: classifier.attention_weights(LONG),
        lambda: clone(classifier).fit(LONG, Y),
        lambda: clone(classifier).fit(SHORT, Y, eval_set=(LONG, Y)),
        lambda: clone(classifier).fit(LONG, Y, eval_set=(LONG, Y)),
        lambda: clone(classifier).partial_fit(LONG, Y),
    ):
        (message,) = messages_of(call)
        assert message.startswith("CrossModalTransformerClassifier cuts 100% of the videos")


def test_each_call_of_a_tower_that_cuts_videos_warns_once():
    tower = make_tower(**SMALL).fit(SHORT, Y)
    for call in (
        lambda: tower.transform(LONG),
        lambda: tower.embed(LONG),
        lambda: tower.pair_error_rates(LONG, Y),
        lambda: clone(tower).fit(SHORT, Y, eval_set=(LONG, Y)),
    ):
        (message,) = messages_of(call)
        assert message.startswith("CorrelationTower cuts 100% of the videos")
    frozen = FrozenEstimator(tower)
    classifier = make_classifier(correlation_tower=frozen, max_epochs=1).fit(SHORT, Y)
    (message,) = messages_of(lambda: classifier.predict(LONG))
    assert message.startswith("CorrelationTower cuts 100% of the videos")


def test_other_rates_than_in_fit_warn_once(tmp_path):
    rates = {"video": 1.0, "audio": 2.0}
    X, other, none = (
        as_multimodal(SHORT, rates=each) for each in (rates, {**rates, "audio": 4}, None)
    )
    for model in (make_classifier(max_epochs=1), make_tower()):
        model.fit(X, Y)
        save_model(model, tmp_path / "model")
        for each in (model, load_model(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
            assert not messages_of(lambda each=each: each.predict_proba(X))
            (message,) = messages_of(lambda each=each: each.predict_proba(other))
            assert f"{rates}, and X has {other.rates}, so" in message
            (message,) = messages_of(lambda each=each: each.predict_proba(none))
            assert f"{rates}, and X has none, so" in message
        (message,) = messages_of(lambda model=model: clone(model).fit(X, Y, eval_set=(other, Y)))
        assert f"{rates}, and X has {other.rates}, so" in message
    assert not messages_of(lambda: make_classifier(max_epochs=1).fit(none, Y).predict(none))


def test_one_modality_or_a_model_of_earlier_versions_needs_no_rates(tmp_path):
    X = as_multimodal(SHORT, rates={"video": 1, "audio": 2})
    one = make_classifier(fusion="late", max_epochs=1).fit(X.select(["video"]), Y)
    assert not messages_of(lambda: one.predict(SHORT.select(["video"])))
    save_model(make_classifier(max_epochs=1).fit(SHORT, Y), tmp_path / "model")
    assert b'"rates"' not in (tmp_path / "model").read_bytes()
    old = make_classifier(max_epochs=1).fit(X, Y)
    del old._rates, old.correlation_tower_._rates
    assert not messages_of(lambda: old.predict(SHORT))
