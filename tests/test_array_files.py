"""load_embeddings reads NumPy, torch and HDF5 files, and folders of arrays, without pickle."""

import csv
import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from sk_crossmodal import load_model
from sk_crossmodal.cli import main
from sk_crossmodal.datasets import load_embeddings, load_store

N = 9
RNG = np.random.default_rng(0)
LENGTHS = {"clip": RNG.integers(1, 5, N), "clap": RNG.integers(0, 4, N)}
WIDTHS = {"clip": 4, "clap": 3}
VIDEOS = {
    name: [RNG.normal(size=(t, WIDTHS[name])).astype("f") for t in LENGTHS[name]]
    for name in WIDTHS
}
IDS = [f"v{i}" for i in range(N)]
LABELS = ["Music:Piano" if i % 2 else "Sport" for i in range(N)]


def flat():
    """All frames of a modality in one array, and their number in each video."""
    arrays = {name: np.concatenate(rows) for name, rows in VIDEOS.items()}
    return arrays | {f"{name}_lengths": each for name, each in LENGTHS.items()}


def padded():
    arrays = {}
    for name, rows in VIDEOS.items():
        arrays[name] = np.zeros((N, 5, WIDTHS[name]), "f")
        for i, row in enumerate(rows):
            arrays[name][i, : len(row)] = row
        arrays[f"{name}_length"] = LENGTHS[name]
    return arrays


def save_npz(path, arrays):
    np.savez(path, **{name: np.asarray(each) for name, each in arrays.items()})
    return path


def save_torch(path, arrays):
    torch.save(_as_tensors(arrays), path)
    return path


def _as_tensors(value):
    if isinstance(value, dict):
        return {name: _as_tensors(each) for name, each in value.items()}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return torch.from_numpy(value)
    return [_as_tensors(each) for each in value] if isinstance(value, list) else value


def save_hdf5(path, arrays):
    h5py = pytest.importorskip("h5py", reason="h5py is optional")
    with h5py.File(path, "w") as file:
        _fill(file, arrays)
    return path


def _fill(group, arrays):
    for name, each in arrays.items():
        if isinstance(each, dict):
            _fill(group.create_group(name), each)
        elif isinstance(each, list):
            group.create_dataset(name, data=np.array(each, object))
        else:
            group[name] = each


def save_tree(path, arrays):
    """A file per modality and video."""
    for name, group in arrays.items():
        for video, each in group.items():
            file = path / name / f"{video}.npy"
            file.parent.mkdir(parents=True, exist_ok=True)
            np.save(file, each)
    return path


SAVE = {"x.npz": save_npz, "x.pt": save_torch, "x.h5": save_hdf5}


def check(bunch, *, ids=True, labels=True, names=tuple(VIDEOS)):
    assert set(bunch.data.modality_names) == set(names)
    for name in names:
        assert bunch.data.lengths(name).tolist() == LENGTHS[name].tolist()
        for i in range(N):
            np.testing.assert_array_equal(bunch.data[i][name], VIDEOS[name][i])
    assert (bunch.ids is None) == (not ids)
    assert not ids or bunch.ids.tolist() == IDS
    assert bunch.target == ([(label,) for label in LABELS] if labels else None)


def write_labels(path, rows, head="id,labels"):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([head.split(","), *rows])
    return path


# Videos as rows -----------------------------------------------------------------------------


@pytest.mark.parametrize("layout", [flat, padded])
@pytest.mark.parametrize("name", SAVE)
def test_arrays_with_lengths_are_the_written_videos(tmp_path, name, layout):
    path = SAVE[name](tmp_path / name, {**layout(), "id": IDS, "labels": LABELS})
    check(load_embeddings(path))
    stored = load_embeddings(path, store=tmp_path / "store")
    check(stored)
    assert load_store(tmp_path / "store").data.digest() == load_embeddings(path).data.digest()
    assert load_embeddings(path, modalities=["clap"], labels=None).data.n_features == {"clap": 3}


@pytest.mark.parametrize("name", SAVE)
def test_dense_arrays_of_one_length_need_no_lengths(tmp_path, name):
    arrays = {"clip": np.ones((3, 2, 4)), "means": np.arange(6.0).reshape(3, 2)}
    X = load_embeddings(SAVE[name](tmp_path / name, arrays)).data
    assert X.lengths("clip").tolist() == [2, 2, 2]
    assert X[1]["means"].tolist() == [[2.0, 3.0]]
    assert "float32" in repr(X)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.array([[0, 1, 0], [1, 1, 0], [0, 0, 0]]), [(1,), (0, 1), ()]),
        (np.array([[True], [False], [True]]), [(0,), (), (0,)]),
        (np.array([3, 5, 3]), [(3,), (5,), (3,)]),
        (np.array(["a", "b", ""]), [("a",), ("b",), ()]),
        (np.array([["a", "b"], ["b", ""], ["", ""]]), [("a", "b"), ("b",), ()]),
    ],
)
def test_labels_of_arrays_are_names_or_indicators(tmp_path, labels, expected):
    path = save_npz(tmp_path / "a.npz", {"clip": np.ones((3, 2, 4)), "label": labels})
    assert load_embeddings(path).target == expected
    assert load_embeddings(path, labels="label", store=tmp_path / "s").target == expected


ROWS = [[0, 1, 0], [1, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    "rows", [ROWS, np.array(ROWS, bool).tolist(), [np.array(row, float) for row in ROWS]]
)
@pytest.mark.parametrize("names", [None, ["x", "y", "z"]])
def test_lists_of_zeros_and_ones_are_an_indicator(tmp_path, rows, names):
    content = {"clip": [np.ones((2, 4))] * 3, "labels": rows}
    content |= {} if names is None else {"label_names": names}
    target = load_embeddings(save_torch(tmp_path / "a.pt", content)).target
    assert target == ([(1,), (0, 1), ()] if names is None else [("y",), ("x", "y"), ()])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["[0, 1, 0]", "[1, 1, 0]", "[0, 0, 0]"], [(1,), (0, 1), ()]),
        (["[false, true]", "[true, true]", ""], [(1,), (0, 1), ()]),
        (["[0, 1]", "[0]", "[]"], [(0, 1), (0,), ()]),
        (["[0, 1]", "[0, 2]", "[1, 2]"], [(0, 1), (0, 2), (1, 2)]),
    ],
)
def test_cells_of_zeros_and_ones_are_an_indicator(tmp_path, cells, expected):
    arrays = {"clip": np.ones((3, 2, 4)), "id": np.array(["a", "b", "c"])}
    path = save_npz(tmp_path / "a.npz", arrays)
    table = write_labels(tmp_path / "l.csv", zip("abc", cells, strict=True))
    assert load_embeddings(path, labels=str(table)).target == expected


def test_indicator_with_names_of_labels(tmp_path):
    arrays = {"clip": np.ones((2, 2, 4)), "labels": np.eye(2), "label_names": ["Dog", "Cat"]}
    assert load_embeddings(save_npz(tmp_path / "a.npz", arrays)).target == [("Dog",), ("Cat",)]


def test_labels_may_name_the_columns_of_y(tmp_path):
    arrays = {"clip": np.ones((3, 2, 4)), "Y": np.eye(3, 2), "labels": ["Dog", "Cat"]}
    bunch = load_embeddings(save_npz(tmp_path / "a.npz", arrays))
    assert bunch.target == [("Dog",), ("Cat",), ()]
    assert bunch.data.modality_names == ("clip",)
    arrays = {"clip": np.ones((3, 2, 4)), "y": np.array([4, 0, 4])}
    assert load_embeddings(save_npz(tmp_path / "b.npz", arrays)).target == [(4,), (0,), (4,)]


def test_lengths_of_all_modalities_may_be_one_array(tmp_path):
    arrays = {"clip": np.arange(12.0).reshape(6, 2), "clap": np.ones((6, 3)), "length": [1, 3, 2]}
    X = load_embeddings(save_npz(tmp_path / "a.npz", arrays)).data
    assert X.lengths("clip").tolist() == X.lengths("clap").tolist() == [1, 3, 2]
    assert X[2]["clip"].tolist() == [[8.0, 9.0], [10.0, 11.0]]


@pytest.mark.parametrize("name", SAVE)
@pytest.mark.parametrize("steps", [4, 9])
def test_lengths_of_all_padded_modalities_may_be_one_array(tmp_path, name, steps):
    arrays = {"clip": np.ones((3, 4, 2), "f"), "clap": np.ones((3, steps, 3), "f")}
    arrays |= {"lengths": np.array([1, 4, 0]), "labels": ["a", "b", "a"]}
    X = load_embeddings(SAVE[name](tmp_path / name, arrays)).data
    assert X.lengths("clip").tolist() == [1, 4, 0]
    assert X.lengths("clap").tolist() == ([1, 4, 0] if steps == 4 else [9, 9, 9])
    arrays["lengths"] = np.array([1, 12, 0])
    arrays["clap"] = np.ones((3, 4, 3), "f")
    with pytest.raises(ValueError, match=r"'cl[ia]p' say 12 frames, but it has 4"):
        load_embeddings(SAVE[name](tmp_path / f"b{name}", arrays))


def test_lists_and_dicts_of_tensors_are_videos(tmp_path):
    lists = save_torch(tmp_path / "a.pt", {**VIDEOS, "id": IDS, "labels": LABELS})
    check(load_embeddings(lists))
    several = {"clip": [*VIDEOS["clip"]], "labels": [["a", "b"], [], *[["a"]] * (N - 2)]}
    assert load_embeddings(save_torch(tmp_path / "b.pt", several)).target[:2] == [("a", "b"), ()]
    each = [
        {"clip": VIDEOS["clip"][i], "clap": VIDEOS["clap"][i], "id": IDS[i], "label": LABELS[i]}
        for i in range(N)
    ]
    check(load_embeddings(save_torch(tmp_path / "c.pt", each)))
    whole = save_torch(tmp_path / "clip.pt", np.ones((3, 2, 4), "f"))
    assert load_embeddings(whole).data.n_features == {"clip": 4}
    half = tmp_path / "half.pt"
    torch.save({"clip": torch.ones(2, 3, 4, dtype=torch.bfloat16, requires_grad=True)}, half)
    assert load_embeddings(half).data[0]["clip"].tolist() == [[1.0] * 4] * 3


def test_several_files_are_one_behind_the_other(tmp_path):
    rows = [slice(0, 4), slice(4, N)]
    for i, part in enumerate(rows):
        lists = {name: np.concatenate(each[part]) for name, each in VIDEOS.items()}
        lengths = {f"{name}_lengths": each[part] for name, each in LENGTHS.items()}
        save_npz(
            tmp_path / f"{i}.npz", {**lists, **lengths, "id": IDS[part], "labels": LABELS[part]}
        )
    check(load_embeddings(tmp_path))
    check(load_embeddings(f"{tmp_path}/*.npz", store=tmp_path / "store"))


def test_npy_files_of_all_videos_are_modalities(tmp_path):
    for name in VIDEOS:
        np.save(tmp_path / f"{name}.npy", np.full((5, 2, WIDTHS[name]), 7.0))
    X = load_embeddings([tmp_path / f"{name}.npy" for name in VIDEOS]).data
    assert X.n_features == WIDTHS
    assert load_embeddings(tmp_path / "clap.npy").data.n_features == {"clap": 3}
    flat_files = [tmp_path / "a.npy", tmp_path / "b.npy"]
    for file, width in zip(flat_files, (2, 3), strict=True):
        np.save(file, np.ones((6, width)))
    assert load_embeddings(flat_files).data.n_features == {"a": 2, "b": 3}


# Files or groups per video ------------------------------------------------------------------


def by_modality():
    return {name: dict(zip(IDS, rows, strict=True)) for name, rows in VIDEOS.items()}


def by_video():
    return {video: {name: VIDEOS[name][i] for name in VIDEOS} for i, video in enumerate(IDS)}


@pytest.mark.parametrize("layout", [by_modality, by_video])
@pytest.mark.parametrize("name", ["x.pt", "x.h5", "tree"])
def test_groups_and_folders_are_videos(tmp_path, name, layout):
    save = save_tree if name == "tree" else SAVE[name]
    path = save(tmp_path / name, layout())
    check(load_embeddings(path), labels=False)
    table = write_labels(tmp_path / "classes.csv", zip(IDS, LABELS, strict=True))
    check(load_embeddings(path, labels=str(table)))
    check(load_embeddings(path, labels=str(table), store=tmp_path / "store"))
    (tmp_path / "classes.csv").write_text((tmp_path / "classes.csv").read_text() + "w,Sport\n")
    with pytest.raises(ValueError, match="is made from other files"):
        load_embeddings(path, labels=str(table), store=tmp_path / "store")


def test_folders_and_files_of_tensors(tmp_path):
    for name, videos in by_modality().items():
        for video, each in videos.items():
            (tmp_path / "tree" / name).mkdir(parents=True, exist_ok=True)
            save_torch(tmp_path / "tree" / name / f"{video}.pt", each)
    check(load_embeddings(tmp_path / "tree"), labels=False)
    check(load_embeddings(tmp_path / "tree" / "clip"), labels=False, names=("clip",))
    (tmp_path / "tree" / "clap" / "._v0.pt").touch()  # as macOS writes
    check(load_embeddings(tmp_path / "tree"), labels=False)
    save_torch(tmp_path / "tree" / "clap" / "v0.pt", VIDEOS)
    with pytest.raises(ValueError, match=r"v0\.pt must have one tensor, as a file in a folder"):
        load_embeddings(tmp_path / "tree")


def test_labels_of_groups_are_arrays_or_attributes(tmp_path):
    groups = {v: {**g, "label": LABELS[i]} for i, (v, g) in enumerate(by_video().items())}
    check(load_embeddings(save_torch(tmp_path / "a.pt", groups)))
    check(
        load_embeddings(
            save_torch(
                tmp_path / "b.pt", {**by_modality(), "labels": dict(zip(IDS, LABELS, strict=True))}
            )
        )
    )
    check(load_embeddings(save_hdf5(tmp_path / "a.h5", groups)))
    path = save_hdf5(tmp_path / "b.h5", by_video())
    with pytest.importorskip("h5py").File(path, "a") as file:
        for video, label in zip(IDS, LABELS, strict=True):
            file[video].attrs["label"] = label
    check(load_embeddings(path))


def test_missing_files_are_missing_modalities(tmp_path):
    arrays = by_modality()
    del arrays["clap"]["v3"], arrays["clap"]["v5"]
    X = load_embeddings(save_tree(tmp_path / "tree", arrays)).data
    kept = [0 if i in (3, 5) else n for i, n in enumerate(LENGTHS["clap"])]
    assert X.lengths("clap").tolist() == kept
    assert X.lengths("clip").tolist() == LENGTHS["clip"].tolist()


def test_names_of_files_match_without_their_endings(tmp_path):
    # As of CORSMAL: audio/1/x_audio_vggish.npy and video/1/x_c1_rgb.npy.
    for i, (folder, ending) in enumerate((("audio", "audio_vggish"), ("video", "c1_rgb"))):
        arrays = {
            f"{box}/s{box}_l{j}_{ending}": np.full((2, 3), i) + 0.5 for box in "12" for j in "01"
        }
        save_tree(tmp_path / "boxes", {folder: arrays})
    bunch = load_embeddings(tmp_path / "boxes")
    assert bunch.ids.tolist() == ["1/s1_l0", "1/s1_l1", "2/s2_l0", "2/s2_l1"]
    assert bunch.data.lengths("audio").tolist() == bunch.data.lengths("video").tolist() == [2] * 4


@pytest.mark.parametrize(
    ("files", "modalities", "ids"),
    [
        # Modalities in the middle, or last, and as many of them as videos.
        (["x/clip/a", "x/clap/a", "y/clip/b", "y/clap/b"], {"clip", "clap"}, "x/a"),
        (["a/clip", "a/clap", "b/clip", "b/clap"], {"clip", "clap"}, "a"),
        (["clip/a", "clap/a", "clip/b", "clap/b"], {"clip", "clap"}, "a"),
        # Folders of classes, in which no name is twice.
        (["dog/clip_a", "dog/clip_b", "cat/clip_c", "cat/clip_d"], {"tree"}, "cat/clip_c"),
        (["clip_a", "clip_b", "clip_c"], {"tree"}, "clip_a"),
        (["clip/a", "clip/b", "clip/c"], {"clip"}, "a"),
    ],
)  # fmt: skip
def test_part_of_the_path_that_videos_share_is_the_modality(tmp_path, files, modalities, ids):
    for name in files:
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / "tree" / f"{name}.npy", np.ones((2, 3 if "clip" in name else 4)))
    bunch = load_embeddings(tmp_path / "tree")
    assert set(bunch.data.modality_names) == modalities
    assert ids in bunch.ids
    assert (bunch.data.lengths(bunch.data.modality_names[0]) == 2).all()
    one = load_embeddings(tmp_path / "tree", modalities=["own"]) if "tree" in modalities else None
    assert one is None or one.data.n_features == {"own": 3}


@pytest.mark.parametrize(
    "key",
    ["{}", "{}.npy", "{}.mp4", "clip/{}.npy", "./{}.wav"],
)
@pytest.mark.parametrize("head", ["file,labels", "id,label", "split,video_id,labels"])
def test_table_of_labels_matches_ids_and_file_names(tmp_path, key, head):
    folder = save_tree(tmp_path / "tree", by_modality())
    extra = ["train"] if head.startswith("split") else []
    rows = [[*extra, key.format(video), label] for video, label in zip(IDS, LABELS, strict=True)]
    write_labels(folder / "labels.csv", rows[::-1], head)
    check(load_embeddings(folder))


def test_table_of_labels_has_several_and_no_labels(tmp_path):
    arrays = {"clip": {video: np.ones((2, 3)) for video in "abcd"}}
    folder = save_tree(tmp_path / "tree", arrays)
    rows = [
        ["a", "Dog"],
        ["b", ""],
        ["a", "Cat"],
        ["c", json.dumps(["Dog", "Bird, small"])],
        ["d", "Dog"],
    ]
    table = write_labels(tmp_path / "t.tsv", [])
    table.write_text("".join("\t".join(row) + "\n" for row in [["id", "labels"], *rows]))
    expected = [("Dog", "Cat"), (), ("Dog", "Bird, small"), ("Dog",)]
    assert load_embeddings(folder / "clip", labels=str(table)).target == expected
    numbers = write_labels(tmp_path / "n.csv", [[video, i] for i, video in enumerate("abcd")])
    assert load_embeddings(folder, labels=str(numbers)).target == [(0,), (1,), (2,), (3,)]


def test_one_file_per_video(tmp_path):
    for i, video in enumerate(IDS):
        save_npz(tmp_path / f"{video}.npz", {name: VIDEOS[name][i] for name in VIDEOS})
    write_labels(tmp_path / "labels.csv", zip(IDS, LABELS, strict=True), "file,labels")
    check(load_embeddings(tmp_path))
    check(load_embeddings(tmp_path, store=tmp_path / "store"))
    assert len(list((tmp_path / "store" / "parts").iterdir())) == 1


LABELS_IN_FILES = {
    "label=text": ("label", lambda i: "ab"[i % 2], [("a",), ("b",)]),
    "labels=integer": ("labels", lambda i: 7 + i % 2, [(7,), (8,)]),
    "label=[text]": ("label", lambda i: ["ab"[i % 2]], [("a",), ("b",)]),
    "labels=texts": (
        "labels",
        lambda i: [["a", "b", "c"], ["b"]][i % 2],
        [("a", "b", "c"), ("b",)],
    ),
    "y=indicator": ("y", lambda i: np.array([[1, 0, 1], [0, 1, 0]][i % 2]), [(0, 2), (1,)]),
    "y=row": ("y", lambda i: np.array([[[1.0, 0, 1]], [[0, 1.0, 0]]][i % 2]), [(0, 2), (1,)]),
}


@pytest.mark.parametrize("case", LABELS_IN_FILES)
@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("name", SAVE)
def test_one_file_per_video_has_its_label(tmp_path, name, n, case):
    key, of_video, expected = LABELS_IN_FILES[case]
    if n == 1 and case in ("labels=texts", "y=indicator"):
        pytest.skip("they may be those of several videos of one frame")

    for i in range(n):
        arrays = {"clip": np.full((4 - i % 2, 2), i, "f"), key: of_video(i)}
        SAVE[name](tmp_path / f"v{i}{name[1:]}", arrays)
    videos = load_embeddings(tmp_path)
    assert videos.target == [expected[i % 2] for i in range(n)]
    assert videos.ids.tolist() == [f"v{i}" for i in range(n)]
    assert [len(video["clip"]) for video in videos.data] == [4 - i % 2 for i in range(n)]
    assert [video["clip"][0, 0] for video in videos.data] == list(range(n))


def test_one_file_per_video_may_have_its_id(tmp_path):
    for i, video in enumerate(IDS):
        save_npz(tmp_path / f"{i}.npz", {"clip": VIDEOS["clip"][i], "id": video, "y": i % 2})
    videos = load_embeddings(tmp_path)
    assert (videos.ids.tolist(), videos.target) == (IDS, [(i % 2,) for i in range(N)])
    write_labels(tmp_path / "labels.csv", zip(range(N), LABELS, strict=True), "file,labels")
    assert load_embeddings(tmp_path).target == [(label,) for label in LABELS]


@pytest.mark.parametrize("labels", [["a", "b", "a"], [0, 1, 0]])
def test_files_of_several_videos_of_one_frame_stay_so(tmp_path, labels):
    for i in range(2):
        save_npz(tmp_path / f"{i}.npz", {"clip": np.full((3, 2), i, "f"), "labels": labels})
    videos = load_embeddings(tmp_path)
    assert videos.target == [(label,) for label in labels] * 2
    assert videos.data.lengths("clip").tolist() == [1] * 6


def test_arrays_in_a_group_have_all_videos(tmp_path):
    arrays = {"features": {"clip": np.ones((3, 2, 4))}, "labels": np.array([1, 2, 1])}
    for name in ("x.pt", "x.h5"):
        bunch = load_embeddings(SAVE[name](tmp_path / name, arrays))
        assert (bunch.data.n_features, bunch.target) == ({"clip": 4}, [(1,), (2,), (1,)])


# Errors -------------------------------------------------------------------------------------


@dataclass
class Unsafe:
    x: int = 0


def test_pickled_objects_are_refused_with_the_reason(tmp_path):
    ragged = np.empty(2, object)
    ragged[:] = [np.ones((2, 3)), np.ones((1, 3))]
    np.savez(tmp_path / "a.npz", clip=ragged)
    with pytest.raises(
        ValueError, match=r"a\.npz, 'clip' contains Python objects, .*clip_lengths="
    ):
        load_embeddings(tmp_path / "a.npz")
    np.save(tmp_path / "a.npy", ragged)
    with pytest.raises(ValueError, match=r"a\.npy contains Python objects"):
        load_embeddings(tmp_path / "a.npy")
    (tmp_path / "a.pkl").write_bytes(b"")
    with pytest.raises(
        ValueError, match=r"a\.pkl is a pickle and is not read, as it may run code"
    ):
        load_embeddings(tmp_path / "a.pkl")
    torch.save({"clip": Unsafe()}, tmp_path / "a.pt")
    with pytest.raises(
        ValueError, match=r"a\.pt contains other objects than tensors, .*may run code"
    ):
        load_embeddings(tmp_path / "a.pt")


@pytest.mark.parametrize("name", ["a.npz", "a.npy", "a.pt", "a.h5"])
def test_damaged_files_are_named(tmp_path, name):
    if name == "a.h5":
        pytest.importorskip("h5py", reason="h5py is optional")
    (tmp_path / name).write_bytes(b"nonsense" * 20)
    with pytest.raises(ValueError, match=rf"{name} (is damaged|contains other objects)"):
        load_embeddings(tmp_path / name)


def test_frames_of_nan_at_the_end_are_padding(tmp_path):
    clip = np.arange(12.0).reshape(3, 2, 2)
    clip[0, 1:], clip[2] = np.nan, np.nan
    videos = load_embeddings(save_npz(tmp_path / "a.npz", {"clip": clip}))
    assert videos.data.lengths("clip").tolist() == [1, 2, 0]
    np.testing.assert_array_equal(videos.data[0]["clip"], clip[0, :1])


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({"clip": np.ones((3, 2, 4)), "clap": np.ones((2, 2, 4))}, {}, "different numbers"),
        ({"clip": np.ones((3, 2, 4)), "id": ["a"]}, {}, r"different numbers .*'clip': 3, 'id': 1"),
        ({"clip": np.ones((3, 2, 4))}, {"labels": "tags"}, r"no labels 'tags', only clip"),
        ({"clip": np.ones((3, 2, 4))}, {"modalities": ["clap"]}, r"no modality 'clap', only clip"),
        ({"clip": np.array([[[np.nan, 1.0]]] * 3)}, {}, r"'clip', video 0: a number is NaN"),
        ({"clip": np.full((3, 2, 4), 1e300)}, {}, r"video 0: .*infinite as float32"),
        ({"words": np.array(["a", "b"])}, {}, r"a\.npz has no column of float frames"),
        ({"clip": np.ones((3, 2, 4)), "labels": np.eye(3) / 2}, {}, r"'labels' of shape \(3, 3\)"),
        ({"clip": np.ones((3, 2, 4)), "labels": np.ones(3) / 2}, {}, "must be strings or int"),
        ({"clip": np.ones((5, 4)), "clip_lengths": np.array([2, 2])}, {}, "say 4 frames in all"),
        ({"clip": np.ones((3, 2, 4))}, {"labels": "no.csv"}, r"no\.csv"),
    ],
)  # fmt: skip
def test_wrong_arrays_name_file_and_array(tmp_path, arrays, options, message):
    path = save_npz(tmp_path / "a.npz", arrays)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        load_embeddings(path, **options)


def test_wrong_tables_of_labels_raise_an_error(tmp_path):
    folder = save_tree(tmp_path / "tree", by_modality())
    rows = list(zip(IDS, LABELS, strict=True))
    write_labels(folder / "labels.csv", rows[1:])
    with pytest.raises(
        ValueError, match=r"labels\.csv has no row for 1 of 9 videos .* 'v0'; it has"
    ):
        load_embeddings(folder)
    write_labels(folder / "labels.csv", rows, "id,tags")
    with pytest.raises(ValueError, match=r"no column 'labels' or 'label' .*\['id', 'tags'\]"):
        load_embeddings(folder)
    write_labels(folder / "labels.csv", rows, "name,labels")
    with pytest.raises(ValueError, match=r"no column 'id' or .* of ids"):
        load_embeddings(folder)
    check(load_embeddings(folder, ids="name"))
    path = save_npz(tmp_path / "a.npz", flat())
    with pytest.raises(ValueError, match=r"a\.npz has no ids, which say whose labels are in"):
        load_embeddings(path, labels=str(folder / "labels.csv"), ids="name")


def test_files_of_stores_are_not_read_as_arrays(tmp_path):
    path = save_npz(tmp_path / "a.npz", flat())
    load_embeddings(path, store=tmp_path / "stores" / "a")
    with pytest.raises(ValueError, match="stores has no files of arrays but those of stores"):
        load_embeddings(tmp_path / "stores")
    folder = save_tree(tmp_path / "tree", by_modality())
    load_embeddings(folder, store=folder / "store")
    check(load_embeddings(folder, store=folder / "store"), labels=False)


def test_frames_of_another_width_are_named(tmp_path):
    arrays = {"clip": {"a": np.ones((2, 3)), "b": np.ones((2, 4)), "c": np.ones((2, 3))}}
    folder = save_tree(tmp_path / "tree", arrays)
    message = r"'clip', video 'b' must be numbers of shape \(T, 3\), got \(2, 4\)"
    with pytest.raises(ValueError, match=message):
        load_embeddings(folder)


# The command line ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.npz", "x.pt", "x.h5", "tree"])
def test_commands_take_files_of_arrays(tmp_path, name, capsys):
    if name == "tree":
        data = save_tree(tmp_path / name, by_modality())
        write_labels(data / "labels.csv", zip(IDS, LABELS, strict=True), "file,labels")
    else:
        data = SAVE[name](tmp_path / name, {**flat(), "id": IDS, "labels": LABELS})

    def run(*arguments):
        return main([str(argument) for argument in arguments])

    assert run("info", data) == 0
    out = capsys.readouterr().out
    assert "videos: 9\n" in out
    assert "kind: arrays" in out
    assert "ids: such as v0" in out
    assert run("convert", data, tmp_path / "store") == 0
    check(load_store(tmp_path / "store"))
    small = ["--epochs", "1", "--fusion", "late", "--set", "d_model=8", "--set", "n_heads=2"]
    assert run("train", data, tmp_path / "model", *small) == 0
    assert list(load_model(tmp_path / "model").hierarchy_.nodes) == [
        "Music",
        "Music:Piano",
        "Sport",
    ]
    assert run("predict", tmp_path / "model", data, tmp_path / "out.csv") == 0
    assert len((tmp_path / "out.csv").read_text().splitlines()) == N + 1


# Real data ----------------------------------------------------------------------------------


def test_real_folder_of_files(data_dir):
    if not (folder := data_dir / "corsmal").is_dir():
        pytest.skip(f"no recordings in {folder}")
    bunch = load_embeddings(folder)
    assert bunch.data.n_features == {"audio": 128, "video": 512}
    assert len(bunch.data) == 456
    row = bunch.ids.tolist().index("1/s0_fi1_fu2_b0_l1")
    written = np.load(folder / "video" / "1" / "s0_fi1_fu2_b0_l1_c1_rgb.npy")
    np.testing.assert_array_equal(bunch.data[row]["video"], written)
