import pickle
import re
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from estimator_cases import (
    from_rows,
    make_classifier,
    make_labels,
    make_tower,
    make_videos,
    make_y,
    ragged,
    rows_of,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectFromModel, SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.utils import estimator_checks
from skorch.helper import SliceDict

from sk_crossmodal import ModalityTransformer, MultimodalArray
from sk_crossmodal.multimodal import as_multimodal


def flat(X, name):
    """All frames of a modality, read one video at a time."""
    return np.concatenate(rows_of(X, name))


def split_as(X, name, frames):
    """Split concatenated frames by video."""
    return np.split(frames, np.cumsum(X.lengths(name))[:-1])


def assert_rows(X, name, rows):
    assert len(X) == len(rows)
    for got, expected in zip(rows_of(X, name), rows, strict=True):
        assert got.shape == expected.shape
        assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


SPLIT = {"video": 3, "audio": 2}


def table(n=30, seed=0):
    """A wide array: three columns of video, two of audio."""
    return np.random.RandomState(seed).randn(n, 5) * [1, 5, 1, 2, 3] + [0, 1, 2, 3, 4]


# What is fitted on what -----------------------------------------------------------------------


def test_fit_uses_the_transformer_of_each_modality():
    X = ragged(n=20)
    features = ModalityTransformer({"video": PCA(3), "audio": StandardScaler()})
    out = features.fit_transform(X)
    assert isinstance(out, MultimodalArray)
    assert out.n_features == {"video": 3, "audio": 6}
    for name, transformer in (("video", PCA(3)), ("audio", StandardScaler())):
        expected = transformer.fit_transform(flat(X, name))
        assert_rows(out, name, split_as(X, name, expected))


def test_fit_transform_equals_fit_then_transform():
    X, new = ragged(n=20), ragged(seed=1)
    features = ModalityTransformer({"video": PCA(3)}, remainder=StandardScaler())
    both = features.fit_transform(X)
    for name in X.modality_names:
        assert_array_equal(flat(features.fit(X).transform(X), name), flat(both, name))
    scaler = StandardScaler().fit(flat(X, "audio"))
    expected = split_as(new, "audio", scaler.transform(flat(new, "audio")))
    assert_rows(features.transform(new), "audio", expected)


def test_fit_leaves_given_transformers_unfitted():
    scaler, rest = StandardScaler(), MinMaxScaler()
    features = ModalityTransformer({"video": scaler}, remainder=rest).fit(ragged())
    assert not vars(scaler).keys() & {"mean_", "n_features_in_"}
    assert not hasattr(rest, "n_features_in_")
    assert features.transformers_["video"].n_features_in_ == 8
    assert features.transformers_["audio"].n_features_in_ == 6


def test_remainder_is_cloned_for_each_modality():
    X = ragged(widths={"a": 2, "b": 2, "c": 2})
    fitted = ModalityTransformer({"a": "drop"}, remainder=StandardScaler()).fit(X).transformers_
    assert list(fitted) == ["a", "b", "c"]
    assert fitted["a"] == "drop"
    for name in ("b", "c"):
        assert_allclose(fitted[name].mean_, flat(X, name).mean(axis=0))


def test_keywords_pass_or_drop_modalities():
    X = ragged(widths={"a": 2, "b": 3, "c": 4})
    kept = ModalityTransformer({"a": "passthrough", "c": PCA(1)}, remainder="drop").fit(X)
    out = kept.transform(X)
    assert kept.transformers_["a"] == "passthrough"
    assert kept.transformers_["b"] == "drop"
    assert out.n_features == {"a": 2, "c": 1}
    assert_array_equal(flat(out, "a"), flat(X, "a"))
    assert ModalityTransformer({"a": "drop"}).fit_transform(X).n_features == {"b": 3, "c": 4}
    chosen = ModalityTransformer({"a": PCA(1)}, modalities=["c", "a"]).fit_transform(X)
    assert chosen.modality_names == ("c", "a")


def test_fit_uses_selected_rows_only():
    X = ragged(n=30)
    rows = [2, 3, 3, 17, 5]
    scaler = ModalityTransformer(remainder=StandardScaler()).fit(X[rows]).transformers_["video"]
    expected = np.concatenate([X[row]["video"] for row in rows])
    assert_allclose(scaler.mean_, expected.mean(axis=0))
    assert scaler.n_samples_seen_ == len(expected)


def test_fit_ignores_padding():
    """Rows of padding between the videos are not selected."""
    rows = rows_of(ragged(n=8), "video")
    padded = [part for frames in rows for part in (frames, np.full((10, 8), 1e6))]
    features = ModalityTransformer({"video": PCA(2)})
    out = features.fit_transform(from_rows(video=padded)[::2])
    expected = PCA(2).fit_transform(np.concatenate(rows))
    assert_rows(out, "video", np.split(expected, np.cumsum([len(r) for r in rows])[:-1]))


def test_array_and_list_of_videos_give_the_same():
    frames = np.random.RandomState(0).randn(7, 4, 5)
    features = ModalityTransformer(remainder=PCA(2), modalities=SPLIT)
    whole, ragged_list = features.fit_transform(frames), features.fit_transform(list(frames))
    in_dict = features.fit_transform({"video": frames[..., :3], "audio": list(frames[..., 3:])})
    for name, width in (("video", 3), ("audio", 2)):
        columns = slice(0, 3) if name == "video" else slice(3, 5)
        expected = PCA(2).fit_transform(frames[..., columns].reshape(28, width)).reshape(7, 4, 2)
        for out in (whole, ragged_list, in_dict):
            assert_rows(out, name, expected)


def test_videos_without_frames_keep_no_frames():
    frames = np.random.RandomState(0).randn(9, 3)
    store = MultimodalArray.from_frames(
        {"video": frames, "audio": frames}, {"video": [0, 4, 5, 0], "audio": [2, 2, 2, 3]}
    )
    features = ModalityTransformer({"video": PCA(2)}).fit(store)
    out = features.transform(store)
    assert out.lengths("video").tolist() == [0, 4, 5, 0]
    assert out.lengths("audio").tolist() == [2, 2, 2, 3]
    assert_rows(out, "video", split_as(store, "video", PCA(2).fit_transform(frames)))
    none = features.transform(store[[0, 3]])
    assert none[0]["video"].shape == (0, 2)
    assert none.n_features == {"video": 2, "audio": 3}


def test_each_frame_gets_the_label_of_its_video():
    X = ragged(n=20)
    y = np.arange(20) % 3
    features = ModalityTransformer(
        {"video": LinearDiscriminantAnalysis(), "audio": SelectKBest(k=2)}
    )
    out = features.fit_transform(X, y)
    for name, transformer in features.transformers.items():
        per_frame = np.repeat(y, X.lengths(name))
        expected = clone(transformer).fit(flat(X, name), per_frame).transform(flat(X, name))
        assert_rows(out, name, split_as(X, name, expected))
    by_list = clone(features).fit(X, pd.Series(y, index=range(7, 27))).transform(X)
    assert_array_equal(flat(by_list, "video"), flat(out, "video"))


class Remembers(TransformerMixin, BaseEstimator):
    """Records its training data, with or without blocks."""

    def fit(self, X, y=None):
        self.fits_ = [("fit", X.copy(), y)]
        return self

    def transform(self, X):
        self.transformed_ = [*getattr(self, "transformed_", []), len(X)]
        return X


class RemembersBlocks(Remembers):
    def partial_fit(self, X, y=None):
        self.fits_ = [*getattr(self, "fits_", []), ("partial_fit", X.copy(), y)]
        return self


@pytest.mark.parametrize("make", [Remembers, RemembersBlocks])
@pytest.mark.parametrize("form", ["multilabel", "csr", "paths", "tuples"])
def test_fit_takes_every_form_of_labels(make, form):
    """One row of labels per frame, also for different numbers of label paths."""
    X = make_videos(n=20).data
    if form == "paths":
        y = [["a"] * (1 + i % 2) for i in range(20)]
    else:
        y = (
            [[("a", "b")[: 1 + i % 2]] for i in range(20)]
            if form == "tuples"
            else make_y(form)[:20]
        )
    features = ModalityTransformer({"video": make()}, block_size=50).fit(X, y)
    fits = features.transformers_["video"].fits_
    assert (len(fits) > 1) == (make is RemembersBlocks)
    videos = np.repeat(np.arange(20), X.lengths("video"))
    assert sum(len(frames) for _, frames, _ in fits) == len(videos)
    n_done = 0
    for _, frames, targets in fits:
        of_block = videos[n_done : n_done + len(frames)]
        if form in ("paths", "tuples"):
            assert targets.tolist() == [y[i] for i in of_block]
        else:
            expected = make_y("multilabel")[of_block]
            assert isinstance(targets, csr_array) == (form == "csr")
            assert_array_equal(targets.toarray() if form == "csr" else targets, expected)
        n_done += len(frames)


def test_feature_selector_uses_labels():
    X, y = ragged(n=20), np.arange(20) % 2
    selector = SelectFromModel(RandomForestClassifier(5, random_state=0), max_features=3)
    out = ModalityTransformer({"video": selector}).fit_transform(X, y)
    per_frame = np.repeat(y, X.lengths("video"))
    expected = clone(selector).fit_transform(flat(X, "video").astype(np.float32), per_frame)
    assert_rows(out, "video", split_as(X, "video", expected))


# Blocks ---------------------------------------------------------------------------------------


def test_scaler_by_blocks_equals_scaler_at_once():
    X = ragged(n=40)
    blocks, once = (
        ModalityTransformer(remainder=StandardScaler(), block_size=size).fit(X)
        for size in (7, None)
    )
    for name in X.modality_names:
        a, b = blocks.transformers_[name], once.transformers_[name]
        assert_allclose(a.mean_, b.mean_)
        assert_allclose(a.var_, b.var_)
        assert a.n_samples_seen_ == b.n_samples_seen_ == X.lengths(name).sum()
        assert_allclose(flat(blocks.transform(X), name), flat(once.transform(X), name))


def test_incremental_pca_equals_partial_fit_by_blocks():
    X = ragged(n=40, lengths=(0, 9))
    frames = flat(X, "video")
    assert len(frames) % 12  # the last block has more
    pca = IncrementalPCA(8, whiten=True)
    expected = clone(pca)
    for first in range(0, len(frames) // 12 * 12, 12):
        last = first + 12 if first + 24 <= len(frames) else len(frames)
        expected.partial_fit(frames[first:last])
    features = ModalityTransformer({"video": pca}, block_size=12).fit(X)
    assert_allclose(features.transformers_["video"].components_, expected.components_)
    out = features.transform(X)
    assert_rows(out, "video", split_as(X, "video", expected.transform(frames)))


@pytest.mark.parametrize("n_frames", [1, 7, 8, 15, 16, 17, 23, 24])
def test_last_block_is_never_small(n_frames):
    X = MultimodalArray.from_frames(
        {"video": np.arange(2.0 * n_frames).reshape(-1, 2)}, {"video": [0, n_frames - 1, 0, 1]}
    )
    features = ModalityTransformer({"video": RemembersBlocks()}, block_size=8).fit(X)
    fits = features.transformers_["video"].fits_
    assert_array_equal(np.concatenate([frames for _, frames, _ in fits]), flat(X, "video"))
    sizes = [len(frames) for _, frames, _ in fits]
    assert len(sizes) == max(1, n_frames // 8)
    assert all(8 <= size < 16 for size in sizes) or sizes == [n_frames]
    assert {how for how, *_ in fits} == {"fit" if len(sizes) == 1 else "partial_fit"}


def test_transform_reads_blocks():
    X = ragged(n=40)
    n_frames = X.lengths("video").sum()
    features = ModalityTransformer({"video": Remembers()}, block_size=16).fit(X)
    inner = features.transformers_["video"]
    inner.transformed_ = []
    out = features.transform(X)
    assert sum(inner.transformed_) == n_frames
    assert max(inner.transformed_) < 32
    assert_array_equal(flat(out, "video"), flat(X, "video"))


def test_frames_on_disk_are_read_in_blocks(tmp_path):
    n, length, width = 1000, 20, 64
    path, size = tmp_path / "frames.f4", n * length * width * 4
    np.random.RandomState(0).randn(n * length, width).astype(np.float32).tofile(path)
    frames = np.memmap(path, np.float32, mode="r", shape=(n * length, width))
    X = MultimodalArray.from_frames({"video": frames}, {"video": np.full(n, length)})
    X = X[np.arange(n)[::-1]]
    features = ModalityTransformer({"video": IncrementalPCA(2)}, block_size=500)
    features.fit(X[:50])  # what is imported at the first call is not counted
    tracemalloc.start()
    try:
        features.fit_transform(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    block = 500 * width * 4
    output = n * length * 2 * 4
    index = n * length * 8
    assert peak < 15 * block + output + index < size / 2


def test_passed_frames_share_memory():
    frames = np.arange(12, dtype=np.uint8).reshape(6, 2)
    store = MultimodalArray.from_frames(
        {"video": frames, "audio": frames},
        {"video": [2, 4], "audio": [3, 3]},
        quantization={"audio": (0.5, -1.0), "video": (0.5, -1.0)},
    )
    out = ModalityTransformer({"video": StandardScaler()}).fit_transform(store)
    assert out.quantization == {"video": (1.0, 0.0), "audio": (0.5, -1.0)}
    assert_array_equal(flat(out, "audio"), frames * 0.5 - 1)
    expected = StandardScaler().fit_transform(frames * 0.5 - 1)
    assert_rows(out, "video", split_as(store, "video", expected))
    frames[3:] = 0  # audio of the second video
    assert_array_equal(out[1]["audio"], np.full((3, 2), -1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_output_keeps_the_dtype_of_the_transformer(dtype):
    X = {"video": [np.random.RandomState(i).randn(3, 2).astype(dtype) for i in range(5)]}
    out = ModalityTransformer(remainder=StandardScaler()).fit_transform(X)
    assert out[0]["video"].dtype == dtype
    integers = FunctionTransformer(lambda frames: np.rint(frames).astype(int))
    out = ModalityTransformer({"video": integers}).fit_transform(X)
    assert_array_equal(out[0]["video"], np.rint(X["video"][0]))


# Tables ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [np.asarray, lambda X: X.tolist(), pd.DataFrame, lambda X: X.astype(np.float32)]
)
def test_table_is_transformed_to_a_table(make):
    X = table()
    transformers = {"video": PCA(2), "audio": StandardScaler()}
    features = ModalityTransformer(transformers, modalities=SPLIT)
    out = features.fit_transform(make(X))
    expected = np.hstack(
        [PCA(2).fit_transform(X[:, :3]), StandardScaler().fit_transform(X[:, 3:])]
    )
    assert type(out) is np.ndarray
    assert_allclose(out, expected, rtol=1e-4, atol=1e-5)
    assert features.n_features_in_ == 5
    assert features.modality_names_in_ == ("video", "audio")


def test_table_is_split_by_modalities():
    X = table()
    columns = {"b": slice(4, None), "a": slice(0, 4, 2)}
    features = ModalityTransformer({"b": StandardScaler()}, modalities=columns).fit(X)
    expected = np.hstack([StandardScaler().fit_transform(X[:, 4:]), X[:, [0, 2]]])
    assert_allclose(features.transform(X), expected)
    assert features.n_features_in_ == 5
    assert features.get_feature_names_out().tolist() == ["b__x4", "a__x0", "a__x2"]
    with pytest.raises(
        ValueError, match="X has 6 features, but ModalityTransformer is expecting 5"
    ):
        features.transform(np.ones((2, 6)))


def test_feature_names_of_tables():
    X = table()
    features = ModalityTransformer({"video": PCA(2)}, modalities=SPLIT).fit(X)
    names = ["video__pca0", "video__pca1", "audio__x3", "audio__x4"]
    assert features.get_feature_names_out().tolist() == names
    assert features.get_feature_names_out(list("abcde")).tolist() == [
        *names[:2],
        "audio__d",
        "audio__e",
    ]
    scaled = ModalityTransformer({"video": "drop"}, remainder=StandardScaler(), modalities=SPLIT)
    scaled.fit(pd.DataFrame(X, columns=list("abcde")))
    assert scaled.feature_names_in_.tolist() == list("abcde")
    assert scaled.get_feature_names_out().tolist() == ["audio__d", "audio__e"]
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        scaled.get_feature_names_out(list("abcdf"))
    assert not hasattr(scaled.fit(X), "feature_names_in_")


def test_modality_names_are_not_column_names():
    X = pd.DataFrame({"video": pd.Series(rows_of(ragged(), "video"))})
    assert not hasattr(ModalityTransformer().fit(X), "feature_names_in_")


def test_feature_names_of_containers():
    features = ModalityTransformer({"audio": PCA(2)}).fit(ragged(widths={"video": 2, "audio": 3}))
    assert features.n_features_in_ == 5
    names = ["video__x0", "video__x1", "audio__pca0", "audio__pca1"]
    assert features.get_feature_names_out().tolist() == names


def test_feature_names_without_transformer_names_raise():
    features = ModalityTransformer({"video": Remembers()}).fit(table())
    with pytest.raises(AttributeError, match="has no attribute 'get_feature_names_out'"):
        features.get_feature_names_out()


def test_set_output_gives_data_frames():
    X = pd.DataFrame(table(), columns=list("abcde"), index=range(100, 130))
    features = ModalityTransformer({"video": PCA(2)}, modalities=SPLIT)
    expected = features.fit_transform(X)
    names = ["video__pca0", "video__pca1", "audio__d", "audio__e"]
    frames = [clone(features).set_output(transform="pandas").fit_transform(X)]
    frames.append(clone(features.set_output(transform="pandas")).fit(X).transform(X))
    with config_context(transform_output="pandas"):
        frames.append(ModalityTransformer({"video": PCA(2)}, modalities=SPLIT).fit_transform(X))
    for frame in frames:
        pd.testing.assert_frame_equal(frame, pd.DataFrame(expected, X.index, names))
    assert features.set_output(transform="default").fit_transform(X).__class__ is np.ndarray


@pytest.mark.parametrize("form", ["container", "dict", "SliceDict", "data frame", "list", "array"])
def test_set_output_ignores_containers(form):
    rows = rows_of(ragged(n=6, lengths=(3, 4)), "video")
    X = {
        "container": lambda: from_rows(video=rows),
        "dict": lambda: {"video": rows},
        "SliceDict": lambda: SliceDict(video=np.array(rows)),
        "data frame": lambda: pd.DataFrame({"video": pd.Series(rows)}),
        "list": lambda: rows,
        "array": lambda: np.array(rows),
    }[form]()
    features = ModalityTransformer(modalities=["video"], remainder=StandardScaler())
    out = features.set_output(transform="pandas").fit_transform(X)
    expected = StandardScaler().fit_transform(np.concatenate(rows))
    assert isinstance(out, MultimodalArray)
    assert_rows(out, "video", split_as(out, "video", expected))
    with config_context(transform_output="pandas"):
        assert isinstance(clone(features).fit(X).transform(X), MultimodalArray)


def test_transform_takes_another_form_than_fit():
    X = table()
    features = ModalityTransformer({"video": PCA(2)}, modalities=SPLIT).fit(X)
    container = as_multimodal(X, modalities=SPLIT)
    for form in (
        container,
        container.select(["audio", "video"]),
        {"audio": X[:, 3:], "video": X[:, :3]},
    ):
        out = features.transform(form)
        assert_allclose(np.hstack([flat(out, "video"), flat(out, "audio")]), features.transform(X))
        assert out.modality_names == ("video", "audio")
    by_container = clone(features).fit(container)
    assert_allclose(by_container.transform(X), features.transform(X))


# Parameters -----------------------------------------------------------------------------------


def test_set_params_reaches_the_transformers():
    features = ModalityTransformer({"video": PCA(4), "audio": "drop"}, remainder=StandardScaler())
    params = features.get_params()
    assert params["video"] is features.transformers["video"]
    assert params["video__n_components"] == 4
    assert params["audio"] == "drop"
    assert params["remainder__with_mean"] is True
    assert set(features.get_params(deep=False)) == {
        "transformers",
        "modalities",
        "remainder",
        "block_size",
    }
    assert features.set_params(video__n_components=2, remainder__with_mean=False) is features
    assert features.transformers["video"].n_components == 2
    assert features.remainder.with_mean is False


def test_set_params_replaces_transformers_by_name():
    given = {"video": PCA(4), "audio": StandardScaler()}
    features = ModalityTransformer(given)
    features.set_params(video="drop", audio=PCA(3), audio__whiten=True)
    assert features.transformers["video"] == "drop"
    assert features.get_params()["audio__whiten"] is True
    assert list(features.transformers) == ["video", "audio"]
    assert isinstance(given["audio"], StandardScaler)  # the user's dict is left as it is
    features.set_params(transformers={"text": PCA(1)}, text__n_components=2)
    assert features.get_params()["text__n_components"] == 2
    with pytest.raises(ValueError, match="Invalid parameter 'video'"):
        features.set_params(video="drop")


def test_clones_share_no_transformers():
    features = ModalityTransformer({"video": PCA(3)}, block_size=9).fit(ragged())
    copy = clone(features)
    assert copy.get_params()["video__n_components"] == 3
    assert copy.block_size == 9
    copy.set_params(video__n_components=1)
    assert features.transformers["video"].n_components == 3
    with pytest.raises(NotFittedError):
        copy.transform(ragged())


def test_frozen_transformer_is_not_fitted():
    X = ragged(n=30)
    scaler = StandardScaler().fit(flat(X, "video") + 5)
    mean = scaler.mean_.copy()
    features = ModalityTransformer({"video": FrozenEstimator(scaler)}, block_size=5)
    out = features.fit_transform(X)
    assert_array_equal(scaler.mean_, mean)
    assert_allclose(flat(out, "video"), scaler.transform(flat(X, "video")))
    with pytest.raises(NotFittedError):
        features.set_params(video=FrozenEstimator(StandardScaler())).fit(X)


def test_nan_is_allowed_if_transformers_allow_it():
    X = table()
    X[3, 0] = np.nan
    features = ModalityTransformer({"video": SimpleImputer()}, modalities=SPLIT)
    assert_allclose(features.fit_transform(X)[:, :3], SimpleImputer().fit_transform(X[:, :3]))
    chain = make_pipeline(SimpleImputer(), PCA(1))
    out = features.set_params(video=chain).fit_transform(X)
    assert_allclose(out[:, :1], chain.fit_transform(X[:, :3]))


def test_pickled_transformer_transforms_the_same():
    X = ragged()
    features = ModalityTransformer({"video": PCA(3)}, remainder=StandardScaler()).fit(X)
    copy = pickle.loads(pickle.dumps(features))
    assert_array_equal(flat(copy.transform(X), "video"), flat(features.transform(X), "video"))


def test_html_diagram_shows_all_transformers():
    features = ModalityTransformer({"video": PCA(3), "audio": "drop"}, remainder=StandardScaler())
    pipeline = make_pipeline(features, PCA())
    for estimator in (features, pipeline, features.fit(ragged()), ModalityTransformer()):
        assert estimator._repr_html_()
    text = re.sub(r"<style>.*?</style>", "", pipeline._repr_html_(), flags=re.DOTALL)
    for shown in ("video", "audio", "remainder", ">PCA<", ">StandardScaler<"):
        assert shown in text
    assert ModalityTransformer({"video": 3})._repr_html_()  # wrong, but shown


# Errors ---------------------------------------------------------------------------------------


class GivesLess(Remembers):
    def transform(self, X):
        return X[:-1]


class GivesVector(Remembers):
    def transform(self, X):
        return X[:, 0]


class GivesLessLater(Remembers):
    def transform(self, X):
        return X[:-1] if len(X) > 3 else X


WRONG = {
    "unknown modality": (
        {"transformers": {"text": PCA(1)}},
        ValueError,
        r"unknown modalities \['text'\]",
    ),
    "no dict": ({"transformers": [("video", PCA(1))]}, TypeError, "must be a dict by modality"),
    "no transformer": ({"transformers": {"video": 3}}, TypeError, "modality 'video' must be a tr"),
    "None": ({"transformers": {"video": None}}, TypeError, "got None"),
    "a class": ({"transformers": {"video": PCA}}, TypeError, "must be a transformer.*got <class"),
    "a classifier": ({"remainder": LogisticRegression()}, TypeError, "remainder must be a trans"),
    "a word": ({"remainder": "keep"}, TypeError, "'passthrough', 'drop'"),
    "all dropped": ({"remainder": "drop"}, ValueError, "All modalities are dropped"),
    "block size": ({"block_size": 0}, ValueError, "block_size must be an integer >= 1"),
    "no block size": ({"block_size": "10"}, TypeError, "block_size must be an integer >= 1"),
    "modalities": ({"modalities": "video"}, TypeError, "modalities must be"),
    "sparse": ({"remainder": OneHotEncoder()}, ValueError, "returned a sparse array"),
    "fewer rows": (
        {"remainder": GivesLess()},
        ValueError,
        r"'video' returned a dense array of shape \(1, 8",
    ),
    "a vector": ({"remainder": GivesVector()}, ValueError, r"of shape \(2,\), expected .*\(2, "),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_parameters_raise(case):
    params, error, message = WRONG[case]
    features = ModalityTransformer(remainder=StandardScaler()).fit(ragged())
    before = vars(features).copy()
    with pytest.raises(error, match=message):
        features.set_params(**params).fit(ragged())
    after = vars(features)
    assert before.keys() == after.keys()
    assert all(after[name] is before[name] for name in before if name not in params)


@pytest.mark.parametrize("name", ["remainder", "modalities", "transformers", "block_size", "a__b"])
def test_modality_name_that_is_no_parameter_raises(name):
    X = ragged(widths={name: 3, "audio": 2})
    with pytest.raises(ValueError, match=f"{name}.*cannot have a transformer: as parameters"):
        ModalityTransformer({name: Remembers()}).fit(X)
    own = ModalityTransformer({name: Remembers()}).get_params()
    assert not isinstance(own.get("remainder"), Remembers)
    assert isinstance(own["transformers"], dict)
    features = ModalityTransformer({"audio": PCA(1)}, remainder=StandardScaler()).fit(X)
    assert features.transform(X).n_features == {name: 3, "audio": 1}


class NotToBeFitted(Remembers):
    def fit(self, X, y=None):
        raise AssertionError("fitted")


@pytest.mark.parametrize("more", [{"audio": 3}, {"text": PCA(1)}, {"audio": PCA(1)}])
def test_failed_fit_fits_no_transformer(more):
    X = from_rows(video=[np.ones((2, 3))] * 4, audio=[np.ones((0, 2))] * 4)
    with pytest.raises((TypeError, ValueError)):
        ModalityTransformer({"video": NotToBeFitted(), **more}).fit(X)


def test_transformer_with_too_few_rows_raises():
    X = ragged(n=20)
    features = ModalityTransformer({"video": GivesLessLater()}).fit(X)
    with pytest.raises(
        ValueError, match=r"GivesLessLater of 'video' returned a dense array of shape \(47, 8"
    ):
        features.transform(X)


def test_fit_on_modality_without_frames_raises():
    X = from_rows(video=[np.ones((2, 3))] * 4, audio=[np.ones((0, 2))] * 4)
    with pytest.raises(ValueError, match=r"\['audio'\] have no frames in X"):
        ModalityTransformer({"audio": PCA(1)}).fit(X)
    assert ModalityTransformer().fit_transform(X).n_features == X.n_features


def test_labels_of_another_length_raise():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ModalityTransformer().fit(ragged(n=6), np.arange(5))


@pytest.mark.parametrize("lengths", [(1, 5), (3, 4)])
def test_modalities_as_separate_arguments_raise(lengths):
    X = ragged(lengths=lengths)
    with pytest.raises(ValueError, match=r"y holds frames.*as one object"):
        ModalityTransformer().fit(rows_of(X, "video"), rows_of(X, "audio"))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_non_finite_frames_are_located(bad):
    X = ragged(n=6)
    features = ModalityTransformer({"audio": PCA(2)}).fit(X)
    rows = rows_of(X, "audio")
    rows[4][0, 1] = bad
    X = from_rows(video=rows_of(X, "video"), audio=rows)
    for method in (features.transform, features.fit):
        with pytest.raises(ValueError, match="NaN or infinity in modality 'audio', row 4"):
            method(X)


def test_transform_of_other_modalities_raises():
    X = ragged()
    features = ModalityTransformer({"video": PCA(2)}).fit(X)
    with pytest.raises(ValueError, match=r"\['audio'\] are missing"):
        features.transform(X.select(["video"]))
    with pytest.raises(ValueError, match=r"frames of .*'audio': 5}, but .* with .*'audio': 6}"):
        features.transform(ragged(widths={"video": 8, "audio": 5}))
    with pytest.raises(ValueError, match=r"X has 13 features, but .* expecting 14"):
        features.transform(np.ones((3, 13)))
    columns = pd.DataFrame(table(), columns=list("abcde"))
    features.fit(columns)
    with pytest.raises(ValueError, match="feature names should match"):
        features.transform(columns[list("edcba")])


# In scikit-learn ------------------------------------------------------------------------------

SCIKIT_LEARN = {
    "default": lambda: ModalityTransformer(),
    "remainder": lambda: ModalityTransformer(remainder=StandardScaler()),
    "named": lambda: ModalityTransformer({"video": PCA(1)}, remainder=StandardScaler()),
    "blocks": lambda: ModalityTransformer(remainder=IncrementalPCA(1), block_size=8),
    "labels": lambda: ModalityTransformer({"video": SelectKBest(k=1)}, remainder="drop"),
}


@pytest.mark.filterwarnings("ignore:X .* feature names:UserWarning")  # the checks mix them
@pytest.mark.parametrize("case", SCIKIT_LEARN)
@pytest.mark.parametrize(
    "check",
    [
        "check_dataframe_column_names_consistency",
        "check_global_output_transform_pandas",
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
    ],
)
def test_scikit_learn_checks_pass(check, case):
    getattr(estimator_checks, check)("ModalityTransformer", SCIKIT_LEARN[case]())


def test_grid_search_over_transformer_parameters():
    X, y = make_videos().data, make_y("classes")
    pipeline = Pipeline(
        [
            ("features", ModalityTransformer({"video": PCA(4), "audio": StandardScaler()})),
            ("classifier", make_classifier(fusion="late", max_epochs=1)),
        ]
    )
    grid = {"features__video__n_components": [2, 3], "features__audio": ["drop", MinMaxScaler()]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    best = search.best_params_["features__video__n_components"]
    assert search.best_estimator_["classifier"].module_ is not None
    assert search.best_estimator_["features"].transform(X).n_features["video"] == best
    assert_allclose(cross_val_score(search.best_estimator_, X, y, cv=2).mean(), search.best_score_)


def test_grid_search_with_two_jobs():
    X, Y = make_videos().data, make_labels()[1]
    pipeline = Pipeline(
        [
            ("features", ModalityTransformer({"video": PCA(4)})),
            ("classifier", make_classifier(fusion="late", max_epochs=1)),
        ]
    )
    grid = {"features__video__n_components": [2, 3]}
    scores = [
        GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs, refit=False, error_score="raise")
        .fit(X, Y)
        .cv_results_["mean_test_score"]
        for n_jobs in (1, 2)
    ]
    assert_allclose(*scores)


def test_metadata_is_routed_past_the_transformer():
    X, y = table(), np.arange(30) % 2
    weight = np.arange(30)
    with config_context(enable_metadata_routing=True):
        classifier = LogisticRegression().set_fit_request(sample_weight=True)
        pipeline = make_pipeline(ModalityTransformer({"video": PCA(2)}), classifier)
        pipeline.fit(X, y, sample_weight=weight)
    expected = LogisticRegression().fit(pipeline[0].transform(X), y, sample_weight=weight)
    assert_allclose(pipeline[1].coef_, expected.coef_)


def mean_frames(X):
    """Mean frame of each video, all modalities side by side."""
    return np.hstack(
        [[frames.mean(axis=0) for frames in rows_of(X, name)] for name in X.modality_names]
    )


def test_feature_union_of_mean_frames_and_correlations():
    X, y = make_videos().data, make_y("classes")
    union = FeatureUnion(
        [("tower", make_tower(max_epochs=1)), ("mean", FunctionTransformer(mean_frames))]
    )
    pipeline = Pipeline(
        [
            ("frames", ModalityTransformer({"video": PCA(4)}, remainder=StandardScaler())),
            ("features", union),
            ("classifier", LogisticRegression(max_iter=1000)),
        ]
    )
    grid = {"frames__video__n_components": [2, 3], "classifier__C": [0.1, 1]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    best = search.best_estimator_
    features = best[:-1].transform(X)
    width = search.best_params_["frames__video__n_components"] + 6
    assert features.shape == (len(X), 1 + width)
    frames = best["frames"].transform(X)
    tower = best["features"].transformer_list[0][1]
    assert_allclose(features, np.hstack([tower.transform(frames), mean_frames(frames)]))
    assert_array_equal(best["classifier"].predict(features), search.predict(X))
