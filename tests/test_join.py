"""Modalities of several files side by side, and stores one behind the other."""

import pickle
import re

import numpy as np
import pytest
from estimator_cases import make_videos, rows_of
from sklearn.utils import Bunch
from table_cases import table_of, write
from youtube8m_writer import frame_level, write_shard

from sk_crossmodal.cli import main
from sk_crossmodal.datasets import (
    concatenate_videos,
    join_modalities,
    load_embeddings,
    load_store,
    load_youtube8m,
)
from sk_crossmodal.multimodal import MultimodalArray, as_multimodal
from sk_crossmodal.store import StoredFrames


def run(*arguments):
    return main([str(argument) for argument in arguments])


def arrays_of(X, i):
    return {name: frames.tolist() for name, frames in X[i].items()}


def expect(X, parts):
    """X has the videos of the parts in order."""
    expected = [arrays_of(part, i) for part in parts for i in range(len(part))]
    assert [arrays_of(X, i) for i in range(len(X))] == expected


@pytest.fixture
def halves():
    videos = make_videos(12)
    return [videos.data[:5], videos.data[[9, 7, 11]]]


@pytest.fixture
def forbid_reading(monkeypatch):
    def fail(*args):
        raise AssertionError("frames were read")

    return lambda: [monkeypatch.setattr(StoredFrames, n, fail) for n in ("read_into", "read_each")]


# One behind the other -----------------------------------------------------------------------


def test_containers_in_memory_are_concatenated(halves):
    expect(MultimodalArray.concatenate(halves), halves)
    expect(MultimodalArray.concatenate([halves[1]]), halves[1:])
    swapped = halves[1].select(halves[1].modality_names[::-1])
    whole = MultimodalArray.concatenate([halves[0], swapped])
    assert whole.modality_names == halves[0].modality_names
    expect(whole, halves)


def test_stores_are_concatenated_without_reading(halves, tmp_path, monkeypatch, forbid_reading):
    paths = [tmp_path / name for name in "ab"]
    for X, path in zip(halves, paths, strict=True):
        X.save(path)
    stored = [MultimodalArray.open(path) for path in paths]
    # A selection, the same store again, and a container that was concatenated before.
    given = [stored[0][[4, 0]], stored[1], MultimodalArray.open(paths[0])]
    with monkeypatch.context():
        forbid_reading()
        both = MultimodalArray.concatenate(given)
        again = MultimodalArray.concatenate([both[3:], stored[1]])
    monkeypatch.undo()
    expect(both, [halves[0][[4, 0]], halves[1], halves[0]])
    expect(again, [halves[1][1:], halves[0], halves[1]])
    expect(pickle.loads(pickle.dumps(again)), [halves[1][1:], halves[0], halves[1]])
    again.save(tmp_path / "again")
    assert MultimodalArray.open(tmp_path / "again").digest() == again.digest()
    frames, _ = both.pad([2, 5, 0])
    expected, _ = MultimodalArray.concatenate([halves[1], halves[0], halves[0]]).pad([0, 3, 7])
    for name, values in frames.items():
        np.testing.assert_array_equal(values, expected[name])


def test_quantised_and_sliced_stores_are_concatenated(tmp_path):
    rng = np.random.default_rng(0)
    X = MultimodalArray.from_frames(
        {"a": rng.integers(0, 256, (6, 4), np.uint8)},
        {"a": [1, 3, 2]},
        quantization={"a": (0.5, -1)},
    )
    X.save(tmp_path / "a")
    X[::-1].save(tmp_path / "b")
    a, b = (MultimodalArray.open(tmp_path / name) for name in "ab")
    expect(MultimodalArray.concatenate([a, b]), [X, X[::-1]])
    columns = {"x": slice(1, 3)}
    parts = [a.select(columns), b.select(columns)]
    expect(MultimodalArray.concatenate(parts), [X.select(columns), X[::-1].select(columns)])
    with pytest.raises(ValueError, match="'x' must have the same dtype and columns"):
        MultimodalArray.concatenate([a.select(columns), b.select({"x": slice(0, 2)})])
    with pytest.raises(ValueError, match=r"'a' is in memory in some .*save the one in memory"):
        MultimodalArray.concatenate([a, X])
    values = MultimodalArray.from_frames({"a": np.ones((1, 4), np.uint8)}, {"a": [1]})
    with pytest.raises(ValueError, match=r"'a' must have the same scale .*, got \[0\.5, 1\.0\]"):
        MultimodalArray.concatenate([X, values])


def test_labels_and_ids_are_concatenated(tmp_path):
    tables = [table_of(make_videos(8, seed), ids=f"{seed}-") for seed in (0, 1)]
    parts = [
        load_embeddings(write(table, tmp_path / f"{i}.parquet"), store=tmp_path / f"s{i}")
        for i, table in enumerate(tables)
    ]
    both = concatenate_videos(parts)
    assert both.target == parts[0].target + parts[1].target
    assert both.ids.tolist() == [*parts[0].ids, *parts[1].ids]
    with pytest.raises(
        ValueError, match=r"the id '0-0' is given twice in the data of first.*another id"
    ):
        concatenate_videos([parts[0], parts[0]], names=["first", "second"])
    del parts[1]["target"]
    with pytest.raises(ValueError, match=r"some of \['data set 0', .*\] have target, others none"):
        concatenate_videos(parts)


@pytest.mark.parametrize("numbers_first", [False, True])
@pytest.mark.parametrize("join", [concatenate_videos, join_modalities])
def test_names_and_column_numbers_of_labels_together_raise(join, numbers_first):
    modalities = ("clip", "clap") if join is join_modalities else ("clip", "clip")
    targets = [[("x",), ()], [(), (1,)]]
    parts = [
        Bunch(data=as_multimodal({name: np.ones((2, 3, 4))}), target=target, ids=ids)
        for name, target, ids in zip(modalities, targets, [["a", "b"], ["c", "d"]], strict=True)
    ]
    names = ["names.pt", "numbers.pt"]
    if numbers_first:
        parts, names = parts[::-1], names[::-1]
    wanted = (
        "names.pt has labels that are strings, such as 'x', and numbers.pt numbers, such as 1,"
    )
    with pytest.raises(ValueError, match=re.escape(wanted) + ".*as in label_names="):
        join(parts, names=names)


# Side by side -------------------------------------------------------------------------------


def split_tables(tmp_path, suffix=".parquet"):
    """Two files of one modality each: the second lacks two videos and has one more."""
    table = table_of(make_videos(10))
    clip = table.select(["clip", "labels", "id"]).slice(0, 9)
    order = [9, 4, 1, 0, 2, 6, 8, 7]
    clap = table.select(["clap", "id"]).take(order)
    return write(clip, tmp_path / f"clip{suffix}"), write(clap, tmp_path / f"clap{suffix}"), order


@pytest.mark.parametrize("stored", [False, True])
def test_modalities_are_joined_by_id(tmp_path, stored, forbid_reading, monkeypatch):
    *files, order = split_tables(tmp_path)
    stores = [tmp_path / f"store{i}" if stored else None for i in range(2)]
    parts = [load_embeddings(f, store=store) for f, store in zip(files, stores, strict=True)]
    with monkeypatch.context():
        forbid_reading()
        joined = join_modalities(parts)
    monkeypatch.undo()
    videos = make_videos(10)
    assert joined.ids.tolist() == [f"v{i}" for i in range(10)]
    assert joined.n_missing == {"clip": 1, "clap": 2}
    assert joined.target == [*(tuple(labels) for labels in videos.target[:9]), ()]
    clip, clap = (rows_of(videos.data, name) for name in ("video", "audio"))
    for i in range(10):
        np.testing.assert_array_equal(joined.data[i]["clip"], clip[i] if i < 9 else clip[i][:0])
        np.testing.assert_array_equal(
            joined.data[i]["clap"], clap[i] if i in order else clap[i][:0]
        )


def test_wrong_joins_name_the_data(tmp_path):
    def data(name, ids, target=None):
        X = as_multimodal({name: np.ones((len(ids), 1, 2))})
        return Bunch(data=X, ids=ids, target=target)

    a, b = data("a", ["x", "y"], [("A",), ()]), data("b", ["y", "x"], [("B",), ("B",)])
    with pytest.raises(ValueError, match=r"labels of 'x' are \('A',\) in one and \('B',\) in two"):
        join_modalities([a, b], names=["one", "two"])
    same = data("b", ["y", "x"], [("B",), ("A",)])
    assert join_modalities([a, same]).target == [("A",), ("B",)]
    with pytest.raises(
        ValueError, match="id 'z' is given twice in data set 1; ids must be unique"
    ):
        join_modalities([a, data("b", ["z", "z"])])
    with pytest.raises(ValueError, match="modality 'a' is in several"):
        join_modalities([a, data("a", ["x"])])
    with pytest.raises(ValueError, match="data set 1 has no ids"):
        join_modalities([a, Bunch(data=b.data)])


def test_convert_joins_files_stores_and_shards(tmp_path, capsys):
    clip, clap, _ = split_tables(tmp_path)
    assert run("convert", clip, clap, tmp_path / "out", "--join", "id") == 0
    out = capsys.readouterr().out
    assert "out: 10 videos" in out
    assert "clip: missing for 1 of 10 videos\nclap: missing for 2 of 10 videos\n" in out
    expected = join_modalities([load_embeddings(clip), load_embeddings(clap)])
    store = load_store(tmp_path / "out")
    assert store.data.digest() == expected.data.digest()
    assert (store.target, store.ids.tolist()) == (expected.target, expected.ids.tolist())
    # From a store, with shards whose labels are numbers of another kind.
    assert run("convert", clap, tmp_path / "clap") == 0
    assert run("convert", clip, tmp_path / "clap", tmp_path / "out2", "--join", "id") == 0
    assert load_store(tmp_path / "out2").data.digest() == expected.data.digest()
    payloads = [frame_level(f"v{i}".encode(), (), [bytes(1024)], [bytes(128)]) for i in (3, 12)]
    shard = write_shard(tmp_path / "a.tfrecord", payloads)
    assert (
        run(
            "convert", clip, shard, tmp_path / "out3", "--join", "id", "--modalities", "clip,audio"
        )
        == 0
    )
    joined = load_store(tmp_path / "out3")
    assert joined.data.modality_names == ("clip", "audio")
    assert joined.data.lengths("audio").tolist() == [0, 0, 0, 1, *[0] * 5, 1]


@pytest.mark.parametrize("join", ["key", "id"])
def test_join_by_another_column(tmp_path, join, capsys):
    clip, clap, _ = split_tables(tmp_path)
    for path in (clip, clap):
        table = load_table(path)
        names = ["key" if name == "id" else name for name in table.column_names]
        write(table.rename_columns(names), path)
    code = run("convert", clip, clap, tmp_path / "out", "--join", join)
    assert code == (join == "id")
    if join == "id":
        assert (
            "clip.parquet has no ids, which say what belongs together" in capsys.readouterr().err
        )
        assert not (tmp_path / "out").exists()


def load_table(path):
    return pytest.importorskip("pyarrow.parquet").read_table(path)


def test_convert_and_train_take_several_stores(tmp_path, capsys):
    stores = []
    for seed in (0, 1):
        table = write(
            table_of(make_videos(24, seed), ids=f"{seed}-"), tmp_path / f"{seed}.parquet"
        )
        stores.append(tmp_path / f"store{seed}")
        assert run("convert", table, stores[-1]) == 0
    assert run("convert", *stores, tmp_path / "both") == 0
    expected = concatenate_videos(map(load_store, stores))
    both = load_store(tmp_path / "both")
    assert both.data.digest() == expected.data.digest()
    assert (both.target, both.ids.tolist()) == (expected.target, expected.ids.tolist())
    small = ["--epochs", "1", "--fusion", "late", "--set", "d_model=8", "--set", "n_heads=2"]
    assert run("train", *stores, tmp_path / "model", *small) == 0
    assert "48 videos with clip (8), clap (6)" in capsys.readouterr().out
    assert run("convert", stores[0], stores[0], tmp_path / "twice") == 1
    assert "the id '0-0' is given twice" in capsys.readouterr().err
    shard = write_shard(tmp_path / "a.tfrecord", [frame_level(rgb=[], audio=[])])
    load_youtube8m(shard, store=tmp_path / "other")
    assert run("info", stores[0], tmp_path / "other") == 1
    assert "arrays must have the same modalities, ['clip', 'clap'], got" in capsys.readouterr().err


def data_set(name, ids):
    return Bunch(data=as_multimodal({name: np.ones((len(ids), 2, 3))}), ids=np.array(ids))


@pytest.mark.parametrize(
    "ids", [(["a", "b", "c"], ["p", "q", "r"]), (["1", "2"], ["01", "02", "03"]), (["a "], ["a"])]
)
def test_join_of_no_common_ids_raises_an_error_with_examples(ids, tmp_path, capsys):
    clip, clap = (data_set(*each) for each in zip(("clip", "clap"), ids, strict=True))
    with pytest.raises(ValueError, match="no id in common") as caught:
        join_modalities([clip, clap], names=["one", "two"])
    for name, each in zip(("one", "two"), ids, strict=True):
        assert f"{each} in {name}" in str(caught.value)
    for each, name in ((clip, "clip"), (clap, "clap")):
        each.data.save(tmp_path / name, ids=each.ids)
    paths = [tmp_path / name for name in ("clip", "clap", "joined")]
    assert run("convert", *paths, "--join", "id")
    assert "no id in common" in capsys.readouterr().err


@pytest.mark.parametrize(("common", "warns"), [(1, True), (2, False), (4, False)])
def test_join_warns_if_fewer_than_half_of_the_ids_are_common(common, warns):
    small, large = data_set("clip", list("abcd")), list("abcd"[:common]) + list("uvwxyz")
    parts = [small, data_set("clap", large)]
    if warns:
        with pytest.warns(UserWarning, match=r"only 1 of 4 ids in common .*'b', 'c', 'd'.*'u', "):
            joined = join_modalities(parts)
    else:
        joined = join_modalities(parts)
    assert joined.n_missing == {"clip": 6, "clap": 4 - common}


def test_join_of_data_sets_that_a_third_connects_is_no_error():
    parts = [data_set("p", ["a"]), data_set("q", ["b"]), data_set("r", ["a", "b"])]
    assert join_modalities(parts).n_missing == {"p": 1, "q": 1, "r": 0}
