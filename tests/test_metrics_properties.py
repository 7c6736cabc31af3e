"""Properties of the scores for any labels, scores and weights, also extreme ones."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from metrics_oracle import Oracle
from sklearn.metrics import average_precision_score

from sk_crossmodal.metrics import (
    gap_score,
    hierarchy_report,
    hit_at_1_score,
    map_score,
    perr_score,
)

NASTY = [0.0, -0.0, 5e-324, -1e-45, 1e-45, 1e-38, 0.5, np.nextafter(0.5, 1), 0.1, 1.0, -1.0]
NASTY += [3e38, 1e308, -1e308, np.inf, -np.inf]
NAMES = ("gap", "map", "perr", "hit_at_1")


def options_of(score):
    """Every convention of a score."""
    top_k = st.sampled_from([None, 1, 2, 3, 20])
    empty = st.sampled_from(["zero", "skip"])
    return {
        gap_score: st.fixed_dictionaries({"top_k": top_k}),
        map_score: st.fixed_dictionaries({"top_k": top_k, "empty_classes": empty}),
        perr_score: st.fixed_dictionaries({"empty_videos": empty}),
        hit_at_1_score: st.fixed_dictionaries({"empty_videos": empty}),
    }[score]


@st.composite
def scored(draw, scores=(gap_score, map_score, perr_score, hit_at_1_score)):
    """A score with some of its options, as a function of labels, scores and weights."""
    score = draw(st.sampled_from(scores))
    options = draw(options_of(score))

    def call(y_true, y_score, sample_weight=None):
        return score(y_true, y_score, sample_weight=sample_weight, **options)

    call.score, call.options = score, options
    return call


shapes = st.tuples(st.integers(1, 8), st.integers(1, 7))


@st.composite
def tables(draw, shape):
    """Scores: with many ties or few, of odd sizes and of every dtype."""
    dtype = draw(st.sampled_from(["f4", "f8", "i1", "i8", "u2", "?", "f2"]))
    if dtype[0] != "f":
        return draw(arrays(dtype, shape, elements=st.integers(0, 1 if dtype == "?" else 3)))
    values = [float(np.array(value).astype(dtype)) for value in NASTY if abs(value) < 6e4]
    values = values if dtype == "f2" else [float(v) for v in np.float32(NASTY[:12])] + NASTY[14:]
    values = NASTY if dtype == "f8" else values
    few = st.sampled_from(values)
    width = 8 * int(dtype[1])
    return draw(arrays(dtype, shape, elements=st.one_of(few, st.floats(0, 1, width=width))))


@st.composite
def problems(draw):
    """Labels and scores."""
    shape = draw(shapes)
    labels = draw(st.one_of(arrays(bool, shape), st.just(np.zeros(shape, bool))))
    return labels, draw(tables(shape))


def untied(shape):
    """Scores that are all different."""
    count = shape[0] * shape[1]
    return st.permutations(range(count)).map(lambda p: np.array(p, float).reshape(shape))


@st.composite
def weights(draw, n_videos, values=(0.0, 1e-150, 0.3, 1.0, 2.0, 1e150)):
    """Weights, at least one of them above zero."""
    drawn = np.array(draw(st.lists(st.sampled_from(values), min_size=n_videos, max_size=n_videos)))
    assume(drawn.any())
    return drawn


def same(got, expected, tolerance=1e-12):
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance)


def ranks(y_score):
    return np.unique(y_score, return_inverse=True)[1].reshape(y_score.shape)


@given(problems(), st.data())
def test_score_of_any_input_equals_its_definition(problem, data):
    y_true, y_score = problem
    weight = data.draw(st.one_of(st.none(), weights(len(y_true))))
    call = data.draw(scored())
    oracle, options = Oracle(y_true, y_score, weight), call.options
    expected = {
        gap_score: lambda: oracle.gap(options["top_k"]),
        map_score: lambda: oracle.map(options["top_k"], options["empty_classes"]),
        perr_score: lambda: oracle.perr(options["empty_videos"], False),
        hit_at_1_score: lambda: oracle.hit_at_1(options["empty_videos"]),
    }[call.score]()
    got = call(y_true, y_score, weight)
    assert type(got) is float
    assert np.isnan(got) or 0 <= got <= 1 + 1e-15
    same(got, expected)


@given(problems(), st.sampled_from(["zero", "skip"]))
def test_perr_of_positive_scores_only_equals_its_definition(problem, empty):
    y_true, y_score = problem
    got = perr_score(y_true, y_score, empty_videos=empty, positive_scores_only=True)
    same(got, Oracle(y_true, y_score, None).perr(empty, True))
    assert not got > perr_score(y_true, y_score, empty_videos=empty)


@given(problems(), scored(), st.data())
def test_score_of_permuted_videos_is_equal(problem, score, data):
    y_true, y_score = problem
    order = data.draw(st.permutations(range(len(y_true))))
    weight = data.draw(weights(len(y_true), (0.0, 0.5, 3.0)))
    same(score(y_true[order], y_score[order], weight[order]), score(y_true, y_score, weight))


@given(shapes, scored(), st.data())
def test_score_of_permuted_labels_without_ties_is_equal(shape, score, data):
    y_true, y_score = data.draw(arrays(bool, shape)), data.draw(untied(shape))
    order = data.draw(st.permutations(range(shape[1])))
    same(score(y_true[:, order], y_score[:, order]), score(y_true, y_score))


@given(problems(), st.data())
def test_gap_and_map_of_permuted_labels_with_ties_are_equal(problem, data):
    y_true, y_score = problem
    order = data.draw(st.permutations(range(y_true.shape[1])))
    for score in (gap_score, map_score):
        got = score(y_true[:, order], y_score[:, order], top_k=None)
        same(got, score(y_true, y_score, top_k=None))


@given(problems(), scored(), st.data())
def test_score_of_other_increasing_scores_is_equal(problem, score, data):
    y_true, y_score = problem
    place = ranks(y_score)
    values = st.floats(allow_nan=False).filter(lambda value: value != 0 or np.signbit(value) == 0)
    count = int(place.max()) + 1
    ascending = np.sort(data.draw(st.lists(values, min_size=count, max_size=count, unique=True)))
    for other in (ascending[place], place):
        np.testing.assert_equal(score(y_true, other), score(y_true, y_score))


@given(problems(), st.data())
def test_score_of_rescaled_videos_or_labels_is_equal(problem, data):
    y_true, y_score = problem
    place = ranks(y_score)
    shift = data.draw(arrays(int, y_true.shape[0], elements=st.integers(-99, 99)))[:, None]
    factor = data.draw(arrays(int, y_true.shape[0], elements=st.integers(1, 9)))[:, None]
    for score in (perr_score, hit_at_1_score):  # compare labels of one video only
        assert score(y_true, place * factor + shift) == score(y_true, y_score)
    shift = data.draw(arrays(int, y_true.shape[1], elements=st.integers(-99, 99)))
    # And MAP compares videos of one label only.
    np.testing.assert_equal(map_score(y_true, place + shift), map_score(y_true, y_score))


@given(problems(), scored(), st.data())
def test_score_with_integer_weights_equals_copies(problem, score, data):
    y_true, y_score = problem
    times = data.draw(weights(len(y_true), (0, 1, 2, 5)))
    copies = np.repeat(y_true, times, axis=0), np.repeat(y_score, times, axis=0)
    same(score(y_true, y_score, times), score(*copies))


@given(problems(), scored(), st.data())
def test_score_with_scaled_weights_is_unchanged(problem, score, data):
    y_true, y_score = problem
    weight = data.draw(weights(len(y_true), (0.0, 0.25, 1.0, 3.0)))
    for unit in (2.0**-1072, 2.0**-600, 2.0**1021):
        np.testing.assert_equal(
            score(y_true, y_score, weight * unit), score(y_true, y_score, weight)
        )
    ones = np.full(len(y_true), data.draw(st.floats(5e-324, 1e308)))
    same(score(y_true, y_score, ones), score(y_true, y_score))


@given(problems(), scored(), st.integers(2, 3))
def test_score_of_repeated_videos_is_equal(problem, score, times):
    y_true, y_score = (np.tile(table, (times, 1)) for table in problem)
    same(score(y_true, y_score), score(*problem))


@given(problems(), scored())
def test_score_of_the_labels_themselves_is_one(problem, score):
    y_true, _ = problem
    top_k = score.options.get("top_k")
    assume(top_k is None or y_true.sum(axis=1).max() <= top_k)
    has_label = y_true.any(axis=0).all() and y_true.any(axis=1).all()
    if has_label or ("skip" in score.options.values() and y_true.any()):
        assert score(y_true, y_true) == 1
    elif score.score is gap_score:
        assert score(y_true, y_true) == (1 if y_true.any() else 0)


@given(shapes, st.data(), st.sampled_from([0.0, -np.inf, 5e-324, 1e308]))
def test_score_of_constant_scores_is_the_share_of_true_labels(shape, data, value):
    y_true, y_score = data.draw(arrays(bool, shape)), np.full(shape, value)
    same(gap_score(y_true, y_score, top_k=None), y_true.mean())
    share = y_true.mean(axis=0)
    same(map_score(y_true, y_score), share[share > 0].mean() if share.any() else np.nan)
    same(hit_at_1_score(y_true, y_score), y_true[:, 0].mean())
    first = [row[: row.sum()].mean() if row.any() else 0 for row in y_true]
    same(perr_score(y_true, y_score), np.mean(first))


@given(problems(), st.data())
def test_gap_and_map_of_all_labels_equal_scikit_learn(problem, data):
    y_true, y_score = problem
    y_score = ranks(y_score)  # scikit-learn refuses infinite scores
    weight = data.draw(st.one_of(st.none(), weights(len(y_true), (0.5, 1.0, 3.0))))
    kept = y_true.any(axis=0)
    assume(kept.any())
    given = {"sample_weight": weight}
    same(
        gap_score(y_true, y_score, top_k=None, **given),
        average_precision_score(y_true, y_score, average="micro", **given),
    )
    of_classes = [
        average_precision_score(y_true[:, label], y_score[:, label], **given)
        for label in np.flatnonzero(kept)
    ]
    same(map_score(y_true, y_score, **given), np.mean(of_classes))


def read_only(table):
    table = table.copy()
    table.setflags(write=False)
    return table


FORMS = {
    "list": np.ndarray.tolist,
    "read-only": read_only,
    "object": lambda table: table.astype(object),
    "big-endian": lambda table: table.astype(table.dtype.newbyteorder(">")),
    "Fortran": np.asfortranarray,
    "every other": lambda table: np.repeat(table, 2, axis=1)[:, ::2],
    "backwards": lambda table: table[::-1].copy()[::-1],
    "masked, nothing hidden": np.ma.masked_array,
    "unaligned": lambda table: np.frombuffer(
        b"0" + table.tobytes(), table.dtype, table.size, 1
    ).reshape(table.shape),
}
LABEL_FORMS = FORMS | {
    "csr": sp.csr_array, "csc": sp.csc_matrix, "coo": sp.coo_array, "lil": sp.lil_array,
    "dok": sp.dok_array, "bsr": sp.bsr_array, "float": lambda table: table.astype("f4"),
    "int": lambda table: table.astype("i1"),
}  # fmt: skip


@given(problems(), scored(), st.sampled_from(list(FORMS)), st.sampled_from(list(LABEL_FORMS)))
def test_score_of_any_format_is_equal(problem, score, form, label_form):
    y_true, y_score = problem
    y_score = y_score.astype("f8") if form in ("list", "object") else y_score
    weight = np.arange(1, len(y_true) + 1)
    got = score(LABEL_FORMS[label_form](y_true), FORMS[form](y_score), FORMS["object"](weight))
    np.testing.assert_equal(got, score(y_true, y_score, weight))


@given(problems(), st.data())
def test_report_by_level_equals_the_scores_of_its_columns_and_videos(problem, data):
    y_true, y_score = problem
    levels = data.draw(arrays(int, y_true.shape[1], elements=st.integers(0, 3)))
    top_k = data.draw(st.sampled_from([None, 1, 2, 20]))
    rows = data.draw(st.sampled_from(["either", "truth", "all"]))
    threshold = data.draw(st.sampled_from([0.5, 0.0, 1e300, -np.inf]))
    weight = data.draw(st.one_of(st.none(), weights(len(y_true), (0.5, 1.0, 3.0))))
    report = hierarchy_report(
        y_true, y_score, levels, top_k=top_k, rows=rows, threshold=threshold, sample_weight=weight
    )
    assert report.rows == ("overall", *(f"level {level}" for level in np.unique(levels)))
    limit = threshold
    if y_score.dtype.kind == "f" and y_score.dtype.itemsize < 8 and threshold > 1e299:
        limit = np.inf
    for row, name in enumerate(report.rows):
        own = slice(None) if row == 0 else levels == int(name.split()[1])
        truth, scores = y_true[:, own], y_score[:, own]
        kept = truth.any(axis=1) | (rows == "all" or row == 0)
        if rows == "either":
            kept |= (scores.astype(float) > limit).any(axis=1)
        assert report.n_videos[row] == kept.sum()
        assert report.n_labels[row] == truth.shape[1]
        got = [getattr(report, score)[row] for score in NAMES]
        if not kept.any():
            assert np.isnan(got).all()
            continue
        oracle = Oracle(truth[kept], scores[kept], None if weight is None else weight[kept])
        expected = [oracle.gap(top_k), oracle.map(None, "skip")]
        same(got, [*expected, oracle.perr("zero", False), oracle.hit_at_1("zero")])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_top_k_of_small_numpy_integers_is_accepted(dtype):
    rng = np.random.default_rng(0)
    y_true, y_score = rng.random((9, 400)) < 0.4, rng.random((9, 400))
    for score in (gap_score, map_score):
        assert score(y_true, y_score, top_k=dtype(127)) == score(y_true, y_score, top_k=127)
    report = hierarchy_report(y_true, y_score, [0] * 400, top_k=dtype(127))
    assert report.gap[0] == gap_score(y_true, y_score, top_k=127)
