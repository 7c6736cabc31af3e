"""Comparisons with intervals, against SciPy and against a plain bootstrap."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.sparse import csr_array

from sk_crossmodal import LabelHierarchy
from sk_crossmodal.inspection import compare_predictions, compare_report
from sk_crossmodal.metrics import draw_weights, hierarchy_report, prepare, resampled_scores

TREE = LabelHierarchy.from_paths(["a:b", "a:c", "d:e", "d:f", "g"])
SCORES = ("gap", "map", "perr", "hit_at_1")


def predictions(seed, n=40, hierarchy=TREE, ties=True, noises=(1.0, 0.6)):
    """Labels with their ancestors, and the scores of two models; rounding makes ties."""
    rng = np.random.RandomState(seed)
    y = (rng.rand(n, len(hierarchy)) < 0.15).astype(int)
    y = (y @ hierarchy.closure_matrix().toarray() > 0).astype(int)
    made = {}
    for name, noise in zip(("late", "concat"), noises, strict=True):
        scores = np.clip(0.2 + 0.5 * y + noise * rng.randn(*y.shape), 0, 1)
        made[name] = np.round(scores, 1) if ties else scores
    return y, made


def reports(n_runs, seed=0):
    runs = [predictions(seed + run) for run in range(n_runs)]
    return {
        name: [hierarchy_report(y, made[name], TREE) for y, made in runs]
        for name in ("late", "concat")
    }


# Resamples ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["either", "truth", "all"])
@pytest.mark.parametrize("top_k", [1, 3, 20, None])
@pytest.mark.parametrize("ties", [True, False])
def test_resampled_scores_equal_scores_with_weights(rows, top_k, ties):
    y, made = predictions(3, n=30, ties=ties)
    y[:4] = 0  # videos without labels
    options = {"rows": rows, "top_k": top_k, "threshold": 0.55}
    drawn = draw_weights(len(y), 12, 0)
    drawn[:, 0] = np.arange(len(y)) == 1  # some resamples are empty
    columns = [None, *(np.flatnonzero(TREE.levels == level) for level in range(2))]
    found = resampled_scores(prepare(y, made["late"]), columns, SCORES, drawn, **options)
    for resample, weight in enumerate(drawn.T):
        wanted = hierarchy_report(y, made["late"], TREE, sample_weight=weight, **options)
        for score in SCORES:
            assert_allclose(found[score][:, resample], getattr(wanted, score), err_msg=score)


def test_resamples_have_the_number_of_videos():
    drawn = draw_weights(50, 400, 1)
    assert_array_equal(drawn.sum(0), 50)
    assert drawn.mean(1) == pytest.approx(1, abs=0.3)
    assert drawn.var() == pytest.approx(1 - 1 / 50, abs=0.03)  # binomial
    assert_array_equal(drawn, draw_weights(50, 400, np.random.RandomState(1)))


# Predictions ----------------------------------------------------------------------------------


def brute_force(y, made, n_resamples, **options):
    """Ends (low, high) of both errors and of their difference, from resampled copies of videos."""
    rng, drawn = np.random.RandomState(0), {"late": [], "concat": []}
    for _ in range(n_resamples):
        rows = rng.randint(len(y), size=len(y))
        for name, scores in made.items():
            report = hierarchy_report(y[rows], scores[rows], TREE, **options)
            drawn[name].append([100 * (1 - getattr(report, score)) for score in SCORES])
    late, concat = (np.array(drawn[name]) for name in ("late", "concat"))
    return [
        np.percentile(each, [2.5, 97.5], axis=0) - each.mean(0)
        for each in (late, concat, concat - late)
    ]


@pytest.mark.parametrize("by_group", [False, True])
def test_compare_predictions_intervals_equal_those_of_copied_videos(by_group):
    y, made = predictions(5, n=60)
    report = compare_predictions(
        y, made, TREE, baseline="late", by_group=by_group, n_resamples=40, random_state=0
    )
    late, concat, apart = brute_force(y, made, 40, by_group=by_group)
    plain = {name: hierarchy_report(y, s, TREE, by_group=by_group) for name, s in made.items()}
    assert report.rows == plain["late"].rows
    assert report.models == ("late", "concat")
    for i, score in enumerate(SCORES):
        errors = {name: 100 * (1 - getattr(of, score)) for name, of in plain.items()}
        difference = errors["concat"] - errors["late"]
        assert_allclose(report.difference[score][:, 1], difference)
        assert_array_equal(report.difference[score][:, 0], 0)
        for column, (name, ends) in enumerate(zip(errors, (late, concat), strict=True)):
            assert_allclose(report.mean[score][:, column], errors[name])
            assert_allclose(report.low[score][:, column], errors[name] + ends[0, i])
            assert_allclose(report.high[score][:, column], errors[name] + ends[1, i])
        assert_allclose(report.difference_low[score][:, 1], difference + apart[0, i])
        assert_allclose(report.difference_high[score][:, 1], difference + apart[1, i])
    for column, of in enumerate(plain.values()):
        assert_array_equal(report.n_videos[:, column], of.n_videos)


def test_compare_predictions_accepts_all_forms_of_y():
    y, made = predictions(1)
    sets = [[TREE.nodes[i] for i in np.flatnonzero(row)] for row in y]
    tables = {
        str(compare_predictions(form, made, TREE, baseline="late", n_resamples=20))
        for form in (y, y.tolist(), csr_array(y), sets)
    }
    assert len(tables) == 1
    levels = compare_predictions(y, made, TREE.levels, baseline="late", n_resamples=20)
    assert str(levels) in tables


def test_compare_predictions_pairs_differences():
    y, made = predictions(0, n=200)
    made = {"late": made["late"], "nearly": np.clip(made["late"] + 0.02 * y, 0, 1)}
    report = compare_predictions(y, made, TREE, baseline="late", n_resamples=100)
    width = report.high["gap"] - report.low["gap"]
    paired = report.difference_high["gap"] - report.difference_low["gap"]
    assert (paired[:, 1] < 0.6 * width[:, 1]).all()


def test_compare_predictions_random_state_and_no_resamples():
    y, made = predictions(0)
    same = [compare_predictions(y, made, TREE, n_resamples=30, random_state=s) for s in (1, 1, 2)]
    assert_array_equal(same[0].low["gap"], same[1].low["gap"])
    assert (same[0].low["gap"] != same[2].low["gap"]).any()
    none = compare_predictions(y, made, TREE, baseline="late", n_resamples=0)
    assert none.low is None
    assert none.difference_low is None
    assert_allclose(none.difference["map"], none.mean["map"] - none.mean["map"][:, :1])
    assert "[" not in str(none)
    assert "*" not in str(none)


def test_intervals_contain_their_estimate():
    """All resamples of one video agree, except for the rounding of their mean."""
    y, made = predictions(0)
    for row in range(len(y)):
        few = {name: scores[[row]] for name, scores in made.items()}
        found = compare_predictions(y[[row]], few, TREE, baseline="late", n_resamples=30)
        for s in SCORES:
            for low, middle, high in (
                (found.low, found.mean, found.high),
                (found.difference_low, found.difference, found.difference_high),
            ):
                known = ~np.isnan(middle[s])
                assert (low[s] <= middle[s])[known].all()
                assert (middle[s] <= high[s])[known].all()


def test_compare_predictions_level_without_videos_is_nan():
    y, made = np.array([[1, 0], [1, 0]]), {"a": [[0.9, 0.1], [0.8, 0.1]]}
    report = compare_predictions(y, made, [0, 1], n_resamples=10)
    assert np.isnan(report.low["gap"][2]).all()
    assert re.search(r"level 1 +-$", str(report), flags=re.MULTILINE)


# Runs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_runs", [3, 5])
def test_compare_report_intervals_equal_those_of_scipy(n_runs):
    runs = reports(n_runs)
    report = compare_report(runs, baseline="late")
    for score in SCORES:
        late, concat = (
            np.array([100 * (1 - getattr(run, score)) for run in runs[name]])
            for name in ("late", "concat")
        )
        for column, errors in enumerate((late, concat)):
            interval = stats.ttest_1samp(errors, 0).confidence_interval(0.95)
            assert_allclose(report.low[score][:, column], interval.low)
            assert_allclose(report.high[score][:, column], interval.high)
        paired = stats.ttest_rel(concat, late).confidence_interval(0.95)
        assert_allclose(report.difference_low[score][:, 1], paired.low)
        assert_allclose(report.difference_high[score][:, 1], paired.high)
        # A star marks the differences that the test finds significant.
        significant = stats.ttest_rel(concat, late).pvalue < 0.05
        cells = re.findall(r"\[[^]]*\]([* ])", str(report))
        stars = np.array(cells).reshape(len(SCORES), -1)[SCORES.index(score)] == "*"
        assert_array_equal(stars, significant)


def test_compare_report_of_single_runs_has_no_intervals():
    report = compare_report(reports(1), baseline="concat")
    assert report.low is None
    assert report.difference_low is None
    assert_allclose(report.difference["gap"][:, 1], 0)
    assert "difference to concat" in str(report)


def test_compare_report_without_baseline_has_no_differences():
    report = compare_report(reports(3))
    assert report.difference is None
    assert report.baseline is None
    assert "difference" not in str(report)
    assert report.basis == "Student's t over 3 runs"


def test_compare_report_of_unequal_runs_with_baseline_raises():
    runs = reports(3)
    runs["late"] = runs["late"][:2]
    unpaired = compare_report(runs)
    assert np.isfinite(unpaired.low["gap"]).all()
    with pytest.raises(ValueError, match=r"same runs .*\{'late': 2, 'concat': 3\}"):
        compare_report(runs, baseline="late")


# Text, HTML and frames ------------------------------------------------------------------------


class Cells(HTMLParser):
    """Text of every cell, and the tags that are still open."""

    def __init__(self):
        super().__init__()
        self.open, self.cells = [], []

    def handle_starttag(self, tag, attrs):
        if tag in ("td", "th"):
            self.cells.append("")
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.cells[-1] += data


def test_comparison_to_html_escapes_names():
    y, made = predictions(2)
    made = {"late": made["late"], "<b>&": made["concat"]}
    report = compare_predictions(y, made, TREE, baseline="late", n_resamples=30)
    page = report._repr_html_()
    assert page == report.to_html()
    assert "<b>" not in page
    parser = Cells()
    parser.feed(page)
    assert not parser.open
    assert parser.cells.count("<b>&") == 1
    numbers = [cell for cell in parser.cells if "[" in cell]
    assert len(numbers) == len(SCORES) * len(report.rows) * 2
    low, high = report.low["gap"][0, 0], report.high["gap"][0, 0]
    assert numbers[0] == f"{report.mean['gap'][0, 0]:.2f} [{low:.2f}, {high:.2f}]"
    assert f"{report.difference['gap'][0, 1]:+.2f}" in numbers[1]


def test_comparison_to_frame_has_intervals():
    report = compare_report(reports(4), baseline="late")
    frame = report.to_frame(intervals=True)
    assert frame.loc[("MAP", "level 1"), ("concat", "difference_low")] == pytest.approx(
        report.difference_low["map"][2, 1]
    )
    names = ["mean", "std", "low", "high", "difference", "difference_low", "difference_high"]
    assert list(frame.columns) == [(model, name) for model in report.models for name in names]
    plain = compare_report(reports(1)).to_frame(intervals=True)
    assert list(plain.columns) == [(m, n) for m in report.models for n in ("mean", "std")]
