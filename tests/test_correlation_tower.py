import io
import pickle

import joblib
import numpy as np
import pytest
import torch
from estimator_cases import (
    RandomStates,
    fitted_tower,
    from_rows,
    make_labels,
    make_tower,
    make_videos,
    make_y,
    ragged,
    rows_of,
    top_labels,
)
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score

from sk_crossmodal import LabelHierarchy
from sk_crossmodal.correlation import _pairs, _tower
from sk_crossmodal.datasets import make_crossmodal_videos

CLASSES = "classes"


def data(form=CLASSES):
    return make_videos().data, make_y(form)


@pytest.mark.parametrize(
    ("encoder", "params"),
    [("mean", {"d_model": 32}), ("transformer", {"d_model": 32, "n_heads": 2})],
)
def test_tower_learns_which_modalities_are_correlated(encoder, params):
    easy = {"irrelevant_audio": 0.0, "static_video": 0.0, "n_distractors": 0}
    train, test = (make_videos(n, seed, **easy) for n, seed in ((300, 1), (200, 2)))
    tower = make_tower(
        encoder=encoder, encoder_params=params, hidden_layer_sizes=(32,), lr=5e-3, max_epochs=15
    ).fit(train.data, top_labels(train))
    rates = tower.pair_error_rates(test.data, top_labels(test))
    assert rates["auc"] > 0.85
    assert rates["error"] < 0.3


def test_tower_learns_on_the_videos_of_the_demo():
    train, test = (
        make_crossmodal_videos(400, irrelevant_audio=0.0, random_state=seed) for seed in (0, 1)
    )
    tower = make_tower(
        encoder_params={"d_model": 64}, hidden_layer_sizes=(64,), lr=3e-3, max_epochs=15
    ).fit(train.data, top_labels(train))
    assert tower.pair_error_rates(test.data, top_labels(test))["auc"] > 0.8


@pytest.mark.parametrize("form", ["classes", "multilabel"])
def test_error_rates_follow_from_probabilities(form):
    X, y = data(form)
    tower = make_tower(hierarchy=make_labels()[0].hierarchy_ if form == "multilabel" else None)
    tower.fit(X, y)
    positive, negative = tower.pair_probabilities(X, y, random_state=3)
    rates = tower.pair_error_rates(X, y, random_state=3)
    assert positive.ndim == negative.ndim == 1
    assert positive.dtype == negative.dtype == np.float32
    wrong = (positive <= 0.5).sum() + (negative > 0.5).sum()
    truth = [1] * len(positive) + [0] * len(negative)
    assert rates == {
        "error": pytest.approx(wrong / len(truth)),
        "fpr": pytest.approx((negative > 0.5).mean()),
        "fnr": pytest.approx((positive <= 0.5).mean()),
        "auc": pytest.approx(roc_auc_score(truth, np.concatenate([positive, negative]))),
    }


def test_positive_pairs_of_equal_lengths_equal_transform():
    """Where nothing is cut, a positive pair is the video itself."""
    X = make_videos(n_frames=(7, 7)).data
    y = make_y(CLASSES)
    tower = make_tower().fit(X, y)
    positive, negative = tower.pair_probabilities(X, y)
    np.testing.assert_allclose(positive, tower.transform(X)[:, 0], atol=1e-6)
    assert negative.shape == (len(X),)


def test_negative_pairs_join_two_videos():
    """A negative pair equals a video with one modality each of two videos."""
    X = make_videos(n_frames=(7, 7)).data
    tower = make_tower().fit(X, make_y(CLASSES))
    y = np.array(["a", "b"])
    _, negative = tower.pair_probabilities(X[[0, 1]], y)
    crossed = from_rows(video=rows_of(X[[0, 1]], "video"), audio=rows_of(X[[1, 0]], "audio"))
    np.testing.assert_allclose(negative, tower.transform(crossed)[:, 0], atol=1e-6)


def marked_noise(seed, n_lengths, n=200):
    """Uncorrelated noise in which the last frame of each modality is marked."""
    rng = np.random.RandomState(seed)
    lengths = 5 + rng.permutation(n) % n_lengths
    rows = {name: [rng.randn(length, 4) for length in lengths] for name in ("video", "audio")}
    for frames in (*rows["video"], *rows["audio"]):
        frames[-1, 0] += 3 * len(frames)
    return from_rows(**rows), rng.randint(4, size=n)


@pytest.mark.parametrize("n_lengths", [10, 200], ids=["equal lengths", "no equal lengths"])
def test_marked_last_frames_do_not_reveal_negative_pairs(n_lengths):
    """Cut to the shorter length, only one side of a negative pair would show how it ends."""
    params = {"encoder_params": {"d_model": 16}, "hidden_layer_sizes": (32,), "dropout": 0.0}
    tower = make_tower(**params, lr=1e-2, max_epochs=20).fit(*marked_noise(0, n_lengths))
    assert 0.4 < tower.pair_error_rates(*marked_noise(1, n_lengths))["auc"] < 0.6


def test_videos_without_audio_are_not_counted():
    videos = make_videos(n_frames=(7, 7)).data
    y, silent = make_y(CLASSES), np.arange(48) % 3 == 0
    audio = [
        x[:0] if gone else x for x, gone in zip(rows_of(videos, "audio"), silent, strict=True)
    ]
    X = from_rows(video=rows_of(videos, "video"), audio=audio)
    tower = make_tower().fit(X, y)
    p = tower.transform(X)[:, 0]
    positive, negative = tower.pair_probabilities(X, y)
    np.testing.assert_allclose(positive, p[~silent], atol=1e-6)
    assert 0 < len(negative) < 48
    assert not np.isin(0.5, negative)
    rates = tower.pair_error_rates(X, y)
    assert rates["fnr"] == pytest.approx((p[~silent] <= 0.5).mean())
    assert rates["fpr"] == pytest.approx((negative > 0.5).mean())
    # One silent video and one that is not: only the silent one's video with the other's audio.
    assert [len(p) for p in tower.pair_probabilities(X[[0, 1]], ["a", "b"])] == [1, 1]


def test_outputs():
    X, _ = data()
    tower = fitted_tower()
    p = tower.transform(X)
    assert p.shape == (len(X), 1)
    assert p.dtype == np.float32
    assert ((p > 0) & (p < 1)).all()
    assert tower.predict_proba(X).tobytes() == p.tobytes()
    assert tower.embed(X).shape == (len(X), 1, 8)
    assert tower.embed(X).dtype == np.float32
    assert tower.get_feature_names_out().tolist() == ["correlation_video_audio"]
    assert tower.modality_names_in_ == ("video", "audio")
    assert tower.n_features_in_ == 14
    assert tower.n_iter_ == len(tower.history_) == 2


def test_transform_is_the_last_layer_of_the_embedding():
    X, _ = data()
    tower = fitted_tower()
    layer = tower.module_.outputs[0]
    logits = tower.embed(X)[:, 0] @ layer.weight.detach().numpy()[0] + layer.bias.item()
    np.testing.assert_allclose(tower.transform(X)[:, 0], 1 / (1 + np.exp(-logits)), atol=1e-6)


def test_data_frame_output():
    X, _ = data()
    tower = pickle.loads(pickle.dumps(fitted_tower())).set_output(transform="pandas")
    frame = tower.transform(X)
    assert list(frame.columns) == ["correlation_video_audio"]
    np.testing.assert_array_equal(frame.to_numpy(), fitted_tower().transform(X))


def test_three_modalities():
    X = ragged(n=30, widths={"video": 4, "audio": 3, "text": 2})
    y = np.arange(30) % 3
    tower = make_tower().fit(*(rows_of(X, name) for name in X.modality_names), y)
    assert tower.pairs_ == [("video", "audio"), ("video", "text"), ("audio", "text")]
    assert tower.transform(X).shape == (30, 3)
    assert tower.embed(X).shape == (30, 3, 8)
    assert tower.get_feature_names_out().tolist() == [
        "correlation_video_audio",
        "correlation_video_text",
        "correlation_audio_text",
    ]
    positive, negative = tower.pair_probabilities(X, y)
    assert positive.shape == negative.shape == (90,)


def test_video_without_frames_in_one_modality_gets_one_half():
    X = ragged(n=30, widths={"video": 4, "audio": 3, "text": 2})
    rows = {name: rows_of(X, name) for name in X.modality_names}
    rows["audio"][3] = rows["audio"][3][:0]
    rows["video"][7] = rows["video"][7][:0]
    X = from_rows(**rows)
    p = make_tower().fit(X, np.arange(30) % 2).transform(X)
    assert p[3, 0] == p[3, 2] == 0.5 != p[3, 1]
    assert p[7, 0] == p[7, 1] == 0.5 != p[7, 2]
    untouched = np.delete(p, [3, 7], axis=0)
    assert (untouched != 0.5).all()


def test_negative_weight_lowers_the_probability():
    X, y = data()
    means = [
        make_tower(negative_weight=weight, lr=5e-3, max_epochs=15).fit(X, y).transform(X).mean()
        for weight in (0.2, 1.0, 5.0)
    ]
    assert means[0] > means[1] + 0.1 > means[2] + 0.2


@pytest.fixture
def drawn(monkeypatch):
    """Pairs of rows that were drawn in training, also of few videos."""
    monkeypatch.setattr(_tower, "ALL_PAIRS", 0)
    pairs, original = [], _pairs.draw_negatives

    def spy(top_level, rows, randint, lengths=None):
        negatives = original(top_level, rows, randint, lengths)
        pairs.extend(zip(rows.tolist(), negatives.tolist(), strict=True))
        return negatives

    monkeypatch.setattr(_pairs, "draw_negatives", spy)
    return pairs


def test_negatives_have_other_top_level_labels(drawn):
    X, y = data("multilabel")
    hierarchy = make_labels()[0].hierarchy_
    make_tower(hierarchy=hierarchy).fit(X, y)
    tops = top_labels(make_videos())
    assert len(drawn) == 3 * len(X)  # once to see that there are any, and in both epochs
    assert all(tops[row] != tops[partner] for row, partner in drawn)
    # Without it, labels below one top-level label do not share anything either.
    classes = np.array([path for (path,) in make_videos().target])
    drawn.clear()
    make_tower(max_epochs=5).fit(X, classes)
    assert any(tops[row] == tops[partner] for row, partner in drawn)
    drawn.clear()
    make_tower(max_epochs=5, hierarchy=hierarchy).fit(X, classes)
    assert all(tops[row] != tops[partner] for row, partner in drawn)


def test_early_stopping_pairs_within_each_part(drawn):
    X, y = data()
    tower = make_tower(early_stopping=True, validation_fraction=0.25).fit(X, y)
    assert {row for row, _ in drawn} == set(range(36))
    assert max(partner for _, partner in drawn) < 36
    assert all("valid_loss" in row for row in tower.history_)


def test_video_of_weight_two_equals_the_same_video_twice():
    """Of few videos all pairs are seen, so that weights are exact."""
    X, y = data()
    times = np.random.RandomState(0).randint(4, size=20)
    rows = np.repeat(np.arange(20), times)
    exact = {"dropout": 0.0, "batch_size": 100, "precision": "float64"}
    for encoder in ({}, {"encoder": "netvlad", "encoder_params": {"n_clusters": 3}}):
        weighted = make_tower(**exact, **encoder).fit(X[:20], y[:20], sample_weight=times)
        repeated = make_tower(**exact, **encoder).fit(X[rows], y[rows])
        np.testing.assert_allclose(weighted.transform(X), repeated.transform(X), rtol=1e-9)


def test_fit_transform_accepts_modalities_one_by_one():
    X, y = data()
    parts = [rows_of(X, name) for name in X.modality_names]
    expected = make_tower().fit(X, y).transform(X)
    np.testing.assert_array_equal(make_tower().fit_transform(X, y), expected)
    np.testing.assert_array_equal(make_tower().fit_transform(*parts, y), expected)


def test_held_out_videos_without_negatives_are_refused():
    X, y = data()
    of_one_class = np.flatnonzero(y == y[0])
    with pytest.raises(ValueError, match="among the videos held out"):
        make_tower().fit(X, y, eval_set=(X[of_one_class], y[of_one_class]))


def test_one_modality():
    X, y = data()
    with pytest.raises(ValueError, match=r"two modalities, X has \['audio'\] with 6"):
        make_tower().fit(X.select(["audio"]), y)


@pytest.mark.parametrize(
    "y", [np.ones((48, 3), int), np.eye(3, dtype=int)[np.zeros(48, int)], np.zeros((48, 2), int)]
)
def test_labels_without_negatives_are_refused(y):
    with pytest.raises(ValueError, match="no negative pairs"):
        make_tower().fit(make_videos().data, y)


@pytest.mark.parametrize("y", [np.zeros(48, int), np.array(["a"] * 48)])
def test_one_class_is_refused(y):
    with pytest.raises(
        ValueError, match=r"No two videos differ in .*: there are no negative pairs"
    ):
        make_tower().fit(make_videos().data, y)


def test_one_label_on_every_level_is_refused():
    hierarchy = LabelHierarchy({"all": [], "a": ["all"], "b": ["all"]})
    with pytest.raises(ValueError, match=r"top-level labels .*, nor in those of a deeper level"):
        make_tower(hierarchy=hierarchy).fit(make_videos().data, np.array(["a"] * 48))


@pytest.mark.parametrize("method", ["pair_error_rates", "pair_probabilities"])
@pytest.mark.parametrize("y", [["Food"] * 4, np.ones((4, 2), int)], ids=["class", "indicator"])
def test_evaluation_without_negatives(y, method):
    """Either a result or a clear error, but none about training a classifier."""
    X = make_videos().data[:4]
    try:
        getattr(fitted_tower(), method)(X, y)
    except ValueError as error:
        assert "negative pairs" in str(error)  # noqa: PT017, no error is fine as well


def test_global_random_state_is_unchanged():
    X, y = data()
    states = RandomStates()
    tower = make_tower().fit(X, y)
    assert states.unchanged()
    for method in (tower.transform, tower.predict_proba, tower.embed):
        method(X)
        assert states.unchanged(), method
    tower.pair_error_rates(X, y)
    assert states.unchanged()


def test_same_random_state_gives_the_same_tower():
    X, y = data()
    first = make_tower().fit(X, y).transform(X)
    torch.manual_seed(123)
    np.random.seed(123)  # noqa: NPY002, the global state must not matter
    assert make_tower().fit(X, y).transform(X).tobytes() == first.tobytes()
    assert make_tower(random_state=1).fit(X, y).transform(X).tobytes() != first.tobytes()


def test_video_of_weight_zero_is_left_out():
    X, y = data()
    weight = (np.arange(48) % 3 > 0).astype(float)
    kept = np.flatnonzero(weight)
    weighted = make_tower().fit(X, y, sample_weight=weight)
    removed = make_tower().fit(X[kept], y[kept])
    assert weighted.transform(X).tobytes() == removed.transform(X).tobytes()


def joblib_trip(tower):
    file = io.BytesIO()
    joblib.dump(tower, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize("trip", [lambda t: pickle.loads(pickle.dumps(t)), joblib_trip])
def test_round_trip(trip):
    X, _ = data()
    again = trip(fitted_tower())
    assert again.transform(X).tobytes() == fitted_tower().transform(X).tobytes()
    assert again.embed(X).tobytes() == fitted_tower().embed(X).tobytes()


def test_clone():
    tower = clone(fitted_tower())
    assert not hasattr(tower, "net_")
    X, y = data()
    assert tower.fit(X, y).transform(X).tobytes() == fitted_tower().transform(X).tobytes()


def test_signatures():
    X, y = data()
    video, audio = rows_of(X, "video"), rows_of(X, "audio")
    tower = make_tower().fit(video, audio, y)
    assert tower.transform(video, audio).tobytes() == fitted_tower().transform(X).tobytes()
    assert tower.pair_error_rates(video, audio, y) == fitted_tower().pair_error_rates(X, y)
    assert make_tower().fit_transform(X, y).tobytes() == tower.transform(X).tobytes()


def test_subset_of_rows():
    X, _ = data()
    tower = make_tower(encoder="transformer", encoder_params={"d_model": 8, "n_heads": 2})
    tower.fit(*data())
    rows = [30, 3, 3, 17]
    np.testing.assert_allclose(tower.transform(X[rows]), tower.transform(X)[rows], atol=1e-6)


def test_max_frames():
    X, y = data()
    with pytest.warns(UserWarning, match="CorrelationTower cuts 100% of the videos"):
        tower = make_tower(max_frames=3, long_videos="cut").fit(X, y)
    # Frames after the third time step of each video are replaced.
    changed = {name: [f.copy() for f in rows_of(X, name)] for name in X.modality_names}
    for frames in (frames for rows in changed.values() for frames in rows):
        frames[3:] = 7.0
    with pytest.warns(UserWarning, match="CorrelationTower cuts 100% of the videos"):
        pairs = [tower.transform(each) for each in (from_rows(**changed), X)]
    np.testing.assert_allclose(*pairs)


@pytest.mark.parametrize("method", ["transform", "predict_proba", "embed", "pair_probabilities"])
def test_unfitted(method):
    X, y = data()
    with pytest.raises(NotFittedError):
        getattr(make_tower(), method)(*((X, y) if method == "pair_probabilities" else (X,)))
