import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array, dok_matrix
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GroupKFold, KFold, cross_validate, train_test_split
from sklearn.utils import resample, shuffle
from skorch.helper import SliceDict

from sk_crossmodal.multimodal import (
    MultimodalArray,
    StatsRequest,
    as_multimodal,
    scan_frames,
)
from sk_crossmodal.multimodal._frames import Frames
from sk_crossmodal.multimodal._scan import _Sums

WIDTHS = {"video": 4, "audio": 3}
LENGTHS = {"video": [3, 1, 5, 2, 4], "audio": [2, 4, 0, 2, 1]}
N = len(LENGTHS["video"])


def videos(dtype=np.float32, lengths=LENGTHS, seed=0):
    """Return plain lists of (T_i, d) arrays by modality, the expected content."""
    rng = np.random.default_rng(seed)
    return {
        name: [rng.uniform(0, 200, size=(t, WIDTHS[name])).astype(dtype) for t in lengths[name]]
        for name in lengths
    }


def container(parts, quantization=None):
    return MultimodalArray.from_frames(
        {name: np.concatenate(rows) for name, rows in parts.items()},
        {name: [len(row) for row in rows] for name, rows in parts.items()},
        quantization=quantization,
    )


def assert_content(X, parts, names=None):
    """Compare each row of a container with lists of arrays by modality, in the same order."""
    n = len(next(iter(parts.values())))
    assert isinstance(X, MultimodalArray)
    assert X.modality_names == tuple(parts)
    assert (X.shape, len(X)) == ((n,), n)
    for name, rows in parts.items():
        assert X.lengths(name).tolist() == [len(row) for row in rows]
        for i in range(n):
            np.testing.assert_array_equal(X[i][name], rows[i], err_msg=f"{name}, row {i}")


def objects(rows):
    out = np.empty(len(rows), dtype=object)
    out[:] = rows
    return out


# as_multimodal: every form ----------------------------------------------------------------

RAGGED_FORMS = {
    "container": lambda p: [container(p)],
    "dict of lists": lambda p: [p],
    "dict of tuples": lambda p: [{name: tuple(rows) for name, rows in p.items()}],
    "dict of object arrays": lambda p: [{name: objects(rows) for name, rows in p.items()}],
    "SliceDict": lambda p: [SliceDict(**{name: objects(rows) for name, rows in p.items()})],
    "positional": lambda p: list(p.values()),
    "data frame": lambda p: [pd.DataFrame({n: objects(rows) for n, rows in p.items()})],
}
WHOLE_FORMS = {
    **RAGGED_FORMS,
    "dict of arrays": lambda p: [{name: np.array(rows) for name, rows in p.items()}],
    "SliceDict of arrays": lambda p: [SliceDict(**{n: np.array(rows) for n, rows in p.items()})],
    "positional arrays": lambda p: [np.array(rows) for rows in p.values()],
    "nested lists": lambda p: [[row.tolist() for row in rows] for rows in p.values()],
}
FLAT_FORMS = {
    "dict": lambda p: [{name: np.concatenate(rows) for name, rows in p.items()}],
    "positional": lambda p: [np.concatenate(rows) for rows in p.values()],
    "positional lists": lambda p: [np.concatenate(rows).tolist() for rows in p.values()],
    "data frame of 1-D cells": lambda p: [
        pd.DataFrame({name: objects([row[0] for row in rows]) for name, rows in p.items()})
    ],
    "data frame of lists": lambda p: [
        pd.DataFrame({n: objects([row[0].tolist() for row in rows]) for n, rows in p.items()})
    ],
}


@pytest.mark.parametrize("form", RAGGED_FORMS)
def test_as_multimodal_ragged_form_has_the_same_content(form):
    parts = videos()
    assert_content(as_multimodal(*RAGGED_FORMS[form](parts)), parts)


@pytest.mark.parametrize("form", WHOLE_FORMS)
def test_as_multimodal_videos_of_equal_length_have_the_same_content(form):
    parts = videos(lengths={"video": [3, 3], "audio": [2, 2]})
    assert_content(as_multimodal(*WHOLE_FORMS[form](parts)), parts)


@pytest.mark.parametrize("form", FLAT_FORMS)
def test_as_multimodal_videos_of_one_frame_have_the_same_content(form):
    parts = videos(lengths={"video": [1, 1, 1], "audio": [1, 1, 1]})
    assert_content(as_multimodal(*FLAT_FORMS[form](parts)), parts)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("form", RAGGED_FORMS)
def test_as_multimodal_stored_dtype_is_kept(form, dtype):
    parts = videos(dtype)
    X = as_multimodal(*RAGGED_FORMS[form](parts), modalities=list(parts))
    assert_content(X, parts)
    assert X.pad([0])[0]["video"].dtype == dtype


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, ">f4"])
def test_as_multimodal_other_dtype_becomes_float(dtype):
    parts = videos(dtype)
    for X in (as_multimodal(parts, modalities=list(parts)), container(parts)):
        assert_content(X, parts)
        assert X.pad([0])[0]["video"].dtype.kind == "f"


def test_as_multimodal_rows_of_different_dtypes_are_promoted():
    rows = [np.ones((2, 3), np.uint8), np.full((1, 3), 0.5, np.float16), np.full((2, 3), 1e-9)]
    assert_content(as_multimodal({"video": rows}), {"video": rows})


def test_as_multimodal_many_positional_modalities_have_default_names():
    X = as_multimodal(*(np.full((2, 1), i, np.float32) for i in range(5)))
    assert X.modality_names == ("video", "audio", "text", "modality_3", "modality_4")
    assert [float(X[0][name][0, 0]) for name in X.modality_names] == [0, 1, 2, 3, 4]


# as_multimodal: one wide array ------------------------------------------------------------


def wide(width, n_frames=None):
    shape = (2, width) if n_frames is None else (2, n_frames, width)
    return np.random.default_rng(0).normal(size=shape)


def columns(array, slices):
    return {
        name: [np.atleast_2d(row[..., part]) for row in array] for name, part in slices.items()
    }


@pytest.mark.parametrize("n_frames", [None, 1, 3])
@pytest.mark.parametrize(
    ("width", "modalities", "expected"),
    [
        (5, {"video": 3, "audio": 2}, {"video": slice(0, 3), "audio": slice(3, 5)}),
        (6, {"a": 1, "b": 2, "c": 3}, {"a": slice(0, 1), "b": slice(1, 3), "c": slice(3, 6)}),
        (5, {"b": slice(3, None), "a": slice(0, 2)}, {"b": slice(3, 5), "a": slice(0, 2)}),
        (6, {"even": slice(0, None, 2)}, {"even": slice(0, 6, 2)}),
        (5, ["only"], {"only": slice(0, 5)}),
        (6, None, {"video": slice(0, 6)}),
        (1, None, {"video": slice(0, 1)}),
        (1152, None, {"video": slice(0, 1152)}),
    ],
)
def test_as_multimodal_wide_array_is_split(width, modalities, expected, n_frames):
    array = wide(width, n_frames)
    assert_content(as_multimodal(array, modalities=modalities), columns(array, expected))


@pytest.mark.parametrize("n_frames", [None, 3])
def test_as_multimodal_names_without_widths_split_into_equal_parts_with_a_warning(n_frames):
    array = wide(7, n_frames)
    parts = {"a": slice(0, 3), "b": slice(3, 5), "c": slice(5, 7)}
    with pytest.warns(UserWarning, match=r"equal parts: write modalities={'a': 3, 'b': 2, 'c': 2"):
        X = as_multimodal(array, modalities=["a", "b", "c"])
    assert_content(X, columns(array, parts))


@pytest.mark.parametrize("of_rows", [list, tuple, objects])
def test_as_multimodal_list_of_one_modality_is_not_split(of_rows):
    rows = videos()["video"]
    assert_content(as_multimodal(of_rows(rows)), {"video": rows})


@pytest.mark.parametrize("of_rows", [list, tuple, objects])
def test_as_multimodal_wide_ragged_list_is_split(of_rows):
    rows = videos()["video"]
    X = as_multimodal(of_rows(rows), modalities={"left": 1, "right": 3})
    assert_content(X, {"left": [r[:, :1] for r in rows], "right": [r[:, 1:] for r in rows]})


def test_as_multimodal_list_of_lists_is_one_modality():
    array = wide(4)
    assert_content(as_multimodal(array.tolist()), columns(array, {"video": slice(0, 4)}))


def test_as_multimodal_numeric_data_frame_is_a_wide_array():
    array = wide(4)
    frame = pd.DataFrame(array, columns=list("abcd"))
    assert_content(as_multimodal(frame), columns(array, {"video": slice(0, 4)}))
    thirds = {"x": slice(0, 1), "y": slice(1, 4)}
    assert_content(as_multimodal(frame, modalities={"x": 1, "y": 3}), columns(array, thirds))


# as_multimodal: choosing modalities -------------------------------------------------------


@pytest.mark.parametrize("form", ["container", "dict of lists", "data frame", "SliceDict"])
@pytest.mark.parametrize("names", [["audio", "video"], ["audio"], ("video",)])
def test_as_multimodal_with_names_selects_modalities(form, names):
    parts = videos()
    X = as_multimodal(*RAGGED_FORMS[form](parts), modalities=names)
    assert_content(X, {name: parts[name] for name in names})


def test_as_multimodal_with_names_names_positional_modalities():
    parts = videos()
    X = as_multimodal(*parts.values(), modalities=["clip", "clap"])
    assert_content(X, {"clip": parts["video"], "clap": parts["audio"]})


def test_as_multimodal_with_wrong_widths_raises():
    parts = videos()
    assert_content(as_multimodal(parts, modalities=WIDTHS), parts)
    with pytest.raises(ValueError, match=r"'audio' has frames of 3 features.*says 128"):
        as_multimodal(parts, modalities={"video": 4, "audio": 128})


def test_as_multimodal_container_is_returned():
    X = container(videos())
    assert as_multimodal(X) is X


# Frames are shared ------------------------------------------------------------------------


def test_as_multimodal_arrays_share_memory():
    video, audio = np.zeros((2, 3, 4), np.float32), np.zeros((2, 3), np.float32)
    X = as_multimodal(video, audio)
    part = X[[1]].select(["video"])
    video[1, 2, 3] = 7
    assert X[1]["video"][2, 3] == 7
    assert part[0]["video"][2, 3] == 7
    assert part.pad([0])[0]["video"][0, 2, 3] == 7


def test_as_multimodal_wide_array_shares_memory():
    array = np.zeros((2, 5))
    X = as_multimodal(array, modalities={"video": 3, "audio": 2})
    array[1, 3] = 7
    assert X[1]["audio"][0, 0] == 7


@pytest.mark.parametrize("form", ["dict", "positional", "from_frames"])
def test_memory_map_reads_only_selected_rows(form, tmp_path):
    stored = np.arange(24, dtype=np.uint8).reshape(6, 4)
    np.save(tmp_path / "video.npy", stored)
    mapped = np.load(tmp_path / "video.npy", mmap_mode="r+")
    X = {
        "dict": lambda: as_multimodal({"video": mapped}, modalities=["video"]),
        "positional": lambda: as_multimodal(mapped, np.zeros((6, 1))),
        "from_frames": lambda: MultimodalArray.from_frames({"video": mapped}, {"video": [1] * 6}),
    }[form]()
    assert_content(X.select(["video"]), {"video": list(stored[:, None])})
    selected = X[::-1][[0, 2]]
    mapped[5] = 99
    assert selected[0]["video"].tolist() == [[99] * 4]


def test_read_frames_are_copies():
    X = container(videos())
    before = X[0]["video"].copy()
    X[0]["video"][:] = -1
    X.pad([0])[0]["video"][:] = -1
    np.testing.assert_array_equal(X[0]["video"], before)


# Selecting rows ---------------------------------------------------------------------------

KEYS = {
    "ints": [3, 0],
    "array": np.array([4, 1, 2]),
    "repeated": np.array([2, 2, 0, 2]),
    "negative": [-1, -5, 2],
    "unsigned": np.array([1, 3], np.uint8),
    "mask": np.array([True, False, True, False, True]),
    "list mask": [False, True, False, False, False],
    "slice": slice(1, 4),
    "backwards": slice(None, None, -2),
    "nothing": [],
    "nobody": np.zeros(5, bool),
    "ellipsis": Ellipsis,
}


def picked(rows, key):
    return [rows[i] for i in np.arange(len(rows))[key]]


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("form", ["X[rows]", "X[rows, ...]"])
def test_getitem_selects_rows_like_numpy(form, key):
    parts = videos()
    X = container(parts)
    selected = X[key] if form == "X[rows]" else X[key, ...]
    assert_content(selected, {name: picked(rows, key) for name, rows in parts.items()})


def test_getitem_accepts_read_only_indices():
    parts, key = videos(), np.array([2, 1])
    key.flags.writeable = False
    assert_content(container(parts)[key], {n: picked(rows, key) for n, rows in parts.items()})


@pytest.mark.parametrize("key", [0, 4, -1, -5, np.int64(2), np.uint8(3)])
def test_getitem_one_row_is_a_dict_of_frames(key):
    parts = videos()
    row = container(parts)[key]
    assert list(row) == ["video", "audio"]
    for name in row:
        np.testing.assert_array_equal(row[name], parts[name][key])


def test_getitem_selection_of_a_selection_is_equal_to_one():
    parts = videos()
    X = container(parts)
    rows = list(range(N))
    for key in (slice(None, None, -1), [0, 2, 4, 2], np.array([True, False, True, True])):
        X, rows = X[key], picked(rows, key)
    assert_content(X, {name: [part[i] for i in rows] for name, part in parts.items()})


@pytest.mark.parametrize("key", [5, -6, [5], [0, -6], np.ones(4, bool), [0.0], "video"])
def test_getitem_missing_row_raises(key):
    with pytest.raises(IndexError):
        container(videos())[key]


@pytest.mark.parametrize("key", [np.zeros((2, 2), int), None, (0, 1), ([0], [1])])
def test_getitem_several_axes_raises(key):
    with pytest.raises(IndexError):
        container(videos())[key]


def test_iteration_ends_after_the_last_video():
    assert [len(row["video"]) for row in container(videos())] == LENGTHS["video"]


def test_select_modalities_in_the_given_order():
    parts = videos()
    X = container(parts)
    assert_content(X.select(["audio", "video"]), {n: parts[n] for n in ("audio", "video")})
    assert_content(X[[1, 3]].select(["audio"]), {"audio": picked(parts["audio"], [1, 3])})
    with pytest.raises(ValueError, match=r"'text'.*missing.*'video', 'audio'"):
        X.select(["video", "text"])


def test_repr_describes_modalities():
    X = container(videos())
    assert X.n_features == WIDTHS
    assert X.quantization == {"video": (1.0, 0.0), "audio": (1.0, 0.0)}
    assert X.timeline_lengths().tolist() == [3, 4, 5, 2, 4]
    assert repr(X) == (
        "MultimodalArray(5 videos, video: 1-5 frames of 4 float32, audio: 0-4 frames of 3 float32)"
    )
    assert "0 videos, video: no frames of 4" in repr(X[[]])


def test_container_has_the_interface_of_an_array_not_of_an_estimator():
    X = container(videos())
    assert not hasattr(X, "fit")
    assert not hasattr(X, "iloc")


# pad --------------------------------------------------------------------------------------


def padded(parts, rows, max_frames=None):
    """Return the expected result of `pad`, one time step after the other."""
    lines = [max(len(part[row]) for part in parts.values()) for row in rows]
    limits = np.broadcast_to(10**6 if max_frames is None else max_frames, len(rows))
    kept = [min(line, limit) for line, limit in zip(lines, limits, strict=True)]
    width = max(1, *kept)
    frames, masks = {}, {}
    for name, part in parts.items():
        frames[name] = np.zeros((len(rows), width, WIDTHS[name]), part[0].dtype)
        masks[name] = np.zeros((len(rows), width), bool)
        for b, row in enumerate(rows):
            length = len(part[row])
            for t in range(kept[b] if length else 0):
                source = int(np.floor((t + 0.5) * length / lines[b]))
                frames[name][b, t] = part[row][source]
                masks[name][b, t] = True
    return frames, masks


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float64])
@pytest.mark.parametrize("max_frames", [None, 1, 3, 100, [5, 1, 2, 4]])
@pytest.mark.parametrize("rows", [[0, 1, 2, 3], [4, 4, 2, 0], [-1, 3, 0, 2]])
def test_pad_is_equal_to_a_naive_loop(rows, max_frames, dtype):
    parts = videos(dtype)
    frames, masks = container(parts).pad(np.array(rows), max_frames)
    expected_frames, expected_masks = padded(parts, rows, max_frames)
    for name in parts:
        assert frames[name].dtype == dtype
        assert masks[name].dtype == bool
        np.testing.assert_array_equal(frames[name], expected_frames[name])
        np.testing.assert_array_equal(masks[name], expected_masks[name])


@pytest.mark.parametrize("seed", range(3))
def test_pad_long_videos_of_any_length_is_equal_to_a_naive_loop(seed):
    rng = np.random.default_rng(seed)
    lengths = {name: rng.integers(0, 40, size=8) for name in WIDTHS}
    parts = videos(lengths=lengths, seed=seed)
    rows = rng.permutation(8)
    for result, expected in zip(
        container(parts).pad(rows, 30), padded(parts, rows, 30), strict=True
    ):
        for name in parts:
            np.testing.assert_array_equal(result[name], expected[name])


def test_pad_selection_is_equal_to_a_naive_loop():
    parts = videos()
    frames, masks = container(parts)[[3, 1, 0]].pad([2, 1])
    expected_frames, expected_masks = padded(parts, [0, 1])
    np.testing.assert_array_equal(frames["audio"], expected_frames["audio"])
    np.testing.assert_array_equal(masks["audio"], expected_masks["audio"])


def test_pad_videos_without_frames_is_masked():
    parts = videos(lengths={"video": [0, 0], "audio": [0, 0]})
    frames, masks = container(parts).pad([0, 1])
    assert frames["video"].shape == (2, 1, 4)
    assert not masks["video"].any()
    assert not frames["audio"].any()


# Quantisation, statistics, finite numbers --------------------------------------------------------

QUANTIZATION = {"video": (4 / 255, 4 / 512 - 2), "audio": (0.5, 3.0)}


def dequantised(parts):
    return {
        name: [row.astype(np.float64) * scale + shift for row in parts[name]]
        for name, (scale, shift) in QUANTIZATION.items()
    }


def test_quantised_frames_are_read_as_floats():
    parts = videos(np.uint8)
    X = container(parts, QUANTIZATION)
    assert X.quantization == QUANTIZATION
    for i in range(N):
        for name, rows in dequantised(parts).items():
            assert X[i][name].dtype == np.float32
            np.testing.assert_allclose(X[i][name], rows[i], rtol=1e-5, atol=1e-6)
    frames, _ = X.pad([0])
    np.testing.assert_array_equal(frames["video"][0, 0], parts["video"][0][0])


def test_quantization_of_one_modality_leaves_the_other():
    X = container(videos(np.uint8), {"audio": (0.5, 3.0)})
    assert X.quantization == {"video": (1.0, 0.0), "audio": (0.5, 3.0)}


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("quantization", [None, QUANTIZATION])
def test_frame_stats_are_equal_to_numpy(quantization, dtype):
    parts = videos(dtype)
    stats = container(parts, quantization).frame_stats()
    values = dequantised(parts) if quantization else parts
    for name, rows in values.items():
        frames = np.concatenate(rows).astype(np.float64)
        mean, scale = stats[name]
        np.testing.assert_allclose(mean, frames.mean(0), rtol=1e-6)
        assert scale == pytest.approx(rms(frames.std(0)), rel=1e-5)


def test_frame_stats_of_several_blocks_are_equal_to_numpy():
    rng = np.random.default_rng(0)
    values = (1000 + rng.normal(size=(5000, 2048))).astype(np.float32)
    X = MultimodalArray.from_frames({"video": values}, {"video": [3000, 0, 1, 1999]})
    mean, scale = X.frame_stats()["video"]
    np.testing.assert_allclose(mean, values.mean(0, dtype=np.float64), rtol=1e-9)
    assert scale == pytest.approx(rms(values.std(0, dtype=np.float64)), rel=1e-6)


@pytest.mark.parametrize("constant", [0.0, 7.0, -0.1, 1e6])
def test_frame_stats_scale_ignores_constant_features(constant):
    values = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    values[:, 1] = constant
    X = MultimodalArray.from_frames({"video": values}, {"video": [20, 30]})
    mean, scale = X.frame_stats()["video"]
    assert scale == pytest.approx(values[:, 0].std(), rel=1e-5)
    assert mean[1] == pytest.approx(constant)


def test_frame_stats_of_small_features_keep_their_scale():
    values = 1e-8 * np.random.default_rng(0).normal(size=(500, 1))
    stats = MultimodalArray.from_frames({"video": values}, {"video": [500]}).frame_stats()
    assert stats["video"][1] == pytest.approx(values.std())


def test_frame_stats_without_frames_are_zero_and_one():
    mean, scale = container(videos())[[2]].frame_stats()["audio"]
    assert mean.tolist() == [0.0] * 3
    assert scale == 1.0


@pytest.mark.parametrize("per_feature", [False, True])
def test_frame_stats_with_weights_are_equal_to_repeated_videos(per_feature):
    X, times = container(videos()), np.array([2, 0, 3, 1, 1, 4, 0])
    rows = np.repeat(np.arange(len(X)), times[: len(X)])
    weight = times[: len(X)] / 7
    weighted = X.frame_stats(sample_weight=weight, per_feature=per_feature)
    repeated = X[rows].frame_stats(per_feature=per_feature)
    for name in X.modality_names:
        for given, expected in zip(weighted[name], repeated[name], strict=True):
            np.testing.assert_allclose(given, expected, rtol=1e-12)


def test_frame_stats_with_max_videos_read_evenly_spread_videos():
    """Evenly spread videos are read, the first and the last included."""
    values = np.arange(101.0)[:, None]
    X = MultimodalArray.from_frames({"video": values}, {"video": [1] * 101})
    assert X.frame_stats(max_videos=3)["video"][0][0] == pytest.approx(50)
    assert X.frame_stats(max_videos=3)["video"][1] == pytest.approx(np.std([0, 50, 100]))


def test_frame_stats_of_long_videos_read_fewer(monkeypatch):
    """Of 100 videos of 10 frames, a limit of 40 frames reads 4; at least one is always read."""
    values = np.repeat(np.arange(100.0), 10)[:, None]
    X = MultimodalArray.from_frames({"video": values}, {"video": [10] * 100})
    monkeypatch.setattr("sk_crossmodal.multimodal._scan.MAX_FRAMES", 40)
    mean, scale = X.frame_stats()["video"]
    assert mean[0] == np.mean([0, 33, 66, 99])
    assert scale == pytest.approx(np.std([0, 33, 66, 99]))
    monkeypatch.setattr("sk_crossmodal.multimodal._scan.MAX_FRAMES", 1)
    assert X.frame_stats()["video"][1] == 1.0


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
def test_frame_stats_read_each_modality_once(dtype, monkeypatch):
    read = []
    blocks = Frames.blocks
    monkeypatch.setattr(Frames, "blocks", lambda self: read.append(self) or blocks(self))
    container(videos(dtype), QUANTIZATION).frame_stats()
    assert len(read) == 2  # modalities


def test_frame_moments_is_deprecated():
    X = container(videos())
    with pytest.warns(DeprecationWarning, match="use frame_stats"):
        old = X.frame_moments(per_feature=True)
    assert_same_stats(old, X.frame_stats(per_feature=True), rtol=0)


# One pass over the frames -----------------------------------------------------------------


def assert_same_stats(given, expected, rtol=1e-12):
    assert list(given) == list(expected)
    for name in given:
        for ours, theirs in zip(given[name], expected[name], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=1e-12 * (rtol > 0))


def plain_stats(parts, rows, weight, per_feature):
    """Mean and scale of plain lists of frames, in the precision of long double."""
    stats = {}
    for name, videos_ in parts.items():
        frames = np.concatenate([videos_[row] for row in rows]).astype(np.longdouble)
        each = np.repeat(weight, [len(videos_[row]) for row in rows]).astype(np.longdouble)
        if not each.any():
            scale = np.ones(frames.shape[1]) if per_feature else 1.0
            stats[name] = np.zeros(frames.shape[1]), scale
            continue
        mean = (each[:, None] * frames).sum(0) / each.sum()
        std = np.sqrt((each[:, None] * (frames - mean) ** 2).sum(0) / each.sum())
        std[std <= 1e-6 * np.abs(mean)] = 0
        varying = std[std > 0]
        one = np.sqrt((varying**2).mean()) if len(varying) else 1.0
        scale = np.where(std > 0, std, 1.0) if per_feature else one
        stats[name] = mean.astype(float), np.asarray(scale, float)
    return stats


def many_videos(dtype, unit=1.0):
    """Frames of 40 videos that fill several blocks; one feature is constant, one tiny."""
    lengths = np.random.default_rng(1).integers(0, 60, 40)
    parts = videos(dtype, {"video": lengths, "audio": lengths[::-1]})
    for rows in parts["video"]:
        rows[:, 1] = 7
        rows[:, 2] //= 100
    if dtype == np.float64:
        parts = {name: [rows * unit for rows in each] for name, each in parts.items()}
    return parts


REQUESTED = np.random.default_rng(2).permutation(40)[:25]
LONG = {"video": [2] * 40, "audio": [1] * 40}
WEIGHT = np.random.default_rng(3).choice([0.0, 0.5, 1.0, 3.0], 25)


@pytest.mark.parametrize("block", [1, 64, 1 << 18])
@pytest.mark.parametrize(
    ("dtype", "unit"),
    [
        *((dtype, 1.0) for dtype in (np.uint8, np.float16, np.float32, np.float64)),
        *((np.float64, unit) for unit in (1e300, 1e-200, 1e-300)),
    ],
)
def test_scan_frames_computes_what_plain_numpy_computes(dtype, unit, block, monkeypatch):
    monkeypatch.setattr("sk_crossmodal.multimodal._frames.BLOCK", block)
    parts = many_videos(dtype, unit)
    requests = [
        StatsRequest(REQUESTED, WEIGHT, per_feature=True),
        StatsRequest(REQUESTED, WEIGHT),
        StatsRequest(np.arange(40), np.ones(40)),
        StatsRequest(np.array([3, 3, 8]), np.array([1.0, 2.0, 0.5]), per_feature=True),
        StatsRequest(REQUESTED, np.zeros(25)),
        StatsRequest(),
    ]
    given = scan_frames(container(parts), np.float64, requests)
    assert len(given) == len(requests)
    for stats, request in zip(given[:-1], requests, strict=False):
        small = {name: [np.longdouble(r) / unit for r in each] for name, each in parts.items()}
        expected = plain_stats(small, request.rows, request.sample_weight, request.per_feature)
        if request.sample_weight.any():
            stats = {
                name: (mean / unit, np.where(scale == 1, 1, scale / unit))
                for name, (mean, scale) in stats.items()
            }
        assert_same_stats(stats, expected)
    assert_same_stats(given[-1], given[2], rtol=0)


@pytest.mark.parametrize("order", [1, -1])
def test_scan_frames_with_growing_numbers_keeps_all_of_them(order, monkeypatch):
    """Numbers of any size in later blocks change the unit of those before."""
    monkeypatch.setattr("sk_crossmodal.multimodal._frames.BLOCK", 1)
    values = np.array([[0.0, 1e-300], [1e-308, 1e-150], [3.0, 2e-150], [1e160, 0.0], [1e308, 0.0]])
    X = MultimodalArray.from_frames({"video": values[::order]}, {"video": [1] * 5})
    ((mean, scale),) = (X.frame_stats(per_feature=True)[name] for name in X.modality_names)
    np.testing.assert_allclose(mean, [2e307, 6e-151], rtol=1e-12)
    np.testing.assert_allclose(scale, [4e307, 8e-151], rtol=1e-12)


@pytest.mark.parametrize("extreme", [1e-300, 1e300])
def test_frame_stats_with_extreme_weights_are_those_of_scaled_weights(extreme):
    X, weight = container(videos()), np.array([1.0, 0.0, 2.0, 0.5, 1.0])
    assert_same_stats(
        X.frame_stats(sample_weight=weight * extreme), X.frame_stats(sample_weight=weight)
    )


def test_scan_frames_samples_the_requested_rows(monkeypatch):
    monkeypatch.setattr("sk_crossmodal.multimodal._scan.MAX_FRAMES", 40)
    values = np.repeat(np.arange(100.0), 10)[:, None]
    X = MultimodalArray.from_frames({"video": values}, {"video": [10] * 100})
    rows, weight = np.arange(90, 20, -1), np.arange(70.0)
    (stats,) = scan_frames(X, np.float64, [StatsRequest(rows, weight)])
    assert_same_stats(stats, X[rows].frame_stats(sample_weight=weight))
    assert stats["video"][0][0] == pytest.approx(np.average([67, 44, 21], weights=[23, 46, 69]))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_scan_frames_reads_every_block_once(dtype, monkeypatch):
    parts = many_videos(dtype)
    X, read = container(parts), []
    monkeypatch.setattr("sk_crossmodal.multimodal._frames.BLOCK", 100)
    gather = Frames.gather
    monkeypatch.setattr(
        Frames, "gather", lambda self, rows: read.append((self, rows)) or gather(self, rows)
    )
    requests = [StatsRequest(REQUESTED, WEIGHT), StatsRequest(), StatsRequest(np.arange(9))]
    scan_frames(X, np.float64, requests)
    assert len(read) > 20
    for name in X.modality_names:
        rows = [rows for part, rows in read if part.width == WIDTHS[name]]
        assert np.concatenate(rows).tolist() == list(range(40))


def test_scan_frames_of_bytes_reads_requested_rows_only(monkeypatch):
    X, read = container(many_videos(np.uint8)), []
    gather = Frames.gather
    monkeypatch.setattr(
        Frames, "gather", lambda self, rows: read.append(len(rows)) or gather(self, rows)
    )
    assert scan_frames(X, np.float32) == []
    assert not read
    scan_frames(X, np.float32, [StatsRequest(np.arange(9)), StatsRequest(np.arange(4, 12))])
    assert read == [12, 12]


def test_scan_frames_computes_equal_requests_once(monkeypatch):
    added = []
    add = _Sums.add
    monkeypatch.setattr(_Sums, "add", lambda self, *args: added.append(self) or add(self, *args))
    requests = [StatsRequest(REQUESTED, WEIGHT.copy()) for _ in range(3)]
    first, second, third = scan_frames(container(videos(lengths=LONG)), np.float64, requests)
    assert len(added) == len(WIDTHS)
    assert_same_stats(first, second, rtol=0)
    assert_same_stats(first, third, rtol=0)


@pytest.mark.parametrize("requests", [[], [StatsRequest(np.array([0]))], [StatsRequest()]])
@pytest.mark.parametrize("row", [0, 1, 4])
def test_scan_frames_with_bad_frames_names_the_first(row, requests):
    parts = videos()
    for name, column in (("video", 4), ("audio", row)):
        parts[name][column][-1, 0] = np.nan
    with pytest.raises(ValueError, match=r"NaN or infinity in modality 'video', row 4;"):
        scan_frames(container(parts), np.float32, requests)
    with pytest.raises(ValueError, match=rf"modality 'audio', row {row}; .* finite as float32"):
        scan_frames(container(parts).select(["audio"]), np.float32, requests)


def test_scan_frames_with_numbers_too_large_for_the_dtype_raises():
    X = MultimodalArray.from_frames({"video": np.array([[1.0], [1e39]])}, {"video": [1, 1]})
    with pytest.raises(ValueError, match="row 1; frames must be finite as float32"):
        scan_frames(X, np.float32, [StatsRequest()])
    ((mean, _),) = scan_frames(X, np.float64, [StatsRequest()])[0].values()
    assert mean[0] == pytest.approx(5e38)


def test_frame_stats_of_huge_numbers_are_finite():
    """Finite frames are accepted, so their statistics must be finite too."""
    values = np.array([[1e300], [-1e300], [3.0]])
    X = MultimodalArray.from_frames({"video": values}, {"video": [3]})
    X.check_finite()
    mean, scale = X.frame_stats()["video"]
    assert np.isfinite(mean).all()
    assert scale == pytest.approx(1e300 * np.sqrt(2 / 3))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("row", [0, 1, 4])
def test_check_finite_error_names_modality_and_row(row, dtype, bad):
    parts = videos(dtype)
    parts["audio"][row][-1, -1] = bad
    X = container(parts)
    with pytest.raises(ValueError, match=rf"NaN or infinity in modality 'audio', row {row};"):
        X.check_finite()
    with pytest.raises(ValueError, match=r"modality 'audio', row 0;"):
        X[[row]].check_finite()
    X[[i for i in range(N) if i != row]].check_finite()


def test_check_finite_with_nan_in_a_late_block_raises():
    values = np.zeros((5000, 2048), np.float16)
    values[4500, 3] = np.nan
    X = MultimodalArray.from_frames({"video": values}, {"video": [3000, 0, 1000, 1000]})
    with pytest.raises(ValueError, match="row 3"):
        X.check_finite()


@pytest.mark.parametrize(
    ("dtype", "huge"), [(np.float64, 1e300), (np.float32, 3e38), (np.float16, 6e4)]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_check_finite_accepts_huge_numbers(sign, dtype, huge):
    values = np.full((100, 3), huge, dtype)
    values[50:] *= sign
    MultimodalArray.from_frames({"video": values}, {"video": [100]}).check_finite()


def test_check_finite_with_infinity_among_huge_numbers_raises():
    values = np.full((100, 3), 1e300)
    values[40, 1], values[60, 1] = np.inf, -np.inf
    X = MultimodalArray.from_frames({"video": values}, {"video": [10] * 10})
    with pytest.raises(ValueError, match="row 4"):
        X.check_finite()


# Other libraries ---------------------------------------------------------------------------


@pytest.mark.parametrize("quantization", [None, QUANTIZATION])
def test_pickle_restores_a_selection(quantization):
    X = container(videos(np.uint8), quantization)[[3, 1]]
    again = pickle.loads(pickle.dumps(X))
    assert again.quantization == X.quantization
    assert_content(again, {name: [X[i][name] for i in range(2)] for name in X.modality_names})


@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_joblib_restores_a_selection(mmap_mode, tmp_path):
    """loky hands arrays to its workers as read-only memory maps."""
    parts = videos()
    joblib.dump(container(parts)[::-1], tmp_path / "X.joblib")
    again = joblib.load(tmp_path / "X.joblib", mmap_mode=mmap_mode)
    assert_content(again, {name: rows[::-1] for name, rows in parts.items()})
    assert_content(again[[0, 2]], {name: [rows[4], rows[2]] for name, rows in parts.items()})


def test_train_test_split_splits_videos():
    parts = videos()
    train, test, i_train, i_test = train_test_split(
        container(parts), np.arange(N), test_size=2, random_state=0
    )
    assert_content(train, {name: picked(rows, i_train) for name, rows in parts.items()})
    assert_content(test, {name: picked(rows, i_test) for name, rows in parts.items()})


def test_group_k_fold_splits_videos():
    parts = videos()
    X = container(parts)
    groups = np.array([0, 0, 1, 1, 2])
    splits = list(GroupKFold(3).split(X, groups=groups))
    assert len(splits) == 3
    for train, test in splits:
        assert not set(groups[train]) & set(groups[test])
        assert_content(X[test], {name: picked(rows, test) for name, rows in parts.items()})


def test_shuffle_and_resample_select_videos():
    parts = videos()
    for tool in (shuffle, resample):
        X, order = tool(container(parts), np.arange(N), random_state=0)
        assert_content(X, {name: picked(rows, order) for name, rows in parts.items()})


def test_cross_validate_accepts_a_container():
    y = np.array([0, 1, 0, 1, 0])
    result = cross_validate(DummyClassifier(), container(videos()), y, cv=2, error_score="raise")
    assert len(result["test_score"]) == 2


# Bad input --------------------------------------------------------------------------------

FLAT = np.zeros((3, 4))


@pytest.mark.parametrize(
    ("frames", "lengths", "message"),
    [
        ({}, {}, "at least one modality"),
        (
            {"video": FLAT},
            {"audio": [3]},
            r"lengths must be of \['video'\], as frames, got \['audio'\]",
        ),
        ({"video": FLAT}, {"video": [2]}, r"'video'.*add up to its 3 frames.*2"),
        ({"video": FLAT}, {"video": [2, 2]}, r"'video'.*add up to its 3 frames.*4"),
        ({"video": FLAT}, {"video": [4, -1]}, r"'video'.*>= 0"),
        ({"video": FLAT}, {"video": [1.0, 2.0]}, r"'video'.*integers"),
        ({"video": FLAT}, {"video": 3}, r"'video'.*shape \(n,\)"),
        ({"video": FLAT}, {"video": [[3]]}, r"'video'.*shape \(n,\)"),
        ({"video": FLAT[0]}, {"video": [4]}, r"'video'.*\(n_frames, n_features\).*\(4,\)"),
        ({"video": FLAT[None]}, {"video": [1]}, r"'video'.*\(n_frames, n_features\)"),
        ({"video": FLAT[:, :0]}, {"video": [3]}, r"'video'.*\(n_frames, n_features\)"),
        ({"video": FLAT * 1j}, {"video": [3]}, r"'video' must be numbers.*complex"),
        ({"video": FLAT.astype(str)}, {"video": [3]}, r"'video' must be numbers.*U"),
        ({"video": FLAT.astype(object)}, {"video": [3]}, r"'video' must be numbers.*object"),
        ({"video": FLAT, "audio": FLAT}, {"video": [3], "audio": [1, 2]}, r"rows.*1.*2"),
    ],
)
def test_from_frames_with_invalid_arguments_raises(frames, lengths, message):
    with pytest.raises(ValueError, match=message):
        MultimodalArray.from_frames(frames, lengths)


def test_from_frames_with_quantization_of_unknown_modality_raises():
    with pytest.raises(ValueError, match=r"unknown modalities \['text'\]"):
        container(videos(), {"text": (1, 0)})


@pytest.mark.parametrize(
    ("X", "modalities", "message"),
    [
        ([], None, "array"),
        (np.zeros((0, 4)), None, r"0 sample\(s\)"),
        (np.zeros((0, 2, 4)), None, r"0 sample\(s\)"),
        (np.zeros((3, 0)), None, r"0 feature\(s\)"),
        (np.zeros((3, 2, 0)), None, "n_features"),
        (pd.DataFrame({"video": [], "audio": []}), None, r"0 sample\(s\)"),
        ({}, None, "at least one modality"),
        ({"video": np.zeros((0, 4))}, None, r"0 sample\(s\)"),
        (np.zeros(3), None, "1D array"),
        (np.float64(3.0), None, "scalar"),
        (np.zeros((2, 2, 2, 2)), None, r"shape \(2, 2, 2, 2\)"),
        ({"audio": np.zeros((2, 2, 2, 2))}, None, r"'audio' \(lists nested 3 deep\)"),
        (np.zeros((2, 4)) * 1j, None, "Complex data"),
        ([np.zeros((2, 4)) * 1j], None, "complex"),
        (np.full((2, 4), "car"), None, "array of numbers.*<U3"),
        ([np.full((2, 4), "car")], None, "array of numbers.*<U3"),
        (np.zeros((2, 5)), {"video": 3, "audio": 3}, r"5 features.*expects 6"),
        (np.zeros((2, 5)), {"video": 5, "audio": 0}, "5 features"),
        (np.zeros((2, 5)), {"video": 6, "audio": -1}, "5 features"),
        (np.zeros((2, 5)), {"video": slice(0, 5), "audio": slice(5, 9)}, "'audio' is empty"),
        (np.zeros((2, 2)), ["a", "b", "c"], "2 feature"),
        (np.zeros((2, 5)), {}, "at least one modality"),
        ({"video": np.zeros((2, 5))}, ["video", "audio"], r"\['audio'\] are missing"),
        ({"video": np.zeros((2, 5))}, [], "at least one modality"),
        ({"video": [FLAT, FLAT[:, :3]]}, None, r"Row 1 of modality 'video'.*\(3, 3\).*\(T_i, 4\)"),
        ([FLAT, FLAT, FLAT[0]], None, r"Row 2 of X has shape \(4,\)"),
        ({"video": FLAT, "audio": FLAT[:2]}, None, r"rows.*'video': 3.*'audio': 2"),
    ],
)
def test_as_multimodal_with_invalid_input_raises(X, modalities, message):
    with pytest.raises(ValueError, match=message):
        as_multimodal(X, modalities=modalities)


def test_as_multimodal_empty_container_raises():
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        as_multimodal(container(videos())[[]])


def test_as_multimodal_with_different_numbers_of_rows_raises():
    with pytest.raises(ValueError, match=r"rows.*'video': 3.*'audio': 2"):
        as_multimodal(np.zeros((3, 2)), np.zeros((2, 2)))


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"]])
def test_as_multimodal_with_wrong_number_of_names_raises(names):
    with pytest.raises(ValueError, match=r"must name 2 modalities, got \['a'"):
        as_multimodal(FLAT, FLAT, modalities=names)


@pytest.mark.parametrize(
    "parts", [(FLAT, FLAT), ({"a": FLAT, "b": FLAT},), (FLAT,)], ids=["positional", "dict", "wide"]
)
def test_as_multimodal_with_repeated_name_raises(parts):
    with pytest.raises(ValueError, match="a"):
        as_multimodal(*parts, modalities=["a", "a"])


def test_as_multimodal_without_names_raises():
    with pytest.raises(ValueError, match="at least one modality"):
        as_multimodal(FLAT, modalities=[])


def test_as_multimodal_with_non_integer_widths_raises():
    with pytest.raises((TypeError, ValueError)):
        as_multimodal(FLAT, modalities={"video": 1.5, "audio": 2.5})


@pytest.mark.parametrize("sparse", [csr_array, dok_matrix])
def test_as_multimodal_sparse_input_raises(sparse):
    matrix = sparse(np.eye(3))
    for parts in ((matrix,), (matrix, FLAT), (FLAT, matrix), ({"video": matrix},)):
        with pytest.raises(TypeError, match=r"(?i)sparse.*dense"):
            as_multimodal(*parts)


def test_as_multimodal_with_non_str_names_raises():
    with pytest.raises(TypeError, match=r"str, got 0"):
        as_multimodal({0: FLAT})


# Frames in blocks -------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [slice(None), [4, 0, 0, 2], [2], [1, 2, 3]])
@pytest.mark.parametrize("block_size", [None, 1, 2, 3, 100])
def test_frame_blocks_have_every_frame_once(rows, block_size):
    X = container(videos(np.uint8), {"audio": (0.5, -1.0)})[rows]
    for name in X.modality_names:
        frames = np.concatenate([X[i][name] for i in range(len(X))])
        blocks = list(X.frame_blocks(name, block_size))
        if not len(frames):
            assert blocks == []
            continue
        np.testing.assert_array_equal(np.concatenate(blocks), frames)
        size = len(frames) if block_size is None else block_size
        assert {len(block) for block in blocks[:-1]} <= {size}
        assert len(blocks[-1]) < 2 * size
        assert len(blocks[-1]) >= min(size, len(frames))
        assert all(block.dtype == np.float32 for block in blocks)


def test_frame_blocks_are_copies():
    parts = videos()
    X = container(parts)
    next(X.frame_blocks("video"))[:] = 0
    assert_content(X, parts)


def test_replace_frames_replaces_and_checks():
    parts = videos(np.uint8)
    X = container(parts, {"video": (2.0, 0.0), "audio": (0.5, -1.0)})[[4, 2, 0]]
    new = np.arange(2.0 * X.lengths("video").sum()).reshape(-1, 2)
    replaced = X.replace_frames({"video": new})
    assert_content(
        replaced,
        {
            "video": np.split(new, np.cumsum(X.lengths("video"))[:-1]),
            "audio": [X[i]["audio"] for i in range(3)],
        },
    )
    assert replaced.quantization == {"video": (1.0, 0.0), "audio": (0.5, -1.0)}
    assert X.n_features == WIDTHS
    assert_content(container(parts).replace_frames({}), parts)
    with pytest.raises(ValueError, match="no modality 'text'"):
        X.replace_frames({"text": new})
    with pytest.raises(ValueError, match=f"needs {len(new)} new frames, got {len(new) - 1}"):
        X.replace_frames({"video": new[1:]})


@pytest.mark.parametrize("nothing", [None, [], np.array([]), np.empty((0, 3)), float("nan")])
@pytest.mark.parametrize("first", [True, False])
def test_as_multimodal_none_and_empty_rows_have_no_frames(nothing, first):
    some = [np.ones((2, 3), np.float32), np.full((1, 3), 2, np.float32)]
    rows = [nothing, *some] if first else [*some, nothing]
    whole = [np.empty((0, 3), np.float32), *some] if first else [*some, np.empty((0, 3))]
    video = [np.ones((4, 2))] * 3
    forms = [as_multimodal(video, rows), as_multimodal({"video": video, "audio": rows})]
    forms.append(as_multimodal(pd.DataFrame({"video": video, "audio": pd.Series(rows)})))
    for X in forms:
        assert X.lengths("audio").tolist() == [len(row) for row in whole]
        for i in range(3):
            assert X[i]["audio"].shape == whole[i].shape
            assert X[i]["audio"].dtype == np.float32
            np.testing.assert_array_equal(X[i]["audio"], whole[i])


def test_asarray_of_a_container_raises():
    """Estimators for tables convert X; without an error here, theirs would print all data."""
    X = container(videos())
    with pytest.raises(TypeError, match="ModalityTransformer"):
        np.asarray(X)
    with pytest.raises(TypeError, match="is no table of numbers"):
        PCA(2).fit(X)


def test_getitem_zero_dimensional_index_is_one_row():
    X = container(videos())
    np.testing.assert_array_equal(X[np.array(1)]["video"], X[1]["video"])


def test_safe_fold_shares_the_memory_map(tmp_path):
    np.save(tmp_path / "video.npy", np.arange(40.0).reshape(20, 2))
    frames = np.load(tmp_path / "video.npy", mmap_mode="r")
    X = MultimodalArray.from_frames({"video": frames}, {"video": np.full(10, 2)})
    for train, test in KFold(3, shuffle=True, random_state=0).split(X):
        for part in (train, test):
            fold = _safe_fold(X, part)
            assert np.shares_memory(fold.select(["video"])._frames["video"].values, frames)


def _safe_fold(X, rows):
    """Searches of scikit-learn select folds with this function."""
    return train_test_split(X[rows], test_size=0.5, random_state=0)[0]
