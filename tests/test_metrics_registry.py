"""Scores that are added to `SCORES` appear in reports, scorers and resamples."""

import pickle

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import label_ranking_average_precision_score

from sk_crossmodal.metrics import (
    SCORES,
    HierarchyReport,
    Score,
    draw_weights,
    gap_score,
    hierarchy_report,
    hierarchy_scorers,
    prepare,
    resampled_scores,
)

LEVELS = [0, 0, 1, 1, 1]
BUILT_IN = ["gap", "map", "perr", "hit_at_1"]


def precision_at_2(y_true, y_score, sample_weight=None):
    best = np.argsort(-y_score, axis=1, kind="stable")[:, :2]
    hits = np.take_along_axis(y_true, best, axis=1)
    return np.average(hits.mean(axis=1), weights=sample_weight)


@pytest.fixture
def added(monkeypatch):
    monkeypatch.setattr(SCORES, "_parts", dict(SCORES._parts))
    SCORES.register("precision_at_2", Score("P@2", precision_at_2, "Precision at 2."))
    SCORES.register("lrap", Score("LRAP", label_ranking_average_precision_score))
    return ["precision_at_2", "lrap"]


def make(n_videos=40):
    rng = np.random.default_rng(0)
    y_true = (rng.random((n_videos, 5)) < 0.3).astype(int)
    return y_true, np.clip(0.5 * rng.random(y_true.shape) + 0.4 * y_true, 0, 1)


def test_registry_initially_has_the_four_scores_in_order():
    assert list(SCORES) == BUILT_IN
    assert [score.name for score in SCORES.values()] == BUILT_IN
    assert [score.heading for score in SCORES.values()] == ["GAP", "MAP", "PERR", "Hit@1"]
    assert all(score.description.startswith(score.heading) for score in SCORES.values())
    assert SCORES["gap"].compute is gap_score


def test_score_name_unregistered_is_the_heading():
    assert Score("P@2", precision_at_2).name == "P@2"


@pytest.mark.parametrize("rows", ["either", "truth", "all"])
@pytest.mark.parametrize("weighted", [False, True])
def test_report_with_an_added_score_has_its_column(added, rows, weighted):
    y_true, y_score = make()
    weight = np.arange(len(y_true)) % 4 / 4 if weighted else None
    report = hierarchy_report(y_true, y_score, LEVELS, rows=rows, sample_weight=weight)
    assert list(report.to_dict()) == ["rows", "n_videos", "n_labels", *BUILT_IN, *added]
    columns = np.array(LEVELS) == 1
    truth, scores = y_true[:, columns], y_score[:, columns]
    included = truth.any(axis=1) | (rows == "all")
    included |= (rows == "either") & (scores > 0.5).any(axis=1)
    included &= np.ones(len(y_true), bool) if weight is None else weight > 0
    for name, compute in zip(
        added, (precision_at_2, label_ranking_average_precision_score), strict=True
    ):
        kept = None if weight is None else weight[included]
        expected = compute(truth[included], scores[included], sample_weight=kept)
        assert getattr(report, name)[2] == pytest.approx(expected, abs=1e-12)
        assert report.to_dict()[name][2] == getattr(report, name)[2]


def test_report_with_an_added_score_shows_its_heading(added):
    report = hierarchy_report(*make(), LEVELS)
    headings = ["videos", "labels", "GAP", "MAP", "PERR", "Hit@1", "P@2", "LRAP"]
    assert str(report).splitlines()[1].split() == headings
    assert all(f">{heading}</th>" in report.to_html() for heading in headings)
    assert str(HierarchyReport(**vars(report))) == str(report)
    assert str(pickle.loads(pickle.dumps(report))) == str(report)


def test_report_after_its_score_is_gone_shows_the_name(added, monkeypatch):
    report = hierarchy_report(*make(), LEVELS)
    monkeypatch.setattr(SCORES, "_parts", {name: SCORES[name] for name in BUILT_IN})
    assert str(report).splitlines()[1].split()[-2:] == added


def test_report_with_an_added_score_without_videos_is_nan(added):
    y_true, y_score = make()
    report = hierarchy_report(y_true * [1, 1, 0, 0, 0], y_score, LEVELS, rows="truth")
    for name in added:
        assert np.isnan(getattr(report, name)).tolist() == [False, False, True]


def test_report_given_a_wrong_column_raises():
    columns = dict.fromkeys(["n_videos", "n_labels", *BUILT_IN], np.zeros(1))
    with pytest.raises(TypeError, match=r"other must be an array of 1 numbers, .* got list"):
        HierarchyReport(("overall",), **columns, other=[1.0])
    with pytest.raises(ValueError, match=r"other must be .*, got shape \(2,\)"):
        HierarchyReport(("overall",), **columns, other=np.zeros(2))


def test_scorers_with_an_added_score_equal_the_report(added):
    y_true, _ = make()
    X = np.zeros((len(y_true), 1))
    model = DummyClassifier().fit(X, y_true)
    y_score = np.tile(y_true.mean(axis=0), (len(X), 1))
    report = hierarchy_report(y_true, y_score, LEVELS)
    scorers = pickle.loads(pickle.dumps(hierarchy_scorers(LEVELS)))
    assert len(scorers) == 3 * 6
    for name in added:
        for row, suffix in enumerate(("", "_level_0", "_level_1")):
            got = scorers[name + suffix](model, X, y_true)
            assert got == pytest.approx(getattr(report, name)[row], abs=1e-12)


@pytest.mark.parametrize("rows", ["truth", "all"])
def test_resamples_of_an_added_score_equal_the_report_with_weights(added, rows):
    y_true, y_score = make(20)
    options = {"rows": rows, "top_k": 20, "threshold": 0.5}
    drawn = draw_weights(len(y_true), 9, 0)
    drawn[:, 0] = 0
    drawn[0, 0] = 3
    y_true[0] = 0
    columns = [None, np.arange(2), np.arange(2, 5)]
    found = resampled_scores(prepare(y_true, y_score), columns, SCORES, drawn, **options)
    assert list(found) == [*BUILT_IN, *added]
    for resample, weight in enumerate(drawn.T):
        report = hierarchy_report(y_true, y_score, LEVELS, sample_weight=weight, **options)
        for name, scores in found.items():
            expected = getattr(report, name)
            np.testing.assert_allclose(scores[:, resample], expected, atol=1e-12, err_msg=name)
