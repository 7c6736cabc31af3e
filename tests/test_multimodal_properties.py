"""Random operations on a container are equal to those on plain lists of frames."""

import pickle
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from test_multimodal import assert_content, objects

from sk_crossmodal.multimodal import MultimodalArray, Store, StoreWriter, as_multimodal

DTYPES = ("uint8", "float16", "float32", "float64")
WIDTH = {"video": 3, "audio": 2}


@st.composite
def contents(draw, least=0):
    """Draw plain lists of arrays by modality, and their dtype and quantization."""
    n = draw(st.integers(least, 6))
    parts, scaling = {}, {}
    for name in draw(st.sampled_from([["video"], ["video", "audio"], ["audio", "video"]])):
        dtype = draw(st.sampled_from(DTYPES))
        lengths = draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
        rng = np.random.default_rng(draw(st.integers(0, 2**16)))
        numbers = [rng.integers(0, 256, (t, WIDTH[name])) for t in lengths]
        parts[name] = [each.astype(dtype) for each in numbers]
        # Powers of two, which are exact.
        scaling[name] = draw(st.sampled_from([(1.0, 0.0), (0.5, -2.0), (4.0, 1.0)]))
    return parts, scaling


@st.composite
def containers(draw, least=0):
    """Draw a container, in memory or stored in one part or several, and its content."""
    parts, scaling = draw(contents(least))
    n = len(next(iter(parts.values())))
    cuts = sorted(draw(st.lists(st.integers(0, n), max_size=2)))
    bounds = list(zip([0, *cuts], [*cuts, n], strict=True))
    X = build(parts, scaling, bounds, draw(st.sampled_from(["memory", "saved", "parts"])))
    return X, dequantised(parts, scaling)


def flat(rows, width, dtype):
    return np.concatenate([np.empty((0, width), dtype), *rows])


def build(parts, scaling, bounds, form):
    frames = {
        n: flat(rows, WIDTH[n], rows[0].dtype if rows else "f4") for n, rows in parts.items()
    }
    lengths = {n: np.array([len(r) for r in rows], int) for n, rows in parts.items()}
    X = MultimodalArray.from_frames(frames, lengths, quantization=scaling)
    if form == "memory":
        return X
    folder = Path(FOLDER.name) / str(len(list(Path(FOLDER.name).iterdir())))
    if form == "saved":
        X.save(folder)
    else:
        about = {
            n: {"width": WIDTH[n], "dtype": frames[n].dtype.name, "scale": s, "shift": t}
            for n, (s, t) in scaling.items()
        }
        writer = StoreWriter(folder, about)
        for i, (first, last) in enumerate(bounds):
            with writer.part(str(i)) as part:
                some = {n: rows[first:last] for n, rows in parts.items()}
                part.append(
                    {
                        n: (flat(rows, WIDTH[n], frames[n].dtype), [len(r) for r in rows])
                        for n, rows in some.items()
                    }
                )
        writer.finish([str(i) for i in range(len(bounds))])
    return MultimodalArray.open(folder)


def dequantised(parts, scaling):
    """Return the values of stored numbers, as plain lists."""
    out = {}
    for name, rows in parts.items():
        scale, shift = scaling[name]
        kind = np.float64 if rows and rows[0].dtype == np.float64 else np.float32
        out[name] = [(row.astype(np.float64) * scale + shift).astype(kind) for row in rows]
    return out


@pytest.fixture(scope="module", autouse=True)
def folder():
    yield
    FOLDER.cleanup()


FOLDER = tempfile.TemporaryDirectory()


def keys(n):
    """Draw any index that selects some of n rows."""
    row = st.integers(-n, n - 1) if n else st.nothing()
    rows = st.lists(row, max_size=8) if n else st.just([])
    ints = rows.map(lambda r: np.array(r, int))
    masks = hnp.arrays(bool, n)
    some = st.one_of(st.slices(n), rows, ints, ints.map(lambda r: r.astype("int32")), masks)
    return st.one_of(some, masks.map(np.ndarray.tolist).filter(len), some.map(lambda k: (k, ...)))


def picked(parts, key):
    rows = np.arange(len(next(iter(parts.values()))))[key[0] if isinstance(key, tuple) else key]
    return {name: [each[i] for i in rows] for name, each in parts.items()}


@given(st.data(), containers())
def test_getitem_repeated_selections_are_equal_to_lists(data, given_):
    X, parts = given_
    for _ in range(data.draw(st.integers(1, 3))):
        key = data.draw(keys(len(X)))
        X, parts = X[key], picked(parts, key)
        assert_content(X, parts)
    for i in range(-len(X), len(X)):
        for name, rows in parts.items():
            np.testing.assert_array_equal(X[i][name], rows[i])
            assert X[i][name].dtype == rows[i].dtype
    for name, rows in parts.items():
        blocks = [*X.frame_blocks(name, data.draw(st.integers(1, 9)))]
        whole = np.concatenate([np.empty((0, WIDTH[name])), *rows])
        np.testing.assert_array_equal(np.concatenate([np.empty((0, WIDTH[name])), *blocks]), whole)


def naive_pad(parts, rows, most):
    """Pad frame by frame, with exact integers."""
    line = [max(len(each[r]) for each in parts.values()) for r in rows]
    kept = [min(t, m) for t, m in zip(line, most, strict=True)]
    T = max([1, *kept])
    frames = {n: np.zeros((len(rows), T, WIDTH[n])) for n in parts}
    masks = {n: np.zeros((len(rows), T), bool) for n in parts}
    for name, each in parts.items():
        for b, r in enumerate(rows):
            for t in range(kept[b] if len(each[r]) else 0):
                frames[name][b, t] = each[r][int((t + 0.5) * len(each[r]) / line[b])]
                masks[name][b, t] = True
    return frames, masks


@given(st.data(), containers(least=1))
def test_pad_is_equal_to_a_naive_loop(data, given_):
    X, parts = given_
    n = len(X)
    key = data.draw(keys(n))
    X, parts = X[key], picked(parts, key)
    rows = data.draw(st.lists(st.integers(-len(X), len(X) - 1), max_size=5)) if len(X) else []
    each = data.draw(st.lists(st.integers(1, 7), min_size=len(rows), max_size=len(rows)))
    most = data.draw(st.sampled_from([None, 1, 3, each, np.array(each, "int32")]))
    frames, masks = X.pad(rows, most)
    limits = [most or 99] * len(rows) if most is None or isinstance(most, int) else list(most)
    expected, where = naive_pad(parts, rows, limits)
    for name in parts:
        np.testing.assert_array_equal(masks[name], where[name])
        scale, shift = X.quantization[name]
        numbers = frames[name].astype(float) * scale + shift
        np.testing.assert_array_equal(numbers[masks[name]], expected[name][where[name]])
        assert not frames[name][~masks[name]].any()


@given(st.data(), containers(least=1))
def test_frame_stats_are_equal_to_numpy(data, given_):
    X, parts = given_
    weights = data.draw(
        st.lists(st.sampled_from([0.0, 1.0, 2.5]), min_size=len(X), max_size=len(X))
    )
    stats = X.frame_stats(sample_weight=weights, per_feature=True)
    for name, rows in parts.items():
        each = np.repeat(weights, [len(row) for row in rows])
        mean, scale = np.zeros(WIDTH[name]), np.ones(WIDTH[name])
        if each.sum():
            flat_ = np.concatenate(rows).astype(float)
            mean = np.average(flat_, axis=0, weights=each)
            scale = np.sqrt(np.average((flat_ - mean) ** 2, axis=0, weights=each))
            scale[scale < 1e-9] = 1.0
        np.testing.assert_allclose(stats[name][0], mean, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(stats[name][1], scale, rtol=1e-6)


@given(st.data(), containers())
def test_saved_pickled_and_selected_content_is_equal(data, given_):
    X, parts = given_
    key = data.draw(keys(len(X)))
    X, parts = X[key], picked(parts, key)
    assert_content(pickle.loads(pickle.dumps(X)), parts)
    folder = Path(FOLDER.name) / f"again{len(list(Path(FOLDER.name).iterdir()))}"
    y = np.arange(len(X))[:, None] % 2
    X.save(folder, y=y, ids=[f"é{i}" for i in range(len(X))])
    store = Store.open(folder)
    assert_content(store.data, parts)
    assert store.data.digest() == X.digest()
    assert store.data.quantization == X.quantization
    if len(X):
        np.testing.assert_array_equal(store.target.toarray(), y)
        assert store.ids.tolist() == [f"é{i}" for i in range(len(X))]
    names = data.draw(st.permutations(list(parts)))[: data.draw(st.integers(1, len(parts)))]
    assert_content(store.data.select(names), {name: parts[name] for name in names})
    if len(parts) == 1:
        (name,) = parts
        columns = data.draw(st.slices(WIDTH[name]).filter(lambda s: range(WIDTH[name])[s]))
        rows = [row[:, columns] for row in parts[name]]
        assert_content(store.data.select({"some": columns}), {"some": rows})


FORMS = {
    "read-only": lambda a: as_read_only(a),
    "Fortran": np.asfortranarray,
    "columns of others": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
}


def as_read_only(a):
    a = a.copy()
    a.setflags(write=False)
    return a


@given(st.data(), contents(least=1), st.sampled_from(list(FORMS)))
def test_as_multimodal_every_form_has_equal_content(data, given_, form):
    """Lists, tuples, object arrays and data frames, of arrays of any layout."""
    parts, _ = given_
    for rows in parts.values():  # these forms have a width even without frames
        rows[0] = rows[0] if len(rows[0]) else np.ones((1, rows[0].shape[1]), rows[0].dtype)
    plain = as_multimodal(parts, modalities=list(parts))
    assert_content(plain, dequantised(parts, dict.fromkeys(parts, (1.0, 0.0))))
    forms = {name: [FORMS[form](row) for row in rows] for name, rows in parts.items()}
    for X in (
        forms,
        {name: tuple(rows) for name, rows in forms.items()},
        {name: objects(rows) for name, rows in forms.items()},
        pd.DataFrame({name: objects(rows) for name, rows in forms.items()}),
        as_multimodal(*forms.values(), modalities=list(forms)),
    ):
        again = as_multimodal(X, modalities=list(parts))
        for name, rows in parts.items():
            assert again.lengths(name).tolist() == [len(row) for row in rows]
            for i, row in enumerate(rows):
                np.testing.assert_array_equal(again[i][name], row)
            stored = next(iter(again.pad([0])[0].values())).dtype
            assert stored.isnative
    some = np.array([parts[name][0][0] for name in parts for _ in range(2)][:2])
    wide = FORMS[form](np.tile(some, (1, 2)))
    assert as_multimodal(wide).digest() == as_multimodal(np.ascontiguousarray(wide)).digest()
