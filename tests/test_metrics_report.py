"""Reports by level and by group equal the scores of their columns and videos."""

import json
import re
import tracemalloc
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import scipy.sparse as sp

from sk_crossmodal.hierarchy import LabelHierarchy
from sk_crossmodal.metrics import (
    _inputs,
    gap_score,
    hierarchy_report,
    hit_at_1_score,
    map_score,
    perr_score,
)


class Forest:
    """A substitute for a LabelHierarchy: two roots, one label under both, unordered columns.

    animal -> cat, dog; home -> lamp, dog; cat -> kitten.
    """

    nodes = ("kitten", "animal", "dog", "home", "cat", "lamp")
    display_names = ("Kitten", "Animal", "Dog", "Home", "Cat", "Lamp")
    levels = np.array([2, 0, 1, 0, 1, 1])
    roots = ("animal", "home")

    def root_matrix(self):
        members = [[1, 0], [1, 0], [1, 1], [0, 1], [1, 0], [0, 1]]
        return sp.csr_array(np.array(members, bool))


GROUPS = {"Animal": [0, 1, 2, 4], "Home": [2, 3, 5]}


def make(seed=0, n_videos=80):
    rng = np.random.default_rng(seed)
    y_true = rng.random((n_videos, 6)) < 0.15
    return y_true, np.clip(0.6 * rng.random(y_true.shape) + 0.4 * y_true, 0, 1)


def kept(y_true, y_score, rows, threshold):
    """Whether each video counts."""
    return [
        rows == "all" or any(truth) or (rows == "either" and max(scores) > threshold)
        for truth, scores in zip(y_true, y_score, strict=True)
    ]


def by_hand(y_true, y_score, weight, top_k):
    weight = {"sample_weight": weight}
    return (
        gap_score(y_true, y_score, top_k=top_k, **weight),
        map_score(y_true, y_score, **weight),
        perr_score(y_true, y_score, **weight),
        hit_at_1_score(y_true, y_score, **weight),
    )


def assert_row(report, row, columns, problem, rows, threshold, top_k):
    y_true, y_score, weight = problem
    y_true, y_score = y_true[:, columns], y_score[:, columns]
    keep = np.array(kept(y_true, y_score, rows, threshold)) & (weight > 0)
    assert report.n_videos[row] == keep.sum()
    assert report.n_labels[row] == len(columns)
    got = [getattr(report, name)[row] for name in ("gap", "map", "perr", "hit_at_1")]
    expected = by_hand(y_true[keep], y_score[keep], weight[keep], top_k)
    assert got == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("rows", ["either", "truth", "all"])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.55])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("top_k", [2, 20, None])
def test_report_by_level_or_group_equals_the_scores_of_its_columns(
    rows, threshold, weighted, top_k
):
    y_true, y_score = make()
    weight = np.random.default_rng(1).integers(0, 3, len(y_true)) if weighted else None
    options = {"rows": rows, "threshold": threshold, "top_k": top_k, "sample_weight": weight}
    problem = y_true, y_score, np.ones(len(y_true)) if weight is None else weight

    report = hierarchy_report(y_true, y_score, Forest(), **options)
    assert report.rows == ("overall", "level 0", "level 1", "level 2")
    assert_row(report, 0, range(6), problem, "all", threshold, top_k)
    for level in range(3):
        columns = np.flatnonzero(Forest.levels == level)
        assert_row(report, level + 1, columns, problem, rows, threshold, top_k)

    report = hierarchy_report(y_true, y_score, Forest(), by_group=True, **options)
    assert report.rows == tuple(GROUPS)
    for row, columns in enumerate(GROUPS.values()):
        assert_row(report, row, columns, problem, rows, threshold, top_k)


def test_report_with_other_rows_counts_other_videos():
    y_true, y_score = make()
    numbers = {
        rows: hierarchy_report(y_true, y_score, Forest(), rows=rows).n_videos[1:]
        for rows in ("truth", "either", "all")
    }
    assert (numbers["truth"] < numbers["either"]).all()
    assert (numbers["either"] < numbers["all"]).all()


def test_report_score_at_the_threshold_is_not_a_prediction():
    report = hierarchy_report([[0, 1], [1, 0]], [[0.5, 0.9], [0.2, 0.6]], [0, 1])
    assert report.n_videos.tolist() == [2, 1, 2]


def test_report_threshold_is_rounded_like_the_scores():
    y_true, y_score = np.zeros((1, 2)), np.array([[0.1, 0.0]])
    for table in (y_score, y_score.astype("f4"), y_score.astype("f2")):
        for threshold in (0.1, np.float64(0.1)):
            assert hierarchy_report(y_true, table, [0, 1], threshold=threshold).n_videos[1] == 0
    assert hierarchy_report(y_true, y_score, [0, 1], threshold=0.09).n_videos[1] == 1
    beyond = hierarchy_report(y_true, y_score.astype("f4"), [0, 1], threshold=1e300)
    assert beyond.n_videos[1] == 0


def test_report_with_a_heavy_video_outside_a_level_is_exact():
    # Of five videos only the last one, which is very heavy, has no label at level 1.
    y_true = np.array([[1, 1], [1, 1], [1, 1], [1, 1], [1, 0]])
    y_score = np.array([[0.9, 0.4], [0.8, 0.3], [0.7, 0.2], [0.6, 0.1], [0.5, 0.45]])
    weight = [1, 1, 1, 1, 1e20]
    report = hierarchy_report(y_true, y_score, [0, 1], rows="truth", sample_weight=weight)
    assert report.map[1] == report.gap[1] == 1


def test_report_with_top_k_none_pools_all_labels():
    rng = np.random.default_rng(2)
    y_true, y_score = rng.random((30, 60)) < 0.2, rng.random((30, 60))
    levels = np.arange(60) % 2
    usual, twenty, more = (
        hierarchy_report(y_true, y_score, levels, **options).gap.tolist()
        for options in ({}, {"top_k": 20}, {"top_k": 21})
    )
    assert usual == twenty != more
    report = hierarchy_report(y_true, y_score, levels, top_k=None, rows="all")
    expected = [gap_score(y_true, y_score, top_k=None)]
    for level in range(2):
        part = np.s_[:, level::2]
        expected.append(gap_score(y_true[part], y_score[part], top_k=None))
        assert expected[-1] != gap_score(y_true[part], y_score[part])
    assert report.gap.tolist() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_report_of_repeated_videos_changes_only_their_number(weighted):
    y_true, y_score = make()
    weight = np.arange(len(y_true)) % 3 if weighted else np.ones(len(y_true))
    once = hierarchy_report(y_true, y_score, Forest(), sample_weight=weight)
    tall = (np.tile(y_true, (50, 1)), np.tile(y_score, (50, 1)))
    many = hierarchy_report(*tall, Forest(), sample_weight=np.tile(weight, 50))
    np.testing.assert_array_equal(many.n_videos, 50 * once.n_videos)
    for name in ("gap", "map", "perr", "hit_at_1"):
        np.testing.assert_allclose(getattr(many, name), getattr(once, name), atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ties", [False, True])
def test_report_with_small_blocks_is_equal(weighted, ties, monkeypatch):
    y_true, y_score = make(n_videos=1500)
    y_score = np.round(y_score, 1) if ties else y_score
    weight = np.arange(len(y_true)) % 3 if weighted else None
    options = {"sample_weight": weight, "top_k": 2, "threshold": 0.6}
    reports = [
        hierarchy_report(y_true, y_score, Forest(), by_group=by_group, **options).to_dict()
        for by_group in (False, True)
    ]
    monkeypatch.setattr(_inputs, "ROW_BLOCK", 100)
    monkeypatch.setattr(_inputs, "COLUMN_BLOCK", 3 * 8 * 1500)
    monkeypatch.setattr(_inputs, "TRANSPOSED_ROWS", 7)
    for by_group, expected in enumerate(reports):
        got = hierarchy_report(y_true, y_score, Forest(), by_group=bool(by_group), **options)
        assert got.to_dict() == expected


def test_report_memory_is_a_fraction_of_the_scores(monkeypatch):
    monkeypatch.setattr(_inputs, "COLUMN_BLOCK", 2**21)
    monkeypatch.setattr(_inputs, "ROW_BLOCK", 2**18)
    rng = np.random.default_rng(0)
    y_true = sp.csr_array((rng.random((20_000, 300)) < 0.01).astype(np.int64))
    y_score = rng.random(y_true.shape, dtype=np.float32)
    tracemalloc.start()
    hierarchy_report(y_true, y_score, np.arange(300) % 4, top_k=5)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.6 * y_score.nbytes


def test_report_with_levels_equals_the_one_with_a_hierarchy():
    y_true, y_score = make()
    expected = hierarchy_report(y_true, y_score, Forest()).to_dict()
    for levels in (Forest.levels, Forest.levels.tolist(), Forest.levels.astype(np.uint8)):
        assert hierarchy_report(y_true, y_score, levels).to_dict() == expected
    sparse = hierarchy_report(sp.csc_array(y_true), y_score, Forest())
    assert sparse.to_dict() == expected


def test_report_of_a_level_without_labels_has_no_row():
    y_true, y_score = make()
    report = hierarchy_report(y_true[:, :3], y_score[:, :3], [0, 3, 3])
    assert report.rows == ("overall", "level 0", "level 3")


@pytest.mark.parametrize("own", [[0, 3], [0, 2], [1, 2], [0, 1, 3], [0, 2, 3], [3], [0, 4]])
def test_report_of_a_level_with_scattered_columns_is_right(own):
    rng = np.random.default_rng(4)
    y_true, y_score = rng.random((20, 5)) < 0.5, rng.random((20, 5))
    levels = np.zeros(5, int)
    levels[own] = 1
    report = hierarchy_report(y_true, y_score, levels, rows="all", top_k=1)
    assert report.gap[2] == pytest.approx(gap_score(y_true[:, own], y_score[:, own], top_k=1))
    assert report.perr[2] == pytest.approx(perr_score(y_true[:, own], y_score[:, own]))


def test_report_of_a_root_without_a_label_shows_its_node():
    class Rootless(Forest):
        roots = ("animal", ("some", "where"))

    y_true, y_score = make()
    report = hierarchy_report(y_true, y_score, Rootless(), by_group=True)
    assert report.rows == ("Animal", "('some', 'where')")


def test_report_by_group_of_any_root_matrix_format_is_equal_and_keeps_it():
    members = sp.csc_array(np.ones((6, 2)) * Forest().root_matrix().toarray())
    padded = sp.csc_array(np.ones((6, 2)))
    padded.data[:] = members.toarray().T.ravel()
    padded.indices[:6] = padded.indices[:6][::-1].copy()
    padded.data[:6] = padded.data[:6][::-1].copy()
    padded.has_sorted_indices = False
    before = padded.data.tolist(), padded.indices.tolist(), padded.indptr.tolist()

    class Stored(Forest):
        def root_matrix(self):
            return padded

    y_true, y_score = make()
    y_score = np.round(y_score, 1)  # of tied labels the first counts
    report = hierarchy_report(y_true, y_score, Stored(), by_group=True)
    assert report.to_dict() == hierarchy_report(y_true, y_score, Forest(), by_group=True).to_dict()
    assert (padded.data.tolist(), padded.indices.tolist(), padded.indptr.tolist()) == before


def test_report_of_one_group_has_one_row():
    class Alone(Forest):
        roots = ("animal",)

        def root_matrix(self):
            return sp.csr_array(np.ones((6, 1), bool))

    y_true, y_score = make()
    report = hierarchy_report(y_true, y_score, Alone(), by_group=True)
    assert report.rows == ("Animal",)
    assert report.n_labels.tolist() == [6]


def test_report_row_without_videos_is_nan():
    y_true, y_score = [[1, 0], [1, 0]], [[0.9, 0.1], [0.8, 0.2]]
    report = hierarchy_report(y_true, y_score, [0, 1])
    assert report.n_videos.tolist() == [2, 2, 0]
    for name in ("gap", "map", "perr", "hit_at_1"):
        assert np.isnan(getattr(report, name)).tolist() == [False, False, True]
    assert str(report).splitlines()[-1].split() == ["level", "1", "0", "1", "-", "-", "-", "-"]


def test_report_group_without_labels_is_nan():
    class Empty(Forest):
        def root_matrix(self):
            return sp.csr_array(np.array([[True, False]] * 6))

    y_true, y_score = make()
    for rows in ("either", "truth"):
        report = hierarchy_report(y_true, y_score, Empty(), by_group=True, rows=rows)
        assert report.n_videos[1] == report.n_labels[1] == 0
        assert np.isnan(report.gap[1])


def test_report_of_logits_with_threshold_zero_is_equal():
    y_true, y_score = make()
    y_score = np.clip(y_score, 1e-6, 1 - 1e-6)
    logits = np.log(y_score / (1 - y_score))
    one = hierarchy_report(y_true, y_score, Forest()).to_dict()
    two = hierarchy_report(y_true, logits, Forest(), threshold=0.0).to_dict()
    assert one == two


def test_report_printed_shows_error_rates_in_percent():
    y_true = [[1, 1, 0], [1, 0, 0]]
    y_score = [[0.9, 0.6, 0.7], [0.8, 0.2, 0.1]]
    lines = str(hierarchy_report(y_true, y_score, [0, 1, 1])).splitlines()
    assert lines[0] == "error rates in percent, 100 * (1 - score); lower is better"
    assert lines[1].split() == ["videos", "labels", "GAP", "MAP", "PERR", "Hit@1"]
    assert lines[2].split() == ["overall", "2", "3", "8.33", "0.00", "25.00", "0.00"]
    assert lines[3].split() == ["level", "0", "2", "1", "0.00", "0.00", "0.00", "0.00"]
    assert lines[4].split() == ["level", "1", "1", "2", "50.00", "0.00", "100.00", "100.00"]
    assert len({len(line) for line in lines[1:]}) == 1


def test_report_as_dict_and_frame_has_all_columns():
    pd = pytest.importorskip("pandas")
    y_true, y_score = make()
    report = hierarchy_report(y_true, y_score, Forest())
    plain = report.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    names = ["n_videos", "n_labels", "gap", "map", "perr", "hit_at_1"]
    assert list(plain) == ["rows", *names]
    frame = report.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == names
    assert tuple(frame.index) == report.rows
    np.testing.assert_array_equal(frame["gap"], report.gap)
    assert frame.loc["level 1", "n_videos"] == report.n_videos[2]


def test_report_assignment_raises():
    report = hierarchy_report(*make(), Forest())
    with pytest.raises(FrozenInstanceError):
        report.gap = None
    with pytest.raises(ValueError, match="read-only"):
        report.gap[0] = 1.0


def test_report_as_html_escapes_names():
    tree = LabelHierarchy({"<i>a</i>": [], "b & c": []})
    report = hierarchy_report([["<i>a</i>"], ["b & c"]], np.eye(2), tree, by_group=True)
    html = report.to_html()
    assert html == report._repr_html_()
    assert "<i>" not in html
    assert "b &amp; c" in html
    cells = re.findall(r"<td>([^<]*)</td>", html)
    assert cells == ["1", "1", "0.00", "0.00", "0.00", "0.00"] * 2
