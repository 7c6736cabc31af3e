"""Frames in columns of tables, nested arrays and tensors equal lists of (T_i, d) arrays."""

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from estimator_cases import make_classifier, make_tower
from sklearn.impute import SimpleImputer

from sk_crossmodal import ModalityTransformer
from sk_crossmodal.metrics import gap_score
from sk_crossmodal.multimodal import MultimodalArray, as_multimodal, has_named_modalities

N = 12
WIDTHS = {"clip": 5, "clap": 3}
Y = np.arange(N) % 2


def frames(lengths, seed=0):
    """Lists of (T_i, d) arrays by modality; None where there are no frames."""
    rng = np.random.default_rng(seed)
    return {
        name: [rng.normal(size=(t, width)).astype(np.float32) if t else None for t in lengths]
        for name, width in WIDTHS.items()
    }


RAGGED = frames([2, 4, 1, 3] * (N // 4))
EQUAL = frames([2] * N)
WITH_NONE = frames([0, 4, 0, 3] * (N // 4))
LATER_NONE = frames([2, 0, 1, 0] * (N // 4))
CONTENTS = ["ragged", "equal lengths", "without some", "without others"]


def assert_equal(X, parts):
    assert X.modality_names == tuple(parts)
    for name, rows in parts.items():
        for i, row in enumerate(rows):
            expected = np.empty((0, WIDTHS.get(name, 5))) if row is None else row
            np.testing.assert_array_equal(X[i][name], expected, err_msg=f"{name}, row {i}")


def objects(row):
    """A video as an object array of frames, as pandas reads it from Parquet."""
    if row is None:
        return None
    out = np.empty(len(row), object)
    out[:] = list(row)
    return out


def column(rows, of_row):
    """An object array with one object per video."""
    out = np.empty(len(rows), object)
    out[:] = [None if row is None else of_row(row) for row in rows]
    return out


def table(parts):
    kind = pa.list_(pa.list_(pa.float32()))
    nested = {n: [r if r is None else list(r) for r in rows] for n, rows in parts.items()}
    return pa.table({name: pa.array(rows, kind) for name, rows in nested.items()})


def from_parquet(parts, path):
    pq.write_table(table(parts), path)
    return pd.read_parquet(path)


def arrow_frame(parts, path):
    pq.write_table(table(parts), path)
    return pd.read_parquet(path, dtype_backend="pyarrow")


def of_columns(of_row):
    return lambda parts, path: {name: column(rows, of_row) for name, rows in parts.items()}


def of_lists(of_row):
    return lambda parts, path: {
        name: [None if row is None else of_row(row) for row in rows]
        for name, rows in parts.items()
    }


TABLES = {
    "pandas.read_parquet": from_parquet,
    "pandas with Arrow types": arrow_frame,
    "Arrow table": lambda parts, path: table(parts),
    "frame of lists of arrays": lambda p, _: pd.DataFrame(of_columns(list)(p, _)),
    "frame with another index": lambda p, _: pd.DataFrame(of_columns(list)(p, _), range(9, 9 + N)),
}
DICTS = {
    "series": lambda p, path: dict(from_parquet(p, path).items()),
    "object arrays of object arrays": of_columns(objects),
    "lists of object arrays": of_lists(objects),
    "lists of lists of arrays": of_lists(list),
    "lists of tuples of arrays": of_lists(tuple),
    "lists of lists of tensors": of_lists(lambda row: [torch.tensor(frame) for frame in row]),
    "lists of data frames": of_lists(pd.DataFrame),
    "tensors": of_lists(torch.tensor),
    "tensors with gradients": of_lists(lambda row: torch.tensor(row, requires_grad=True)),
    "Arrow columns": lambda p, _: {n: table(p).column(n) for n in p},
    "one Arrow array": lambda p, _: {n: table(p).column(n).combine_chunks() for n in p},
}


@pytest.mark.parametrize("parts", [RAGGED, EQUAL, WITH_NONE, LATER_NONE], ids=CONTENTS)
@pytest.mark.parametrize("form", [*TABLES, *DICTS])
def test_nested_form_equals_lists_of_arrays(form, parts, tmp_path):
    X = {**TABLES, **DICTS}[form](parts, tmp_path / "a.parquet")
    assert has_named_modalities(X)
    assert_equal(as_multimodal(X), parts)
    assert_equal(as_multimodal(X, modalities=["clap"]), {"clap": parts["clap"]})
    if form in DICTS:
        positional = as_multimodal(*X.values(), modalities=list(parts))
        assert_equal(positional, parts)


@pytest.mark.parametrize("form", TABLES)
def test_classifier_takes_tables(form, tmp_path):
    X = TABLES[form](RAGGED, tmp_path / "a.parquet")
    classifier = make_classifier(fusion="late", max_epochs=1)
    p = classifier.fit(X, Y).predict_proba(X)
    assert p.tobytes() == classifier.fit(RAGGED, Y).predict_proba(RAGGED).tobytes()


def test_one_embedding_per_cell_is_one_frame(tmp_path):
    rows = {name: [row[:1] for row in part] for name, part in RAGGED.items()}
    flat = {name: [row[0] for row in part] for name, part in rows.items()}
    pd.DataFrame(flat).to_parquet(tmp_path / "a.parquet")
    for X in (flat, pd.DataFrame(flat), pd.read_parquet(tmp_path / "a.parquet")):
        assert_equal(as_multimodal(X), rows)
    missing = {name: [None, *part[1:]] for name, part in flat.items()}
    expected = {name: [None, *part[1:]] for name, part in rows.items()}
    assert_equal(as_multimodal(missing), expected)
    assert_equal(as_multimodal(pd.DataFrame(missing)), expected)


def test_frames_of_different_widths_in_a_video_are_named():
    rows = [list(row) for row in RAGGED["clip"]]
    rows[3][1] = rows[3][1][:2]
    for given in (rows, [objects(row) for row in rows]):
        with pytest.raises(
            ValueError, match=r"Row 3 of modality 'clip' .* \(5,\) .*frame 1, \(2,\)"
        ):
            as_multimodal({"clip": given})
    with pytest.raises(ValueError, match=r"modality 'clip' must be .* \(5,\) .*frame 1, \(2,\)"):
        as_multimodal({"clip": rows[3:]})


# Which columns are modalities -----------------------------------------------------------------

OTHERS = {
    "id": [f"v{i}" for i in range(N)],
    "caption": ["a dog"] * N,
    "labels": np.eye(N),
    "codes": np.eye(N, dtype=int),
    "duration": np.arange(N, dtype=float),
    "loudness": np.arange(N, dtype=float),
    "classes": ["a", "b"],
    "meta": [{"fps": 25}] * N,
}


def forms_with(others):
    whole = {**RAGGED, **others}
    yield whole
    same = {name: value for name, value in whole.items() if len(value) == N}
    yield pd.DataFrame({name: list(value) for name, value in same.items()})
    known = table(RAGGED)
    yield pa.table({n: known.column(n) if n in WIDTHS else list(v) for n, v in same.items()})


@pytest.mark.parametrize("name", OTHERS)
def test_named_modalities_may_stand_among_others(name):
    for X in forms_with({name: OTHERS[name]}):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert_equal(as_multimodal(X, modalities=list(WIDTHS)), RAGGED)
            assert_equal(as_multimodal(X, modalities=WIDTHS), RAGGED)
            classifier = make_classifier(fusion="late", max_epochs=1, modalities=list(WIDTHS))
            p = classifier.fit(X, Y).predict_proba(X)
        assert p.tobytes() == classifier.predict_proba(RAGGED).tobytes()


def test_npz_with_more_than_modalities(tmp_path):
    arrays = {name: np.stack(rows) for name, rows in EQUAL.items()}
    np.savez(tmp_path / "a.npz", **arrays, ids=np.array(OTHERS["id"]), objects=np.array([None]))
    with np.load(tmp_path / "a.npz") as X:
        assert_equal(as_multimodal(X, modalities=list(WIDTHS)), EQUAL)
    labels = np.array([["a"], ["b", "c"]], object)
    np.savez(tmp_path / "b.npz", **arrays, ids=np.array(OTHERS["id"]), labels=labels)
    with np.load(tmp_path / "b.npz") as X:
        assert_equal(as_multimodal(X), EQUAL)


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        ("labels", r"'labels' \(named like labels"),
        ("codes", r"'codes' \(integers\)"),
        ("loudness", r"'loudness' \(no frames\)"),
    ],
)
def test_other_columns_of_numbers_are_left_out_with_a_warning(name, left_out):
    for X in forms_with({name: OTHERS[name]}):
        wanted = rf"The modalities of .*X are \['clip', 'clap'\]; left out are {left_out}"
        classifier = make_classifier(fusion="late", max_epochs=1)
        with pytest.warns(UserWarning, match=wanted) as caught:
            classifier.fit(X, Y)
        assert len(caught) == 1
        assert classifier.modality_names_in_ == ("clip", "clap")
        assert classifier.predict_proba(X).shape == (N, 2)  # names are known, nothing is guessed


@pytest.mark.parametrize("name", ["id", "caption", "classes", "meta", "duration"])
def test_other_columns_without_numbers_are_left_out(name):
    for X in forms_with({name: OTHERS[name]}):
        assert_equal(as_multimodal(X), RAGGED)


def test_frames_of_integers_must_be_named():
    rows = {"clip": [(10 * row).astype(np.uint8) for row in RAGGED["clip"]]}
    for X in (rows, pd.DataFrame(rows)):
        with pytest.raises(ValueError, match=r"no column of float frames: 'clip' \(integers\)"):
            as_multimodal(X)
        assert_equal(as_multimodal(X, modalities=["clip"]), rows)
    assert_equal(
        as_multimodal(rows["clip"], rows["clip"]).select(["video"]), {"video": rows["clip"]}
    )
    mixed = {"clip": [row if i % 2 else [[1] * 5] for i, row in enumerate(RAGGED["clip"])]}
    assert as_multimodal(mixed).modality_names == ("clip",)  # some frames are floats


# Tensors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("form", ["list", "nested tensor", "list that begins with None"])
def test_tensors_of_any_type_equal_their_values(form, dtype):
    tensors = [torch.tensor(row, requires_grad=True).to(dtype) for row in RAGGED["clip"]]
    expected = [tensor.detach().float().numpy() for tensor in tensors]
    given = tensors
    if form == "nested tensor":
        given = torch.nested.as_nested_tensor(tensors, layout=torch.jagged)
    elif form == "list that begins with None":
        given, expected = [None, *tensors[1:]], [None, *expected[1:]]
    assert_equal(as_multimodal({"clip": given}), {"clip": expected})
    assert_equal(as_multimodal(given), {"video": expected})


@pytest.mark.parametrize("of_tensor", [torch.Tensor.bfloat16, torch.Tensor.requires_grad_])
def test_labels_weights_and_scores_may_be_tensors(of_tensor):
    classifier = make_classifier(fusion="late", max_epochs=1)
    Y_two = np.stack([Y, 1 - Y], axis=1)
    weight = torch.arange(1.0, N + 1)
    p = classifier.fit(
        RAGGED, of_tensor(torch.tensor(Y_two).float()), sample_weight=of_tensor(weight)
    ).predict_proba(RAGGED)
    expected = classifier.fit(RAGGED, Y_two, sample_weight=np.arange(1.0, N + 1)).predict_proba(
        RAGGED
    )
    np.testing.assert_array_equal(p, expected)
    score = of_tensor(torch.tensor(p))
    expected = gap_score(Y_two, score.detach().float().numpy())
    assert gap_score(torch.tensor(Y_two), score) == expected


def test_tensors_without_numbers_raise_with_the_name():
    meta = [torch.tensor(row).to("meta") for row in RAGGED["clip"]]
    with pytest.raises(ValueError, match=r"modality 'clip', row 0, must have .* device 'meta'"):
        as_multimodal({"clip": meta})
    with pytest.raises(
        ValueError, match=r"^y must have numbers, got a tensor on the device 'meta'"
    ):
        make_classifier().fit(RAGGED, torch.zeros(N).to("meta"))
    packed = torch.nn.utils.rnn.pack_sequence(
        [torch.tensor(row) for row in RAGGED["clip"]], enforce_sorted=False
    )
    with pytest.raises(TypeError, match=r"got a PackedSequence"):
        as_multimodal(packed)
    with pytest.raises(TypeError, match="sparse tensor"):
        as_multimodal(torch.eye(3).to_sparse())


# NaN as padding -------------------------------------------------------------------------------


def padded(parts, length=6):
    out = {}
    for name, rows in parts.items():
        out[name] = np.full((N, length, WIDTHS[name]), np.nan, np.float32)
        for place, row in zip(out[name], rows, strict=True):
            if row is not None:
                place[: len(row)] = row
    return out


@pytest.mark.parametrize("parts", [RAGGED, EQUAL, WITH_NONE, LATER_NONE], ids=CONTENTS)
def test_frames_of_nan_at_the_end_are_padding(parts):
    arrays = padded(parts)
    whole = np.concatenate(list(arrays.values()), axis=2)
    for X in (
        arrays,
        {n: list(a) for n, a in arrays.items()},
        {n: torch.tensor(a) for n, a in arrays.items()},
    ):
        assert_equal(as_multimodal(X), parts)
    assert_equal(as_multimodal(whole, modalities=WIDTHS), parts)
    classifier = make_classifier(fusion="cross_modal", max_epochs=1)
    p = classifier.fit(arrays, Y).predict_proba(arrays)
    assert p.tobytes() == classifier.fit(parts, Y).predict_proba(parts).tobytes()


def test_row_of_nan_is_a_missing_modality():
    table = np.random.default_rng(0).normal(size=(N, 4))
    table[3] = np.nan
    assert as_multimodal(table, table[:, :2]).lengths("video").tolist() == [1] * 3 + [0] + [1] * 8
    imputed = ModalityTransformer(remainder=SimpleImputer()).fit_transform(table)
    np.testing.assert_array_equal(imputed, SimpleImputer().fit_transform(table))


def test_padding_of_nan_shares_memory_and_leaves_the_input_unchanged():
    arrays = padded(RAGGED)
    before = {name: array.copy() for name, array in arrays.items()}
    X = as_multimodal(arrays)
    arrays["clip"][0, 0, 0] = 7.0
    assert X[0]["clip"][0, 0] == 7.0
    np.testing.assert_array_equal(arrays["clap"], before["clap"])


@pytest.mark.parametrize(
    ("place", "advice"),
    [
        ((2, 0), r"Frames of only NaN are padding, .* at the end of a video alone: remove"),
        ((2, 0, 1), r"Fill single missing numbers, such as by np\.nan_to_num"),
        ((2, slice(None), slice(2, None)), r"if X is \(n, d, T\), write X\.transpose\(0, 2, 1\)"),
    ],
)
def test_other_nan_raises_with_advice_that_fits(place, advice):
    arrays = {"clip": np.stack(EQUAL["clip"])}
    arrays["clip"][place] = np.nan
    with pytest.raises(
        ValueError, match=rf"NaN or infinity in modality 'clip', row 2; .*{advice}"
    ):
        make_classifier(fusion="late").fit(arrays, Y)


def test_nan_in_a_container_is_no_padding():
    X = MultimodalArray.from_frames(
        {"clip": padded(RAGGED)["clip"].reshape(-1, 5)}, {"clip": [6] * N}
    )
    assert as_multimodal(X) is X
    with pytest.raises(ValueError, match=r"NaN or infinity in modality 'clip', row 0"):
        make_classifier(fusion="late").fit(X, Y)


# Axes in another order ------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["array", "list", "dict", "wide"])
def test_channels_first_is_recognised_when_predicting(form):
    arrays = {name: np.stack(rows) for name, rows in frames([7] * N).items()}
    swapped = {name: array.transpose(0, 2, 1) for name, array in arrays.items()}
    classifier = make_classifier(fusion="late", max_epochs=1).fit(arrays, Y)
    given = {
        "array": tuple(swapped.values()),
        "list": tuple(list(array) for array in swapped.values()),
        "dict": (swapped,),
        "wide": (np.concatenate(list(swapped.values()), axis=1),),
    }[form]
    with pytest.raises(ValueError, match=r"\(n, d, T\).*X\.transpose\(0, 2, 1\)"):
        classifier.predict(*given)


def test_ragged_channels_first_is_recognised_in_fit():
    rows = [row.T for row in RAGGED["clip"]]
    with pytest.raises(ValueError, match=r"all have 5 rows.*look like \(d, T_i\).*x\.T for x in"):
        as_multimodal({"clip": rows})
    uneven = [*RAGGED["clip"][:3], RAGGED["clip"][3][:, :4]]
    with pytest.raises(
        ValueError, match=r"Row 3 .* as in the rows before, or None for no frames\.$"
    ):
        as_multimodal({"clip": uneven})


# Videos without frames ------------------------------------------------------------------------


@pytest.mark.parametrize("fusion", ["late", "cross_modal_concat"])
@pytest.mark.parametrize("missing", ["clip", "clap"])
def test_new_video_without_frames_in_a_modality_is_predicted(missing, fusion):
    classifier = make_classifier(fusion=fusion, max_epochs=1, correlation_tower=make_tower())
    classifier.fit(RAGGED, Y)
    parts = {**{name: rows[:2] for name, rows in RAGGED.items()}, missing: [None, None]}
    lengths = {n: [0 if r is None else len(r) for r in rows] for n, rows in parts.items()}
    flat = {
        n: np.concatenate(
            [np.empty((0, WIDTHS[n]), np.float32), *(r for r in rows if r is not None)]
        )
        for n, rows in parts.items()
    }
    container = MultimodalArray.from_frames(flat, lengths)
    for method in ("predict_proba", "predict", "decision_function"):
        expected = getattr(classifier, method)(container)
        for X in ((parts,), (pd.DataFrame(parts),), tuple(parts.values())):
            np.testing.assert_array_equal(getattr(classifier, method)(*X), expected)
    expected = classifier.attention_weights(container)
    for name, attention in classifier.attention_weights(parts).items():
        np.testing.assert_array_equal(attention.after, expected[name].after)
    assert classifier.score(parts, Y[:2]) == classifier.score(container, Y[:2])


def test_new_video_without_any_frames_is_predicted():
    one = make_classifier(fusion="late", max_epochs=1).fit(RAGGED["clip"], Y)
    assert np.isfinite(one.predict_proba([None, None])).all()
    two = make_classifier(fusion="late", max_epochs=1).fit(RAGGED, Y)
    assert np.isfinite(two.predict_proba([None], [None])).all()
    assert np.isfinite(two.predict_proba(pd.DataFrame({"clip": [None], "clap": [None]}))).all()


@pytest.mark.parametrize("missing", [[np.nan] * 2, [None] * 2, [pd.NA] * 2, [[], []]])
@pytest.mark.parametrize("of_columns", [dict, pd.DataFrame, pa.table])
def test_column_of_missing_values_has_no_frames(of_columns, missing):
    if of_columns is pa.table and missing[0] is pd.NA:
        missing = pa.nulls(2)
    classifier = make_classifier(fusion="late", max_epochs=1).fit(RAGGED, Y)
    clip = [list(row) for row in RAGGED["clip"][:2]]
    p = classifier.predict_proba(of_columns({"clip": clip, "clap": missing}))
    expected = classifier.predict_proba(RAGGED["clip"][:2], [None, None])
    np.testing.assert_array_equal(p, expected)


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("missing", [None, [None] * N, np.full(N, np.nan)], ids=type)
def test_missing_modality_of_known_width_is_one_without_frames(missing, named):
    def call(clap, y):
        parts = {"clip": RAGGED["clip"], "clap": clap}
        return (parts, y) if named else (parts["clip"], parts["clap"], y)

    classifier = make_classifier(fusion="late", max_epochs=1)
    empty = MultimodalArray.from_frames(
        {"clip": np.concatenate(RAGGED["clip"]), "clap": np.empty((0, 3), np.float32)},
        {"clip": [len(row) for row in RAGGED["clip"]], "clap": [0] * N},
    )
    names = None if named else ["clip", "clap"]
    classifier.set_params(modalities=names)
    classifier.fit(*call(RAGGED["clap"], Y), eval_set=call(missing, Y))
    losses = [row["valid_loss"] for row in classifier.history_]
    p = classifier.predict_proba(*call(missing, None)[:-1])
    np.testing.assert_array_equal(p, classifier.predict_proba(empty))
    classifier.fit(*call(RAGGED["clap"], Y), eval_set=(empty, Y))
    assert losses == [row["valid_loss"] for row in classifier.history_]
    after = [
        classifier.fit(*call(RAGGED["clap"], Y)).partial_fit(*batch).predict_proba(RAGGED)
        for batch in (call(missing, Y), (empty, Y))
    ]
    np.testing.assert_array_equal(*after)


def test_modality_without_frames_has_the_width_of_the_parameter():
    parts = {"clip": RAGGED["clip"], "clap": [None] * N}
    assert as_multimodal(parts, modalities=WIDTHS).n_features == WIDTHS
    with pytest.raises(ValueError, match=r"'clap' has frames in none .*give its width, such as"):
        as_multimodal(parts)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("form", ["array", "list", "one frame", "list of one frame"])
def test_masked_frames_at_the_end_are_padding(form, dtype):
    values = np.arange(24).reshape(3, 4, 2).astype(dtype)
    lengths = [2, 4, 0]
    mask = np.arange(4) >= np.array(lengths)[:, None]
    if "one frame" in form:
        values, mask, lengths = values[:, 0], mask[:, 0], [1, 1, 0]
    masked = np.ma.masked_array(values, np.repeat(mask[..., None], 2, axis=-1))
    X = as_multimodal(list(masked) if "list" in form else masked)
    assert X.lengths("video").tolist() == lengths
    for row, video, n in zip(values, X, lengths, strict=True):
        np.testing.assert_array_equal(video["video"], row.reshape(-1, 2)[:n])


@pytest.mark.parametrize("where", [(0, 1), (0, 3, 1)])
def test_other_masks_raise_an_error(where):
    masked = np.ma.masked_array(np.zeros((3, 4, 2)), np.zeros((3, 4, 2), bool))
    masked[where] = np.ma.masked
    for X in (masked, list(masked)):
        with pytest.raises(ValueError, match=r"write \.filled\(np\.nan\)"):
            as_multimodal(X)


@pytest.mark.parametrize(
    "name", ["bboxes_xyxy", "multi_hot_labels_f", "frame_times_s", "classProbs", "scores", "annot"]
)
def test_other_usual_names_are_no_modalities(name):
    X = {"clip": RAGGED["clip"], name: [np.full((1, 2), 0.5)] * N}
    with pytest.warns(UserWarning, match="named like labels"):
        assert as_multimodal(X).modality_names == ("clip",)


@pytest.mark.parametrize("of_columns", [dict, pd.DataFrame])
def test_floats_of_only_0_and_1_are_an_indicator(of_columns):
    concepts = list(np.eye(N, 3))
    X = of_columns({"clip": RAGGED["clip"], "concepts": concepts})
    with pytest.warns(UserWarning, match=r"left out are 'concepts' \(integers\)"):
        assert as_multimodal(X).modality_names == ("clip",)
    assert as_multimodal(X, modalities=pd.Index(["concepts"])).n_features == {"concepts": 3}
    assert as_multimodal({"concepts": concepts}).modality_names == ("concepts",)


class LazyFrame:
    pass


class DatasetDict(dict):
    pass


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (LazyFrame(), r"write X\.collect\(\)"),
        (DatasetDict(train=1, test=2), r"such as X\['train'\]"),
        ([{"clip": [[1.0]]}], r"write \{name: \[video\[name\] for video in X\]"),
    ],
)
def test_forms_one_step_from_accepted_ones_say_the_step(X, message):
    classifier = make_classifier(fusion="late", max_epochs=1).fit(RAGGED, Y)
    for call in (as_multimodal, classifier.predict):
        with pytest.raises(TypeError, match=message):
            call(X)
