"""The store on the disk: what is written is read, whatever happens in between."""

import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix
from test_multimodal import QUANTIZATION, assert_content, container, picked, videos

from sk_crossmodal.multimodal import MultimodalArray, Store, StoreWriter

MODALITIES = {"video": {"width": 4, "dtype": "float32"}, "audio": {"width": 3, "dtype": "uint8"}}
DTYPES = (np.uint8, np.float16, np.float32, np.float64)
LABELS = [[3, 1], [], [0], [4, 0, 4], [2]]
Y = np.array([[0, 1, 0, 1, 0], [0] * 5, [1, 0, 0, 0, 0], [1, 0, 0, 0, 1], [0, 0, 1, 0, 0]])
IDS = ["abcd", "é—日", "", "abcd", "a longer one"]


def stored(parts, tmp_path, quantization=None, **more):
    container(parts, quantization).save(tmp_path / "store", **more)
    return MultimodalArray.open(tmp_path / "store")


def of(part, rows):
    """What `append` takes of one modality: flat frames and lengths."""
    chosen = [part[i] for i in rows]
    flat = np.concatenate([np.empty((0, part[0].shape[1]), part[0].dtype), *chosen])
    return flat, [len(each) for each in chosen]


def content(seed=0):
    """The videos of every test of the writer: 5 of them, of two dtypes."""
    return {
        "video": videos(np.float32, seed=seed)["video"],
        "audio": videos(np.uint8, seed=seed)["audio"],
    }


def write(writer, name, rows, seed=0):
    """Write some rows of `content`, one by one."""
    parts = content(seed)
    with writer.part(name) as part:
        for row in rows:
            frames = {n: of(each, [row]) for n, each in parts.items()}
            part.append(frames, labels=[LABELS[row]], ids=[IDS[row]])


def files(path):
    """Bytes of every file below a folder, hidden ones too."""
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


# What is written is read ------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("quantization", [None, QUANTIZATION])
def test_round_trip(dtype, quantization, tmp_path):
    parts = videos(dtype)
    X, again = container(parts, quantization), stored(parts, tmp_path, quantization)
    assert again.quantization == X.quantization
    assert repr(again) == repr(X)
    assert_content(again, {n: [X[i][n] for i in range(len(X))] for n in parts})
    assert again.pad([0])[0]["video"].dtype == dtype


def test_labels_and_ids_of_parts(tmp_path):
    writer = StoreWriter(tmp_path / "store", MODALITIES, {"source": "made up", "sizes": [1, 2.5]})
    write(writer, "b", [0, 1])
    write(writer, "empty", [])
    write(writer, "a", [4, 2, 3])
    assert writer.done("a")
    assert not writer.done("c")
    writer.finish(["b", "empty", "a"], n_labels=5)
    store, order = Store.open(tmp_path / "store"), [0, 1, 4, 2, 3]
    assert_content(store.data, {n: picked(rows, order) for n, rows in content().items()})
    assert isinstance(store.target, csr_array)
    assert store.target.dtype == np.int64
    assert store.target.has_canonical_format
    np.testing.assert_array_equal(store.target.toarray(), Y[order])
    assert store.ids.tolist() == [IDS[i] for i in order]
    assert store.attributes == {"source": "made up", "sizes": [1, 2.5]}
    assert len(store) == 5


def test_store_without_labels_and_ids(tmp_path):
    writer = StoreWriter(tmp_path / "store", MODALITIES)
    for name, rows in (("a", [0, 1]), ("b", [2, 3, 4])):
        with writer.part(name) as part:
            part.append({n: of(each, rows) for n, each in content().items()})
    writer.finish(["a", "b"])
    store = Store.open(tmp_path / "store")
    assert_content(store.data, content())
    assert store.target is None
    assert store.ids is None
    assert store.attributes == {}


@pytest.mark.parametrize("form", [np.asarray, csr_array, csr_matrix, lambda y: y.astype(bool)])
def test_save_labels_and_ids(form, tmp_path):
    container(videos()).save(tmp_path / "store", y=form(Y), ids=np.array(IDS))
    store = Store.open(tmp_path / "store")
    np.testing.assert_array_equal(store.target.toarray(), Y)
    assert store.ids.tolist() == IDS


def test_killed_in_a_part_and_resumed(tmp_path):
    for path in (tmp_path / "whole", tmp_path / "broken"):
        writer = StoreWriter(path, MODALITIES)
        write(writer, "a", [0, 1])
        if path.name == "broken":
            with pytest.raises(RuntimeError, match="power"), writer.part("b") as part:
                part.append({n: of(each, [2]) for n, each in content().items()})
                raise RuntimeError("power")
            assert not writer.done("b")
            writer = StoreWriter(path, MODALITIES)
        write(writer, "b", [2, 3, 4])
        writer.finish(["a", "b"], n_labels=5)
    assert files(tmp_path / "broken") == files(tmp_path / "whole")
