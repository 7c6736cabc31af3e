import os
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest
from sklearn.model_selection import train_test_split
from youtube8m_writer import (
    block,
    bytes_feature,
    float_feature,
    frame_level,
    framed,
    int_feature,
    sequence_example,
    video_level,
    write_shard,
)

from sk_crossmodal.datasets import load_youtube8m, youtube8m_hierarchy
from sk_crossmodal.hierarchy import HierarchyLabelBinarizer
from sk_crossmodal.multimodal import MultimodalArray, Store

COLUMNS = "Index,KnowledgeGraphId,Name,Vertical1,Vertical2,Vertical3\n"


def random_frames(rng, n_frames, width):
    return [rng.bytes(width) for _ in range(n_frames)]


def as_uint8(frames, width):
    return np.frombuffer(b"".join(frames), np.uint8).reshape(-1, width)


# Video-level ------------------------------------------------------------------------------


def test_video_level_comes_back_as_written(tmp_path):
    rng = np.random.default_rng(0)
    rgb = rng.normal(size=(5, 1024)).astype(np.float32)
    audio = rng.normal(size=(5, 128)).astype(np.float32)
    labels = [(0,), (3861, 5), (2, 1, 128, 300), (), (7,)]
    payloads = [
        video_level(f"v{i}é".encode(), labels[i], rgb[i], audio[i]) for i in range(len(labels))
    ]
    bunch = load_youtube8m(write_shard(tmp_path / "a.tfrecord", payloads))
    assert isinstance(bunch.data, MultimodalArray)
    assert bunch.data.shape == (5,)
    assert bunch.data.n_features == {"video": 1024, "audio": 128}
    for i in range(5):
        np.testing.assert_array_equal(bunch.data[i]["video"], rgb[[i]])
        np.testing.assert_array_equal(bunch.data[i]["audio"], audio[[i]])
    assert bunch.data[0]["video"].dtype == np.float32
    assert bunch.target == [(0,), (5, 3861), (1, 2, 128, 300), (), (7,)]
    assert bunch.ids.tolist() == [f"v{i}é" for i in range(5)]
    assert (bunch.level, bunch.n_skipped, bunch.skipped) == ("video", 0, [])
    assert bunch.data.rates is None


def test_data_and_target_alone(tmp_path):
    path = write_shard(tmp_path / "a.tfrecord", [video_level(labels=(4,)), video_level(b"b")])
    X, y = load_youtube8m(path, return_X_y=True)
    assert len(X) == 2
    assert y == [(4,), (3, 7)]


def test_labels_are_sorted_and_unique(tmp_path):
    path = write_shard(tmp_path / "a.tfrecord", [video_level(labels=(7, 3, 7, 3, 7))])
    assert load_youtube8m(path).target == [(3, 7)]


def test_older_and_unpacked_writers_are_read(tmp_path):
    payload = video_level(
        id=None,
        video_id=bytes_feature(b"older"),
        labels=int_feature([1, 300], packed=False),
        mean_rgb=float_feature(np.arange(1024), packed=False),
    )
    bunch = load_youtube8m(write_shard(tmp_path / "a.tfrecord", [payload]))
    assert bunch.ids.tolist() == ["older"]
    assert bunch.target == [(1, 300)]
    np.testing.assert_array_equal(bunch.data[0]["video"], [np.arange(1024)])


@pytest.mark.parametrize("labels", [None, int_feature([]), b""])
def test_videos_without_labels_load(tmp_path, labels):
    bunch = load_youtube8m(write_shard(tmp_path / "t.tfrecord", [video_level(labels=labels)]))
    assert bunch.target == [()]


def test_data_survives_splits_and_pickle(tmp_path):
    path = write_shard(tmp_path / "a.tfrecord", [video_level(b"%d" % i, (i,)) for i in range(6)])
    X, y = load_youtube8m(path, return_X_y=True)
    X_train, _, y_train, _ = train_test_split(X, y, random_state=0)
    assert len(X_train) == len(y_train) == 4
    copy = pickle.loads(pickle.dumps(X))
    np.testing.assert_array_equal(copy[3]["audio"], X[3]["audio"])


# Frame-level ------------------------------------------------------------------------------


def test_frame_level_comes_back_dequantised(tmp_path):
    rng = np.random.default_rng(1)
    lengths = [(3, 3), (1, 1), (5, 4), (0, 2)]
    frames = [(random_frames(rng, v, 1024), random_frames(rng, a, 128)) for v, a in lengths]
    payloads = [
        frame_level(b"f%d" % i, (i, i + 10), rgb, audio) for i, (rgb, audio) in enumerate(frames)
    ]
    bunch = load_youtube8m(write_shard(tmp_path / "f.tfrecord", payloads))
    assert bunch.level == "frame"
    assert bunch.data.rates == {"video": 1.0, "audio": 1.0}
    assert bunch.target == [(0, 10), (1, 11), (2, 12), (3, 13)]
    assert bunch.data.lengths("video").tolist() == [3, 1, 5, 0]
    assert bunch.data.lengths("audio").tolist() == [3, 1, 4, 2]
    low, high = -2, 2
    for i, (rgb, audio) in enumerate(frames):
        for name, flat in (("video", as_uint8(rgb, 1024)), ("audio", as_uint8(audio, 128))):
            got = bunch.data[i][name]
            expected = flat.astype(float) * (high - low) / 255 + (high - low) / 512 + low
            assert got.dtype == np.float32
            np.testing.assert_allclose(got, expected, atol=1e-6)


def test_frames_are_kept_in_eight_bits(tmp_path):
    payload = frame_level(rgb=[bytes(1024)] * 2, audio=[bytes(128)] * 2)
    data = load_youtube8m(write_shard(tmp_path / "f.tfrecord", [payload])).data
    assert "of 1024 uint8" in repr(data)


def test_modality_without_any_frame_is_empty(tmp_path):
    path = write_shard(tmp_path / "f.tfrecord", [frame_level(rgb=[bytes(1024)], audio=[])])
    assert load_youtube8m(path).data[0]["audio"].shape == (0, 128)


def test_max_frames_keeps_the_first(tmp_path):
    rng = np.random.default_rng(2)
    rgb, audio = random_frames(rng, 300, 1024), random_frames(rng, 300, 128)
    payloads = [frame_level(name, rgb=rgb, audio=audio) for name in (b"a", b"b")]
    path = write_shard(tmp_path / "f.tfrecord", payloads)
    whole = load_youtube8m(path).data
    cut = load_youtube8m(path, max_frames=7).data
    assert whole.lengths("audio").tolist() == [300, 300]
    assert cut.lengths("audio").tolist() == [7, 7]
    np.testing.assert_array_equal(cut[1]["video"], whole[1]["video"][:7])


@pytest.mark.parametrize(
    ("value", "error"), [(0, ValueError), (2.0, TypeError), (True, TypeError)]
)
def test_invalid_max_frames_raises_an_error(tmp_path, value, error):
    with pytest.raises(error, match="max_frames"):
        load_youtube8m(tmp_path, max_frames=value)


def test_segment_rated_shards_load_with_video_labels(tmp_path):
    context = {
        "segment_labels": int_feature([99]),
        "segment_start_times": int_feature([5]),
        "segment_end_times": int_feature([10]),
        "segment_scores": float_feature([1.0]),
    }
    payload = frame_level(rgb=[bytes(1024)], audio=[bytes(128)], context=context)
    assert load_youtube8m(write_shard(tmp_path / "s.tfrecord", [payload])).target == [(3, 7)]


def test_levels_cannot_be_mixed_even_if_errors_are_skipped(tmp_path):
    write_shard(tmp_path / "a.tfrecord", [video_level()])
    write_shard(tmp_path / "b.tfrecord", [frame_level(rgb=[bytes(1024)], audio=[bytes(128)])])
    with pytest.raises(ValueError, match=r"b\.tfrecord, byte 0: a frame-level record among video"):
        load_youtube8m(tmp_path, on_error="skip")


# Records that are intact and wrong --------------------------------------------------------

WRONG = {
    "no protobuf": (b"\x0a\xff nonsense", "no tf.train.Example or SequenceExample"),
    "group without end": (b"\x0b", "no tf.train.Example or SequenceExample"),
    "empty": (b"", "'mean_rgb' is missing"),
    "no id": (video_level(id=None), "'id' is missing"),
    "two ids": (video_level(id=bytes_feature(b"a", b"b")), "'id' is not one string"),
    "empty id": (video_level(b""), "'id' is not one string"),
    "id of numbers": (video_level(id=int_feature([1])), "'id' is not one string"),
    "long id": (video_level(b"x" * 256), "'id' has 256 bytes, expected 255 at most"),
    "id with a zero": (video_level(b"abcd\0"), r"'id' contains a null character: b'abcd\\x00'"),
    "id not UTF-8": (video_level(b"\xff\xfe"), "'id' is not UTF-8"),
    "key not UTF-8": (block(1, block(1, block(1, b"\xff"))), "no tf.train.Example"),
    "float labels": (video_level(labels=float_feature([1.0])), "'labels' is not a list of int64"),
    "huge label": (video_level(labels=int_feature([2**31])), "beyond 32 bits: 2147483648"),
    "negative label": (
        video_level(labels=int_feature([3, -2])),
        "below 0 or beyond 32 bits: -2",
    ),
    "no mean_rgb": (video_level(mean_rgb=None), "'mean_rgb' is missing"),
    "no mean_audio": (video_level(mean_audio=None), "'mean_audio' is missing"),
    "narrow": (video_level(rgb=[1.0] * 1023), "'mean_rgb' has 1023 floats, expected 1024"),
    "wide": (video_level(audio=[1.0] * 129), "'mean_audio' has 129 floats, expected 128"),
    "bytes for floats": (video_level(mean_rgb=bytes_feature(b"a")), "'mean_rgb' has 0 floats"),
    "NaN": (
        video_level(rgb=[np.nan] + [0.0] * 1023),
        "'mean_rgb' has numbers that are not finite",
    ),
    "infinite": (
        video_level(audio=[np.inf] * 128),
        "'mean_audio' has numbers that are not finite",
    ),
}
WRONG_FRAMES = {
    "no rgb": (frame_level(rgb=None, audio=[bytes(128)]), "'rgb' is missing"),
    "no audio": (frame_level(rgb=[bytes(1024)], audio=None), "'audio' is missing"),
    "narrow": (
        frame_level(rgb=[bytes(1024), bytes(1000)], audio=[bytes(128)]),
        r"frame 1 of 'rgb' has \[1000\] bytes, expected \[1024\]",
    ),
    "two strings": (
        sequence_example(
            {"id": bytes_feature(b"a")},
            {"rgb": [], "audio": [bytes_feature(bytes(128), bytes(128))]},
        ),
        r"frame 0 of 'audio' has \[128, 128\] bytes",
    ),
    "floats": (
        sequence_example(
            {"id": bytes_feature(b"a")},
            {"rgb": [float_feature([0.0] * 1024)], "audio": []},
        ),
        r"frame 0 of 'rgb' has \[\] bytes",
    ),
    "no id": (
        sequence_example({}, {"rgb": [bytes_feature(bytes(1024))], "audio": []}),
        "'id' is missing",
    ),
}


def check_wrong_record(path, good, wrong, reason, other):
    write_shard(path, [good, wrong, other])
    offset = len(framed(good))
    with pytest.raises(ValueError, match=rf"x\.tfrecord, byte {offset}: .*{reason}"):
        load_youtube8m(path)
    bunch = load_youtube8m(path, on_error="skip")
    assert len(bunch.data) == len(bunch.target) == len(bunch.ids) == 2
    assert bunch.n_skipped == 1
    assert bunch.skipped[0][:2] == (str(path), offset)


@pytest.mark.parametrize("case", WRONG)
def test_wrong_video_level_record_raises_an_error_with_its_place(tmp_path, case):
    check_wrong_record(tmp_path / "x.tfrecord", video_level(b"a"), *WRONG[case], video_level(b"b"))


@pytest.mark.parametrize("case", WRONG_FRAMES)
def test_wrong_frame_level_record_raises_an_error_with_its_place(tmp_path, case):
    good, other = (
        frame_level(name, rgb=[bytes(1024)], audio=[bytes(128)]) for name in (b"a", b"b")
    )
    check_wrong_record(tmp_path / "x.tfrecord", good, *WRONG_FRAMES[case], other)


def test_every_kind_of_damage_is_counted_across_shards(tmp_path):
    a, b, c, d, e = (framed(video_level(b"%d" % i)) for i in range(5))
    size = len(a)
    (tmp_path / "a.tfrecord").write_bytes(a + a[:-1] + b"\x00" + b)  # payload checksum
    (tmp_path / "b.tfrecord").write_bytes(c + b"\xff" + c[1:] + d)  # length
    (tmp_path / "c.tfrecord").write_bytes(a[:100])  # truncated
    (tmp_path / "d.tfrecord").write_bytes(b"")
    (tmp_path / "e.tfrecord").write_bytes(e + framed(b"junk"))
    bunch = load_youtube8m(tmp_path, on_error="skip")
    assert bunch.ids.tolist() == list("01234")
    files = [(path[-10], offset) for path, offset, _ in bunch.skipped]
    assert files == [("a", size), ("b", size), ("c", 0), ("d", 0), ("e", size)]
    assert bunch.n_skipped == 5


def test_duplicate_video_in_a_shard_is_damage(tmp_path):
    payloads = [video_level(name, labels=(1,)) for name in (b"a", b"b", b"a", b"c", b"b")]
    path = write_shard(tmp_path / "x.tfrecord", payloads)
    size = len(framed(payloads[0]))
    with pytest.raises(ValueError, match=rf"x\.tfrecord, byte {2 * size}: the video 'a' is at "):
        load_youtube8m(path)
    bunch = load_youtube8m(path, on_error="skip")
    assert bunch.ids.tolist() == ["a", "b", "c"]
    assert [offset for _, offset, _ in bunch.skipped] == [2 * size, 4 * size]
    assert bunch.skipped[1][2] == f"the video 'b' is at byte {size} already"


@pytest.mark.parametrize("on_error", ["raise", "skip"])
@pytest.mark.parametrize("store", [None, "store"])
def test_video_in_two_shards_always_raises_an_error(tmp_path, on_error, store):
    write_shard(tmp_path / "a.tfrecord", [video_level(b"a"), video_level(b"b")])
    write_shard(tmp_path / "b.tfrecord", [video_level(b"c"), video_level(b"a")])
    write_shard(tmp_path / "c.tfrecord", [b"junk"])
    paths = [tmp_path / f"{name}.tfrecord" for name in ("abc" if on_error == "skip" else "ab")]
    options = {"on_error": on_error, "store": store and tmp_path / store}
    for _ in range(2):
        with pytest.raises(
            ValueError, match=r"b\.tfrecord, byte \d+: the video 'a' is in .*a\.tf"
        ):
            load_youtube8m(paths, **options)
    if store:
        with pytest.raises(ValueError, match="not finished"):
            Store.open(tmp_path / store)


def test_shards_without_any_video_raise_an_error(tmp_path):
    path = write_shard(tmp_path / "a.tfrecord", [b"junk"])
    with pytest.raises(ValueError, match=r"no video could be read from 1 shard.*a\.tfrecord"):
        load_youtube8m(path, on_error="skip")


def test_random_damage_raises_only_value_errors(tmp_path):
    rng = np.random.default_rng(3)
    path = tmp_path / "x.tfrecord"
    whole = b"".join([framed(video_level(b"v%d" % i)) for i in range(3)])
    for _ in range(150):
        data = bytearray(whole)
        for position in rng.integers(len(data), size=rng.integers(1, 4)):
            data[position] ^= int(rng.integers(1, 256))
        path.write_bytes(data[: rng.integers(1, len(data) + 1)])
        with pytest.raises(ValueError, match=r"x\.tfrecord"):
            load_youtube8m(path)


def test_random_protobuf_bytes_are_skipped(tmp_path):
    # The checksums are right here, so that the parser itself meets the damage.
    rng = np.random.default_rng(4)
    path = tmp_path / "x.tfrecord"
    payload = video_level()
    for _ in range(60):
        data = bytearray(payload)
        for position in rng.integers(60, size=2):
            data[position] = int(rng.integers(256))
        bunch = load_youtube8m(
            write_shard(path, [bytes(data), video_level(b"b")]), on_error="skip"
        )
        assert len(bunch.data) + bunch.n_skipped == 2


# Paths ------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    for name in ("train2", "train1", "other"):
        write_shard(tmp_path / f"{name}.tfrecord", [video_level(name.encode())])
    (tmp_path / "notes.txt").write_text("no shard")
    (tmp_path / "below").mkdir()
    write_shard(tmp_path / "below" / "deep.tfrecord", [video_level(b"deep")])
    return tmp_path


def test_paths_may_be_folders_patterns_files_and_lists(folder):
    def ids(paths):
        return load_youtube8m(paths).ids.tolist()

    assert ids(folder) == ids(str(folder)) == ["other", "train1", "train2"]
    assert ids(f"{folder}/train*.tfrecord") == ["train1", "train2"]
    assert ids(f"{folder}/**/deep*") == ["deep"]
    assert ids(folder / "train2.tfrecord") == ["train2"]
    assert ids([folder / "train2.tfrecord", f"{folder}/o*"]) == ["train2", "other"]
    assert ids(p for p in [folder / "below"]) == ["deep"]


def test_shard_with_magic_characters_in_its_name_is_found(tmp_path):
    path = write_shard(tmp_path / "a[1].tfrecord", [video_level()])
    assert len(load_youtube8m(path).data) == 1


def test_paths_without_shards_raise_an_error(folder):
    (folder / "bare").mkdir()
    with pytest.raises(FileNotFoundError, match="missing"):
        load_youtube8m(folder / "missing.tfrecord")
    with pytest.raises(ValueError, match=r"bare has no \*\.tfrecord"):
        load_youtube8m(folder / "bare")
    with pytest.raises(ValueError, match=r"valid\* matches no files"):
        load_youtube8m(f"{folder}/valid*")
    with pytest.raises(ValueError, match="paths is empty"):
        load_youtube8m([])
    with pytest.raises(ValueError, match=r"train1\.tfrecord is listed twice"):
        load_youtube8m([folder, folder / "train1.tfrecord"])


@pytest.mark.parametrize("paths", [None, 3, b"bytes", [3], [b"bytes"]])
def test_paths_of_wrong_type_raise_type_error(paths):
    with pytest.raises(TypeError, match="path"):
        load_youtube8m(paths)


@pytest.mark.parametrize("within", [False, True])
def test_pipes_and_devices_raise_an_error(folder, within):
    os.mkfifo(folder / "pipe.tfrecord")
    if within:  # of a folder only the files are taken
        assert len(load_youtube8m(folder).ids) == 3
        return
    for path in (folder / "pipe.tfrecord", "/dev/zero"):
        with pytest.raises(ValueError, match=f"must be a file or a folder of files, {path} is"):
            load_youtube8m(path)


def test_empty_shard_raises_an_error(folder):
    (folder / "empty.tfrecord").touch()
    with pytest.raises(ValueError, match=r"empty\.tfrecord, byte 0: the shard is empty"):
        load_youtube8m(folder)


# Real data --------------------------------------------------------------------------------


def test_real_shards(data_dir):
    shards = sorted((data_dir / "youtube8m" / "video_level").glob("*.tfrecord"))[:2]
    bunch = load_youtube8m(shards)
    sizes = [len(load_youtube8m(shard).data) for shard in shards]
    assert len(bunch.data) == sum(sizes) == len(set(bunch.ids)) > 400
    assert bunch.data.n_features == {"video": 1024, "audio": 128}
    flat = [label for labels in bunch.target for label in labels]
    assert 0 <= min(flat) <= max(flat) <= 3861
    assert {1} <= set(map(len, bunch.target)) <= set(range(1, 20))
    rows = np.stack([bunch.data[i]["video"][0] for i in range(50)])
    assert rows.std() > 0.1


def test_first_real_record_read_by_hand(data_dir):
    shard = sorted((data_dir / "youtube8m" / "video_level").glob("*.tfrecord"))[0]
    raw = shard.read_bytes()
    floats = raw[raw.index(b"mean_rgb") + 8 :]
    # The value of the map entry, the float list, the packed numbers: a tag and two bytes of
    # length each, then 1,024 floats.
    assert [floats[i] for i in (0, 3, 6)] == [0x12, 0x12, 0x0A]
    expected = struct.unpack("<1024f", floats[9 : 9 + 4096])
    np.testing.assert_array_equal(load_youtube8m(shard).data[0]["video"][0], expected)


def test_real_vocabulary(data_dir):
    hierarchy = youtube8m_hierarchy(data_dir / "youtube8m" / "labels" / "vocabulary.csv")
    assert len(hierarchy) == 3862 + 25
    assert len(hierarchy.roots) == 25
    assert hierarchy.n_levels == 2
    assert hierarchy.nodes[25:] == tuple(range(3862))
    n_parents = [len(hierarchy.parents(i)) for i in range(3862)]
    assert sum(n > 1 for n in n_parents) == 584
    assert set(n_parents) == {1, 2, 3}
    assert "(Unknown)" in hierarchy.roots
    assert len(hierarchy.children("(Unknown)")) == 138
    assert hierarchy.display_names[25] == "Game"
    assert hierarchy.root_matrix().sum() == 25 + sum(n_parents)
    assert len(set(hierarchy.display_names)) == len(hierarchy)


def test_real_labels_fit_the_real_hierarchy(data_dir):
    root = data_dir / "youtube8m"
    hierarchy = youtube8m_hierarchy(root / "labels" / "vocabulary.csv")
    _, y = load_youtube8m(root / "video_level" / "validate0003.tfrecord", return_X_y=True)
    binarizer = HierarchyLabelBinarizer(hierarchy=hierarchy, sparse_output=True).fit(y)
    Y = binarizer.transform(y)
    assert Y.shape == (len(y), 3887)
    assert binarizer.inverse_transform(Y) == [tuple(sorted(labels)) for labels in y]
    top = Y[:, :25].toarray()
    for i, labels in enumerate(y):
        verticals = {parent for label in labels for parent in hierarchy.parents(label)}
        assert {hierarchy.nodes[j] for j in np.flatnonzero(top[i])} == verticals


# Vocabulary -------------------------------------------------------------------------------


@pytest.fixture
def vocabulary(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "vocabulary.csv"
        path.write_text(text, encoding=encoding)
        return path

    return write


def test_vocabulary_with_quotes_gaps_and_many_parents(vocabulary):
    path = vocabulary(
        COLUMNS.strip() + ",WikiDescription\n"
        '2,/m/c,"Chess, the\nold ""game""",Games,Sports,Games,"one\n\ntwo"\n'
        "0,/m/a,,Games,,,\n"
        "1,,, ,,,\n"
        "5,/m/f,Short",
        encoding="utf-8-sig",
    )
    hierarchy = youtube8m_hierarchy(path)
    assert hierarchy.nodes == ("(Unknown)", "Games", "Sports", 0, 1, 2, 5)
    assert hierarchy.parents(2) == ("Games", "Sports")
    assert hierarchy.parents(1) == hierarchy.parents(5) == ("(Unknown)",)
    assert hierarchy.display_names[3:] == ["/m/a", "1", 'Chess, the\nold "game"', "Short"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Index,Name,Vertical2,Vertical3\n", "lacks the columns KnowledgeGraphId, Vertical1"),
        ("", "lacks the columns Index"),
        (COLUMNS, "has no entities"),
        (COLUMNS + "x,/m/a,A,Games,,\n", "line 2: the Index must be .*'x'"),
        (COLUMNS + "-1,/m/a,A,Games,,\n", "line 2: the Index must be .*'-1'"),
        (COLUMNS + "1,/m/a,A,Games,,\n1,/m/b,B,Games,,\n", "line 3: the Index 1 is given twice"),
    ],
)
def test_wrong_vocabularies_raise_an_error(vocabulary, text, message):
    with pytest.raises(ValueError, match=message):
        youtube8m_hierarchy(vocabulary(text))


def test_messages_are_not_in_the_default_protobuf_pool():
    # TensorFlow registers its own there, and two of one name would clash.
    code = (
        "import sk_crossmodal.datasets\n"
        "from google.protobuf import descriptor_pool\n"
        "pool = descriptor_pool.Default()\n"
        "for name in ('tensorflow.Example', 'sk_crossmodal.tfrecord.Record'):\n"
        "    try:\n"
        "        pool.FindMessageTypeByName(name)\n"
        "    except KeyError:\n"
        "        continue\n"
        "    raise SystemExit(name)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))
